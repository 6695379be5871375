"""Feedback: what customers were asked or said of their own accord, laid at the door of their accounts."""

import ibis
from ibis.expr.types import Table

from fari.facts.words import settled

_KINDS = ("churn_reason", "nps", "csat")
"""What is read; of the others (comments) nobody can tell whether they are good or bad."""


def account_feedback(feedback: Table, account_ids: Table, members: Table, persons: Table) -> Table:
    """Reasons for leaving and scores, once for each account of who gave them. Free text stays in the ledger, where it can be erased."""
    given = feedback.filter(feedback.kind.isin(_KINDS) & feedback.value.notnull())
    columns = ("kind", "value", "at", "at_day", "origin")
    by_account = given.filter(given.account_id.notnull())
    by_account = settled(by_account).left_join(account_ids, by_account.account_id == account_ids.id)
    by_account = by_account.select(*columns, account=ibis.coalesce(by_account.account, by_account.account_id))
    by_person = given.filter(given.account_id.isnull())
    by_person = settled(by_person).left_join(persons, by_person.person_id == persons.id)
    by_person = by_person.select(*columns, whose=ibis.coalesce(by_person.person, by_person.person_id))
    homes = members.select(m_person=members.person, home=members.account)
    by_person = settled(by_person).left_join(homes, by_person.whose == homes.m_person)
    by_person = by_person.select(*columns, account=ibis.coalesce(by_person.home, by_person.whose))
    return by_account.union(by_person, distinct=False)
