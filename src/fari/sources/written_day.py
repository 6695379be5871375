"""Days as people write them: in words in the common European languages, or with slashes in either order."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from fari.sources.convert import day_of

_LANGUAGES = ("en", "it", "de", "fr", "es", "pt", "nl")
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})\b.*")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b.*")


@cache
def _months() -> dict[str, int]:
    """Month names, long and short, in lower case and without points. None means two months."""
    from babel import Locale

    found: dict[str, int] = {}
    for language in _LANGUAGES:
        names = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in names[context][width].items():
                    found.setdefault(str(name).casefold().rstrip("."), number)
    return found


def month_first(texts: Iterable[str]) -> bool | None:
    """Whether these days are written month first (3/31/2025); None where none of them tells, or they disagree.

    >>> month_first(["3/4/2025", "3/31/2025"]), month_first(["31/03/2025"]), month_first(["3/4/2025"])
    (True, False, None)
    """
    said: set[bool] = set()
    for text in texts:
        if match := _NUMBERS.fullmatch(text.strip()):
            first, second = int(match[1]), int(match[3])
            if max(first, second) > 12:
                said.add(second > 12)
    return said.pop() if len(said) == 1 else None


def written_day(text: str, month_first: bool | None = None) -> date | None:
    """The day written; None where it is none, or could be two and `month_first` does not say.

    >>> written_day("January 31, 2025"), written_day("31 gennaio 2025"), written_day("Wed, 1. Jan. 2025")
    (datetime.date(2025, 1, 31), datetime.date(2025, 1, 31), datetime.date(2025, 1, 1))
    >>> written_day("3/4/2025"), written_day("3/4/2025", True), written_day("4.3.2025"), written_day("2025-03-04 00:00:00")
    (None, datetime.date(2025, 3, 4), datetime.date(2025, 3, 4), datetime.date(2025, 3, 4))
    """
    text = text.strip()
    if plain := day_of(text):
        return date.fromisoformat(plain)
    try:
        if match := _YEAR_FIRST.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _NUMBERS.fullmatch(text):
            first, second, year = int(match[1]), int(match[3]), int(match[4])
            # Points and dashes are written day first everywhere; slashes are not.
            if match[2] == "/" and max(first, second) <= 12 and first != second and month_first is None:
                return None
            if second > 12 or (month_first and match[2] == "/" and first <= 12):
                first, second = second, first
            return date(year, second, first)
        words = re.findall(r"[^\W\d_]+|\d+", text.casefold())
        years = [word for word in words if re.fullmatch(r"\d{4}", word)]
        days = [word for word in words if re.fullmatch(r"\d{1,2}", word)]
        months = [_months()[word] for word in words if word in _months()]
        # A time of day may follow: the day is the first short number.
        if len(years) == 1 and days and len(months) == 1:
            return date(int(years[0]), months[0], int(days[0]))
    except ValueError:
        return None
    return None


def written_range(text: str) -> tuple[date, date] | None:
    """A range of days as a report's preamble has it, half-open; a single day is a range of one.

    >>> written_range("January 1, 2025 - January 31, 2025")
    (datetime.date(2025, 1, 1), datetime.date(2025, 2, 1))
    """
    parts = re.split(r"\s+[-–—]\s+", text.strip())
    first, last = written_day(parts[0]), written_day(parts[-1])
    if len(parts) > 2 or first is None or last is None or last < first:
        return None
    return first, last + timedelta(days=1)
