"""Stripe's API objects as JSON: subscriptions and customers, as a list object, an array, JSON Lines or one object.

A subscription object knows its terms of today, not those it had before: earlier prices and seats are not in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.convert import day_of, iso_instant
from fari.sources.file import File
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import Discount, Subscription, add_months
from fari.sources.stripe_price import MeteredError, Price, UnpricedError, id_of, major, members, number, price_of, text_of

NAME = "stripe_objects"
LABEL = "Stripe: subscriptions and customers (JSON of the API)"
COLUMNS = ("id", "object", "customer", "status", "items", "start_date", "current_period_start", "current_period_end", "canceled_at", "ended_at")

_OBJECTS = ("subscription", "customer", "list")
_ONGOING = ("active", "trialing", "past_due", "unpaid", "paused", "canceled")
_NOT_BEGUN = {"incomplete": "its first payment is still open", "incomplete_expired": "its first payment was never made"}
_LOOK = 20
_LONGEST = 1200


def recognises(file: File) -> bool:
    """Whether the first objects say that they are Stripe's."""
    if file.kind not in ("json", "jsonl"):
        return False
    for (_, value), _ in zip(file.objects(), range(_LOOK), strict=False):
        ours = str(value.get("id", "")).startswith(("sub_", "cus_")) or isinstance(value.get("data"), list)
        if value.get("object") in _OBJECTS and ours:
            return True
    return False


def read(file: File, company: Company) -> Iterator[Item]:
    """The file's subscriptions as stretches, its customers as people and accounts."""
    reader = _Reader(company.zone)
    for line, value in file.objects():
        yield from reader.take(line if file.kind == "jsonl" else str(value.get("id") or line), value)


def _list(value: object) -> Sequence[Any]:
    """The members of a list object or a bare list."""
    if isinstance(value, dict):
        value = value.get("data")
    return value if isinstance(value, list) else ()


@dataclass(frozen=True)
class _Coupon:
    """A discount as Stripe gives it: its coupon, and the days it holds."""

    coupon: Mapping[str, Any]
    since: date | None
    until: date | None

    def holds_for(self, price: Price) -> bool:
        """Whether it is given on this price's product."""
        products = _list(members(self.coupon.get("applies_to")).get("products"))
        return not products or price.product in products


@dataclass(frozen=True)
class _Life:
    """The days of a subscription after it began."""

    until: date | None
    cancelled_on: date | None
    trial: tuple[date, date | None] | None
    paused_since: date | None
    past_due_on: date | None


def _warning(line: int | str, what: str, column: str, mend: str) -> Problem:
    return Problem(line, what, column, mend=mend, table="subscriptions", refused=False)


class _Reader:
    """Reads objects one by one. Objects met twice in a file (expanded here and listed there) are given once."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.seen: set[str] = set()

    def take(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        kind = text_of(value.get("object"))
        if kind == "list":
            for member in _list(value):
                if isinstance(member, dict):
                    yield from self.take(str(member.get("id") or line) if isinstance(line, str) else line, member)
        elif kind in ("subscription", "customer"):
            if id_of(value) is None:
                yield Problem(line, f"is a {kind} without an id", "id", mend="export it again")
            elif kind == "customer":
                yield from self._customer(line, value)
            else:
                yield from self._subscription(line, value)
        else:
            yield Skipped(line, f"a Stripe {kind}: only subscriptions and customers are read" if kind else "not a Stripe object")

    def _day(self, value: object) -> date | None:
        day = day_of(str(value), self.zone) if value is not None else None
        return date.fromisoformat(day) if day else None

    def _new(self, object_id: str) -> bool:
        new = object_id not in self.seen
        self.seen.add(object_id)
        return new

    def _customer(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        own = str(id_of(value))
        for subscription in _list(value.get("subscriptions")):
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

    def _subscription(self, line: int | str, value: Mapping[str, Any]) -> Iterator[Item]:
        own, customer = str(id_of(value)), value.get("customer")
        if isinstance(customer, dict) and customer.get("object") == "customer":
            yield from self._customer(line, customer)
        if not self._new(own):
            return
        status = text_of(value.get("status"))
        if status in _NOT_BEGUN:
            yield Skipped(line, f"a subscription that never began: {_NOT_BEGUN[status]}")
            return
        since = self._day(value.get("start_date")) or self._day(value.get("created"))
        faults = (
            (id_of(customer) is None, "has no customer", "customer", customer),
            (status not in _ONGOING, "has an unknown status" if status else "has no status", "status", status),
            (since is None, "has no start_date", "start_date", value.get("start_date")),
        )
        for wrong, what, column, shown in faults:
            if wrong:
                yield Problem(line, f"{own} {what}", column, str(shown or ""), "export the subscription again", table="subscriptions")
                return
        assert since is not None
        items = [item for item in _list(value.get("items")) if isinstance(item, dict)]
        if not items and isinstance(value.get("plan"), dict):
            # Before items there was one plan on the subscription itself.
            items = [{"id": own, "plan": value["plan"], "quantity": value.get("quantity")}]
        if isinstance(value.get("items"), dict) and value["items"].get("has_more"):
            yield _warning(line, f"{own} has more items than the file", "items", "export all items")
        yield from self._stretches(line, value, own, f"stripe:{id_of(customer)}", since, items)
        yield from self._reason(line, value, f"stripe:{id_of(customer)}")

    def _stretches(
        self, line: int | str, value: Mapping[str, Any], own: str, account: str, since: date, items: Sequence[Mapping[str, Any]]
    ) -> Iterator[Item]:
        """The rows of all items: one ledger subscription each, under the subscription's own id where there is one item."""
        if not items:
            yield Problem(line, f"{own} has no items", "items", mend="export subscriptions with their items", table="subscriptions")
        life, problems = self._life(line, value, own, since, items)
        yield from problems
        if life is None:
            return
        priced: list[tuple[str, Mapping[str, Any], Price]] = []
        for item in items:
            place = f"{own}/{id_of(item)}" if len(items) > 1 else own
            try:
                priced.append((place, item, price_of(item, text_of(value.get("currency")))))
            except MeteredError:
                yield Skipped(line, "an item billed by usage: no MRR")
            except UnpricedError as fault:
                yield Problem(line, f"{place} {fault.what}", "price", fault.value, fault.mend, table="subscriptions")
        shared, warnings = self._coupons(value)
        for place, item, price in priced:
            single, own_warnings = self._coupons(item)
            prices = [(coupon, [price]) for coupon in single] + [(coupon, [other for _, _, other in priced]) for coupon in shared]
            try:
                given = [self._discount(coupon, price, among) for coupon, among in prices if coupon.holds_for(price)]
            except UnpricedError as fault:
                yield Problem(line, f"{place} {fault.what}", "discounts", fault.value, fault.mend, table="subscriptions")
                continue
            if None in given:
                own_warnings.append("has a coupon in another currency: counted at list price")
            for warning in dict.fromkeys([*warnings, *own_warnings]):
                yield _warning(line, f"{place} {warning}", "discounts", "export with discounts and their coupons expanded")
            added = self._day(item.get("created"))
            begun = max(since, added) if added and len(items) > 1 else since
            subscription = Subscription(
                subscription_id=f"stripe:{place}",
                account_id=account,
                amount=price.amount,
                currency=price.currency,
                interval=price.interval,
                interval_count=price.interval_count,
                quantity=str(price.quantity),
                plan=price.plan,
                since=begun,
                until=life.until,
                trial=life.trial,
                paused_since=life.paused_since,
                past_due_on=life.past_due_on,
                cancelled_on=life.cancelled_on,
                discounts=tuple(discount for discount in given if discount),
            )
            for values in subscription.stretches():
                yield Record("subscriptions", line, values)

    def _life(
        self, line: int | str, value: Mapping[str, Any], own: str, since: date, items: Sequence[Mapping[str, Any]]
    ) -> tuple[_Life | None, list[Problem]]:
        """When it ends, what it was and is on the way, and what of that Stripe does not say."""
        problems: list[Problem] = []
        status = text_of(value.get("status"))
        # Since 2025 a period belongs to the item.
        period = next((holder for holder in (value, *items) if holder.get("current_period_start")), value)
        cancelled, until = self._day(value.get("canceled_at")), self._day(value.get("ended_at"))
        if until is None and status == "canceled":
            until = cancelled
            if until is None:
                return None, [Problem(line, f"{own} is canceled on no day", "ended_at", mend="export it again", table="subscriptions")]
        elif until is None:
            until = self._day(value.get("cancel_at"))
            if until is None and value.get("cancel_at_period_end"):
                until = self._day(period.get("current_period_end"))
        begun, ended = self._day(value.get("trial_start")), self._day(value.get("trial_end"))
        trial: tuple[date, date | None] | None = (begun, ended) if begun and ended else None
        paused = past_due = None
        if status == "trialing":
            trial = trial or (since, ended)
            if ended is None:
                problems.append(_warning(line, f"{own} is on trial until no day: kept as running", "trial_end", "export it again"))
            elif until is None or until > ended:
                # Whether it will ever be paid is not known yet.
                until = ended
        elif status == "paused":
            # Stripe pauses a subscription whose trial ended without a means of payment.
            paused = ended or since
        elif status in ("past_due", "unpaid"):
            past_due = self._due(value) or self._day(period.get("current_period_start"))
            if past_due is None:
                problems.append(_warning(line, f"{own} is {status} since no day: kept as active", "current_period_start", "export it again"))
        if value.get("pause_collection") and status != "canceled":
            what = f"{own} has its collection paused since a day Stripe does not say: kept as {status}"
            problems.append(_warning(line, what, "pause_collection", "give a row with status paused from the day of the pause"))
        return _Life(until, cancelled, trial, paused, past_due), problems

    def _due(self, value: Mapping[str, Any]) -> date | None:
        """The day the latest invoice fell due; one that is charged automatically is due when it is made final."""
        invoice = value.get("latest_invoice")
        if not isinstance(invoice, dict):
            return None
        final = members(invoice.get("status_transitions")).get("finalized_at")
        return next((day for given in (invoice.get("due_date"), final, invoice.get("created")) if (day := self._day(given))), None)

    def _coupons(self, value: Mapping[str, Any]) -> tuple[list[_Coupon], list[str]]:
        """An object's discounts, and what cannot be known of them. A customer's discount counts where the subscription has none."""
        given = [*_list(value.get("discounts"))] or [value.get("discount")]
        customer = value.get("customer")
        if not any(given) and isinstance(customer, dict):
            given = [customer.get("discount")]
        found: list[_Coupon] = []
        warnings: list[str] = []
        for discount in given:
            if not discount:
                continue
            coupon = members(members(discount).get("coupon")) or members(members(members(discount).get("source")).get("coupon"))
            if not coupon:
                warnings.append(f"has a discount of unknown size ({id_of(discount)}): counted at list price")
                continue
            since, until = self._day(discount.get("start")), self._day(discount.get("end"))
            months = coupon.get("duration_in_months")
            if until is None and since and isinstance(months, int) and 0 < months <= _LONGEST and coupon.get("duration") == "repeating":
                until = add_months(since, months)
            found.append(_Coupon(coupon, since, until))
        return found, warnings

    def _discount(self, discount: _Coupon, price: Price, among: Sequence[Price]) -> Discount | None:
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

    def _reason(self, line: int | str, value: Mapping[str, Any], account: str) -> Iterator[Item]:
        """Why it was cancelled, as feedback of the account."""
        details = members(value.get("cancellation_details"))
        at = value.get("canceled_at") or value.get("ended_at")
        given = text_of(details.get("feedback"))
        forced = text_of(details.get("reason")) if details.get("reason") in ("payment_failed", "payment_disputed") else None
        comment = text_of(details.get("comment"))
        if at is None or not (given or forced or comment):
            return
        values = {"account_id": account, "at": iso_instant(str(at)), "kind": "churn_reason", "value": given or forced, "text": comment}
        yield Record("feedback", line, {**values, "said_by": "customer" if given or comment else None})
