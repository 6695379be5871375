"""Retention projected: the shifted-beta-geometric model. Each customer renews with a chance of its own, and those chances are spread as a Beta.

Who is likely to leave leaves first, so retention rises with age, and 1 / churn understates how long the others stay. Source: Fader and Hardie,
How to Project Customer Retention, Journal of Interactive Marketing 21 (2007); Customer-Base Valuation in a Contractual Setting, Marketing Science
29 (2010).

Written in the mean chance m = a / (a + b) to leave at a renewal and in the spread s = 1 / (a + b), the chance that a customer of age t − 1 renews
is r(t) = (1 − m + (t − 1) s) / (1 + (t − 1) s). The likelihood is then a product of binomials, concave in m for every s, and s = 0 is the constant
churn that a and b reach only at infinity. So it is found by halving intervals, to the last digit and without a start to guess.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import inf, log

from fari.insight.lives import Lives
from fari.insight.survival import FEW, Estimate

WITHIN = 3.841458820694124 / 2
"""How much less than the greatest log-likelihood what lies within 95 % bounds may have: half the 95 % point of chi-square with one degree."""
CUSTOMERS, LOSSES, RENEWALS = 50, 10, 3
"""A model is fitted to so many customers or more, so many of them lost, and so many renewals that enough of them have faced."""
_EXACT, _CLOSE = 54, 27
"""How often an interval is halved: to the last digit, or to eight."""
_GRID = 32
_SPLIT = 1 - 1e-9
"""The largest x: customers leave at the first renewal or all but never."""


@dataclass(frozen=True)
class Retention:
    """A shifted-beta-geometric model: `churn` = a / (a + b) is the mean chance to leave at the first renewal, `spread` = 1 / (a + b)."""

    churn: float
    spread: float

    @classmethod
    def of(cls, a: float, b: float) -> "Retention":
        """By the Beta's own parameters."""
        return cls(a / (a + b), 1 / (a + b))

    @property
    def a(self) -> float:
        """The Beta's first parameter; infinite where all customers are alike."""
        return self.churn / self.spread if self.spread else inf

    @property
    def b(self) -> float:
        """The Beta's second parameter."""
        return (1 - self.churn) / self.spread if self.spread else inf

    def rate(self, renewal: int) -> float:
        """The share of those who face renewal 1, 2, ... that make it.

        >>> [round(Retention.of(0.704, 1.182).rate(renewal), 3) for renewal in (1, 2, 3)]
        [0.627, 0.756, 0.819]
        """
        aged = (renewal - 1) * self.spread
        return (1 - self.churn + aged) / (1 + aged)

    def survival(self, until: int, since: int = 0) -> float:
        """The share of those who have made `since` renewals that make `until`.

        >>> round(100 * Retention.of(0.668, 3.806).survival(7), 1)
        48.9
        """
        share = 1.0
        for renewal in range(since + 1, until + 1):
            share *= self.rate(renewal)
        return share

    def residual(self, discount: float, renewals: int = 0) -> float:
        """DERL: the renewals still to come, each discounted, of a customer who has made so many and is about to be asked again.

        `discount` is the rate of one term and above 0. A customer who begins is worth 1 + residual / (1 + discount) terms.
        Source: Fader and Hardie 2010, (6): (b + n) / (a + b + n) × ₂F₁(1, b + n + 1; a + b + n + 1; 1 / (1 + d)).

        >>> round(Retention.of(3.80, 15.20).residual(0.1), 2), round(Retention(0.2, 0).residual(0.1), 4)
        (3.31, 2.9333)
        """
        return self.residuals(discount, renewals)[-1]

    def residuals(self, discount: float, oldest: int) -> list[float]:
        """`residual` after 0, 1, ... renewals up to so many: each is the next one discounted, and one more, for those who renew."""
        if discount <= 0:
            raise ValueError("renewals that are not discounted may add up to no number")
        last, z = self.rate(oldest + 1), 1 / (1 + discount)
        found = [last * _hypergeometric(self.b + oldest + 1, self.a + self.b + oldest + 1, z) if self.spread else last / (1 - last * z)]
        for renewal in range(oldest, 0, -1):
            found.append(self.rate(renewal) * (1 + found[-1] * z))
        return found[::-1]

    def terms(self, discount: float) -> float:
        """DEL: terms a customer who begins will pay for, the first paid at once, each discounted."""
        return 1 + self.residual(discount) / (1 + discount)

    def likelihood(self, lives: Lives) -> float:
        """The log-likelihood of lives by renewal.

        >>> round(Retention.of(1, 1).likelihood(Lives.of_cohorts((1000, 869, 743, 653, 593, 551, 517, 491))) / 1000, 4)
        -2.1155
        """
        total = 0.0
        for renewal, at_risk, lost in lives.faced:
            leaving = self.churn / (1 + (renewal - 1) * self.spread)
            total += (lost * log(leaving) if lost else 0.0) + ((at_risk - lost) * log(1 - leaving) if at_risk > lost else 0.0)
        return total


def too_little(lives: Lives) -> str:
    """Why lives (by renewal) are too few to fit a model to; "" where they are enough.

    >>> too_little(Lives.of_cohorts((100, 80, 75)))
    'customers have faced 2 renewals so far, and 3 are needed'
    """
    if lives.customers < CUSTOMERS:
        return f"{lives.customers} customers are too few: {CUSTOMERS} are needed"
    if lives.losses < LOSSES:
        return f"{lives.losses} lost customers are too few: {LOSSES} are needed"
    faced = max((renewal for renewal, at_risk, _ in lives.faced if at_risk >= FEW), default=0)
    if faced < RENEWALS:
        return f"customers have faced {faced} renewal{'' if faced == 1 else 's'} so far, and {RENEWALS} are needed"
    return ""


def fit(lives: Lives, spread: float | None = None) -> Retention:
    """The model under which lives (by renewal) are likeliest; its spread may be given. ValueError where nobody faced a renewal.

    >>> regular = fit(Lives.of_cohorts((1000, 631, 468, 382, 326, 289, 262, 241)))
    >>> round(regular.a, 3), round(regular.b, 3)
    (0.704, 1.182)
    """
    if not lives.faced:
        raise ValueError("nobody has faced a renewal")
    if spread is not None:
        return _at(lives, spread)
    # The spread from 0 to infinity, as x from 0 to 1: the best of a grid, then to the last digit where the slope turns.
    best = max(range(_GRID), key=lambda step: _at(lives, _spread(step / _GRID)).likelihood(lives))
    low, high = max(best - 1, 0) / _GRID, min((best + 1) / _GRID, _SPLIT)
    turns = halved(lambda x: _slope(lives, _at(lives, _spread(x))), low, high)
    return max((_at(lives, _spread(x)) for x in (0.0, turns)), key=lambda model: model.likelihood(lives))


def bounds(lives: Lives, best: Retention, value: Callable[[Retention], float]) -> Estimate:
    """95 % bounds of a value that falls as churn rises: its least and greatest among models not much less likely than the best.

    These are the bounds of the profile likelihood. Source: Venzon and Moolgavkar, Applied Statistics 37 (1988).
    """
    floor = best.likelihood(lives) - WITHIN

    def inside(x: float) -> float:
        return _at(lives, _spread(x), _CLOSE).likelihood(lives) - floor

    centre = best.spread / (1 + best.spread)
    least = 0.0 if inside(0.0) >= 0 else halved(lambda x: -inside(x), 0.0, centre, _CLOSE)
    most = max(centre, halved(inside, centre, _SPLIT, _CLOSE))
    found = [value(best)]
    for step in range(_GRID + 1):
        here = _at(lives, _spread(least + (most - least) * step / _GRID), _CLOSE)
        if here.likelihood(lives) < floor:
            continue
        for low, high, sign in ((0.0, here.churn, -1), (here.churn, 1.0, 1)):
            edge = halved(lambda churn: sign * (Retention(churn, here.spread).likelihood(lives) - floor), low, high, _CLOSE)  # noqa: B023
            found.append(value(Retention(edge, here.spread)))
    return Estimate(found[0], min(found), max(found))


def _spread(x: float) -> float:
    return x / (1 - x)


def _at(lives: Lives, spread: float, steps: int = _EXACT) -> Retention:
    """The likeliest model of a spread: where the slope of the likelihood in m, which falls as m rises, turns."""
    kept = [(at_risk - lost, (renewal - 1) * spread) for renewal, at_risk, lost in lives.faced]

    def slope(churn: float) -> float:
        return lives.losses / churn - sum(count / (1 - churn + aged) for count, aged in kept if count)

    return Retention(halved(slope, 0.0, 1.0, steps), spread)


def _slope(lives: Lives, model: Retention) -> float:
    """The slope of the likelihood in the spread."""
    total = 0.0
    for renewal, at_risk, lost in lives.faced:
        aged = (renewal - 1) * model.spread
        kept = (at_risk - lost) / (1 - model.churn + aged) if at_risk > lost else 0.0
        total += (renewal - 1) * (kept - at_risk / (1 + aged))
    return total


def halved(falling: Callable[[float], float], low: float, high: float, steps: int = _EXACT) -> float:
    """Where a function that falls passes 0; an end where it does not. The ends themselves are not asked."""
    for _ in range(steps):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _hypergeometric(b: float, c: float, z: float) -> float:
    """₂F₁(1, b; c; z) for 0 < z < 1 < c, by Gauss's continued fraction (Abramowitz and Stegun 15.1; Lentz's evaluation)."""
    c -= 1
    fraction = numerator = 1.0
    denominator = 0.0
    for n in count(1):
        half, odd = divmod(n, 2)
        above = (c + half) * (b + half) if odd else (c - b + half) * half
        term = -z * above / ((c + n - 1) * (c + n))
        denominator = 1 / (1 + term * denominator)
        numerator = 1 + term / numerator
        step = numerator * denominator
        fraction *= step
        if abs(step - 1) < 1e-15 or n > 100_000:
            return 1 / fraction
    raise AssertionError
