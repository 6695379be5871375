"""What one item of a Stripe subscription costs per interval: price or legacy plan, seats, tiers, packages, currencies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from fari.sources.convert import EXPONENTS, major_units

_STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's minor units are not those of ISO 4217 (docs.stripe.com/currencies: special cases)."""

INTERVALS = ("day", "week", "month", "year")


class UnpricedError(Exception):
    """An item that has no price to tell: what is wrong, the value, and the way out."""

    def __init__(self, what: str, value: object = "", mend: str = "") -> None:
        super().__init__(what)
        self.what, self.value, self.mend = what, "" if value is None else str(value), mend


class MeteredError(Exception):
    """An item billed by usage: it has no MRR."""


@dataclass(frozen=True)
class Price:
    """An item's list price per interval for all its seats, in major units."""

    amount: Decimal
    currency: str
    interval: str
    interval_count: int
    quantity: int
    plan: str | None
    product: str | None
    id: str | None = None
    tax_inside: bool = False
    """Whether the price says that it includes tax."""


def members(value: object) -> Mapping[str, Any]:
    """A JSON object's members; none of anything else."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    """A JSON text or number as text; None of anything else and of the empty."""
    return str(value).strip() or None if value is not None and not isinstance(value, dict | list) else None


def id_of(value: object) -> str | None:
    """The id of an object that may be expanded."""
    return text_of(value.get("id") if isinstance(value, dict) else value)


def price_of(item: Mapping[str, Any], currency: str | None) -> Price:
    """The price of a subscription item; UnpricedError or MeteredError where it has none that is MRR."""
    price = item.get("price") if isinstance(item.get("price"), dict) else item.get("plan")
    if not isinstance(price, dict):
        raise UnpricedError("has no price", item.get("price") or item.get("plan"), "expand data.items.data.price")
    recurring = members(price.get("recurring")) or price
    if recurring.get("usage_type") == "metered":
        raise MeteredError
    interval = text_of(recurring.get("interval"))
    if interval not in INTERVALS:
        raise UnpricedError("has an unknown interval" if interval else "has no interval", interval, f"one of: {', '.join(INTERVALS)}")
    own = (text_of(price.get("currency")) or currency or "").upper()
    wanted = (currency or own).upper()
    if not wanted:
        raise UnpricedError("has no currency", mend="export the price's currency")
    terms: Mapping[str, Any] = price
    if own != wanted:
        terms = members(members(price.get("currency_options")).get(wanted.lower()))
        if not terms:
            raise UnpricedError(f"is paid in {wanted} but its price is in {own}", price.get("id"), "export with currency_options expanded")
    quantity = item.get("quantity")
    seats = number(quantity, "quantity") if quantity is not None else Decimal(1)
    if seats < 0 or seats != seats.to_integral_value():
        raise UnpricedError("quantity is not a whole number", quantity)
    product = price.get("product")
    return Price(
        major(_minor(price, terms, seats), wanted),
        wanted,
        interval,
        _count(recurring.get("interval_count")),
        int(seats),
        text_of(price.get("nickname") or members(product).get("name") or price.get("lookup_key") or price.get("id")),
        id_of(product),
        id_of(price),
        price.get("tax_behavior") == "inclusive",
    )


def major(minor: Decimal, currency: str) -> Decimal:
    """Stripe's minor units as major units.

    >>> major(Decimal(5000), "JPY"), major(Decimal(5000), "ISK"), major(Decimal(5000), "KWD")
    (Decimal('5000'), Decimal('50'), Decimal('5'))
    """
    scale = EXPONENTS.get(currency, 2) - _STRIPE_EXPONENTS.get(currency, EXPONENTS.get(currency, 2))
    return Decimal(major_units(minor.scaleb(scale), currency))


def _minor(price: Mapping[str, Any], terms: Mapping[str, Any], seats: Decimal) -> Decimal:
    """Minor units for all seats. `terms` are the price's own, or those of one of its other currencies."""
    if price.get("billing_scheme") == "tiered":
        tiers = terms.get("tiers")
        if not isinstance(tiers, list) or not tiers:
            raise UnpricedError("tiers are missing", price.get("id"), "export with the tiers expanded (expand data.items.data.price.tiers)")
        return tiered(tiers, text_of(price.get("tiers_mode")) or "", seats)
    unit = _amount(terms, "unit_amount", "amount")
    if unit is None:
        raise UnpricedError("unit_amount is missing", price.get("id"), "a price that the customer chooses has to be given by hand")
    packages = price.get("transform_quantity") or price.get("transform_usage")
    size = number(members(packages).get("divide_by") or 1, "divide_by")
    if size > 1:
        rounding = ROUND_CEILING if members(packages).get("round") == "up" else ROUND_FLOOR
        seats = (seats / size).to_integral_value(rounding=rounding)
    return unit * seats


def tiered(tiers: Sequence[Mapping[str, Any]], mode: str, seats: Decimal) -> Decimal:
    """The price of so many seats: `volume` prices all at the tier they reach, `graduated` each in its own tier.

    Stripe charges the first tier's flat fee even for no seat at all.

    >>> tiers = [{"up_to": 5, "unit_amount": 700, "flat_amount": 1000}, {"up_to": None, "unit_amount_decimal": "650.5"}]
    >>> tiered(tiers, "graduated", Decimal(7)), tiered(tiers, "volume", Decimal(7)), tiered(tiers, "graduated", Decimal(0))
    (Decimal('5801.0'), Decimal('4553.5'), Decimal('1000'))
    """
    if mode not in ("graduated", "volume"):
        raise UnpricedError("has an unknown tiers_mode", mode, "graduated or volume")
    total = floor = Decimal(0)
    ordered = sorted(((_top(members(tier)), members(tier)) for tier in tiers), key=lambda pair: pair[0])
    for place, (top, tier) in enumerate(ordered):
        if mode == "volume" and seats > top:
            continue
        units = seats if mode == "volume" else min(seats, top) - floor
        if units > 0 or place == 0 or mode == "volume":
            total += units * (_amount(tier, "unit_amount", "amount") or 0) + (_amount(tier, "flat_amount") or 0)
        if seats <= top:
            return total
        floor = top
    raise UnpricedError("has more seats than its last tier", seats)


def _top(tier: Mapping[str, Any]) -> Decimal:
    top = tier.get("up_to")
    return Decimal("Infinity") if top in (None, "inf") else number(top, "up_to")


def _amount(terms: Mapping[str, Any], *names: str) -> Decimal | None:
    for name in names:
        for key in (f"{name}_decimal", name):
            if terms.get(key) is not None:
                return number(terms[key], key)
    return None


def number(value: object, name: str) -> Decimal:
    """A JSON number or text as a decimal; UnpricedError where it is none."""
    try:
        made = Decimal(str(value))
    except InvalidOperation:
        raise UnpricedError(f"{name} is not a number", value) from None
    if not made.is_finite():
        raise UnpricedError(f"{name} is not a number", value)
    return made


def _count(value: object) -> int:
    count = Decimal(1) if value is None else number(value, "interval_count")
    if count < 1 or count != count.to_integral_value():
        raise UnpricedError("interval_count is not a whole number", value)
    return int(count)
