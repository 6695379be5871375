"""Causes: what made an account's MRR move, each movement taken apart by what changed in its subscriptions; the parts add up to it."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.money import MONEY, half_up, micros_to_money
from fari.facts.words import FOREVER, settled

_ZERO = ibis.literal(Decimal(0), MONEY)
_NONE = ibis.null("string")
_SUBSCRIPTION = ["account", "subscription_id", "day"]


def level_causes(levels: Table, running: Table) -> Table:
    """Movements of levels, an expansion or contraction once for each cause with what it added (`mrr`, less than 0 where it took away).

    Of one subscription before and after: another plan is `plan`, other seats at the old price are `seats`, the rest of its list price is
    `price`, and what is left is `discount`. A subscription that comes or goes beside others is `add_on`, one that pauses, resumes or is
    overdue too long is named so. What the subscriptions do not explain (a gap the rules do not count) is `other`.
    """
    moved = levels.filter(levels.movement != "none")
    net = moved.filter(moved.movement.isin(["expansion", "contraction"]))
    whole = moved.filter(~moved.movement.isin(["expansion", "contraction"])).mutate(subscription_id=_NONE)
    parts = _parts(_changes(running, net))
    told = parts.group_by(["account", "day"]).aggregate(told=parts.amount.sum().cast(MONEY))
    told = told.select(t_account=told.account, t_day=told.day, told=told.told)
    rest = settled(net).left_join(told, [net.account == told.t_account, net.from_day == told.t_day])
    rest = rest.select(
        "account", day=rest.from_day, subscription_id=_NONE, cause=ibis.literal("other"), origin=rest.origin,
        amount=(rest.mrr - rest.before - rest.drift - ibis.coalesce(rest.told, _ZERO)).cast(MONEY),
    )  # fmt: skip
    parts = parts.select(*rest.columns).union(rest, distinct=False)
    parts = parts.filter(parts.amount != _ZERO)
    parts = parts.select("subscription_id", "amount", p_account="account", p_day="day", p_cause="cause", p_origin="origin")
    split = settled(net).inner_join(parts, [net.account == parts.p_account, net.from_day == parts.p_day])
    split = split.select(*[
        {"mrr": split.amount, "before": _ZERO, "drift": _ZERO, "cause": split.p_cause, "origin": ibis.coalesce(split.p_origin, split.origin)}.get(
            name, split[name] if name in split.columns else _NONE
        ).name(name)
        for name in whole.columns
    ])  # fmt: skip
    return whole.union(split, distinct=False)


def _changes(running: Table, net: Table) -> Table:
    """Per account, subscription and day of an expansion or contraction: what it was worth before and after, and under which terms."""
    paying = running.pays_until > running.from_day
    begun = running.select(
        "account", "subscription_id", day=running.from_day, origin=running.origin, new_value=paying.ifelse(running.value, _ZERO),
        new_list=running.list_value, new_plan=running.plan, new_seats=running.quantity, new_status=running.status, new_start=running.starts_day,
        drift=paying.ifelse(running.drift, _ZERO),
    )  # fmt: skip
    ends = running.filter(running.until_day < FOREVER)
    ended = ends.select(
        "account", "subscription_id", day=ends.until_day, origin=ends.origin, old_value=(ends.pays_until == ends.until_day).ifelse(ends.value, _ZERO),
        old_list=ends.list_value, old_plan=ends.plan, old_seats=ends.quantity, old_status=ends.status, old_start=ends.starts_day,
    )  # fmt: skip
    lapses = running.filter((running.pays_until < running.until_day) & (running.from_day < running.pays_until))
    lapsed = lapses.select(
        "account", "subscription_id", day=lapses.pays_until, origin=lapses.origin, old_value=lapses.value, old_list=lapses.list_value,
        old_plan=lapses.plan, old_seats=lapses.quantity, old_status=lapses.status, old_start=lapses.starts_day,
    )  # fmt: skip
    columns = {**begun.schema(), **ended.schema()}
    blank = {name: ibis.null(kind) for name, kind in columns.items()}
    one = [t.select(**{name: t[name] if name in t.columns else blank[name] for name in columns}) for t in (begun, ended, lapsed)]
    both = one[0].union(one[1], one[2], distinct=False)
    days = net.select(n_account=net.account, n_day=net.from_day)
    both = settled(both).semi_join(days, [both.account == days.n_account, both.day == days.n_day])
    own = _joined(both)
    # A biller may end one subscription and begin another where terms change: of one that ends and one that begins the second goes on.
    ends, begins = own.new_plan.isnull().ifelse(1, 0), own.old_plan.isnull().ifelse(1, 0)
    day = ibis.window(group_by=["account", "day"])
    own = own.mutate(ends=ends, begins=begins, all_ends=ends.sum().over(day).cast("int64"), all_begins=begins.sum().over(day).cast("int64"))
    swapped = ((own.ends == 1) | (own.begins == 1)) & (own.all_ends == 1) & (own.all_begins == 1)
    return _joined(own.mutate(subscription_id=swapped.ifelse("", own.subscription_id)).select(*both.columns))


def _joined(rows: Table) -> Table:
    """Rows of a subscription and day as one: of no two terms at once, there is one before and one after at most."""
    kept = {name: rows[name].max() for name in rows.columns if name not in (*_SUBSCRIPTION, "origin")}
    return rows.group_by(_SUBSCRIPTION).aggregate(
        # The row that brought the new terms, else the one whose terms ended.
        origin=ibis.coalesce(rows.new_plan.notnull().ifelse(rows.origin, _NONE).min(), rows.origin.min()),
        **kept,
    )


def _parts(changes: Table) -> Table:
    """What each change of a subscription adds, by cause."""
    c = changes.mutate(
        was=ibis.coalesce(changes.old_value, _ZERO), now=ibis.coalesce(changes.new_value, _ZERO), fx=ibis.coalesce(changes.drift, _ZERO)
    )
    lone = c.filter((c.was == _ZERO) | (c.now == _ZERO))
    cause = ibis.cases(
        ((lone.now == _ZERO) & (lone.new_status == "paused"), "pause"),
        ((lone.now == _ZERO) & (lone.old_status == "past_due") & lone.new_plan.isnull(), "involuntary"),
        ((lone.was == _ZERO) & (lone.old_status == "paused"), "resume"),
        else_="add_on",
    )
    parts = lone.select(*_SUBSCRIPTION, "origin", cause=cause, amount=(lone.now - lone.was).cast(MONEY))
    b = c.filter((c.was != _ZERO) & (c.now != _ZERO))
    # New terms, and not the old ones at another rate.
    anew = b.new_start != b.old_start
    listed = anew.ifelse(b.new_list - b.old_list, _ZERO)
    other_plan = b.new_plan != b.old_plan
    other_seats = ~other_plan & anew & (b.old_seats > 0) & (b.new_seats > 0) & (b.old_seats != b.new_seats)
    seats = ibis.coalesce(other_seats, False).ifelse(b.new_seats - b.old_seats, 0)
    b = b.mutate(
        listed=listed.cast(MONEY),
        plan=other_plan.ifelse(listed, _ZERO).cast(MONEY),
        seats=micros_to_money(half_up((b.old_list * 1_000_000).cast("int64") * seats, ibis.greatest(ibis.coalesce(b.old_seats, 1), 1))),
    )
    b = b.mutate(price=(b.listed - b.plan - b.seats).cast(MONEY), discount=(b.now - b.was - b.fx - b.listed).cast(MONEY))
    for name in ("plan", "seats", "price", "discount"):
        parts = parts.union(b.select(*_SUBSCRIPTION, "origin", cause=ibis.literal(name), amount=b[name]), distinct=False)
    return parts
