"""Intervals and verdicts: replicates against a bootstrap in plain Python, both engines alike, properties on random companies, cases by hand."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from math import comb, exp, factorial, log, sqrt
from pathlib import Path
from random import Random
from statistics import pstdev

import pytest
from tests.against_oracle import imported
from tests.projects import project
from tests.random_company import random_company
from tests.sail import sail

from fari.engine import resample
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.compare import compare
from fari.engine.periods import Period, cut, parse
from fari.engine.spark import SparkConnect
from fari.insight import intervals, noise, quantiles
from fari.insight.intervals import bounded, ratio_bounds, sample_of
from fari.insight.noise import NOISE, REAL, TOO_FEW, judged, of_ratios, of_sums
from fari.insight.quantiles import t_tail
from fari.metrics import listed

SPRING = tuple(cut(date(2025, 3, 1), date(2025, 5, 1), "month"))
ACCOUNTS = 60


def book(*, lost_in_april: int = 0, dearer: int = 0) -> dict[str, str]:
    """Sixty accounts that pay 50 to 109 a month; of them some leave in April, or all pay so much more from then on."""
    rows = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan"]
    for n in range(ACCOUNTS):
        ends = f"2025-04-{n % 28 + 1:02}" if n < lost_in_april else "2025-04-10" if dearer else ""
        rows.append(f"s{n},a{n},2025-01-{n % 28 + 1:02},{ends},{50 + n},EUR,month,{'Solo' if n % 3 else 'Team'}")
        if dearer and n >= lost_in_april:
            rows.append(f"s{n},a{n},2025-04-10,,{50 + n + dearer},EUR,month,{'Solo' if n % 3 else 'Team'}")
    return {"subscriptions": "\n".join(rows), "spend": "day,amount,currency,kind\n2025-03-05,300,EUR,ads\n2025-06-30,1,EUR,ads"}


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The book, of which twenty accounts leave in April."""
    return project(tmp_path_factory.mktemp("firm"), book(lost_in_april=20))


def asked(asker: Asker, names: str, level: float = 0.9, by: str = "", where: dict[str, str] | None = None, against: str = "previous") -> list[Answer]:
    question = Question(tuple(names.split()), SPRING, tuple(by.split()), tuple((d, (v,)) for d, v in (where or {}).items()))
    answers = compare(asker, question, against)
    sample = sample_of(asker, question, answers)
    return judged(sample, bounded(sample, answers, level))


def test_two_comparisons_are_judged_together(firm: Asker) -> None:
    both = asked(firm, "mrr customers", against="previous,2025-03")
    alone = {(a.metric, a.period): a for a in asked(firm, "mrr customers", against="2025-03")}
    assert {len(a.also) for a in both} == {1}
    assert all(
        (a.also[0].compared_with, a.also[0].change) == (alone[a.metric, a.period].compared_with, alone[a.metric, a.period].change) for a in both
    )
    april = next(a for a in both if a.metric == "customers" and a.period == SPRING[1])
    assert (april.verdict, april.also[0].verdict, april.low is None) == (REAL, REAL, False)


def weight(unit: str, draw: int) -> int:
    """Poisson(1) by inversion, from sixteen bits of an MD5."""
    digest = hashlib.md5(f"{unit}:{draw // 8}".encode(), usedforsecurity=False).hexdigest()
    uniform = int(digest[draw % 8 * 4 : draw % 8 * 4 + 4], 16)
    chance, drawn = 0.0, 0
    while True:
        chance += exp(-1) / factorial(drawn)
        if uniform < round(chance * 65536) or drawn == 9:
            return drawn
        drawn += 1


def test_replicates_are_those_of_a_bootstrap_by_hand(firm: Asker) -> None:
    question = Question(("arpa",), SPRING)
    found = resample.replicated(firm, question, ["mrr", "customers", "opening_customers"], 24)
    paying = [(f"a{n}", Decimal(50 + n), n >= 20) for n in range(ACCOUNTS)]
    for draw, sums in enumerate(found):
        weights = {account: weight(account, draw) for account, _, _ in paying}
        assert sums.values["mrr"][0][()] == sum(weights[account] * amount for account, amount, _ in paying)
        assert sums.values["mrr"][1][()] == sum(weights[account] * amount for account, amount, stays in paying if stays)
        assert sums.values["customers"][1][()] == sum(weights[account] for account, _, stays in paying if stays)
        assert sums.values["opening_customers"][1][()] == sum(weights.values())


def test_weights_are_poisson() -> None:
    drawn = [weight(f"unit {n}", draw) for n, draw in product(range(400), range(16))]
    assert abs(sum(drawn) / len(drawn) - 1) < 0.05
    assert abs(sum(one * one for one in drawn) / len(drawn) - 2) < 0.15


def test_both_engines_draw_the_same(firm: Asker, tmp_path: Path) -> None:
    question = Question(("arpa",), SPRING, ("plan",))
    cluster = Asker(project(tmp_path, book(lost_in_april=20)).ledger, SparkConnect(sail()))
    names = ["mrr", "customers", "churned_customers"]
    ours, theirs = (resample.replicated(one, question, names, 9) for one in (firm, cluster))
    for one, other in zip(ours, theirs, strict=True):
        assert {n: dict(one.values[n]) for n in names} == {n: dict(other.values[n]) for n in names}
    tallies = [resample.tallied(one, question, "mrr") for one in (firm, cluster)]
    assert tallies[0] == tallies[1]
    changes = [resample.tallied_changes(one, question, "customers", [(SPRING[1], SPRING[0])]) for one in (firm, cluster)]
    assert changes[0] == changes[1]
    assert {key: dict(tally) for key, tally in changes[0].items()} == {
        (0, ("Solo",)): {(1, 1): 27, (0, 1): 13},
        (0, ("Team",)): {(1, 1): 13, (0, 1): 7},
    }
    cluster.engine.close()


@pytest.mark.parametrize("seed", [3, 11])
def test_on_random_companies_every_interval_holds_its_value_and_grows_with_its_level(seed: int, tmp_path: Path) -> None:
    company, tables = random_company(seed, 12)
    asker = imported(company, tables, tmp_path)
    covered, _ = asker.state()
    assert covered.horizon is not None
    whole = parse(f"{covered.horizon:%Y}")
    question = Question(tuple(listed()), (whole,))
    narrow, wide = (intervals.intervals(asker, question, level) for level in (0.6, 0.95))
    bound = 0
    for one, other in zip(narrow, wide, strict=True):
        if one.low is None or one.high is None or one.value is None or other.low is None or other.high is None:
            assert one.value is None or (one.low is None) == (one.high is None)
            continue
        bound += 1
        assert other.low <= one.low <= one.value <= one.high <= other.high, one.metric
        assert any(note.startswith("interval: ") for note in one.notes), one
    assert bound > 15
    assert intervals.intervals(asker, question, 0.6) == narrow


def test_a_filter_gives_the_segments_row(firm: Asker) -> None:
    names = "arpa customers customer_churn_rate nrr mrr"
    rows = {(a.metric, a.period): a for a in asked(firm, names, by="plan") if a.segment["plan"] == "Team"}
    for alone in asked(firm, names, where={"plan": "Team"}):
        row = rows[alone.metric, alone.period]
        assert (alone.value, alone.low, alone.high) == (row.value, row.low, row.high)


def test_what_is_known_exactly_has_no_interval_and_says_so(firm: Asker) -> None:
    (march, _) = asked(firm, "spend")
    assert (march.value, march.low, march.high) == (300, None, None)
    assert march.notes == ("no interval: a cost or an outside number is no sample",)
    (cac, _) = asked(firm, "cac")
    assert cac.low is None
    new, _ = asked(firm, "churned_customers")
    assert (new.low, new.high and round(new.high, 4)) == (0, Decimal("2.9957"))


def test_losing_a_third_is_real_and_losing_one_is_not(firm: Asker, tmp_path: Path) -> None:
    verdicts = {a.metric: a.verdict for a in asked(firm, "customers churned_customers customer_churn_rate mrr arpa") if a.period == SPRING[1]}
    assert verdicts["customers"] == verdicts["churned_customers"] == verdicts["mrr"] == REAL
    calm = project(tmp_path, book(lost_in_april=1))
    verdicts = {a.metric: a.verdict for a in asked(calm, "customers churned_customers customer_churn_rate mrr arpa") if a.period == SPRING[1]}
    assert verdicts == {
        "customers": TOO_FEW, "churned_customers": TOO_FEW, "customer_churn_rate": TOO_FEW, "mrr": NOISE, "arpa": NOISE,
    }  # fmt: skip


def test_a_small_rise_that_all_pay_is_real_though_customers_differ_by_more(tmp_path: Path) -> None:
    """The same accounts are in both months: what they differ by is no noise of the change."""
    dearer = project(tmp_path, book(dearer=3))
    found = {a.metric: a for a in asked(dearer, "arpa mrr") if a.period == SPRING[1]}
    assert (found["arpa"].change, found["arpa"].verdict, found["mrr"].verdict) == (3, REAL, REAL)


def test_a_longer_month_is_no_rise() -> None:
    """28 units in 28 days and 31 in 31 are the same; as counts of equal periods they would hardly differ less."""
    assert quantiles.binomial_p(31, 59, 31 / 59) == 1.0
    assert quantiles.binomial_p(310, 590, 0.5) < 0.25


@pytest.mark.parametrize(("successes", "trials", "share"), [(0, 7, 0.3), (7, 7, 0.3), (3, 20, 0.5), (12, 40, 0.31), (30, 31, 0.9)])
def test_binomial_tails_are_sums(successes: int, trials: int, share: float) -> None:
    chances = [comb(trials, n) * share**n * (1 - share) ** (trials - n) for n in range(trials + 1)]
    expected = min(1.0, 2 * min(sum(chances[: successes + 1]), sum(chances[successes:])))
    assert quantiles.binomial_p(successes, trials, share) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("count", "level"), [(1, 0.9), (4, 0.95), (37, 0.9), (250, 0.99)])
def test_poisson_bounds_leave_half_of_the_rest_on_each_side(count: int, level: float) -> None:
    low, high = quantiles.poisson_bounds(count, level)

    def at_most(n: int, mean: float) -> float:
        term = total = exp(-mean)
        for k in range(1, n + 1):
            term *= mean / k
            total += term
        return total

    assert at_most(count, high) == pytest.approx((1 - level) / 2, rel=1e-8)
    assert 1 - at_most(count - 1, low) == pytest.approx((1 - level) / 2, rel=1e-8)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # scipy.stats 1.16: chi2.ppf(0.05, 20) / 2, t.ppf(0.975, 4), t.sf(2.5, 9), beta.cdf(0.2, 3, 11)
        (quantiles.gamma_quantile(0.05, 10), 5.425405697),
        (quantiles.t_quantile(0.975, 4), 2.776445105),
        (quantiles.t_tail(2.5, 9), 0.016930911),
        (quantiles.beta_cdf(0.2, 3, 11), 0.498347955),
    ],
)
def test_quantiles_are_those_of_the_tables(found: float, expected: float) -> None:
    assert found == pytest.approx(expected, rel=1e-5)


def test_wilson_is_as_published() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}
    for (successes, trials), bounds in published.items():
        assert tuple(round(one, 4) for one in ratio_bounds(0, successes, trials - successes, 0.95)) == bounds


@pytest.mark.parametrize(
    ("only", "both", "without", "ratio"), [(0, 144, 739, 0.0306), (5, 20, 60, 0.4), (3, 0, 40, 0.02), (12, 9, 4, 1.4), (7, 30, 1, 1.1)]
)
def test_the_variance_is_that_of_the_likeliest_counts(only: int, both: int, without: int, ratio: float) -> None:
    """By a search over all means that have the ratio. (A spurious root once made 144 of 883 against 3 % a matter of chance.)"""

    def likelihood(a: float, b: float) -> float:
        c = (a + (1 - ratio) * b) / ratio
        if c <= 0 and without:
            return float("-inf")
        return sum(count * log(mean) - mean if count else -mean for count, mean in ((only, a), (both, b), (without, c)))

    best = max(((likelihood(a, b), a, b) for a, b in search(only, both, likelihood)), key=lambda one: one[0])
    _, a, b = best
    c = (a + (1 - ratio) * b) / ratio
    expected = a + (1 - ratio) ** 2 * b + ratio**2 * c
    assert intervals.variance(only, both, without, ratio) == pytest.approx(expected, rel=0.01)


def search(only: int, both: int, likelihood: Callable[[float, float], float]) -> list[tuple[float, float]]:
    """Means that are tried: a grid, made finer about its best four times."""
    a, b, reach = max(only, 1.0), max(both, 1.0), 3.0
    for _ in range(8):
        steps = [reach ** (n / 10) for n in range(-10, 11)]
        tried = [(a * x if only else 0.0, b * y if both else 0.0) for x in (steps if only else [1]) for y in (steps if both else [1])]
        a, b = max(tried, key=lambda pair: likelihood(*pair))
        a, b, reach = a or 1.0, b or 1.0, reach**0.4
    return [(a if only else 0.0, b if both else 0.0)]


def test_a_change_of_a_sum_varies_as_it_does_in_drawn_companies() -> None:
    """Page views of 60 visitors in two months: 20,000 companies drawn in plain Python spread as far as what each visitor changed says."""
    random = Random(5)
    pairs = [(random.choice((0, 1, 2, 9)), random.choice((0, 1, 3))) for _ in range(60)]
    weights = [exp(-1) / factorial(k) for k in range(9)]
    gaps = [now - then for now, then in pairs]
    drawn = [sum(w * gap for w, gap in zip(random.choices(range(9), weights, k=60), gaps, strict=True)) for _ in range(20_000)]
    spread = pstdev(drawn)
    units = min(sum(now > 0 for now, _ in pairs), sum(then > 0 for _, then in pairs))
    expected = 2 * t_tail(abs(sum(gaps)) / spread / sqrt(units / (units - 1)), units - 1)
    found = of_sums(Counter(pairs))
    assert found is not None
    assert found == pytest.approx(expected, rel=0.05)


def test_a_ratio_far_from_the_other_is_no_chance() -> None:
    assert of_ratios((0, 144, 739), (0, 1235, 42475)) == pytest.approx(0, abs=1e-50)
    assert of_ratios((0, 144, 739), (0, 7122, 36588)) == pytest.approx(1, abs=0.05)


def coverage(truth: float, draws: Callable[[Random], tuple[float, float]], times: int = 600) -> float:
    """How often bounds of drawn data hold the truth."""
    random = Random(7)
    return sum(low <= truth <= high for low, high in (draws(random) for _ in range(times))) / times


def test_bounds_of_money_hold_the_truth_about_as_often_as_they_say() -> None:
    """Sums over a Poisson number of customers (60 on average) of skewed amounts; bench/coverage.py has the rest."""

    def drawn(random: Random) -> tuple[float, float]:
        tally: dict[Decimal, int] = {}
        for _ in range(sum(random.random() < 0.06 for _ in range(1000))):
            amount = Decimal(round(random.lognormvariate(0, 0.6), 2))
            tally[amount] = tally.get(amount, 0) + 1
        return intervals.sum_bounds(tally, 0.9)

    assert 0.86 <= coverage(60 * exp(0.18), drawn) <= 0.94


def test_no_more_is_called_real_than_should_be_where_nothing_changes() -> None:
    """A hundred quiet quarters of twenty rates: in at most a tenth of them, give or take, is one of the twenty called real."""
    random, alarms = Random(5), 0
    for _ in range(100):
        chances = []
        for _ in range(20):
            counts = [sum(random.random() < 0.2 for _ in range(120)) for _ in range(2)]
            chance = of_ratios((0, counts[0], 120 - counts[0]), (0, counts[1], 120 - counts[1]))
            chances.append(1.0 if chance is None else chance)
        alarms += noise.discovered(chances) >= min(chances)
    assert alarms <= 17


def test_a_period_that_is_compared_with_its_like_for_like_days(firm: Asker) -> None:
    question = Question(("churned_customers",), (Period(date(2025, 4, 1), date(2025, 4, 15)),))
    answers = compare(firm, question, "2025-03")
    (told,) = judged(sample_of(firm, question, answers), answers)
    assert (told.value, told.verdict) == (14, REAL)
    (still,) = judged(sample_of(firm, question, answers), [replace(told, compared=None)])
    assert still.verdict is None


def test_a_period_that_is_not_over_is_as_long_as_it_has_been(tmp_path: Path) -> None:
    """Ten days of April with as many losses a day as March: as 30 days against 31 they would be far too few."""
    rows = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    rows += [f"s{n},a{n},2025-01-05,{date(2025, 3, 1 + n % 31) if n < 93 else date(2025, 4, 1 + n % 10)},9,EUR,month" for n in range(123)]
    rows += [f"t{n},b{n},2025-01-05,,9,EUR,month" for n in range(50)]
    asker = project(tmp_path, {"subscriptions": "\n".join(rows), "spend": "day,amount,currency\n2025-04-10,1,EUR"}, today=date(2025, 4, 10))
    answers = compare(asker, Question(("churned_customers",), (SPRING[1],), today=date(2025, 4, 10)), "previous")
    (told,) = judged(sample_of(asker, Question(("churned_customers",), (SPRING[1],)), answers), answers)
    assert told.compared is not None
    assert (told.value, told.compared.value, told.verdict) == (30, 30, NOISE)


def test_costs_are_no_discoveries(firm: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are known exactly; counted among the others, they would raise the limit for all of them."""
    seen: list[list[float]] = []
    limit = noise.discovered

    def watched(chances: list[float]) -> float:
        seen.append(chances)
        return limit(chances)

    monkeypatch.setattr(noise, "discovered", watched)
    # No customer came or went from February to March; in April twenty did.
    told = [(a.metric, a.verdict) for a in asked(firm, "spend customers")]
    assert told == [("spend", None), ("spend", REAL), ("customers", TOO_FEW), ("customers", REAL)]
    assert [len(chances) for chances in seen] == [1]
