"""How a metric is a sample: of which independent units, and which method bounds it. Found from the metric itself, named nowhere.

- `fixed`: nothing in it is drawn (costs, searches), so there is nothing to bound.
- `sum`: a measure over units.
- `ratio`: one count of units over another.
- `through`: a formula with one input that is drawn: what bounds the input bounds the formula.
- `drawn`: all else; the bootstrap.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from typing import Literal

from fari.engine import resample
from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, Cover, Evaluation, Key, Sums
from fari.engine.build import Builder
from fari.engine.formulas import worked_out
from fari.engine.resample import Tally
from fari.metrics import METRICS
from fari.metrics.kinds import GIVEN, Formula, Measure, Spread, leaves, ruled
from fari.rules import Rules

Method = Literal["fixed", "sum", "ratio", "through", "drawn"]
DRAWS = 256
"""Drawn companies of the bootstrap."""
SMALL = Decimal(1) / 64
"""How far towards each drawn company the metric's slope is taken."""


@cache
def quotient(name: str) -> tuple[str, str] | None:
    """(numerator, denominator) of a formula that is nothing but one input divided by another; None for any other.

    It is tried on two sets of primes: nothing else gives the same fractions.

    >>> import fari.metrics
    >>> quotient("lead_conversion_rate_cohort"), quotient("quick_ratio")
    (('leads_converted', 'leads'), None)
    """
    formula = METRICS[name]
    assert isinstance(formula, Formula)
    found: set[tuple[str, str]] | None = None
    for primes in ((31, 37, 41, 43, 47, 53), (89, 83, 79, 73, 71, 67)):
        values = dict(zip(formula.inputs, map(Decimal, primes), strict=False))
        if len(values) < len(formula.inputs):
            return None
        result, _ = worked_out(formula, list(values.values()))
        pairs = {(a, b) for a in values for b in values if result is not None and a != b and abs(result * values[b] - values[a]) < Decimal("1e-20")}
        found = pairs if found is None else found & pairs
    return next(iter(found), None) if found else None


@dataclass
class Sample:
    """One question's metrics as a sample: who contributes what, and what the sums become in drawn companies; each asked of the engine once."""

    asker: Asker
    question: Question
    """Over all periods that are looked at; its metrics are those that may have to be drawn."""
    tallies: dict[tuple[str, ...], dict[tuple[int, Key], Tally]] = field(default_factory=dict)
    evaluations: dict[tuple[int, int], Evaluation] = field(default_factory=dict)
    drawn_leaves: set[str] = field(default_factory=set)
    units_of: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def state(self) -> tuple[Cover, Builder]:
        """What is covered, and who builds facts."""
        return self.asker.state(self.question.as_of, self.question.rules)

    @cached_property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.state[1].rules

    @cached_property
    def narrowed(self) -> bool:
        """Whether a part of the company is asked about."""
        return bool(self.question.by or self.question.where)

    def unit(self, name: str) -> str | None:
        """The column that names a measure's units; None where it is no sample."""
        if name not in self.units_of:
            self.units_of[name] = resample.unit_of(self.asker, self.question, name)
        return self.units_of[name]

    def method(self, name: str) -> Method:
        """How a metric is bounded, as far as its definition tells."""
        metric = METRICS[ruled(name, self.rules)]
        if isinstance(metric, Measure):
            return "sum" if self.unit(metric.name) else "fixed"
        if isinstance(metric, Spread):
            return "drawn" if self.narrowed else "fixed"
        drawn = self.drawn_inputs(name)
        if not drawn:
            return "fixed"
        pair = quotient(metric.name)
        if pair and all(isinstance(METRICS.get(one), Measure) and METRICS[one].unit == "count" and one in drawn for one in pair):
            return "ratio"
        return "through" if len(drawn) == 1 and not drawn[0].startswith("total_") else "drawn"

    def drawn_inputs(self, name: str) -> list[str]:
        """A formula's inputs that are samples."""
        inputs = [each for each in METRICS[ruled(name, self.rules)].inputs if each not in GIVEN]
        return [each for each in inputs if self.method(each.removeprefix("total_")) != "fixed"]

    def pair(self, name: str) -> tuple[str, str]:
        """Numerator and denominator of a ratio."""
        found = quotient(ruled(name, self.rules))
        assert found is not None
        return found

    def tally(self, name: str, place: int, key: Key) -> Tally:
        """How many units contribute each value of a measure in a period and segment."""
        if (name,) not in self.tallies:
            self.tallies[name,] = resample.tallied(self.asker, self.question, name)
        return self.tallies[name,].get((place, key), {})

    def tally_changes(self, name: str, now: int, then: int, key: Key) -> Tally:
        """How many units contribute each pair of values (now, then) of a measure in two periods."""
        at = ("changes", name, str(now), str(then))
        if at not in self.tallies:
            periods = self.question.periods
            self.tallies[at] = resample.tallied_changes(self.asker, self.question, name, [(periods[now], periods[then])])
        return self.tallies[at].get((0, key), {})

    def tally_pairs(self, name: str, place: int, key: Key) -> Tally:
        """How many units contribute each pair of values to a ratio's numerator and denominator."""
        pair = self.pair(name)
        if pair not in self.tallies:
            self.tallies[pair] = resample.tallied_pairs(self.asker, self.question, *pair)
        return self.tallies[pair].get((place, key), {})

    def leaves(self, name: str) -> list[str]:
        """The measures that make a metric a sample."""
        return [leaf for leaf in leaves(name, self.rules) if self.unit(leaf)]

    def units(self, name: str, place: int, key: Key) -> list[int]:
        """How many units there are in each of the measures that make a metric a sample."""
        return [sum(self.tally(leaf, place, key).values()) for leaf in self.leaves(name)]

    @cached_property
    def base(self) -> Sums:
        """The sums as they are."""
        return self.asker.sums(self.question)

    def draw(self, name: str) -> None:
        """See to it that what a metric rests on is drawn: with all else that is likely to be, so that each fact is read once."""
        if self.drawn_leaves >= set(self.leaves(name)):
            return
        likely = [one for one in self.question.metrics if self.method(one) in ("through", "drawn")]
        wanted = dict.fromkeys(leaf for one in (name, *(likely if not self.drawn_leaves else ())) for leaf in self.leaves(one))
        names = [leaf for leaf in wanted if leaf not in self.drawn_leaves]
        drawn = resample.replicated(self.asker, self.question, names, DRAWS)
        for n, one in enumerate(drawn):
            for leaf in names:
                self.drawn_sums[n].values[leaf] = one.values[leaf]
                stepped: dict[int, dict[tuple[str | None, ...], Number]] = defaultdict(dict)
                for period, cells in self.base.values[leaf].items():
                    there = one.values[leaf][period]
                    stepped[period].update({key: value + SMALL * (there.get(key, 0) - value) for key, value in cells.items()})
                self.near_sums[n].values[leaf] = stepped
        self.drawn_leaves.update(names)
        self.evaluations.clear()

    @cached_property
    def drawn_sums(self) -> list[Sums]:
        """The sums in each drawn company, as far as they are drawn."""
        return self._copies()

    @cached_property
    def near_sums(self) -> list[Sums]:
        """The sums a small step towards each of these."""
        return self._copies()

    def _copies(self) -> list[Sums]:
        copies = []
        for _ in range(DRAWS):
            one = Sums(self.base.dimensions, self.base.split, self.base.where)
            one.values.update(self.base.values)
            copies.append(one)
        return copies

    def drawn(self, name: str, place: int, key: Key, value: Number) -> tuple[list[float | None], list[float]]:
        """A metric's value in each drawn company (None where it has none), and the values of its linear part, less the value itself."""
        self.draw(name)
        values = [self._evaluated(0, n, one, place).value(name, key)[0] for n, one in enumerate(self.drawn_sums)]
        steps = [self._evaluated(1, n, one, place).value(name, key)[0] for n, one in enumerate(self.near_sums)]
        linear = [float((Decimal(step) - Decimal(value)) / SMALL) for step in steps if step is not None]
        return [None if one is None else float(one) for one in values], linear

    def parts(self, name: str, place: int, key: Key) -> dict[str, Number | None]:
        """A metric's inputs as they are."""
        inputs = METRICS[ruled(name, self.rules)].inputs
        return {each: self._evaluated(0, DRAWS, self.base, place).value(each, key)[0] for each in inputs if each not in GIVEN}

    def _evaluated(self, side: int, draw: int, sums: Sums, place: int) -> Evaluation:
        at = (2 * draw + side, place)
        if at not in self.evaluations:
            self.evaluations[at] = Evaluation(self.question.periods[place], place, sums, self.state[0], self.asker.ledger.company, self.rules)
        return self.evaluations[at]


def through(name: str, given: Mapping[str, Number | None], drawn: str, value: float, rules: Rules, constants: Mapping[str, Number]) -> float | None:
    """A formula's value where its one drawn input had another value."""
    formula = METRICS[ruled(name, rules)]
    assert isinstance(formula, Formula)
    values: list[Number] = []
    for each in formula.inputs:
        known = Decimal(repr(value)) if each == drawn else constants.get(each, given.get(each))
        if known is None:
            return None
        values.append(Decimal(known))
    result, _ = worked_out(formula, values)
    return None if result is None else float(result)


def constants(asker: Asker, answer: Answer) -> dict[str, Number]:
    """What a formula can take beside metrics."""
    return {"months": answer.period.months, "gross_margin": asker.ledger.company.gross_margin}
