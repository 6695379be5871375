"""What a period is compared with: as many days as it has had, paired with the period that is meant."""

from datetime import date

import pytest

from fari.engine.compare import like_for_like, pairs
from fari.engine.periods import Period, cut, parse
from fari.errors import UsageError

MARCH = parse("2025-03")
FEBRUARY = parse("2025-02")


@pytest.mark.parametrize(
    ("horizon", "until"),
    [
        (date(2025, 3, 1), date(2025, 2, 2)),
        (date(2025, 3, 10), date(2025, 2, 11)),
        (date(2025, 3, 28), date(2025, 3, 1)),
        (date(2025, 3, 30), date(2025, 3, 1)),  # February has no 30 days: all of it
        (date(2025, 3, 31), date(2025, 3, 1)),
        (date(2025, 6, 30), date(2025, 3, 1)),
        (date(2025, 2, 27), date(2025, 3, 1)),  # March has not begun: nothing to cut by
        (None, date(2025, 3, 1)),
    ],
)
def test_like_for_like(horizon: date | None, until: date) -> None:
    assert like_for_like([MARCH], {MARCH: FEBRUARY}, horizon) == {MARCH: Period(FEBRUARY.since, until, "month")}


def test_a_longer_period_is_cut_to_the_days_that_were() -> None:
    february, march = parse("2025-02"), parse("2025-03")
    assert like_for_like([february], {february: march}, date(2025, 2, 28))[february] == march
    assert like_for_like([february], {february: march}, date(2025, 2, 3))[february].until == date(2025, 3, 4)


def test_months_of_a_year_are_paired_with_those_of_another() -> None:
    months = cut(date(2025, 1, 1), date(2026, 1, 1), "month")
    paired = pairs(months, "2024")
    assert [paired[month].label for month in months] == [f"2024-{n:02}" for n in range(1, 13)]


def test_otherwise_a_named_period_is_meant_whole() -> None:
    assert pairs([MARCH], "2024")[MARCH] == parse("2024")
    assert pairs([FEBRUARY, MARCH], "2024-12") == {FEBRUARY: parse("2024-12"), MARCH: parse("2024-12")}
    total = Period(date(2025, 1, 1), date(2025, 3, 1), "total")
    assert pairs([total], "2024-Q1")[total] == parse("2024-Q1")


def test_previous_and_year() -> None:
    week = parse("2025-W01")
    assert pairs([week], "previous")[week] == parse("2024-W52")
    assert pairs([week], "year")[week].since == date(2025, 1, 1) - (date(2025, 1, 1) - date(2024, 1, 1))
    leap = parse("2024-02-29")
    assert pairs([leap], "year")[leap].since == date(2023, 2, 28)


def test_anything_else_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="previous, year, or a period"):
        pairs([MARCH], "last month")
