"""Sums by independent unit: how many units contribute what, and what sums become when units are drawn anew (the Poisson bootstrap).

A unit is the person, visitor or account that a fact's rows are of. All rows of a unit are drawn together, and it has the same weight in every
measure, period and segment, so that ratios and changes of replicates are those of one and the same drawn company. A weight is Poisson(1), from 16
bits of the MD5 of the unit's name and a chunk's number: the same on every engine, in any order of rows, and for any other unit that comes or goes.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, factorial
from typing import Any

from fari.engine import compile as compiled
from fari.engine.answer import Number, Question
from fari.engine.ask import Asker, Key, Sums
from fari.engine.graph import digest_of
from fari.engine.kept import kept
from fari.engine.periods import Period
from fari.facts.words import UNALLOCATED
from fari.metrics import METRICS
from fari.metrics.kinds import Measure

UNITS = ("person", "visitor", "account")
"""The columns that name the independent unit of a fact's rows; a fact without one (costs, searches) is no sample of anything."""
CHUNK = 8
"""Weights from one MD5: 32 hexadecimal digits, four each."""
Tally = Mapping[Any, int]
"""How many units contribute a value, or a pair of them."""
Changes = Sequence[tuple[Period, Period]]


@cache
def thresholds() -> tuple[str, ...]:
    """Four hexadecimal digits that are at or above the first of these weigh 1 or more, at or above the second 2 or more, and so on.

    >>> thresholds()[:3]
    ('5e2d', 'bc5b', 'eb71')
    """
    found, chance = [], 0.0
    for weight in range(9):
        chance += exp(-1) / factorial(weight)
        cut = round(chance * 65536)
        if cut < 65536:
            found.append(f"{cut:04x}")
    return tuple(dict.fromkeys(found))


def unit_of(asker: Asker, question: Question, name: str) -> str | None:
    """The column that names the unit of a measure's rows; None where they have none."""
    return next((unit for unit in UNITS if unit in _schema(asker, question, name)), None)


def tallied(asker: Asker, question: Question, name: str) -> dict[tuple[int, Key], Tally]:
    """By (period's place, segment) how many units contribute each value of a measure that is not 0."""
    query = _Query(asker, question, ("tallied", name))

    def make() -> Any:
        rows = query.per_unit(name)
        return rows.group_by("period", *query.by, "x").aggregate(units=rows.count().cast("int64"))

    return query.tallies(make, 1)


def tallied_pairs(asker: Asker, question: Question, one: str, other: str) -> dict[tuple[int, Key], Tally]:
    """By (period's place, segment) how many units contribute each pair of values of two measures, (0, 0) left out."""
    query = _Query(asker, question, ("pairs", one, other))

    def make() -> Any:
        kind = "decimal(28,6)" if any(_kind(name) != "int64" for name in (one, other)) else "int64"
        return query.paired(query.per_unit(one), query.per_unit(other), "period", kind)

    return query.tallies(make, 2)


def tallied_changes(asker: Asker, question: Question, name: str, changes: Changes) -> dict[tuple[int, Key], Tally]:
    """By (change's place, segment) how many units contribute each pair (now, then) of a measure's values, for pairs (now, then) of periods."""
    periods = tuple(dict.fromkeys(period for change in changes for period in change))
    query = _Query(asker, Question((), periods, question.by, question.where, question.as_of, rules=question.rules), ("changes", name))
    rows = [(n, periods.index(period), side) for n, change in enumerate(changes) for side, period in enumerate(change)]
    asker.engine.put("changes", {"change": "int32", "of": "int32", "side": "int32"}, rows)

    def make() -> Any:
        import ibis

        changed = ibis.table({"change": "int32", "of": "int32", "side": "int32"}, name="changes")
        found = query.per_unit(name)
        joined = found.inner_join(changed, found.period == changed.of)
        now, then = (joined.filter(joined.side == side).select("change", *query.by, "unit", "x") for side in (0, 1))
        return query.paired(now, then, "change", _kind(name))

    return query.tallies(make, 2)


@dataclass
class _Query:
    """A query over a measure's units, with the filters applied where rows are read."""

    asker: Asker
    question: Question
    key: tuple[str, ...]

    def __post_init__(self) -> None:
        self.by = self.question.by
        self.rolled = self.asker.put_periods(self.question.periods)
        self.schemas = {name: _schema(self.asker, self.question, name) for name in self.key[1:]}

    def per_unit(self, name: str) -> Any:
        """Relation of period, dimensions, unit and x: the sum of a unit's contributions, where it is not 0."""
        rows, unit = _rows_of(name, self.dimensions, self.schemas[name], self.rolled)
        for dimension, values in self.question.where:
            rows = rows.filter(_named(rows[dimension]).isin(list(values)))
        rows = rows.mutate(x=_measure(name).contribution(rows).cast(_kind(name)), unit=rows[unit], **{d: _named(rows[d]) for d in self.by})
        summed = rows.group_by("period", *self.by, "unit").aggregate(x=rows.x.sum().cast(_kind(name)))
        return summed.filter(summed.x != 0)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Those split by and filtered by."""
        return tuple(dict.fromkeys((*self.by, *(name for name, _ in self.question.where))))

    def paired(self, one: Any, other: Any, place: str, kind: str) -> Any:
        """How many units have each pair (x of one, x of the other)."""
        import ibis

        nothing = ibis.literal(0, "int64").cast(kind)
        columns = (place, *self.by, "unit")
        both = one.select(*columns, x=one.x.cast(kind), y=nothing).union(other.select(*columns, x=nothing, y=other.x.cast(kind)), distinct=False)
        units = both.group_by(list(columns)).aggregate(x=both.x.sum().cast(kind), y=both.y.sum().cast(kind))
        return units.group_by(place, *self.by, "x", "y").aggregate(units=units.count().cast("int64"))

    def tallies(self, make: Callable[[], Any], width: int) -> dict[tuple[int, Key], Tally]:
        """The rows of the query, as tallies of values (width 1) or of pairs (width 2)."""
        where = [(name, list(values)) for name, values in self.question.where]
        sql = _text(self.asker, [*self.key, self.by, where, self.schemas, self.rolled], make)
        found: dict[tuple[int, Key], dict[Any, int]] = defaultdict(dict)
        split = 1 + len(self.by)
        for row in self.asker.engine.run(sql):
            values = row[split] if width == 1 else (row[split], row[split + 1])
            found[row[0], tuple(row[1:split])][values] = row[-1]
        return dict(found)


def replicated(asker: Asker, question: Question, names: Sequence[str], times: int) -> list[Sums]:
    """What the measures' sums become in each of so many draws: over the question's periods, all dimensions asked for or filtered by.

    Measures without a unit are not among them: they stay as they are. One query for each fact and way of falling into a period.
    """
    dimensions = tuple(dict.fromkeys((*question.by, *(name for name, _ in question.where))))
    rolled = asker.put_periods(question.periods)
    slots = [(n, n // CHUNK, n % CHUNK * 4) for n in range(times)]
    asker.engine.put("draws", {"draw": "int32", "chunk": "int32", "place": "int32"}, slots)
    asker.engine.put("chunks", {"chunk": "int32", "text": "string"}, [(n, f":{n}") for n in range((times + CHUNK - 1) // CHUNK)])
    sums = [Sums(dimensions, len(question.by), dict(question.where)) for _ in range(times)]
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name in names:
        measure = _measure(name)
        own = tuple(d for d in dimensions if d in measure.dimensions)
        groups[compiled.fact_of(measure, dimensions), measure.when, own].append(name)
    for (fact, when, own), together in groups.items():
        schema = _schema(asker, question, together[0])
        if not any(unit in schema for unit in UNITS):
            continue
        sql = _text(
            asker,
            ["replicated", fact, when, together, own, schema, rolled],
            lambda names=together, own=own, schema=schema: _replicates(names, dimensions, own, schema, rolled),  # type: ignore[misc]
        )
        width = 2 + len(own)
        for row in asker.engine.run(sql):
            values, key = sums[row[0]].values, tuple(row[2:width])
            for name, value in zip(together, row[width:], strict=True):
                values[name][row[1]][key] = value
    return sums


def _replicates(names: Sequence[str], dimensions: tuple[str, ...], own: tuple[str, ...], schema: dict[str, str], rolled: bool) -> Any:
    """The relation of draw, period, dimensions and the sum of each measure, every unit times its weight."""
    rows, unit = _rows_of(names[0], dimensions, schema, rolled)
    values = {f"x{n}": _measure(name).contribution(rows).cast(_kind(name)) for n, name in enumerate(names)}
    rows = rows.mutate(unit=rows[unit], **values)
    per_unit = rows.group_by("period", *own, "unit").aggregate(**{x: rows[x].sum().cast(_kind(name)) for x, name in zip(values, names, strict=True)})
    drawn = weights(per_unit.select("unit").distinct()).select("draw", "weight", drawn="unit")
    joined = per_unit.inner_join(drawn, per_unit.unit == drawn.drawn)
    weight = {"int64": joined.weight, "decimal(28,6)": joined.weight.cast("decimal(4,0)")}
    summed = {name: (joined[x] * weight[_kind(name)]).sum().cast(_kind(name)) for x, name in zip(values, names, strict=True)}
    grouped = joined.group_by("draw", "period", *own).aggregate(**summed)
    return grouped.select("draw", "period", *own, *summed)


def weights(units: Any) -> Any:
    """The relation of draw, unit and weight, where it is not 0, for a relation of distinct units."""
    import ibis

    draws = ibis.table({"draw": "int32", "chunk": "int32", "place": "int32"}, name="draws")
    chunks = ibis.table({"chunk": "int32", "text": "string"}, name="chunks")
    crossed = units.cross_join(chunks)
    hashed = crossed.select("unit", hashed_chunk=crossed.chunk, digest=_md5(crossed.unit.concat(crossed.text)))
    placed = hashed.inner_join(draws, hashed.hashed_chunk == draws.chunk)
    digits = placed.digest.substr(placed.place, 4)
    least, *more = thresholds()
    weight = (digits >= least).ifelse(1, 0)
    for cut in more:
        weight = weight + (digits >= cut).ifelse(1, 0)
    weighed = placed.select("draw", "unit", weight=weight.cast("int64"))
    return weighed.filter(weighed.weight > 0)


def _md5(text: Any) -> Any:
    """MD5 as hexadecimal digits. Ibis has no such expression that it compiles for all engines; the function is called so on most of them."""
    import ibis

    @ibis.udf.scalar.builtin(name="md5", signature=(("string",), "string"))  # type: ignore[untyped-decorator]
    def md5(_text: str) -> str:
        raise NotImplementedError  # it runs in the engine

    return md5(text)


def _measure(name: str) -> Measure:
    measure = METRICS[name]
    assert isinstance(measure, Measure)
    return measure


def _kind(name: str) -> str:
    measure = _measure(name)
    return "decimal(28,6)" if measure.unit == "money" or measure.fact == "search_rows" else "int64"


def _schema(asker: Asker, question: Question, name: str) -> dict[str, str]:
    _, builder = asker.state(question.as_of, question.rules)
    dimensions = tuple(dict.fromkeys((*question.by, *(d for d, _ in question.where))))
    return asker.fact_schema(compiled.stored(compiled.fact_of(_measure(name), dimensions)), builder)


def _rows_of(name: str, dimensions: Sequence[str], schema: dict[str, str], rolled: bool) -> tuple[Any, str]:
    """A measure's rows in the question's periods, and the column of their unit."""
    import ibis

    measure = _measure(name)
    fact = compiled.fact_of(measure, dimensions)
    rows = compiled.rows_in_periods(fact, measure.when, ibis.table(schema, name=compiled.stored(fact)), rolled)
    return rows, next(unit for unit in UNITS if unit in schema)


def _named(column: Any) -> Any:
    return column.fill_null(UNALLOCATED)


def _text(asker: Asker, key: list[object], make: Callable[[], Any]) -> str:
    def made() -> str:
        import ibis

        return str(ibis.to_sql(make(), dialect=asker.engine.dialect))

    return kept(asker.root, digest_of("resample", asker.engine.dialect, *key), made)


__all__ = ["UNITS", "Number", "Tally", "replicated", "tallied", "tallied_changes", "tallied_pairs", "thresholds", "unit_of", "weights"]
