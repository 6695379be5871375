"""Exchange rates and the monthly value of a subscription's terms."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from .company import Company, Row, Tables, text
from .when import day

MONTHS = {"day": Fraction(12, 365), "week": Fraction(12, 52), "month": Fraction(1), "quarter": Fraction(3), "year": Fraction(12)}
"""How many months each interval lasts."""


def rounded(amount: Fraction) -> Fraction:
    """Half up (away from zero) to six decimals."""
    scaled = abs(amount) * 1_000_000 + Fraction(1, 2)
    whole = Fraction(scaled.numerator // scaled.denominator, 1_000_000)
    return whole if amount >= 0 else -whole


def number(row: Row, name: str) -> Fraction | None:
    """A decimal string as it is; None where empty."""
    word = text(row, name)
    return Fraction(Decimal(word)) if word else None


def interval_months(row: Row) -> Fraction:
    """The length of a subscription's paid interval, in months."""
    return MONTHS[text(row, "interval")] * int(text(row, "interval_count") or 1)


def monthly_value(row: Row) -> Fraction:
    """(amount - discount, where the kind counts) x factor / interval_count, in its own currency."""
    amount = number(row, "amount") or Fraction(0)
    if text(row, "discount_kind") in {"repeating", "forever"}:
        amount = max(amount - (number(row, "discount") or Fraction(0)), Fraction(0))
    return rounded(amount / interval_months(row))


class Rates:
    """The company's currency for one unit of another."""

    def __init__(self, tables: Tables, company: Company) -> None:
        self._own = company.currency
        self._rates: list[tuple[date, str, Fraction]] = []
        for row in tables.get("rates", ()):
            on, rate = day(text(row, "day")), number(row, "rate")
            if on and rate is not None:
                self._rates.append((on, text(row, "currency"), rate))

    def convert(self, amount: Fraction, currency: str, on: date) -> Fraction | None:
        """At the latest rate on or before the day, rounded to six decimals; None where there is no rate yet."""
        if currency in {"", self._own}:
            return amount
        known = [(since, rate) for since, other, rate in self._rates if other == currency and since <= on]
        return rounded(amount * max(known, key=lambda pair: pair[0])[1]) if known else None
