"""A subscription cut into stretches of unchanged terms: the rows of the ledger's `subscriptions`, from what a biller knows of it."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from fari.sources.convert import plain

_SIX = Decimal("0.000001")
_TOO_MUCH = Decimal(10) ** 12


@dataclass(frozen=True)
class Discount:
    """One discount on a subscription: a percentage or an amount per interval, and the days it holds (half-open)."""

    kind: str
    """once, repeating or forever."""
    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it holds on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Subscription:
    """What a biller knows of one subscription. All dates are local days; ends are exclusive."""

    subscription_id: str
    account_id: str
    amount: Decimal
    """List price per interval for all seats, in major units."""
    currency: str
    interval: str
    since: date
    until: date | None = None
    interval_count: int = 1
    quantity: str | None = None
    plan: str | None = None
    trial: tuple[date, date | None] | None = None
    paused_since: date | None = None
    past_due_on: date | None = None
    cancelled_on: date | None = None
    discounts: tuple[Discount, ...] = ()

    def stretches(self) -> Iterator[dict[str, str | None]]:
        """Its rows, in order. One that ended on the day it began is an empty stretch: it counts nowhere, and replaces what was known of it."""
        days = {self.since, self.paused_since, *(self.trial or ())}
        days.update(day for discount in self.discounts for day in (discount.since, discount.until))
        cuts = sorted(day for day in days if day is not None and self.since <= day and (self.until is None or day < self.until))
        cuts = cuts or [self.since]
        stretches: list[tuple[date, date | None, dict[str, str | None]]] = []
        for begun, ended in zip(cuts, [*cuts[1:], self.until], strict=True):
            terms = self._terms(begun, ended)
            if stretches and stretches[-1][2] == terms:
                stretches[-1] = (stretches[-1][0], ended, terms)
            else:
                stretches.append((begun, ended, terms))
        for begun, ended, terms in stretches:
            cancelled = self.cancelled_on if (begun, ended, terms) == stretches[-1] else None
            yield {
                "subscription_id": self.subscription_id,
                "account_id": self.account_id,
                "starts_on": begun.isoformat(),
                "ends_on": ended.isoformat() if ended else None,
                **terms,
                "cancelled_on": cancelled.isoformat() if cancelled else None,
            }

    def _terms(self, day: date, ended: date | None) -> dict[str, str | None]:
        status = "active"
        if self.trial and self.trial[0] <= day and (self.trial[1] is None or day < self.trial[1]):
            status = "trialing"
        elif self.paused_since and self.paused_since <= day:
            status = "paused"
        elif self.past_due_on and (ended is None or self.past_due_on < ended):
            status = "past_due"
        off, kind = price_off(self.amount, [discount for discount in self.discounts if discount.holds(day)])
        return {
            "amount": money(self.amount),
            "currency": self.currency,
            "interval": self.interval,
            "interval_count": str(self.interval_count),
            "quantity": self.quantity,
            "plan": self.plan,
            "status": status,
            "discount": money(off) if kind else None,
            "discount_kind": kind,
            "past_due_on": self.past_due_on.isoformat() if self.past_due_on and status == "past_due" else None,
        }


def money(value: Decimal) -> str:
    """An amount as the ledger keeps it: at most six decimals, half up. One beyond what it can hold is left for it to refuse."""
    return plain(value if abs(value) >= _TOO_MUCH else value.quantize(_SIX, rounding=ROUND_HALF_UP))


def price_off(amount: Decimal, discounts: Sequence[Discount]) -> tuple[Decimal, str | None]:
    """What these discounts take off together, and their kind. Each takes its part of what the one before left.

    A ledger row has one discount: beside a lasting one, a `once` is left out, since it never counts in MRR.

    >>> price_off(Decimal(100), [Discount("forever", percent=Decimal(10)), Discount("repeating", amount=Decimal(20))])
    (Decimal('30'), 'repeating')
    """
    lasting = [discount for discount in discounts if discount.kind != "once"]
    counted = lasting or list(discounts)
    if not counted:
        return Decimal(0), None
    left = amount
    for discount in counted:
        left = max(Decimal(0), left - discount.amount - left * discount.percent / 100)
    kinds = {discount.kind for discount in counted}
    return amount - left, "repeating" if "repeating" in kinds else counted[0].kind


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it has no such day.

    >>> add_months(date(2025, 1, 31), 1)
    datetime.date(2025, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
