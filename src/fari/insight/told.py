"""Told: the answers that a change is explained by, for two periods and the time before them, each split asked for once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, needed
from fari.engine.periods import Period, previous
from fari.insight.parts import Part
from fari.metrics import METRICS
from fari.metrics.kinds import GIVEN, SLOW, Spread, ruled

ON_ASKING = ("cohort", "age", "tenure", "days", *SLOW)
"""Dimensions that explain only where they are asked for: all is new in them as the calendar moves on, they are the figure itself, or take long."""
HISTORY = 6
"""From so many periods the sizes of segments are known, the one compared with and those before it."""
_DECIDED = 200
"""As how many rows those of a cost count at least."""


@dataclass
class Told:
    """The answers the tree is made of, each split asked for once for all that it rests on."""

    asker: Asker
    question: Question
    by: tuple[str, ...]
    known: dict[tuple[str, tuple[str, ...]], dict[tuple[Period, tuple[str, ...]], Answer]] = field(default_factory=dict)

    @cached_property
    def stretches(self) -> tuple[Period, ...]:
        """From one closing to the other, and before it as much time several times over, the latest first; none where both are the same."""
        first, last = sorted(period.until for period in self.question.periods)
        return _back(Period(first, last), HISTORY + 1) if first < last else ()

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """All that are ever asked about: always together, since several periods are one query."""
        before, after = self.question.periods
        return tuple(dict.fromkeys((before, after, *_back(before, HISTORY), *self.stretches)))

    def ask(self, names: Iterable[str], by: tuple[str, ...]) -> None:
        """Learn metrics by segment in all periods."""
        wanted = tuple(dict.fromkeys(name for name in names if (name, by) not in self.known))
        for prefix in ("", "total_"):
            plain = tuple(name.removeprefix(prefix) for name in wanted if name.startswith("total_") == bool(prefix))
            if not plain:
                continue
            where = () if prefix else self.question.where
            for name in plain:
                self.known[prefix + name, by] = {}
            for answer in self.asker.ask(replace(self.question, metrics=plain, periods=self.periods, by=by, where=where)):
                self.known[prefix + answer.metric, by][answer.period, tuple(answer.segment.values())] = answer

    def answers(self, name: str) -> dict[Period, Answer]:
        """One metric unsplit in each period; all that it is made of is asked for with it."""
        if (name, ()) not in self.known:
            self.ask(_made_of(name, self.question), ())
        return {period: answer for (period, _), answer in self.known[name, ()].items()}

    def split(self, name: str, dimension: str) -> dict[Period, dict[str, Answer]]:
        """A metric's answers by the segments of a dimension in each period."""
        self.ask((name,), (dimension,))
        found: dict[Period, dict[str, Answer]] = {period: {} for period in self.periods}
        for (period, (segment,)), answer in self.known[name, (dimension,)].items():
            found[period][segment] = answer
        return found

    def looked_at(self, dimensions: Iterable[str]) -> tuple[str, ...]:
        """Of a metric's dimensions those to split by: the ones asked for, else all that are not fixed by a filter."""
        fixed = {dimension for dimension, values in self.question.where if len(values) == 1}
        return tuple(d for d in dimensions if (d in self.by if self.by else d not in fixed and d not in ON_ASKING))

    def usual(self, node: Part, told: Mapping[Period, dict[str, Answer]]) -> list[dict[str, Answer]]:
        """A sum's segments in the period before and, where periods add up, in those before that: what is expected of their sizes."""
        before = self.stretches[1:] if node.kind == "movement" else _back(self.question.periods[0], HISTORY)
        if not METRICS[node.metric].adds_over_periods:
            before = before[:1]
        return [told[period] for n, period in enumerate(before) if not n or self.answers(node.metric)[period].complete]


def _back(period: Period, count: int) -> tuple[Period, ...]:
    """A period and those before it, the latest first."""
    found = [period]
    while len(found) < count:
        found.append(previous(found[-1]))
    return tuple(found)


def _made_of(name: str, question: Question) -> list[str]:
    """A metric, its inputs, their inputs and so on, in the words of the formulas; of a spread what it spreads."""
    metric = METRICS[ruled(name.removeprefix("total_"), question.rules)]
    if isinstance(metric, Spread):
        return [name, metric.own]
    return [name, *(each for i in metric.inputs if i not in GIVEN for each in _made_of(i, question))]


def together(told: Sequence[Mapping[str, Answer]]) -> dict[str, Number]:
    """Segments added over periods."""
    found: dict[str, Number] = {}
    for one in told:
        for name, answer in one.items():
            found[name] = found.get(name, 0) + (answer.value or 0)
    return found


def rows(name: str, told: Mapping[str, Answer]) -> float:
    """How many rows of about the same weight lie behind a split.

    Amounts of money differ so much that half of them count; cost is decided rather than drawn, so that chance has little to do with it.
    """
    metric = METRICS[name]
    rows = sum(answer.rows or 0 for answer in told.values())
    if "spend" in needed(name):
        return max(rows, _DECIDED)
    return rows / 2 if metric.unit == "money" else rows
