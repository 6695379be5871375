"""One number opened: its formula and definition, the rules in force, its inputs in turn, and the source rows that add up to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

from fari.company import Company
from fari.engine import compile as compiled
from fari.engine import opened
from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, share_of
from fari.engine.identities import Check, identities
from fari.engine.periods import Period, day_of, number
from fari.engine.wording import definition, formula
from fari.facts.words import FOREVER, UNALLOCATED
from fari.marks.channels import says
from fari.metrics import METRICS
from fari.metrics.kinds import GIVEN, Formula, Measure, Spread, leaves, ruled
from fari.rules import Rules

Where = Sequence[tuple[str, tuple[str, ...]]]
Row = dict[str, Any]
_WIDE = Context(prec=60)
_HIDDEN = frozenset("period one_day one kind grain period_day first_at last_at customer customer_before left_out own_volume".split())
"""Columns that are only there to compute with."""
_EVIDENCE = {
    "visitor_periods": ("visit_days", "visitor", opened.other_visits),
    "signup_periods": ("signups", "person", opened.other_signups),
}
"""Of facts of distinct things: the fact that has all their rows, the column that names the thing, and the query of those that did not decide."""
_SAYS = {"crm": "No visit is known: the CRM's own original source.", "none": "Neither a visit nor a source is known."}


@dataclass(frozen=True)
class Input:
    """A metric that another is computed from: its value, and, where it is a sum, how many rows it is the sum of."""

    metric: str
    value: Number | None
    rows: int
    sum: Number | None
    formula: str


@dataclass(frozen=True)
class LeftOut:
    """Rows that could not be counted, and why; the first of them by origin."""

    metric: str
    why: str
    rows: int
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything there is to say of one number."""

    metric: str
    period: Period
    where: tuple[tuple[str, tuple[str, ...]], ...]
    value: Number | None
    formula: str
    definition: str
    rules: Mapping[str, Any]
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]
    """Source rows, each with `contribution` and `origin`; where the metric is a formula with the `input` it belongs to."""
    checks: tuple[Check, ...]
    sql: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    answer: Answer

    def plain(self) -> dict[str, Any]:
        """The explanation as the contract's JSON object (Decimals are left to the writer)."""
        return {
            "metric": self.metric, "from": self.period.since.isoformat(), "until": self.period.until.isoformat(), "grain": self.period.grain,
            "where": {dimension: list(values) for dimension, values in self.where},
            "value": self.value, "unit": self.answer.unit, "currency": self.answer.currency, "complete": self.answer.complete,
            "formula": self.formula, "definition": self.definition, "rules": dict(self.rules),
            "inputs": [{"metric": i.metric, "value": i.value, "rows": i.rows, "sum": i.sum, "formula": i.formula} for i in self.inputs],
            "rows": [dict(row) for row in self.rows],
            "checks": [{"name": c.name, "holds": c.holds, "left": c.left, "right": c.right, "difference": c.difference} for c in self.checks],
            "left_out": [{"metric": o.metric, "why": o.why, "rows": o.rows, "origins": list(o.origins)} for o in self.left_out],
            "sql": list(self.sql), "notes": list(self.notes),
        }  # fmt: skip


def explain(
    asker: Asker,
    metric: str,
    period: Period,
    where: Where = (),
    as_of: date | None = None,
    today: date | None = None,
    limit: int | None = None,
    rules: Rules | None = None,
) -> Explanation:
    """Open one number. `limit` is how many rows to show of each measure (the largest); rows and sums are told of all."""
    rules = rules or asker.ledger.company.rules
    question = Question((metric,), (period,), (), tuple(where), as_of, today, rules)
    answer = asker.ask(question)[0]
    names = list(_tree(metric, rules))[1:] if isinstance(METRICS[metric], Formula) else []
    values = _values(asker, names, question) | {metric: answer.value}
    opener = _Opener(asker, question, limit)
    inputs, rows, checks, sql, left_out = [], [], [], [], []
    notes = [*answer.notes, *_beside(answer)]
    for name in names or [metric]:
        kind = METRICS[name.removeprefix("total_")]
        if isinstance(kind, Formula):
            inputs.append(Input(name, values[name], 0, None, formula(ruled(name.removeprefix("total_"), rules))))
            continue
        found = opener.open(name, values[name])
        if names:
            inputs.append(Input(name, values[name], found.count, found.sum, formula(kind.name)))
        rows += [{"input": name} | row if names else row for row in found.rows]
        sql += found.sql
        left_out += found.left_out
        notes += found.notes
        value = values[name]
        if value is not None:
            off = _WIDE.subtract(Decimal(found.sum or 0), Decimal(value))
            checks.append(Check(f"the rows of {name} add up to it", off == 0, found.sum or 0, value, off, period, (name,)))
    touched = {name.removeprefix("total_") for name in (*names, metric)}
    checks += identities(asker, (period,), as_of, touched | set(leaves(metric, rules)), rules)
    return Explanation(
        metric, period, question.where, answer.value, formula(ruled(metric, rules)), definition(ruled(metric, rules)),
        _rules(asker, metric, question), tuple(inputs), tuple(rows), tuple(checks),
        tuple(dict.fromkeys(sql)), tuple(left_out), tuple(dict.fromkeys(notes)), answer,
    )  # fmt: skip


@dataclass(frozen=True)
class OpenInput:
    """A metric's value and, where it is a sum, the rows that make it: all of them, or none where there are more than were wanted."""

    value: Number | None
    rows: tuple[Row, ...] = ()
    too_many: int = 0


def open_inputs(asker: Asker, question: Question, most: int) -> dict[str, OpenInput]:
    """The question's one metric and each of its inputs in its one period, opened; a sum of more than `most` rows is left closed."""
    names = list(_tree(question.metrics[0], question.rules))
    values = _values(asker, names, question)
    opener = _Opener(asker, question, most)
    found = {name: OpenInput(values[name]) for name in names}
    for name in names:
        if not isinstance(METRICS[name.removeprefix("total_")], Formula):
            made = opener.open(name, values[name])
            found[name] = OpenInput(values[name], too_many=made.count) if made.count > most else OpenInput(values[name], tuple(made.rows))
    return found


def largest_rows(asker: Asker, question: Question, most: int) -> tuple[tuple[Row, ...], int]:
    """(the largest rows, how many there are) of the question's one sum in its one period, without the checks that an explanation has."""
    (name,) = question.metrics
    found = _Opener(asker, question, most).open(name, asker.ask(question)[0].value)
    return tuple(found.rows[:most]), found.count


def _tree(name: str, rules: Rules | None) -> dict[str, None]:
    """A metric, its inputs, their inputs and so on; what is a sum has none."""
    found: dict[str, None] = {name: None}
    level = [name]
    while level:
        metrics = [METRICS[ruled(each.removeprefix("total_"), rules)] for each in level]
        level = [i for m in metrics if isinstance(m, Formula) for i in m.inputs if i not in GIVEN and i not in found]
        found |= dict.fromkeys(level)
    return found


def _values(asker: Asker, names: Sequence[str], question: Question) -> dict[str, Number | None]:
    """The values of inputs, those of `total_x` without the question's filters."""
    values: dict[str, Number | None] = {}
    for prefix, where in (("", question.where), ("total_", ())):
        asked = [name for name in names if name.startswith("total_") == bool(prefix)]
        if asked:
            plain = tuple(name.removeprefix(prefix) for name in asked)
            answers = asker.ask(Question(plain, question.periods, (), where, question.as_of, question.today, question.rules))
            values |= {name: answer.value for name, answer in zip(asked, answers, strict=True)}
    return values


def _beside(answer: Answer) -> list[str]:
    """What a measure's answer counts beside itself (visitors: bots and our own people)."""
    if not isinstance(METRICS[answer.metric], Measure):
        return []
    return [f"{name} left out: {count}" for name, count in answer.parts.items() if count]


def _rules(asker: Asker, metric: str, question: Question) -> dict[str, Any]:
    """The preset, and the company's settings that decide anything about this metric."""
    company, covered = asker.ledger.company, asker.state(question.as_of, question.rules)[0]
    period = question.periods[0]
    measures = [m for m in (METRICS[leaf] for leaf in leaves(metric, question.rules)) if isinstance(m, Measure)]
    facts, dimensions = {m.fact for m in measures}, {d for d, _ in question.where}
    given = {i for name in _tree(metric, question.rules) for i in METRICS[name.removeprefix("total_")].inputs}
    rules: dict[str, Any] = {"rules": (question.rules or company.rules).label, "timezone": company.timezone}
    if any(m.unit == "money" for m in (*measures, METRICS[metric])):
        rules["currency"] = company.currency
    if period.grain in ("quarter", "year"):
        rules["fiscal_year_start"] = company.fiscal_year_start
    if "gross_margin" in given:
        rules["gross_margin"] = company.gross_margin
    if "months" in given:
        rules["months"] = period.months
    if "signup_periods" in facts:
        rules["signup_events"] = list(company.signup_events)
    if any(m.needs == "customers" for m in measures):
        rules["customer_from"] = covered.customer_from
    if any(m.needs == "funnel" for m in measures) and company.scoring.points:
        rules["scoring"] = {stage: value for stage in ("lead", "mql", "sql") if (value := getattr(company.scoring, stage)) is not None}
    if not facts <= {"costs", "search_rows"}:
        rules["match_domains"] = company.match_domains
        if company.channels and (facts & {"visits", "visit_days", "visitor_periods"} or dimensions & {"channel", "campaign"}):
            rules["own_channel_rules"] = len(company.channels)
    if "content" in dimensions:
        rules["content"] = [kind for kind, _ in company.content]
    return rules


@dataclass
class _Opened:
    """A measure's or spread's rows as they are shown, and what is true of all of them."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    sum: Number | None = None
    sql: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Opener:
    """Opens the measures of one question, by queries over the very rows that were summed."""

    def __init__(self, asker: Asker, question: Question, limit: int | None) -> None:
        self.asker, self.question, self.limit = asker, question, limit
        self.engine = asker.engine
        self.builder = asker.state(question.as_of, question.rules)[1]
        self.company: Company = asker.ledger.company
        self.period = question.periods[0]

    def open(self, name: str, value: Number | None) -> _Opened:
        """The rows of a measure or spread that make a value; none where it has none."""
        if value is None:
            return _Opened()
        metric = METRICS[name.removeprefix("total_")]
        where = {} if name.startswith("total_") else dict(self.question.where)
        if isinstance(metric, Spread):
            own = METRICS[metric.own]
            assert isinstance(own, Measure)
            return self._spread(metric, own, where, value)
        assert isinstance(metric, Measure)
        base = self._base(metric, tuple(where), opened.filtered(where, self.asker.engine.text))
        found = _Opened(left_out=self._left_out(metric, base, bool(where)))
        rows, evidence = f"SELECT * FROM ({base}) AS rows_of_it WHERE contribution <> 0", ""
        if metric.fact == "costs":
            rows = opened.by_source(rows, self.engine.columns(rows))
        elif metric.fact == "levels" and metric.unit == "money" and metric.when in ("opening", "closing"):
            self._have("running")
            rows = opened.subscriptions(rows, self._edge(metric))
        found.count, found.sum = self._totals(rows)
        shown = opened.largest(rows, self.limit) if self.limit is not None else rows
        listed = self._fetch(shown)
        if metric.fact in _EVIDENCE:
            fact, thing, others = _EVIDENCE[metric.fact]
            self._have(fact)
            days = number(self.period.since), number(self.period.until)
            evidence = others(rows, *days)
            found.count += self._totals(evidence)[0]
            listed = _with_evidence(listed, self._fetch(others(shown, *days)), thing)
        else:
            listed.sort(key=_largest_first)
        found.rows = [self._shown(row, metric) for row in listed]
        found.sql = [text for text in (rows, evidence) if text]
        if self.limit is not None and found.count > len(found.rows):
            found.notes.append(f"{name}: {len(found.rows)} of {found.count} rows shown, the largest")
        return found

    def _base(self, metric: Measure, dimensions: tuple[str, ...], condition: str) -> str:
        """The measure's rows in the period that pass the filters, unsummed."""
        fact = compiled.fact_of(metric, dimensions)
        rolled = self.asker.put_periods((self.period,))
        schema = self.asker.fact_schema(compiled.stored(fact), self.builder)
        if fact in compiled.OF_VISITS:
            self._have("visit_pages")
        sql = compiled.opened(self.asker.root, self.engine.dialect, fact, metric.when, metric.name, (), schema, rolled)
        return f"SELECT * FROM ({sql}) AS every_row WHERE {condition}" if condition else sql

    def _spread(self, metric: Spread, own: Measure, where: dict[str, tuple[str, ...]], value: Number) -> _Opened:
        """The segment's own rows, and its share of those that lack a segment; the last of the shared ones takes the rounding."""
        base = self._base(own, tuple(where), "")
        rows = f"SELECT * FROM ({base}) AS rows_of_it WHERE contribution <> 0"
        rows = opened.by_source(rows, self.engine.columns(rows))
        over: dict[tuple[str, ...], Number] = {}
        if where:
            for answer in self.asker.ask(Question((metric.over,), (self.period,), tuple(where), (), self.question.as_of, rules=self.question.rules)):
                if answer.value:
                    over[tuple(answer.segment.values())] = answer.value
        found = _Opened(sql=[rows], left_out=self._left_out(own, base, False))
        last, parts = -1, set()
        for row in sorted(self._fetch(rows), key=_largest_first):
            part, whole = _share([row[dimension] for dimension in where], list(where.values()), over)
            if not part:
                continue
            contribution = Decimal(row["contribution"])
            if part != whole:
                row["share"], contribution = f"{part}/{whole}", share_of(contribution, part, whole)
                last = len(found.rows)
                parts.add((part, whole))
            found.rows.append(self._shown(row | {"contribution": contribution}, own))
        total = _add(found.rows)
        if last >= 0:
            found.rows[last]["contribution"] = _WIDE.add(found.rows[last]["contribution"], _WIDE.subtract(Decimal(value), total))
            total = _add(found.rows)
        found.notes += [f"cost of no segment is shared by {metric.over}: this segment has {part} of {whole}" for part, whole in sorted(parts)]
        found.count, found.sum = len(found.rows), total
        if self.limit is not None and found.count > self.limit:
            found.notes.append(f"{metric.name}: {self.limit} of {found.count} rows shown, the largest")
            found.rows = sorted(found.rows, key=_largest_first)[: self.limit]
        return found

    def _left_out(self, metric: Measure, base: str, narrowed: bool) -> list[LeftOut]:
        if not metric.left_out or "left_out" not in self.engine.columns(base):
            return []
        sql = f"SELECT origin FROM ({base}) AS rows_of_it WHERE left_out > 0"
        if metric.fact == "levels" and metric.when in ("opening", "closing"):
            self._have("running")
            sql = opened.unpriced(self._edge(metric), base if narrowed else "")
        origins = sorted({str(origin) for (origin,) in self.engine.run(sql)}, key=_natural)
        return [LeftOut(metric.name, metric.left_out, len(origins), tuple(origins[:10]))] if origins else []

    def _edge(self, metric: Measure) -> int:
        return number(self.period.since) - 1 if metric.when == "opening" else number(self.period.until) - 1

    def _have(self, fact: str) -> None:
        self.asker.fact_schema(fact, self.builder)

    def _totals(self, sql: str) -> tuple[int, Number]:
        count, total = self.engine.run(f"SELECT count(*), sum(contribution) FROM ({sql}) AS counted")[0]
        return int(count), total if total is not None else 0

    def _fetch(self, sql: str) -> list[Row]:
        columns = self.engine.columns(sql)
        return [dict(zip(columns, row, strict=True)) for row in self.engine.run(sql)]

    def _shown(self, row: Row, metric: Measure) -> Row:
        """A row as people read it: days and instants written out, the rule in words, contribution and origin last."""
        shown: Row = {}
        moved = metric.fact == "levels" and "movement" in row
        for name, value in row.items():
            if name in _HIDDEN or name in ("contribution", "origin") or (name == "churn_reason" and row.get("movement") != "churn"):
                continue
            if name == "day" or name.endswith("_day"):
                shown[name.removesuffix("_day")] = None if value is None or value >= FOREVER else day_of(value).isoformat()
            elif isinstance(value, datetime):
                shown[name] = value.replace(tzinfo=UTC).astimezone(self.company.zone).isoformat()
            else:
                shown["after" if moved and name == "mrr" else name] = value
            if name == "rule":
                shown["says"] = _sentence(value, self.company)
        return shown | {"contribution": Decimal(row["contribution"]), "origin": row["origin"]}


def _share(key: Sequence[str | None], wanted: Sequence[tuple[str, ...]], over: Mapping[tuple[str, ...], Number]) -> tuple[Number, Number]:
    """(part, whole) of a cost that belongs to the segment asked for: all or nothing where it has a segment of its own."""

    def passes(segment: Sequence[str]) -> bool:
        return all(one in values for one, values in zip(segment, wanted, strict=True))

    takers = {} if None not in key else {s: n for s, n in over.items() if all(own in (None, one) for own, one in zip(key, s, strict=True))}
    if not takers:
        return int(passes([own if own is not None else UNALLOCATED for own in key])), 1
    return sum(n for segment, n in takers.items() if passes(segment)), sum(takers.values())


def _add(rows: Sequence[Row]) -> Decimal:
    total = Decimal(0)
    for row in rows:
        total = _WIDE.add(total, row["contribution"])
    return total


def _natural(origin: str) -> tuple[tuple[str, int], ...]:
    """spend.csv:9 before spend.csv:12."""
    return tuple((text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", origin))


def _largest_first(row: Row) -> tuple[Decimal, tuple[tuple[str, int], ...]]:
    return -abs(Decimal(row["contribution"])), _natural(str(row["origin"]))


def _with_evidence(rows: Sequence[Row], evidence: Sequence[Row], thing: str) -> list[Row]:
    """Each deciding row followed by the others of the same thing, in their order in time."""
    others: dict[Any, list[Row]] = {}
    for row in evidence:
        others.setdefault(row[thing], []).append(row)
    listed: list[Row] = []
    for row in sorted(rows, key=lambda r: _natural(str(r["origin"]))):
        listed.append(row)
        listed += sorted(others.pop(row[thing], []), key=lambda r: (r.get("started_at") or r.get("at"), _natural(str(r["origin"]))))
    return listed


def _sentence(rule: str | None, company: Company) -> str:
    if rule is None or rule in _SAYS:
        return _SAYS[rule or "none"]
    return says(rule, company)
