"""Subscriptions, spend, deals and searches, row by row: definitions.md, Customers and revenue to Beyond the eight."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import cached_property

from tests.second_reading.company import Company
from tests.second_reading.ledger import DAY, Row

FACTOR = {"month": Fraction(1), "quarter": Fraction(1, 3), "year": Fraction(1, 12), "week": Fraction(52, 12), "day": Fraction(365, 12)}
PAID = {"Paid Search", "Paid Social", "Paid Video", "Paid Shopping", "Paid Other", "Display", "Cross-network"}


def six(x: Fraction) -> Fraction:
    """Rounded half-up to six decimals."""
    with localcontext() as c:
        c.prec = 80
        exact = Decimal(abs(x).numerator) / Decimal(abs(x).denominator)
        rounded = Fraction(exact.quantize(Decimal("0.000001"), ROUND_HALF_UP))
    return rounded if x >= 0 else -rounded


@dataclass(frozen=True)
class Stretch:
    subscription: str
    account: str
    start: date
    end: date | None
    value: Fraction
    plan: str | None
    currency: str
    row: int


@dataclass(frozen=True)
class Movement:
    account: str
    day: date
    kind: str
    amount: Fraction


class NoRateError(Exception):
    pass


class Money(Company):
    """A company's money."""

    @cached_property
    def rates(self) -> dict[str, list[tuple[date, Fraction]]]:
        found: dict[str, list[tuple[date, Fraction]]] = {}
        for r in self.rows["rates"]:
            found.setdefault(r["currency"], []).append((self.day(r["day"]), Fraction(r["rate"])))
        return {c: sorted(rates) for c, rates in found.items()}

    def convert(self, amount: Fraction, currency: str, day: date) -> Fraction:
        if currency == self.toml["company"]["currency"]:
            return amount
        known = [rate for on, rate in self.rates.get(currency, []) if on <= day]
        if not known:
            raise NoRateError(currency)
        return six(amount * known[-1])

    # Subscriptions

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Stretches of one monthly value; a past due row falls to 0 on its 31st day."""
        found = []
        for n, r in enumerate(self.rows["subscriptions"]):
            start, end = self.day(r["starts_on"]), self.day(r["ends_on"]) if r.get("ends_on") else None
            value = Fraction(r.get("amount") or "0")
            if r.get("discount") and r.get("discount_kind") in ("repeating", "forever"):
                value = max(value - Fraction(r["discount"]), Fraction(0))
            value = six(value * FACTOR[r["interval"]] / int(r.get("interval_count") or 1))
            value = self.convert(value, r["currency"], start)
            status = r.get("status") or "active"
            if status in ("trialing", "paused"):
                value = Fraction(0)
            cuts = [(start, end, value)]
            if status == "past_due" and r.get("past_due_on"):
                due = max(self.day(r["past_due_on"]) + 31 * DAY, start)
                if end is None or due < end:
                    cuts = [(start, due, value), (due, end, Fraction(0))]
            account = self.account_key(r["account_id"])
            for a, b, v in cuts:
                if b is None or a < b:
                    found.append(Stretch(r["subscription_id"], account, a, b, v, r.get("plan") or None, r["currency"], n))
        return found

    @cached_property
    def by_account(self) -> dict[str, list[Stretch]]:
        found: dict[str, list[Stretch]] = {}
        for s in self.stretches:
            found.setdefault(s.account, []).append(s)
        return found

    @cached_property
    def by_subscription(self) -> dict[str, list[Stretch]]:
        found: dict[str, list[Stretch]] = {}
        for s in self.stretches:
            found.setdefault(s.subscription, []).append(s)
        return found

    def running(self, account: str, day: date) -> list[Stretch]:
        """An account's stretches on a day; of one subscription's, the row that starts last."""
        on = [s for s in self.by_account.get(account, []) if s.start <= day and (s.end is None or day < s.end)]
        starts = {s.subscription: max(self.row_start(o) for o in on if o.subscription == s.subscription) for s in on}
        return [s for s in on if self.row_start(s) == starts[s.subscription]]

    def row_start(self, s: Stretch) -> date:
        return self.day(self.rows["subscriptions"][s.row]["starts_on"])

    @cached_property
    def _levels(self) -> dict[tuple[str, date], Fraction]:
        return {}

    def level(self, account: str, day: date) -> Fraction:
        """An account's MRR on a day."""
        if (account, day) not in self._levels:
            self._levels[account, day] = sum((s.value for s in self.running(account, day)), Fraction(0))
        return self._levels[account, day]

    def main(self, account: str, day: date) -> dict[str, str | None]:
        """The plan and the currency of an account's largest stretch on a day, ties by name."""
        on = self.running(account, day)
        top = max((s.value for s in on), default=Fraction(0))
        best = [s for s in on if s.value == top]
        plan = min((s.plan for s in best if s.plan), default=None)
        return {"plan": plan, "currency": min((s.currency for s in best), default=None)}

    @cached_property
    def movements(self) -> list[Movement]:
        found = []
        for account, stretches in self.by_account.items():
            days = sorted({s.start for s in stretches} | {s.end for s in stretches if s.end})
            paid = False
            for day in days:
                before, now = self.level(account, day - DAY), self.level(account, day)
                if now == before:
                    continue
                if before == 0:
                    kind = "reactivation" if paid else "new"
                else:
                    kind = "churn" if now == 0 else "expansion" if now > before else "contraction"
                paid = True
                found.append(Movement(account, day, kind, abs(now - before)))
        return found

    @cached_property
    def first_paid(self) -> dict[str, date]:
        return {m.account: m.day for m in self.movements if m.kind == "new"}

    @cached_property
    def countries(self) -> dict[str, str]:
        """Of each account the country of its row that was created first and has one."""
        rows = sorted(self.rows["accounts"], key=lambda r: (self.at(r.get("created_at") or "9999-12-31"), r["account_id"]), reverse=True)
        return {self.account_key(r["account_id"]): r["country"] for r in rows if r.get("country")}

    def account_dims(self, account: str, by: date | None) -> dict[str, object]:
        """Channel, campaign, country, persona and content of an account, fixed at acquisition."""
        people = self.people_of(account)
        known = [p for p in people if p in self.cards]
        first = min(known, key=lambda p: self.card_order(self.cards[p][0]), default=None)
        persona = self.own(first, "persona") if first else None
        own = self.own(account, "country") if account[:2] == "u:" else None  # a person may be its own account
        country = self.countries.get(account) or own or None
        return {**self.credit(people, by), "country": country, "persona": persona, "content": frozenset(self.seen(people, by))}

    @cached_property
    def _dims(self) -> dict[str, dict[str, object]]:
        return {}

    def dims(self, account: str) -> dict[str, object]:
        if account not in self._dims:
            self._dims[account] = self.account_dims(account, self.first_paid.get(account))
        return self._dims[account]

    def reason(self, account: str, day: date) -> str:
        """The latest churn reason given for an account up to 90 days after its churn."""
        said = []
        for n, r in enumerate(self.rows["feedback"]):
            if r["kind"] != "churn_reason":
                continue
            whose = self.account_key(r["account_id"]) if r.get("account_id") else self.account_of_person("u:" + self.people.find(r["person_id"]))
            if whose == account and self.day(r["at"]) <= day + 90 * DAY:
                said.append((self.at(r["at"]), n, r.get("value")))
        return (max(said)[2] if said else None) or "(no reason given)"

    # Renewals and trials

    def renewals(self) -> Iterator[tuple[date, bool, str, Row]]:
        """Of paid intervals longer than a month: last day, whether it runs on the day after, account, row."""
        worth = {s.row for s in self.stretches if s.value}
        for n, r in enumerate(self.rows["subscriptions"]):
            count = int(r.get("interval_count") or 1)
            months = {"month": 1, "quarter": 3, "year": 12}.get(r["interval"], 0) * count
            days = {"week": 7, "day": 1}.get(r["interval"], 0) * count
            if (months <= 1 and days <= 31) or n not in worth:
                continue
            start, end = self.day(r["starts_on"]), self.day(r["ends_on"]) if r.get("ends_on") else None
            for k in range(1, 400):
                due = add_months(start, months * k) if months else start + timedelta(days=days * k)
                if (end and due > end) or due > date(2030, 1, 1):
                    break
                again = any(s.start <= due and (s.end is None or due < s.end) for s in self.by_subscription[r["subscription_id"]])
                yield due, again, self.account_key(r["account_id"]), r

    @cached_property
    def trials(self) -> dict[str, date]:
        found: dict[str, date] = {}
        for r in self.rows["subscriptions"]:
            if r.get("status") == "trialing":
                account, day = self.account_key(r["account_id"]), self.day(r["starts_on"])
                found[account] = min(found.get(account, day), day)
        return found

    # Spend

    @cached_property
    def costs(self) -> list[tuple[date, Fraction | None, Row]]:
        """Cost of each day in the company's currency (None: no rate)."""
        found = []
        for r in self.rows["spend"]:
            start = self.day(r["day"])
            days = (self.day(r["until"]) - start).days if r.get("until") else 1
            amount = Fraction(r["amount"])
            each = six(amount / days)
            for i in range(days):
                part = each if i < days - 1 else amount - each * (days - 1)
                try:
                    cost = self.convert(part, r["currency"], start + DAY * i)
                except NoRateError:
                    cost = None
                found.append((start + DAY * i, cost, r))
        return found


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
