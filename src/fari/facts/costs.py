"""Costs: sales and marketing spend per day, in the company's money; a cost without a channel is shared by all."""

from decimal import Decimal

import ibis
from ibis.expr.types import Table

from fari.facts.money import MONEY, converted, half_up, micros_to_money
from fari.facts.words import settled


def costs(spend: Table, fx: Table, home: Table, calendar_days: Table) -> Table:
    """One row per cost and day, converted at that day's rate.

    What is given for several days is spread evenly over them, the last taking the rounding; `booked_day` is the first of them, by which
    costs of two files of one name are told apart.
    """
    rows = spend.select(
        "channel",
        "campaign",
        "purpose",
        "currency",
        "platform",
        "origin",
        "amount",
        cost_kind=spend.kind,
        booked_day=spend.day_day,
        day=spend.day_day,
        until=ibis.coalesce(spend.until_day, spend.day_day + 1),
    )
    rows = rows.mutate(days=(rows.until - rows.day).cast("int64"))
    single = rows.filter(rows.days == 1).drop("until", "days")
    several = rows.filter(rows.days > 1)
    several = settled(several).inner_join(calendar_days, [calendar_days.one_day >= several.day, calendar_days.one_day < several.until])
    micros = (several.amount * 1_000_000).cast("int64")
    share = half_up(micros, several.days)
    each = (several.one_day == several.until - 1).ifelse(micros - share * (several.days - 1), share)
    spread = several.select(
        *[several[name] for name in single.columns if name not in ("day", "amount")], day=several.one_day.cast("int32"), amount=micros_to_money(each)
    )
    daily = single.union(spread.select(*single.columns), distinct=False)
    rows = converted(daily, fx, home, "day", "amount", "exchanged")
    zero = ibis.literal(Decimal(0), MONEY)
    return rows.mutate(amount=ibis.coalesce(rows.exchanged, zero), left_out=rows.exchanged.isnull().ifelse(1, 0).cast("int64")).drop("exchanged")
