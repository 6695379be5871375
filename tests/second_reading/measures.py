"""What each sum of contract section 3 adds up in a period: rows with their dimensions and what they add."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.second_reading.ledger import DAY
from tests.second_reading.money import PAID, Money

Dims = dict[str, Any]
Rows = list[tuple[Dims, Any]]
UNALLOCATED = "(unallocated)"


@dataclass(frozen=True)
class Period:
    start: date
    until: date
    grain: str

    @property
    def last(self) -> date:
        return self.until - DAY

    @property
    def months(self) -> float:
        exact = {"month": 1, "quarter": 3, "year": 12, "day": 12 / 365.25, "week": 84 / 365.25}
        if self.grain in exact:
            return exact[self.grain]
        if self.start.day == 1 and self.until.day == 1:
            return (self.until.year - self.start.year) * 12 + self.until.month - self.start.month
        return (self.until - self.start).days * 12 / 365.25


class Measures:
    """The sums of one company as known at one moment: `m_` and the metric's name; those not in the contract are inputs of its formulas."""

    def __init__(self, company: Money):
        self.c = company
        self.known: dict[tuple[str, Period], Rows] = {}

    def rows(self, name: str, period: Period) -> Rows:
        """The rows of a sum."""
        if (name, period) not in self.known:
            self.known[name, period] = getattr(self, f"m_{name}")(period)
        return self.known[name, period]

    # Measures: rows of a period, each with its dimensions and what it adds

    def m_visitors(self, p: Period) -> Rows:
        rows: Rows = []
        for visits in self.c.visits.values():
            seen = [v for v in visits if any(p.start <= day < p.until for _, day, _ in v.views)]
            if seen:
                channel = next((v.channel for v in seen if v.channel != "Direct"), "Direct")
                kinds = frozenset(kind for v in seen for _, day, kind in v.views if p.start <= day < p.until)
                first = seen[0]
                rows.append(({"channel": channel, "campaign": first.campaign, "device": first.device, "country": first.country, "content": kinds}, 1))
        return rows

    def m_visits(self, p: Period) -> Rows:
        return [
            ({"channel": v.channel, "campaign": v.campaign, "device": v.device, "country": v.country}, 1)
            for visits in self.c.visits.values()
            for v in visits
            if p.start <= self.c.local(v.start) < p.until
        ]

    def m_pageviews(self, p: Period) -> Rows:
        return [
            ({"channel": v.channel, "campaign": v.campaign, "device": v.device, "country": v.country, "content": kind}, 1)
            for visits in self.c.visits.values()
            for v in visits
            for _, day, kind in v.views
            if p.start <= day < p.until
        ]

    def signed_up(self, p: Period) -> dict[str, tuple[Any, Dims]]:
        """Users who signed up in the period: the instant and the dimensions of their first sign-up in it."""
        names = (self.c.toml.get("funnel") or {}).get("signup_events", ["Signed Up"])
        found: dict[str, Any] = {}
        for e in self.c.rows["events"]:
            if e["type"] == "track" and e.get("event") in names:
                at = self.c.at(e["timestamp"])
                who = self.c.person_at(e.get("anonymousId"), e.get("userId"), at)
                if p.start <= self.c.local(at) < p.until and who not in self.c.internal:
                    found[who] = min(found.get(who, (at, e)), (at, e), key=lambda f: f[0])
        return {who: (at, self.signup_dims(who, at, e)) for who, (at, e) in found.items()}

    def signup_dims(self, who: str, at: Any, e: dict[str, Any]) -> Dims:
        said = e.get("properties") or {}
        kind = next((str(said[k]).lower() for k in ("plan", "type") if str(said.get(k)).lower() in ("trial", "freemium", "paid")), None)
        if not kind:
            account = self.c.account_of_person(who)
            first = min(self.c.by_account.get(account, []), key=lambda s: (s.start, s.row), default=None)
            if first:
                status = self.c.rows["subscriptions"][first.row].get("status")
                kind = "trial" if status == "trialing" else "paid" if first.value else "freemium"
        return {
            **self.c.credit({who}, at),
            "signup_kind": kind,
            "country": self.c.own(who, "country"),
            "persona": self.c.own(who, "persona"),
            "content": frozenset(self.c.seen({who}, at)),
        }

    def m_signups(self, p: Period) -> Rows:
        return [(dims, 1) for _, dims in self.signed_up(p).values()]

    def m_signups_won(self, p: Period) -> Rows:
        return [(dims, 1) for who, (_, dims) in self.signed_up(p).items() if self.won(who)]

    def won(self, who: str) -> bool:
        """Whether a person's account has become a customer by the horizon."""
        first = self.became_customer.get(self.c.account_of_person(who))
        return bool(first and self.c.horizon and first <= self.c.horizon)

    @property
    def became_customer(self) -> dict[str, date]:
        return self.c.first_paid

    def person_dims(self, who: str) -> Dims:
        lead = self.c.entered[who]["lead"]
        return {
            **self.c.credit({who}, lead),
            "country": self.c.own(who, "country"),
            "persona": self.c.own(who, "persona"),
            "content": frozenset(self.c.seen({who}, lead)),
        }

    def stage(self, stage: str, p: Period) -> list[str]:
        return [w for w, stages in self.c.entered.items() if stage in stages and p.start <= self.c.local(stages[stage]) < p.until]

    def m_leads(self, p: Period) -> Rows:
        return [(self.person_dims(w), 1) for w in self.stage("lead", p)]

    def m_mqls(self, p: Period) -> Rows:
        return [(self.person_dims(w), 1) for w in self.stage("mql", p)]

    def m_sqls(self, p: Period) -> Rows:
        return [(self.person_dims(w), 1) for w in self.stage("sql", p)]

    def m_opportunities(self, p: Period) -> Rows:
        return [(self.person_dims(w), 1) for w in self.stage("opportunity", p)]

    def m_leads_won(self, p: Period) -> Rows:
        return [(self.person_dims(w), 1) for w in self.stage("lead", p) if self.won(w)]

    # Revenue

    def moved(self, kind: str, p: Period, amount: bool) -> Rows:
        rows: Rows = []
        for m in self.c.movements:
            if m.kind == kind and p.start <= m.day < p.until:
                dims = {**self.c.dims(m.account), **self.c.main(m.account, m.day - DAY if kind == "churn" else m.day)}
                if kind == "churn":
                    dims["churn_reason"] = self.c.reason(m.account, m.day)
                rows.append((dims, m.amount if amount else 1))
        return rows

    def levels(self, day: date) -> list[tuple[str, Dims, Fraction]]:
        found = []
        for account in self.c.by_account:
            level = self.c.level(account, day)
            if level > 0:
                found.append((account, {**self.c.dims(account), **self.c.main(account, day)}, level))
        return found

    def m_mrr(self, p: Period) -> Rows:
        return [(dims, level) for _, dims, level in self.levels(p.last)]

    def m_customers(self, p: Period) -> Rows:
        return [(dims, 1) for _, dims, _ in self.levels(p.last)]

    def m_opening_mrr(self, p: Period) -> Rows:
        return [(dims, level) for _, dims, level in self.levels(p.start - DAY)]

    def m_opening_customers(self, p: Period) -> Rows:
        return [(dims, 1) for _, dims, _ in self.levels(p.start - DAY)]

    def m_kept_mrr(self, p: Period) -> Rows:
        return [(dims, self.c.level(a, p.last)) for a, dims, _ in self.levels(p.start - DAY)]

    def m_held_mrr(self, p: Period) -> Rows:
        return [(dims, min(level, self.c.level(a, p.last))) for a, dims, level in self.levels(p.start - DAY)]

    def m_new_customers(self, p: Period) -> Rows:
        return self.moved("new", p, False)

    def m_churned_customers(self, p: Period) -> Rows:
        return self.moved("churn", p, False)

    def m_reactivated_customers(self, p: Period) -> Rows:
        return self.moved("reactivation", p, False)

    def m_new_mrr(self, p: Period) -> Rows:
        return self.moved("new", p, True)

    def m_expansion_mrr(self, p: Period) -> Rows:
        return self.moved("expansion", p, True)

    def m_contraction_mrr(self, p: Period) -> Rows:
        return self.moved("contraction", p, True)

    def m_churned_mrr(self, p: Period) -> Rows:
        return self.moved("churn", p, True)

    def m_reactivation_mrr(self, p: Period) -> Rows:
        return self.moved("reactivation", p, True)

    def m_paid_customers(self, p: Period) -> Rows:
        return [(dims, n) for dims, n in self.m_new_customers(p) if dims["channel"] in PAID]

    def m_renewals_due(self, p: Period) -> Rows:
        return [(self.renewal_dims(a, r), 1) for due, _, a, r in self.c.renewals() if p.start <= due - DAY < p.until]

    def m_renewed(self, p: Period) -> Rows:
        return [(self.renewal_dims(a, r), 1) for due, again, a, r in self.c.renewals() if again and p.start <= due - DAY < p.until]

    def renewal_dims(self, account: str, r: dict[str, Any]) -> Dims:
        return {**self.c.dims(account), "plan": r.get("plan") or None, "currency": r["currency"]}

    def m_trials(self, p: Period) -> Rows:
        return [({**self.c.dims(a), **self.c.main(a, day)}, 1) for a, day in self.c.trials.items() if p.start <= day < p.until]

    def m_trials_won(self, p: Period) -> Rows:
        won = {a for a, day in self.c.first_paid.items() if self.c.horizon and day <= self.c.horizon}
        return [({**self.c.dims(a), **self.c.main(a, day)}, 1) for a, day in self.c.trials.items() if p.start <= day < p.until and a in won]

    # Cost

    def cost(self, p: Period, counts: Callable[[dict[str, Any]], bool]) -> Rows:
        rows: Rows = []
        for day, cost, r in self.c.costs:
            if p.start <= day < p.until and counts(r):
                rows.append(({"channel": r.get("channel") or UNALLOCATED, "campaign": r.get("campaign") or UNALLOCATED}, cost))
        return rows

    def m_spend(self, p: Period) -> Rows:
        return self.cost(p, lambda r: True)

    def m_media_spend(self, p: Period) -> Rows:
        return self.cost(p, lambda r: r.get("kind") == "ads" and (r.get("purpose") or "acquire") == "acquire")

    def m_own_spend(self, p: Period) -> Rows:
        return self.cost(p, lambda r: (r.get("purpose") or "acquire") == "acquire")

    # Deals and searches

    def deals(self) -> Iterable[tuple[dict[str, Any], Fraction | None, Dims]]:
        for r in self.c.rows["deals"]:
            if r["status"] != "open" and not r.get("closed_at"):
                continue
            amount = (
                self.c.convert(Fraction(r["amount"]), r.get("currency") or self.c.toml["company"]["currency"], self.c.day(r["created_at"]))
                if r.get("amount")
                else None
            )
            if r.get("account_id"):
                dims = self.c.dims(self.c.account_key(r["account_id"]))
            elif r.get("person_id"):
                dims = self.c.dims(self.c.account_of_person("u:" + self.c.people.find(r["person_id"])))
            else:
                dims = {"channel": "(unattributed)", "campaign": None, "country": None, "persona": None, "content": frozenset()}
            yield r, amount, {**dims, "currency": r.get("currency")}

    def pipeline(self, p: Period) -> Iterable[tuple[Dims, Fraction, dict[str, Any]]]:
        for r, amount, dims in self.deals():
            closed = r["status"] != "open" and self.c.day(r["closed_at"]) <= p.last
            met = r.get("meeting_at") and self.c.day(r["meeting_at"]) <= p.last
            if amount is not None and met and not closed and self.c.day(r["created_at"]) <= p.last:
                yield dims, amount, r

    def m_pipeline_value(self, p: Period) -> Rows:
        return [(dims, amount) for dims, amount, _ in self.pipeline(p)]

    def m_weighted_pipeline(self, p: Period) -> Rows:
        return [(dims, amount * Fraction(r.get("probability") or 0)) for dims, amount, r in self.pipeline(p)]

    def m_pipeline_created(self, p: Period) -> Rows:
        return [(dims, amount) for r, amount, dims in self.deals() if amount is not None and p.start <= self.c.day(r["created_at"]) < p.until]

    def searches(self, p: Period, ours: bool) -> Rows:
        return [
            ({}, Fraction(r["volume"]))
            for r in self.c.rows["searches"]
            if p.start <= self.c.day(r["month"]) < p.until and (not ours or str(r["ours"]).lower() == "true")
        ]

    def m_our_searches(self, p: Period) -> Rows:
        return self.searches(p, True)

    def m_all_searches(self, p: Period) -> Rows:
        return self.searches(p, False)
