"""Stripe's API objects as JSON, as a list object, an array, JSON Lines or one object: subscriptions, invoices, events, customers, prices, refunds.

A subscription object knows its terms of today. What they were before stands in its invoices and events; all that is known of a customer is kept
and its subscriptions are worked out from that together, in whichever files and on whichever days it comes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from fari.company import Company
from fari.errors import FariError
from fari.ledger.problems import Problem
from fari.sources.convert import iso_instant
from fari.sources.file import File
from fari.sources.record import Item, Kept, Piece, Record, Skipped
from fari.sources.stripe_api import Api
from fari.sources.stripe_case import cases
from fari.sources.stripe_fields import SPECS, before_of, listed, trimmed
from fari.sources.stripe_history import history
from fari.sources.stripe_lines import subscriptions_of
from fari.sources.stripe_price import id_of, members, text_of
from fari.sources.stripe_sync import changes

NAME = "stripe_objects"
LABEL = "Stripe: subscriptions, invoices, events, customers (JSON of the API)"
COLUMNS = ("id", "object", "customer", "status", "items", "start_date", "current_period_start", "current_period_end", "canceled_at", "ended_at")

_IDS = {
    "subscription": "sub_",
    "customer": "cus_",
    "invoice": "in_",
    "charge": "ch_",
    "event": "evt_",
    "subscription_schedule": "sub_sched_",
    "price": "price_",
    "subscription_item": "si_",
}
_SHARED = ("price", "plan", "coupon")
"""Objects that speak for many accounts."""
_LOOK = 20


def recognises(file: File) -> bool:
    """Whether the first objects say that they are Stripe's."""
    if file.kind not in ("json", "jsonl"):
        return False
    for (_, value), _ in zip(file.objects(), range(_LOOK), strict=False):
        kind, own = value.get("object"), str(value.get("id", ""))
        if kind == "list" and isinstance(value.get("data"), list):
            return True
        if isinstance(kind, str) and ((prefix := _IDS.get(kind)) and own.startswith(prefix)):
            return True
        if kind in ("plan", "coupon") and ("livemode" in value or "amount_off" in value):
            return True
    return False


def read(file: File, company: Company) -> Iterator[Item]:
    """The file's objects: those that subscriptions are worked out from as they are, customers as people and accounts too."""
    reader = Reader()
    for line, value in file.objects():
        yield from reader.take(line if file.kind == "jsonl" else str(value.get("id") or line), value)


def derive(kept: Sequence[Kept], company: Company) -> Iterator[Item]:
    """The subscriptions of one customer as stretches of unchanged terms, from all that is known of it."""
    for case in cases(kept):
        yield from history(case, company.zone)


def fetch(access: Mapping[str, str], cursor: Mapping[str, Any] | None, now: int, since: int | None, say: Callable[[str], None]) -> Iterator[Piece]:
    """What is new in the Stripe account whose key the environment (`access`) holds. FariError where it holds none, or one of the other mode."""
    key = access.get("STRIPE_API_KEY", "").strip()
    if not key:
        raise FariError("STRIPE_API_KEY is not set: put a secret key there, or a restricted one that may read customers, billing and events")
    api = Api(key, access.get("STRIPE_API_BASE") or None, say)
    told: list[Item] = []
    if not api.live:
        told = [
            Problem("", "is data of Stripe's test mode, for which nobody has paid", mend="use a key of live mode for real figures", refused=False)
        ]
    if cursor is not None and cursor["live"] != api.live:
        before, given = ("live", "test") if cursor["live"] else ("test", "live")
        raise FariError(f"this project holds data of Stripe's {before} mode, and the key is one of {given} mode: keep them apart with --source NAME")
    for objects, reached in changes(api, cursor, now, since, say):
        reader = Reader()
        yield Piece(chain(told, (item for one in objects for item in reader.take(str(one.get("id")), one))), dict(reached))
        told = []


def receive(events: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    """What Stripe has sent to a webhook, as it happened."""
    reader = Reader(live=True)
    # Of two events about a customer the later one knows better, and the first that is read counts.
    for event in sorted(events, key=lambda one: -int(one.get("created") or 0)):
        yield from reader.take(str(event.get("id")), event)


class Reader:
    """Reads objects one by one. Objects met twice (expanded here and listed there) are given once.

    With `live`, events come as they happen: what they say of a customer is then the latest.
    """

    def __init__(self, *, live: bool = False) -> None:
        self.live = live
        self.seen: set[str] = set()
        self.shared: dict[str, object] = {}

    def take(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        """What an object, or a list of them, brings. Its own lines are told by `line`, or by each object's id where that is an id."""
        kind = text_of(value.get("object"))
        if kind == "list":
            for member in listed(value):
                if isinstance(member, dict):
                    yield from self.take(str(member.get("id") or line) if isinstance(line, str) else line, member)
        elif kind not in SPECS and kind != "event":
            yield Skipped(line, f"a Stripe {kind}: not among what subscriptions are read from" if kind else "not a Stripe object")
        elif id_of(value) is None:
            yield Problem(line, f"is a {kind} without an id", "id", mend="export it again")
        elif kind == "event":
            yield from self._event(line, value)
        else:
            yield from self._object(line, kind, value, None)

    def _object(self, line: int | str, kind: str, value: Mapping[str, Any], at: int | None) -> Iterator[Item]:
        if kind in _SHARED:
            yield from self._for_many(line, value, at)
        elif kind == "customer":
            yield from self._customer(line, value)
        elif kind == "subscription":
            yield from self._subscription(line, value, at)
        elif kind == "invoice":
            yield from self._invoice(line, value, at)
        elif kind == "charge" and not (value.get("refunded") and _owner(value)):
            yield Skipped(line, "a charge that was not paid back whole: invoices tell what was paid")
        else:
            yield from self._about(line, kind, value, at)

    def _new(self, object_id: str) -> bool:
        new = object_id not in self.seen
        self.seen.add(object_id)
        return new

    def _for_many(self, line: int | str, value: Mapping[str, Any], at: int | None = None) -> Iterator[Item]:
        kind, own = ("coupon" if value.get("object") == "coupon" else "price"), str(id_of(value))
        body = trimmed(value, SPECS[kind])
        if self.shared.get(own) != body:
            self.shared[own] = body
            yield Kept(kind, own, "", body, line, at)

    def _about(self, line: int | str, kind: str, value: Mapping[str, Any], at: int | None) -> Iterator[Item]:
        """What is about one customer."""
        own, customer = str(id_of(value)), _owner(value)
        if customer is None:
            mend = "export it again" if kind == "subscription" else ""
            yield Problem(line, f"{own} has no customer", "customer", mend=mend or "only what a customer owes is read", table="subscriptions")
            return
        body = trimmed(value, SPECS[kind])
        if kind == "discount":
            # An event about a discount names the customer; the object itself does not keep it.
            body["customer"] = customer
        yield Kept(kind, own, f"stripe:{customer}", body, line, at, until=_over(value) if kind == "subscription" else None)

    def _customer(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        own = str(id_of(value))
        for subscription in listed(value.get("subscriptions")):
            if isinstance(subscription, dict):
                yield from self.take(line, {"customer": own, **subscription})
        if not self._new(own):
            return
        if value.get("deleted"):
            yield Skipped(line, "a deleted customer")
            return
        account = f"stripe:{own}"
        address = members(value.get("address"))
        created = iso_instant(str(value["created"])) if value.get("created") is not None else None
        shared = {"created_at": created, "country": text_of(address.get("country"))}
        name = text_of(value.get("name"))
        yield Record("accounts", line, {"account_id": account, "name": name or text_of(value.get("description")), **shared})
        yield Record("people", line, {"person_id": account, "email": text_of(value.get("email")), "account_id": account, "name": name, **shared})
        yield Kept("customer", own, account, trimmed(value, SPECS["customer"]), line)

    def _subscription(self, line: int | str, value: Mapping[str, Any], at: int | None) -> Iterator[Item]:
        customer, invoice = value.get("customer"), value.get("latest_invoice")
        if isinstance(customer, dict) and customer.get("object") == "customer":
            yield from self._customer(line, customer)
        if isinstance(invoice, dict) and id_of(invoice):
            own = {"customer": _owner(value), "subscription": id_of(value), **invoice}
            yield from self._invoice(line, own, at)
        if at is not None or self._new(str(id_of(value))):
            yield from self._about(line, "subscription", value, at)
            if owner := _owner(value):
                yield from self._reason(line, value, f"stripe:{owner}")

    def _invoice(self, line: int | str, value: Mapping[str, Any], at: int | None) -> Iterator[Item]:
        lines = [one for one in listed(value.get("lines")) if isinstance(one, dict)]
        if not any(subscriptions_of(value)):
            yield Skipped(line, "an invoice of no subscription: no MRR")
            return
        for one in lines:
            for given in (one.get("price"), one.get("plan"), members(members(one.get("pricing")).get("price_details")).get("price")):
                if isinstance(given, dict) and id_of(given):
                    yield from self._for_many(line, given)
        yield from self._about(line, "invoice", value, at)
        if members(value.get("lines")).get("has_more"):
            what = f"{id_of(value)} has more lines than the file: terms in those it lacks are not known"
            yield Problem(line, what, "lines", mend="export invoices with all their lines", table="subscriptions", refused=False)

    def _event(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        own, said, body = str(id_of(value)), text_of(value.get("type")) or "", members(members(value.get("data")).get("object"))
        kind, created = text_of(body.get("object")) or "", value.get("created")
        if kind not in SPECS or not id_of(body) or (kind == "customer" and not self.live):
            what = "an event about a customer: the customer itself is what is read" if kind == "customer" else "an event of another kind"
            yield Skipped(line, what)
            return
        if not isinstance(created, int):
            yield Problem(line, f"{own} is an event without a time", "created", str(created or ""), "export it again")
            return
        if kind == "subscription" and said.startswith("customer.subscription."):
            customer = _owner(body)
            if customer is None:
                yield Problem(line, f"{own} is about a subscription without a customer", "customer", mend="export it again", table="subscriptions")
                return
            told = {"type": said, "object": trimmed(body, SPECS[kind]), "previous": before_of(value, SPECS[kind])}
            yield Kept("event", own, f"stripe:{customer}", told, line, created)
            yield from self._reason(line, body, f"stripe:{customer}")
        elif said.endswith(".deleted") and kind == "invoice":
            yield from self._about(line, kind, {**body, "status": "deleted"}, created)
        elif said.endswith(".deleted") and kind in _SHARED:
            yield Skipped(line, "an event of another kind")
        else:
            yield from self._object(line, kind, body, created)

    def _reason(self, line: int | str, value: Mapping[str, Any], account: str) -> Iterator[Item]:
        """Why a subscription was cancelled, as feedback of the account."""
        details = members(value.get("cancellation_details"))
        at = value.get("canceled_at") or value.get("ended_at")
        given = text_of(details.get("feedback"))
        forced = text_of(details.get("reason")) if details.get("reason") in ("payment_failed", "payment_disputed") else None
        comment = text_of(details.get("comment"))
        if at is None or not (given or forced or comment) or not self._new(f"{account} left at {at}"):
            return
        values = {"account_id": account, "at": iso_instant(str(at)), "kind": "churn_reason", "value": given or forced, "text": comment}
        yield Record("feedback", line, {**values, "said_by": "customer" if given or comment else None})


def _owner(value: Mapping[str, Any]) -> str | None:
    """Whose an object is: a customer, or what stands for one since 2025."""
    return id_of(value.get("customer")) or text_of(value.get("customer_account"))


def _over(value: Mapping[str, Any]) -> int | None:
    """The end of a subscription's current period: one that still runs would show its next period from then on."""
    ends = [holder.get("current_period_end") for holder in (value, *listed(value.get("items"))) if isinstance(holder, dict)]
    told = [end for end in ends if isinstance(end, int) and end > (value.get("start_date") or 0)]
    return min(told) if told and value.get("status") in ("active", "trialing", "past_due") else None
