"""The shifted-beta-geometric model against published figures, against SciPy's, and against its own definition computed slowly."""

from math import exp, isclose, lgamma, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lives import counts, drawn, golden

from fari.insight.lives import Lives
from fari.insight.retention import Retention, bounds, fit, too_little
from fari.insight.worth import faster

CURVES = golden("curves")
REGULAR = tuple(round(10 * float(row["regular_data"])) for row in CURVES)
HIGH_END = tuple(round(10 * float(row["high_end_data"])) for row in CURVES)
FOUR_COHORTS = ((10000, 8000, 6480, 5307, 4391), (10000, 8000, 6480, 5307), (10000, 8000, 6480), (10000, 8000))


def seen(there: tuple[int, ...], years: int) -> Lives:
    """A cohort watched for so many years."""
    return Lives.of_cohorts(there[: years + 1])


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def slow_survival(a: float, b: float, until: int) -> float:
    """S(t) = B(a, b + t) / B(a, b)."""
    return exp(log_beta(a, b + until) - log_beta(a, b))


def slow_likelihood(a: float, b: float, lives: Lives) -> float:
    """Σ lost × ln P(t) + Σ open × ln S(t), by Beta functions."""
    whole = log_beta(a, b)
    lost = sum(n * (log_beta(a + 1, b + t - 1) - whole) for t, n in lives.lost.items())
    return lost + sum(n * (log_beta(a, b + t) - whole) for t, n in lives.open.items())


# Published figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", golden("fits"), ids=lambda row: row["case"])
def test_published_cohorts_are_fitted_to_the_printed_digits(row: dict[str, str]) -> None:
    lives = Lives.of_cohorts(*(tuple(int(count) for count in cohort.split()) for cohort in row["there"].split("|")))
    model = fit(lives)
    assert (f"{model.a:.6f}", f"{model.b:.6f}", f"{model.likelihood(lives):.4f}") == (row["a"], row["b"], row["log_likelihood"])
    for own, printed in ((model.a, row["published_a"]), (model.b, row["published_b"])):
        assert not printed or f"{own:.{len(printed.partition('.')[2])}f}" == printed


@pytest.mark.parametrize(("there", "column"), [(REGULAR, "regular_model"), (HIGH_END, "high_end_model")])
def test_the_years_held_back_are_projected_as_published(there: tuple[int, ...], column: str) -> None:
    model = fit(seen(there, 7))
    for row in CURVES:
        assert f"{100 * model.survival(int(row['year'])):.1f}" == f"{float(row[column]):.1f}", row["year"]


def test_retention_rates_rise_as_published() -> None:
    for there, column in ((REGULAR, "regular_rate"), (HIGH_END, "high_end_rate")):
        model = fit(seen(there, 7))
        assert [f"{model.rate(year):.3f}" for year in range(1, 13)] == [row[column] for row in CURVES[1:]]


def test_four_years_foretell_the_next_eight() -> None:
    model = fit(seen(REGULAR, 4))
    assert [round(1000 * model.survival(year), 1) for year in range(5, 13)] == [284.5, 253.7, 229.6, 210.3, 194.3, 180.9, 169.4, 159.5]


@pytest.mark.parametrize("row", golden("lifetimes"), ids=lambda row: row["segment"])
def test_thirteen_years_are_foretold_where_constant_churn_falls_short(row: dict[str, str]) -> None:
    there = {"regular": REGULAR, "high_end": HIGH_END}[row["segment"]]
    model, constant = fit(seen(there, 7)), Retention(1 - there[1] / there[0], 0)
    assert f"{sum(there) / there[0]:.3f}" == row["actual"]
    assert f"{sum(model.survival(year) for year in range(13)):.3f}" == row["model"]
    within = sum(constant.survival(year) for year in range(13)) if there is HIGH_END else 1 / constant.churn
    assert f"{within:.3f}" == row["naive"]


@pytest.mark.parametrize("row", golden("derl"), ids=lambda row: f"{row['a']}-{row['renewals']}")
def test_residual_lifetimes_are_those_of_the_table(row: dict[str, str]) -> None:
    model = Retention.of(float(row["a"]), float(row["b"]))
    assert f"{model.residual(0.1, int(row['renewals'])):.6f}" == row["run"]
    if row["a"] == "3.80":  # the other column was printed from parameters of more digits
        assert f"{model.residual(0.1, int(row['renewals'])):.2f}" == row["published"]


def test_several_cohorts_are_fitted_together() -> None:
    lives = Lives.of_cohorts(*FOUR_COHORTS)
    model = fit(lives)
    assert round(model.churn, 6) == 0.200006


def test_a_base_is_worth_more_than_pooled_retention_says() -> None:
    model, there = Retention.of(3.80, 15.20), FOUR_COHORTS[0]
    ahead = model.residuals(0.1, 4)
    assert round(sum(count * ahead[age] for age, count in enumerate(there)), 1) == 120_542.9
    pooled = Retention(1 - sum(there[1:]) / sum(there[:-1]), 0).residual(0.1)
    assert (round(pooled, 6), round(pooled * sum(there), 1)) == (3.096964, 105_848.0)


def test_high_end_after_seven_renewals() -> None:
    model = fit(seen(HIGH_END, 7))
    assert round(model.residual(0.1, 7), 3) == 7.530
    assert [f"{model.survival(year):.3f}" for year in range(8, 13)] == ["0.460", "0.436", "0.414", "0.395", "0.378"]


# SciPy's figures, and the definition --------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", golden("scipy_fits"), ids=lambda row: f"case {row['case']}")
def test_scipy_finds_the_same(row: dict[str, str]) -> None:
    lives = Lives(counts(row["lost"]), counts(row["open"]))
    model = fit(lives)
    a, b, plain = float(row["a"]), float(row["b"]), a_is_plain(float(row["a"]))
    assert isclose(model.likelihood(lives), float(row["log_likelihood"]), abs_tol=1e-7 if plain else 1e-5)
    assert isclose(model.residual(0.1), float(row["derl"]), abs_tol=1e-6 if plain else 1e-3)
    if plain:
        assert isclose(model.a, a, rel_tol=1e-6)
        assert isclose(model.b, b, rel_tol=1e-6)


def a_is_plain(a: float) -> bool:
    """Whether SciPy's Beta functions keep their digits."""
    return a < 100


LIVES = st.builds(
    drawn,
    st.integers(0, 10**6).map(Random),
    st.sampled_from((0.05, 0.3, 1.0, 4.0)),
    st.sampled_from((0.3, 1.0, 5.0, 40.0)),
    st.integers(5, 300),
    st.integers(1, 12),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(LIVES)
def test_no_other_parameters_are_likelier(lives: Lives) -> None:
    model = fit(lives)
    best = model.likelihood(lives)
    for a in (0.01, 0.1, 0.4, 1, 3, 10, 100):
        for b in (0.01, 0.1, 0.5, 1.5, 5, 20, 200):
            other = Retention.of(a, b)
            assert isclose(other.likelihood(lives), slow_likelihood(a, b, lives), rel_tol=1e-9, abs_tol=1e-9)
            assert other.likelihood(lives) <= best + 1e-9
    for churn in (0.999 * model.churn, min(1.001 * model.churn, 1)):
        for spread in (0.99 * model.spread, 1.01 * model.spread, model.spread + 1e-4):
            assert Retention(churn, spread).likelihood(lives) <= best + 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(0.01, 50), st.floats(0.01, 200), st.floats(0.002, 1), st.integers(0, 30))
def test_residual_lifetime_is_the_sum_of_discounted_survival(a: float, b: float, discount: float, renewals: int) -> None:
    model = Retention.of(a, b)
    total, share, renewal = 0.0, 1.0, renewals
    while share > 1e-15:
        renewal += 1
        share *= model.rate(renewal)
        total += share
        share /= 1 + discount
    assert isclose(model.residual(discount, renewals), total, rel_tol=1e-9)
    assert isclose(model.residuals(discount, renewals)[0], model.residual(discount), rel_tol=1e-9)
    assert isclose(model.survival(renewals), slow_survival(a, b, renewals), rel_tol=1e-9)


def test_customers_who_are_all_alike_leave_at_constant_churn() -> None:
    lives = Lives.of_cohorts((1000, 900, 810, 729))
    model = fit(lives)
    assert model.spread < 1e-9
    assert isclose(model.churn, 0.1, rel_tol=1e-6)
    assert isclose(model.residual(0.1), 0.9 / (1 - 0.9 / 1.1), rel_tol=1e-6)
    # Losses that grow with age are no mixture of constants: the nearest is the constant.
    growing = fit(Lives.of_cohorts((1000, 950, 850, 700)))
    assert growing.spread == 0
    assert isclose(growing.churn, 300 / (1000 + 950 + 850), rel_tol=1e-9)


def test_renewals_without_discount_are_refused() -> None:
    with pytest.raises(ValueError, match="not discounted"):
        Retention.of(1, 1).residual(0)
    with pytest.raises(ValueError, match="nobody has faced"):
        fit(Lives(open={0: 5}))


# Bounds ------------------------------------------------------------------------------------------------------------------


def test_bounds_hold_the_truth_as_often_as_they_say() -> None:
    """95 % of 120 draws: 114; fewer than 106 or more than 119 would be chance once in two hundred."""
    dice, truth = Random(11), Retention.of(1.2, 10.0)
    held = 0
    for _ in range(120):
        lives = drawn(dice, 1.2, 10.0, 400, 10)
        within = bounds(lives, fit(lives), lambda model: model.terms(0.05))
        assert within.low <= within.value <= within.high
        held += within.low <= truth.terms(0.05) <= within.high
    assert 106 <= held <= 119


def test_bounds_are_the_edge_of_what_is_likely_enough() -> None:
    """By brute force: the least and greatest value on a fine grid of all models within half the 95 % point of chi-square."""
    lives = seen(HIGH_END, 5)
    best = fit(lives)
    found = bounds(lives, best, lambda model: model.terms(0.1))
    floor = best.likelihood(lives) - 3.841458820694124 / 2
    inside = [
        model.terms(0.1)
        for churn in range(1300, 1700, 5)
        for spread in range(500)
        if (model := Retention(churn / 10_000, spread / 500)).likelihood(lives) >= floor
    ]
    assert isclose(min(inside), found.low, rel_tol=2e-3)
    assert isclose(max(inside), found.high, rel_tol=2e-3)


EDGES = (
    Lives({1: 60}, {}),  # all left at once
    Lives({1: 20}, {1: 30, 5: 40}),  # who renewed once never left
    Lives({3: 20, 4: 30}, {5: 10}),  # nobody left at first
    Lives({1: 1}, {1: 92, 2: 100, 3: 107}),
    Lives({2: 50}, {}),
)


@pytest.mark.parametrize("lives", EDGES)
@pytest.mark.parametrize("discount", [0.1, 0.008])
def test_bounds_stay_bounds_at_the_edges(lives: Lives, discount: float) -> None:
    best = fit(lives)
    found = bounds(lives, best, lambda model: model.terms(discount))
    assert 1 <= found.low <= found.value <= found.high <= (1 + discount) / discount + 1e-6
    assert found.value == best.terms(discount)
    assert found.low < found.high
    speed = faster([(lives, best)])
    assert speed.low <= speed.value <= speed.high
    assert isclose(speed.value, 1, rel_tol=1e-6)


def test_more_customers_bring_bounds_closer() -> None:
    few, many = Lives.of_cohorts((100, 80, 70, 63)), Lives.of_cohorts((10_000, 8_000, 7_000, 6_300))
    wide, narrow = (bounds(lives, fit(lives), lambda model: model.terms(0.1)) for lives in (few, many))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
    assert isclose(wide.value, narrow.value, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("lives", "why"),
    [
        (Lives.of_cohorts((40, 20, 10, 5)), "40 customers are too few: 50 are needed"),
        (Lives.of_cohorts((200, 195, 194, 193)), "7 lost customers are too few: 10 are needed"),
        (Lives.of_cohorts((200, 150)), "customers have faced 1 renewal so far, and 3 are needed"),
        (Lives({1: 30, 2: 5, 3: 1}, {1: 60, 2: 20, 3: 8}), "customers have faced 2 renewals so far, and 3 are needed"),
        (Lives(), "0 customers are too few: 50 are needed"),
        (Lives.of_cohorts((100, 80, 70, 63)), ""),
    ],
)
def test_too_little_is_refused_in_words(lives: Lives, why: str) -> None:
    assert too_little(lives) == why


def test_log_likelihood_of_one_customer_of_high_end() -> None:
    assert round(Retention.of(1, 1).likelihood(seen(HIGH_END, 7)) / 1000, 4) == -2.1155
    assert isclose(log(Retention.of(1, 1).survival(1)), log(0.5))
