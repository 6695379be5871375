"""Lives for tests: golden ones read from files, random ones drawn from a known model."""

import csv
from pathlib import Path
from random import Random
from typing import Any

from fari.insight.lives import Lives

GOLDEN = Path(__file__).parent.parent / "docs" / "golden" / "retention"


def golden(name: str) -> list[dict[str, str]]:
    """The rows of a golden file."""
    with (GOLDEN / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counts(text: str) -> dict[int, int]:
    """`1:20 2:3` as counts by age."""
    return {int(age): int(count) for age, _, count in (one.partition(":") for one in text.split())}


def drawn(dice: Random, a: float, b: float, customers: int, longest: int) -> Lives:
    """Lives of customers whose chances to leave are spread as a Beta(a, b), each watched for 1 to `longest` renewals."""
    lost: dict[int, int] = {}
    open_: dict[int, int] = {}
    for _ in range(customers):
        chance, watched = dice.betavariate(a, b), dice.randint(1, longest)
        left = next((age for age in range(1, watched + 1) if dice.random() < chance), None)
        counted, age = (open_, watched) if left is None else (lost, left)
        counted[age] = counted.get(age, 0) + 1
    return Lives(lost, open_)


def one_by_one(lives: Lives) -> list[tuple[int, bool]]:
    """Each life apart: (age, whether it ended)."""
    ended = [(age, True) for age, count in lives.lost.items() for _ in range(count)]
    return ended + [(age, False) for age, count in lives.open.items() for _ in range(count)]


def slow_kaplan_meier(spells: list[tuple[int, bool]]) -> dict[int, Any]:
    """The curve life by life, from its definition, in whole fractions."""
    from fractions import Fraction

    survival, curve = Fraction(1), {0: Fraction(1)}
    for age in range(1, max((a for a, _ in spells), default=0) + 1):
        there = sum(1 for a, _ in spells if a >= age)
        survival *= 1 - Fraction(sum(1 for a, ended in spells if a == age and ended), there)
        curve[age] = survival
    return curve
