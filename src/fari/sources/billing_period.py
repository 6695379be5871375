"""How often a subscription is billed, told from its billing periods: for exports that give a period's first and last day, but no interval."""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from fari.sources.stretch import add_months

Interval = tuple[str, int]
"""A unit (day, week, month or year) and how many of it."""

_RANKS = ("day", "week", "month", "year")
_ENOUGH = 2
"""A single period of so many weeks or days may as well be one that was cut short."""


def intervals(periods: Iterable[tuple[str, date, date]]) -> dict[str, Interval]:
    """By plan the interval that fits most of its billing periods (plan, first day, day after the last); none where nothing is sure.

    Of several that fit as many, months go before weeks and weeks before days: the 28 days of February are a month.

    >>> march, april, june = date(2025, 3, 1), date(2025, 4, 1), date(2025, 6, 1)
    >>> intervals([("pro", march, april), ("pro", april, june), ("pro", march, april), ("odd", march, date(2025, 3, 18))])
    {'pro': ('month', 1)}
    """
    fits: dict[str, Counter[Interval]] = defaultdict(Counter)
    for plan, begun, ended in periods:
        fits[plan].update(_fitting(begun, ended))
    found: dict[str, Interval] = {}
    for plan, counts in fits.items():
        if not counts:
            continue
        interval, count = max(counts.items(), key=lambda one: (one[1], _RANKS.index(one[0][0])))
        if interval[0] in ("month", "year") or count >= _ENOUGH:
            found[plan] = interval
    return found


def _fitting(begun: date, ended: date) -> Iterator[Interval]:
    """The intervals that fill a period exactly."""
    days = (ended - begun).days
    if days < 1:
        return
    months = (ended.year - begun.year) * 12 + ended.month - begun.month
    if months and (add_months(begun, months) == ended or _from_month_end(begun, ended)):
        yield ("month", months) if months % 12 else ("year", months // 12)
    if days % 7 == 0:
        yield "week", days // 7
    yield "day", days


def _from_month_end(begun: date, ended: date) -> bool:
    """Whether a period that is billed on the 29th to 31st begins on the last day of a shorter month."""
    return begun.day == monthrange(begun.year, begun.month)[1] and ended.day >= begun.day
