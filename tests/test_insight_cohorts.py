"""Retention triangles: worked out by hand, and the identity that their diagonals are the company's customers and MRR."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.against_oracle import imported
from tests.projects import company, project, split
from tests.random_company import random_company

from fari.company import Company
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, cut, parse
from fari.errors import FariError
from fari.insight.cohorts import GRAINS, Cohort, Triangle, triangle

TERMS = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan\n"
FIRM = f"""{TERMS}
a,a,2025-01-10,2025-03-01,100,EUR,month,Basic
b,b,2025-01-20,,200,EUR,month,Team
b,b,2025-03-15,,250,EUR,month,Team
c,c,2025-02-05,2025-02-20,50,EUR,month,Basic
c,c,2025-04-02,,70,EUR,month,Basic
d,d,2025-02-28,,1200,EUR,year,Team
"""
"""A loses a in March; b pays more from then on. c leaves in the month it came and returns in April; d pays by the year."""


@pytest.fixture
def firm(tmp_path: Path) -> Asker:
    """The firm above, known until 20 May 2025."""
    return known(tmp_path, company())


def known(folder: Path, whose: Company) -> Asker:
    return project(folder, {"subscriptions": FIRM, "spend": "day,amount,currency\n2025-05-20,1,EUR"}, whose, today=date(2025, 5, 20))


def months(first: str, last: str) -> tuple[Period, ...]:
    return tuple(cut(parse(first).since, parse(last).until, "month"))


def made(asker: Asker, metric: str, periods: tuple[Period, ...], by: tuple[str, ...] = (), today: date | None = date(2025, 5, 20)) -> Triangle:
    return triangle(asker, Question((metric,), periods, by, today=today))


def values(row: Cohort) -> list[Any]:
    """A cohort's values by age, to be compared with whole numbers."""
    return list(row.values)


def shares(row: Cohort) -> list[Any]:
    """Its shares, likewise."""
    return list(row.shares)


def test_customers_by_hand(firm: Asker) -> None:
    told = made(firm, "customers", months("2025-01", "2025-04"))
    january, february, march, april, together = told.rows
    # May is not over: nothing is said of it.
    assert [period.label for period in told.periods] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    assert (january.won, values(january)) == (2, [2, 2, 1, 1])
    assert (february.won, values(february)) == (2, [1, 1, 2, None])
    assert (march.won, values(march), shares(march)) == (0, [0, 0, None, None], [None] * 4)
    assert (april.won, values(april)) == (0, [0, None, None, None])
    assert shares(february) == [1, 1, 2, None]
    assert (together.period, together.won, values(together)) == (None, 4, [3, 3, 3, 1])
    # Of those seen at that age: two of two in January and one in February at age 0, of which ages 1 to 3 show 3, 3 and 1.
    assert shares(together) == [1, 1, 1, Decimal("0.5")]


def test_revenue_by_hand(firm: Asker) -> None:
    january, february, *_ = made(firm, "mrr", months("2025-01", "2025-04")).rows
    assert (january.won, values(january)) == (300, [300, 300, 250, 250])
    assert (february.won, values(february)) == (150, [100, 100, 170, None])
    assert february.shares[2] == Decimal("1.7")


def test_quarters_by_hand(firm: Asker) -> None:
    quarters = tuple(cut(date(2025, 1, 1), date(2025, 4, 1), "quarter"))
    told = triangle(firm, Question(("mrr",), quarters, today=date(2025, 5, 20)))
    assert (told.grain, [values(row) for row in told.rows]) == ("quarter", [[350], [350]])
    later = triangle(firm, Question(("customers",), (*quarters, parse("2025-Q2")), today=date(2025, 5, 20)))
    assert [values(row) for row in later.rows] == [[2, None], [None, None], [2, None]]  # the second quarter is not over


def test_a_fiscal_year_cuts_quarters_elsewhere(tmp_path: Path) -> None:
    asker = known(tmp_path, replace(company(), fiscal_year_start=2))
    quarters = tuple(cut(date(2024, 11, 1), date(2025, 5, 1), "quarter", 2))
    told = triangle(asker, Question(("customers",), quarters, today=date(2025, 5, 20)))
    assert [(row.won, values(row)) for row in told.cohorts] == [(2, [2, 1]), (2, [2, None])]


def test_a_triangle_for_each_plan_adds_up_to_the_whole(firm: Asker) -> None:
    whole = made(firm, "mrr", months("2025-01", "2025-04"))
    parts = made(firm, "mrr", months("2025-01", "2025-04"), ("plan",))
    assert [row.segment["plan"] for row in parts.rows] == ["Basic"] * 5 + ["Team"] * 5
    for place, row in enumerate(whole.rows):
        for age, value in enumerate(row.values):
            cells = [parts.rows[place].values[age], parts.rows[5 + place].values[age]]
            assert (sum(cell or 0 for cell in cells) if None not in cells else None) == value


def test_a_filter_gives_the_segments_triangle(firm: Asker) -> None:
    parts = made(firm, "customers", months("2025-01", "2025-04"), ("plan",))
    asked = Question(("customers",), months("2025-01", "2025-04"), (), (("plan", ("Team",)),), today=date(2025, 5, 20))
    assert [row.values for row in triangle(firm, asked).rows] == [row.values for row in parts.rows if row.segment["plan"] == "Team"]


@pytest.mark.parametrize("seed", range(6))
def test_the_diagonal_is_the_companys_own_figure(seed: int, tmp_path: Path) -> None:
    """Exactly, as decimals, in every segment: no cohort and no customer is lost."""
    asker = imported(*random_company(seed, 12), tmp_path)
    horizon = asker.state()[0].horizon
    assert horizon is not None
    for grain, metric, by in product(GRAINS, ("customers", "mrr"), ((), ("channel",), ("country", "term"))):
        periods = tuple(cut(date(2023, 1, 1), date(2025, 7, 1), grain))
        told = triangle(asker, Question((metric,), periods, by))
        answers = asker.ask(Question((metric,), told.periods, by))
        for period in told.periods:
            if period.until > horizon + timedelta(days=1):
                assert told.diagonal(period) == {}
                continue
            expected = {tuple(a.segment.values()): a.value for a in answers if a.period == period and a.value}
            assert {key: value for key, value in told.diagonal(period).items() if value} == expected, (metric, by, period)


def test_a_cohort_is_a_dimension_like_any_other(firm: Asker) -> None:
    assert split(firm, "mrr", "2025-04", "cohort") == {"2025-01": 250, "2025-02": 170}
    assert split(firm, "nrr", "2025-03", "cohort") == {"2025-01": Decimal(250) / 300, "2025-02": 1}
    assert split(firm, "churned_customers", "2025-03", "term") == {"month": 1}


def test_what_is_no_triangle_is_refused(firm: Asker) -> None:
    for question, hint in (
        (Question(("mmr",), months("2025-01", "2025-02")), "did you mean 'mrr'"),
        (Question(("arpa",), months("2025-01", "2025-02")), "customers and mrr"),
        (Question(("mrr",), (parse("2025-W07"),)), "not of a week"),
        (Question(("mrr",), months("2025-01", "2025-02"), ("cohort",)), "cohort already"),
        (Question(("mrr",), months("2025-01", "2025-02"), ("device",)), "device"),
    ):
        with pytest.raises(FariError, match=hint):
            triangle(firm, question)


def test_where_no_source_covers_nothing_is_known(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,amount,currency\n2025-03-01,5,EUR"})
    told = made(asker, "customers", months("2025-01", "2025-02"))
    assert [(row.won, values(row)) for row in told.rows] == [(None, [None, None]), (None, [None, None]), (None, [None, None])]


def test_customers_without_subscriptions_never_leave(tmp_path: Path) -> None:
    deals = "deal_id,account_id,created_at,closed_at,status\n1,a,2025-01-02,2025-01-10,won\n2,b,2025-02-02,2025-02-10,won\n3,b,2025-03-02,,open"
    asker = project(tmp_path, {"deals": deals}, today=date(2025, 4, 1))
    told = made(asker, "customers", months("2025-01", "2025-03"), today=date(2025, 4, 1))
    # The last day the deals tell of is 2 March.
    assert [values(row) for row in told.cohorts] == [[1, 1, None], [1, None, None], [None, None, None]]
