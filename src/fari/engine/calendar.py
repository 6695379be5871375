"""What is covered when: for each table of the ledger how many days of each period its sources speak for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fari.engine.ask import Cover
from fari.engine.periods import Period
from fari.ledger.schema import TABLES

State = Literal["whole", "partly", "none"]


@dataclass(frozen=True)
class Held:
    """One table in one period: how many of its days are covered."""

    period: Period
    days: int

    @property
    def state(self) -> State:
        """Whether that is all of it, some, or nothing."""
        return "whole" if self.days == self.period.days else "partly" if self.days else "none"


def calendar(covered: Cover, periods: Sequence[Period]) -> Mapping[str, tuple[Held, ...]]:
    """Every table that any source speaks for, in the ledger's order, period by period.

    >>> from datetime import date
    >>> from fari.engine.periods import parse
    >>> cover = Cover({"spend": [(date(2025, 1, 11), date(2025, 3, 1))]}, date(2025, 2, 28), date(2025, 1, 11), "subscriptions", False)
    >>> [(one.days, one.state) for one in calendar(cover, [parse("2025-01"), parse("2025-02"), parse("2025-03")])["spend"]]
    [(21, 'partly'), (28, 'whole'), (0, 'none')]
    """
    found = {}
    for table in TABLES:
        if stretches := covered.ranges.get(table):
            own = []
            for one in periods:
                cut = ((max(since, one.since), min(until, one.until)) for since, until in stretches)
                own.append(Held(one, sum((until - since).days for since, until in cut if since < until)))
            found[table] = tuple(own)
    return found
