"""Stripe's dashboard export of subscriptions: one row per subscription with its terms of today, those it had before are not in it."""

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.columns import Row, named_rows, plain_names
from fari.sources.convert import day_of, decimal_comma, decimal_text, iso_instant
from fari.sources.file import File
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import Subscription

NAME = "stripe_subscriptions"
LABEL = "Stripe: subscriptions (CSV of the dashboard)"
COLUMNS = (
    "id", "Customer ID", "Customer Description", "Customer Email", "Customer Name", "Plan", "Product", "Quantity", "Currency", "Interval", "Amount",
    "Status", "Created (UTC)", "Start (UTC)", "Start Date (UTC)", "Current Period Start (UTC)", "Current Period End (UTC)", "Trial Start (UTC)",
    "Trial End (UTC)", "Application Fee Percent", "Coupon", "Tax Percent", "Canceled At (UTC)", "Ended At (UTC)", "Cancel At Period End",
    "Cancellation Reason",
)  # fmt: skip

_ID = ("id", "subscription id")
_CUSTOMER = ("customer id", "customer")
_NEEDED = ("status", "interval", "amount", "currency")
_INTERVALS = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annual": "year", "annually": "year"}
_INTERVALS |= {interval: interval for interval in ("day", "week", "month", "quarter", "year")}
_STATUSES = ("active", "trialing", "past_due", "unpaid", "paused", "canceled")
_NOT_BEGUN = {"incomplete": "its first payment is still open", "incomplete_expired": "its first payment was never made"}
_YES = ("true", "yes", "1")


class _RowError(ValueError):
    """A row that cannot be read: column, what is wrong, the value, the way out."""

    def __init__(self, column: str, what: str, value: str = "", mend: str = "export it again") -> None:
        super().__init__(what)
        self.column, self.what, self.value, self.mend = column, what, value, mend


def recognises(file: File) -> bool:
    """Whether the header is that of a Stripe export with one row per subscription."""
    names = plain_names(file)
    ours = any("(utc)" in name for name in names) or any("current period" in name for name in names)
    return ours and names.issuperset(_NEEDED) and any(name in names for name in _ID) and any(name in names for name in _CUSTOMER)


def read(file: File, company: Company) -> Iterator[Item]:
    """The subscriptions as stretches, then their customers as people and accounts, once each."""
    comma = _decimal_comma(file)
    customers: dict[str, tuple[int, dict[str, str | None]]] = {}
    for row in named_rows(file):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield from _subscription(row, company, comma)
        except _RowError as fault:
            yield Problem(row.line, fault.what, fault.column, fault.value, fault.mend, table="subscriptions")
            continue
        customer = f"stripe:{row.first(_CUSTOMER)}"
        known = customers.setdefault(customer, (row.line, {}))[1]
        for name, columns in (
            ("email", ("customer email", "email")),
            ("name", ("customer name", "customer description")),
            ("country", ("customer country", "customer address country")),
        ):
            known[name] = known.get(name) or row.first(columns)
    for customer, (line, known) in customers.items():
        if known["name"] or known["country"]:
            yield Record("accounts", line, {"account_id": customer, "name": known["name"], "country": known["country"]})
        if any(known.values()):
            yield Record("people", line, {"person_id": customer, "email": known["email"], "account_id": customer, **known})


def _decimal_comma(file: File) -> bool | None:
    """What the sampled amounts say of the file's decimal mark."""
    place = next((n for n, name in enumerate(file.header) if name.casefold() == "amount"), None)
    return decimal_comma(cells[place] for _, cells in file.sample if place is not None and place < len(cells))


def _day(row: Row, company: Company, *columns: str) -> date | None:
    """The local day of the first of these columns that is filled; they are in UTC, with or without saying so."""
    found = row.named([name for column in columns for name in (f"{column} (utc)", column)])
    if found is None:
        return None
    column, text = found
    day = day_of(iso_instant(text, UTC) or "", company.zone)
    if day is None:
        raise _RowError(column, f"{column} is not a date and time", text, "write 2025-03-31 10:00")
    return date.fromisoformat(day)


def _terms(row: Row, comma: bool | None) -> tuple[Decimal, str, int, int, str | None]:
    """Amount for all seats, interval, interval count, seats and plan."""
    unit = row.first(("amount",))
    if unit is None:
        # Tiered prices and subscriptions of several items have no amount here.
        raise _RowError("amount", "amount is missing", mend="import it as JSON of the API, with tiers expanded")
    amount = decimal_text(unit, comma)
    if amount is None:
        raise _RowError("amount", "amount is not a number", unit, "write 1234.56")
    seats = row.first(("quantity",)) or "1"
    if not seats.isdecimal():
        raise _RowError("quantity", "quantity is not a whole number", seats, "write a whole number")
    given = row.first(("interval",)) or ""
    # Also "3 months", "every 6 weeks".
    words = given.casefold().removeprefix("every").split()
    count = words[0] if len(words) == 2 else row.first(("interval count",)) or "1"
    interval = _INTERVALS.get(words[-1], _INTERVALS.get(words[-1].removesuffix("s"))) if words else None
    if interval is None or not count.isdecimal() or int(count) < 1:
        raise _RowError("interval", "has an unknown interval" if given else "has no interval", given, "one of: day, week, month, year")
    plan, product = row.first(("plan",)), row.first(("product", "product name"))
    if plan is None or plan.startswith(("price_", "plan_")):
        plan = product if product and not product.startswith("prod_") else plan or product
    return Decimal(amount) * int(seats), interval, int(count), int(seats), plan


def _subscription(row: Row, company: Company, comma: bool | None) -> Iterator[Item]:
    own, customer = row.first(_ID), row.first(_CUSTOMER)
    if own is None or customer is None:
        column = "id" if own is None else "customer id"
        raise _RowError(column, f"{column} is missing")
    given = row.first(("status",)) or ""
    status = given.casefold().replace(" ", "_").replace("cancelled", "canceled")
    if status in _NOT_BEGUN:
        yield Skipped(row.line, f"a subscription that never began: {_NOT_BEGUN[status]}")
        return
    if status not in _STATUSES:
        raise _RowError("status", "status is none Stripe has" if given else "status is missing", given, f"one of: {', '.join(_STATUSES)}")
    since = _day(row, company, "start date", "created", "start")
    if since is None:
        raise _RowError("start date (utc)", "start date is missing")
    amount, interval, count, seats, plan = _terms(row, comma)
    cancelled, until = _day(row, company, "canceled at"), _day(row, company, "ended at")
    ends_later = (row.first(("cancel at period end",)) or "").casefold() in _YES
    if until is None and status == "canceled":
        until = _day(row, company, "current period end") if ends_later else cancelled
        if until is None:
            raise _RowError("ended at (utc)", "is canceled on no day")
    elif until is None:
        until = _day(row, company, "cancel at") or (_day(row, company, "current period end") if ends_later else None)
    begun, ended = _day(row, company, "trial start"), _day(row, company, "trial end")
    trial: tuple[date, date | None] | None = (begun, ended) if begun and ended else None
    paused = past_due = None
    if status == "trialing":
        trial = trial or (since, ended)
        if ended and (until is None or until > ended):
            # Whether it will ever be paid is not known yet.
            until = ended
    elif status == "paused":
        paused = ended or since
    elif status in ("past_due", "unpaid"):
        past_due = _day(row, company, "current period start")
    if coupon := row.first(("coupon", "coupon id", "discount")):
        what = "has a coupon whose size the export does not say: counted at list price"
        mend = "import it as JSON of the API, with discounts expanded"
        yield Problem(row.line, what, "coupon", coupon, mend, table="subscriptions", refused=False)
    subscription = Subscription(
        subscription_id=f"stripe:{own}",
        account_id=f"stripe:{customer}",
        amount=amount,
        currency=(row.first(("currency",)) or "").upper(),
        interval=interval,
        interval_count=count,
        quantity=str(seats),
        plan=plan,
        since=since,
        until=until,
        trial=trial,
        paused_since=paused,
        past_due_on=past_due,
        cancelled_on=cancelled,
    )
    for values in subscription.stretches():
        yield Record("subscriptions", row.line, values)
    yield from _reason(row, f"stripe:{customer}")


def _reason(row: Row, account: str) -> Iterator[Item]:
    """Why it was cancelled, as feedback of the account. That somebody asked for it is no reason."""
    at = row.first(("canceled at (utc)", "canceled at", "ended at (utc)", "ended at"))
    feedback, comment = row.first(("cancellation feedback",)), row.first(("cancellation comment",))
    reason = row.first(("cancellation reason",))
    value = feedback or (reason if reason != "cancellation_requested" else None)
    if at and (value or comment):
        said_by = "customer" if feedback or comment else None
        values = {"account_id": account, "at": iso_instant(at, UTC), "kind": "churn_reason", "value": value, "text": comment, "said_by": said_by}
        yield Record("feedback", row.line, values)
