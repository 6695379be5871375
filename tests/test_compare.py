"""What a period is compared with: as many days as it has had, paired with the period that is meant."""

from datetime import date

import pytest

from fari.engine.compare import bases, like_for_like, pairs
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


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2025-03", date(2025, 1, 25), date(2025, 2, 25)),  # 31 days: 35 days earlier, from a Saturday on
        ("2025-02", date(2025, 1, 4), date(2025, 2, 1)),  # 28 days: 28
        ("2025-W10", date(2025, 2, 24), date(2025, 3, 3)),
        ("2025-03-05", date(2025, 2, 26), date(2025, 2, 27)),
        ("2024", date(2022, 12, 26), date(2023, 12, 27)),  # 366 days: 371
    ],
)
def test_the_same_weekdays_are_the_nearest_stretch_that_shares_no_day(name: str, since: date, until: date) -> None:
    period = parse(name)
    assert pairs([period], "weekdays")[period] == Period(since, until, period.grain)
    assert (since.weekday(), until - since) == (period.since.weekday(), period.until - period.since)
    assert 0 <= (period.since - until).days < 7


def test_of_a_month_that_is_not_over_the_weekdays_are_those_of_the_whole_one() -> None:
    # What it is compared with does not jump from day to day: always 35 days earlier.
    others = like_for_like([MARCH], pairs([MARCH], "weekdays"), date(2025, 3, 10))
    assert others[MARCH] == Period(date(2025, 1, 25), date(2025, 2, 4), "month")


@pytest.mark.parametrize("against", ["previous,year,weekdays", "previous,", ","])
def test_two_at_once_and_no_more(against: str) -> None:
    assert bases("year,previous") == ["year", "previous"]
    assert bases("year, year") == ["year"]
    with pytest.raises(UsageError, match="two with a comma"):
        bases(against)


def test_anything_else_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="previous, year, weekdays or a period"):
        pairs([MARCH], "last month")
