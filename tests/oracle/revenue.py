"""What accounts pay a month: levels day by day, their movements, renewals and trials."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

from .company import NOT_SET, Company, Tables, text
from .identity import Identity
from .money import Rates, interval_months, monthly_value
from .when import DAY, add_months, day

OVERDUE = timedelta(days=31)
ZERO = Fraction(0)


@dataclass(frozen=True)
class Stretch:
    """One row of `subscriptions`."""

    subscription: str
    account: str
    starts: date
    ends: date | None
    value: Fraction
    zero_from: date | None
    status: str
    plan: str
    currency: str
    months: Fraction
    interval: str
    count: int
    price: Fraction = ZERO
    cancelled: date | None = None
    overdue: date | None = None

    def runs(self, on: date) -> bool:
        """Whether its terms hold on the day."""
        return self.starts <= on and (self.ends is None or on < self.ends)

    def worth(self, on: date) -> Fraction:
        """What it is worth a month on a day it runs."""
        return ZERO if self.zero_from and on >= self.zero_from else self.value

    def due_days(self, until: date) -> Iterator[date]:
        """The day after each paid interval completed within it, up to a day."""
        for step in range(1, 100_000):
            if self.interval in {"day", "week"}:
                due = self.starts + timedelta(days={"day": 1, "week": 7}[self.interval] * self.count * step)
            else:
                due = add_months(self.starts, {"month": 1, "quarter": 3, "year": 12}[self.interval] * self.count * step)
            if due > until or (self.ends and due > self.ends):
                return
            yield due


@dataclass(frozen=True)
class Movement:
    """An account's monthly total changed on a day."""

    account: str
    on: date
    kind: str
    amount: Fraction

    @property
    def standing(self) -> date:
        """The day whose plan and currency it counts under: for a churn the day before."""
        return self.on - DAY if self.kind == "churn" else self.on


@dataclass(frozen=True)
class Renewal:
    """A paid interval came to its end."""

    account: str
    last_day: date
    kept: bool
    plan: str
    currency: str


class Revenue:
    """Everything that follows from the subscriptions."""

    def __init__(self, tables: Tables, company: Company, identity: Identity) -> None:
        self._rows = tables.get("subscriptions", ())
        self._rates = Rates(tables, company)
        self._identity = identity

    @cached_property
    def stretches(self) -> list[Stretch]:
        """All rows of the table, valued."""
        found = []
        for row in self._rows:
            starts, status = day(text(row, "starts_on")), text(row, "status") or "active"
            if starts is None:
                continue
            price = self._rates.convert(monthly_value(row), text(row, "currency"), starts) or ZERO
            value = ZERO if status in {"trialing", "paused"} else price
            overdue = (day(text(row, "past_due_on")) or starts) + OVERDUE if status == "past_due" else None
            found.append(Stretch(
                text(row, "subscription_id"), self._identity.account(text(row, "account_id")), starts, day(text(row, "ends_on")),
                value, overdue, status, text(row, "plan") or NOT_SET, text(row, "currency"),
                interval_months(row), text(row, "interval"), int(text(row, "interval_count") or 1),
                price, day(text(row, "cancelled_on")), overdue and overdue - OVERDUE,
            ))  # fmt: skip
        return found

    @cached_property
    def by_account(self) -> Mapping[str, list[Stretch]]:
        """The stretches of each account."""
        found: dict[str, list[Stretch]] = defaultdict(list)
        for stretch in self.stretches:
            found[stretch.account].append(stretch)
        return found

    @cached_property
    def by_subscription(self) -> Mapping[str, list[Stretch]]:
        """The stretches of each subscription."""
        found: dict[str, list[Stretch]] = defaultdict(list)
        for stretch in self.stretches:
            found[stretch.subscription].append(stretch)
        return found

    def counts(self, stretch: Stretch, on: date) -> bool:
        """Whether it runs on the day and no later start of the same subscription does."""
        rivals = self.by_subscription[stretch.subscription]
        return stretch.runs(on) and not any(rival.runs(on) and rival.starts > stretch.starts for rival in rivals)

    def counting(self, account: str, on: date) -> list[Stretch]:
        """The stretches of an account that count on a day."""
        return [stretch for stretch in self.by_account.get(account, ()) if self.counts(stretch, on)]

    def level(self, account: str, on: date) -> Fraction:
        """What the account pays a month, as of a day."""
        return sum((stretch.worth(on) for stretch in self.counting(account, on)), ZERO)

    def paying(self, on: date) -> dict[str, Fraction]:
        """The customers of a day and what each pays."""
        levels = {account: self.level(account, on) for account in self.by_account}
        return {account: level for account, level in levels.items() if level > 0}

    def main(self, account: str, on: date, name: str) -> str:
        """Plan or currency of the account's largest stretch on the day; ties by name."""
        found = [(-stretch.worth(on), stretch.plan if name == "plan" else stretch.currency) for stretch in self.counting(account, on)]
        return min(found)[1] if found else NOT_SET

    @cached_property
    def movements(self) -> list[Movement]:
        """Every day on which an account's total differs from the day before."""
        found = []
        for account, stretches in self.by_account.items():
            days = {d for s in stretches for d in (s.starts, s.ends, s.zero_from) if d}
            paid_before = False
            for on in sorted(days):
                before, now = self.level(account, on - DAY), self.level(account, on)
                if before < now:
                    kind = "expansion" if before > 0 else "reactivation" if paid_before else "new"
                    found.append(Movement(account, on, kind, now - before))
                elif now < before:
                    found.append(Movement(account, on, "contraction" if now > 0 else "churn", before - now))
                paid_before = paid_before or now > 0
        return found

    @cached_property
    def first_paid(self) -> Mapping[str, date]:
        """The day each account's total was first above 0."""
        return {movement.account: movement.on for movement in self.movements if movement.kind == "new"}

    @cached_property
    def first_lost(self) -> Mapping[str, date]:
        """The day each account's total first fell to 0."""
        found: dict[str, date] = {}
        for movement in self.movements:
            if movement.kind == "churn":
                found[movement.account] = min(found.get(movement.account, movement.on), movement.on)
        return found

    def term_months(self, account: str) -> int | None:
        """The term of its largest stretch on its first paid day, in months."""
        on = self.first_paid.get(account)
        found = [(-s.worth(on), max(1, round(s.months))) for s in self.counting(account, on) if s.worth(on) > 0] if on else []
        return min(found)[1] if found else None

    def term(self, account: str) -> str:
        """The same in words."""
        months = self.term_months(account)
        return NOT_SET if months is None else {1: "month", 3: "quarter", 12: "year"}.get(months, f"{months} months")

    def watched(self, account: str, until: date, *, in_terms: bool) -> tuple[bool, int]:
        """(whether it was gone, after how many months or terms), as seen on the last of its month's days (its renewal days) up to a day."""
        step = (self.term_months(account) or 1) if in_terms else 1
        first, lost = self.first_paid[account], self.first_lost.get(account)
        count = 0
        while add_months(first, (count + 1) * step) <= until:
            count += 1
            if lost and lost <= add_months(first, count * step):
                return True, count
        return False, count

    def renewals(self, since: date, until: date) -> list[Renewal]:
        """Paid intervals longer than a month whose last day is in the period."""
        found = []
        for stretch in self.stretches:
            if stretch.status not in {"active", "past_due"} or stretch.value <= 0 or stretch.months <= 1:
                continue
            for due in stretch.due_days(until):
                if since <= due - DAY < until and self.counts(stretch, due - DAY):
                    kept = any(other.runs(due) for other in self.by_subscription[stretch.subscription])
                    found.append(Renewal(stretch.account, due - DAY, kept, stretch.plan, stretch.currency))
        return found

    @cached_property
    def first_trial(self) -> Mapping[str, date]:
        """The day each account's first trial began."""
        found: dict[str, date] = {}
        for stretch in self.stretches:
            if stretch.status == "trialing" and (stretch.ends is None or stretch.starts < stretch.ends):
                found[stretch.account] = min(found.get(stretch.account, stretch.starts), stretch.starts)
        return found
