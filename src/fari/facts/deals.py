"""Deals: stretches of days on which a qualified deal was open, and deals by the day they were created."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.accounts import deal_accounts, with_account
from fari.facts.money import MONEY, converted
from fari.facts.words import FOREVER, settled


def deal_rows(deals: Table, fx: Table, home: Table, account_ids: Table, members: Table, persons: Table, account_facts: Table) -> Table:
    """One row per deal in the company's money. A won or lost deal that has no closing day is a Problem and left out."""
    sound = deals.filter((deals.status == "open") | deals.closed_at_day.notnull())
    rows = converted(sound, fx, home, "created_at_day", "amount", "exchanged")
    rows = rows.mutate(valued=rows.exchanged)
    rows = settled(rows).cross_join(home)
    rows = deal_accounts(rows, account_ids, members, persons)
    zero = ibis.literal(Decimal(0), MONEY)
    weighted = ibis.coalesce((rows.valued * rows.probability).round(6).cast(MONEY), zero)
    open_until = (rows.status == "open").ifelse(ibis.literal(FOREVER, "int32"), rows.closed_at_day)
    made = rows.select(
        "deal_id",
        "account",
        "status",
        "origin",
        currency=ibis.coalesce(rows.currency, rows.home_currency),
        amount=ibis.coalesce(rows.valued, zero),
        weighted=weighted,
        left_out=rows.valued.isnull().ifelse(1, 0).cast("int64"),
        day=rows.created_at_day,
        met=rows.meeting_at_day.notnull().ifelse(1, 0).cast("int64"),
        from_day=ibis.greatest(rows.created_at_day, ibis.coalesce(rows.meeting_at_day, FOREVER)).cast("int32"),
        until_day=open_until.cast("int32"),
    )
    return with_account(made, account_facts)
