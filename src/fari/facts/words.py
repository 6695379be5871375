"""Words and numbers the facts share. Where a value is unknown a word stands for it: nothing disappears, each unknown has its row."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import Table

UNATTRIBUTED = "(unattributed)"
UNALLOCATED = "(unallocated)"
NOT_SET = "(not set)"
NO_REASON = "(no reason given)"
TERMS = {1: "month", 3: "quarter", 12: "year"}
"""What a contract's term of so many months is called; any other is `6 months`."""
DIRECT = "Direct"
PAID = ("Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other")
"""Channels bought by the click or view: what `cac_paid` counts customers of."""

FOREVER = 2_000_000
"""A day number no stretch reaches: the end of what has no end."""
IDLE_SECONDS = 30 * 60
"""A visit is over after more than this without a page view (definitions, Visitors)."""
REASON_DAYS = 90
"""A reason given up to this many days after a churn counts for it."""


def settled(table: "Table") -> "Table":
    """The table as a relation of its own: Ibis would go on with a selected join as one chain, in which computed columns cannot be joined on."""
    return table.select(*table.columns)
