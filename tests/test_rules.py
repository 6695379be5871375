"""Rule sets: their data, the book of eight customers under each, what must hold under all of them, and the bridge between them."""

import csv
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from tests.projects import ask, company, project, split, values

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.bridge import bridge, nearest
from fari.engine.explain import explain
from fari.engine.identities import identities
from fari.engine.periods import Period, parse
from fari.errors import FariError, UsageError
from fari.rules import choices, differing, preset, presets, source

BOOK = Path(__file__).parent.parent / "docs" / "golden" / "eight-customers"
MARCH = parse("2025-03")
MOVEMENTS = "opening_mrr new_mrr expansion_mrr reactivation_mrr contraction_mrr churned_mrr fx_mrr mrr"


@pytest.mark.parametrize("name", presets())
def test_every_preset_answers_every_choice_and_says_where_it_stands(name: str) -> None:
    rules = preset(name)
    assert [choice for choice, _ in rules.answers] == list(choices())
    for choice in choices().values():
        assert choice.checked(rules[choice.name]) == rules[choice.name]
        said, _, where = source(name, choice.name).partition(": ")
        assert said in ("definitions", "doc", "code", "2nd", "inferred", "open")
        assert where or said == "open"
        assert rules[choice.name] == preset("fari")[choice.name] or said != "open", "what is known of nobody is answered as Fari does"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"pause": "maybe"}, "pause is nothing or keep"),
        ({"past_due_days": "-3"}, "past_due_days is never or a number of days"),
        ({"week": "1/0"}, "a ratio such as 52/12"),
        ({"week": "1e999999999"}, "a ratio such as 52/12"),
        ({"self": "1"}, "no rule 'self'"),
        ({"trail": "nothing"}, "did you mean 'trial'"),
    ],
)
def test_a_wrong_answer_is_refused_in_words(answers: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        preset("fari").changed(**answers)


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'stripe'"):
        preset("strip")


def test_fari_toml_picks_a_preset_and_overrides_single_choices_which_are_told_under_numbers(tmp_path: Path) -> None:
    whose = company(rules={"preset": "stripe", "past_due_days": 60, "pause": "keep"})
    assert whose.rules.label == "stripe with past_due_days = 60"
    asker = project(tmp_path, {"subscriptions": (BOOK / "subscriptions.csv").read_text()}, whose)
    (mrr,) = ask(asker, "mrr", "2025-03")
    assert mrr.notes == ("rules: stripe with past_due_days = 60",)
    (spend,) = ask(asker, "spend", "2025-03")
    assert not any("rules" in note for note in spend.notes)
    with pytest.raises(FariError, match=r"\[rules\] pause is nothing or keep"):
        company(rules={"pause": "sometimes"})


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The eight customers, imported."""
    return project(tmp_path_factory.mktemp("book"), {"subscriptions": (BOOK / "subscriptions.csv").read_text()})


def expected() -> Iterator[dict[str, str]]:
    """The published values."""
    with (BOOK / "expected_mrr_2025-03-31.csv").open() as file:
        yield from csv.DictReader(file)


@pytest.mark.parametrize("row", list(expected()), ids=lambda row: row["rules"])
def test_the_eight_customers_under_each_rule_set(book: Asker, row: dict[str, str]) -> None:
    ruled = preset(row["rules"])
    (answer,) = book.ask(Question(("mrr",), (MARCH,), rules=ruled))
    assert answer.value == Decimal(row["total"])
    opened = explain(book, "mrr", MARCH, rules=ruled)
    paid = {str(line["account"])[0]: line["contribution"] for line in opened.rows}
    assert {name: paid.get(name, 0) for name in "ABCDEFGH"} == {name: Decimal(row[name]) for name in "ABCDEFGH"}
    assert all(check.holds for check in opened.checks)


def test_peers_totals_of_the_eight_customers_are_those_of_their_documents() -> None:
    """Research on peers' rules gives these totals: 500 by Stripe, 550 by ChartMogul, ProfitWell 350 to 450, Baremetrics 250 to 450."""
    totals = {row["rules"]: int(row["total"]) for row in expected()}
    assert totals["stripe"] == 500
    assert totals["chartmogul"] == 550
    assert 350 <= totals["profitwell"] <= 450
    assert 250 <= totals["baremetrics"] <= 450


def test_the_bridge_from_fari_to_stripe_names_each_choice_and_its_accounts(book: Asker) -> None:
    found = bridge(book, Question(("mrr",), (MARCH,)), preset("fari"), preset("stripe"))
    told = {step.choice: (step.amount, [account[0] for account, _ in step.accounts]) for step in found.steps if step.amount}
    assert told == {
        "discount_repeating": (Decimal(50), ["C"]),
        "pause": (Decimal(100), ["H"]),
        "past_due_days": (Decimal(100), ["F"]),
        "cancel": (Decimal(-100), ["G"]),
    }
    assert (found.start.value, found.end.value) == (350, 500)


def test_a_figure_from_elsewhere_is_walked_to_from_the_nearest_rules_and_the_rest_is_unexplained(book: Asker) -> None:
    question = Question(("mrr",), (MARCH,))
    assert nearest(book, question, Decimal("548.50")).preset == "chartmogul"
    found = bridge(book, question, preset("fari"), preset("chartmogul"), Decimal("548.50"))
    assert found.unexplained == Decimal("-1.50")


def test_a_metric_that_rests_on_no_subscription_has_no_bridge(book: Asker) -> None:
    with pytest.raises(UsageError, match="the same under all rules"):
        bridge(book, Question(("visits",), (MARCH,)), preset("fari"), preset("stripe"))


# Properties on random histories under every rule set --------------------------------------------------------------------

FIRST = date(2025, 1, 1)
DAYS = 150


def history(seed: int) -> tuple[list[dict[str, str]], str]:
    """Random subscriptions of a few accounts (rows of the contract's table), and exchange rates."""
    dice = random.Random(seed)
    rows: list[dict[str, str]] = []
    for number in range(7):
        for place in range(dice.choice((1, 1, 2))):
            day = FIRST + timedelta(days=dice.randrange(70))
            for _ in range(dice.randrange(1, 5)):
                until = day + timedelta(days=dice.choice((1, 4, 9, 15, 30, 31, 45)))
                status = dice.choice(("active", "active", "active", "trialing", "paused", "past_due"))
                kind = dice.choice(("", "", "once", "repeating", "forever"))
                rows.append({
                    "subscription_id": f"s{number}.{place}", "account_id": f"a{number}", "starts_on": str(day),
                    "ends_on": str(until) if dice.random() < 0.85 else "",
                    "amount": dice.choice(("100", "99.99", "1200", "7.33", "250")), "currency": dice.choice(("EUR", "EUR", "USD")),
                    "interval": dice.choice(("month", "month", "year", "week", "quarter", "day")), "quantity": str(dice.randrange(1, 4)),
                    "plan": dice.choice("PQR"), "status": status,
                    "discount": dice.choice(("10", "33.33", "500")) if kind else "", "discount_kind": kind,
                    "cancelled_on": str(day + timedelta(days=dice.randrange(20))) if dice.random() < 0.2 else "",
                    "past_due_on": str(day - timedelta(days=dice.randrange(40))) if status == "past_due" else "",
                    "metered": "true" if dice.random() < 0.1 else "", "tax": "1.5" if dice.random() < 0.2 else "",
                })  # fmt: skip
                day = until + timedelta(days=dice.choice((0, 0, 0, 3, 20)))
                if not rows[-1]["ends_on"]:
                    break
    dice.shuffle(rows)
    rates = "\n".join(
        ["day,currency,rate", *(f"{FIRST + timedelta(days=n)},USD,{Decimal(90 + dice.randrange(10)) / 100}" for n in range(0, DAYS, 6))]
    )
    return rows, rates


def table(rows: list[dict[str, str]]) -> str:
    """Rows as a contract file."""
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])


@pytest.fixture(scope="module", params=range(3))
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Asker, list[dict[str, str]], str]:
    """A random history, imported."""
    rows, rates = history(request.param)
    return project(tmp_path_factory.mktemp("lived"), {"subscriptions": table(rows), "rates": rates}), rows, rates


@pytest.mark.parametrize("name", presets())
def test_movements_close_mrr_to_the_last_digit_on_every_day_under_every_rule_set(lived: tuple[Asker, list[dict[str, str]], str], name: str) -> None:
    asker = lived[0]
    days = tuple(Period(day, day + timedelta(days=1), "day") for day in (FIRST + timedelta(days=n) for n in range(DAYS)))
    answers = asker.ask(Question(tuple(MOVEMENTS.split()), days, rules=preset(name)))
    found = {(answer.metric, answer.period): answer.value for answer in answers}
    closed, checked = Decimal(0), 0
    for day in days:
        if found["mrr", day] is None:  # before the first subscription, or after the data's horizon
            continue
        checked += 1
        opening, new, expansion, reactivation, contraction, churned, fx, mrr = (found[metric, day] or 0 for metric in MOVEMENTS.split())
        assert opening == closed
        assert opening + new + expansion + reactivation - contraction - churned + fx == mrr
        closed = Decimal(mrr)
    assert checked > 60
    checks = identities(asker, (MARCH, parse("2025-04")), rules=preset(name))
    assert [check for check in checks if not check.holds] == []


@pytest.mark.parametrize(("one", "other"), list(combinations(("fari", "stripe", "chartmogul", "profitwell"), 2)))
def test_every_bridge_adds_up_and_so_do_its_accounts(lived: tuple[Asker, list[dict[str, str]], str], one: str, other: str) -> None:
    for metric in ("mrr", "churned_mrr", "customers"):
        found = bridge(lived[0], Question((metric,), (MARCH,)), preset(one), preset(other))
        assert found.start.value is not None
        assert sum((step.amount or 0 for step in found.steps), start=Decimal(found.start.value)) == found.end.value
        for step in found.steps:
            assert sum(amount for _, amount in step.accounts) == step.amount
        assert [step.choice for step in found.steps] == differing(preset(one), preset(other))


@pytest.mark.parametrize("name", ["fari", "stripe", "profitwell"])
def test_a_customer_is_in_one_state_a_day(lived: tuple[Asker, list[dict[str, str]], str], name: str) -> None:
    """Levels of an account follow one another without gap or overlap, and tell of each other."""
    asker = lived[0]
    asker.ask(Question(("mrr",), (MARCH,), rules=preset(name)))
    _, builder = asker.state(None, preset(name))
    asker.engine.view("tested_levels", builder.files("levels"), {})
    rows = asker.engine.run("SELECT account, from_day, until_day, mrr, before, drift FROM tested_levels ORDER BY account, from_day")
    for before, after in pairwise(rows):
        if before[0] == after[0]:
            assert before[2] == after[1]
            assert before[3] == after[4]
    assert all(row[1] < row[2] and row[3] >= 0 for row in rows)


def test_splitting_a_subscription_reordering_and_importing_twice_change_no_total(
    lived: tuple[Asker, list[dict[str, str]], str], tmp_path: Path
) -> None:
    asker, rows, rates = lived
    halves = []
    for row in rows:
        cents = Decimal(row["amount"])
        parts = (cents / 2, cents - cents / 2)
        off = Decimal(row["discount"] or 0)
        tax = Decimal(row["tax"] or 0)
        for name, part in zip("xy", parts, strict=True):
            halves.append(row | {
                "subscription_id": f"{row['subscription_id']}.{name}", "amount": str(part),
                "discount": str(off / 2) if row["discount"] else "", "tax": str(tax / 2) if row["tax"] else "",
            })  # fmt: skip
    split_up = project(tmp_path / "halves", {"subscriptions": table(halves), "rates": rates})
    turned = project(tmp_path / "turned", {"subscriptions": table(rows[::-1]), "rates": rates})
    project(tmp_path / "turned", {"subscriptions": table(rows[::-1]), "rates": rates})
    for period in ("2025-02", "2025-03", "2025-04", "2025-Q1"):
        whole = values(asker, MOVEMENTS, period)
        assert values(turned, MOVEMENTS, period) == whole
        for one, other in zip(values(split_up, MOVEMENTS, period), whole, strict=True):
            # Each half is rounded to a millionth.
            assert one is not None
            assert other is not None
            assert abs(Decimal(one) - Decimal(other)) < Decimal("0.0001")
        assert values(split_up, "customers new_customers churned_customers", period) == values(
            asker, "customers new_customers churned_customers", period
        )


def test_causes_add_up_to_the_movement_and_match_a_count_by_hand(lived: tuple[Asker, list[dict[str, str]], str]) -> None:
    for period in ("2025-02", "2025-03", "2025-04"):
        for metric in ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "reactivation_mrr"):
            (whole,) = values(lived[0], metric, period)
            assert sum(filter(None, split(lived[0], metric, period, "cause").values()), start=Decimal(0)) == whole


def by_hand(rows: list[dict[str, str]], rates: str, on: date, account: str) -> Fraction:
    """MRR of an account on a day under ChartMogul's rules, from their words alone: slow, and without Fari."""
    known = sorted((date.fromisoformat(line.split(",")[0]), Fraction(line.split(",")[2])) for line in rates.splitlines()[1:])
    total = Fraction(0)
    month = {"month": Fraction(1), "quarter": Fraction(1, 3), "year": Fraction(1, 12), "week": Fraction(48699, 11200), "day": Fraction(48699, 1600)}
    mine = [row for row in rows if row["account_id"] == account and not row["metered"]]
    for row in mine:
        starts, ends = date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"]) if row["ends_on"] else date.max
        rivals = [other for other in mine if other["subscription_id"] == row["subscription_id"] and date.fromisoformat(other["starts_on"]) > starts]
        hidden = any(date.fromisoformat(r["starts_on"]) <= on and (not r["ends_on"] or on < date.fromisoformat(r["ends_on"])) for r in rivals)
        if not starts <= on < ends or hidden or row["status"] == "trialing":
            continue
        net = Fraction(row["amount"]) - Fraction(row["tax"] or 0)
        if row["discount_kind"] in ("repeating", "forever"):
            net -= Fraction(row["discount"])
        value = rounded(max(net, Fraction(0)) * month[row["interval"]])
        if row["currency"] == "USD":
            rate = [r for day, r in known if day <= starts]
            value = rounded(value * rate[-1]) if rate else Fraction(0)
        total += value
    return total


def rounded(amount: Fraction) -> Fraction:
    """To a millionth, halves up."""
    return Fraction((amount * 10**6 + Fraction(1, 2)).__floor__(), 10**6)


def test_mrr_under_chartmoguls_rules_is_that_of_a_count_by_hand(lived: tuple[Asker, list[dict[str, str]], str]) -> None:
    """All but the gaps inside a month, which are no part of the hand's count: the rules without them are asked."""
    asker, rows, rates = lived
    rules = preset("chartmogul").changed(gap="0")
    for day in (FIRST + timedelta(days=n) for n in range(0, DAYS, 7)):
        (answer,) = asker.ask(Question(("mrr",), (Period(day, day + timedelta(days=1), "day"),), rules=rules))
        hand = sum((by_hand(rows, rates, day, f"a{n}") for n in range(7)), start=Fraction(0))
        assert answer.value is None or Fraction(answer.value) == hand, day


def test_the_company_is_asked_under_its_own_rules_where_none_are_named(book: Asker) -> None:
    own = Asker(replace(book.ledger, company=replace(book.ledger.company, rules=preset("stripe"))))
    assert values(own, "mrr", "2025-03") == [500]
    assert explain(own, "mrr", MARCH).rules["rules"] == "stripe"
