"""Facts with one row per thing and period, made when a question is asked: `spans`, `days` and `edges` are the question's periods.

`spans` (period, grain, period_day) says which stored periods make up each asked one, `days` (period, day) its days, `edges`
(period, opening_day, last_day, from_day, until_day) its ends.
"""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.dates import dated
from fari.facts.money import MONEY, multiples
from fari.facts.visits import ABOUT
from fari.facts.words import DIRECT, settled


def visitor_periods(visitor_periods: Table, spans: Table) -> Table:
    """Visitors of each asked period: stored rows as they are where one stored period is the asked one, else decided anew over several."""
    return _rolled(visitor_periods, spans, [])


def visitor_contents(visitor_contents: Table, spans: Table) -> Table:
    """The same by content type (reach)."""
    return _rolled(visitor_contents, spans, ["content"])


def whole_visitor_periods(visitor_periods: Table, spans: Table) -> Table:
    """Visitors of asked periods that are stored ones: nothing is to be decided."""
    return settled(visitor_periods).inner_join(spans, ["grain", "period_day"])


def whole_visitor_contents(visitor_contents: Table, spans: Table) -> Table:
    """The same by content type."""
    return settled(visitor_contents).inner_join(spans, ["grain", "period_day"])


def _rolled(stored: Table, spans: Table, more: list[str]) -> Table:
    joined = settled(stored).inner_join(spans, ["grain", "period_day"])
    by = ["period", "kind", "visitor", *more]
    rows = joined.select(*by, "first_at", "started_at", *ABOUT)
    placed = (rows.channel == DIRECT).ifelse(ibis.null("timestamp"), rows.started_at)
    when = rows.group_by(by).aggregate(least_at=rows.first_at.min(), placed_at=placed.min())
    when = when.select(*by, "least_at", decided_at=ibis.coalesce(when.placed_at, when.least_at))
    both = settled(rows).inner_join(when, by)
    first, deciding = both.first_at == both.least_at, both.started_at == both.decided_at
    # A visit that goes on over an edge speaks in two stored periods, and says the same in both.
    return both.group_by(by).aggregate(
        started_at=both.decided_at.min(),
        **{name: first.ifelse(both[name], ibis.null("string")).min() for name in ("campaign", "country", "device")},
        **{name: deciding.ifelse(both[name], ibis.null("string")).min() for name in ("channel", "rule")},
    )


def signup_periods(signups: Table, days: Table) -> Table:
    """Users who signed up in each period: the first sign-up in it speaks for the user."""
    rows = settled(signups).inner_join(days, signups.day == days.one_day)
    nth = ibis.row_number().over(ibis.window(group_by=["period", "person"], order_by=[rows["at"], rows.message_id]))
    first = rows.mutate(nth=nth, one=ibis.literal(1, "int64"))
    return first.filter(first.nth == 0).drop("nth")


def account_periods(levels: Table, edges: Table) -> Table:
    """Accounts that were customers at the start of each period: what they paid then and what they pay at its end."""
    columns = ("account", "channel", "campaign", "rule", "country", "persona", "cohort", "term", "plan", "currency", "origin")
    opening = settled(levels).inner_join(edges, [levels.from_day <= edges.opening_day, levels.until_day > edges.opening_day])
    opening = opening.filter(opening.customer == 1)
    opening = opening.select(*columns, "period", "last_day", opening=opening.mrr)
    levels = levels.filter(levels.left_out == 0)
    held = levels.select(held_account=levels.account, held_from=levels.from_day, held_until=levels.until_day, held_mrr=levels.mrr)
    joined = settled(opening).left_join(
        held, [opening.account == held.held_account, held.held_from <= opening.last_day, held.held_until > opening.last_day]
    )
    return joined.select(*columns, "period", "opening", closing=ibis.coalesce(joined.held_mrr, ibis.literal(Decimal(0), MONEY)))


def lifetimes(spells: Table, edges: Table) -> Table:
    """Accounts that became customers in each period, watched until its last day: their age in whole months, and whether they left at it.

    An account is watched for as many whole months as have passed since its first paid day, and lost at the first month's day on which
    it is no customer; what happens in the month begun since is not looked at yet, neither who leaves nor who stays. `tenure` is the
    same in whole terms of its contract.
    """
    ends = dated(edges, "last_day", "last_month", "last_dom")
    ends = dated(ends.mutate(next_day=(ends.last_day + 1).cast("int32")), "next_day", "next_month", "next_dom")
    rows = settled(spells).inner_join(ends, [spells.from_day >= ends.first_day, spells.from_day < ends.end_day])
    # The 31st's month is over on the last day of a shorter one.
    short = (rows.last_dom < rows.from_dom) & (rows.next_dom != 1)
    rows = rows.mutate(watched=rows.last_month - rows.from_month - short.ifelse(1, 0))
    rows = rows.mutate(watched_terms=multiples(rows.watched, rows.term_months))
    gone = rows.lost_age.notnull() & (rows.lost_age <= rows.watched)
    lapsed = rows.lost_tenure.notnull() & (rows.lost_tenure <= rows.watched_terms)
    columns = [name for name in spells.columns if name not in ("from_month", "from_dom", "term_months", "lost_age", "lost_tenure")]
    return rows.select(
        *columns,
        "period",
        age=gone.ifelse(rows.lost_age, rows.watched).cast("string"),
        gone=gone.ifelse(1, 0).cast("int64"),
        tenure=lapsed.ifelse(rows.lost_tenure, rows.watched_terms).cast("string"),
        lapsed=lapsed.ifelse(1, 0).cast("int64"),
    )
