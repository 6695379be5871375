"""Quantiles and tails of the gamma, Student's t and binomial distributions, which Python's `statistics` lacks.

Series and continued fractions after Abramowitz and Stegun (6.5.29, 6.5.31, 26.5.8, by Lentz's method), to about twelve digits.
"""

from collections.abc import Callable
from functools import cache
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

_TINY = 1e-300
_CLOSE = 1e-15
NORMAL = NormalDist()


def gamma_cdf(x: float, shape: float) -> float:
    """The chance that a gamma variable of that shape (scale 1) is at most x: the regularised lower incomplete gamma function.

    >>> round(gamma_cdf(2.0, 3.0), 10)
    0.3233235838
    """
    if x <= 0:
        return 0.0
    front = exp(-x + shape * log(x) - lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        n = shape
        while abs(term) > abs(total) * _CLOSE:
            n += 1
            term *= x / n
            total += term
        return min(1.0, front * total)
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    fraction, i = d, 0
    while True:
        i += 1
        a = -i * (i - shape)
        b += 2
        d = 1 / _not_zero(a * d + b)
        c = _not_zero(b + a / c)
        fraction *= d * c
        if abs(d * c - 1) < _CLOSE:
            return max(0.0, 1 - front * fraction)


@cache
def gamma_quantile(p: float, shape: float) -> float:
    """The x with gamma_cdf(x, shape) = p, 0 < p < 1.

    >>> round(gamma_quantile(0.95, 11.0), 6)
    16.962219
    """
    # Wilson and Hilferty's approximation is a good place to start from.
    start = shape * (1 - 1 / (9 * shape) + NORMAL.inv_cdf(p) / (3 * sqrt(shape))) ** 3
    if start <= 0 or shape < 1:
        start = exp((log(p) + lgamma(shape + 1)) / shape)
    return _root(lambda x: gamma_cdf(x, shape) - p, start)


def beta_cdf(x: float, a: float, b: float) -> float:
    """The chance that a beta variable is at most x: the regularised incomplete beta function.

    >>> round(beta_cdf(0.3, 2.0, 5.0), 6)
    0.579825
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    fraction, m = d, 0
    while True:
        m += 1
        for numerator in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / _not_zero(1 + numerator * d)
            c = _not_zero(1 + numerator / c)
            fraction *= d * c
        if abs(d * c - 1) < _CLOSE:
            return front * fraction


def t_tail(t: float, freedom: float) -> float:
    """The chance that Student's t is above t.

    >>> round(t_tail(2.0, 5), 6)
    0.05097
    """
    half = beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return half if t >= 0 else 1 - half


@cache
def t_quantile(p: float, freedom: float) -> float:
    """The t that Student's t is at most with chance p.

    >>> round(t_quantile(0.95, 49), 6)
    1.676551
    """
    if p < 0.5:
        return -t_quantile(1 - p, freedom)
    return _root(lambda t: 1 - p - t_tail(t, freedom), max(NORMAL.inv_cdf(p), 1e-9))


def poisson_bounds(count: float, level: float) -> tuple[float, float]:
    """Garwood's exact bounds of the mean of which a count was drawn; of a count that need not be whole, by the same gamma distributions.

    Source: Garwood, Biometrika 28 (1936).

    >>> [round(bound, 3) for bound in poisson_bounds(10, 0.95)]
    [4.795, 18.39]
    """
    tail = (1 - level) / 2
    low = gamma_quantile(tail, count) if count > 0 else 0.0
    return low, gamma_quantile(1 - tail, count + 1)


def binomial_p(successes: int, trials: int, share: float) -> float:
    """How often chance makes a binomial count as far out as this or farther, to whichever side: twice the smaller tail.

    >>> binomial_p(5, 5, 0.5), binomial_p(3, 6, 0.5)
    (0.0625, 1.0)
    """
    at_most = 1.0 if successes >= trials else beta_cdf(1 - share, trials - successes, successes + 1)
    at_least = 1.0 if successes <= 0 else beta_cdf(share, successes, trials - successes + 1)
    return min(1.0, round(2 * min(at_most, at_least), 15))


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _root(rising: Callable[[float], float], start: float) -> float:
    """Where a rising function of a positive number passes 0: the secant's step, halving wherever it leaves the bracket."""
    low, high = 0.0, inf
    x, step = start, 1e-4 * start
    before = rising(x - step)
    was = x - step
    for _ in range(200):
        value = rising(x)
        if value == 0:
            return x
        low, high = (x, high) if value < 0 else (low, x)
        slope = (value - before) / (x - was)
        before, was = value, x
        to = x - value / slope if slope > 0 else inf
        if not low < to < high:
            to = (low + high) / 2 if high < inf else 2 * x
        if abs(to - x) <= 1e-14 * abs(x):
            return to
        x = to
    return x
