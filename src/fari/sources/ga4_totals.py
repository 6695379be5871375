"""Google Analytics 4: totals by day as downloaded from its reports and explorations (CSV). Shown beside Fari's own counts, never mixed in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from fari.sources.convert import decimal_text
from fari.sources.record import Company, Covers, File, Item, Problem, Record, Skipped
from fari.sources.report import fold
from fari.sources.written_day import written_day

NAME = "ga4_totals"
LABEL = "Google Analytics 4: report by day (CSV)"
COLUMNS = ("Date", "Session default channel group", "Total users", "Sessions")

_DATES = frozenset(map(fold, ("Date", "Data", "Datum", "Fecha")))
_NTH = frozenset(map(fold, ("Nth day", "Giorno N", "Día N", "N-ter Tag")))
_KNOWN = frozenset(map(fold, ("Total users", "Active users", "New users", "Engaged sessions", "Event count", "Key events")))
_GROUP = "channelgroup"
_BOUNDS = re.compile(r"#.*?(\d{8})(?:\s*-\s*(\d{8}))?\s*$")
"""`# Start date: 20250301` and `# End date: 20250331`, in any language, or both in an exploration's name."""
_COUNT = re.compile(r"\b(?:users|sessions|views|events|count|conversions|purchases|rate)\b", re.IGNORECASE)
"""Names of numbers: a text below one of them is damage, below any other name it is what the report is split by."""
_RATE = re.compile(r"rate|average|\bper\b|duration|time|value|revenue", re.IGNORECASE)


@dataclass
class _Section:
    """One table of the file: its columns by place, once the header was read."""

    line: int
    header: list[str]
    day: int | None
    nth: bool
    channel: int | None
    metrics: Mapping[int, str]
    checked: bool = False


def recognises(file: File) -> bool:
    """Whether a header has a date and GA4's own names, or GA4's comment lines with a range of dates stand above it."""
    ranged = False
    for _, cells in file.sample:
        texts = [cell.strip() for cell in cells]
        first = next(iter(texts), "")
        if first.startswith("#"):
            ranged = ranged or bool(_BOUNDS.fullmatch(", ".join(filter(None, texts))))
        elif any(texts):
            names = set(map(fold, texts))
            own = names & _KNOWN or any(_GROUP in name for name in names)
            if names & (_DATES | _NTH) and len(names) > 1 and (own or ranged):
                return True
    return False


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of series per day, channel and metric."""
    bounds: list[date] = []
    covered: list[date] = []
    section: _Section | None = None
    for line, cells in file.rows():
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if texts[0].startswith("#"):
            if section is not None:
                section, bounds = None, []
            if match := _BOUNDS.fullmatch(", ".join(filter(None, texts))):
                days = [day for text in match.groups() if text and (day := written_day(text))]
                bounds += days
                covered += days
        elif section is None:
            section = _section(line, texts)
        elif section.day is None:
            yield Skipped(line, "in a table without dates")
        else:
            yield from _values(line, texts, section, bounds)
    if len(covered) > 1:
        yield Covers("series", min(covered), max(covered) + timedelta(days=1))


def _section(line: int, header: list[str]) -> _Section:
    names = list(map(fold, header))
    day = next((n for n, name in enumerate(names) if name in _DATES | _NTH), None)
    channel = next((n for n, name in enumerate(names) if _GROUP in name), None)
    metrics = {n: header[n] for n, name in enumerate(names) if name and n not in (day, channel)}
    return _Section(line, header, day, day is not None and names[day] in _NTH, channel, metrics)


def _values(line: int, texts: list[str], section: _Section, bounds: list[date]) -> Iterator[Item]:
    assert section.day is not None
    written = texts[section.day]
    if not written:
        # Explorations put the totals first, with nothing in the dimensions' columns.
        yield Skipped(line, "a totals row")
        return
    if not section.checked:
        section.checked = True
        if strange := [name for place, name in section.metrics.items() if place < len(texts) and _is_text(texts[place]) and not _COUNT.search(name)]:
            what = f"is split by {', '.join(strange)}, which series cannot keep: all its rows are left out"
            yield Problem(section.line, what, column=strange[0], mend="export by date and default channel group only")
            section.metrics = {}
    if not section.metrics:
        return
    if len(texts) < len(section.header):
        what = f"has {len(texts)} cells where the header has {len(section.header)}"
        yield Problem(line, what, value=",".join(texts), mend="download the file again")
        return
    if section.nth:
        day = bounds[0] + timedelta(days=int(written)) if bounds and written.isdecimal() else None
    else:
        day = written_day(written)
    if day is None:
        yield Problem(line, "is not a day that can be read", column=section.header[section.day], value=written, mend="write 20250331")
        return
    channel = texts[section.channel] if section.channel is not None else ""
    for place, name in section.metrics.items():
        if not texts[place]:
            continue
        value = decimal_text(texts[place], comma=False)
        if value is None:
            yield Problem(line, "is not a number", column=name, value=texts[place], mend="write 1234.5")
            continue
        snake = re.sub(r"\W+", "_", name.casefold()).strip("_")
        unit = None if _RATE.search(name) else "count"
        yield Record(
            "series", line, {"day": day.isoformat(), "name": f"ga4:{snake}", "value": value, "unit": unit, "channel": channel or None}
        )  # fmt: skip


def _is_text(text: str) -> bool:
    return bool(text) and not any(c.isdigit() for c in text)
