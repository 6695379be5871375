"""Recurly's export of the history of subscriptions: one row per version, so that earlier prices, seats, trials and pauses are known.

Columns as documented at https://docs.recurly.com/recurly-subscriptions/docs/subscription-history-export. It reaches back to April 2019 at the
earliest. Coupons and charges by usage are not in it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.biller import RowError, amount, commas, day, doubts, key_of, whole
from fari.sources.columns import Row, named_rows, plain_names
from fari.sources.file import File
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import money

NAME = "recurly_history"
LABEL = "Recurly: history of subscriptions (CSV export)"
COLUMNS = (
    "subscription_uuid", "version_uuid", "account_code", "subscription_activated_at", "subscription_expires_at", "subscription_state",
    "version_started_at", "version_ended_at", "version_state", "plan_code", "plan_name", "subscription_currency", "version_plan_interval_unit",
    "version_plan_interval_length", "version_subscription_quantity", "version_subscription_unit_amount", "version_add_ons_total",
    "version_total_recurring_amount", "version_in_trial", "tax_inclusive",
)  # fmt: skip

_NEEDED = frozenset(
    "subscription_uuid version_uuid account_code subscription_state version_started_at version_plan_interval_unit version_subscription_unit_amount"
    .split()
)  # fmt: skip
_STATUSES = {"active": "active", "canceled": "active", "future": "active", "paused": "paused", "expired": None}
"""What a version's state is in the ledger. A canceled one runs until it expires; after that there is nothing."""
_UNITS = {"days": "day", "weeks": "week", "months": "month", "years": "year"}


@dataclass(frozen=True)
class _Version:
    """One version: the days it held, the day its subscription expires, and its terms; without terms it was expired."""

    line: int
    since: date
    until: date | None
    expires: date | None
    canceled: bool
    terms: dict[str, str | None] | None


def recognises(file: File) -> bool:
    """Whether the header is that of Recurly's history of subscriptions."""
    return plain_names(file) >= _NEEDED


def read(file: File, company: Company) -> Iterator[Item]:
    """The versions of each subscription as stretches. Neighbours that differ in nothing that counts are one."""
    comma = commas(file, "version_subscription_unit_amount", "version_add_ons_total", "version_total_recurring_amount")
    versions: dict[str, list[_Version]] = defaultdict(list)
    for row in named_rows(file):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            seats, price = _price(row, comma)
            version = _version(row, company, seats, price)
            yield from doubts(row, price, amount(row, "version_total_recurring_amount", comma), "version_total_recurring_amount")
        except RowError as fault:
            yield fault.problem(row.line)
            continue
        versions[key_of("recurly", row.cells["subscription_uuid"])].append(version)
    for subscription, found in versions.items():
        yield from _stretches(subscription, sorted(found, key=lambda one: (one.since, one.until or date.max)))


def _price(row: Row, comma: bool | None) -> tuple[int, Decimal]:
    """(seats, price per interval for all of them, with add-ons)."""
    seats = whole(row, "version_subscription_quantity", 1)
    unit = amount(row, "version_subscription_unit_amount", comma)
    if unit is None:
        raise RowError("version_subscription_unit_amount", "version_subscription_unit_amount is missing")
    return seats, unit * seats + (amount(row, "version_add_ons_total", comma) or 0)


def _version(row: Row, company: Company, seats: int, price: Decimal) -> _Version:
    cells, zone = row.cells, company.zone
    for column in ("subscription_uuid", "account_code"):
        if not cells[column]:
            raise RowError(column, f"{column} is missing")
    state = cells["subscription_state"].casefold()
    if state not in _STATUSES:
        what = "subscription_state is none Recurly has" if state else "subscription_state is missing"
        raise RowError("subscription_state", what, state, f"one of: {', '.join(_STATUSES)}")
    since = day(row, zone, "version_started_at")
    if since is None:
        raise RowError("version_started_at", "version_started_at is missing")
    unit = cells["version_plan_interval_unit"].casefold()
    if unit not in _UNITS:
        what = "has an unknown interval" if unit else "has no interval"
        raise RowError("version_plan_interval_unit", what, unit, f"one of: {', '.join(_UNITS)}")
    terms: dict[str, str | None] = {
        "account_id": key_of("recurly", cells["account_code"]),
        "amount": money(price),
        "currency": cells.get("subscription_currency", "").upper(),
        "interval": _UNITS[unit],
        "interval_count": str(whole(row, "version_plan_interval_length", 1)),
        "quantity": str(seats),
        "plan": cells.get("plan_name") or cells.get("plan_code"),
        "status": "trialing" if cells.get("version_in_trial", "").casefold() in ("y", "true") and state != "paused" else _STATUSES[state],
    }
    until, expires = day(row, zone, "version_ended_at"), day(row, zone, "subscription_expires_at")
    return _Version(row.line, since, until, expires, state == "canceled", terms if state != "expired" else None)


def _stretches(subscription: str, versions: list[_Version]) -> Iterator[Item]:
    """The versions of one subscription, in order, as rows of the ledger."""
    stretches: list[_Version] = []
    for place, version in enumerate(versions):
        following = versions[place + 1] if place + 1 < len(versions) else None
        ends = [version.until, following.since if following else version.expires]
        ended = min((end for end in ends if end), default=None)
        if version.terms is None:
            continue
        if ended is not None and ended <= version.since and len(versions) > 1:
            yield Skipped(version.line, "a version that was changed again on the day it began")
            continue
        last = stretches[-1] if stretches else None
        if last and last.until == version.since and last.terms == version.terms and last.canceled == version.canceled:
            stretches[-1] = replace(last, until=ended)
        else:
            stretches.append(replace(version, until=ended))
    for place, one in enumerate(stretches):
        assert one.terms is not None
        # A cancellation is told of at the end: the day of the click is that of the version it made.
        canceled = one.canceled and place + 1 == len(stretches)
        yield Record(
            "subscriptions",
            one.line,
            {
                "subscription_id": subscription,
                "starts_on": one.since.isoformat(),
                "ends_on": one.until.isoformat() if one.until else None,
                **one.terms,
                "cancelled_on": one.since.isoformat() if canceled else None,
            },
        )
