"""Whether exponential smoothing from a kept library foretells a company's series better than the six plain models.

    python bench/series.py [--times 20] [--months 24 36 54]

Monthly visitors, leads and spend are made up, with growth that comes to an end, a season, steps and noise; each model is chosen by rolling trials as in
fari.insight.series, with and without the library's among them, and the chosen one is held against the six months that follow. It needs statsmodels,
which Fari does not: pip install statsmodels
"""

import argparse
import math
import warnings
from random import Random
from statistics import fmean, stdev

from fari.insight import series

AHEAD = 6
KINDS = {"visitors": (9000.0, 0.09, 0.20), "leads": (400.0, 0.13, 0.15), "spend": (20000.0, 0.08, 0.08), "few leads": (25.0, 0.25, 0.15)}
"""By series its level, its noise and its season, as parts of the level."""


def made(random: Random, kind: str, months: int) -> list[float]:
    """A series with growth that slows down, a season (in three of four), now and then a step, and noise that lasts a little."""
    level, noise, season = KINDS[kind]
    growth, slows, phase = random.uniform(-0.01, 0.04), random.uniform(0.95, 1.0), random.random() * 12
    wave = season if random.random() < 0.75 else 0.0
    values, strays = [], 0.0
    for month in range(months):
        growth *= slows
        level *= 1 + growth
        if random.random() < 0.02:
            level *= random.uniform(0.7, 1.4)
        strays = 0.3 * strays + random.gauss(0, noise)
        values.append(max(level * (1 + wave * math.sin(2 * math.pi * (month + phase) / 12) + strays), 0.0))
    return values


def library(trend: bool, season: bool) -> series.Model:
    """Exponential smoothing of the library, with a damped trend, with a season of a year."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    def model(values, steps):  # type: ignore[no-untyped-def]
        # The library's season wants two whole years.
        seasonal = "add" if season and len(values) >= series.SEASONS else None
        made = ExponentialSmoothing(
            values, trend="add" if trend else None, damped_trend=trend, seasonal=seasonal, seasonal_periods=12 if seasonal else None
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [float(one) for one in made.fit().forecast(steps)]

    return model


def held(past: list[float], came: list[float]) -> tuple[float, str]:
    """(the mean error of the model chosen on the past, as a part of what came; its name)."""
    trial, _ = series.chosen(past, AHEAD)
    told = series.MODELS[trial.name](past, len(came))
    return fmean(abs(a - b) for a, b in zip(told, came, strict=True)) / fmean(came), trial.name


def main() -> None:
    """Print the mean errors of both choices by series and length of the past."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--months", type=int, nargs="*", default=[24, 36, 54])
    args = parser.parse_args()
    plain = dict(series.MODELS)
    more = {"ETS, damped": library(True, False), "ETS, damped and seasonal": library(True, True), "ETS, seasonal": library(False, True)}
    print("months  series     six plain  with the library  less (95 % bounds)  library chosen")
    for months in args.months:
        for kind in KINDS:
            random, without, beside, taken = Random(f"{months} {kind}"), [], [], 0
            for _ in range(args.times):
                values = made(random, kind, months + AHEAD)
                past, came = values[:months], values[months:]
                series.MODELS.clear()
                series.MODELS.update(plain)
                without.append(held(past, came)[0])
                series.MODELS.update(more)
                error, best = held(past, came)
                beside.append(error)
                taken += best in more
            usual = fmean(without)
            gaps = [a - b for a, b in zip(without, beside, strict=True)]
            less, about = fmean(gaps) / usual, 1.96 * stdev(gaps) / math.sqrt(len(gaps)) / usual
            print(f"{months:6}  {kind:9} {usual:10.1%} {fmean(beside):17.1%}  {less:+10.1%} ±{about:5.1%}  {taken:5} of {args.times}", flush=True)


if __name__ == "__main__":
    main()
