"""SQL, quoted in one place; and columns of text on their way into it."""

from collections.abc import Mapping, Sequence
from typing import Any

from arro3.core import Array, DataType, Table


def quote(name: str) -> str:
    """A column name as standard SQL quotes it; `at` and `interval` are words of SQL too.

    >>> quote("at"), quote('the "real" one')
    ('"at"', '"the ""real"" one"')
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Sequence[str]) -> str:
    """Texts as a DuckDB list.

    >>> literals(["a", "b"])
    "['a', 'b']"
    """
    return "[" + ", ".join(map(literal, texts)) + "]"


def among(texts: Sequence[str]) -> str:
    """Texts as what stands behind IN.

    >>> among(["a", "b"])
    "('a', 'b')"
    """
    return "(" + ", ".join(map(literal, texts)) + ")"


def empty(columns: Mapping[str, str]) -> str:
    """A query with these columns (name: SQL type) and no rows."""
    return "SELECT " + ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns.items()) + " WHERE false"


def parquet(files: Sequence[str], columns: Mapping[str, str]) -> str:
    """A query over Parquet files, cast to these columns. A column that a file (or all of them) lacks is null; no files are no rows."""
    if not files:
        return empty(columns)
    casts = ", ".join(f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in columns.items())
    # The row-less query supplies a column that came later than all of the files.
    return (
        f"SELECT {casts} FROM (SELECT * FROM read_parquet({literals(files)}, union_by_name = true, hive_partitioning = false) "
        f"UNION ALL BY NAME {empty(columns)})"
    )


def texts(columns: Mapping[str, Sequence[str | None]]) -> Table:
    """Columns of text as an Arrow table."""
    arrays: dict[str, Any] = {name: Array(list(cells), DataType.string()) for name, cells in columns.items()}
    return Table.from_pydict(arrays)
