"""Identity: which ids are one person, which person a device was at an instant, which accounts are one, and by what rule.

Union-find over the edges the sources give (definitions, Identity). Only ids that are linked appear; every other id is its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fari.company import Company
from fari.marks.mail import is_free_mail

ALWAYS = datetime(1900, 1, 1), datetime(2201, 1, 1)  # noqa: DTZ001 - instants are kept as UTC without a zone
_TICK = timedelta(microseconds=1)


@dataclass
class Links:
    """Union-find that remembers by which rule an id was first linked. Ids in `alone` join nothing but what an alias row names."""

    parent: dict[str, str] = field(default_factory=dict)
    rule: dict[str, str] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)

    def find(self, one: str) -> str:
        """The id that stands for `one`'s group at the moment."""
        root = one
        while (above := self.parent.get(root, root)) != root:
            root = above
        while self.parent.get(one, one) != root:
            self.parent[one], one = root, self.parent[one]
        return root

    def join(self, a: str, b: str, rule: str) -> None:
        """`a` and `b` are one by `rule`. An alias names `b` the id that stays."""
        if rule != "alias" and (a in self.alone or b in self.alone):
            return
        self.parent.setdefault(a, a)
        self.parent.setdefault(b, b)
        self.rule.setdefault(a, rule)
        self.rule.setdefault(b, rule)
        one, two = self.find(a), self.find(b)
        if one != two:
            self.parent[one] = two

    def names(self) -> dict[str, str]:
        """For every linked id the one that stands for its group: an alias's target that is no alias itself, else the smallest."""
        groups: dict[str, list[str]] = {}
        for one in self.parent:
            groups.setdefault(self.find(one), []).append(one)
        named: dict[str, str] = {}
        for group in groups.values():
            chosen = min((i for i in group if i in self.targets), default=min(group))
            named.update(dict.fromkeys(group, chosen))
        return named


def plain_email(email: str | None) -> str | None:
    """An e-mail address as it is compared.

    >>> plain_email(" Ada@Example.com ")
    'ada@example.com'
    """
    text = (email or "").strip().lower()
    return text if "@" in text else None


@dataclass
class Seen:
    """What the edges told so far: who is known since when, on which devices, by which addresses and as whose people."""

    people: Links = field(default_factory=Links)
    known: set[str] = field(default_factory=set)
    since: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    emails: dict[str, set[str]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    """The users known on each device, and below the instants they were known at."""
    moments: dict[str, set[tuple[datetime, str]]] = field(default_factory=dict)

    def knows(self, person: str, at: datetime, day: int) -> None:
        """A person is known from its first instant on."""
        self.known.add(person)
        if person not in self.since or at < self.since[person][0]:
            self.since[person] = (at, day)

    def holds(self, device: str, user: str, at: datetime) -> None:
        """A user was known on a device at an instant."""
        self.users.setdefault(device, set()).add(user)
        self.moments.setdefault(device, set()).add((at, user))

    def address(self, email: str | None, person: str) -> None:
        """A person gave an e-mail address."""
        if plain := plain_email(email):
            self.emails.setdefault(plain, set()).add(person)


Pair = tuple[str, str | None, str | None, str | None, str | None, str | None, datetime, int, str]
Contact = tuple[str, str | None, str | None, datetime | None, int | None, int]
Row = tuple[object, ...]


def identity(
    company: Company,
    identify_pairs: Iterable[Pair],
    shared_devices: Iterable[tuple[str, str, datetime]],
    alias_targets: Iterable[tuple[str]],
    contact_ids: Iterable[Contact],
    alias_rows: Iterable[tuple[str, str, str]],
    used_ids: Iterable[tuple[str, str]],
) -> dict[str, list[Row]]:
    """Everything the facts join on, by table.

    `persons` (id, person, rule), `devices` (anonymous_id, from_at, until_at, person), `internals`, `account_ids` (id, account, rule),
    `members` (person, account, place), `known_since` (person, known_at, known_day): everything the facts join on.
    """
    # In the order things came to be, so that the first account a person has is the one named first.
    pairs = sorted(identify_pairs, key=lambda pair: (pair[6], str(pair[3])))
    contacts = sorted(contact_ids, key=lambda contact: (contact[3] is None, contact[3] or ALWAYS[1], contact[0]))
    aliases, used = list(alias_rows), list(used_ids)
    seen = Seen(people=_aliased(aliases, "person"))
    devices = {anonymous for (anonymous,) in alias_targets}
    for pair in pairs:
        _take(pair, seen, devices)
    for device, user, at in shared_devices:
        seen.moments.setdefault(device, set()).add((at, user))
    for person, email, _, created, day, _ in contacts:
        seen.known.add(person)
        if created is not None and day is not None:
            seen.knows(person, created, day)
        seen.address(email, person)
    for kind, a, b in aliases:
        if kind != "person" or a == b:
            continue
        if a in devices and a not in seen.known:
            seen.users[a], seen.moments[a] = {b}, {(ALWAYS[0], b)}
            seen.known.add(b)
        else:
            seen.people.join(a, b, "alias")
    for group in seen.emails.values():
        first, *rest = sorted(group - seen.people.alone) or [""]
        for other in rest:
            seen.people.join(other, first, "email")
    named = seen.people.names()
    seen.known |= {i for kind, i in used if kind == "person"}
    device_rows = _devices(seen, named)
    members, account_ids = _accounts(company, pairs, contacts, aliases, used, seen, named, {str(row[0]): str(row[3]) for row in device_rows})
    since: dict[str, tuple[datetime, int]] = {}
    for person, moment in seen.since.items():
        one = named.get(person, person)
        since[one] = min(moment, since.get(one, moment))
    return {
        "persons": [(i, person, seen.people.rule.get(i, "")) for i, person in sorted(named.items())],
        "devices": device_rows,
        "internals": [(person,) for person in sorted({named.get(c[0], c[0]) for c in contacts if c[5]})],
        "account_ids": account_ids,
        "members": members,
        "known_since": [(person, at, day) for person, (at, day) in sorted(since.items())],
    }


def _aliased(aliases: list[tuple[str, str, str]], kind: str) -> Links:
    told = [(a, b) for k, a, b in aliases if k == kind]
    links = Links(alone={a for a, b in told if a == b})
    links.targets = {b for _, b in told} - {a for a, b in told if a != b}
    return links


def _take(pair: Pair, seen: Seen, devices: set[str]) -> None:
    kind, anonymous, user, _, previous, email, at, day, _ = pair
    # An e-mail given without a user id makes the device itself known.
    who = user if user is not None or plain_email(email) is None else anonymous
    if who is None:
        return
    seen.knows(who, at, day)
    seen.address(email, who)
    if anonymous is not None:
        seen.holds(anonymous, who, at)
    if kind == "alias" and previous is not None and user is not None:
        if previous in devices:
            seen.holds(previous, user, at)
        else:
            seen.people.join(previous, user, "alias_message")
            seen.knows(previous, at, day)


def _devices(seen: Seen, named: dict[str, str]) -> list[Row]:
    """Whose each device was, as half-open stretches: a view belongs to the first identify at or after it, else to the last before it."""
    rows: list[Row] = []
    for device, users in sorted(seen.users.items()):
        persons = sorted({named.get(user, user) for user in users})
        if len(persons) == 1:
            rows.append((device, *ALWAYS, persons[0]))
            continue
        begun = ALWAYS[0]
        ordered = sorted(seen.moments[device])
        for number, (at, user) in enumerate(ordered):
            until = ALWAYS[1] if number == len(ordered) - 1 else at + _TICK
            if until > begun:
                rows.append((device, begun, until, named.get(user, user)))
                begun = until
    return rows


def _accounts(
    company: Company, pairs: list[Pair], contacts: list[Contact], aliases: list[tuple[str, str, str]], used: list[tuple[str, str]],
    seen: Seen, named: dict[str, str], holders: dict[str, str],
) -> tuple[list[Row], list[Row]]:  # fmt: skip
    """(members, account ids): whose people are whose, after accounts that are one were joined."""
    of: dict[str, dict[str, None]] = {}
    links = _aliased(aliases, "account")
    billing: dict[str, list[str]] = {}
    for person, _, account, *_ in contacts:
        if account is not None:
            of.setdefault(named.get(person, person), {})[account] = None
            if account == person:
                billing.setdefault(named.get(person, person), []).append(account)
    for kind, anonymous, user, group, *_ in pairs:
        one = named.get(user, user) if user is not None else holders.get(anonymous or "", anonymous)
        if kind == "group" and group is not None and one is not None:
            of.setdefault(one, {})[group] = None
    for kind, a, b in aliases:
        if kind == "account" and a != b:
            links.join(a, b, "alias")
    for person, own in billing.items():
        # A billing customer (its own contact) is the account that its contact's other records name.
        others = [a for a in of[person] if a not in own]
        for account in own[1:]:
            links.join(account, own[0], "billing_email")
        if others:
            links.join(own[0], others[0], "billing_email")
            links.targets.add(others[0])
    homeless = {person for person in (named.get(i, i) for i in seen.known) if person not in of}
    if company.match_domains:
        _match_domains(seen, named, of, links)
    # A person without an account is its own: account ids that are ids of such a person are that account.
    ids = {i for kind, i in used if kind == "account"} | {a for kind, a, _ in aliases if kind == "account"}
    alone = {person for person in (named.get(i, i) for i in seen.known) if person not in of}
    for account in sorted(ids):
        person = named.get(account, account)
        if person in alone and person != account:
            links.join(account, person, "own_person")
            links.targets.add(person)
        elif person in homeless and person in of:
            # It was its own account until its domain gave it another: what is told of the one is told of the other.
            links.join(account, next(iter(of[person])), "domain")
    names = links.names()
    rows: dict[tuple[str, str], int] = {}
    for person, homes in of.items():
        for place, account in enumerate(homes):
            rows.setdefault((person, names.get(account, account)), place)
    rows |= {(person, names.get(person, person)): 0 for person in alone}
    return [(*pair, place) for pair, place in sorted(rows.items())], [(i, account, links.rule.get(i, "")) for i, account in sorted(names.items())]


def _match_domains(seen: Seen, named: dict[str, str], of: dict[str, dict[str, None]], links: Links) -> None:
    """One business e-mail domain is one account; its people without an account are of it."""
    owners: dict[str, set[str]] = {}
    for address, ids in seen.emails.items():
        if not is_free_mail(address):
            owners.setdefault(address.rpartition("@")[2], set()).update(named.get(i, i) for i in ids - seen.people.alone)
    for people in owners.values():
        accounts = sorted({account for person in people for account in of.get(person, {})})
        for account in accounts[1:]:
            links.join(account, accounts[0], "domain")
        for person in people if accounts else ():
            of.setdefault(person, {accounts[0]: None})
