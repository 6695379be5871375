"""What billing exports: Stripe's subscriptions and customers as its API gives them, and exchange rates."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from fari.demo.csv_file import write_rows
from fari.demo.days import DAY, Months, add_months, local, midnight
from fari.demo.journeys import PAST_MONTHS
from fari.demo.market import RATES
from fari.demo.people import Account, Discount, Subscription


def write_subscriptions(path: Path, subscriptions: Sequence[Subscription], since: int, until: int) -> bool:
    """The subscriptions in which something happened in [since, until), as they are at `until`."""
    return _write(path, [_subscription(one, until) for one in subscriptions if any(since <= at < until for at in one.moments)], "/v1/subscriptions")


def write_customers(path: Path, accounts: Sequence[Account], since: int, until: int) -> bool:
    """The customers that were made in [since, until)."""
    return _write(path, [_customer(one) for one in accounts if one.since and since <= one.since < until], "/v1/customers")


def write_rates(path: Path, months: Months, month: int, seed: int) -> bool:
    """The month's daily rates; with the first month also those of the years before, by month."""
    rows = []
    for currency, base in RATES.items():
        rng, rate = Random(f"rate {currency} {seed}"), base
        past = [add_months(months.first, n) for n in range(-PAST_MONTHS - 1, 0)]
        for day in (*past, *months.days):
            rate = min(base * 1.08, max(base * 0.92, rate * rng.gauss(1, 0.0022)))
            mine = 0 if day < months.first else (day.year - months.first.year) * 12 + day.month - months.first.month
            if mine == month:
                rows.append((day.isoformat(), currency, f"{rate:.5f}"))
    return write_rows(path, ("day", "currency", "rate"), rows)


def _write(path: Path, objects: list[dict[str, Any]], url: str) -> bool:
    if objects:
        # One object a line: readable, and much faster than indenting.
        data = ",\n".join(map(json.dumps, objects))
        path.write_text(f'{{"object": "list", "url": "{url}", "has_more": false, "data": [\n{data}\n]}}\n', encoding="utf-8")
    return bool(objects)


def _customer(account: Account) -> dict[str, Any]:
    return {
        "id": account.customer_id, "object": "customer", "address": {"city": None, "country": account.country.code, "line1": None},
        "balance": 0, "created": account.since, "currency": account.country.currency.lower(), "delinquent": False, "description": None,
        "email": account.people[0].email, "livemode": True, "metadata": {"company": account.group_id}, "name": account.name,
    }  # fmt: skip


def _subscription(one: Subscription, now: int) -> dict[str, Any]:
    ended = one.end if one.end and one.end < now else None
    clicked = one.clicked if one.clicked and one.clicked < now else None
    unpaid = bool(one.unpaid) and one.unpaid < now
    status = "canceled" if ended else "past_due" if unpaid else "trialing" if one.trial_end > now else "active"
    begins, ends = _period(one, min(now, ended or now))
    currency = one.account.country.currency.lower()
    sub_id, left = f"sub_LD{one.number:08d}", one.ending in ("left", "outage", "trial")
    reason = "payment_failed" if ended and one.ending == "unpaid" else "cancellation_requested" if clicked and left else None
    discount = _discount(one.discount, sub_id) if one.discount and one.discount.start < now else None
    price = {
        "id": f"price_{one.plan.lower()}_{one.interval}_{currency}{'_2' if one.raised else ''}", "object": "price", "active": True,
        "billing_scheme": "per_unit", "currency": currency, "nickname": one.plan, "product": f"prod_{one.plan.lower()}",
        "recurring": {"interval": one.interval, "interval_count": 1, "usage_type": "licensed"}, "type": "recurring",
        "unit_amount": one.cents, "unit_amount_decimal": str(one.cents),
    }  # fmt: skip
    item = {
        "id": f"si_LD{one.number:08d}", "object": "subscription_item", "created": one.start, "current_period_end": ends,
        "current_period_start": begins, "price": price, "quantity": one.seats, "subscription": sub_id,
    }  # fmt: skip
    pending = bool(clicked and not ended and one.at_period_end)
    return {
        "id": sub_id, "object": "subscription", "billing_cycle_anchor": one.trial_end or one.start, "cancel_at": one.end if pending else None,
        "cancel_at_period_end": pending, "canceled_at": clicked if ended or pending else None,
        "cancellation_details": {"comment": None, "feedback": one.feedback or None if clicked and left else None, "reason": reason},
        "collection_method": "charge_automatically", "created": one.start, "currency": currency, "current_period_end": ends,
        "current_period_start": begins, "customer": one.account.customer_id, "discount": discount, "ended_at": ended,
        "items": {"object": "list", "data": [item], "has_more": False, "url": f"/v1/subscription_items?subscription={sub_id}"},
        "livemode": True, "metadata": {}, "pause_collection": None, "start_date": one.start, "status": status,
        "trial_end": one.trial_end or None, "trial_start": one.start if one.trial_end else None,
    }  # fmt: skip


def _period(one: Subscription, at: int) -> tuple[int, int]:
    """The paid (or trial) period an instant lies in."""
    if one.trial_end > at:
        return one.start, one.trial_end
    anchor = local(one.trial_end or one.start).date()
    clock, step = (one.trial_end or one.start) - midnight(anchor), 12 if one.interval == "year" else 1

    def edge(n: int) -> int:
        return midnight(add_months(anchor, n * step)) + clock

    number = max(0, (at - edge(0)) // (DAY * 31 * step) - 1)
    while edge(number + 1) <= at:
        number += 1
    # A payment that failed opens a period too; one that was paid to its end has not opened the next.
    if one.end and edge(number) == at and at == one.end:
        number = max(0, number - 1)
    return edge(number), edge(number + 1)


def _discount(one: Discount, sub_id: str) -> dict[str, Any]:
    coupon = {
        "id": f"{one.duration}{one.percent}", "object": "coupon", "amount_off": None, "currency": None, "duration": one.duration,
        "duration_in_months": one.months or None, "name": f"{one.percent}% off", "percent_off": one.percent,
    }  # fmt: skip
    return {"id": f"di_{sub_id[4:]}", "object": "discount", "coupon": coupon, "start": one.start, "end": one.end or None, "subscription": sub_id}
