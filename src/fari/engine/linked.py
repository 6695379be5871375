"""How customers, leads and visitors are linked across the sources, by which rule, and which are not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fari.engine.periods import number

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
    since: date | None = None
    """Only those won, or become leads, from this day on: before it no visit is known."""

    @property
    def share(self) -> float | None:
        """The linked of all; None where there is nothing to link."""
        return self.linked / self.total if self.total else None


def links(run: Run, horizon: date, visits_since: date | None, shown: int) -> tuple[Linked, ...]:
    """Customers to people; and, where visits are known, customers and leads to visits, and visitors to known people."""
    days: dict[str, int] = dict(run("SELECT account, first_day FROM customer_starts", "customer_starts"))
    customers = {account: day for account, day in days.items() if day <= number(horizon)}
    found = [_customers(run, customers, shown)]
    if visits_since is not None:
        found += [_seen(run, customers, visits_since, shown), _leads(run, visits_since, shown), _visitors(run, shown)]
    return tuple(found)


def one_person(asker: Any, ids: Collection[str]) -> dict[str, str]:
    """All ids of the person that these ids are of, each with the rule that links it; of an id that is linked to no other, none."""
    builder = asker.state()[1]
    asker.fact_schema("persons", builder)
    listed = ", ".join(map(asker.engine.text, sorted(ids)))
    same = f"SELECT person FROM persons WHERE id IN ({listed})"
    rows = asker.engine.run(f"SELECT id, rule FROM persons WHERE person IN ({same}) OR person IN ({listed})")
    builder.finish()
    return dict.fromkeys(ids, "") | dict(rows)


def _customers(run: Run, customers: Iterable[str], shown: int) -> Linked:
    rules: dict[str, set[str]] = defaultdict(set)
    for account, rule in run("SELECT account, rule FROM account_ids", "account_ids"):
        rules[account].add(rule)
    people: dict[str, set[str]] = defaultdict(set)
    ours = {person for (person,) in run("SELECT internal_person FROM internals", "internals")}
    for account, person in run("SELECT account, person FROM members", "members"):
        if person not in ours:
            people[account].add(person)
    by_rule: Counter[str] = Counter()
    alone = []
    for account in sorted(customers):
        if people[account]:
            named = "own_person" if people[account] == {account} else "account_id"
            by_rule[min(rules[account] - {""}, default=named)] += 1
        else:
            alone.append(account)
    linked = sum(by_rule.values())
    return Linked("customers", "people", linked + len(alone), linked, dict(by_rule.most_common()), tuple(alone[:shown]))


def _seen(run: Run, customers: Mapping[str, int], since: date, shown: int) -> Linked:
    sql = "SELECT DISTINCT m.account FROM members m JOIN visits v ON v.visitor = m.person AND v.kind = 'human'"
    seen = {account for (account,) in run(sql, "members", "visits")}
    won = sorted(account for account, day in customers.items() if day >= number(since))
    unseen = [account for account in won if account not in seen]
    return Linked("customers", "visits", len(won), len(won) - len(unseen), {}, tuple(unseen[:shown]), since)


def _leads(run: Run, since: date, shown: int) -> Linked:
    rows = run(
        "SELECT e.person, min(p.rule), count(v.visitor) FROM stage_entries e "
        "LEFT JOIN (SELECT person, min(rule) AS rule FROM persons GROUP BY person) p ON p.person = e.person "
        "LEFT JOIN (SELECT DISTINCT visitor FROM visits WHERE kind = 'human') v ON v.visitor = e.person "
        f"WHERE e.stage = 'lead' AND e.day >= {number(since)} GROUP BY e.person",
        "stage_entries", "persons", "visits",
    )  # fmt: skip
    by_rule = Counter(rule or "identify" for _, rule, seen in rows if seen)
    alone = sorted(person for person, _, seen in rows if not seen)
    return Linked("leads", "visits", len(rows), len(rows) - len(alone), dict(by_rule.most_common()), tuple(alone[:shown]), since)


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
