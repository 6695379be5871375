"""A question and its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from fari.engine.periods import Period
from fari.ledger.known import Known
from fari.rules import Rules

Number = Decimal | int


@dataclass(frozen=True)
class Question:
    """What is asked: metrics by name, periods, dimensions to split by, filters (values of one dimension are alternatives), and as known when."""

    metrics: tuple[str, ...]
    periods: tuple[Period, ...]
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    as_of: Known = None
    today: date | None = None
    """The day it is asked on: a period is complete only when it is over. None: as if all were over."""
    rules: Rules | None = None
    """The rule set; the company's own where None."""
    segments: tuple[tuple[str, ...], ...] = ()
    """Segments that are answered for even where nothing is known of them (0 where a source covers the period)."""


@dataclass(frozen=True)
class Answer:
    """One metric's value in one period and segment, with what it was made from and what is to be said of it."""

    metric: str
    period: Period
    segment: Mapping[str, str]
    value: Number | None
    unit: str
    currency: str | None
    parts: Mapping[str, Number | None] = field(default_factory=dict)
    complete: bool = True
    notes: tuple[str, ...] = ()
    version: int = 1
    low: Number | None = None
    high: Number | None = None
    compared: "Answer | None" = None
    compared_with: Period | None = None
    rows: int | None = None
    """Of a measure, how many rows contribute to it; of a spread, those of what is spread, where they have a segment of their own."""
    verdict: str | None = None
    """Whether the change is `real`, `within noise` or of `too few`; None where nobody asked."""
    also: "tuple[Answer, ...]" = ()
    """The same answer held against the second period, where two are asked for."""

    @property
    def change(self) -> Number | None:
        """The value less the one it is compared with."""
        if self.compared is None or self.compared.value is None or self.value is None:
            return None
        return self.value - self.compared.value

    @property
    def change_rate(self) -> Decimal | None:
        """The change as a fraction of the value compared with; None where that is 0."""
        if self.change is None or self.compared is None or not self.compared.value:
            return None
        return Decimal(self.change) / abs(Decimal(self.compared.value))
