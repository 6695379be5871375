"""Closed periods: the figures as they were published, kept for good. Neither an undone import nor a later closing changes them."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from fari.ledger.store import Ledger

CLOSINGS = {
    "closing_id": "VARCHAR",
    "closed_at": "TIMESTAMP",
    "closed_on": "DATE",
    "since": "DATE",
    "until": "DATE",
    "grain": "VARCHAR",
    "metric": "VARCHAR",
    "value": "VARCHAR",
    "unit": "VARCHAR",
    "currency": "VARCHAR",
    "version": "BIGINT",
    "rules": "VARCHAR",
    "complete": "BOOLEAN",
    "imports": "VARCHAR",
}
"""One row per figure. `value` has all digits, and is null where it was undefined; `imports` are the ids of those that were known."""

Span = tuple[date, date, str]
"""A period's first day, the day after its last, and its grain."""


@dataclass(frozen=True)
class Figure:
    """A metric's value in a closed period: exact, or None where it was undefined."""

    metric: str
    value: Decimal | None
    unit: str
    currency: str | None
    version: int
    """The metric's definition version."""
    complete: bool


@dataclass(frozen=True)
class Closing:
    """One act of closing a period."""

    closing_id: str
    closed_at: datetime
    closed_on: date
    span: Span
    rules: str
    """The preset of definitions that was asked for."""
    imports: frozenset[str]
    figures: tuple[Figure, ...]


def closings(ledger: Ledger) -> list[Closing]:
    """Every closing there was, oldest first."""
    told: dict[str, list[dict[str, object]]] = {}
    for row in ledger.small("closings", CLOSINGS):
        told.setdefault(str(row["closing_id"]), []).append(row)
    return sorted((_closing(rows) for rows in told.values()), key=lambda one: (one.closed_at, one.closing_id))


def _closing(rows: Sequence[dict[str, object]]) -> Closing:
    first = dict(rows[0])
    figures = tuple(
        Figure(
            str(row["metric"]),
            None if row["value"] is None else Decimal(str(row["value"])),
            str(row["unit"]),
            None if row["currency"] is None else str(row["currency"]),
            int(str(row["version"])),
            bool(row["complete"]),
        )
        for row in rows
    )
    at, on, since, until = first["closed_at"], first["closed_on"], first["since"], first["until"]
    assert isinstance(at, datetime)
    assert isinstance(on, date)
    assert isinstance(since, date)
    assert isinstance(until, date)
    imports = frozenset(json.loads(str(first["imports"])))
    return Closing(str(first["closing_id"]), at, on, (since, until, str(first["grain"])), str(first["rules"]), imports, figures)


def latest(every: Sequence[Closing]) -> dict[tuple[Span, str], tuple[Closing, Figure]]:
    """Of each period and metric the figure that was published last, with its closing."""
    return {(one.span, figure.metric): (one, figure) for one in every for figure in one.figures}


def close(ledger: Ledger, span: Span, rules: str, imports: frozenset[str], figures: Sequence[Figure], on: date, now: datetime) -> Closing:
    """Record figures as published on a day, for good. `imports` are the ids of all that were known."""
    with ledger.writing():
        # After all closings before it, whatever the clock says: of two the later one is the published one.
        earlier = [one.closed_at + timedelta(microseconds=1) for one in closings(ledger)]
        at = max([now.astimezone(UTC).replace(tzinfo=None), *earlier])
        closing = Closing(f"{at:%Y%m%d%H%M%S}-{uuid.uuid4().hex[:8]}", at, on, span, rules, imports, tuple(figures))
        ledger.write_small("closings", CLOSINGS, list(_rows(closing)))
        ledger.delta("closings").compact()
    return closing


def _rows(closing: Closing) -> Iterator[dict[str, object]]:
    imports = json.dumps(sorted(closing.imports))
    since, until, grain = closing.span
    for figure in closing.figures:
        yield {
            "closing_id": closing.closing_id,
            "closed_at": closing.closed_at,
            "closed_on": closing.closed_on,
            "since": since,
            "until": until,
            "grain": grain,
            "metric": figure.metric,
            "value": None if figure.value is None else format(figure.value, "f"),
            "unit": figure.unit,
            "currency": figure.currency,
            "version": figure.version,
            "rules": closing.rules,
            "complete": figure.complete,
            "imports": imports,
        }
