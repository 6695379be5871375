"""Retention triangles: what has become of the customers won in each month, month after month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from fari.engine.answer import Number, Question
from fari.engine.ask import Asker, Cover
from fari.engine.periods import Grain, Period, containing, cut
from fari.errors import UsageError, did_you_mean
from fari.insight.lives import Key
from fari.metrics import METRICS
from fari.metrics.kinds import Measure

WON = {"customers": "new_customers", "mrr": "new_mrr"}
"""What a triangle can be of: a level by cohort, and how much of it each cohort brought when it was won."""
GRAINS: tuple[Grain, ...] = ("month", "quarter")


@dataclass(frozen=True)
class Cohort:
    """One row: the accounts won in a period (None: all those of the triangle), at the end of that period and of each one after.

    `values` and `shares` are by age in periods, for all rows up to the same. What has not been seen yet, or is not covered, is None, never 0.
    """

    period: Period | None
    segment: Mapping[str, str]
    won: Number | None
    values: tuple[Number | None, ...]
    shares: tuple[Decimal | None, ...]
    """Of the value at age 0; of all cohorts together, of those that have been seen at that age."""


@dataclass(frozen=True)
class Triangle:
    """A level by cohort and age: for each segment its cohorts in order, then all of them together."""

    metric: str
    unit: str
    currency: str | None
    grain: Grain
    periods: tuple[Period, ...]
    """Every period that has been looked at, from the first cohort's own on."""
    rows: tuple[Cohort, ...]
    notes: tuple[str, ...] = ()

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The rows of one cohort each."""
        return tuple(row for row in self.rows if row.period)

    def seen_in(self, row: Cohort, age: int) -> Period | None:
        """The period a cell was looked at in; None where that has not come yet, and for all cohorts together."""
        at = self.periods.index(row.period) + age if row.period else len(self.periods)
        return self.periods[at] if at < len(self.periods) else None

    def diagonal(self, period: Period) -> dict[Key, Number]:
        """What the cohorts add up to at the end of a period, by segment: the level itself, where no cohort is left out."""
        found: dict[Key, Number] = {}
        at = self.periods.index(period)
        for row in self.cohorts:
            age = at - self.periods.index(row.period) if row.period else -1
            if age >= 0 and (value := row.values[age]) is not None:
                key = tuple(row.segment.values())
                found[key] = found.get(key, 0) + value
        return found


def triangle(asker: Asker, question: Question) -> Triangle:
    """The triangle of the question's one metric (customers or mrr) for the cohorts of its periods, followed to the last period that is over.

    The periods are months or quarters in a row; the question may be split and filtered. A cohort is the month of the first paid day, or the
    quarter around it. Source: definitions, Customers and revenue. UsageError where there is no such triangle.
    """
    (metric,) = question.metrics
    grain = question.periods[0].grain
    if metric not in WON:
        raise UsageError(f"there are cohorts of {' and '.join(WON)}, not of {metric!r}{did_you_mean(metric, WON)}")
    if grain not in GRAINS:
        raise UsageError(f"cohorts are of a month or a quarter, not of a {grain}")
    if "cohort" in question.by:
        raise UsageError("every row is a cohort already: split by another dimension")
    measure = METRICS[metric]
    assert isinstance(measure, Measure)
    covered, _ = asker.state(question.as_of, question.rules)
    fiscal = asker.ledger.company.fiscal_year_start
    periods = _followed(question.periods, covered, measure, grain, fiscal, question.today)
    asked = replace(question, metrics=(metric, WON[metric]), periods=periods, by=("cohort", *question.by))
    found: dict[str, dict[tuple[Key, Period, Period], Number]] = {name: {} for name in asked.metrics}
    notes: dict[str, None] = {}
    for answer in asker.ask(asked):
        label, *split = answer.segment.values()
        if answer.value is None or not label[0].isdigit():
            continue
        place = tuple(split), containing(date.fromisoformat(f"{label}-01"), grain, fiscal), answer.period
        found[answer.metric][place] = found[answer.metric].get(place, 0) + answer.value
        notes |= dict.fromkeys(answer.notes)
    level, won = found[metric], found[WON[metric]]
    segments: list[Key] = sorted({key for one in found.values() for key, cohort, _ in one if cohort in question.periods}) if question.by else [()]
    over = {period for period in periods if _over(covered, measure, period, question.today)}
    rows: list[Cohort] = []
    for key in segments:
        segment = dict(zip(question.by, key, strict=True))
        own = []
        for at, cohort in enumerate(periods[: len(question.periods)]):
            cells: list[Number | None] = [level.get((key, cohort, period), 0) if period in over else None for period in periods[at:]]
            cells += [None] * at
            new = won.get((key, cohort, cohort), 0) if cohort in over else None
            own.append(Cohort(cohort, segment, new, tuple(cells), tuple(_share(cell, cells[0]) for cell in cells)))
        rows += [*own, _together(own, segment)]
    currency = asker.ledger.company.currency if measure.unit == "money" else None
    return Triangle(metric, measure.unit, currency, grain, periods, tuple(rows), tuple(notes))


def _followed(cohorts: Sequence[Period], covered: Cover, measure: Measure, grain: Grain, fiscal: int, today: date | None) -> tuple[Period, ...]:
    """The cohorts' own periods and those after them, as long as they are over and covered."""
    first, last = cohorts[0], cohorts[-1]
    end = max((until for _, until in covered.of(measure.needs)), default=last.until)
    followed = cut(first.since, max(end, last.until), grain, fiscal)
    while len(followed) > 1 and followed[-1] > last and not _over(covered, measure, followed[-1], today):
        followed.pop()
    return tuple(followed)


def _over(covered: Cover, measure: Measure, period: Period, today: date | None) -> bool:
    """Whether a period's last day is covered and over: then its level is known."""
    return covered.holds(measure.needs, Period(period.until - timedelta(days=1), period.until, "day"), today)


def _share(value: Number | None, of: Number | None) -> Decimal | None:
    return None if value is None or not of else Decimal(value) / Decimal(of)


def _together(rows: Sequence[Cohort], segment: Mapping[str, str]) -> Cohort:
    """All cohorts by age; a share compares only those that have been seen at that age with what the same were at age 0."""
    values: list[Number | None] = []
    shares: list[Decimal | None] = []
    for age in range(len(rows[0].values)):
        seen = [(value, row.values[0]) for row in rows if (value := row.values[age]) is not None]
        values.append(sum((value for value, _ in seen), start=Decimal(0)) if seen else None)
        shares.append(_share(values[-1], sum((first or 0 for _, first in seen), start=Decimal(0))))
    won = [row.won for row in rows if row.won is not None]
    return Cohort(None, segment, sum(won, start=Decimal(0)) if won else None, tuple(values), tuple(shares))
