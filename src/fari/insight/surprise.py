"""How much of a change a dimension's few segments carry beyond what their size would lead one to expect.

The score is Adtributor's surprise (Bhagwan et al., "Adtributor: Revenue Debugging in Advertising Systems", NSDI 2014, section 4.2), with a
correction for chance that the paper leaves out. A segment's surprise is its term of the Jensen-Shannon divergence between the segments'
shares before and after. Chance alone makes such a term about (1/n + 1/m) / 8 where n and m rows lie behind the two periods (the G test's
mean), and picking the most surprising of k segments, of all dimensions looked at, makes it larger by 2 ln k times that (Foster and George's
risk inflation criterion, 1994); so much is taken off, for each segment named. Hence many values cost, few rows cost, and naming more segments
costs. The score of a dimension is what is left of its up to three segments that move the figure by a tenth of all movement or more, each by
as much further than its size would have it; and nothing where these carry less than a third of all movement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from fari.engine.answer import Number
from fari.facts.words import NO_REASON, NOT_SET, UNATTRIBUTED

FEW = 3
"""So many segments of a dimension are named at most."""
SHARE = 0.1
"""A segment is named where it moves the figure by this share of all movement or more."""

_ASKED = 1e-9
"""The score of a dimension that is only told because it was asked for."""
ROWS = 4
"""Behind a period must be this many rows for its shares to say anything."""
TOGETHER = 1 / 3
"""Those named carry this share of all movement together, or the dimension explains nothing."""

UNKNOWN = (UNATTRIBUTED, NOT_SET, NO_REASON)
"""Segments of what is not known: that they moved explains nothing."""


@dataclass(frozen=True)
class Surprise:
    """What is surprising of one segment: net of chance, and whether it went up or down against its expected share."""

    net: float
    beyond: float


def surprises(before: Mapping[str, Number], after: Mapping[str, Number], seen: tuple[float, float], dimensions: int = 1) -> dict[str, Surprise]:
    """By segment, from its values before (or as they were expected) and after, and the rows behind each.

    `dimensions`: how many are looked at, each taken to have as many segments. Where too little was there before, nothing surprises.

    >>> found = surprises({"a": 50, "b": 50}, {"a": 90, "b": 50}, (1000, 1000))
    >>> found["a"].net > 0, found["a"].beyond > 0 > found["b"].beyond
    (True, True)
    >>> surprises({"a": 5, "b": 5}, {"a": 9, "b": 5}, (10, 14))["a"].net < 0
    True
    """
    names = sorted({*before, *after})
    olds, news = _shares(before, names), _shares(after, names)
    if news is None or olds is None or min(seen) < ROWS:
        return dict.fromkeys(names, Surprise(0.0, 0.0))
    chance = 1 / seen[0] + 1 / seen[1]
    found = {}
    for name, old, new in zip(names, olds, news, strict=True):
        middle = (old + new) / 2
        term = sum(one * log(one / middle) for one in (old, new) if one) / 2
        found[name] = Surprise(term - (1 - middle) * (1 + 2 * log(len(names) * dimensions)) * chance / 8, new - old)
    return found


def _shares(values: Mapping[str, Number], names: Sequence[str]) -> list[float] | None:
    amounts = [abs(float(values.get(name, 0))) for name in names]
    whole = sum(amounts)
    return [amount / whole for amount in amounts] if whole else None


def named(
    parts: Mapping[str, float], found: Mapping[str, Surprise], level: float | None = None, asked: bool = False
) -> tuple[tuple[str, ...], float]:
    """The few segments that carry a change, and the score of their dimension: no segment and 0 where it explains nothing.

    `parts` is by how much each moved. `level` is what all together came to: then only those count that moved further than their size would have
    it, and by a tenth of all movement. Of a dimension that was `asked` for the largest are named where none surprises.
    """
    gross = sum(abs(part) for part in parts.values())
    fit = [name for name, part in parts.items() if gross and name not in UNKNOWN and found[name].net > 0 and abs(part) >= SHARE * gross]
    if level is not None:
        fit = [name for name in fit if parts[name] * found[name].beyond > 0 and abs(found[name].beyond * level) >= SHARE * gross]
    few = sorted(fit, key=lambda name: (-found[name].net, name))[:FEW]
    if sum(abs(parts[name]) for name in few) < TOGETHER * gross or not few:
        largest = sorted((name for name in parts if parts[name]), key=lambda name: (-abs(parts[name]), name))
        return (tuple(largest[:FEW]), _ASKED) if asked else ((), 0.0)
    return tuple(few), sum(found[name].net for name in few)
