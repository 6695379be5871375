"""What holds of every metric, found by discovery: a new one is checked here without a line of its own."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest
from tests.against_oracle import fari_company
from tests.projects import ask, bring, project, values, write
from tests.random_company import Tables as Rows
from tests.random_company import random_company
from tests.random_company import write as write_tables

from fari.company import Company
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.engine.periods import parse as period_of
from fari.errors import FariError, UsageError
from fari.ledger.schema import TABLES
from fari.ledger.store import SYSTEM, Ledger
from fari.metrics import DIMENSIONS, METRICS, listed
from fari.metrics.kinds import GIVEN, Formula, Good, Measure, Spread, Stage, Unit, leaves

CONTRACT = """visitors visits pageviews signups leads mqls sqls opportunities new_customers visitor_to_lead_rate lead_to_mql_rate
mql_to_sql_rate sql_to_customer_rate mql_to_customer_rate lead_conversion_rate lead_conversion_rate_cohort
visitor_to_signup_rate signup_to_customer_rate customers churned_customers
reactivated_customers customer_churn_rate annual_churn_rate churned_to_new_ratio customer_lifetime_months mrr new_mrr
expansion_mrr contraction_mrr churned_mrr reactivation_mrr arpa arr expansion_share gross_revenue_churn_rate
net_revenue_churn_rate nrr grr quick_ratio spend acquisition_spend media_spend cac cac_media cac_paid cost_per_lead cost_per_mql cost_per_sql
cost_per_signup cac_payback_months clv clv_cac_ratio roi renewals_due renewal_rate
pipeline_value weighted_pipeline pipeline_created trial_conversion_rate share_of_search""".split()
"""The names of the contract, in its order."""

SEEDS = (3, 4)
"""Random companies that between them have every table."""

PERIODS = ("2024-12", "2025-01", "2025-02", "2025-03", "2025-Q1", "2025-W07", "2025-03-31")
QUARTER = ("2025-01", "2025-02", "2025-03")


def dimensions(name: str) -> set[str]:
    """The dimensions that every input of a metric has."""
    every = [set(measure(leaf).dimensions) for leaf in leaves(name)]
    return set.intersection(*every)


def measure(name: str) -> Measure:
    """The measure of that name."""
    metric = METRICS[name]
    assert isinstance(metric, Measure)
    return metric


def splitting(dimension: str) -> tuple[str, ...]:
    """All metrics that can be split by a dimension."""
    return tuple(name for name in METRICS if dimension in dimensions(name))


# What a metric says of itself -------------------------------------------------------------------------------------------


def test_all_names_of_the_contract_exist_in_its_order() -> None:
    assert listed()[: len(CONTRACT)] == CONTRACT
    assert set(CONTRACT) <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_it_says_what_it_is(name: str) -> None:
    metric = METRICS[name]
    assert metric.name == name
    assert metric.unit in get_args(Unit)
    assert metric.good in get_args(Good)
    assert metric.stage in get_args(Stage)
    assert metric.version >= 1
    sentence = metric.doc.split("\n\n")[0]
    assert sentence[0].isupper()
    assert sentence.rstrip().endswith("."), sentence
    assert "Source: " in metric.doc or not metric.listed
    example = [line for line in metric.doc.splitlines() if line.startswith(">>> ")]
    assert any(f"{name}(" in line or f'ask("{name}", ' in line for line in example)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if isinstance(metric, Measure)])
def test_a_measure_knows_its_dimensions_and_what_it_needs(name: str) -> None:
    metric = measure(name)
    assert set(metric.dimensions) <= set(DIMENSIONS)
    assert set(metric.reach) <= set(metric.dimensions)
    assert metric.needs in {*TABLES, "funnel", "customers"}
    for beside in metric.beside:
        assert set(metric.dimensions) <= set(measure(beside).dimensions), "a filter must apply to what is told beside"
    # What is dated adds up; what must lie in a period whole may: a month's searches do, a customer won in one month and lost in another does not.
    assert metric.adds_over_periods or metric.when != "during"
    assert not metric.adds_over_periods or metric.when in ("during", "within")


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if not isinstance(metric, Measure)])
def test_a_formula_names_its_inputs(name: str) -> None:
    metric = METRICS[name]
    assert metric.inputs
    assert {one.removeprefix("total_") for one in metric.inputs} <= {*METRICS, *GIVEN}
    assert all(isinstance(METRICS[leaf], Measure) for leaf in leaves(name))


@pytest.mark.parametrize("name", METRICS)
def test_it_refuses_a_dimension_that_an_input_lacks_and_names_the_input(name: str, nobody: Asker) -> None:
    for dimension in DIMENSIONS:
        lacking = [leaf for leaf in leaves(name) if dimension not in measure(leaf).dimensions]
        for question in (Question((name,), (period_of("2025-03"),), by=(dimension,)), Question((name,), (), where=((dimension, ("x",)),))):
            if not lacking:
                nobody.ask(question)
                continue
            with pytest.raises(FariError) as refused:
                nobody.ask(question)
            assert not isinstance(refused.value, UsageError), "refused: exit status 1, where wrong usage is 2"
            assert dimension in str(refused.value)
            assert any(leaf in str(refused.value) for leaf in lacking)


# Nothing is known -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """A company that has imported nothing."""
    return Asker(Ledger(tmp_path_factory.mktemp("nobody"), Company()))


@pytest.mark.parametrize("period", PERIODS)
def test_an_empty_ledger_gives_null_and_says_why(nobody: Asker, period: str) -> None:
    answers = ask(nobody, " ".join(METRICS), period)
    assert [answer.metric for answer in answers] == list(METRICS)
    for answer in answers:
        assert answer.value is None
        assert any(note.startswith("no source covers ") for note in answer.notes), answer
        assert not answer.complete


def test_what_is_covered_and_has_no_rows_is_0_and_a_ratio_of_it_is_null_with_a_reason(tmp_path: Path) -> None:
    tables = {
        "events": "type,timestamp,anonymousId\ntrack,2025-01-05T10:00:00Z,d\ntrack,2025-04-05T10:00:00Z,d",
        "stages": "person_id,stage,at\np,rejected,2025-01-05",
        "subscriptions": "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\ns,a,2025-01-05,2025-01-06,0,EUR,month",
        "spend": "day,amount,currency\n2025-01-05,0,EUR",
        "deals": "deal_id,created_at,status\nd,2025-01-05,lost",
        "searches": "month,brand,ours,volume\n2025-01,Acme,true,0",
    }
    for answer in ask(project(tmp_path, tables), " ".join(METRICS), "2025-03"):
        if not isinstance(METRICS[answer.metric], Formula):
            assert answer.value == 0, answer
        elif answer.metric != "arr":
            assert answer.value is None
            assert answer.notes, answer


# Random companies -------------------------------------------------------------------------------------------------------


@dataclass
class Random:
    """A random company, imported, and what it was made of."""

    company: Company
    tables: Rows
    asker: Asker

    def answers(self, names: Sequence[str], periods: Sequence[str], by: str = "", where: Mapping[str, str] | None = None) -> list[Answer]:
        """Answers by name of metric and period."""
        return ask(self.asker, " ".join(names), *periods, by=by, where=where)


@pytest.fixture(scope="module", params=SEEDS)
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Random:
    """A random company, imported."""
    made, tables = random_company(request.param, 10)
    tables = {table: _kept(table, rows) for table, rows in tables.items()}
    whose = fari_company(made)
    folder = tmp_path_factory.mktemp(f"company{request.param}")
    ledger = Ledger(folder, whose)
    bring(ledger, write_tables(tables, folder / "files"), today=made.today)
    return Random(whose, tables, Asker(ledger))


def _kept(table: str, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The rows of which none overrides an earlier one of its key: those mean something by their order."""
    if table in ("events", "series", "spend", "stages", "feedback", "searches"):
        return [dict(row) for row in rows]
    return list({tuple(str(row.get(column, "")) for column in TABLES[table].key): dict(row) for row in rows}.values())


Value = Decimal | int | None
Told = dict[tuple[str, Period, tuple[str, ...]], tuple[Value, tuple[str, ...], bool]]


def told(answers: Sequence[Answer]) -> Told:
    """What answers say, by metric, period and segment."""
    return {(a.metric, a.period, tuple(a.segment.values())): (a.value, a.notes, a.complete) for a in answers}


def everything(asker: Asker) -> Told:
    """All metrics in all periods, whole and by every dimension."""
    found = told(ask(asker, " ".join(METRICS), *PERIODS))
    for dimension in DIMENSIONS:
        found |= told(ask(asker, " ".join(splitting(dimension)), *PERIODS, by=dimension))
    return found


def test_random_companies_have_something_to_tell(one: Random) -> None:
    told_of = {a.metric for a in one.answers(list(METRICS), QUARTER) if a.value}
    assert len(told_of) > len(METRICS) / 2


def shuffled(tables: Rows, seed: int) -> Rows:
    """The same rows in another order, tables too."""
    dice = random.Random(seed)
    return {table: dice.sample(tables[table], len(tables[table])) for table in dice.sample(list(tables), len(tables))}


def test_order_of_rows_and_files_and_a_second_import_change_nothing(one: Random, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, one.company)
    today = one.asker.ledger.imports()[0].recorded_on
    for turn in (1, 2):
        bring(ledger, write_tables(shuffled(one.tables, turn), tmp_path / f"files{turn}"), today=today)
    assert everything(Asker(ledger)) == everything(one.asker)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_with_what_its_table_requires_is_stored_and_known_when_it_comes_again(table: str, tmp_path: Path) -> None:
    day = "2025-03-03"
    texts = {"text": "x", "money": "12", "rate": "1.5", "integer": "2", "flag": "true", "date": day, "month": day[:7], "instant": day}
    columns = [column for column in TABLES[table].columns if column.required or column.name == "person_id"]
    row = {column.name: column.choices[0] if column.choices else "EUR" if column.name == "currency" else texts[column.type] for column in columns}
    ledger = Ledger(tmp_path, Company())
    for kept in ({"new": 1, "unchanged": 0}, {"new": 0, "unchanged": 1}):
        (report,) = bring(ledger, write(tmp_path, {table: f"{','.join(row)}\n{','.join(row.values())}"}), as_=table)
        assert report.tables[table] == {"changed": 0, "withdrawn": 0} | kept
    assert [act.tables[table]["rows"] for act in ledger.imports()] == [1]
    assert {column.name for column in TABLES[table].columns}.isdisjoint(SYSTEM)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_what_adds_up_over_a_dimension_does(one: Random, dimension: str) -> None:
    additive = [name for name in splitting(dimension) if not isinstance(METRICS[name], Formula) and dimension not in reaching(name)]
    whole = {(a.metric, a.period): a.value for a in one.answers(additive, PERIODS)}
    parts: dict[tuple[str, Period], Value] = {}
    for answer in one.answers(additive, PERIODS, by=dimension):
        if answer.value is not None:
            parts[answer.metric, answer.period] = (parts.get((answer.metric, answer.period)) or 0) + answer.value
    for key, value in whole.items():
        assert parts.get(key, 0) == (value or 0), key


def reaching(name: str) -> set[str]:
    """The dimensions over which a metric is reach."""
    return {dimension for leaf in leaves(name) for dimension in measure(leaf).reach}


def test_reach_says_so(one: Random) -> None:
    for dimension in DIMENSIONS:
        for answer in one.answers(splitting(dimension), ("2025-01",), by=dimension):
            assert any("reach" in note for note in answer.notes) == (dimension in reaching(answer.metric)), answer


def test_what_adds_up_over_periods_does_and_unique_visitors_do_not(one: Random) -> None:
    adding = [name for name, metric in METRICS.items() if metric.adds_over_periods]
    for by in ("", "channel"):
        names = [name for name in adding if not by or (by in dimensions(name) and not isinstance(METRICS[name], Spread))]
        months: dict[tuple[str, tuple[str, ...]], Value] = {}
        for answer in one.answers(names, QUARTER, by=by):
            key = answer.metric, tuple(answer.segment.values())
            months[key] = (months.get(key) or 0) + (answer.value or 0)
        for answer in one.answers(names, ("2025-Q1",), by=by):
            assert (answer.value or 0) == months.pop((answer.metric, tuple(answer.segment.values())), 0), answer
        assert not any(months.values()), months
    monthly = sum(a.value or 0 for a in one.answers(["visitors"], QUARTER))
    (quarter,) = one.answers(["visitors"], ("2025-Q1",))
    assert quarter.value is not None
    assert quarter.value < monthly


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_filter_gives_the_number_of_the_segments_row(one: Random, dimension: str) -> None:
    names = splitting(dimension)
    rows = told(one.answers(names, ("2025-01", "2025-Q1"), by=dimension))
    for segment in sorted({key[2][0] for key in rows}):
        for answer in one.answers(names, ("2025-01", "2025-Q1"), where={dimension: segment}):
            # A segment of which nothing is known has no row of its own: it is 0, or null for a reason.
            if row := rows.get((answer.metric, answer.period, (segment,))):
                assert (answer.value, answer.notes, answer.complete) == row, answer
            else:
                assert not answer.value, answer


def test_a_filter_on_one_dimension_keeps_the_rows_of_another(one: Random) -> None:
    names = [name for name in METRICS if {"channel", "country"} <= dimensions(name)]
    both = told(one.answers(names, ("2025-Q1",), by="channel country"))
    for country in sorted({key[2][1] for key in both}):
        for answer in one.answers(names, ("2025-Q1",), by="channel", where={"country": country}):
            row = both.get((answer.metric, answer.period, (answer.segment["channel"], country)))
            assert answer.value == row[0] if row else not answer.value, answer


def test_answers_come_by_metric_as_asked_then_period_then_segment(one: Random) -> None:
    names, periods = ("mrr", "cac", "arpa", "leads"), ("2025-03", "2025-01", "2025-Q1")
    answers = one.answers(names, periods, by="channel campaign")
    asked = [period_of(period) for period in periods]
    order = [(names.index(a.metric), asked.index(a.period), tuple(a.segment.values())) for a in answers]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert all(tuple(a.segment) == ("channel", "campaign") for a in answers)


def test_money_has_a_currency_and_nothing_else_has(one: Random) -> None:
    for answer in one.answers(list(METRICS), ("2025-01",)):
        assert answer.unit == METRICS[answer.metric].unit
        assert answer.currency == ("EUR" if answer.unit == "money" else None)
        assert answer.version == METRICS[answer.metric].version


def test_a_formula_is_its_arithmetic_on_its_parts(one: Random) -> None:
    for answer in one.answers([n for n, m in METRICS.items() if isinstance(m, Formula) and not set(m.inputs) & set(GIVEN)], QUARTER):
        formula = METRICS[answer.metric]
        assert isinstance(formula, Formula)
        assert tuple(answer.parts) == formula.inputs
        if answer.value is not None:
            assert formula.function(*(Decimal(value) for value in answer.parts.values() if value is not None)) == answer.value
        else:
            assert answer.notes, answer


# The article's own arithmetic, from files -------------------------------------------------------------------------------

TERMS = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n"


def subscriptions(count: int, prefix: str, starts: str, ends: str = "", amount: int = 500) -> str:
    """So many monthly subscriptions with the same terms."""
    return "".join(f"{prefix}{n},{prefix}{n},{starts},{ends},{amount},EUR,month\n" for n in range(count))


def test_10_customers_of_200_leads_are_5_percent(tmp_path: Path) -> None:
    leads = "".join(f"p{n},{'mql' if n < 50 else 'lead'},2025-03-{n % 28 + 1:02d}\n" for n in range(200))
    asker = project(tmp_path, {"stages": "person_id,stage,at\n" + leads, "subscriptions": TERMS + subscriptions(10, "a", "2025-03-10")})
    assert values(asker, "leads new_customers lead_conversion_rate mql_to_customer_rate", "2025-03") == [200, 10, Decimal("0.05"), Decimal("0.2")]


def test_250_lost_of_5000_won_are_5_percent_of_the_new(tmp_path: Path) -> None:
    terms = TERMS + subscriptions(4750, "stays", "2025-03-10") + subscriptions(250, "leaves", "2025-03-10", "2025-03-25")
    asker = project(tmp_path, {"subscriptions": terms})
    (ratio,) = ask(asker, "churned_to_new_ratio", "2025-03")
    assert ratio.parts == {"churned_customers": 250, "new_customers": 5000}
    assert ratio.value == Decimal("0.05")
    (rate,) = ask(asker, "customer_churn_rate", "2025-03")  # over customers at the start there is no such rate
    assert (rate.value, rate.notes) == (None, ("opening_customers is 0 in this period",))


def test_1_times_150_2_times_300_and_2_times_500_are_1750_a_month(tmp_path: Path) -> None:
    terms = TERMS + "".join(subscriptions(n, f"at{price}-", "2025-03-01", amount=price) for n, price in ((1, 150), (2, 300), (2, 500)))
    assert values(project(tmp_path, {"subscriptions": terms}), "mrr customers arpa arr", "2025-03") == [1750, 5, 350, 21_000]


def test_100_000_spent_on_200_customers_are_500_each(tmp_path: Path) -> None:
    spend = "day,kind,amount,currency\n2025-03-01,ads,40000,EUR\n2025-03-31,salary,60000,EUR\n"
    asker = project(tmp_path, {"subscriptions": TERMS + subscriptions(200, "a", "2025-03-10"), "spend": spend})
    assert values(asker, "acquisition_spend new_customers cac cac_media", "2025-03") == [100_000, 200, 500, 200]


def test_5_percent_churn_are_20_months_and_at_500_a_month_10_000(tmp_path: Path) -> None:
    terms = TERMS + subscriptions(190, "stays", "2025-01-01") + subscriptions(10, "leaves", "2025-01-01", "2025-03-31")
    asker = project(tmp_path, {"subscriptions": terms})
    names = "churned_customers customer_churn_rate customer_lifetime_months mrr arpa clv"
    assert values(asker, names, "2025-03") == [10, Decimal("0.05"), 20, 95_000, 500, 10_000]
    (annual,) = values(asker, "annual_churn_rate", "2025-03")
    assert abs(Fraction(annual or 0) - (1 - Fraction(95, 100) ** 12)) < Fraction(1, 10**20)
