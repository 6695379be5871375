"""What the oracle is given: the company's own settings, and the rows of the contract's files as they stand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
"""One line of a file: strings; an event is a nested Segment message."""

Tables = Mapping[str, Sequence[Row]]
"""Rows by table of the contract; a table left out has no source."""

Key = tuple[str, str]
"""A visitor: ("person", its id) when known, else ("device", its anonymous id)."""

DIRECT = "Direct"
UNATTRIBUTED = "(unattributed)"
UNALLOCATED = "(unallocated)"
NO_REASON = "(no reason given)"
NOT_SET = "(not set)"
PAID = frozenset({"Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other"})


@dataclass(frozen=True)
class Landing:
    """What a visit's first page view tells about where it came from."""

    url: str
    referrer: str
    source: str
    medium: str
    campaign: str


Place = Callable[[Landing], str]
"""The channel of a landing: the one verdict that the oracle takes from outside."""

CONTENT = (("/blog", "blog"), ("/docs", "docs"), ("/pricing", "pricing"), ("/product", "product"), ("/gated", "gated"))


@dataclass(frozen=True)
class Company:
    """The settings that change an answer; `content_rules` are path prefixes with their type, the first that fits wins, else `other`."""

    currency: str
    timezone: str
    today: date
    fiscal_year_start: int = 1
    gross_margin: Decimal = Decimal(1)
    signup_events: tuple[str, ...] = ("Signed Up",)
    customer_from: str = "auto"
    match_domains: bool = False
    content_rules: tuple[tuple[str, str], ...] = CONTENT


def text(row: Row, *path: str) -> str:
    """The text under a path of names, stripped; empty where any of it is missing."""
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value).strip()


def flag(word: str) -> bool:
    """Whether a file's word means yes."""
    return word.lower() in {"true", "1", "yes", "t", "y"}
