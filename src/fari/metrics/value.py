"""Value: what a customer is worth over its lifetime, against what it cost."""

from decimal import Decimal

from fari.metrics.kinds import formula

_NAIVE = ("lifetime is 1 / churn of the period: a rough figure where few customers leave",)


@formula(unit="money", good="up", stage="monetisation", notes=_NAIVE)
def clv(arpa: Decimal, customer_lifetime_months: Decimal, gross_margin: Decimal) -> Decimal:
    """Customer lifetime value: arpa × customer_lifetime_months (× gross margin, where `[company] gross_margin` is set).

    Source: the article, metric 8: 500 × 20 = 10,000.

    >>> clv(Decimal(500), Decimal(20), Decimal(1))
    Decimal('10000')
    """
    return arpa * customer_lifetime_months * gross_margin


@formula(unit="ratio", good="up", stage="monetisation")
def clv_cac_ratio(clv: Decimal, cac: Decimal) -> Decimal:
    """Lifetime value per cost of acquisition: clv / cac.

    Source: definitions, Cost and value.

    >>> clv_cac_ratio(Decimal(10000), Decimal(500))
    Decimal('20')
    """
    return clv / cac


@formula(unit="months", good="down", stage="monetisation")
def cac_payback_months(cac: Decimal, new_mrr: Decimal, new_customers: Decimal, gross_margin: Decimal) -> Decimal:
    """Months until a new customer's margin has paid its cost: cac / (arpa of new customers × gross margin).

    Source: definitions; 600 / (100 × 0.8) = 7.5 (research, revenue 2).

    >>> cac_payback_months(Decimal(600), Decimal(1000), Decimal(10), Decimal("0.8"))
    Decimal('7.5')
    """
    return cac / (new_mrr / new_customers * gross_margin)


@formula(unit="ratio", good="up", stage="monetisation", notes=("over the customer's whole lifetime",))
def roi(new_customers: Decimal, clv: Decimal, acquisition_spend: Decimal) -> Decimal:
    """Return on acquisition spend over the customers' lifetime: (new_customers × clv − acquisition_spend) / acquisition_spend.

    Source: definitions, Cost and value.

    >>> roi(Decimal(10), Decimal(300), Decimal(1000))
    Decimal('2')
    """
    return (new_customers * clv - acquisition_spend) / acquisition_spend
