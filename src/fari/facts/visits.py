"""Visits: page views cut into sessions, each placed in a channel, and the one row a visitor has in each day, week and month.

Large histories are cut part by part (a part is some whole months). A part also reads `open_visits` of the part before it: visits that
may go on over the edge. They come in as a carried row that is no page view and begins no visit, so nothing is cut in two.
"""

import ibis
from ibis.expr.types import Table

from fari.facts.words import DIRECT, IDLE_SECONDS, NOT_SET, settled

LANDING = ("host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "click_ids")
"""What a visit's channel is decided from."""


def page_views(events: Table, agents: Table, contents: Table, devices_here: Table, persons_here: Table, internals_here: Table) -> Table:
    """One row per page view: who saw it (`visitor`), whether a person (`kind` human, bot or internal), and what its address said."""
    page = events.filter(events.type == "page")
    page = settled(page).left_join(agents, page.user_agent == agents.user_agent)
    page = page.select(
        *[page[name] for name in events.columns if name != "device"], page.bot, device=ibis.coalesce(page.device, page.agent_device, NOT_SET)
    )
    page = settled(page).left_join(contents, page.path == contents.path)
    page = page.select(*[page[name] for name in page.columns if not name.endswith("_right")])
    known = settled(page).left_join(persons_here, page.user_id == persons_here.id)
    known = known.select(*[known[name] for name in page.columns], user=ibis.coalesce(known.person, known.user_id))
    held = devices_here.select(
        held_id=devices_here.anonymous_id, from_at=devices_here.from_at, until_at=devices_here.until_at, holder=devices_here.person
    )
    on = settled(known).left_join(held, [known.anonymous_id == held.held_id, known.timestamp >= held.from_at, known.timestamp < held.until_at])
    on = on.mutate(visitor=ibis.coalesce(on.user, on.holder, on.anonymous_id)).filter(lambda t: t.visitor.notnull())
    on = settled(on).left_join(internals_here, on.visitor == internals_here.internal_person)
    return on.select(
        "visitor",
        kind=ibis.cases((on.bot.notnull(), "bot"), (on.internal_person.notnull(), "internal"), else_="human"),
        at=on.timestamp,
        day=on.timestamp_day,
        message_id=on.message_id,
        content=ibis.coalesce(on.content, "other"),
        country=ibis.coalesce(on.country, NOT_SET),
        device=ibis.coalesce(on.device, NOT_SET),
        **{name: on[name] for name in LANDING},
        origin=on.origin,
    )


def devices_here(events: Table, devices: Table) -> Table:
    """The devices among a part's events: what of identity the part's visits depend on."""
    return devices.semi_join(events.filter(events.anonymous_id.notnull()), "anonymous_id")


def persons_here(events: Table, persons: Table) -> Table:
    """The linked users among a part's events."""
    return persons.semi_join(events.filter(events.user_id.notnull()), persons.id == events.user_id)


def internals_here(events: Table, devices_here: Table, persons_here: Table, internals: Table) -> Table:
    """Our own people among a part's events."""
    ids = events.filter(events.user_id.notnull()).select(person=events.user_id)
    ids = ids.union(devices_here.select("person"), distinct=False).union(persons_here.select("person"), distinct=False)
    return internals.semi_join(ids, internals.internal_person == ids.person)


def cut_views(page_views: Table, open_visits_before: Table) -> Table:
    """Page views with the visit each belongs to; the first of a visit `begins` it. Visits still open from the part before come in carried."""
    fresh = page_views.mutate(views=ibis.literal(1, "int64"), started_at=page_views["at"], started_day=page_views.day, visit_id=page_views.message_id)
    carried = open_visits_before.select(
        "visitor",
        "kind",
        "at",
        "day",
        open_visits_before.visit_id.name("message_id"),
        ibis.literal("other").name("content"),
        "country",
        "device",
        *LANDING,
        "origin",
        ibis.literal(0, "int64").name("views"),
        "started_at",
        "started_day",
        "visit_id",
    )
    every = fresh.select(*carried.columns).union(carried, distinct=False)
    order = [every["at"], every.views, every.message_id]
    before = every.mutate(gap_from=every["at"].lag(1).over(ibis.window(group_by=["visitor", "kind"], order_by=order)))
    idle = ibis.interval(seconds=IDLE_SECONDS)
    begun = before.mutate(begins=ibis.cases((before.gap_from.isnull(), 1), (before["at"] > before.gap_from + idle, 1), else_=0).cast("int64"))
    running = ibis.window(group_by=["visitor", "kind"], order_by=[begun["at"], begun.views, begun.message_id], preceding=None, following=0)
    return begun.mutate(visit_no=begun.begins.sum().over(running).cast("int64"))


def visit_starts(cut_views: Table) -> Table:
    """One row per visit: its first page view's facts, and when it was last seen."""
    last = cut_views.group_by(["visitor", "kind", "visit_no"]).aggregate(
        last_at=cut_views["at"].max(), last_day=cut_views.day.max(), seen=cut_views.views.sum().cast("int64")
    )
    starts = cut_views.filter(cut_views.begins == 1)
    joined = settled(starts).inner_join(last, ["visitor", "kind", "visit_no"])
    return joined.select(*[joined[name] for name in starts.columns], joined.last_at, joined.last_day, joined.seen)


def visit_days(cut_views: Table, visit_starts: Table, touches: Table) -> Table:
    """One row per visit, local day and content type: its page views (`views`) and the visit's own channel, campaign, country and device."""
    counted = cut_views.filter(cut_views.views == 1).group_by(["visitor", "kind", "visit_no", "day", "content"])
    days = counted.aggregate(page_views=cut_views.views.sum().cast("int64"))
    placed = _placed(visit_starts, touches)
    joined = settled(days).inner_join(placed, ["visitor", "kind", "visit_no"])
    return joined.select(
        "kind",
        "visitor",
        "visit_id",
        "day",
        "content",
        views=joined.page_views,
        channel=joined.channel,
        rule=joined.rule,
        campaign=joined.campaign,
        country=joined.country,
        device=joined.device,
        started_at=joined.started_at,
        origin=joined.origin,
    )


def visits(visit_starts: Table, touches: Table) -> Table:
    """One row per visit that began: its channel, the rule that placed it, campaign, country, device, landing page and first message."""
    placed = _placed(visit_starts.filter(visit_starts.views == 1), touches)
    return placed.select(
        "kind",
        "visitor",
        "visit_id",
        "started_at",
        placed.started_day.name("day"),
        "content",
        "channel",
        "rule",
        "campaign",
        "country",
        "device",
        "referrer_host",
        "utm_source",
        "utm_medium",
        placed.seen.name("views"),
        "origin",
    )


def open_visits(visit_starts: Table, part: Table) -> Table:
    """Visits of which a page view fell on the part's last day: the next part may go on with them."""
    last = settled(visit_starts).cross_join(part)
    return last.filter(last.last_day >= last.until_day - 1).select(
        "visitor",
        "kind",
        last.last_at.name("at"),
        last.last_day.name("day"),
        "visit_id",
        "country",
        "device",
        *LANDING,
        "origin",
        "started_at",
        "started_day",
    )


def _placed(starts: Table, touches: Table) -> Table:
    t = touches.select(
        **{f"t_{name}": touches[name] for name in LANDING}, placed_channel=touches.channel, placed_rule=touches.rule, placed_campaign=touches.campaign
    )
    on = [ibis.coalesce(starts[name], "") == t[f"t_{name}"] for name in LANDING]
    joined = settled(starts).left_join(t, on)
    return joined.select(
        *[joined[name] for name in starts.columns],
        channel=ibis.coalesce(joined.placed_channel, DIRECT),
        rule=ibis.coalesce(joined.placed_rule, "direct"),
        campaign=ibis.coalesce(joined.placed_campaign, NOT_SET),
    )


def visitor_periods(visit_days: Table, visit_days_before: Table, calendar: Table) -> Table:
    """One row per visitor and day, week or month it viewed a page in, with the visit that decides its channel.

    The channel is that of the first visit that is not Direct, else Direct; campaign, country and device are the first visit's.
    """
    return _deciding(visit_days.union(visit_days_before.select(*visit_days.columns), distinct=False), calendar, [])


def visitor_contents(visit_days: Table, visit_days_before: Table, calendar: Table) -> Table:
    """The same per content type: a visitor has a row for every type it viewed (reach)."""
    return _deciding(visit_days.union(visit_days_before.select(*visit_days.columns), distinct=False), calendar, ["content"])


def _deciding(visit_days: Table, calendar: Table, more: list[str]) -> Table:
    whole = settled(visit_days).inner_join(calendar, visit_days.day == calendar.calendar_day)
    # The visitor's channel in the period does not depend on the content looked at, so it is decided over all visits.
    by = ["kind", "visitor", "grain", "period_day"]
    first = ibis.row_number().over(ibis.window(group_by=by, order_by=[whole.started_at, whole.visit_id, whole.content]))
    paid = ibis.row_number().over(
        ibis.window(group_by=by, order_by=[(whole.channel == DIRECT).ifelse(1, 0), whole.started_at, whole.visit_id, whole.content])
    )
    ranked = whole.mutate(nth=first, nth_placed=paid)
    one = ranked.filter(ranked.nth == 0).select(*by, "campaign", "country", "device", first_visit=ranked.visit_id, first_at=ranked.started_at)
    two = ranked.filter(ranked.nth_placed == 0).select(*by, "channel", "rule", "visit_id", "started_at", "origin")
    joined = settled(one).inner_join(two, by)
    decided = joined.select(
        *by, *[joined[n] for n in ("campaign", "country", "device", "first_visit", "first_at", "channel", "rule", "visit_id", "started_at", "origin")]
    )
    if not more:
        return decided
    looked = whole.select(*by, "content").distinct()
    both = settled(decided).inner_join(looked, by)
    return both.select(*[both[name] for name in decided.columns], both.content)
