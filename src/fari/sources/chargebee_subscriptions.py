"""Chargebee's subscriptions as a table: one row per subscription with its terms of today, columns named as its attributes are.

Columns as documented at https://datacatalog.chargebee.com/subscriptions and https://apidocs.chargebee.com/docs/api/subscriptions, alone or with
their table in front (`subscriptions.status`, `customers.email`), as the export of the settings writes them. Amounts are in cents there, times are
seconds since 1970; exports write both in words too. Add-ons and coupons are tables of their own: `mrr` tells where they are missed.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.biller import TODAYS, Customers, RowError, amount, commas, day, key_of, note, whole
from fari.sources.billing_period import Interval, intervals
from fari.sources.columns import Row, named_rows, plain_names
from fari.sources.convert import major_units
from fari.sources.file import File
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import Subscription, money

NAME = "chargebee_subscriptions"
LABEL = "Chargebee: subscriptions (CSV export)"
COLUMNS = (
    "id", "customer_id", "plan_id", "plan_quantity", "plan_unit_price", "plan_amount", "currency_code", "billing_period", "billing_period_unit",
    "status", "start_date", "trial_start", "trial_end", "current_term_start", "current_term_end", "created_at", "started_at", "activated_at",
    "cancelled_at", "cancel_schedule_created_at", "cancel_reason_code", "pause_date", "due_since", "mrr", "customers.email", "customers.company",
)  # fmt: skip

_NEEDED = frozenset("id plan_id status current_term_start current_term_end customer_id".split())
_AMOUNTS = ("plan_unit_price", "plan_amount", "mrr")
_STATUSES = ("future", "in_trial", "active", "non_renewing", "paused", "cancelled", "transferred")
_UNITS = ("day", "week", "month", "year")
_MONTHS = {"month": 1, "year": 12}
_ADDED = "add-ons and discounts are not in this file: give them in a `subscriptions` table of your own"
_CENT = Decimal("0.01")


def recognises(file: File) -> bool:
    """Whether the header has the attributes of Chargebee's subscriptions."""
    return {_own(name) for name in plain_names(file)} >= _NEEDED


def read(file: File, company: Company) -> Iterator[Item]:
    """The subscriptions as stretches, then their accounts and people."""
    yield Problem("", TODAYS, table="subscriptions", refused=False)
    rows = [_plain(row) for row in named_rows(file)]
    amounts = [text for row in rows if isinstance(row, Row) for column in _AMOUNTS if (text := row.cells.get(column))]
    cents = not any(mark in text for text in amounts for mark in ".,")
    if amounts and cents:
        yield Problem("", "has no amount with decimals: read as cents, as Chargebee's API gives them", "plan_unit_price", refused=False)
    reading = _Reading(company, commas(file, *_AMOUNTS, *(f"subscriptions.{name}" for name in _AMOUNTS)), cents, rows)
    customers = Customers()
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield from reading.subscription(row)
        except RowError as fault:
            yield fault.problem(row.line)
            continue
        names = (row.cells.get(f"customers.{part}_name") for part in ("first", "last"))
        customers.meet(
            key_of("chargebee", row.cells["customer_id"]),
            row.line,
            email=row.cells.get("customers.email") or None,
            name=" ".join(name for name in names if name) or None,
            company=row.cells.get("customers.company") or None,
        )
    yield from customers.records()


def _own(name: str) -> str:
    """A column's name without the table of subscriptions in front; the customer's id is one of them."""
    return "customer_id" if name == "customers.id" else name.removeprefix("subscriptions.")


def _plain(row: Row | Problem) -> Row | Problem:
    return row if isinstance(row, Problem) else Row(row.line, {_own(name): text for name, text in row.cells.items()})


class _Reading:
    """One file being read: how its amounts are written, and the interval of each plan where the file has none."""

    def __init__(self, company: Company, comma: bool | None, cents: bool, rows: list[Row | Problem]) -> None:
        self.zone, self.comma, self.cents = company.zone, comma, cents
        self.plans = intervals(self._terms(rows))

    def _terms(self, rows: list[Row | Problem]) -> Iterator[tuple[str, date, date]]:
        for row in rows:
            if isinstance(row, Row) and not row.cells.get("billing_period_unit"):
                try:
                    begun, ended = self._day(row, "current_term_start"), self._day(row, "current_term_end")
                except RowError:
                    continue
                if begun and ended:
                    yield row.cells["plan_id"], begun, ended

    def _day(self, row: Row, *columns: str) -> date | None:
        return day(row, self.zone, *columns)

    def subscription(self, row: Row) -> Iterator[Item]:
        """One row's stretches, what is to be said of it, and why it was cancelled."""
        cells = row.cells
        for column in ("id", "customer_id", "plan_id"):
            if not cells[column]:
                raise RowError(column, f"{column} is missing")
        status = cells["status"].casefold().replace(" ", "_").replace("-", "_").replace("canceled", "cancelled")
        if status not in _STATUSES:
            raise RowError(
                "status", "status is none Chargebee has" if status else "status is missing", cells["status"], f"one of: {', '.join(_STATUSES)}"
            )
        if status == "transferred":
            yield Skipped(row.line, "a subscription that was transferred to another business entity, where it has a row of its own")
            return
        begun, ended = self._day(row, "trial_start"), self._day(row, "trial_end")
        since = begun or self._day(row, *(("start_date", "started_at") if status == "future" else ("started_at", "activated_at", "created_at")))
        if since is None:
            raise RowError("started_at", "started_at is missing")
        trial: tuple[date, date | None] | None = (begun or since, ended) if ended or status == "in_trial" else None
        until, scheduled = self._day(row, "cancelled_at"), self._day(row, "cancel_schedule_created_at")
        if status in ("cancelled", "non_renewing") and until is None:
            until = self._day(row, "current_term_end") if status == "non_renewing" else None
            if until is None:
                raise RowError("cancelled_at", "is cancelled on no day")
        elif status not in ("cancelled", "non_renewing"):
            # Whether a trial will ever be paid is not known before it ends.
            until = scheduled = None
            if status == "in_trial":
                until = ended
        clicked = scheduled or (until if status == "cancelled" else None)
        currency, price, seats = self._price(row)
        interval, count = self._interval(row)
        yield from self._control(row, status, currency, price, interval, count)
        subscription = Subscription(
            subscription_id=key_of("chargebee", cells["id"]),
            account_id=key_of("chargebee", cells["customer_id"]),
            amount=price,
            currency=currency,
            interval=interval,
            interval_count=count,
            quantity=seats,
            plan=cells["plan_id"],
            since=since,
            until=until,
            trial=trial,
            paused_since=self._day(row, "pause_date", "current_term_start") or since if status == "paused" else None,
            past_due_on=self._day(row, "due_since") if status in ("active", "non_renewing") else None,
            cancelled_on=clicked,
        )
        for values in subscription.stretches():
            yield Record("subscriptions", row.line, values)
        reason = cells.get("cancel_reason_code") or cells.get("cancel_reason")
        if reason and clicked:
            told = {"account_id": key_of("chargebee", cells["customer_id"]), "at": clicked.isoformat(), "kind": "churn_reason", "value": reason}
            yield Record("feedback", row.line, dict(told))

    def _amount(self, row: Row, column: str, currency: str) -> Decimal | None:
        """An amount in major units."""
        made = amount(row, column, self.comma)
        return Decimal(major_units(made, currency)) if made is not None and self.cents else made

    def _price(self, row: Row) -> tuple[str, Decimal, str]:
        """Currency, price per interval for all seats, and seats."""
        currency = row.cells.get("currency_code", "").upper()
        if not currency:
            raise RowError("currency_code", "currency_code is missing", mend="export it with the column currency_code")
        seats = whole(row, "plan_quantity", 1)
        price = self._amount(row, "plan_amount", currency)
        if price is None:
            unit = self._amount(row, "plan_unit_price", currency)
            if unit is None:
                what = "has no price: neither plan_amount nor plan_unit_price is filled"
                raise RowError("plan_unit_price", what, mend="give it in a `subscriptions` table of your own, with the prices of its items")
            price = unit * seats
        return currency, price, str(seats)

    def _interval(self, row: Row) -> Interval:
        unit = row.cells.get("billing_period_unit", "").casefold()
        if unit in _UNITS:
            return unit, whole(row, "billing_period", 1)
        if unit:
            raise RowError("billing_period_unit", "has an unknown interval", unit, f"one of: {', '.join(_UNITS)}")
        found = self.plans.get(row.cells["plan_id"])
        if found is None:
            what = "has no billing interval: the current terms of its plan do not tell one"
            raise RowError("billing_period_unit", what, row.cells["plan_id"], "export it with the columns billing_period and billing_period_unit")
        return found

    def _control(self, row: Row, status: str, currency: str, price: Decimal, interval: str, count: int) -> Iterator[Problem]:
        """A note where Chargebee's own MRR is another than plan and price make. Weeks and days are not compared: it has its own way with them."""
        mrr = self._amount(row, "mrr", currency)
        if mrr is None or status not in ("active", "non_renewing") or interval not in _MONTHS:
            return
        ours = price / (_MONTHS[interval] * count)
        if abs(mrr - ours) >= _CENT:
            what = f"has an mrr that is not what plan and price make, {money(ours.quantize(_CENT))}: the latter counts"
            yield note(row, what, "mrr", money(mrr), _ADDED)
