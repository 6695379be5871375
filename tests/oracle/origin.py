"""What people and accounts are split by: the channel that won them, their country and persona, the content they touched."""

from collections.abc import Iterable
from datetime import date, datetime

from .company import NOT_SET, UNATTRIBUTED, Company, Key, Row, Tables, text
from .identity import Identity
from .visits import View, Visit, Visits
from .when import DAY

Value = str | frozenset[str]
"""The segment something belongs to; several for content, which is reach."""


class Origin:
    """Where people and accounts come from."""

    def __init__(self, tables: Tables, company: Company, identity: Identity, visits: Visits) -> None:
        self._accounts = sorted(tables.get("accounts", ()), key=identity.age)
        self._company = company
        self._identity = identity
        self._visits = visits

    def of_person(self, person: Key, at: datetime, name: str) -> Value:
        """A dimension of a person as of the instant it became a lead (or signed up)."""
        records = self._identity.records.get(person, [])
        visits = self._visits.by_visitor.get(person, [])
        if name == "content":
            return _reach(view for visit in visits for view in visit.views if view.at <= at)
        if name in {"channel", "campaign"}:
            return _touch([visit for visit in visits if visit.at <= at], records, name)
        if name in {"country", "persona"}:
            return next((text(row, name) for row in records if text(row, name)), NOT_SET)
        if name == "landing_page":
            return (
                min((visit for visit in visits if visit.at <= at), key=lambda visit: visit.at).landing_page
                if any(v.at <= at for v in visits)
                else NOT_SET
            )
        raise KeyError(name)

    def of_account(self, account: str, won_on: date | None, name: str) -> Value:
        """A dimension of an account, fixed by the day it became a customer (never: no such bound)."""
        everyone = self._identity.people_of.get(account, set())
        theirs = everyone - self._identity.internal
        last = won_on or date.max - DAY
        visits = [visit for person in theirs for visit in self._visits.by_visitor.get(person, [])]
        if name == "content":
            return _reach(view for visit in visits for view in visit.views if view.day <= last)
        if name in {"channel", "campaign"}:
            return _touch([visit for visit in visits if visit.day <= last], self._records(theirs), name)
        if name == "country":
            own = [text(row, name) for row in self._accounts if self._identity.account(text(row, "account_id")) == account]
            # A person without an account is its own account, so its country is the account's own.
            alone = [text(row, name) for row in self._records(everyone) if not self._identity.named(row)]
            return next((country for country in own + alone if country), NOT_SET)
        if name == "persona":
            records = self._records(everyone)
            if not records:
                return NOT_SET
            person = self._identity.person(text(records[0], "person_id"))
            return next((text(row, name) for row in self._identity.records[person] if text(row, name)), NOT_SET)
        raise KeyError(name)

    def _records(self, people: Iterable[Key]) -> list[Row]:
        rows = [row for person in people for row in self._identity.records.get(person, [])]
        return sorted(rows, key=self._identity.age)


def _touch(visits: list[Visit], records: list[Row], name: str) -> str:
    """Of the earliest visit, else of the CRM's earliest record that names a channel."""
    if visits:
        return min(visits, key=lambda visit: (visit.at, visit.visitor)).dimension(name)
    for row in records:
        if text(row, "channel"):
            return text(row, name) or NOT_SET
    return UNATTRIBUTED if name == "channel" else NOT_SET


def _reach(views: Iterable[View]) -> frozenset[str]:
    return frozenset(view.content for view in views) or frozenset({NOT_SET})
