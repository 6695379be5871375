"""What an act's rows bring against what is known: which are new, changed or unchanged, and what is to be written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fari.ledger.checks import COUNTED
from fari.ledger.schema import TABLES
from fari.ledger.sql import among, empty, everywhere, literal, parquet, quote
from fari.ledger.store import Import, current_sql, stored_columns

NOTHING = {"new": 0, "changed": 0, "unchanged": 0, "withdrawn": 0}
_ACT = {"import_id": "VARCHAR", "withdrawn": "BOOLEAN", "appended": "BOOLEAN"}
Span = tuple[date, date] | None
"""A half-open range of days; None where only the rows say."""


@dataclass
class Compared:
    """What became of the rows of one table."""

    table: str
    counts: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: dict(NOTHING)))
    """By file: rows new, changed, unchanged; and rows known before that it no longer has (withdrawn)."""
    overruled: dict[int, int] = field(default_factory=dict)
    """By file: rows not written because a later file of the act speaks for their keys."""
    rows: int = 0
    """How many are to be written,"""
    marks: int = 0
    """and how many of these say that a key is withdrawn."""
    whole: bool = True
    """Whether all good rows are to be written."""
    after: dict[int, int] = field(default_factory=dict)
    """By file that names no range of days: withdrawn rows that are later than its own last."""


@dataclass(frozen=True)
class Known:
    """What the rows of a table are compared with: its files and the imports that count."""

    files: Sequence[str]
    seen: Sequence[Import]


def compare(session: Any, table: str, known: Known, *, several: bool, append: bool, today: date, spans: Mapping[str, Span] | None = None) -> Compared:
    """Compare `checked_<table>` with the current rows, into `compared_<table>`: each good row's status, and whether it is written.

    `several` says whether more than one file brought rows. With `spans`, what its sources no longer have goes into `withdrawn_<table>`:
    within the range of days given for a source; where there is none, from its first row to the day of the import, and what has no date.
    """
    met = _known(session, table, known, spans)
    found = Compared(table)
    if table == "events":
        _messages(session, met)
    elif append:
        _appended(session, table)
    else:
        _replaced(session, table, met, several)
    for file_no, status, speaks, rows, count, missed in session.execute(
        f"SELECT file_no, status, speaks, count(*), count(*) FILTER (written), sum(missed) FROM compared_{table} GROUP BY ALL"
    ).fetchall():
        found.counts[file_no][status] += rows
        found.counts[file_no]["withdrawn"] += int(missed)
        found.rows += count
        found.whole = found.whole and count == rows
        if not speaks:
            found.overruled[file_no] = found.overruled.get(file_no, 0) + rows
    if spans is not None:
        _withdraw(session, table, spans, today, found)
    return found


def written(found: Compared, import_id: str, at: datetime, *, append: bool, replace: bool) -> str:
    """SQL for the rows the act writes."""
    table = found.table
    given = {"recorded_at": f"TIMESTAMP '{at}'", "import_id": literal(import_id), "appended": "true" if append else "false"}
    again = ", ".join(f"{given[name]} AS {name}" if name in given else quote(name) for name in stored_columns(table))
    plain = again.replace(quote("withdrawn"), "false AS withdrawn")
    sql = f"SELECT {plain} FROM checked_{table} WHERE wrong IS NULL"
    if not found.whole:
        sql += f" AND place IN (SELECT place FROM compared_{table} WHERE written)"
    return f"{sql} UNION ALL SELECT {again} FROM withdrawn_{table}" if replace else sql


def _known(session: Any, table: str, known: Known, spans: Mapping[str, Span] | None) -> bool:
    """`known_<table>`: the current rows of the scopes the files name (all rows of their sources with `spans`). False where there are none."""
    columns = stored_columns(table) if spans is not None else dict.fromkeys(("source", "key", "scope", "digest", "origin"), "VARCHAR")
    ids = [one for one in known.seen if table in one.tables]
    if not known.files or not ids:
        session.execute(f"CREATE TABLE known_{table} AS {empty(columns)}")
        return False
    if spans is not None:
        rows = parquet(known.files, columns | _ACT)
        named = f"SELECT * FROM ({rows}) WHERE source IN {among(list(spans))}"
    else:
        scope = _scope(table)
        # These columns have been in every file from the first schema on.
        rows = everywhere(known.files, [*columns, *_ACT])
        named = f"SELECT r.* FROM ({rows}) r SEMI JOIN {_good(table)} g USING (source, {scope})"
    seen = ", ".join(f"({literal(one.import_id)}, {one.seq})" for one in ids)
    (count,) = session.execute(
        f"CREATE TABLE known_{table} AS WITH seen(import_id, seq) AS (VALUES {seen}), raw_{table} AS ({named}) {current_sql(table, columns)}"
    ).fetchone()
    return bool(count)


def _messages(session: Any, known: bool) -> None:
    """Of messages the first of an id counts, in this act and before it."""
    before = "AND NOT EXISTS (SELECT 1 FROM known_events k WHERE k.source = f.source AND k.key = f.key)" if known else ""
    session.execute(
        "CREATE TABLE compared_events AS WITH "
        f"first AS (SELECT source, key, min(place) AS place FROM {_good('events')} GROUP BY source, key), "
        f"fresh AS (SELECT place FROM first f WHERE true {before}) "
        "SELECT c.place, c.file_no, CASE WHEN f.place IS NULL THEN 'unchanged' ELSE 'new' END AS status, true AS speaks, "
        f"f.place IS NOT NULL AS written, 0 AS missed FROM {_good('events')} c LEFT JOIN fresh f ON f.place = c.place"
    )


def _appended(session: Any, table: str) -> None:
    """Rows that are added: those not known yet, nor brought by an earlier file of the act. A cost is known from its own line of its own file only."""
    alike = "digest || origin" if table in COUNTED else "digest"
    nth = "row_number() OVER (PARTITION BY source, scope, digest, file_no ORDER BY place) AS nth"
    again = "row_number() OVER (PARTITION BY source, scope, digest, nth ORDER BY file_no) > 1 AS again"
    good = f"(SELECT * REPLACE ({alike} AS digest) FROM {_good(table)})"
    said = f"SELECT *, {again} FROM (SELECT place, file_no, source, scope, key, digest, {nth} FROM {good})"
    session.execute(
        f"CREATE TABLE compared_{table} AS WITH {_statuses(table, said, alike)} "
        "SELECT place, file_no, CASE WHEN again THEN 'unchanged' ELSE status END AS status, true AS speaks, "
        "NOT again AND status <> 'unchanged' AS written, 0 AS missed FROM statuses"
    )


def _replaced(session: Any, table: str, known: bool, several: bool) -> None:
    """Rows that replace all known of their scopes, where the two differ as multisets.

    Of the files of one act the last that names a scope speaks for it.
    """
    speaks = "file_no = max(file_no) OVER (PARTITION BY source, scope) AS speaks" if several else "true AS speaks"
    if not known:
        session.execute(
            f"CREATE TABLE compared_{table} AS SELECT *, speaks AS written, 0 AS missed FROM "
            f"(SELECT place, file_no, source, scope, 'new' AS status, {speaks} FROM {_good(table)})"
        )
        return
    nth = "row_number() OVER (PARTITION BY source, scope, digest, file_no ORDER BY place) AS nth"
    said = f"SELECT place, file_no, source, scope, key, digest, {speaks}, {nth} FROM {_good(table)}"
    session.execute(
        f"CREATE TABLE compared_{table} AS WITH {_statuses(table, said)}, "
        "scopes AS (SELECT source, scope, count(*) AS said, count(*) FILTER (status = 'unchanged') AS same, max(place) AS last FROM statuses "
        "WHERE speaks GROUP BY ALL), "
        f"before AS (SELECT source, scope, count(*) AS had FROM known_{table} GROUP BY ALL) "
        # What a scope no longer has is counted with the last of its rows.
        "SELECT s.place, s.file_no, s.source, s.scope, s.status, s.speaks, "
        "s.speaks AND (u.said <> u.same OR u.said <> coalesce(b.had, 0)) AS written, "
        "CASE WHEN s.place = u.last THEN greatest(coalesce(b.had, 0) - u.said, 0) ELSE 0 END AS missed "
        "FROM statuses s JOIN scopes u ON u.source = s.source AND u.scope = s.scope "
        "LEFT JOIN before b ON b.source = s.source AND b.scope = s.scope"
    )


def _statuses(table: str, said: str, alike: str = "digest") -> str:
    """The rows said, each with its status: of equal rows as many are unchanged as were known."""
    return (
        f"said AS ({said}), had AS (SELECT source, scope, {alike} AS digest, count(*) AS n FROM known_{table} GROUP BY ALL), "
        f"keys AS (SELECT DISTINCT source, scope, key FROM known_{table}), "
        "statuses AS (SELECT s.*, CASE WHEN nth <= coalesce(h.n, 0) THEN 'unchanged' WHEN k.key IS NOT NULL THEN 'changed' ELSE 'new' END "
        "AS status FROM said s LEFT JOIN had h ON h.source = s.source AND h.scope = s.scope AND h.digest = s.digest "
        "LEFT JOIN keys k ON k.source = s.source AND k.scope = s.scope AND k.key = s.key)"
    )


def _withdraw(session: Any, table: str, spans: Mapping[str, Span], today: date, found: Compared) -> None:
    """`withdrawn_<table>`: what the files no longer have, for scopes of their sources dated inside their period.

    A file that names no range covers its table to the horizon of the data, and no row known by `today` is later than that.
    A scope that keeps rows outside the period is written anew with those; one that keeps none leaves the mark of its withdrawal.
    A row that was refused still shows that its scope is there.
    """
    dated = TABLES[table].dated_by
    day = quote(f"{dated}_day") if dated else "NULL"
    inside = f"coalesce({day} BETWEEN p.since AND p.until, p.last IS NOT NULL AND {day} IS NULL)" if dated else "true"
    scope = _scope(table)
    told = ", ".join(f"({literal(source)}, {_day(span, 0)}, {_day(span, 1)} - 1)" for source, span in spans.items())
    session.execute(
        f"CREATE TABLE gone_{table} AS WITH told(source, since, until) AS (VALUES {told}), "
        f"rows AS (SELECT source, min({day}) AS since, max({day}) AS until, max(file_no) AS file_no FROM {_good(table)} GROUP BY source), "
        f"spans AS (SELECT source, coalesce(t.since, r.since) AS since, coalesce(t.until, greatest(r.until, {_days(today)})) AS until, "
        "CASE WHEN t.since IS NULL THEN coalesce(r.until, -1) END AS last, coalesce(r.file_no, 0) AS file_no "
        "FROM told t LEFT JOIN rows r USING (source)) "
        f"SELECT k.*, p.file_no, {inside} AS inside, coalesce({day} > p.last AND p.last >= 0, false) AS after "
        f"FROM known_{table} k JOIN spans p ON p.source = k.source "
        f"ANTI JOIN (SELECT source, {scope} FROM checked_{table}) c ON c.source = k.source AND c.{scope} = k.{scope}"
    )
    gone = f"SELECT file_no, count(*), count(*) FILTER (after) FROM gone_{table} WHERE inside GROUP BY file_no"
    for file_no, rows, after in session.execute(gone).fetchall():
        found.counts[file_no]["withdrawn"] += rows
        if after:
            found.after[file_no] = after
    own = ", ".join("NOT stays AS withdrawn" if name == "withdrawn" else quote(name) for name in stored_columns(table))
    marked = (
        f"SELECT *, bool_or(inside) OVER s AS touched, bool_or(NOT inside) OVER s AS stays, "
        f"row_number() OVER (PARTITION BY source, {scope} ORDER BY origin) AS nth FROM gone_{table} WINDOW s AS (PARTITION BY source, {scope})"
    )
    session.execute(
        f"CREATE TABLE withdrawn_{table} AS SELECT {own} FROM ({marked}) WHERE touched AND CASE WHEN stays THEN NOT inside ELSE nth = 1 END"
    )
    rows, marks = session.execute(f"SELECT count(*), count(*) FILTER (withdrawn) FROM withdrawn_{table}").fetchone()
    found.rows += rows
    found.marks += marks


def _good(table: str) -> str:
    return f"(SELECT * FROM checked_{table} WHERE wrong IS NULL)"


def _scope(table: str) -> str:
    """What a row of the file replaces. A message replaces nothing: it is its key."""
    return "key" if table == "events" else "scope"


def _day(span: Span, which: int) -> str:
    return "CAST(NULL AS INTEGER)" if span is None else _days(span[which])


def _days(day: date) -> str:
    return str((day - date(1970, 1, 1)).days)
