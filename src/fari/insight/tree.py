"""The tree of a change: a metric's inputs, movements and segments, each with its exact part."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from fari.engine.answer import Number
from fari.engine.compile import stored
from fari.engine.formulas import worked_out
from fari.engine.identities import MOVEMENTS, additive
from fari.insight.mix import effects, ratio_of
from fari.insight.parts import Kind, Part, Segment, Split
from fari.insight.shapley import added, difference, rounded, shapley, slope
from fari.insight.surprise import Surprise, named, surprises
from fari.insight.told import Told, rows, together
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import GIVEN, Formula, Measure, Spread, ruled

BETWEEN = "between_segments"
"""The node of what accounts took with them when they changed segments: no movement of the level itself."""
_SHARE = Decimal("1e-16")


def node(told: Told, name: str, kind: Kind, part: Decimal, weight: Fraction, alone: bool = False) -> Part:
    """A metric of the tree: `part` is its share of the change, `weight` what a unit of it is worth in the metric explained.

    `alone`: it is the metric explained, or the only thing that it rests on.
    """
    metric = METRICS[ruled(name.removeprefix("total_"), told.question.rules)]
    first, last = (told.answers(name)[period] for period in told.question.periods)
    bare = Part(name, kind, first.value, last.value, metric.unit, part, weight)
    if first.value is None or last.value is None:
        return bare
    if isinstance(metric, Formula):
        return _formula(told, bare, metric, weight, alone)
    if name.startswith("total_"):
        return bare
    if isinstance(metric, Spread):
        if not told.question.where:
            return replace(bare, parts=(node(told, metric.own, "booked", part, weight),))
        return replace(bare, splits=splits(told, bare))
    moved = _movements(told, metric, part, weight) if alone else ()
    return replace(bare, parts=moved, splits=splits(told, bare))


def _formula(told: Told, bare: Part, metric: Formula, weight: Fraction, alone: bool) -> Part:
    """A formula's node: its inputs by their Shapley values, and, where it is a ratio, its segments by rate and mix."""
    values: list[dict[str, Number]] = []
    for period in told.question.periods:
        given: dict[str, Number] = {"months": period.months, "gross_margin": told.asker.ledger.company.gross_margin}
        inputs = {each: given[each] if each in GIVEN else told.answers(each)[period].value for each in metric.inputs}
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
            parts.append(node(told, name, "input", own, steep, alone and len(inner) == 1))
    ratio = ratio_of(metric)
    if ratio is None or any(name.startswith("total_") for name in ratio):
        return replace(bare, parts=tuple(parts))
    return replace(bare, parts=tuple(parts), splits=_mixes(told, bare, ratio), denominator=ratio[1])


def _movements(told: Told, level: Measure, part: Decimal, weight: Fraction) -> tuple[Part, ...]:
    """What a level at the end of a period is moved by from one closing to the other; nothing where no source covers the time between."""
    known = next(((adding, taking) for _, adding, taking, closing in MOVEMENTS if closing == level.name), None)
    if known is None or not told.stretches:
        return ()
    stretch, usual, *_ = told.stretches
    forth = 1 if stretch.until == told.question.periods[1].until else -1
    signs = {name: forth * sign for names, sign in zip(known, (1, -1), strict=True) for name in names}
    told.ask(signs, ())
    amounts = {name: told.answers(name)[stretch].value for name in signs}
    if any(amount is None for amount in amounts.values()):
        return ()
    exact = {name: weight * sign * Fraction(amounts[name] or 0) for name, sign in signs.items()}
    first, last = (told.answers(level.name)[period].value or 0 for period in told.question.periods)
    exact[BETWEEN] = weight * (Fraction(last) - Fraction(first)) - sum(exact.values())
    parts = []
    for (name, _), own in zip(exact.items(), rounded(part, list(exact.values())), strict=True):
        if name == BETWEEN:
            parts += [Part(name, "between", None, None, level.unit, own)] if own else []
            continue
        metric = METRICS[name]
        one = Part(name, "movement", told.answers(name)[usual].value, amounts[name], metric.unit, own, weight * signs[name])
        if own or one.before:
            parts.append(replace(one, splits=splits(told, one)))
    return tuple(parts)


def splits(told: Told, node: Part) -> tuple[Split, ...]:
    """A sum by each dimension that its segments add up over."""
    moving = node.kind != "movement"
    found = []
    dimensions = told.looked_at(additive(METRICS[node.metric]))
    for dimension in dimensions:
        answers = told.split(node.metric, dimension)
        first, last = (answers[period] for period in (told.question.periods if moving else told.stretches[1::-1]))
        usual = told.usual(node, answers)
        before, after = ({name: answer.value or 0 for name, answer in one.items()} for one in (first, last))
        names = sorted({*before, *after})
        moves = {name: difference(after.get(name, 0), before.get(name, 0) if moving else 0) for name in names}
        nothing = dict.fromkeys(names, Surprise(0.0, 0.0))
        parts = rounded(node.part, [node.worth * Fraction(moves[name]) for name in names])
        surprise = nothing | surprises(
            together(usual), after, (sum(rows(node.metric, one) for one in usual), rows(node.metric, last)), len(dimensions)
        )
        few, score = named(
            {name: float(move) for name, move in moves.items()}, surprise, sum(abs(float(value)) for value in after.values()), bool(told.by)
        )
        segments = [
            Segment(name, before.get(name, 0), after.get(name, 0), part, net=surprise[name].net) for name, part in zip(names, parts, strict=True)
        ]
        segments.sort(key=lambda one: (-abs(one.part), one.value))
        found.append(Split(dimension, tuple(segments), tuple((name, "change") for name in few), score))
    return tuple(found)


def _mixes(told: Told, node: Part, ratio: tuple[str, str]) -> tuple[Split, ...]:
    """A ratio by each dimension that both of its inputs add up over: every segment's rate and mix."""
    over = [set(additive(METRICS[ruled(name, told.question.rules)])) for name in ratio]
    first = METRICS[ruled(ratio[0], told.question.rules)]
    dimensions = told.looked_at([d for d in DIMENSIONS if all(d in own for own in over)] if not isinstance(first, Formula) else [])
    together = len({_fact(name) for name in ratio}) == 1
    found = []
    for dimension in dimensions:
        sides = [[told.split(name, dimension)[period] for period in told.question.periods] for name in ratio]
        above, below = ([{name: answer.value or 0 for name, answer in one.items()} for one in side] for side in sides)
        exact = effects((above[0], above[1]), (below[0], below[1]))
        flat = rounded(node.part, [node.worth * one for effect in exact.values() for one in (effect.rate, effect.mix, effect.rest)])
        expected = _expected(above[0], below)
        seen = [(rows(name, side[0]), rows(name, side[1])) for name, side in zip(ratio, sides, strict=True)]
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
        few, score = named(moves, beyond, asked=bool(told.by))
        segments.sort(key=lambda one: (-abs(one.part), one.value))
        pairs = tuple((name, kind) for name, _, kind in (key.partition("\0") for key in few))
        found.append(Split(dimension, tuple(segments), pairs if together else (), score if together else 0.0))
    return tuple(found)


def within(told: Told, node: Part, dimension: str, segment: Segment) -> tuple[Split, ...]:
    """A sum in one of its segments by all other dimensions; none where a dimension was asked for."""
    if told.by:
        return ()
    inside = Told(told.asker, replace(told.question, where=(*told.question.where, (dimension, (segment.value,)))), ())
    return splits(inside, replace(node, before=segment.before, after=segment.after, part=segment.part))


def _fact(name: str) -> str:
    """The stored fact a measure is summed over; of a spread, its own name."""
    metric = METRICS[name]
    return stored(metric.fact) if isinstance(metric, Measure) else name


def _expected(above: Mapping[str, Number], below: Sequence[Mapping[str, Number]]) -> dict[str, Number]:
    """What numerators would be had every segment kept its ratio; one that had none keeps that of the whole."""
    whole = sum(map(Decimal, below[0].values()), Decimal(0))
    overall = sum(map(Decimal, above.values()), Decimal(0)) / whole
    return {
        name: Decimal(after) * (Decimal(above.get(name, 0)) / Decimal(below[0][name]) if below[0].get(name) else overall)
        for name, after in below[1].items()
    }
