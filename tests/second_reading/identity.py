"""Who is who: ids that are one person, the accounts of people, and whose a message is (definitions.md, Identity)."""

from bisect import bisect_left
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tests.second_reading.ledger import Known, Row, day_of, instant


class Union:
    """Sets that grow together; the smallest member names the set."""

    def __init__(self) -> None:
        self.up: dict[str, str] = {}

    def find(self, x: str) -> str:
        while self.up.setdefault(x, x) != x:
            x = self.up[x]
        return x

    def join(self, a: str, b: str) -> None:
        low, high = sorted((self.find(a), self.find(b)))
        self.up[high] = low


class Identity:
    """The people and accounts of one known ledger. A person is `u:` and its least id, a visitor nobody knows `a:` and its anonymous id."""

    def __init__(self, known: Known, toml: dict[str, Any]):
        self.known, self.toml = known, toml
        self.rows = known.rows
        self.zone = ZoneInfo(toml["company"]["timezone"])
        self.horizon = known.horizon

    def at(self, text: str) -> datetime:
        return instant(text, self.zone)

    def day(self, text: str) -> date:
        return day_of(text, self.zone)

    def local(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    # Identity

    @cached_property
    def identifies(self) -> dict[str, list[tuple[datetime, str]]]:
        """Of each anonymous id, when it was identified as whom."""
        found: dict[str, list[tuple[datetime, str]]] = {}
        anonymous = {e["anonymousId"] for e in self.rows["events"] if e.get("anonymousId")}
        for e in self.rows["events"]:
            anon = e.get("anonymousId")
            if e["type"] == "alias" and e.get("previousId") in anonymous:
                found.setdefault(e["previousId"], []).append((self.at(e["timestamp"]), e["userId"]))
            if anon and e.get("userId"):
                found.setdefault(anon, []).append((self.at(e["timestamp"]), e["userId"]))
        return {anon: sorted(said) for anon, said in found.items()}

    @cached_property
    def people(self) -> Union:
        """Ids of one person, joined."""
        union = Union()
        anonymous = {e["anonymousId"] for e in self.rows["events"] if e.get("anonymousId")}
        mails: dict[str, str] = {}
        given = [(r["person_id"], r.get("email")) for r in self.rows["people"]]
        given += [(e["userId"], (e.get("traits") or {}).get("email")) for e in self.rows["events"] if e.get("userId")]
        for person, mail in given:
            if mail and mail.strip():
                union.join(person, mails.setdefault(mail.strip().lower(), person))
        for e in self.rows["events"]:
            if e["type"] == "alias" and e.get("previousId") and e["previousId"] not in anonymous:
                union.join(e["previousId"], e["userId"])
        for r in self.rows["aliases"]:
            if r["kind"] == "person":
                union.join(r["from_id"], r["to_id"])
        return union

    def person_at(self, anon: str | None, user: str | None, at: datetime) -> str:
        """Whose a message is: of a person, or of an anonymous id never identified."""
        if user:
            return "u:" + self.people.find(user)
        assert anon
        said = self.identifies.get(anon)
        if not said:
            return "a:" + anon
        i = bisect_left(said, (at, ""))
        return "u:" + self.people.find(said[min(i, len(said) - 1)][1])

    @cached_property
    def cards(self) -> dict[str, list[Row]]:
        """The rows of `people` of each person, the earliest created first."""
        found: dict[str, list[Row]] = {}
        for r in self.rows["people"]:
            found.setdefault("u:" + self.people.find(r["person_id"]), []).append(r)
        for cards in found.values():
            cards.sort(key=self.card_order)
        return found

    def card_order(self, row: Row) -> tuple[datetime, str]:
        """The earliest created first, ties by the smallest person_id."""
        return self.at(row.get("created_at") or "9999-12-31"), row["person_id"]

    @cached_property
    def internal(self) -> set[str]:
        return {p for p, cards in self.cards.items() if any(str(c.get("internal")).lower() == "true" for c in cards)}

    def own(self, person: str, column: str) -> str | None:
        """A person's own value: of its earliest row that has one."""
        return next((c[column] for c in self.cards.get(person, []) if c.get(column)), None)

    # Accounts

    @cached_property
    def accounts(self) -> Union:
        union = Union()
        for r in self.rows["aliases"]:
            if r["kind"] == "account":
                union.join(r["from_id"], r["to_id"])
        return union

    @cached_property
    def members(self) -> dict[str, set[str]]:
        """The people of each account."""
        found: dict[str, set[str]] = {}
        for r in self.rows["people"]:
            if r.get("account_id"):
                found.setdefault(self.accounts.find(r["account_id"]), set()).add("u:" + self.people.find(r["person_id"]))
        for e in self.rows["events"]:
            if e["type"] == "group" and e.get("groupId"):
                found.setdefault(self.accounts.find(e["groupId"]), set()).add(
                    self.person_at(e.get("anonymousId"), e.get("userId"), self.at(e["timestamp"]))
                )
        return {a: {p for p in people if p[0] == "u"} for a, people in found.items()}

    @cached_property
    def account_of(self) -> dict[str, str]:
        return {p: a for a, people in sorted(self.members.items(), reverse=True) for p in people}

    def account_key(self, account_id: str) -> str:
        """An account's name; a person without an account is its own."""
        if account_id in self.person_ids and self.accounts.find(account_id) not in self.members:
            return self.account_of_person("u:" + self.people.find(account_id))
        return self.accounts.find(account_id)

    @cached_property
    def person_ids(self) -> set[str]:
        """Every id that some row calls a person."""
        ids = {r["person_id"] for t in ("people", "stages", "feedback", "deals") for r in self.rows[t] if r.get("person_id")}
        ids |= {r[c] for r in self.rows["aliases"] if r["kind"] == "person" for c in ("from_id", "to_id")}
        return ids | {e["userId"] for e in self.rows["events"] if e.get("userId")}

    def account_of_person(self, person: str) -> str:
        return self.account_of.get(person, person)

    def people_of(self, account: str) -> set[str]:
        return {account} if account[:2] == "u:" else self.members.get(account, set())
