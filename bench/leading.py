"""How often `fari leading` is wrong: series that know nothing of each other, and series of which one follows the other.

    python bench/leading.py [--pairs 300] [--weeks 52 60 80 104]

Weekly counts are drawn (Poisson, about 20 of the target and 100 of the figure a week) about rates that stand still, wander and come back, walk at random, grow,
have a season, follow the month, rush in one
week of every quarter, jump once, or shoot up now and then. Of unrelated pairs each has a rate of its own; where the figure leads, the target is drawn
about a fifth of the figure of some weeks before. Each pair is judged as a company's only figure would be.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from math import exp, pi, sin, sqrt
from random import Random

from fari.insight.leading import FALSE, judged, tried
from fari.insight.noise import discovered

TARGET, FIGURE = 20, 100
UNRELATED = ("still", "wanders", "walk", "growth", "season", "month", "quarter", "jump", "bursts")
LED = ("still", "wanders", "walk")


def rates(kind: str, random: Random, weeks: int) -> list[float]:
    """What a week's count is drawn about, as a multiple of the usual."""
    phase, at, found = random.random(), 0.0, []
    for week in range(weeks):
        step = random.gauss(0, 1)
        if kind == "wanders":
            at = 0.5 * at + 0.26 * step
        elif kind == "walk":
            at += 0.1 * step
        else:
            at = {
                "still": 0.0,
                "growth": 0.02 * week,
                "season": 0.5 * sin(2 * pi * (week / 52.18 + phase)),
                "month": 0.4 * sin(2 * pi * (week / 4.348 + phase)),
                "quarter": 0.6 * ((week / 13.045 + phase) % 1 < 1 / 13),
                "jump": 0.7 * (week > weeks * phase),
                "bursts": 1.2 * (random.random() < 0.04),
            }[kind]
        found.append(exp(at))
    return found


def counted(random: Random, mean: float) -> float:
    """The square root of a count drawn about a mean."""
    count, waited = 0, random.expovariate(1.0)
    while waited < mean:
        count, waited = count + 1, waited + random.expovariate(1.0)
    return sqrt(count)


def pair(kind: str, lag: int | None, weeks: int, seed: int) -> tuple[list[float], list[float]]:
    """A target and a figure that it follows by so many weeks; without a lag, one that has nothing to do with it."""
    random = Random(f"{kind} {lag} {weeks} {seed}")
    figure = [counted(random, FIGURE * rate) for rate in rates(kind, random, weeks + (lag or 0))]
    if lag is None:
        return [counted(random, TARGET * rate) for rate in rates(kind, random, weeks)], figure
    return [counted(random, TARGET / FIGURE * figure[week] ** 2) for week in range(weeks)], figure[lag:]


def verdicts(kind: str, lag: int | None, weeks: int, seeds: Iterable[int]) -> Counter[str]:
    """How often each verdict is given; and `near`, how often a lead is found within two weeks of its lag."""
    called: Counter[str] = Counter()
    for seed in seeds:
        ahead, beside = tried(*pair(kind, lag, weeks, seed))
        found = judged(ahead, beside, discovered([ahead.chance, beside.chance], FALSE))
        called[found.verdict] += 1
        called["near"] += found.verdict == "leads" and lag is not None and abs(found.weeks - lag) <= 2
    return called


def main() -> None:
    """Draw, judge, count, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=300)
    options.add_argument("--weeks", type=int, nargs="+", default=[52, 60, 80, 104])
    asked = options.parse_args()
    cases: list[tuple[str, int | None]] = [(kind, None) for kind in UNRELATED]
    cases += [(kind, lag) for lag in (0, 1, 4, 8) for kind in LED]
    for weeks in asked.weeks:
        for kind, lag in cases:
            called = verdicts(kind, lag, weeks, range(asked.pairs))
            told = ", ".join(
                f"{verdict} {called[verdict] / asked.pairs:.1%}" for verdict in ("leads", "moves with it", "no use", "cannot tell", "near")
            )
            print(f"{weeks} weeks, {kind}, {'unrelated' if lag is None else f'leads by {lag}'}: {told}", flush=True)


if __name__ == "__main__":
    main()
