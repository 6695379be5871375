"""A cluster as the engine: Spark Connect, served by Apache Spark or by Sail. It reads the same ledger files and builds the same facts.

The cluster and this process must see the project folder under the same path (a shared disk). What is asked of it and what it
answers goes over the wire as Arrow.
"""

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fari.errors import FariError

_PORT = 15002
_PATIENCE = 10
_SENT_AT_ONCE = 20_000
"""Rows in one message of a small table; what is larger goes in several."""
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # `TIMESTAMP` in compiled SQL is an instant in UTC as the ledger keeps it, without a zone.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # An overflow or a value that does not fit is an error, never a silent null.
    "spark.sql.ansi.enabled": "true",
}
_TYPES = {
    "string": "STRING",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP_NTZ",
}
_LEDGER_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}
"""The ledger's standard SQL types that Spark calls otherwise."""
_PATTERN = "*?[]{}\\"
_EXACT = Context(prec=60)


@contextmanager
def _main_with_a_file() -> Iterator[None]:
    """Give a program without a file one for a moment: multiprocessing's children would be told to run it, were it kept.

    Such a program (`python -c`, a worker of a test runner) is taken by PySpark, as it is imported, for its own doctests, and ended.
    """
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = "<fari>"
    try:
        yield
    finally:
        del main.__file__


class SparkConnect:
    """One Spark Connect session (`sc://host:port`) over files; nothing is kept in it but views."""

    dialect = "pyspark"
    gone: tuple[type[Exception], ...] = ()
    """A cluster's files are not swept while it is asked."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        named = url.partition(";")[0]  # what follows may be a token
        try:
            # The client itself would try again for ten minutes before it says anything.
            socket.create_connection((parts.hostname or "localhost", parts.port or _PORT), timeout=_PATIENCE).close()
        except OSError as why:
            raise FariError(f"no Spark Connect server answers at {named} ({why})") from None
        try:
            with _main_with_a_file():
                import pyspark.sql.connect  # noqa: F401
            from pyspark.sql import SparkSession

            self.session: Any = SparkSession.builder.remote(url).create()
        except ImportError as why:
            raise FariError(f"{named} needs the Spark Connect client: pip install 'fari[cluster]' ({why})") from None
        for name, value in _SETTINGS.items():
            self.session.conf.set(name, value)

    def close(self) -> None:
        """End the session on the server."""
        self.session.stop()

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        import pyarrow as pa  # type: ignore[import-untyped]

        table = self.session.sql(sql).toArrow()
        columns = [_plain(column, pa).to_pylist() for column in table.columns]
        return list(zip(*columns, strict=True))

    def columns(self, sql: str) -> list[str]:
        """The column names of a query."""
        return list(self.session.sql(sql).columns)

    def put(self, name: str, schema: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """A small table of Python rows, by Ibis type names."""
        import pyarrow as pa

        if not rows:
            self._empty(name, {column: _sql_type(kind) for column, kind in schema.items()})
            return
        wanted = _arrow_schema(schema, pa)
        whole: Any = None
        for first in range(0, len(rows), _SENT_AT_ONCE):
            turned = zip(*rows[first : first + _SENT_AT_ONCE], strict=True)
            cells = {column: [_cell(cell, kind) for cell in taken] for (column, kind), taken in zip(schema.items(), turned, strict=True)}
            sent = self.session.createDataFrame(pa.table(cells, schema=wanted))
            # Each message is a view of its own on the server, so that no plan carries all of them.
            sent.createOrReplaceTempView(f"{name}__{first}")
            kept = self.session.table(f"{name}__{first}")
            whole = kept if whole is None else whole.unionAll(kept)
        whole.createOrReplaceTempView(name)

    def view(self, name: str, paths: Sequence[str], schema: dict[str, str]) -> None:
        """Parquet files under a name, cast to the schema (SQL types): columns a file lacks are null, no files are no rows."""
        kinds = {column: _LEDGER_TYPES.get(kind, kind) for column, kind in schema.items()}
        if not paths:
            self._empty(name, kinds)
            return
        frame = self._read(paths)
        if kinds:
            have = set(frame.columns)
            frame = frame.selectExpr(
                *(f"CAST({_quote(column) if column in have else 'NULL'} AS {kind}) AS {_quote(column)}" for column, kind in kinds.items())
            )
        frame.createOrReplaceTempView(name)

    def named(self, name: str, sql: str) -> None:
        """A query in the ledger's standard SQL under a name."""
        import sqlglot

        self.session.sql(sqlglot.transpile(sql, read="duckdb", write="spark")[0]).createOrReplaceTempView(name)

    def build(self, sql: str, path: Path, schema: dict[str, str]) -> None:
        """The result of a query as a folder of Parquet files of that schema, built aside and renamed; of two builders' copies either is right."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        cast = (f"CAST({_quote(column)} AS {_sql_type(kind)}) AS {_quote(column)}" for column, kind in schema.items())
        frame = self.session.sql(sql).selectExpr(*cast)
        frame.write.mode("overwrite").parquet(_whole(str(aside)))
        if not list(aside.glob("*.parquet")):
            if frame.head(1):
                raise FariError(f"the cluster does not write to the same disk as this computer: {aside.parent} must be a folder that both see")
            _write_empty(aside, schema)
        try:
            aside.rename(path)
        except OSError:
            shutil.rmtree(aside)
            if not path.exists():
                raise

    def text(self, value: str) -> str:
        """A text as the engine's SQL writes it: Spark reads escapes in it."""
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def drop(self, path: Path) -> None:
        """Remove what `build` made, or what another engine did."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def schema(self, paths: Sequence[str]) -> dict[str, str]:
        """Column names and Ibis type names of Parquet files."""
        return {column.name: _ibis_type(column.dataType.simpleString()) for column in self._read(paths).schema.fields}

    def _empty(self, name: str, kinds: dict[str, str]) -> None:
        blank = ", ".join(f"CAST(NULL AS {kind}) AS {_quote(column)}" for column, kind in kinds.items())
        self.session.sql(f"SELECT {blank} WHERE false").createOrReplaceTempView(name)

    def _read(self, paths: Sequence[str]) -> Any:
        return self.session.read.option("mergeSchema", "true").parquet(*map(_whole, paths))


def _write_empty(folder: Path, schema: dict[str, str]) -> None:
    """Sail leaves nothing where there are no rows, and a reader must find the columns."""
    import pyarrow as pa
    import pyarrow.parquet  # type: ignore[import-untyped]

    folder.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(_arrow_schema(schema, pa).empty_table(), folder / "empty.parquet")


def _quote(column: str) -> str:
    return f"`{column}`"


def _whole(path: str) -> str:
    whole = str(Path(path).absolute())
    if set(whole) & set(_PATTERN):
        raise FariError(f"Spark would read {whole} as a pattern; rename the folder: none of {' '.join(_PATTERN)} may be in its name")
    return whole


def _sql_type(kind: str) -> str:
    return _TYPES.get(kind, kind.upper())


def _ibis_type(kind: str) -> str:
    plain = {sql.lower(): ibis for ibis, sql in _TYPES.items()}
    return plain.get(kind, kind)


def _arrow_schema(schema: dict[str, str], pa: Any) -> Any:
    return pa.schema([(column, _arrow(kind, pa)) for column, kind in schema.items()])


def _arrow(kind: str, pa: Any) -> Any:
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return {"boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us")}.get(kind) or getattr(pa, kind)()


def _cell(cell: Any, kind: str) -> Any:
    """A cell as Arrow takes it: decimals at their column's scale, exactly as a cast would round them."""
    if cell is None:
        return None
    if kind.startswith("decimal"):
        scale = int(kind.rpartition(",")[2].removesuffix(")"))
        return Decimal(str(cell)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)
    if kind == "string":
        return str(cell)
    if kind.startswith("int"):
        return int(cell)
    return datetime.fromisoformat(cell) if kind == "timestamp" and isinstance(cell, str) else cell


def _plain(column: Any, pa: Any) -> Any:
    """Instants as the ledger has them: microseconds in UTC, without a zone."""
    return column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column
