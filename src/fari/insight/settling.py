"""Settling: by when a cohort's rate will hardly move any more, as the cohorts of the past did.

Of those who became customers is known how long it took them, but the young cohorts have only shown their quickest. The share that had converted by
each day is therefore estimated from the longest time down, each conversion among those that could have been seen at that time (the product limit of
data cut off to the right). Source: Lagakos, Barraj and De Gruttola, Biometrika 75 (1988).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.lags import lags
from fari.engine.periods import Period
from fari.metrics.kinds import leaves

SETTLED = 0.95
"""The share of those who ever convert by which a cohort is called settled."""
FEW = 20
"""Fewer conversions than these say nothing of how long the last ones take."""
FACTS = {"leads_converted": "stage_entries", "open": "stage_entries", "signups_converted": "signups", "trials_converted": "trials"}
"""Measures that go on counting what becomes of a period's members, and the fact that has these."""


@dataclass(frozen=True)
class Settling:
    """How long a cohort's rate goes on moving."""

    days: int | None
    """After so many days 95 % of those who convert have done so; None where it cannot be told."""
    within: int = 0
    """Of those who convert within so many days: longer nobody has been watched for."""

    def until(self, period: Period) -> date | None:
        """The day on which the last who came into a period's cohort have had that long."""
        return None if self.days is None else period.until + timedelta(days=self.days - 1)


def settling(asker: Asker, question: Question, metric: str) -> Settling | None:
    """How long a metric's cohorts go on converting, all of the company's together; None of a metric that is of no cohort."""
    fact = next((FACTS[name] for name in leaves(metric, question.rules) if name in FACTS), None)
    return None if fact is None else settled(lags(asker, question, fact))


def young(asker: Asker, question: Question, metric: str, period: Period) -> bool:
    """Whether a metric's cohort of a period has had, or may have had, too little time to be held against those before it."""
    found = settling(asker, question, metric)
    if found is None:
        return False
    until, horizon = found.until(period), asker.state(question.as_of, question.rules)[0].horizon
    return until is None or horizon is None or until > horizon


def settled(seen: Mapping[tuple[int, int], int]) -> Settling:
    """From how many converted after so many days and have been watched for so many.

    Where it took the slow ones more than half of the time that enough were watched for, slower ones may be still to come: then it cannot be told.

    >>> settled({(5, 400): 90, (30, 400): 9, (60, 400): 1, (5, 20): 50})
    Settling(days=30, within=400)
    >>> settled({(5, 400): 19}), settled({(5, 40): 20, (39, 40): 20})
    (Settling(days=None, within=0), Settling(days=None, within=40))
    """
    took, watched = Counter[int](), Counter[int]()
    for (lag, limit), members in seen.items():
        took[lag] += members
        watched[limit] += members

    def until(days: int) -> int:
        """How many converted by then among those that were watched so long: all that were not had converted before they were watched no more."""
        return sum(members for lag, members in took.items() if lag <= days) - sum(members for limit, members in watched.items() if limit < days)

    within = next((days for days in sorted(watched, reverse=True) if until(days) >= FEW), 0)
    share, found = 1.0, within
    for lag in sorted((lag for lag in took if lag <= within), reverse=True):
        if share < SETTLED:
            break
        found = lag
        share *= 1 - took[lag] / until(lag)
    return Settling(found if within > 0 and 2 * found <= within else None, within)
