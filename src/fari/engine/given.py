"""Small tables given to the facts: the company's rules and the calendar as data, so that no fact holds a literal of either."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from fari.company import Company
from fari.engine.periods import add_months, day_of, number
from fari.facts.words import FOREVER
from fari.rules import EVER, Rules

GIVEN: dict[str, dict[str, str]] = {
    "home": {"home_currency": "string"},
    "rules": dict.fromkeys(
        "tax_in once repeating forever trial pause usage_in past_due_days at_click gap_days gap_month erase_month returns return_days".split(),
        "int64",
    ),
    "intervals": {"interval": "string", "up": "int64", "down": "int64"},
    "pieces": {"piece_split": "int32", "piece_from": "int32", "piece_until": "int32", "piece_before": "int32"},
    "sides": {"side": "int32"},
    "horizon": {"horizon_day": "int32"},
    "ranks": {"stage": "string", "stage_rank": "int64"},
    "signup_names": {"signup_name": "string"},
    "thresholds": {"rank": "int64", "threshold": "decimal(18,6)"},
    "calendar": {"calendar_day": "int32", "grain": "string", "period_day": "int32"},
    "calendar_days": {"one_day": "int32"},
    "months": {"calendar_month": "int32", "first_day": "int32", "days": "int32"},
    "part": {"first_day": "int32", "until_day": "int32"},
}
"""Their columns, by Ibis type names."""
RANKS = {"lead": 1, "mql": 2, "sql": 3, "opportunity": 4, "customer": 5}


@dataclass(frozen=True)
class Part:
    """Some whole local months of events; `months` empty means all."""

    name: str
    months: tuple[int, ...]
    first_day: int
    until_day: int
    last: bool

    @property
    def whole(self) -> bool:
        """Whether it is all there is."""
        return not self.months


WHOLE = Part("all", (), -EVER, EVER, last=True)


def month_part(month: int, *, last: bool) -> Part:
    """The part of one local month (202503)."""
    first = date(month // 100, month % 100, 1)
    return Part(str(month), (month,), number(first), number(add_months(first, 1)), last)


def month_after(month: int) -> int:
    """The month after a month.

    >>> month_after(202412)
    202501
    """
    return month + 1 if month % 100 < 12 else month + 89


def rows(name: str, company: Company, rules: Rules, since: date | None, horizon: date | None, part: Part | None) -> list[tuple[Any, ...]]:
    """The rows of a given table."""
    if name == "sides":
        return [(0,), (1,)]
    if name == "rules":
        return [_answers(rules)]
    if name == "intervals":
        year = rules.ratio("year")
        return [("day", *rules.ratio("day")), ("week", *rules.ratio("week")), ("month", 1, 1), ("quarter", 1, 3), ("year", *year)]
    if name == "pieces":
        return _pieces(rules, *_span(since, horizon))
    if name == "home":
        return [(company.currency,)]
    if name == "horizon":
        return [(number(horizon) if horizon else -EVER,)]
    if name == "ranks":
        return list(RANKS.items())
    if name == "signup_names":
        return [(event,) for event in company.signup_events]
    if name == "thresholds":
        scoring = company.scoring
        return [(RANKS[s], points) for s in ("lead", "mql", "sql") if (points := getattr(scoring, s)) is not None]
    if name == "part":
        own = part or WHOLE
        return [(own.first_day, own.until_day)]
    begin, end = _span(since, horizon)
    if name == "calendar_days":
        return [(day,) for day in range(number(begin), number(end))]
    if name == "months":
        firsts = [add_months(begin, n) for n in range((end.year - begin.year) * 12)]
        # Months are numbered as facts number them: 12 × year + month.
        return [(first.year * 12 + first.month, number(first), number(add_months(first, 1)) - number(first)) for first in firsts]
    return _calendar(number(begin), number(end), part or WHOLE)


def _answers(rules: Rules) -> tuple[int, ...]:
    """A rule set's choices as the facts read them: 0 or 1, or a number of days."""
    kinds = (f"discount_{kind}" for kind in ("once", "repeating", "forever"))
    past_due = EVER if rules["past_due_days"] == "never" else rules.days("past_due_days")
    returns = rules["reactivation"] != "expansion"
    return (
        int(rules["tax"] == "included"),
        *(int(rules[kind] == "subtract") for kind in kinds),
        int(rules["trial"] == "list_price"),
        int(rules["pause"] == "keep"),
        int(rules["usage"] == "included"),
        past_due,
        int(rules["cancel"] == "click"),
        rules.days("gap"),
        int(rules["gap"] == "same_month"),
        int(rules["same_month"] == "erased"),
        int(returns),
        rules.days("reactivation") if rules["reactivation"].isdecimal() else EVER,
    )


def _pieces(rules: Rules, begin: date, end: date) -> list[tuple[int, int, int, int]]:
    """The stretches of days in which a price is converted at one rate, first of the home currency, then of others; each with the one before."""
    edges = [-FOREVER, FOREVER]
    if rules["fx"] == "month_end":
        edges[1:1] = [number(add_months(begin, n)) - 1 for n in range(1, (end.year - begin.year) * 12 + 1)]
    cut = [(1, edge, edges[n + 1], edges[max(n - 1, 0)]) for n, edge in enumerate(edges[:-1])]
    return [(0, -FOREVER, FOREVER, -FOREVER), *cut]


def _span(since: date | None, horizon: date | None) -> tuple[date, date]:
    """Whole years around all data and more for what is due: it changes once a year, so that facts need not."""
    first = since or date(2000, 1, 1)
    last = horizon or first
    return date(first.year - 1, 1, 1), date(last.year + 3, 1, 1)


def _calendar(begin: int, end: int, part: Part) -> list[tuple[int, str, int]]:
    """Which day, week and month each day is in. A week is of the part in which it ends, or of the last while it has not ended."""
    if not part.whole:
        begin, end = part.first_day - 6, part.until_day
    found: list[tuple[int, str, int]] = []
    for day in range(begin, end):
        one = day_of(day)
        if day >= part.first_day:
            found.append((day, "day", day))
            found.append((day, "month", number(one.replace(day=1))))
        sunday = day - one.weekday() + 6
        if part.first_day <= sunday < part.until_day or (part.last and sunday >= part.until_day):
            found.append((day, "week", sunday - 6))
    return found
