"""Files into the ledger: which source a file is of, its rows through the checks, and one act for all of them."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import fari.sources
from fari.company import Company
from fari.errors import FariError, did_you_mean
from fari.ledger.acts import Covers as Ranges
from fari.ledger.acts import How, Report, check, commit
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES
from fari.ledger.staging import Checked, Staged, Staging
from fari.ledger.store import Ledger
from fari.sources import contract, segment
from fari.sources.file import File, open_file
from fari.sources.record import Chunk, Covers, Item, Record, Relation, Stated

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
    staging = Staging(ledger)
    try:
        for number, (path, name) in enumerate(zip(paths, _names(paths), strict=True)):
            progress(f"reading {name}")
            report = Report(name, source or "")
            reports.append(report)
            try:
                reading = Reading(number, report, staging)
                reading.read(path, ledger.company, as_, source)
                readings[number] = reading
            except Exception as error:
                if not keep_going:
                    raise
                staging.discard(number)
                reports[-1] = Report(report.file, report.source, format=report.format, refused=_why(name, error))
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
        with ledger.writing():
            commit(ledger, staging, staged, reports, ranges, how)
    finally:
        staging.close()
    return reports


def _names(paths: Sequence[Path]) -> list[str]:
    """What each file is called, in origins too: its own name, or its path where two share that."""
    names = [path.name for path in paths]
    return [path.name if names.count(path.name) == 1 else str(path) for path in paths]


def _why(file: str, error: Exception) -> str:
    """An error in one line. One that no source has thought of is the library's own word for a damaged file."""
    return str(error) if isinstance(error, FariError) else f"{file} cannot be read: {str(error) or type(error).__name__}"


class Reading:
    """One file being read: what it brings goes to the staging, what it says to its report."""

    def __init__(self, number: int, report: Report, staging: Staging) -> None:
        self.number = number
        self.report = report
        self.staging = staging
        self.covers: Ranges = {}
        self._stated: list[Stated] = []
        self._refused: set[str] = set()
        """Lines of the file that gave no row."""

    def read(self, path: Path, company: Company, as_: str | None, source: str | None) -> None:
        """Take in the whole file. FariError where it is of no known format."""
        file = open_file(path)
        name, reader, mapping = choose(file, company, as_)
        self.report.source = source or name
        self.report.format = reader if isinstance(reader, str) else name
        if mapping:
            self.report.skipped["columns mapped: " + ", ".join(f"{there} -> {here}" for here, there in mapping.items())] = 0
        if reader is segment:
            items: Iterator[Item | Relation] = segment.stage(file, self.staging.connection)
        elif isinstance(reader, str):
            items = contract.read(file, reader, mapping, self.staging.connection)
        else:
            items = reader.read(file, company)
        chunked = 0
        lines: set[int | str] = set()
        for item in items:
            if isinstance(item, Record):
                lines.add(item.line)
                self.staging.add_row(self.number, item.table, item.line, item.values)
            elif isinstance(item, Chunk):
                chunked += len(item.lines)
                self.staging.add_columns(self.number, item.table, item.lines, item.columns)
            elif isinstance(item, Relation):
                chunked += self.staging.add_relation(self.number, item.table, item.query, item.columns)
            elif isinstance(item, Problem):
                self._problem(item)
                if item.refused:
                    lines.add(item.line)
            elif isinstance(item, Stated):
                self._stated.append(item)
            elif isinstance(item, Covers):
                self.covers[self.number, item.table] = (item.since, item.until)
            else:
                self.report.skipped[item.why] = self.report.skipped.get(item.why, 0) + 1
        # A file is looked at several times: what is wrong with it is told once for each line.
        told = {str(problem.line) for problem in self.report.problems}
        for problem in {str(p.line): p for p in file.damage if str(p.line) not in told}.values():
            self._problem(problem)
            if problem.refused:
                lines.add(problem.line)
        self.report.read = chunked + len(lines)
        if not self.report.read and not self.report.skipped:
            self._problem(Problem("", "has no rows", mend="export it again if there should be some", refused=False))

    def finish(self, checked: Mapping[str, Checked]) -> list[Staged]:
        """Say what became of the file's rows: those refused, and the control totals."""
        staged = [one for found in checked.values() for one in found.staged if one.file_no == self.number]
        for found in checked.values():
            self.report.problems += [problem for number, problem in found.problems if number == self.number]
            self._refused |= {line for number, line in found.refused if number == self.number}
        self.report.rejected = len(self._refused)
        self._total(staged)
        return staged

    def _problem(self, problem: Problem) -> None:
        self.report.problems.append(problem if problem.file else replace(problem, file=self.report.file))
        if problem.refused:
            self._refused.add(str(problem.line))

    def _total(self, staged: Sequence[Staged]) -> None:
        """Control totals: what the file sums to is what was kept plus what was refused; and what the file itself states."""
        totals = self.report.totals
        for one in staged:
            for amount, by_currency in one.sums.items():
                for currency, sums in by_currency.items():
                    totals[f"{one.table}.{amount} {currency}".strip()] = {k: v or Decimal(0) for k, v in sums.items()}
        for claim in self._stated:
            column = f"{claim.table}.{claim.column}"
            total = sum((sums["file"] for name, sums in totals.items() if name.split(" ")[0] == column), start=0 * claim.value)
            totals[f"{column} stated by the file"] = {"stated": claim.value, "file": total}
            if total != claim.value:
                what = f"states a total of {claim.value} but its rows sum to {total}"
                self._problem(Problem(0, what, claim.column, mend="export it again, whole", refused=False))
