"""An import as one act: what is new against what is known is written, and the act itself last; until then none of it can be seen."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from arro3.core import Table as ArrowTable

from fari.errors import FariError, did_you_mean
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES
from fari.ledger.staging import Staged, Staging
from fari.ledger.store import COVERAGE, IMPORTS, Import, Ledger, current_sql, quote, stored_columns


@dataclass
class Report:
    """What became of one file."""

    file: str
    source: str
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    """Per table: rows new, changed, unchanged and withdrawn."""
    read: int = 0
    rejected: int = 0
    problems: list[Problem] = field(default_factory=list)
    totals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per `table.column currency`: sum in the file, stored, rejected; and what the file itself states."""
    skipped: dict[str, int] = field(default_factory=dict)
    import_id: str | None = None
    format: str = ""
    """What the file was read as: what `--as` would have to say."""
    refused: str | None = None
    """Why nothing of the file was read, where that is so."""

    def count(self, what: str) -> int:
        """Rows new, changed, unchanged or withdrawn over all tables."""
        return sum(counts.get(what, 0) for counts in self.tables.values())


@dataclass(frozen=True)
class How:
    """How an act is to be done."""

    recorded: date
    now: datetime
    append: bool = False
    replace: bool = False
    dry_run: bool = False


def commit(ledger: Ledger, staging: Staging, staged: Sequence[Staged], reports: Sequence[Report], covers: dict[tuple[int, str], tuple[date, date]], how: How) -> None:
    """Write what the staged files bring. `reports[n]` is told what became of file n. The caller holds `ledger.writing()`."""
    import_id = f"{how.now:%Y%m%d%H%M%S}-{uuid.uuid4().hex[:8]}"
    seen = ledger.visible()
    tables: dict[str, dict[str, Any]] = {}
    connection = staging.connection
    for table in staging.tables:
        _load_current(ledger, staging, table, seen)
        _compare(staging, table, how)
        for file_no, status, count in connection.execute(
            f"SELECT file_no, status, count(*) FROM compared_{table} GROUP BY ALL ORDER BY ALL"
        ).fetchall():
            reports[file_no].tables.setdefault(table, {"new": 0, "changed": 0, "unchanged": 0, "withdrawn": 0})[status] += count
        counted = connection.execute(f"SELECT count(*), count(*) FILTER (withdrawn) FROM written_{table}").fetchone()
        assert counted is not None
        if counted[0]:
            if how.replace:
                last_file = max(r[0] for r in connection.execute(f"SELECT DISTINCT file_no FROM good_{table}").fetchall())
                reports[last_file].tables.setdefault(table, {"new": 0, "changed": 0, "unchanged": 0, "withdrawn": 0})["withdrawn"] += counted[1]
            tables[table] = {"rows": counted[0], "withdrawn": counted[1]}
    if how.dry_run:
        return
    asked = any(one.table for one in staged if (one.file_no, one.table) in covers)
    if not tables and not asked:
        return
    ledger.create()
    for table in tables:
        if table == "events":
            days = connection.execute("SELECT DISTINCT year(d) * 100 + month(d) FROM (SELECT DATE '1970-01-01' + timestamp_day AS d FROM written_events)").fetchall()
            tables[table]["months"] = sorted(month for (month,) in days)
        _write(ledger, staging, table, import_id, how)
    _write_coverage(ledger, staged, covers, import_id, how, reports)
    taken = [report for report in reports if report.refused is None]
    for report in taken:
        report.import_id = import_id
    act = {
        "import_id": import_id,
        "act": "commit",
        "at": how.now.astimezone(UTC).replace(tzinfo=None),
        "recorded_on": how.recorded,
        "source": ", ".join(dict.fromkeys(report.source for report in taken)),
        "tables": json.dumps(tables),
        "files": json.dumps([{"file": r.file, "source": r.source, "read": r.read, "rejected": r.rejected} for r in taken]),
        "totals": json.dumps({r.file: r.totals for r in taken}, default=str),
    }
    _append_rows(ledger, "imports", [act], IMPORTS)
    for table in (*tables, "imports", "coverage"):
        ledger.compact(table)


def undo(ledger: Ledger, import_id: str, recorded: date, now: datetime) -> Import:
    """Make an import invisible from that day on; what was before returns. FariError where there is no such import."""
    with ledger.writing():
        known = {i.import_id: i for i in ledger.imports()}
        matches = [i for name, i in known.items() if name == import_id or name.startswith(import_id)]
        if len(matches) != 1:
            hint = did_you_mean(import_id, known) if not matches else f"; it names {len(matches)} imports"
            raise FariError(f"no import {import_id!r}{hint} (see `fari imports`)")
        if matches[0].undone_at is not None:
            raise FariError(f"import {matches[0].import_id} is undone already")
        act = dict.fromkeys(IMPORTS) | {
            "import_id": matches[0].import_id,
            "act": "undo",
            "at": now.astimezone(UTC).replace(tzinfo=None),
            "recorded_on": recorded,
        }
        _append_rows(ledger, "imports", [act], IMPORTS)
    return matches[0]


def _load_current(ledger: Ledger, staging: Staging, table: str, seen: Sequence[Import]) -> None:
    """`known_<table>`: the current rows of the units the files name (all of the sources' rows where they are to be replaced)."""
    connection = staging.connection
    columns = stored_columns(table)
    files = ledger.files(table)
    ids = [i for i in seen if table in i.tables]
    listed = ", ".join(f"('{i.import_id}', {i.seq})" for i in ids) or "('', -1)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW seen AS SELECT * FROM (VALUES {listed}) AS s(import_id, seq)")
    wanted = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
    unit = quote("key" if table == "events" else "unit")
    if files and ids:
        listed_files = "[" + ", ".join("'" + f.replace("'", "''") + "'" for f in files) + "]"
        raw = f"SELECT {wanted} FROM read_parquet({listed_files}, union_by_name=true, hive_partitioning=false)"
        narrow = f' WHERE (source, "{unit[1:-1]}") IN (SELECT source, {unit} FROM good_{table})'
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_{table} AS SELECT * FROM ({raw}) {'' if _whole(staging, table) else narrow}")
    else:
        empty = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns.items())
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_{table} AS SELECT {empty} WHERE false")
    if table == "events" and not _whole(staging, table):
        sql = f'SELECT source, "key" FROM ({current_sql(table)})'
    else:
        sql = current_sql(table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE known_{table} AS {sql}")


def _whole(staging: Staging, table: str) -> bool:
    return getattr(staging, "replace", False)


def _compare(staging: Staging, table: str, how: How) -> None:
    """`compared_<table>`: each good row with its status; `written_<table>`: the rows this act writes."""
    connection = staging.connection
    good, known = f"good_{table}", f"known_{table}"
    if table == "events":
        # The first message of an id counts, in this act and before it.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE compared_{table} AS SELECT g.file_no, g.place, "
            f'CASE WHEN k."key" IS NOT NULL OR row_number() OVER (PARTITION BY g.source, g."key" ORDER BY g.file_no, g.place) > 1 '
            f"THEN 'unchanged' ELSE 'new' END AS status FROM {good} g LEFT JOIN {known} k ON k.source = g.source AND k.\"key\" = g.\"key\""
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW written_{table} AS SELECT g.* EXCLUDE (file_no, place, line) FROM {good} g "
            f"JOIN compared_{table} c ON c.file_no = g.file_no AND c.place = g.place WHERE c.status = 'new'"
        )
    else:
        # Of the files of one act the last that names a unit speaks for it.
        speaks = "true" if how.append else "file_no = max(file_no) OVER (PARTITION BY source, unit)"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE said AS SELECT *, {speaks} AS speaks, "
            f"row_number() OVER (PARTITION BY source, unit, digest, file_no ORDER BY place) AS nth FROM {good}"
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE had AS SELECT source, unit, digest, count(*) AS n FROM {known} GROUP BY ALL")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE compared_{table} AS SELECT s.file_no, s.place, s.source, s.unit, s.speaks, "
            f"CASE WHEN s.nth <= coalesce(h.n, 0) THEN 'unchanged' "
            f"WHEN k.\"key\" IS NOT NULL THEN 'changed' ELSE 'new' END AS status "
            f"FROM said s LEFT JOIN had h ON h.source = s.source AND h.unit = s.unit AND h.digest = s.digest "
            f'LEFT JOIN (SELECT DISTINCT source, unit, "key" FROM {known}) k ON k.source = s.source AND k.unit = s.unit AND k."key" = s."key"'
        )
        if how.append:
            chosen = (
                f"SELECT s.* EXCLUDE (file_no, place, line, speaks, nth) REPLACE (true AS appended) FROM said s "
                f"JOIN compared_{table} c ON c.file_no = s.file_no AND c.place = s.place WHERE c.status <> 'unchanged'"
            )
        else:
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE moved AS SELECT coalesce(a.source, b.source) AS source, coalesce(a.unit, b.unit) AS unit FROM "
                "(SELECT source, unit, list_sort(list(digest)) AS rows FROM said WHERE speaks GROUP BY ALL) a LEFT JOIN "
                f"(SELECT source, unit, list_sort(list(digest)) AS rows FROM {known} GROUP BY ALL) b "
                "ON a.source = b.source AND a.unit = b.unit WHERE a.rows IS DISTINCT FROM b.rows"
            )
            chosen = (
                "SELECT s.* EXCLUDE (file_no, place, line, speaks, nth) FROM said s JOIN moved m ON m.source = s.source AND m.unit = s.unit WHERE s.speaks"
            )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE written_{table} AS {chosen}")
    if how.replace:
        _withdraw(staging, table)


def _withdraw(staging: Staging, table: str) -> None:
    """Add to `written_<table>` what the file no longer has: withdrawn rows, for units of its source dated inside its period."""
    connection = staging.connection
    dated = TABLES[table].dated_by
    good, known = f"good_{table}", f"known_{table}"
    column = quote(dated) if dated else "NULL"
    inside = f"{column} BETWEEN p.since AND p.until" if dated else "true"
    unit = quote("key" if table == "events" else "unit")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE gone AS SELECT k.*, {inside} AS inside FROM {known} k JOIN "
        f"(SELECT source, min({column}) AS since, max({column}) AS until FROM {good} GROUP BY source) p ON p.source = k.source "
        f"WHERE (k.source, k.{unit}) NOT IN (SELECT source, {unit} FROM {good})"
    )
    connection.execute(f"DELETE FROM gone WHERE (source, {unit}) NOT IN (SELECT source, {unit} FROM gone WHERE inside)")
    columns = ", ".join(quote(name) for name in stored_columns(table))
    # A unit that keeps rows outside the period is written anew with those; one that keeps none leaves its withdrawal.
    rest = f"SELECT {columns} FROM gone WHERE NOT inside"
    marks = (
        f"SELECT {columns} REPLACE (true AS withdrawn) FROM (SELECT *, row_number() OVER (PARTITION BY source, {unit} ORDER BY origin) AS nth, "
        f"bool_or(NOT inside) OVER (PARTITION BY source, {unit}) AS stays FROM gone) WHERE nth = 1 AND NOT stays"
    )
    if table == "events":
        connection.execute("CREATE OR REPLACE TEMP TABLE kept_events AS SELECT * FROM written_events")
        connection.execute(f"DROP VIEW written_{table}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE written_{table} AS SELECT * FROM kept_events")
    connection.execute(f"INSERT INTO written_{table} BY NAME {rest} UNION ALL BY NAME {marks}")


def _write(ledger: Ledger, staging: Staging, table: str, import_id: str, how: How) -> None:
    at = how.now.astimezone(UTC).replace(tzinfo=None)
    columns = ", ".join(
        f"TIMESTAMP '{at}' AS recorded_at" if name == "recorded_at" else f"'{import_id}' AS import_id" if name == "import_id" else quote(name)
        for name in stored_columns(table)
    )
    if table == "events":
        day = "DATE '1970-01-01' + timestamp_day"
        rows = staging.connection.sql(
            f"SELECT {columns}, CAST(year({day}) * 100 + month({day}) AS INTEGER) AS month FROM written_{table} ORDER BY month"
        )
        ledger.append(table, rows, ["month"])
    else:
        ledger.append(table, staging.connection.sql(f"SELECT {columns} FROM written_{table}"))


def _write_coverage(
    ledger: Ledger, staged: Sequence[Staged], covers: dict[tuple[int, str], tuple[date, date]], import_id: str, how: How, reports: Sequence[Report]
) -> None:
    rows = []
    for one in staged:
        since, until = covers.get((one.file_no, one.table), (one.since, None))
        if since is None and one.last is None and not one.good:
            continue
        last = min(one.last, how.recorded) if one.last else None
        if until is not None:
            last = max(last or until, min(until, how.recorded)) if last else min(until, how.recorded)
        rows.append(
            {
                "import_id": import_id,
                "source": reports[one.file_no].source,
                "table": one.table,
                "since": since,
                "until": until,
                "last": last,
                "rows": one.good,
                "totals": json.dumps(one.sums, default=str),
            }
        )
    if rows:
        _append_rows(ledger, "coverage", rows, COVERAGE)


def _append_rows(ledger: Ledger, table: str, rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows ({', '.join(f'{quote(n)} {k}' for n, k in columns.items())})")
        connection.executemany(
            f"INSERT INTO rows VALUES ({', '.join('?' for _ in columns)})", [[row[name] for name in columns] for row in rows]
        )
        ledger.append(table, connection.sql("SELECT * FROM rows"))


__all__ = ["ArrowTable", "Decimal", "How", "Report", "commit", "undo"]
