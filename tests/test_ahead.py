"""Renewals due and accounts at risk: by hand, against the oracle on random companies, under every rule set, and on both engines."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests import oracle
from tests.against_oracle import imported
from tests.oracle import ahead
from tests.oracle.outside import fari_place
from tests.projects import project
from tests.random_company import Tables, random_company
from tests.sail import sail

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.due import AHEAD, Calendar, calendar
from fari.engine.periods import Period
from fari.engine.risk import KINDS, Evidence, exposure
from fari.engine.spark import SparkConnect
from fari.errors import FariError, UsageError
from fari.rules import preset, presets

NOTHING = Question((), ())
SEEDS = (4, 9, 14, 17, 24, 28)
"""Random companies that have every kind of evidence between them. By which of its ids an account is known, the oracle may say otherwise."""

FILES = {
    "subscriptions": """
        subscription_id,account_id,starts_on,ends_on,amount,currency,interval,interval_count,plan,status,cancelled_on,past_due_on
        y,year,2024-01-31,,1200,EUR,year,1,Team,active,,
        e,ends,2024-12-31,2025-12-31,600,EUR,year,1,Team,active,2025-10-20,
        h,half,2025-08-31,,300,EUR,month,6,Solo,active,,
        m,month,2025-05-31,,50,EUR,month,1,Solo,active,,
        p,late,2025-11-01,,80,EUR,month,1,Solo,past_due,,2025-11-20
        b1,both,2025-02-15,,40,EUR,month,1,Solo,active,,
        b2,both,2025-06-01,,90,EUR,month,1,Team,active,,
        b2,both,2025-11-01,,90,EUR,month,1,Team,paused,,
        f,fell,2025-03-01,2025-11-10,100,EUR,month,1,Team,active,,
        f,fell,2025-11-10,,70,EUR,month,1,Team,active,,
        g,gone,2025-01-01,2025-06-01,10,EUR,month,1,Solo,active,,
        w,week,2025-11-28,,7,EUR,week,1,Solo,active,,
    """,
    "people": """
        person_id,account_id
        pm,month
        py,year
        ph,half
    """,
    "feedback": """
        account_id,person_id,at,kind,value,text
        year,,2025-10-01T10:00:00Z,nps,6,too slow
        year,,2025-08-01T10:00:00Z,nps,1,long ago
        ,ph,2025-11-02T10:00:00Z,csat,good,
        gone,,2025-10-05T10:00:00Z,nps,0,
        late,,2025-10-05T10:00:00Z,churn_reason,price,
    """,
    "events": """
        type,messageId,timestamp,userId
        page,v1,2025-07-01T10:00:00Z,pm
        page,v2,2025-10-15T10:00:00Z,pm
        page,v3,2025-11-29T10:00:00Z,ph
        page,v4,2023-12-01T10:00:00Z,py
    """,
    "spend": """
        day,amount,currency
        2025-11-30,1,EUR
    """,
}
TODAY = date(2025, 11, 30)
"""The day all of it is imported, and the last that anything is known of."""


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return project(tmp_path_factory.mktemp("firm"), FILES, today=TODAY)


def listed(found: Calendar) -> list[tuple[str, str, Any]]:
    return [(row.day.isoformat(), row.subscription, row.mrr) for row in found.rows]


# Renewals ---------------------------------------------------------------------------------------------------------------


def test_a_renewal_that_another_subscription_takes_over_is_not_made_and_is_said(tmp_path: Path) -> None:
    """A biller that ends one subscription and begins another at each renewal would silently show that nobody renews."""
    files = {
        "subscriptions": """
            subscription_id,account_id,starts_on,ends_on,amount,currency,interval
            a1,swapped,2024-03-10,2025-03-10,120,EUR,year
            a2,swapped,2025-03-10,,132,EUR,year
            b1,left,2024-03-12,2025-03-12,120,EUR,year
            c1,renewed,2024-03-20,,120,EUR,year
            c2,renewed,2025-03-20,,60,EUR,year
            d1,later,2024-03-25,2025-03-25,120,EUR,year
            d2,later,2025-03-28,,120,EUR,year
        """
    }
    march = Period(date(2025, 3, 1), date(2025, 4, 1))
    (answer,) = project(tmp_path, files).ask(Question(("renewal_rate",), (march,)))
    assert answer.parts == {"renewals_made": 1, "renewals_due": 4}
    assert answer.notes == ("1 row left out: another subscription of the account begins there, which does not count as a renewal",)


def test_what_is_due_by_hand(firm: Asker) -> None:
    found = calendar(firm, NOTHING, 90)
    # A half year from 31 August ends before the last day of February; a year from 31 January on the 30th.
    assert listed(found) == [("2025-12-30", "e", 50), ("2026-01-30", "y", 100), ("2026-02-27", "h", 50)]
    ending, running, _ = found.rows
    assert (ending.renewed, ending.cancelled_on, ending.ends_on) == (None, date(2025, 10, 20), date(2025, 12, 31))
    assert (running.renewed, running.cancelled_on, running.ends_on, running.origin) == (None, None, None, "subscriptions.csv:2")
    assert (found.period.since, found.period.until) == (date(2025, 12, 1), date(2026, 3, 1))
    total: list[Any] = [found.total.due, found.total.mrr, found.total.cancelled_mrr, found.total.past_due_mrr]
    assert total == [3, 200, 50, 0]
    months: list[Any] = [(one.period.since.month, one.due, one.mrr) for one in found.months]
    assert months == [(12, 1, 50), (1, 1, 100), (2, 1, 50)]
    assert len(found.weeks) == 13
    assert sum(one.due for one in found.weeks) == 3
    # In the year before: y on 30 January; the half year has not ended once.
    assert (found.rate.value, found.rate.parts) == (1, {"renewals_made": 1, "renewals_due": 1})


def test_payments_of_a_month_or_less_are_counted_once_in_a_sum(firm: Asker) -> None:
    found = calendar(firm, NOTHING, 31, short=True)
    own = [(day, name, mrr) for day, name, mrr in listed(found) if name in ("m", "p", "b1")]
    assert own == [("2025-12-14", "b1", 40), ("2025-12-30", "m", 50), ("2025-12-31", "p", 80)][: len(own)]
    late = next(row for row in calendar(firm, NOTHING, 40, short=True).rows if row.subscription == "p")
    assert (late.past_due_on, late.lapses_on) == (date(2025, 11, 20), date(2025, 12, 21))
    weekly = [row for row in found.rows if row.subscription == "w"]
    assert [row.day.day for row in weekly] == [4, 11, 18, 25]
    assert found.total.mrr == sum({row.subscription: row.mrr for row in found.rows}.values())
    paused = [row for row in found.rows if row.subscription == "b2"]
    assert paused == []


def test_days_that_are_past_say_what_became_of_each(firm: Asker) -> None:
    found = calendar(firm, NOTHING, 60, date(2025, 1, 1))
    assert listed(found) == [("2025-01-30", "y", 100)]
    assert [row.renewed for row in found.rows] == [True]
    assert calendar(firm, replace(NOTHING, where=(("plan", ("Solo",)),)), 90).total.due == 1


@pytest.mark.parametrize(
    ("days", "first", "short", "said"),
    [
        (AHEAD + 1, None, False, "known for 366 days"),
        (10, date(2027, 1, 1), False, "not until 2027-01-10"),
        (10, date(2025, 11, 1), True, "not from 2025-11-01"),
    ],
)
def test_days_too_far_off_are_refused(firm: Asker, days: int, first: date | None, short: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        calendar(firm, NOTHING, days, first, short=short)


def test_without_subscriptions_nothing_is_due(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": FILES["spend"]})
    for asked in (lambda: calendar(asker, NOTHING, 90), lambda: exposure(asker, NOTHING)):
        with pytest.raises(FariError, match="no source covers subscriptions"):
            asked()


# Accounts at risk ---------------------------------------------------------------------------------------------------------


def test_who_is_at_risk_by_hand(firm: Asker) -> None:
    found = exposure(firm, NOTHING)
    ranked: list[Any] = [(one.account, one.at_stake, one.kinds) for one in found.accounts]
    assert ranked == [
        ("year", 100, ("feedback",)),
        ("late", 80, ("past_due",)),
        ("fell", 70, ("contraction",)),
        ("ends", 50, ("cancelled", "renewal")),
        ("month", 50, ("quiet",)),
        ("both", 40, ("paused", "contraction")),
    ]
    pieces = {(one.account, piece.kind): piece for one in found.accounts for piece in one.evidence}
    # 31 days after the invoice of 20 November it still counts, on the 32nd no more.
    late = pieces["late", "past_due"]
    assert (late.days, late.until, late.origin) == (10, date(2025, 12, 21), "subscriptions.csv:6")
    assert (pieces["month", "quiet"].day, pieces["month", "quiet"].days, pieces["month", "quiet"].origin) == (date(2025, 10, 15), 46, "events.csv:3")
    assert (pieces["ends", "cancelled"].day, pieces["ends", "cancelled"].until) == (date(2025, 10, 20), date(2025, 12, 31))
    amounts: list[Any] = [pieces[one].amount for one in (("both", "paused"), ("both", "contraction"), ("fell", "contraction"))]
    assert amounts == [90, 90, 30]
    assert pieces["year", "feedback"].said == "nps: 6"
    # The year's people were last seen before it was a customer; what the late one said, it said before too; a renewal on day 61 is not soon.
    assert (found.customers, found.mrr, found.at_stake, found.notes) == (8, Decimal("470.333333"), Decimal(390), ())
    assert exposure(firm, replace(NOTHING, where=(("plan", ("Solo",)),))).accounts[0].account == "late"


def test_where_events_end_early_nobody_is_called_quiet(tmp_path: Path) -> None:
    asker = project(tmp_path, {name: text for name, text in FILES.items() if name != "events"}, today=TODAY)
    found = exposure(asker, NOTHING)
    assert "quiet" not in {kind for one in found.accounts for kind in one.kinds}
    assert found.notes == ("who has gone quiet is not known: no source covers events in all of the 30 days up to 2025-11-30",)


def test_accounts_are_narrowed_by_what_they_have(firm: Asker) -> None:
    with pytest.raises(UsageError, match="did you mean 'channel'"):
        exposure(firm, replace(NOTHING, where=(("chanel", ("Email",)),)))


# Against plain Python ---------------------------------------------------------------------------------------------------------


def drawn(seed: int) -> tuple[oracle.Company, Tables]:
    """A random company of whose subscriptions every fourth row has a click on cancel three weeks after it began, whether or not it ends."""
    whose, tables = random_company(seed, 10)
    for row in tables.get("subscriptions", [])[::4]:
        row["cancelled_on"] = row["cancelled_on"] or (date.fromisoformat(row["starts_on"]) + timedelta(days=21)).isoformat()
    return whose, tables


@pytest.fixture(scope="module", params=SEEDS)
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Asker, oracle.Books]:
    whose, tables = drawn(request.param)
    if not tables.get("subscriptions"):
        pytest.skip("it has no subscriptions")
    return imported(whose, tables, tmp_path_factory.mktemp(f"ahead{request.param}")), oracle.Books(tables, whose, fari_place())


def test_the_calendar_is_that_of_the_oracle(company: tuple[Asker, oracle.Books]) -> None:
    asker, books = company
    horizon = books.coverage.horizon
    found = calendar(asker, NOTHING, 200, short=True)
    since, until = horizon + timedelta(days=1), horizon + timedelta(days=201)
    expected = [*ahead.due(books, since, until, short=False), *ahead.due(books, since, until, short=True)]
    name = books.identity.account
    told = [(row.day, name(row.account), row.subscription, row.mrr, row.cancelled_on) for row in found.rows]
    assert _plain(told) == _plain([(last, account, which, worth, click) for last, account, which, worth, _, click in expected])
    back = calendar(asker, NOTHING, 150, horizon - timedelta(days=149))
    expected = ahead.due(books, horizon - timedelta(days=149), since, short=False)
    assert _plain([(r.day, name(r.account), r.subscription, r.mrr, r.renewed) for r in back.rows if r.day < horizon]) == _plain(
        [(last, account, which, worth, kept) for last, account, which, worth, kept, _ in expected if last < horizon]
    )


def test_accounts_at_risk_are_those_of_the_oracle(company: tuple[Asker, oracle.Books]) -> None:
    asker, books = company
    found = exposure(asker, NOTHING)
    expected = ahead.at_risk(books)
    name = books.identity.account
    assert {name(one.account): (_near(one.mrr), _near(one.at_stake)) for one in found.accounts} == {
        account: (_near(mrr), _near(stake)) for account, (mrr, stake, _) in expected.items()
    }
    for one in found.accounts:
        assert _plain([_told(piece) for piece in one.evidence]) == _plain(list(expected[name(one.account)][2])), one.account
    ranks = [(-one.at_stake, -len(one.kinds), [list(KINDS).index(kind) for kind in one.kinds], one.account) for one in found.accounts]
    assert ranks == sorted(ranks)


def _told(one: Evidence) -> tuple[Any, ...]:
    more = {
        "cancelled": one.until, "past_due": (one.days, one.until), "paused": one.amount, "quiet": one.days, "feedback": one.said,
        "contraction": one.amount, "renewal": one.until,
    }[one.kind]  # fmt: skip
    return one.kind, one.day, one.subscription, one.mrr, more


def _plain(rows: list[Any]) -> list[str]:
    return sorted(repr(tuple(_near(cell) if isinstance(cell, Decimal | Fraction) else cell for cell in row)) for row in rows)


def _near(amount: Decimal | Fraction) -> str:
    return f"{float(amount):.5f}"


def test_seeds_have_every_kind_of_evidence() -> None:
    seen = set()
    for seed in SEEDS:
        whose, tables = drawn(seed)
        if tables.get("subscriptions"):
            seen |= {kind for *_, pieces in ahead.at_risk(oracle.Books(tables, whose, fari_place())).values() for kind, *_ in pieces}
    assert seen == set(KINDS)


# What must hold under any rules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_the_list_is_what_the_metrics_count(company: tuple[Asker, oracle.Books], name: str) -> None:
    asker, books = company
    ruled = replace(NOTHING, rules=preset(name))
    horizon = books.coverage.horizon
    day = Period(horizon, horizon + timedelta(days=1), "day")
    names = ("mrr", "committed_mrr", "mrr_at_risk", "customers", "contraction_mrr", "renewals_due")
    quarter = Period(horizon - timedelta(days=89), horizon + timedelta(days=1))
    told = {(one.metric, one.period): one.value for one in asker.ask(replace(ruled, metrics=names, periods=(day, quarter)))}
    found, due = exposure(asker, ruled), calendar(asker, ruled, 90)
    assert (found.mrr, found.customers) == (told["mrr", day], told["customers", day])
    pieces = [piece for one in found.accounts for piece in one.evidence]
    assert sum(piece.mrr for piece in pieces if piece.kind == "past_due") == told["mrr_at_risk", day]
    assert sum(piece.mrr for piece in pieces if piece.kind == "cancelled") == Decimal(told["mrr", day] or 0) - Decimal(
        told["committed_mrr", day] or 0
    )
    assert sum(piece.amount or 0 for piece in pieces if piece.kind == "contraction") <= Decimal(told["contraction_mrr", quarter] or 0)
    assert all(0 <= one.at_stake <= one.mrr for one in found.accounts)
    assert due.total.mrr <= found.mrr + sum(row.mrr for row in due.rows if row.starts_on > horizon)
    assert calendar(asker, ruled, 90, quarter.since).total.due == (told["renewals_due", quarter] or 0)


@pytest.mark.parametrize("seed", [6, 9])
def test_a_cluster_tells_the_same(seed: int, tmp_path: Path, open_: Callable[[Asker], Asker]) -> None:
    here = imported(*drawn(seed), tmp_path)
    there = open_(here)
    where = replace(NOTHING, where=(("plan", ("Basic", "Pro", "Team", "(not set)")),))
    assert calendar(here, where, 90, short=True).plain() == calendar(there, where, 90, short=True).plain()
    assert exposure(here, where).plain() == exposure(there, where).plain()


@pytest.fixture
def open_() -> Any:
    engines: list[SparkConnect] = []

    def there(asker: Asker) -> Asker:
        engines.append(SparkConnect(sail()))
        return Asker(asker.ledger, engines[-1])

    yield there
    for engine in engines:
        engine.close()
