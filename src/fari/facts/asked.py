"""What the marks are asked about: the distinct values that plain Python then judges (fari.marks)."""

import ibis
from ibis.expr.types import Table

from fari.facts.visits import LANDING
from fari.facts.words import settled


def user_agents(events: Table) -> Table:
    """Distinct user agents of page views."""
    return events.filter((events.type == "page") & events.user_agent.notnull()).select("user_agent").distinct()


def page_paths(events: Table) -> Table:
    """Distinct paths of page views."""
    return events.filter((events.type == "page") & events.path.notnull()).select("path").distinct()


def landings(events: Table) -> Table:
    """Distinct things a visit's channel is decided from."""
    return events.filter(events.type == "page").select(*LANDING).distinct()


def identify_pairs(events: Table) -> Table:
    """Devices and the users known on them: any message that carries both ids, and e-mails given."""
    known = events.filter(events.user_id.notnull() | events.group_id.notnull() | events.previous_id.notnull() | events.email.notnull())
    return known.group_by(["type", "anonymous_id", "user_id", "group_id", "previous_id", "email"]).aggregate(
        first_at=known.timestamp.min(), first_day=known.timestamp_day.min(), origin=known.origin.min()
    )


def shared_devices(events: Table) -> Table:
    """Every message with both ids on a device that knew several users: it takes their order to say whose a page view was."""
    both = events.filter(events.anonymous_id.notnull() & events.user_id.notnull())
    several = both.group_by("anonymous_id").aggregate(users=both.user_id.nunique())
    several = several.filter(several.users > 1).select("anonymous_id")
    return both.semi_join(several, "anonymous_id").select("anonymous_id", "user_id", "timestamp").distinct()


def alias_targets(identify_pairs: Table, events: Table, aliases: Table) -> Table:
    """Of the ids that aliases speak of, those that are devices."""
    spoken = identify_pairs.filter(identify_pairs.previous_id.notnull()).select(id=identify_pairs.previous_id)
    spoken = spoken.union(aliases.filter(aliases.kind == "person").select(id=aliases.from_id), distinct=True)
    devices = events.filter(events.anonymous_id.notnull()).semi_join(spoken, events.anonymous_id == spoken.id)
    return devices.select("anonymous_id").distinct()


def contact_ids(people: Table) -> Table:
    """Contacts as identity needs them."""
    return people.select(
        "person_id", "email", "account_id", "created_at", "created_at_day", internal=ibis.coalesce(people.internal, False).ifelse(1, 0)
    )


def alias_rows(aliases: Table) -> Table:
    """Aliases in the order they were told."""
    return aliases.select("kind", "from_id", "to_id")


def used_ids(
    subscriptions: Table, deals: Table, feedback: Table, stages: Table, accounts: Table, identify_pairs: Table, people: Table, aliases: Table
) -> Table:
    """Every person id the other tables name, and of the account ids those that are spoken of as a person's or in an alias: no other can be linked."""
    spoken = people.select(id=people.person_id)
    for table, column in (
        (identify_pairs, "user_id"),
        (identify_pairs, "anonymous_id"),
        (identify_pairs, "previous_id"),
        (identify_pairs, "group_id"),
        (aliases, "from_id"),
        (aliases, "to_id"),
    ):
        spoken = spoken.union(table.select(id=table[column]), distinct=False)
    for table in (stages, deals, feedback):
        spoken = spoken.union(table.select(id=table.person_id), distinct=False)
    spoken = spoken.filter(spoken.id.notnull()).distinct()
    named = subscriptions.select(id=subscriptions.account_id)
    for table in (deals, feedback, accounts):
        named = named.union(table.filter(table.account_id.notnull()).select(id=table.account_id), distinct=False)
    named = named.semi_join(spoken, "id").select("id", kind=ibis.literal("account"))
    for table in (deals, feedback, stages):
        named = named.union(table.filter(table.person_id.notnull()).select(id=table.person_id, kind=ibis.literal("person")), distinct=False)
    return named.distinct().select("kind", "id")


def acted(events: Table) -> Table:
    """Distinct kinds of action by type, name and path: what scoring rules look at."""
    t = events.select("type", name=ibis.coalesce(events.name, ""), path=ibis.coalesce(events.path, ""), gave=events.email.notnull().ifelse(1, 0))
    return t.select("type", "name", "path", "gave").distinct()


def scored(events: Table, worth: Table, persons: Table, devices: Table, known_since: Table) -> Table:
    """Per known person and scoring rule the first action that earned its points."""
    t = events.select(
        "type",
        "anonymous_id",
        "user_id",
        "timestamp",
        "timestamp_day",
        "message_id",
        "origin",
        name=ibis.coalesce(events.name, ""),
        path=ibis.coalesce(events.path, ""),
        gave=events.email.notnull().ifelse(1, 0),
    )
    t = settled(t).inner_join(worth, ["type", "name", "path", "gave"])
    t = settled(t).left_join(persons, t.user_id == persons.id)
    t = t.select("anonymous_id", "timestamp", "timestamp_day", "message_id", "origin", "rule_no", "points", user=ibis.coalesce(t.person, t.user_id))
    held = devices.select(held_id=devices.anonymous_id, from_at=devices.from_at, until_at=devices.until_at, holder=devices.person)
    t = settled(t).left_join(held, [t.anonymous_id == held.held_id, t.timestamp >= held.from_at, t.timestamp < held.until_at])
    t = t.mutate(who=ibis.coalesce(t.user, t.holder)).filter(lambda r: r.who.notnull())
    t = t.semi_join(known_since, t.who == known_since.person)
    nth = ibis.row_number().over(ibis.window(group_by=["who", "rule_no"], order_by=[t.timestamp, t.message_id]))
    first = t.mutate(nth=nth)
    return first.filter(first.nth == 0).select("rule_no", "points", "origin", person=first.who, at=first.timestamp, day=first.timestamp_day)


def account_ids_used(subscriptions: Table, deals: Table, account_ids: Table, members: Table) -> Table:
    """Every account that anything is told of."""
    named = subscriptions.select(id2=subscriptions.account_id).union(
        deals.filter(deals.account_id.notnull()).select(id2=deals.account_id), distinct=True
    )
    joined = settled(named).left_join(account_ids, named.id2 == account_ids.id)
    return joined.select(account=ibis.coalesce(joined.account, joined.id2)).union(members.select("account"), distinct=True)
