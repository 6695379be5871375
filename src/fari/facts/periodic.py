"""Facts with one row per thing and period, made when a question is asked: `spans`, `days` and `edges` are the question's periods.

`spans` (period, grain, period_day) says which stored periods make up each asked one, `days` (period, day) its days, `edges`
(period, opening_day, last_day, from_day, until_day) its ends.
"""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.money import MONEY
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
    rows = settled(stored).inner_join(spans, ["grain", "period_day"])
    by = ["period", "kind", "visitor", *more]
    direct = (rows.channel == DIRECT).ifelse(1, 0)
    ranked = rows.mutate(
        nth=ibis.row_number().over(ibis.window(group_by=by, order_by=[rows.first_at, rows.first_visit, rows.period_day])),
        nth_placed=ibis.row_number().over(ibis.window(group_by=by, order_by=[direct, rows.started_at, rows.visit_id, rows.period_day])),
    )
    one = ranked.filter(ranked.nth == 0).select(*by, "campaign", "country", "device")
    two = ranked.filter(ranked.nth_placed == 0).select(*by, "channel", "rule", "visit_id", "started_at", "origin")
    joined = settled(one).inner_join(two, by)
    return joined.select(*by, *[joined[name] for name in ("campaign", "country", "device", "channel", "rule", "visit_id", "started_at", "origin")])


def signup_periods(signups: Table, days: Table) -> Table:
    """Users who signed up in each period: the first sign-up in it speaks for the user."""
    rows = settled(signups).inner_join(days, signups.day == days.one_day)
    nth = ibis.row_number().over(ibis.window(group_by=["period", "person"], order_by=[rows["at"], rows.message_id]))
    first = rows.mutate(nth=nth, one=ibis.literal(1, "int64"))
    return first.filter(first.nth == 0).drop("nth")


def account_periods(levels: Table, edges: Table) -> Table:
    """Accounts that were customers at the start of each period: what they paid then and what they pay at its end."""
    columns = ("account", "channel", "campaign", "rule", "country", "persona", "plan", "currency", "origin")
    opening = settled(levels).inner_join(edges, [levels.from_day <= edges.opening_day, levels.until_day > edges.opening_day])
    opening = opening.filter(opening.customer == 1)
    opening = opening.select(*columns, "period", "last_day", opening=opening.mrr)
    held = levels.select(held_account=levels.account, held_from=levels.from_day, held_until=levels.until_day, held_mrr=levels.mrr)
    joined = settled(opening).left_join(
        held, [opening.account == held.held_account, held.held_from <= opening.last_day, held.held_until > opening.last_day]
    )
    return joined.select(*columns, "period", "opening", closing=ibis.coalesce(joined.held_mrr, ibis.literal(Decimal(0), MONEY)))
