"""The funnel: who someone is to us (channel, country, persona), what content they saw, and when they entered each stage."""

import ibis
from ibis.expr.types import Table

from fari.facts.words import NOT_SET, UNATTRIBUTED, settled

RANKS = {"lead": 1, "mql": 2, "sql": 3, "opportunity": 4, "customer": 5}


def contacts(people: Table, persons: Table, internals: Table) -> Table:
    """One row per CRM contact with the person it is, in the order they were created (`nth` within a person)."""
    joined = settled(people).left_join(persons, people.person_id == persons.id)
    named = joined.select(
        "person_id",
        joined.account_id,
        person=ibis.coalesce(joined.person, joined.person_id),
        created_at=joined.created_at,
        created_day=joined.created_at_day,
        persona=joined.persona,
        country=joined.country,
        channel=joined.channel,
        campaign=joined.campaign,
        origin=joined.origin,
    )
    flagged = settled(named).left_join(internals, named.person == internals.internal_person)
    return flagged.select(*[flagged[name] for name in named.columns], internal=flagged.internal_person.notnull())


def person_facts(contacts: Table) -> Table:
    """Per person: country and persona of the earliest contact that has one, and the CRM's source of the earliest that has one."""
    facts = contacts.select("person").distinct()
    for name, value in (("country", "country"), ("persona", "persona"), ("channel", "crm_channel")):
        has = contacts.filter(contacts[name].notnull())
        nth = ibis.row_number().over(ibis.window(group_by="person", order_by=[has.created_at.isnull().ifelse(1, 0), has.created_at, has.person_id]))
        first = has.mutate(nth=nth)
        columns = {value: first[name]}
        if name == "channel":
            columns["crm_campaign"] = first.campaign
            columns["crm_origin"] = first.origin
        first = first.filter(first.nth == 0).select(whose=first.person, **columns)
        joined = settled(facts).left_join(first, facts.person == first.whose)
        facts = joined.select(*[joined[column] for column in facts.columns], *columns)
    return facts


def stage_rows(stages: Table, scores: Table, persons: Table, internals: Table) -> Table:
    """Every row that says a person was at a stage: the CRM's and the score crossings; internal people left out."""
    rank = ibis.cases(*[(stages.stage == stage, number) for stage, number in RANKS.items()], else_=0).cast("int64")
    told = stages.mutate(rank=rank).filter(lambda t: t.rank > 0)
    joined = settled(told).left_join(persons, told.person_id == persons.id)
    rows = joined.select(
        person=ibis.coalesce(joined.person, joined.person_id), rank=joined.rank, at=joined["at"], day=joined.at_day, origin=joined.origin
    )
    rows = rows.union(scores.select("person", "rank", "at", "day", "origin"), distinct=False)
    kept = settled(rows).left_join(internals, rows.person == internals.internal_person)
    return kept.filter(kept.internal_person.isnull()).select(*rows.columns)


def first_entries(stage_rows: Table, ranks: Table) -> Table:
    """One row per person and stage entered: the first instant with a row at that stage or beyond."""
    beyond = settled(stage_rows).inner_join(ranks, stage_rows["rank"] >= ranks.stage_rank)
    nth = ibis.row_number().over(ibis.window(group_by=["person", "stage_rank"], order_by=[beyond["at"], beyond["rank"], beyond.origin]))
    first = beyond.mutate(nth=nth)
    return first.filter(first.nth == 0).select("person", "stage", "stage_rank", "at", "day", "origin")


def person_touches(first_entries: Table, visits: Table, person_facts: Table) -> Table:
    """Per person who became a lead: the first visit at or before that instant, else the CRM's source, else `(unattributed)`."""
    leads = first_entries.filter(first_entries.stage_rank == 1).select("person", lead_at=first_entries["at"])
    human = visits.filter(visits.kind == "human")
    seen = settled(leads).inner_join(human, [leads.person == human.visitor, human.started_at <= leads.lead_at])
    nth = ibis.row_number().over(ibis.window(group_by="person", order_by=seen.started_at))
    first = seen.mutate(nth=nth)
    first = first.filter(first.nth == 0).select(
        touched=first.person, visit_at=first.started_at, visit_channel=first.channel, visit_campaign=first.campaign, visit_rule=first.rule
    )
    joined = settled(leads).left_join(first, leads.person == first.touched)
    joined = joined.select("person", "visit_at", "visit_channel", "visit_campaign", "visit_rule")
    facts = person_facts.select(whose=person_facts.person, **{n: person_facts[n] for n in ("country", "persona", "crm_channel", "crm_campaign")})
    named = settled(joined).left_join(facts, joined.person == facts.whose)
    about = {name: ibis.coalesce(named[name], NOT_SET) for name in ("country", "persona")}
    return named.select("person", "visit_at", **_source(named), **about)


def _source(t: Table) -> dict[str, ibis.expr.types.Value]:
    """Channel, campaign and the rule that decided: the visit's, else the CRM's, else `(unattributed)`."""
    by_visit, by_crm = t.visit_channel.notnull(), t.crm_channel.notnull()
    return {
        "channel": ibis.coalesce(t.visit_channel, t.crm_channel, UNATTRIBUTED),
        "campaign": ibis.cases((by_visit, ibis.coalesce(t.visit_campaign, NOT_SET)), (by_crm, ibis.coalesce(t.crm_campaign, NOT_SET)), else_=NOT_SET),
        "rule": ibis.cases((by_visit, t.visit_rule), (by_crm, "crm"), else_="none"),
    }


def stage_entries(first_entries: Table, person_touches: Table, person_customers: Table) -> Table:
    """One row per person and stage entered, with the person's channel and, for the cohort, whether its account has become a customer."""
    touches = person_touches.select(
        whose=person_touches.person, **{n: person_touches[n] for n in ("channel", "campaign", "rule", "country", "persona")}
    )
    joined = settled(first_entries).left_join(touches, first_entries.person == touches.whose)
    won = person_customers.select(winner=person_customers.person)
    joined = settled(joined).left_join(won, joined.person == won.winner)
    return joined.select(
        "person",
        "stage",
        "day",
        "at",
        channel=ibis.coalesce(joined.channel, UNATTRIBUTED),
        campaign=ibis.coalesce(joined.campaign, NOT_SET),
        rule=joined.rule,
        country=ibis.coalesce(joined.country, NOT_SET),
        persona=ibis.coalesce(joined.persona, NOT_SET),
        converted=joined.winner.notnull().ifelse(1, 0).cast("int64"),
        origin=joined.origin,
    )


def person_customers(members: Table, customer_starts: Table, horizon: Table) -> Table:
    """People one of whose accounts has become a customer by the data's horizon."""
    joined = settled(members).inner_join(customer_starts, members.account == customer_starts.account).cross_join(horizon)
    return joined.filter(joined.first_day <= joined.horizon_day).select("person").distinct()


def person_contents(visit_days: Table, members: Table) -> Table:
    """Per known person and content type: when a page of it was first viewed."""
    human = visit_days.filter(visit_days.kind == "human")
    human = human.semi_join(members, human.visitor == members.person)
    return human.group_by(["visitor", "content"]).aggregate(seen_at=human.seen_at.min(), seen_day=human.day.min())


def stage_contents(stage_entries: Table, person_contents: Table) -> Table:
    """Stage entries once for every content type the person had viewed before it became a lead (reach)."""
    leads = stage_entries.filter(stage_entries.stage == "lead").select(whose=stage_entries.person, lead_at=stage_entries["at"])
    seen = (
        settled(leads)
        .inner_join(person_contents, [leads.whose == person_contents.visitor, person_contents.seen_at <= leads.lead_at])
        .select("whose", "content")
    )
    joined = settled(stage_entries).left_join(seen, stage_entries.person == seen.whose)
    return joined.select(*[joined[name] for name in stage_entries.columns], content=ibis.coalesce(joined.content, NOT_SET))


def stage_landings(stage_entries: Table, person_touches: Table, visit_pages: Table) -> Table:
    """Stage entries with the page that the person's first visit before it became a lead began on."""
    pages = visit_pages.filter(visit_pages.kind == "human").select("visitor", "started_at", "landing_page")
    first = settled(person_touches.select(whose="person", visit_at="visit_at"))
    first = first.inner_join(pages, [first.whose == pages.visitor, first.visit_at == pages.started_at]).select("whose", "landing_page")
    joined = settled(stage_entries).left_join(first, stage_entries.person == first.whose)
    return joined.select(*[joined[name] for name in stage_entries.columns], landing_page=ibis.coalesce(joined.landing_page, NOT_SET))


def signups(
    signup_events: Table,
    persons: Table,
    devices: Table,
    internals: Table,
    visits: Table,
    person_facts: Table,
    members: Table,
    first_terms: Table,
    person_customers: Table,
) -> Table:
    """One row per sign-up event: who, when, of which kind, from which channel, and whether they have become a customer."""
    e = settled(signup_events).left_join(persons, signup_events.user_id == persons.id)
    e = e.select(*[e[name] for name in signup_events.columns], user=ibis.coalesce(e.person, e.user_id))
    held = devices.select(held_id=devices.anonymous_id, from_at=devices.from_at, until_at=devices.until_at, holder=devices.person)
    e = settled(e).left_join(held, [e.anonymous_id == held.held_id, e.timestamp >= held.from_at, e.timestamp < held.until_at])
    e = e.mutate(who=ibis.coalesce(e.user, e.holder, e.anonymous_id)).filter(lambda t: t.who.notnull())
    e = settled(e).left_join(internals, e.who == internals.internal_person)
    e = e.filter(e.internal_person.isnull()).select(
        person=e.who,
        at=e.timestamp,
        day=e.timestamp_day,
        plan=e.plan,
        said_type=e.said_type,
        country=e.country,
        message_id=e.message_id,
        origin=e.origin,
    )
    human = visits.filter(visits.kind == "human").select(
        visitor=visits.visitor,
        started_at=visits.started_at,
        visit_channel=visits.channel,
        visit_campaign=visits.campaign,
        visit_rule=visits.rule,
    )
    seen = settled(e).inner_join(human, [e.person == human.visitor, human.started_at <= e["at"]])
    nth = ibis.row_number().over(ibis.window(group_by="message_id", order_by=seen.started_at))
    seen = seen.mutate(nth=nth)
    first = seen.filter(seen.nth == 0).select(
        touched=seen.message_id, visit_channel=seen.visit_channel, visit_campaign=seen.visit_campaign, visit_rule=seen.visit_rule
    )
    e = settled(e).left_join(first, e.message_id == first.touched)
    facts = person_facts.select(
        whose=person_facts.person,
        own_country=person_facts.country,
        persona=person_facts.persona,
        crm_channel=person_facts.crm_channel,
        crm_campaign=person_facts.crm_campaign,
    )
    e = settled(e).left_join(facts, e.person == facts.whose)
    # Of a person with several accounts the one that subscribed first.
    accounts = settled(members).inner_join(first_terms, members.account == first_terms.account)
    nth = ibis.row_number().over(ibis.window(group_by="person", order_by=[accounts.from_day, accounts.subscription_id, accounts.first_kind]))
    accounts = accounts.mutate(nth=nth)
    accounts = accounts.filter(accounts.nth == 0).select(holder=accounts.person, first_kind=accounts.first_kind)
    e = settled(e).left_join(accounts, e.person == accounts.holder)
    won = person_customers.select(winner=person_customers.person)
    e = settled(e).left_join(won, e.person == won.winner)
    plan, said = e.plan.lower(), e.said_type.lower()
    kinds = ("trial", "freemium", "paid")
    kind = ibis.cases(
        (plan.isin(kinds), plan),
        (plan == "free", "freemium"),
        (said.isin(kinds), said),
        (said == "free", "freemium"),
        else_=ibis.coalesce(e.first_kind, NOT_SET),
    )
    return e.select(
        "person",
        "at",
        "day",
        "message_id",
        signup_kind=kind,
        **_source(e),
        country=ibis.coalesce(e.own_country, e.country, NOT_SET),
        persona=ibis.coalesce(e.persona, NOT_SET),
        converted=e.winner.notnull().ifelse(1, 0).cast("int64"),
        origin=e.origin,
    )


def signup_events(events: Table, signup_names: Table) -> Table:
    """The track messages that are sign-ups."""
    track = events.filter(events.type == "track")
    joined = settled(track).inner_join(signup_names, track.name == signup_names.signup_name)
    return joined.select("user_id", "anonymous_id", "timestamp", "timestamp_day", "plan", "said_type", "country", "message_id", "origin")


def scores(scored: Table, thresholds: Table, known_since: Table) -> Table:
    """Score crossings as stage rows: the first instant a known person's points reach a stage's threshold."""
    running = ibis.window(group_by="person", order_by=[scored["at"], scored.rule_no], preceding=None, following=0)
    summed = scored.mutate(total=scored.points.sum().over(running).cast("decimal(18,6)"))
    crossed = settled(summed).inner_join(thresholds, summed.total >= thresholds.threshold)
    nth = ibis.row_number().over(ibis.window(group_by=["person", "rank"], order_by=[crossed["at"], crossed.rule_no]))
    first = crossed.mutate(nth=nth)
    first = first.filter(first.nth == 0).select("person", "rank", "at", "day", "origin")
    since = known_since.select(knower=known_since.person, known_at=known_since.known_at, known_day=known_since.known_day)
    joined = settled(first).inner_join(since, first.person == since.knower)
    late = joined.known_at > joined["at"]
    return joined.select(
        "person", "rank", at=late.ifelse(joined.known_at, joined["at"]), day=late.ifelse(joined.known_day, joined.day), origin=joined.origin
    )
