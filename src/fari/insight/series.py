"""Series carried on: a few plain models, the one that foretold this series best so far, and bounds from how far it was out.

The models are the ones that are hard to beat on short monthly series (Makridakis and Hibon, The M3-Competition, 2000): the last value, the mean
of the last half year, exponential smoothing, smoothing with half the trend (Theta: Hyndman and Billah 2003), a damped trend (Gardner 1985), and,
with two years or more, the same month a year before. Each is tried at every month since the first year: fitted to what was known then, and held
against what came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import fmean

FEWEST = 12
"""Fewer values than these are not carried on."""
SEASONS = 24
"""So many values tell what is seasonal."""
TRIED = 3
"""Bounds need so many months at which the model could be tried."""
_ALPHAS = tuple(n / 10 for n in range(1, 10))
_DAMPED = 0.9
Model = Callable[[Sequence[float], int], list[float]]


@dataclass(frozen=True)
class Trial:
    """A model tried at several months: what it foretold at each, one to so many steps ahead, beside what came."""

    name: str
    steps: tuple[tuple[tuple[float, float], ...], ...]
    """By month at which it was tried, (foretold, came) one step ahead, two steps, ..."""

    @property
    def error(self) -> float:
        """The mean absolute error over all steps."""
        gaps = [abs(came - told) for steps in self.steps for told, came in steps]
        return fmean(gaps) if gaps else 0.0


@dataclass(frozen=True)
class Bounds:
    """How far out a forecast may be so many steps ahead, and how often such bounds held in the trials they were not made from."""

    width: float
    """One step ahead; it grows with the square root of the steps."""
    held: int
    tried: int

    def at(self, step: int) -> float:
        """How far out it may be."""
        return self.width * sqrt(step)


def last(values: Sequence[float], steps: int) -> list[float]:
    """The last value again."""
    return [values[-1]] * steps


def mean(values: Sequence[float], steps: int) -> list[float]:
    """The mean of the last half year."""
    return [fmean(values[-6:])] * steps


def smoothed(values: Sequence[float], steps: int) -> list[float]:
    """Simple exponential smoothing; the weight is the one with the smallest squared error one step ahead.

    >>> smoothed([10, 10, 10], 2)
    [10.0, 10.0]
    """
    return [_level(values)[0]] * steps


def theta(values: Sequence[float], steps: int) -> list[float]:
    """Smoothing, and half of the least-squares trend for every step.

    >>> [round(one, 6) for one in theta([1, 2, 3, 4], 2)]
    [4.4445, 4.9445]
    """
    level, weight = _level(values)
    n = len(values)
    middle = (n - 1) / 2
    trend = sum((t - middle) * value for t, value in enumerate(values)) / sum((t - middle) ** 2 for t in range(n)) if n > 1 else 0.0
    return [level + trend / 2 * (step - 1 + (1 - (1 - weight) ** n) / weight) for step in range(1, steps + 1)]


def damped(values: Sequence[float], steps: int) -> list[float]:
    """A trend that loses a tenth with every step; its weights are those with the smallest squared error."""
    best: tuple[float, float, float] | None = None
    for alpha in _ALPHAS[1::2]:
        for beta in (0.1, 0.3, 0.5):
            level, trend, squares = values[0], 0.0, 0.0
            for value in values[1:]:
                expected = level + _DAMPED * trend
                squares += (value - expected) ** 2
                level, before = expected + alpha * (value - expected), level
                trend = beta * (level - before) + (1 - beta) * _DAMPED * trend
            if best is None or squares < best[0]:
                best = squares, level, trend
    assert best is not None
    _, level, trend = best
    return [level + trend * sum(_DAMPED**n for n in range(1, step + 1)) for step in range(1, steps + 1)]


def year_before(values: Sequence[float], steps: int) -> list[float]:
    """The same month of the year before, by as much more or less as the last half year was than its own."""
    moved = fmean(values[-6:]) - fmean(values[-18:-12])
    return [values[len(values) - 12 + (step - 1) % 12] + moved for step in range(1, steps + 1)]


MODELS: dict[str, Model] = {
    "the last value": last, "the mean of half a year": mean, "exponential smoothing": smoothed, "smoothing with half the trend (Theta)": theta,
    "a damped trend": damped, "the same month a year before": year_before,
}  # fmt: skip


def tried(name: str, values: Sequence[float], steps: int, since: int = FEWEST) -> Trial:
    """A model tried at every value from the first year on (or after so many) that has a next one."""
    first = SEASONS if name == "the same month a year before" else since
    model = MODELS[name]
    found = []
    for known in range(first, len(values)):
        told = model(values[:known], min(steps, len(values) - known))
        found.append(tuple(zip(told, values[known:], strict=False)))
    return Trial(name, tuple(found))


def chosen(values: Sequence[float], steps: int, since: int = FEWEST) -> tuple[Trial, Trial]:
    """(the trial of the model that was the least out, that of the last value). Of a model with fewer trials than TRIED nothing is known."""
    trials = [tried(name, values, steps, since) for name in MODELS if name != "the same month a year before" or len(values) >= SEASONS + TRIED]
    usual = next(one for one in trials if one.name == "the last value")
    if len(usual.steps) < TRIED:
        return next(one for one in trials if one.name == "exponential smoothing"), usual
    # All on the same months, so that none is judged by easier ones.
    common = min(len(one.steps) for one in trials)
    alike = [Trial(one.name, one.steps[-common:]) for one in trials]
    return min(zip(alike, trials, strict=True), key=lambda pair: pair[0].error)[1], usual


def bounds(trial: Trial, level: float) -> Bounds | None:
    """Bounds that hold so often as `level` says, from a trial's errors over the square root of the steps; None of too few months.

    The quantile is the conformal one: of n errors the ceil((n + 1) level)-th. Whether they hold is counted at each month by bounds from all others.
    """
    if len(trial.steps) < TRIED:
        return None
    scaled = [[abs(came - told) / sqrt(step) for step, (told, came) in enumerate(steps, 1)] for steps in trial.steps]
    held = count = 0
    for out, own in enumerate(scaled):
        width = _quantile([gap for n, gaps in enumerate(scaled) if n != out for gap in gaps], level)
        held += sum(gap <= width for gap in own)
        count += len(own)
    return Bounds(_quantile([gap for gaps in scaled for gap in gaps], level), held, count)


def _quantile(gaps: Sequence[float], level: float) -> float:
    ordered = sorted(gaps)
    return ordered[min(ceil((len(ordered) + 1) * level), len(ordered)) - 1]


def _level(values: Sequence[float]) -> tuple[float, float]:
    """(the smoothed level, the weight)."""
    best: tuple[float, float, float] | None = None
    for alpha in _ALPHAS:
        level, squares = float(values[0]), 0.0
        for value in values[1:]:
            squares += (value - level) ** 2
            level += alpha * (value - level)
        if best is None or squares < best[0]:
            best = squares, level, alpha
    assert best is not None
    return best[1], best[2]
