"""Invoice lines of Stripe, older and newer: which price, item and period they are of, and whether they are a proration."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fari.sources.stripe_fields import listed
from fari.sources.stripe_price import id_of, members, number, text_of


def price_id(line: Mapping[str, Any]) -> str | None:
    """The price that an invoice line is of."""
    pricing = members(members(line.get("pricing")).get("price_details"))
    return text_of(pricing.get("price")) or text_of(line.get("price")) or text_of(line.get("plan"))


def is_proration(line: Mapping[str, Any]) -> bool:
    """Whether a line charges or takes back a part of a period."""
    return bool(line.get("proration") or details_of(line).get("proration"))


def is_subscription(line: Mapping[str, Any]) -> bool:
    """Whether a line charges for a subscription item."""
    return line.get("type") == "subscription" or members(line.get("parent")).get("type") == "subscription_item_details"


def item_of(line: Mapping[str, Any], price: str, known: Mapping[str, set[str]]) -> str:
    """The item a line is of; of one that names none the item that has had its price, or the only one there is."""
    own = text_of(line.get("subscription_item")) or text_of(details_of(line).get("subscription_item"))
    if own:
        return own
    return next((item for item, prices in known.items() if price in prices), next(iter(known), price) if len(known) == 1 else price)


def largest(lines: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of several that change in one second, the lines of the price with the largest amount."""
    by_price: dict[str | None, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_price.setdefault(price_id(line), []).append(line)
    return max(by_price.values(), key=lambda own: abs(sum((minor(line) for line in own), Decimal(0))))


def minor(line: Mapping[str, Any]) -> Decimal:
    """A line's amount in minor units, before discounts."""
    return number(line.get("amount") or 0, "amount")


def end(lines: Sequence[Mapping[str, Any]]) -> int:
    """The instant at which the period of these lines is over."""
    return max(int(members(line.get("period")).get("end") or 0) for line in lines)


def subscription_of(line: Mapping[str, Any]) -> str | None:
    """The subscription that an invoice line is of."""
    return text_of(line.get("subscription")) or text_of(details_of(line).get("subscription"))


def details_of(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a line says of where it came from; since 2025 that stands one level down."""
    parent = members(line.get("parent"))
    return members(parent.get("subscription_item_details")) or members(parent.get("invoice_item_details"))


def subscriptions_of(invoice: Mapping[str, Any]) -> Iterator[str]:
    """The subscriptions that an invoice is of: its own, and those of its lines."""
    details = members(members(invoice.get("parent")).get("subscription_details"))
    lines = [line for line in listed(invoice.get("lines")) if isinstance(line, dict)]
    for given in (invoice.get("subscription"), details.get("subscription"), *(subscription_of(line) for line in lines)):
        if own := id_of(given):
            yield own
