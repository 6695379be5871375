"""What if: some metrics set to other values, and all that follows from it; MRR over the coming months; which driver moves it the most.

What follows from a change is worked out through the metrics' own formulas. What no formula says is assumed, and each assumption is told: a rate that
is set moves what it counts (churn of 3 % loses 3 % of the customers there were); more of one stage of the funnel are as many more of every later
one; a new or lost customer pays what those of the period did; and months to come are like the period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from itertools import pairwise
from typing import Literal

from fari.engine.answer import Number, Question
from fari.engine.ask import Asker, has
from fari.engine.formulas import recomputed, worked_out
from fari.engine.identities import MOVEMENTS
from fari.errors import FariError, UsageError, did_you_mean
from fari.insight.sampling import quotient
from fari.metrics import METRICS, listed
from fari.metrics.kinds import GIVEN, Formula, Measure, Metric, ruled
from fari.rules import Rules

MONTHS = 12
"""So many months MRR is carried on."""
STAGES = ("visitors", "leads", "mqls", "sqls", "new_customers", "new_mrr")
"""More of one of these are as many more of each after it."""
FOLLOWS = {"churned_customers": "churned_mrr", "reactivated_customers": "reactivation_mrr"}
"""More of the one are as much more of the other."""
COHORT = ("leads", "leads_converted")
"""More leads are as many more that convert one day."""
STEP = Decimal("0.1")
"""How far a driver is moved to see what it moves."""
TARGETS = ("clv_cac_ratio", "cac_payback_months")
"""What sensitivities are told of, besides MRR after a year."""
_WIDE = Context(prec=40)
_CENT = Decimal("1e-6")


@dataclass(frozen=True)
class Change:
    """One metric as it would be: `kind` is `=` (this), `*` (so many times what it is) or `+` (so much more than it is)."""

    metric: str
    kind: str
    amount: Decimal

    def applied(self, value: Number) -> Decimal:
        """What a value becomes."""
        if self.kind == "=":
            return self.amount
        return Decimal(value) * self.amount if self.kind == "*" else Decimal(value) + self.amount


@dataclass(frozen=True)
class Figure:
    """A metric now, and then."""

    metric: str
    unit: str
    now: Number | None
    then: Number | None
    notes: tuple[str, ...] = ()

    @property
    def change(self) -> Number | None:
        """By how much it moves."""
        return None if self.now is None or self.then is None else self.then - self.now


@dataclass(frozen=True)
class Assumption:
    """What no formula says of a metric.

    A `quotient` moves the first of the others, and the second stays; a `multiple` moves the other; one set `alone` leaves those it is made of; what
    `follows` is as much more or less as the other; and a `level` moves by as much as its movements do.
    """

    kind: Literal["quotient", "multiple", "alone", "follows", "level"]
    metric: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Month:
    """A month to come: MRR at its beginning, what adds to it and takes from it by movement, and MRR at its end, which is their sum."""

    number: int
    opening: Decimal
    movements: Mapping[str, Decimal]
    """By metric, what takes away below 0."""

    @property
    def closing(self) -> Decimal:
        """MRR at its end."""
        return self.opening + sum(self.movements.values(), start=Decimal(0))


@dataclass(frozen=True)
class WhatIf:
    """What follows from some changes in one period."""

    changes: tuple[Change, ...]
    figures: tuple[Figure, ...]
    """The metrics that move, those changed first."""
    assumptions: tuple[Assumption, ...]
    now: tuple[Month, ...]
    then: tuple[Month, ...]


@dataclass(frozen=True)
class Sensitivity:
    """What a driver moves when it is a tenth better."""

    change: Change
    now: Number
    moved: Mapping[str, Figure]
    """The targets, and `mrr` after the months to come."""


@dataclass
class _World:
    """Values by metric; those that were set or follow hold against their formulas."""

    known: dict[str, Number | None]
    rules: Rules
    said: dict[Assumption, None] = field(default_factory=dict)

    def value(self, name: str) -> Number | None:
        return recomputed(name, self.known, self.rules)[0]


def parse(text: str) -> Change:
    """`customer_churn_rate=3%`, `arpa=+10%`, `new_customers=-5`: a metric and what it becomes. UsageError where it is none.

    >>> parse("customer_churn_rate=3%"), parse("new_customers=-10%").amount, parse("leads=+5").kind
    (Change(metric='customer_churn_rate', kind='=', amount=Decimal('0.03')), Decimal('0.9'), '+')
    """
    name, equals, typed = (part.strip() for part in text.partition("="))
    if name not in METRICS:
        raise UsageError(f"unknown metric {name!r}{did_you_mean(name, METRICS)} (`fari metrics` prints them all)")
    signed = typed[:1] in ("+", "-")
    try:
        amount = Decimal(typed.removesuffix("%").strip())
    except ArithmeticError:
        amount = Decimal("NaN")
    if not equals or not amount.is_finite():
        raise UsageError(f"write METRIC=VALUE such as {name}=0.03, {name}=3%, {name}=+10% or {name}=-5, not {text!r}")
    if typed.endswith("%"):
        amount = amount / 100
        return Change(name, "*", 1 + amount) if signed else Change(name, "=", amount)
    if METRICS[name].unit == "rate" and abs(amount) > 1:
        other = f"for a part more or less than it is, {name}={typed[0]}{abs(amount) / 100} for points" if signed else f"or {name}={amount * 100}%"
        raise UsageError(f"{name} is a share: write {name}={typed}% {other}, not {text!r}")
    return Change(name, "+" if signed else "=", amount)


def whatif(asker: Asker, question: Question, changes: Sequence[Change]) -> WhatIf:
    """What follows from changes in the question's one period and segment.

    FariError where a changed metric has no value there, or where less than nothing would be left of something.
    """
    base, names = _base(asker, question)
    twice = [name for name in (c.metric for c in changes) if sum(other.metric == name for other in changes) > 1]
    if twice:
        raise UsageError(f"{twice[0]} is changed twice")
    world = _changed(base, changes)
    _possible(base, world, [change.metric for change in changes])
    ordered = dict.fromkeys([*(c.metric for c in changes), *names])
    before = {name: recomputed(name, base.known, base.rules) for name in ordered}
    after = {name: recomputed(name, world.known, base.rules) for name in ordered}
    figures = tuple(
        Figure(name, METRICS[name].unit, before[name][0], after[name][0], after[name][1]) for name in ordered if before[name][0] != after[name][0]
    )
    months = question.periods[0].months
    return WhatIf(tuple(changes), figures, tuple(world.said), path(base, months), path(world, months))


def sensitivities(asker: Asker, question: Question) -> tuple[Sensitivity, ...]:
    """Each driver a tenth better, in the question's one period and segment: what it does to the targets, and to MRR after a year; the most first."""
    base, names = _base(asker, question)
    months = question.periods[0].months
    found = []
    usual = {name: base.value(name) for name in TARGETS}
    end = path(base, months)
    for name in names:
        value = base.value(name)
        if not _drives(METRICS[name]) or not value:
            continue
        change = Change(name, "*", 1 + STEP if METRICS[name].good == "up" else 1 - STEP)
        world = _changed(base, [change])
        moved = {target: Figure(target, METRICS[target].unit, usual[target], world.value(target)) for target in TARGETS}
        ends = path(world, months)
        if end and ends:
            moved["mrr"] = Figure("mrr", "money", end[-1].closing, ends[-1].closing)
        if any(one.change for one in moved.values()):
            found.append(Sensitivity(change, value, moved))

    def most(one: Sensitivity) -> tuple[Decimal, str]:
        figure = one.moved.get("mrr") or one.moved[TARGETS[0]]
        return -abs(Decimal(figure.change or 0)), one.change.metric

    return tuple(sorted(found, key=most))


def path(world: _World, months: Decimal, count: int = MONTHS) -> tuple[Month, ...]:
    """Months to come, like the period: what is new and comes back as much, what grows and is lost the same share of MRR. None where MRR is unknown.

    Of a period of several months the shares are those of its opening, over its months.
    """
    opening, adding, taking, closing = MOVEMENTS[0]
    level, start = world.value(closing), world.value(opening)
    if level is None:
        return ()
    sizes = {name: Decimal(world.value(name) or 0) for name in (*adding, *taking)}
    # New customers and those who come back are not among those who pay already.
    arrives = {STAGES[-1], *FOLLOWS.values()} & set(adding)
    found, mrr = [], Decimal(level)
    for number in range(1, count + 1):
        moved = {}
        for name, size in sizes.items():
            amount = size if name in arrives or not start else _WIDE.divide(_WIDE.multiply(mrr, size), Decimal(start))
            moved[name] = (-1 if name in taking else 1) * _WIDE.divide(amount, Decimal(months)).quantize(_CENT)
        month = Month(number, mrr, {name: amount for name, amount in moved.items() if amount})
        found.append(month)
        mrr = month.closing
    return tuple(found)


def _base(asker: Asker, question: Question) -> tuple[_World, list[str]]:
    """The values there are, and the metrics to be told of. Measures, spreads and wholes are values; all else is worked out."""
    (period,) = question.periods
    narrowed = {dimension for dimension, _ in question.where}
    rules = question.rules or asker.ledger.company.rules
    names = [name for name in METRICS if has(name, narrowed)]
    answers = {answer.metric: answer for answer in asker.ask(replace(question, metrics=tuple(names), by=()))}
    known: dict[str, Number | None] = {"months": period.months, "gross_margin": asker.ledger.company.gross_margin}
    for name, answer in answers.items():
        if not isinstance(METRICS[ruled(name, rules)], Formula):
            known[name] = answer.value
        known |= {each: value for each, value in answer.parts.items() if each.startswith("total_")}
    return _World(known, rules), [name for name in listed() if name in answers]


def _changed(base: _World, changes: Sequence[Change]) -> _World:
    world = _World(dict(base.known), base.rules)
    for change in changes:
        _set(world, change, base)
    fixed = {change.metric for change in changes}
    _follow(base, world, fixed)
    return world


def _possible(base: _World, world: _World, changed: Sequence[str]) -> None:
    """FariError where a count, an amount or a level that is not below 0 would be."""
    for name, value in world.known.items():
        now = base.known.get(name)
        if value is not None and value < 0 and (now is None or now >= 0):
            raise FariError(f"that cannot be: with {' and '.join(changed)} so, {name} would be {Decimal(value):.2f}, which is less than nothing")


def _set(world: _World, change: Change, base: _World) -> None:
    """Set a metric; of a quotient its numerator, so that all that counts it moves too."""
    now = base.value(change.metric)
    if now is None and change.kind != "=":
        raise FariError(f"{change.metric} has no value here, so it cannot be moved: set it with {change.metric}=VALUE")
    name, value = change.metric, change.applied(now or 0)
    metric = METRICS[ruled(name, world.rules)]
    while isinstance(metric, Formula) and (pair := quotient(metric.name)) is not None:
        over = world.value(pair[1])
        if not over or pair[1] in GIVEN:
            break
        world.said[Assumption("quotient", name, pair)] = None
        name, value = pair[0], value * Decimal(over)
        metric = METRICS[ruled(name, world.rules)]
    if isinstance(metric, Formula):
        if (part := _multiple(metric)) is not None:
            world.said[Assumption("multiple", name, part[:1])] = None
            name, value = part[0], _WIDE.divide(Decimal(value), part[1])
        else:
            world.said[Assumption("alone", name, tuple(one for one in metric.inputs if one not in GIVEN))] = None
    world.known[name] = value


def _multiple(formula: Formula) -> tuple[str, Decimal] | None:
    """(input, how many times it) of a formula that is so many times one metric, such as ARR; None for any other."""
    if len(formula.inputs) != 1 or formula.inputs[0] in GIVEN:
        return None
    one, seven = (worked_out(formula, (Decimal(n),))[0] for n in (1, 7))
    return None if not one or seven is None or seven != 7 * one else (formula.inputs[0], Decimal(one))


def _follow(base: _World, world: _World, fixed: set[str]) -> None:
    """What the changes bring with them: later stages, the money of customers won and lost, the levels at the end."""

    def ratio(name: str) -> Decimal | None:
        now, then = base.value(name), world.value(name)
        return None if not now or then is None or now == then else _WIDE.divide(Decimal(then), Decimal(now))

    def moved(name: str) -> bool:
        return name in fixed or world.known.get(name) != base.known.get(name)

    for before, after in [*pairwise(STAGES), COHORT, *FOLLOWS.items()]:
        times, value = ratio(before), base.known.get(after)
        if times is not None and value and not moved(after):
            world.known[after] = Decimal(value) * times
            world.said[Assumption("follows", after, (before,))] = None
    for _, adding, taking, closing in MOVEMENTS:
        level = base.known.get(closing)
        if level is None or moved(closing):
            continue
        change = sum(
            sign * (Decimal(world.known.get(n) or 0) - Decimal(base.known.get(n) or 0)) for names, sign in ((adding, 1), (taking, -1)) for n in names
        )
        if change:
            world.known[closing] = Decimal(level) + change
            world.said[Assumption("level", closing)] = None


def _drives(metric: Metric) -> bool:
    """Whether somebody could work on it: what is counted or paid in a period, or a share of it; not a level, nor a sum of all."""
    if isinstance(metric, Formula):
        pair = quotient(metric.name)
        return metric.good != "neutral" and pair is not None and all(isinstance(METRICS.get(one), Measure) for one in pair)
    return not isinstance(metric, Measure) or metric.when not in ("opening", "closing")
