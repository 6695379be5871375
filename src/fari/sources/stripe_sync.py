"""What there is to read of a Stripe account, piece by piece: everything the first time, then what its events say has changed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fari.sources.stripe_api import Api, GoneError
from fari.sources.stripe_lines import subscriptions_of
from fari.sources.stripe_price import id_of, members, text_of

KEPT_DAYS = 30
"""Stripe lists the events of so many days; a day is left for its clock and ours."""
_DAY = 86_400
_LARGE = 2_000
"""About so many objects are stored at once."""

_LISTS: dict[str, dict[str, Any]] = {
    "prices": {"expand": ["data.tiers", "data.currency_options", "data.product"]},
    "coupons": {"expand": ["data.applies_to", "data.currency_options"]},
    "customers": {},
    "subscriptions": {"status": "all", "expand": ["data.discounts.source.coupon", "data.items.data.discounts"]},
    "subscription_schedules": {},
    "invoices": {"expand": ["data.discounts.source.coupon"]},
    "events": {},
}
"""What is listed the first time, in this order, and how."""
_SINGLE: dict[str, tuple[str, dict[str, Any]]] = {
    "subscription": ("subscriptions", {"expand": ["discounts.source.coupon", "items.data.discounts"]}),
    "customer": ("customers", {}),
    "price": ("prices", {"expand": ["tiers", "currency_options", "product"]}),
    "plan": ("prices", {"expand": ["tiers", "currency_options", "product"]}),
    "coupon": ("coupons", {"expand": ["applies_to", "currency_options"]}),
}
"""What an event shows only in part is read again, and how."""

Cursor = Mapping[str, Any]
Objects = list[dict[str, Any]]


def changes(api: Api, cursor: Cursor | None, now: int, since: int | None, say: Callable[[str], None]) -> Iterator[tuple[Objects, Cursor]]:
    """The objects that are new since the cursor, piece by piece, each with the cursor that comes after it; nothing where nothing is.

    Args:
        api: the account.
        cursor: how far it was read; None at first.
        now: this instant, in seconds since 1970.
        since: read everything again, invoices from this instant on.
        say: told what is being read.
    """
    over = cursor is not None and cursor["step"] == "done"
    if cursor is None or since is not None or (over and now - cursor["next"] > (KEPT_DAYS - 1) * _DAY):
        newest, _ = next(api.pages("events"))
        begun = max((one["created"] for one in newest if isinstance(one.get("created"), int)), default=now)
        until = None if cursor is None else cursor.get("until")
        cursor = {"step": next(iter(_LISTS)), "after": None, "next": begun, "seen": _of_second(newest, begun), "invoices": since, "live": api.live}
        cursor |= {"until": until}
        over = False
    yield from _since(api, cursor, say) if over else _everything(api, cursor, say)


def _everything(api: Api, cursor: Cursor, say: Callable[[str], None]) -> Iterator[tuple[Objects, Cursor]]:
    """All lists from where the cursor stands, and a last cursor from which events go on."""
    steps = list(_LISTS)
    for step in steps[steps.index(cursor["step"]) :]:
        following = steps[steps.index(step) + 1] if step != steps[-1] else None
        params = dict(_LISTS[step])
        if step == "invoices" and cursor["invoices"]:
            params["created"] = {"gte": cursor["invoices"]}
        start = cursor["after"] if step == cursor["step"] else None
        count, held = 0, list[dict[str, Any]]()
        for page, after in api.pages(step, start, **params):
            held += [_whole(api, one) for one in page]
            count += len(page)
            say(f"{step.replace('_', ' ')}: {count:,}")
            if after and len(held) >= _LARGE:
                yield held, {**cursor, "step": step, "after": after}
                held = []
        yield held, {**cursor, "step": following or "ended", "after": None}


def _since(api: Api, cursor: Cursor, say: Callable[[str], None]) -> Iterator[tuple[Objects, Cursor]]:
    """The events since the cursor, and as they are now the things that events show only in part."""
    begun, seen = cursor.get("begun") or {}, set(cursor["seen"])
    count, held = 0, list[dict[str, Any]]()
    for page, after in api.pages("events", cursor["after"], created={"gte": cursor["next"]}):
        fresh = [one for one in page if one.get("id") not in seen]
        if not begun and fresh:
            newest = max(int(one["created"]) for one in fresh)
            begun = {"next": newest, "seen": _of_second(page, newest)}
        count += len(fresh)
        say(f"events: {count:,}")
        held += fresh
        if after and len(held) >= _LARGE:
            yield [*_now(api, held, say), *held], {**cursor, "step": "done", "after": after, "begun": begun}
            held = []
    if begun:
        told = {name: value for name, value in cursor.items() if name != "begun"}
        yield [*_now(api, held, say), *held], {**told, "step": "ended", "after": None, **begun}


def _now(api: Api, events: list[dict[str, Any]], say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """What these events are about, as it is now."""
    touched: dict[tuple[str, str], None] = {}
    for event in events:
        body = members(members(event.get("data")).get("object"))
        kind, own = text_of(body.get("object")) or "", id_of(body)
        if kind in _SINGLE and own:
            touched[kind, own] = None
        for subscription in subscriptions_of(body) if kind == "invoice" else ():
            touched["subscription", subscription] = None
    for number, (kind, own) in enumerate(touched, 1):
        path, params = _SINGLE[kind]
        say(f"what has changed: {number:,} of {len(touched):,}")
        try:
            yield _whole(api, api.get(f"{path}/{own}", **params))
        except GoneError:
            continue


def _whole(api: Api, value: dict[str, Any]) -> dict[str, Any]:
    """An object with all its items or lines."""
    if value.get("object") == "subscription":
        return api.whole(value, "items", "subscription_items", subscription=value["id"])
    if value.get("object") == "invoice":
        return api.whole(value, "lines", f"invoices/{value['id']}/lines")
    if value.get("object") == "event":
        data = members(value.get("data"))
        body = data.get("object")
        if isinstance(body, dict) and body.get("object") == "invoice" and id_of(body):
            return {**value, "data": {**data, "object": api.whole(body, "lines", f"invoices/{body['id']}/lines")}}
    return value


def _of_second(events: list[dict[str, Any]], second: int) -> list[str]:
    """The events of one second, which the next reading meets again."""
    return [str(one["id"]) for one in events if one.get("created") == second and one.get("id")]
