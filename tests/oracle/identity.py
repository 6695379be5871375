"""Who is who: messages, the people and accounts they name, and which of those are one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from .company import Company, Key, Row, Tables, flag, text
from .when import instant

NEVER = datetime.max.replace(tzinfo=UTC)
FREE_MAIL = frozenset({"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "gmx.de", "libero.it"})


@dataclass(frozen=True)
class Message:
    """One event: its ids, its instant, and all of it as it was sent."""

    kind: str
    at: datetime
    anonymous: str
    user: str
    group: str
    sent: Row


class Same:
    """Ids that are one, as sets; each set is known by its smallest member."""

    def __init__(self) -> None:
        self._set_of: dict[str, set[str]] = {}

    def join(self, one: str, other: str) -> None:
        """From now on these two are one."""
        merged = self._set_of.get(one, {one}) | self._set_of.get(other, {other})
        for member in merged:
            self._set_of[member] = merged

    def name(self, one: str) -> str:
        """The id by which its set is known."""
        return min(self._set_of.get(one, {one}))

    def members(self, one: str) -> set[str]:
        """Every id that is one with it, itself included."""
        return self._set_of.get(one, {one})


class Identity:
    """The answers to: whose message is this, which accounts has a person, which people has an account."""

    def __init__(self, tables: Tables, company: Company) -> None:
        self._tables = tables
        self._company = company

    @cached_property
    def messages(self) -> list[Message]:
        """All events by time; a `messageId` seen before is a retry, as is the very same row where there is none."""
        kept: dict[str, Message] = {}
        for row in self._tables.get("events", ()):
            at = instant(text(row, "timestamp"), self._company.timezone)
            if at is None:
                continue
            group = text(row, "groupId")
            message = Message(text(row, "type"), at, text(row, "anonymousId"), text(row, "userId"), group, row)
            kept.setdefault(text(row, "messageId") or repr(row), message)
        return sorted(kept.values(), key=lambda message: (message.at, text(message.sent, "messageId")))

    @cached_property
    def devices(self) -> dict[str, list[tuple[datetime, str]]]:
        """When each anonymous id was identified, and as which user: any message that carries both, or an alias of the anonymous id."""
        seen = {message.anonymous for message in self.messages if message.anonymous}
        found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for message in self.messages:
            if message.anonymous and message.user:
                found[message.anonymous].append((message.at, message.user))
            previous = text(message.sent, "previousId")
            if message.kind == "alias" and message.user and previous in seen:
                found[previous].append((message.at, message.user))
        return {anonymous: sorted(times) for anonymous, times in found.items()}

    def visitor(self, message: Message) -> Key | None:
        """Whose message it is: of its own user, else of the first identify at or after it on its device, else of the last before it."""
        if message.user:
            return self.person(message.user)
        if not message.anonymous:
            return None
        times = self.devices.get(message.anonymous, [])
        for at, user in times:
            if at >= message.at:
                return self.person(user)
        if times:
            last = times[-1][0]
            return self.person(min(user for at, user in times if at == last))
        return ("device", message.anonymous)

    def person(self, one: str) -> Key:
        """The person that an id belongs to."""
        return ("person", self._people.name(one))

    def _aliases(self, kind: str) -> list[tuple[str, str]]:
        return [(text(row, "from_id"), text(row, "to_id")) for row in self._tables.get("aliases", ()) if text(row, "kind") == kind]

    @cached_property
    def _people(self) -> Same:
        links = [(text(m.sent, "previousId"), m.user) for m in self.messages if m.kind == "alias" and text(m.sent, "previousId") and m.user]
        first_with: dict[str, str] = {}
        for mail, one in self._mails:
            links.append((first_with.setdefault(mail, one), one))
        return _joined(self._aliases("person"), links, alone={one for one, other in self._aliases("person") if one == other})

    @cached_property
    def _mails(self) -> list[tuple[str, str]]:
        alone = {one for one, other in self._aliases("person") if one == other}
        pairs = [(text(row, "email").lower(), text(row, "person_id")) for row in self._tables.get("people", ())]
        pairs += [(text(m.sent, "traits", "email").lower(), m.user) for m in self.messages if m.kind == "identify" and m.user]
        return [(mail, one) for mail, one in pairs if mail and one not in alone]

    @cached_property
    def records(self) -> dict[Key, list[Row]]:
        """The CRM's rows of each person, the earliest created first (ties: the smallest id)."""
        found: dict[Key, list[Row]] = defaultdict(list)
        for row in sorted(self._tables.get("people", ()), key=self.age):
            found[self.person(text(row, "person_id"))].append(row)
        return found

    def age(self, row: Row) -> tuple[datetime, str]:
        """Orders people or accounts by when they were created."""
        return (instant(text(row, "created_at"), self._company.timezone) or NEVER, text(row, "person_id") or text(row, "account_id"))

    @cached_property
    def internal(self) -> set[Key]:
        """Our own people."""
        return {person for person, rows in self.records.items() if any(flag(text(row, "internal")) for row in rows)}

    @cached_property
    def _named(self) -> dict[Key, set[str]]:
        """The account ids that name each person (or device), by the CRM or by a group message."""
        found: dict[Key, set[str]] = defaultdict(set)
        for person, rows in self.records.items():
            found[person] |= {text(row, "account_id") for row in rows} - {""}
        for message in self.messages:
            visitor = self.visitor(message)
            if message.kind == "group" and message.group and visitor:
                found[visitor].add(message.group)
        return found

    @cached_property
    def _accounts(self) -> Same:
        links: list[tuple[str, str]] = []
        persons = {self.person(one) for one in self._person_ids}
        for person in persons:
            if not self._named.get(person):
                links += [(person[1], one) for one in self._people.members(person[1])]
        if self._company.match_domains:
            first_with: dict[str, str] = {}
            for mail, one in self._mails:
                domain = mail.rpartition("@")[2]
                for account in self._named.get(self.person(one)) or {one}:
                    if domain not in FREE_MAIL:
                        links.append((first_with.setdefault(domain, account), account))
        return _joined(self._aliases("account"), links, alone={one for one, other in self._aliases("account") if one == other})

    @cached_property
    def _person_ids(self) -> set[str]:
        named = {text(row, "person_id") for table in ("people", "stages", "feedback", "deals") for row in self._tables.get(table, ())}
        return (named | {message.user for message in self.messages}) - {""}

    def named(self, row: Row) -> bool:
        """Whether the person of a CRM row has an account that is named."""
        return bool(self._named.get(self.person(text(row, "person_id"))))

    def account(self, one: str) -> str:
        """The account that an id belongs to."""
        return self._accounts.name(one)

    def accounts_of(self, person: Key) -> set[str]:
        """The accounts of a person; one without any is its own. A device that no group message names has none."""
        named = self._named.get(person)
        if named:
            return {self.account(one) for one in named}
        return {self.account(person[1])} if person[0] == "person" else set()

    def first_account_of(self, person: Key) -> str:
        """The account that the person's earliest record names, else its earliest group message, else its smallest."""
        for row in self.records.get(person, []):
            if text(row, "account_id"):
                return self.account(text(row, "account_id"))
        groups = [m for m in self.messages if m.kind == "group" and m.group and self.visitor(m) == person]
        return self.account(min(groups, key=lambda m: (m.at, m.group)).group) if groups else min(self.accounts_of(person))

    @cached_property
    def people_of(self) -> dict[str, set[Key]]:
        """The people of each account."""
        found: dict[str, set[Key]] = defaultdict(set)
        for person in {self.person(one) for one in self._person_ids} | set(self._named):
            for account in self.accounts_of(person):
                found[account].add(person)
        return found


def _joined(told: Iterable[tuple[str, str]], links: Iterable[tuple[str, str]], alone: set[str]) -> Same:
    """`alone` cuts what is linked by itself, not what an alias tells."""
    same = Same()
    for one, other in told:
        same.join(one, other)
    for one, other in links:
        if not {one, other} & alone:
            same.join(one, other)
    return same
