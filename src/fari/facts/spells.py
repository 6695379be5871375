"""Customers from their first paid day on: the month and the contract they began with, and how long the first spell lasted."""

from decimal import Decimal

import ibis
from ibis.expr.types import IntegerColumn, Table

from fari.facts.dates import dated, month_name
from fari.facts.money import MONEY, half_up, multiples
from fari.facts.words import NOT_SET, TERMS, settled

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def acquisitions(customer_starts: Table, held_terms: Table) -> Table:
    """Per customer its cohort (the month of its first paid day) and its term (how often its largest subscription of that day is renewed).

    Of subscriptions equally large the shortest term counts.
    """
    starts = dated(customer_starts, "first_day", "from_month", "from_dom")
    paid = held_terms.filter((held_terms.value > ibis.literal(Decimal(0), MONEY)) & (held_terms.from_day < held_terms.pays_until))
    own = paid.select("subscription_id", "from_day", "until_day", "value", "alone", owner=paid.account, term_months=_term_months(paid))
    then = settled(starts).inner_join(own, [starts.account == own.owner, own.from_day <= starts.first_day, own.until_day > starts.first_day])
    # Where no two overlap there is one on that day.
    several = then.filter(then.alone == 0)
    order = [several.value.desc(), several.term_months, several.subscription_id]
    several = several.mutate(nth=ibis.row_number().over(ibis.window(group_by="account", order_by=order)))
    main = several.filter(several.nth == 0).select("owner", "term_months")
    main = main.union(then.filter(then.alone == 1).select("owner", "term_months"), distinct=False)
    rows = settled(starts).left_join(main, starts.account == main.owner)
    named = ibis.cases(
        (rows.term_months.isnull(), NOT_SET),
        *[(rows.term_months == months, name) for months, name in TERMS.items()],
        else_=rows.term_months.cast("string").concat(" months"),
    )
    return rows.select(
        "account",
        "first_day",
        "from_month",
        "from_dom",
        cohort=month_name(rows.from_month),
        term=named,
        term_months=ibis.coalesce(rows.term_months, 1),
    )


def _term_months(terms: Table) -> IntegerColumn:
    """An interval in months, the nearest whole number of them for weeks and days, at least 1."""
    count = terms.interval_count.cast("int64")
    months = ibis.cases(*[(terms.interval == name, count * n) for name, n in _MONTHS.items()], else_=0)
    weeks = half_up((terms.interval == "week").ifelse(count * 12, 0), ibis.literal(52, "int64"))
    days = half_up((terms.interval == "day").ifelse(count * 12, 0), ibis.literal(365, "int64"))
    return ibis.greatest(months + weeks + days, 1)


def spells(levels: Table, acquisitions: Table) -> Table:
    """One row per account that ever was a customer: its first paid day and, where it left, at which age it did.

    `lost_age`: after so many months' days it was no customer for the first time; `lost_tenure`: after so many terms of its contract.
    A later return does not mend the spell.
    """
    new = levels.filter(levels.movement == "new")
    about = ("plan", "currency", "channel", "campaign", "rule", "country", "persona", "cohort", "term")
    new = new.select("account", "from_day", *about, "origin")
    churned = levels.filter(levels.movement == "churn")
    lost = churned.group_by("account").aggregate(lost_day=churned.from_day.min())
    lost = dated(lost, "lost_day", "lost_month", "lost_dom").select("lost_day", "lost_month", "lost_dom", l_account=lambda t: t.account)
    # Where rules take a late return for a new customer, the first time counts.
    won = acquisitions.select("first_day", "from_month", "from_dom", "term_months", w_account=acquisitions.account)
    rows = settled(new).inner_join(won, [new.account == won.w_account, new.from_day == won.first_day]).drop("w_account", "first_day")
    rows = settled(rows).left_join(lost, rows.account == lost.l_account).drop("l_account")
    rows = rows.mutate(lost_age=rows.lost_month - rows.from_month + (rows.lost_dom > rows.from_dom).ifelse(1, 0))
    return rows.select(
        "account",
        "from_day",
        "lost_day",
        *about,
        "from_month",
        "from_dom",
        "term_months",
        "lost_age",
        "origin",
        lost_tenure=multiples(rows.lost_age + rows.term_months - 1, rows.term_months),
    )
