"""Waits: how long people were in a stage before they moved on, and how long a sale took: the middle, the spread, and how many were quick."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from fari.engine.answer import Number, Question
from fari.engine.ask import Asker, has

STAGES = ("lead", "mql", "sql", "opportunity")
SALE = "sale"
"""From lead to customer, beside the stages on the way."""
QUICK = (7, 30)
"""Within so many days."""


@dataclass(frozen=True)
class Wait:
    """The days that people were in a stage they left, or that a sale took."""

    stage: str
    people: int
    mean: Number | None
    quarter: int
    """A quarter of them took no longer than so many days."""
    median: int
    three_quarters: int
    within: Mapping[int, Decimal]
    """The share that took no longer than 7 and 30 days."""

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "stage": self.stage, "people": self.people, "mean": self.mean, "quarter": self.quarter, "median": self.median,
            "three_quarters": self.three_quarters, "within": {str(days): share for days, share in self.within.items()},
        }  # fmt: skip


def waits(asker: Asker, question: Question) -> list[Wait]:
    """The waits of those who moved on, and of the sales that were won, in the question's one period and segment; its metrics are not looked at.

    A stage that nobody left has none, nor has a sale where the question filters by what one of the two does not have.
    """
    where = [name for name, _ in question.where]
    found: list[Wait] = []
    if has("days_in_stage", ["stage", "days", *where]):
        means = {a.segment["stage"]: a.value for a in asker.ask(replace(question, metrics=("days_in_stage",), by=("stage",)))}
        counts: dict[str, Counter[int]] = {stage: Counter() for stage in STAGES}
        for answer in asker.ask(replace(question, metrics=("stages_left",), by=("stage", "days"))):
            counts[answer.segment["stage"]][int(answer.segment["days"])] += int(answer.value or 0)
        found += [_wait(stage, own, means.get(stage)) for stage, own in counts.items() if own.total()]
    if has("sales_cycle_days", ["days", *where]):
        (mean,) = asker.ask(replace(question, metrics=("sales_cycle_days",), by=()))
        sales = asker.ask(replace(question, metrics=("cycles",), by=("days",)))
        own = Counter({int(answer.segment["days"]): int(answer.value) for answer in sales if answer.value})
        found += [_wait(SALE, own, mean.value)] if own.total() else []
    return found


def _wait(stage: str, counts: Counter[int], mean: Number | None) -> Wait:
    people = counts.total()
    ordered = sorted(counts.elements())
    # The smallest number of days that so large a share took at most.
    quarter, median, three = (ordered[-(-people * n // 4) - 1] for n in (1, 2, 3))
    within = {most: Decimal(sum(n for days, n in counts.items() if days <= most)) / people for most in QUICK}
    return Wait(stage, people, mean, quarter, median, three, within)
