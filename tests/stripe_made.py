"""Stripe's objects for tests, made by filling in the samples that Stripe publishes, so that every field stands where the API has it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fari.company import Company
from fari.sources.record import Item, Kept, Problem, Record
from fari.sources.stripe_objects import Reader, derive

Object = dict[str, Any]
_SAMPLES = Path(__file__).parent / "golden" / "stripe" / "fixtures3.json"
ROME = Company(timezone="Europe/Rome")


def at(text: str) -> int:
    """Seconds since 1970 of a day, at noon, or of a day and time, in UTC."""
    return int(datetime.fromisoformat(text if "T" in text else f"{text}T12:00").replace(tzinfo=UTC).timestamp())


@cache
def _samples() -> Mapping[str, Any]:
    resources: Mapping[str, Any] = json.loads(_SAMPLES.read_text(encoding="utf-8"))["resources"]
    return resources


def sample(kind: str, **values: Any) -> Object:
    """The published sample of a kind of object, with these values in place of its own."""
    return {**deepcopy(_samples()[kind]), **values}


def price(own: str = "price_pro", cents: int | None = 2900, interval: str = "month", **values: Any) -> Object:
    """A price per seat."""
    recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed", "meter": None, "trial_period_days": None}
    made = sample("price", id=own, currency="eur", nickname=own.removeprefix("price_").title(), unit_amount=cents, recurring=recurring)
    return {**made, "unit_amount_decimal": None if cents is None else str(cents), "transform_quantity": None, **values}


def item(own: str, of: Object, quantity: int = 1, created: str = "2025-01-10", **values: Any) -> Object:
    """A subscription item. Since 2025 it has the period that it is paid for, which tests give where it matters."""
    made = sample("subscription_item", id=own, price=of, quantity=quantity, created=at(created))
    for name in ("plan", "current_period_start", "current_period_end"):
        made.pop(name)
    return {**made, **values}


def subscription(own: str = "sub_1", items: Sequence[Object] = (), since: str = "2025-01-10", **values: Any) -> Object:
    """A subscription that runs, with one seat of the plan Pro where no items are given."""
    unset = (
        "cancel_at canceled_at ended_at trial_start trial_end latest_invoice pause_collection schedule pending_update billing_schedules "
        "next_pending_invoice_item_invoice"
    )
    made = sample("subscription", id=own, customer="cus_1", status="active", currency="eur", cancel_at_period_end=False)
    made |= dict.fromkeys(unset.split()) | {"created": at(since), "start_date": at(since), "billing_cycle_anchor": at(since)}
    listed = list(items) or [item("si_1", price())]
    made["items"] = {"object": "list", "data": listed, "has_more": False, "url": f"/v1/subscription_items?subscription={own}"}
    return {**made, **values}


def coupon(own: str = "HALF", duration: str = "forever", **values: Any) -> Object:
    """A coupon; half off where nothing else is given."""
    made = sample("coupon", id=own, duration=duration, duration_in_months=None, amount_off=None, currency=None, percent_off=None)
    return {**made, **(values or {"percent_off": 50})}


def discount(own: str, of: Object | str, since: str, until: str | None = None) -> Object:
    """A discount as newer versions of the API give it: its coupon, or the coupon's id, under `source`."""
    made = sample("discount", id=own, start=at(since), end=at(until) if until else None)
    return {**made, "source": {"type": "coupon", "coupon": of}}


def line(
    since: str, until: str, cents: int, of: str = "price_pro", quantity: int = 1, own: str | None = "si_1", *, proration: bool = False, **values: Any
) -> Object:
    """An invoice line of a subscription. A proration that names no item is an invoice item, as newer versions of the API have it."""
    made = sample("line_item", id=f"il_{since}_{cents}", amount=cents, currency="eur", quantity=quantity, subtotal=cents)
    details = {"proration": proration, "proration_details": None, "subscription": "sub_1", "invoice_item": None}
    parent: Object = {"type": "subscription_item_details" if own else "invoice_item_details", "subscription_item_details": None}
    if own:
        parent |= {"subscription_item_details": {**details, "subscription_item": own}, "invoice_item_details": None}
    else:
        parent["invoice_item_details"] = {**details, "invoice_item": "ii_1"}
    made |= {"period": {"start": at(since), "end": at(until)}, "parent": parent}
    made["pricing"] = {"type": "price_details", "unit_amount_decimal": None, "price_details": {"price": of, "product": "prod_1"}}
    return {**made, **values}


def older(of: Object) -> Object:
    """The same line as versions of the API before 2025 gave it."""
    made = deepcopy(of)
    parent, pricing = made.pop("parent"), made.pop("pricing")
    details = parent["subscription_item_details"] or parent["invoice_item_details"]
    own = price(pricing["price_details"]["price"])
    return {
        **made, "type": "invoiceitem" if details["proration"] else "subscription", "proration": details["proration"],
        "subscription": details["subscription"], "subscription_item": details.get("subscription_item"), "price": own,
    }  # fmt: skip


def invoice(own: str, lines: Sequence[Object], created: str, paid: str = "", status: str = "paid", **values: Any) -> Object:
    """An invoice of sub_1, made final when it was made; paid at once where nothing else is said."""
    paid_at = (at(paid) if paid else at(created)) if status == "paid" else None
    made = sample("invoice", id=own, customer="cus_1", currency="eur", status=status, created=at(created), due_date=None, attempt_count=1)
    made["lines"] = {"object": "list", "data": list(lines), "has_more": False, "url": f"/v1/invoices/{own}/lines"}
    made["parent"] = {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": None}, "quote_details": None}
    transitions = {"finalized_at": at(created), "paid_at": paid_at, "marked_uncollectible_at": None, "voided_at": None}
    if status in ("uncollectible", "void"):
        transitions["marked_uncollectible_at" if status == "uncollectible" else "voided_at"] = at(created) + 5 * 86400
    made |= {"status_transitions": transitions, "attempted": True}
    return {**made, **values}


def event(own: str, when: str, kind: str, of: Object, **previous: Any) -> Object:
    """An event about an object, and what of it was different before."""
    data: Object = {"object": of}
    if previous:
        data["previous_attributes"] = previous
    return sample("event", id=own, created=at(when), type=kind, data=data)


def customer(own: str = "cus_1", **values: Any) -> Object:
    """A customer of Milan."""
    made = sample("customer", id=own, name="Acme S.p.A.", email=f"{own}@acme.example", created=at("2025-01-01"), discount=None)
    return {**made, "address": {**made["address"], "country": "IT"}, **values}


def worked_out(objects: Iterable[Object], read: str = "2025-12-01", company: Company = ROME) -> list[Item]:
    """What becomes of these objects, read on that day."""
    reader = Reader()
    given = [found for one in objects for found in reader.take(str(one["id"]), one)]
    return [*(found for found in given if not isinstance(found, Kept)), *known([found for found in given if isinstance(found, Kept)], read, company)]


def known(kept: Iterable[Kept], read: str = "2025-12-01", company: Company = ROME) -> list[Item]:
    """What is worked out of one customer's objects, as the ledger hands them out."""
    every = [replace(one, at=one.at or at(read), file="file", body=json.loads(json.dumps(one.body))) for one in kept]
    every.sort(key=lambda one: (one.about != "", one.at or 0))
    return list(derive(every, company))


def rows(items: Iterable[Item], *columns: str) -> list[tuple[str | None, ...]]:
    """Subscription rows: id, first day and end, and the columns asked for."""
    names = ("subscription_id", "starts_on", "ends_on", *columns)
    found = [one for one in items if isinstance(one, Record) and one.table == "subscriptions"]
    return [tuple((one.values[name] or "").removeprefix("stripe:") or None for name in names) for one in found]


def problems(items: Iterable[Item]) -> list[str]:
    """What was said to be wrong."""
    return [one.what for one in items if isinstance(one, Problem)]
