"""Renewals and trials: paid intervals that end, and first trials that become customers or do not."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.accounts import with_account
from fari.facts.money import MONEY
from fari.facts.words import NOT_SET, settled

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
AHEAD = 366
"""So many days after the data's horizon the next payments of a month or less are worked out."""


def trials(terms: Table, daily: Table, account_facts: Table, customer_starts: Table, horizon: Table) -> Table:
    """One row per account that ever had a trial: the day its first began, and whether it has become a customer by the data's horizon."""
    trial = terms.filter(terms.status == "trialing")
    nth = ibis.row_number().over(ibis.window(group_by="account", order_by=[trial.from_day, trial.subscription_id]))
    first = trial.mutate(nth=nth)
    first = first.filter(first.nth == 0).select("account", "origin", day=first.from_day)
    main = daily.select(d_account=daily.account, d_day=daily.day, plan=daily.plan, currency=daily.currency)
    first = settled(first).left_join(main, [first.account == main.d_account, first.day == main.d_day])
    first = first.select("account", "origin", "day", plan=ibis.coalesce(first.plan, NOT_SET), currency=ibis.coalesce(first.currency, NOT_SET))
    starts = customer_starts.select(c_account=customer_starts.account, first_day=customer_starts.first_day)
    joined = settled(first).left_join(starts, first.account == starts.c_account).cross_join(horizon)
    won = joined.first_day.notnull() & (joined.first_day <= joined.horizon_day)
    return with_account(joined.select("account", "plan", "currency", "origin", "day", converted=won.ifelse(1, 0).cast("int64")), account_facts)


def renewals(terms: Table, months: Table, calendar_days: Table, account_facts: Table) -> Table:
    """One row per paid interval longer than a month that is completed: the last day paid for, and whether it still runs the day after.

    Of what runs on, those still to come are among them, up to two years after the data's horizon. `left_out` marks those not made where
    the account goes on in another subscription.
    """
    return with_account(_taken_over(_completed(terms, months, calendar_days, longer=True), terms), account_facts)


def short_renewals(terms: Table, months: Table, calendar_days: Table, account_facts: Table, horizon: Table) -> Table:
    """The same of intervals of a month or less, as far as they are completed in the 366 days after the data's horizon."""
    near = horizon.select(last_known="horizon_day")
    ahead = settled(months.cross_join(near))
    ahead = ahead.filter((ahead.first_day + ahead.days > ahead.last_known) & (ahead.first_day <= ahead.last_known + AHEAD + 1)).drop("last_known")
    days = settled(calendar_days.cross_join(near))
    days = days.filter((days.one_day > days.last_known) & (days.one_day <= days.last_known + AHEAD + 1)).drop("last_known")
    rows = settled(_completed(terms, ahead, days, longer=False).cross_join(near))
    rows = rows.filter((rows.day > rows.last_known) & (rows.day <= rows.last_known + AHEAD)).drop("last_known")
    return with_account(rows, account_facts)


def _completed(terms: Table, months: Table, calendar_days: Table, *, longer: bool) -> Table:
    """Paid intervals completed in these months and days: of those longer than a month, or of the others."""
    # One row per stretch as it was told, whether or not it lapsed on the way.
    whole = terms.filter(terms.from_day == terms.starts_day)
    paid = whole.filter(whole.status.isin(["active", "past_due"]) & (whole.price > ibis.literal(Decimal(0), MONEY)))
    # Nowhere 0: an engine may divide by it before it filters.
    step_months = (ibis.cases(*[(paid.interval == n, m) for n, m in _MONTHS.items()], else_=1) * paid.interval_count).cast("int32")
    step_days = (ibis.cases(*[(paid.interval == n, d) for n, d in _DAYS.items()], else_=1) * paid.interval_count).cast("int32")
    paid = paid.mutate(step_months=step_months, step_days=step_days)
    paid = paid.mutate(paid_by=paid.interval, paid_count=paid.interval_count)
    columns = ("subscription_id", "account", "plan", "currency", "paid_by", "paid_count", "cancelled_day", "origin", "starts_day", "ends_day")
    by_month = paid.filter(paid.interval.isin(list(_MONTHS)) & (paid.step_months > 1 if longer else paid.step_months == 1))
    by_month = settled(by_month).inner_join(months, [months.calendar_month > by_month.month_no, months.first_day <= by_month.ends_day])
    if longer:
        by_month = by_month.filter((by_month.calendar_month - by_month.month_no) % by_month.step_months == 0)
    due = (by_month.first_day + ibis.least(by_month.dom, by_month.days) - 1).cast("int32")
    by_month = by_month.select(*columns, due_day=due)
    # Longer than a month: five weeks and more, 31 days and more (52/12 weeks, 365/12 days a month).
    long_ = ((paid.interval == "week") & (paid.interval_count >= 5)) | ((paid.interval == "day") & (paid.interval_count >= 31))
    by_day = paid.filter(paid.interval.isin(list(_DAYS)) & (long_ if longer else ~long_))
    by_day = settled(by_day).inner_join(calendar_days, [calendar_days.one_day > by_day.starts_day, calendar_days.one_day <= by_day.ends_day])
    by_day = by_day.filter((by_day.one_day - by_day.starts_day) % by_day.step_days == 0)
    by_day = by_day.select(*columns, due_day=by_day.one_day.cast("int32"))
    due_rows = by_month.union(by_day, distinct=False)
    due_rows = due_rows.filter((due_rows.due_day > due_rows.starts_day) & (due_rows.due_day <= due_rows.ends_day))
    # Where a later stretch of the subscription runs on the last day paid for, that one speaks for it.
    later = whole.select(l_id=whole.subscription_id, l_from=whole.starts_day, l_until=whole.ends_day)
    over = settled(due_rows).inner_join(
        later,
        [
            due_rows.subscription_id == later.l_id,
            later.l_from > due_rows.starts_day,
            later.l_from < due_rows.due_day,
            later.l_until >= due_rows.due_day,
        ],
    )
    over = over.select(o_id=over.subscription_id, o_start=over.starts_day, o_due=over.due_day).distinct()
    due_rows = settled(due_rows).left_join(
        over, [due_rows.subscription_id == over.o_id, due_rows.starts_day == over.o_start, due_rows.due_day == over.o_due]
    )
    due_rows = due_rows.filter(due_rows.o_id.isnull()).select(*columns, "due_day")
    after = whole.select(s_id=whole.subscription_id, s_from=whole.starts_day, s_until=whole.ends_day)
    on = settled(due_rows).inner_join(
        after, [due_rows.subscription_id == after.s_id, after.s_from <= due_rows.due_day, after.s_until > due_rows.due_day]
    )
    still = on.select(k_id=on.subscription_id, k_day=on.due_day).distinct()
    joined = settled(due_rows).left_join(still, [due_rows.subscription_id == still.k_id, due_rows.due_day == still.k_day])
    return joined.select(*columns, day=(joined.due_day - 1).cast("int32"), renewed=joined.k_id.notnull().ifelse(1, 0).cast("int64"))


def _taken_over(rows: Table, terms: Table) -> Table:
    """`left_out` 1 where a renewal was not made, but another paid subscription of the account begins on the day after, give or take one."""
    paid = terms.filter(
        (terms.from_day == terms.starts_day) & terms.status.isin(["active", "past_due"]) & (terms.price > ibis.literal(Decimal(0), MONEY))
    )
    begun = paid.select(b_id=paid.subscription_id, b_account=paid.account, b_day=paid.starts_day)
    lost = rows.filter(rows.renewed == 0)
    near = settled(lost).inner_join(
        begun,
        [lost.account == begun.b_account, lost.subscription_id != begun.b_id, begun.b_day >= lost.day, begun.b_day <= lost.day + 2],
    )
    followed = near.select(f_id=near.subscription_id, f_day=near.day).distinct()
    joined = settled(rows).left_join(followed, [rows.subscription_id == followed.f_id, rows.day == followed.f_day])
    return joined.mutate(left_out=joined.f_id.notnull().ifelse(1, 0).cast("int64")).drop("f_id", "f_day")
