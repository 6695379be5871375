"""What leads revenue: which early figures foretell customers won, how many weeks ahead, and which only look as if they did.

Every week's new customers (or another target) are foretold twice from what was known some weeks before: from their own level then and their trend,
and from these and the early figure. How many weeks before is chosen on the first part of the past, and tried on the rest, week by week, so that the
best of many lags does not flatter. Skill is the part of the squared error that the figure takes away. Whether it is more than chance is tested by
Clark and West's adjusted loss differences (Journal of Econometrics 138, 2007), their mean drawn anew in blocks (Politis and Romano, JASA 89, 1994),
with the false-discovery rate held over all figures. Square roots are compared, since the larger a count the more it strays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from random import Random
from statistics import fmean
from typing import Literal

from fari.engine.answer import Question
from fari.engine.ask import Asker, has
from fari.engine.periods import Period, containing
from fari.errors import FariError
from fari.facts.words import NOT_SET
from fari.insight.noise import discovered
from fari.metrics import METRICS, listed
from fari.metrics.kinds import Measure, leaves

LAGS = 13
"""A figure is looked at up to so many weeks before."""
FEWEST = 52
"""Fewer weeks than these tell nothing."""
MOST = 104
"""Older weeks than these tell of another company."""
CHOSEN = 0.6
"""The first part of the weeks, in which the lag is chosen."""
LEVEL = 4
"""A level is the mean of so many weeks."""
DRAWS, BLOCK = 499, 4
USEFUL = 0.05
"""Less skill than this is of no use to anybody."""
CONTENTS = 6
"""Of visitors by content the largest so many are looked at."""
SHARE = 0.9
Verdict = Literal["leads", "moves with it", "no use", "cannot tell"]


@dataclass(frozen=True)
class Leading:
    """An early figure, and how well it foretells the target."""

    metric: str
    segment: str
    """The content that visitors saw; empty for all."""
    weeks: int
    """How many weeks ahead it was looked at: chosen on the first part of the past."""
    skill: float
    """The part of the squared error, on the rest, that it takes away; below 0 it makes things worse."""
    low: float
    high: float
    chance: float
    verdict: Verdict
    tried: int
    """Weeks that were foretold."""


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
    tries, left_out = [], []
    for (name, segment), values in early_series.items():
        length = min(len(values), len(known), MOST)
        if length < FEWEST or len(set(values[-length:])) < LEVEL:
            left_out.append(f"{name} {segment}".strip())
            continue
        tries.append((name, segment, tried([sqrt(v) for v in known[-length:]], [sqrt(max(v, 0.0)) for v in values[-length:]], f"{name} {segment}")))
    limit = discovered([one.chance for _, _, one in tries])
    found = [replace(one, metric=name, segment=segment, verdict=_verdict(one, limit)) for name, segment, one in tries]
    ranks: list[Verdict] = ["leads", "moves with it", "cannot tell", "no use"]
    found.sort(key=lambda one: (ranks.index(one.verdict), -one.skill, one.metric, one.segment))
    return Indicators(target, min(len(known), MOST), tuple(found), tuple(left_out))


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


def tried(target: Sequence[float], figure: Sequence[float], seed: str) -> Leading:
    """How well a series foretells another of the same weeks; `seed` makes the draws the same every time."""
    split = int(len(target) * CHOSEN)
    lag = min(range(LAGS + 1), key=lambda weeks: _left_out_error(target, figure, weeks, split))
    errors = []
    for week in range(split, len(target)):
        rows = [_features(target, figure, at, lag) for at in range(lag + LEVEL, week - lag + 1 if lag else week)]
        came = [target[at] for at in range(lag + LEVEL, week - lag + 1 if lag else week)]
        now = _features(target, figure, week, lag)
        alone, both = (_dot(solve([row[:n] for row in rows], came), now[:n]) for n in (len(now) - 1, len(now)))
        errors.append((target[week] - alone, target[week] - both, alone - both))
    return _judged(lag, errors, Random(seed))  # noqa: S311 - draws of a bootstrap


def _judged(lag: int, errors: Sequence[tuple[float, float, float]], random: Random) -> Leading:
    count = len(errors)
    adjusted = [alone**2 - (both**2 - gap**2) for alone, both, gap in errors]
    mean = fmean(adjusted)
    skills, beyond = [], 0
    for _ in range(DRAWS):
        places: list[int] = []
        while len(places) < count:
            start = random.randrange(count)
            places += [(start + n) % count for n in range(BLOCK)]
        drawn = places[:count]
        beyond += fmean(adjusted[n] for n in drawn) - mean >= mean
        skills.append(_skill([errors[n] for n in drawn]))
    skills.sort()
    low, high = (skills[round(share * (DRAWS - 1))] for share in ((1 - SHARE) / 2, (1 + SHARE) / 2))
    return Leading("", "", lag, _skill(errors), low, high, (beyond + 1) / (DRAWS + 1), "cannot tell", count)


def _skill(errors: Sequence[tuple[float, float, float]]) -> float:
    alone = sum(one**2 for one, _, _ in errors)
    return 1 - sum(both**2 for _, both, _ in errors) / alone if alone else 0.0


def _verdict(one: Leading, limit: float) -> Verdict:
    if one.chance <= limit and one.low > 0:
        return "leads" if one.weeks else "moves with it"
    return "no use" if one.high < USEFUL else "cannot tell"


def _features(target: Sequence[float], figure: Sequence[float], week: int, lag: int) -> list[float]:
    """What is known of a week so many weeks before: 1, the trend, the target's level (before the week itself), and the figure's two last weeks."""
    then = week - lag
    last = then + 1 if lag else then
    return [1.0, week / 52, fmean(target[max(last - LEVEL, 0) : last]), (figure[then] + figure[max(then - 1, 0)]) / 2]


def _left_out_error(target: Sequence[float], figure: Sequence[float], lag: int, until: int) -> float:
    """The mean squared error, each week left out of the fit in turn, over that of the fit without the figure (so lags are alike)."""
    weeks = range(LAGS + LEVEL, until)
    rows, came = [_features(target, figure, week, lag) for week in weeks], [target[week] for week in weeks]
    return _left_out(rows, came) / (_left_out([row[:-1] for row in rows], came) or 1.0)


def _left_out(rows: Sequence[Sequence[float]], came: Sequence[float]) -> float:
    inverse = _inverse(_products(rows))
    weights = [sum(a * b for a, b in zip(line, _sums(rows, came), strict=True)) for line in inverse]
    total = 0.0
    for row, value in zip(rows, came, strict=True):
        lever = sum(x * sum(a * b for a, b in zip(line, row, strict=True)) for x, line in zip(row, inverse, strict=True))
        total += ((value - _dot(weights, row)) / max(1 - lever, 1e-6)) ** 2
    return total / len(rows)


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
