"""Intervals: how far a figure may lie from what its customers, people and visitors, taken as a sample, stand for.

Counts have Garwood's exact Poisson bounds; sums over units those of as many equal units as they are worth; one count of units over another has
score bounds (Wilson's, where the one is part of the other); what is worked out from a single such figure has its bounds worked out; all else
has the bounds of a Poisson bootstrap, corrected for bias and skewness (BCa) and for small numbers. Which it is, the metric itself tells
(fari.insight.sampling).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import fsum, sqrt

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker
from fari.engine.resample import Tally
from fari.insight.quantiles import NORMAL, poisson_bounds, t_quantile
from fari.insight.sampling import DRAWS, Sample, constants, through
from fari.metrics import METRICS
from fari.metrics.kinds import Measure

LOST = 0.05
"""Of the drawn companies no more than this share may leave the metric undefined."""
LEVEL = "a level is known exactly: its interval says how far it might be from that of a company like this one"


@dataclass(frozen=True)
class Bounds:
    """Low and high of a figure, by which method; without them, why there are none."""

    low: float | None
    high: float | None
    said: str


def intervals(asker: Asker, question: Question, level: float) -> list[Answer]:
    """The question's answers with `low` and `high`, which hold the truth so often as `level` says (0.9: nine times of ten)."""
    answers = asker.ask(question)
    return bounded(sample_of(asker, question, answers), answers, level)


def sample_of(asker: Asker, question: Question, answers: Sequence[Answer]) -> Sample:
    """The sample that answers come from: of all their metrics, over all periods that they and those they are compared with are of."""
    periods = dict.fromkeys(
        one.period for answer in answers for one in (answer, answer.compared, *(other.compared for other in answer.also)) if one is not None
    )
    return Sample(asker, replace(question, metrics=tuple(dict.fromkeys(a.metric for a in answers)), periods=tuple(periods), segments=()))


def bounded(sample: Sample, answers: Sequence[Answer], level: float) -> list[Answer]:
    """Answers to the sample's question, over any of its periods, with their bounds."""
    found = []
    for answer in answers:
        if answer.value is None:
            found.append(answer)
            continue
        bounds = bounds_of(sample, answer, level)
        said = (bounds.said, LEVEL) if bounds.low is not None and _is_level(answer.metric) else (bounds.said,)
        low, high = (None if one is None else clean(one) for one in (bounds.low, bounds.high))
        if low is not None and high is not None:
            low, high = min(low, Decimal(answer.value)), max(high, Decimal(answer.value))
        found.append(replace(answer, low=low, high=high, notes=(*answer.notes, *said)))
    return found


def bounds_of(sample: Sample, answer: Answer, level: float) -> Bounds:
    """The bounds of one answer that has a value, by the method its metric calls for."""
    name, place, key = answer.metric, sample.question.periods.index(answer.period), tuple(answer.segment.values())
    method = sample.method(name)
    if method == "fixed":
        return Bounds(None, None, "no interval: a cost or an outside number is no sample")
    if method == "sum":
        tally = sample.tally(name, place, key)
        if not tally and answer.unit == "money":
            return Bounds(None, None, "no interval: nothing contributes, and what would is unknown")
        if all(value > 0 for value in tally):
            words = "exact Poisson (Garwood)" if set(tally) <= {1} else "Poisson, for as many equal units as it is worth"
            return Bounds(*sum_bounds(tally, level), f"interval: {words}")
    if method == "ratio":
        classes = three_classes(sample.tally_pairs(name, place, key))
        if classes is not None:
            words = "Wilson" if not classes[0] else "score, one count over another"
            return Bounds(*ratio_bounds(*classes, level), f"interval: {words}")
    if method == "through":
        return _through(sample, answer, level)
    return _drawn(sample, answer, level)


def sum_bounds(tally: Tally, level: float) -> tuple[float, float]:
    """Bounds of a sum of positive contributions of independent units, given how many units contribute each amount.

    The sum is worth (Σx)² / Σx² equal units (Kish) of Σx² / Σx each: Garwood's bounds of that many. Where all contribute the same they are
    exact; else they are the gamma approximation of Fay and Feuer (Statistics in Medicine 16, 1997), a mean contribution taken for the largest. Of
    nothing the bounds are those of a count of 0.

    >>> [[round(bound, 2) for bound in sum_bounds(tally, 0.9)] for tally in ({1: 10}, {5: 10}, {1: 10, 10: 1})]
    [[5.43, 16.96], [27.13, 84.81], [6.38, 47.57]]
    """
    total = sum((value * units for value, units in tally.items()), start=Decimal(0))
    squares = sum((Decimal(value) * Decimal(value) * units for value, units in tally.items()), start=Decimal(0))
    each = float(squares / total) if total else 1.0
    low, high = poisson_bounds(float(total * total / squares) if total else 0.0, level)
    return low * each, high * each


def three_classes(pairs: Tally) -> tuple[int, int, int] | None:
    """(units only in the numerator, in both, only in the denominator), where each unit counts once at most; else None."""
    if not set(pairs) <= {(1, 0), (1, 1), (0, 1)}:
        return None
    return pairs.get((1, 0), 0), pairs.get((1, 1), 0), pairs.get((0, 1), 0)


def ratio_bounds(only: int, both: int, without: int, level: float) -> tuple[float, float]:
    """Score bounds of (only + both) / (both + without): the ratios at which the counts lie not too far out.

    Where nothing is only in the numerator they are Wilson's bounds of a proportion, else those of a ratio of Poisson counts that share units.
    Source: Wilson, JASA 22 (1927).

    >>> [round(bound, 4) for bound in ratio_bounds(0, 10, 90, 0.95)]
    [0.0552, 0.1744]
    """
    z = NORMAL.inv_cdf((1 + level) / 2)
    numerator, denominator = only + both, both + without
    if not only:
        share = both / denominator
        middle, spread = share + z * z / (2 * denominator), z * sqrt(share * (1 - share) / denominator + z * z / (4 * denominator**2))
        scale = 1 + z * z / denominator
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
    ratio = numerator / denominator
    low, high = 0.0, ratio
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if score(only, both, without, middle) > z else (low, middle)
    lowest, low, high = high, ratio, 2 * ratio
    while score(only, both, without, high) > -z:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if score(only, both, without, middle) > -z else (low, middle)
    return lowest, high


def variance(only: int, both: int, without: int, ratio: float) -> float:
    """The variance of numerator − ratio × denominator, if that is the ratio: from the three counts that are likeliest then.

    Where nothing is only in the numerator it is denominator × ratio × (1 − ratio), the binomial's.

    >>> round(variance(0, 10, 90, 0.2), 6), round(variance(0, 144, 739, 0.03), 6)
    (16.0, 25.6953)
    """
    rest = 1 - ratio
    if not only and 0 <= rest <= 1:
        return (both + without) * ratio * rest
    # The likeliest means are each count over 1 + a multiple of one number: the one at which their ratio is as it should be. It falls as that grows.
    weights = ((only, 1.0), (both, rest), (without, -ratio))
    high = min((-1 / weight for count, weight in weights if count and weight < 0), default=0.0)
    low = max((-1 / weight for count, weight in weights if count and weight > 0), default=0.0)
    if not low < high:
        return float(sum(count * weight * weight for count, weight in weights))
    for _ in range(100):
        middle = (low + high) / 2
        short = sum(count * weight / (1 + middle * weight) for count, weight in weights if count) > 0
        low, high = (middle, high) if short else (low, middle)
    return sum(count * weight * weight / (1 + low * weight) for count, weight in weights if count)


def score(only: int, both: int, without: int, ratio: float) -> float:
    """How many standard deviations the numerator lies above what a ratio lets expect."""
    spread = variance(only, both, without, ratio)
    return (only + both - ratio * (both + without)) / sqrt(spread) if spread > 0 else float("inf") if ratio * (both + without) < only + both else 0.0


def _through(sample: Sample, answer: Answer, level: float) -> Bounds:
    """Bounds of a formula's one drawn input, worked out."""
    (drawn,) = sample.drawn_inputs(answer.metric)
    value = answer.parts.get(drawn)
    if value is None:
        return _drawn(sample, answer, level)
    inner = bounds_of(sample, replace(answer, metric=drawn, value=value, parts=_parts(sample, drawn, answer)), level)
    if inner.low is None or inner.high is None:
        return inner
    given = constants(sample.asker, answer)
    middle = float(value)
    steps = [inner.low + (middle - inner.low) * n / 4 for n in range(4)] + [middle + (inner.high - middle) * n / 4 for n in range(5)]
    found = [through(answer.metric, answer.parts, drawn, step, sample.rules, given) for step in steps]
    if found[0] is None or found[-1] is None:
        return Bounds(None, None, f"no interval: {drawn} may be so small that there is no bound")
    known = [one for one in found if one is not None]
    if known not in (sorted(known), sorted(known, reverse=True)):
        return _drawn(sample, answer, level)
    return Bounds(min(known), max(known), inner.said)


def _parts(sample: Sample, name: str, answer: Answer) -> dict[str, Number | None]:
    """The inputs of an input, of the same period and segment."""
    place, key = sample.question.periods.index(answer.period), tuple(answer.segment.values())
    return sample.parts(name, place, key)


def _drawn(sample: Sample, answer: Answer, level: float) -> Bounds:
    """Bounds by the bootstrap."""
    place, key = sample.question.periods.index(answer.period), tuple(answer.segment.values())
    assert answer.value is not None
    values, linear = sample.drawn(answer.metric, place, key, answer.value)
    known = sorted(value for value in values if value is not None)
    if len(values) - len(known) > LOST * len(values) or len(linear) < len(values):
        return Bounds(None, None, "no interval: too few, it might as well be undefined")
    if known[0] == known[-1]:
        return Bounds(None, None, "no interval: nothing in it differs from unit to unit, so that nothing tells how much it might")
    low, high = bca(float(answer.value), known, linear, max(sample.units(answer.metric, place, key)), level)
    return Bounds(low, high, f"interval: bootstrap of {DRAWS} draws")


def bca(value: float, drawn: Sequence[float], linear: Sequence[float], units: int, level: float) -> tuple[float, float]:
    """Bounds from sorted values of drawn companies: quantiles corrected for bias and for skewness (acceleration), widened for small numbers.

    The acceleration is a sixth of the skewness of the metric's linear part. Widened by sqrt(n / (n − 1)) and as t is against the normal: with a
    degree of freedom for each unit but one, or, where a few units carry the figure, for each of those few (a sum of n equal contributions has a
    skewness of 1 / sqrt(n)).
    Sources: Efron, JASA 82 (1987); Hesterberg, arXiv:1411.5279 (expanded percentiles).
    """
    bias = NORMAL.inv_cdf(min(max((sum(one < value for one in drawn) + sum(one == value for one in drawn) / 2) / len(drawn), 1e-3), 1 - 1e-3))
    second, third = (fsum(one**power for one in linear) / len(linear) for power in (2, 3))
    skewness = third / second**1.5 if second > 0 else 0.0
    skewed = skewness / 6
    z = NORMAL.inv_cdf((1 + level) / 2)
    if units > 1:
        freedom = max(1.0, min(units - 1, 1 / skewness**2 if skewness else units))
        z = sqrt(units / (units - 1)) * t_quantile((1 + level) / 2, freedom)
    ends = []
    for side in (-z, z):
        moved = bias + (bias + side) / max(1 - skewed * (bias + side), 0.1)
        ends.append(_quantile(drawn, NORMAL.cdf(moved)))
    return min(ends), max(ends)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """A quantile of ordered values, between the two nearest."""
    at = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def _is_level(name: str) -> bool:
    metric = METRICS[name]
    return isinstance(metric, Measure) and metric.when in ("opening", "closing")


def clean(value: float) -> Decimal:
    """A bound with twelve digits: more would be noise."""
    return Decimal(f"{value:.12g}")
