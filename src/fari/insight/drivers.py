"""Drivers: the few inputs and segments that carry a change, found in the tree of its parts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from fari.engine.answer import Number
from fari.insight.parts import Part, Segment, Split
from fari.insight.shapley import added, difference

MOST = 6
"""So many drivers are named at most."""
LEAST = Decimal("0.05")
"""A driver moves the figure by at least this share of all movement."""
_INNER = 3
"""So many of them are looked into."""
_MOSTLY = Decimal("0.5")
"""A segment within a driver is named where it carries at least this share of it."""

Within = Callable[[Part, str, Segment], tuple[Split, ...]]
"""A node's segment by all other dimensions."""


@dataclass(frozen=True)
class Driver:
    """One input, or one segment of it, and what it contributes to the change."""

    metric: str
    """The input; of a ratio's segment the ratio itself."""
    kind: str
    """What the input is in the tree (fari.insight.parts)."""
    effect: Literal["change", "rate", "mix", "others"]
    """`others`: all segments of `dimension` that are not drivers of their own."""
    dimension: str
    """The dimension of its segment; empty where the input moved as a whole."""
    value: str
    part: Decimal
    before: Number | None
    after: Number | None
    per: str = ""
    """Of a mix effect, the measure whose share `before` and `after` are."""
    share: Decimal | None = None
    """Of the whole change; None where there is none."""
    inner: "Driver | None" = None
    """The segment of another dimension that carries most of it."""


def drivers(tree: Part, within: Within, asked: bool = False) -> tuple[Driver, ...]:
    """The drivers of a change: those that went with it, the largest first and what is left of segments last; then those against it.

    From the top of the tree down: a node that one dimension explains beyond chance is told by its few segments (and all others together), a
    ratio by their rates and weights where that explains more than its inputs apart; any other by what it is made of; what is not made of
    anything, as a whole. Each of the first is then looked into by the other dimensions. A level is told by its movements rather than by its
    segments, unless a dimension was `asked` for.
    """
    found = [(driver, node) for driver, node in _below(tree, asked) if driver.part]
    gross = added([abs(driver.part) for driver, _ in found])
    found = [(driver, node) for driver, node in found if abs(driver.part) >= LEAST * gross]
    found.sort(key=lambda pair: (pair[0].part * (tree.part or 1) < 0, pair[0].effect == "others", -abs(pair[0].part)))
    found = [(replace(driver, share=_share(driver.part, tree.part)), node) for driver, node in found[:MOST]]
    looked_into = [_looked_into(driver, node, within) for driver, node in found[:_INNER]]
    return (*looked_into, *(driver for driver, _ in found[_INNER:]))


def _below(node: Part, asked: bool) -> list[tuple[Driver, Part]]:
    leading = node.leading
    if not asked and any(one.kind == "movement" for one in node.parts):
        leading = None
    deeper = max((split.score for one in node.parts for below in one.walk() for split in below.splits), default=0.0)
    if leading and (leading.score >= deeper or not node.parts):
        return [(driver, node) for driver in _segments(node, leading)]
    if node.parts:
        return [pair for one in node.parts for pair in _below(one, asked)]
    return [(Driver(node.metric, node.kind, "change", "", "", node.part, node.before, node.after), node)]


def _segments(node: Part, split: Split) -> list[Driver]:
    """The segments named, then what is left of the node."""
    found = []
    by_name = {segment.value: segment for segment in split.segments}
    for name, effect in split.named:
        one = by_name[name]
        part, before, after, per = one.part, one.before, one.after, ""
        if effect == "rate":
            part = one.rate or Decimal(0)
        if effect == "mix":
            assert one.weights is not None
            part, (before, after), per = one.mix or Decimal(0), one.weights, node.denominator
        found.append(Driver(node.metric, node.kind, effect, split.dimension, name, part, before, after, per))  # type: ignore[arg-type]
    rest = difference(node.part, added([driver.part for driver in found]))
    return [*found, Driver(node.metric, node.kind, "others", split.dimension, "", rest, None, None)]


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(Decimal("1e-6")) if whole else None


def _looked_into(driver: Driver, node: Part, within: Within) -> Driver:
    if driver.effect != "change" or not driver.dimension:
        return driver
    split = next(split for split in node.splits if split.dimension == driver.dimension)
    segment = next(one for one in split.segments if one.value == driver.value)
    inside = replace(node, splits=within(node, driver.dimension, segment))
    leading = inside.leading
    if leading is None:
        return driver
    first = max((one for one in _segments(inside, leading) if one.effect == "change"), key=lambda one: one.part * driver.part)
    mostly = first.part * driver.part > 0 and abs(first.part) >= _MOSTLY * abs(driver.part)
    return replace(driver, inner=first) if mostly else driver
