"""What is unusual: figures of a month that their own past does not let one expect. No fixed percentages.

Each metric's months before are carried on by the model that did best on them (fari.insight.series), on a scale on which chance is about as large
at any size: square roots of what cannot be negative. How far out the model was one month ahead, and how far a figure of so few units strays by
itself, say how far out the month is; against Student's t, since the past is short. Over all metrics looked at together, chance calls one month in
five hundred unusual (Bonferroni): a quiet company is alarmed once in forty years. What rests on the same facts is one event: the count or sum
furthest out is told, the others beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import fsum, sqrt

from fari.engine import compile as compiled
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.errors import UsageError
from fari.insight import series
from fari.insight.forecast import past
from fari.insight.intervals import bounds_of
from fari.insight.noise import FEWEST
from fari.insight.quantiles import NORMAL, t_quantile, t_tail
from fari.insight.sampling import Sample
from fari.insight.settling import young
from fari.metrics import METRICS, listed
from fari.metrics.kinds import Measure, leaves
from fari.rules import Rules

FALSE = 0.002
"""How often chance alone makes any figure of a month unusual."""
SINCE = 6
"""Models are tried from so many months on,"""
TRIALS = 6
"""and so many times at least before anything is called unusual."""
USUAL = 0.9
"""The share of months that fall within what is told to be expected."""
_ONE = 2 * NORMAL.cdf(1) - 1
"""What lies within one standard deviation."""


@dataclass(frozen=True)
class Unusual:
    """A metric's month beside what was to be expected."""

    metric: str
    period: Period
    value: Decimal
    low: Decimal
    high: Decimal
    """Nine months of ten were to be expected between these."""
    chance: float
    """How often chance makes a figure lie as far out, to whichever side."""
    unit: str
    currency: str | None

    @property
    def above(self) -> bool:
        """Whether it is more than was to be expected."""
        return self.value > self.high

    @property
    def bad(self) -> bool | None:
        """Whether that is bad; None of a metric that is neither good nor bad."""
        good = METRICS[self.metric].good
        return None if good == "neutral" else (good == "up") != self.above


@dataclass(frozen=True)
class Event:
    """Figures that are unusual together, because they rest on the same facts: the count or sum furthest out first."""

    figures: tuple[Unusual, ...]

    @property
    def bad(self) -> bool:
        """Whether any of them is bad."""
        return any(one.bad for one in self.figures)


@dataclass(frozen=True)
class Look:
    """One look at one month: what is unusual, and how many metrics could be judged."""

    period: Period
    events: tuple[Event, ...]
    judged: int
    unjudged: tuple[str, ...]
    """Metrics whose past is too short or has gaps, or whose month is of too few units, or of a cohort that still converts."""


def unusual(asker: Asker, question: Question, period: Period | None = None) -> Look:
    """What is unusual in a month, the last whole one if none is given, in the question's segment: of its metrics, of all listed if it names none.

    The question's periods are not looked at. FariError where nothing is imported, UsageError of a period that is no month.
    """
    if period and period.grain != "month":
        raise UsageError("months are held against months: --period takes a month such as 2026-04")
    months = past(asker, question)
    period = period or months[-1]
    before = tuple(one for one in months if one.until <= period.since)
    names = question.metrics or tuple(name for name in listed() if not any(d not in _dimensions(name) for d, _ in question.where))
    asked = replace(question, metrics=names, periods=(*before, period), by=())
    told: dict[str, list[Answer]] = {name: [] for name in names}
    for answer in asker.ask(asked):
        told[answer.metric].append(answer)
    sample = Sample(asker, replace(asked, periods=(period,)))
    judged, unjudged = [], []
    for name, answers in told.items():
        # A month's cohort that is still converting is low beside those that have.
        found = None if young(asker, asked, name, period) else judge(sample, answers)
        if found is None:
            unjudged.append(name)
        else:
            judged.append(found)
    limit = FALSE / max(len(judged), 1)
    rules = question.rules or asker.ledger.company.rules
    return Look(period, _events([one for one in judged if one.chance <= limit], rules), len(judged), tuple(unjudged))


def judge(sample: Sample, answers: Sequence[Answer]) -> Unusual | None:
    """A metric's last answer beside what those before it let expect; None where they tell too little."""
    *earlier, last = answers
    known: list[float] = []
    for answer in earlier:
        known = [*known, float(answer.value)] if answer.value is not None and answer.complete else []
    if last.value is None or not last.complete or len(known) < SINCE + TRIALS:
        return None
    rooted = min(known) >= 0 and last.value >= 0
    value = float(last.value)
    middle, spread, freedom = expected([sqrt(one) for one in known] if rooted else known)
    gap = abs((sqrt(value) if rooted else value) - middle)
    # Only of what its past alone would call unusual is it asked how far so few units stray: that takes the most time.
    if not spread or 2 * t_tail(gap / spread, freedom) <= FALSE:
        own = _strays(sample, last, rooted)
        if own is None or not max(spread, own):
            return None
        spread = max(spread, own)
    chance = 2 * t_tail(gap / spread, freedom)
    reach = t_quantile((1 + USUAL) / 2, freedom) * spread
    low, high = middle - reach, middle + reach
    if rooted:
        low, high = max(low, 0.0) ** 2, max(high, 0.0) ** 2
    return Unusual(last.metric, last.period, Decimal(last.value), Decimal(repr(low)), Decimal(repr(high)), chance, last.unit, last.currency)


def expected(known: Sequence[float]) -> tuple[float, float, int]:
    """(what comes next, how far out it may be as a standard deviation, degrees of freedom) of a series, by the model that did best on it."""
    trial, _ = series.chosen(known, 1, SINCE)
    gaps = [came - told for steps in trial.steps for told, came in steps]
    spread = sqrt(fsum(gap * gap for gap in gaps) / (len(gaps) - 1))
    return series.MODELS[trial.name](known, 1)[0], spread, len(gaps) - 1


def _strays(sample: Sample, answer: Answer, rooted: bool) -> float | None:
    """How far a figure of so few units strays by itself: half of what lies within a standard deviation to both sides; None of too few to tell.

    Of what is no sample, and of a sum to which nothing contributes, it is nothing; of what only draws could tell, its past has to.
    """
    method = sample.method(answer.metric)
    if method == "drawn":
        return 0.0 if max(sample.units(answer.metric, 0, ()), default=0) >= FEWEST else None
    found = bounds_of(sample, answer, _ONE)
    if found.low is None or found.high is None:
        return 0.0 if method in ("fixed", "sum") else None
    return (sqrt(found.high) - sqrt(max(found.low, 0.0))) / 2 if rooted else (found.high - found.low) / 2


def _events(found: Sequence[Unusual], rules: Rules) -> tuple[Event, ...]:
    """The figures by the facts they rest on: counts and sums before what is worked out from them, of each those furthest out first."""

    def place(figure: Unusual) -> tuple[bool, float, str]:
        return not isinstance(METRICS[figure.metric], Measure), figure.chance, figure.metric

    events: list[tuple[set[str], list[Unusual]]] = []
    for one in sorted(found, key=place):
        facts = {compiled.stored(measure.fact) for leaf in leaves(one.metric, rules) if isinstance(measure := METRICS[leaf], Measure)}
        together = next((own for own in events if own[0] & facts), None)
        if together:
            together[1].append(one)
        else:
            events.append((facts, [one]))
    return tuple(Event(tuple(figures)) for _, figures in events)


def _dimensions(name: str) -> set[str]:
    measures = [METRICS[leaf] for leaf in leaves(name)]
    return set.intersection(*(set(measure.dimensions) for measure in measures if isinstance(measure, Measure)))
