"""Every metric of the contract: which measures it takes, what it may be split by, and its arithmetic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from .books import Books, summed
from .company import Company, Place, Tables
from .when import DAY, months_in

Segment = tuple[str, ...]
Value = Fraction | None

VISIT = frozenset({"channel", "campaign", "country", "device"})
VIEW = VISIT | {"content"}
PERSON = frozenset({"channel", "campaign", "country", "persona"})
LEAD = PERSON | {"content", "landing_page"}
STAY = PERSON | {"stage", "days"}
SENT = PERSON | {"rejection_reason"}
ACCOUNT = PERSON | {"content", "plan", "currency", "cohort", "term"}
SPELL = ACCOUNT - {"content"}
COST = frozenset({"channel", "campaign"})
DEAL = PERSON | {"currency"}
NONE: frozenset[str] = frozenset()

Sum = Callable[[Books, date, date, Segment], dict[Segment, Fraction]]


@dataclass(frozen=True)
class Measure:
    """A sum of rows; `table` is what must cover the period (empty: whatever makes a customer)."""

    table: str
    dimensions: frozenset[str]
    sum: Sum


MEASURES: dict[str, Measure] = {
    "visitors": Measure("events", VIEW, lambda b, since, until, by: summed(b.visitors(since, until), by)),
    "visits": Measure("events", VISIT | {"landing_page"}, lambda b, since, until, by: summed(b.visits_begun(since, until), by)),
    "pageviews": Measure("events", VIEW, lambda b, since, until, by: summed(b.pageviews(since, until), by)),
    "signups": Measure("events", PERSON | {"signup_kind"}, lambda b, since, until, by: summed(b.signups(since, until), by)),
    "signups_won": Measure("events", PERSON | {"signup_kind"}, lambda b, since, until, by: summed(b.signups_won(since, until), by)),
    "leads": Measure("stages", LEAD, lambda b, since, until, by: summed(b.entered("lead", since, until), by)),
    "leads_won": Measure("stages", LEAD, lambda b, since, until, by: summed(b.leads_won(since, until), by)),
    "mqls": Measure("stages", LEAD, lambda b, since, until, by: summed(b.entered("mql", since, until), by)),
    "sqls": Measure("stages", LEAD, lambda b, since, until, by: summed(b.entered("sql", since, until), by)),
    "opportunities": Measure("stages", LEAD, lambda b, since, until, by: summed(b.entered("opportunity", since, until), by)),
    "stage_days": Measure("stages", STAY, lambda b, since, until, by: summed(b.stays(since, until, count=False), by)),
    "stages_left": Measure("stages", STAY, lambda b, since, until, by: summed(b.stays(since, until, count=True), by)),
    "cycle_days": Measure("", SPELL | {"days"}, lambda b, since, until, by: summed(b.cycles(since, until, count=False), by)),
    "cycles": Measure("stages", SPELL | {"days"}, lambda b, since, until, by: summed(b.cycles(since, until, count=True), by)),
    "rejections": Measure("stages", SENT, lambda b, since, until, by: summed(b.sent_back(since, until, "rejected"), by)),
    "recycled": Measure("stages", SENT, lambda b, since, until, by: summed(b.sent_back(since, until, "recycled"), by)),
    "sent_back": Measure("stages", PERSON, lambda b, since, until, by: summed(b.sent_back(since, until, "rejected", "recycled"), by)),
    "customers": Measure("", ACCOUNT, lambda b, since, until, by: summed(b.customers(until - DAY), by)),
    "opening_customers": Measure("", ACCOUNT, lambda b, since, until, by: summed(b.customers(since - DAY), by)),
    "new_customers": Measure("", ACCOUNT, lambda b, since, until, by: summed(b.new_customers(since, until), by)),
    "paid_customers": Measure("", ACCOUNT, lambda b, since, until, by: summed(b.paid_customers(since, until), by)),
    "mrr": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.mrr(until - DAY), by)),
    "opening_mrr": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.mrr(since - DAY), by)),
    "net_kept": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.mrr_then(since, until, at_most=False), by)),
    "gross_kept": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.mrr_then(since, until, at_most=True), by)),
    "renewals_due": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.renewals(since, until, kept=False), by)),
    "renewals_kept": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.renewals(since, until, kept=True), by)),
    "trials": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.trials(since, until, won=False), by)),
    "trials_won": Measure("subscriptions", ACCOUNT, lambda b, since, until, by: summed(b.trials(since, until, won=True), by)),
    "spend": Measure("spend", COST, lambda b, since, until, by: summed(b.spend(since, until), by)),
    "media_spend": Measure("spend", COST, lambda b, since, until, by: summed(b.media_spend(since, until), by)),
    "acquisition_spend": Measure("spend", COST, lambda b, since, until, by: b.acquisition_spend(since, until, by)),
    "pipeline_value": Measure("deals", DEAL, lambda b, since, until, by: summed(b.pipeline(until - DAY, weighted=False), by)),
    "weighted_pipeline": Measure("deals", DEAL, lambda b, since, until, by: summed(b.pipeline(until - DAY, weighted=True), by)),
    "pipeline_created": Measure("deals", DEAL, lambda b, since, until, by: summed(b.pipeline_created(since, until), by)),
    "our_searches": Measure("searches", NONE, lambda b, since, until, by: summed(b.searches(since, until, ours=True), by)),
    "all_searches": Measure("searches", NONE, lambda b, since, until, by: summed(b.searches(since, until, ours=False), by)),
}


def _movements(kind: str, *, count: bool) -> Measure:
    reasons = {"churn_reason"} if kind == "churn" else NONE
    return Measure("subscriptions", ACCOUNT | reasons, lambda b, since, until, by: summed(b.moved(kind, since, until, count=count), by))


def _watched(unit: str, *, ended: bool) -> Measure:
    return Measure("subscriptions", SPELL | {unit}, lambda b, since, until, by: summed(b.lifetimes(since, until, unit, ended=ended), by))


for _kind in ("new", "expansion", "contraction", "reactivation"):
    MEASURES[f"{_kind}_mrr"] = _movements(_kind, count=False)
for _name, _unit, _ended in (
    ("lifetimes_ended", "age", True),
    ("lifetimes_open", "age", False),
    ("contracts_ended", "tenure", True),
    ("contracts_open", "tenure", False),
):
    MEASURES[_name] = _watched(_unit, ended=_ended)
MEASURES["churned_mrr"] = _movements("churn", count=False)
MEASURES["churned_customers"] = _movements("churn", count=True)
MEASURES["reactivated_customers"] = _movements("reactivation", count=True)


@dataclass(frozen=True)
class Inputs:
    """The measures of one segment, the months of the period and the company's margin."""

    values: Mapping[str, Value]
    months: Fraction
    margin: Fraction

    def __getitem__(self, name: str) -> Fraction:
        value = self.values[name]
        if value is None:
            raise UndefinedError(name)
        return value


class UndefinedError(Exception):
    """No number: an empty denominator, or an input that no source covers."""


Arithmetic = Callable[[Inputs], Fraction]


def over(numerator: Fraction, denominator: Fraction) -> Fraction:
    """A ratio; undefined, never 0, where there is nothing below the line."""
    if denominator == 0:
        raise UndefinedError
    return numerator / denominator


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Exact for whole exponents, else to fifty digits."""
    if exponent.denominator == 1:
        return Fraction(base ** int(exponent))
    with localcontext(prec=60):
        root = Decimal(exponent.numerator) / Decimal(exponent.denominator)
        return Fraction((Decimal(base.numerator) / Decimal(base.denominator)) ** root)


def churn(x: Inputs) -> Fraction:
    return over(x["churned_customers"], x["opening_customers"])


def kept(x: Inputs) -> Fraction:
    """The share of customers kept, as far as it is one: more may be lost than were there."""
    share = 1 - churn(x)
    if share < 0:
        raise UndefinedError
    return share


def lifetime(x: Inputs) -> Fraction:
    return over(Fraction(1), 1 - power(kept(x), 1 / x.months))


def arpa(x: Inputs) -> Fraction:
    return over(x["mrr"], x["customers"])


def clv(x: Inputs) -> Fraction:
    return arpa(x) * lifetime(x) * x.margin


def cac(x: Inputs) -> Fraction:
    return over(x["acquisition_spend"], x["new_customers"])


def gained(x: Inputs) -> Fraction:
    return x["new_mrr"] + x["expansion_mrr"] + x["reactivation_mrr"]


def lost(x: Inputs) -> Fraction:
    return x["churned_mrr"] + x["contraction_mrr"]


def _ratio(numerator: str, denominator: str) -> tuple[tuple[str, ...], Arithmetic]:
    return (numerator, denominator), lambda x: over(x[numerator], x[denominator])


CHURN = ("churned_customers", "opening_customers")
GAINED = ("new_mrr", "expansion_mrr", "reactivation_mrr")
LOST = ("churned_mrr", "contraction_mrr")
CLV = ("mrr", "customers", *CHURN)
CAC = ("acquisition_spend", "new_customers")

FORMULAS: dict[str, tuple[tuple[str, ...], Arithmetic]] = {
    "visitor_to_lead_rate": _ratio("leads", "visitors"),
    "visit_to_lead_rate": _ratio("leads", "visits"),
    "lead_to_mql_rate": _ratio("mqls", "leads"),
    "mql_to_sql_rate": _ratio("sqls", "mqls"),
    "sql_to_customer_rate": _ratio("new_customers", "sqls"),
    "mql_to_customer_rate": _ratio("new_customers", "mqls"),
    "lead_conversion_rate": _ratio("new_customers", "leads"),
    "lead_conversion_rate_cohort": _ratio("leads_won", "leads"),
    "visitor_to_signup_rate": _ratio("signups", "visitors"),
    "signup_to_customer_rate": _ratio("signups_won", "signups"),
    "customer_churn_rate": (CHURN, churn),
    "annual_churn_rate": (CHURN, lambda x: 1 - power(kept(x), 12 / x.months)),
    "churned_to_new_ratio": _ratio("churned_customers", "new_customers"),
    "customer_lifetime_months": (CHURN, lifetime),
    "arpa": (("mrr", "customers"), arpa),
    "arr": (("mrr",), lambda x: 12 * x["mrr"]),
    "expansion_share": (GAINED, lambda x: over(x["expansion_mrr"], gained(x))),
    "gross_revenue_churn_rate": ((*LOST, "opening_mrr"), lambda x: over(lost(x), x["opening_mrr"])),
    "net_revenue_churn_rate": ((*LOST, "expansion_mrr", "opening_mrr"), lambda x: over(lost(x) - x["expansion_mrr"], x["opening_mrr"])),
    "nrr": _ratio("net_kept", "opening_mrr"),
    "grr": _ratio("gross_kept", "opening_mrr"),
    "quick_ratio": ((*GAINED, *LOST), lambda x: over(gained(x), lost(x))),
    "cac": (CAC, cac),
    "cac_media": _ratio("media_spend", "new_customers"),
    "cac_paid": _ratio("media_spend", "paid_customers"),
    "cost_per_lead": _ratio("acquisition_spend", "leads"),
    "cost_per_mql": _ratio("acquisition_spend", "mqls"),
    "cost_per_sql": _ratio("acquisition_spend", "sqls"),
    "cost_per_signup": _ratio("acquisition_spend", "signups"),
    "cac_payback_months": ((*CAC, "new_mrr"), lambda x: over(cac(x), over(x["new_mrr"], x["new_customers"]) * x.margin)),
    "clv": (CLV, clv),
    "clv_cac_ratio": ((*CLV, *CAC), lambda x: over(clv(x), cac(x))),
    "roi": ((*CLV, *CAC), lambda x: over(x["new_customers"] * clv(x) - x["acquisition_spend"], x["acquisition_spend"])),
    "renewal_rate": _ratio("renewals_kept", "renewals_due"),
    "trial_conversion_rate": _ratio("trials_won", "trials"),
    "share_of_search": _ratio("our_searches", "all_searches"),
    "days_in_stage": _ratio("stage_days", "stages_left"),
    "sales_cycle_days": _ratio("cycle_days", "cycles"),
    "acceptance_rate": (("sqls", "sent_back"), lambda x: over(x["sqls"], x["sqls"] + x["sent_back"])),
}

METRICS: tuple[str, ...] = tuple(
    """visitors visits pageviews signups leads mqls sqls opportunities new_customers visitor_to_lead_rate lead_to_mql_rate
    mql_to_sql_rate sql_to_customer_rate mql_to_customer_rate lead_conversion_rate lead_conversion_rate_cohort
    visitor_to_signup_rate signup_to_customer_rate customers churned_customers
    reactivated_customers customer_churn_rate annual_churn_rate churned_to_new_ratio customer_lifetime_months mrr new_mrr
    expansion_mrr contraction_mrr churned_mrr reactivation_mrr arpa arr expansion_share gross_revenue_churn_rate
    net_revenue_churn_rate nrr grr quick_ratio spend acquisition_spend media_spend cac cac_media cac_paid cost_per_lead cost_per_mql cost_per_sql
    cost_per_signup cac_payback_months clv clv_cac_ratio roi renewals_due renewal_rate
    pipeline_value weighted_pipeline pipeline_created trial_conversion_rate share_of_search
    days_in_stage sales_cycle_days rejections recycled acceptance_rate visit_to_lead_rate
    lifetimes_ended lifetimes_open contracts_ended contracts_open stage_days stages_left cycle_days cycles sent_back""".split()
)
"""Those of the contract, in its order, those that came after it, then the parts of what fari computes."""


def inputs_of(metric: str) -> tuple[str, ...]:
    """The measures that a metric takes; KeyError where there is no such metric."""
    if metric not in METRICS:
        raise KeyError(metric)
    return FORMULAS[metric][0] if metric in FORMULAS else (metric,)


def dimensions(metric: str) -> frozenset[str]:
    """What a metric may be split by: what all of its inputs have."""
    return frozenset.intersection(*(MEASURES[name].dimensions for name in inputs_of(metric)))


def _table(books: Books, measure: str) -> str:
    return MEASURES[measure].table or books.customers_from


def ask(books: Books, metric: str, since: date, until: date, by: Sequence[str] = (), where: Mapping[str, str] | None = None) -> dict[Segment, Value]:
    """The metric for one period, by segment; None where undefined. `where` picks the rows that a split by it would give."""
    filters = dict(where or {})
    names = (*by, *(name for name in filters if name not in by))
    refused = set(names) - dimensions(metric)
    if refused:
        raise KeyError(metric, *sorted(refused))
    covered = {name: books.coverage.covers(_table(books, name), since, until) for name in inputs_of(metric)}
    sums = {name: MEASURES[name].sum(books, since, until, names) if covered[name] else {} for name in covered}
    segments = {segment for found in sums.values() for segment in found}
    segments = {segment for segment in segments if all(segment[names.index(name)] == value for name, value in filters.items())}
    if not by:
        segments.add(tuple(filters[name] for name in names))
    arithmetic = FORMULAS[metric][1] if metric in FORMULAS else lambda x: x[metric]
    months, margin = months_in(since, until), Fraction(books.company.gross_margin)
    found: dict[Segment, Value] = {}
    for segment in segments:
        values = {name: sums[name].get(segment, Fraction(0)) if covered[name] else None for name in covered}
        try:
            found[segment[: len(by)]] = arithmetic(Inputs(values, months, margin))
        except UndefinedError:
            found[segment[: len(by)]] = None
    return found


def answer(
    tables: Tables, company: Company, metric: str, since: date, until: date,
    by: Sequence[str] = (), where: Mapping[str, str] | None = None, place: Place | None = None,
) -> dict[Segment, Value]:  # fmt: skip
    """`ask`, from the tables."""
    return ask(Books(tables, company, place), metric, since, until, by, where)


def complete(books: Books, metric: str, since: date, until: date) -> bool:
    """Whether the period is over and every source of the metric covers all of it."""
    return all(books.coverage.complete(_table(books, name), since, until) for name in inputs_of(metric))
