"""Why a figure changed: parts that add up to the last digit for every metric, Shapley's axioms, and the demo's planted truths found again."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.against_oracle import imported
from tests.projects import ask, project
from tests.random_company import random_company

from fari.company import Company
from fari.demo.billing_files import write_customers, write_rates, write_subscriptions
from fari.demo.crm_files import write_reasons
from fari.demo.days import Months, local
from fari.demo.journeys import World
from fari.demo.market import BAD_CHANNELS, INCIDENT_MONTH, PRICE_RISE_MONTH
from fari.engine.answer import Number, Question
from fari.engine.ask import Asker
from fari.engine.identities import additive
from fari.engine.periods import Period, parse
from fari.errors import FariError, UsageError
from fari.insight.mix import effects
from fari.insight.parts import Part
from fari.insight.shapley import added, rounded, shapley
from fari.insight.surprise import surprises
from fari.insight.told import ON_ASKING
from fari.insight.why import Why, why
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.metrics import METRICS
from fari.metrics.kinds import Formula
from fari.sources.importing import import_files

Values = Mapping[str, Number]


def asked(asker: Asker, metric: str, before: str, after: str, by: str = "", **where: str) -> Why:
    """Why a metric changed between two periods by name."""
    filters = tuple((dimension, (value,)) for dimension, value in where.items())
    return why(asker, Question((metric,), (parse(before), parse(after)), tuple(by.split()), filters))


# Shapley ---------------------------------------------------------------------------------------------------------------------

names = ("a", "b", "c", "d")
numbers = st.integers(-6, 6).map(Decimal)
tables = st.lists(st.one_of(st.none(), numbers), min_size=16, max_size=16)
"""What each set of the inputs that have changed is worth; None where the formula is undefined."""


def game(table: list[Decimal | None]) -> tuple[Values, Values, tuple[Number, Number]]:
    """Inputs that go from 0 to 1, and what all of them are worth at first and in the end."""
    first, last = table[0] or Decimal(0), table[15] or Decimal(0)
    return dict.fromkeys(names, 0), dict.fromkeys(names, 1), (first, last)


def one_by_one(table: list[Decimal | None], ends: tuple[Number, Number]) -> dict[str, Fraction] | None:
    """The mean of what each input adds, by walking all orders whose every step is defined."""
    values = [Fraction(ends[0]), *(None if value is None else Fraction(value) for value in table[1:15]), Fraction(ends[1])]
    found, walked = dict.fromkeys(names, Fraction(0)), 0
    for order in permutations(range(4)):
        sets = [sum(1 << place for place in order[:n]) for n in range(5)]
        if any(values[one] is None for one in sets):
            continue
        walked += 1
        for n, place in enumerate(order):
            found[names[place]] += (values[sets[n + 1]] or 0) - (values[sets[n]] or 0)
    return {name: part / walked for name, part in found.items()} if walked else None


@given(tables)
def test_shapley_is_the_mean_over_all_orders(table: list[Decimal | None]) -> None:
    before, after, ends = game(table)
    found = shapley(lambda v: table[sum(int(v[name]) << n for n, name in enumerate(names))], before, after, ends)
    assert found == one_by_one(table, ends)
    if found is not None:
        assert sum(found.values()) == Fraction(ends[1]) - Fraction(ends[0])  # efficiency


@given(st.lists(numbers, min_size=4, max_size=4), st.lists(numbers, min_size=4, max_size=4))
def test_shapleys_symmetry_and_dummy(first: list[Decimal], last: list[Decimal]) -> None:
    """a and b play the same part and change alike; c plays none; d is added."""
    before, after = dict(zip(names, first, strict=True)), dict(zip(names, last, strict=True))
    before["b"], after["b"] = before["a"], after["a"]

    def worth(v: Values) -> Number:
        return v["a"] * v["b"] + v["d"]

    found = shapley(worth, before, after, (worth(before), worth(after)))
    assert found is not None
    assert found["a"] == found["b"]
    assert found["c"] == 0
    assert found["d"] == Fraction(after["d"]) - Fraction(before["d"])


@given(st.lists(st.fractions(-10, 10), min_size=1, max_size=6), st.integers(-(10**12), 10**12), st.integers(0, 30))
def test_rounded_parts_add_up_to_the_last_digit(parts: list[Fraction], digits: int, places: int) -> None:
    total = Decimal(digits).scaleb(-places)
    found = rounded(total, parts)
    assert sum(map(Fraction, found)) == Fraction(total)
    assert sum(abs(Fraction(one) - part) > Fraction(1, 10**16) for one, part in zip(found, parts, strict=True)) <= 1


# Rate and mix ----------------------------------------------------------------------------------------------------------------

amounts = st.dictionaries(st.sampled_from("uvwxyz"), st.integers(0, 9), max_size=6)


@given(amounts, amounts, amounts, amounts)
def test_rate_and_mix_add_up_to_the_change_of_the_ratio(
    above: dict[str, int], now: dict[str, int], below: dict[str, int], then: dict[str, int]
) -> None:
    if not sum(below.values()) or not sum(then.values()):
        return
    found = effects((above, now), (below, then))
    change = Fraction(sum(now.values()), sum(then.values())) - Fraction(sum(above.values()), sum(below.values()))
    assert sum(effect.whole for effect in found.values()) == change


def test_a_segment_that_only_grew_is_mix_and_one_that_only_got_dearer_is_rate() -> None:
    """Email stays at 1 each and grows from half to two thirds; Ads stay at 3 each: 2 falls to 5/3, and all of it is mix."""
    grown = effects(({"Email": 10, "Ads": 30}, {"Email": 20, "Ads": 30}), ({"Email": 10, "Ads": 10}, {"Email": 20, "Ads": 10}))
    assert {name: effect.rate for name, effect in grown.items()} == {"Ads": 0, "Email": 0}
    assert sum(effect.mix for effect in grown.values()) == Fraction(5, 3) - 2
    dearer = effects(({"Email": 10, "Ads": 30}, {"Email": 10, "Ads": 50}), ({"Email": 10, "Ads": 10}, {"Email": 10, "Ads": 10}))
    assert [dearer["Ads"].rate, dearer["Ads"].mix, dearer["Email"].whole] == [1, 0, 0]


# Surprise ----------------------------------------------------------------------------------------------------------------------


def test_surprise_is_the_jensen_shannon_divergence_less_chance() -> None:
    """Shares 50:50 become 75:25, worked out from entropies; chance takes off (1/8 + 1/16) / 8 (1 + 2 ln 2) × (1 − its middle) of each."""

    def entropy(*shares: float) -> float:
        return -sum(share * math.log(share) for share in shares)

    found = surprises({"a": 4, "b": 4}, {"a": 12, "b": 4}, (8, 16))
    divergence = entropy(0.625, 0.375) - (entropy(0.5, 0.5) + entropy(0.75, 0.25)) / 2
    chance = (1 / 8 + 1 / 16) / 8 * (1 + 2 * math.log(2))
    assert math.isclose(sum(one.net for one in found.values()), divergence - chance)


# Every metric, by discovery -----------------------------------------------------------------------------------------------------


def adds_up(node: Part) -> Iterator[str]:
    """Check a node and all below it; what was checked."""
    if node.parts:
        assert added([one.part for one in node.parts]) == node.part, node.metric
        yield "parts"
    for split in node.splits:
        assert added([segment.part for segment in split.segments]) == node.part, (node.metric, split.dimension)
        for segment in split.segments:
            if segment.rate is not None:
                assert added([segment.rate, segment.mix or Decimal(0), segment.rest or Decimal(0)]) == segment.part
                yield "mix"
        yield split.dimension
    for one in node.parts:
        yield from adds_up(one)


@pytest.mark.parametrize(
    ("seed", "before", "after", "where", "every"),
    [(2, "2025-01", "2025-02", {}, 1), (5, "2025-Q1", "2025-02", {"channel": "Organic Search"}, 4)],
)
def test_parts_of_every_metric_add_up_to_its_change(seed: int, before: str, after: str, where: dict[str, str], every: int, tmp_path: Path) -> None:
    asker = imported(*random_company(seed, 12), tmp_path)
    explained, seen = 0, set()
    for name, metric in [*METRICS.items()][::every]:
        try:
            found = asked(asker, name, before, after, **where)
        except FariError:
            assert name in ("our_searches", "all_searches", "share_of_search", "bot_pageviews"), name  # they have no channel
            continue
        values = [answer.value for answer in ask(asker, name, before, after, where=where)]
        assert [found.before.value, found.after.value] == values
        if found.tree is None:
            assert None in values
            assert found.notes
            continue
        assert found.tree.part == found.change
        assert Fraction(found.change or 0) == Fraction(values[1] or 0) - Fraction(values[0] or 0)
        seen |= set(adds_up(found.tree))
        for leaf in found.tree.walk():
            if leaf.kind in ("input", "booked") and leaf.metric in METRICS and not isinstance(METRICS[leaf.metric], Formula) and not leaf.parts:
                assert {split.dimension for split in leaf.splits} == set(additive(METRICS[leaf.metric])) - {*ON_ASKING, *where}, leaf.metric
        assert not isinstance(metric, Formula) or found.change == 0 or found.tree.parts, name
        explained += 1
    assert explained > 50 / every
    assert every > 1 or seen >= {"parts", "mix", "plan", "country", "cause", "churn_reason"}


# Questions with known answers -----------------------------------------------------------------------------------------------------

SPENT = """
    day,channel,campaign,kind,amount,currency
    2025-01-10,Paid Search,brand,ads,100,EUR
    2025-01-11,Paid Search,rivals,ads,100,EUR
    2025-01-12,Paid Social,leaders,ads,100,EUR
    2025-01-31,,,salary,300,EUR
    2025-02-10,Paid Search,brand,ads,100,EUR
    2025-02-11,Paid Search,rivals,ads,400,EUR
    2025-02-12,Paid Social,leaders,ads,100,EUR
    2025-02-28,,,salary,300,EUR
"""
PAID = """
    subscription_id,account_id,starts_on,ends_on,amount,currency,interval
    s1,a1,2025-01-05,,100,EUR,month
    s2,a2,2025-01-06,2025-02-20,50,EUR,month
    s3,a3,2025-02-07,,40,EUR,month
    s4,a4,2025-02-08,,60,EUR,month
    s5,a5,2025-02-09,,60,EUR,month
"""


@pytest.fixture
def small(tmp_path: Path) -> Asker:
    """CAC 600 / 2 = 300 in January, 900 / 3 = 300 in February; MRR 150 at the end of January, 260 at the end of February."""
    return project(tmp_path, {"spend": SPENT, "subscriptions": PAID})


def test_cac_by_hand(small: Asker) -> None:
    """The 300 more of spend at a mean of 1/2 and 1/3 of a customer: + 125; from 2 to 3 customers at a mean spend of 750: − 125."""
    found = asked(small, "cac", "2025-01", "2025-02")
    assert found.tree is not None
    spend, new = found.tree.parts
    assert (found.change, spend.part, new.part) == (Decimal(0), Decimal(125), Decimal(-125))
    (booked,) = spend.parts
    by_channel = {split.dimension: {one.value: one.part for one in split.segments} for split in booked.splits}["channel"]
    assert by_channel == {"Paid Search": 125, "Paid Social": 0, "(unallocated)": 0}
    first = found.drivers[0]
    assert (first.metric, first.part, first.dimension, first.value) == ("acquisition_cost", Decimal(125), "campaign", "rivals")


def test_mrr_is_told_by_its_movements(small: Asker) -> None:
    found = asked(small, "mrr", "2025-01", "2025-02")
    assert found.tree is not None
    told = {part.metric: [part.part, part.before, part.after] for part in found.tree.parts}
    assert told == {"new_mrr": [160, 150, 160], "churned_mrr": [-50, 0, 50]}
    arr = asked(small, "arr", "2025-02", "2025-01")
    assert arr.tree is not None
    assert {part.metric: part.part for part in arr.tree.parts[0].parts} == {"new_mrr": -12 * 160, "churned_mrr": 12 * 50}


def test_what_moved_against_each_other_though_the_sum_stood_still(tmp_path: Path) -> None:
    """Spend stays at 200 for 2 customers: at 1/2 each, what one channel lost the other gained."""
    spent = "day,channel,kind,amount,currency\n2025-01-10,Email,ads,150,EUR\n2025-01-10,Display,ads,50,EUR\n"
    spent += "2025-02-10,Email,ads,50,EUR\n2025-02-10,Display,ads,150,EUR\n"
    paid = "subscription_id,account_id,starts_on,amount,currency,interval\n"
    paid += "".join(f"s{n},a{n},2025-0{1 + n // 2}-05,10,EUR,month\n" for n in range(4))
    found = asked(project(tmp_path, {"spend": spent, "subscriptions": paid}), "cac", "2025-01", "2025-02")
    assert found.change == 0
    assert [[driver.value, driver.part, driver.share] for driver in found.drivers] == [["Display", 50, None], ["Email", -50, None]]


def test_what_is_undefined_in_one_period_is_not_explained(small: Asker) -> None:
    found = asked(small, "cac", "2025-01-10", "2025-01-12")
    assert (found.change, found.tree, found.drivers) == (None, None, ())
    assert found.notes == tuple(f"2025-01-{day}: new_customers is 0 in this period" for day in (10, 12))


def test_longer_periods_are_a_driver_of_their_own(small: Asker) -> None:
    found = asked(small, "customer_lifetime_months", "2025-Q1", "2025-02")
    assert found.tree is None  # nobody was there when the quarter began
    longer = asked(small, "annual_churn_rate", "2025-02", "2025-02-15")
    assert longer.tree is not None
    assert {part.metric for part in longer.tree.parts} == {"customer_churn_rate", "months"}


def test_a_dimension_asked_for_is_told_whether_it_surprises_or_not(small: Asker) -> None:
    found = asked(small, "cac", "2025-01", "2025-02", by="channel")
    assert {split.dimension for node in found.tree.walk() for split in node.splits} == {"channel"} if found.tree else False
    with pytest.raises(FariError, match="nothing that cac is made of can be split by device"):
        asked(small, "cac", "2025-01", "2025-02", by="device")
    with pytest.raises(UsageError, match="did you mean 'channel'"):
        asked(small, "cac", "2025-01", "2025-02", by="chanel")
    with pytest.raises(UsageError, match="the same"):
        asked(small, "cac", "2025-01", "2025-01")


def test_what_an_input_over_all_segments_adds(small: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of new customers of a channel: 1 of 2 was in January, 0 of 3 in February; the whole is an input as any other."""

    def share(new_customers: Decimal, total_new_customers: Decimal) -> Decimal:
        return new_customers / total_new_customers

    formula = Formula("share", share, ("new_customers", "total_new_customers"), "rate", "up", "acquisition", False, "")
    monkeypatch.setitem(METRICS, "share", formula)
    found = asked(small, "share", "2025-01", "2025-02", currency="EUR")
    assert found.tree is not None
    assert [(one.metric, [one.before, one.after]) for one in found.tree.parts] == [("new_customers", [2, 3]), ("total_new_customers", [2, 3])]
    assert sum(one.part for one in found.tree.parts) == found.change == 0


# What is planted in the demo ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Asker, Months]:
    """The subscriptions of a demo six times the small one, and why they ended; the rest of its files is not needed here."""
    home = tmp_path_factory.mktemp("planted")
    months = Months(24, date(2026, 11, 22))
    world, end = World(months, 1, 6), months.edges[23]
    write_customers(home / "customers.json", world.census.accounts, 1, end)
    write_subscriptions(home / "subscriptions.json", world.life.subscriptions, 1, end)
    write_reasons(home / "reasons.csv", world.life.subscriptions, 1, end, 1)
    for month in range(24):
        write_rates(home / f"rates{month}.csv", months, month, 1)
    return brought(tmp_path_factory.mktemp("project"), home, months), months


def brought(folder: Path, files: Path, months: Months) -> Asker:
    """A project of these files, none of whose rows may be refused."""
    ledger = Ledger(folder, Company(name="Lumen Desk", currency="EUR", timezone="Europe/Rome"))
    for report in import_files(ledger, sorted(files.iterdir()), How(months.until, datetime.combine(months.until, datetime.min.time(), UTC))):
        assert not report.rejected, report.problems
    return Asker(ledger)


def of_month(demo: tuple[Asker, Months], metric: str, month: int) -> Why:
    """Why a metric changed in the demo's month of that number."""
    asker, months = demo
    before, after = (Period(months.firsts[n], months.firsts[n + 1], "month") for n in (month - 2, month - 1))
    return why(asker, Question((metric,), (before, after)))


@pytest.mark.parametrize("metric", ["churned_customers", "customer_churn_rate", "churned_mrr", "mrr"])
def test_the_outage_is_found(metric: str, demo: tuple[Asker, Months]) -> None:
    first = of_month(demo, metric, INCIDENT_MONTH).drivers[0]
    assert (first.dimension, first.value) == ("churn_reason", "outage")


@pytest.mark.parametrize("metric", ["expansion_mrr", "mrr", "arr"])
def test_the_price_rise_is_found(metric: str, demo: tuple[Asker, Months]) -> None:
    found = of_month(demo, metric, PRICE_RISE_MONTH)
    assert ("expansion_mrr", "cause", "price") in {(one.metric, one.dimension, one.value) for one in found.drivers[:2]}
    if metric == "expansion_mrr":
        assert found.drivers[0].value == "price"


def test_the_cheap_bad_channels_are_found(tmp_path: Path) -> None:
    """They have been bad from the beginning, which is no change; so here the company begins with them after half a year.

    Of the demo forty times the small one (the size `medium`) the accounts, with the channel that won them, and when they paid.
    """
    months = Months(12, date(2025, 11, 22))
    world = World(months, 1, 40)
    people, paid = ["person_id,account_id,channel"], ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    for account in world.census.accounts:
        if account.channel.name in BAD_CHANNELS and account.since < months.edges[5]:
            continue
        people.append(f"p{account.number},{account.number},{account.channel.name}")
        for one in account.subscriptions:
            first, last = (max(one.start, one.trial_end), one.end) if one.ending != "trial" else (0, 0)
            if first and first < months.end and (not last or local(last).date() > local(first).date()):
                ends = local(last).date() if last else ""
                paid.append(f"s{one.number},{account.number},{local(first).date()},{ends},{one.cents * one.seats / 100},EUR,{one.interval}")
    files = tmp_path / "files"
    files.mkdir()
    (files / "people.csv").write_text("\n".join(people), encoding="utf-8")
    (files / "subscriptions.csv").write_text("\n".join(paid), encoding="utf-8")
    halves = Period(months.firsts[0], months.firsts[6]), Period(months.firsts[6], months.until)
    found = why(brought(tmp_path / "project", files, months), Question(("churned_customers",), halves))
    assert found.drivers[0].dimension == "channel"
    assert {one.value for one in found.drivers[:2]} == set(BAD_CHANNELS)
