"""Searches: one row per month and brand, for the days of the month."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.money import MONEY


def search_rows(searches: Table) -> Table:
    """Volumes with our own beside them, each for the whole days of its month."""
    first = searches.month
    days = ibis.cases(
        (first.month().isin([4, 6, 9, 11]), 30),
        (first.month() != 2, 31),
        ((first.year() % 4 == 0) & ((first.year() % 100 != 0) | (first.year() % 400 == 0)), 29),
        else_=28,
    )
    month_end = (searches.month_day + days).cast("int32")
    return searches.select(
        "brand",
        "origin",
        from_day=searches.month_day,
        until_day=month_end,
        volume=searches.volume,
        own_volume=searches.ours.ifelse(searches.volume, ibis.literal(Decimal(0), MONEY)),
    )
