"""Questions answered: measures summed by one query per fact, formulas computed on them in decimals, coverage and completeness told."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from fari.company import Company
from fari.engine import compile as compiled
from fari.engine.answer import Answer, Number, Question
from fari.engine.build import Builder
from fari.engine.duck import DuckDB
from fari.engine.formulas import worked_out
from fari.engine.graph import rests_on_rules
from fari.engine.periods import Period, number, tiles
from fari.errors import FariError, UsageError, did_you_mean
from fari.facts.words import UNALLOCATED
from fari.ledger.known import Known
from fari.ledger.store import Coverage, Ledger
from fari.metrics import DIMENSIONS, METRICS, listed
from fari.metrics.kinds import GIVEN, Formula, Measure, Metric, Spread, leaves, ruled
from fari.rules import Rules, preset

Key = tuple[str, ...]
_DAY = timedelta(days=1)
SHORT = 10_000
"""So many rows of a query at most are kept for the next question."""
_WIDE = Context(prec=60)
SHARE = Decimal("1e-16")
"""What a share of a cost is rounded to: fine enough for no one to see, coarse enough that Decimals add up without a digit lost."""


def share_of(amount: Decimal, part: Number, whole: Number) -> Decimal:
    """Amount × part / whole, rounded to a share's digits.

    >>> share_of(Decimal(100), 1, 3)
    Decimal('33.3333333333333333')
    """
    return _WIDE.quantize(_WIDE.divide(_WIDE.multiply(amount, Decimal(part)), Decimal(whole)), SHARE)


@dataclass
class Cover:
    """What the sources cover, as far as a question's knowledge goes."""

    ranges: dict[str, list[tuple[date, date]]]
    horizon: date | None
    since: date | None
    customer_from: str
    scoring: bool

    def of(self, need: str) -> list[tuple[date, date]]:
        """Half-open stretches of days covered for a need: a table, or `funnel`, `customers`."""
        if need == "customers":
            return self.ranges.get(self.customer_from, [])
        if need == "funnel":
            both = [*self.ranges.get("stages", []), *(self.ranges.get("events", []) if self.scoring else [])]
            return _joined(both)
        return self.ranges.get(need, [])

    def table(self, need: str) -> str:
        """A need in the words of a note."""
        return {"customers": self.customer_from, "funnel": "stages"}.get(need, need)

    def meets(self, need: str, period: Period) -> bool:
        """Whether any day of the period is covered."""
        return any(since < period.until and until > period.since for since, until in self.of(need))

    def holds(self, need: str, period: Period, today: date | None) -> bool:
        """Whether all days of the period are covered, and over."""
        over = today is None or period.until <= today
        return over and any(since <= period.since and until >= period.until for since, until in self.of(need))


def _joined(ranges: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Stretches joined where they touch."""
    joined: list[tuple[date, date]] = []
    for since, until in sorted(ranges):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return joined


def cover(company: Company, told: Sequence[Coverage]) -> Cover:
    """What is covered: each import's table from its first row to the data's horizon, or as far as it says itself."""
    # A plan speaks of what is to come: it brings no data.
    horizon = max((c.last for c in told if c.last and c.table != "targets"), default=None)
    since = min((c.since for c in told if c.since), default=None)
    ranges: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for c in told:
        if c.since and horizon:
            until = c.until or horizon + _DAY
            if until > c.since:
                ranges[c.table].append((c.since, until))
    tables = {c.table for c in told if c.rows}
    origin = company.customer_from
    if origin == "auto":
        origin = next((t for t in ("subscriptions", "deals") if t in tables), "stages" if "stages" in tables else "subscriptions")
    return Cover({t: _joined(r) for t, r in ranges.items()}, horizon, since, origin, bool(company.scoring.points))


@dataclass
class Asker:
    """Answers questions over one project's ledger. It may be kept: every question looks whether the ledger has changed."""

    ledger: Ledger
    engine: Any = None
    progress: Callable[[str], None] = lambda _: None
    _pinned: Any = field(default=None, repr=False)
    _periods: tuple[Period, ...] = ()
    _grains: tuple[str, ...] = ("day", "month", "week")
    """The grains of the stored periods that the question's are made of."""
    _summed: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict, repr=False)
    """What queries about these periods gave: all measures of a fact are summed at once, so that the next question is often the same query."""

    def __post_init__(self) -> None:
        if self.engine is None:
            self.engine = DuckDB(self.ledger.folder / "facts" / ".scratch")

    @property
    def root(self) -> Path:
        """Where facts are kept."""
        return self.ledger.folder / "facts"

    def state(self, as_of: Known = None, rules: Rules | None = None) -> tuple[Cover, Builder]:
        """What can be seen as of a day, and the builder of its facts under a rule set; kept until the ledger changes."""
        seen = self.ledger.visible(as_of)
        rules = rules or self.ledger.company.rules
        key = (as_of, rules, tuple(i.import_id for i in seen))
        if self._pinned is None or self._pinned[0] != key:
            covered = cover(self.ledger.company, self.ledger.coverage(seen))
            builder = Builder(self.ledger, self.engine, seen, covered.horizon, covered.since, covered.customer_from, rules, self.progress)
            self._pinned = (key, covered, builder, {})
            self._summed.clear()
        return self._pinned[1], self._pinned[2]

    def ask(self, question: Question) -> list[Answer]:
        """The answers, by metric as asked, then period, then segment. Without names: all metrics that have the dimensions asked for."""
        asked = (*question.by, *(d for d, _ in question.where))
        names = question.metrics or tuple(name for name in listed() if has(name, asked))
        check(names, question)
        if not question.periods:
            return []
        try:
            covered, builder = self.state(question.as_of, question.rules)
            sums = self._sums(names, question, covered, builder)
        except self.engine.gone:
            # Another process has swept facts this one had built long ago: they are built again.
            self._pinned = None
            covered, builder = self.state(question.as_of, question.rules)
            sums = self._sums(names, question, covered, builder)
        answers: list[Answer] = []
        under = sums.unheard() if question.where else ()
        for name in names:
            for index in range(len(question.periods)):
                answers += _answers(name, index, question, sums, covered, self.ledger.company, builder.rules, under)
        builder.finish()
        return answers

    def sums(self, question: Question) -> "Sums":
        """The sums of all measures that the question's metrics rest on."""
        return self._sums(question.metrics, question, *self.state(question.as_of, question.rules))

    def fact_schema(self, fact: str, builder: Builder) -> dict[str, str]:
        """A stored fact's columns; it is built and put under its name in the engine first."""
        known, facts = self._pinned[3], compiled.by_grain(fact, self._grains)
        if fact not in known or known[fact][0] != facts:
            files = [file for one in facts for file in builder.files(one)]
            self.engine.view(fact, files, {})
            known[fact] = facts, self.engine.schema(files)
        return dict(known[fact][1])

    def put_periods(self, periods: Sequence[Period]) -> bool:
        """The question's periods as tables; whether some are made of several stored ones."""
        days = [(day, n) for n, p in enumerate(periods) for day in range(number(p.since), number(p.until))]
        edges = [(n, number(p.since) - 1, number(p.until) - 1, number(p.since), number(p.until)) for n, p in enumerate(periods)]
        spans = [(n, grain, number(first)) for n, p in enumerate(periods) for grain, first in tiles(p)]
        if self._periods != tuple(periods):
            for name, rows in (("days", days), ("edges", edges), ("spans", spans)):
                self.engine.put(name, compiled.QUESTION[name], rows)
            self._periods = tuple(periods)
            self._summed.clear()
        self._grains = tuple(sorted({grain for _, grain, _ in spans}))
        return len(spans) > len(periods)

    def _sums(self, names: Sequence[str], question: Question, covered: Cover, builder: Builder) -> "Sums":
        wanted: dict[str, None] = {}
        for name in names:
            wanted |= leaves(name, builder.rules)
            for leaf in leaves(name, builder.rules):
                measure = METRICS[leaf]
                assert isinstance(measure, Measure)
                if not question.by:
                    wanted |= dict.fromkeys(measure.beside)
        filtered = tuple(d for d, _ in question.where if d not in question.by)
        dimensions = (*question.by, *filtered)
        rolled = self.put_periods(question.periods)
        sums = Sums(dimensions, len(question.by), dict(question.where))
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for leaf in wanted:
            measure = METRICS[leaf]
            assert isinstance(measure, Measure)
            if any(covered.meets(measure.needs, p) for p in question.periods):
                groups[compiled.summed_over(measure, dimensions), measure.when].append(leaf)
        for (fact, when), measures in groups.items():
            schema = self.fact_schema(compiled.stored(fact), builder)
            for own, together in _by_dimensions(measures, dimensions).items():
                sql = compiled.summed(self.root, self.engine.dialect, fact, when, together, own, schema, rolled)
                rows = self._summed.get(sql)
                if rows is None:
                    rows = self.engine.run(sql)
                    if len(rows) <= SHORT:
                        self._summed[sql] = rows
                sums.add(together, own, rows)
        return sums


def _by_dimensions(measures: Sequence[str], dimensions: Sequence[str]) -> dict[tuple[str, ...], list[str]]:
    """Measures that have the same of the asked dimensions together; one that lacks a dimension is only ever asked unsplit.

    All of a fact's measures are summed, asked for or not: it costs next to nothing, and any question finds the same query compiled.
    """
    grouped: dict[tuple[str, ...], list[str]] = defaultdict(list)
    asked = METRICS[measures[0]]
    assert isinstance(asked, Measure)
    for name, metric in METRICS.items():
        if isinstance(metric, Measure) and (metric.fact, metric.when) == (asked.fact, asked.when):
            own = tuple(d for d in dimensions if d in metric.dimensions)
            if compiled.summed_over(metric, dimensions) == compiled.summed_over(asked, dimensions):
                grouped[own].append(name)
    wanted = {tuple(d for d in dimensions if d in METRICS[name].dimensions) for name in measures}  # type: ignore[union-attr]
    return {own: names for own, names in grouped.items() if own in wanted}


def under_rules(name: str, rules: Rules) -> bool:
    """Whether a metric can come out otherwise under another rule set."""
    measures = [METRICS[leaf] for leaf in leaves(name, rules)]
    facts = {compiled.stored(measure.fact) for measure in measures if isinstance(measure, Measure)}
    return ruled(name, rules) != name or any(rests_on_rules(one) for fact in facts for one in compiled.by_grain(fact, ("month",)))


def needed(name: str) -> set[str]:
    """What must be covered for a metric: of a spread what is spread, not what it is spread by."""
    metric = METRICS[name.removeprefix("total_")]
    if isinstance(metric, Measure):
        return {metric.needs}
    inputs = (metric.own,) if isinstance(metric, Spread) else metric.inputs
    return set().union(*(needed(each) for each in inputs if each not in GIVEN))


def has(name: str, dimensions: Iterable[str]) -> bool:
    """Whether all inputs of a metric have these dimensions."""
    measures = [METRICS[leaf] for leaf in leaves(name)]
    return all(d in measure.dimensions for measure in measures for d in dimensions if isinstance(measure, Measure))


def check(names: Sequence[str], question: Question) -> None:
    """UsageError where a metric or dimension is unknown; FariError, a refusal, where an input of a metric lacks a dimension."""
    for dimension in (*question.by, *(d for d, _ in question.where)):
        if dimension not in DIMENSIONS:
            raise UsageError(f"unknown dimension {dimension!r}{did_you_mean(dimension, DIMENSIONS)} (one of: {', '.join(DIMENSIONS)})")
    for name in names:
        if name not in METRICS:
            raise UsageError(f"unknown metric {name!r}{did_you_mean(name, METRICS)} (`fari metrics` prints them all)")
        for leaf in leaves(name):
            measure = METRICS[leaf]
            assert isinstance(measure, Measure)
            asked = tuple(dict.fromkeys((*question.by, *(d for d, _ in question.where))))
            if len(apart := [dimension for dimension, _ in compiled.moved(measure, asked)]) > 1:
                raise UsageError(f"{name} cannot be split by {' and '.join(apart)} at once: each has rows of its own")
            for dimension in asked:
                if dimension not in measure.dimensions:
                    subject = f"{name} cannot be split by {dimension}"
                    raise FariError(subject if leaf == name else f"{subject}: its input {leaf} has no {dimension}")


@dataclass
class Sums:
    """Measures' sums by period and segment, over all dimensions asked for or filtered by."""

    dimensions: tuple[str, ...]
    split: int
    where: dict[str, tuple[str, ...]]
    values: dict[str, dict[int, dict[tuple[str | None, ...], Number]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    left_out: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[tuple[str, int], dict[tuple[str | None, ...], int]] = field(default_factory=lambda: defaultdict(dict))
    """How many rows contribute to each sum."""

    def add(self, names: Sequence[str], own: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Take in the rows of one query."""
        width = 1 + len(own)
        for row in rows:
            period, key = row[0], tuple(row[1:width])
            for place, name in enumerate(names):
                value, count = row[width + 2 * place], row[width + 2 * place + 1]
                if count:
                    self.values[name][period][key] = value
                    self.counts[name, period][key] = count
                self.left_out[name, period] += row[-1] or 0

    def passes(self, key: Sequence[str | None]) -> bool:
        """Whether a segment over all dimensions passes the filters."""
        named = dict(zip(self.dimensions, key, strict=True))
        return all((named.get(d) or UNALLOCATED) in values for d, values in self.where.items())

    def unheard(self) -> tuple[str, ...]:
        """Notes on what is filtered by and no row has, in any of the periods: it may be misspelled."""
        found = []
        for place, dimension in enumerate(self.dimensions):
            known = {
                key[place] or UNALLOCATED
                for periods in self.values.values()
                for cells in periods.values()
                for key in cells
                if len(key) == len(self.dimensions)
            }
            for value in self.where.get(dimension, ()):
                if known and value not in known:
                    found.append(f"no row has {dimension} {value!r}{did_you_mean(value, known)}")
        return tuple(found)

    def measure(self, name: str, period: int) -> dict[Key, Number]:
        """A measure's sums by the segments split by, filters applied."""
        return self._fold(self.values[name][period].items())

    def rows(self, metric: Metric, period: int) -> dict[Key, Number] | None:
        """How many rows contribute to a measure, or to what a spread spreads, by segment; None of a formula."""
        if isinstance(metric, Formula):
            return None
        return self._fold(self.counts[metric.own if isinstance(metric, Spread) else metric.name, period].items())

    def total(self, name: str, period: int) -> Number:
        """A measure over all segments, filters dropped."""
        return sum(self.values[name][period].values(), start=Decimal(0))

    def spread(self, metric: Spread, period: int) -> dict[Key, Number]:
        """`own` with what lacks a dimension shared over the segments that agree with the rest, by `over`; the last takes the rounding."""
        over = self.values[metric.over][period]
        found: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
        for key, amount in self.values[metric.own][period].items():
            if None not in key:
                found[key] += amount
                continue
            takers = {k: n for k, n in over.items() if n and all(own is None or own == other for own, other in zip(key, k, strict=True))}
            whole = sum(takers.values())
            if not whole:
                found[tuple(UNALLOCATED if part is None else part for part in key)] += amount
                continue
            rest = Decimal(amount)
            ordered = sorted(takers, key=lambda k: (takers[k], str(k)))
            for taker in ordered[:-1]:
                share = share_of(Decimal(amount), takers[taker], whole)
                found[taker] += share
                rest -= share
            found[ordered[-1]] += rest
        return self._fold(found.items())

    def _fold(self, items: Iterable[tuple[tuple[str | None, ...], Number]]) -> dict[Key, Number]:
        folded: dict[Key, Number] = {}
        for key, value in items:
            if self.passes(key):
                segment = tuple(part if part is not None else UNALLOCATED for part in key[: self.split])
                folded[segment] = folded.get(segment, 0) + value
        return folded


@dataclass
class Evaluation:
    """One period's values: measures from their sums, formulas from their inputs, each once per segment."""

    period: Period
    index: int
    sums: Sums
    covered: Cover
    company: Company
    rules: Rules
    known: dict[tuple[str, Key], tuple[Number | None, tuple[str, ...]]] = field(default_factory=dict)
    tables: dict[str, dict[Key, Number]] = field(default_factory=dict)

    def table(self, name: str) -> dict[Key, Number]:
        """A measure's or spread's values by segment."""
        if name not in self.tables:
            metric = METRICS[name]
            self.tables[name] = self.sums.spread(metric, self.index) if isinstance(metric, Spread) else self.sums.measure(name, self.index)
        return self.tables[name]

    def segments(self, name: str) -> set[Key]:
        """The segments anything is known of, of any input."""
        metric = METRICS[ruled(name, self.rules)]
        if isinstance(metric, Formula):
            return set().union(*(self.segments(i) for i in metric.inputs if i not in GIVEN and not i.startswith("total_")))
        return set(self.table(name))

    def value(self, name: str, key: Key) -> tuple[Number | None, tuple[str, ...]]:
        """(value, notes) of a metric in a segment."""
        if (name, key) not in self.known:
            self.known[name, key] = self._value(name, key)
        return self.known[name, key]

    def _value(self, name: str, key: Key) -> tuple[Number | None, tuple[str, ...]]:
        metric = METRICS[ruled(name.removeprefix("total_"), self.rules)]
        if not isinstance(metric, Formula):
            needs = metric.needs if isinstance(metric, Measure) else METRICS[metric.own].needs
            if not self.covered.meets(needs, self.period):
                return None, (f"no source covers {self.covered.table(needs)} in this period",)
            if name.startswith("total_"):
                return self.sums.total(metric.name, self.index), ()
            return self.table(metric.name).get(key, 0), self._left_out(metric)
        values: list[Number] = []
        notes: list[str] = []
        for each in metric.inputs:
            if each in GIVEN:
                values.append(self.period.months if each == "months" else self.company.gross_margin)
                continue
            value, said = self.value(each, key)
            notes += said
            if value is None:
                if not said:
                    notes.append(f"{each} is undefined")
                return None, tuple(dict.fromkeys(notes))
            values.append(Decimal(value))
        value, said = worked_out(metric, values)
        return value, tuple(dict.fromkeys([*notes, *said]))

    def _left_out(self, metric: Measure | Spread) -> tuple[str, ...]:
        measure = METRICS[metric.own] if isinstance(metric, Spread) else metric
        assert isinstance(measure, Measure)
        count = self.sums.left_out[measure.name, self.index]
        return (f"{count} row{'s' if count > 1 else ''} left out: {measure.left_out}",) if count and measure.left_out else ()


def _answers(
    name: str, index: int, question: Question, sums: Sums, covered: Cover, company: Company, rules: Rules, said: tuple[str, ...]
) -> list[Answer]:
    period = question.periods[index]
    evaluation = Evaluation(period, index, sums, covered, company, rules)
    metric = METRICS[ruled(name, rules)]
    keys = sorted(evaluation.segments(name).union(question.segments)) if question.by else [()]
    needs = needed(name)
    complete = all(covered.holds(need, period, question.today) for need in needs)
    under = (*said, f"rules: {rules.label}") if rules != preset() and under_rules(name, rules) else said
    rows = sums.rows(metric, index)
    answers = []
    for key in keys:
        value, notes = evaluation.value(name, key)
        parts: dict[str, Number | None] = {i: evaluation.value(i, key)[0] for i in metric.inputs if i not in GIVEN}
        if isinstance(metric, Measure) and not question.by and value is not None:
            parts = {beside: evaluation.value(beside, key)[0] for beside in metric.beside}
        notes = (*notes, *under)
        reach = sorted({d for leaf in leaves(name) for d in METRICS[leaf].reach if d in sums.dimensions})  # type: ignore[union-attr]
        if reach:
            notes = (*notes, f"by {reach[0]} this is reach: one may count in several, so the rows do not add up")
        currency = company.currency if metric.unit == "money" else None
        segment = dict(zip(question.by, key, strict=True))
        count = None if rows is None or value is None else int(rows.get(key, 0))
        answers.append(Answer(name, period, segment, value, metric.unit, currency, parts, complete, notes, metric.version, rows=count))
    return answers


def defaults(covered: Cover) -> tuple[date, date] | None:
    """The last twelve whole months of data (fewer where there are fewer; the month of the horizon where there is none whole)."""
    from fari.engine.periods import add_months

    if covered.horizon is None or covered.since is None:
        return None
    after = covered.horizon + _DAY
    until = after.replace(day=1)
    first = covered.since.replace(day=1)
    if covered.since.day > 1:
        first = add_months(first, 1)
    if first >= until:
        first = covered.horizon.replace(day=1)
        return first, add_months(first, 1)
    return max(first, add_months(until, -12)), until


__all__ = ["Asker", "Cover", "Mapping", "check", "cover", "defaults"]
