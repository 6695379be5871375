"""Periods: half-open stretches of local days, named as people write them (2025, 2025-Q1, 2025-03, 2025-W07, 2025-03-31)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from fari.errors import UsageError

Grain = Literal["day", "week", "month", "quarter", "year", "total"]
GRAINS: tuple[Grain, ...] = ("day", "week", "month", "quarter", "year", "total")
_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(days: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=days)


def add_months(day: date, months: int) -> date:
    """The first of the month that many months on (of a first of a month)."""
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)


@dataclass(frozen=True, order=True)
class Period:
    """A half-open stretch of days, not empty, with the grain it was asked at."""

    since: date
    until: date
    grain: Grain = "total"

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise UsageError(f"a period ends after it begins, not {self.since} to {self.until}")

    @property
    def days(self) -> int:
        """Its length in days."""
        return (self.until - self.since).days

    @property
    def months(self) -> Decimal:
        """Its length in months: whole where both ends are firsts of a month, else days × 12 / 365.25.

        >>> Period(date(2025, 1, 1), date(2025, 4, 1)).months, round(Period(date(2025, 1, 6), date(2025, 1, 13)).months, 4)
        (Decimal('3'), Decimal('0.2300'))
        """
        if self.since.day == self.until.day == 1:
            return Decimal((self.until.year - self.since.year) * 12 + self.until.month - self.since.month)
        return Decimal(self.days) * 12 / Decimal("365.25")

    @property
    def label(self) -> str:
        """The period's name, as it can be typed again."""
        first = self.since
        if self.grain == "day":
            return first.isoformat()
        if self.grain == "week":
            return f"{first.isocalendar().year}-W{first.isocalendar().week:02d}"
        if self.grain == "month" and self.until == add_months(first.replace(day=1), 1) and first.day == 1:
            return f"{first:%Y-%m}"
        return f"{first} to {self.until - _DAY}"


def parse(text: str, fiscal_year_start: int = 1) -> Period:
    """The period a person wrote; UsageError with the forms there are where it is none.

    >>> parse("2025-Q1").until, parse("2025-W07").since, parse("2025", 4).since
    (datetime.date(2025, 4, 1), datetime.date(2025, 2, 10), datetime.date(2025, 4, 1))
    """
    plain = text.strip().upper()
    try:
        if re.fullmatch(r"\d{4}", plain):
            first = date(int(plain), fiscal_year_start, 1)
            return Period(first, add_months(first, 12), "year")
        if match := re.fullmatch(r"(\d{4})-?Q([1-4])", plain):
            first = add_months(date(int(match[1]), fiscal_year_start, 1), 3 * (int(match[2]) - 1))
            return Period(first, add_months(first, 3), "quarter")
        if match := re.fullmatch(r"(\d{4})-W(\d{1,2})", plain):
            first = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return Period(first, first + 7 * _DAY, "week")
        if re.fullmatch(r"\d{4}-\d{2}", plain):
            first = date(int(plain[:4]), int(plain[5:]), 1)
            return Period(first, add_months(first, 1), "month")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", plain):
            first = date.fromisoformat(plain)
            return Period(first, first + _DAY, "day")
    except ValueError:
        pass
    raise UsageError(f"{text!r} is no period; write 2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31")


def typed(one: Period, fiscal_year_start: int = 1) -> str:
    """A period's name, as it can be typed again where it has one.

    >>> [typed(parse(name, 4), 4) for name in ("2025", "2025-Q4", "2025-03", "2025-W07", "2025-03-31")]
    ['2025', '2025-Q4', '2025-03', '2025-W07', '2025-03-31']
    """
    into_year = (one.since.month - fiscal_year_start) % 12
    year = one.since.year - (one.since.month < fiscal_year_start)
    months = one.months if one.since.day == one.until.day == 1 else 0
    if one.grain == "year" and months == 12 and not into_year:
        return str(year)
    if one.grain == "quarter" and months == 3 and not into_year % 3:
        return f"{year}-Q{into_year // 3 + 1}"
    return one.label


def containing(day: date, grain: Grain, fiscal_year_start: int = 1) -> Period:
    """The whole period of that grain around a day."""
    if grain == "day":
        return Period(day, day + _DAY, "day")
    if grain == "week":
        first = day - timedelta(days=day.weekday())
        return Period(first, first + 7 * _DAY, "week")
    month = day.replace(day=1)
    if grain == "month":
        return Period(month, add_months(month, 1), "month")
    into_year = (day.month - fiscal_year_start) % 12
    first = add_months(month, -(into_year % 3 if grain == "quarter" else into_year))
    return Period(first, add_months(first, 3 if grain == "quarter" else 12), grain)


def cut(since: date, until: date, grain: Grain, fiscal_year_start: int = 1) -> list[Period]:
    """The whole periods of a grain that meet the stretch; `total` is the stretch itself."""
    if grain == "total":
        return [Period(since, until, "total")]
    found = [containing(since, grain, fiscal_year_start)]
    while found[-1].until < until:
        found.append(containing(found[-1].until, grain, fiscal_year_start))
    return found


def tiles(period: Period) -> Iterator[tuple[str, date]]:
    """The stored periods (grain, first day) that make up a period: one where it is one, whole months where it is cut at months, else days."""
    month = period.since.day == 1 and period.until.day == 1
    if period.days == 7 and period.since.weekday() == 0:
        yield "week", period.since
    elif month:
        first = period.since
        while first < period.until:
            yield "month", first
            first = add_months(first, 1)
    else:
        for offset in range(period.days):
            yield "day", period.since + timedelta(days=offset)


def previous(period: Period) -> Period:
    """The period of the same grain before it; of a stretch cut at months as many months, else as many days.

    >>> previous(parse("2025-03")).label, previous(Period(date(2025, 1, 5), date(2025, 1, 8))).since
    ('2025-02', datetime.date(2025, 1, 2))
    """
    if period.since.day == 1 and period.until.day == 1 and period.grain not in ("day", "week"):
        return Period(add_months(period.since, -int(period.months)), period.since, period.grain)
    return Period(period.since - timedelta(days=period.days), period.since, period.grain)


def weekdays_before(period: Period) -> Period:
    """The nearest stretch before it that begins on the same weekday, as long and without a day of it: so many weeks earlier as it has begun.

    >>> weekdays_before(parse("2026-10")).label, weekdays_before(parse("2026-02")).since, weekdays_before(parse("2026-W41")).label
    ('2026-08-27 to 2026-09-26', datetime.date(2026, 1, 4), '2026-W40')
    """
    shift = timedelta(weeks=-(-period.days // 7))
    return Period(period.since - shift, period.until - shift, period.grain)


def year_before(period: Period) -> Period:
    """The same period a year before: the same days of the calendar; for weeks the same weekdays 52 weeks before."""
    if period.grain == "week":
        return Period(period.since - timedelta(weeks=52), period.until - timedelta(weeks=52), "week")
    return Period(_less_a_year(period.since), _less_a_year(period.until), period.grain)


def _less_a_year(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
