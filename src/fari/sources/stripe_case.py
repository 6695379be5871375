"""All that is known of one Stripe subscription, in order: what it was when, its invoices, its schedules, and the prices and coupons they name."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from fari.sources.record import Kept
from fari.sources.stripe_fields import listed, overlaid
from fari.sources.stripe_lines import subscriptions_of
from fari.sources.stripe_price import id_of, members

Origin = tuple[str, int | str]
"""File and line of the object that says so."""
_PAID_BACK = ("charge", "payment_intent")
"""What an invoice and a charge that paid it have in common."""
_STANDING = ("deleted", "draft", "open", "uncollectible", "void", "paid")
"""States of an invoice in the order they follow one another."""


@dataclass(frozen=True)
class Point:
    """What a subscription was from an instant on (an event), or at an instant (an object that was read then)."""

    at: int
    state: Mapping[str, Any]
    origin: Origin
    before: Mapping[str, Any] | None = None
    """What it was until then, where that is told."""
    event: str = ""
    """The event's type; empty where it is the object itself."""


@dataclass(frozen=True)
class Invoice:
    """An invoice as it is now, and whether it was ever attempted and not paid."""

    body: Mapping[str, Any]
    at: int
    origin: Origin
    failed: bool
    refunded: bool = False
    """Whether all that was paid was given back."""

    @property
    def counts(self) -> bool:
        """Whether what it asks for was due: drafts, void and uncollectible invoices are no evidence of terms or payment."""
        return self.body.get("status") in ("paid", "open") or bool(self.body.get("paid"))

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Its lines."""
        return [line for line in listed(self.body.get("lines")) if isinstance(line, dict)]

    def moment(self, name: str) -> int | None:
        """When it was finalized, paid, voided or marked uncollectible."""
        at = members(self.body.get("status_transitions")).get(f"{name}_at")
        return at if isinstance(at, int) else None


@dataclass
class Case:
    """One subscription."""

    id: str
    account: str
    points: list[Point] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    schedules: list[tuple[Mapping[str, Any], Origin]] = field(default_factory=list)
    prices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    coupons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    discounts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Discounts by id, as any object gives them whole."""
    loyalty: Mapping[str, Any] | None = None
    """The customer's own discount."""

    @property
    def latest(self) -> Point | None:
        """The last that is known of it."""
        return self.points[-1] if self.points else None


def cases(kept: Sequence[Kept]) -> Iterator[Case]:
    """The subscriptions of one customer, in the order of their ids. `kept` are its objects and those that speak for many, oldest first."""
    prices: dict[str, dict[str, Any]] = {}
    coupons: dict[str, dict[str, Any]] = {}
    discounts: dict[str, Mapping[str, Any]] = {}
    found: dict[str, Case] = {}
    invoices: dict[str, list[Kept]] = {}
    schedules: dict[str, Kept] = {}
    refunded: set[str] = set()
    loyalty: Mapping[str, Any] | None = None
    for one in kept:
        body = one.body
        _collect(body, discounts)
        if one.kind in ("price", "coupon"):
            known = (prices if one.kind == "price" else coupons).setdefault(one.id, {})
            # Tiers and other currencies are only there where they were asked for.
            known.update({name: value for name, value in body.items() if value is not None})
        elif one.kind == "customer":
            loyalty = members(body.get("discount")) or None
        elif one.kind == "subscription":
            _case(found, one.id, one).points.append(Point(one.at or 0, body, (one.file, one.line)))
        elif one.kind == "event":
            state = members(body.get("object"))
            said, previous = str(body.get("type")), members(body.get("previous"))
            before = overlaid(state, previous) if previous else state if said.endswith(".deleted") else None
            _case(found, str(id_of(state)), one).points.append(Point(one.at or 0, state, (one.file, one.line), before, said))
        elif one.kind == "invoice":
            invoices.setdefault(one.id, []).append(one)
        elif one.kind == "subscription_schedule":
            schedules[one.id] = one
        elif one.kind == "charge":
            refunded.update(own for own in (one.id, id_of(body.get("invoice")), id_of(body.get("payment_intent"))) if own)
    for versions in invoices.values():
        made = _invoice(versions, refunded)
        for own in dict.fromkeys(subscriptions_of(made.body)):
            _case(found, own, versions[-1]).invoices.append(made)
    for schedule in schedules.values():
        if of := id_of(schedule.body.get("subscription")) or id_of(schedule.body.get("released_subscription")):
            _case(found, of, schedule).schedules.append((schedule.body, (schedule.file, schedule.line)))
    for _, case in sorted(found.items()):
        # Of one second, the event that ends it is the last.
        case.points.sort(key=lambda point: (point.at, point.event.endswith(".deleted")))
        case.invoices.sort(key=lambda invoice: invoice.body.get("created") or 0)
        case.prices, case.coupons, case.discounts, case.loyalty = prices, coupons, discounts, loyalty
        yield case


def _case(found: dict[str, Case], own: str, one: Kept) -> Case:
    return found.setdefault(own, Case(own, one.about))


def _invoice(versions: Sequence[Kept], refunded: Set[str]) -> Invoice:
    """The latest of an invoice's versions; of one second the one that is furthest on. `refunded` are charges paid back whole, and what they paid."""
    last = max(versions, key=lambda one: (one.at or 0, _standing(one.body)))
    failed = any(one.body.get("status") in ("open", "uncollectible") and (one.body.get("attempt_count") or 0) > 0 for one in versions)
    total = last.body.get("total") or 0
    credited = total > 0 and (last.body.get("post_payment_credit_notes_amount") or 0) >= total
    paid_by = [last.body, *(members(members(one).get("payment")) for one in listed(last.body.get("payments")))]
    back = credited or not refunded.isdisjoint([last.id, *(own for by in paid_by for name in _PAID_BACK if (own := id_of(by.get(name))))])
    return Invoice(last.body, last.at or 0, (last.file, last.line), failed or (last.body.get("attempt_count") or 0) > 1, back)


def _standing(body: Mapping[str, Any]) -> int:
    status = body.get("status")
    return _STANDING.index(status) if status in _STANDING else -1


def _collect(value: object, found: dict[str, Mapping[str, Any]]) -> None:
    """Every discount in an object that is given whole."""
    if isinstance(value, dict):
        own = value.get("id")
        if isinstance(own, str) and own.startswith("di_") and ("coupon" in value or "source" in value):
            found[own] = value
        for inner in value.values():
            _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)
