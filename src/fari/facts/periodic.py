"""Facts with one row per thing and period, made when a question is asked: `spans`, `days` and `edges` are the question's periods.

`spans` (period, grain, period_day) says which stored periods make up each asked one, `days` (period, day) its days, `edges`
(period, opening_day, last_day, from_day, until_day) its ends.
"""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.money import MONEY
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
    columns = ("account", "channel", "campaign", "rule", "country", "persona", "plan", "currency", "origin")
    opening = settled(levels).inner_join(edges, [levels.from_day <= edges.opening_day, levels.until_day > edges.opening_day])
    opening = opening.filter(opening.customer == 1)
    opening = opening.select(*columns, "period", "last_day", opening=opening.mrr)
    held = levels.select(held_account=levels.account, held_from=levels.from_day, held_until=levels.until_day, held_mrr=levels.mrr)
    joined = settled(opening).left_join(
        held, [opening.account == held.held_account, held.held_from <= opening.last_day, held.held_until > opening.last_day]
    )
    return joined.select(*columns, "period", "opening", closing=ibis.coalesce(joined.held_mrr, ibis.literal(Decimal(0), MONEY)))
