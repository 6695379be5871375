"""Survival: which share of customers is still there at each age (Kaplan and Meier), with its band, and how long they stay within a limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import erfc, exp, log, sqrt
from statistics import NormalDist

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.insight.lives import Lives, lives, watch
from fari.rules import preset

CONFIDENCE = 0.95
FEW = 10
"""Fewer customers than these say little of an age: the curve notes where it begins."""


@dataclass(frozen=True)
class Point:
    """One age of a curve: `at_risk` customers were there until it and watched at it, `lost` of them were gone, `survival` of all remain.

    `low` and `high` bound survival; None while nobody is lost, or once nobody is left.
    """

    age: int
    at_risk: int
    lost: int
    survival: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """A number with the bounds it has."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A segment's survival by age in months, from age 0 on."""

    segment: Mapping[str, str]
    customers: int
    lost: int
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    chance: float | None = None
    """How often chance alone would make it differ as much from all other segments together (log-rank); None where there is no other."""

    def at(self, age: int) -> Point | None:
        """The point at an age; None where nobody was watched so long."""
        return self.points[age] if age < len(self.points) else None

    @property
    def median(self) -> int | None:
        """The first age at which no more than half are there; None where more than half still are."""
        return next((point.age for point in self.points if point.survival <= 0.5), None)

    def mean(self, until: int) -> Estimate | None:
        """Mean months as a customer within the first `until` ones, with its bounds; None where nobody was watched so long.

        The area under the curve; its variance is Greenwood's. Source: Irwin 1949; Klein and Moeschberger, Survival Analysis, 4.5.

        >>> peer = kaplan_meier(Lives(lost={1: 1, 2: 1, 3: 1, 5: 1}, open={2: 1, 4: 1, 6: 4}))
        >>> round(Curve({}, 10, 4, peer).mean(6).value, 2)
        4.62
        """
        if until >= len(self.points):
            return None
        area = [0.0] * (until + 1)
        for age in range(until - 1, -1, -1):
            area[age] = area[age + 1] + self.points[age].survival
        variance = sum(area[p.age] ** 2 * p.lost / (p.at_risk * (p.at_risk - p.lost)) for p in self.points[1:until] if p.at_risk > p.lost)
        half = _z() * sqrt(variance)
        return Estimate(area[0], max(0.0, area[0] - half), min(float(until), area[0] + half))


def kaplan_meier(lives: Lives) -> tuple[Point, ...]:
    """The curve of lives, from age 0 to the greatest at which anyone was watched.

    Bands are Greenwood's, on the log(−log) scale, so that they stay between 0 and 1. Source: Kaplan and Meier 1958; Kalbfleisch and
    Prentice, The Statistical Analysis of Failure Time Data, 1.4.

    >>> [round(point.survival, 6) for point in kaplan_meier(Lives(lost={1: 1, 2: 1, 3: 1, 5: 1}, open={2: 1, 4: 1, 6: 4}))]
    [1.0, 0.9, 0.8, 0.685714, 0.685714, 0.548571, 0.548571]
    """
    survival, greenwood = 1.0, 0.0
    points = [Point(0, lives.customers, 0, 1.0, None, None)]
    for age, at_risk, lost in lives.faced:
        survival *= (at_risk - lost) / at_risk
        low = high = None
        if 0 < survival < 1:
            greenwood += lost / (at_risk * (at_risk - lost))
            half = _z() * sqrt(greenwood) / abs(log(survival))
            low, high = survival ** exp(half), survival ** exp(-half)
        points.append(Point(age, at_risk, lost, survival, low, high))
    return tuple(points)


def log_rank(one: Lives, others: Lives) -> float | None:
    """How often chance alone makes two groups that leave alike differ as much as these (p); None where nobody left whose leaving could tell.

    Source: Mantel 1966; Peto and Peto 1972.

    >>> round(log_rank(Lives(lost={1: 3, 2: 2}, open={6: 5}), Lives(lost={3: 1, 5: 2}, open={6: 7})), 4)
    0.221
    """
    theirs = {age: (at_risk, lost) for age, at_risk, lost in others.faced}
    beyond, variance = 0.0, 0.0
    for age, at_risk, lost in one.faced:
        everyone, gone = at_risk + theirs.get(age, (0, 0))[0], lost + theirs.get(age, (0, 0))[1]
        beyond += lost - at_risk * gone / everyone
        if everyone > 1:
            variance += at_risk / everyone * (1 - at_risk / everyone) * gone * (everyone - gone) / (everyone - 1)
    return erfc(abs(beyond) / sqrt(2 * variance)) if variance > 0 else None


def survival(asker: Asker, question: Question) -> tuple[Period, list[Curve]]:
    """A curve for each segment of the accounts that became customers in the question's one period, and the days they were watched.

    They are watched until its last day, or as long as subscriptions are covered. Ages are whole months since the first paid day; a spell
    ends with the first churn, and who is still there is censored at the age reached. FariError where no source covers subscriptions.
    """
    watched = watch(asker, question)
    segments = lives(asker, replace(question, periods=(watched,)))[watched]
    rules = asker.state(question.as_of, question.rules)[1].rules
    under = (f"rules: {rules.label}",) if rules != preset() else ()
    curves = []
    for key, of in segments.items():
        others = sum((each for other, each in segments.items() if other != key), start=Lives())
        chance = log_rank(of, others) if len(segments) > 1 else None
        curves.append(Curve(dict(zip(question.by, key, strict=True)), of.customers, of.losses, kaplan_meier(of), (*_few(of), *under), chance))
    return watched, curves


def together(curves: Sequence[Curve]) -> int:
    """The age up to which means can be compared: the least at which a curve of `FEW` customers or more ends; 0 where there is none."""
    return min((len(curve.points) - 1 for curve in curves if curve.customers >= FEW), default=0)


def _few(of: Lives) -> tuple[str, ...]:
    thin = next((age for age, at_risk, _ in of.faced if at_risk < FEW), None)
    return () if thin is None else (f"fewer than {FEW} customers are watched from the age of {thin} on",)


def _z() -> float:
    return NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
