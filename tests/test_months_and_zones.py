"""Edges of months, years and clocks: every number here was worked out by hand, from the times as a clock on the wall showed them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.projects import ask, company, project, split, values

from fari.engine.ask import Asker
from fari.engine.periods import cut, parse

ROME, NEW_YORK = "Europe/Rome", "America/New_York"
"""In Rome the clock goes on an hour on 2025-03-30 at 2:00 and back on 2025-10-26 at 3:00; in New York on 2025-03-09 and 2025-11-02, at 2:00."""


def pages(folder: Path, zone: str, *views: str) -> Asker:
    """A company whose site had these page views: `visitor time`, the time as in a file."""
    lines = "\n".join(f"page,{view.split()[1]},{view.split()[0]}" for view in views)
    return project(folder, {"events": f"type,timestamp,anonymousId\n{lines}"}, company(zone))


def days(asker: Asker, metric: str, *names: str) -> list[object]:
    """A metric's value for each of some periods."""
    return [answer.value for answer in ask(asker, metric, *names)]


# Visits over an edge -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "first", "second"),
    [(ROME, "2025-03-31T21:50:00Z", "2025-03-31T22:10:00Z"), (NEW_YORK, "2025-04-01T03:50:00Z", "2025-04-01T04:10:00Z")],
)
def test_a_visit_over_midnight_and_the_months_edge_is_one_visit_of_its_first_day(zone: str, first: str, second: str, tmp_path: Path) -> None:
    # 23:50 on March 31st and 0:10 on April 1st: one visit, begun in March. Its visitor was there in both months, and so were its page views.
    asker = pages(tmp_path, zone, f"v {first}", f"v {second}")
    assert days(asker, "visits", "2025-03", "2025-04", "2025-03-31", "2025-04-01") == [1, 0, 1, 0]
    assert days(asker, "visitors", "2025-03", "2025-04", "2025-03-31", "2025-04-01") == [1, 1, 1, 1]
    assert days(asker, "pageviews", "2025-03", "2025-04", "2025") == [1, 1, 2]
    assert days(asker, "visitors", "2025-W14", "2025", "2025-Q1", "2025-Q2") == [1, 1, 1, 1]


def test_the_channel_of_a_visit_over_the_edge_is_that_of_its_beginning(tmp_path: Path) -> None:
    events = """
        type,timestamp,anonymousId,context.campaign.source,context.campaign.medium
        page,2025-03-31T23:50:00+02:00,v,newsletter,email
        page,2025-04-01T00:10:00+02:00,v,,
        page,2025-04-20T10:00:00+02:00,v,google,cpc
    """
    asker = project(tmp_path, {"events": events}, company(ROME))
    assert split(asker, "visitors", "2025-04", "channel") == {"Email": 1}  # begun in March, with a page view in April
    assert split(asker, "visits", "2025-04", "channel") == {"Paid Search": 1}


def test_half_an_hour_goes_on_a_visit_and_a_microsecond_more_begins_another(tmp_path: Path) -> None:
    asker = pages(
        tmp_path, ROME, "a 2025-03-31T23:40:00+02:00", "a 2025-04-01T00:10:00+02:00", "b 2025-03-31T23:40:00Z", "b 2025-04-01T00:10:00.000001Z"
    )
    assert days(asker, "visits", "2025-03", "2025-04") == [1, 2]  # 23:40Z is 1:40 on April 1st in Rome


@pytest.mark.parametrize(
    ("zone", "first", "second", "day", "visits"),
    [
        (ROME, "2025-03-30T01:50:00+01:00", "2025-03-30T03:10:00+02:00", "2025-03-30", 1),  # the clock jumps from 2 to 3: twenty minutes
        (ROME, "2025-10-26T02:50:00+02:00", "2025-10-26T02:10:00+01:00", "2025-10-26", 1),  # it goes back: twenty minutes
        (ROME, "2025-10-26T02:10:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-26", 2),  # twenty minutes on the wall, eighty in truth
        (NEW_YORK, "2025-03-09T01:50:00-05:00", "2025-03-09T03:10:00-04:00", "2025-03-09", 1),
        (NEW_YORK, "2025-11-02T01:10:00-04:00", "2025-11-02T01:30:00-05:00", "2025-11-02", 2),
    ],
)
def test_visits_are_cut_by_true_time_when_the_clock_changes(zone: str, first: str, second: str, day: str, visits: int, tmp_path: Path) -> None:
    assert days(pages(tmp_path, zone, f"v {first}", f"v {second}"), "visits", day, day[:7]) == [visits, visits]


def test_days_of_23_and_25_hours_end_at_local_midnight(tmp_path: Path) -> None:
    asker = pages(
        tmp_path, ROME,
        "a 2025-03-29T22:59:59Z", "b 2025-03-29T23:00:00Z", "c 2025-03-30T21:59:59Z", "d 2025-03-30T22:00:00Z",  # 23 hours from b to d
        "e 2025-10-25T21:59:59Z", "f 2025-10-25T22:00:00Z", "g 2025-10-26T22:59:59Z", "h 2025-10-26T23:00:00Z",  # 25 hours from f to h
    )  # fmt: skip
    assert days(asker, "visits", "2025-03-29", "2025-03-30", "2025-03-31") == [1, 2, 1]
    assert days(asker, "visits", "2025-10-25", "2025-10-26", "2025-10-27") == [1, 2, 1]


def test_one_instant_is_of_another_month_in_another_zone(tmp_path: Path) -> None:
    views = ("v 2025-03-01T02:00:00Z", "w 2025-02-28T23:30:00Z")  # in Rome 3:00 and 0:30 on March 1st, in New York 21:00 and 18:30 on February 28th
    assert days(pages(tmp_path / "rome", ROME, *views), "visitors", "2025-02", "2025-03") == [None, 2]
    assert days(pages(tmp_path / "york", NEW_YORK, *views), "visitors", "2025-02", "2025-03") == [2, None]


def test_times_without_an_offset_are_the_companys(tmp_path: Path) -> None:
    asker = pages(tmp_path, NEW_YORK, "v 2025-03-31T23:30:00", "w 2025-03-31T23:30:00Z", "x 2025-04-01T00:30:00")
    assert days(asker, "visitors", "2025-03", "2025-04") == [2, 1]


def test_leads_and_deals_keep_local_days_too(tmp_path: Path) -> None:
    tables = {
        "stages": "person_id,stage,at\np,lead,2025-03-31T22:30:00Z\nq,lead,2025-03-31",
        "deals": "deal_id,created_at,meeting_at,status,amount\nd,2025-03-31T21:59:59Z,2025-03-31T22:00:00Z,open,100",
        "subscriptions": "subscription_id,account_id,starts_on,amount,currency,interval\ns,a,2025-03-31,1,EUR,month",
    }
    asker = project(tmp_path, tables, company(ROME))
    assert days(asker, "leads", "2025-03", "2025-04") == [1, 1]
    assert days(asker, "pipeline_created", "2025-03", "2025-04") == [100, 0]
    assert days(asker, "pipeline_value", "2025-03", "2025-04") == [0, 100]  # the meeting was on April 1st, 0:00


# Weeks, quarters, years --------------------------------------------------------------------------------------------------


def test_week_53_and_week_1_over_new_year(tmp_path: Path) -> None:
    # 2020 has a week 53, of Monday December 28th to Sunday January 3rd; week 1 of 2025 begins on December 30th, 2024.
    asker = pages(
        tmp_path, ROME, "a 2020-12-28T09:00:00", "a 2021-01-03T23:00:00", "b 2021-01-04T00:00:00", "c 2024-12-29T23:59:59", "d 2024-12-30T00:00:00"
    )
    assert days(asker, "visitors", "2020-W53", "2021-W01", "2024-W52", "2025-W01") == [1, 1, 1, 1]
    assert days(asker, "visits", "2020-W53", "2021-W01", "2024-W52", "2025-W01") == [2, 1, 1, 1]
    assert days(asker, "visitors", "2020-12", "2021-01", "2020", "2021", "2024") == [1, 2, 1, 2, 2]
    assert [parse(week).label for week in ("2020-W53", "2025-W01")] == ["2020-W53", "2025-W01"]
    assert [p.label for p in cut(date(2020, 12, 20), date(2021, 1, 5), "week")] == ["2020-W51", "2020-W52", "2020-W53", "2021-W01"]


def test_a_fiscal_year_from_april(tmp_path: Path) -> None:
    spend = (
        "\n".join(f"2025-{month:02d}-01,{month},EUR" for month in range(1, 13)) + "\n2026-01-01,100,EUR\n2026-03-31,1000,EUR\n2026-04-01,10000,EUR"
    )
    whose = replace(company(ROME), fiscal_year_start=4)
    asker = project(tmp_path, {"spend": f"day,amount,currency\n{spend}"}, whose, today=date(2026, 5, 1))
    assert values(asker, "spend", "2025") == [sum(range(4, 13)) + 1100]  # April 2025 to March 2026
    assert days(asker, "spend", "2025-Q1", "2025-Q3", "2025-Q4") == [4 + 5 + 6, 10 + 11 + 12, 1100]
    assert days(asker, "spend", "2025-03", "2024-Q4") == [3, 1 + 2 + 3]
    assert [p.since for p in cut(date(2025, 1, 1), date(2026, 1, 1), "year", 4)] == [date(2024, 4, 1), date(2025, 4, 1)]


# Subscriptions at the ends of months -------------------------------------------------------------------------------------

TERMS = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval,interval_count,status,past_due_on\n"


def sold(folder: Path, *rows: str) -> Asker:
    """A company with these subscriptions, `-` for an empty cell; a free one of later makes what is before it known."""
    later = "later Z 2025-12-31 - 0 EUR month 1 active -"
    lines = "\n".join(",".join("" if cell == "-" else cell for cell in row.split()) for row in (*rows, later))
    return project(folder, {"subscriptions": TERMS + lines}, company(ROME))


def test_mrr_is_that_of_the_last_day_whatever_its_number(tmp_path: Path) -> None:
    asker = sold(tmp_path, "a A 2024-02-29 2024-03-31 10 EUR month 1 active -", "b B 2024-01-31 2024-03-01 20 EUR month 1 active -")
    # Both run on February 29th; on March 31st neither does: an end is the first day without.
    assert days(asker, "mrr", "2024-01", "2024-02", "2024-03", "2024-02-28", "2024-03-01", "2024-03-30") == [20, 30, 0, 20, 10, 10]
    assert days(asker, "churned_customers", "2024-02", "2024-03", "2024-03-01", "2024-03-31") == [0, 2, 1, 1]


def test_a_customer_won_and_lost_inside_a_month_moves_twice(tmp_path: Path) -> None:
    asker = sold(tmp_path, "a A 2025-03-02 2025-03-30 10 EUR month 1 active -", "b B 2025-02-01 - 5 EUR month 1 active -")
    assert values(asker, "customers new_customers churned_customers new_mrr churned_mrr mrr", "2025-03") == [1, 1, 1, 10, 10, 5]


def test_a_year_paid_on_february_29th_falls_due_on_the_28th(tmp_path: Path) -> None:
    # There is no February 29th in 2025, so the year is over on the 28th and the last day paid for is the 27th. One is not renewed.
    asker = sold(tmp_path, "a A 2024-02-29 2025-02-28 120 EUR year 1 active -", "b B 2024-02-29 - 240 EUR year 1 active -")
    assert days(asker, "renewals_due", "2025-02", "2025-03", "2025-02-27", "2025-02-28") == [2, 0, 2, 0]
    assert days(asker, "renewal_rate", "2025-02") == [Decimal("0.5")]
    assert days(asker, "mrr", "2025-01", "2025-02") == [30, 20]


def test_a_quarter_paid_on_november_30th_falls_due_at_the_end_of_february(tmp_path: Path) -> None:
    # Three months after November 30th is February 28th, then May 30th: the last days paid for are the 27th and the 29th.
    asker = sold(tmp_path, "a A 2024-11-30 - 30 EUR quarter 1 active -")
    assert days(asker, "renewals_due", "2025-02", "2025-03", "2025-04", "2025-05", "2025-02-27", "2025-05-29") == [1, 0, 0, 1, 1, 1]


def test_a_past_due_month_is_worth_nothing_from_its_31st_day(tmp_path: Path) -> None:
    # Due on January 31st: the thirty days after it are February 1st to March 2nd; from March 3rd, the 31st day after it, nothing.
    asker = sold(tmp_path, "a A 2024-12-31 2025-01-31 10 EUR month 1 active -", "a A 2025-01-31 2025-06-30 10 EUR month 1 past_due 2025-01-31")
    assert days(asker, "mrr", "2025-02", "2025-03-02", "2025-03-03", "2025-03") == [10, 10, 0, 0]
    assert days(asker, "churned_customers", "2025-02", "2025-03", "2025-06") == [0, 1, 0]


def test_spend_is_spread_over_the_days_of_a_leap_february(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,until,amount,currency\n2024-02-01,2024-03-01,100,EUR\n2025-02-15,2025-03-15,100,EUR"}, company(ROME))
    # 100 / 29 is 3.448276 a day, rounded; the last takes what is left: 100 − 28 × 3.448276.
    assert days(asker, "spend", "2024-02", "2024-02-28", "2024-02-29") == [100, Decimal("3.448276"), Decimal("3.448272")]
    # 100 / 28 is 3.571429: fourteen such days in February, in March thirteen and a last of 3.571417.
    assert days(asker, "spend", "2025-02", "2025-03", "2025-Q1") == [Decimal("50.000006"), Decimal("49.999994"), 100]
