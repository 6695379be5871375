"""The edge cases of subscription revenue on which tools differ, one test each, under Fari's own rules and where it matters under others.

Numbers and names are those of the list in docs/golden/revenue/README.md, which says who counts otherwise.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.projects import TODAY, ask, bring, company, project, split, values, write
from tests.stripe_made import at, customer, event, invoice, item, line, price, subscription

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.doctor import examine
from fari.engine.periods import parse
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.rules import preset
from fari.sources.importing import import_files

HEAD = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval"
ENDS = "2025-12-31"
"""A day on which something is known, so that the months before are covered."""


def book(folder: Path, rows: str, more: str = "", **tables: str) -> Asker:
    """A project of subscriptions; `more` names further columns."""
    text = f"{HEAD}{',' + more if more else ''}\n{rows}"
    return project(folder, {"subscriptions": text, "rates": f"day,currency,rate\n2025-01-01,USD,0.9\n2025-03-10,USD,0.8\n{ENDS},GBP,1.2", **tables})


def stripe(folder: Path, *objects: Any, today: date = TODAY) -> tuple[Asker, list[str]]:
    """A project of what Stripe's API gives for these objects, imported from a file, and what the import said is wrong."""
    ledger = Ledger(folder, company())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stripe.json"
    path.write_text(json.dumps({"object": "list", "data": [customer(), *objects], "has_more": False}), encoding="utf-8")
    reports = bring(ledger, [path, *write(folder / "files", {"rates": f"day,currency,rate\n{min(ENDS, str(today))},GBP,1.2"})], today=today)
    return Asker(ledger), [problem.what for report in reports for problem in report.problems]


def mrr(asker: Asker, period: str = "2025-03", rules: str = "fari") -> Decimal:
    """MRR of a period under a rule set."""
    (answer,) = asker.ask(Question(("mrr",), (parse(period),), rules=preset(rules)))
    assert answer.value is not None
    return Decimal(answer.value)


def moved(asker: Asker, period: str = "2025-03") -> dict[str, Decimal]:
    """The movements of a period that are not 0."""
    names = "new_mrr expansion_mrr contraction_mrr churned_mrr reactivation_mrr"
    return {name: Decimal(value) for name, value in zip(names.split(), values(asker, names, period), strict=True) if value}


@pytest.mark.parametrize(
    ("amount", "interval", "count", "expected"),
    [
        ("1200", "year", 1, "100"),
        ("300", "quarter", 1, "100"),
        ("600", "month", 6, "100"),
        ("2400", "year", 2, "100"),
        ("18.29", "year", 1, "1.524167"),
    ],
)
def test_01_annual_quarterly_n_monthly(tmp_path: Path, amount: str, interval: str, count: int, expected: str) -> None:
    assert mrr(book(tmp_path, f"s,a,2025-01-01,,{amount},EUR,{interval},{count}", "interval_count")) == Decimal(expected)


def test_02_weekly_and_daily(tmp_path: Path) -> None:
    weekly = book(tmp_path / "w", "s,a,2025-01-01,,10,EUR,week")
    assert mrr(weekly) == Decimal("43.333333")
    assert mrr(weekly, rules="chartmogul") == Decimal("43.481250")
    three = book(tmp_path / "3", "\n".join(f"s{n},a{n},2025-01-01,,10,EUR,week" for n in range(3)))
    assert mrr(three) == Decimal("129.999999")
    assert mrr(book(tmp_path / "d", "s,a,2025-01-01,,1,EUR,day")) == Decimal("30.416667")


def test_03_quantity_and_seats(tmp_path: Path) -> None:
    """No seats, nothing to pay; a change of seats is an expansion on its day. The amount is for all seats already."""
    rows = "s,a,2025-01-01,2025-03-12,50,EUR,month,5\ns,a,2025-03-12,,80,EUR,month,8\nz,b,2025-01-01,,0,EUR,month,0"
    asker = book(tmp_path, rows, "quantity")
    assert mrr(asker) == 80
    assert moved(asker) == {"expansion_mrr": Decimal(30)}
    assert values(asker, "customers", "2025-03") == [1]
    assert split(asker, "expansion_mrr", "2025-03", "cause") == {"seats": Decimal(30)}
    assert moved(asker, "2025-03-12") == {"expansion_mrr": Decimal(30)}


def test_04_tiers_at_the_quantity(tmp_path: Path) -> None:
    """Seven seats: five at 7 and two at 6.50 (graduated), or all at 6.50 (volume). Unknown tiers are worth what was billed, and that is said."""
    tiers = [{"up_to": 5, "unit_amount": 700, "flat_amount": None}, {"up_to": None, "unit_amount": 650, "flat_amount": None}]
    for mode, worth in (("graduated", 48), ("volume", Decimal("45.5"))):
        tiered = price("price_tiers", None, billing_scheme="tiered", tiers_mode=mode, tiers=tiers)
        assert mrr(stripe(tmp_path / mode, subscription(items=[item("si_1", tiered, 7)]))[0]) == worth
    unknown = subscription(items=[item("si_1", price("price_tiers", None, billing_scheme="tiered", tiers_mode="graduated"), 7)])
    billed = invoice("in_1", [line("2025-03-10", "2025-04-10", 4801, "price_tiers", 7)], "2025-03-10")
    asker, told = stripe(tmp_path / "billed", unknown, billed)
    assert mrr(asker) == Decimal("48.01")
    assert "sub_1 tiers are missing: counted as it was billed for so many seats" in told


def test_05_discount_for_ever(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,,100,EUR,month,30,forever", "discount,discount_kind")
    assert [mrr(asker), mrr(asker, rules="stripe"), mrr(asker, rules="lago")] == [70, 70, 100]


def test_06_discount_for_some_months_and_its_end(tmp_path: Path) -> None:
    rows = "s,a,2025-01-01,2025-03-15,100,EUR,month,50,repeating\ns,a,2025-03-15,,100,EUR,month,,"
    asker = book(tmp_path, rows, "discount,discount_kind")
    assert values(asker, "mrr list_mrr", "2025-02") == [50, 100]
    assert mrr(asker, "2025-02", "stripe") == 100
    assert split(asker, "expansion_mrr", "2025-03", "cause") == {"discount": Decimal(50)}


def test_07_discount_once(tmp_path: Path) -> None:
    asker = book(tmp_path, "\n".join(f"s{n},a{n},2025-03-01,,15,EUR,month,14,once" for n in range(77)), "discount,discount_kind")
    assert [mrr(asker), mrr(asker, rules="profitwell")] == [1155, 77]


def test_08_fixed_amount_off_an_annual_price_is_spread_as_it_is(tmp_path: Path) -> None:
    assert mrr(book(tmp_path, "s,a,2025-01-01,,1200,EUR,year,120,forever", "discount,discount_kind")) == 90


def test_09_all_off_is_a_churn_to_free_and_never_paid_is_no_customer(tmp_path: Path) -> None:
    rows = "s,a,2025-01-01,2025-03-10,100,EUR,month,,\ns,a,2025-03-10,,100,EUR,month,100,forever\nf,b,2025-01-01,,0,EUR,month,,"
    asker = book(tmp_path, rows, "discount,discount_kind")
    assert split(asker, "churned_mrr", "2025-03", "cause") == {"to_free": Decimal(100)}
    assert values(asker, "customers new_customers", "2025-03") == [0, 0]


def test_10_tax_inside_the_price(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,,122,EUR,month,22", "tax")
    assert mrr(asker) == 100
    (included,) = asker.ask(Question(("mrr",), (parse("2025-03"),), rules=preset("fari").changed(tax="included")))
    assert included.value == 122


def test_11_proration_lines_date_a_change_and_are_never_amounts(tmp_path: Path) -> None:
    """From 10 to 20 in the middle of March: the invoice of the change is 5, MRR goes up by 10."""
    basic, more = price("price_basic", 1000), price("price_more", 2000)
    asker, _ = stripe(
        tmp_path,
        basic,
        subscription(items=[item("si_1", more)], since="2025-03-01"),
        invoice("in_1", [line("2025-03-01", "2025-04-01", 1000, "price_basic")], "2025-03-01"),
        invoice(
            "in_2",
            [
                line("2025-03-16", "2025-04-01", -500, "price_basic", proration=True),
                line("2025-03-16", "2025-04-01", 1000, "price_more", proration=True),
            ],
            "2025-03-16",
        ),
    )
    assert [mrr(asker, day) for day in ("2025-03-15", "2025-03-16", "2025-04")] == [10, 20, 20]
    assert moved(asker, "2025-03-16") == {"expansion_mrr": Decimal(10)}


def test_12_upgrade_within_a_month_is_one_expansion_on_its_day(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,2025-03-16,10,EUR,month\ns,a,2025-03-16,,20,EUR,month")
    assert moved(asker) == {"expansion_mrr": Decimal(10)}
    assert moved(asker, "2025-03-16") == {"expansion_mrr": Decimal(10)}


def test_13_plan_swap_is_one_movement_and_equal_value_none(tmp_path: Path) -> None:
    swapped = book(tmp_path / "1", "s,a,2025-01-01,2025-03-10,100,EUR,month,Basic\nt,a,2025-03-10,,150,EUR,month,Pro", "plan")
    assert moved(swapped) == {"expansion_mrr": Decimal(50)}
    assert split(swapped, "expansion_mrr", "2025-03", "cause") == {"plan": Decimal(50)}
    same = book(tmp_path / "2", "s,a,2025-01-01,2025-03-10,100,EUR,month,M\ns,a,2025-03-10,,1200,EUR,year,Y", "plan")
    assert moved(same) == {}
    assert split(same, "mrr", "2025-03", "plan") == {"Y": Decimal(100)}


def test_14_trial(tmp_path: Path) -> None:
    rows = "s,a,2025-03-01,2025-03-15,100,EUR,month,trialing\ns,a,2025-03-15,,100,EUR,month,active\nt,b,2025-03-20,2025-04-03,40,EUR,month,trialing"
    asker = book(tmp_path, rows, "status")
    assert values(asker, "mrr trial_mrr customers", "2025-03") == [100, 40, 1]
    assert values(asker, "mrr trial_mrr", "2025-03-10") == [0, 100]
    assert moved(asker) == {"new_mrr": Decimal(100)}


FREE: dict[str, Any] = {"status": "trialing", "trial_start": at("2025-03-10"), "trial_end": at("2025-04-10")}
PAID = invoice("in_1", [line("2025-02-10", "2025-03-10", 2900)], "2025-02-10")
GIVEN_BACK = invoice("in_2", [line("2025-03-10", "2025-04-10", -2900, proration=True), line("2025-03-10", "2025-04-10", 0)], "2025-03-10")
SET_ON = event("evt_1", "2025-03-10", "customer.subscription.updated", subscription(**FREE), status="active", trial_start=None, trial_end=None)


@pytest.mark.parametrize("objects", [(PAID,), (PAID, GIVEN_BACK), (SET_ON,), (SET_ON, PAID, GIVEN_BACK)], ids=["invoice", "credit", "event", "all"])
def test_15_a_free_month_by_a_trial_on_a_paying_customer(tmp_path: Path, objects: tuple[Any, ...]) -> None:
    asker, told = stripe(tmp_path, subscription(**FREE), *objects)
    assert [mrr(asker, month) for month in ("2025-02", "2025-03", "2025-05")] == [29, 29, 29]
    assert [moved(asker, month) for month in ("2025-03", "2025-04", "2025-05")] == [{}, {}, {}]
    assert values(asker, "trial_mrr trials_started", "2025-03") == [0, 0]
    assert told == []


def test_15_what_a_trial_was_set_on_is_said_where_nothing_tells_it(tmp_path: Path) -> None:
    """The object alone: it began in January, its trial in March. It counts as paid, and the import says that this is not known."""
    asker, told = stripe(tmp_path, subscription(**FREE))
    assert mrr(asker) == 29
    assert told == ["sub_1 began before its trial, which is counted as free time of a paying customer"]


def test_15_a_trial_after_a_free_plan_or_after_another_trial_is_a_trial(tmp_path: Path) -> None:
    free = subscription(items=[item("si_1", price("price_free", 0))])
    was: dict[str, Any] = {"status": "active", "trial_start": None, "trial_end": None, "items": free["items"]}
    upgraded = event("evt_1", "2025-03-10", "customer.subscription.updated", subscription(**FREE), **was)
    asker, _ = stripe(tmp_path / "free", subscription(**FREE), upgraded)
    assert values(asker, "mrr trial_mrr", "2025-03") == [0, 29]
    was = {"status": "paused", "trial_start": at("2025-01-10"), "trial_end": at("2025-01-24")}
    again = event("evt_1", "2025-03-10", "customer.subscription.updated", subscription(**FREE), **was)
    second, _ = stripe(tmp_path / "again", subscription(**FREE), again)
    assert values(second, "mrr trial_mrr", "2025-03") == [0, 29]


def test_16_pause_and_resume(tmp_path: Path) -> None:
    rows = "s,a,2025-01-01,2025-03-10,100,EUR,month,active\ns,a,2025-03-10,2025-04-10,100,EUR,month,paused\ns,a,2025-04-10,,100,EUR,month,active"
    asker = book(tmp_path, rows, "status")
    assert values(asker, "mrr paused_mrr", "2025-03") == [0, 100]
    assert split(asker, "churned_mrr", "2025-03", "cause") == {"pause": Decimal(100)}
    assert split(asker, "reactivation_mrr", "2025-04", "cause") == {"resume": Decimal(100)}
    assert mrr(asker, rules="stripe") == 100


def test_17_past_due_counts_for_thirty_days_and_is_at_risk(tmp_path: Path) -> None:
    rows = "s,a,2025-01-01,2025-03-01,100,EUR,month,active,\ns,a,2025-03-01,,100,EUR,month,past_due,2025-03-01"
    asker = book(tmp_path, rows, "status,past_due_on")
    assert values(asker, "mrr mrr_at_risk", "2025-03-31") == [100, 100]
    assert values(asker, "mrr mrr_at_risk", "2025-04-01") == [0, 0]
    assert split(asker, "churned_mrr", "2025-04", "cause") == {"involuntary": Decimal(100)}
    assert mrr(asker, "2025-04", "chartmogul") == 100


def test_18_cancelled_at_the_periods_end(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,2025-04-15,100,EUR,month,2025-03-20", "cancelled_on")
    assert values(asker, "mrr committed_mrr", "2025-03") == [100, 0]
    assert values(asker, "mrr committed_mrr", "2025-03-19") == [100, 100]
    assert moved(asker, "2025-04") == {"churned_mrr": Decimal(100)}
    assert mrr(asker, rules="stripe") == 0


LEFT: dict[str, Any] = {"canceled_at": at("2025-03-20"), "cancel_at_period_end": True, "status": "canceled", "ended_at": at("2026-01-10")}
YEAR = price("price_year", 12000, "year")


def charge(**values: Any) -> Any:
    """A charge as the API gives it, as far as it is read."""
    return {"id": "ch_1", "object": "charge", "customer": "cus_1", "amount": 12000, "refunded": False, "payment_intent": None, **values}


def test_19_a_refund_changes_no_mrr_and_with_a_cancellation_dates_the_churn(tmp_path: Path) -> None:
    """A year of 120 paid on 10 January, cancelled on 20 March: it runs to the end of what was paid, unless all of that was given back."""
    billed = invoice("in_1", [line("2025-01-10", "2026-01-10", 12000, "price_year")], "2025-01-10", total=12000)
    running, left = subscription(items=[item("si_1", YEAR)]), subscription(items=[item("si_1", YEAR)], **LEFT)
    paid_by = {"payments": {"object": "list", "data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}}
    whole = charge(refunded=True, amount_refunded=12000, payment_intent="pi_1")
    for name, objects, april in (
        ("refunded", (running, {**billed, **paid_by}, whole), 10),
        ("left", (left, {**billed, **paid_by}, charge(payment_intent="pi_1")), 10),
        ("part", (left, {**billed, "post_payment_credit_notes_amount": 6000}), 10),
        ("credit", (left, {**billed, "post_payment_credit_notes_amount": 12000}), 0),
        ("newer", (left, {**billed, **paid_by}, whole), 0),
        ("older", (left, {**billed, "charge": "ch_1"}, charge(refunded=True)), 0),
        ("event", (left, {**billed, **paid_by}, event("evt_1", "2025-03-21", "charge.refunded", whole)), 0),
    ):
        asker, _ = stripe(tmp_path / name, *objects)
        assert [mrr(asker, month) for month in ("2025-02", "2025-04")] == [10, april], name
        assert moved(asker, "2025-03-20") == ({} if april else {"churned_mrr": Decimal(10)}), name


def test_20_one_off_charges_are_no_mrr(tmp_path: Path) -> None:
    """A setup fee on the first invoice; a price without an interval and a row without one are refused by line, never taken as gross."""
    fee = line("2025-01-10", "2025-01-10", 50000, "price_setup", own=None)
    fee["parent"]["invoice_item_details"]["subscription"] = None
    once = price("price_setup", 50000, recurring=None, type="one_time")
    asker, _ = stripe(tmp_path / "stripe", subscription(), once, invoice("in_1", [line("2025-01-10", "2025-02-10", 2900), fee], "2025-01-10"))
    assert [mrr(asker, "2025-01"), mrr(asker)] == [29, 29]
    ledger = Ledger(tmp_path / "rows", company())
    rows = f"{HEAD}\ns,a,2025-01-01,,100,EUR,month\nt,b,2025-01-01,,500,EUR,once\nu,c,2025-01-01,,500,EUR,"
    [report] = bring(ledger, write(tmp_path / "files", {"subscriptions": rows}))
    assert sorted(problem.line for problem in report.problems if problem.refused) == [3, 4]
    assert mrr(Asker(ledger), "2025-01-01") == 100


def test_21_usage_stands_apart(tmp_path: Path) -> None:
    """Three closed periods of 30, 60 and 90: usage is worth their mean from the end of the last."""
    metered = "".join(f"u,a,2025-0{m}-01,2025-0{m + 1}-01,{amount},EUR,month,true\n" for m, amount in ((1, 30), (2, 60), (3, 90)))
    asker = book(tmp_path, f"s,a,2025-01-01,,100,EUR,month,\n{metered}", "metered")
    assert [values(asker, "mrr usage_mrr", f"2025-0{m}") for m in (1, 2, 3, 4)] == [[100, 0], [100, 30], [100, 45], [100, 60]]
    assert mrr(asker, "2025-04", "profitwell") == 160
    assert values(asker, "usage_mrr", "2025-06") == [0], "after as long as a period was, nothing is known of it"


def test_22_several_subscriptions_of_one_customer(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,,100,EUR,month\nt,a,2025-03-05,2025-04-05,30,EUR,month")
    assert split(asker, "expansion_mrr", "2025-03", "cause") == {"add_on": Decimal(30)}
    assert split(asker, "contraction_mrr", "2025-04", "cause") == {"add_on": Decimal(30)}
    assert values(asker, "customers new_customers churned_customers", "2025-04") == [1, 0, 0]


def test_23_a_merge_can_be_taken_back(tmp_path: Path) -> None:
    """The biller's second customer of one account: by an alias its move is no movement, and a self-alias parts them again."""
    asker = book(tmp_path, "s,old,2025-01-01,2025-03-10,100,EUR,month\nt,new,2025-03-10,,100,EUR,month")
    assert moved(asker) == {"churned_mrr": Decimal(100), "new_mrr": Decimal(100)}
    bring(asker.ledger, write(tmp_path / "merge", {"aliases": "kind,from_id,to_id\naccount,old,new"}))
    assert moved(asker) == {}
    bring(asker.ledger, write(tmp_path / "parted", {"aliases": "kind,from_id,to_id\naccount,old,old"}))
    assert moved(asker) == {"churned_mrr": Decimal(100), "new_mrr": Decimal(100)}


def test_24_won_and_lost_in_one_month(tmp_path: Path) -> None:
    asker = book(tmp_path, "k,z,2025-01-01,,50,EUR,month\ns,a,2025-03-05,2025-03-20,100,EUR,month")
    assert moved(asker) == {"new_mrr": Decimal(100), "churned_mrr": Decimal(100)}
    names = ("new_customers", "churned_customers", "customer_churn_rate")
    rates = {
        name: [answer.value for answer in asker.ask(Question(names, (parse("2025-03"),), rules=preset(name)))]
        for name in ("fari", "stripe", "chartmogul", "profitwell")
    }
    assert rates == {"fari": [1, 1, 1], "stripe": [1, 1, Decimal("0.5")], "chartmogul": [1, 1, 0], "profitwell": [0, 0, 0]}


def test_25_churn_and_return_in_one_period(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,2025-03-05,100,EUR,month\ns,a,2025-03-12,,120,EUR,month")
    assert moved(asker) == {"churned_mrr": Decimal(100), "reactivation_mrr": Decimal(120)}
    names = ("churned_mrr", "reactivation_mrr", "expansion_mrr", "mrr")
    for rules in (preset("chartmogul"), preset("fari").changed(gap="7")):
        assert [a.value for a in asker.ask(Question(names, (parse("2025-03"),), rules=rules))] == [0, 0, 20, 120]
    assert [a.value for a in asker.ask(Question(names, (parse("2025-03"),), rules=preset("fari").changed(gap="6")))] == [100, 120, 0, 120]


def test_26_currency_is_constant_and_fx_a_line_of_its_own(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,,100,USD,month")
    assert [mrr(asker, "2025-02"), mrr(asker), moved(asker)] == [90, 90, {}]
    names = ("opening_mrr", "fx_mrr", "contraction_mrr", "mrr")
    assert [a.value for a in asker.ask(Question(names, (parse("2025-03"),), rules=preset("stripe")))] == [90, -10, 0, 80]


def test_27_time_zone_and_the_months_edge(tmp_path: Path) -> None:
    """A day is the company's day: a subscription of 1 April is no part of March, wherever the server stands."""
    rows = f"{HEAD}\ns,a,2025-03-31,2025-04-01,100,EUR,month\nt,b,2025-04-01,,100,EUR,month"
    for zone in ("America/Los_Angeles", "Pacific/Auckland"):
        asker = project(tmp_path / zone, {"subscriptions": rows, "rates": f"day,currency,rate\n{ENDS},GBP,1.2"}, company(zone))
        assert [values(asker, "mrr", day) for day in ("2025-03-31", "2025-04-01")] == [[100], [100]]
        assert split(asker, "churned_mrr", "2025-04", "cause") == {"cancelled": Decimal(100)}


def test_28_month_length_and_the_31st(tmp_path: Path) -> None:
    """Calendar months, never day counts: February is worth as much, and what began on the 31st is due on a shorter month's last day."""
    asker = book(tmp_path, "s,a,2024-01-31,,100,EUR,month\nq,b,2024-11-30,,300,EUR,quarter")
    assert [mrr(asker, f"2025-0{month}") for month in (1, 2, 3)] == [200, 200, 200]
    assert values(asker, "renewals_due", "2025-02") == [1]
    assert values(asker, "renewals_due", "2025-02-27") == [1], "paid for until the 27th, due again on the 28th"


def test_29_backdated_rows_restate_and_the_old_figure_stays_known(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, company())
    first = {"subscriptions": f"{HEAD}\ns,a,2025-01-01,,100,EUR,month", "rates": "day,currency,rate\n2025-03-31,USD,0.9"}
    bring(ledger, write(tmp_path / "1", first), today=date(2025, 4, 1))
    bring(ledger, write(tmp_path / "2", {"subscriptions": f"{HEAD}\nt,b,2025-02-01,,40,EUR,month"}), today=date(2025, 6, 1))
    asker = Asker(ledger)
    assert mrr(asker) == 140
    (before,) = asker.ask(Question(("mrr",), (parse("2025-03"),), as_of=date(2025, 4, 2)))
    assert before.value == 100


def test_30_stale_rows_end_with_what_was_known(tmp_path: Path) -> None:
    """An export of January, asked in June: it is not known who has left since. MRR ends with the data; it is no running figure of June."""
    asker = book(tmp_path / "rows", "s,a,2025-01-01,,100,EUR,month")
    assert values(asker, "mrr", "2026-01") == [None]
    stale = [found.what for found in examine(asker, date(2026, 6, 1)).findings if found.topic == "stale"]
    assert stale == ["the newest data are of 2025-12-31, 152 days ago"]
    old, _ = stripe(tmp_path / "stripe", subscription(current_period_end=at("2025-02-10")), today=date(2025, 1, 20))
    assert values(old, "mrr", "2025-02") == [None]


def test_31_control_totals_of_an_import(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, company())
    rows = f"{HEAD}\n" + "".join(f"s{n},a{n},2025-01-01,,{'x' if n == 7 else 10},EUR,month\n" for n in range(1200))
    [report] = import_files(ledger, write(tmp_path / "f", {"subscriptions": rows}), How(TODAY, datetime(2026, 1, 15, 12, tzinfo=UTC)))
    assert (report.read, report.rejected) == (1200, 1)
    assert report.totals["subscriptions.amount EUR"]["stored"] == 11_990
    assert mrr(Asker(ledger), "2025-01-01") == 11_990


def test_32_a_new_price_does_not_rewrite_the_past(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-01-01,2025-03-01,100,EUR,month,P\ns,a,2025-03-01,,110,EUR,month,P", "plan")
    assert [mrr(asker, "2025-02"), mrr(asker)] == [100, 110]
    assert split(asker, "expansion_mrr", "2025-03", "cause") == {"price": Decimal(10)}


def test_33_disputes_void_and_draft_invoices(tmp_path: Path) -> None:
    """None of them is evidence of terms, and a dispute by itself changes no MRR: the subscription runs until it is ended."""
    team = price("price_team", 9900)
    never = [
        invoice(f"in_{status}", [line("2025-03-10", "2025-04-10", 9900, "price_team")], "2025-03-10", status=status)
        for status in ("void", "draft", "uncollectible")
    ]
    dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1", "amount": 2900, "status": "lost"}
    asker, _ = stripe(tmp_path, team, subscription(), *never, charge(disputed=True), dispute)
    assert [mrr(asker), mrr(asker, "2025-05")] == [29, 29]
    assert moved(asker) == {}
    gone: dict[str, Any] = {"canceled_at": at("2025-03-20"), "ended_at": at("2025-03-20"), "cancellation_details": {"reason": "payment_disputed"}}
    ended = subscription(status="canceled", **gone)
    lost, _ = stripe(tmp_path / "lost", ended, charge(disputed=True), dispute)
    assert split(lost, "churned_mrr", "2025-03", "churn_reason") == {"payment_disputed": Decimal(29)}


def test_34_undefined_is_never_zero(tmp_path: Path) -> None:
    asker = book(tmp_path, "s,a,2025-03-05,2025-03-20,100,EUR,month")
    rate, quick = ask(asker, "customer_churn_rate gross_revenue_churn_rate", "2025-03")
    assert rate.value is None
    assert rate.notes == ("opening_customers is 0 in this period",)
    assert quick.value is None
    many = book(tmp_path / "many", "k,z,2025-01-01,,50,EUR,month\ns,a,2025-03-05,2025-03-20,100,EUR,month\nt,b,2025-03-05,2025-03-20,100,EUR,month")
    assert values(many, "customer_churn_rate annual_churn_rate customer_lifetime_months clv", "2025-03") == [2, None, None, None]
