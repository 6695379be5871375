"""The survey: which metric matters most to a team, beside the 40 marketers of the article; what the team keeps in focus."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

OTHER = "other"
FOCUS = 3
"""A few metrics that fit the business: so many at most are in focus."""


@dataclass(frozen=True)
class Choice:
    """A metric that can be chosen: votes and shares of the team, and of the article's marketers (None where only told among `other`)."""

    metric: str
    team: int
    share: Decimal | None
    marketers: int | None
    marketers_share: Decimal | None


@dataclass(frozen=True)
class Result:
    """What a team voted."""

    people: int
    marketers: int
    choices: tuple[Choice, ...]
    """Those with the most votes of the team first, equal ones as in the article."""
    focus: tuple[str, ...]
    vanity: bool
    """Whether nothing but vanity metrics was chosen."""


def choices() -> tuple[str, ...]:
    """What can be chosen: the article's metrics in the order of its votes, those told beside them, vanity metrics, and another.

    >>> choices()[:3], choices()[-1]
    (('lead_conversion_rate', 'mrr', 'visitors'), 'other')
    """
    told = article()
    named = [name for name in told["votes"] if name != OTHER]
    return tuple(dict.fromkeys([*named, *told["others"]["told"], *told["vanity"]["metrics"], OTHER]))


def result(ballots: Sequence[str]) -> Result:
    """The result of votes, each for a metric of `choices`.

    >>> one = result(["mrr", "mrr", "cac", "other"])
    >>> one.people, one.focus, [(c.metric, c.team, c.share, c.marketers_share) for c in one.choices[:2]]
    (4, ('mrr', 'cac'), [('mrr', 2, Decimal('0.5'), Decimal('0.25')), ('cac', 1, Decimal('0.25'), Decimal('0.05'))])
    >>> result(["visitors", "pageviews"]).vanity, result([]).vanity, result([]).choices[0].share
    (True, False, None)
    """
    told, counted = article(), Counter(ballots)
    people, votes = len(ballots), told["votes"]
    marketers = Decimal(told["people"])
    found = [
        Choice(
            name,
            counted[name],
            Decimal(counted[name]) / people if people else None,
            votes.get(name),
            votes[name] / marketers if name in votes else None,
        )
        for name in choices()
    ]
    found.sort(key=lambda one: -one.team)
    focus = tuple(one.metric for one in found if one.team and one.metric != OTHER)[:FOCUS]
    return Result(people, told["people"], tuple(found), focus, bool(ballots) and set(ballots) <= set(told["vanity"]["metrics"]))


@cache
def article() -> dict[str, Any]:
    """What the article tells of its poll (survey.toml)."""
    return tomllib.loads(Path(__file__).with_name("survey.toml").read_text(encoding="utf-8"))
