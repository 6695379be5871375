"""Subscriptions that live through random changes, told as Stripe would tell them: what is worked out must be what happened, day by day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from tests.stripe_made import Object, coupon, discount, event, invoice, item, line, price, problems, subscription, worked_out

from fari.sources.record import Item, Record

BEGUN, READ = date(2025, 1, 10), date(2025, 12, 1)
PRICES = {"price_pro": 2900, "price_team": 9900, "price_addon": 500}
HALF = coupon()


@dataclass
class Truth:
    """One subscription as it really was: its items and seats, whether half is off and whether it is paused, and what Stripe wrote of it."""

    rng: Random
    day: date = BEGUN
    items: dict[str, tuple[str, int]] = field(default_factory=lambda: {"si_0": ("price_pro", 1)})
    born: dict[str, date] = field(default_factory=lambda: {"si_0": BEGUN})
    half: date | None = None
    paused: bool = False
    value: dict[date, Decimal] = field(default_factory=dict)
    objects: list[Object] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    changes: int = 0
    pending: list[Object] = field(default_factory=list)
    """Lines of prorations for the next invoice."""

    @property
    def state(self) -> Object:
        """The subscription object of this moment."""
        made = [item(own, price(of, PRICES[of]), count, self.born[own].isoformat()) for own, (of, count) in self.items.items()]
        off = [discount(f"di_{self.half}", HALF, self.half.isoformat())] if self.half else []
        pause = {"behavior": "void", "resumes_at": None} if self.paused else None
        return subscription(items=made, since=BEGUN.isoformat(), discounts=off, pause_collection=pause)

    def live(self, kinds: str) -> None:
        """Until the day it is read, one random change on some days."""
        self.events.append(event("evt_0", BEGUN.isoformat(), "customer.subscription.created", self.state))
        self.bill()
        while self.day < READ:
            self.value[self.day] = self.mrr()
            self.day += timedelta(days=1)
            if self.day.day == BEGUN.day:
                self.bill()
            if self.day < READ and self.rng.random() < 0.05:
                before = self.state
                getattr(self, self.rng.choice(kinds.split()))()
                if self.rng.random() < 0.2:
                    self.seats()
                previous = {name: before[name] for name in ("items", "discounts", "pause_collection") if before[name] != self.state[name]}
                if previous:
                    told = event(f"evt_{len(self.events)}", self.day.isoformat(), "customer.subscription.updated", self.state, **previous)
                    self.events.append(told)

    def mrr(self) -> Decimal:
        """Euros a month at the end of the day."""
        if self.paused:
            return Decimal(0)
        whole = sum((Decimal(PRICES[of] * count) for of, count in self.items.values()), Decimal(0)) / 100
        return whole / 2 if self.half else whole

    # What can happen ------------------------------------------------------------------------------------------------

    def seats(self) -> None:
        own = self.rng.choice(list(self.items))
        self.change(own, (self.items[own][0], self.rng.randint(1, 9)))

    def plan(self) -> None:
        own = self.rng.choice(list(self.items))
        self.change(own, (self.rng.choice(["price_pro", "price_team"]), self.items[own][1]))

    def more(self) -> None:
        own = f"si_{len(self.born)}"
        self.born[own] = self.day
        self.change(own, ("price_addon", self.rng.randint(1, 3)))

    def fewer(self) -> None:
        if len(self.items) > 1:
            self.change(self.rng.choice(list(self.items)), None)

    def discounted(self) -> None:
        self.half = None if self.half else self.day

    def pause(self) -> None:
        self.paused = not self.paused

    def change(self, own: str, terms: tuple[str, int] | None) -> None:
        """An item has other terms from now on; the next invoice takes back the rest of its period and charges it anew."""
        until = self.next_bill()
        self.changes += 1
        # No two changes are of one second.
        on = f"{self.day}T12:00:{self.changes % 60:02d}"
        for of, sign in ((self.items.get(own), -1), (terms, 1)):
            if of and self.day < until:
                cents = sign * max(1, PRICES[of[0]] * of[1] * (until - self.day).days // 30)
                self.pending.append(line(on, until.isoformat(), cents, of[0], of[1], own, proration=True))
        if terms:
            self.items[own] = terms
        else:
            del self.items[own]

    def next_bill(self) -> date:
        """The end of the period that is paid for."""
        first = self.day.replace(day=BEGUN.day)
        return first if first > self.day else (first + timedelta(days=31)).replace(day=BEGUN.day)

    def bill(self) -> None:
        until = self.next_bill().isoformat()
        lines = [
            line(self.day.isoformat(), until, PRICES[of] * count, of, count, own,
                 discount_amounts=[{"amount": PRICES[of] * count // 2, "discount": f"di_{self.half}"}] if self.half else [])
            for own, (of, count) in self.items.items()
        ]  # fmt: skip
        self.objects.append(invoice(f"in_{self.day}", [*self.pending, *lines], self.day.isoformat()))
        self.pending = []


def daily(found: list[Item]) -> dict[date, Decimal]:
    """Euros a month on each day, by the rows."""
    value = dict.fromkeys((BEGUN + timedelta(days=n) for n in range((READ - BEGUN).days)), Decimal(0))
    for one in found:
        if isinstance(one, Record) and one.table == "subscriptions" and one.values["status"] == "active":
            row = one.values
            worth = Decimal(str(row["amount"])) - Decimal(row["discount"] or 0)
            day, until = date.fromisoformat(str(row["starts_on"])), date.fromisoformat(row["ends_on"] or READ.isoformat())
            while day < min(until, READ):
                value[day] += worth
                day += timedelta(days=1)
    return value


def shuffled(rng: Random, objects: list[Any]) -> list[Any]:
    return rng.sample(objects, len(objects))


@pytest.mark.parametrize("seed", range(25))
def test_with_all_its_events_every_day_is_as_it_was(seed: int) -> None:
    truth = Truth(Random(seed))
    truth.live("seats plan more fewer discounted pause")
    found = worked_out(shuffled(truth.rng, [truth.state, HALF, *truth.events]), READ.isoformat())
    assert problems(found) == []
    assert daily(found) == truth.value
    # Invoices beside them change nothing.
    with_invoices = worked_out(
        shuffled(truth.rng, [truth.state, HALF, *truth.events, *truth.objects, *(price(*one) for one in PRICES.items())]), READ.isoformat()
    )
    assert daily(with_invoices) == truth.value


@pytest.mark.parametrize("seed", range(25))
def test_with_its_invoices_alone_every_change_of_price_and_seats_is_as_it_was(seed: int) -> None:
    """But for what changed since the last invoice: that is dated on the day it was read."""
    truth = Truth(Random(seed))
    truth.live("seats plan more fewer")
    prices = [price(*one) for one in PRICES.items()]
    value = daily(worked_out(shuffled(truth.rng, [truth.state, *truth.objects, *prices]), READ.isoformat()))
    last = date(2025, 11, 10)
    assert {day: value[day] for day in value if day < last} == {day: truth.value[day] for day in value if day < last}


@pytest.mark.parametrize("seed", range(25))
def test_with_thirty_days_of_events_and_invoices_before(seed: int) -> None:
    truth = Truth(Random(seed))
    truth.live("seats plan more fewer")
    prices = [price(*one) for one in PRICES.items()]
    late = [one for one in truth.events if one["created"] >= truth.events[0]["created"] + 86400 * ((READ - BEGUN).days - 30)]
    found = worked_out(shuffled(truth.rng, [truth.state, *truth.objects, *prices, *late]), READ.isoformat())
    assert daily(found) == truth.value
