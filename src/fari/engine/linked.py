"""How customers, leads and visitors are linked across the sources, by which rule, and which are not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Run = Callable[..., list[tuple[Any, ...]]]
"""SQL and the facts it reads -> rows."""

SAYS = {
    "account_id": "its people name the account",
    "own_person": "the person is the customer itself",
    "alias": "an `aliases` row",
    "alias_message": "an alias message",
    "identify": "messages with both ids",
    "email": "equal e-mail addresses",
    "billing_email": "the billing e-mail is a known person's",
    "domain": "equal business e-mail domains",
}
"""The rules in words."""


@dataclass(frozen=True)
class Linked:
    """Of some kind of thing, how many there are, how many are linked, by which rule, and the first that are not."""

    what: str
    to: str
    """What a link leads to."""
    total: int
    linked: int
    by_rule: Mapping[str, int] = field(default_factory=dict)
    unlinked: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """The linked of all; None where there is nothing to link."""
        return self.linked / self.total if self.total else None


def links(run: Run, horizon_day: int, shown: int) -> tuple[Linked, ...]:
    """Customers to people, customers to visits, leads to visits, visitors to known people."""
    return (*_customers(run, horizon_day, shown), _leads(run, shown), _visitors(run, shown))


def _customers(run: Run, horizon_day: int, shown: int) -> Iterable[Linked]:
    customers = sorted(a for (a,) in run(f"SELECT account FROM customer_starts WHERE first_day <= {horizon_day}", "customer_starts"))
    rules: dict[str, set[str]] = defaultdict(set)
    for account, rule in run("SELECT account, rule FROM account_ids", "account_ids"):
        rules[account].add(rule)
    people: dict[str, set[str]] = defaultdict(set)
    ours = {person for (person,) in run("SELECT internal_person FROM internals", "internals")}
    for account, person in run("SELECT account, person FROM members", "members"):
        if person not in ours:
            people[account].add(person)
    by_rule: Counter[str] = Counter()
    for account in customers:
        if people[account]:
            named = "own_person" if people[account] == {account} else "account_id"
            by_rule[min(rules[account] - {""}, default=named)] += 1
    alone = [account for account in customers if not people[account]]
    yield Linked("customers", "people", len(customers), len(customers) - len(alone), dict(by_rule.most_common()), tuple(alone[:shown]))
    seen = {
        account
        for (account,) in run(
            "SELECT DISTINCT m.account FROM members m JOIN visits v ON v.visitor = m.person AND v.kind = 'human'", "members", "visits"
        )
    }
    unseen = [account for account in customers if account not in seen]
    yield Linked("customers", "visits", len(customers), len(customers) - len(unseen), {}, tuple(unseen[:shown]))


def _leads(run: Run, shown: int) -> Linked:
    rows = run(
        "SELECT e.person, min(p.rule), count(v.visitor) FROM stage_entries e "
        "LEFT JOIN (SELECT person, min(rule) AS rule FROM persons GROUP BY person) p ON p.person = e.person "
        "LEFT JOIN (SELECT DISTINCT visitor FROM visits WHERE kind = 'human') v ON v.visitor = e.person "
        "WHERE e.stage = 'lead' GROUP BY e.person",
        "stage_entries", "persons", "visits",
    )  # fmt: skip
    by_rule = Counter(rule or "identify" for _, rule, seen in rows if seen)
    alone = sorted(person for person, _, seen in rows if not seen)
    return Linked("leads", "visits", len(rows), len(rows) - len(alone), dict(by_rule.most_common()), tuple(alone[:shown]))


def _visitors(run: Run, shown: int) -> Linked:
    known = (
        "FROM (SELECT DISTINCT visitor FROM visits WHERE kind = 'human') v LEFT JOIN (SELECT DISTINCT person FROM members) m ON m.person = v.visitor "
        "LEFT JOIN (SELECT person, min(rule) AS rule FROM persons GROUP BY person) p ON p.person = v.visitor"
    )
    read = ("visits", "members", "persons")
    counted = run(f"SELECT m.person IS NOT NULL, p.rule, count(*) {known} GROUP BY m.person IS NOT NULL, p.rule", *read)
    by_rule: Counter[str] = Counter()
    for is_known, rule, count in counted:
        if is_known:
            by_rule[rule or "identify"] += count
    total = sum(count for *_, count in counted)
    alone = run(f"SELECT v.visitor {known} WHERE m.person IS NULL ORDER BY v.visitor LIMIT {int(shown)}", *read)
    return Linked("visitors", "known people", total, sum(by_rule.values()), dict(by_rule.most_common()), tuple(visitor for (visitor,) in alone))
