"""Files into the ledger: which source a file is of, its rows through the checks, and one act for all of them."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fari.sources
from fari.company import Company
from fari.errors import FariError, did_you_mean
from fari.ledger.acts import How, Report, commit
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES
from fari.ledger.staging import Staged, Staging
from fari.ledger.store import Ledger
from fari.sources import contract, segment
from fari.sources.file import File, open_file
from fari.sources.record import Chunk, Covers, Item, Record, Skipped, Stated

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
        own = {segment._flat(name) for name in segment.COLUMNS}  # noqa: SLF001 - one package
        fits = [*fits, ("events", sum(segment._flat(name) in own for name in file.header))]  # noqa: SLF001
        fits.sort(key=lambda fit: (-fit[1], fit[0]))
    if fits:
        if len(fits) > 1 and fits[0][1] == fits[1][1]:
            raise FariError(f"{file.name} fits the tables {fits[0][0]} and {fits[1][0]} equally well: say which with --as")
        return (segment.NAME, segment, {}) if fits[0][0] == "events" else ("contract", fits[0][0], {})
    header = {name.strip().lower() for name in file.header}
    for table, mapping in company.mapping.items():
        if table in TABLES and mapping and {there.strip().lower() for there in mapping.values()} <= header:
            return "contract", table, mapping
    raise FariError(_unknown(file))


def _mapping(file: File, company: Company, table: str) -> Mapping[str, str]:
    own = company.mapping.get(table)
    if own:
        return own
    if any(name == table for name, _ in contract.fitting(file.header)):
        return {}
    proposed = contract.proposal(file.header, table)
    missing = [c.name for c in TABLES[table].columns if c.required and c.name not in proposed]
    if missing:
        raise FariError(
            f"{file.name} cannot be read as {table}: no column for {', '.join(missing)} (it has: {', '.join(file.header[:12])}); "
            f"name them under [mapping.{table}] in fari.toml"
        )
    return proposed


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
        wanted = [column for column in module.COLUMNS]
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
    opened: list[tuple[File, str, Any, Mapping[str, str]] | str] = []
    for path in paths:
        try:
            file = open_file(path)
            opened.append((file, *choose(file, ledger.company, as_)))
        except Exception as error:
            if not keep_going:
                raise
            opened.append(_why(path.name, error))
    staging = Staging(ledger.company, ledger.folder / "ledger" / ".scratch")
    staging.replace = how.replace
    reports: list[Report] = []
    staged: list[Staged] = []
    ranges: dict[tuple[int, str], tuple[date, date]] = {}
    for number, (path, ready) in enumerate(zip(paths, opened, strict=True)):
        if isinstance(ready, str):
            reports.append(Report(path.name, source or "", refused=ready))
            continue
        file, name, reader, mapping = ready
        progress(f"reading {file.name}")
        report = Report(file.name, source or name, format=reader if isinstance(reader, str) else name)
        reports.append(report)
        try:
            stated = _feed(file, ledger.company, reader, mapping, staging, report, number, ranges)
        except Exception as error:
            if not keep_going:
                raise
            staging.discard()
            ranges = {key: stretch for key, stretch in ranges.items() if key[0] != number}
            reports[-1] = Report(report.file, report.source, format=report.format, refused=_why(file.name, error))
            continue
        found, problems = staging.check(number, file.name, report.source)
        staged += found
        report.problems += _damage(file, report) + problems
        for one in found:
            if covers is not None:
                ranges[number, one.table] = covers
        _total(report, found, stated)
    progress("comparing with the ledger")
    with ledger.writing():
        commit(ledger, staging, staged, reports, ranges, how)
    staging.connection.close()
    return reports


def _why(file: str, error: Exception) -> str:
    """An error in one line. One that no source has thought of is the library's own word for a damaged file."""
    return str(error) if isinstance(error, FariError) else f"{file} cannot be read: {error or type(error).__name__}"


def _feed(
    file: File, company: Company, reader: Any, mapping: Mapping[str, str], staging: Staging, report: Report, number: int,
    ranges: dict[tuple[int, str], tuple[date, date]],
) -> list[Stated]:  # fmt: skip
    stated: list[Stated] = []
    lines: set[int | str] = set()
    read = 0
    if isinstance(reader, str):
        items: Any = contract.read(file, reader, mapping)
        if mapping:
            report.skipped["columns mapped: " + ", ".join(f"{there} -> {here}" for here, there in mapping.items())] = 0
    elif reader is segment:
        items = segment.stage(file, company, staging.connection)
    else:
        items = reader.read(file, company)
    item: Item | tuple[str, list[str]]
    for item in items:
        if isinstance(item, Record):
            lines.add(item.line)
            staging.add_row(item.table, item.line, item.values)
        elif isinstance(item, Chunk):
            read += len(item.lines)
            staging.add_columns(item.table, item.lines, item.columns)
        elif isinstance(item, Problem):
            report.problems.append(_named(item, file.name))
            if item.refused:
                lines.add(item.line)
        elif isinstance(item, Stated):
            stated.append(item)
        elif isinstance(item, Covers):
            ranges[number, item.table] = (item.since, item.until)
        elif isinstance(item, Skipped):
            report.skipped[item.why] = report.skipped.get(item.why, 0) + 1
        else:
            before = staging.connection.execute("SELECT count(*) FROM messages").fetchone()
            read += before[0] if before else 0
            staging.add_relation("events", *item)
    report.read = read + len(lines)
    return stated


def _total(report: Report, found: Sequence[Staged], stated: Sequence[Stated]) -> None:
    """Control totals: what the file sums to is what was kept plus what was refused; and what the file itself states."""
    for one in found:
        for amount, by_currency in one.sums.items():
            for currency, sums in by_currency.items():
                report.totals[f"{one.table}.{amount} {currency}".strip()] = {k: v or 0 for k, v in sums.items()}
    for claim in stated:
        total = sum((s["file"] for name, s in report.totals.items() if name.split(" ")[0] == f"{claim.table}.{claim.column}"), start=0 * claim.value)
        report.totals[f"{claim.table}.{claim.column} stated by the file"] = {"stated": claim.value, "file": total}
        if total != claim.value:
            report.problems.append(
                Problem(0, f"states a total of {claim.value} but its rows sum to {total}", claim.column, mend="export it again, whole", file=report.file, refused=False)
            )
    report.rejected = len({p.line for p in report.problems if p.refused})


def _damage(file: File, report: Report) -> list[Problem]:
    """What is wrong with the file itself, once for each line however often it was looked at."""
    told = {str(p.line) for p in report.problems}
    return [_named(p, file.name) for line, p in {str(p.line): p for p in file.damage}.items() if line not in told]


def _named(problem: Problem, file: str) -> Problem:
    return problem if problem.file else Problem(problem.line, problem.what, problem.column, problem.value, problem.mend, file, problem.table, problem.refused)


__all__ = ["choose", "formats", "import_files", "timedelta", "vendors"]
