"""A source that can be asked itself, into the ledger: piece by piece, each an act that says how far it has come, so that a kill loses nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from fari.ledger.acts import How, Report
from fari.ledger.objects import Evidence
from fari.ledger.staging import Staging
from fari.ledger.store import Import, Ledger
from fari.sources.importing import Reached, again, as_known, finish, vendors
from fari.sources.reading import Reading
from fari.sources.record import Piece

SOURCES = {"stripe": "stripe_objects"}
"""What can be asked itself, and the format of what it gives."""


@dataclass
class Synced:
    """What became of it: one report for all pieces, and the imports they are."""

    report: Report
    imports: list[str] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Count a piece in."""
        total = self.report
        if report.import_id and report.import_id not in self.imports:
            self.imports.append(report.import_id)
            total.import_id = total.import_id or report.import_id
        total.read += report.read
        total.rejected += report.rejected
        total.problems += report.problems
        for table, counts in report.tables.items():
            known = total.tables.setdefault(table, dict.fromkeys(counts, 0))
            for status, rows in counts.items():
                known[status] += rows
        for why, count in report.skipped.items():
            total.skipped[why] = total.skipped.get(why, 0) + count
        for name, sums in report.totals.items():
            known_sums = total.totals.setdefault(name, {})
            for what, amount in sums.items():
                known_sums[what] = known_sums.get(what, 0) + amount


def sync(
    ledger: Ledger,
    name: str,
    how: How,
    access: Mapping[str, str],
    *,
    source: str | None = None,
    since: date | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Synced:
    """Read what is new. FariError where the source refuses or cannot be reached; what was read until then is stored, and the next call goes on there.

    Args:
        ledger: where to.
        name: which of SOURCES.
        how: the day and the instant; `dry_run` reads everything and stores nothing.
        access: where keys are found, by name: the environment.
        source: the name it is kept under, where it is not the format's.
        since: read everything again, history from that day on.
        say: told what is being done.
    """
    form = SOURCES[name]
    own = source or form
    ledger.open()
    synced = Synced(Report(name, own, format=form))
    done = _acts(ledger, own)
    cursor = _cursor(done[-1], own) if done else None
    if cursor and cursor["step"] == "ended":
        # It was killed when all was read and nothing worked out yet.
        cursor = _work_out(ledger, name, own, how, cursor, synced)
    begun = int(how.now.timestamp())
    from_ = None if since is None else as_known(How(since - timedelta(days=1), how.now), ledger.company) + 1
    pieces: Iterator[Piece] = vendors()[form].fetch(access, cursor, begun, from_, say)
    if how.dry_run:
        _take(ledger, pieces, name, own, form, how, synced, say)
        return synced
    for piece in pieces:
        cursor = piece.cursor
        _take(ledger, iter([piece]), name, own, form, how, synced, say)
    if cursor and cursor["step"] == "ended":
        say("working out subscriptions")
        _work_out(ledger, name, own, how, cursor, synced)
    return synced


def receive(ledger: Ledger, name: str, messages: Sequence[Mapping[str, Any]], how: How) -> Report:
    """Messages that a source has sent of its own accord, as one act."""
    form = SOURCES[name]
    ledger.open()
    staging = Staging(ledger)
    report = Report(name, form, format=form)
    try:
        evidence = Evidence(staging)
        reading = Reading(0, report, staging, evidence, as_known(how, ledger.company))
        reading.take(vendors()[form].receive(messages))
        finish(ledger, staging, evidence, {0: reading}, [report], how)
    finally:
        staging.close()
    return report


def _take(ledger: Ledger, pieces: Iterator[Piece], name: str, source: str, form: str, how: How, synced: Synced, say: Callable[[str], None]) -> None:
    """Pieces as one act. Their objects are kept; what they make is worked out when all are there, or at once in a dry run."""
    staging = Staging(ledger)
    try:
        evidence = Evidence(staging)
        report = Report(name, source, format=form)
        reading = Reading(0, report, staging, evidence, as_known(how, ledger.company))
        for piece in pieces:
            reading.take(piece.items)
            report.cursor = piece.cursor
        if report.cursor:
            finish(ledger, staging, evidence, {0: reading}, [report], how, work_out=how.dry_run, progress=say)
        synced.add(report)
    finally:
        staging.close()


def _work_out(ledger: Ledger, name: str, source: str, how: How, cursor: dict[str, Any], synced: Synced) -> dict[str, Any]:
    """Work out what all pieces since the last time brought, and say that it is done."""
    ids: list[str] = []
    for one in sorted(ledger.imports(), key=lambda one: one.at):
        if one.undone_at is None and (told := _cursor(one, source)):
            ids = [] if told["step"] == "done" and not told.get("begun") else [*ids, one.import_id]
    told_until = cursor.get("until")
    until = how.recorded + timedelta(days=1)
    reached = {**cursor, "step": "done", "until": until.isoformat()}
    for report in again(ledger, ids, how, name, Reached(source, reached, date.fromisoformat(told_until) if told_until else None, until)):
        # Its objects were counted when they came.
        report.read = 0
        synced.add(report)
    return reached


def _acts(ledger: Ledger, source: str) -> list[Import]:
    """The imports of this source that say how far it has come, oldest first.

    One that was undone has to be read again, and all that went on from it; what was read after it was undone began before it.
    """
    acts = sorted((one for one in ledger.imports() if _cursor(one, source)), key=lambda one: one.at)
    undone = [(one.at, one.undone_at) for one in acts if one.undone_at is not None]
    return [one for one in acts if one.undone_at is None and not any(at < one.at < until for at, until in undone)]


def _cursor(one: Import, source: str) -> dict[str, Any] | None:
    files: Sequence[Mapping[str, Any]] = [file for file in one.files if file["source"] == source and file.get("cursor")]
    return dict(files[-1]["cursor"]) if files else None
