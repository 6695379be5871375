"""Visitors: the one row a visitor has in each day, week and month it viewed a page in, with the visit that decides its channel.

The channel is that of the first visit that is not Direct, else Direct; campaign, country and device are the first visit's.
"""

from collections.abc import Sequence
from typing import Any

import ibis
from ibis.expr.types import Table

from fari.facts.visits import ABOUT, VISIT, WHOSE
from fari.facts.words import DIRECT, settled

NUMBERS = 2**30
"""How many things may be numbered beside the minutes of a visit."""
MINUTES_BEFORE_1970 = 1_040_000_000
"""More than there are from the year 1 on."""
ROW = ("kind", "visitor", "grain", "period_day", "first_at", "started_at", *ABOUT)


def abouts(visits: Table, carried_visits: Table) -> Table:
    """What visits say, each once."""
    return visits.select(*ABOUT).union(carried_visits.select(*ABOUT), distinct=True)


def visitor_days(visits: Table, carried_visits: Table, abouts: Table, calendar: Table) -> Table:
    """One row per visitor and local day."""
    return _decided([visits, carried_visits], abouts, calendar, "day")


def visitor_weeks(
    visits: Table,
    carried_visits: Table,
    abouts: Table,
    visits_before: Table,
    carried_visits_before: Table,
    abouts_before: Table,
    calendar: Table,
) -> Table:
    """One row per visitor and ISO week. A week that began in the part before has visits there too."""
    earlier = [settled(each).anti_join(carried_visits, list(VISIT)) for each in (visits_before, carried_visits_before)]
    return _decided([visits, carried_visits, *earlier], abouts.union(abouts_before, distinct=True), calendar, "week")


def visitor_months(visits: Table, carried_visits: Table, abouts: Table, calendar: Table) -> Table:
    """One row per visitor and month."""
    return _decided([visits, carried_visits], abouts, calendar, "month")


def _decided(visits: Sequence[Table], abouts: Table, calendar: Table, grain: str) -> Table:
    """Per visitor and period what its first visit and the one that decides its channel say.

    What visits say is numbered, so that what goes into the sums are numbers.
    """
    said = abouts.mutate(about_no=ibis.row_number().over(order_by=[abouts[name] for name in ABOUT]).cast("int64"))
    days = calendar.filter(calendar.grain == grain).select("calendar_day", "period_day")
    rows = settled(_together([_in_periods(each, days) for each in visits]))
    rows = settled(rows.inner_join(said, list(ABOUT)).select(*WHOSE, "period_day", "started_at", "channel", "about_no"))
    at, number = rows.started_at, _with_number(rows.started_at, rows.about_no)
    by, direct = [*WHOSE, "period_day"], rows.channel == DIRECT
    when = rows.group_by(by).aggregate(
        first_at=at.min(),
        first=number.min(),
        placed_at=direct.ifelse(ibis.null("timestamp"), at).min(),
        placed=direct.ifelse(ibis.null("int64"), number).min(),
    )
    first_no, deciding_no = ((each % NUMBERS).cast("int64") for each in (when["first"], ibis.coalesce(when.placed, when["first"])))
    when = when.select(*by, "first_at", started_at=ibis.coalesce(when.placed_at, when.first_at), first_no=first_no, deciding_no=deciding_no)
    first = said.select("campaign", "country", "device", first_no=said.about_no)
    deciding = said.select("channel", "rule", deciding_no=said.about_no)
    joined = settled(settled(when).inner_join(first, "first_no")).inner_join(deciding, "deciding_no")
    return joined.mutate(grain=ibis.literal(grain)).select(*ROW)


def _together(tables: Sequence[Table]) -> Table:
    whole = tables[0]
    for table in tables[1:]:
        whole = whole.union(table, distinct=False)
    return whole


def _in_periods(visits: Table, days: Table) -> Table:
    """A row per visit and period: a visit has a page view on every day from its first to its last, for it ends where there is a pause."""
    columns = (*VISIT, *ABOUT, "period_day")
    one = settled(visits.filter(visits.day == visits.last_day))
    one = one.inner_join(days, one.day == days.calendar_day)
    several = visits.filter(visits.day < visits.last_day)
    several = settled(several).inner_join(days, [several.day <= days.calendar_day, several.last_day >= days.calendar_day])
    return one.select(*columns).union(several.select(*columns).distinct(), distinct=False)


def _with_number(started_at: Any, number: Any) -> Any:
    """When a visit started and a number, as one number: of a visitor's visits the least has the number of the earliest.

    That is an ordered `first` that every engine agrees on. Minutes are enough, for visits of one visitor start further apart; none is before the
    year 1, so that none is negative: 33 bits of 63.
    """
    minutes = started_at.delta(ibis.timestamp("1970-01-01 00:00:00"), unit="minute") + MINUTES_BEFORE_1970
    return minutes * NUMBERS + number


def visitor_content_days(visitor_days: Table, visit_days: Table, calendar: Table) -> Table:
    """One row per visitor, local day and content type it viewed (reach)."""
    return _viewed(visitor_days, visit_days, calendar, "day")


def visitor_content_weeks(visitor_weeks: Table, visit_days: Table, visit_days_before: Table, calendar: Table) -> Table:
    """One row per visitor, ISO week and content type it viewed (reach)."""
    return _viewed(visitor_weeks, visit_days.union(visit_days_before.select(*visit_days.columns), distinct=False), calendar, "week")


def visitor_content_months(visitor_months: Table, visit_days: Table, calendar: Table) -> Table:
    """One row per visitor, month and content type it viewed (reach)."""
    return _viewed(visitor_months, visit_days, calendar, "month")


def _viewed(visitors: Table, visit_days: Table, calendar: Table, grain: str) -> Table:
    # The visitor's channel in the period does not depend on the content looked at.
    days = calendar.filter(calendar.grain == grain).select("calendar_day", "period_day")
    viewed = settled(visit_days).inner_join(days, visit_days.day == days.calendar_day)
    viewed = viewed.select("kind", "visitor", "period_day", "content").distinct()
    both: Any = settled(visitors).inner_join(viewed, ["kind", "visitor", "period_day"])
    return both.select(*[both[name] for name in visitors.columns], both.content)
