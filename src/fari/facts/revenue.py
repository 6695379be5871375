"""Revenue: subscription stretches in the company's money, and accounts' levels of MRR: half-open stretches in which nothing changed."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.accounts import deal_accounts, with_account
from fari.facts.money import MONEY, converted, half_up, micros_to_money
from fari.facts.words import FOREVER, NO_REASON, NOT_SET, PAST_DUE_DAYS, REASON_DAYS, settled

_RATES = {"day": (365, 12), "week": (52, 12), "month": (1, 1), "quarter": (1, 3), "year": (1, 12)}
"""Months' worth of an interval's price, as a fraction (definitions, Monthly value)."""


def terms(subscriptions: Table, account_ids: Table, fx: Table, home: Table) -> Table:
    """One row per stretch of unchanged terms: whose, from and until which day, and its monthly value in the company's currency.

    A past-due stretch falls to nothing on the 31st day after it fell due, so it is two rows.
    """
    joined = settled(subscriptions).left_join(account_ids, subscriptions.account_id == account_ids.id)
    counts = ibis.coalesce(joined.discount_kind, "none").isin(["repeating", "forever"])
    net = joined.amount - counts.ifelse(ibis.coalesce(joined.discount, ibis.literal(Decimal(0), MONEY)), ibis.literal(Decimal(0), MONEY))
    micros = (ibis.greatest(net, ibis.literal(Decimal(0), MONEY)) * 1_000_000).cast("int64")
    up = ibis.cases(*[(joined.interval == name, rate[0]) for name, rate in _RATES.items()], else_=1).cast("int64")
    down = ibis.cases(*[(joined.interval == name, rate[1]) for name, rate in _RATES.items()], else_=1).cast("int64") * ibis.coalesce(
        joined.interval_count, 1
    )
    worth = joined.status.isin(["active", "past_due"])
    rows = joined.select(
        "subscription_id",
        account=ibis.coalesce(joined.account, joined.account_id),
        from_day=joined.starts_on_day,
        until_day=ibis.coalesce(joined.ends_on_day, FOREVER).cast("int32"),
        currency=joined.currency,
        plan=ibis.coalesce(joined.plan, NOT_SET),
        status=joined.status,
        lapses_day=(ibis.coalesce(joined.past_due_on_day, joined.starts_on_day) + PAST_DUE_DAYS).cast("int32"),
        priced=worth.ifelse(micros_to_money(half_up(micros * up, down)), ibis.literal(Decimal(0), MONEY)),
        interval=joined.interval,
        interval_count=ibis.coalesce(joined.interval_count, 1),
        starts_day=joined.starts_on_day,
        dom=joined.starts_on.day().cast("int32"),
        month_no=(joined.starts_on.year() * 12 + joined.starts_on.month()).cast("int32"),
        origin=joined.origin,
    )
    rows = converted(rows, fx, home, "from_day", "priced", "exchanged")
    left_out = rows.exchanged.isnull()
    rows = rows.mutate(price=ibis.coalesce(rows.exchanged, ibis.literal(Decimal(0), MONEY)), ends_day=rows.until_day)
    rows = rows.mutate(value=rows.price, left_out=left_out.ifelse(1, 0).cast("int64")).drop("priced", "exchanged")
    overdue = rows.status == "past_due"
    paid = rows.mutate(
        until_day=overdue.ifelse(ibis.least(rows.until_day, ibis.greatest(rows.lapses_day, rows.from_day)), rows.until_day).cast("int32")
    )
    lapsed = rows.filter(overdue).mutate(
        from_day=ibis.greatest(rows.lapses_day, rows.from_day).cast("int32"), value=ibis.literal(Decimal(0), MONEY), left_out=ibis.literal(0, "int64")
    )
    return paid.union(lapsed.select(*paid.columns), distinct=False).filter(lambda t: t.from_day < t.until_day)


def bounds(terms: Table) -> Table:
    """Per account every day on which one of its stretches begins or ends, and the next such day."""
    begins = terms.select("account", day=terms.from_day)
    ends = terms.filter(terms.until_day < FOREVER).select("account", day=terms.until_day)
    days = begins.union(ends, distinct=True)
    until = days.day.lead(1).over(ibis.window(group_by="account", order_by=days.day))
    return days.select("account", "day", until=ibis.coalesce(until, FOREVER).cast("int32"))


def daily(terms: Table, bounds: Table) -> Table:
    """Per account and stretch of days between two bounds: MRR, main plan and currency, and what else runs then.

    Where two stretches of one subscription overlap, the later start wins.
    """
    own = terms.select(
        owner=terms.account,
        **{
            n: terms[n]
            for n in ("subscription_id", "from_day", "until_day", "starts_day", "currency", "plan", "status", "value", "left_out", "origin")
        },
    )
    running = settled(bounds).inner_join(own, [bounds.account == own.owner, own.from_day <= bounds.day, own.until_day > bounds.day])
    wins = ibis.row_number().over(
        ibis.window(group_by=["account", "day", "subscription_id"], order_by=[running.starts_day.desc(), running.value.desc(), running.origin])
    )
    one = running.mutate(nth=wins)
    one = one.filter(one.nth == 0)
    top = one.mutate(largest=one.value.max().over(ibis.window(group_by=["account", "day"])))
    main = top.value == top.largest
    summed = top.group_by(["account", "day", "until"]).aggregate(
        mrr=top.value.sum().cast(MONEY),
        plan=main.ifelse(top.plan, ibis.null("string")).min(),
        currency=main.ifelse(top.currency, ibis.null("string")).min(),
        paused=(top.status == "paused").ifelse(1, 0).max(),
        overdue=(top.status == "past_due").ifelse(1, 0).max(),
        left_out=top.left_out.sum().cast("int64"),
        origin=main.ifelse(top.origin, ibis.null("string")).min(),
    )
    held = summed.select(
        h_account=summed.account, h_day=summed.day, **{n: summed[n] for n in ("mrr", "plan", "currency", "paused", "overdue", "left_out", "origin")}
    )
    joined = settled(bounds).left_join(held, [bounds.account == held.h_account, bounds.day == held.h_day])
    return joined.select(
        "account",
        "day",
        "until",
        mrr=ibis.coalesce(joined.mrr, ibis.literal(Decimal(0), MONEY)),
        plan=joined.plan,
        currency=joined.currency,
        paused=ibis.coalesce(joined.paused, 0),
        overdue=ibis.coalesce(joined.overdue, 0),
        left_out=ibis.coalesce(joined.left_out, 0),
        origin=joined.origin,
    )


def subscription_levels(daily: Table) -> Table:
    """Per account half-open stretches of unchanged MRR, plan and currency, with the level before and the movement that began them."""
    order = ibis.window(group_by="account", order_by=daily.day)
    past = ibis.window(group_by="account", order_by=daily.day, preceding=None, following=0)
    zero = ibis.literal(Decimal(0), MONEY)
    t = daily.mutate(
        before=ibis.coalesce(daily.mrr.lag(1).over(order), zero),
        plan_before=daily.plan.lag(1).over(order),
        currency_before=daily.currency.lag(1).over(order),
        paused_before=ibis.coalesce(daily.paused.lag(1).over(order), 0),
        origin_before=daily.origin.lag(1).over(order),
        peak=daily.mrr.max().over(past),
    )
    ever = ibis.coalesce(t.peak.lag(1).over(ibis.window(group_by="account", order_by=t.day)), zero)
    t = t.mutate(ever=ever)
    swapped = (t.mrr > zero) & ((t.plan != t.plan_before) | (t.currency != t.currency_before))
    changed = t.filter((t.mrr != t.before) | swapped)
    until = changed.day.lead(1).over(ibis.window(group_by="account", order_by=changed.day))
    movement = ibis.cases(
        ((changed.before == zero) & (changed.mrr > zero) & (changed.ever == zero), "new"),
        ((changed.before == zero) & (changed.mrr > zero), "reactivation"),
        ((changed.before > zero) & (changed.mrr == zero), "churn"),
        (changed.mrr > changed.before, "expansion"),
        (changed.mrr < changed.before, "contraction"),
        else_="none",
    )
    label = ibis.cases(
        ((movement == "churn") & (changed.paused == 1), "pause"),
        ((movement == "churn") & (changed.overdue == 1), "involuntary"),
        ((movement == "reactivation") & (changed.paused_before == 1), "resume"),
        else_="",
    )
    gone = changed.mrr == zero
    return changed.select(
        "account",
        from_day=changed.day,
        until_day=ibis.coalesce(until, FOREVER).cast("int32"),
        mrr=changed.mrr,
        before=changed.before,
        customer=(changed.mrr > zero).ifelse(1, 0).cast("int64"),
        customer_before=(changed.before > zero).ifelse(1, 0).cast("int64"),
        movement=movement,
        label=label,
        plan=ibis.coalesce(gone.ifelse(changed.plan_before, changed.plan), NOT_SET),
        currency=ibis.coalesce(gone.ifelse(changed.currency_before, changed.currency), NOT_SET),
        left_out=changed.left_out,
        origin=ibis.coalesce(gone.ifelse(changed.origin_before, changed.origin), changed.origin, changed.origin_before),
    )


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
    zero = ibis.literal(Decimal(0), MONEY)
    first = rows.group_by("account").aggregate(day=rows.day.min(), origin=rows.origin.min())
    return first.select(
        "account",
        from_day=first.day.cast("int32"),
        until_day=ibis.literal(FOREVER, "int32"),
        mrr=zero,
        before=zero,
        customer=ibis.literal(1, "int64"),
        customer_before=ibis.literal(0, "int64"),
        movement=ibis.literal("new"),
        label=ibis.literal(""),
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
    kind = ibis.cases((first.status == "trialing", "trial"), (first.value == ibis.literal(Decimal(0), MONEY), "freemium"), else_="paid")
    return first.select("account", first_kind=kind)


def levels(account_levels: Table, account_facts: Table, feedback: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Account levels with the account's dimensions and, on a churn, the reason given for it."""
    rows = with_account(account_levels, account_facts)
    given = feedback.filter((feedback.kind == "churn_reason") & feedback.value.notnull())
    by_account = given.filter(given.account_id.notnull())
    by_account = settled(by_account).left_join(account_ids, by_account.account_id == account_ids.id)
    by_account = by_account.select(
        owner=ibis.coalesce(by_account.account, by_account.account_id), at=by_account["at"], at_day=by_account.at_day, reason=by_account.value
    )
    by_person = given.filter(given.account_id.isnull())
    by_person = settled(by_person).left_join(persons, by_person.person_id == persons.id)
    by_person = by_person.select(
        person=ibis.coalesce(by_person.person, by_person.person_id), at=by_person["at"], at_day=by_person.at_day, reason=by_person.value
    )
    by_person = settled(by_person).left_join(members, by_person.person == members.person)
    by_person = by_person.select(
        owner=ibis.coalesce(by_person.account, by_person.person), at=by_person["at"], at_day=by_person.at_day, reason=by_person.reason
    )
    reasons = by_account.union(by_person, distinct=False)
    churned = rows.filter(rows.movement == "churn")
    told = settled(churned).inner_join(reasons, [churned.account == reasons.owner, reasons.at_day <= churned.from_day + REASON_DAYS])
    nth = ibis.row_number().over(ibis.window(group_by=["account", "from_day"], order_by=[told["at"].desc(), told.reason]))
    told = told.mutate(nth=nth)
    told = told.filter(told.nth == 0).select(r_account=told.account, r_day=told.from_day, reason=told.reason)
    joined = settled(rows).left_join(told, [rows.account == told.r_account, rows.from_day == told.r_day])
    return joined.select(*[joined[name] for name in rows.columns], churn_reason=ibis.coalesce(joined.reason, NO_REASON))
