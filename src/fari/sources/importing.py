"""Files into the ledger: which source a file is of, its rows through the checks, and one act for all of them."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fari.sources
from fari.company import Company
from fari.errors import FariError, did_you_mean
from fari.ledger.acts import Covers as Ranges
from fari.ledger.acts import How, Report, check, commit, undo
from fari.ledger.objects import Evidence
from fari.ledger.schema import TABLES
from fari.ledger.staging import Staged, Staging
from fari.ledger.store import Import, Ledger
from fari.sources import contract, segment
from fari.sources.deriving import derive
from fari.sources.file import File, open_file
from fari.sources.reading import Reading
from fari.sources.record import Chunk

_HELPERS = frozenset({"contract", "segment", "importing"})


@cache
def vendors() -> dict[str, Any]:
    """Every vendor source of the package by NAME: the modules that have `recognises` and `read`."""
    found = {}
    for info in pkgutil.iter_modules(fari.sources.__path__):
        if info.name not in _HELPERS:
            module = importlib.import_module(f"fari.sources.{info.name}")
            if hasattr(module, "recognises"):
                found[module.NAME] = module
    return found


def formats() -> list[str]:
    """Everything `--as` takes."""
    return [*(name for name in TABLES if name != "events"), segment.NAME, "events", *vendors()]


def choose(file: File, company: Company, as_: str | None) -> tuple[str, Any, Mapping[str, str]]:
    """(name, vendor module or contract table's name, column mapping) for a file; FariError naming the closest format where nothing fits."""
    if as_ is not None:
        if as_ in vendors():
            return as_, vendors()[as_], {}
        if as_ in ("events", segment.NAME):
            return segment.NAME, segment, {}
        if as_ not in TABLES:
            raise FariError(f"unknown format {as_!r}{did_you_mean(as_, formats())} (one of: {', '.join(formats())})")
        return "contract", as_, _mapping(file, company, as_)
    hits = [name for name, module in vendors().items() if module.recognises(file)]
    if len(hits) > 1:
        raise FariError(f"{file.name} could be {' or '.join(hits)}: say which with --as")
    if hits:
        return hits[0], vendors()[hits[0]], {}
    fits = contract.fitting(file.header)
    if segment.recognises(file):
        fits = sorted([*fits, ("events", segment.own_columns(file))], key=lambda fit: (-fit[1], fit[0]))
    if fits:
        if len(fits) > 1 and fits[0][1] == fits[1][1]:
            raise FariError(f"{file.name} fits the tables {fits[0][0]} and {fits[1][0]} equally well: say which with --as")
        _not_another(file, *fits[0])
        return (segment.NAME, segment, {}) if fits[0][0] == "events" else ("contract", fits[0][0], {})
    header = {name.strip().lower() for name in file.header}
    for table, mapping in company.mapping.items():
        if table in TABLES and mapping and {there.strip().lower() for there in mapping.values()} <= header:
            return "contract", table, _sufficient(file, table, mapping)
    raise FariError(_unknown(file))


def _mapping(file: File, company: Company, table: str) -> Mapping[str, str]:
    """Which of the file's columns are the table's: as fari.toml says, else by their own names, else by the most similar."""
    if any(name == table for name, _ in contract.fitting(file.header)):
        return {}
    return _sufficient(file, table, company.mapping.get(table) or contract.proposal(file.header, table))


def _sufficient(file: File, table: str, mapping: Mapping[str, str]) -> Mapping[str, str]:
    names = {name.strip().lower() for name in file.header}
    there = {here for here, name in mapping.items() if name.strip().lower() in names} | names
    missing = [column.name for column in TABLES[table].columns if column.required and column.name not in there]
    if missing:
        raise FariError(
            f"{file.name} cannot be read as {table}: no column for {', '.join(missing)} (it has: {', '.join(file.header[:12])}); "
            f"name them under [mapping.{table}] in fari.toml"
        )
    return mapping


def columns(path: Path, company: Company, as_: str | None) -> list[tuple[str, str]]:
    """A file's columns, each with what it is read as: a column of the ledger's table, the vendor's own name where its source knows it, else nothing.

    What a contract table does not know is kept beside its rows as an attribute. FariError where the file is of no known format.
    """
    file = open_file(path)
    _, reader, mapping = choose(file, company, as_)
    if isinstance(reader, str):
        renamed = {there.strip().lower(): here for here, there in mapping.items()}
        own = {column.name: column.name for column in TABLES[reader].columns} | renamed
    else:
        own = {name.strip().lower(): name for name in reader.COLUMNS}
    return [(name, own.get(name.strip().lower(), "")) for name in file.header]


def _not_another(file: File, table: str, own: int) -> None:
    """Refuse a file that has a needed column of only one table, and more columns of that table, but not all: it would be taken for another one."""
    names = {name.strip().lower() for name in file.header}
    every = [column.name for other in TABLES.values() for column in other.columns]
    for other in TABLES.values():
        needed = [column.name for column in other.columns if column.required]
        telling = [column for column in needed if column in names and every.count(column) == 1]
        missing = [column for column in needed if column not in names]
        if telling and missing and sum(column.name in names for column in other.columns) > own:
            has = f"{file.name} has {', '.join(telling)} as {other.name} do, but lacks {', '.join(missing)}"
            raise FariError(f"{has}; to read it as {table} all the same: --as {table}")


def _unknown(file: File) -> str:
    best: tuple[float, str, list[str]] = (-1, "", [])
    names = {name.strip().lower() for name in file.header}
    for table in TABLES.values():
        columns = segment.COLUMNS if table.name == "events" else tuple(c.name for c in table.columns)
        required = [c.name for c in table.columns if c.required]
        proposed = contract.proposal(file.header, table.name)
        score = sum(c in names or c in proposed for c in required) / len(required) + 0.1 * sum(c.lower() in names for c in columns) / len(columns)
        best = max(best, (score, table.name, [c for c in required if c not in names]), key=lambda b: b[0])
    for name, module in vendors().items():
        wanted = list(module.COLUMNS)
        if wanted:
            score = sum(c.strip().lower() in names for c in wanted) / len(wanted)
            best = max(best, (score, name, [c for c in wanted if c.strip().lower() not in names]), key=lambda b: b[0])
    _, closest, missing = best
    text = f"{file.name} fits no format Fari knows; the closest is {closest!r}"
    if missing:
        text += f", of which it lacks {', '.join(missing[:6])}"
    text += f" (it has: {', '.join(name for name in file.header[:12])})"
    if closest in TABLES and closest != "events":
        proposed = contract.proposal(file.header, closest)
        if proposed:
            lines = "; ".join(f"{column} = {there!r}" for column, there in proposed.items())
            text += f". Proposed columns: {lines}. To accept them: --as {closest}; to choose others: [mapping.{closest}] in fari.toml"
            return text
    return text + ". Say what it is with --as"


def import_files(
    ledger: Ledger,
    paths: Sequence[Path],
    how: How,
    *,
    as_: str | None = None,
    source: str | None = None,
    covers: tuple[date, date] | None = None,
    keep_going: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Report]:
    """Import files as one act. FariError, with nothing stored, where one of them is of no known format.

    With `keep_going` such a file only has `refused` set in its report, and the others are imported.
    `covers` is the half-open range of days the files cover, where the caller knows better than the files.
    """
    ledger.open()
    reports: list[Report] = []
    readings: dict[int, Reading] = {}
    staging = Staging(ledger, sum(path.stat().st_size for path in paths if path.is_file()))
    try:
        evidence = Evidence(staging)
        for number, (path, name) in enumerate(zip(paths, _names(paths), strict=True)):
            progress(f"reading {name}")
            report = Report(name, source or "")
            reports.append(report)
            try:
                reading = Reading(number, report, staging, evidence, as_known(how, ledger.company))
                _read(reading, path, ledger.company, as_)
                readings[number] = reading
            except Exception as error:
                if not keep_going:
                    raise
                staging.discard(number)
                evidence.discard(number)
                reports[-1] = Report(report.file, report.source, format=report.format, refused=_why(name, error))
        finish(ledger, staging, evidence, readings, reports, how, covers=covers, progress=progress)
    finally:
        staging.close()
    bring_up_to_date(ledger, reports, how)
    return reports


def import_rows(
    ledger: Ledger,
    table: str,
    rows: Sequence[Mapping[str, str | None]],
    how: How,
    *,
    source: str,
    name: str,
    covers: tuple[date, date] | None = None,
) -> Report:
    """Rows that somebody has typed, as one act like a file's. Their origins are the name and their number from 1.

    With `how.replace` they are all that the source has to say of the days of `covers`, even where they are none. FariError where one is refused:
    then nothing is stored.
    """
    ledger.open()
    staging = Staging(ledger)
    try:
        report = Report(name, source, format=table)
        evidence = Evidence(staging)
        reading = Reading(0, report, staging, evidence, as_known(how, ledger.company))
        given = {column.name: [row.get(column.name) for row in rows] for column in TABLES[table].columns}
        reading.take([Chunk(table, range(1, len(rows) + 1), given)])
        with ledger.writing():
            checked = check(staging, [report])
            staged = reading.finish(checked)
            if report.rejected:
                problem = next(one for one in report.problems if one.refused)
                raise FariError(f"{problem.what}{f' ({problem.mend})' if problem.mend else ''}")
            ranges: Ranges = {} if covers is None else {(0, table): covers}
            commit(ledger, staging, staged, [report], ranges, how)
    finally:
        staging.close()
    return report


def _read(reading: Reading, path: Path, company: Company, as_: str | None) -> None:
    """Take in a whole file. FariError where it is of no known format."""
    file = open_file(path)
    name, reader, mapping = choose(file, company, as_)
    report = reading.report
    report.source = report.source or name
    report.format = reader if isinstance(reader, str) else name
    if mapping:
        report.skipped["columns mapped: " + ", ".join(f"{there} -> {here}" for here, there in mapping.items())] = 0
    if reader is segment:
        reading.take(segment.stage(file, reading.staging.connection), file)
    elif isinstance(reader, str):
        reading.take(contract.read(file, reader, mapping, reading.staging.connection), file)
    else:
        reading.take(reader.read(file, company), file)


def finish(
    ledger: Ledger,
    staging: Staging,
    evidence: Evidence,
    readings: Mapping[int, Reading],
    reports: Sequence[Report],
    how: How,
    *,
    covers: tuple[date, date] | None = None,
    work_out: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Check what was read, and write it as one act. Without `work_out` objects are kept, and nothing is worked out from them yet."""
    with ExitStack() as turn:
        fresh = 0
        if evidence:
            # Of two imports at once, each must work with the other's objects.
            turn.enter_context(ledger.writing())
            seen = [one for one in ledger.imports() if one.counts(how.recorded)]
            fresh = evidence.weigh(ledger, seen, work_out=work_out)
            if work_out:
                progress("working out subscriptions")
                derive(ledger, evidence, seen, readings, vendors())
        progress("checking the rows")
        checked = check(staging, reports)
        staged: list[Staged] = []
        ranges: Ranges = {}
        for reading in readings.values():
            ranges |= reading.covers
            staged += reading.finish(checked)
        if covers is not None:
            ranges = {(one.file_no, one.table): covers for one in staged}
        progress("comparing with the ledger")
        if not evidence:
            turn.enter_context(ledger.writing())
        commit(ledger, staging, staged, reports, ranges, how, evidence, fresh)


def bring_up_to_date(ledger: Ledger, reports: Sequence[Report], how: How) -> None:
    """Where imports recorded for later days know the same accounts, work these out again with what this act has added to the past."""
    import_id = next((report.import_id for report in reports if report.import_id), None)
    if import_id is None or not ledger.files("objects"):
        return
    later = [one.recorded_on for one in ledger.imports() if one.counts() and one.recorded_on > how.recorded]
    if later:
        again(ledger, [import_id], replace(how, recorded=max(later)), "worked out again")


@dataclass(frozen=True)
class Reached:
    """How far a source that is asked bit by bit has come: its cursor, and the days since which and until which (exclusive) all is known."""

    source: str
    cursor: dict[str, Any]
    since: date | None
    until: date


def again(ledger: Ledger, import_ids: Sequence[str], how: How, name: str, reached: Reached | None = None) -> list[Report]:
    """Work out again, as an act of its own, the accounts that these imports brought objects of, from all that is known on that day.

    For when one of them was undone, or recorded for a day in the past; and once all of a source that is asked bit by bit is there.
    """
    staging = Staging(ledger)
    try:
        with ledger.writing():
            evidence = Evidence(staging)
            seen = [one for one in ledger.imports() if one.counts(how.recorded)]
            reports: list[Report] = []
            readings: dict[int, Reading] = {}
            for number, (source, form) in enumerate(evidence.recall(ledger, seen, import_ids)):
                reports.append(Report(name, source, format=form))
                readings[number] = Reading(number, reports[number], staging, evidence, as_known(how, ledger.company))
            if reached is not None:
                reports = reports or [Report(name, reached.source)]
                reports[0].cursor = reached.cursor
            if not reports:
                return []
            derive(ledger, evidence, seen, readings, vendors())
            checked = check(staging, reports)
            staged = [one for reading in readings.values() for one in reading.finish(checked)]
            ranges: Ranges = {}
            for one in staged if reached else ():
                assert reached is not None
                if one.since is not None:
                    ranges[one.file_no, one.table] = min(one.since, reached.since or one.since), reached.until
            commit(ledger, staging, staged, reports, ranges, how)
    finally:
        staging.close()
    return reports


def take_back(ledger: Ledger, import_id: str, recorded: date, now: datetime) -> Import:
    """Undo an import; what later ones worked out with its objects is worked out again without them."""
    undone = undo(ledger, import_id, recorded, now)
    if ledger.files("objects"):
        again(ledger, [undone.import_id], How(recorded, now), f"without {undone.import_id}")
    return undone


def as_known(how: How, company: Company) -> int:
    """The instant, in seconds since 1970, at which what is imported was so: now, or the end of the day it is recorded for."""
    over = datetime.combine(how.recorded + timedelta(days=1), time(), company.zone)
    return int(min(how.now.timestamp(), over.timestamp() - 1))


def _names(paths: Sequence[Path]) -> list[str]:
    """What each file is called, in origins too: its own name, or its path where two share that."""
    names = [path.name for path in paths]
    return [path.name if names.count(path.name) == 1 else str(path) for path in paths]


def _why(file: str, error: Exception) -> str:
    """An error in one line. One that no source has thought of is the library's own word for a damaged file."""
    return str(error) if isinstance(error, FariError) else f"{file} cannot be read: {str(error) or type(error).__name__}"
