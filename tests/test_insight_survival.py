"""Survival curves: against lifelines' figures, against a slow count life by life, and on random companies against the oracle's books."""

from datetime import date, timedelta
from fractions import Fraction
from math import isclose
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import oracle
from tests.against_oracle import imported
from tests.lives import counts, drawn, golden, one_by_one, slow_kaplan_meier
from tests.oracle.outside import fari_place
from tests.oracle.when import add_months
from tests.projects import project
from tests.random_company import random_company

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.errors import FariError
from fari.insight.lives import Lives, lives
from fari.insight.survival import Curve, kaplan_meier, log_rank, survival, together
from fari.rules import preset

TERMS = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n"
EVER = Period(date(2024, 1, 1), date(2026, 1, 1))


def test_the_curve_of_lifelines_with_its_band() -> None:
    rows = golden("kaplan_meier")
    told = Lives({int(r["age"]): int(r["lost"]) for r in rows}, {int(r["age"]): int(r["open"]) for r in rows})
    points = kaplan_meier(told)
    for point, row in zip(points, rows, strict=True):
        assert f"{point.survival:.6f}" == row["survival"]
        if point.age:
            assert (f"{point.low:.6f}", f"{point.high:.6f}") == (row["low"], row["high"])
    curve = Curve({}, told.customers, told.losses, points)
    mean = curve.mean(6)
    assert mean is not None
    assert round(mean.value, 2) == 4.62
    assert curve.median is None
    assert curve.mean(7) is None
    # Who is still there is left out by many: then the mean is that of the lost.
    assert sum(age * n for age, n in told.lost.items()) / told.losses == 2.75


@pytest.mark.parametrize("row", golden("log_rank"))
def test_the_log_rank_test_of_lifelines(row: dict[str, str]) -> None:
    one, others = Lives(counts(row["lost"]), counts(row["open"])), Lives(counts(row["other_lost"]), counts(row["other_open"]))
    found = log_rank(one, others)
    assert found is not None
    assert isclose(found, float(row["p"]), rel_tol=1e-6)
    assert log_rank(others, one) == pytest.approx(found)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 15))
def test_the_curve_is_that_of_a_slow_count(seed: int, customers: int, longest: int) -> None:
    told = drawn(Random(seed), 0.6, 2.0, customers, longest)
    curve = Curve({}, told.customers, told.losses, kaplan_meier(told))
    slow = slow_kaplan_meier(one_by_one(told))
    assert [point.age for point in curve.points] == list(slow)
    for point in curve.points:
        assert isclose(point.survival, float(slow[point.age]), abs_tol=1e-12)
        assert (point.low is None) == (point.survival in (0, 1)) or point.survival < 1e-12
        if point.low is not None and point.high is not None:
            assert 0 <= point.low <= point.survival <= point.high <= 1
    until = len(slow) - 1
    mean = curve.mean(until)
    assert mean is not None
    assert isclose(mean.value, float(sum(slow[age] for age in range(until))), abs_tol=1e-9)
    assert mean.low <= mean.value <= mean.high


def slow_spells(books: oracle.Books, until: date) -> list[tuple[int, bool]]:
    """Each customer's spell from the oracle's movements: its anniversaries until a day, and whether it was gone at one."""
    spells = []
    for account, first in books.revenue.first_paid.items():
        if first > until:
            continue
        churns = [movement.on for movement in books.revenue.movements if movement.account == account and movement.kind == "churn"]
        age = 0
        while add_months(first, age + 1) <= until and (not churns or add_months(first, age) < min(churns)):
            age += 1
        spells.append((age, bool(churns) and min(churns) <= add_months(first, age)))
    return spells


@pytest.mark.parametrize("seed", [1, 3, 5, 6])
def test_random_companies_have_the_oracles_curve(seed: int, tmp_path: Path) -> None:
    company, tables = random_company(seed, 25)
    asker = imported(company, tables, tmp_path)
    watched, curves = survival(asker, Question((), (EVER,)))
    slow = slow_kaplan_meier(slow_spells(oracle.Books(tables, company, fari_place()), watched.until - timedelta(days=1)))
    assert [isclose(p.survival, float(slow[p.age]), abs_tol=1e-12) for p in curves[0].points] == [True] * len(slow)
    assert len(slow) > 3


def test_segments_make_up_the_whole(tmp_path: Path) -> None:
    asker = imported(*random_company(3, 25), tmp_path)
    (whole,) = lives(asker, Question((), (EVER,)))[EVER].values()
    for by in (("channel",), ("term",), ("plan", "country")):
        parts = lives(asker, Question((), (EVER,), by))[EVER]
        together_ = sum(parts.values(), start=Lives())
        assert (dict(together_.lost), dict(together_.open)) == (dict(whole.lost), dict(whole.open))
        assert len(parts) > 1


def firm(tmp_path: Path, *rows: str, more: str = "") -> Asker:
    """A company with these subscriptions; imported on 30 June 2025, so that they are known until then."""
    tables = {"subscriptions": TERMS + "\n".join(rows) + "\n" + more, "spend": "day,amount,currency\n2025-06-30,1,EUR"}
    return project(tmp_path, tables, today=date(2025, 6, 30))


def test_ages_worked_out_by_hand(tmp_path: Path) -> None:
    """Watched until 30 June: each account's months' days, and the first of them on which it is no customer."""
    asker = firm(
        tmp_path,
        "s1,gone-on-the-day,2025-01-15,2025-03-15,10,EUR,month",  # there on 15 Feb, not on 15 Mar: 2
        "s2,gone-after-it,2025-01-15,2025-03-16,10,EUR,month",  # there on 15 Mar, not on 15 Apr: 3
        "s3,end-of-months,2025-01-31,2025-02-28,10,EUR,month",  # 28 Feb is its first month's day: 1
        "s4,still-there,2025-01-31,,10,EUR,month",  # 30 June is its fifth: open at 5
        "s5,begun-on-30-may,2025-05-31,,10,EUR,month",  # 30 June is the first month's day of the 31st: open at 1
        "s6,not-yet,2025-06-10,2025-06-20,10,EUR,month",  # gone, but its first month is not over: open at 0
        "s7,later,2025-07-01,,10,EUR,month",  # not a customer yet
        "s8,ends-later,2025-03-30,2025-08-01,10,EUR,month",  # still there: open at 3
        "s9,free,2025-01-01,,0,EUR,month",  # never a customer
    )
    (told,) = lives(asker, Question((), (Period(date(2025, 1, 1), date(2025, 7, 1)),))).values()
    assert told == {(): Lives({2: 1, 3: 1, 1: 1}, {5: 1, 1: 1, 0: 1, 3: 1})}
    watched, (curve,) = survival(asker, Question((), (EVER,)))
    assert (watched, curve.customers, curve.lost) == (Period(date(2025, 1, 1), date(2025, 7, 1)), 7, 3)
    assert [Fraction(p.survival).limit_denominator(100) for p in curve.points] == [
        1, Fraction(5, 6), Fraction(5, 8), Fraction(5, 12), Fraction(5, 12), Fraction(5, 12),
    ]  # fmt: skip


def test_the_past_is_watched_as_it_stood(tmp_path: Path) -> None:
    asker = firm(tmp_path, "s1,a,2025-01-15,2025-03-15,10,EUR,month", "s2,b,2025-01-20,,10,EUR,month")
    asked = tuple(Period(date(2025, 1, 1), until) for until in (date(2025, 3, 1), date(2025, 3, 16), date(2025, 6, 1)))
    assert [told[()] for told in lives(asker, Question((), asked)).values()] == [
        Lives({}, {1: 2}),
        Lives({2: 1}, {1: 1}),
        Lives({2: 1}, {4: 1}),
    ]


def test_a_return_does_not_mend_a_spell(tmp_path: Path) -> None:
    asker = firm(tmp_path, "s1,a,2025-01-10,2025-02-10,10,EUR,month", more="s1,a,2025-02-20,,10,EUR,month")
    assert lives(asker, Question((), (EVER,)))[EVER] == {(): Lives({1: 1}, {})}


def test_rules_say_what_a_spell_is(tmp_path: Path) -> None:
    """Left on 10 February and back on 20 April: new once more where a return after 30 days is; no gap at all where 90 days are none."""
    asker = firm(tmp_path, "s1,a,2025-01-10,2025-02-10,10,EUR,month", more="s1,a,2025-04-20,,10,EUR,month\ns2,b,2025-05-01,,10,EUR,month")
    half = Period(date(2025, 1, 1), date(2025, 7, 1))
    for changed, lost, open_ in (({"reactivation": "30"}, {1: 1}, {1: 1}), ({"gap": "90"}, {}, {5: 1, 1: 1})):
        question = Question((), (half,), rules=preset().changed(**changed))
        assert lives(asker, question)[half] == {(): Lives(lost, open_)}
        _, curves = survival(asker, question)
        assert curves[0].notes[-1] == f"rules: {preset().changed(**changed).label}"


def test_terms_of_contract_and_renewals_by_hand(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "subscriptions": TERMS
            + """
            y1,yearly,2023-02-10,2025-02-10,120,EUR,year
            y2,left-in-the-second-year,2023-03-01,2024-07-01,120,EUR,year
            y3,left-in-the-third-year-which-is-not-over,2022-12-01,2025-03-01,120,EUR,year
            y4,stays,2023-06-01,,120,EUR,year
            q1,quarterly,2024-01-01,2024-10-01,30,EUR,quarter
            m1,larger-monthly,2024-01-01,,100,EUR,month
            m2,larger-monthly,2024-01-01,,1000,EUR,year
            w1,weekly,2025-01-01,,5,EUR,week
            """,
            "spend": "day,amount,currency\n2025-06-30,1,EUR",
        },
    )
    (told,) = lives(asker, Question((), (Period(date(2022, 1, 1), date(2025, 7, 1)),), ("term",)), "tenure").values()
    assert told == {
        ("month",): Lives({}, {17: 1, 5: 1}),
        ("quarter",): Lives({3: 1}, {}),
        ("year",): Lives({2: 2}, {2: 2}),
    }


def test_what_nobody_tells_of_is_refused(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,amount,currency\n2025-06-30,1,EUR"})
    with pytest.raises(FariError, match="nothing tells who has left"):
        survival(asker, Question((), (EVER,)))
    asker = firm(tmp_path / "other", "s1,a,2025-01-10,,10,EUR,month")
    with pytest.raises(FariError, match="nothing tells who has left"):
        survival(asker, Question((), (Period(date(2025, 7, 1), date(2025, 8, 1)),)))
    assert survival(asker, Question((), (Period(date(2025, 3, 1), date(2025, 8, 1)),)))[1] == []


def test_means_are_compared_up_to_where_all_have_been_watched() -> None:
    long, short, tiny = Lives.of_cohorts((50, 40, 30, 20, 12)), Lives.of_cohorts((30, 20, 9)), Lives.of_cohorts((9, 8))
    curves = [Curve({}, one.customers, one.losses, kaplan_meier(one)) for one in (long, short, tiny)]
    assert [together(curves), together(curves[:1]), together(curves[2:]), together([])] == [2, 4, 0, 0]
