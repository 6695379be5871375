"""Pipeline: the value of deals that are open and qualified by a meeting held, and of deals created."""

from typing import Any

from fari.metrics.kinds import measure

_DIMS = "channel campaign country persona currency"
_MISSING = "without an amount, or in a currency without an exchange rate"


@measure("deal_rows", "closing", needs="deals", dims=_DIMS, unit="money", stage="monetisation", adds=False, left_out=_MISSING)
def pipeline_value(row: Any) -> Any:
    """Amounts of deals open at the end of the period with a meeting held by then.

    Source: the article, under "other": qualified leads with a meeting held and a value in money; definitions, Beyond the eight.

    >>> from fari.sample import ask
    >>> ask("pipeline_value", "2025-03")
    Decimal('5000.000000')
    """
    return row.amount


@measure("deal_rows", "closing", needs="deals", dims=_DIMS, unit="money", stage="monetisation", adds=False, left_out=_MISSING)
def weighted_pipeline(row: Any) -> Any:
    """The same, each amount × the deal's probability.

    Source: definitions, Beyond the eight.

    >>> from fari.sample import ask
    >>> ask("weighted_pipeline", "2025-03")
    Decimal('2000.000000')
    """
    return row.weighted


@measure("deal_rows", "during", needs="deals", dims=_DIMS, unit="money", stage="monetisation", left_out=_MISSING)
def pipeline_created(row: Any) -> Any:
    """Amounts of deals created in the period.

    Source: definitions, Beyond the eight.

    >>> from fari.sample import ask
    >>> ask("pipeline_created", "2025-03")
    Decimal('8000.000000')
    """
    return row.amount
