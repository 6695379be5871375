"""Share of search: how many of the people searching for any of us searched for us."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure


@measure("search_rows", "within", needs="searches", good="up", listed=False)
def our_searches(row: Any) -> Any:
    """Searches for our own brand, of the months that lie in the period.

    >>> from fari.sample import ask
    >>> ask("our_searches", "2025-03")
    Decimal('30.000000')
    """
    return row.own_volume


@measure("search_rows", "within", needs="searches", good="neutral", listed=False)
def all_searches(row: Any) -> Any:
    """Searches for all brands told of, of the months that lie in the period.

    >>> from fari.sample import ask
    >>> ask("all_searches", "2025-03")
    Decimal('120.000000')
    """
    return row.volume


@formula(unit="rate", good="up", stage="acquisition")
def share_of_search(our_searches: Decimal, all_searches: Decimal) -> Decimal:
    """Our brand's searches per search for any brand of the category: our_searches / all_searches.

    Source: the article, under "other"; definitions, Beyond the eight.

    >>> share_of_search(Decimal(30), Decimal(120))
    Decimal('0.25')
    """
    return our_searches / all_searches
