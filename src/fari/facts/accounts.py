"""Accounts: the channel that won each, its country, persona and content, and whose a deal is."""

import ibis
from ibis.expr.types import Table

from fari.facts.words import NOT_SET, UNATTRIBUTED, settled


def account_facts(
    account_ids_used: Table,
    customer_starts: Table,
    members: Table,
    internals: Table,
    visits: Table,
    contacts: Table,
    person_facts: Table,
    accounts: Table,
    account_ids: Table,
    acquisitions: Table,
) -> Table:
    """Per account: the channel that won it (first touch by its people up to the day it became a customer), country, persona, cohort and term."""
    base = settled(account_ids_used).left_join(customer_starts, account_ids_used.account == customer_starts.account).select("account", "first_day")
    own = settled(members).left_join(internals, members.person == internals.internal_person)
    own = own.filter(own.internal_person.isnull()).select(owner=own.account, person=own.person)
    human = visits.filter(visits.kind == "human")
    seen = settled(own).inner_join(human, own.person == human.visitor)
    seen = seen.select("owner", "visitor", "started_at", "channel", "campaign", "rule", visit_day=seen.day)
    seen = settled(base).inner_join(seen, base.account == seen.owner)
    seen = seen.filter(seen.first_day.isnull() | (seen.visit_day <= seen.first_day))
    nth = ibis.row_number().over(ibis.window(group_by="account", order_by=[seen.started_at, seen.visitor]))
    first = seen.mutate(nth=nth)
    first = first.filter(first.nth == 0).select(
        touched=first.account, visit_channel=first.channel, visit_campaign=first.campaign, visit_rule=first.rule
    )
    joined = settled(base).left_join(first, base.account == first.touched).select("account", "visit_channel", "visit_campaign", "visit_rule")
    # A person's every record speaks for each of its accounts.
    homes = members.select(m_person=members.person, owner=members.account)
    alone = contacts.inner_join(homes, contacts.person == homes.m_person)
    alone = alone.select(*[alone[name] for name in contacts.columns], owner=alone.owner).distinct()
    order = [alone.created_at.isnull().ifelse(1, 0), alone.created_at, alone.person_id]
    sourced = alone.filter(alone.channel.notnull() & ~alone.internal)
    nth = ibis.row_number().over(
        ibis.window(group_by="owner", order_by=[sourced.created_at.isnull().ifelse(1, 0), sourced.created_at, sourced.person_id])
    )
    sourced = sourced.mutate(nth=nth)
    sourced = sourced.filter(sourced.nth == 0).select(s_owner=sourced.owner, crm_channel=sourced.channel, crm_campaign=sourced.campaign)
    earliest = alone.mutate(nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=order)))
    earliest = earliest.filter(earliest.nth == 0).select(e_owner=earliest.owner, e_person=earliest.person)
    own_facts = person_facts.select(f_person=person_facts.person, persona=person_facts.persona)
    earliest = settled(earliest).left_join(own_facts, earliest.e_person == own_facts.f_person).select("e_owner", "persona")
    # An account that is a person has the person's country.
    same = alone.filter((alone.owner == alone.person) & alone.country.notnull())
    same = same.mutate(
        nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=[same.created_at.isnull().ifelse(1, 0), same.created_at, same.person_id]))
    )
    same = same.filter(same.nth == 0).select(p_owner=same.owner, p_country=same.country)
    named = settled(accounts).left_join(account_ids, accounts.account_id == account_ids.id)
    named = named.select(
        owner=ibis.coalesce(named.account, named.account_id), country=named.country, account_id=named.account_id, created_at=named.created_at
    )
    countries = named.filter(named.country.notnull())
    age = [countries.created_at.isnull().ifelse(1, 0), countries.created_at, countries.account_id]
    countries = countries.mutate(nth=ibis.row_number().over(ibis.window(group_by="owner", order_by=age)))
    countries = countries.filter(countries.nth == 0).select(c_owner=countries.owner, country=countries.country)
    joined = settled(joined).left_join(sourced, joined.account == sourced.s_owner).drop("s_owner")
    joined = settled(joined).left_join(earliest, joined.account == earliest.e_owner).drop("e_owner")
    joined = settled(joined).left_join(countries, joined.account == countries.c_owner).drop("c_owner")
    joined = settled(joined).left_join(same, joined.account == same.p_owner).drop("p_owner")
    won = acquisitions.select(w_account=acquisitions.account, cohort=acquisitions.cohort, term=acquisitions.term)
    joined = settled(joined).left_join(won, joined.account == won.w_account).drop("w_account")
    by_visit, by_crm = joined.visit_channel.notnull(), joined.crm_channel.notnull()
    return joined.select(
        "account",
        channel=ibis.coalesce(joined.visit_channel, joined.crm_channel, UNATTRIBUTED),
        campaign=ibis.cases(
            (by_visit, ibis.coalesce(joined.visit_campaign, NOT_SET)), (by_crm, ibis.coalesce(joined.crm_campaign, NOT_SET)), else_=NOT_SET
        ),
        rule=ibis.cases((by_visit, joined.visit_rule), (by_crm, "crm"), else_="none"),
        country=ibis.coalesce(joined.country, joined.p_country, NOT_SET),
        persona=ibis.coalesce(joined.persona, NOT_SET),
        cohort=ibis.coalesce(joined.cohort, NOT_SET),
        term=ibis.coalesce(joined.term, NOT_SET),
    )


def with_account(rows: Table, account_facts: Table) -> Table:
    """Rows of accounts with the account's channel, campaign, rule, country, persona, cohort and term."""
    about = ("channel", "campaign", "rule", "country", "persona", "cohort", "term")
    facts = account_facts.select(whose=account_facts.account, **{name: account_facts[name] for name in about})
    joined = settled(rows).left_join(facts, rows.account == facts.whose)
    return joined.select(
        *[joined[name] for name in rows.columns],
        channel=ibis.coalesce(joined.channel, UNATTRIBUTED),
        campaign=ibis.coalesce(joined.campaign, NOT_SET),
        rule=joined.rule,
        country=ibis.coalesce(joined.country, NOT_SET),
        persona=ibis.coalesce(joined.persona, NOT_SET),
        cohort=ibis.coalesce(joined.cohort, NOT_SET),
        term=ibis.coalesce(joined.term, NOT_SET),
    )


def own_members(first_entries: Table) -> Table:
    """Members where people are the customers: each person is its own account."""
    return first_entries.select("person", account=first_entries.person, place=ibis.literal(0, "int64")).distinct()


def deal_accounts(deals: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Deals with the account each is of: its own, else its person's."""
    rows = settled(deals).left_join(account_ids, deals.account_id == account_ids.id)
    rows = rows.select(*[rows[name] for name in deals.columns], named=ibis.coalesce(rows.account, rows.account_id))
    rows = settled(rows).left_join(persons, rows.person_id == persons.id)
    rows = rows.select(*[rows[name] for name in deals.columns], "named", whose=ibis.coalesce(rows.person, rows.person_id))
    # Of a person with several accounts the one named first.
    nth = ibis.row_number().over(ibis.window(group_by="person", order_by=[members.place, members.account]))
    first = members.mutate(nth=nth)
    first = first.filter(first.nth == 0).select(m_person=first.person, home=first.account)
    rows = settled(rows).left_join(first, rows.whose == first.m_person)
    return rows.select(*[rows[name] for name in deals.columns], account=ibis.coalesce(rows.named, rows.home, rows.whose, NOT_SET))


def account_contents(members: Table, customer_starts: Table, person_contents: Table) -> Table:
    """Per account the content types its people viewed up to the day it became a customer."""
    joined = settled(members).inner_join(person_contents, members.person == person_contents.visitor)
    joined = joined.select(owner=joined.account, content=joined.content, seen_day=joined.seen_day)
    known = settled(joined).inner_join(customer_starts, joined.owner == customer_starts.account)
    return known.filter(known.seen_day <= known.first_day).select("owner", "content").distinct()


def level_contents(levels: Table, account_contents: Table) -> Table:
    """Levels once for every content type the account's people had viewed before it became a customer (reach)."""
    joined = settled(levels).left_join(account_contents, levels.account == account_contents.owner)
    return joined.select(*[joined[name] for name in levels.columns], content=ibis.coalesce(joined.content, NOT_SET))
