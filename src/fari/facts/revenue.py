"""Revenue: accounts' levels of MRR, half-open stretches in which nothing changed, and the movements between them."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table, Value

from fari.facts.accounts import deal_accounts, with_account
from fari.facts.money import MONEY
from fari.facts.words import FOREVER, NO_REASON, NOT_SET, REASON_DAYS, settled

_ZERO = ibis.literal(Decimal(0), MONEY)
_NOTHING = {
    "mrr": _ZERO, "drift": _ZERO, "plan": ibis.null("string"), "currency": ibis.null("string"), "runs": ibis.literal(0, "int8"),
    "paused": ibis.literal(0, "int8"), "overdue": ibis.literal(0, "int8"), "left_out": ibis.literal(0, "int64"), "origin": ibis.null("string"),
}  # fmt: skip
"""What there is of an account of which nothing runs."""


_DAY = ("account", "day", "mrr", "drift", "plan", "currency", "runs", "paused", "overdue", "left_out", "origin")


def daily(held_terms: Table) -> Table:
    """Per account every day on which something begins or ends: MRR from then on, main plan and currency, and what else runs.

    Of an account of which no two terms overlap (nearly all) each has its own row, and where one ends and none begins there is nothing;
    only of the others are terms added up.
    """
    one = held_terms.filter(held_terms.alone == 1)
    pays = one.from_day < one.pays_until
    begun = one.select(
        "account",
        day=one.from_day,
        mrr=pays.ifelse(one.value, _ZERO),
        drift=pays.ifelse(one.drift, _ZERO),
        plan=one.plan,
        currency=one.currency,
        runs=ibis.literal(1, "int8"),
        paused=(one.status == "paused").ifelse(1, 0),
        overdue=(one.status == "past_due").ifelse(1, 0),
        left_out=pays.ifelse(one.left_out, ibis.literal(0, "int64")),
        origin=one.origin,
    )
    # What is overdue too long runs on, and is worth nothing.
    lapsed = one.filter(pays & (one.pays_until < one.until_day))
    lapsed = lapsed.select(
        "account", day=lapsed.pays_until, mrr=_ZERO, drift=_ZERO, plan=lapsed.plan, currency=lapsed.currency, runs=ibis.literal(1, "int8"),
        paused=ibis.literal(0, "int8"), overdue=ibis.literal(1, "int8"), left_out=ibis.literal(0, "int64"), origin=lapsed.origin,
    )  # fmt: skip
    ends = one.filter(one.until_day < FOREVER).select("account", day=one.until_day)
    begins = one.select(b_account=one.account, b_day=one.from_day)
    gaps = settled(ends).anti_join(begins, [ends.account == begins.b_account, ends.day == begins.b_day])
    gaps = gaps.select("account", "day", **_NOTHING)
    added = _added(held_terms.filter(held_terms.alone == 0))
    return begun.union(lapsed, gaps.select(*begun.columns), added.select(*begun.columns), distinct=False)


def _added(running: Table) -> Table:
    """The same where terms of an account overlap."""
    days = running.select("account", day=running.from_day)
    days = days.union(running.select("account", day=running.pays_until), running.select("account", day=running.until_day), distinct=True)
    days = days.filter(days.day < FOREVER)
    own = running.select(
        owner=running.account,
        **{n: running[n] for n in ("from_day", "until_day", "pays_until", "currency", "plan", "status", "value", "drift", "left_out", "origin")},
    )
    held = settled(days).inner_join(own, [days.account == own.owner, own.from_day <= days.day, own.until_day > days.day])
    held = held.mutate(worth=(held.day < held.pays_until).ifelse(held.value, _ZERO), paid=(held.day < held.pays_until).ifelse(1, 0))
    held = held.mutate(largest=held.worth.max().over(ibis.window(group_by=["account", "day"])))
    main = held.worth == held.largest
    summed = held.group_by(["account", "day"]).aggregate(
        mrr=held.worth.sum().cast(MONEY),
        drift=(held.day == held.from_day).ifelse(held.drift, _ZERO).sum().cast(MONEY),
        plan=main.ifelse(held.plan, ibis.null("string")).min(),
        currency=main.ifelse(held.currency, ibis.null("string")).min(),
        paused=(held.status == "paused").ifelse(1, 0).max(),
        overdue=(held.status == "past_due").ifelse(1, 0).max(),
        left_out=(held.left_out * held.paid).sum().cast("int64"),
        origin=main.ifelse(held.origin, ibis.null("string")).min(),
    )
    summed = summed.mutate(runs=ibis.literal(1, "int8"))
    told = summed.select(g_account=summed.account, g_day=summed.day)
    gaps = settled(days).anti_join(told, [days.account == told.g_account, days.day == told.g_day]).select("account", "day", **_NOTHING)
    return summed.union(gaps.select(*summed.columns), distinct=False)


def subscription_levels(daily: Table, calendar: Table, rules: Table) -> Table:
    """Per account half-open stretches of unchanged MRR, plan and currency, with the level before and the movement that began them.

    What the rules do not hold for a change (a short gap, a customer of less than a month) is taken out first. What runs without an
    exchange rate has rows of its own, worth nothing.
    """
    steps = _steps(daily)
    out = _taken_out(steps, calendar, rules)
    touched = out.select("account").distinct()
    anew = settled(steps).semi_join(touched, "account").anti_join(out, ["account", "day"])
    anew = _numbered(_changed(anew.select(*_DAY)))
    steps = settled(steps).anti_join(touched, "account").select(*anew.columns).union(anew, distinct=False)
    t = steps.cross_join(rules)
    away = t.day - t.day_before
    back = (t.before == _ZERO) & (t.mrr > _ZERO)
    moved = t.mrr - t.drift
    movement = ibis.cases(
        (back & ((t.nth == 0) | (away > t.return_days)), "new"),
        (back & (t.returns == 1), "reactivation"),
        (back, "expansion"),
        ((t.before > _ZERO) & (t.mrr == _ZERO), "churn"),
        (moved > t.before, "expansion"),
        (moved < t.before, "contraction"),
        else_="none",
    )
    cause = ibis.cases(
        ((movement == "churn") & (t.paused == 1), "pause"),
        ((movement == "churn") & (t.overdue == 1), "involuntary"),
        ((movement == "churn") & (t.runs == 1), "to_free"),
        (movement == "churn", "cancelled"),
        ((movement == "reactivation") & (t.paused_before == 1), "resume"),
        (movement == "reactivation", "returned"),
        (movement == "new", "won"),
        else_="",
    )
    gone = t.mrr == _ZERO
    levels = t.select(
        "account", "mrr", "before", "drift", left_out=ibis.literal(0, "int64"),
        from_day=t.day,
        until_day=ibis.coalesce(t.next_change, FOREVER).cast("int32"),
        customer=(t.mrr > _ZERO).ifelse(1, 0).cast("int64"),
        customer_before=(t.before > _ZERO).ifelse(1, 0).cast("int64"),
        movement=movement,
        cause=cause,
        plan=ibis.coalesce(gone.ifelse(t.plan_before, t.plan), NOT_SET),
        currency=ibis.coalesce(gone.ifelse(t.currency_before, t.currency), NOT_SET),
        origin=ibis.coalesce(gone.ifelse(t.origin_before, t.origin), t.origin, t.origin_before),
    )  # fmt: skip
    return levels.union(_unpriced(daily).select(*levels.columns), distinct=False)


def _unpriced(daily: Table) -> Table:
    """Days on which something runs without an exchange rate, until the account's next: of an account with nothing else no other row would say so."""
    some = daily.filter(daily.left_out > 0).select("account").distinct()
    days = settled(daily).semi_join(some, "account")
    days = days.mutate(next_day=days.day.lead(1).over(ibis.window(group_by="account", order_by=days.day)))
    days = days.filter(days.left_out > 0)
    nothing, none = ibis.literal(0, "int64"), ibis.literal("")
    return days.select(
        "account", "left_out", "origin", mrr=_ZERO, before=_ZERO, drift=_ZERO, customer=nothing, customer_before=nothing, cause=none,
        movement=ibis.literal("none"), from_day=days.day, until_day=ibis.coalesce(days.next_day, FOREVER).cast("int32"),
        plan=ibis.coalesce(days.plan, NOT_SET), currency=ibis.coalesce(days.currency, NOT_SET),
    )  # fmt: skip


_PLACED = ("nth", "day_before", "next_change")


def _steps(daily: Table) -> Table:
    """The changes, numbered. Of an account whose every day is one (nearly all) they are numbered as they are compared: one sorting less."""
    days = _compared(daily)
    changed = days.filter(days.changed == 1)
    still = days.filter(days.changed == 0).select("account")
    mixed = still.group_by("account").aggregate(others=still.count().cast("int64")).select("account")
    renumbered = _numbered(settled(changed).semi_join(mixed, "account").drop(*_PLACED))
    return settled(changed).anti_join(mixed, "account").union(renumbered.select(*changed.columns), distinct=False)


def _changed(days: Table) -> Table:
    """The days on which MRR, or a customer's main plan or currency, is another than before; and what it was."""
    compared = _compared(days)
    return compared.filter(compared.changed == 1).drop(*_PLACED)


def _compared(days: Table) -> Table:
    """Days, numbered, with what there was before each; `changed` where that is another MRR, or another main plan or currency of a customer."""
    order = ibis.window(group_by="account", order_by=days.day)
    t = days.select(
        *_DAY,
        before=ibis.coalesce(days.mrr.lag(1).over(order), _ZERO),
        plan_before=days.plan.lag(1).over(order),
        currency_before=days.currency.lag(1).over(order),
        paused_before=ibis.coalesce(days.paused.lag(1).over(order), 0),
        origin_before=days.origin.lag(1).over(order),
        **_placed(days),
    )
    swapped = (t.mrr > _ZERO) & ((t.plan != t.plan_before) | (t.currency != t.currency_before))
    changed = (t.mrr != t.before) | (t.drift != _ZERO) | ibis.coalesce(swapped, False)
    return t.mutate(changed=changed.ifelse(1, 0).cast("int8"))


def _numbered(changed: Table) -> Table:
    """Days of an account with their number from 0, the day of the one before and that of the next."""
    return changed.mutate(**_placed(changed))


def _placed(days: Table) -> dict[str, Value]:
    order = ibis.window(group_by="account", order_by=days.day)
    return {"nth": ibis.row_number().over(order), "day_before": days.day.lag(1).over(order), "next_change": days.day.lead(1).over(order)}


def _taken_out(steps: Table, calendar: Table, rules: Table) -> Table:
    """Changes that are none under the rules: leaving for a gap that does not count; coming and going within one calendar month."""
    ruled = steps.filter(steps.next_change.notnull()).cross_join(rules)
    ruled = ruled.filter((ruled.gap_days > 0) | (ruled.gap_month == 1) | (ruled.erase_month == 1))
    ruled = ruled.filter(((ruled.before > _ZERO) & (ruled.mrr == _ZERO)) | ((ruled.before == _ZERO) & (ruled.mrr > _ZERO)))
    columns = ("account", "day", "before", "mrr", "next_change", "gap_days", "gap_month", "erase_month")
    ruled = ruled.select(*columns)
    months = calendar.filter(calendar.grain == "month")
    left = months.select(left_day=months.calendar_day, left_month=months.period_day)
    back = months.select(back_day=months.calendar_day, back_month=months.period_day)
    dated = settled(ruled).inner_join(left, ruled.day == left.left_day)
    dated = settled(dated).inner_join(back, dated.next_change == back.back_day)
    same = dated.left_month == dated.back_month
    gap = (dated.mrr == _ZERO) & (((dated.next_change - dated.day) <= dated.gap_days) | ((dated.gap_month == 1) & same))
    spell = (dated.before == _ZERO) & (dated.erase_month == 1) & same
    gaps = dated.filter(gap).select("account", "day")
    spells = settled(dated.filter(spell).select("account", "day", "next_change"))
    # A spell is erased only if what ends it is a loss, not a change of plan: its end is a step to nothing.
    ends = steps.filter(steps.mrr == _ZERO).select(e_account=steps.account, e_day=steps.day)
    spells = spells.inner_join(ends, [spells.account == ends.e_account, spells.next_change == ends.e_day])
    spells = spells.select("account", "day", "next_change")
    lost = spells.select("account", day=spells.next_change)
    return gaps.union(spells.select("account", "day"), distinct=False).union(lost, distinct=True)


def won_levels(deals: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Levels where there is no subscription table: an account is a customer from the day its first deal is won; its MRR is unknown."""
    won = deals.filter((deals.status == "won") & deals.closed_at_day.notnull())
    rows = deal_accounts(won, account_ids, members, persons).select("account", day=lambda t: t.closed_at_day, origin=lambda t: t.origin)
    return _bare_levels(rows)


def stage_levels(first_entries: Table) -> Table:
    """Levels where there are neither subscriptions nor deals: a person is a customer from the day it entered stage customer."""
    entered = first_entries.filter(first_entries.stage == "customer")
    return _bare_levels(entered.select(account=entered.person, day=entered.day, origin=entered.origin))


def _bare_levels(rows: Table) -> Table:
    first = rows.group_by("account").aggregate(day=rows.day.min(), origin=rows.origin.min())
    return first.select(
        "account",
        from_day=first.day.cast("int32"),
        until_day=ibis.literal(FOREVER, "int32"),
        mrr=_ZERO,
        before=_ZERO,
        drift=_ZERO,
        customer=ibis.literal(1, "int64"),
        customer_before=ibis.literal(0, "int64"),
        movement=ibis.literal("new"),
        cause=ibis.literal("won"),
        plan=ibis.literal(NOT_SET),
        currency=ibis.literal(NOT_SET),
        left_out=ibis.literal(0, "int64"),
        origin=first.origin,
    )


def customer_starts(account_levels: Table) -> Table:
    """Per account the first day it was a customer."""
    new = account_levels.filter(account_levels.movement == "new")
    return new.group_by("account").aggregate(first_day=new.from_day.min())


def first_terms(terms: Table) -> Table:
    """Per account how its first subscription began: trial, freemium (at no price) or paid."""
    nth = ibis.row_number().over(ibis.window(group_by="account", order_by=[terms.from_day, terms.subscription_id, terms.value.desc()]))
    first = terms.mutate(nth=nth)
    first = first.filter(first.nth == 0)
    kind = ibis.cases((first.status == "trialing", "trial"), (first.value == _ZERO, "freemium"), else_="paid")
    return first.select("account", "subscription_id", "from_day", first_kind=kind)


def levels(account_levels: Table, account_facts: Table, account_feedback: Table) -> Table:
    """Account levels with the account's dimensions and, on a churn, the reason given for it."""
    rows = with_account(account_levels, account_facts)
    given = account_feedback.filter(account_feedback.kind == "churn_reason")
    reasons = given.select("at", "at_day", owner=given.account, reason=given.value)
    churned = rows.filter(rows.movement == "churn")
    told = settled(churned).inner_join(reasons, [churned.account == reasons.owner, reasons.at_day <= churned.from_day + REASON_DAYS])
    nth = ibis.row_number().over(ibis.window(group_by=["account", "from_day"], order_by=[told["at"].desc(), told.reason]))
    told = told.mutate(nth=nth)
    told = told.filter(told.nth == 0).select(r_account=told.account, r_day=told.from_day, reason=told.reason)
    joined = settled(rows).left_join(told, [rows.account == told.r_account, rows.from_day == told.r_day])
    return joined.select(*[joined[name] for name in rows.columns], churn_reason=ibis.coalesce(joined.reason, NO_REASON))


def lost_spells(levels: Table) -> Table:
    """One row per churn: from the day the account had become a customer, or returned, until the day after it left."""
    came = (levels.mrr > _ZERO) & (levels.before == _ZERO)
    started = came.ifelse(levels.from_day, ibis.null("int32")).max()
    t = levels.mutate(started=started.over(ibis.window(group_by="account", order_by=levels.from_day, preceding=None, following=0)))
    lost = t.filter((t.movement == "churn") & t.started.notnull())
    about = ("account", "channel", "campaign", "rule", "country", "persona", "plan", "currency", "origin")
    return lost.select(*about, from_day=lost.started.cast("int32"), until_day=(lost.from_day + 1).cast("int32"), one=ibis.literal(1, "int64"))
