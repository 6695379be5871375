"""Costs: sales and marketing spend per day, in the company's money; a cost without a channel is shared by all."""

from decimal import Decimal

import ibis
from ibis.expr.types import IntegerColumn, Table

from fari.facts.words import settled
from fari.facts.revenue import MONEY, converted, micros_to_money


def costs(spend: Table, fx: Table, home: Table, calendar_days: Table) -> Table:
    """One row per cost and day. What is given for several days is spread evenly over them, the last taking the rounding."""
    rows = converted(spend, fx, home, "day_day", "amount", "exchanged")
    left_out = rows.exchanged.isnull().ifelse(1, 0).cast("int64")
    zero = ibis.literal(Decimal(0), MONEY)
    rows = rows.select(
        "channel", "campaign", "purpose", "currency", "platform", "origin", cost_kind=rows.kind, day=rows.day_day,
        until=ibis.coalesce(rows.until_day, rows.day_day + 1), amount=ibis.coalesce(rows.exchanged, zero), left_out=left_out,
    )  # fmt: skip
    rows = rows.mutate(days=(rows.until - rows.day).cast("int64"))
    single = rows.filter(rows.days == 1).drop("until", "days")
    several = rows.filter(rows.days > 1)
    several = settled(several).inner_join(calendar_days, [calendar_days.one_day >= several.day, calendar_days.one_day < several.until])
    micros = (several.amount * 1_000_000).cast("int64")
    share = _floor(micros, several.days)
    last = micros - share * (several.days - 1)
    each = (several.one_day == several.until - 1).ifelse(last, share)
    spread = several.select(
        *[several[name] for name in single.columns if name not in ("day", "amount", "left_out")], day=several.one_day.cast("int32"),
        amount=micros_to_money(each),
        left_out=(several.one_day == several.day).ifelse(several.left_out, 0).cast("int64"),
    )  # fmt: skip
    return single.union(spread.select(*single.columns), distinct=False)


def _floor(amount: IntegerColumn, by: IntegerColumn) -> IntegerColumn:
    """amount / by rounded down, also below zero: what is divided is a multiple, so no digit is lost in a DOUBLE."""
    rest = (amount % by + by) % by
    return ((amount - rest) / by).cast("int64")
