"""Deals in the pipeline."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .company import Company, Key, Tables, text
from .identity import Identity
from .money import Rates, number
from .when import instant, local_day


@dataclass(frozen=True)
class Deal:
    """One row of `deals`, its amount in the company's currency (None where it has none, or no rate)."""

    account: str | None
    person: Key | None
    amount: Fraction | None
    probability: Fraction
    created: date
    met: date | None
    closed: date | None
    status: str
    currency: str

    @property
    def broken(self) -> bool:
        """Won or lost, and nobody knows when."""
        return self.status != "open" and self.closed is None

    def open_on(self, on: date) -> bool:
        """Whether it was open at the end of the day."""
        return self.created <= on and not self.broken and (self.status == "open" or (self.closed is not None and self.closed > on))

    def met_by(self, on: date) -> bool:
        """Whether its meeting had been held by the end of the day."""
        return self.met is not None and self.met <= on


def deals(tables: Tables, company: Company, identity: Identity) -> list[Deal]:
    """All deals, converted at the rate of the day they were created."""
    rates, found = Rates(tables, company), []

    def on(word: str) -> date | None:
        at = instant(word, company.timezone)
        return at and local_day(at, company.timezone)

    for row in tables.get("deals", ()):
        created = on(text(row, "created_at"))
        if created is None:
            continue
        person = identity.person(text(row, "person_id")) if text(row, "person_id") else None
        account = identity.account(text(row, "account_id")) if text(row, "account_id") else None
        if account is None and person:
            account = identity.first_account_of(person)
        amount, currency = number(row, "amount"), text(row, "currency") or company.currency
        if amount is not None:
            amount = rates.convert(amount, currency, created)
        probability = number(row, "probability") or Fraction(0)
        met, closed = on(text(row, "meeting_at")), on(text(row, "closed_at"))
        found.append(Deal(account, person, amount, probability, created, met, closed, text(row, "status"), currency))
    return found
