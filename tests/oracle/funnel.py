"""People's way through the stages, and sign-ups."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from .company import NO_REASON, NOT_SET, Company, Key, Tables, text
from .identity import Identity
from .revenue import Revenue
from .when import instant, local_day

STAGES = ("lead", "mql", "sql", "opportunity", "customer")
SIGNUP_KINDS = ("trial", "freemium", "paid")


@dataclass(frozen=True)
class Signup:
    """A user's first sign-up in a period."""

    person: Key
    at: datetime
    kind: str


class Funnel:
    """When each person entered each stage, internal people left out."""

    def __init__(self, tables: Tables, company: Company, identity: Identity, revenue: Revenue) -> None:
        self._rows = tables.get("stages", ())
        self._company = company
        self._identity = identity
        self._revenue = revenue

    @cached_property
    def entered(self) -> Mapping[str, Mapping[Key, datetime]]:
        """By stage, the first instant of each person at the stage or beyond."""
        found: dict[str, dict[Key, datetime]] = {stage: {} for stage in STAGES}
        for row in self._rows:
            person = self._identity.person(text(row, "person_id"))
            at, stage = instant(text(row, "at"), self._company.timezone), text(row, "stage")
            if at is None or stage not in STAGES or person in self._identity.internal:
                continue
            for passed in STAGES[: STAGES.index(stage) + 1]:
                found[passed][person] = min(at, found[passed].get(person, at))
        return found

    def entering(self, stage: str, since: date, until: date) -> dict[Key, datetime]:
        """Who first entered a stage in the period, and when."""
        zone = self._company.timezone
        return {person: at for person, at in self.entered[stage].items() if since <= local_day(at, zone) < until}

    def way(self, person: Key) -> list[tuple[datetime, str]]:
        """The stages that a person was in one after the other, and since when: of those entered in one instant the furthest."""
        furthest: dict[datetime, str] = {}
        for stage in STAGES:
            if person in self.entered[stage]:
                furthest[self.entered[stage][person]] = stage
        return sorted(furthest.items())

    def sent_back(self, since: date, until: date) -> dict[tuple[Key, str, datetime], str]:
        """Who was rejected or recycled, as what and when, and the reason given."""
        found: dict[tuple[Key, str, datetime], str] = {}
        for row in self._rows:
            person, stage = self._identity.person(text(row, "person_id")), text(row, "stage")
            at = instant(text(row, "at"), self._company.timezone)
            if at is None or stage not in ("rejected", "recycled") or person in self._identity.internal:
                continue
            if since <= local_day(at, self._company.timezone) < until:
                reason = text(row, "reason") or NO_REASON
                found[person, stage, at] = min(reason, found.get((person, stage, at), reason))
        return found

    def signups(self, since: date, until: date) -> list[Signup]:
        """Distinct users with a sign-up in the period; the first of it gives the kind."""
        found: dict[Key, Signup] = {}
        for message in self._identity.messages:
            person = self._identity.visitor(message)
            event = text(message.sent, "event") or text(message.sent, "name")
            if message.kind != "track" or event not in self._company.signup_events or person is None:
                continue
            if person not in self._identity.internal and since <= local_day(message.at, self._company.timezone) < until:
                said = (text(message.sent, "properties", "plan") or text(message.sent, "properties", "type")).lower()
                kind = said if said in SIGNUP_KINDS else self._first_subscription(person)
                found.setdefault(person, Signup(person, message.at, kind))
        return list(found.values())

    def _first_subscription(self, person: Key) -> str:
        accounts = self._identity.accounts_of(person)
        stretches: dict[str, list[tuple[date, str, str]]] = defaultdict(list)
        for stretch in self._revenue.stretches:
            kind = "trial" if stretch.status == "trialing" else "paid" if stretch.value > 0 else "freemium"
            stretches[stretch.account].append((stretch.starts, stretch.subscription, kind))
        return min((min(stretches[account]) for account in accounts if stretches[account]), default=(None, None, NOT_SET))[2]
