"""Lives: how many customers were lost, and how many are there still, by age. All that survival and retention are computed from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Literal

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.errors import FariError, UsageError

Unit = Literal["age", "tenure"]
Key = tuple[str, ...]
_COUNTS: dict[Unit, tuple[str, str]] = {"age": ("lifetimes_ended", "lifetimes_open"), "tenure": ("contracts_ended", "contracts_open")}
"""Whole months since the first paid day, or whole terms of the contract."""


@dataclass(frozen=True)
class Lives:
    """Customers by the age at which they were lost, and by the age up to which those still there have been watched."""

    lost: Mapping[int, int] = field(default_factory=dict)
    open: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of_cohorts(cls, *cohorts: tuple[int, ...]) -> "Lives":
        """Cohorts as they are published: how many began, and how many were there still at each age.

        >>> Lives.of_cohorts((100, 80, 70), (100, 90))
        Lives(lost={1: 30, 2: 10}, open={2: 70, 1: 90})
        """
        lost: dict[int, int] = defaultdict(int)
        open_: dict[int, int] = defaultdict(int)
        for there in cohorts:
            for age in range(1, len(there)):
                lost[age] += there[age - 1] - there[age]
            open_[len(there) - 1] += there[-1]
        return cls(dict(lost), dict(open_))

    @cached_property
    def faced(self) -> tuple[tuple[int, int, int], ...]:
        """(age, customers watched up to it who were there until it, those of them lost at it) for every age from 1 that anyone was watched at.

        >>> Lives(lost={2: 3}, open={1: 5, 2: 2}).faced
        ((1, 10, 0), (2, 5, 3))
        """
        there = self.customers - self.open.get(0, 0)
        rows = []
        for age in range(1, self.oldest + 1):
            rows.append((age, there, self.lost.get(age, 0)))
            there -= self.lost.get(age, 0) + self.open.get(age, 0)
        return tuple(rows)

    @cached_property
    def customers(self) -> int:
        """All of them."""
        return self.losses + sum(self.open.values())

    @cached_property
    def losses(self) -> int:
        """Those lost."""
        return sum(self.lost.values())

    @cached_property
    def oldest(self) -> int:
        """The greatest age at which anyone was watched."""
        return max((age for counts in (self.lost, self.open) for age, count in counts.items() if count), default=0)

    def __add__(self, other: "Lives") -> "Lives":
        """Both together."""
        lost, open_ = dict(self.lost), dict(self.open)
        for into, more in ((lost, other.lost), (open_, other.open)):
            for age, count in more.items():
                into[age] = into.get(age, 0) + count
        return Lives(lost, open_)


def watch(asker: Asker, question: Question, since: date | None = None) -> Period:
    """The days of the question's one period, or from `since` to its end, on which subscriptions are covered and which are over.

    Who is still there can be known of those alone. FariError where there are none: then nobody tells who left.
    """
    (period,) = question.periods
    covered, _ = asker.state(question.as_of, question.rules)
    ranges = covered.of("subscriptions")
    first = max([since or period.since, *(start for start, _ in ranges[:1])])
    ends = [period.until, *(end for _, end in ranges[-1:]), *([question.today] if question.today else [])]
    if not ranges or first >= min(ends):
        raise FariError("nothing tells who has left: no source covers subscriptions in this time")
    return Period(first, min(ends))


def lives(asker: Asker, question: Question, unit: Unit = "age") -> dict[Period, dict[Key, Lives]]:
    """The lives of the accounts that became customers in each of the question's periods, watched until its last day, by segment.

    The question's metrics are not looked at. Nothing where no source covers subscriptions in a period: then nobody tells who left.
    UsageError where it is split or filtered by the age itself.
    """
    if unit in (*question.by, *(name for name, _ in question.where)):
        raise UsageError(f"lives are told by {unit} already: split and filter by another dimension")
    counted = replace(question, metrics=_COUNTS[unit], by=(*question.by, unit))
    found: dict[Period, dict[Key, tuple[dict[int, int], dict[int, int]]]] = {period: {} for period in question.periods}
    for answer in asker.ask(counted):
        if not answer.value:
            continue
        *segment, age = answer.segment.values()
        counts = found[answer.period].setdefault(tuple(segment), ({}, {}))
        counts[_COUNTS[unit].index(answer.metric)][int(age)] = int(answer.value)
    return {period: {key: Lives(*counts) for key, counts in sorted(segments.items())} for period, segments in found.items()}
