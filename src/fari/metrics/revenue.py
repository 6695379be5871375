"""Recurring revenue: the level at the period's end and the movements that led to it."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure

_DIMS = "channel campaign plan country persona content currency cohort term"
_RATE = "in a currency without an exchange rate on or before their day"


@measure("levels", "closing", needs="subscriptions", dims=_DIMS, unit="money", stage="monetisation", adds=False, reach="content", left_out=_RATE)
def mrr(row: Any) -> Any:
    """Monthly recurring revenue: the monthly values of the subscriptions running on the period's last day.

    Trials and pauses are worth nothing, a past-due subscription nothing from the 31st day; annual prices are spread over their
    months. Source: the article, metric 6 (1×150 + 2×300 + 2×500 = 1,750); definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("mrr", "2025-03")
    Decimal('350.000000')
    """
    return row.mrr


@measure(
    "levels",
    "opening",
    needs="subscriptions",
    dims=_DIMS,
    unit="money",
    stage="monetisation",
    adds=False,
    reach="content",
    left_out=_RATE,
    listed=False,
)
def opening_mrr(row: Any) -> Any:
    """MRR at the start of the period: on the day before its first.

    >>> from fari.sample import ask
    >>> ask("opening_mrr", "2025-04")
    Decimal('350.000000')
    """
    return row.mrr


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} cause", unit="money", stage="monetisation", reach="content", left_out=_RATE)
def new_mrr(row: Any) -> Any:
    """MRR of accounts that became customers for the first time in the period.

    Source: definitions, Movements.

    >>> from fari.sample import ask
    >>> ask("new_mrr", "2025-03")
    Decimal('200.000000')
    """
    return (row.movement == "new").ifelse(row.mrr - row.before, 0)


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} cause", unit="money", stage="monetisation", reach="content")
def expansion_mrr(row: Any) -> Any:
    """MRR gained from accounts that were customers already: upgrades, seats, add-ons, a discount that ended.

    Source: definitions, Movements.

    >>> from fari.sample import ask
    >>> ask("expansion_mrr", "2025-05")
    Decimal('50.000000')
    """
    return (row.movement == "expansion").ifelse(row.mrr - row.before - row.drift, 0)


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} cause", unit="money", stage="monetisation", good="down", reach="content")
def contraction_mrr(row: Any) -> Any:
    """MRR lost, as a positive amount, from accounts that stayed customers.

    Source: definitions, Movements.

    >>> from fari.sample import ask
    >>> ask("contraction_mrr", "2025-06")
    Decimal('25.000000')
    """
    return (row.movement == "contraction").ifelse(row.before - row.mrr + row.drift, 0)


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} churn_reason cause", unit="money", stage="retention", good="down", reach="content")
def churned_mrr(row: Any) -> Any:
    """MRR lost, as a positive amount, with accounts that left.

    Source: definitions, Movements.

    >>> from fari.sample import ask
    >>> ask("churned_mrr", "2025-04")
    Decimal('100.000000')
    """
    return (row.movement == "churn").ifelse(row.before - row.mrr, 0)


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} cause", unit="money", stage="monetisation", reach="content")
def reactivation_mrr(row: Any) -> Any:
    """MRR of accounts that had left and returned.

    Source: definitions, Movements.

    >>> from fari.sample import ask
    >>> ask("reactivation_mrr", "2025-05")
    Decimal('100.000000')
    """
    return (row.movement == "reactivation").ifelse(row.mrr - row.before, 0)


@measure("levels", "during", needs="subscriptions", dims=_DIMS, unit="money", stage="monetisation", good="neutral", reach="content", listed=False)
def fx_mrr(row: Any) -> Any:
    """What a change of exchange rates has added to MRR or taken from it. Nothing, unless the rules convert prices anew each month.

    >>> from fari.sample import ask
    >>> ask("fx_mrr", "2025-05")
    Decimal('0')
    """
    return row.drift


@measure(
    "account_periods", "period", needs="subscriptions", dims=_DIMS.replace(" content", ""), unit="money", stage="retention", adds=False, listed=False
)
def retained_mrr(row: Any) -> Any:
    """What the accounts that were customers at the start of the period pay at its end.

    >>> from fari.sample import ask
    >>> ask("retained_mrr", "2025-04")
    Decimal('250.000000')
    """
    return row.closing


@measure(
    "account_periods", "period", needs="subscriptions", dims=_DIMS.replace(" content", ""), unit="money", stage="retention", adds=False, listed=False
)
def kept_mrr(row: Any) -> Any:
    """The same without what they have added: the smaller of then and now for each account.

    >>> from fari.sample import ask
    >>> ask("kept_mrr", "2025-04")
    Decimal('250.000000')
    """
    return (row.closing < row.opening).ifelse(row.closing, row.opening)


@formula(unit="money", good="up", stage="monetisation")
def arpa(mrr: Decimal, customers: Decimal) -> Decimal:
    """Average revenue per account: mrr / customers.

    Source: the article, metric 6: 1,750 / 5 = 350.

    >>> arpa(Decimal(1750), Decimal(5))
    Decimal('350')
    """
    return mrr / customers


@formula(unit="money", good="up", stage="monetisation")
def arr(mrr: Decimal) -> Decimal:
    """Annual recurring revenue, the run rate: 12 × mrr.

    Source: the article, metric 6: 12 × 1,750 = 21,000.

    >>> arr(Decimal(1750))
    Decimal('21000')
    """
    return 12 * mrr


@formula(unit="rate", good="up", stage="monetisation")
def expansion_share(expansion_mrr: Decimal, new_mrr: Decimal, reactivation_mrr: Decimal) -> Decimal:
    """Share of the MRR gained that came from existing customers: expansion / (new + expansion + reactivation).

    Source: definitions; the article cites 36 % of new ARR bookings, which leave reactivation out.

    >>> expansion_share(Decimal(36), Decimal(64), Decimal(0))
    Decimal('0.36')
    """
    return expansion_mrr / (new_mrr + expansion_mrr + reactivation_mrr)


@formula(unit="rate", good="down", stage="retention")
def gross_revenue_churn_rate(churned_mrr: Decimal, contraction_mrr: Decimal, opening_mrr: Decimal) -> Decimal:
    """MRR lost per MRR at the start: (churned + contraction) / opening mrr.

    Source: definitions, Customers and revenue.

    >>> gross_revenue_churn_rate(Decimal(10), Decimal(10), Decimal(100))
    Decimal('0.2')
    """
    return (churned_mrr + contraction_mrr) / opening_mrr


@formula(unit="rate", good="down", stage="retention")
def net_revenue_churn_rate(churned_mrr: Decimal, contraction_mrr: Decimal, expansion_mrr: Decimal, opening_mrr: Decimal) -> Decimal:
    """MRR lost less MRR added, per MRR at the start: (churned + contraction − expansion) / opening mrr. Below 0 is growth.

    Source: definitions, Customers and revenue.

    >>> net_revenue_churn_rate(Decimal(10), Decimal(10), Decimal(10), Decimal(100))
    Decimal('0.1')
    """
    return (churned_mrr + contraction_mrr - expansion_mrr) / opening_mrr


@formula(unit="rate", good="up", stage="retention")
def nrr(retained_mrr: Decimal, opening_mrr: Decimal) -> Decimal:
    """Net revenue retention: what the customers of the period's start pay at its end, over what they paid.

    Not 1 − net_revenue_churn_rate: accounts won, lost and regained inside the period are not in it. Source: definitions.

    >>> nrr(Decimal(110), Decimal(100))
    Decimal('1.1')
    """
    return retained_mrr / opening_mrr


@formula(unit="rate", good="up", stage="retention")
def grr(kept_mrr: Decimal, opening_mrr: Decimal) -> Decimal:
    """Gross revenue retention: as nrr, but no account counts for more than it paid at the start.

    Source: definitions, Customers and revenue.

    >>> grr(Decimal(90), Decimal(100))
    Decimal('0.9')
    """
    return kept_mrr / opening_mrr


@formula(unit="ratio", good="up", stage="monetisation")
def quick_ratio(new_mrr: Decimal, expansion_mrr: Decimal, reactivation_mrr: Decimal, contraction_mrr: Decimal, churned_mrr: Decimal) -> Decimal:
    """MRR gained per MRR lost: (new + expansion + reactivation) / (contraction + churned).

    Source: definitions, Customers and revenue.

    >>> quick_ratio(Decimal(60), Decimal(20), Decimal(0), Decimal(10), Decimal(10))
    Decimal('4')
    """
    return (new_mrr + expansion_mrr + reactivation_mrr) / (contraction_mrr + churned_mrr)


@measure("renewals", "during", needs="subscriptions", dims=_DIMS.replace(" content", ""), stage="retention")
def renewals_due(row: Any) -> Any:
    """Subscriptions paid for longer than a month at once whose paid interval ends in the period (its last day lies in it).

    Source: definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("renewals_due", "2025-05")
    Decimal('1')
    """
    return row.renewed * 0 + 1


@measure(
    "renewals", "during", needs="subscriptions", dims=_DIMS.replace(" content", ""), stage="retention", listed=False,
    left_out="another subscription of the account begins there, which does not count as a renewal",
)  # fmt: skip
def renewals_made(row: Any) -> Any:
    """Of the renewals due in the period, those whose subscription still ran the day after.

    >>> from fari.sample import ask
    >>> ask("renewals_made", "2025-05")
    Decimal('1')
    """
    return row.renewed


@formula(unit="rate", good="up", stage="retention")
def renewal_rate(renewals_made: Decimal, renewals_due: Decimal) -> Decimal:
    """Share of the renewals due in the period whose subscription still ran the day after.

    Source: definitions, Customers and revenue.

    >>> renewal_rate(Decimal(8), Decimal(10))
    Decimal('0.8')
    """
    return renewals_made / renewals_due
