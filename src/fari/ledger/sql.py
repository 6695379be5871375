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


def bare(text: str) -> str:
    """SQL for a text without the blanks around it.

    `trim` asks of every character what kind it is. Of a long text, or many, that takes up to a hundred times as long as to see that it is of
    ASCII alone and neither begins nor ends with a blank.
    """
    seen = f"{text} >= '!' AND {text} < chr(127) AND {text} NOT LIKE '% ' AND strlen({text}) = length({text})"
    return f"CASE WHEN {seen} THEN {text} ELSE trim({text}) END"


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


def everywhere(files: Sequence[str], columns: Sequence[str]) -> str:
    """A query over Parquet files all of which have these columns, of one type: only the first is looked into beforehand."""
    return f"SELECT {', '.join(map(quote, columns))} FROM read_parquet({literals(files)}, hive_partitioning = false)"


def texts(columns: Mapping[str, Sequence[str | None]]) -> Table:
    """Columns of text as an Arrow table."""
    arrays: dict[str, Any] = {name: Array(list(cells), DataType.string()) for name, cells in columns.items()}
    return Table.from_pydict(arrays)
