"""The parts of a change, as a tree: a metric, its inputs, their inputs or movements, and each by segment. Parts of a node add up to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from fari.engine.answer import Number

Kind = Literal["input", "movement", "booked", "between"]
"""What a node is to the one above it: an input of its formula; a movement that a level is made of; of a spread, the amounts as they were booked;
what a level gained from segments or lost to them without any movement."""


@dataclass(frozen=True)
class Segment:
    """One value of a dimension: the metric in it before and after, and what it contributes, in the unit of the metric that is explained."""

    value: str
    before: Number | None
    after: Number | None
    part: Decimal
    rate: Decimal | None = None
    """Of a ratio: what the change of the segment's own ratio contributes."""
    mix: Decimal | None = None
    """What the change of its weight contributes."""
    rest: Decimal | None = None
    """What comes of a numerator without a denominator in this segment."""
    weights: tuple[Decimal, Decimal] | None = None
    """Its share of the denominator before and after."""
    net: float = 0.0
    """Surprise net of chance (fari.insight.surprise)."""


@dataclass(frozen=True)
class Split:
    """A node by one dimension: the segments' parts add up to the node's."""

    dimension: str
    segments: tuple[Segment, ...]
    named: tuple[tuple[str, str], ...] = ()
    """The few that carry it: (segment, `change`, `rate` or `mix`), the most surprising first."""
    score: float = 0.0


@dataclass(frozen=True)
class Part:
    """One metric of the tree, its value before and after, and what its change contributes to that of the metric explained.

    Of a movement `after` is the amount between the two closings, which is all of its part, and `before` that of the stretch before.
    """

    metric: str
    kind: Kind
    before: Number | None
    after: Number | None
    unit: str
    part: Decimal
    worth: Fraction = Fraction(0)
    """What a unit of it is worth in the metric explained: part / change, where it changed."""
    parts: tuple["Part", ...] = ()
    splits: tuple[Split, ...] = ()
    denominator: str = ""
    """Of a ratio split by segment, what it is per."""

    def walk(self) -> Iterator["Part"]:
        """This node and all below it."""
        yield self
        for one in self.parts:
            yield from one.walk()

    @property
    def leading(self) -> Split | None:
        """The split whose few segments carry most beyond their size; None where no dimension explains anything."""
        best = max(self.splits, key=lambda split: split.score, default=None)
        return best if best and best.score > 0 else None
