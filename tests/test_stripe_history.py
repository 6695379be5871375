"""Stripe's objects as stretches: what a subscription was before, from its events, its invoices, its schedule and earlier states of itself."""

from copy import copy
from dataclasses import replace
from typing import Any

import pytest
from tests.stripe_made import (
    at,
    coupon,
    discount,
    event,
    invoice,
    item,
    known,
    line,
    older,
    price,
    problems,
    rows,
    sample,
    subscription,
    worked_out,
)

from fari.sources.record import Kept, Problem, Record, Skipped
from fari.sources.stripe_objects import Reader

PRO, TEAM = price(), price("price_team", 9900)


def items(*given: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(given), "has_more": False}


def addon(since: str, until: str) -> Any:
    return line(since, until, 1000, "price_addon", own="si_9")


def seats(count: int, of: Any = PRO) -> Any:
    return item("si_1", of, count)


# Events -----------------------------------------------------------------------------------------------------------------


def test_events_walk_history_back() -> None:
    """Three seats from the start, five from 3 March, the plan Team from 20 April."""
    now = subscription(items=[seats(5, TEAM)])
    found = worked_out(
        [
            now,
            event("evt_2", "2025-04-20", "customer.subscription.updated", now, items=items(seats(5))),
            event("evt_1", "2025-03-03", "customer.subscription.updated", subscription(items=[seats(5)]), items=items(seats(3))),
        ]
    )
    assert rows(found, "amount", "quantity", "plan") == [
        ("sub_1", "2025-01-10", "2025-03-03", "87", "3", "Pro"),
        ("sub_1", "2025-03-03", "2025-04-20", "145", "5", "Pro"),
        ("sub_1", "2025-04-20", None, "495", "5", "Team"),
    ]
    assert [one.line for one in found if isinstance(one, Record)] == ["evt_1", "evt_1", "evt_2"]


def test_events_alone_are_enough() -> None:
    begun = subscription(items=[seats(2)], since="2025-01-10")
    gone = {**begun, "status": "canceled", "ended_at": at("2025-06-01"), "canceled_at": at("2025-05-20")}
    found = worked_out(
        [
            event("evt_2", "2025-06-01", "customer.subscription.deleted", gone),
            event("evt_1", "2025-01-10", "customer.subscription.created", begun),
        ]
    )
    assert rows(found, "amount", "cancelled_on") == [("sub_1", "2025-01-10", "2025-06-01", "58", "2025-05-20")]


def test_the_order_in_which_objects_come_makes_no_difference() -> None:
    now = subscription(items=[seats(5, TEAM)])
    objects = [
        now,
        event("evt_2", "2025-04-20", "customer.subscription.updated", now, items=items(seats(5))),
        event("evt_1", "2025-03-03", "customer.subscription.updated", subscription(items=[seats(5)]), items=items(seats(3))),
        invoice("in_1", [line("2025-01-10", "2025-02-10", 8700, quantity=3)], "2025-01-10"),
        PRO,
        TEAM,
    ]
    expected = rows(worked_out(objects), "amount", "quantity", "plan")
    assert len(expected) == 3
    for turned in range(1, len(objects)):
        assert rows(worked_out(objects[turned:] + objects[:turned]), "amount", "quantity", "plan") == expected


def test_of_one_day_the_last_terms_count() -> None:
    now = subscription(items=[seats(2)])
    found = worked_out(
        [
            now,
            event("evt_1", "2025-03-03T09:00", "customer.subscription.updated", subscription(items=[seats(9)]), items=items(seats(1))),
            event("evt_2", "2025-03-03T11:00", "customer.subscription.updated", now, items=items(seats(9))),
        ]
    )
    assert rows(found, "quantity") == [("sub_1", "2025-01-10", "2025-03-03", "1"), ("sub_1", "2025-03-03", None, "2")]


def test_a_change_late_in_the_evening_is_of_the_companys_day() -> None:
    now = subscription(items=[seats(2)])
    found = worked_out([now, event("evt_1", "2025-03-31T22:30", "customer.subscription.updated", now, items=items(seats(1)))])
    assert rows(found)[1][1] == "2025-04-01"


# Items ------------------------------------------------------------------------------------------------------------------


def test_an_item_that_comes_later_leaves_the_first_its_id() -> None:
    """The item that the subscription began with has the subscription's id, before and after others come and go."""
    extra = item("si_0", price("price_extra", 500), created="2025-03-03")
    both, one = subscription(items=[seats(1), extra]), subscription(items=[seats(1)])
    first, second = rows(worked_out([one])), rows(worked_out([both]))
    assert first == [("sub_1", "2025-01-10", None)]
    assert second == [("sub_1", "2025-01-10", None), ("sub_1/si_0", "2025-03-03", None)]
    gone = worked_out(
        [
            one,
            event("evt_1", "2025-03-03", "customer.subscription.updated", both, items=items(seats(1))),
            event("evt_2", "2025-05-05", "customer.subscription.updated", one, items=items(seats(1), extra)),
        ]
    )
    assert rows(gone) == [("sub_1", "2025-01-10", None), ("sub_1/si_0", "2025-03-03", "2025-05-05")]


def test_a_plan_changed_by_a_new_item_keeps_both() -> None:
    now = subscription(items=[item("si_2", TEAM, created="2025-04-20")])
    found = worked_out([now, event("evt_1", "2025-04-20", "customer.subscription.updated", now, items=items(seats(1)))])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", "2025-04-20", "29"), ("sub_1/si_2", "2025-04-20", None, "99")]


def test_usage_is_no_mrr_and_is_said() -> None:
    meter = price("price_meter", 2)
    meter["recurring"]["usage_type"] = "metered"
    found = worked_out([subscription(items=[seats(1), item("si_2", meter)])])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "29")]
    assert [one.why for one in found if isinstance(one, Skipped)] == ["an item billed by usage: no MRR"]


# Invoices ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["newer", "older"])
def test_invoices_give_the_past_that_events_have_lost(shape: str) -> None:
    """One seat until the change of 16 February to three; the price is another from the period of 10 April."""
    made = older if shape == "older" else copy
    found = worked_out(
        [
            subscription(items=[seats(3, TEAM)]),
            PRO,
            invoice("in_1", [made(line("2025-01-10", "2025-02-10", 2900))], "2025-01-10"),
            invoice("in_2", [made(line("2025-02-10", "2025-03-10", 2900))], "2025-02-10"),
            invoice(
                "in_3",
                [
                    made(line("2025-02-16", "2025-03-10", -2278, proration=True)),
                    made(line("2025-02-16", "2025-03-10", 6834, quantity=3, proration=True)),
                    made(line("2025-03-10", "2025-04-10", 8700, quantity=3)),
                ],
                "2025-03-10",
            ),
            invoice("in_4", [line("2025-04-10", "2025-05-10", 29700, "price_team", 3)], "2025-04-10"),
        ]
    )
    assert problems(found) == []
    assert rows(found, "amount", "quantity", "plan") == [
        ("sub_1", "2025-01-10", "2025-02-16", "29", "1", "Pro"),
        ("sub_1", "2025-02-16", "2025-04-10", "87", "3", "Pro"),
        ("sub_1", "2025-04-10", None, "297", "3", "Team"),
    ]
    assert [one.line for one in found if isinstance(one, Record)] == ["in_1", "in_3", "in_4"]


def test_a_proration_that_names_no_item_is_of_the_one_that_has_had_its_price() -> None:
    found = worked_out(
        [
            subscription(items=[seats(1, TEAM)]),
            PRO,
            invoice("in_1", [line("2025-01-10", "2025-02-10", 2900)], "2025-01-10"),
            invoice(
                "in_2",
                [
                    line("2025-01-20", "2025-02-10", -1964, own=None, proration=True),
                    line("2025-01-20", "2025-02-10", 6706, "price_team", own=None, proration=True),
                ],
                "2025-01-20",
            ),
        ]
    )
    assert rows(found, "amount") == [("sub_1", "2025-01-10", "2025-01-20", "29"), ("sub_1", "2025-01-20", None, "99")]


def test_an_item_known_by_invoices_alone_ends_with_what_was_billed() -> None:
    """An add-on of the first two months, of which the subscription no longer knows anything."""
    found = worked_out(
        [
            subscription(items=[seats(1)]),
            price("price_addon", 1000),
            invoice("in_1", [line("2025-01-10", "2025-02-10", 2900), addon("2025-01-10", "2025-02-10")], "2025-01-10"),
            invoice("in_2", [line("2025-02-10", "2025-03-10", 2900), addon("2025-02-10", "2025-03-10")], "2025-02-10"),
            invoice("in_3", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10"),
        ]
    )
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "29"), ("sub_1/si_9", "2025-01-10", "2025-03-10", "10")]


@pytest.mark.parametrize("status", ["void", "draft", "uncollectible"])
def test_what_was_never_due_is_no_evidence(status: str) -> None:
    found = worked_out(
        [subscription(items=[seats(1)]), TEAM, invoice("in_1", [line("2025-02-10", "2025-03-10", 9900, "price_team")], "2025-02-10", status=status)]
    )
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "29")]


def test_a_trials_invoice_of_nothing_does_not_make_the_price_nothing() -> None:
    now = subscription(items=[seats(1)], trial_start=at("2025-01-10"), trial_end=at("2025-01-24"))
    found = worked_out([now, invoice("in_1", [line("2025-01-10", "2025-01-24", 0)], "2025-01-10")])
    assert rows(found, "amount", "status") == [
        ("sub_1", "2025-01-10", "2025-01-24", "29", "trialing"),
        ("sub_1", "2025-01-24", None, "29", "active"),
    ]


def test_tiers_that_are_not_known_are_told_by_the_invoice() -> None:
    tiered = price("price_tiers", None, billing_scheme="tiered", tiers_mode="graduated")
    lines = [line("2025-01-10", "2025-02-10", 3500, "price_tiers", 5), line("2025-01-10", "2025-02-10", 1301, "price_tiers", 2)]
    found = worked_out([subscription(items=[seats(7, tiered)]), invoice("in_1", lines, "2025-01-10")])
    assert rows(found, "amount", "quantity") == [("sub_1", "2025-01-10", None, "48.01", "7")]
    unknown = worked_out([subscription(items=[seats(7, tiered)])])
    assert rows(unknown) == []
    assert problems(unknown) == ["sub_1 tiers are missing"]


def test_a_price_of_fractions_of_a_cent_is_not_rounded_by_its_invoice() -> None:
    tiny = price("price_tiny", None, unit_amount_decimal="3.333")
    found = worked_out(
        [subscription(items=[seats(1000, tiny)]), invoice("in_1", [line("2025-01-10", "2025-02-10", 3333, "price_tiny", 1000)], "2025-01-10")]
    )
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "33.33")]


def test_an_unknown_price_of_the_past_is_said_and_never_guessed() -> None:
    found = worked_out([subscription(items=[seats(1)]), invoice("in_1", [line("2025-01-10", "2025-02-10", 1900, "price_old")], "2025-01-10")])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "29")]
    [problem] = [one for one in found if isinstance(one, Problem)]
    assert (problem.refused, problem.value, problem.mend) == (False, "price_old", "import prices (JSON of the API) too")


def test_a_subscription_known_by_invoices_alone_counts_until_what_was_billed() -> None:
    found = worked_out([PRO, invoice("in_1", [line("2025-01-10", "2025-02-10", 2900)], "2025-01-10")])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", "2025-02-10", "29")]
    assert "known by its invoices alone" in problems(found)[0]


def test_an_invoice_of_no_subscription_is_left_out() -> None:
    alone = sample("invoice", id="in_9", customer="cus_1", status="paid", parent=None, lines=items())
    assert [one.why for one in worked_out([alone]) if isinstance(one, Skipped)] == ["an invoice of no subscription: no MRR"]


# Discounts --------------------------------------------------------------------------------------------------------------


def test_a_discount_given_and_taken_away_by_events() -> None:
    off = discount("di_1", coupon(), "2025-03-01")
    plain, less = subscription(), subscription(discounts=[off])
    found = worked_out(
        [
            plain,
            event("evt_1", "2025-03-01", "customer.subscription.updated", less, discounts=[]),
            event("evt_2", "2025-05-01", "customer.subscription.updated", plain, discounts=[off]),
        ]
    )
    assert rows(found, "discount", "discount_kind") == [
        ("sub_1", "2025-01-10", "2025-03-01", None, None),
        ("sub_1", "2025-03-01", "2025-05-01", "14.5", "forever"),
        ("sub_1", "2025-05-01", None, None, None),
    ]


def test_a_coupon_for_three_months_ends_and_is_told_by_its_id() -> None:
    off = discount("di_1", "THREE", "2025-01-10")
    three = coupon("THREE", "repeating", duration_in_months=3, percent_off=50)
    found = worked_out([subscription(discounts=[off]), three])
    assert rows(found, "discount", "discount_kind") == [
        ("sub_1", "2025-01-10", "2025-04-10", "14.5", "repeating"),
        ("sub_1", "2025-04-10", None, None, None),
    ]


def test_a_discount_that_only_invoices_know_is_what_they_took_off() -> None:
    """di_1 stands on two invoices: again and again. di_2 on one: once, and it does not count."""
    off = [{"amount": 900, "discount": "di_1"}]
    found = worked_out(
        [
            subscription(),
            invoice("in_1", [line("2025-01-10", "2025-02-10", 2900, discount_amounts=off)], "2025-01-10"),
            invoice("in_2", [line("2025-02-10", "2025-03-10", 2900, discount_amounts=off)], "2025-02-10"),
            invoice("in_3", [line("2025-03-10", "2025-04-10", 2900, discount_amounts=[{"amount": 100, "discount": "di_2"}])], "2025-03-10"),
        ]
    )
    assert rows(found, "discount", "discount_kind") == [
        ("sub_1", "2025-01-10", "2025-03-10", "9", "repeating"),
        ("sub_1", "2025-03-10", "2025-04-10", "1", "once"),
        ("sub_1", "2025-04-10", None, None, None),
    ]


# Tax --------------------------------------------------------------------------------------------------------------------

INSIDE = [{"amount": 523, "tax_behavior": "inclusive", "taxable_amount": 2377}]


@pytest.mark.parametrize("taxes", [{"taxes": INSIDE}, {"taxes": None, "tax_amounts": [{"amount": 523, "inclusive": True}]}])
def test_tax_inside_a_price_is_taken_out_as_it_was_billed(taxes: Any) -> None:
    gross = price(tax_behavior="inclusive")
    found = worked_out([subscription(items=[seats(1, gross)]), invoice("in_1", [line("2025-01-10", "2025-02-10", 2900, **taxes)], "2025-01-10")])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "23.77")]


def test_tax_by_the_rate_set_and_tax_on_top() -> None:
    rate = {"id": "txr_1", "object": "tax_rate", "percentage": 22.0, "inclusive": True}
    assert rows(worked_out([subscription(default_tax_rates=[rate])]), "amount") == [("sub_1", "2025-01-10", None, "23.770492")]
    on_top = subscription(default_tax_rates=[{**rate, "inclusive": False}])
    assert rows(worked_out([on_top]), "amount") == [("sub_1", "2025-01-10", None, "29")]


def test_tax_of_no_known_rate_is_said() -> None:
    found = worked_out([subscription(items=[seats(1, price(tax_behavior="inclusive"))])])
    assert rows(found, "amount") == [("sub_1", "2025-01-10", None, "29")]
    assert problems(found) == ["sub_1 has a price that includes tax, and nothing says how much: counted whole"]


# Status -----------------------------------------------------------------------------------------------------------------


def test_overdue_from_the_day_the_first_unpaid_invoice_fell_due() -> None:
    unpaid = [
        invoice("in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", status="open"),
        invoice("in_3", [line("2025-04-10", "2025-05-10", 2900)], "2025-04-10", status="open"),
    ]
    found = worked_out([subscription(status="past_due", latest_invoice="in_3"), *unpaid])
    assert rows(found, "status", "past_due_on") == [
        ("sub_1", "2025-01-10", "2025-03-10", "active", None),
        ("sub_1", "2025-03-10", None, "past_due", "2025-03-10"),
    ]


def test_an_invoice_paid_forty_days_late_leaves_its_mark_one_paid_after_ten_does_not() -> None:
    """Overdue since 10 March, paid on 19 April: from the 31st day it was worth nothing. The one of 10 May was paid ten days late."""
    found = worked_out(
        [
            subscription(),
            invoice("in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", "2025-04-19", attempt_count=4),
            invoice("in_3", [line("2025-05-10", "2025-06-10", 2900)], "2025-05-10", "2025-05-20", attempt_count=2),
        ]
    )
    assert rows(found, "status", "past_due_on") == [
        ("sub_1", "2025-01-10", "2025-03-10", "active", None),
        ("sub_1", "2025-03-10", "2025-04-19", "past_due", "2025-03-10"),
        ("sub_1", "2025-04-19", None, "active", None),
    ]


def test_a_failed_payment_told_by_an_event_is_not_forgotten_when_it_is_paid() -> None:
    first = invoice("in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", status="open")
    paid = invoice("in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", "2025-05-01")
    found = worked_out(
        [subscription(), event("evt_1", "2025-03-10", "invoice.payment_failed", first), event("evt_2", "2025-05-01", "invoice.paid", paid)]
    )
    assert rows(found, "status") == [
        ("sub_1", "2025-01-10", "2025-03-10", "active"),
        ("sub_1", "2025-03-10", "2025-05-01", "past_due"),
        ("sub_1", "2025-05-01", None, "active"),
    ]


def test_an_invoice_with_days_to_pay_is_overdue_when_they_are_over() -> None:
    late = invoice(
        "in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", status="open", due_date=at("2025-04-09"), attempt_count=0, attempted=False
    )
    running = rows(worked_out([subscription(), late]), "status")
    assert running == [("sub_1", "2025-01-10", None, "active")]
    overdue = rows(worked_out([subscription(status="past_due", latest_invoice="in_2"), late]), "status", "past_due_on")
    assert overdue[-1] == ("sub_1", "2025-04-09", None, "past_due", "2025-04-09")


def test_a_pause_of_collection_lasts_from_event_to_event() -> None:
    paused = subscription(pause_collection={"behavior": "void", "resumes_at": None})
    found = worked_out(
        [
            subscription(),
            event("evt_1", "2025-03-01", "customer.subscription.updated", paused, pause_collection=None),
            event("evt_2", "2025-05-01", "customer.subscription.updated", subscription(), pause_collection=paused["pause_collection"]),
        ]
    )
    assert rows(found, "status") == [
        ("sub_1", "2025-01-10", "2025-03-01", "active"),
        ("sub_1", "2025-03-01", "2025-05-01", "paused"),
        ("sub_1", "2025-05-01", None, "active"),
    ]


def test_a_pause_that_no_event_dates_began_with_the_first_invoice_dropped() -> None:
    paused = subscription(pause_collection={"behavior": "void", "resumes_at": at("2025-08-01")})
    found = worked_out(
        [
            paused,
            invoice("in_1", [line("2025-02-10", "2025-03-10", 2900)], "2025-02-10"),
            invoice("in_2", [line("2025-03-10", "2025-04-10", 2900)], "2025-03-10", status="void"),
            invoice("in_3", [line("2025-04-10", "2025-05-10", 2900)], "2025-04-10", status="void"),
        ]
    )
    assert rows(found, "status") == [
        ("sub_1", "2025-01-10", "2025-03-10", "active"),
        ("sub_1", "2025-03-10", "2025-08-01", "paused"),
        ("sub_1", "2025-08-01", None, "active"),
    ]


def test_a_trial_made_longer_and_then_paused_for_want_of_a_card() -> None:
    short = subscription(status="trialing", trial_start=at("2025-01-10"), trial_end=at("2025-01-24"))
    longer = {**short, "trial_end": at("2025-02-10")}
    paused = {**longer, "status": "paused"}
    found = worked_out(
        [
            event("evt_1", "2025-01-10", "customer.subscription.created", short),
            event("evt_2", "2025-01-20", "customer.subscription.updated", longer, trial_end=at("2025-01-24")),
            event("evt_3", "2025-02-10", "customer.subscription.paused", paused, status="trialing"),
            event("evt_4", "2025-03-01", "customer.subscription.resumed", {**longer, "status": "active"}, status="paused"),
        ]
    )
    assert rows(found, "status") == [
        ("sub_1", "2025-01-10", "2025-02-10", "trialing"),
        ("sub_1", "2025-02-10", "2025-03-01", "paused"),
        ("sub_1", "2025-03-01", None, "active"),
    ]


# Schedules and earlier states -------------------------------------------------------------------------------------------


def scheduled(*phases: tuple[str, str, str, int], **values: Any) -> Any:
    made = [
        {"start_date": at(since), "end_date": at(until), "items": [{"price": of, "quantity": count, "discounts": []}], "currency": "eur"}
        for since, until, of, count in phases
    ]
    unset: dict[str, Any] = {"released_at": None, "canceled_at": None, "completed_at": None, "status": "active"}
    return sample("subscription_schedule", id="sub_sched_1", customer="cus_1", subscription="sub_1", phases=made, **{**unset, **values})


def test_a_schedule_tells_past_phases_and_those_to_come() -> None:
    plan = scheduled(("2025-01-10", "2025-07-10", "price_pro", 2), ("2025-07-10", "2026-07-10", "price_team", 2))
    found = worked_out([subscription(items=[seats(2)]), TEAM, plan], read="2025-03-01")
    assert rows(found, "amount") == [("sub_1", "2025-01-10", "2025-07-10", "58"), ("sub_1", "2025-07-10", None, "198")]
    released = scheduled(*[("2025-01-10", "2025-07-10", "price_pro", 2), ("2025-07-10", "2026-07-10", "price_team", 2)], released_at=at("2025-02-01"))
    assert rows(worked_out([subscription(items=[seats(2)]), TEAM, released]), "amount") == [("sub_1", "2025-01-10", None, "58")]
    ending = scheduled(("2025-01-10", "2025-07-10", "price_pro", 2), end_behavior="cancel")
    assert rows(worked_out([subscription(items=[seats(2)]), ending]), "amount") == [("sub_1", "2025-01-10", "2025-07-10", "58")]


def test_two_states_without_an_event_between_them_change_on_the_day_the_second_was_read() -> None:
    def read(state: Any, on: str) -> list[Kept]:
        return [replace(one, at=at(on)) for one in Reader().take("x", state) if isinstance(one, Kept)]

    found = known([*read(subscription(items=[seats(3)]), "2025-03-01"), *read(subscription(items=[seats(5)]), "2025-04-01")])
    assert rows(found, "quantity") == [("sub_1", "2025-01-10", "2025-04-01", "3"), ("sub_1", "2025-04-01", None, "5")]
    dated = [*Reader().take("x", invoice("in_1", [line("2025-03-10", "2025-04-10", 14500, quantity=5)], "2025-03-10"))]
    better = known([*read(subscription(items=[seats(3)]), "2025-03-01"), *read(subscription(items=[seats(5)]), "2025-04-01"),
                    *(one for one in dated if isinstance(one, Kept))])  # fmt: skip
    assert rows(better, "quantity") == [("sub_1", "2025-01-10", "2025-03-10", "3"), ("sub_1", "2025-03-10", None, "5")]


# Bad data ---------------------------------------------------------------------------------------------------------------


def test_what_is_kept_holds_no_personal_data() -> None:
    person: dict[str, Any] = {
        "customer_email": "ada@acme.example", "customer_name": "Ada Lovelace", "customer_phone": "+39", "description": "for Ada Lovelace",
        "metadata": {"who": "Ada"}, "customer_address": {"line1": "Via Ada 1"}, "number": "ADA-0001",
    }  # fmt: skip
    holder = sample("customer", id="cus_1", name="Ada Lovelace", email="ada@acme.example", phone="+39", description="Ada", metadata={"who": "Ada"})
    billed = {**invoice("in_1", [line("2025-01-10", "2025-02-10", 2900)], "2025-01-10"), **person}
    now = subscription(customer="cus_1", metadata={"who": "Ada"})
    objects = [
        {**now, "customer": holder, "description": "Ada", "latest_invoice": billed},
        event("evt_1", "2025-03-01", "customer.subscription.updated", now, metadata={"who": "Ada?"}),
    ]
    kept = [found for one in objects for found in Reader().take("x", one) if isinstance(found, Kept)]
    assert {one.kind for one in kept} == {"customer", "invoice", "subscription", "event"}
    assert "ada" not in str([one.body for one in kept]).lower()


@pytest.mark.parametrize(
    "broken",
    [
        subscription(items=[{**seats(1), "quantity": "many"}]),
        subscription(items=[seats(1, price(cents="a lot"))]),  # type: ignore[arg-type]
        subscription(start_date="soon", created=None),
        subscription(discounts=[discount("di_1", coupon(percent_off="half"), "2025-01-10")]),
        subscription(items=[seats(1, price(recurring="monthly"))]),
        {**subscription(), "items": 7},
        {**subscription(), "trial_end": "never", "trial_start": "never", "status": "trialing"},
    ],
)
def test_a_broken_object_is_a_problem_and_stops_nothing(broken: Any) -> None:
    other = {**subscription("sub_2"), "customer": "cus_1"}
    found = worked_out([broken, other])
    assert ("sub_2", "2025-01-10", None) in rows(found)
    assert problems(found)


def test_an_account_stands_for_a_customer() -> None:
    found = worked_out([{**subscription(), "customer": None, "customer_account": "acct_1"}])
    assert [one.values["account_id"] for one in found if isinstance(one, Record)] == ["stripe:acct_1"]


def test_an_invoice_that_is_broken_is_a_problem() -> None:
    bad = invoice("in_1", [line("2025-01-10", "2025-02-10", 2900)], "2025-01-10")
    bad["lines"]["data"][0]["amount"] = "twenty"
    found = worked_out([subscription(), bad])
    assert any("sub_1" in what for what in problems(found))
