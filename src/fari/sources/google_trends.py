"""Google Trends: the file behind its chart (multiTimeline.csv), one column per search term. Weeks and days are added up to months."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from fari.sources.convert import decimal_text, plain
from fari.sources.record import Company, Covers, File, Item, Problem, Record
from fari.sources.written_day import written_day

NAME = "google_trends"
LABEL = "Google Trends: interest over time (CSV)"
COLUMNS = ("Month", "brand: (Country)")

_TERM = re.compile(r"(.+?)\s*[:：]\s*[(（](.*)[)）]")
"""A column's title in every language: the term, a colon, the place in brackets."""
_BELOW_ONE = ("<1", "< 1", "&lt;1", "&lt; 1")
_HALF = Decimal("0.5")


def _header(file: File) -> tuple[int, list[str]] | None:
    """The header's line and its terms: the first row whose columns after the first are all terms."""
    for line, cells in file.sample:
        terms = [_TERM.fullmatch(cell.strip()) for cell in cells[1:]]
        if terms and all(terms) and cells[0].strip():
            # An exact phrase is searched for in quotes, and a brand goes without.
            return line, [term[1].strip().strip('"“”').strip() for term in terms if term]
    return None


def recognises(file: File) -> bool:
    """Whether some row's columns, after the first, are all `term: (place)`."""
    return _header(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row per month and brand. A month's volume is the sum of its rows; a damaged row is left out for all brands, to keep shares fair."""
    header = _header(file)
    if header is None:
        yield Problem(1, "has no columns `term: (place)`", mend="download the chart Interest over time again")
        return
    begun, brands = header
    found = _ours(brands, company)
    if len(found) != 1:
        what = f"{'several columns are' if found else 'no column is'} our own brand: all rows are left out"
        mend = f'[company] name ({company.name}) must be among the columns, or set [mapping.google_trends] ours = "{brands[0]}" in fari.toml'
        yield Problem(begun, what, column="ours", value=", ".join(brands), mend=mend)
        return
    months: dict[str, tuple[int, list[Decimal]]] = {}
    halves: dict[str, tuple[int, int]] = {}
    days: list[tuple[date, str]] = []
    for line, cells in file.rows():
        texts = [cell.strip() for cell in cells]
        if line <= begun or not any(texts):
            continue
        day = written_day(f"{texts[0]}-01") or written_day(texts[0][:10])
        if day is None:
            yield Problem(line, "is not a month, week or day", column="month", value=texts[0], mend="write 2025-03")
            continue
        volumes = [_volume(text) for text in texts[1:]]
        if len(volumes) != len(brands) or None in volumes:
            yield Problem(line, "is not one number per brand: left out for all of them", value=",".join(texts), mend="download the file again")
            continue
        for brand, text in zip(brands, texts[1:], strict=True):
            if text in _BELOW_ONE:
                first, count = halves.get(brand, (line, 0))
                halves[brand] = first, count + 1
        days.append((day, texts[0]))
        known = months.setdefault(f"{day:%Y-%m}", (line, [Decimal(0)] * len(brands)))
        months[f"{day:%Y-%m}"] = known[0], [a + b for a, b in zip(known[1], volumes, strict=True) if b is not None]
    if days:
        yield Covers("searches", min(days)[0], _end([day for day, _ in days], days[-1][1]))
    for brand, (line, count) in halves.items():
        yield Problem(line, f"<1 is taken as 0.5, {count} times for {brand}", column=brand, value="<1", refused=False)
    for month, (line, sums) in months.items():
        for brand, volume in zip(brands, sums, strict=True):
            ours = "true" if brand == found[0] else "false"
            yield Record("searches", line, {"month": month, "brand": brand, "ours": ours, "volume": plain(volume)})


def _ours(brands: list[str], company: Company) -> list[str]:
    """The brands that are the company's: those of its name, else those of which one name begins the other, word by word."""
    name = (company.mapping.get(NAME, {}).get("ours") or company.name).casefold().split()
    words = {brand: brand.casefold().split() for brand in brands}
    equal = [brand for brand in brands if words[brand] == name]
    return equal or [brand for brand in brands if words[brand][: len(name)] == name or name[: len(words[brand])] == words[brand]]


def _volume(text: str) -> Decimal | None:
    if text in _BELOW_ONE:
        return _HALF
    number = decimal_text(text, comma=False)
    return None if number is None else Decimal(number)


def _end(days: list[date], last: str) -> date:
    """The first day after the last row: rows are months, weeks or days, as their own distance tells."""
    days = sorted(days)
    if len(last) == len("2025-03"):
        return (days[-1] + timedelta(days=31)).replace(day=1)
    return days[-1] + timedelta(days=7 if len(days) > 1 and (days[-1] - days[-2]).days >= 7 else 1)
