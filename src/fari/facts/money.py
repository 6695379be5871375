"""Money: exact arithmetic in millionths, and exchange at the latest rate on or before a day."""

from decimal import Decimal

import ibis
from ibis.expr.types import DecimalValue, IntegerValue, Table

from fari.facts.words import FOREVER, settled

MONEY = "decimal(18,6)"


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


def rated(t: Table, fx: Table, day: str, into: str) -> Table:
    """`t` with `into`: the latest rate of its currency on or before the day; null where there is none, or no day."""
    t, f = settled(t), fx.select(f_currency=fx.fx_currency, f_from=fx.fx_from, f_until=fx.fx_until, f_rate=fx.rate)
    joined = t.left_join(f, [t.currency == f.f_currency, t[day] >= f.f_from, t[day] < f.f_until])
    return joined.select(*[joined[name] for name in t.columns], **{into: joined.f_rate})


def nearest(amount: IntegerValue, by: IntegerValue) -> IntegerValue:
    """Amount (0 or more) / by to the nearest whole number, halves up, exactly.

    Engines divide in DOUBLE and cast to whole numbers each in its own way. So what is divided is a multiple, the quotient is
    rounded, and the few by which a large one may be off are divided once more.
    """
    twice, base = amount * 2 + by, by * 2
    multiple = twice - twice % base
    near = (multiple / base).round()
    return near + ((multiple - near * base) / base).round()


def half_up(amount: IntegerValue, by: IntegerValue) -> IntegerValue:
    """The same of any amount: halves away from 0."""
    exact = nearest(amount.abs(), by)
    return (amount < 0).ifelse(-exact, exact)


def multiples(amount: IntegerValue, by: IntegerValue | int) -> IntegerValue:
    """How many times `by` is in an amount that is not below 0: what is divided is a multiple, which a DOUBLE holds exactly."""
    return ((amount - amount % by) / by).round().cast("int64")


def micros_to_money(micros: IntegerValue) -> DecimalValue:
    """Whole millionths (below 1e18) as money.

    No digit is dropped on the way, since DuckDB takes a hundred times as long to round a product of two scales. Ibis thinks the
    product is money already and would leave out a cast to that; the engines think otherwise, so it goes by another type.
    """
    return (micros.cast("decimal(18,0)") * ibis.literal(Decimal("0.000001"), MONEY)).cast("decimal(19,6)").cast(MONEY)
