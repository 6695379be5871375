"""Days, instants and months, in the company's time zone."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def instant(word: str, zone: str) -> datetime | None:
    """An instant in UTC; a bare local timestamp, or a day alone, is in the company's zone."""
    if not word:
        return None
    moment = datetime.fromisoformat(word)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def local_day(moment: datetime, zone: str) -> date:
    """The company's day on which an instant falls."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day(word: str) -> date | None:
    """A day, or the first day of a month written `2025-03`."""
    if not word:
        return None
    return date.fromisoformat(word + "-01" if len(word) == len("2025-03") else word[:10])


def add_months(start: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def months_in(since: date, until: date) -> Fraction:
    """How many months a period has: whole ones counted, else its days at 12/365.25 each."""
    if since.day == 1 and until.day == 1:
        return Fraction((until.year - since.year) * 12 + until.month - since.month)
    return (until - since).days * 12 / Fraction(Decimal("365.25"))
