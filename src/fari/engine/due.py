"""Renewals due: the paid intervals that end in a stretch of days, what is at stake at each, and the sums by week and month.

Which day a renewal is due on is the facts' rule (`renewals`); here it is only asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fari.engine import opened
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, containing, day_of, number
from fari.errors import FariError, UsageError, did_you_mean
from fari.facts.words import FOREVER
from fari.rules import Rules

AHEAD = 366
"""So many days after the data's last day what is due is worked out (`short_renewals`)."""
YEAR = 365
"""The renewal rate beside is that of so many days before."""
DIMENSIONS = ("channel", "campaign", "plan", "country", "persona", "currency", "cohort", "term")
"""What accounts and their subscriptions can be narrowed to."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """One paid interval that ends: `day` is the last day paid for."""

    day: date
    account: str
    subscription: str
    plan: str
    currency: str
    interval: str
    interval_count: int
    mrr: Decimal
    """What the subscription counts as MRR on that day, or on the data's last day where that comes first: the company's currency."""
    renewed: bool | None
    """Whether it ran on the day after; None where that is still to come."""
    cancelled_on: date | None
    """The click, where it has come."""
    ends_on: date | None
    """First day on which its terms hold no more, as far as was told."""
    past_due_on: date | None
    lapses_on: date | None
    """Where it is past due: the day from which it counts as MRR no more, by the rules in force."""
    starts_on: date
    origin: str


@dataclass(frozen=True)
class DueSum:
    """What is due in a period: `mrr` and its parts count a subscription once, however often it is due in it."""

    period: Period
    due: int
    mrr: Decimal
    cancelled_mrr: Decimal
    """Of it, set to cancel already."""
    past_due_mrr: Decimal
    """Of it, past due."""


@dataclass(frozen=True)
class Calendar:
    """Renewals due in some days, by day, and their sums."""

    period: Period
    horizon: date
    currency: str
    rules: Rules
    where: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[Due, ...]
    weeks: tuple[DueSum, ...]
    months: tuple[DueSum, ...]
    total: DueSum
    rate: Answer
    """`renewal_rate` of the year up to the data's last day."""

    def plain(self) -> dict[str, Any]:
        """The calendar as a JSON object (Decimals and dates are left to the writer)."""
        return {
            "from": self.period.since, "until": self.period.until, "horizon": self.horizon, "currency": self.currency, "rules": self.rules.label,
            "where": {dimension: list(values) for dimension, values in self.where},
            "renewals": [plain(row) for row in self.rows],
            "weeks": [_summed(one) for one in self.weeks], "months": [_summed(one) for one in self.months], "total": _summed(self.total),
            "renewal_rate": {
                "from": self.rate.period.since, "until": self.rate.period.until, "value": self.rate.value, "parts": self.rate.parts,
                "notes": list(self.rate.notes),
            },
        }  # fmt: skip


def plain(row: Due) -> dict[str, Any]:
    """A renewal due as a flat row."""
    return {
        "day": row.day, "account": row.account, "subscription_id": row.subscription, "plan": row.plan, "currency": row.currency,
        "interval": row.interval, "interval_count": row.interval_count, "mrr": row.mrr, "renewed": row.renewed, "cancelled_on": row.cancelled_on,
        "ends_on": row.ends_on, "past_due_on": row.past_due_on, "lapses_on": row.lapses_on, "origin": row.origin,
    }  # fmt: skip


def _summed(one: DueSum) -> dict[str, Any]:
    return {
        "from": one.period.since, "until": one.period.until, "due": one.due, "mrr": one.mrr, "cancelled_mrr": one.cancelled_mrr,
        "past_due_mrr": one.past_due_mrr,
    }  # fmt: skip


def last_day(asker: Asker, question: Question) -> date:
    """The data's last day; FariError where nothing tells of subscriptions, UsageError where accounts cannot be narrowed as asked."""
    for dimension, _ in question.where:
        if dimension not in DIMENSIONS:
            known = ", ".join(DIMENSIONS)
            raise UsageError(f"subscriptions cannot be narrowed by {dimension!r}{did_you_mean(dimension, DIMENSIONS)} (one of: {known})")
    covered, _ = asker.state(question.as_of, question.rules)
    if covered.horizon is None or not covered.of("subscriptions"):
        raise FariError("nothing tells who pays until when: no source covers subscriptions")
    return covered.horizon


def calendar(asker: Asker, question: Question, days: int, first: date | None = None, *, short: bool = False) -> Calendar:
    """Renewals whose last day paid for is among `days` days from `first` on, by default from the day after the data's last.

    The question's filters, as-of and rules hold; its metrics and periods are not looked at. Intervals longer than a month, as
    `renewals_due` counts them; with `short` the others too, as far as they are still to come. UsageError where the days are too far ahead.
    Source: definitions, Renewals due and accounts at risk.
    """
    horizon = last_day(asker, question)
    since = first or horizon + _DAY
    period = Period(since, since + timedelta(days=days))
    if (period.until - horizon).days > AHEAD + 1:
        raise UsageError(f"what is due is known for {AHEAD} days after the data's last day, {horizon}, not until {period.until - _DAY}")
    if short and since <= horizon:
        raise UsageError(f"payments of a month or less are listed for the days after the data's last, {horizon}, not from {since} on")
    rows = due(asker, question, horizon, period, short=short)
    year = Period(horizon + _DAY - timedelta(days=YEAR), horizon + _DAY)
    (rate,) = asker.ask(Question(("renewal_rate",), (year,), where=question.where, as_of=question.as_of, today=question.today, rules=question.rules))
    company = asker.ledger.company
    return Calendar(
        period, horizon, company.currency, question.rules or company.rules, question.where, rows,
        _by(rows, period, "week"), _by(rows, period, "month"), _sum(rows, period), rate,
    )  # fmt: skip


def due(asker: Asker, question: Question, horizon: date, period: Period, *, short: bool = False) -> tuple[Due, ...]:
    """The renewals due in a period, by day, then account and subscription."""
    _, builder = asker.state(question.as_of, question.rules)
    facts = ("renewals", "short_renewals") if short else ("renewals",)
    for fact in (*facts, "running"):
        asker.fact_schema(fact, builder)
    known = number(horizon)
    condition = opened.filtered(dict(question.where), asker.engine.text)
    rows = asker.engine.run(opened.due(facts, number(period.since), number(period.until), known, condition))
    builder.finish()
    return tuple(_due(row, known) for row in rows)


def _due(row: Sequence[Any], known: int) -> Due:
    day, account, subscription, plan, currency, every, count, renewed, cancelled, ends, starts, origin, mrr, overdue, lapses = row
    return Due(
        day_of(day), account, subscription, plan, currency, every, count, Decimal(mrr), bool(renewed) if day < known else None,
        day_of(cancelled) if cancelled is not None and cancelled <= known else None, day_of(ends) if ends < FOREVER else None,
        None if overdue is None else day_of(overdue), None if lapses is None else day_of(lapses), day_of(starts), origin,
    )  # fmt: skip


def _by(rows: Sequence[Due], period: Period, grain: Any) -> tuple[DueSum, ...]:
    """Every week or month that the period touches, cut at its ends."""
    found = []
    since = period.since
    while since < period.until:
        until = min(containing(since, grain).until, period.until)
        found.append(_sum([row for row in rows if since <= row.day < until], Period(since, until, grain)))
        since = until
    return tuple(found)


def _sum(rows: Sequence[Due], period: Period) -> DueSum:
    once: Mapping[tuple[str, str], Due] = {(row.account, row.subscription): row for row in reversed(rows)}
    first = once.values()
    return DueSum(
        period,
        len(rows),
        sum((row.mrr for row in first), start=Decimal(0)),
        sum((row.mrr for row in first if row.cancelled_on), start=Decimal(0)),
        sum((row.mrr for row in first if row.past_due_on), start=Decimal(0)),
    )
