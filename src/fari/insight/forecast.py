"""Forecasts: the book of today as its customers let one expect, what is likely to be won, and other series carried on; with bounds that were tried.

A level (MRR, customers) is made of parts that add up to it. *Committed*: contracts of today that run to the month without a renewal. *Renewed*:
the rest of today's book, each cohort by the chance of its term's shifted-beta-geometric model to make the renewals in between (of a term too little
known, by the share lost a month over the last year). *Growth*: expansion less contraction, as large a share as over the last year. *New*: what is
won and won back, a series carried on (fari.insight.series), which renews and is lost like the customers there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from fari.engine.answer import Number, Question
from fari.engine.ask import Asker, defaults
from fari.engine.periods import Period, add_months, cut
from fari.errors import FariError, UsageError
from fari.facts.words import NOT_SET
from fari.insight import series
from fari.insight.retention import Retention
from fari.insight.series import Bounds, Trial
from fari.insight.settling import young
from fari.insight.worth import months_of, terms
from fari.metrics import METRICS
from fari.metrics.kinds import GIVEN, Formula, Measure

YEAR = 12
BOUNDED = YEAR + series.TRIED
"""A level needs so many months for its bounds."""
TRIALS = 8
"""A level is tried at so many months at most: the last ones that have a year before them."""
Note = Literal["ratio", "short", "empty", "worse"]
"""A ratio is carried on by itself; no bounds, as the past is short or held nothing; the last value again would have been nearer."""
PARTS = ("committed", "renewed", "growth", "new")
_CENT = Decimal("1e-6")


@dataclass(frozen=True)
class Movements:
    """What moves a level: what is won, what grows and shrinks what there is, and what is lost."""

    won: tuple[str, ...]
    grown: tuple[str, ...]
    shrunk: tuple[str, ...]
    lost: str


COHORTS = "cohorts of customers by term, and what is won"
"""The model of a level."""
LEVELS = {
    "mrr": Movements(("new_mrr", "reactivation_mrr"), ("expansion_mrr",), ("contraction_mrr",), "churned_mrr"),
    "customers": Movements(("new_customers", "reactivated_customers"), (), (), "churned_customers"),
}


@dataclass(frozen=True)
class Ahead:
    """A month to come; of a level the value is the sum of its parts."""

    period: Period
    value: Decimal
    low: Decimal | None
    high: Decimal | None
    parts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Forecast:
    """A metric's months to come, by which model, and how it did when it was tried."""

    metric: str
    unit: str
    last: Period
    """The last month of the past, which is whole."""
    months: tuple[Ahead, ...]
    model: str
    error: float | None
    """Its mean absolute error when tried, over that of the last value again; None where it could not be."""
    bounds: Bounds | None
    notes: tuple[Note, ...] = ()


def forecast(asker: Asker, question: Question, count: int = YEAR, level: float = 0.8) -> list[Forecast]:
    """Forecasts of the question's metrics for the months after the data's last whole one, in its segment; its periods are not looked at.

    Models are chosen, and bounds made, by trials a year ahead, so that a month is foretold alike however many are asked for. FariError where a
    metric's past is too short or has gaps, or there is nothing in the segment; UsageError where nothing of the kind is foretold.
    """
    if question.by:
        raise UsageError("forecasts are of one segment: --where, not --by")
    months = past(asker, question)
    found = []
    for name in question.metrics:
        metric = METRICS[name]
        own = replace(question, metrics=(name,), periods=months)
        if name in LEVELS:
            found.append(_level(asker, own, count, level))
        elif isinstance(metric, Formula):
            found.append(_formula(asker, own, count, level))
        elif isinstance(metric, Measure) and metric.when in ("opening", "closing"):
            raise UsageError(
                f"{name} is a level of which nothing tells what moves it: {', '.join(LEVELS)} are foretold, and what is counted by month"
            )
        else:
            found.append(_by_past(asker, own, count, level))
    return found


def past(asker: Asker, question: Question) -> tuple[Period, ...]:
    """All whole months of data. FariError where there are none."""
    covered, _ = asker.state(question.as_of, question.rules)
    usual = defaults(covered)
    if usual is None or covered.since is None:
        raise FariError("nothing is imported yet, so nothing can be foretold")
    first = covered.since.replace(day=1) if covered.since.day == 1 else add_months(covered.since.replace(day=1), 1)
    return tuple(cut(min(first, usual[0]), usual[1], "month"))


def values(asker: Asker, question: Question) -> list[float]:
    """A metric's values by month: those after the last month without one. FariError where they are too few."""
    (name,) = question.metrics
    answers = asker.ask(question)
    known: list[float] = []
    for answer in answers:
        known = [*known, float(answer.value)] if answer.value is not None and answer.complete else []
    if len(known) < series.FEWEST:
        last = next((note for answer in reversed(answers) for note in answer.notes if answer.value is None), "")
        raise FariError(f"{name} has {len(known)} whole months of past, and {series.FEWEST} are needed{f' ({last})' if last and not known else ''}")
    return known


def _by_past(asker: Asker, question: Question, count: int, level: float) -> Forecast:
    """A metric by its own past. Months whose cohort still becomes customers are none of it, and are passed over."""
    (name,) = question.metrics
    months, known = question.periods, values(asker, question)
    while months and young(asker, question, name, months[-1]):
        months = months[:-1]
    if not months:
        raise FariError(f"{name} is not foretold: until when its cohorts still become customers is not known")
    passed = len(question.periods) - len(months)
    known = values(asker, replace(question, periods=months)) if passed else known
    found = _series(name, METRICS[name].unit, months, known, count + passed, level)
    return replace(found, last=question.periods[-1], months=found.months[passed:])


def _series(name: str, unit: str, months: Sequence[Period], known: Sequence[float], count: int, level: float) -> Forecast:
    trial, usual = series.chosen(known, YEAR)
    told = series.MODELS[trial.name](known, count)
    found = series.bounds(trial, level)
    error = trial.error / usual.error if usual.error and found else None
    floor = 0.0 if min(known) >= 0 else float("-inf")
    ahead = []
    for step, (period, value) in enumerate(zip(following(months[-1], count), told, strict=True), 1):
        middle = max(value, floor)
        low, high = (None, None) if found is None else (_number(max(middle - found.at(step), floor)), _number(middle + found.at(step)))
        ahead.append(Ahead(period, _number(middle), low, high))
    return Forecast(name, unit, months[-1], tuple(ahead), trial.name, error, found)


def _formula(asker: Asker, question: Question, count: int, level: float) -> Forecast:
    """A formula of one level and constants (ARR) is that level's, worked out; any other is a series of its own."""
    from fari.engine.formulas import worked_out

    (name,) = question.metrics
    formula = METRICS[name]
    assert isinstance(formula, Formula)
    if len(formula.inputs) == 1 and formula.inputs[0] in LEVELS:
        inner = _level(asker, replace(question, metrics=formula.inputs), count, level)

        def out(value: Number | None) -> Decimal | None:
            found = None if value is None else worked_out(formula, (Decimal(value),))[0]
            return None if found is None else Decimal(found)

        months = []
        for one in inner.months:
            parts = {part: out(amount) or Decimal(0) for part, amount in one.parts.items()}
            months.append(Ahead(one.period, sum(parts.values(), start=Decimal(0)), out(one.low), out(one.high), parts))
        return replace(inner, metric=name, unit=formula.unit, months=tuple(months))
    if any(each in GIVEN for each in formula.inputs) and formula.unit == "months":
        raise UsageError(f"{name} is not foretold: a lifetime is one over churn, and has no path of its own")
    return replace(_by_past(asker, question, count, level), notes=("ratio",))


@dataclass(frozen=True)
class _Past:
    """A level by month: the book by cohort and term at each month's end, and what moved it."""

    months: tuple[Period, ...]
    levels: list[float]
    books: list[dict[tuple[str, str], float]]
    won: list[float]
    net: list[float]
    """Expansion less contraction."""
    lost: list[float]
    mix: list[dict[str, float]]
    """What was won, by term."""


def _level(asker: Asker, question: Question, count: int, level: float) -> Forecast:
    (name,) = question.metrics
    known = _known(asker, question)
    if not any(known.levels) and not any(known.won):
        raise FariError(f"{name} is 0 in all {len(known.levels)} months here, so nothing can be foretold")
    place = len(known.months) - 1
    parts = _carried(asker, question, known, place, count)
    steps = []
    for at in range(max(YEAR - 1, place - TRIALS), place):
        told = _carried(asker, question, known, at, min(YEAR, place - at))
        steps.append(tuple((float(sum(one.values())), came) for one, came in zip(told, known.levels[at + 1 :], strict=False)))
    trial = Trial("cohorts", tuple(steps))
    # Errors in parts of the level, which has grown since.
    scale = known.levels[place] or 1.0
    relative = tuple(one for one in (tuple((told / came, 1.0) for told, came in tries if came) for tries in steps) if one)
    found = series.bounds(Trial("", relative), level)
    naive = Trial("", tuple(tuple((known.levels[place - len(steps) + n], came) for _, came in one) for n, one in enumerate(steps)))
    ahead = []
    for step, (period, made) in enumerate(zip(following(known.months[-1], count), parts, strict=True), 1):
        value = sum(made.values(), start=Decimal(0))
        width = None if found is None else _number(found.at(step) * float(value or scale))
        ahead.append(Ahead(period, value, None if width is None else max(value - width, Decimal(0)), None if width is None else value + width, made))
    error = trial.error / naive.error if found and naive.error else None
    notes: tuple[Note, ...] = () if found else ("short" if len(known.levels) < BOUNDED else "empty",)
    if error is not None and error > 1:
        notes = ("worse",)
    return Forecast(name, METRICS[name].unit, known.months[-1], tuple(ahead), COHORTS, error, found, notes)


def _known(asker: Asker, question: Question) -> _Past:
    """The past of a level. FariError where it is too short."""
    (name,) = question.metrics
    moves = LEVELS[name]
    whole = values(asker, question)
    months = question.periods[-len(whole) :]
    own = replace(question, periods=months)
    books: list[dict[tuple[str, str], float]] = [{} for _ in months]
    place = {period: n for n, period in enumerate(months)}
    for answer in asker.ask(replace(own, by=("cohort", "term"))):
        if answer.value:
            books[place[answer.period]][answer.segment["cohort"], answer.segment["term"]] = float(answer.value)
    names = (*moves.won, *moves.grown, *moves.shrunk, moves.lost)
    told = {(a.metric, place[a.period]): float(a.value or 0) for a in asker.ask(replace(own, metrics=names))}
    mix: list[dict[str, float]] = [{} for _ in months]
    for answer in asker.ask(replace(own, metrics=moves.won[:1], by=("term",))):
        if answer.value:
            mix[place[answer.period]][answer.segment["term"]] = float(answer.value)

    def sums(which: Sequence[str]) -> list[float]:
        return [sum(told[one, n] for one in which) for n in range(len(months))]

    net = [more - less for more, less in zip(sums(moves.grown), sums(moves.shrunk), strict=True)]
    return _Past(months, whole, books, sums(moves.won), net, sums((moves.lost,)), mix)


def _carried(asker: Asker, question: Question, known: _Past, place: int, count: int) -> list[dict[str, Decimal]]:
    """The parts of a level in each of so many months after the one at `place`, from what was known at its end."""
    since = max(0, place - YEAR + 1)
    openings = sum(known.levels[max(n - 1, 0)] for n in range(since, place + 1)) or 1.0
    churn = min(sum(known.lost[since : place + 1]) / openings, 1.0)
    growth = sum(known.net[since : place + 1]) / openings
    fitted = terms(asker, replace(question, periods=(known.months[place],), where=(), metrics=()))
    models = {name: term.model for name, term in fitted.items()}
    won = known.won[: place + 1]
    trial, _ = series.chosen(won, YEAR)
    coming = [max(value, 0.0) for value in series.MODELS[trial.name](won, count)]
    mixed: dict[str, float] = {}
    for one in known.mix[since : place + 1]:
        for term, amount in one.items():
            mixed[term] = mixed.get(term, 0.0) + amount
    total = sum(mixed.values())
    shares = {term: amount / total for term, amount in mixed.items()} if total else {NOT_SET: 1.0}
    today = _month(f"{known.months[place].since:%Y-%m}")
    parts, grown, before, there = [], 0.0, known.levels[place], known.levels[place]
    for step in range(1, count + 1):
        committed = renewed = 0.0
        for (cohort, term), amount in known.books[place].items():
            age, length = max(today - _month(cohort), 0), months_of(term)
            made, making = age // length, (age + step) // length
            if making == made:
                committed += amount
            else:
                renewed += amount * _kept(models.get(term), churn, length, made, making)
        new = sum(
            coming[won_at - 1] * share * _kept(models.get(term), churn, months_of(term), 0, (step - won_at) // months_of(term))
            for won_at in range(1, step + 1)
            for term, share in shares.items()
        )
        book = committed + renewed
        grown = grown * (book / before if before else 0.0) + growth * there
        before, there = book, book + new + grown
        parts.append({name: _number(amount) for name, amount in zip(PARTS, (committed, renewed, grown, new), strict=True) if amount})
    return parts


def _kept(model: Retention | None, churn: float, length: int, made: int, making: int) -> float:
    """The share of those who have made so many renewals that make so many."""
    if model is None:
        return float((1 - churn) ** (length * (making - made)))
    return model.survival(making, made)


def _month(text: str) -> int:
    """A month's number; of none at all one long ago.

    >>> _month("2025-03") - _month("2024-12")
    3
    """
    year, _, month = text.partition("-")
    return int(year) * 12 + int(month) if year.isdigit() and month.isdigit() else 0


def following(last: Period, count: int) -> tuple[Period, ...]:
    """So many months after one."""
    first: date = last.until
    return tuple(cut(first, add_months(first, count), "month"))


def _number(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_CENT)
