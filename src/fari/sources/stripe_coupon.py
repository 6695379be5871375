"""What a Stripe discount takes off a price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from fari.sources.stretch import Discount
from fari.sources.stripe_fields import listed
from fari.sources.stripe_price import Price, major, members, number, text_of


@dataclass(frozen=True)
class Coupon:
    """A discount as Stripe gives it: its coupon, and the days it holds."""

    coupon: Mapping[str, Any]
    since: date | None
    until: date | None

    def holds_for(self, price: Price) -> bool:
        """Whether it is given on this price's product."""
        products = listed(members(self.coupon.get("applies_to")).get("products"))
        return not products or price.product in products


def taken_off(discount: Coupon, price: Price, among: Sequence[Price]) -> Discount | None:
    """The discount on one price. An amount is shared by the prices it holds for, in proportion; None where its currency is another."""
    coupon = discount.coupon
    base = Discount(kind=str(coupon.get("duration") or "forever"), since=discount.since, until=discount.until)
    if coupon.get("percent_off") is not None:
        return replace(base, percent=number(coupon["percent_off"], "percent_off"))
    terms = coupon
    if (text_of(coupon.get("currency")) or price.currency).upper() != price.currency:
        terms = members(members(coupon.get("currency_options")).get(price.currency.lower()))
    if terms.get("amount_off") is None:
        return None
    off = major(number(terms["amount_off"], "amount_off"), price.currency)
    total = sum((other.amount for other in among if discount.holds_for(other)), Decimal(0))
    return replace(base, amount=off * price.amount / total if total else Decimal(0))
