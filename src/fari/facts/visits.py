"""Visits: page views cut into sessions, each placed in a channel.

Most visitors' days are one visit, which sums over page views can tell; only the others are cut view by view, which takes four times as long.
A visit is known by whose it is and when it started: two visits of one visitor never start at one instant.

Large histories are cut part by part (a part is a month). A part also reads `open_visits` of the part before it: visits that may go on over
the edge. So nothing is cut in two.
"""

import ibis
from ibis.expr.types import StringValue, Table

from fari.facts.words import IDLE_SECONDS, NOT_SET, settled

LANDING = ("host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "click_ids")
"""What a visit's channel is decided from."""
PLACE = ("country", "device", "agent_device")
"""What a visit's country and device are decided from."""
WHOSE = ("kind", "visitor")
DAY = (*WHOSE, "day")
VISIT = (*WHOSE, "started_at")
"""What tells one visit from all others."""
SPAN = (*VISIT, "day", "last_at", "last_day", "views")
"""A visit and its times."""
FIRST = ("touch_no", "place_no")
"""What its first page view says, as numbers."""
ABOUT = ("channel", "rule", "campaign", "country", "device")
"""What is known of a visit beside its times."""
TOUCHES, PLACES = 2**25, 2**20
"""How many landings and places have a number that fits into 63 bits beside the 18 of the seconds of a local day."""
_OF_A_VIEW = ("timestamp", "timestamp_day", "message_id", "path", "country", "device", "user_agent", *LANDING, "origin")


def page_views(events: Table, agents: Table, devices_here: Table, persons_here: Table, internals_here: Table) -> Table:
    """One row per page view: who saw it (`visitor`), whether a person (`kind` human, bot or internal), and what its address said."""
    return _judged(_seen(events, devices_here, persons_here), agents, internals_here)


def _seen(events: Table, devices_here: Table, persons_here: Table) -> Table:
    """Page views and whose they are."""
    page = events.filter((events.type == "page") & (events.user_id.notnull() | events.anonymous_id.notnull()))
    page = page.select("anonymous_id", "user_id", *_OF_A_VIEW)
    known = settled(page).left_join(persons_here, page.user_id == persons_here.id)
    known = known.select("anonymous_id", *_OF_A_VIEW, user=ibis.coalesce(known.person, known.user_id))
    held = devices_here.select(
        held_id=devices_here.anonymous_id, from_at=devices_here.from_at, until_at=devices_here.until_at, holder=devices_here.person
    )
    on = settled(known).left_join(held, [known.anonymous_id == held.held_id, known.timestamp >= held.from_at, known.timestamp < held.until_at])
    return on.select(*_OF_A_VIEW, visitor=ibis.coalesce(on.user, on.holder, on.anonymous_id))


def _judged(seen: Table, agents: Table, internals_here: Table) -> Table:
    """Page views and of what kind they are, with the device that the agent says."""
    judged = settled(seen).left_join(agents, seen.user_agent == agents.user_agent)
    judged = judged.select(*[judged[name] for name in seen.columns], "bot", "agent_device")
    judged = settled(judged).left_join(internals_here, judged.visitor == internals_here.internal_person)
    kind = ibis.cases((judged.bot.notnull(), "bot"), (judged.internal_person.notnull(), "internal"), else_="human")
    return judged.select(*seen.columns, "agent_device", kind=kind).rename(at="timestamp", day="timestamp_day")


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


def places(events: Table, agents: Table) -> Table:
    """What page views say of country and device, numbered: numbers are carried faster than words."""
    said = events.filter(events.type == "page").select("country", "device", "user_agent").distinct()
    said = settled(said).left_join(agents, said.user_agent == agents.user_agent).select("country", "device", "agent_device").distinct()
    order = [key for name in PLACE for key in (said[name].isnull().ifelse(1, 0), said[name])]
    return said.mutate(place_no=ibis.row_number().over(order_by=order).cast("int64"))


def day_edges(events: Table, open_visits_before: Table) -> Table:
    """Per local day the last page view of the day before and the first of the day after: it begins after the one and ends before the other.

    (Where local days begin, no fact knows.)
    """
    page = events.filter(events.type == "page").select(day=events.timestamp_day, at=events.timestamp)
    page = page.union(open_visits_before.select(day=open_visits_before.last_day, at=open_visits_before.last_at), distinct=False)
    ends = page.group_by("day").aggregate(first_at=page["at"].min(), last_at=page["at"].max())
    eve = ends.select(day=(ends.day + 1).cast("int32"), eve_at=ends.last_at, morrow_at=ibis.null("timestamp"))
    morrow = ends.select(day=(ends.day - 1).cast("int32"), eve_at=ibis.null("timestamp"), morrow_at=ends.first_at)
    both = eve.union(morrow, distinct=False)
    return both.group_by("day").aggregate(eve_at=both.eve_at.max(), morrow_at=both.morrow_at.min())


def seen_days(page_views: Table, day_edges: Table, touches: Table, places: Table) -> Table:
    """One row per visitor and local day: its first and last page view, how many there were, and what the first said.

    `clear` is 1 where they are one visit, for they span no more than a pause and are further than a pause from the day's edges, over which a
    visit may go on; and where all page views of the first second say the same, so that it is known what the first says.
    """
    views = settled(_numbered(page_views, touches, places))
    # The least of what begins with the second is of the earliest: that is an ordered `first` that all engines agree on. (A local day may
    # begin up to a day before that of UTC does, and what is negative is divided differently from engine to engine.)
    second = views["at"].delta(ibis.timestamp("1970-01-01 00:00:00"), unit="second") - (views.day.cast("int64") - 1) * 86_400
    what = ibis.least(views.touch_no, TOUCHES - 1) * PLACES + ibis.least(views.place_no, PLACES - 1)
    every = TOUCHES * PLACES
    days = views.group_by(list(DAY)).aggregate(
        first_at=views["at"].min(),
        last_at=views["at"].max(),
        views=views.count().cast("int64"),
        least=(second * every + what).min(),
        most=(second * every + (every - 1 - what)).min(),
    )
    days = days.mutate(first_no=(days.least % every).cast("int64"), other_no=(every - 1 - days.most % every).cast("int64"))
    days = days.mutate(place_no=(days.first_no % PLACES).cast("int64"))
    days = days.mutate(touch_no=((days.first_no - days.place_no) / PLACES).round().cast("int64"))
    known = (days.first_no == days.other_no) & (days.touch_no < TOUCHES - 1) & (days.place_no < PLACES - 1)
    days = settled(days.select(*DAY, "first_at", "last_at", "views", *FIRST, known=known.ifelse(1, 0)))
    both = days.left_join(day_edges, "day")
    idle = ibis.interval(seconds=IDLE_SECONDS)
    several = (both.last_at > both.first_at + idle) | (both.first_at <= both.eve_at + idle) | (both.last_at + idle >= both.morrow_at)
    clear = ibis.cases((several, 0), else_=both.known).cast("int64")
    return both.select(*DAY, "first_at", "last_at", "views", *FIRST, clear=clear)


def cut_visits(
    events: Table,
    agents: Table,
    devices_here: Table,
    persons_here: Table,
    internals_here: Table,
    seen_days: Table,
    touches: Table,
    places: Table,
    open_visits_before: Table,
) -> Table:
    """One row per visit with a page view on a day that is not clear, cut view by view; those of the part before that go on are `carried`.

    Of page views at one instant that with the least message id is the first.
    """
    unclear = seen_days.filter(seen_days.clear == 0)
    seen = settled(_seen(events, devices_here, persons_here))
    # Few days are left after this, so that few page views are judged.
    seen = seen.semi_join(unclear, [seen.visitor == unclear.visitor, seen.timestamp_day == unclear.day])
    judged = settled(_judged(seen, agents, internals_here))
    fresh = settled(_numbered(judged.semi_join(unclear, list(DAY)), touches, places)).mutate(carried=ibis.literal(0, "int64"))
    before, none = open_visits_before, ibis.literal(0, "int64")
    # A visit that may go on comes in as its last page view, which has been counted.
    carried = before.select(
        "kind",
        "visitor",
        at=before.last_at,
        day=before.last_day,
        message_id=ibis.literal(""),
        touch_no=none,
        place_no=none,
        carried=ibis.literal(1, "int64"),
    )
    views = fresh.union(carried, distinct=False)
    running = ibis.window(group_by=WHOSE, order_by=[views[name] for name in ("at", "message_id", *FIRST)])
    every = ibis.window(group_by=WHOSE)
    views = views.mutate(
        before_at=views["at"].lag(1).over(running), before_day=views.day.lag(1).over(running), nth=ibis.row_number().over(running).cast("int64"),
        end_at=views["at"].max().over(every), end_day=views.day.max().over(every), end_nth=views.count().over(every).cast("int64"),
    )  # fmt: skip
    begun = views.filter(views.before_at.isnull() | (views["at"] > views.before_at + ibis.interval(seconds=IDLE_SECONDS)))
    # A visit ends with the page view before the one that begins the next.
    begins = ibis.window(group_by=WHOSE, order_by=begun.nth)
    after = {f"next_{name}": begun[name].lead(1).over(begins) for name in ("before_at", "before_day", "nth")}
    begun = begun.mutate(**after)
    return begun.select(
        *WHOSE, started_at=begun["at"], day=begun.day, last_at=ibis.coalesce(begun.next_before_at, begun.end_at),
        last_day=ibis.coalesce(begun.next_before_day, begun.end_day), views=ibis.coalesce(begun.next_nth, begun.end_nth) - begun.nth - begun.carried,
        **{name: begun[name] for name in (*FIRST, "carried")},
    )  # fmt: skip


def visits(seen_days: Table, cut_visits: Table, touches: Table, places: Table) -> Table:
    """One row per visit that began: its channel, the rule that placed it, campaign, country and device, all by its first page view."""
    clear = seen_days.filter(seen_days.clear == 1)
    clear = clear.mutate(started_at=clear.first_at, last_day=clear.day).select(*SPAN, *FIRST)
    own = clear.union(cut_visits.filter(cut_visits.carried == 0).select(*SPAN, *FIRST), distinct=False)
    decided = touches.select("touch_no", "channel", "rule", campaign=ibis.coalesce(touches.campaign, NOT_SET))
    joined = settled(own).inner_join(decided, "touch_no").select(*SPAN, "place_no", "channel", "rule", "campaign")
    named = places.select(
        "place_no", country=ibis.coalesce(places.country, NOT_SET), device=ibis.coalesce(places.device, places.agent_device, NOT_SET)
    )
    return settled(joined).inner_join(named, "place_no").select(*SPAN, *ABOUT)


def carried_visits(cut_visits: Table, open_visits_before: Table) -> Table:
    """Visits that began in the part before and went on in this one: the same row, with when they were last seen and their page views here."""
    on = cut_visits.filter((cut_visits.carried == 1) & (cut_visits.views > 0))
    on = on.select(*WHOSE, on_at=on.started_at, on_last_at=on.last_at, on_last_day=on.last_day, on_views=on.views)
    before = open_visits_before
    joined = settled(before).inner_join(on, [*WHOSE, before.last_at == on.on_at])
    return joined.select(
        *VISIT, "day", last_at=joined.on_last_at, last_day=joined.on_last_day, views=joined.on_views, **{n: joined[n] for n in ABOUT}
    )


def _numbered(page_views: Table, touches: Table, places: Table) -> Table:
    """Page views with the numbers of what they say.

    Columns are joined on as they are stored: with words put for what is missing it takes several times as long.
    """
    views = page_views.select(*WHOSE, "at", "day", "message_id", *PLACE, *LANDING)
    landings = touches.select("touch_no", **{f"of_{name}": touches[name] for name in LANDING})
    views = settled(views).inner_join(landings, [views[name].identical_to(landings[f"of_{name}"]) for name in LANDING])
    views = views.select(*WHOSE, "at", "day", "message_id", *PLACE, "touch_no")
    spots = places.select("place_no", **{f"of_{name}": places[name] for name in PLACE})
    views = settled(views).inner_join(spots, [views[name].identical_to(spots[f"of_{name}"]) for name in PLACE])
    return views.select(*WHOSE, "at", "day", "message_id", *FIRST)


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
        "kind", "visitor", "message_id", "host", "path", "referrer_host", "utm_source", "utm_medium", "origin", started_at=page_views["at"]
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
        _address(typed.host, typed.path).name("landing_page"),
        "referrer_host",
        "utm_source",
        "utm_medium",
        "origin",
    )


def _address(host: StringValue, path: StringValue) -> StringValue:
    """A page as one reads it: acme.test/pricing, without www., what follows a ? and a slash at the end."""
    site = ibis.coalesce(host, "")
    site = site.startswith("www.").ifelse(site.substr(4), site)
    rest = (path.endswith("/") & (path.length() > 1)).ifelse(path.substr(0, path.length() - 1), path)
    return ibis.coalesce(site.concat(rest), NOT_SET)


def visit_landings(visits: Table, visit_pages: Table) -> Table:
    """Visits with the page each began on."""
    pages = visit_pages.select(*VISIT, "landing_page")
    joined = settled(visits).left_join(pages, list(VISIT))
    return joined.select(*[joined[name] for name in visits.columns], landing_page=ibis.coalesce(joined.landing_page, NOT_SET))


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
