"""DuckDB, the embedded engine. An engine is four things: a dialect, `run(sql)`, `put(small table)` and `build(sql, path)`; and `view`s of files."""

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from arro3.core import Array, DataType
from arro3.core import Table as ArrowTable

_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

_WRITTEN = "FORMAT parquet, DICTIONARY_SIZE_LIMIT 4096"
"""How facts are written: a dictionary is not tried for long on columns that have as many values as rows. (What DuckDB 1.5 writes as lz4_raw, it
cannot always read.)"""


class DuckDB:
    """One DuckDB session over files; nothing is kept in it but views and small tables."""

    dialect = "duckdb"
    gone = (duckdb.IOException,)
    """What is raised where a file that was there is there no more."""

    def __init__(self, scratch: Path | None = None) -> None:
        config: dict[str, Any] = {}
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)
            config["temp_directory"] = str(scratch)
        self.connection = duckdb.connect(config=config)
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET preserve_insertion_order = false")
        # It knows a file by its path, second and size, and takes a fact that is dropped and built again at once for the one it knows.
        self.connection.execute("SET enable_external_file_cache = false")
        # DuckDB draws its bar on standard output, where only data may go.
        self.connection.execute("SET enable_progress_bar = false")
        self._tables: set[str] = set()
        """The names that are tables; all others are views."""

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql).fetchall()

    def columns(self, sql: str) -> list[str]:
        """The column names of a query."""
        return [column[0] for column in self.connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description or ()]

    def put(self, name: str, schema: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """A small table of Python rows, by Ibis type names."""
        if name not in self._tables:
            self.connection.execute(f"DROP VIEW IF EXISTS {name}")
            self._tables.add(name)
        if not rows:
            typed = ", ".join(f'"{column}" {_sql_type(kind)}' for column, kind in schema.items())
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} ({typed})")
            return
        turned = list(zip(*rows, strict=True))
        arrays: dict[str, Any] = {column: _array(list(cells), kind) for (column, kind), cells in zip(schema.items(), turned, strict=True)}
        self.connection.register("incoming", ArrowTable.from_pydict(arrays))
        casts = ", ".join(f'CAST("{column}" AS {_sql_type(kind)}) AS "{column}"' for column, kind in schema.items())
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {casts} FROM incoming")
        self.connection.unregister("incoming")

    def view(self, name: str, paths: Sequence[str], schema: dict[str, str]) -> None:
        """Parquet files under a name, cast to the schema (SQL types): columns a file lacks are null, no files are no rows."""
        self._no_table(name)
        if not paths:
            empty = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in schema.items())
            self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {empty} WHERE false")
            return
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        wanted = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in schema.items()) or "*"
        # A column that came later is in none of the oldest files: an empty row source supplies it.
        blank = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in schema.items())
        source = f"SELECT * FROM read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
        if schema:
            have = {row[0] for row in self.connection.execute(f"DESCRIBE {source}").fetchall()}
            if not set(schema) <= have:
                source = f"{source} UNION ALL BY NAME SELECT {blank} WHERE false"
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {wanted} FROM ({source})")

    def named(self, name: str, sql: str) -> None:
        """A query under a name."""
        self._no_table(name)
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS {sql}")

    def build(self, sql: str, path: Path, schema: dict[str, str]) -> None:
        """The result of a query as a Parquet file of that schema, built aside and renamed; of two builders of a path either's copy is right.

        Every column is cast: Ibis leaves out a cast it thinks needless, and a sum of BIGINT is wider than it thinks.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        target = str(aside).replace("'", "''")
        cast = ", ".join(f'CAST("{column}" AS {_sql_type(kind)}) AS "{column}"' for column, kind in schema.items())
        self.connection.execute(f"COPY (SELECT {cast} FROM ({sql})) TO '{target}' ({_WRITTEN})")
        aside.replace(path)

    def text(self, value: str) -> str:
        """A text as the engine's SQL writes it."""
        return "'" + value.replace("'", "''") + "'"

    def drop(self, path: Path) -> None:
        """Remove what `build` made, or the folder of files a cluster did."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def schema(self, paths: Sequence[str]) -> dict[str, str]:
        """Column names and Ibis type names of Parquet files."""
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        rows = self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet([{listed}], hive_partitioning=false)").fetchall()
        return {name: _ibis_type(kind) for name, kind, *_ in rows}

    def _no_table(self, name: str) -> None:
        if name in self._tables:
            self.connection.execute(f"DROP TABLE {name}")
            self._tables.remove(name)


def _sql_type(kind: str) -> str:
    return _TYPES.get(kind, kind.upper())


def _ibis_type(kind: str) -> str:
    plain = {sql: ibis for ibis, sql in _TYPES.items()}
    if kind in plain:
        return plain[kind]
    if kind.startswith("DECIMAL"):
        return kind.lower()
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return {"HUGEINT": "decimal(38,0)", "DOUBLE": "float64", "SMALLINT": "int16", "TINYINT": "int8", "UBIGINT": "uint64"}[kind]


def _array(cells: list[Any], kind: str) -> Array:
    if kind.startswith("int"):
        return Array([None if cell is None else int(cell) for cell in cells], DataType.int64())
    if kind == "boolean":
        return Array(cells, DataType.bool())
    # Everything else goes as text and is cast by the engine, exactly.
    return Array([None if cell is None else str(cell) for cell in cells], DataType.string())
