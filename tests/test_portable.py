"""One set of expressions for every engine: each is in the portable subset, compiles for the engines there are, and answers alike on two of them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from random import Random
from typing import Any

import ibis
import pytest
from ibis import _
from tests.against_oracle import imported
from tests.portable import refusals
from tests.projects import ask, company, project
from tests.random_company import random_company
from tests.sail import sail

from fari.engine import build, explain
from fari.engine import compile as compiled
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.duck import DuckDB
from fari.engine.given import GIVEN
from fari.engine.graph import ASKED, BEFORE, PARTED, catalogue
from fari.engine.periods import number
from fari.engine.periods import parse as period
from fari.engine.spark import SparkConnect
from fari.facts.dates import dated, month_name
from fari.facts.money import half_up
from fari.ledger.schema import TABLES
from fari.marks.tables import IDENTITY
from fari.metrics import METRICS
from fari.metrics.kinds import Measure, leaves

DIALECTS = ("duckdb", "pyspark", "clickhouse", "postgres", "bigquery", "snowflake", "trino")
SEEDS = (6, 9)
"""Random companies that have every table, in two zones."""
PERIODS = ("2025-01", "2025-02", "2025-Q1", "2025-W07", "2025-03-30")


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Asker]:
    """Random companies, imported, asked on the embedded engine."""
    return {seed: imported(*random_company(seed, 6), tmp_path_factory.mktemp(f"company{seed}")) for seed in SEEDS}


@pytest.fixture(scope="session")
def expressions(companies: dict[int, Asker]) -> dict[str, Any]:
    """Every expression that the facts and metrics make, by a name that says which."""
    asker = companies[SEEDS[0]]
    _, builder = asker.state()
    found = {name: builder.expression(name, builder.parts[0] if name in PARTED else None) for name in facts()}
    schemas = {fact: asker.fact_schema(compiled.stored(fact), builder) for fact, *_ in groups()}
    with pytest.MonkeyPatch.context() as patched:
        made: list[Any] = []

        def caught(expression: Any, dialect: str) -> str:
            made.append(expression)
            return ""

        patched.setattr(ibis, "to_sql", caught)
        patched.setattr(compiled, "_kept", lambda root, key, make: make())
        for fact, when, names, dimensions in groups():
            for rolled in (False, True) if when == "period" else (False,):
                words = f"{fact} {when} by {' '.join(dimensions) or '-'}{' rolled' if rolled else ''}"
                compiled.summed(asker.root, "", fact, when, names, dimensions, schemas[fact], rolled)
                found[f"{words} summed"] = made.pop()
                for name in names:
                    compiled.opened(asker.root, "", fact, when, name, dimensions, schemas[fact], rolled)
                    found[f"{words} {name} opened"] = made.pop()
    return found


def facts() -> list[str]:
    """The facts of the catalogue; what it lists beside them are functions that facts share, whose parameters are no tables."""
    inputs = {*catalogue(), *TABLES, *GIVEN, *ASKED, *IDENTITY, *(f"{name}_before" for name in BEFORE), "account_levels"}
    return [name for name, (_, wanted) in catalogue().items() if set(wanted) <= inputs]


def groups() -> Iterator[tuple[str, str, list[str], tuple[str, ...]]]:
    """Fact, way of falling into a period, the measures summed together, and dimensions: none, all of its own, and these with each of another fact."""
    together: dict[tuple[str, str], list[str]] = {}
    for metric in METRICS.values():
        if isinstance(metric, Measure):
            together.setdefault((metric.fact, metric.when), []).append(metric.name)
    for (fact, when), names in together.items():
        shared = [d for d in of(names[0]).dimensions if all(d in of(name).dimensions for name in names)]
        elsewhere = [dimension for dimension, _ in compiled.moved(of(names[0]), shared)]
        plain = tuple(d for d in shared if d not in elsewhere)
        yield fact, when, names, ()
        yield fact, when, names, plain
        for dimension in elsewhere:
            yield compiled.fact_of(of(names[0]), [dimension]), when, names, (*plain, dimension)


def of(name: str) -> Measure:
    """The measure of that name."""
    metric = METRICS[name]
    assert isinstance(metric, Measure)
    return metric


# The portable subset ----------------------------------------------------------------------------------------------------


def test_every_expression_is_portable(expressions: dict[str, Any]) -> None:
    assert {name: why for name, expression in expressions.items() if (why := refusals(expression))} == {}


def test_nothing_escapes_the_walk(expressions: dict[str, Any]) -> None:
    """Every fact, and every measure summed and opened; the functions that facts share are walked where they are used."""
    assert set(catalogue()) - set(facts()) <= {
        "with_account",
        "converted",
        "rated",
        "nearest",
        "half_up",
        "multiples",
        "micros_to_money",
        "dated",
        "month_name",
    }
    for name, metric in METRICS.items():
        if isinstance(metric, Measure):
            assert any(words.endswith(f" {name} opened") for words in expressions), name
    assert {f"{fact} {when} by - summed" for fact, when, _, dimensions in groups() if not dimensions} <= set(expressions)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_expression_compiles(expressions: dict[str, Any], dialect: str) -> None:
    for name, expression in expressions.items():
        if not name.endswith(" opened") and " by - " not in name:  # what is opened or not split is a part of what is summed and split
            assert "SELECT" in str(ibis.to_sql(expression, dialect=dialect)), name


T = ibis.table(
    {"n": "int64", "m": "int64", "money": "decimal(18,6)", "at": "timestamp", "on": "date", "said": "string", "ours": "boolean", "raw": "json"},
    name="t",
)
BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a zone": (lambda: T.select(x=T["at"].cast("timestamp('Europe/Rome')")), "an instant with a zone"),
    "a zone, then its date": (lambda: T.select(x=T["at"].cast("timestamp('UTC')").date()), "an instant with a zone"),
    "the date of an instant": (lambda: T.select(x=T["at"].date()), "a date of an instant"),
    "an instant cast to a date": (lambda: T.filter(T["at"].cast("date") == T.on), "a date of an instant"),
    "the month of an instant": (lambda: T.group_by(T["at"].month().name("month")).aggregate(n=T.count()), "a date of an instant"),
    "an instant cut off": (lambda: T.select(x=T["at"].truncate("D")), "a date of an instant"),
    "an ordered first": (lambda: T.group_by("n").aggregate(x=T.said.first(order_by=T["at"])), "First: order and IGNORE NULLS"),
    "an ordered last": (lambda: T.select(x=T.said.last(order_by=T["at"]).over(group_by="n")), "Last: order and IGNORE NULLS"),
    "the first in a window": (lambda: T.select(x=T.said.first().over(order_by=T["at"])), "First: order and IGNORE NULLS"),
    "a list without nulls": (lambda: T.aggregate(x=T.said.collect()), "ArrayCollect: order and IGNORE NULLS"),
    "any value": (lambda: T.aggregate(x=T.said.arbitrary()), "Arbitrary: order"),
    "the row with the most": (lambda: T.aggregate(x=T.said.argmax(T.n)), "ArgMax: order"),
    "a division": (lambda: T.select(x=(T.n / T.m).round(6).cast("decimal(18,6)")), "a division"),
    "a decimal cast after a division": (lambda: T.select(x=(T.money / T.n).cast("decimal(18,6)")), "a division"),
    "two divisions": (lambda: T.select(x=(T.n / T.m / 12).round().cast("int64")), "a division"),
    "two divisions apart": (lambda: T.mutate(x=T.n / T.m).select(y=(_.x / 12).round()), "a division"),
    "a division of decimals": (lambda: T.select(x=(T.money / 7).round().cast("int64")), "a division"),
    "a division cut off": (lambda: T.select(x=((T.n - T.n % 7) / 7).cast("int64")), "a division"),
    "a floor division": (lambda: T.select(x=T.n // 7), "a division"),
    "a decimal cut off": (lambda: T.select(x=T.money.cast("int64")), "a cast to a whole number"),
    "json": (lambda: T.select(x=T.raw["a"].str), "JSON"),
    "a text to json": (lambda: T.select(x=T.said.cast("json")), "JSON"),
    "a boolean as a decimal": (lambda: T.select(x=T.ours.cast("decimal(18,6)")), "a boolean cast to a decimal"),
    "a double": (lambda: T.select(x=T.n.cast("float64")), "a cast to DOUBLE"),
    "an average": (lambda: T.group_by("said").aggregate(x=T.n.mean()), "the output x is a DOUBLE"),
    "an uncast sum": (lambda: T.group_by("n").aggregate(x=T.money.sum()), "the output x is a sum that is not cast back"),
    "an uncast sum plus": (lambda: T.group_by("n").aggregate(x=T.money.sum() + 1), "the output x is a sum that is not cast back"),
    "an uncast sum handed on": (
        lambda: T.group_by("n").aggregate(s=T.money.sum()).filter(_.n > 1).select(x=_.s),
        "the output x is a sum that is not",
    ),
    "an uncast running sum": (lambda: T.select(x=T.money.sum().over(order_by=T["at"])), "the output x is a sum that is not cast back"),
    "an asof join": (lambda: T.asof_join(T.view(), "at", "n"), "asof_join"),
    "a host": (lambda: T.select(x=T.said.host()), "a function of an address"),
    "a query": (lambda: T.select(x=T.said.query("utm_source")), "a function of an address"),
    "a quantile": (lambda: T.aggregate(x=T.n.quantile(0.9).round()), "Quantile: estimated"),
    "a median": (lambda: T.aggregate(x=T.n.approx_median()), "ApproxMedian: estimated"),
    "a regular expression": (lambda: T.filter(T.said.re_search("^a")), "a regular expression"),
    "a text read as a date": (lambda: T.select(x=T.said.cast("date")), "a text cast to a number or date"),
    "a text read by a format": (lambda: T.select(x=T.said.as_date("%d/%m/%Y")), "StringToDate: formats"),
    "a date written": (lambda: T.select(x=T.on.strftime("%Y")), "Strftime: formats"),
    "a decimal times 0": (lambda: T.select(x=T.ours.ifelse(T.money, T.money * 0)), "a decimal times 0"),
    "a decimal with an exponent": (
        lambda: T.select(x=ibis.coalesce(T.money, ibis.literal(Decimal(0), "decimal(19,12)"))),
        "written with an exponent",
    ),
    "microseconds between instants": (lambda: T.select(x=T["at"].delta(T["at"], unit="microsecond")), "a difference of instants"),
    "days between instants": (lambda: T.select(x=T["at"].delta(T["at"], unit="day")), "a difference of instants"),
    "a sign": (lambda: T.select(x=T.n.sign().cast("int64")), "sign()"),
    "deep inside": (
        lambda: T.filter(T.n.isin(T.filter(T["at"].date() == T.on).n)).group_by("said").aggregate(x=_.n.sum().cast("int64")),
        "a date of an instant",
    ),
}
"""What is forbidden: an expression that holds it, and what is said of it."""


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_portable_is_refused(what: str) -> None:
    make, why = BAD[what]
    assert any(why in said for said in refusals(make())), refusals(make())


def test_what_is_portable_is_not_refused() -> None:
    nth = ibis.row_number().over(group_by="n", order_by=[T["at"], T.said])
    kept = T.drop("raw").mutate(nth=nth, halves=half_up(T.n, T.m), micros=(T.money * 1_000_000).cast("int64")).filter(_.nth == 0)
    summed = kept.group_by("said").aggregate(
        x=kept.money.sum().cast("decimal(28,6)"),
        rows=kept.ours.ifelse(1, 0).sum().cast("int64"),
        y=(kept.money * kept.halves).round(6).cast("decimal(18,6)").max(),
        year=kept.on.year().min(),
        seconds=kept["at"].delta(ibis.timestamp("1970-01-01 00:00:00"), unit="second").min(),
    )
    assert refusals(summed) == []


# The same answers on two engines ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def cluster() -> Iterator[Callable[[Asker], Asker]]:
    """The same ledger asked on a cluster, as another person's session there."""
    open_: list[SparkConnect] = []

    def asked_there(asker: Asker) -> Asker:
        open_.append(SparkConnect(sail()))
        return Asker(asker.ledger, open_[-1])

    yield asked_there
    for engine in open_:
        engine.close()


@dataclass(frozen=True)
class Said:
    """An answer as it can be compared."""

    metric: str
    period: str
    segment: tuple[tuple[str, str], ...]
    value: Decimal | None
    parts: tuple[tuple[str, Decimal | None], ...]
    complete: bool
    notes: tuple[str, ...]

    @classmethod
    def by(cls, answer: Answer) -> "Said":
        """What an answer says."""
        parts = tuple((name, None if value is None else Decimal(value)) for name, value in answer.parts.items())
        value = None if answer.value is None else Decimal(answer.value)
        return cls(answer.metric, answer.period.label, tuple(answer.segment.items()), value, parts, answer.complete, answer.notes)


def differing(here: Asker, there: Asker, by: tuple[str, ...], *periods: str) -> list[tuple[Said | None, Said | None]]:
    names = tuple(name for name in METRICS if all(set(by) <= set(of(leaf).dimensions) for leaf in leaves(name)))
    question = Question(names, tuple(period(text) for text in periods), by)
    one, two = ([Said.by(answer) for answer in asker.ask(question)] for asker in (here, there))
    assert one
    return [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cluster_answers_what_the_embedded_engine_does(companies: dict[int, Asker], cluster: Callable[[Asker], Asker], seed: int) -> None:
    there = cluster(companies[seed])
    for by in ((), ("channel",), ("cohort", "age"), ("term", "tenure")):
        assert differing(companies[seed], there, by, *PERIODS) == [], by


def test_so_it_does_where_history_is_built_month_by_month(
    companies: dict[int, Asker], cluster: Callable[[Asker], Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "ONE_PART", 0)
    whole, there = companies[SEEDS[0]], cluster(companies[SEEDS[0]])
    question = Question(("visitors", "visits", "pageviews"), tuple(period(text) for text in PERIODS), ("channel",))
    parted = there.ask(question)
    assert len(there.state()[1].parts) > 1
    monkeypatch.undo()
    assert [Said.by(answer) for answer in parted] == [Said.by(answer) for answer in whole.ask(question)]


@pytest.mark.parametrize("customer_from", ["deals", "stages"])
def test_so_it_does_whatever_makes_a_customer(cluster: Callable[[Asker], Asker], tmp_path: Path, customer_from: str) -> None:
    asked, tables = random_company(2, 6)
    rows = {name: rows for name, rows in tables.items() if name in ("people", "accounts", "stages", "deals")}
    here = imported(replace(asked, customer_from=customer_from), rows, tmp_path)
    question = Question(("customers", "new_customers"), (period("2025-05"), period("2025-Q2")), ("channel",))
    one, two = ([Said.by(answer) for answer in asker.ask(question)] for asker in (here, cluster(here)))
    assert one == two
    assert any(said.value for said in one)


def test_numbers_open_to_the_same_rows(companies: dict[int, Asker], cluster: Callable[[Asker], Asker]) -> None:
    here = companies[SEEDS[0]]
    there = cluster(here)
    for name in ("visitors", "mrr", "cac"):
        one, two = (explain.explain(asker, name, period("2025-02")) for asker in (here, there))
        assert all(check.holds for check in two.checks)
        assert one.value == two.value
        assert sorted(map(repr, map(sorted, map(dict.items, one.rows)))) == sorted(map(repr, map(sorted, map(dict.items, two.rows))))


def test_whole_numbers_are_divided_exactly_on_both() -> None:
    """Every size, up to where twice the number still fits: a DOUBLE alone is off from 3 × 10¹⁵ on, and cut off from 3 × 10¹³ on."""
    random = Random(1)
    rows: list[tuple[int, int, int]] = []
    while len(rows) < 5_000:
        amount, by = random.randrange(10 ** random.randrange(1, 19)) * random.choice((1, -1)), random.choice((1, 2, 3, 7, 12, 24, 31, 365, 366))
        if abs(amount) * 2 + by < 2**63:
            rows.append((len(rows), amount, by))
    rows += [(len(rows) + n, n - 10, 4) for n in range(21)]
    table = ibis.table({"row": "int64", "amount": "int64", "by": "int64"}, name="divided")
    expression = table.select("row", quotient=half_up(table.amount, table.by))
    expected = {row: (1 if amount >= 0 else -1) * floor(Fraction(abs(amount), by) + Fraction(1, 2)) for row, amount, by in rows}
    there = SparkConnect(sail())
    for engine in (DuckDB(), there):
        engine.put("divided", {"row": "int64", "amount": "int64", "by": "int64"}, rows)
        assert dict(engine.run(str(ibis.to_sql(expression, dialect=engine.dialect)))) == expected
    there.close()


def test_every_day_has_its_date_on_both() -> None:
    first = date(1900, 3, 1)
    days = [first + timedelta(days=n) for n in range((date(2100, 3, 1) - first).days)]
    table = ibis.table({"day": "int32"}, name="numbered")
    expression = dated(table, "day", "month", "dom")
    expression = expression.mutate(name=month_name(expression.month))
    expected = {number(day): (12 * day.year + day.month, day.day, f"{day:%Y-%m}") for day in days}
    there = SparkConnect(sail())
    for engine in (DuckDB(), there):
        engine.put("numbered", {"day": "int32"}, [(day,) for day in expected])
        assert {day: tuple(told) for day, *told in engine.run(str(ibis.to_sql(expression, dialect=engine.dialect)))} == expected
    there.close()


def test_the_articles_numbers_on_both(cluster: Callable[[Asker], Asker], tmp_path: Path) -> None:
    """Its MRR: one customer at 150, two at 300, two at 500 make 1,750; and costs of 1,000 among them make a CAC of 200."""
    prices = (150, 300, 300, 500, 500)
    stretches = "".join(f"s{n},a{n},2025-01-15,,{price},EUR,month\n" for n, price in enumerate(prices))
    here = project(
        tmp_path,
        {
            "subscriptions": f"subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n{stretches}",
            "spend": "day,channel,kind,amount,currency\n2025-01-02,,salary,600,EUR\n2025-01-03,Email,tool,400,EUR",
            "searches": "month,brand,ours,volume\n2025-01,acme,true,1\n2025-01,rival,false,2",
        },
        company("Europe/Rome"),
    )
    for asker in (here, cluster(here)):
        values = {answer.metric: answer.value for answer in ask(asker, "mrr new_mrr cac arpa share_of_search customers", "2025-01")}
        assert values == {"mrr": 1750, "new_mrr": 1750, "cac": 200, "arpa": 350, "share_of_search": Decimal(1) / 3, "customers": 5}


# The SQL as it is ---------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "sql"
ASKED_FOR = {
    "mrr": (("mrr",), ()),
    "visitors_by_channel": (("visitors",), ("channel",)),
    "acquisition_cost": (("acquisition_spend",), ("channel",)),
    "leads": (("leads",), ()),
    "nrr": (("nrr",), ()),
    "pipeline": (("pipeline_value", "weighted_pipeline"), ()),
}
"""Typical questions of a month, by the name of the file that holds their SQL."""


@pytest.mark.parametrize("name", ASKED_FOR)
def test_a_question_compiles_to_the_sql_that_was_read(companies: dict[int, Asker], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """After a change that is meant: FARI_UPDATE_GOLDEN=1, and read the difference."""
    asker = companies[SEEDS[0]]
    metrics, by = ASKED_FOR[name]
    question = Question(metrics, (period("2025-02"),), by)
    asker.ask(replace(question, periods=(period("2025-01"),)))  # so that the facts are there
    queries: list[str] = []
    run = asker.engine.run

    def heard(sql: str) -> Any:
        queries.append(sql)
        return run(sql)

    monkeypatch.setattr(asker.engine, "run", heard)
    asker.ask(question)
    text = "".join(f"{query.rstrip()};\n\n" for query in queries).rstrip() + "\n"
    golden = GOLDEN / f"{name}.sql"
    if os.environ.get("FARI_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
