"""Why a figure changed: the change split over the formula's inputs, each input over the segments of every dimension, to the last digit."""

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.errors import FariError, UsageError, did_you_mean
from fari.insight.drivers import Driver, drivers
from fari.insight.parts import Part
from fari.insight.shapley import difference
from fari.insight.told import Told
from fari.insight.tree import node, within
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import Formula


@dataclass(frozen=True)
class Why:
    """Why one metric changed from one period to another."""

    metric: str
    periods: tuple[Period, Period]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    before: Answer
    after: Answer
    currency: str
    """What amounts of money are in."""
    tree: Part | None
    """None where there is no explanation: the metric is undefined in one of the periods, as the notes of its answer say."""
    drivers: tuple[Driver, ...] = ()
    """What carries the change, the largest first."""

    @property
    def change(self) -> Decimal | None:
        """After less before."""
        return None if self.before.value is None or self.after.value is None else difference(self.after.value, self.before.value)

    @property
    def dimensions(self) -> dict[str, float]:
        """How much each dimension explains: the scores of its splits, each counted by its node's share of all movement; most first."""
        nodes = list(self.tree.walk()) if self.tree else []
        gross = sum((abs(node.part) for node in nodes if not node.parts), Decimal(0)) or Decimal(1)
        found: dict[str, float] = {}
        for one in nodes:
            for split in one.splits:
                found[split.dimension] = found.get(split.dimension, 0.0) + split.score * min(float(abs(one.part) / gross), 1.0)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def opens(self, driver: Driver) -> tuple[str, Period, tuple[tuple[str, tuple[str, ...]], ...]]:
        """(measure, period, filters) of the rows behind a driver: those of the period that has more of them, by movement since the last closing."""
        metric, before, after = driver.metric, *self.periods
        formula = METRICS.get(metric.removeprefix("total_"))
        if isinstance(formula, Formula):
            metric = formula.inputs[0]
        where = () if metric.startswith("total_") else self.where
        for one in (driver, driver.inner):
            if one is not None and one.value:
                where = (*where, (one.dimension, (one.value,)))
        if driver.kind == "movement":
            first, last = sorted((before, after), key=lambda period: period.until)
            return metric, last if first.until == last.since else Period(first.until, last.until), where
        return metric, before if abs(Decimal(driver.before or 0)) > abs(Decimal(driver.after or 0)) else after, where

    def plain(self) -> dict[str, Any]:
        """All of it as plain values for JSON (Decimals are left to the writer)."""
        before, after = self.periods
        return {
            "metric": self.metric, "unit": self.after.unit, "currency": self.currency,
            "where": {dimension: list(values) for dimension, values in self.where},
            "before": {"from": before.since, "until": before.until, "value": self.before.value, "complete": self.before.complete},
            "after": {"from": after.since, "until": after.until, "value": self.after.value, "complete": self.after.complete},
            "change": self.change, "parts": _plain(self.tree) if self.tree else None, "dimensions": self.dimensions,
            "drivers": [asdict(driver) for driver in self.drivers], "notes": list(self.notes),
        }  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the two values, each with its period."""
        told = [f"{answer.period.label}: {note}" for answer in (self.before, self.after) for note in answer.notes]
        return tuple(dict.fromkeys(told))


def why(asker: Asker, question: Question) -> Why:
    """Why the question's one metric changed between its two periods, the earlier first; `by` narrows the dimensions looked at.

    Every metric is explained by what it is made of: a formula by its inputs (exact Shapley values), an MRR or a number of customers by the
    movements between the two closings, a spread by what was booked, every sum by its segments, and a ratio by the segments' rates and weights.
    FariError where no input has a dimension asked for; UsageError where the two periods are the same.
    """
    (metric,) = question.metrics
    before, after = question.periods
    if before == after:
        raise UsageError("the two periods are the same: name another one to compare with")
    for dimension in question.by:
        if dimension not in DIMENSIONS:
            raise UsageError(f"unknown dimension {dimension!r}{did_you_mean(dimension, DIMENSIONS)} (one of: {', '.join(DIMENSIONS)})")
    told = Told(asker, replace(question, by=(), rules=question.rules or asker.ledger.company.rules), question.by)
    answers = told.answers(metric)
    first, last = (answers[period] for period in question.periods)
    if first.value is None or last.value is None:
        return Why(metric, (before, after), question.where, first, last, asker.ledger.company.currency, None)
    tree = node(told, metric, "input", difference(last.value, first.value), Fraction(1), alone=True)
    for dimension in question.by:
        if not any(split.dimension == dimension for one in tree.walk() for split in one.splits):
            raise FariError(f"nothing that {metric} is made of can be split by {dimension}")
    found = drivers(tree, partial(within, told), bool(question.by))
    return Why(metric, (before, after), question.where, first, last, asker.ledger.company.currency, tree, found)


def _plain(node: Part) -> dict[str, Any]:
    return {
        "metric": node.metric, "kind": node.kind, "unit": node.unit, "before": node.before, "after": node.after, "part": node.part,
        "parts": [_plain(one) for one in node.parts],
        "splits": [
            {"dimension": split.dimension, "score": split.score, "segments": [
                {name: value for name, value in asdict(segment).items() if value is not None and name != "net"} for segment in split.segments
            ]}
            for split in node.splits
        ],
    }  # fmt: skip
