"""Customers: how many there are, how many came, left and returned, and how long they stay."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import Undefined, formula, measure

_DIMS = "channel campaign plan country persona content currency cohort term"
_RATE = "in a currency without an exchange rate on or before their day"


@measure("levels", "during", needs="customers", dims=_DIMS, reach="content", left_out=_RATE)
def new_customers(row: Any) -> Any:
    """Accounts that became a customer (MRR above 0) for the first time in the period.

    Source: definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("new_customers", "2025-03"), ask("new_customers", "2025-03", channel="Paid Search")
    (Decimal('2'), Decimal('1'))
    """
    return (row.movement == "new").ifelse(1, 0)


@measure("levels", "during", needs="customers", dims=_DIMS, reach="content", listed=False)
def paid_new_customers(row: Any) -> Any:
    """New customers whose account was won by a paid channel (search, social, shopping, video, display, cross-network, other paid).

    >>> from fari.sample import ask
    >>> ask("paid_new_customers", "2025-03")
    Decimal('1')
    """
    from fari.facts.words import PAID

    return ((row.movement == "new") & row.channel.isin(PAID)).ifelse(1, 0)


@measure("levels", "closing", needs="customers", dims=_DIMS, reach="content", stage="retention", adds=False, left_out=_RATE)
def customers(row: Any) -> Any:
    """Accounts with MRR above 0 on the last day of the period.

    Source: definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("customers", "2025-03"), ask("customers", "2025-04")
    (Decimal('3'), Decimal('2'))
    """
    return row.customer


@measure("levels", "opening", needs="customers", dims=_DIMS, reach="content", stage="retention", adds=False, listed=False, left_out=_RATE)
def opening_customers(row: Any) -> Any:
    """Customers at the start of the period: on the day before its first.

    >>> from fari.sample import ask
    >>> ask("opening_customers", "2025-04")
    Decimal('3')
    """
    return row.customer


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} churn_reason cause", reach="content", stage="retention", good="down")
def churned_customers(row: Any) -> Any:
    """Customers lost in the period: accounts whose MRR fell to 0. An account lost twice counts twice.

    Source: definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("churned_customers", "2025-04"), ask("churned_customers", "2025-04", churn_reason="too expensive")
    (Decimal('1'), Decimal('1'))
    """
    return (row.movement == "churn").ifelse(1, 0)


@measure("levels", "during", needs="subscriptions", dims=f"{_DIMS} cause", reach="content", stage="retention")
def reactivated_customers(row: Any) -> Any:
    """Accounts that had been customers, had left, and returned in the period.

    Source: definitions, Customers and revenue.

    >>> from fari.sample import ask
    >>> ask("reactivated_customers", "2025-05")
    Decimal('1')
    """
    return ((row.movement != "new") & (row.customer > row.customer_before)).ifelse(1, 0)


@formula(unit="rate", good="down", stage="retention")
def customer_churn_rate(churned_customers: Decimal, opening_customers: Decimal) -> Decimal:
    """Customers lost in the period per customer at its start: churned_customers / opening_customers.

    It can pass 1, since those won and lost inside the period are among the lost. Source: the article, metric 5, corrected: it
    divides by *new* customers (see churned_to_new_ratio); definitions, Customers and revenue.

    >>> customer_churn_rate(Decimal(5), Decimal(100))
    Decimal('0.05')
    """
    return churned_customers / opening_customers


@formula(unit="rate", good="down", stage="retention", listed=False, instead=("customer_churn_rate", "churn_rate", "opening_and_new"))
def churn_of_opening_and_new(churned_customers: Decimal, opening_customers: Decimal, new_customers: Decimal) -> Decimal:
    """Customer churn as Stripe counts it: churned_customers / (opening_customers + new_customers).

    Stands in for customer_churn_rate where the rules answer `churn_rate` so. Source: rules.toml.

    >>> churn_of_opening_and_new(Decimal(6), Decimal(100), Decimal(20))
    Decimal('0.05')
    """
    return churned_customers / (opening_customers + new_customers)


@formula(unit="rate", good="down", stage="retention", listed=False, instead=("customer_churn_rate", "churn_rate", "stayers"))
def churn_of_stayers(churned_customers: Decimal, churned_newcomers: Decimal, opening_customers: Decimal) -> Decimal:
    """Customer churn as ChartMogul counts it: of the customers at the period's start, the share that left.

    (churned_customers − churned_newcomers) / opening_customers. Stands in for customer_churn_rate where the rules answer `churn_rate` so.
    Source: rules.toml.

    >>> churn_of_stayers(Decimal(6), Decimal(2), Decimal(100))
    Decimal('0.04')
    """
    return (churned_customers - churned_newcomers) / opening_customers


@measure(
    "lost_spells",
    "within",
    needs="subscriptions",
    dims="channel campaign plan country persona currency",
    stage="retention",
    good="down",
    adds=False,
    listed=False,
)
def churned_newcomers(row: Any) -> Any:
    """Of the customers lost in the period, those that had also become customers, or returned, in it.

    >>> from fari.sample import ask
    >>> ask("churned_newcomers", "2025-04")
    Decimal('0')
    """
    return row.one


def _monthly(customer_churn_rate: Decimal, months: Decimal) -> Decimal:
    if customer_churn_rate > 1:
        raise Undefined("more customers left in this period than there were at its start")
    return customer_churn_rate if months == 1 else 1 - (1 - customer_churn_rate) ** (1 / months)


@formula(unit="rate", good="down", stage="retention")
def annual_churn_rate(customer_churn_rate: Decimal, months: Decimal) -> Decimal:
    """What the period's churn, kept up for twelve months, would come to: 1 − (1 − c)^12 of the monthly rate c.

    Source: definitions; the article multiplies by 12, which passes 100 % at 8.4 % a month.

    >>> round(annual_churn_rate(Decimal("0.05"), Decimal(1)), 4)
    Decimal('0.4596')
    """
    return 1 - (1 - _monthly(customer_churn_rate, months)) ** 12


@formula(unit="rate", good="down", stage="retention")
def churned_to_new_ratio(churned_customers: Decimal, new_customers: Decimal) -> Decimal:
    """Customers lost per customer won in the period: what the article calls churn (250 of 5,000 is 5 %), under an honest name.

    Source: the article, metric 5.

    >>> churned_to_new_ratio(Decimal(250), Decimal(5000))
    Decimal('0.05')
    """
    return churned_customers / new_customers


@formula(unit="months", good="up", stage="retention")
def customer_lifetime_months(customer_churn_rate: Decimal, months: Decimal) -> Decimal:
    """Average customer lifetime (ACL) in months: 1 / monthly customer churn rate.

    Source: the article, metric 8: 5 % a month is 20 months.

    >>> customer_lifetime_months(Decimal("0.05"), Decimal(1))
    Decimal('2E+1')
    """
    if customer_churn_rate == 0:
        raise Undefined("no customer left in this period")
    return 1 / _monthly(customer_churn_rate, months)


@measure("trials", "during", needs="subscriptions", dims="channel campaign plan country persona currency cohort term", listed=False)
def trials_started(row: Any) -> Any:
    """Accounts whose first trial began in the period.

    >>> from fari.sample import ask
    >>> ask("trials_started", "2025-03")
    Decimal('1')
    """
    return row.converted * 0 + 1


@measure("trials", "during", needs="subscriptions", dims="channel campaign plan country persona currency cohort term", listed=False)
def trials_converted(row: Any) -> Any:
    """Of the accounts whose first trial began in the period, those that have become customers by the data's horizon.

    >>> from fari.sample import ask
    >>> ask("trials_converted", "2025-03")
    Decimal('1')
    """
    return row.converted


@formula(unit="rate", good="up", stage="acquisition", notes=("of the trials that began in the period, by the data's horizon",))
def trial_conversion_rate(trials_converted: Decimal, trials_started: Decimal) -> Decimal:
    """Of the accounts whose first trial began in the period, the share with MRR above 0 by the data's horizon.

    Source: definitions, Customers and revenue.

    >>> trial_conversion_rate(Decimal(5), Decimal(10))
    Decimal('0.5')
    """
    return trials_converted / trials_started
