"""A ratio's change by segment: how far the segments' own ratios moved (rate), and how far their weights did (mix)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from fari.engine.answer import Number
from fari.engine.formulas import worked_out
from fari.metrics.kinds import GIVEN, Formula

_TRIALS = ((3, 5, 7, 11, 13, 17, 19, 23), (29, 2, 31, 5, 37, 3, 41, 11))


@dataclass(frozen=True)
class Effect:
    """What one segment contributes to the change of the whole ratio: rate + mix + rest. `rest` is what has no denominator in it."""

    rate: Fraction
    mix: Fraction
    rest: Fraction

    @property
    def whole(self) -> Fraction:
        """All three."""
        return self.rate + self.mix + self.rest


def ratio_of(formula: Formula) -> tuple[str, str] | None:
    """(numerator, denominator) of a formula that is one of its inputs by another, whatever else it is given; None of any other.

    >>> import fari.metrics
    >>> from fari.metrics import METRICS
    >>> ratio_of(METRICS["arpa"]), ratio_of(METRICS["clv"])
    (('mrr', 'customers'), None)
    """
    if any(name in GIVEN for name in formula.inputs):
        return None
    trials = [dict(zip(formula.inputs, (Decimal(number) for number in trial), strict=False)) for trial in _TRIALS]
    worths = [worked_out(formula, tuple(trial.values()))[0] for trial in trials]
    for above in formula.inputs:
        for below in formula.inputs:
            if above != below and all(worth == trial[above] / trial[below] for worth, trial in zip(worths, trials, strict=True)):
                return above, below
    return None


def effects(above: tuple[Mapping[str, Number], Mapping[str, Number]], below: tuple[Mapping[str, Number], Mapping[str, Number]]) -> dict[str, Effect]:
    """By segment, from numerators (before, after) and denominators (before, after); they add up to the change of the whole ratio exactly.

    The rate effect is the change of a segment's ratio at its mean weight, the mix effect the change of its weight at the distance of its mean
    ratio from the mean of the whole, so that neither period is the one to measure by (Marshall-Edgeworth weights). A segment that has no
    denominator in one period, as it is new or gone, moved by mix alone. Whole denominators must not be 0.

    >>> found = effects(({"a": 10, "b": 10}, {"a": 30, "b": 10}), ({"a": 50, "b": 50}, {"a": 100, "b": 100}))
    >>> [(name, str(effect.rate), str(effect.mix)) for name, effect in found.items()]
    [('a', '1/20', '0'), ('b', '-1/20', '0')]
    """
    wholes = [sum((Fraction(value) for value in one.values()), Fraction(0)) for one in below]
    overall = [sum((Fraction(value) for value in one.values()), Fraction(0)) / whole for one, whole in zip(above, wholes, strict=True)]
    middle = (overall[0] + overall[1]) / 2
    found = {}
    for name in sorted({*above[0], *above[1], *below[0], *below[1]}):
        tops = [Fraction(one.get(name, 0)) for one in above]
        bottoms = [Fraction(one.get(name, 0)) for one in below]
        weights = [bottom / whole for bottom, whole in zip(bottoms, wholes, strict=True)]
        rates = [top / bottom if bottom else None for top, bottom in zip(tops, bottoms, strict=True)]
        moved = tops[1] / wholes[1] - tops[0] / wholes[0]
        if any(rate is None and top for rate, top in zip(rates, tops, strict=True)):
            shift = middle * (weights[1] - weights[0])
            found[name] = Effect(Fraction(0), -shift, moved)
            continue
        first, last = (rate if rate is not None else other for rate, other in zip(rates, reversed(rates), strict=True))
        if first is None or last is None:
            found[name] = Effect(Fraction(0), Fraction(0), Fraction(0))
            continue
        rate = (weights[0] + weights[1]) / 2 * (last - first)
        found[name] = Effect(rate, ((first + last) / 2 - middle) * (weights[1] - weights[0]), Fraction(0))
    return found
