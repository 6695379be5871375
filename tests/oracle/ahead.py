"""What is due in the days ahead, and which customers of the last day something speaks against, row by row."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from .books import Books
from .company import text
from .revenue import OVERDUE, ZERO, Stretch
from .when import DAY, instant, local_day

Due = tuple[date, str, str, Fraction, bool, date | None]
"""Last day paid for, account, subscription, monthly worth, whether it runs the day after, day of the click."""
Piece = tuple[str, date, str | None, Fraction, Any]
"""Kind, day, subscription, what it puts at stake, and what else is told of it."""


def due(books: Books, since: date, until: date, *, short: bool) -> list[Due]:
    """Paid intervals whose last day is in the period, of those longer than a month or of the others."""
    revenue, horizon, found = books.revenue, books.coverage.horizon, []
    for one in revenue.stretches:
        if one.status not in {"active", "past_due"} or one.value <= 0 or (one.months <= 1) != short:
            continue
        for after in one.due_days(until):
            last = after - DAY
            if since <= last < until and revenue.counts(one, last):
                rivals = revenue.by_subscription[one.subscription]
                looked_at = max(one.starts, min(last, horizon))
                worth = sum((other.worth(looked_at) for other in rivals if revenue.counts(other, looked_at)), ZERO)
                click = one.cancelled if one.cancelled and one.cancelled <= horizon else None
                found.append((last, one.account, one.subscription, worth, any(other.runs(after) for other in rivals), click))
    return sorted(found, key=repr)


def at_risk(books: Books) -> dict[str, tuple[Fraction, Fraction, list[Piece]]]:
    """Customers with evidence against them: what each pays, what of it is at stake, and the evidence."""
    found = {}
    for account, mrr in books.revenue.paying(books.coverage.horizon).items():
        pieces = [*_subscriptions(books, account), *_said(books, account, mrr), *_visits(books, account, mrr), *_falls(books, account, mrr)]
        if pieces:
            whole = any(kind in ("paused", "feedback", "quiet", "contraction") for kind, *_ in pieces)
            found[account] = mrr, mrr if whole else sum({one[2]: one[3] for one in pieces}.values(), ZERO), sorted(pieces, key=repr)
    return found


def _since(books: Books, account: str) -> date:
    """The day from which it has been a customer without a break."""
    came = [m.on for m in books.revenue.movements if m.account == account and m.kind in ("new", "reactivation") and m.on <= books.coverage.horizon]
    return max(came)


def _subscriptions(books: Books, account: str) -> Iterator[Piece]:
    horizon = books.coverage.horizon
    renewals: dict[str, Piece] = {}
    for last, whose, subscription, worth, _, _ in due(books, horizon + DAY, horizon + timedelta(days=61), short=False):
        begun = [s for s in books.revenue.by_subscription[subscription] if books.revenue.counts(s, last) and s.starts <= horizon]
        if whose == account and worth > 0 and begun:
            renewals.setdefault(subscription, ("renewal", last, subscription, worth, begun[0].ends))
    yield from renewals.values()
    for one in books.revenue.counting(account, horizon):
        worth = one.worth(horizon)
        if one.cancelled and one.cancelled <= horizon and worth > 0:
            yield "cancelled", one.cancelled, one.subscription, worth, one.ends
        if one.overdue and worth > 0:
            yield "past_due", one.overdue, one.subscription, worth, ((horizon - one.overdue).days, _lapse(books, one))
        if one.status == "paused":
            yield "paused", one.starts, one.subscription, ZERO, one.price


def _lapse(books: Books, one: Stretch) -> date | None:
    """The first day on which it is still the terms that count, and counts nothing."""
    assert one.overdue is not None
    lapses = one.overdue + OVERDUE
    return lapses if one.ends is None or lapses < one.ends else None


def _said(books: Books, account: str, mrr: Fraction) -> Iterator[Piece]:
    zone, horizon = books.company.timezone, books.coverage.horizon
    for row in books.tables.get("feedback", ()):
        at = instant(text(row, "at"), zone)
        named = text(row, "account_id")
        whose = {books.identity.account(named)} if named else books.identity.accounts_of(books.identity.person(text(row, "person_id")))
        if at and account in whose and _bad(text(row, "kind"), text(row, "value")):
            on = local_day(at, zone)
            if horizon - timedelta(days=90) < on <= horizon and on >= _since(books, account):
                yield "feedback", on, None, mrr, f"{text(row, 'kind')}: {text(row, 'value')}"


def _bad(kind: str, value: str) -> bool:
    try:
        return kind == "churn_reason" or Decimal(value) <= {"nps": 6, "csat": 2}[kind]
    except InvalidOperation:
        return value == "bad"


def _visits(books: Books, account: str, mrr: Fraction) -> Iterator[Piece]:
    horizon, first = books.coverage.horizon, books.coverage.first("events")
    if first is None or first > horizon - timedelta(days=29):
        return
    people = books.identity.people_of.get(account, set()) - books.identity.internal
    days = [visit.views[-1].day for person in people for visit in books.visits.by_visitor.get(person, [])]
    days = [day_ for day_ in days if _since(books, account) <= day_ <= horizon]
    if days and max(days) <= horizon - timedelta(days=30):
        yield "quiet", max(days), None, mrr, (horizon - max(days)).days


def _falls(books: Books, account: str, mrr: Fraction) -> Iterator[Piece]:
    horizon = books.coverage.horizon
    for one in books.revenue.movements:
        if one.account == account and one.kind == "contraction" and max(_since(books, account), horizon - timedelta(days=89)) <= one.on <= horizon:
            yield "contraction", one.on, None, mrr, one.amount
