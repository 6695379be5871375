"""`fari import`, `fari imports` and `fari undo`: files in, with an account of every row."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fari.errors import UsageError, did_you_mean
from fari.surfaces import terminal
from fari.surfaces.asking import a_day, days_covered
from fari.surfaces.format import many, total
from fari.surfaces.project import Place, now, today

if TYPE_CHECKING:
    from fari.ledger.acts import Report
    from fari.ledger.problems import Problem
    from fari.ledger.store import Import, Ledger

_FIRST = 5
"""So many problems of a file are printed; all of them with --json or --rejects."""
_STATUS = ("new", "changed", "unchanged", "withdrawn")


@dataclass(frozen=True)
class Wanted:
    """What `fari import` was asked to do, word for word."""

    files: tuple[Path, ...]
    as_: str | None = None
    source: str | None = None
    append: bool = False
    replace: bool = False
    recorded: str | None = None
    covers: str | None = None
    rejects: Path | None = None
    dry_run: bool = False


def bring(place: Place, wanted: Wanted, json: bool) -> bool:
    """Import, and report file by file; whether every file could be read."""
    if wanted.append and wanted.replace:
        raise UsageError("--append adds and --replace takes away: use one of them")
    if wanted.source is not None and not wanted.source.strip():
        raise UsageError("--source takes a name")
    covers = days_covered(wanted.covers) if wanted.covers else None
    recorded = a_day(wanted.recorded, "--recorded") if wanted.recorded else None
    ledger = place.project()
    if recorded and recorded > today(ledger.company):
        raise UsageError(f"--recorded {recorded} has not come yet")
    with terminal.progress("reading") as progress:
        reports = take_in(ledger, [place.within(path) for path in wanted.files], wanted, recorded, covers, progress)
    if wanted.rejects:
        _write_rejects(place.here / wanted.rejects, reports)
    if json:
        from fari.surfaces.output import dumps

        terminal.write(dumps(as_objects(reports, wanted.dry_run), indent=2) + "\n")
    else:
        for report in reports:
            if report.refused is None:
                terminal.write("".join(f"{line}\n" for line in described(report, bool(wanted.rejects))))
        _note_outcome(reports, wanted)
    for report in reports:
        if report.refused is not None:
            terminal.complain(report.refused)
    return all(report.refused is None for report in reports)


def take_in(
    ledger: "Ledger", paths: Sequence[Path], wanted: Wanted, recorded: date | None, covers: tuple[date, date] | None, progress: terminal.Say
) -> "list[Report]":
    """The files as one act of the ledger."""
    from fari.ledger.acts import How
    from fari.sources.importing import formats, import_files

    if wanted.as_ is not None and wanted.as_ not in formats():
        raise UsageError(f"unknown format {wanted.as_!r}{did_you_mean(wanted.as_, formats())} (one of: {', '.join(formats())})")
    how = How(recorded or today(ledger.company), now(), wanted.append, wanted.replace, wanted.dry_run)
    return import_files(ledger, paths, how, as_=wanted.as_, source=wanted.source, covers=covers, keep_going=True, progress=progress)


def described(report: "Report", all_written: bool = False) -> list[str]:
    """What became of a file, in lines."""
    kind = report.format if report.source in ("", "contract", report.format) else f"{report.format}, source {report.source}"
    counts = [f"{report.count(status):,} {status}" for status in _STATUS[:3]]
    if report.count("withdrawn"):
        counts.append(f"{report.count('withdrawn'):,} withdrawn")
    lines = [f"{report.file} ({kind})", f"  {many(report.read, 'row')} read: {', '.join(counts)}, {report.rejected:,} rejected"]
    if len(report.tables) > 1:
        lines += [f"    {table}: {', '.join(f'{n:,} {status}' for status, n in found.items() if n)}" for table, found in report.tables.items()]
    for refused, title in ((True, "rejected"), (False, "note")):
        problems = [problem for problem in report.problems if problem.refused is refused]
        lines += [f"  {title}: {_problem(problem)}" for problem in problems[:_FIRST]]
        if len(problems) > _FIRST:
            where = "" if all_written else " (--json lists all, --rejects FILE writes them as CSV)" if refused else " (--json lists all)"
            lines.append(f"  {title}: and {len(problems) - _FIRST:,} more{where}")
    lines += [f"  left out: {f'{count:,} × ' if count else ''}{why}" for why, count in report.skipped.items()]
    lines += [f"  {name}: {control_words(sums)}" for name, sums in report.totals.items()]
    return lines


def _problem(problem: "Problem") -> str:
    value = f": {problem.value[:60]!r}" if problem.value else ""
    mend = f" ({problem.mend})" if problem.mend else ""
    line = f"line {problem.line}: " if problem.line not in (0, "0", "") else ""
    return f"{line}{problem.what}{value}{mend}"


def control_agrees(sums: "dict[str, Any]") -> bool:
    """Whether a control total comes out: what the file states, or its sum, is the sum of its rows wherever they went."""
    if "stated" in sums:
        return bool(sums["stated"] == sums["file"])
    return bool(sums["file"] == sums.get("stored", Decimal(0)) + sums.get("rejected", Decimal(0)))


def control_words(sums: "dict[str, Any]") -> str:
    """A control total in words: the sum in the file is what was stored and what was rejected."""
    if "stated" in sums:
        agrees = "as its rows do" if sums["stated"] == sums["file"] else f"but its rows sum to {total(sums['file'])}"
        return f"{total(sums['stated'])}, {agrees}"
    stored, rejected = sums.get("stored", Decimal(0)), sums.get("rejected", Decimal(0))
    equal = "=" if sums["file"] == stored + rejected else "≠"
    return f"{total(sums['file'])} in the file {equal} {total(stored)} stored + {total(rejected)} rejected"


def _note_outcome(reports: "Sequence[Report]", wanted: Wanted) -> None:
    taken = [report for report in reports if report.refused is None]
    import_id = next((report.import_id for report in taken if report.import_id), None)
    if wanted.dry_run:
        terminal.note("nothing was stored: this was a dry run")
    elif import_id:
        terminal.note(f"imported as {import_id} (`fari undo {import_id}` takes it back)")
    elif taken:
        terminal.note("nothing new: the ledger has all of it already")


def as_objects(reports: "Sequence[Report]", dry_run: bool) -> dict[str, Any]:
    """The reports as `--json` prints them."""
    return {
        "import_id": next((report.import_id for report in reports if report.import_id), None),
        "dry_run": dry_run,
        "files": [
            {
                "file": report.file,
                "format": report.format,
                "source": report.source,
                "error": report.refused,
                "tables": report.tables,
                "read": report.read,
                **{status: report.count(status) for status in _STATUS},
                "rejected": report.rejected,
                "problems": [
                    {"line": p.line, "table": p.table, "what": p.what, "column": p.column, "value": p.value, "mend": p.mend, "refused": p.refused}
                    for p in report.problems
                ],
                "skipped": report.skipped,
                "totals": report.totals,
            }
            for report in reports
        ],
    }


def rejects(reports: "Sequence[Report]") -> list[dict[str, Any]]:
    """Every rejected row as `--rejects` writes it."""
    return [
        {"file": report.file, "table": p.table, "line": p.line, "column": p.column, "value": p.value, "what": p.what, "mend": p.mend}
        for report in reports
        for p in report.problems
        if p.refused
    ]


def _write_rejects(path: Path, reports: "Sequence[Report]") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("file", "table", "line", "column", "value", "what", "mend"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rejects(reports))


def list_imports(place: Place, json: bool) -> None:
    """What was imported, oldest first."""
    ledger = place.project()
    done = sorted(ledger.imports(), key=lambda one: one.at)
    if json:
        from fari.surfaces.output import dumps

        terminal.write(dumps([import_object(one) for one in done], indent=2) + "\n")
        return
    if not done:
        from fari.surfaces.asking import NOTHING_IMPORTED

        terminal.note(NOTHING_IMPORTED)
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("import", "imported", "recorded", "files", "rows", "rejected", "totals", ""):
        table.add_column(head, no_wrap=head != "totals" and head != "files", justify="right" if head in ("rows", "rejected") else "left")
    for one in done:
        table.add_row(
            one.import_id,
            f"{one.at.replace(tzinfo=UTC).astimezone(ledger.company.zone):%Y-%m-%d %H:%M}",
            one.recorded_on.isoformat(),
            files_words(one),
            f"{sum(file['read'] for file in one.files):,}",
            f"{sum(file['rejected'] for file in one.files):,}",
            stored_words(one),
            f"undone {one.undone_on}" if one.undone_on else "",
            style="dim" if one.undone_on else None,
        )
    terminal.show(table)


def files_words(one: "Import") -> str:
    """An import's files by name, the first of many."""
    names = [str(file["file"]) for file in one.files]
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def stored_words(one: "Import") -> str:
    """Control totals over the import's files: what was stored, by column and currency."""
    sums: dict[str, Decimal] = {}
    for totals in one.totals.values():
        for name, kept in totals.items():
            if "stored" in kept:
                sums[name] = sums.get(name, Decimal(0)) + Decimal(str(kept["stored"]))
    return "; ".join(f"{name} {total(amount)}" for name, amount in sums.items())


def import_object(one: "Import") -> dict[str, Any]:
    """An import as `--json` prints it."""
    return {
        "import_id": one.import_id,
        "imported_at": f"{one.at.isoformat()}Z",
        "recorded_on": one.recorded_on,
        "source": one.source,
        "files": list(one.files),
        "tables": one.tables,
        "totals": {file: {name: _decimals(sums) for name, sums in totals.items()} for file, totals in one.totals.items()},
        "undone_at": f"{one.undone_at.isoformat()}Z" if one.undone_at else None,
        "undone_on": one.undone_on,
    }


def _decimals(sums: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(str(amount)) for name, amount in sums.items()}


def take_back(place: Place, import_id: str) -> None:
    """Undo an import."""
    from fari.sources.importing import take_back as undo

    ledger = place.project()
    undone = undo(ledger, import_id, today(ledger.company), now())
    terminal.note(f"undone: {undone.import_id} ({files_words(undone)}); what was known before returns")
