"""What a customer is worth: ARPA times the lifetime that the company's own cohorts let one expect, with bounds, beside the naive figure.

For each term of contract a shifted-beta-geometric model is fitted to all customers. A segment's customers are taken to leave more or less
readily by one factor: the one that makes the losses seen in it likeliest, given the ages its customers were watched at. So a small segment
borrows the shape of the curve and keeps its own speed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import exp, hypot, log, sqrt

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker
from fari.facts.words import NOT_SET, TERMS
from fari.insight.lives import Key, Lives, lives, watch
from fari.insight.retention import WITHIN, Retention, bounds, fit, halved, too_little
from fari.insight.survival import Estimate

DISCOUNT = 0.1
"""A year's discount where none is given."""
FEWEST = 5
"""A segment that has lost fewer customers than these has no speed of its own."""
SMALL = 0.1
"""A term with a smaller share of MRR than this that is too little known is taken to last as long as the others."""
_UNSEEN = "no customer has been watched here from its first paid day to now"
NAIVE, FITTED, BASE = "clv", "clv_fitted", "base_value"
"""The answers, in their order."""

Value = Callable[[Retention], float]
"""Months' worth of MRR that a model lets one expect."""


@dataclass(frozen=True)
class Term:
    """A term of contract: the lives of all customers with it by renewal, and their model, or why there is none."""

    name: str
    lives: Lives
    model: Retention | None
    why: str

    @property
    def months(self) -> int:
        """Its length."""
        return months_of(self.name)

    def discount(self, yearly: float) -> float:
        """A year's discount as that of one term."""
        return float((1 + yearly) ** (self.months / 12) - 1)

    def lifetime(self, yearly: float) -> Value:
        """Months a new customer will pay for, each term in advance, discounted."""
        return lambda model: self.months * model.terms(self.discount(yearly))

    def remaining(self, yearly: float, there: Mapping[int, int]) -> Value:
        """Months that customers of these ages will still pay for, on average; the next renewal is half a term away."""
        discount, everyone, oldest = self.discount(yearly), sum(there.values()), max(there)

        def months(model: Retention) -> float:
            ahead = model.residuals(discount, oldest)
            return self.months * sum(n * ahead[age] for age, n in there.items()) / everyone / sqrt(1 + discount)

        return months


@dataclass(frozen=True)
class Segment:
    """What is known of a segment at the end of the period: its lives and its MRR by term."""

    lives: Mapping[str, Lives]
    mrr: Mapping[str, Decimal]


def months_of(term: str) -> int:
    """A term's length in months.

    >>> months_of("quarter"), months_of("24 months")
    (3, 24)
    """
    named = {NOT_SET: 1} | {name: months for months, name in TERMS.items()}
    return named.get(term) or int(term.partition(" ")[0])


def terms(asker: Asker, question: Question) -> dict[str, Term]:
    """Every term of contract with its model, from all customers won and watched until the end of the question's one period.

    FariError where no source covers subscriptions.
    """
    whole = watch(asker, question, date.min)
    everyone = lives(asker, replace(question, periods=(whole,), by=("term",), where=(), segments=()), "tenure")[whole]
    found = {}
    for (name,), seen in everyone.items():
        why = too_little(seen)
        found[name] = Term(name, seen, None if why else fit(seen), f"by {name} {why}" if why else "")
    return found


def worth(asker: Asker, question: Question, fitted: Mapping[str, Term], discount: float = DISCOUNT) -> list[Answer]:
    """Customer lifetime value by segment at the end of the question's one period, at a yearly discount (above 0), from the terms' models.

    `clv` is the metric: arpa / churn of the period. `clv_fitted` is ARPA at the period's end × the months for which a new customer will
    pay (discounted, each term in advance) × gross margin. `base_value` is what the customers there are will still pay. Refused, with the
    reason in the notes, where too little has been seen.
    """
    margin = asker.ledger.company.gross_margin
    told: dict[str, dict[Key, Answer]] = {"arpa": {}, NAIVE: {}}
    for answer in asker.ask(replace(question, metrics=("arpa", NAIVE))):
        told[answer.metric][tuple(answer.segment.values())] = answer
    segments = _segments(asker, question)
    ways: dict[str, dict[str, Value]] = {FITTED: {}, BASE: {}}
    for name, term in fitted.items():
        ways[FITTED][name] = term.lifetime(discount)
        if term.lives.open:
            ways[BASE][name] = term.remaining(discount, term.lives.open)
    shapes = {
        metric: {name: bounds(fitted[name].lives, model, way) for name, way in by_term.items() if (model := fitted[name].model)}
        for metric, by_term in ways.items()
    }
    made: dict[str, list[Answer]] = {FITTED: [], BASE: []}
    for key, naive in told[NAIVE].items():
        own = segments.get(key, Segment({}, {}))
        arpa = told["arpa"].get(key) or replace(naive, metric="arpa", value=None, notes=("mrr and customers are 0 in this period",))
        here = {name: fitted[name].remaining(discount, own.lives[name].open) for name in ways[BASE] if name in own.lives and own.lives[name].open}
        mrr = sum(own.mrr.values(), start=Decimal(0))
        for metric, per, own_ways in ((FITTED, arpa.value, ways[FITTED]), (BASE, mrr if arpa.value is not None else None, ways[BASE] | here)):
            parts: dict[str, Number | None] = {"arpa" if metric == FITTED else "mrr": per, "lifetime_months": None, "relative_churn": None}
            answer = replace(arpa, metric=metric, value=None, parts=parts)
            if per is not None:
                months, speed, notes = _months(own, fitted, own_ways, shapes[metric])
                answer = replace(answer, notes=(*answer.notes, *notes))
                if months and speed:
                    parts |= {"lifetime_months": _decimal(months.value), "relative_churn": _decimal(speed)}
                    low, value, high = (Decimal(per) * margin * _decimal(one) for one in (months.low, months.value, months.high))
                    answer = replace(answer, value=value, low=low, high=high)
            made[metric].append(answer)
    return [*told[NAIVE].values(), *made[FITTED], *made[BASE]]


def _segments(asker: Asker, question: Question) -> dict[Key, Segment]:
    """The question's segments. Split first and filtered here, so that a filter gives the number of the segment's row."""
    dimensions = tuple(dict.fromkeys((*question.by, *(name for name, _ in question.where), "term")))
    split = replace(question, by=dimensions, where=(), segments=())
    whole = watch(asker, question, date.min)
    wanted = dict(question.where)

    def place(key: Key) -> tuple[Key, str] | None:
        named = dict(zip(dimensions, key, strict=True))
        inside = all(named[name] in values for name, values in wanted.items())
        return (tuple(named[name] for name in question.by), named["term"]) if inside else None

    seen: dict[Key, dict[str, Lives]] = defaultdict(lambda: defaultdict(Lives))
    for key, one in lives(asker, replace(split, periods=(whole,)), "tenure")[whole].items():
        if at := place(key):
            seen[at[0]][at[1]] += one
    mrr: dict[Key, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for answer in asker.ask(replace(split, metrics=("mrr",))):
        if answer.value and (at := place(tuple(answer.segment.values()))):
            mrr[at[0]][at[1]] += Decimal(answer.value)
    return {key: Segment(dict(seen[key]), dict(mrr[key])) for key in {*seen, *mrr}}


def _months(
    own: Segment, fitted: Mapping[str, Term], ways: Mapping[str, Value], shapes: Mapping[str, Estimate]
) -> tuple[Estimate | None, float | None, tuple[str, ...]]:
    """(months' worth of its MRR with bounds, how readily its customers leave beside all others, notes) of a segment."""
    total = sum(own.mrr.values())
    known = {name: model for name, term in fitted.items() if (model := term.model) and name in ways and own.mrr.get(name)}
    unknown = {name: mrr for name, mrr in own.mrr.items() if name not in known}
    if not known or sum(unknown.values()) > Decimal(str(SMALL)) * total:
        name = max(unknown, key=lambda name: unknown[name], default="")
        return None, None, ((fitted[name].why if name in fitted else "") or _UNSEEN,)
    notes = [f"customers by {name} are too few to tell: taken to stay as long as the others" for name in sorted(unknown)]
    weights = {name: float(own.mrr[name] / sum(own.mrr[one] for one in known)) for name in known}
    shape = _added((weights[name], shapes[name]) for name in known)
    if all(own.lives.get(name) == fitted[name].lives for name in known):
        return shape, 1.0, tuple(notes)
    pairs = [(own.lives.get(name, Lives()), model) for name, model in known.items()]
    losses = sum(seen.losses for seen, _ in pairs)
    if losses < FEWEST:
        return None, None, (f"{losses} lost customers are too few to tell how long these stay: {FEWEST} are needed",)
    speed = faster(pairs)

    def at(factor: float) -> float:
        return sum(weights[name] * ways[name](slowed(model, factor)) for name, model in known.items())

    value = at(speed.value)
    low = value * _away(at(speed.high) / value, shape.low / shape.value) if value else 0.0
    high = value / _away(value / at(speed.low), shape.value / shape.high) if value else at(speed.low)
    return Estimate(value, low, high), speed.value, tuple(notes)


def slowed(model: Retention, factor: float) -> Retention:
    """The same shape where customers are so many times as likely to leave."""
    return Retention(min(model.churn * factor, 1.0), model.spread)


def faster(seen: Iterable[tuple[Lives, Retention]]) -> Estimate:
    """How many times as readily customers leave as models say that are of others, from their lives, with 95 % bounds.

    >>> regular = Lives.of_cohorts((1000, 631, 468, 382, 326, 289, 262, 241))
    >>> round(faster([(regular, fit(regular))]).value, 6)
    1.0
    """
    pairs = list(seen)
    losses = sum(lives.losses for lives, _ in pairs)
    kept = [
        (at_risk - lost, model.churn, 1 + (renewal - 1) * model.spread)
        for lives, model in pairs
        for renewal, at_risk, lost in lives.faced
        if at_risk > lost
    ]
    most = 1 / max(model.churn for _, model in pairs)

    def likelihood(factor: float) -> float:
        return losses * log(factor) + sum(n * log(aged - factor * churn) for n, churn, aged in kept)

    best = halved(lambda factor: losses / factor - sum(n * churn / (aged - factor * churn) for n, churn, aged in kept), 0.0, most)
    floor = likelihood(best) - WITHIN
    return Estimate(
        best,
        halved(lambda factor: floor - likelihood(factor), 0.0, best),
        halved(lambda factor: likelihood(factor) - floor, best, most),
    )


def _away(one: float, other: float) -> float:
    """Two independent factors of at most 1 as one: the hypotenuse of their logarithms."""
    return exp(-hypot(log(one), log(other))) if one and other else 0.0


def _added(weighted: Iterable[tuple[float, Estimate]]) -> Estimate:
    """Independent estimates added up; each side of the bounds as the hypotenuse of theirs (Zou and Donner 2008)."""
    parts = [(weight * one.value, weight * one.low, weight * one.high) for weight, one in weighted]
    value = sum(middle for middle, _, _ in parts)
    return Estimate(value, value - hypot(*(middle - low for middle, low, _ in parts)), value + hypot(*(high - middle for middle, _, high in parts)))


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))
