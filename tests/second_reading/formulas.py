"""Every metric of contract section 3 for one period and segment: sums, arithmetic on sums, and whether the period is covered."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.second_reading.ledger import overlap
from tests.second_reading.measures import UNALLOCATED, Measures, Period

Value = Fraction | float | None


@dataclass
class Answer:
    value: Value
    complete: bool


SOURCES = {
    "events": "visitors visits pageviews signups signups_won",
    "stages events": "leads mqls sqls opportunities leads_won",
    "spend": "spend media_spend own_spend",
    "deals": "pipeline_value weighted_pipeline pipeline_created",
    "searches": "our_searches all_searches",
}
"""Which tables tell what; subscriptions all the rest."""


def ratio(a: Value, b: Value) -> Value:
    return None if a is None or b is None or b == 0 else a / b


def monthly(churn: Value, months: float) -> Value:
    if churn is None or churn > 1:
        return None
    return churn if months == 1 else 1 - (1 - float(churn)) ** (1 / months)


class Asked:
    """One period's values in one segment, each worked out when it is needed."""

    def __init__(self, metrics: Measures, p: Period, by: tuple[str, ...], segment: tuple[Any, ...] | None):
        self.m, self.p, self.by, self.segment = metrics, p, by, segment
        self.used: set[str] = set()

    def covered(self, name: str) -> tuple[bool, bool]:
        tables = next((tables for tables, names in SOURCES.items() if name in names.split()), "subscriptions").split()
        if "stages" in tables and "scoring" not in self.m.c.toml:
            tables = ["stages"]
        spans = [s for t in tables for s in self.m.c.known.covered.get(t, [])]
        return overlap(spans, self.p.start, self.p.until)

    def sum(self, name: str, everywhere: bool = False) -> Value:
        """The sum of a measure in this segment (or in all of them); None where no source covers the period."""
        self.used.add(name)
        if not self.covered(name)[0]:
            return None
        total: Fraction = Fraction(0)
        for dims, adds in self.m.rows(name, self.p):
            if everywhere or self.segment is None or all(matches(dims[d], s) for d, s in zip(self.by, self.segment, strict=True)):
                if adds is None:
                    return None
                total += adds
        return total

    def acquisition(self) -> Value:
        """Acquisition spend: a channel's own, and of the shared cost its share of new customers."""
        if self.segment is None:
            return self.sum("own_spend")
        used = set(self.used) | {"own_spend"}
        own, new, all_new = self.sum("own_spend"), self.sum("new_customers"), self.sum("new_customers", True)
        self.used = used  # what is spread decides, not what it is spread by
        shared = Asked(self.m, self.p, self.by, (UNALLOCATED,)).sum("own_spend")
        if own is None or shared is None:
            return None
        if new is None or all_new is None:
            new = all_new = Fraction(0)  # no source says who was won: nothing to spread by
        if self.segment == (UNALLOCATED,):
            return Fraction(0) if all_new else own
        return own + (shared * new / all_new if all_new else 0)

    def value(self, name: str) -> Value:
        formula = FORMULAS.get(name)
        return formula(self) if formula else self.sum(name)


def matches(has: Any, wanted: Any) -> bool:
    return wanted in (has or {None}) if isinstance(has, frozenset) else has == wanted


def margin(a: Asked) -> Fraction:
    return Fraction(str((a.m.c.toml["company"]).get("gross_margin", 1)))


def times(a: Value, b: Value) -> Value:
    return None if a is None or b is None else (a * b if isinstance(a, Fraction | int) and isinstance(b, Fraction | int) else float(a) * float(b))


def add(*xs: Value) -> Value:
    return None if any(x is None for x in xs) else sum(xs)  # type: ignore[arg-type]


def minus(a: Value, b: Value) -> Value:
    return None if a is None or b is None else (a - b if isinstance(a, Fraction | int) and isinstance(b, Fraction | int) else float(a) - float(b))


def churn_rate(a: Asked) -> Value:
    return ratio(a.sum("churned_customers"), a.sum("opening_customers"))


def lifetime(a: Asked) -> Value:
    rate = monthly(churn_rate(a), a.p.months)
    return ratio(Fraction(1), rate)


def clv(a: Asked) -> Value:
    return times(times(arpa(a), lifetime(a)), margin(a))


def arpa(a: Asked) -> Value:
    return ratio(a.sum("mrr"), a.sum("customers"))


def annual(a: Asked) -> Value:
    rate = monthly(churn_rate(a), a.p.months)
    return None if rate is None else 1 - (1 - float(rate)) ** 12


def rates(over: str, *under: str) -> Callable[[Asked], Value]:
    return lambda a: ratio(a.sum(over), a.sum(under[0]))


def cost_per(count: str) -> Callable[[Asked], Value]:
    return lambda a: ratio(a.acquisition(), a.sum(count))


def gained(a: Asked) -> Value:
    return add(a.sum("new_mrr"), a.sum("expansion_mrr"), a.sum("reactivation_mrr"))


def lost(a: Asked) -> Value:
    return add(a.sum("contraction_mrr"), a.sum("churned_mrr"))


FORMULAS: dict[str, Callable[[Asked], Value]] = {
    "visitor_to_lead_rate": rates("leads", "visitors"),
    "lead_to_mql_rate": rates("mqls", "leads"),
    "mql_to_sql_rate": rates("sqls", "mqls"),
    "sql_to_customer_rate": rates("new_customers", "sqls"),
    "mql_to_customer_rate": rates("new_customers", "mqls"),
    "lead_conversion_rate": rates("new_customers", "leads"),
    "lead_conversion_rate_cohort": rates("leads_won", "leads"),
    "visitor_to_signup_rate": rates("signups", "visitors"),
    "signup_to_customer_rate": rates("signups_won", "signups"),
    "customer_churn_rate": churn_rate,
    "annual_churn_rate": annual,
    "churned_to_new_ratio": rates("churned_customers", "new_customers"),
    "customer_lifetime_months": lifetime,
    "arpa": arpa,
    "arr": lambda a: times(a.sum("mrr"), Fraction(12)),
    "expansion_share": lambda a: ratio(a.sum("expansion_mrr"), gained(a)),
    "gross_revenue_churn_rate": lambda a: ratio(lost(a), a.sum("opening_mrr")),
    "net_revenue_churn_rate": lambda a: ratio(minus(lost(a), a.sum("expansion_mrr")), a.sum("opening_mrr")),
    "nrr": rates("kept_mrr", "opening_mrr"),
    "grr": rates("held_mrr", "opening_mrr"),
    "quick_ratio": lambda a: ratio(gained(a), lost(a)),
    "acquisition_spend": lambda a: a.acquisition(),
    "cac": cost_per("new_customers"),
    "cac_media": rates("media_spend", "new_customers"),
    "cac_paid": rates("media_spend", "paid_customers"),
    "cost_per_lead": cost_per("leads"),
    "cost_per_mql": cost_per("mqls"),
    "cost_per_sql": cost_per("sqls"),
    "cost_per_signup": cost_per("signups"),
    "cac_payback_months": lambda a: ratio(FORMULAS["cac"](a), times(ratio(a.sum("new_mrr"), a.sum("new_customers")), margin(a))),
    "clv": clv,
    "clv_cac_ratio": lambda a: ratio_any(clv(a), FORMULAS["cac"](a)),
    "roi": lambda a: ratio_any(minus(times(a.sum("new_customers"), clv(a)), a.acquisition()), a.acquisition()),
    "renewal_rate": rates("renewed", "renewals_due"),
    "trial_conversion_rate": rates("trials_won", "trials"),
    "share_of_search": rates("our_searches", "all_searches"),
}


def ratio_any(a: Value, b: Value) -> Value:
    return None if a is None or b is None or b == 0 else float(a) / float(b)


NAMES = (
    "visitors visits pageviews signups leads mqls sqls opportunities new_customers visitor_to_lead_rate lead_to_mql_rate "
    "mql_to_sql_rate sql_to_customer_rate mql_to_customer_rate lead_conversion_rate lead_conversion_rate_cohort "
    "visitor_to_signup_rate signup_to_customer_rate customers churned_customers "
    "reactivated_customers customer_churn_rate annual_churn_rate churned_to_new_ratio customer_lifetime_months mrr new_mrr "
    "expansion_mrr contraction_mrr churned_mrr reactivation_mrr arpa arr expansion_share gross_revenue_churn_rate "
    "net_revenue_churn_rate nrr grr quick_ratio spend acquisition_spend media_spend cac cac_media cac_paid cost_per_lead cost_per_mql cost_per_sql "
    "cost_per_signup cac_payback_months clv clv_cac_ratio roi renewals_due renewal_rate "
    "pipeline_value weighted_pipeline pipeline_created trial_conversion_rate share_of_search"
).split()


def answer(metrics: Measures, name: str, p: Period, by: tuple[str, ...] = (), segment: tuple[Any, ...] | None = None) -> Answer:
    asked = Asked(metrics, p, by, segment)
    value = asked.value(name)
    return Answer(value, all(asked.covered(m)[1] for m in asked.used))
