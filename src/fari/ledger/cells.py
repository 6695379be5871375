"""Text cells made into typed values by SQL: what is no such value becomes NULL, and is a Problem."""

from collections.abc import Callable

from fari.ledger.schema import SQL_TYPES, Column
from fari.ledger.sql import among, quote

_DATE = r"\d{4}-\d{2}-\d{2}"
_SECOND = r"\d{2}([.,]\d{1,9})?"
_CLOCK = rf"\d{{2}}:\d{{2}}(:{_SECOND})?"
_ZONE = r"\s*(Z|z|UTC|[+-]\d{2}(:?\d{2})?)"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"
_YES, _NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_YEARS = ("1900-01-01", "2200-01-01")

MENDS = {
    "text": "fill it in",
    "money": "write a decimal number such as 1234.56",
    "rate": "write a decimal number such as 0.25",
    "integer": "write a whole number",
    "flag": "write true or false",
    "date": "write a day as 2025-03-31",
    "month": "write a month as 2025-03",
    "instant": "write 2025-03-31T10:00:00Z or 2025-03-31T10:00:00+02:00",
}
"""How a value of each type is written."""
NOUNS = {
    "money": "a number",
    "rate": "a number",
    "integer": "a whole number",
    "flag": "true or false",
    "date": "a date",
    "month": "a month",
    "instant": "a date and time",
}
"""What a value of each type is called."""


def raw(name: str) -> str:
    """The name of a column's text, trimmed, NULL where there is none."""
    return quote(f"r_{name}")


def trimmed(name: str, present: bool, trim: Callable[[str], str]) -> str:
    """SQL that makes a staged cell into `raw`."""
    return f"nullif({trim(quote(f'c_{name}'))}, '') AS {raw(name)}" if present else f"CAST(NULL AS VARCHAR) AS {raw(name)}"


def typed(column: Column) -> str:
    """SQL that makes `raw` into the column's type, or NULL where it is not one. Instants are still zoned; see `stored`."""
    text = raw(column.name)
    kind = SQL_TYPES[column.type]
    if column.choices:
        made = f"CASE WHEN lower({text}) IN {among(column.choices)} THEN lower({text}) END"
    elif column.type == "text":
        made = f"upper({text})" if column.name == "currency" else text
    elif column.type in ("money", "rate"):
        made = f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN try_cast({text} AS {kind}) END"
    elif column.type == "integer":
        made = rf"CASE WHEN regexp_full_match({text}, '[+-]?\d+(\.0*)?') THEN try_cast({text} AS BIGINT) END"
    elif column.type == "flag":
        made = f"CASE WHEN lower({text}) IN {among(_YES)} THEN true WHEN lower({text}) IN {among(_NO)} THEN false END"
    elif column.type == "month":
        made = rf"CASE WHEN regexp_full_match({text}, '\d{{4}}-\d{{2}}(-\d{{2}})?') THEN try_cast(left({text}, 7) || '-01' AS DATE) END"
    elif column.type == "date":
        made = f"CASE WHEN {text} LIKE '____-__-__' THEN try_cast({text} AS DATE) ELSE CAST({_instant(text)} AS DATE) END"
    else:
        made = _instant(text)
    if column.default is not None:
        made = f"CASE WHEN {text} IS NULL THEN CAST('{column.default}' AS {kind}) ELSE {made} END"
    return f"{made} AS {quote(column.name)}"


def wrong(column: Column) -> list[str]:
    """The branches of a CASE that say what is wrong with a cell."""
    text, name = raw(column.name), quote(column.name)
    branches = [f"WHEN {text} IS NULL THEN '{column.name} is missing'"] if column.required else []
    if column.choices:
        branches.append(f"WHEN {text} IS NOT NULL AND {name} IS NULL THEN '{column.name} is none of {', '.join(column.choices)}'")
    elif column.type in ("date", "month", "instant"):
        kind = "TIMESTAMPTZ" if column.type == "instant" else "DATE"
        sane = f"{name} BETWEEN {kind} '{_YEARS[0]}' AND {kind} '{_YEARS[1]}'"
        branches.append(f"WHEN {text} IS NOT NULL AND ({sane}) IS NOT TRUE THEN '{column.name} is not {NOUNS[column.type]}'")
    elif column.type != "text":
        branches.append(f"WHEN {text} IS NOT NULL AND {name} IS NULL THEN '{column.name} is not {NOUNS[column.type]}'")
    return branches


def stored(column: Column) -> str:
    """SQL for the value as the ledger keeps it: instants as UTC."""
    name = quote(column.name)
    if column.type != "instant":
        return name
    # Of an hour that the clock went through twice DuckDB takes the second; like Python and the vendors' times, we mean the first.
    zoned = f"regexp_matches({raw(column.name)}, ':{_SECOND}{_ZONE}$')"
    twice = f"CAST({name} - INTERVAL 1 HOUR AS TIMESTAMP) = CAST({name} AS TIMESTAMP)"
    meant = f"CASE WHEN {zoned} THEN {name} ELSE CASE WHEN {twice} THEN {name} - INTERVAL 1 HOUR ELSE {name} END END"
    return f"CAST({meant} AT TIME ZONE 'UTC' AS TIMESTAMP) AS {name}"


def local_day(column: Column) -> str:
    """SQL for the number of the company's day on which a date or a (still zoned) instant falls."""
    return f"CAST(CAST({quote(column.name)} AS DATE) - DATE '1970-01-01' AS INTEGER) AS {quote(f'{column.name}_day')}"


def _instant(text: str) -> str:
    # `+0200`, `UTC` and times without seconds are put as DuckDB reads them; a bare local time is read in the session's zone, the company's.
    whole = f"CASE WHEN {text}[17] = ':' THEN {text} ELSE left({text}, 16) || ':00' || substr({text}, 17) END"
    written = rf"regexp_replace(replace(regexp_replace({whole}, '\s*(z|UTC)$', 'Z'), ',', '.'), '([+-]\d{{2}})(\d{{2}})$', '\1:\2')"
    stamp = f"CASE WHEN length({text}) = 10 THEN {text} ELSE {written} END"
    return f"CASE WHEN regexp_full_match({text}, '{_DATE}([T ]{_CLOCK}({_ZONE})?)?') THEN try_cast({stamp} AS TIMESTAMPTZ) END"
