"""Periods closed, and closed periods that have moved: what was published held against what the ledger says now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast, get_args

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker
from fari.engine.periods import Grain, Period, typed
from fari.engine.restate import Moved, restate
from fari.ledger.closings import Closing, Figure, Span, closings, latest
from fari.metrics import METRICS
from fari.metrics.kinds import Formula
from fari.rules import named

_NAMED = 5
"""So many sums that have moved are named in a sentence; the others are counted there, and listed with all figures."""


@dataclass(frozen=True)
class MovedFigure:
    """A published figure that is another now. `recomputed` is what its imports alone make today, where rows were looked for."""

    published: Figure
    now: Answer
    recomputed: Number | None = None

    @property
    def redefined(self) -> bool:
        """Whether the same imports make another figure than they did: the definition or a setting of the company has changed."""
        return self.published.version != self.now.version or self.recomputed != self.published.value


@dataclass(frozen=True)
class MovedPeriod:
    """A closed period of which some figures have moved, the rows that moved them, and the imports that told of these."""

    label: str
    """The period's name, as it is typed."""
    period: Period
    closing: Closing
    sums: tuple[MovedFigure, ...]
    formulas: tuple[MovedFigure, ...]
    """Those computed from others."""
    rows: tuple[Moved, ...]
    more: int
    """How many further rows made a difference."""

    @property
    def count(self) -> int:
        """How many rows moved it."""
        return len(self.rows) + self.more

    @property
    def what(self) -> str:
        """What has moved, in a sentence."""
        told = [f"{one.published.metric} from {_plain(one.published.value)} to {_plain(one.now.value)}" for one in self.sums[:_NAMED]]
        if further := len(self.sums[_NAMED:]):
            told.append(f"{further} further sum{'s' if further > 1 else ''}")
        if others := len(self.formulas):
            told.append(f"{others} figure{'s' if others > 1 else ''} computed from others")
        what = f"{self.label}, closed on {self.closing.closed_on}, has moved: {', '.join(told)}"
        if all(not one.redefined for one in self.sums) and self.sums:
            return what
        return f"{what}; not by rows alone: a definition, or a setting of the company, has changed since"

    @property
    def mend(self) -> str:
        """The way out."""
        metrics = " ".join(one.published.metric for one in (self.sums or self.formulas)[:3])
        return f"`fari restated {metrics} --since {self.label}` shows the rows; `fari close {self.label} --again` publishes the figures of today"

    def items(self) -> Iterator[dict[str, Any]]:
        """The rows, with the imports that told of them, then the figures."""
        for row in self.rows:
            origin = row.origin or row.origin_then
            imports = [cause.said(origin) for cause in row.causes]
            told = "told by" if all(cause.direct for cause in row.causes) else "told indirectly by"
            yield {"row": origin, "what": row.what, "metric": row.input, "difference": _plain(row.difference), told: imports}
        for one in (*self.sums, *self.formulas):
            yield {"metric": one.published.metric, "published": _plain(one.published.value), "now": _plain(one.now.value)}


def _plain(value: Number | None) -> str:
    return "undefined" if value is None else format(Decimal(value).normalize(), "f")


def period_of(span: Span) -> Period:
    """A closed period as it is asked for."""
    assert span[2] in get_args(Grain)
    return Period(span[0], span[1], cast(Grain, span[2]))


def span_of(period: Period) -> Span:
    """A period as closings keep it."""
    return period.since, period.until, period.grain


def figures(answers: Sequence[Answer]) -> list[Figure]:
    """Answers as they are published."""
    return [
        Figure(one.metric, None if one.value is None else Decimal(one.value), one.unit, one.currency, one.version, one.complete) for one in answers
    ]


def moved(asker: Asker, today: date, shown: int) -> list[MovedPeriod]:
    """Every closed period that has moved, oldest first, each with the `shown` rows of each sum that moved it most."""
    published = {place: one for place, one in latest(closings(asker.ledger)).items() if place[1] in METRICS}
    if not published:
        return []
    now = {}
    # Each by the rules it was published by, whatever the company's are today.
    for label in dict.fromkeys(closing.rules for closing, _ in published.values()):
        own = [place for place, (closing, _) in published.items() if closing.rules == label]
        names = tuple(dict.fromkeys(name for _, name in own))
        periods = tuple(map(period_of, dict.fromkeys(span for span, _ in own)))
        for answer in asker.ask(Question(names, periods, today=today, rules=named(label))):
            now[span_of(answer.period), answer.metric] = answer
    found: dict[str, tuple[Closing, list[MovedFigure]]] = {}
    for place, (closing, figure) in published.items():
        if now[place].value != figure.value:
            found.setdefault(closing.closing_id, (closing, []))[1].append(MovedFigure(figure, now[place]))
    made = [_opened(asker, closing, changed, shown) for closing, changed in found.values()]
    return sorted(made, key=lambda one: (one.period.since, one.period.until, one.closing.closed_at))


def _opened(asker: Asker, closing: Closing, changed: Sequence[MovedFigure], shown: int) -> MovedPeriod:
    """One closing's figures that have moved, with the rows that moved its sums."""
    period = period_of(closing.span)
    sums = [one for one in changed if not isinstance(METRICS[one.published.metric], Formula)]
    names = tuple(one.published.metric for one in sums)
    told = restate(asker, Question(names, (period,), rules=named(closing.rules)), closing.imports, closing.closed_on, shown) if names else []
    then = {one.metric: one.then.value for one in told}
    return MovedPeriod(
        typed(period, asker.ledger.company.fiscal_year_start),
        period,
        closing,
        tuple(MovedFigure(one.published, one.now, then[one.published.metric]) for one in sums),
        tuple(one for one in changed if isinstance(METRICS[one.published.metric], Formula)),
        tuple(row for one in told for row in one.rows),
        sum(count for one in told for count in one.left.values()),
    )
