"""Numbers and dates as vendors write them: what is read is what was meant, or nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fari.sources.convert import day_of, decimal_comma, decimal_text, iso_instant, major_units

AMOUNTS = st.decimals(min_value=-(10**11), max_value=10**11, places=2, allow_nan=False)


@given(AMOUNTS, st.sampled_from(["", "$", "€ ", "EUR "]))
def test_an_amount_written_either_way_is_the_same(amount: Decimal, sign: str) -> None:
    english = f"{sign}{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert decimal_text(english, comma=False) is not None
    assert Decimal(decimal_text(english, comma=False) or "") == amount
    assert decimal_text(german, comma=True) == decimal_text(english, comma=False)
    # Two decimals leave no doubt, so that the mark need not be named.
    assert decimal_text(german) == decimal_text(english) == decimal_text(english, comma=False)
    assert decimal_comma([german]) is True
    assert decimal_comma([english]) is False


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 234,50 €", "1234.5"),
        ("1\u202f234,50", "1234.5"),
        ("1'234.50", "1234.5"),
        ("12,34,567.80", "1234567.8"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("0,125", "0.125"),
        ("1.234", "1.234"),
        ("−5,5", "-5.5"),
        ("($1,200.00)", "-1200"),
        ("-€5", "-5"),
        ("US$ 12.00", "12"),
        ("2E-7", "0.0000002"),
    ],
)
def test_amounts_as_people_write_them(text: str, meant: str) -> None:
    assert decimal_text(text) == meant


@pytest.mark.parametrize("text", ["1,234", "", "-", "--", "1,23,4", "12,34.5", "1.2.3", "about 5", "5 apples", "1 2", "NaN", "Infinity", "10%"])
def test_what_is_no_number_or_could_be_two_is_refused(text: str) -> None:
    assert decimal_text(text) is None


@pytest.mark.parametrize(("text", "comma"), [("1.5", True), ("1,5", False), ("1.23", True), ("1,2345", False)])
def test_a_mark_that_cannot_group_thousands_is_refused(text: str, comma: bool) -> None:
    assert decimal_text(text, comma) is None


@given(st.integers(10**11, 8 * 10**12), st.sampled_from(["Europe/Rome", "America/Los_Angeles", "Asia/Kolkata"]))
def test_an_instant_is_the_same_however_it_is_written(since_1970: int, name: str) -> None:
    instant, zone = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since_1970), ZoneInfo(name)
    meant = instant.replace(tzinfo=None).isoformat() + "Z"
    milliseconds = str(since_1970)
    assert iso_instant(milliseconds) == meant
    assert iso_instant(instant.astimezone(zone).isoformat()) == meant
    assert iso_instant(instant.replace(tzinfo=None).isoformat(" "), UTC) == meant
    assert day_of(meant, zone) == day_of(milliseconds, zone) == instant.astimezone(zone).date().isoformat()


@pytest.mark.parametrize("text", ["31/03/2025", "3/31/2025 10:00", "2025-13-01", "2025-02-30 10:00", "2025-03-31 25:00", "1.74E+12", "", "17"])
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    assert iso_instant(text) is None
    assert day_of(text) is None


def test_a_time_without_a_zone_stays_bare_and_keeps_its_day() -> None:
    assert iso_instant("2025-03-31 10:00") == "2025-03-31T10:00:00"
    assert iso_instant("2025-03-31") == "2025-03-31T00:00:00"
    assert day_of("2025-03-31 23:59", ZoneInfo("Asia/Kolkata")) == "2025-03-31"


def test_minor_units_follow_the_currency() -> None:
    assert [major_units(1050, code) for code in ("EUR", "jpy", "BHD")] == ["10.5", "1050", "1.05"]
    assert major_units("-1", "USD") == "-0.01"
