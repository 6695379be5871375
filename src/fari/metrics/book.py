"""The book of subscriptions beside MRR: at list price, what is sure to stay, what may be lost, what is not paid for yet."""

from collections.abc import Callable
from typing import Any

from fari.metrics.kinds import Good, measure

_DIMS = "channel campaign plan country persona currency"
_RATE = "in a currency without an exchange rate on or before their day"


def _book(good: Good = "up") -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    return measure(
        "stretches", "closing", needs="subscriptions", dims=_DIMS, unit="money", good=good, stage="monetisation", adds=False,
        left_out=_RATE, listed=False,
    )  # fmt: skip


@_book()
def list_mrr(row: Any) -> Any:
    """MRR before discounts: what the subscriptions that count as MRR would be worth at list price.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("list_mrr", "2025-03")
    Decimal('350.000000')
    """
    return row.list_mrr


@_book()
def committed_mrr(row: Any) -> Any:
    """MRR of subscriptions that nobody has cancelled yet (CMRR): it falls on the day of the click, not when what was paid for ends.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("committed_mrr", "2025-03")
    Decimal('350.000000')
    """
    return row.committed


@_book("down")
def mrr_at_risk(row: Any) -> Any:
    """MRR of subscriptions that are past due but still count: what failed payments may take.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("mrr_at_risk", "2025-03")
    Decimal('0')
    """
    return row.at_risk


@_book("neutral")
def trial_mrr(row: Any) -> Any:
    """What the trials running at the end of the period would be worth a month if they were paid for. Never part of MRR by Fari's rules.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("trial_mrr", "2025-03-10")
    Decimal('100.000000')
    """
    return row.trial


@_book("down")
def paused_mrr(row: Any) -> Any:
    """What paused subscriptions would be worth a month if they went on.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("paused_mrr", "2025-03")
    Decimal('0')
    """
    return row.paused


@_book()
def usage_mrr(row: Any) -> Any:
    """Usage billed by the meter, a month: the mean of the last three closed periods. Never part of MRR by Fari's rules.

    Source: definitions, Revenue beside MRR.

    >>> from fari.sample import ask
    >>> ask("usage_mrr", "2025-03")
    Decimal('0')
    """
    return row.usage
