"""Identity: which ids are one person, which person a device was at an instant, which accounts are one, and by what rule.

Union-find over the edges the sources give (definitions, Identity). Only ids that are linked appear; every other id is its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fari.company import Company
from fari.marks.mail import is_free_mail

ALWAYS = datetime(1900, 1, 1), datetime(2201, 1, 1)
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


def identity(
    company: Company,
    identify_pairs: Iterable[tuple[str, str | None, str | None, str | None, str | None, str | None, datetime, int, str]],
    shared_devices: Iterable[tuple[str, str, datetime]],
    alias_targets: Iterable[tuple[str]],
    contact_ids: Iterable[tuple[str, str | None, str | None, datetime | None, int | None, int]],
    alias_rows: Iterable[tuple[str, str, str]],
    used_ids: Iterable[tuple[str, str]],
) -> dict[str, list[tuple[object, ...]]]:
    """`persons` (id, person, rule), `devices` (anonymous_id, from_at, until_at, person), `internals`, `account_ids` (id, account, rule),
    `members` (person, account), `known_since` (person, known_at, known_day): everything the facts join on."""
    # In the order things came to be, so that the first account a person has is the one named first.
    pairs = sorted(identify_pairs, key=lambda pair: (pair[6], str(pair[3])))
    contacts = sorted(contact_ids, key=lambda contact: (contact[3] is None, contact[3] or ALWAYS[1], contact[0]))
    aliases = list(alias_rows)
    devices_named = {anonymous for (anonymous,) in alias_targets}
    people = Links()
    accounts = Links()
    for kind, links in (("person", people), ("account", accounts)):
        told = [(a, b) for k, a, b in aliases if k == kind]
        links.alone |= {a for a, b in told if a == b}
        links.targets |= {b for _, b in told} - {a for a, b in told if a != b}
    # Devices: who was known on each, and when.
    users: dict[str, set[str]] = {}
    moments: dict[str, set[tuple[datetime, str]]] = {}
    emails: dict[str, set[str]] = {}
    since: dict[str, tuple[datetime, int]] = {}
    known: set[str] = set()

    def knows(person: str, at: datetime, day: int) -> None:
        known.add(person)
        if person not in since or at < since[person][0]:
            since[person] = (at, day)

    for kind, anonymous, user, _, previous, email, at, day, _ in pairs:
        who = user
        if who is None and anonymous is not None and plain_email(email):
            # An e-mail given without a user id makes the device itself known.
            who = anonymous
        if who is None:
            continue
        knows(who, at, day)
        if anonymous is not None:
            users.setdefault(anonymous, set()).add(who)
            moments.setdefault(anonymous, set()).add((at, who))
        if plain_email(email):
            emails.setdefault(plain_email(email) or "", set()).add(who)
        if kind == "alias" and previous is not None and user is not None:
            if previous in devices_named:
                users.setdefault(previous, set()).add(user)
                moments.setdefault(previous, set()).add((at, user))
            else:
                people.join(previous, user, "alias_message")
                knows(previous, at, day)
    for anonymous, user, at in shared_devices:
        moments.setdefault(anonymous, set()).add((at, user))
    for kind, a, b in aliases:
        if kind == "person" and a != b:
            if a in devices_named and a not in known and not any(c[0] == a for c in contacts):
                users[a] = {b}
                moments[a] = {(ALWAYS[0], b)}
                known.add(b)
            else:
                people.join(a, b, "alias")
    for person, email, _, created, day, _ in contacts:
        known.add(person)
        if created is not None and day is not None:
            knows(person, created, day)
        if plain_email(email):
            emails.setdefault(plain_email(email) or "", set()).add(person)
    for group in emails.values():
        first, *rest = sorted(group)
        for other in rest:
            people.join(other, first, "email")
        if first in people.alone and rest:
            for other in rest[1:]:
                people.join(other, rest[0], "email")
    named = people.names()
    used = list(used_ids)
    known |= {i for kind, i in used if kind == "person"}

    def person_of(one: str) -> str:
        return named.get(one, one)

    device_rows: list[tuple[object, ...]] = []
    for anonymous, held in users.items():
        if len({person_of(u) for u in held}) == 1:
            device_rows.append((anonymous, *ALWAYS, person_of(min(held))))
            continue
        # A view belongs to the first identify at or after it, else to the last before it.
        begun = ALWAYS[0]
        ordered = sorted(moments[anonymous])
        for number, (at, user) in enumerate(ordered):
            until = ALWAYS[1] if number == len(ordered) - 1 else at + _TICK
            if until > begun:
                device_rows.append((anonymous, begun, until, person_of(user)))
                begun = until
    internals = sorted({person_of(person) for person, _, _, _, _, internal in contacts if internal})
    members, account_names = _accounts(company, pairs, contacts, aliases, used, people, emails, accounts, person_of, known, device_rows)
    first_known: dict[str, tuple[datetime, int]] = {}
    for person, moment in since.items():
        one = person_of(person)
        if one not in first_known or moment[0] < first_known[one][0]:
            first_known[one] = moment
    return {
        "persons": [(i, person, people.rule.get(i, "")) for i, person in sorted(named.items())],
        "devices": sorted(device_rows, key=str),
        "internals": [(person,) for person in internals],
        "account_ids": account_names,
        "members": members,
        "known_since": [(person, at, day) for person, (at, day) in sorted(first_known.items())],
    }


def _accounts(company, pairs, contacts, aliases, used, people, emails, accounts, person_of, known, device_rows):  # type: ignore[no-untyped-def]
    """(members, account ids): whose people are whose, after accounts that are one were joined."""
    of: dict[str, dict[str, None]] = {}
    holders = {row[0]: row[3] for row in device_rows}
    billing: dict[str, list[str]] = {}
    domains: dict[str, set[str]] = {}
    for address, ids in emails.items() if company.match_domains else ():
        if not is_free_mail(address):
            domains.setdefault(address.rpartition("@")[2], set()).update(person_of(i) for i in ids - people.alone)
    for person, _, account, *_ in contacts:
        if account is not None:
            of.setdefault(person_of(person), {})[account] = None
            if account == person:
                billing.setdefault(person_of(person), []).append(account)
    for kind, anonymous, user, group, *_ in pairs:
        if group is not None and kind == "group":
            person = person_of(user) if user is not None else holders.get(anonymous, anonymous)
            if person is not None:
                of.setdefault(person, {})[group] = None
    for kind, a, b in aliases:
        if kind == "account" and a != b:
            accounts.join(a, b, "alias")
    for person, own in billing.items():
        others = sorted(a for a in of[person] if a not in own)
        for account in own[1:]:
            accounts.join(account, own[0], "billing_email")
        if others:
            accounts.join(own[0], others[0], "billing_email")
            accounts.targets.add(others[0])
    for owners in domains.values():
        named = sorted({account for person in owners for account in of.get(person, {})})
        for account in named[1:]:
            accounts.join(account, named[0], "domain")
        for person in owners:
            if named and person not in of:
                of[person] = {named[0]: None}
    # A person without an account is its own: account ids that are ids of such a person are that account.
    ids = {i for kind, i in used if kind == "account"} | {a for kind, a, _ in aliases if kind == "account"}
    alone = {person for person in map(person_of, known) if person not in of}
    for account in sorted(ids):
        person = person_of(account)
        if person in alone and person != account:
            accounts.join(account, person, "own_person")
            accounts.targets.add(person)
    names = accounts.names()
    rows: dict[tuple[str, str], int] = {}
    for person, own in of.items():
        for place, account in enumerate(own):
            rows.setdefault((person, names.get(account, account)), place)
    rows |= {(person, names.get(person, person)): 0 for person in alone}
    return [(*pair, place) for pair, place in sorted(rows.items())], [(i, account, accounts.rule.get(i, "")) for i, account in sorted(names.items())]
