"""What the exports of billers have in common: rows that cannot be read, local days, amounts, and customers as accounts and people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal
from hashlib import sha256

from fari.ledger.problems import Problem
from fari.sources.columns import Row, plain_name
from fari.sources.convert import day_of, decimal_comma, decimal_text, iso_instant
from fari.sources.file import File
from fari.sources.record import Record
from fari.sources.stretch import money
from fari.sources.written_day import written_day
from fari.sources.zone_name import with_offset

TODAYS = "holds each subscription's terms of the day it was exported: earlier prices and seats are not in it, so today's count from its start"
"""What is to be said of every export that has one row for each subscription."""


class RowError(ValueError):
    """A row that cannot be read: column, what is wrong, the value, the way out."""

    def __init__(self, column: str, what: str, value: str = "", mend: str = "export it again") -> None:
        super().__init__(what)
        self.column, self.what, self.value, self.mend = column, what, value, mend

    def problem(self, line: int) -> Problem:
        """The same as a Problem of that line."""
        return Problem(line, self.what, self.column, self.value, self.mend, table="subscriptions")


def note(row: Row, what: str, column: str, value: str, mend: str) -> Problem:
    """A warning about a row that is kept."""
    return Problem(row.line, what, column, value, mend, table="subscriptions", refused=False)


def doubts(row: Row, price: Decimal, total: Decimal | None, column: str) -> Iterator[Problem]:
    """What is to be said of a price: that the row's own total is another, that it includes tax."""
    if total is not None and total != price:
        what = f"states another amount than unit price, quantity and add-ons make, {money(price)}: the latter counts"
        yield note(row, what, column, money(total), "look at the subscription at the biller's")
    if row.cells.get("tax_inclusive", "").casefold() == "true":
        what = "has a price that includes tax, and the export does not say how much: counted whole"
        yield note(row, what, "tax_inclusive", row.cells["tax_inclusive"], "give its price before tax in a `subscriptions` table of your own")


def commas(file: File, *columns: str) -> bool | None:
    """What the sampled amounts in these columns say of the file's decimal mark."""
    places = [n for n, name in enumerate(file.header) if plain_name(name) in columns]
    return decimal_comma(cells[n] for _, cells in file.sample for n in places if n < len(cells))


def amount(row: Row, column: str, comma: bool | None) -> Decimal | None:
    """An amount as it is written; None where the cell is blank. RowError where it is no number."""
    text = row.cells.get(column)
    if not text:
        return None
    made = decimal_text(text, comma)
    if made is None:
        raise RowError(column, f"{column} is not a number", text, "write 1234.56")
    return Decimal(made)


def whole(row: Row, column: str, default: int | None = None) -> int:
    """A whole number above 0; RowError where it is none."""
    text = row.cells.get(column) or ("" if default is None else str(default))
    made = decimal_text(text) if text else None
    if made is None or not made.isdecimal() or int(made) < 1:
        raise RowError(column, f"{column} is not a whole number above 0" if text else f"{column} is missing", text, "write a whole number")
    return int(made)


def day(row: Row, zone: tzinfo, *columns: str) -> date | None:
    """The company's day on which the first of these columns that is filled falls. RowError where it is neither date nor time."""
    found = row.named(columns)
    if found is None:
        return None
    column, text = found
    timed = with_offset(text, zone)
    if timed is None:
        zoned = text.rsplit(None, 1)[-1]
        raise RowError(column, f"{column} is in a time zone that the name {zoned} does not tell", text, "export it with the site's zone set to UTC")
    made = day_of(iso_instant(timed) or "", zone)
    written = date.fromisoformat(made) if made else written_day(timed)
    if written is None:
        raise RowError(column, f"{column} is not a date and time", text, "write 2025-03-31 10:00")
    return written


def key_of(prefix: str, code: str) -> str:
    """An id with the vendor in front. One that is an e-mail address is kept as a digest: no key may hold it.

    >>> key_of("recurly", "acme"), key_of("recurly", "Jo@Acme.example")
    ('recurly:acme', 'recurly:0330662987a89a2f')
    """
    return f"{prefix}:{sha256(code.strip().lower().encode()).hexdigest()[:16] if '@' in code else code}"


@dataclass
class Customers:
    """The customers of one file, each told once: as an account, and as a person where there is an e-mail address or a name."""

    _known: dict[str, tuple[int, dict[str, str | None]]] = field(default_factory=dict)

    def meet(self, customer: str, line: int, **told: str | None) -> None:
        """Take in what a row says of a customer (email, name, company); what was known first stays."""
        known = self._known.setdefault(customer, (line, {}))[1]
        for name, value in told.items():
            known[name] = known.get(name) or value

    def records(self) -> Iterator[Record]:
        """Accounts with a name, and people."""
        for customer, (line, told) in self._known.items():
            name, email = told.get("name"), told.get("email")
            if account := told.get("company") or name:
                yield Record("accounts", line, {"account_id": customer, "name": account})
            if email or name:
                yield Record("people", line, {"person_id": customer, "email": email, "account_id": customer, "name": name})
