"""Changes: whether one is real, within the noise, or of too few to tell.

Each change has a p-value: how often a company that has not changed would show one as large. Counts of units are held against each other by the exact
binomial test of those that are in only one of the two periods; sums over units by what each of them changed, and all else by the difference of the
two in drawn companies, in which a unit has one weight in both periods, against Student's t; one count of units over another by the score test of two
proportions. Over all changes shown
together the false-discovery rate is held: of those called real no more than a tenth are, on average, none (Benjamini and Hochberg).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from math import fsum, sqrt

from fari.engine.answer import Answer
from fari.engine.resample import Tally
from fari.insight.intervals import LOST, three_classes, variance
from fari.insight.quantiles import NORMAL, binomial_p, t_tail
from fari.insight.sampling import Sample
from fari.metrics import METRICS
from fari.metrics.kinds import Measure, ruled

FALSE = 0.1
"""The share of false discoveries that is allowed among the changes called real."""
SURE = 0.05
"""Too few is what could not reach this p-value, whatever had come."""
FEWEST = 10
"""Fewer units than these say nothing of how much they differ."""
REAL, NOISE, TOO_FEW = "real", "within noise", "too few"


def judged(sample: Sample, answers: Sequence[Answer], among: Collection[str] = ()) -> list[Answer]:
    """Answers to the sample's question, each compared with another of its periods or with two, with `verdict`; without a change there is none.

    All are judged together; or, where `among` names some of the metrics, these together and each of the rest as if it alone stood beside them.
    """
    if any(answer.also for answer in answers):
        # Whoever looks at two comparisons sees as many changes: they are judged together.
        every = iter(judged(sample, [replace(one, also=()) for answer in answers for one in (answer, *answer.also)], among))
        return [replace(next(every), also=tuple(next(every) for _ in answer.also)) for answer in answers]
    drawn = [answer.change is not None and sample.method(answer.metric) != "fixed" for answer in answers]
    chances = [chance(sample, answer) if one else None for answer, one in zip(answers, drawn, strict=True)]
    own = [not among or answer.metric in among for answer in answers]
    family = [one for one, is_own in zip(chances, own, strict=True) if one is not None and is_own]
    limit = discovered(family)
    found = []
    for answer, is_drawn, is_own, one in zip(answers, drawn, own, chances, strict=True):
        if not is_drawn:
            # What is no sample is known exactly: it has changed or it has not, and is no discovery among the others.
            said = None if answer.change is None else REAL if answer.change else NOISE
        else:
            said = TOO_FEW if one is None else REAL if one <= (limit if is_own else discovered([*family, one])) else NOISE
        found.append(replace(answer, verdict=said))
    return found


def discovered(chances: Sequence[float], false: float = FALSE) -> float:
    """The largest p-value that is a discovery where the false-discovery rate is held; below 0 where none is.

    Source: Benjamini and Hochberg, JRSS B 57 (1995).

    >>> discovered([0.01, 0.02, 0.2, 0.5], 0.05)
    0.02
    >>> discovered([0.03, 0.6], 0.05)
    -1.0
    """
    ordered = sorted(chances)
    return max((p for rank, p in enumerate(ordered, 1) if p <= false * rank / len(ordered)), default=-1.0)


def chance(sample: Sample, answer: Answer) -> float | None:
    """How often chance makes a change as large as this one, to whichever side; None where there is no change, or too few to tell."""
    then = answer.compared
    if then is None or then.value is None or answer.value is None:
        return None
    name, key = answer.metric, tuple(answer.segment.values())
    now_at, then_at = (sample.question.periods.index(period) for period in (answer.period, then.period))
    method = sample.method(name)
    if method == "sum":
        changes = sample.tally_changes(name, now_at, then_at, key)
        if set(changes) <= {(1, 0), (0, 1), (1, 1)}:
            return _of_counts(changes.get((1, 0), 0), changes.get((0, 1), 0), _share(sample, answer, then))
        return of_sums(changes)
    if method == "ratio":
        classes = [three_classes(sample.tally_pairs(name, at, key)) for at in (now_at, then_at)]
        if classes[0] is not None and classes[1] is not None:
            return of_ratios(classes[0], classes[1])
    return _of_draws(sample, answer, then, (now_at, then_at))


def _share(sample: Sample, now: Answer, then: Answer) -> float:
    """The share of new units that falls into the first of two periods where nothing has changed: a flow's by their length, as far as it is known."""
    metric = METRICS[ruled(now.metric, sample.rules)]
    if isinstance(metric, Measure) and metric.when in ("opening", "closing"):
        return 0.5
    horizon = sample.state[0].horizon
    days = []
    for period in (now.period, then.period):
        until = period.until if horizon is None else min(period.until, horizon + timedelta(days=1))
        days.append(max((until - period.since).days, 0))
    return days[0] / sum(days) if sum(days) else 0.5


def _of_counts(only_now: int, only_then: int, share: float) -> float | None:
    moved = only_now + only_then
    if 2 * max(share, 1 - share) ** moved > SURE:
        return None
    return binomial_p(only_now, moved, share)


def of_sums(changes: Tally) -> float | None:
    """Student's t of a change of a sum, given how many units contribute each pair of values (now, then); None where they are too few.

    In drawn companies the change varies by the sum of the squares of what each unit changed: so much need not be drawn.

    >>> round(of_sums({(5, 3): 12, (2, 3): 6}), 4), of_sums({(1, 0): 4, (0, 7): 2})
    (0.0293, None)
    """
    units = min(sum(count for pair, count in changes.items() if pair[side]) for side in (0, 1))
    if units < FEWEST:
        return None
    gaps = [(float(now) - float(then), count) for (now, then), count in changes.items()]
    change = abs(fsum(gap * count for gap, count in gaps))
    spread = sqrt(fsum(gap * gap * count for gap, count in gaps) * units / (units - 1))
    if not spread:
        return 0.0 if change else 1.0
    return 2 * t_tail(change / spread, units - 1)


def of_ratios(now: tuple[int, int, int], then: tuple[int, int, int]) -> float | None:
    """The score test of two ratios, each by its units (only in the numerator, in both, only in the denominator); None where they are too few.

    >>> round(of_ratios((0, 30, 70), (0, 15, 85)), 4)
    0.0111
    """
    counts = [(only + both, both + without) for only, both, without in (now, then)]
    whole = sum(denominator for _, denominator in counts)
    if not all(denominator for _, denominator in counts):
        return None
    ratio = sum(numerator for numerator, _ in counts) / whole
    # A normal approximation of counts below five is none (Cochran).
    if any(min(ratio, abs(1 - ratio)) * denominator < 5 and numerator < 5 for numerator, denominator in counts):
        return None
    spread = sum(variance(*classes, ratio) / denominator**2 for classes, (_, denominator) in zip((now, then), counts, strict=True))
    if spread <= 0:
        return None
    gap = counts[0][0] / counts[0][1] - counts[1][0] / counts[1][1]
    return 2 * NORMAL.cdf(-abs(gap) / sqrt(spread))


def _of_draws(sample: Sample, answer: Answer, then: Answer, places: tuple[int, int]) -> float | None:
    key = tuple(answer.segment.values())
    assert answer.value is not None
    assert then.value is not None
    units = min(max(sample.units(answer.metric, at, key), default=0) for at in places)
    if units < FEWEST:
        return None
    sides = [sample.drawn(answer.metric, at, key, value) for at, value in zip(places, (answer.value, then.value), strict=True)]
    if any(len(linear) < len(values) or values.count(None) > LOST * len(values) for values, linear in sides):
        return None
    gaps = [one - other for one, other in zip(sides[0][1], sides[1][1], strict=True)]
    spread = sqrt(fsum(gap * gap for gap in gaps) / len(gaps) * units / (units - 1))
    change = abs(float(answer.value) - float(then.value))
    if not spread:
        return 0.0 if change else 1.0
    return 2 * t_tail(change / spread, units - 1)
