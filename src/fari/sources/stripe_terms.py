"""What the items of a Stripe subscription cost: list price per interval for all seats, and the discounts on it, as an object or an invoice says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from fari.ledger.problems import Problem
from fari.sources.convert import day_of
from fari.sources.record import Skipped
from fari.sources.stretch import Discount, add_months
from fari.sources.stripe_case import Case, Invoice, Origin
from fari.sources.stripe_coupon import Coupon, taken_off
from fari.sources.stripe_fields import listed
from fari.sources.stripe_lines import end, is_proration, is_subscription, item_of, largest, minor, price_id, subscription_of
from fari.sources.stripe_price import MeteredError, Price, UnpricedError, id_of, major, members, number, price_of, text_of

_LONGEST = 1200
"""Months; a coupon for longer holds for ever."""


@dataclass(frozen=True)
class Terms:
    """An item's price, tax included where the price includes it, and its discounts."""

    price: Price
    discounts: tuple[Discount, ...] | None = ()
    """None where it is not said whether there are any."""


@dataclass(frozen=True)
class Line:
    """What an invoice says of an item from an instant on: the terms of a period, or of the rest of one after a change."""

    item: str
    at: int
    until: int
    terms: Terms | None
    """None where it only takes back what was paid."""
    before: Terms | None
    """What it takes back, where the terms changed."""
    begins: bool
    """Whether it charges for the rest of a period of which nothing is taken back."""
    origin: Origin


class Pricer:
    """Works out the terms of one subscription, and notes what of them cannot be known."""

    def __init__(self, case: Case, zone: ZoneInfo) -> None:
        self.case = case
        self.zone = zone
        self.prices: dict[str, dict[str, Any]] = {own: dict(body) for own, body in case.prices.items()}
        self.said: dict[tuple[str, str], Problem | Skipped] = {}
        for point in case.points:
            for item in items_of(point.state):
                for given in (item.get("price"), item.get("plan")):
                    if isinstance(given, dict) and (own := id_of(given)):
                        # A price never changes, so the latest that was read of it knows best.
                        self.prices.setdefault(own, {}).update({name: value for name, value in given.items() if value is not None})

    def day(self, value: object) -> date | None:
        """The local day of an instant."""
        day = day_of(str(value), self.zone) if value is not None else None
        return date.fromisoformat(day) if day else None

    def say(self, origin: Origin, what: str, column: str, value: str = "", mend: str = "", *, refused: bool = False) -> None:
        """Note what is wrong, once."""
        file, line = origin
        self.said[what, value] = Problem(line, what, column, value, mend, file=file, table="subscriptions", refused=refused)

    def state(self, state: Mapping[str, Any], origin: Origin) -> tuple[dict[str, Terms], set[str]]:
        """The terms of each item that a subscription has, and the items that have none that can be told."""
        priced: dict[str, tuple[Mapping[str, Any], Price]] = {}
        unknown: set[str] = set()
        items = items_of(state)
        for item in items:
            own = str(id_of(item))
            place = f"{self.case.id}/{own}" if len(items) > 1 else self.case.id
            try:
                priced[own] = item, self._price(item, text_of(state.get("currency")), origin, place)
            except MeteredError:
                self.said["metered", own] = Skipped(origin[1], "an item billed by usage: no MRR")
            except UnpricedError as fault:
                unknown.add(own)
                self.say(origin, f"{place} {fault.what}", "price", fault.value, fault.mend, refused=True)
        shared, warnings = self._coupons(state, self.case.loyalty)
        found: dict[str, Terms] = {}
        for own, (item, price) in priced.items():
            place = f"{self.case.id}/{own}" if len(items) > 1 else self.case.id
            single, own_warnings = self._coupons(item, None)
            among = [other for _, other in priced.values()]
            asked = [(coupon, [price]) for coupon in single] + [(coupon, among) for coupon in shared]
            try:
                given = [taken_off(coupon, price, others) for coupon, others in asked if coupon.holds_for(price)]
            except UnpricedError as fault:
                unknown.add(own)
                self.say(origin, f"{place} {fault.what}", "discounts", fault.value, fault.mend, refused=True)
                continue
            if None in given:
                own_warnings.append("has a coupon in another currency: counted at list price")
            for warning in dict.fromkeys([*warnings, *own_warnings]):
                self.say(origin, f"{place} {warning}", "discounts", mend="export with discounts and their coupons expanded")
            found[own] = Terms(price, tuple(discount for discount in given if discount))
        return found, unknown

    def lines(self, invoice: Invoice, known: Mapping[str, set[str]]) -> Iterator[Line]:
        """What an invoice's lines say. `known` are the prices that each item is known to have had, for lines that name no item.

        Lines of a proration are never amounts: only their price, their seats and the day of the change are read.
        """
        groups: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
        changes: dict[tuple[str, int], dict[str, list[Mapping[str, Any]]]] = {}
        for line in self._own(invoice):
            start = members(line.get("period")).get("start")
            price = price_id(line)
            if not isinstance(start, int) or price is None:
                continue
            item = item_of(line, price, known)
            if is_proration(line):
                side = "back" if minor(line) < 0 else "on"
                changes.setdefault((item, start), {}).setdefault(side, []).append(line)
            else:
                groups.setdefault((item, start, price), []).append(line)
        for (item, start, price), own in groups.items():
            if terms := self._line(price, own, invoice):
                yield Line(item, start, end(own), terms, None, False, invoice.origin)
        for (item, start), sides in changes.items():
            sides = {side: largest(own) for side, own in sides.items()}
            on, back = (self._line(str(price_id(sides[side][0])), sides[side], invoice) if side in sides else None for side in ("on", "back"))
            if on or back:
                yield Line(item, start, end([line for own in sides.values() for line in own]), on, back, "back" not in sides, invoice.origin)

    def _own(self, invoice: Invoice) -> Iterator[Mapping[str, Any]]:
        """Lines of this subscription that are for a period of it."""
        single = id_of(invoice.body.get("subscription")) or id_of(
            members(members(invoice.body.get("parent")).get("subscription_details")).get("subscription")
        )
        for line in invoice.lines:
            if (subscription_of(line) or single) == self.case.id and (is_proration(line) or is_subscription(line)):
                yield line

    def _line(self, price: str, lines: Sequence[Mapping[str, Any]], invoice: Invoice) -> Terms | None:
        """The terms that lines of one price and period say. Tiers are billed as a line each."""
        currency = (text_of(lines[0].get("currency")) or text_of(invoice.body.get("currency")) or "").upper()
        seats = sum((number(line["quantity"], "quantity") for line in lines if line.get("quantity") is not None), Decimal(0))
        body = self.prices.get(price)
        if body is None:
            mend = "import prices (JSON of the API) too"
            self.say(
                invoice.origin, f"{self.case.id} was billed at a price that is not in the data: its terms then are not known", "price", price, mend
            )
            return None
        amount = major(sum((minor(line) for line in lines), Decimal(0)), currency)
        try:
            made = price_of({"price": body, "quantity": seats if lines[0].get("quantity") is not None else None}, currency)
        except MeteredError:
            return None
        except UnpricedError as fault:
            if is_proration(lines[0]) or amount <= 0:
                return None
            if (made_of := self._billed(body, amount, seats, currency)) is None:
                self.say(invoice.origin, f"{self.case.id} {fault.what}", "price", fault.value, fault.mend)
                return None
            made = made_of
        if not is_proration(lines[0]) and amount > 0 and abs(made.amount - amount) > major(Decimal(1), currency):
            made = replace(made, amount=amount)
        return Terms(made, None if is_proration(lines[0]) else tuple(self._billed_discounts(lines, invoice, made)))

    def _billed(self, body: Mapping[str, Any], amount: Decimal, seats: Decimal, currency: str) -> Price | None:
        """A price whose tiers or currency are not known, at the amount it was billed at."""
        flat = {name: value for name, value in body.items() if name not in ("tiers", "tiers_mode", "currency_options", "transform_quantity")}
        flat |= {"billing_scheme": "per_unit", "unit_amount": 0, "unit_amount_decimal": None, "currency": currency}
        try:
            made = price_of({"price": flat, "quantity": seats}, currency)
        except (MeteredError, UnpricedError):
            return None
        return replace(made, amount=amount)

    @cached_property
    def _invoiced(self) -> dict[tuple[str, int], Price]:
        """What was billed for so many seats at a price, to stand for a price whose tiers are not known."""
        found: dict[tuple[str, int], Price] = {}
        for invoice in self.case.invoices:
            if not invoice.counts:
                continue
            sums: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
            for line in self._own(invoice):
                start, price = members(line.get("period")).get("start"), price_id(line)
                if price and isinstance(start, int) and not is_proration(line):
                    sums.setdefault((price, start), []).append(line)
            for (price, _), lines in sums.items():
                currency = (text_of(lines[0].get("currency")) or "").upper()
                amount = major(sum((minor(line) for line in lines), Decimal(0)), currency)
                seats = sum((number(line.get("quantity") or 0, "quantity") for line in lines), Decimal(0))
                if amount > 0 and (made := self._billed(self.prices.get(price, {}), amount, seats, currency)):
                    found[price, int(seats)] = made
        return found

    def _price(self, item: Mapping[str, Any], currency: str | None, origin: Origin, place: str) -> Price:
        given = item.get("price") if item.get("price") is not None else item.get("plan")
        own = id_of(given)
        body = self.prices.get(own or "") or given
        try:
            return price_of({**item, "price": body}, currency)
        except UnpricedError as fault:
            seats = item.get("quantity")
            if own and (billed := self._invoiced.get((own, seats if isinstance(seats, int) else 1))):
                self.say(origin, f"{place} {fault.what}: counted as it was billed for so many seats", "price", fault.value, fault.mend)
                return billed
            raise

    def _coupons(self, value: Mapping[str, Any], loyalty: Mapping[str, Any] | None) -> tuple[list[Coupon], list[str]]:
        """An object's discounts, and what cannot be known of them. A customer's discount counts where the subscription has none."""
        given = [*listed(value.get("discounts"))] or [value.get("discount")]
        if not any(given):
            given = [loyalty]
        found: list[Coupon] = []
        warnings: list[str] = []
        for discount in given:
            if not discount:
                continue
            if (coupon := self._coupon(discount)) is None:
                warnings.append(f"has a discount of unknown size ({id_of(discount)}): counted at list price")
            else:
                found.append(coupon)
        return found, warnings

    def _coupon(self, given: object) -> Coupon | None:
        """A discount with its coupon, where both are known."""
        discount = members(given) or members(self.case.discounts.get(str(given)))
        named = discount.get("coupon") or members(discount.get("source")).get("coupon")
        coupon = members(named) if isinstance(named, dict) else members(self.case.coupons.get(str(named)))
        if not coupon:
            return None
        coupon = {**members(self.case.coupons.get(str(coupon.get("id")))), **coupon}
        since, until = self.day(discount.get("start")), self.day(discount.get("end"))
        months = coupon.get("duration_in_months")
        if until is None and since and isinstance(months, int) and 0 < months <= _LONGEST and coupon.get("duration") == "repeating":
            until = add_months(since, months)
        return Coupon(coupon, since, until)

    def _billed_discounts(self, lines: Sequence[Mapping[str, Any]], invoice: Invoice, price: Price) -> Iterator[Discount]:
        """What was taken off in a period: as the coupon says where it is known, else the amount, which was given once or again in other periods."""
        off: dict[str, Decimal] = {}
        for line in lines:
            for given in listed(line.get("discount_amounts")):
                if own := id_of(members(given).get("discount")):
                    off[own] = off.get(own, Decimal(0)) + number(given.get("amount") or 0, "amount")
        since, until = (self.day(members(lines[0].get("period")).get(edge)) for edge in ("start", "end"))
        for own, amount in off.items():
            if amount <= 0:
                continue
            coupon = self._coupon(own)
            if coupon and coupon.coupon.get("percent_off") is not None and coupon.holds_for(price):
                if made := taken_off(coupon, price, [price]):
                    yield made
                continue
            kind = str(coupon.coupon.get("duration")) if coupon else "repeating" if self._times(own) > 1 else "once"
            yield Discount(kind, amount=major(amount, price.currency), since=since, until=until)

    def _times(self, discount: str) -> int:
        """In how many invoices of the subscription a discount was given."""
        return sum(
            any(id_of(members(given).get("discount")) == discount for line in invoice.lines for given in listed(line.get("discount_amounts")))
            for invoice in self.case.invoices
            if invoice.counts
        )


def items_of(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A subscription's items. Before there were items there was one plan on the subscription itself."""
    items: list[Mapping[str, Any]] = [item for item in listed(state.get("items")) if isinstance(item, dict)]
    if not items and isinstance(state.get("plan"), dict):
        return [{"id": state.get("id"), "plan": state["plan"], "quantity": state.get("quantity")}]
    return items
