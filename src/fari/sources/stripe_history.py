"""The history of one Stripe subscription: all that is known of it, made into stretches of unchanged terms for each of its items.

Evidence of an item's terms is what an event or the object itself says from an instant on, and what an invoice line says of its period. Terms hold
until something says otherwise; before the first evidence they hold back to the beginning, or are those that this evidence says they were before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fari.ledger.problems import Problem
from fari.sources.record import Item, Record, Skipped
from fari.sources.stretch import Discount, money, price_off
from fari.sources.stripe_case import Case, Origin
from fari.sources.stripe_life import ONGOING, Life, life_of
from fari.sources.stripe_price import UnpricedError, id_of, members, text_of
from fari.sources.stripe_tax import Taxes
from fari.sources.stripe_terms import Pricer, Terms, items_of

_NOT_BEGUN = {"incomplete": "its first payment is still open", "incomplete_expired": "its first payment was never made"}


@dataclass(frozen=True)
class Seen:
    """An item's terms from an instant on, and what they were before; None where it was not there."""

    at: int
    terms: Terms | None
    origin: Origin
    before: Terms | None = None
    begins: bool = False
    """Whether it was not there before."""
    until: int | None = None
    """The end of the period that was billed."""
    read: bool = False
    """Whether it is the object itself, as it was when it was read: its terms may be older than that."""


def history(case: Case, zone: ZoneInfo) -> Iterator[Item]:
    """The rows of a subscription, and what is wrong with it."""
    origin = case.points[-1].origin if case.points else case.invoices[-1].origin if case.invoices else ("", case.id)
    try:
        pricer = Pricer(case, zone)
        rows = list(_rows(case, pricer))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, UnpricedError) as error:
        what = f"{case.id} cannot be worked out: {str(error) or type(error).__name__}"
        yield Problem(origin[1], what, mend="export its objects again, as the API gives them", file=origin[0], table="subscriptions")
        return
    yield from pricer.said.values()
    yield from rows


def _rows(case: Case, pricer: Pricer) -> Iterator[Item]:
    if not case.points:
        yield from _billed_only(case, pricer)
        return
    latest = case.points[-1]
    status = text_of(latest.state.get("status"))
    if status in _NOT_BEGUN:
        yield Skipped(latest.origin[1], f"a subscription that never began: {_NOT_BEGUN[status]}")
        return
    since = pricer.day(latest.state.get("start_date")) or pricer.day(latest.state.get("created"))
    faults = (
        (status not in ONGOING, "has an unknown status" if status else "has no status", "status", status),
        (since is None, "has no start_date", "start_date", latest.state.get("start_date")),
    )
    for wrong, what, column, shown in faults:
        if wrong:
            pricer.say(latest.origin, f"{case.id} {what}", column, str(shown or ""), "export the subscription again", refused=True)
            return
    assert since is not None
    if not items_of(latest.state):
        pricer.say(latest.origin, f"{case.id} has no items", "items", mend="export subscriptions with their items", refused=True)
    if members(latest.state.get("items")).get("has_more"):
        pricer.say(latest.origin, f"{case.id} has more items than the file", "items", mend="export all items")
    if (life := life_of(case, pricer, since)) is not None:
        yield from _stretches(case, pricer, life, _evidence(case, pricer))


def _billed_only(case: Case, pricer: Pricer) -> Iterator[Item]:
    """A subscription of which only invoices are known runs from the first period it was billed for to the end of the last."""
    evidence = _evidence(case, pricer)
    if every := [one for seen in evidence.values() for one in seen if one.until]:
        since, until = pricer.day(min(one.at for one in every)), pricer.day(max(one.until or 0 for one in every))
        assert since is not None
        what = f"{case.id} is known by its invoices alone: it counts until the end of the last period that was billed"
        pricer.say(every[-1].origin, what, "subscription", mend="import the subscriptions (JSON of the API) too")
        yield from _stretches(case, pricer, Life(since, every[0].origin, until), evidence)


def _evidence(case: Case, pricer: Pricer) -> dict[str, list[Seen]]:
    """By item everything that says what its terms were, oldest first."""
    found: dict[str, list[Seen]] = {}
    states: list[tuple[int, set[str], Origin]] = []
    known: dict[str, set[str]] = {}
    for point in case.points:
        terms, unknown = pricer.state(point.state, point.origin)
        before = pricer.state(point.before, point.origin)[0] if point.before else {}
        for item in items_of(point.state):
            if own := id_of(item.get("price") if item.get("price") is not None else item.get("plan")):
                known.setdefault(str(id_of(item)), set()).add(own)
        for own in dict.fromkeys((*terms, *before)):
            if own not in unknown:
                begins = bool(before) and own not in before
                found.setdefault(own, []).append(Seen(point.at, terms.get(own), point.origin, before.get(own), begins, read=not point.event))
        states.append((point.at, {*terms, *unknown}, point.origin))
    trials = {point.state.get("trial_start") for point in case.points}
    for invoice in case.invoices:
        if invoice.counts:
            for line in pricer.lines(invoice, known):
                if line.terms is None and line.at in trials:
                    continue  # what is given back when a trial is set ends no terms
                found.setdefault(line.item, []).append(Seen(line.at, line.terms, line.origin, line.before, line.begins, line.until))
    for body, origin in case.schedules:
        for phased, at, planned in _phases(body, case, pricer, known, origin):
            found.setdefault(phased, []).append(Seen(at, planned, origin))
    for own, seen in found.items():
        # Of one second an invoice comes first: what it says was so when it was made, an event says what is so from then on.
        seen.sort(key=lambda one: (one.at, one.until is None))
        for at, there, origin in states:
            earlier = [one for one in seen if one.at <= at]
            if own not in there and earlier and earlier[-1].terms is not None:
                # Gone when the subscription was looked at: since then, or since the end of the last period it was billed for.
                gone = min(at, earlier[-1].until or at)
                seen.append(Seen(max(gone, earlier[-1].at), None, origin))
                seen.sort(key=lambda one: (one.at, one.until is None, one.terms is None))
    return found


def _phases(body: Mapping[str, Any], case: Case, pricer: Pricer, known: Mapping[str, set[str]], origin: Origin) -> Iterator[tuple[str, int, Terms]]:
    """What a schedule says of items: the terms of each phase that has begun or will, unless it was given up before."""
    over = body.get("released_at") or body.get("canceled_at")
    items = items_of(case.points[-1].state) if case.points else []
    for phase in body.get("phases") or ():
        start = phase.get("start_date")
        if not isinstance(start, int) or (isinstance(over, int) and start >= over):
            continue
        planned = [item for item in phase.get("items") or () if isinstance(item, dict)]
        for place, item in enumerate(planned):
            price = str(item.get("price") or item.get("plan") or "")
            if price not in pricer.prices:
                what = f"{case.id} is scheduled to a price that is not in the data: left out"
                pricer.say(origin, what, "price", price, "import prices (JSON of the API) too")
                continue
            # A phase names prices and no items: the item that has had the price, else the one in its place.
            own = next((one for one, prices in known.items() if price in prices), None)
            own = own or (str(id_of(items[place])) if len(planned) == len(items) else None)
            if own:
                state = {"items": [{**item, "id": own}], "currency": phase.get("currency"), "discounts": phase.get("discounts")}
                if terms := pricer.state(state, origin)[0].get(own):
                    yield own, start, terms


def _stretches(case: Case, pricer: Pricer, life: Life, evidence: Mapping[str, Sequence[Seen]]) -> Iterator[Item]:
    """The rows of all items. The one that the subscription began with has its id, those that came later have their own behind it."""
    created = {str(id_of(item)): item["created"] for point in case.points for item in items_of(point.state) if isinstance(item.get("created"), int)}
    there = {own: seen for own, seen in evidence.items() if any(one.terms or one.before for one in seen)}
    order = sorted(there, key=lambda own: (created.get(own, there[own][0].at), own))
    taxes = Taxes(case, pricer)
    for place, own in enumerate(order):
        added = pricer.day(created.get(own, there[own][0].at)) if place else None
        name = f"stripe:{case.id}" if place == 0 else f"stripe:{case.id}/{own}"
        changes = _changes(there[own], life, max(life.since, added) if added else life.since, pricer)
        rows = list(_cut(changes, life))
        for number, (begun, ended, terms, origin) in enumerate(rows):
            values = _values(terms, taxes.share(own, terms, begun), life, begun)
            last = number == len(rows) - 1 and (ended is None or ended == life.until)
            cancelled = life.cancelled_on.isoformat() if last and life.cancelled_on else None
            ends = ended.isoformat() if ended else None
            row = {"subscription_id": name, "account_id": case.account, "starts_on": begun.isoformat(), "ends_on": ends, **values}
            yield Record("subscriptions", origin[1], {**row, "cancelled_on": cancelled}, origin[0])


def _changes(seen: Sequence[Seen], life: Life, begun: date, pricer: Pricer) -> list[tuple[date, Terms | None, Origin]]:
    """From which day an item had which terms; of a day the last. None ends it."""
    first = seen[0]
    if first.begins or (first.before is None and first.terms):
        on = pricer.day(first.at) or begun
        begun = max(life.since, on if first.begins else min(on, begun))
    # A proration does not say what is taken off: what was before still is, or what is told next.
    known = (one.terms.discounts for one in seen if one.terms and one.terms.discounts is not None)
    held = next(known, ())

    def whole(terms: Terms | None) -> Terms | None:
        return replace(terms, discounts=held) if terms and terms.discounts is None else terms

    found: dict[date, tuple[Terms | None, Origin]] = {begun: (whole(first.terms if first.begins else first.before or first.terms), first.origin)}
    last: Seen | None = None
    for one in seen:
        # What was billed holds for its period. After that, the terms that were read later do.
        since = last.until if one.read and last and last.until and last.until < one.at else one.at
        day = max(pricer.day(since) or begun, begun)
        terms = whole(one.terms)
        held = held if terms is None or terms.discounts is None else terms.discounts
        if one is not first or terms != found[begun][0]:
            found[day] = terms, one.origin
        last = one
    return [(day, *found[day]) for day in sorted(found)]


def _cut(changes: Sequence[tuple[date, Terms | None, Origin]], life: Life) -> Iterator[tuple[date, date | None, Terms, Origin]]:
    """Stretches: cut where terms, discounts or the status change, and joined where that made no difference.

    What ended on the day it began is an empty stretch: it counts nowhere, and replaces what was known of it.
    """
    cuts: dict[date, Origin] = {}
    for span in life.spans():
        cuts[span.since] = span.origin
        if span.until:
            cuts[span.until] = span.origin
    for _, terms, origin in changes:
        for discount in (terms.discounts or ()) if terms else ():
            for day in (discount.since, discount.until):
                if day:
                    cuts.setdefault(day, origin)
    cuts |= {day: origin for day, _, origin in changes}
    start = changes[0][0]
    days = sorted(day for day in cuts if start <= day and (life.until is None or day < life.until)) or [start]
    rows: list[tuple[date, date | None, Terms, Origin]] = []
    for begun, ended in zip(days, [*days[1:], life.until], strict=True):
        current = [(terms, origin) for day, terms, origin in changes if day <= begun]
        terms = current[-1][0]
        if terms is None:
            continue
        if rows and rows[-1][1] == begun and _same(rows[-1][2], rows[-1][0], terms, begun, life):
            rows[-1] = (rows[-1][0], ended, *rows[-1][2:])
        else:
            rows.append((begun, ended, terms, cuts.get(begun, current[-1][1])))
    yield from rows


def _same(terms: Terms, day: date, other: Terms, other_day: date, life: Life) -> bool:
    """Whether what holds on two days is the same."""
    return terms.price == other.price and _holding(terms, day) == _holding(other, other_day) and life.status(day) == life.status(other_day)


def _holding(terms: Terms, day: date) -> list[tuple[str, Decimal, Decimal]]:
    return [(discount.kind, discount.percent, discount.amount) for discount in terms.discounts or () if discount.holds(day)]


def _values(terms: Terms, tax: Decimal, life: Life, day: date) -> dict[str, str | None]:
    """Price, discount and status of a stretch. `tax` is the share of the price that is tax."""
    price, net = terms.price, 1 - tax
    amount = price.amount * net
    discounts: list[Discount] = [replace(one, amount=one.amount * net) for one in terms.discounts or () if one.holds(day)]
    off, kind = price_off(amount, discounts)
    status, due = life.status(day)
    return {
        "amount": money(amount),
        "currency": price.currency,
        "interval": price.interval,
        "interval_count": str(price.interval_count),
        "quantity": str(price.quantity),
        "plan": price.plan,
        "status": status,
        "discount": money(off) if kind else None,
        "discount_kind": kind,
        "past_due_on": due.isoformat() if due else None,
    }
