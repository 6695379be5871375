"""Calendar dates of day numbers, in whole numbers alone: no engine is asked what a month is."""

import ibis
from ibis.expr.types import IntegerColumn, StringColumn, Table

from fari.facts.money import multiples

_FIRST_MARCH_1900 = -25_508
"""From here on every fourth year has a leap day, and it is that year's last, until 2100-02-28."""


def dated(t: Table, day: str, month: str, day_of_month: str) -> Table:
    """`t` with the month (12 × year + month) and the day of the month, from 1, of a day number; exact from 1900-03-01 to 2100-02-28.

    Source: counting in years that begin in March, whose months come in fives of 153 days. Step by step, so that the SQL stays short.
    """
    steps = t.mutate(since_march_1900=t[day].cast("int64") - ibis.literal(_FIRST_MARCH_1900, "int64"))
    steps = steps.mutate(march_year=multiples(4 * steps.since_march_1900 + 3, 1461))
    steps = steps.mutate(since_march=steps.since_march_1900 - multiples(1461 * steps.march_year, 4))
    steps = steps.mutate(march_month=multiples(5 * steps.since_march + 2, 153))
    return steps.select(
        *[steps[name] for name in t.columns],
        **{
            month: 12 * (1900 + steps.march_year) + steps.march_month + 3,
            day_of_month: steps.since_march - multiples(153 * steps.march_month + 2, 5) + 1,
        },
    )


def month_name(month: IntegerColumn) -> StringColumn:
    """A month (12 × year + month) as it is typed: 2025-03."""
    year = multiples(month - 1, 12)
    of_year = month - 12 * year
    return year.cast("string").concat((of_year < 10).ifelse("-0", "-"), of_year.cast("string"))
