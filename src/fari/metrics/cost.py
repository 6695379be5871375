"""Cost: what sales and marketing cost, and what a lead, a sign-up or a customer cost."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure, spread

_RATE = "in a currency without an exchange rate on or before their day"


@measure("costs", "during", needs="spend", dims="channel campaign", unit="money", good="neutral", left_out=_RATE)
def spend(row: Any) -> Any:
    """All sales and marketing cost of the period, salaries and tools included, whatever its purpose.

    What belongs to no channel is the row `(unallocated)`. Source: the article, metric 7; definitions, Cost and value.

    >>> from fari.sample import ask
    >>> ask("spend", "2025-03"), ask("spend", "2025-03", channel="Paid Search")
    (Decimal('1000.000000'), Decimal('400.000000'))
    """
    return row.amount


@measure("costs", "during", needs="spend", dims="channel campaign", unit="money", good="neutral", left_out=_RATE)
def media_spend(row: Any) -> Any:
    """Cost of kind `ads` only, of purpose `acquire`: what `cac_media` must leave out is left out here.

    Source: definitions, Cost and value.

    >>> from fari.sample import ask
    >>> ask("media_spend", "2025-03")
    Decimal('400.000000')
    """
    return ((row.cost_kind == "ads") & (row.purpose == "acquire")).ifelse(row.amount, 0)


@measure("costs", "during", needs="spend", dims="channel campaign", unit="money", good="neutral", left_out=_RATE, listed=False)
def acquisition_cost(row: Any) -> Any:
    """Cost of purpose `acquire` as it was booked: shared cost is the row `(unallocated)`. What acquisition_spend spreads.

    >>> from fari.sample import ask
    >>> ask("acquisition_cost", "2025-03")
    Decimal('900.000000')
    """
    return (row.purpose == "acquire").ifelse(row.amount, 0)


spread(
    "acquisition_spend", "acquisition_cost", "new_customers", unit="money", good="neutral", stage="acquisition",
    doc="""Cost of winning customers: spend of purpose `acquire`.

By channel (and campaign): its own cost and its share, by new customers, of the cost that has no channel. In a period without
new customers the shared cost is the row `(unallocated)`; the rows add up to the whole. Source: definitions, Cost and value.

>>> from fari.sample import ask
>>> ask("acquisition_spend", "2025-03"), ask("acquisition_spend", "2025-03", channel="Paid Search")
(Decimal('900.000000'), Decimal('650.000000'))
""",
)  # fmt: skip


@formula(unit="money", good="down", stage="acquisition")
def cac(acquisition_spend: Decimal, new_customers: Decimal) -> Decimal:
    """Customer acquisition cost, fully loaded and blended: acquisition_spend / new_customers.

    Source: the article, metric 7: 100,000 / 200 = 500 (it prints 5,000).

    >>> cac(Decimal(100000), Decimal(200))
    Decimal('500')
    """
    return acquisition_spend / new_customers


@formula(unit="money", good="down", stage="acquisition")
def cac_media(media_spend: Decimal, new_customers: Decimal) -> Decimal:
    """Ad spend per new customer, however won: media_spend / new_customers.

    Source: definitions, Cost and value.

    >>> cac_media(Decimal(40000), Decimal(200))
    Decimal('200')
    """
    return media_spend / new_customers


@formula(unit="money", good="down", stage="acquisition")
def cac_paid(media_spend: Decimal, paid_new_customers: Decimal) -> Decimal:
    """Ad spend per new customer credited to a paid channel.

    Source: definitions, Cost and value.

    >>> cac_paid(Decimal(40000), Decimal(80))
    Decimal('500')
    """
    return media_spend / paid_new_customers


@formula(unit="money", good="down", stage="acquisition")
def cost_per_lead(acquisition_spend: Decimal, leads: Decimal) -> Decimal:
    """Acquisition spend per lead of the period.

    Source: the article, metric 7, which means this by CAC; definitions.

    >>> cost_per_lead(Decimal(1000), Decimal(50))
    Decimal('20')
    """
    return acquisition_spend / leads


@formula(unit="money", good="down", stage="acquisition")
def cost_per_mql(acquisition_spend: Decimal, mqls: Decimal) -> Decimal:
    """Acquisition spend per MQL of the period.

    Source: definitions, Cost and value.

    >>> cost_per_mql(Decimal(1000), Decimal(8))
    Decimal('125')
    """
    return acquisition_spend / mqls


@formula(unit="money", good="down", stage="acquisition")
def cost_per_sql(acquisition_spend: Decimal, sqls: Decimal) -> Decimal:
    """Acquisition spend per SQL of the period.

    Source: definitions, Cost and value.

    >>> cost_per_sql(Decimal(1000), Decimal(8))
    Decimal('125')
    """
    return acquisition_spend / sqls


@formula(unit="money", good="down", stage="acquisition")
def cost_per_signup(acquisition_spend: Decimal, signups: Decimal) -> Decimal:
    """Acquisition spend per sign-up of the period.

    Source: definitions, Cost and value.

    >>> cost_per_signup(Decimal(1000), Decimal(8))
    Decimal('125')
    """
    return acquisition_spend / signups
