"""Visitors: the one row a visitor has in each day, week and month it viewed a page in, with the visit that decides its channel.

The channel is that of the first visit that is not Direct, else Direct; campaign, country and device are the first visit's.
"""

from typing import Any

import ibis
from ibis.expr.types import Table

from fari.facts.visits import ABOUT, VISIT
from fari.facts.words import DIRECT, settled

ROW = ("kind", "visitor", "grain", "period_day", "first_at", "started_at", *ABOUT)


def visitor_days(visits: Table, carried_visits: Table, calendar: Table) -> Table:
    """One row per visitor and local day."""
    return _decided(visits.union(carried_visits, distinct=False), calendar, "day")


def visitor_weeks(visits: Table, carried_visits: Table, visits_before: Table, carried_visits_before: Table, calendar: Table) -> Table:
    """One row per visitor and ISO week. A week that began in the part before has visits there too."""
    earlier = visits_before.union(carried_visits_before, distinct=False)
    every = visits.union(carried_visits, distinct=False).union(settled(earlier).anti_join(carried_visits, list(VISIT)), distinct=False)
    return _decided(every, calendar, "week")


def visitor_months(visits: Table, carried_visits: Table, calendar: Table) -> Table:
    """One row per visitor and month."""
    return _decided(visits.union(carried_visits, distinct=False), calendar, "month")


def _decided(visits: Table, calendar: Table, grain: str) -> Table:
    in_period = _in_periods(visits, calendar.filter(calendar.grain == grain).select("calendar_day", "period_day"))
    return _told(in_period, visits, ["kind", "visitor", "period_day"]).mutate(grain=ibis.literal(grain)).select(*ROW)


def _in_periods(visits: Table, calendar: Table) -> Table:
    """A row per visit and period: a visit has a page view on every day from its first to its last, for it ends where there is a pause."""
    columns = ("kind", "visitor", "started_at", "channel", "period_day")
    one = visits.filter(visits.day == visits.last_day)
    one = settled(one).inner_join(calendar, one.day == calendar.calendar_day).select(*columns)
    several = visits.filter(visits.day < visits.last_day)
    several = settled(several).inner_join(calendar, [several.day <= calendar.calendar_day, several.last_day >= calendar.calendar_day])
    return one.union(several.select(*columns).distinct(), distinct=False)


def _told(rows: Table, visits: Table, by: list[str]) -> Table:
    """Per group of visits (rows with `started_at` and `channel`) what its deciding visit and its first one say."""
    placed = (rows.channel == DIRECT).ifelse(ibis.null("timestamp"), rows.started_at)
    when = rows.group_by(by).aggregate(first_at=rows.started_at.min(), placed_at=placed.min())
    when = when.select(*by, "first_at", started_at=ibis.coalesce(when.placed_at, when.first_at))
    told = visits.select("kind", "visitor", first_at=visits.started_at, **{name: visits[name] for name in ("campaign", "country", "device")})
    first = settled(when).inner_join(told, ["kind", "visitor", "first_at"])
    first = first.select(*[first[name] for name in when.columns], "campaign", "country", "device")
    deciding = visits.select(*VISIT, "channel", "rule")
    joined = settled(first).inner_join(deciding, list(VISIT))
    return joined.select(*[joined[name] for name in first.columns], "channel", "rule")


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
