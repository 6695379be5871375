"""An import as one act: what is new against what is known is written, and the act itself last; until then none of it can be seen."""

import json
import os
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fari.errors import FariError, did_you_mean
from fari.ledger.compare import NOTHING, Compared, Known, compare, written
from fari.ledger.objects import Evidence
from fari.ledger.problems import Problem
from fari.ledger.staging import Checked, Staged, Staging
from fari.ledger.store import COVERAGE, IMPORTS, Import, Ledger, stored_columns

Covers = dict[tuple[int, str], tuple[date, date]]
"""By file and table, the half-open range of days it says it covers."""
_AT_ONCE = min(4, os.cpu_count() or 1)
"""How many tables are worked on at once."""


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
    cursor: dict[str, Any] | None = None
    """How far a source that is asked bit by bit has come with this act."""

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


def check(staging: Staging, reports: Sequence[Report]) -> dict[str, Checked]:
    """Type everything that was brought, table by table. `reports[n]` names file n and its source."""
    staging.flush()
    files = [(report.file, report.source) for report in reports]

    def one(table: str) -> Checked:
        with staging.session() as session:
            return staging.check(table, session, files)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(staging.tables, pool.map(one, staging.tables), strict=True))


def commit(
    ledger: Ledger,
    staging: Staging,
    staged: Sequence[Staged],
    reports: Sequence[Report],
    covers: Covers,
    how: How,
    evidence: Evidence | None = None,
    fresh: int = 0,
) -> None:
    """Write what the checked files bring, and how many `fresh` objects. `reports[n]` is told what became of file n.

    The caller holds `ledger.writing()`.
    """
    acts = ledger.imports()
    at = moment(how.now, acts)
    import_id = f"{at:%Y%m%d%H%M%S}-{uuid.uuid4().hex[:8]}"
    brought = {one.table: [other for other in staged if other.table == one.table] for one in staged}
    # A correction is compared with what was known on the day it is recorded for; a message is a retry whenever it came.
    now, then = ([one for one in acts if one.counts(as_of)] for as_of in (None, how.recorded))

    def compared(table: str) -> Compared:
        spans = {reports[one.file_no].source: covers.get((one.file_no, table)) for one in brought[table]} if how.replace else None
        with staging.session() as session:
            known = Known(ledger.files(table), now if table == "events" else then)
            return compare(session, table, known, several=len(brought[table]) > 1, append=how.append, today=how.recorded, spans=spans)

    def write(one: Compared) -> dict[str, Any]:
        with staging.session() as session:
            return _write(ledger, session, one.table, written(one, import_id, at, append=how.append, replace=how.replace))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(compared, brought))
        for one in found:
            _tell(one, reports)
        told = _coverage(staged, covers, reports, import_id, how)
        news = [one for one in found if one.rows]
        moved = any(report.cursor for report in reports)
        if how.dry_run or not (news or fresh or moved or _says_more(told, staged, covers, ledger, now)):
            return
        ledger.create()
        if evidence is not None and fresh:
            evidence.write(ledger, import_id)
        extras = list(pool.map(write, news))
    if told:
        ledger.write_small("coverage", COVERAGE, told)
    taken = [report for report in reports if report.refused is None]
    act = {
        "import_id": import_id,
        "act": "commit",
        "at": at,
        "recorded_on": how.recorded,
        "source": ", ".join(dict.fromkeys(report.source for report in taken)),
        "tables": json.dumps({one.table: {"rows": one.rows, "withdrawn": one.marks} | extra for one, extra in zip(news, extras, strict=True)}),
        "files": json.dumps([_file(report) for report in taken]),
        "totals": json.dumps({r.file: r.totals for r in taken}, default=str),
    }
    ledger.write_small("imports", IMPORTS, [act])
    for report in taken:
        report.import_id = import_id
    for table in [*(one.table for one in news), "objects", "imports", "coverage"]:
        ledger.delta(table).compact()


def undo(ledger: Ledger, import_id: str, recorded: date, now: datetime) -> Import:
    """Make an import invisible from that day on; what was before returns. FariError where there is no such import."""
    ledger.open()
    with ledger.writing():
        acts = ledger.imports()
        known = {i.import_id: i for i in acts}
        matches = [i for name, i in known.items() if name == import_id] or [i for name, i in known.items() if name.startswith(import_id)]
        if len(matches) != 1:
            hint = did_you_mean(import_id, known) if not matches else f"; it names {len(matches)} imports"
            raise FariError(f"no import {import_id!r}{hint} (see `fari imports`)")
        if matches[0].undone_at is not None:
            raise FariError(f"import {matches[0].import_id} is undone already")
        act = dict.fromkeys(IMPORTS) | {"import_id": matches[0].import_id, "act": "undo", "at": moment(now, acts), "recorded_on": recorded}
        ledger.write_small("imports", IMPORTS, [act])
    return matches[0]


def moment(now: datetime, acts: Sequence[Import]) -> datetime:
    """When the act is, in UTC: after all acts before it, whatever the clock says, since of two versions the later counts."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return max([at, *((i.undone_at or i.at) + timedelta(microseconds=1) for i in acts), *(i.at + timedelta(microseconds=1) for i in acts)])


def _file(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = {"file": report.file, "source": report.source, "read": report.read, "rejected": report.rejected}
    return told if report.cursor is None else told | {"cursor": report.cursor}


def _tell(found: Compared, reports: Sequence[Report]) -> None:
    for file_no, counts in found.counts.items():
        known = reports[file_no].tables.setdefault(found.table, dict(NOTHING))
        for status, rows in counts.items():
            known[status] += rows
    for file_no, rows in found.overruled.items():
        what = f"{rows} row{'s' if rows > 1 else ''} of {found.table} not kept: a later file of this import has rows of the same keys"
        mend = "import the files with --append to keep both"
        reports[file_no].problems.append(Problem("", what, mend=mend, file=reports[file_no].file, table=found.table, refused=False))
    for file_no, rows in found.after.items():
        what = f"{rows} of the withdrawn rows of {found.table} {'are' if rows > 1 else 'is'} later than the file's last: it covers all days until now"
        mend = "say with --covers FROM..UNTIL which days it speaks for"
        reports[file_no].problems.append(Problem("", what, mend=mend, file=reports[file_no].file, table=found.table, refused=False))


def _write(ledger: Ledger, session: Any, table: str, rows: str) -> dict[str, Any]:
    """Write a table's rows; of events, say of which months they are."""
    if table != "events":
        ledger.delta(table).append(session.sql(rows), list(stored_columns(table)))
        return {}
    day = "DATE '1970-01-01' + timestamp_day"
    dated = f"SELECT *, CAST(year({day}) * 100 + month({day}) AS INTEGER) AS month FROM ({rows})"
    months = sorted(month for (month,) in session.execute(f"SELECT DISTINCT month FROM ({dated})").fetchall())
    ordered = " ORDER BY month" if len(months) > 1 else ""
    ledger.delta(table).append(session.sql(dated + ordered), [*stored_columns(table), "month"], ["month"])
    return {"months": months}


def _coverage(staged: Sequence[Staged], covers: Covers, reports: Sequence[Report], import_id: str, how: How) -> list[dict[str, Any]]:
    """What each file covers of each table: from its first row to the horizon, or the range it or the user names."""
    rows = []
    for one in staged:
        since, until = covers.get((one.file_no, one.table), (one.since, None))
        if since is None and one.last is None and not one.good:
            continue
        dates = [one.last] if one.last is not None else []
        if until is not None:
            dates.append(until - timedelta(days=1))
        rows.append(
            {
                "import_id": import_id,
                "source": reports[one.file_no].source,
                "table": one.table,
                "since": since,
                "until": until,
                "last": min(max(dates), how.recorded) if dates else None,
                "rows": one.good,
                "totals": json.dumps(one.sums, default=str),
            }
        )
    return rows


def _says_more(told: Sequence[dict[str, Any]], staged: Sequence[Staged], covers: Covers, ledger: Ledger, seen: Sequence[Import]) -> bool:
    """Whether a file without news covers a range of days that no import has said so far."""
    named = {(one.table, covers[one.file_no, one.table]) for one in staged if (one.file_no, one.table) in covers}
    known = {(c.source, c.table, c.since, c.until) for c in ledger.coverage(seen)}
    return any(
        (row["table"], (row["since"], row["until"])) in named and (row["source"], row["table"], row["since"], row["until"]) not in known
        for row in told
    )
