"""Exports of billers: what a billing period tells of the interval, and MRR of an imported history worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.projects import bring, company, values

from fari.engine.ask import Asker
from fari.ledger.store import Ledger
from fari.sources.billing_period import intervals
from fari.sources.stretch import add_months

GOLDEN = Path(__file__).parent / "golden" / "sources"
YEAR = [date(2025, 1, 1) + timedelta(days=days) for days in range(365)]


@pytest.mark.parametrize("months", [1, 2, 3, 6, 12, 24])
def test_periods_by_calendar_tell_how_many_months(months: int) -> None:
    periods = [("plan", day, add_months(day, months)) for day in YEAR]
    assert intervals(periods) == {"plan": ("year", months // 12) if months % 12 == 0 else ("month", months)}
    for one in periods:
        assert intervals([one]) == intervals(periods)


@pytest.mark.parametrize("days", [7, 14, 28, 30, 31, 10])
def test_periods_by_days_tell_weeks_and_days(days: int) -> None:
    periods = [("plan", day, day + timedelta(days=days)) for day in YEAR]
    assert intervals(periods) == {"plan": ("day", days) if days % 7 else ("week", days // 7)}


def test_a_period_that_is_billed_on_the_last_of_a_month_is_a_month() -> None:
    assert intervals([("plan", date(2025, 2, 28), date(2025, 3, 31))]) == {"plan": ("month", 1)}
    assert intervals([("plan", date(2025, 4, 30), date(2025, 5, 31))]) == {"plan": ("month", 1)}


def test_one_period_of_some_days_may_have_been_cut_short() -> None:
    cut = ("plan", date(2025, 3, 5), date(2025, 3, 22))
    assert intervals([cut]) == {}
    assert intervals([cut, ("plan", date(2025, 3, 5), date(2025, 4, 5))]) == {"plan": ("month", 1)}
    assert intervals([("plan", date(2025, 3, 5), date(2025, 3, 5))]) == {}


def test_a_history_has_the_mrr_of_every_month(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, company("Europe/Rome", "USD"))
    # b2churn is in EUR and b5canceling in GBP.
    rates = tmp_path / "rates.csv"
    rates.write_text("day,currency,rate\n2024-01-01,EUR,1.2\n2024-01-01,GBP,1.5\n")
    [report, _] = bring(ledger, [GOLDEN / "recurly_history" / "history.csv", rates], today=date(2025, 4, 30))
    assert report.rejected == 3
    asker = Asker(ledger)
    # 290 EUR a year are 24.166667 EUR a month, 29.000000 USD; b1upgrade is in trial until 15 June.
    assert values(asker, "mrr", "2024-05") == [Decimal("29")]
    assert values(asker, "mrr", "2024-06") == [Decimal("58")]
    assert values(asker, "mrr churned_mrr", "2025-01") == [Decimal("58"), Decimal("58")]
    # b2churn ends, b1upgrade goes from 29 to 110, b4sameday comes with 58; b3pause still rests.
    assert values(asker, "mrr expansion_mrr new_mrr churned_mrr", "2025-02") == [Decimal("168"), Decimal("81"), Decimal("58"), Decimal("29")]
    # b3pause is back; b5canceling pays 1200.50 GBP a quarter: 400.166667 GBP, 600.250001 USD.
    assert values(asker, "mrr reactivation_mrr", "2025-03") == [Decimal("168") + 58 + Decimal("600.250001"), Decimal("58")]
    assert values(asker, "mrr", "2025-04") == [Decimal("226")]
