"""What an act's rows bring against what is known: which are new, changed or unchanged, and what is to be written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fari.ledger.schema import TABLES
from fari.ledger.sql import among, empty, literal, parquet, quote
from fari.ledger.store import Import, current_sql, stored_columns

NOTHING = {"new": 0, "changed": 0, "unchanged": 0, "withdrawn": 0}


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


def compare(
    session: Any,
    table: str,
    files: Sequence[str],
    seen: Sequence[Import],
    *,
    append: bool,
    spans: Mapping[str, tuple[date, date] | None] | None = None,
) -> Compared:
    """Compare `checked_<table>` with the table's current rows, into `written_<table>` (place, or a withdrawal's columns).

    `seen` are the imports that count. With `spans`, what its sources no longer have is withdrawn: within the half-open range of
    days given for a source, or where there is none from its first row to its last.
    """
    known = _known(session, table, files, seen, whole=spans is not None, sources=list(spans or ()))
    found = Compared(table)
    if table == "events":
        _messages(session, known)
    elif append:
        _appended(session, table)
    else:
        _replaced(session, table, known)
    for file_no, status, speaks, rows, written in session.execute(
        f"SELECT file_no, status, speaks, count(*), count(*) FILTER (written) FROM compared_{table} GROUP BY ALL"
    ).fetchall():
        found.counts[file_no][status] += rows
        found.rows += written
        if not speaks:
            found.overruled[file_no] = found.overruled.get(file_no, 0) + rows
    if known and found.rows and not append and table != "events":
        _missed(session, table, found)
    if spans is not None:
        _withdraw(session, table, spans, found)
    return found


def written(table: str, import_id: str, at: datetime, *, append: bool, replace: bool) -> str:
    """SQL for the rows the act writes."""
    given = {"recorded_at": f"TIMESTAMP '{at}'", "import_id": literal(import_id), "appended": "true" if append else "false"}
    columns = stored_columns(table)
    plain = ", ".join(f"{given[n]} AS {n}" if n in given else "false AS withdrawn" if n == "withdrawn" else f"c.{quote(n)}" for n in columns)
    sql = f"SELECT {plain} FROM checked_{table} c SEMI JOIN (SELECT place FROM compared_{table} WHERE written) p ON p.place = c.place"
    if replace:
        again = ", ".join(f"{given[n]} AS {n}" if n in given else quote(n) for n in columns)
        sql += f" UNION ALL SELECT {again} FROM withdrawn_{table}"
    return sql


def _known(session: Any, table: str, files: Sequence[str], seen: Sequence[Import], *, whole: bool, sources: Sequence[str]) -> bool:
    """`known_<table>`: the current rows of the scopes the files name (all rows of the `sources` where `whole`). False where there are none."""
    columns = stored_columns(table) if whole else dict.fromkeys(("source", "key", "scope", "digest"), "VARCHAR")
    read = columns | {"import_id": "VARCHAR", "withdrawn": "BOOLEAN", "appended": "BOOLEAN"}
    ids = [i for i in seen if table in i.tables]
    if not files or not ids:
        session.execute(f"CREATE TABLE known_{table} AS {empty(columns)}")
        return False
    listed = ", ".join(f"({literal(i.import_id)}, {i.seq})" for i in ids)
    names = "source, key" if table == "events" else "source, scope"
    named = (
        f"WHERE r.source IN {among(sources)}"
        if whole
        else f"SEMI JOIN (SELECT DISTINCT {names} FROM checked_{table} WHERE wrong IS NULL) g USING ({names})"
    )
    session.execute(
        f"CREATE TABLE known_{table} AS WITH seen(import_id, seq) AS (VALUES {listed}), "
        f"raw_{table} AS (SELECT r.* FROM ({parquet(files, read)}) r "
        f"{named}) "
        f"{current_sql(table, columns)}"
    )
    count = session.execute(f"SELECT count(*) FROM known_{table}").fetchone()
    return bool(count and count[0])


def _messages(session: Any, known: bool) -> None:
    """Of messages the first of an id counts, in this act and before it."""
    before = "AND NOT EXISTS (SELECT 1 FROM known_events k WHERE k.source = f.source AND k.key = f.key)" if known else ""
    session.execute(
        "CREATE TABLE compared_events AS "
        "WITH first AS (SELECT source, key, min(place) AS place FROM checked_events WHERE wrong IS NULL GROUP BY source, key), "
        f"fresh AS (SELECT place FROM first f WHERE true {before}) "
        "SELECT c.place, c.file_no, CASE WHEN f.place IS NULL THEN 'unchanged' ELSE 'new' END AS status, true AS speaks, f.place IS NOT NULL AS written "
        "FROM checked_events c LEFT JOIN fresh f ON f.place = c.place WHERE c.wrong IS NULL"
    )


_STATUS = """CASE WHEN nth <= coalesce(h.n, 0) THEN 'unchanged' WHEN k.key IS NOT NULL THEN 'changed' ELSE 'new' END AS status"""


def _statuses(table: str, said: str) -> str:
    """The rows said, each with its status: of equal rows as many are unchanged as were known."""
    return (
        f"said AS ({said}), had AS (SELECT source, scope, digest, count(*) AS n FROM known_{table} GROUP BY ALL), "
        f"keys AS (SELECT DISTINCT source, scope, key FROM known_{table}), "
        f"statuses AS (SELECT s.*, {_STATUS} FROM said s LEFT JOIN had h ON h.source = s.source AND h.scope = s.scope AND h.digest = s.digest "
        "LEFT JOIN keys k ON k.source = s.source AND k.scope = s.scope AND k.key = s.key)"
    )


def _appended(session: Any, table: str) -> None:
    """Rows that are added: those not known yet, nor brought by an earlier file of the act."""
    said = (
        "SELECT *, row_number() OVER (PARTITION BY source, scope, digest, nth ORDER BY file_no) > 1 AS again FROM (SELECT place, file_no, source, scope, key, digest, "
        f"row_number() OVER (PARTITION BY source, scope, digest, file_no ORDER BY place) AS nth FROM checked_{table} WHERE wrong IS NULL)"
    )
    session.execute(
        f"CREATE TABLE compared_{table} AS WITH {_statuses(table, said)} "
        "SELECT place, file_no, CASE WHEN again THEN 'unchanged' ELSE status END AS status, true AS speaks, "
        "NOT again AND status <> 'unchanged' AS written FROM statuses"
    )


def _replaced(session: Any, table: str, known: bool) -> None:
    """Rows that replace all known of their scopes, where the two differ as multisets. Of the files of one act the last that names a scope speaks for it."""
    several = "file_no = max(file_no) OVER (PARTITION BY source, scope)"
    files = session.execute(f"SELECT count(DISTINCT file_no) FROM checked_{table}").fetchone()
    speaks = several if files[0] > 1 else "true"
    if not known:
        session.execute(
            f"CREATE TABLE compared_{table} AS SELECT place, file_no, source, scope, 'new' AS status, {speaks} AS speaks, speaks AS written "
            f"FROM checked_{table} WHERE wrong IS NULL"
        )
        return
    said = (
        f"SELECT place, file_no, source, scope, key, digest, {speaks} AS speaks, "
        f"row_number() OVER (PARTITION BY source, scope, digest, file_no ORDER BY place) AS nth FROM checked_{table} WHERE wrong IS NULL"
    )
    session.execute(
        f"CREATE TABLE compared_{table} AS WITH {_statuses(table, said)}, "
        "scopes AS (SELECT source, scope, count(*) AS said, count(*) FILTER (status = 'unchanged') AS same FROM statuses WHERE speaks GROUP BY ALL), "
        f"before AS (SELECT source, scope, count(*) AS had FROM known_{table} GROUP BY ALL) "
        "SELECT s.place, s.file_no, s.source, s.scope, s.status, s.speaks, s.speaks AND (u.said <> u.same OR u.said <> coalesce(b.had, 0)) AS written "
        "FROM statuses s JOIN scopes u ON u.source = s.source AND u.scope = s.scope LEFT JOIN before b ON b.source = s.source AND b.scope = s.scope"
    )


def _missed(session: Any, table: str, found: Compared) -> None:
    """Count what the scopes written anew no longer have."""
    for file_no, rows in session.execute(
        f"SELECT file_no, sum(had - said) FROM (SELECT max(file_no) AS file_no, source, scope, count(*) AS said FROM compared_{table} WHERE speaks GROUP BY source, scope) "
        f"JOIN (SELECT source, scope, count(*) AS had FROM known_{table} GROUP BY ALL) USING (source, scope) WHERE had > said GROUP BY file_no"
    ).fetchall():
        found.counts[file_no]["withdrawn"] += int(rows)


def _withdraw(session: Any, table: str, spans: Mapping[str, tuple[date, date] | None], found: Compared) -> None:
    """`withdrawn_<table>`: what the files no longer have, for scopes of their sources dated inside their period.

    A scope that keeps rows outside the period is written anew with those; one that keeps none leaves the mark of its withdrawal.
    A row that was refused still shows that its scope is there.
    """
    dated = TABLES[table].dated_by
    day = quote(f"{dated}_day") if dated else "NULL"
    inside = f"coalesce({day} BETWEEN p.since AND p.until, false)" if dated else "true"
    scope = "key" if table == "events" else "scope"
    told = ", ".join(f"({literal(source)}, {_number(span, 0)}, {_number(span, 1)} - 1)" for source, span in spans.items())
    session.execute(
        f"CREATE TABLE gone_{table} AS WITH told(source, since, until) AS (VALUES {told}), "
        f"rows AS (SELECT source, min({day}) AS since, max({day}) AS until, max(file_no) AS file_no FROM checked_{table} WHERE wrong IS NULL GROUP BY source), "
        "spans AS (SELECT source, coalesce(t.since, r.since) AS since, coalesce(t.until, r.until) AS until, coalesce(r.file_no, 0) AS file_no "
        "FROM told t LEFT JOIN rows r USING (source)) "
        f"SELECT k.*, p.file_no, {inside} AS inside FROM known_{table} k JOIN spans p ON p.source = k.source "
        f"ANTI JOIN (SELECT source, {scope} FROM checked_{table}) c ON c.source = k.source AND c.{scope} = k.{scope}"
    )
    for file_no, rows in session.execute(f"SELECT file_no, count(*) FROM gone_{table} WHERE inside GROUP BY file_no").fetchall():
        found.counts[file_no]["withdrawn"] += rows
    own = ", ".join("NOT stays AS withdrawn" if name == "withdrawn" else quote(name) for name in stored_columns(table))
    session.execute(
        f"CREATE TABLE withdrawn_{table} AS SELECT {own} FROM (SELECT *, bool_or(inside) OVER u AS touched, bool_or(NOT inside) OVER u AS stays, "
        f"row_number() OVER (PARTITION BY source, {scope} ORDER BY origin) AS nth FROM gone_{table} WINDOW u AS (PARTITION BY source, {scope})) "
        "WHERE touched AND CASE WHEN stays THEN NOT inside ELSE nth = 1 END"
    )
    rows, marks = session.execute(f"SELECT count(*), count(*) FILTER (withdrawn) FROM withdrawn_{table}").fetchone()
    found.rows += rows
    found.marks += marks


def _number(span: tuple[date, date] | None, which: int) -> str:
    return "CAST(NULL AS INTEGER)" if span is None else str((span[which] - date(1970, 1, 1)).days)
