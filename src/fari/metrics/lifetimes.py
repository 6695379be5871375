"""Lifetimes: how old customers have become, and at which age they left. What survival curves are made of (fari.insight)."""

from typing import Any

from fari.metrics.kinds import measure

_DIMS = "channel campaign plan country persona currency cohort term"


@measure("lifetimes", "period", needs="subscriptions", dims=f"{_DIMS} age", stage="retention", good="down", adds=False, listed=False)
def lifetimes_ended(row: Any) -> Any:
    """Of the accounts that became customers in the period, those that had left by its end; by `age`, the month's day at which they were gone.

    >>> from fari.sample import ask
    >>> ask("lifetimes_ended", "2025"), ask("lifetimes_ended", "2025", age="2")
    (Decimal('1'), Decimal('1'))
    """
    return row.gone


@measure("lifetimes", "period", needs="subscriptions", dims=f"{_DIMS} age", stage="retention", adds=False, listed=False)
def lifetimes_open(row: Any) -> Any:
    """Of the accounts that became customers in the period, those that have been customers ever since; by `age`, in whole months at its end.

    >>> from fari.sample import ask
    >>> ask("lifetimes_open", "2025-Q1"), ask("lifetimes_open", "2025-Q1", age="0")
    (Decimal('2'), Decimal('2'))
    """
    return 1 - row.gone


@measure("lifetimes", "period", needs="subscriptions", dims=f"{_DIMS} tenure", stage="retention", good="down", adds=False, listed=False)
def contracts_ended(row: Any) -> Any:
    """The same in terms of the contract: those that had not renewed by the period's end; by `tenure`, the renewal they did not make.

    >>> from fari.sample import ask
    >>> ask("contracts_ended", "2025", term="month", tenure="2")
    Decimal('1')
    """
    return row.lapsed


@measure("lifetimes", "period", needs="subscriptions", dims=f"{_DIMS} tenure", stage="retention", adds=False, listed=False)
def contracts_open(row: Any) -> Any:
    """The same in terms of the contract: those that have renewed every time; by `tenure`, how often by the period's end.

    >>> from fari.sample import ask
    >>> ask("contracts_open", "2024", term="year", tenure="0")
    Decimal('1')
    """
    return 1 - row.lapsed
