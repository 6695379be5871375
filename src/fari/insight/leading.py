"""What leads revenue: which early figures foretell customers won, how many weeks ahead, and which only look as if they did.

Two figures that grow, have a season or merely wander look alike at some lag, whatever they have to do with each other (Granger and Newbold, Journal
of Econometrics 2, 1974). So what a week's figure owes to its own past, its trend and the calendar is taken out of both first; what is left of one
week tells nothing of another's, and how the target's goes with the figure's of some weeks before is tested as any correlation (Haugh, JASA 71,
1976), with all lags paid for and the false-discovery rate held over all figures. More of an early figure is taken to mean more customers: what is
followed by fewer leads to nothing. Square roots are compared, since the larger a count the more it strays. `bench/leading.py` counts how often all
this is wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import atanh, cos, pi, sin, sqrt, tanh
from statistics import fmean, median
from typing import Literal

from fari.engine.answer import Question
from fari.engine.ask import Asker, has
from fari.engine.periods import Period, containing
from fari.errors import FariError
from fari.facts.words import NOT_SET
from fari.insight.noise import discovered
from fari.insight.quantiles import NORMAL, t_tail
from fari.metrics import METRICS, listed
from fari.metrics.kinds import Measure, leaves

AHEAD = range(1, 14)
"""A figure is looked at so many weeks before; and in the week itself, which is too late."""
FEWEST = 52
"""Fewer weeks than these tell nothing."""
MOST = 104
"""Older weeks than these tell of another company."""
OWN = 4
"""A week is foretold from its own so many weeks before,"""
CYCLES = (365.25 / 7 / 12, 365.25 / 7)
"""from where it falls in the month and in the year, in weeks,"""
QUARTER = 13
"""from what was particular to the same week of the quarters before (the rush at their end, say),"""
BENDS = 2
"""and from a trend that may bend."""
CONTROLS = 1 + BENDS + OWN + 2 * len(CYCLES) + 1
FAR = 3
"""One week may be out by so many standard deviations: a week like no other is one week."""
FALSE = 0.05
"""The share of false discoveries that is allowed among those that lead or move with the target."""
TAIL = 0.05
"""How often the truth may be below the lower bound, and how often above the upper."""
USEFUL = 0.1
"""What takes away less of the error than this is of no use."""
FOLDS = 8
"""In so many stretches, one after the other, skill is tried on weeks that chose neither lag nor slope."""
DIFFERENT = 4
"""A series of fewer values than these says nothing."""
CONTENTS = 6
"""Of visitors by content the largest so many are looked at."""
Verdict = Literal["leads", "moves with it", "no use", "cannot tell"]


@dataclass(frozen=True)
class Leading:
    """An early figure, and how well it foretells the target."""

    metric: str
    segment: str
    """The content that visitors saw; empty for all."""
    weeks: int
    """How many weeks before the target it says most."""
    skill: float
    """The part of the squared error of foretelling a week from its own past that it takes away, in weeks left out; below 0 it makes things worse."""
    low: float
    high: float
    """Bounds of that part, at whichever lag it is largest."""
    chance: float
    """How often a figure that has nothing to do with the target goes with it as well at one of the lags."""
    verdict: Verdict
    tried: int
    """Weeks that were compared."""


@dataclass(frozen=True)
class Indicators:
    """All early figures, those that lead first."""

    target: str
    weeks: int
    found: tuple[Leading, ...]
    left_out: tuple[str, ...]
    """Figures that are not covered week by week."""


def leading(asker: Asker, question: Question, target: str = "new_customers") -> Indicators:
    """How well each early figure foretells a target, over all whole weeks of data, in the question's segment.

    The question's metrics are looked at, all early ones if it names none; its periods are not. FariError where too few weeks are known.
    """
    weeks = _weeks(asker, question)
    (known,) = _series(asker, replace(question, metrics=(target,), periods=weeks, by=())).values()
    if len(known) < FEWEST:
        raise FariError(f"{target} is known for {len(known)} whole weeks, and {FEWEST} are needed to tell what foretells it")
    narrowed = {dimension for dimension, _ in question.where}
    names = question.metrics or tuple(name for name in early() if has(name, narrowed) and name != target)
    early_series = _series(asker, replace(question, metrics=names, periods=weeks, by=()))
    if "visitors" in names and "content" not in narrowed:
        early_series |= _contents(asker, replace(question, metrics=("visitors",), periods=weeks))
    pairs: list[tuple[Leading, Leading]] = []
    left_out = []
    for (name, segment), values in early_series.items():
        length = min(len(values), len(known), MOST)
        if length < FEWEST or len(set(values[-length:])) < DIFFERENT:
            left_out.append(f"{name} {segment}".strip())
            continue
        roots = [[sqrt(max(value, 0.0)) for value in series[-length:]] for series in (known, values)]
        ahead, beside = (replace(one, metric=name, segment=segment) for one in tried(*roots))
        pairs.append((ahead, beside))
    limit = discovered([one.chance for pair in pairs for one in pair], FALSE)
    found = [judged(ahead, beside, limit) for ahead, beside in pairs]
    ranks: list[Verdict] = ["leads", "moves with it", "cannot tell", "no use"]
    found.sort(key=lambda one: (ranks.index(one.verdict), -one.skill, one.metric, one.segment))
    return Indicators(target, min(len(known), MOST), tuple(found), tuple(left_out))


def judged(ahead: Leading, beside: Leading, limit: float) -> Leading:
    """The verdict on a figure: in the week itself only what says nothing before is looked at, and no use is what would have been seen."""
    if ahead.chance <= limit and ahead.skill > 0:
        return replace(ahead, verdict="leads")
    if beside.chance <= limit and beside.skill > 0:
        return replace(beside, verdict="moves with it")
    return replace(ahead, verdict="no use" if ahead.high < USEFUL else "cannot tell")


def early() -> list[str]:
    """Metrics that could foretell revenue: what is counted on the way to it, and rests on no customer.

    >>> early()[:4], "new_customers" in early(), "spend" in early()
    (['visitors', 'visits', 'pageviews', 'signups'], False, False)
    """
    found = []
    for name in listed():
        metric = METRICS[name]
        counted = isinstance(metric, Measure) and metric.unit == "count" and metric.stage == "acquisition"
        if counted and not any(METRICS[leaf].needs in ("customers", "subscriptions") for leaf in leaves(name)):
            found.append(name)
    return found


def tried(target: Sequence[float], figure: Sequence[float]) -> tuple[Leading, Leading]:
    """How a series goes with another of the same weeks: some weeks before, at the lag that says most, and in the week itself. Not judged yet."""
    news, early_news = innovations(target), innovations(figure)
    return _best(news, early_news, AHEAD), _best(news, early_news, (0,))


def innovations(values: Sequence[float]) -> list[float]:
    """What of each week its own weeks before, the trend and the calendar do not foretell, from week OWN on; far ones drawn in to FAR deviations."""
    rows = [
        [
            1.0,
            *((week / 52 - 1) ** bend for bend in range(1, BENDS + 1)),
            *values[week - OWN : week],
            *(wave(2 * pi * week / cycle) for cycle in CYCLES for wave in (sin, cos)),
            _quarters_before(values, week),
        ]
        for week in range(OWN, len(values))
    ]
    weights = solve(rows, values[OWN:])
    left = [value - _dot(weights, row) for row, value in zip(rows, values[OWN:], strict=True)]
    far = FAR * 1.4826 * median(abs(one) for one in left)
    drawn_in = [max(-far, min(far, one)) for one in left]
    middle = fmean(drawn_in)
    return [one - middle for one in drawn_in]


def _quarters_before(values: Sequence[float], week: int) -> float:
    """How far the same week was, in each quarter before, above the weeks around it, on average."""
    half = QUARTER // 2
    above = [values[then] - fmean(values[max(then - half, 0) : then + half + 1]) for then in range(week - QUARTER, -1, -QUARTER)]
    return fmean(above) if above else 0.0


def _best(news: Sequence[float], early_news: Sequence[float], lags: Sequence[int]) -> Leading:
    """The lag that goes with the target best, with a chance and bounds that allow for its being the best of so many."""
    chances, lows, highs = [], [], []
    for lag in lags:
        count = len(news) - lag
        pairs = list(zip(news[lag:], early_news[:count], strict=True))
        squares = sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)
        related = max(-0.9999, min(0.9999, sum(a * b for a, b in pairs) / sqrt(squares))) if squares else 0.0
        freedom = count - 2 - CONTROLS
        chances.append(t_tail(related * sqrt(freedom / (1 - related**2)), freedom))
        # Fisher's bounds. The lower allows for all lags; the upper need not, since the largest of the true ones is below its own.
        spread = 1 / sqrt(freedom - 1)
        lows.append(max(0.0, tanh(atanh(related) + spread * NORMAL.inv_cdf(1 - (1 - TAIL) ** (1 / len(lags))))) ** 2)
        highs.append(max(0.0, tanh(atanh(related) - spread * NORMAL.inv_cdf(TAIL))) ** 2)
    least = min(chances)
    lag = lags[chances.index(least)]
    chance = 1 - (1 - least) ** len(lags)
    return Leading("", "", lag, _skill(news, early_news, lags), max(lows), max(highs), chance, "cannot tell", len(news) - lag)


def _skill(news: Sequence[float], early_news: Sequence[float], lags: Sequence[int]) -> float:
    """The part of the squared error that is taken away in each stretch of weeks by the lag and the slope that the other weeks choose."""
    first = max(lags)
    weeks = range(first, len(news))
    before = after = 0.0
    for fold in range(FOLDS):
        held = weeks[len(weeks) * fold // FOLDS : len(weeks) * (fold + 1) // FOLDS]
        others = [week for week in weeks if week not in held]
        lag, slope = max((_slope(news, early_news, lag, others) for lag in lags), key=lambda one: one[2])[:2]
        before += sum(news[week] ** 2 for week in held)
        after += sum((news[week] - slope * early_news[week - lag]) ** 2 for week in held)
    return 1 - after / before if before else 0.0


def _slope(news: Sequence[float], early_news: Sequence[float], lag: int, weeks: Iterable[int]) -> tuple[int, float, float]:
    """(lag, slope, squared error taken away, with the slope's sign) over these weeks."""
    both = squares = 0.0
    for week in weeks:
        both += news[week] * early_news[week - lag]
        squares += early_news[week - lag] ** 2
    slope = both / squares if squares else 0.0
    return lag, slope, slope * abs(both)


def solve(rows: Sequence[Sequence[float]], came: Sequence[float]) -> list[float]:
    """The weights of least squares.

    >>> [round(one, 4) for one in solve([[1, 0], [1, 1], [1, 2]], [1, 3, 5])]
    [1.0, 2.0]
    """
    inverse = _inverse(_products(rows))
    sums = _sums(rows, came)
    return [_dot(line, sums) for line in inverse]


def _products(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    width = len(rows[0])
    return [[sum(row[a] * row[b] for row in rows) + (1e-9 if a == b else 0.0) for b in range(width)] for a in range(width)]


def _sums(rows: Sequence[Sequence[float]], came: Sequence[float]) -> list[float]:
    return [sum(row[n] * value for row, value in zip(rows, came, strict=True)) for n in range(len(rows[0]))]


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """By elimination with the largest pivot."""
    size = len(matrix)
    wide = [[*line, *(1.0 if n == m else 0.0 for m in range(size))] for n, line in enumerate(matrix)]
    for n in range(size):
        pivot = max(range(n, size), key=lambda m: abs(wide[m][n]))
        wide[n], wide[pivot] = wide[pivot], wide[n]
        wide[n] = [value / wide[n][n] for value in wide[n]]
        for m in range(size):
            if m != n and wide[m][n]:
                wide[m] = [value - wide[m][n] * own for value, own in zip(wide[m], wide[n], strict=True)]
    return [line[size:] for line in wide]


def _dot(weights: Sequence[float], row: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(weights, row, strict=True))


def _weeks(asker: Asker, question: Question) -> tuple[Period, ...]:
    """All whole weeks of data."""
    covered, _ = asker.state(question.as_of, question.rules)
    if covered.since is None or covered.horizon is None:
        raise FariError("nothing is imported yet, so nothing can be foretold")
    week, found = containing(covered.since, "week"), []
    while (week.until - covered.horizon).days <= 1:
        if week.since >= covered.since:
            found.append(week)
        week = containing(week.until, "week")
    return tuple(found)


def _series(asker: Asker, question: Question) -> dict[tuple[str, str], list[float]]:
    """Values by metric: those after the last week without one."""
    found: dict[tuple[str, str], list[float]] = {(name, ""): [] for name in question.metrics}
    for answer in asker.ask(question):
        own = found[answer.metric, ""]
        found[answer.metric, ""] = [*own, float(answer.value)] if answer.value is not None and answer.complete else []
    return found


def _contents(asker: Asker, question: Question) -> dict[tuple[str, str], list[float]]:
    """Visitors by the content they saw, of the contents most of them saw."""
    place = {period: n for n, period in enumerate(question.periods)}
    by: dict[str, list[float]] = {}
    covered = {answer.period for answer in asker.ask(replace(question, by=())) if answer.value is not None and answer.complete}
    for answer in asker.ask(replace(question, by=("content",))):
        if answer.value and answer.segment["content"] != NOT_SET:
            by.setdefault(answer.segment["content"], [0.0] * len(place))[place[answer.period]] = float(answer.value)
    first = next((n for n, period in enumerate(question.periods) if set(question.periods[n:]) <= covered), len(place))
    largest = sorted(by, key=lambda content: -sum(by[content]))[:CONTENTS]
    return {("visitors", content): by[content][first:] for content in largest}
