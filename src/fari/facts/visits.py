"""Visits: page views cut into sessions, each placed in a channel.

Most visitors' days are one visit, which sums over page views can tell; only the others are cut view by view. A visit is known by whose it is
and when it started: two visits of one visitor never start at one instant.

Large histories are cut part by part (a part is a month). A part also reads `open_visits` of the part before it: visits that may go on over
the edge. So nothing is cut in two.
"""

import ibis
from ibis.expr.types import Table

from fari.facts.words import IDLE_SECONDS, NOT_SET, settled

LANDING = ("host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "click_ids")
"""What a visit's channel is decided from."""
DAY = ("kind", "visitor", "day")
VISIT = ("kind", "visitor", "started_at")
"""What tells one visit from all others."""
SPAN = (*VISIT, "started_day", "last_at", "last_day", "views")
"""A visit and its times."""
ABOUT = ("channel", "rule", "campaign", "country", "device")
"""What is known of a visit beside its times."""


def page_views(events: Table, agents: Table, devices_here: Table, persons_here: Table, internals_here: Table) -> Table:
    """One row per page view: who saw it (`visitor`), whether a person (`kind` human, bot or internal), and what its address said."""
    page = events.filter(events.type == "page")
    page = settled(page).left_join(agents, page.user_agent == agents.user_agent)
    columns = ("anonymous_id", "user_id", "timestamp", "timestamp_day", "message_id", "path", "country", *LANDING, "origin")
    page = page.select(*columns, page.bot, device=ibis.coalesce(page.device, page.agent_device, NOT_SET))
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
        path=on.path,
        country=ibis.coalesce(on.country, NOT_SET),
        device=on.device,
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
    ids = events.select(person=events.user_id).union(events.select(person=events.anonymous_id), distinct=False)
    ids = ids.union(devices_here.select("person"), distinct=False).union(persons_here.select("person"), distinct=False)
    return internals.semi_join(ids, internals.internal_person == ids.person)


def seen_days(page_views: Table) -> Table:
    """One row per visitor and local day: its first and last page view and how many there were."""
    grouped = page_views.group_by(["kind", "visitor", "day"])
    return grouped.aggregate(first_at=page_views["at"].min(), last_at=page_views["at"].max(), views=page_views.count().cast("int64"))


def unclear_days(seen_days: Table, open_visits_before: Table) -> Table:
    """Visitors' days that may hold several visits, or one that goes on over midnight: longer than a pause, or within a pause of the day's edges.

    (Where local days begin, no fact knows: they begin no later than their first page view of all, and end no sooner than their last.)
    """
    idle = ibis.interval(seconds=IDLE_SECONDS)
    before = open_visits_before
    edges = seen_days.select("day", "first_at", "last_at")
    edges = edges.union(before.select(day=before.last_day, first_at=before.last_at, last_at=before.last_at), distinct=False)
    edges = edges.group_by("day").aggregate(opens=edges.first_at.min(), closes=edges.last_at.max())
    eve = edges.select(after_eve=(edges.day + 1).cast("int32"), closed=edges.closes)
    morrow = edges.select(before_morrow=(edges.day - 1).cast("int32"), opening=edges.opens)
    days = settled(seen_days).left_join(eve, seen_days.day == eve.after_eve).drop("after_eve")
    days = settled(days).left_join(morrow, days.day == morrow.before_morrow).drop("before_morrow")
    whole = days.filter((days.last_at > days.first_at + idle) | (days.first_at <= days.closed + idle) | (days.last_at + idle >= days.opening))
    return whole.select(*DAY)


def cut_visits(page_views: Table, unclear_days: Table, open_visits_before: Table) -> Table:
    """One row per visit with a page view on an unclear day, cut view by view: when it started, was last seen, and its page views here."""
    fresh = settled(page_views).semi_join(unclear_days, list(DAY))
    fresh = fresh.select("kind", "visitor", "at", "day", started_at=fresh["at"], started_day=fresh.day, views=ibis.literal(1, "int64"))
    before = open_visits_before
    # A visit that may go on comes in as its last page view, which has been counted.
    carried = before.select(
        "kind",
        "visitor",
        at=before.last_at,
        day=before.last_day,
        started_at=before.started_at,
        started_day=before.day,
        views=ibis.literal(0, "int64"),
    )
    views = fresh.union(carried, distinct=False)
    idle = ibis.interval(seconds=IDLE_SECONDS)
    order = [views["at"], views.views]
    paused = views.mutate(before=views["at"].lag(1).over(ibis.window(group_by=["kind", "visitor"], order_by=order)))
    begun = paused.mutate(begins=ibis.cases((paused.before.isnull(), 1), (paused["at"] > paused.before + idle, 1), else_=0).cast("int64"))
    running = ibis.window(group_by=["kind", "visitor"], order_by=[begun["at"], begun.views], preceding=None, following=0)
    numbered = begun.mutate(visit_no=begun.begins.sum().over(running).cast("int64"))
    visits = numbered.group_by(["kind", "visitor", "visit_no"]).aggregate(
        started_at=numbered.started_at.min(), started_day=numbered.started_day.min(), last_at=numbered["at"].max(), last_day=numbered.day.max(),
        views=numbered.views.sum().cast("int64"),
    )  # fmt: skip
    return visits.filter(visits.views > 0).select(*SPAN)


def visits(seen_days: Table, unclear_days: Table, cut_visits: Table, page_views: Table, touches: Table, part: Table) -> Table:
    """One row per visit that began: its channel, the rule that placed it, campaign, country and device, all by its first page view."""
    clear = settled(seen_days).anti_join(unclear_days, list(DAY))
    clear = clear.select(
        "kind", "visitor", started_at=clear.first_at, started_day=clear.day, last_at=clear.last_at, last_day=clear.day, views=clear.views
    )
    cut = settled(cut_visits).cross_join(part)
    own = clear.union(cut.filter(cut.started_day >= cut.first_day).select(*SPAN), distinct=False)
    seen = page_views.select("kind", "visitor", "country", "device", *LANDING, started_at=page_views["at"])
    first = settled(seen).inner_join(own, list(VISIT))
    first = first.select(*[first[name] for name in seen.columns], first.started_day, first.last_at, first.last_day, first.views)
    t = touches.select("touch_no", **{f"t_{name}": touches[name] for name in LANDING})
    placed = settled(first).inner_join(t, [ibis.coalesce(first[name], "") == t[f"t_{name}"] for name in LANDING])
    # Of page views at one instant none is the first: the least value of each is taken.
    one = placed.group_by(list(VISIT)).aggregate(
        day=placed.started_day.min(), last_at=placed.last_at.max(), last_day=placed.last_day.max(), views=placed.views.max(),
        touch_no=placed.touch_no.min(), country=placed.country.min(), device=placed.device.min(),
    )  # fmt: skip
    decided = touches.select("touch_no", "channel", "rule", campaign=ibis.coalesce(touches.campaign, NOT_SET))
    joined = settled(one).inner_join(decided, "touch_no")
    return joined.select(*VISIT, "day", "last_at", "last_day", "views", *ABOUT)


def carried_visits(cut_visits: Table, open_visits_before: Table, part: Table) -> Table:
    """Visits that began in the part before and went on in this one: the same row, with when they were last seen and their page views here."""
    spans = settled(cut_visits).cross_join(part)
    spans = spans.filter(spans.started_day < spans.first_day).select(*SPAN)
    joined = settled(spans).inner_join(open_visits_before.select(*VISIT, *ABOUT), list(VISIT))
    return joined.select(*VISIT, joined.started_day.name("day"), "last_at", "last_day", "views", *ABOUT)


def open_visits(visits: Table, carried_visits: Table, part: Table) -> Table:
    """Visits of which a page view fell on the part's last day: the next part may go on with them."""
    every = visits.union(carried_visits, distinct=False)
    last = settled(every).cross_join(part)
    last = last.filter(last.last_day >= last.until_day - 1).select(*every.columns)
    # Nothing of the next part comes before this one's end: most of the last day's visits are over. (An hour more than a pause, for odd clocks.)
    end = last.aggregate(end_at=last.last_at.max())
    open_ones = settled(last).cross_join(end)
    return open_ones.filter(open_ones.last_at + ibis.interval(seconds=IDLE_SECONDS + 3600) >= open_ones.end_at).select(*every.columns)


def visit_pages(visits: Table, page_views: Table, contents: Table) -> Table:
    """Per visit what its first page view was: of which message, from which source row, what page and from where. Needed to open a number only."""
    seen = page_views.select(
        "kind", "visitor", "message_id", "path", "referrer_host", "utm_source", "utm_medium", "origin", started_at=page_views["at"]
    )
    first = settled(seen).semi_join(visits, list(VISIT))
    nth = ibis.row_number().over(ibis.window(group_by=list(VISIT), order_by=[first.message_id, first.origin]))
    first = first.mutate(nth=nth)
    first = first.filter(first.nth == 0).drop("nth")
    typed = settled(first).left_join(contents, first.path == contents.path)
    return typed.select(
        *VISIT,
        typed.message_id.name("visit_id"),
        ibis.coalesce(typed.content, "other").name("landing"),
        "referrer_host",
        "utm_source",
        "utm_medium",
        "origin",
    )


def visit_days(page_views: Table, visits: Table, carried_visits: Table, contents: Table) -> Table:
    """One row per visit, local day and content type: its page views (`views`), the first one's instant (`seen_at`) and what the visit is split by."""
    every = visits.union(carried_visits, distinct=False)
    times = every.select(*VISIT, "last_at", on_day=every.day, until=every.last_day)
    v = page_views.select("kind", "visitor", "at", "day", v_path=page_views.path)
    within = [v["at"] >= times.started_at, v["at"] <= times.last_at]
    # By the day where that is enough: a robot's visits are many.
    same = settled(v).inner_join(times.filter(times.on_day == times.until), ["kind", "visitor", v.day == times.on_day, *within])
    over = settled(v).inner_join(times.filter(times.on_day < times.until), ["kind", "visitor", *within])
    columns = (*VISIT, "day", "v_path")
    viewed = same.select(*columns, "at").union(over.select(*columns, "at"), distinct=False)
    by_path = viewed.group_by(list(columns)).aggregate(page_views=viewed.count().cast("int64"), first_at=viewed["at"].min())
    typed = settled(by_path).left_join(contents, by_path.v_path == contents.path)
    typed = typed.select(*VISIT, "day", "page_views", "first_at", content=ibis.coalesce(typed.content, "other"))
    counted = typed.group_by([*VISIT, "day", "content"]).aggregate(page_views=typed.page_views.sum().cast("int64"), seen_at=typed.first_at.min())
    joined = settled(counted).inner_join(every.select(*VISIT, *ABOUT), list(VISIT))
    return joined.select(*VISIT, "day", "content", "seen_at", joined.page_views.name("views"), *ABOUT)
