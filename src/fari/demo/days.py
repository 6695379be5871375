"""The demo's calendar: whole months up to a day, and local days as UTC seconds."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Rome")
DAY = 86_400


@lru_cache(maxsize=4096)
def midnight(day: date) -> int:
    """UTC seconds of the day's first local second."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def local(seconds: int) -> datetime:
    """The company's local time of an instant."""
    return datetime.fromtimestamp(seconds, ZONE)


def utc_text(seconds: int, milliseconds: int = 0) -> str:
    """An instant as Segment writes it.

    >>> utc_text(1740816900, 7)
    '2025-03-01T08:15:00.007Z'
    """
    day, second = divmod(seconds, DAY)
    return f"{_utc_day(day)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{milliseconds:03d}Z"


@lru_cache(maxsize=4096)
def _utc_day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY, UTC).date().isoformat()


def add_months(day: date, months: int) -> date:
    """The same day some months on, or that month's last day: as billing systems count.

    >>> add_months(date(2025, 1, 31), 1)
    datetime.date(2025, 2, 28)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Months:
    """The demo's whole months, the last of them over by `until`, with every day's number, month and first second."""

    def __init__(self, months: int, until: date) -> None:
        self.until = until.replace(day=1)
        self.firsts = [add_months(self.until, index - months) for index in range(months)]
        self.first = self.firsts[0]
        self.days = [self.first + timedelta(n) for n in range((self.until - self.first).days)]
        self.starts = [midnight(day) for day in self.days]
        self.month_of = [(day.year - self.first.year) * 12 + day.month - self.first.month for day in self.days]
        self.end = midnight(self.until)
        self.edges = [midnight(first) for first in self.firsts[1:]] + [self.end]
        """For each month, the first second after it: the moment its exports are taken."""

    def month_at(self, seconds: int) -> int:
        """The month's number an instant falls in; -1 before the first. It must lie before the end."""
        if seconds < self.starts[0]:
            return -1
        # A day may have 23 or 25 hours: the guess can be off by one.
        number = min((seconds - self.starts[0]) // DAY, len(self.days) - 1)
        while seconds < self.starts[number]:
            number -= 1
        while number + 1 < len(self.starts) and seconds >= self.starts[number + 1]:
            number += 1
        return self.month_of[number]

    def number(self, month: int) -> int | None:
        """The list index of a planted month counted from 1, or None where the demo is shorter."""
        return month - 1 if month <= len(self.firsts) else None
