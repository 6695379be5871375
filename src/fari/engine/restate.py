"""Restatement: what a figure was when less was known, what it is now, and which rows made the difference.

Two openings of one number, before and now, are laid beside each other: rows of the same thing are one row that changed, others have appeared
or vanished. Each opening adds up to its value exactly, so the rows' differences add up to the change exactly, however the rows are matched.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Context, Decimal
from typing import Any, Literal

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker
from fari.engine.causes import Cause, Causes, Told, news
from fari.engine.explain import OpenInput, Row, open_inputs
from fari.engine.identities import Check
from fari.engine.periods import Period
from fari.ledger.known import Known
from fari.metrics import METRICS
from fari.metrics.kinds import Formula, Measure, Spread

_WIDE = Context(prec=60)
_THINGS = (
    ("subscription_id",), ("deal_id",), ("account",), ("person", "stage"), ("person",), ("visitor",), ("brand", "from"),
    ("platform", "channel", "campaign", "cost_kind", "purpose", "booked"),
)  # fmt: skip
"""What names the thing a row is about: the first of these that the row has all of."""
_RESOLVED = ("account", "person", "visitor")
"""Names that are worked out: when two turn out to be one, the row is the same under another name."""
_TIMES = ("started_at", "at", "from", "day")
_BESIDE = frozenset(("contribution", "origin", "says"))
MOST = 200_000
"""Sums of more rows than this are not laid beside each other."""


@dataclass(frozen=True)
class Moved:
    """One row that made a difference: it appeared, vanished, or contributes another amount."""

    input: str
    """The measure whose row it is: the metric itself, or an input of it."""
    what: Literal["appeared", "vanished", "changed"]
    then: Number | None
    """What it contributed; None where it was not there."""
    now: Number | None
    difference: Number
    row: Row
    """The row as it is now; one that vanished as it was."""
    changed: Mapping[str, tuple[Any, Any]]
    """Of a row that changed, the columns that did: (then, now)."""
    origin: str | None
    origin_then: str | None
    causes: tuple[Cause, ...]
    """The imports, and imports undone, that told of it since."""


@dataclass(frozen=True)
class Input:
    """A metric that another is computed from, then and now."""

    metric: str
    then: Number | None
    now: Number | None

    @property
    def change(self) -> Number | None:
        """Now less then; None where one of them is undefined."""
        return None if self.then is None or self.now is None else _WIDE.subtract(Decimal(self.now), Decimal(self.then))


@dataclass(frozen=True)
class Restated:
    """One figure, then and now, and of it and each of its inputs that is defined both times, the rows that made a difference."""

    then: Answer
    now: Answer
    inputs: tuple[Input, ...] = ()
    rows: tuple[Moved, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    """By input, how many further rows made a difference beside those listed."""
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.now.metric

    @property
    def period(self) -> Period:
        """The period."""
        return self.now.period

    @property
    def change(self) -> Number | None:
        """Now less then; None where one of them is undefined."""
        return Input(self.metric, self.then.value, self.now.value).change

    @property
    def moved(self) -> bool:
        """Whether it is another figure now, or is defined where it was not or no longer."""
        return (self.then.value is None) != (self.now.value is None) or bool(self.change)


def restate(asker: Asker, question: Question, then: Known, known_on: date, limit: int | None = None) -> list[Restated]:
    """The question's figures as known `then` and as known now, in the order of its answers.

    `known_on` is the day `then` is of: a period that was not over is incomplete. `limit` is how many rows to list of each input (the largest).
    """
    before = replace(question, as_of=then, today=known_on)
    asked_then = asker.ask(before)
    asked_now = asker.ask(replace(question, as_of=None, segments=_segments(asked_then, question)))
    if question.by and len(asked_now) > len(asked_then):
        asked_then = asker.ask(replace(before, segments=_segments(asked_now, question)))
    told = {_place(answer): answer for answer in asked_then}
    pairs = [Restated(told[_place(answer)], answer) for answer in asked_now]
    if not news(asker.ledger, then):
        return pairs
    # One state of knowledge after the other: going to and fro would put every fact anew.
    now = [open_inputs(asker, _one(question, pair, None), MOST) for pair in pairs]
    was = [open_inputs(asker, _one(question, pair, then), MOST) for pair in pairs]
    opened = [_laid(one, other) for one, other in zip(was, now, strict=True)]
    causes = Causes(asker, then, [each.told for laid in opened for one in laid for each in one.pairs])
    return [_with_rows(pair, laid, causes, limit) for pair, laid in zip(pairs, opened, strict=True)]


def _segments(answers: Iterable[Answer], question: Question) -> tuple[tuple[str, ...], ...]:
    return tuple(dict.fromkeys(tuple(answer.segment.values()) for answer in answers)) if question.by else ()


def _place(answer: Answer) -> tuple[str, Period, tuple[str, ...]]:
    return answer.metric, answer.period, tuple(answer.segment.values())


def _one(question: Question, pair: Restated, as_of: Known) -> Question:
    """The question of one figure: its segment is a filter."""
    where = dict(question.where) | {dimension: (value,) for dimension, value in pair.now.segment.items()}
    return replace(question, metrics=(pair.metric,), periods=(pair.period,), by=(), where=tuple(where.items()), segments=(), as_of=as_of)


@dataclass(frozen=True)
class _Pair:
    """A row then and now; one of them may be missing."""

    told: Told

    @property
    def difference(self) -> Decimal:
        return _WIDE.subtract(_contribution(self.told.now), _contribution(self.told.then))


def _contribution(row: Row | None) -> Decimal:
    return Decimal(row["contribution"]) if row else Decimal(0)


@dataclass(frozen=True)
class _Laid:
    """A metric then and now, and the rows that made a difference, the largest first; how many there were where those are too many to tell."""

    input: Input
    pairs: tuple[_Pair, ...]
    too_many: int


def _laid(then: Mapping[str, OpenInput], now: Mapping[str, OpenInput]) -> list[_Laid]:
    """The metric itself and each of its inputs."""
    found = []
    for name in now:
        one = Input(name, then[name].value, now[name].value)
        too_many = max(then[name].too_many, now[name].too_many)
        pairs = _matched(name, then[name].rows, now[name].rows) if one.change is not None and not too_many else []
        pairs.sort(key=lambda pair: (-abs(pair.difference), str((pair.told.now or pair.told.then or {}).get("origin"))))
        found.append(_Laid(one, tuple(pairs), too_many if one.change is not None else 0))
    return found


def _matched(name: str, then: Sequence[Row], now: Sequence[Row]) -> list[_Pair]:
    """The rows of each thing side by side. Equal contributions of one thing are no difference, whichever row told them."""
    sides: dict[tuple[str, ...], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((then, now)):
        for row in rows:
            if row["contribution"]:
                sides[_thing(row)][side].append(row)
    for before, after in sides.values():
        _cancel(before, after, lambda row: (row["contribution"], str(row["origin"])))
        _cancel(before, after, lambda row: row["contribution"])
    _rename(sides)
    table = _table(name)
    pairs: list[_Pair] = []
    for before, after in sides.values():
        for rows in (before, after):
            rows.sort(key=lambda row: (row["contribution"], str(row["origin"])))
        both = min(len(before), len(after))
        pairs += [_Pair(Told(table, one, other)) for one, other in zip(before[:both], after[:both], strict=True)]
        pairs += [_Pair(Told(table, row, None)) for row in before[both:]] + [_Pair(Told(table, None, row)) for row in after[both:]]
    return pairs


def _rename(sides: Mapping[tuple[str, ...], tuple[list[Row], list[Row]]]) -> None:
    """Take out rows that are the same but for a name that was worked out anew."""
    resolved = [both for thing, both in sides.items() if thing[0] in _RESOLVED]
    before, after = ([row for both in resolved for row in both[side]] for side in (0, 1))
    _cancel(before, after, lambda row: (row["contribution"], str(row["origin"]), *(str(row.get(time)) for time in _TIMES)))
    for side, kept in enumerate(({id(row) for row in before}, {id(row) for row in after})):
        for both in resolved:
            both[side][:] = [row for row in both[side] if id(row) in kept]


def _cancel(before: list[Row], after: list[Row], same: Any) -> None:
    """Take out of both lists what is the same."""
    waiting: dict[Any, list[int]] = defaultdict(list)
    for place, row in enumerate(after):
        waiting[same(row)].append(place)
    gone: set[int] = set()
    kept = []
    for row in before:
        if places := waiting.get(same(row)):
            gone.add(places.pop())
        else:
            kept.append(row)
    before[:] = kept
    after[:] = [row for place, row in enumerate(after) if place not in gone]


def _thing(row: Row) -> tuple[str, ...]:
    for names in _THINGS:
        if all(name in row for name in names):
            return (names[0], *(str(row[name]) for name in names))
    return ("origin", str(row["origin"]))


def _table(name: str) -> str:
    """What a measure needs: the table its rows come from."""
    metric = METRICS[name.removeprefix("total_")]
    if isinstance(metric, Spread):
        metric = METRICS[metric.own]
    return metric.needs if isinstance(metric, Measure) else ""


def _with_rows(pair: Restated, opened: Sequence[_Laid], causes: Causes, limit: int | None) -> Restated:
    rows: list[Moved] = []
    left: dict[str, int] = {}
    checks: list[Check] = []
    notes: list[str] = []
    for laid in opened:
        one, pairs = laid.input, laid.pairs
        if laid.too_many:
            notes.append(
                f"{one.metric}: {laid.too_many:,} rows are too many to lay beside each other; ask for a shorter period or one segment (--where)"
            )
            continue
        if isinstance(METRICS[one.metric.removeprefix("total_")], Formula) or one.change is None:
            continue
        total = Decimal(0)
        for each in pairs:
            total = _WIDE.add(total, each.difference)
        off = _WIDE.subtract(total, Decimal(one.change))
        name = f"the rows' differences of {one.metric} add up to its change"
        checks.append(Check(name, off == 0, total, one.change, off, pair.period, (one.metric,)))
        listed = pairs if limit is None else pairs[:limit]
        rows += [_moved(one.metric, each, causes) for each in listed]
        if len(listed) < len(pairs):
            left[one.metric] = len(pairs) - len(listed)
    inputs = tuple(laid.input for laid in opened[1:])
    return replace(pair, inputs=inputs, rows=tuple(rows), left=left, checks=tuple(checks), notes=tuple(notes))


def _moved(name: str, pair: _Pair, causes: Causes) -> Moved:
    then, now = pair.told.then, pair.told.now
    what: Literal["appeared", "vanished", "changed"] = "appeared" if then is None else "vanished" if now is None else "changed"
    row = now or then
    assert row is not None
    return Moved(
        name,
        what,
        then["contribution"] if then else None,
        now["contribution"] if now else None,
        pair.difference,
        {column: value for column, value in row.items() if column not in _BESIDE},
        dict(_changed(then, now)) if then and now else {},
        now["origin"] if now else None,
        then["origin"] if then else None,
        causes.of(pair.told),
    )


def _changed(then: Row, now: Row) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for column in dict.fromkeys((*then, *now)):
        if column not in _BESIDE and then.get(column) != now.get(column):
            yield column, (then.get(column), now.get(column))
