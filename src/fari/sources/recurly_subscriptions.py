"""Recurly's export of subscriptions, and that of churned ones: one row per subscription with its terms of today.

Columns as documented at https://docs.recurly.com/recurly-subscriptions/docs/subscriptions-exports and .../subscriptions-churned. The billing
interval is none of them: it is the plan's, and told by the billing periods of the plan's subscriptions. Coupons are not in the file either.
"""

from collections.abc import Iterator
from datetime import date

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.biller import TODAYS, Customers, RowError, amount, commas, day, doubts, key_of, whole
from fari.sources.billing_period import Interval, intervals
from fari.sources.columns import Row, named_rows, plain_names
from fari.sources.file import File
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import Subscription

NAME = "recurly_subscriptions"
LABEL = "Recurly: subscriptions (CSV export)"
COLUMNS = (
    "uuid", "account_code", "email", "plan_code", "state", "auto_renew", "currency", "quantity", "unit_amount", "add_on_amount",
    "total_recurring_amount", "current_period_started_at", "current_period_ends_at", "trial_started_at", "trial_ends_at", "activated_at",
    "canceled_at", "expires_at", "plan_name", "paused_at", "current_term_ends_at", "pricing_model", "tax_inclusive",
)  # fmt: skip

_NEEDED = frozenset("uuid account_code plan_code state currency quantity unit_amount current_period_started_at current_period_ends_at".split())
_RUNNING = ("active", "canceled", "paused", "future")
_ENDED = ("expired", "modified", "converted")
_NOT_BEGUN = {"pending": "it is pending", "failed": "its payment failed"}
_HISTORY = "import the export 'Subscriptions — History', which has them"


def recognises(file: File) -> bool:
    """Whether the header is that of Recurly's export of subscriptions or of churned ones."""
    return plain_names(file) >= _NEEDED


def read(file: File, company: Company) -> Iterator[Item]:
    """The subscriptions as stretches, then their accounts and people."""
    yield Problem("", TODAYS, mend=_HISTORY, table="subscriptions", refused=False)
    comma = commas(file, "unit_amount", "add_on_amount", "total_recurring_amount")
    plans = intervals(_periods(file, company))
    customers = Customers()
    for row in named_rows(file):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield from _subscription(row, company, comma, plans)
        except RowError as fault:
            yield fault.problem(row.line)
            continue
        customers.meet(key_of("recurly", row.cells["account_code"]), row.line, email=row.cells.get("email") or None)
    yield from customers.records()


def _periods(file: File, company: Company) -> Iterator[tuple[str, date, date]]:
    """Every billing period that is no trial, with its plan. Rows that cannot be read are told of when they are read for good."""
    for row in named_rows(file):
        if isinstance(row, Row):
            try:
                begun, ended = _period(row, company)
                trial = day(row, company.zone, "trial_ends_at")
            except RowError:
                continue
            if begun and ended and trial != ended:
                yield row.cells["plan_code"], begun, ended


def _period(row: Row, company: Company) -> tuple[date | None, date | None]:
    return day(row, company.zone, "current_period_started_at"), day(row, company.zone, "current_period_ends_at")


def _subscription(row: Row, company: Company, comma: bool | None, plans: dict[str, Interval]) -> Iterator[Item]:
    cells, zone = row.cells, company.zone
    for column in ("uuid", "account_code", "plan_code"):
        if not cells[column]:
            raise RowError(column, f"{column} is missing")
    state = cells["state"].casefold()
    if state in _NOT_BEGUN:
        yield Skipped(row.line, f"a subscription that never began: {_NOT_BEGUN[state]}")
        return
    if state not in (*_RUNNING, *_ENDED):
        raise RowError("state", "state is none Recurly has" if state else "state is missing", state, f"one of: {', '.join((*_RUNNING, *_ENDED))}")
    trial_from, trial_until = day(row, zone, "trial_started_at"), day(row, zone, "trial_ends_at")
    begun, ended = _period(row, company)
    since = min((found for found in (day(row, zone, "activated_at"), trial_from) if found), default=begun)
    if since is None:
        raise RowError("activated_at", "activated_at is missing")
    until = day(row, zone, "expires_at")
    if state in _ENDED and until is None:
        raise RowError("expires_at", "is expired on no day")
    if until is None and cells.get("auto_renew", "").casefold() == "false":
        until = day(row, zone, "current_term_ends_at")
    in_trial = trial_until is not None and ended == trial_until and state not in _ENDED
    if in_trial and (until is None or until > trial_until):  # type: ignore[operator]
        # Whether it will ever be paid is not known yet.
        until = trial_until
    interval = plans.get(cells["plan_code"])
    if interval is None:
        what = "has no billing interval: the billing periods of its plan do not tell one"
        raise RowError("plan_code", what, cells["plan_code"], _HISTORY)
    seats = whole(row, "quantity", 1)
    unit, extra, total = (amount(row, column, comma) for column in ("unit_amount", "add_on_amount", "total_recurring_amount"))
    if unit is None:
        raise RowError("unit_amount", "unit_amount is missing")
    price = unit * seats + (extra or 0)
    yield from doubts(row, price, total, "total_recurring_amount")
    subscription = Subscription(
        subscription_id=key_of("recurly", cells["uuid"]),
        account_id=key_of("recurly", cells["account_code"]),
        amount=price,
        currency=cells["currency"].upper(),
        interval=interval[0],
        interval_count=interval[1],
        quantity=str(seats),
        plan=cells.get("plan_name") or cells["plan_code"],
        since=since,
        until=until,
        trial=(trial_from, trial_until) if trial_from and trial_until else None,
        paused_since=day(row, zone, "paused_at") or begun if state == "paused" else None,
        cancelled_on=day(row, zone, "canceled_at"),
    )
    for values in subscription.stretches():
        yield Record("subscriptions", row.line, values)
