"""Rows on their way into the ledger: taken as text, checked column by column, made into typed rows or Problems.

All of it is SQL over whole columns, so a million good rows cost little and three bad ones are named by their lines.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from arro3.core import Array, DataType
from arro3.core import Table as ArrowTable

from fari.company import Company
from fari.ledger.problems import Problem
from fari.ledger.schema import SQL_TYPES, TABLES, Column, Table
from fari.ledger.store import quote, stored_columns

_BATCH = 50_000
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_INSTANT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s*(Z|z|UTC|[+-]\d{2}(:?\d{2})?)?)?$"
_MENDS = {
    "money": "write a decimal number such as 1234.56",
    "rate": "write a decimal number such as 0.25",
    "integer": "write a whole number",
    "flag": "write true or false",
    "date": "write a day as 2025-03-31",
    "month": "write a month as 2025-03",
    "instant": "write 2025-03-31T10:00:00Z or 2025-03-31T10:00:00+02:00",
}
_NOUNS = {
    "money": "a number", "rate": "a number", "integer": "a whole number", "flag": "true or false",
    "date": "a date", "month": "a month", "instant": "a date and time",
}  # fmt: skip

_CHECKS: dict[str, tuple[tuple[str, str, str, bool], ...]] = {
    "subscriptions": (
        ("amount < 0", "amount is negative", "give credits as a discount", True),
        ("interval_count < 1", "interval_count is below 1", "write 1 or more", True),
        ("ends_on < starts_on", "ends_on is before starts_on", "ends_on is the first day the terms no longer hold", True),
        ("NOT regexp_full_match(currency, '[A-Z]{3}')", "currency is not an ISO 4217 code", "write EUR, USD, ...", True),
        ("discount > 0 AND discount_kind IS NULL", "has a discount without a discount_kind: it does not count", "write repeating, forever or once", False),
    ),
    "spend": (
        ("until <= day", "until is not after day", "until is the first day the amount no longer covers", True),
        ("NOT regexp_full_match(currency, '[A-Z]{3}')", "currency is not an ISO 4217 code", "write EUR, USD, ...", True),
    ),
    "deals": (
        ("probability < 0 OR probability > 1", "probability is not between 0 and 1", "write 0.4 for 40 %", True),
        ("NOT regexp_full_match(currency, '[A-Z]{3}')", "currency is not an ISO 4217 code", "write EUR, USD, ...", True),
        ("status <> 'open' AND closed_at IS NULL", "is won or lost but has no closed_at: it is in no pipeline figure", "add the day it closed", False),
    ),
    "rates": (
        ("rate <= 0", "rate is not above 0", "write the company's currency for one unit", True),
        ("NOT regexp_full_match(currency, '[A-Z]{3}')", "currency is not an ISO 4217 code", "write EUR, USD, ...", True),
    ),
    "feedback": (("account_id IS NULL AND person_id IS NULL", "account_id and person_id are both missing", "give one of them", True),),
    "searches": (("volume < 0", "volume is negative", "write the number of searches", True),),
}
"""Per table: (condition, what is wrong, the way out, whether the row is refused)."""

ONCE = frozenset({"people", "accounts", "deals", "rates", "targets", "subscriptions"})
"""Tables in which a key names one thing: of two rows of a file with one key the last is kept."""


@dataclass
class Staged:
    """What one file brought for one table, after checking."""

    table: str
    file_no: int
    read: int = 0
    good: int = 0
    since: date | None = None
    last: date | None = None
    sums: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per amount column: what the file's rows sum to, what was kept and what was refused, by currency where there is one."""


class Staging:
    """One import's rows. `add` takes text, `check` types them into `good_<table>`; nothing is stored until the act writes."""

    def __init__(self, company: Company, scratch: Path) -> None:
        self.company = company
        scratch.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(config={"temp_directory": str(scratch)})
        self.connection.execute(f"SET TimeZone = '{company.timezone}'")
        self.connection.execute("SET preserve_insertion_order = true")
        self._buffers: dict[str, list[tuple[str, Mapping[str, str | None]]]] = {}
        self._columns: dict[str, dict[str, None]] = {}
        self.tables: dict[str, None] = {}

    def add_row(self, table: str, line: int | str, values: Mapping[str, str | None]) -> None:
        """One row of text."""
        buffer = self._buffers.setdefault(table, [])
        buffer.append((str(line), values))
        if len(buffer) >= _BATCH:
            self._flush(table)

    def add_columns(self, table: str, lines: Sequence[int | str], columns: Mapping[str, Sequence[str | None]]) -> None:
        """Many rows of text, as columns of equal length."""
        self._flush(table)
        arrays = {"line": Array([str(line) for line in lines], DataType.string())}
        arrays |= {f"c_{name}": Array(list(values), DataType.string()) for name, values in columns.items()}
        self.add_relation(table, ArrowTable.from_pydict(arrays), list(columns))

    def add_relation(self, table: str, relation: Any, columns: Sequence[str]) -> None:
        """Rows as a relation (a query of this connection, or Arrow) with `line` and one text column `c_<name>` for each column."""
        self.connection.register("incoming", relation) if not isinstance(relation, str) else self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW incoming AS {relation}"
        )
        known = self._columns.get(table)
        if known is None:
            names = ", ".join(f'"c_{_sql(n, chr(34))}"' for n in columns)
            self.connection.execute(f"CREATE OR REPLACE TABLE staged_{table} AS SELECT line{', ' if names else ''}{names} FROM incoming")
            self._columns[table] = dict.fromkeys(columns)
        else:
            for name in columns:
                if name not in known:
                    self.connection.execute(f'ALTER TABLE staged_{table} ADD COLUMN "c_{name}" VARCHAR')
                    known[name] = None
            self.connection.execute(f"INSERT INTO staged_{table} BY NAME SELECT * FROM incoming")
        if isinstance(relation, str):
            self.connection.execute("DROP VIEW incoming")
        else:
            self.connection.unregister("incoming")

    def _flush(self, table: str) -> None:
        rows = self._buffers.pop(table, None)
        if not rows:
            return
        names: dict[str, None] = {}
        for _, values in rows:
            names.update(dict.fromkeys(values))
        columns = {name: [values.get(name) for _, values in rows] for name in names}
        self.add_columns(table, [line for line, _ in rows], columns)

    def discard(self) -> None:
        """Forget what was added since the last check: its file turned out to be unreadable."""
        self._buffers.clear()
        for name in self._columns:
            self.connection.execute(f"DROP TABLE IF EXISTS staged_{name}")
        self._columns.clear()

    def check(self, file_no: int, file: str, source: str) -> tuple[list[Staged], list[Problem]]:
        """Type what was added since the last check, as rows of one file; the refused ones become Problems."""
        staged: list[Staged] = []
        problems: list[Problem] = []
        for table in list(self._buffers):
            self._flush(table)
        for name in sorted(self._columns):
            one, found = self._check(TABLES[name], file_no, file, source)
            staged.append(one)
            problems += found
            self.connection.execute(f"DROP TABLE staged_{name}")
        self._columns.clear()
        return staged, problems

    def _check(self, table: Table, file_no: int, file: str, source: str) -> tuple[Staged, list[Problem]]:
        present = self._columns[table.name]
        typed, wrong = [], []
        for column in table.columns:
            if column.name in present:
                expression = typed_sql(column)
                typed.append(f"{expression} AS {quote(column.name)}")
                raw = _raw(column.name)
                text = f"coalesce({raw}, '')"
                if column.required:
                    wrong.append(f"WHEN {raw} IS NULL THEN '{column.name} is missing'")
                if column.type != "text" or column.choices:
                    what = f"is none of {', '.join(column.choices)}" if column.choices else f"is not {_NOUNS[column.type]}"
                    wrong.append(f"WHEN {text} <> '' AND ({expression}) IS NULL THEN '{column.name} {what}'")
            else:
                default = f"'{column.default}'" if column.default is not None else "NULL"
                typed.append(f"CAST({default} AS {SQL_TYPES[column.type]}) AS {quote(column.name)}")
                if column.required:
                    wrong.append(f"WHEN true THEN '{column.name} is missing'")
        extras = [name for name in present if name not in {c.name for c in table.columns}]
        packed = ", ".join(f"'{_sql(name)}', \"c_{_sql(name, chr(34))}\"" for name in extras)
        attributes = f"CAST(json_object({packed}) AS VARCHAR)" if extras else "CAST(NULL AS VARCHAR)"
        case = f"CASE {' '.join(wrong)} END" if wrong else "NULL"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE typed AS SELECT line, row_number() OVER () AS place, {', '.join(typed)}, "
            f"{attributes} AS attributes, {case} AS wrong FROM staged_{table.name}"
        )
        problems = self._refused(table, file)
        days = [f'CAST("{c.name}" AS DATE)' for c in table.columns if c.type in ("date", "month")]
        days += [_local(c.name) for c in table.instants]
        if table.name == "events":
            self._keys_of_events()
        stored = self._stored(table, file_no, file, source)
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS good_{table.name} AS SELECT * FROM ({stored}) LIMIT 0;"
            f"INSERT INTO good_{table.name} SELECT * FROM ({stored}) ORDER BY place"
        )
        self.tables[table.name] = None
        dated = table.dated_by
        first = f"CAST({quote(dated)} AS DATE)" if dated else "CAST(NULL AS DATE)"
        latest = f"greatest({', '.join(days)})" if days else "CAST(NULL AS DATE)"
        found = self.connection.execute(
            f"SELECT count(*), count(*) FILTER (wrong IS NULL), min({first}) FILTER (wrong IS NULL), max({latest}) FILTER (wrong IS NULL) FROM typed"
        ).fetchone()
        assert found is not None
        one = Staged(table.name, file_no, found[0], found[1], found[2], found[3])
        for amount in table.amounts:
            one.sums[amount] = self._sums(table, amount)
        self.connection.execute("DROP TABLE typed")
        return one, problems

    def _refused(self, table: Table, file: str) -> list[Problem]:
        problems: list[Problem] = []
        for condition, what, mend, refused in _CHECKS.get(table.name, ()):
            if refused:
                self.connection.execute(f"UPDATE typed SET wrong = '{_sql(what)}' WHERE wrong IS NULL AND ({condition})")
            else:
                lines = self.connection.execute(f"SELECT line FROM typed WHERE wrong IS NULL AND ({condition}) ORDER BY place").fetchall()
                problems += [Problem(_line(line), what, mend=mend, file=file, table=table.name, refused=False) for (line,) in lines]
        if table.name in ONCE:
            key = ", ".join(quote(name) for name in table.key)
            self.connection.execute(
                "UPDATE typed SET wrong = 'has the same ' || ? || ' as line ' || later.line FROM "
                f"(SELECT place AS p, last_value(line) OVER w AS line, last_value(place) OVER w AS last FROM typed WHERE wrong IS NULL "
                f"WINDOW w AS (PARTITION BY {key} ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) later "
                "WHERE typed.place = later.p AND later.last <> typed.place",
                [" and ".join(table.key)],
            )
        names = [c.name for c in table.columns if c.name in self._columns[table.name]]
        shown = ", ".join(f'"c_{name}"' for name in names)
        cursor = self.connection.execute(
            f"SELECT t.line, t.wrong{', ' if names else ''}{shown} FROM typed t JOIN "
            f"(SELECT *, row_number() OVER () AS place FROM staged_{table.name}) s ON s.place = t.place WHERE t.wrong IS NOT NULL ORDER BY t.place"
        )
        for line, wrong, *raw in cursor.fetchall():
            values = dict(zip(names, raw, strict=True))
            column = wrong.split(" ", 1)[0]
            column = column if column in values or any(c.name == column for c in table.columns) else ""
            mend = next((m for _, w, m, _ in _CHECKS.get(table.name, ()) if w == wrong), "")
            if not mend and column:
                kind = table.column(column)
                mend = f"one of: {', '.join(kind.choices)}" if kind.choices and "none of" in wrong else _MENDS.get(kind.type, f"fill in {column}")
            if wrong.startswith("has the same"):
                mend = "the last of them is kept; remove the others"
            problems.append(Problem(_line(line), wrong, column, values.get(column) or "", mend, file, table.name))
        return problems

    def _keys_of_events(self) -> None:
        parts = ", ".join(f"coalesce(CAST({quote(c.name)} AS VARCHAR), '')" for c in TABLES["events"].columns if c.name != "message_id")
        self.connection.execute(f"UPDATE typed SET message_id = md5(concat_ws(chr(31), {parts})) WHERE message_id IS NULL AND wrong IS NULL")

    def _stored(self, table: Table, file_no: int, file: str, source: str) -> str:
        values = []
        for column in table.columns:
            values.append(f"CAST({quote(column.name)} AT TIME ZONE 'UTC' AS TIMESTAMP) AS {quote(column.name)}" if column.type == "instant" else quote(column.name))
        values += [f"CAST({_local(c.name)} - DATE '1970-01-01' AS INTEGER) AS \"{c.name}_day\"" for c in table.dates]
        texts = ", ".join(f"coalesce(CAST({quote(c.name)} AS VARCHAR), '')" for c in table.columns)
        if table.name == "events":  # a message is its id: its content is never compared, and is left unhashed
            digest = quote("message_id")
        else:
            digest = f"md5(concat_ws(chr(31), {texts}, coalesce(attributes, '')))"
        values += [
            f"'{_sql(source)}' AS source",
            f"{_key(table.key)} AS \"key\"",
            f"{_key(table.unit)} AS \"unit\"",
            f"{digest} AS digest",
            f"'{_sql(file)}:' || line AS origin",
            "CAST(NULL AS TIMESTAMP) AS recorded_at",
            "CAST(NULL AS VARCHAR) AS import_id",
            "false AS withdrawn",
            "false AS appended",
            "attributes",
            f"{file_no} AS file_no",
            "place",
            "line",
        ]
        return f"SELECT {', '.join(values)} FROM typed WHERE wrong IS NULL"

    def _sums(self, table: Table, amount: str) -> dict[str, Any]:
        by = "coalesce(currency, '')" if any(c.name == "currency" for c in table.columns) else "''"
        rows = self.connection.execute(
            f"SELECT {by}, sum({amount}), sum({amount}) FILTER (wrong IS NULL), sum({amount}) FILTER (wrong IS NOT NULL) "
            f"FROM typed WHERE {amount} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return {currency: {"file": total, "stored": kept, "rejected": refused} for currency, total, kept, refused in rows}


def typed_sql(column: Column) -> str:
    """SQL that makes a text cell into the column's type, or NULL where it is not one."""
    raw = _raw(column.name)
    kind = SQL_TYPES[column.type]
    if column.choices:
        options = ", ".join(f"'{choice}'" for choice in column.choices)
        made = f"CASE WHEN lower({raw}) IN ({options}) THEN lower({raw}) END"
    elif column.type == "text":
        made = f"upper({raw})" if column.name == "currency" else raw
    elif column.type in ("money", "rate"):
        made = rf"CASE WHEN regexp_full_match({raw}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{{1,2}})?') THEN try_cast({raw} AS {kind}) END"
    elif column.type == "integer":
        made = rf"CASE WHEN regexp_full_match({raw}, '[+-]?\d+(\.0*)?') THEN try_cast({raw} AS BIGINT) END"
    elif column.type == "flag":
        made = f"CASE WHEN lower({raw}) IN ('true', 't', 'yes', 'y', '1') THEN true WHEN lower({raw}) IN ('false', 'f', 'no', 'n', '0') THEN false END"
    elif column.type == "month":
        made = rf"CASE WHEN regexp_full_match({raw}, '\d{{4}}-\d{{2}}(-\d{{2}})?') THEN CAST(date_trunc('month', try_cast(left({raw}, 7) || '-01' AS DATE)) AS DATE) END"
    elif column.type == "date":
        instant = _instant(raw)
        made = f"CASE WHEN regexp_full_match({raw}, '{_DATE}') THEN try_cast({raw} AS DATE) ELSE CAST({instant} AS DATE) END"
        made = f"CASE WHEN year({made}) BETWEEN 1900 AND 2200 THEN {made} END"
    else:
        made = _instant(raw)
        made = f"CASE WHEN year({made}) BETWEEN 1900 AND 2200 THEN {made} END"
    if column.default is not None:
        made = f"CASE WHEN {raw} IS NULL THEN CAST('{column.default}' AS {kind}) ELSE {made} END"
    return made


def _instant(raw: str) -> str:
    # `+0200` and `UTC` are put as DuckDB reads them; a bare local time is read in the session's zone, the company's.
    text = rf"regexp_replace(replace(regexp_replace({raw}, '\s*(z|UTC)$', 'Z'), ',', '.'), '([+-]\d{{2}})(\d{{2}})$', '\1:\2')"
    bare = rf"CASE WHEN length({raw}) = 10 THEN {raw} ELSE {text} END"
    return f"CASE WHEN regexp_full_match({raw}, '{_INSTANT[1:-1]}') THEN try_cast({bare} AS TIMESTAMPTZ) END"


def _raw(name: str) -> str:
    return f"nullif(trim(\"c_{name}\"), '')"


def _local(name: str) -> str:
    return f"CAST({quote(name)} AS DATE)"


def _key(names: Sequence[str]) -> str:
    return "concat_ws(chr(31), " + ", ".join(f"coalesce(CAST({quote(name)} AS VARCHAR), '')" for name in names) + ")"


def _sql(text: str, mark: str = "'") -> str:
    return text.replace(mark, mark * 2)


def _line(line: str) -> int | str:
    return int(line) if line.isdigit() else line


__all__ = ["Staged", "Staging", "json", "stored_columns"]
