"""Why a figure changed: the change split over the formula's inputs, each input over the segments of every dimension, to the last digit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, needed
from fari.engine.compile import stored
from fari.engine.formulas import worked_out
from fari.engine.identities import MOVEMENTS, additive
from fari.engine.periods import Period, previous
from fari.errors import FariError, UsageError, did_you_mean
from fari.insight.drivers import Driver, drivers
from fari.insight.mix import effects, ratio_of
from fari.insight.parts import Kind, Part, Segment, Split
from fari.insight.shapley import added, difference, rounded, shapley, slope
from fari.insight.surprise import Surprise, named, surprises
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import GIVEN, Formula, Measure, Spread, ruled

DATED = ("cohort", "age", "tenure")
"""Dimensions whose values move on with the calendar by themselves: everything is new in them. They explain only where they are asked for."""
BETWEEN = "between_segments"
"""The node of what accounts took with them when they changed segments: no movement of the level itself."""
HISTORY = 6
"""From so many periods the sizes of segments are known, the one compared with and those before it."""
_DECIDED = 200
"""As how many rows those of a cost count at least."""
_SHARE = Decimal("1e-16")


@dataclass(frozen=True)
class Why:
    """Why one metric changed from one period to another."""

    metric: str
    periods: tuple[Period, Period]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    before: Answer
    after: Answer
    currency: str
    """What amounts of money are in."""
    tree: Part | None
    """None where there is no explanation: the metric is undefined in one of the periods, as the notes of its answer say."""
    drivers: tuple[Driver, ...] = ()
    """What carries the change, the largest first."""

    @property
    def change(self) -> Decimal | None:
        """After less before."""
        return None if self.before.value is None or self.after.value is None else difference(self.after.value, self.before.value)

    @property
    def dimensions(self) -> dict[str, float]:
        """How much each dimension explains: the scores of its splits, each counted by its node's share of all movement; most first."""
        nodes = list(self.tree.walk()) if self.tree else []
        gross = sum((abs(node.part) for node in nodes if not node.parts), Decimal(0)) or Decimal(1)
        found: dict[str, float] = {}
        for node in nodes:
            for split in node.splits:
                found[split.dimension] = found.get(split.dimension, 0.0) + split.score * min(float(abs(node.part) / gross), 1.0)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def opens(self, driver: Driver) -> tuple[str, Period, tuple[tuple[str, tuple[str, ...]], ...]]:
        """(measure, period, filters) of the rows behind a driver: those of the period that has more of them, by movement since the last closing."""
        metric, before, after = driver.metric, *self.periods
        formula = METRICS.get(metric.removeprefix("total_"))
        if isinstance(formula, Formula):
            metric = formula.inputs[0]
        where = () if metric.startswith("total_") else self.where
        for one in (driver, driver.inner):
            if one is not None and one.value:
                where = (*where, (one.dimension, (one.value,)))
        if driver.kind == "movement":
            first, last = sorted((before, after), key=lambda period: period.until)
            return metric, last if first.until == last.since else Period(first.until, last.until), where
        return metric, before if abs(Decimal(driver.before or 0)) > abs(Decimal(driver.after or 0)) else after, where

    def plain(self) -> dict[str, Any]:
        """All of it as plain values for JSON (Decimals are left to the writer)."""
        before, after = self.periods
        return {
            "metric": self.metric, "unit": self.after.unit, "currency": self.currency,
            "where": {dimension: list(values) for dimension, values in self.where},
            "before": {"from": before.since, "until": before.until, "value": self.before.value, "complete": self.before.complete},
            "after": {"from": after.since, "until": after.until, "value": self.after.value, "complete": self.after.complete},
            "change": self.change, "parts": _plain(self.tree) if self.tree else None, "dimensions": self.dimensions,
            "drivers": [asdict(driver) for driver in self.drivers], "notes": list(self.notes),
        }  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the two values, each with its period."""
        told = [f"{answer.period.label}: {note}" for answer in (self.before, self.after) for note in answer.notes]
        return tuple(dict.fromkeys(told))


def why(asker: Asker, question: Question) -> Why:
    """Why the question's one metric changed between its two periods, the earlier first; `by` narrows the dimensions looked at.

    Every metric is explained by what it is made of: a formula by its inputs (exact Shapley values), an MRR or a number of customers by the
    movements between the two closings, a spread by what was booked, every sum by its segments, and a ratio by the segments' rates and weights.
    FariError where no input has a dimension asked for; UsageError where the two periods are the same.
    """
    (metric,) = question.metrics
    before, after = question.periods
    if before == after:
        raise UsageError("the two periods are the same: name another one to compare with")
    for dimension in question.by:
        if dimension not in DIMENSIONS:
            raise UsageError(f"unknown dimension {dimension!r}{did_you_mean(dimension, DIMENSIONS)} (one of: {', '.join(DIMENSIONS)})")
    told = _Told(asker, replace(question, by=(), rules=question.rules or asker.ledger.company.rules), question.by)
    answers = told.answers(metric)
    first, last = (answers[period] for period in question.periods)
    if first.value is None or last.value is None:
        return Why(metric, (before, after), question.where, first, last, asker.ledger.company.currency, None)
    tree = told.node(metric, "input", difference(last.value, first.value), Fraction(1), alone=True)
    for dimension in question.by:
        if not any(split.dimension == dimension for node in tree.walk() for split in node.splits):
            raise FariError(f"nothing that {metric} is made of can be split by {dimension}")
    return Why(
        metric, (before, after), question.where, first, last, asker.ledger.company.currency, tree, drivers(tree, told.within, bool(question.by))
    )


@dataclass
class _Told:
    """The answers the tree is made of, each split asked for once for all that it rests on."""

    asker: Asker
    question: Question
    by: tuple[str, ...]
    known: dict[tuple[str, tuple[str, ...]], dict[tuple[Period, tuple[str, ...]], Answer]] = field(default_factory=dict)

    # What is asked ------------------------------------------------------------------------------------------------------

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
        """Of a metric's dimensions those to split by: the ones asked for, else all that are not fixed by a filter and not the calendar's own."""
        fixed = {dimension for dimension, values in self.question.where if len(values) == 1}
        return tuple(d for d in dimensions if (d in self.by if self.by else d not in fixed and d not in DATED))

    # The tree ---------------------------------------------------------------------------------------------------------------

    def node(self, name: str, kind: Kind, part: Decimal, weight: Fraction, alone: bool = False) -> Part:
        """A metric of the tree: `part` is its share of the change, `weight` what a unit of it is worth in the metric explained.

        `alone`: it is the metric explained, or the only thing that it rests on.
        """
        metric = METRICS[ruled(name.removeprefix("total_"), self.question.rules)]
        first, last = (self.answers(name)[period] for period in self.question.periods)
        bare = Part(name, kind, first.value, last.value, metric.unit, part, weight)
        if first.value is None or last.value is None:
            return bare
        if isinstance(metric, Formula):
            return self.formula(bare, metric, weight, alone)
        if name.startswith("total_"):
            return bare
        if isinstance(metric, Spread):
            if not self.question.where:
                return replace(bare, parts=(self.node(metric.own, "booked", part, weight),))
            return replace(bare, splits=self.splits(bare))
        moved = self.movements(metric, part, weight) if alone else ()
        return replace(bare, parts=moved, splits=self.splits(bare))

    def formula(self, bare: Part, metric: Formula, weight: Fraction, alone: bool) -> Part:
        """A formula's node: its inputs by their Shapley values, and, where it is a ratio, its segments by rate and mix."""
        values: list[dict[str, Number]] = []
        for period in self.question.periods:
            given: dict[str, Number] = {"months": period.months, "gross_margin": self.asker.ledger.company.gross_margin}
            inputs = {each: given[each] if each in GIVEN else self.answers(each)[period].value for each in metric.inputs}
            values.append({each: Decimal(value) for each, value in inputs.items() if value is not None})
        before, after = values
        assert bare.before is not None
        assert bare.after is not None

        def worth(known: Mapping[str, Number]) -> Number | None:
            return worked_out(metric, [known[each] for each in metric.inputs])[0]

        shares = shapley(worth, before, after, (bare.before, bare.after))
        if shares is None:
            return bare
        inner = [name for name in metric.inputs if name not in GIVEN or before[name] != after[name]]
        parts = []
        for name, own in zip(inner, rounded(bare.part, [weight * shares[name] for name in inner]), strict=True):
            if name in GIVEN:
                parts.append(Part(name, "input", before[name], after[name], "months" if name == "months" else "rate", own))
            else:
                steep = weight * slope(worth, name, before, after, shares[name])
                parts.append(self.node(name, "input", own, steep, alone and len(inner) == 1))
        ratio = ratio_of(metric)
        if ratio is None:
            return replace(bare, parts=tuple(parts))
        return replace(bare, parts=tuple(parts), splits=self.mixes(bare, ratio), denominator=ratio[1])

    def movements(self, level: Measure, part: Decimal, weight: Fraction) -> tuple[Part, ...]:
        """What a level at the end of a period is moved by from one closing to the other; nothing where no source covers the time between."""
        known = next(((adding, taking) for _, adding, taking, closing in MOVEMENTS if closing == level.name), None)
        if known is None or not self.stretches:
            return ()
        stretch, usual, *_ = self.stretches
        forth = 1 if stretch.until == self.question.periods[1].until else -1
        signs = {name: forth * sign for names, sign in zip(known, (1, -1), strict=True) for name in names}
        self.ask(signs, ())
        amounts = {name: self.answers(name)[stretch].value for name in signs}
        if any(amount is None for amount in amounts.values()):
            return ()
        exact = {name: weight * sign * Fraction(amounts[name] or 0) for name, sign in signs.items()}
        first, last = (self.answers(level.name)[period].value or 0 for period in self.question.periods)
        exact[BETWEEN] = weight * (Fraction(last) - Fraction(first)) - sum(exact.values())
        parts = []
        for (name, _), own in zip(exact.items(), rounded(part, list(exact.values())), strict=True):
            if name == BETWEEN:
                parts += [Part(name, "between", None, None, level.unit, own)] if own else []
                continue
            metric = METRICS[name]
            one = Part(name, "movement", self.answers(name)[usual].value, amounts[name], metric.unit, own, weight * signs[name])
            if own or one.before:
                parts.append(replace(one, splits=self.splits(one)))
        return tuple(parts)

    def splits(self, node: Part) -> tuple[Split, ...]:
        """A sum by each dimension that its segments add up over."""
        moving = node.kind != "movement"
        found = []
        dimensions = self.looked_at(additive(METRICS[node.metric]))
        for dimension in dimensions:
            told = self.split(node.metric, dimension)
            first, last = (told[period] for period in (self.question.periods if moving else self.stretches[1::-1]))
            usual = self.usual(node, told)
            before, after = ({name: answer.value or 0 for name, answer in one.items()} for one in (first, last))
            names = sorted({*before, *after})
            moves = {name: difference(after.get(name, 0), before.get(name, 0) if moving else 0) for name in names}
            nothing = dict.fromkeys(names, Surprise(0.0, 0.0))
            parts = rounded(node.part, [node.worth * Fraction(moves[name]) for name in names])
            surprise = nothing | surprises(
                _together(usual), after, (sum(_rows(node.metric, one) for one in usual), _rows(node.metric, last)), len(dimensions)
            )
            few, score = named(
                {name: float(move) for name, move in moves.items()}, surprise, sum(abs(float(value)) for value in after.values()), bool(self.by)
            )
            segments = [
                Segment(name, before.get(name, 0), after.get(name, 0), part, net=surprise[name].net) for name, part in zip(names, parts, strict=True)
            ]
            segments.sort(key=lambda one: (-abs(one.part), one.value))
            found.append(Split(dimension, tuple(segments), tuple((name, "change") for name in few), score))
        return tuple(found)

    def usual(self, node: Part, told: Mapping[Period, dict[str, Answer]]) -> list[dict[str, Answer]]:
        """A sum's segments in the period before and, where periods add up, in those before that: what is expected of their sizes."""
        before = self.stretches[1:] if node.kind == "movement" else _back(self.question.periods[0], HISTORY)
        if not METRICS[node.metric].adds_over_periods:
            before = before[:1]
        return [told[period] for n, period in enumerate(before) if not n or self.answers(node.metric)[period].complete]

    def mixes(self, node: Part, ratio: tuple[str, str]) -> tuple[Split, ...]:
        """A ratio by each dimension that both of its inputs add up over: every segment's rate and mix."""
        over = [set(additive(METRICS[ruled(name, self.question.rules)])) for name in ratio]
        first = METRICS[ruled(ratio[0], self.question.rules)]
        dimensions = self.looked_at([d for d in DIMENSIONS if all(d in own for own in over)] if not isinstance(first, Formula) else [])
        together = len({_fact(name) for name in ratio}) == 1
        found = []
        for dimension in dimensions:
            told = [[self.split(name, dimension)[period] for period in self.question.periods] for name in ratio]
            above, below = ([{name: answer.value or 0 for name, answer in one.items()} for one in side] for side in told)
            exact = effects((above[0], above[1]), (below[0], below[1]))
            flat = rounded(node.part, [node.worth * one for effect in exact.values() for one in (effect.rate, effect.mix, effect.rest)])
            expected = _expected(above[0], below)
            seen = [(_rows(name, side[0]), _rows(name, side[1])) for name, side in zip(ratio, told, strict=True)]
            nothing = dict.fromkeys(exact, Surprise(0.0, 0.0))
            by_rate, by_mix = (
                nothing | surprises(expected, above[1], seen[0], len(dimensions)),
                nothing | surprises(below[0], below[1], seen[1], len(dimensions)),
            )
            wholes = [sum(map(Decimal, one.values()), Decimal(0)) for one in below]
            segments, moves, beyond = [], {}, {}
            for place, name in enumerate(exact):
                rate, mix, rest = flat[3 * place : 3 * place + 3]
                tops, bottoms = [one.get(name, 0) for one in above], [one.get(name, 0) for one in below]
                rates = [Decimal(top) / Decimal(bottom) if bottom else None for top, bottom in zip(tops, bottoms, strict=True)]
                weights = [(Decimal(bottom) / whole).quantize(_SHARE) for bottom, whole in zip(bottoms, wholes, strict=True)]
                net = max(by_rate[name].net if rate else 0.0, by_mix[name].net if mix else 0.0)
                segments.append(Segment(name, rates[0], rates[1], added((rate, mix, rest)), rate, mix, rest, (weights[0], weights[1]), net))
                moves[f"{name}\0rate"], moves[f"{name}\0mix"] = float(rate), float(mix)
                beyond[f"{name}\0rate"], beyond[f"{name}\0mix"] = by_rate[name], by_mix[name]
            few, score = named(moves, beyond, asked=bool(self.by))
            segments.sort(key=lambda one: (-abs(one.part), one.value))
            pairs = tuple((name, kind) for name, _, kind in (key.partition("\0") for key in few))
            found.append(Split(dimension, tuple(segments), pairs if together else (), score if together else 0.0))
        return tuple(found)

    def within(self, node: Part, dimension: str, segment: Segment) -> tuple[Split, ...]:
        """A sum in one of its segments by all other dimensions; none where a dimension was asked for."""
        if self.by:
            return ()
        inside = _Told(self.asker, replace(self.question, where=(*self.question.where, (dimension, (segment.value,)))), ())
        return inside.splits(replace(node, before=segment.before, after=segment.after, part=segment.part))


def _plain(node: Part) -> dict[str, Any]:
    return {
        "metric": node.metric, "kind": node.kind, "unit": node.unit, "before": node.before, "after": node.after, "part": node.part,
        "parts": [_plain(one) for one in node.parts],
        "splits": [
            {"dimension": split.dimension, "score": split.score, "segments": [
                {name: value for name, value in asdict(segment).items() if value is not None and name != "net"} for segment in split.segments
            ]}
            for split in node.splits
        ],
    }  # fmt: skip


def _made_of(name: str, question: Question) -> list[str]:
    """A metric, its inputs, their inputs and so on, in the words of the formulas; of a spread what it spreads."""
    metric = METRICS[ruled(name.removeprefix("total_"), question.rules)]
    if isinstance(metric, Spread):
        return [name, metric.own]
    return [name, *(each for i in metric.inputs if i not in GIVEN for each in _made_of(i, question))]


def _back(period: Period, count: int) -> tuple[Period, ...]:
    """A period and those before it, the latest first."""
    found = [period]
    while len(found) < count:
        found.append(previous(found[-1]))
    return tuple(found)


def _together(told: Sequence[Mapping[str, Answer]]) -> dict[str, Number]:
    """Segments added over periods."""
    found: dict[str, Number] = {}
    for one in told:
        for name, answer in one.items():
            found[name] = found.get(name, 0) + (answer.value or 0)
    return found


def _fact(name: str) -> str:
    """The stored fact a measure is summed over; of a spread, its own name."""
    metric = METRICS[name]
    return stored(metric.fact) if isinstance(metric, Measure) else name


def _rows(name: str, told: Mapping[str, Answer]) -> float:
    """How many rows of about the same weight lie behind a split.

    Amounts of money differ so much that half of them count; cost is decided rather than drawn, so that chance has little to do with it.
    """
    metric = METRICS[name]
    rows = sum(answer.rows or 0 for answer in told.values())
    if "spend" in needed(name):
        return max(rows, _DECIDED)
    return rows / 2 if metric.unit == "money" else rows


def _expected(above: Mapping[str, Number], below: Sequence[Mapping[str, Number]]) -> dict[str, Number]:
    """What numerators would be had every segment kept its ratio; one that had none keeps that of the whole."""
    whole = sum(map(Decimal, below[0].values()), Decimal(0))
    overall = sum(map(Decimal, above.values()), Decimal(0)) / whole
    return {
        name: Decimal(after) * (Decimal(above.get(name, 0)) / Decimal(below[0][name]) if below[0].get(name) else overall)
        for name, after in below[1].items()
    }
