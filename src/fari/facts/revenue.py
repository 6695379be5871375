"""Revenue: subscription stretches in the company's money, and accounts' levels of MRR: half-open stretches in which nothing changed."""

from decimal import Decimal

import ibis
from ibis.expr.types import IntegerColumn, Table

from fari.facts.words import FOREVER, NO_REASON, NOT_SET, PAST_DUE_DAYS, REASON_DAYS, UNATTRIBUTED, settled

MONEY = "decimal(18,6)"
_RATES = {"day": (365, 12), "week": (52, 12), "month": (1, 1), "quarter": (1, 3), "year": (1, 12)}
"""Months' worth of an interval's price, as a fraction (definitions, Monthly value)."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def fx(rates: Table) -> Table:
    """Exchange rates as half-open stretches of days, per currency; of two sources' rates for a day the higher counts."""
    one = rates.group_by(["currency", "day_day"]).aggregate(rate=rates.rate.max().cast("decimal(19,12)"))
    until = one.day_day.lead(1).over(ibis.window(group_by="currency", order_by=one.day_day))
    return one.select(fx_currency=one.currency, fx_from=one.day_day, fx_until=ibis.coalesce(until, FOREVER).cast("int32"), rate=one.rate)


def converted(t: Table, fx: Table, home: Table, day: str, amount: str, into: str) -> Table:
    """`t` with `into`: its amount in the company's currency at the latest rate on or before the day; null where there is none."""
    own = settled(t).cross_join(home)
    own = own.mutate(own_currency=ibis.coalesce(own.currency, own.home_currency))
    joined = own.left_join(fx, [own.own_currency == fx.fx_currency, own[day] >= fx.fx_from, own[day] < fx.fx_until])
    exchanged = (joined[amount] * joined.rate).round(6).cast(MONEY)
    value = (joined.own_currency == joined.home_currency).ifelse(joined[amount], exchanged)
    return joined.select(*[joined[name] for name in t.columns], **{into: value})


def terms(subscriptions: Table, account_ids: Table, fx: Table, home: Table) -> Table:
    """One row per stretch of unchanged terms: whose, from and until which day, and its monthly value in the company's currency.

    A past-due stretch falls to nothing on the 31st day after it fell due, so it is two rows.
    """
    joined = settled(subscriptions).left_join(account_ids, subscriptions.account_id == account_ids.id)
    counts = ibis.coalesce(joined.discount_kind, "none").isin(["repeating", "forever"])
    net = joined.amount - counts.ifelse(ibis.coalesce(joined.discount, ibis.literal(Decimal(0), MONEY)), ibis.literal(Decimal(0), MONEY))
    micros = (ibis.greatest(net, ibis.literal(Decimal(0), MONEY)) * 1_000_000).cast("int64")
    up = ibis.cases(*[(joined.interval == name, rate[0]) for name, rate in _RATES.items()], else_=1).cast("int64")
    down = ibis.cases(*[(joined.interval == name, rate[1]) for name, rate in _RATES.items()], else_=1).cast("int64") * ibis.coalesce(joined.interval_count, 1)
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
        priced=worth.ifelse(micros_to_money(_half_up(micros * up, down)), ibis.literal(Decimal(0), MONEY)),
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
    paid = rows.mutate(until_day=overdue.ifelse(ibis.least(rows.until_day, ibis.greatest(rows.lapses_day, rows.from_day)), rows.until_day).cast("int32"))
    lapsed = rows.filter(overdue).mutate(from_day=ibis.greatest(rows.lapses_day, rows.from_day).cast("int32"), value=ibis.literal(Decimal(0), MONEY), left_out=ibis.literal(0, "int64"))
    return paid.union(lapsed.select(*paid.columns), distinct=False).filter(lambda t: t.from_day < t.until_day)


def _half_up(amount: IntegerColumn, by: IntegerColumn) -> IntegerColumn:
    """amount / by to the nearest whole number, halves up, exactly: what is divided is a multiple, and a DOUBLE of it is less than one half off.

    (Rounded, because casts to a whole number round on one engine and cut off on another.)
    """
    twice, base = amount * 2 + by, by * 2
    return ((twice - twice % base) / base).round().cast("int64")


def micros_to_money(micros: IntegerColumn) -> ibis.expr.types.DecimalColumn:
    """Whole millionths as money. (Both factors of one type: Ibis mixes no decimals of different scales.)"""
    return (micros.cast("decimal(25,6)") * ibis.literal(Decimal("0.000001"), "decimal(25,6)")).cast(MONEY)


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
    own = terms.select(owner=terms.account, **{n: terms[n] for n in ("subscription_id", "from_day", "until_day", "starts_day", "currency", "plan", "status", "value", "left_out", "origin")})
    running = settled(bounds).inner_join(own, [bounds.account == own.owner, own.from_day <= bounds.day, own.until_day > bounds.day])
    wins = ibis.row_number().over(ibis.window(group_by=["account", "day", "subscription_id"], order_by=[running.starts_day.desc(), running.value.desc(), running.origin]))
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
    held = summed.select(h_account=summed.account, h_day=summed.day, **{n: summed[n] for n in ("mrr", "plan", "currency", "paused", "overdue", "left_out", "origin")})
    joined = settled(bounds).left_join(held, [bounds.account == held.h_account, bounds.day == held.h_day])
    return joined.select(
        "account", "day", "until", mrr=ibis.coalesce(joined.mrr, ibis.literal(Decimal(0), MONEY)), plan=joined.plan, currency=joined.currency,
        paused=ibis.coalesce(joined.paused, 0), overdue=ibis.coalesce(joined.overdue, 0), left_out=ibis.coalesce(joined.left_out, 0), origin=joined.origin,
    )  # fmt: skip


def subscription_levels(daily: Table) -> Table:
    """Per account half-open stretches of unchanged MRR, plan and currency, with the level before and the movement that began them."""
    order = ibis.window(group_by="account", order_by=daily.day)
    past = ibis.window(group_by="account", order_by=daily.day, preceding=None, following=0)
    zero = ibis.literal(Decimal(0), MONEY)
    t = daily.mutate(
        before=ibis.coalesce(daily.mrr.lag(1).over(order), zero), plan_before=daily.plan.lag(1).over(order), currency_before=daily.currency.lag(1).over(order),
        paused_before=ibis.coalesce(daily.paused.lag(1).over(order), 0), origin_before=daily.origin.lag(1).over(order), peak=daily.mrr.max().over(past),
    )  # fmt: skip
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
        "account", from_day=changed.day, until_day=ibis.coalesce(until, FOREVER).cast("int32"), mrr=changed.mrr, before=changed.before,
        customer=(changed.mrr > zero).ifelse(1, 0).cast("int64"), customer_before=(changed.before > zero).ifelse(1, 0).cast("int64"),
        movement=movement, label=label, plan=ibis.coalesce(gone.ifelse(changed.plan_before, changed.plan), NOT_SET),
        currency=ibis.coalesce(gone.ifelse(changed.currency_before, changed.currency), NOT_SET), left_out=changed.left_out,
        origin=ibis.coalesce(gone.ifelse(changed.origin_before, changed.origin), changed.origin, changed.origin_before),
    )  # fmt: skip


def won_levels(deals: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Levels where there is no subscription table: an account is a customer from the day its first deal is won; its MRR is unknown."""
    won = deals.filter((deals.status == "won") & deals.closed_at_day.notnull())
    rows = deal_accounts(won, account_ids, members, persons).select("account", day=lambda t: t.closed_at_day, origin=lambda t: t.origin)
    return _bare_levels(rows)


def stage_levels(first_entries: Table) -> Table:
    """Levels where there are neither subscriptions nor deals: a person is a customer from the day it entered stage customer."""
    entered = first_entries.filter(first_entries.stage == "customer")
    return _bare_levels(entered.select(account=entered.person, day=entered.day, origin=entered.origin))


def own_members(first_entries: Table) -> Table:
    """Members where people are the customers: each person is its own account."""
    return first_entries.select("person", account=first_entries.person, place=ibis.literal(0, "int64")).distinct()


def _bare_levels(rows: Table) -> Table:
    zero = ibis.literal(Decimal(0), MONEY)
    first = rows.group_by("account").aggregate(day=rows.day.min(), origin=rows.origin.min())
    return first.select(
        "account", from_day=first.day.cast("int32"), until_day=ibis.literal(FOREVER, "int32"), mrr=zero, before=zero, customer=ibis.literal(1, "int64"),
        customer_before=ibis.literal(0, "int64"), movement=ibis.literal("new"), label=ibis.literal(""), plan=ibis.literal(NOT_SET), currency=ibis.literal(NOT_SET),
        left_out=ibis.literal(0, "int64"), origin=first.origin,
    )  # fmt: skip


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


def account_facts(
    account_ids_used: Table, customer_starts: Table, members: Table, internals: Table, visits: Table, contacts: Table, person_facts: Table, accounts: Table, account_ids: Table
) -> Table:
    """Per account: the channel that won it (first touch by its people up to the day it became a customer), country and persona."""
    base = settled(account_ids_used).left_join(customer_starts, account_ids_used.account == customer_starts.account).select("account", "first_day")
    own = settled(members).left_join(internals, members.person == internals.internal_person)
    own = own.filter(own.internal_person.isnull()).select(owner=own.account, person=own.person)
    human = visits.filter(visits.kind == "human")
    seen = settled(own).inner_join(human, own.person == human.visitor)
    seen = seen.select("owner", "started_at", "visit_id", "channel", "campaign", "rule", visit_day=seen.day, touch_origin=seen.origin)
    seen = settled(base).inner_join(seen, base.account == seen.owner)
    seen = seen.filter(seen.first_day.isnull() | (seen.visit_day <= seen.first_day))
    nth = ibis.row_number().over(ibis.window(group_by="account", order_by=[seen.started_at, seen.visit_id]))
    first = seen.mutate(nth=nth)
    first = first.filter(first.nth == 0).select(touched=first.account, visit_channel=first.channel, visit_campaign=first.campaign, visit_rule=first.rule)
    joined = settled(base).left_join(first, base.account == first.touched).select("account", "visit_channel", "visit_campaign", "visit_rule")
    # A person's every record speaks for each of its accounts.
    homes = members.select(m_person=members.person, owner=members.account)
    alone = contacts.inner_join(homes, contacts.person == homes.m_person)
    alone = alone.select(*[alone[name] for name in contacts.columns], owner=alone.owner).distinct()
    order = [alone.created_at.isnull().ifelse(1, 0), alone.created_at, alone.person_id]
    sourced = alone.filter(alone.channel.notnull() & ~alone.internal)
    nth = ibis.row_number().over(ibis.window(group_by="owner", order_by=[sourced.created_at.isnull().ifelse(1, 0), sourced.created_at, sourced.person_id]))
    sourced = sourced.mutate(nth=nth)
    sourced = sourced.filter(sourced.nth == 0).select(s_owner=sourced.owner, crm_channel=sourced.channel, crm_campaign=sourced.campaign)
    earliest = alone.mutate(nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=order)))
    earliest = earliest.filter(earliest.nth == 0).select(e_owner=earliest.owner, e_person=earliest.person)
    own_facts = person_facts.select(f_person=person_facts.person, persona=person_facts.persona)
    earliest = settled(earliest).left_join(own_facts, earliest.e_person == own_facts.f_person).select("e_owner", "persona")
    # An account that is a person has the person's country.
    same = alone.filter((alone.owner == alone.person) & alone.country.notnull())
    same = same.mutate(nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=[same.created_at.isnull().ifelse(1, 0), same.created_at, same.person_id])))
    same = same.filter(same.nth == 0).select(p_owner=same.owner, p_country=same.country)
    named = settled(accounts).left_join(account_ids, accounts.account_id == account_ids.id)
    named = named.select(owner=ibis.coalesce(named.account, named.account_id), country=named.country, account_id=named.account_id, created_at=named.created_at)
    countries = named.filter(named.country.notnull())
    age = [countries.created_at.isnull().ifelse(1, 0), countries.created_at, countries.account_id]
    countries = countries.mutate(nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=age)))
    countries = countries.filter(countries.nth == 0).select(c_owner=countries.owner, country=countries.country)
    joined = settled(joined).left_join(sourced, joined.account == sourced.s_owner).drop("s_owner")
    joined = settled(joined).left_join(earliest, joined.account == earliest.e_owner).drop("e_owner")
    joined = settled(joined).left_join(countries, joined.account == countries.c_owner).drop("c_owner")
    joined = settled(joined).left_join(same, joined.account == same.p_owner).drop("p_owner")
    by_visit, by_crm = joined.visit_channel.notnull(), joined.crm_channel.notnull()
    return joined.select(
        "account",
        channel=ibis.coalesce(joined.visit_channel, joined.crm_channel, UNATTRIBUTED),
        campaign=ibis.cases((by_visit, ibis.coalesce(joined.visit_campaign, NOT_SET)), (by_crm, ibis.coalesce(joined.crm_campaign, NOT_SET)), else_=NOT_SET),
        rule=ibis.cases((by_visit, joined.visit_rule), (by_crm, "crm"), else_="none"),
        country=ibis.coalesce(joined.country, joined.p_country, NOT_SET),
        persona=ibis.coalesce(joined.persona, NOT_SET),
    )


def with_account(rows: Table, account_facts: Table) -> Table:
    """Rows of accounts with the account's channel, campaign, rule, country and persona."""
    facts = account_facts.select(whose=account_facts.account, **{n: account_facts[n] for n in ("channel", "campaign", "rule", "country", "persona")})
    joined = settled(rows).left_join(facts, rows.account == facts.whose)
    return joined.select(
        *[joined[name] for name in rows.columns], channel=ibis.coalesce(joined.channel, UNATTRIBUTED), campaign=ibis.coalesce(joined.campaign, NOT_SET),
        rule=joined.rule, country=ibis.coalesce(joined.country, NOT_SET), persona=ibis.coalesce(joined.persona, NOT_SET),
    )  # fmt: skip


def levels(account_levels: Table, account_facts: Table, feedback: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Account levels with the account's dimensions and, on a churn, the reason given for it."""
    rows = with_account(account_levels, account_facts)
    given = feedback.filter((feedback.kind == "churn_reason") & feedback.value.notnull())
    by_account = given.filter(given.account_id.notnull())
    by_account = settled(by_account).left_join(account_ids, by_account.account_id == account_ids.id)
    by_account = by_account.select(owner=ibis.coalesce(by_account.account, by_account.account_id), at=by_account["at"], at_day=by_account.at_day, reason=by_account.value)
    by_person = given.filter(given.account_id.isnull())
    by_person = settled(by_person).left_join(persons, by_person.person_id == persons.id)
    by_person = by_person.select(person=ibis.coalesce(by_person.person, by_person.person_id), at=by_person["at"], at_day=by_person.at_day, reason=by_person.value)
    by_person = settled(by_person).left_join(members, by_person.person == members.person)
    by_person = by_person.select(owner=ibis.coalesce(by_person.account, by_person.person), at=by_person["at"], at_day=by_person.at_day, reason=by_person.reason)
    reasons = by_account.union(by_person, distinct=False)
    churned = rows.filter(rows.movement == "churn")
    told = settled(churned).inner_join(reasons, [churned.account == reasons.owner, reasons.at_day <= churned.from_day + REASON_DAYS])
    nth = ibis.row_number().over(ibis.window(group_by=["account", "from_day"], order_by=[told["at"].desc(), told.reason]))
    told = told.mutate(nth=nth)
    told = told.filter(told.nth == 0).select(r_account=told.account, r_day=told.from_day, reason=told.reason)
    joined = settled(rows).left_join(told, [rows.account == told.r_account, rows.from_day == told.r_day])
    return joined.select(*[joined[name] for name in rows.columns], churn_reason=ibis.coalesce(joined.reason, NO_REASON))


def account_contents(members: Table, customer_starts: Table, person_contents: Table) -> Table:
    """Per account the content types its people viewed up to the day it became a customer."""
    joined = settled(members).inner_join(person_contents, members.person == person_contents.visitor)
    joined = joined.select(owner=joined.account, content=joined.content, seen_day=joined.seen_day)
    known = settled(joined).inner_join(customer_starts, joined.owner == customer_starts.account)
    return known.filter(known.seen_day <= known.first_day).select("owner", "content").distinct()


def level_contents(levels: Table, account_contents: Table) -> Table:
    """Levels once for every content type the account's people had viewed before it became a customer (reach)."""
    joined = settled(levels).left_join(account_contents, levels.account == account_contents.owner)
    return joined.select(*[joined[name] for name in levels.columns], content=ibis.coalesce(joined.content, NOT_SET))


def deal_accounts(deals: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Deals with the account each is of: its own, else its person's."""
    rows = settled(deals).left_join(account_ids, deals.account_id == account_ids.id)
    rows = rows.select(*[rows[name] for name in deals.columns], named=ibis.coalesce(rows.account, rows.account_id))
    rows = settled(rows).left_join(persons, rows.person_id == persons.id)
    rows = rows.select(*[rows[name] for name in deals.columns], "named", whose=ibis.coalesce(rows.person, rows.person_id))
    # Of a person with several accounts the one named first.
    nth = ibis.row_number().over(ibis.window(group_by="person", order_by=[members.place, members.account]))
    first = members.mutate(nth=nth)
    first = first.filter(first.nth == 0).select(m_person=first.person, home=first.account)
    rows = settled(rows).left_join(first, rows.whose == first.m_person)
    return rows.select(*[rows[name] for name in deals.columns], account=ibis.coalesce(rows.named, rows.home, rows.whose, NOT_SET))


def trials(terms: Table, daily: Table, account_facts: Table, customer_starts: Table, horizon: Table) -> Table:
    """One row per account that ever had a trial: the day its first began, and whether it has become a customer by the data's horizon."""
    trial = terms.filter(terms.status == "trialing")
    nth = ibis.row_number().over(ibis.window(group_by="account", order_by=[trial.from_day, trial.subscription_id]))
    first = trial.mutate(nth=nth)
    first = first.filter(first.nth == 0).select("account", "origin", day=first.from_day)
    main = daily.select(d_account=daily.account, d_from=daily.day, d_until=daily.until, plan=daily.plan, currency=daily.currency)
    first = settled(first).left_join(main, [first.account == main.d_account, main.d_from <= first.day, main.d_until > first.day])
    first = first.select("account", "origin", "day", plan=ibis.coalesce(first.plan, NOT_SET), currency=ibis.coalesce(first.currency, NOT_SET))
    starts = customer_starts.select(c_account=customer_starts.account, first_day=customer_starts.first_day)
    joined = settled(first).left_join(starts, first.account == starts.c_account).cross_join(horizon)
    won = joined.first_day.notnull() & (joined.first_day <= joined.horizon_day)
    return with_account(joined.select("account", "plan", "currency", "origin", "day", converted=won.ifelse(1, 0).cast("int64")), account_facts)


def renewals(terms: Table, months: Table, calendar_days: Table, account_facts: Table) -> Table:
    """One row per paid interval longer than a month that is completed: the last day paid for, and whether it still runs the day after."""
    # One row per stretch as it was told, whether or not it lapsed on the way.
    whole = terms.filter(terms.from_day == terms.starts_day)
    paid = whole.filter(whole.status.isin(["active", "past_due"]) & (whole.price > ibis.literal(Decimal(0), MONEY)))
    step_months = (ibis.cases(*[(paid.interval == n, m) for n, m in _MONTHS.items()], else_=0) * paid.interval_count).cast("int32")
    step_days = (ibis.cases(*[(paid.interval == n, d) for n, d in _DAYS.items()], else_=0) * paid.interval_count).cast("int32")
    paid = paid.mutate(step_months=step_months, step_days=step_days)
    columns = ("subscription_id", "account", "plan", "currency", "origin", "starts_day", "ends_day")
    by_month = paid.filter(paid.step_months > 1)
    by_month = settled(by_month).inner_join(months, [months.calendar_month > by_month.month_no])
    by_month = by_month.filter((by_month.calendar_month - by_month.month_no) % by_month.step_months == 0)
    due = (by_month.first_day + ibis.least(by_month.dom, by_month.days) - 1).cast("int32")
    by_month = by_month.select(*columns, due_day=due)
    # Longer than a month: five weeks and more, 31 days and more (52/12 weeks, 365/12 days a month).
    by_day = paid.filter(((paid.interval == "week") & (paid.interval_count >= 5)) | ((paid.interval == "day") & (paid.interval_count >= 31)))
    by_day = settled(by_day).inner_join(calendar_days, [calendar_days.one_day > by_day.starts_day])
    by_day = by_day.filter((by_day.one_day - by_day.starts_day) % by_day.step_days == 0)
    by_day = by_day.select(*columns, due_day=by_day.one_day.cast("int32"))
    due_rows = by_month.union(by_day, distinct=False)
    due_rows = due_rows.filter((due_rows.due_day > due_rows.starts_day) & (due_rows.due_day <= due_rows.ends_day))
    # Where a later stretch of the subscription runs on the last day paid for, that one speaks for it.
    later = whole.select(l_id=whole.subscription_id, l_from=whole.starts_day, l_until=whole.ends_day)
    over = settled(due_rows).inner_join(
        later, [due_rows.subscription_id == later.l_id, later.l_from > due_rows.starts_day, later.l_from < due_rows.due_day, later.l_until >= due_rows.due_day]
    )
    over = over.select(o_id=over.subscription_id, o_start=over.starts_day, o_due=over.due_day).distinct()
    due_rows = settled(due_rows).left_join(over, [due_rows.subscription_id == over.o_id, due_rows.starts_day == over.o_start, due_rows.due_day == over.o_due])
    due_rows = due_rows.filter(due_rows.o_id.isnull()).select(*columns, "due_day")
    after = whole.select(s_id=whole.subscription_id, s_from=whole.starts_day, s_until=whole.ends_day)
    on = settled(due_rows).inner_join(after, [due_rows.subscription_id == after.s_id, after.s_from <= due_rows.due_day, after.s_until > due_rows.due_day])
    still = on.select(k_id=on.subscription_id, k_day=on.due_day).distinct()
    joined = settled(due_rows).left_join(still, [due_rows.subscription_id == still.k_id, due_rows.due_day == still.k_day])
    rows = joined.select(*columns, day=(joined.due_day - 1).cast("int32"), renewed=joined.k_id.notnull().ifelse(1, 0).cast("int64"))
    return with_account(rows, account_facts)
