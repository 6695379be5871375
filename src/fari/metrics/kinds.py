"""The three kinds of metric. Nothing else exists, so a fan-out join cannot be written.

A *measure* is the sum of one contribution per row of one fact that falls in the period. A *formula* is arithmetic on metrics.
A *spread* is a measure part of which belongs to no segment and is shared out in proportion to another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from inspect import signature
from typing import Any, Literal

from fari.rules import Rules, preset

Unit = Literal["count", "money", "rate", "ratio", "months", "days"]
Good = Literal["up", "down", "neutral"]
Stage = Literal["acquisition", "retention", "monetisation"]
When = Literal["during", "within", "opening", "closing", "period"]

DIMENSIONS = tuple(
    "channel campaign plan country persona content device currency landing_page bot stage churn_reason rejection_reason signup_kind "
    "cause cohort term age tenure days".split()
)
SLOW = ("landing_page",)
"""Known by a look at every page view: nothing is split by these unasked."""
GIVEN = ("months", "gross_margin")
"""What a formula can take beside metrics: the period's length in months, and the company's gross margin."""


class Undefined(Exception):  # noqa: N818 - not a fault: it says why there is no value
    """A formula has no value here; the message says why and becomes a note."""


@dataclass(frozen=True)
class Measure:
    """The sum of `contribution(row)` over the rows of `fact` that fall in the period."""

    name: str
    fact: str
    when: When
    contribution: Callable[[Any], Any]
    unit: Unit
    good: Good
    stage: Stage
    dimensions: tuple[str, ...]
    needs: str
    adds_over_periods: bool
    reach: tuple[str, ...]
    beside: tuple[str, ...]
    listed: bool
    doc: str
    left_out: str = ""
    version: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """A measure has no metrics as inputs."""
        return ()


@dataclass(frozen=True)
class Formula:
    """Arithmetic on other metrics: `function(*inputs)`, where `total_x` is x over all segments with filters dropped."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    unit: Unit
    good: Good
    stage: Stage
    listed: bool
    doc: str
    notes: tuple[str, ...] = ()
    version: int = 1
    adds_over_periods: bool = False
    needs: str = ""


@dataclass(frozen=True)
class Spread:
    """`own` by segment, and the part of it that has no segment shared out by each segment's share of `over`; the rest is `(unallocated)`."""

    name: str
    own: str
    over: str
    unit: Unit
    good: Good
    stage: Stage
    doc: str
    listed: bool = True
    version: int = 1
    adds_over_periods: bool = True
    needs: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The measure spread and what it is spread over."""
        return (self.own, self.over)


Metric = Measure | Formula | Spread
RULED: dict[tuple[str, str, str], str] = {}
"""By metric, choice and answer (fari.rules) the formula that stands in for it where the rules answer so."""
METRICS: dict[str, Metric] = {}
"""Every metric by name, in the order of the contract; filled by importing the family modules (fari.metrics)."""


def _text(function: Callable[..., Any]) -> str:
    import textwrap

    first, _, rest = (function.__doc__ or "").partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip()


def measure(
    fact: str,
    when: When,
    *,
    needs: str,
    dims: str = "",
    unit: Unit = "count",
    good: Good = "up",
    stage: Stage = "acquisition",
    adds: bool = True,
    reach: str = "",
    beside: str = "",
    listed: bool = True,
    left_out: str = "",
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a measure: the function gives a row's contribution, its docstring is the definition."""

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = function.__name__
        METRICS[name] = Measure(
            name, fact, when, function, unit, good, stage, tuple(dims.split()), needs, adds, tuple(reach.split()), tuple(beside.split()), listed,
            _text(function), left_out,
        )  # fmt: skip
        return function

    return declare


def formula(
    *, unit: Unit, good: Good, stage: Stage, listed: bool = True, notes: tuple[str, ...] = (), instead: tuple[str, str, str] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a formula: its parameters name its inputs, its docstring is the definition. `instead`: see RULED."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        METRICS[name] = Formula(name, function, tuple(signature(function).parameters), unit, good, stage, listed, _text(function), notes)
        if instead:
            RULED[instead] = name
        return function

    return declare


def spread(name: str, own: str, over: str, *, unit: Unit, good: Good, stage: Stage, doc: str) -> None:
    """Declare a spread."""
    METRICS[name] = Spread(name, own, over, unit, good, stage, doc)


def ruled(name: str, rules: Rules | None) -> str:
    """The metric that stands in for one under a rule set: itself, unless the rules count otherwise.

    >>> import fari.metrics
    >>> ruled("customer_churn_rate", preset("stripe")), ruled("customer_churn_rate", preset("fari"))
    ('churn_of_opening_and_new', 'customer_churn_rate')
    """
    for (own, choice, answer), other in RULED.items() if rules else ():
        if own == name and rules and rules[choice] == answer:
            return other
    return name


def leaves(name: str, rules: Rules | None = None) -> dict[str, None]:
    """The measures a metric rests on under a rule set, without `total_`, in the order they are met.

    >>> import fari.metrics
    >>> list(leaves("cac"))
    ['acquisition_cost', 'new_customers']
    """
    metric = METRICS[ruled(name.removeprefix("total_"), rules)]
    if isinstance(metric, Measure):
        return {metric.name: None}
    found: dict[str, None] = {}
    for each in metric.inputs:
        if each not in GIVEN:
            found |= leaves(each, rules)
    return found


__all__ = [
    "DIMENSIONS",
    "GIVEN",
    "METRICS",
    "RULED",
    "SLOW",
    "Decimal",
    "Formula",
    "Measure",
    "Metric",
    "Spread",
    "Undefined",
    "field",
    "formula",
    "leaves",
    "measure",
    "preset",
    "ruled",
    "spread",
]
