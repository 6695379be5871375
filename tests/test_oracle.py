"""The oracle against numbers worked out by hand, by the article that started Fari, and by others.

The numbers beside each case are small enough to be redone on paper; none of them was taken from a program's output.
"""

import csv
import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.oracle import METRICS, Books, Company, Landing, Tables, answer, complete, dimensions
from tests.oracle import ask as ask_books
from tests.random_company import COLUMNS, companies, random_company, write

GOLDEN = Path(__file__).parent / "golden"
PLAYBOOK = Path(__file__).parent.parent / "docs" / "golden" / "mrr-playbook"
ACME = Company(currency="EUR", timezone="Europe/Rome", today=date(2025, 12, 31))
Row = dict[str, Any]


def place(landing: Landing) -> str:
    """A channel rule good enough for tests: what the tags say, else the referrer."""
    by_medium = {"cpc": "Paid Search", "email": "Email"}
    return by_medium.get(landing.medium) or ("Referral" if landing.referrer else "Direct")


def period(word: str) -> tuple[date, date]:
    """`2025`, `2025-Q1`, `2025-03` or `2025-03-31`, as half-open days."""
    if len(word) == len("2025-03-31"):
        return date.fromisoformat(word), date.fromisoformat(word) + timedelta(days=1)
    year = int(word[:4])
    month, months = (1, 12) if len(word) == len("2025") else (int(word[6]) * 3 - 2, 3) if "Q" in word else (int(word[5:]), 1)
    last = year * 12 + month - 1 + months
    return date(year, month, 1), date(last // 12, last % 12 + 1, 1)


def ask(tables: Tables, metric: str, when: str, *by: str, company: Company = ACME, where: Mapping[str, str] | None = None) -> Any:
    """The value of a period, or by dimensions a dictionary; single keys stand alone."""
    found = answer(tables, company, metric, *period(when), by, where, place)
    return found[()] if not by else {key[0] if len(key) == 1 else key: value for key, value in found.items()}


def sub(subscription: str, starts: str, ends: str = "", amount: str = "100", **more: str) -> Row:
    """A stretch of a subscription; its account is the letter it begins with."""
    plain = {"currency": "EUR", "interval": "month", "account_id": subscription[0]}
    return plain | {"subscription_id": subscription, "starts_on": starts, "ends_on": ends, "amount": amount} | more


def page(
    at: str, anonymous: str = "", user: str = "", path: str = "/", medium: str = "", referrer: str = "", agent: str = "Mozilla/5.0", **more: Any
) -> Row:
    """A page view."""
    context = {"page": {"url": f"https://acme.test{path}", "path": path, "referrer": referrer}, "userAgent": agent} | more
    if medium:
        context["campaign"] = {"source": "x", "medium": medium, "name": f"{medium}-campaign"}
    return message("page", at, anonymous, user) | {"context": context}


def message(kind: str, at: str, anonymous: str = "", user: str = "", **more: Any) -> Row:
    """Any event."""
    return {"type": kind, "timestamp": at, "anonymousId": anonymous, "userId": user} | more


def stage(person: str, name: str, at: str) -> Row:
    return {"person_id": person, "stage": name, "at": at}


def cost(day: str, amount: str, channel: str = "", **more: str) -> Row:
    return {"day": day, "amount": amount, "channel": channel, "currency": "EUR"} | more


# The article's own arithmetic


def test_ten_of_two_hundred_leads_are_five_percent() -> None:
    tables = {
        "stages": [stage(f"p{n}", "lead", "2025-03-02T10:00:00Z") for n in range(200)],
        "subscriptions": [sub(f"{letter}1", "2025-03-10") for letter in "abcdefghij"],
    }
    assert ask(tables, "lead_conversion_rate", "2025-03") == Fraction(5, 100)


def test_what_the_article_calls_churn() -> None:
    # 20 new, 1 lost: 5 % as 250 of 5,000.
    tables = {"subscriptions": [sub(f"{n:02}", "2025-03-01", "2025-03-20" if n == 7 else "", account_id=f"a{n}") for n in range(20)]}
    assert ask(tables, "churned_to_new_ratio", "2025-03") == Fraction(250, 5000)


def test_mrr_arpa_and_arr() -> None:
    amounts = {"a": "150", "b": "300", "c": "300", "d": "500", "e": "500"}
    tables = {"subscriptions": [sub(f"{letter}1", "2025-03-01", amount=amount) for letter, amount in amounts.items()]}
    assert ask(tables, "mrr", "2025-03") == 1750
    assert ask(tables, "arpa", "2025-03") == 350
    assert ask(tables, "arr", "2025-03") == 21000


def test_cac_arpa_lifetime_and_clv() -> None:
    # 200 customers pay 100,000; 10 of 200 leave in March and 10 come: churn 5 %, 20 months, 500 x 20.
    rows = [sub(f"x{n}", "2025-02-01", "2025-03-15" if n < 10 else "", "500", account_id=f"a{n}") for n in range(200)]
    rows += [sub(f"y{n}", "2025-03-20", amount="500", account_id=f"b{n}") for n in range(10)]
    tables = {"subscriptions": rows, "spend": [cost("2025-02-10", "100000"), cost("2025-03-10", "5000")]}
    assert ask(tables, "cac", "2025-02") == 500
    assert ask(tables, "customer_lifetime_months", "2025-03") == 20
    assert ask(tables, "arpa", "2025-03") == 500
    assert ask(tables, "clv", "2025-03") == 10000
    assert ask(tables, "clv_cac_ratio", "2025-03") == 20
    assert ask(tables, "cac_payback_months", "2025-03") == 1
    assert ask(tables, "roi", "2025-03") == (10 * 10000 - 5000) / 5000
    half = Company(currency="EUR", timezone="UTC", today=date(2025, 12, 31), gross_margin=Decimal("0.5"))
    assert ask(tables, "clv", "2025-03", company=half) == 5000
    assert ask(tables, "cac_payback_months", "2025-03", company=half) == 2


# Others' answers


def playbook() -> Tables:
    with (PLAYBOOK / "subscriptions.csv").open() as file:
        return {"subscriptions": [{**row, "currency": "EUR"} for row in csv.DictReader(file)]}


def test_mrr_playbook_every_month() -> None:
    with (PLAYBOOK / "expected_monthly.csv").open() as file:
        expected = list(csv.DictReader(file))
    tables = playbook()
    signed = {"new_mrr": ("new_mrr", 1), "expansion": ("expansion_mrr", 1), "contraction": ("contraction_mrr", -1), "churn": ("churned_mrr", -1)}
    signed |= {"reactivation": ("reactivation_mrr", 1), "n_new": ("new_customers", 1), "n_churn": ("churned_customers", 1)}
    signed |= {"mrr": ("mrr", 1), "arr": ("arr", 1), "active_customers": ("customers", 1), "n_react": ("reactivated_customers", 1)}
    for row in expected:
        month = row["date_month"][:7]
        found = {name: ask(tables, metric, month) * sign for name, (metric, sign) in signed.items()}
        assert found == {name: Fraction(row[name]) for name in signed}, month
        for name, metric in (("arpa", "arpa"), ("customer_churn_rate", "customer_churn_rate")):
            rate = ask(tables, metric, month)
            assert (rate is None) == (row[name] == ""), month
            assert rate is None or rate == pytest.approx(Fraction(row[name]), abs=1e-4), month
    assert [row["date_month"] for row in expected][:3] == ["2017-09-01", "2017-10-01", "2017-11-01"]
    assert len(expected) == 29


def test_mrr_playbook_in_one_period() -> None:
    found = {name: answer(playbook(), ACME, name, date(2017, 1, 1), date(2020, 12, 1))[()] for name in ("new_mrr", "new_customers", "churned_mrr")}
    assert found == {"new_mrr": 2295, "new_customers": 55, "churned_mrr": 2550}


def test_killbill_monthly_values() -> None:
    with (GOLDEN / "killbill/mrr_normalisation_cases.csv").open() as file:
        cases = [row for row in csv.DictReader(file) if row["billing_period"] != "NO_BILLING_PERIOD"]
    for case in cases:
        interval = {"MONTHLY": "month", "ANNUAL": "year"}[case["billing_period"]]
        value = ask({"subscriptions": [sub("a1", "2025-03-01", amount=case["price"], interval=interval)]}, "mrr", "2025-03")
        assert value == pytest.approx(Fraction(case["expected_mrr"]), abs=6e-5), case
    assert len(cases) == 59


# Monthly value and MRR


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"interval": "week", "amount": "10"}, "43.333333"),  # 10 x 52 / 12
        ({"interval": "day", "amount": "1"}, "30.416667"),  # 365 / 12, half up
        ({"interval": "quarter", "amount": "100"}, "33.333333"),
        ({"interval": "year", "amount": "100"}, "8.333333"),
        ({"interval": "year", "interval_count": "2", "amount": "240"}, "10"),
        ({"interval": "month", "interval_count": "6", "amount": "60"}, "10"),
        ({"quantity": "7"}, "100"),  # the amount is for all seats
        ({"discount": "30", "discount_kind": "forever"}, "70"),
        ({"discount": "30", "discount_kind": "repeating"}, "70"),
        ({"discount": "30", "discount_kind": "once"}, "100"),
        ({"discount": "30", "discount_kind": "none"}, "100"),
        ({"discount": "130", "discount_kind": "forever"}, "0"),
        ({"status": "trialing"}, "0"),
        ({"status": "paused"}, "0"),
        ({"status": "past_due"}, "100"),  # since 1 March: 31 March is the 30th day after
        ({"status": "past_due", "past_due_on": "2025-02-28"}, "0"),  # 31 March is the 31st
        ({"currency": "USD", "amount": "10"}, "9.100000"),  # the rate of 28 February
        ({"currency": "USD", "amount": "10", "interval": "year"}, "0.758333"),  # 0.833333 x 0.91 = 0.75833303
    ],
)
def test_monthly_value(terms: dict[str, str], expected: str) -> None:
    rates = [{"day": "2025-02-28", "currency": "USD", "rate": "0.91"}, {"day": "2025-03-02", "currency": "USD", "rate": "0.5"}]
    assert ask({"subscriptions": [sub("a1", "2025-03-01", **terms)], "rates": rates}, "mrr", "2025-03") == Fraction(expected)


def test_the_end_is_exclusive_and_the_last_day_decides() -> None:
    tables = {"subscriptions": [sub("a1", "2025-03-01", "2025-03-31"), sub("b1", "2025-03-31", "2025-04-01")]}
    assert ask(tables, "mrr", "2025-03") == 100
    assert ask(tables, "mrr", "2025-03", "country") == {"(not set)": 100}
    assert ask(tables, "mrr", "2025-03-30") == 100
    assert ask(tables, "customers", "2025-03-31") == 1


def test_of_overlapping_stretches_the_latest_start_counts() -> None:
    tables = {"subscriptions": [sub("a1", "2025-01-01", "2025-06-01", "100"), sub("a1", "2025-03-01", "2025-04-01", "30")]}
    # The end, 1 June, is the last day known of.
    assert [ask(tables, "mrr", month) for month in ("2025-02", "2025-03", "2025-04", "2025-06", "2025-07")] == [100, 30, 100, 0, None]
    assert ask(tables, "contraction_mrr", "2025-03") == 70
    assert ask(tables, "expansion_mrr", "2025-04") == 70


def test_movements_are_of_the_account_and_close_the_mrr() -> None:
    rows = [
        sub("a1", "2025-01-10", "2025-02-15", "100"),  # swap to 60 in February, a second subscription in March, all gone on 20 April, back in May
        sub("a2", "2025-02-15", "2025-04-20", "60"),
        sub("a3", "2025-03-05", "2025-04-20", "50"),
        sub("a4", "2025-05-02", "", "10"),
        sub("b1", "2025-02-01", "2025-02-10", "40"),  # won and lost in February
        sub("b2", "2025-02-20", "2025-02-25", "30"),  # regained and lost again
    ]
    tables = {"subscriptions": rows, "series": [{"day": "2025-12-30"}]}
    names = ("new_mrr", "expansion_mrr", "reactivation_mrr", "contraction_mrr", "churned_mrr", "mrr")
    found = {month: [ask(tables, name, f"2025-0{month}") for name in names] for month in range(1, 6)}
    assert found == {
        1: [100, 0, 0, 0, 0, 100],
        2: [40, 0, 30, 40, 70, 60],
        3: [0, 50, 0, 0, 0, 110],
        4: [0, 0, 0, 0, 110, 0],
        5: [0, 0, 10, 0, 0, 10],
    }
    assert ask(tables, "customer_churn_rate", "2025-02") == 2  # two churns over one customer at the start
    assert ask(tables, "annual_churn_rate", "2025-02") is None
    assert ask(tables, "customer_lifetime_months", "2025-02") is None
    assert ask(tables, "gross_revenue_churn_rate", "2025-02") == Fraction(110, 100)
    assert ask(tables, "net_revenue_churn_rate", "2025-03") == Fraction(-50, 60)
    assert ask(tables, "grr", "2025-03") == 1
    assert ask(tables, "nrr", "2025-03") == Fraction(110, 60)
    assert ask(tables, "nrr", "2025-02") == Fraction(60, 100)
    assert ask(tables, "expansion_share", "2025-02") == 0
    assert ask(tables, "quick_ratio", "2025-02") == Fraction(70, 110)
    assert ask(tables, "quick_ratio", "2025-03") is None
    assert ask(tables, "customer_churn_rate", "2025-05") is None  # nobody there at the start
    assert ask(tables, "annual_churn_rate", "2025-03") == 0
    assert ask(tables, "customer_lifetime_months", "2025-03") is None
    assert [ask(tables, name, "2025-Q1") for name in names] == [140, 50, 30, 40, 70, 110]
    assert ask(tables, "reactivated_customers", "2025") == 2


def test_rates_of_longer_periods_are_brought_to_a_month() -> None:
    # A quarter that keeps 729 of 1,000 keeps nine tenths a month: churn 0.1, ten months.
    tables = {"subscriptions": [sub(f"x{n}", "2024-12-01", "2025-02-10" if n < 271 else "", account_id=f"a{n}") for n in range(1000)]}
    tables["series"] = [{"day": "2025-12-30"}]
    assert ask(tables, "customer_churn_rate", "2025-Q1") == Fraction(271, 1000)
    assert ask(tables, "customer_lifetime_months", "2025-Q1") == pytest.approx(Fraction(10), abs=1e-40)
    assert ask(tables, "annual_churn_rate", "2025-Q1") == 1 - Fraction(729, 1000) ** 4
    assert ask(tables, "annual_churn_rate", "2025") == Fraction(271, 1000)
    day = ask(tables, "customer_lifetime_months", "2025-02-10")
    assert float(day) == pytest.approx(1 / (1 - 0.729 ** (365.25 / 12)))


def test_an_overdue_account_is_lost_on_the_thirty_first_day() -> None:
    tables = {"subscriptions": [sub("a1", "2025-01-01", "2025-03-01"), sub("a1", "2025-03-01", status="past_due", past_due_on="2025-03-05")]}
    tables["series"] = [{"day": "2025-12-30"}]
    assert ask(tables, "churned_customers", "2025-04-04") == 0
    assert ask(tables, "churned_customers", "2025-04-05") == 1


def test_a_pause_is_a_churn_and_its_end_a_reactivation() -> None:
    rows = [sub("a1", "2025-01-01", "2025-02-01"), sub("a1", "2025-02-01", "2025-03-01", status="paused"), sub("a1", "2025-03-01")]
    tables = {"subscriptions": rows}
    assert ask(tables, "churned_customers", "2025-02") == 1
    assert ask(tables, "reactivation_mrr", "2025-03") == 100
    assert ask(tables, "new_customers", "2025") == 1


def test_main_plan_of_an_account() -> None:
    rows = [
        sub("a1", "2025-01-01", "2025-03-01", "100", plan="Pro"),
        sub("a2", "2025-01-01", "", "60", plan="Team"),
        sub("b1", "2025-01-01", "2025-03-10", "50", plan="Zoo"),
        sub("b2", "2025-01-01", "2025-03-10", "50", plan="Ant"),
    ]
    tables = {"subscriptions": rows}
    assert ask(tables, "mrr", "2025-02", "plan") == {"Pro": 160, "Ant": 100}
    assert ask(tables, "mrr", "2025-03", "plan") == {"Team": 60}
    assert ask(tables, "contraction_mrr", "2025-03", "plan") == {"Team": 100}
    assert ask(tables, "churned_customers", "2025-03", "plan") == {"Ant": 1}
    assert ask(tables, "nrr", "2025-03", "plan") == {"Pro": Fraction(60, 160), "Ant": 0}
    assert ask(tables, "arpa", "2025-02", where={"plan": "Pro"}) == 160
    assert ask(tables, "customers", "2025-02", where={"plan": "Nope"}) == 0


def test_renewals() -> None:
    rows = [
        sub("a1", "2024-01-31", interval="year", amount="120"),  # due 31 January 2025, renewed
        sub("b1", "2024-11-30", "2025-02-28", interval="quarter"),  # due 28 February (clamped), gone
        sub("c1", "2025-01-15", "2025-02-15"),  # a month is not longer than a month
        sub("d1", "2025-01-15", interval="week", interval_count="5"),  # 35 days: due 19 February, 26 March
        sub("e1", "2024-08-31", "2025-02-27", interval="month", interval_count="6"),  # due 28 February, but gone before
        sub("f1", "2024-08-30", "2025-03-01", interval="month", interval_count="6", status="trialing"),
        sub("g1", "2024-09-01", "2025-03-01", interval="month", interval_count="6"),  # last day 28 February; then paused, which runs
        sub("g1", "2025-03-01", status="paused"),
    ]
    tables = {"subscriptions": rows, "series": [{"day": "2025-12-30"}]}
    assert [ask(tables, "renewals_due", f"2025-0{month}") for month in (1, 2, 3)] == [1, 3, 1]
    assert ask(tables, "renewal_rate", "2025-01-30") == 1
    assert ask(tables, "renewals_due", "2025-02-27") == 1
    assert ask(tables, "renewal_rate", "2025-02") == Fraction(2, 3)
    assert ask(tables, "renewal_rate", "2025-04-01") is None


def test_trials_convert_by_the_horizon() -> None:
    rows = [
        sub("a1", "2025-01-10", "2025-01-24", status="trialing"), sub("a1", "2025-01-24"),
        sub("b1", "2025-01-10", "2025-01-24", status="trialing"), sub("b2", "2025-05-01"),
        sub("c1", "2025-01-20", status="trialing"), sub("c2", "2024-11-01", "2024-11-10", status="trialing"),
        sub("d1", "2025-01-05", "2025-02-05", status="trialing"), sub("d1", "2026-02-05"),
    ]  # fmt: skip
    assert ask({"subscriptions": rows}, "trial_conversion_rate", "2025-01") == Fraction(2, 3)


def test_churn_reasons() -> None:
    def said(account: str, at: str, value: str, kind: str = "churn_reason") -> Row:
        return {"account_id": account, "at": at, "kind": kind, "value": value}

    tables: Tables = {
        "subscriptions": [sub(f"{letter}1", "2025-01-01", "2025-02-10") for letter in "abcd"],
        "feedback": [
            said("a", "2025-01-20T10:00:00Z", "price"), said("a", "2025-05-11T21:59:00Z", "missing feature"),  # 90 days after, 23:59 in Rome
            said("b", "2025-05-11T22:00:00Z", "too late"), said("b", "2025-02-01", "slow", "comment"),
            {"person_id": "p", "at": "2025-02-11", "kind": "churn_reason", "value": "price"},
        ],
        "people": [{"person_id": "p", "account_id": "c"}],
    }  # fmt: skip
    assert ask(tables, "churned_customers", "2025-02", "churn_reason") == {"missing feature": 1, "price": 1, "(no reason given)": 2}
    with pytest.raises(KeyError):
        ask(tables, "customer_churn_rate", "2025-02", "churn_reason")


# Visitors


def test_one_person_on_two_devices_is_one_visitor() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "phone"), page("2025-03-02T10:00:00Z", "laptop"), page("2025-03-03T10:00:00Z", "stranger"),
        message("identify", "2025-06-01T10:00:00Z", "phone", "u1"), message("track", "2025-06-01T11:00:00Z", "laptop", "u1"),
        page("2025-03-04T10:00:00Z", "", "u1"),
    ]  # fmt: skip
    tables = {"events": events}
    assert ask(tables, "visitors", "2025-03") == 2
    assert ask(tables, "visitors", "2025-03-02") == 1
    assert ask(tables, "pageviews", "2025-03") == 4


def test_two_users_on_one_device_stay_two() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "d"),  # before both: Ann's, the first identify at or after
        message("identify", "2025-03-02T10:00:00Z", "d", "ann"),
        page("2025-03-03T10:00:00Z", "d"),  # Bob's
        message("identify", "2025-03-04T10:00:00Z", "d", "bob"),
        page("2025-03-05T10:00:00Z", "d"),  # after both: Bob's, the last before
        page("2025-03-03T12:00:00Z", "", "ann"),
    ]
    tables = {"events": events}
    assert [ask(tables, "visitors", f"2025-03-0{day}") for day in (1, 3, 5)] == [1, 2, 1]
    assert ask(tables, "visitors", "2025-03") == 2


def test_people_are_one_by_mail_alias_and_message() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "", "u1"), page("2025-03-01T10:00:00Z", "", "u2"), page("2025-03-01T10:00:00Z", "", "u3"),
        page("2025-03-01T10:00:00Z", "", "u4"), page("2025-03-01T10:00:00Z", "a5"),
        message("identify", "2025-03-02T10:00:00Z", "", "u2", traits={"email": "Ann@Acme.test "}),
        message("alias", "2025-03-02T10:00:00Z", "", "u3", previousId="u2"), message("alias", "2025-03-02T10:00:00Z", "", "u4", previousId="a5"),
    ]  # fmt: skip
    people = [{"person_id": "u1", "email": "ann@acme.test"}]
    assert ask({"events": events}, "visitors", "2025-03") == 3  # u1, u2 = u3, u4 = a5
    assert ask({"events": events, "people": people}, "visitors", "2025-03") == 2
    aliases = [{"kind": "person", "from_id": "u4", "to_id": "x"}, {"kind": "person", "from_id": "x", "to_id": "u3"}]
    assert ask({"events": events, "people": people, "aliases": aliases}, "visitors", "2025-03") == 1
    alone = [{"kind": "person", "from_id": "u1", "to_id": "u1"}]
    assert ask({"events": events, "people": people, "aliases": alone}, "visitors", "2025-03") == 3


def test_bots_and_internal_people_are_left_out() -> None:
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    events = [page("2025-03-01T10:00:00Z", "a", agent=bot), page("2025-03-01T10:00:00Z", "b"), page("2025-03-01T10:00:00Z", "c", "us")]
    tables = {"events": events, "people": [{"person_id": "us", "internal": "true"}]}
    assert ask(tables, "visitors", "2025-03") == 1
    assert ask(tables, "pageviews", "2025-03") == 1


def test_a_visit_ends_after_more_than_thirty_minutes() -> None:
    times = ("10:00:00", "10:30:00", "11:00:01", "11:31:01.5")
    tables = {"events": [page(f"2025-03-01T{time}Z", "a") for time in times]}
    assert ask(tables, "visits", "2025-03-01") == 3


def test_a_retried_message_counts_once() -> None:
    events = [page("2025-03-01T10:00:00Z", "a") | {"messageId": "m1"}] * 2 + [page("2025-03-01T10:00:00Z", "a")] * 2
    assert ask({"events": events}, "pageviews", "2025-03") == 2


def test_days_are_the_companys_own() -> None:
    # 30 March 2025 lasts 23 hours in Rome: 22:30 UTC is still the 29th before it, the 31st after it.
    events = [
        page("2025-03-29T22:30:00Z", "a"),
        page("2025-03-30T22:30:00Z", "a"),
        page("2025-03-31T23:30:00", "b"),
        page("2025-03-31T23:30:00-02:00", "c"),
    ]
    tables = {"events": events}
    assert [ask(tables, "visitors", f"2025-03-{day}") for day in (29, 30, 31)] == [1, 0, 2]
    assert ask(tables, "visitors", "2025-04-01") == 1


def test_a_visitor_has_one_channel_per_period() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "a"), page("2025-03-02T10:00:00Z", "a", medium="cpc"), page("2025-03-03T10:00:00Z", "a", medium="email"),
        page("2025-03-05T10:00:00Z", "b"),
        page("2025-03-31T21:50:00Z", "c", medium="cpc"), page("2025-03-31T22:10:00Z", "c"),  # one visit over midnight
    ]  # fmt: skip
    tables = {"events": events}
    assert ask(tables, "visitors", "2025-03", "channel") == {"Paid Search": 2, "Direct": 1}
    assert ask(tables, "visitors", "2025-03-03", "channel") == {"Email": 1}
    assert ask(tables, "visitors", "2025-04-01", "channel") == {"Paid Search": 1}
    assert ask(tables, "visits", "2025-04-01") == 0
    assert ask(tables, "pageviews", "2025-04-01", "channel") == {"Paid Search": 1}
    assert ask(tables, "visitors", "2025-03", "campaign") == {"(not set)": 2, "cpc-campaign": 1}
    assert ask(tables, "visitors", "2025-03", "channel", "campaign") == {
        ("Paid Search", "(not set)"): 1, ("Paid Search", "cpc-campaign"): 1, ("Direct", "(not set)"): 1,
    }  # fmt: skip


def test_visitors_by_content_are_reach() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "a", path="/blog/x"),
        page("2025-03-01T10:01:00Z", "a", path="/pricing"),
        page("2025-03-01T10:00:00Z", "b"),
    ]
    tables = {"events": events}
    assert ask(tables, "visitors", "2025-03", "content") == {"blog": 1, "pricing": 1, "other": 1}
    assert ask(tables, "pageviews", "2025-03", "content") == {"blog": 1, "pricing": 1, "other": 1}
    assert ask(tables, "visitors", "2025-03") == 2


def test_country_and_device_are_the_first_visits() -> None:
    events = [
        page("2025-03-01T10:00:00Z", "a", location={"country": "IT"}, device={"type": "mobile"}),
        page("2025-03-02T10:00:00Z", "a", country="DE", device={"type": "desktop"}),
    ]
    assert ask({"events": events}, "visitors", "2025-03", "country", "device") == {("IT", "mobile"): 1}
    assert ask({"events": events}, "visitors", "2025-03-02", "country") == {"DE": 1}


# Leads and sign-ups


def test_skipped_stages_are_filled_in() -> None:
    rows = [
        stage("a", "sql", "2025-03-10T10:00:00Z"), stage("a", "lead", "2025-04-01T10:00:00Z"),  # lead, mql and sql on 10 March
        stage("b", "lead", "2025-03-01T10:00:00Z"), stage("b", "rejected", "2025-03-02T10:00:00Z"),
        stage("c", "customer", "2025-04-10T10:00:00Z"), stage("d", "recycled", "2025-03-10T10:00:00Z"),
    ]  # fmt: skip
    tables = {"stages": rows}
    counts = {name: [ask(tables, name, month) for month in ("2025-03", "2025-04")] for name in ("leads", "mqls", "sqls", "opportunities")}
    assert counts == {"leads": [2, 1], "mqls": [1, 1], "sqls": [1, 1], "opportunities": [0, 1]}
    assert ask(tables, "lead_to_mql_rate", "2025-03") == Fraction(1, 2)
    assert ask(tables, "mql_to_sql_rate", "2025-03") == 1
    assert ask(tables, "new_customers", "2025-04") == 1  # neither subscriptions nor deals: a person at stage customer
    assert ask(tables, "sql_to_customer_rate", "2025-04") == 1


def test_merged_people_count_once_and_internal_people_never() -> None:
    people = [{"person_id": "a", "email": "x@y.test"}, {"person_id": "b", "email": "X@Y.test"}, {"person_id": "c", "internal": "true"}]
    rows = [stage("a", "lead", "2025-03-10"), stage("b", "lead", "2025-02-10"), stage("c", "lead", "2025-03-10")]
    tables = {"people": people, "stages": rows}
    assert [ask(tables, "leads", month) for month in ("2025-02", "2025-03")] == [1, 0]


def test_the_channel_of_a_lead() -> None:
    tables: Tables = {
        "events": [
            page("2025-03-01T10:00:00Z", "", "a", medium="cpc"), page("2025-02-01T10:00:00Z", "", "a"),  # first visit: Direct
            page("2025-03-09T10:00:00Z", "", "b", medium="cpc"),  # after becoming a lead
        ],
        "people": [
            {"person_id": "b", "channel": "Events", "campaign": "Fair", "created_at": "2025-03-02", "country": "FR", "persona": "CTO"},
            {"person_id": "c", "channel": "", "country": ""},
        ],
        "stages": [stage("a", "lead", "2025-03-05"), stage("b", "mql", "2025-03-05"), stage("c", "lead", "2025-03-05")],
    }  # fmt: skip
    assert ask(tables, "leads", "2025-03", "channel") == {"Direct": 1, "Events": 1, "(unattributed)": 1}
    assert ask(tables, "mqls", "2025-03", "channel", "campaign") == {("Events", "Fair"): 1}
    assert ask(tables, "leads", "2025-03", "country", "persona") == {("FR", "CTO"): 1, ("(not set)", "(not set)"): 2}
    assert ask(tables, "lead_to_mql_rate", "2025-03", "channel") == {"Direct": 0, "Events": 1, "(unattributed)": 0}
    assert ask(tables, "visitor_to_lead_rate", "2025-03") == Fraction(3, 2)


def test_lead_conversion_of_a_cohort() -> None:
    tables: Tables = {
        "stages": [stage(person, "lead", "2025-03-05") for person in "pqrs"],
        "people": [{"person_id": "p", "account_id": "a"}, {"person_id": "q", "account_id": "a"}, {"person_id": "r", "account_id": "b"}],
        "subscriptions": [sub("a1", "2025-07-01"), sub("b1", "2026-03-01"), sub("s1", "2025-02-01")],  # s has no account: it is its own
    }
    assert ask(tables, "lead_conversion_rate_cohort", "2025-03") == Fraction(3, 4)
    assert ask(tables, "lead_conversion_rate", "2025-07") is None  # the table of stages has no leads then


def test_signups() -> None:
    def signed_up(at: str, user: str, **properties: str) -> Row:
        return message("track", at, "", user, event="Signed Up", properties=properties)

    events = [
        signed_up("2025-03-01T10:00:00Z", "a", plan="Trial"), signed_up("2025-03-02T10:00:00Z", "a", type="paid"),
        signed_up("2025-03-01T10:00:00Z", "b", plan="team"), signed_up("2025-03-01T10:00:00Z", "c"), signed_up("2025-03-01T10:00:00Z", "us"),
        message("track", "2025-03-01T10:00:00Z", "", "d", event="Signed In"), page("2025-02-28T10:00:00Z", "", "b", medium="cpc"),
    ]  # fmt: skip
    tables: Tables = {
        "events": events, "people": [{"person_id": "us", "internal": "yes"}],
        "subscriptions": [sub("b1", "2025-03-01", "2025-03-08", status="trialing"), sub("b1", "2025-03-08")],
    }  # fmt: skip
    assert ask(tables, "signups", "2025-03", "signup_kind") == {"trial": 2, "(not set)": 1}
    assert ask(tables, "signup_to_customer_rate", "2025-03") == Fraction(1, 3)
    assert ask(tables, "signups", "2025-03", "channel") == {"Paid Search": 1, "(unattributed)": 2}
    assert ask(tables, "visitor_to_signup_rate", "2025-03") is None  # nobody visited


# Accounts


def test_the_channel_of_an_account() -> None:
    tables: Tables = {
        "subscriptions": [sub("a1", "2025-03-10"), sub("b1", "2025-03-10"), sub("c1", "2025-03-10"), sub("d1", "2025-03-10")],
        "people": [
            {"person_id": "a-late", "account_id": "a", "created_at": "2025-03-01", "channel": "Events"},
            {"person_id": "a-us", "account_id": "a", "created_at": "2025-01-01", "internal": "true", "channel": "Partner"},
            {"person_id": "b-1", "account_id": "b", "created_at": "2025-03-01", "persona": "CTO"},
            {"person_id": "b-2", "account_id": "b", "created_at": "2025-03-02", "channel": "Events", "campaign": "Fair", "persona": "CEO"},
            {"person_id": "c-1", "account_id": "c"},
        ],
        "events": [
            page("2025-03-10T22:59:00Z", "", "a-late", medium="cpc"),  # the day of the first MRR, in Rome still the 10th
            page("2025-01-10T10:00:00Z", "", "a-us", medium="email"),
            page("2025-03-10T23:30:00Z", "", "b-1", medium="cpc"),  # a day too late
            message("group", "2025-04-01T10:00:00Z", "device", "c-3", groupId="c"), page("2025-01-01T10:00:00Z", "device", medium="email"),
        ],
        "accounts": [{"account_id": "a", "country": "IT"}, {"account_id": "b", "country": ""}],
    }  # fmt: skip
    assert ask(tables, "mrr", "2025-03", "channel") == {"Paid Search": 100, "Events": 100, "Email": 100, "(unattributed)": 100}
    assert ask(tables, "customers", "2025-03", "country") == {"IT": 1, "(not set)": 3}
    assert ask(tables, "customers", "2025-03", "persona") == {"(not set)": 3, "CTO": 1}
    assert ask(tables, "new_customers", "2025-03", "campaign", where={"channel": "Events"}) == {"Fair": 1}
    assert ask(tables, "mrr", "2025-03", "content") == {"other": 200, "(not set)": 200}


def test_accounts_are_one_by_alias_and_by_domain() -> None:
    tables: Tables = {
        "subscriptions": [sub("a1", "2025-03-10"), sub("b1", "2025-03-20"), sub("c1", "2025-03-20"), sub("d1", "2025-03-20")],
        "aliases": [{"kind": "account", "from_id": "a", "to_id": "b"}],
        "people": [
            {"person_id": "1", "account_id": "b", "email": "x@firm.test"}, {"person_id": "2", "account_id": "c", "email": "y@firm.test"},
            {"person_id": "3", "account_id": "c", "email": "x@gmail.com"}, {"person_id": "4", "account_id": "d", "email": "y@gmail.com"},
        ],
    }  # fmt: skip
    matched = Company(currency="EUR", timezone="Europe/Rome", today=date(2025, 12, 31), match_domains=True)
    assert ask(tables, "customers", "2025-03") == 3
    assert ask(tables, "expansion_mrr", "2025-03") == 100
    assert ask(tables, "customers", "2025-03", company=matched) == 2


def test_customers_from_deals_where_there_are_no_subscriptions() -> None:
    deals = [
        {"deal_id": "1", "account_id": "a", "status": "won", "created_at": "2025-01-01", "closed_at": "2025-03-05"},
        {"deal_id": "2", "account_id": "a", "status": "won", "created_at": "2025-01-01", "closed_at": "2025-04-05"},
        {"deal_id": "3", "account_id": "b", "status": "won", "created_at": "2025-01-01"},
    ]
    tables = {"deals": deals}
    assert [ask(tables, "new_customers", month) for month in ("2025-02", "2025-03", "2025-04")] == [0, 1, 0]
    assert ask(tables, "customers", "2025-04") == 1
    assert ask(tables, "mrr", "2025-04") is None


# Costs


def test_shared_cost_follows_the_new_customers() -> None:
    tables: Tables = {
        "subscriptions": [sub(f"{letter}1", "2025-03-10") for letter in "abcd"],
        "people": [
            {"person_id": "1", "account_id": "a", "channel": "Paid Search", "campaign": "brand"},
            {"person_id": "2", "account_id": "b", "channel": "Paid Search", "campaign": "brand"},
            {"person_id": "3", "account_id": "c", "channel": "Paid Search", "campaign": "other"},
            {"person_id": "4", "account_id": "d", "channel": "Email"},
        ],
        "spend": [
            cost("2025-03-01", "300", "Paid Search", campaign="brand", kind="ads"), cost("2025-03-01", "90", "Paid Search"),
            cost("2025-03-02", "400", kind="salary"),
            cost("2025-03-03", "70", "Display", kind="ads"), cost("2025-03-03", "1000", purpose="retain"), cost("2025-03-09", "-10", "Email"),
            cost("2025-04-03", "80"),
        ],
    }  # fmt: skip
    assert ask(tables, "spend", "2025-03") == 1850
    assert ask(tables, "spend", "2025-03", "channel") == {"Paid Search": 390, "(unallocated)": 1400, "Display": 70, "Email": -10}
    assert ask(tables, "acquisition_spend", "2025-03") == 850
    assert ask(tables, "acquisition_spend", "2025-03", "channel") == {"Paid Search": 690, "Display": 70, "Email": 90}
    assert ask(tables, "cac", "2025-03") == Fraction(850, 4)
    assert ask(tables, "cac", "2025-03", "channel") == {"Paid Search": 230, "Display": None, "Email": 90}
    # 90 without a campaign: 60 to brand, 30 to other; 400 shared: 100 a customer.
    assert ask(tables, "acquisition_spend", "2025-03", "channel", "campaign") == {
        ("Paid Search", "brand"): 560, ("Paid Search", "other"): 130, ("Display", "(unallocated)"): 70, ("Email", "(not set)"): 90,
    }  # fmt: skip
    assert ask(tables, "media_spend", "2025-03", "channel") == {"Paid Search": 300, "Display": 70}
    assert ask(tables, "cac_media", "2025-03") == Fraction(370, 4)
    assert ask(tables, "cac_paid", "2025-03") == Fraction(370, 3)
    assert ask(tables, "cac", "2025-03", where={"channel": "Email"}) == 90
    covered = {**tables, "series": [{"day": "2025-04-30"}]}
    assert ask(covered, "acquisition_spend", "2025-04", "channel") == {"(unallocated)": 80}
    assert ask(covered, "cac", "2025-04", "channel") == {"(unallocated)": None}


def test_spend_is_spread_and_converted() -> None:
    rates = [{"day": "2025-03-02", "currency": "USD", "rate": "0.5"}, {"day": "2025-03-03", "currency": "USD", "rate": "2"}]
    spend = [
        cost("2025-02-27", "100", until="2025-03-02"),  # 33.333333 + 33.333333 + 33.333334
        cost("2025-03-01", "10", currency="USD"),  # no rate yet
        cost("2025-03-02", "10", currency="USD", until="2025-03-04"),  # 5 x 0.5 + 5 x 2
        cost("2025-03-05", "3", platform="payroll"), cost("2025-03-05", "3", platform="payroll"),  # two salaries on one day
    ]  # fmt: skip
    tables = {"rates": rates, "spend": spend}
    assert ask(tables, "spend", "2025-02") == Fraction("66.666666")
    assert ask(tables, "spend", "2025-03") == Fraction("33.333334") + Fraction("12.5") + 6


def test_costs_per_count() -> None:
    tables: Tables = {
        "stages": [stage("a", "mql", "2025-03-01"), stage("b", "lead", "2025-03-01")],
        "events": [message("track", "2025-03-01T10:00:00Z", "", user, event="Signed Up") for user in "abcd"],
        "spend": [cost("2025-03-01", "100"), cost("2025-03-01", "60", "Email")],
        "people": [{"person_id": "a", "channel": "Email"}],
        "subscriptions": [sub("a1", "2025-03-01")],
    }
    assert [ask(tables, f"cost_per_{name}", "2025-03") for name in ("lead", "mql", "sql", "signup")] == [80, 160, None, 40]
    # The only new customer is Email's, so all of the shared cost is too.
    assert ask(tables, "cost_per_lead", "2025-03", "channel") == {"Email": 160, "(unattributed)": 0}


# Deals and searches


def test_pipeline() -> None:
    def deal(name: str, status: str = "open", amount: str = "100", **more: str) -> Row:
        return {"deal_id": name, "status": status, "amount": amount, "created_at": "2025-03-10", "probability": "0.2"} | more

    tables: Tables = {
        "deals": [
            deal("1", meeting_at="2025-03-12"), deal("2", amount="", meeting_at="2025-03-12"), deal("3"), deal("4", meeting_at="2025-04-01"),
            deal("5", "won", meeting_at="2025-03-12", closed_at="2025-04-01T00:00:00"),
            deal("6", "lost", meeting_at="2025-03-12", closed_at="2025-03-31T23:00:00"),
            deal("7", "won", meeting_at="2025-03-12"), deal("8", currency="USD", amount="10", meeting_at="2025-03-12"),
        ],
        "rates": [{"day": "2025-03-09", "currency": "USD", "rate": "0.9"}, {"day": "2025-03-11", "currency": "USD", "rate": "0.1"}],
    }  # fmt: skip
    assert ask(tables, "pipeline_value", "2025-03") == 100 + 100 + 9
    assert ask(tables, "weighted_pipeline", "2025-03") == Fraction("41.8")
    assert ask(tables, "pipeline_created", "2025-03") == 509
    assert ask(tables, "pipeline_value", "2025-04-01", "currency") == {"EUR": 200, "USD": 9}


def test_share_of_search() -> None:
    def searched(month: str, brand: str, volume: str) -> Row:
        return {"month": month, "brand": brand, "ours": str(brand == "acme").lower(), "volume": volume}

    rows = [
        searched("2025-03", "acme", "30"),
        searched("2025-03-01", "other", "70"),
        searched("2025-04", "acme", "20"),
        searched("2025-04", "other", "20"),
    ]
    tables = {"searches": rows, "series": [{"day": "2025-06-30"}]}
    assert ask(tables, "share_of_search", "2025-03") == Fraction(30, 100)
    assert ask(tables, "share_of_search", "2025-Q2") == Fraction(1, 2)
    assert ask(tables, "share_of_search", "2025-05") is None
    with pytest.raises(KeyError):
        ask(tables, "share_of_search", "2025-03", "channel")


# Coverage


def test_undefined_is_never_zero() -> None:
    tables: Tables = {"subscriptions": [sub("a1", "2025-02-10")], "spend": [cost("2025-04-10", "10")]}
    assert [ask(tables, "spend", month) for month in ("2025-03", "2025-04", "2025-05")] == [None, 10, None]
    assert [ask(tables, "mrr", month) for month in ("2025-01", "2025-02", "2025-04", "2025-05")] == [None, 100, 100, None]
    assert ask(tables, "cac", "2025-02") is None
    assert ask(tables, "cac", "2025-02", "channel") == {"(unattributed)": None}
    assert ask(tables, "visitors", "2025-03") is None
    assert ask(tables, "visitors", "2025-03", "channel") == {}


def test_complete() -> None:
    tables: Tables = {"subscriptions": [sub("a1", "2025-02-10")], "spend": [cost("2025-04-30", "10")]}
    books = Books(tables, ACME)
    assert [complete(books, "mrr", *period(month)) for month in ("2025-02", "2025-03", "2025-04", "2025-05")] == [False, True, True, False]
    assert not complete(books, "cac", *period("2025-04"))
    early = Company(currency="EUR", timezone="Europe/Rome", today=date(2025, 3, 31))
    assert not complete(Books(tables, early), "mrr", *period("2025-03"))  # the month is not over on its last day
    assert ask(tables, "mrr", "2025-04", company=early) is None


def test_every_metric_of_the_contract_answers_and_adds_up() -> None:
    tables: Tables = {
        "subscriptions": [sub("a1", "2025-02-10"), sub("b1", "2025-02-10", "2025-03-20", plan="Pro")],
        "spend": [cost("2025-02-01", "10"), cost("2025-04-30", "10")],
        "events": [page("2025-02-01T10:00:00Z", "", "p")], "stages": [stage("p", "customer", "2025-02-10")],
        "deals": [{"deal_id": "1", "person_id": "p", "status": "open", "amount": "5", "created_at": "2025-02-01"}],
        "searches": [{"month": "2025-02", "brand": "acme", "ours": "true", "volume": "5"}],
    }  # fmt: skip
    for metric in METRICS:
        whole = ask(tables, metric, "2025-03")
        for dimension in sorted(dimensions(metric)):
            parts = ask(tables, metric, "2025-03", dimension)
            if metric in {"mrr", "customers", "churned_mrr", "spend", "acquisition_spend"} and dimension != "content":
                assert sum(parts.values()) == whole, (metric, dimension)
    assert len(set(METRICS)) == 75
    with pytest.raises(KeyError):
        ask(tables, "no_such_metric", "2025-03")


# What must hold for every company

ADDITIVE = (
    "visitors",
    "visits",
    "pageviews",
    "signups",
    "leads",
    "sqls",
    "new_customers",
    "customers",
    "churned_customers",
    "mrr",
    "churned_mrr",
    "spend",
)
MONTHS = ("2024-12", "2025-01", "2025-03", "2025-05")


def check_identities(company: Company, tables: Tables) -> None:
    """Movements close the MRR, parts add up to the whole, and a filter gives what the segment's row says."""
    books = Books(tables, company, place)
    for month in MONTHS:
        since, until = period(month)
        value = {name: ask_books(books, name, since, until)[()] for name in METRICS}
        if value["mrr"] is not None:
            opening = sum(books.revenue.paying(since - timedelta(days=1)).values())
            gained = (value[f"{kind}_mrr"] or 0 for kind in ("new", "expansion", "reactivation"))
            lost = (value[f"{kind}_mrr"] or 0 for kind in ("contraction", "churned"))
            assert opening + sum(gained) - sum(lost) == value["mrr"]
        for name in (*ADDITIVE, "acquisition_spend"):
            for dimension in sorted(dimensions(name) - {"content"}):
                parts = ask_books(books, name, since, until, (dimension,))
                assert sum(part or 0 for part in parts.values()) == (value[name] or 0), (name, dimension)
        for name in ("cac", "arpa", "leads", "visitors", "customer_churn_rate"):
            for (channel,), part in ask_books(books, name, since, until, ("channel",)).items():
                assert ask_books(books, name, since, until, where={"channel": channel}) == {(): part}
        for rate in ("grr", "lead_conversion_rate_cohort", "trial_conversion_rate", "renewal_rate", "share_of_search"):
            assert 0 <= (value[rate] or 0) <= 1, rate


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(companies(max_size=4))
def test_identities_of_random_companies(drawn: tuple[Company, Tables]) -> None:
    check_identities(*drawn)


@pytest.mark.parametrize("seed", range(5))
def test_identities_of_larger_companies(seed: int) -> None:
    check_identities(*random_company(seed, 20))


def test_random_companies_have_the_nasty_cases() -> None:
    made = [random_company(seed, 12) for seed in range(12)]
    rows = [row for _, tables in made for row in tables.get("subscriptions", [])]
    assert {row["status"] for row in rows} >= {"", "active", "trialing", "past_due", "paused"}
    assert {row["discount_kind"] for row in rows} == {"", "none", "once", "repeating", "forever"}
    assert {row["interval"] for row in rows} == {"day", "week", "month", "quarter", "year"}
    kinds = {movement.kind for company, tables in made for movement in Books(tables, company).revenue.movements}
    assert kinds == {"new", "expansion", "contraction", "churn", "reactivation"}
    books = [Books(tables, company, place) for company, tables in made]
    assert any(len(people) > 1 for book in books for people in book.identity.people_of.values())
    assert any(len({user for _, user in times}) > 1 for book in books for times in book.identity.devices.values())
    assert any(visit.views[0].day != visit.views[-1].day for book in books for visit in book.visits.all)
    assert any(book.coverage.horizon < book.company.today for book in books)
    assert {company.timezone for company, _ in made} == {"Europe/Rome", "America/New_York", "Pacific/Auckland"}


def test_written_files_hold_the_rows(tmp_path: Path) -> None:
    _, tables = random_company(1, 6)
    for path in write(tables, tmp_path):
        with path.open(encoding="utf-8") as file:
            if path.suffix == ".jsonl":
                assert [json.loads(line) for line in file] == tables["events"]
            else:
                found = list(csv.DictReader(file))
                assert found == [dict.fromkeys(COLUMNS[path.stem].split(), "") | row for row in tables[path.stem]]
    assert {path.stem for path in tmp_path.iterdir()} == {table for table, rows in tables.items() if rows}
