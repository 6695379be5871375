"""How often 90 % intervals hold the truth: simulated companies of 50, 500 and 5,000 customers, by each of the methods.

    python bench/coverage.py [--runs 1000] [--level 90]

A company is drawn from a market whose truth is known: so many customers on average (Poisson), each paying a skewed amount (log-normal), churning with
one chance and expanding with another. What is bounded is what `fari metrics --interval` bounds, by the same functions (fari.insight.intervals):
counts, sums of money, shares, ratios of counts, and by the bootstrap ARPA, revenue churn and CAC-like quotients of money. Customers are drawn here and
not imported, so that thousands of companies take minutes: the engine's weights are drawn with Python's generator instead of MD5 (tests hold that
the engine's are Poisson and that its sums are right).
"""

import argparse
from collections.abc import Callable
from decimal import Decimal
from math import exp
from random import Random

from fari.insight.intervals import bca, ratio_bounds, sum_bounds
from fari.insight.sampling import DRAWS, SMALL

CHURN, EXPAND, SPREAD = 0.08, 0.2, 0.7
MEAN = exp(SPREAD**2 / 2)
WIN = 0.25
Customer = tuple[float, bool, float]
"""What it pays, whether it leaves, and by how much it grows."""
Figure = Callable[[list[tuple[float, Customer]]], float]


def poisson(random: Random, mean: float) -> int:
    """A Poisson number, by the time between events."""
    count, waited = 0, random.expovariate(1.0)
    while waited < mean:
        count += 1
        waited += random.expovariate(1.0)
    return count


def company(random: Random, size: int) -> list[Customer]:
    """A company drawn from the market."""
    return [
        (amount, random.random() < CHURN, amount * 0.3 if random.random() < EXPAND else 0.0)
        for amount in (random.lognormvariate(0, SPREAD) for _ in range(poisson(random, size)))
    ]


def arpa(units: list[tuple[float, Customer]]) -> float:
    """MRR over customers."""
    return sum(w * pays for w, (pays, _, _) in units) / sum(w for w, _ in units)


def revenue_churn(units: list[tuple[float, Customer]]) -> float:
    """Lost MRR over MRR."""
    return sum(w * pays for w, (pays, left, _) in units if left) / sum(w * pays for w, (pays, _, _) in units)


def nrr(units: list[tuple[float, Customer]]) -> float:
    """What those there were pay now over what they paid."""
    return sum(w * (0.0 if left else pays + grows) for w, (pays, left, grows) in units) / sum(w * pays for w, (pays, _, _) in units)


def bootstrapped(figure: Figure, found: list[Customer], random: Random, level: float) -> tuple[float, float]:
    """Bounds by the bootstrap, as fari.insight.intervals makes them."""
    value = figure([(1.0, one) for one in found])
    drawn, linear = [], []
    step = float(SMALL)
    for _ in range(DRAWS):
        weights = [poisson(random, 1.0) for _ in found]
        drawn.append(figure(list(zip(map(float, weights), found, strict=True))))
        linear.append((figure([(1 + step * (w - 1), one) for w, one in zip(weights, found, strict=True)]) - value) / step)
    return bca(value, sorted(drawn), linear, len(found), level)


def main() -> None:
    """Draw, bound, count, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--level", type=float, default=90)
    options.add_argument("--sizes", type=int, nargs="*", default=[50, 500, 5000])
    asked = options.parse_args()
    level = asked.level / 100
    print(f"{'':<34}" + "".join(f"{size:>10,}" for size in asked.sizes) + f"   of {asked.runs:,} companies each (the bootstrap of fewer large ones)")
    truths: dict[str, float] = {
        "count (exact Poisson)": 1.0, "money (equal units)": MEAN, "share (Wilson)": CHURN, "count over count (score)": WIN,
        "ARPA (bootstrap)": MEAN, "revenue churn (bootstrap)": CHURN, "NRR (bootstrap)": (1 - CHURN) * (1 + EXPAND * 0.3),
    }  # fmt: skip
    held: dict[str, dict[int, str]] = {name: {} for name in truths}
    for size in asked.sizes:
        random = Random(size)
        runs = {name: asked.runs if "bootstrap" not in name else max(100, min(asked.runs, asked.runs * 500 // size)) for name in truths}
        for name, truth in truths.items():
            hits = 0
            for _ in range(runs[name]):
                found = company(random, size)
                if name.startswith("count ("):
                    low, high = sum_bounds({1: len(found)}, level)
                    hits += low <= size <= high
                    continue
                if name.startswith("money"):
                    tally: dict[Decimal, int] = {}
                    for pays, _, _ in found:
                        amount = Decimal(round(pays, 4))
                        tally[amount] = tally.get(amount, 0) + 1
                    low, high = sum_bounds(tally, level)
                    hits += low <= size * truth <= high
                    continue
                if name.startswith("share"):
                    lost = sum(left for _, left, _ in found)
                    low, high = ratio_bounds(0, lost, len(found) - lost, level)
                elif name.startswith("count over"):
                    # Won this month over leads of this month: a part of those won are leads of this month.
                    own, others = poisson(random, size * WIN * 0.6), poisson(random, size * WIN * 0.4)
                    low, high = ratio_bounds(others, own, poisson(random, size * (1 - WIN * 0.6)), level)
                else:
                    figure = arpa if name.startswith("ARPA") else revenue_churn if name.startswith("revenue") else nrr
                    low, high = bootstrapped(figure, found, random, level)
                hits += low <= truth <= high
            held[name][size] = f"{hits / runs[name]:.1%}"
    for name, by_size in held.items():
        print(f"{name:<34}" + "".join(f"{by_size[size]:>10}" for size in asked.sizes))


if __name__ == "__main__":
    main()
