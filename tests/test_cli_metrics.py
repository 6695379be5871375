"""`fari metrics` and `fari explain`: questions as they are typed, answers as people and programs read them."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.commands import Fari, Said, run, write_project

KEYS = ["metric", "from", "until", "grain", "segment", "value", "unit", "currency", "parts", "low", "high", "complete", "notes"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("acme")
    paths = write_project(home)
    assert run(["import", *paths], home).status == 0
    return home


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], folder: Path) -> Fari:
    return Fari(capsys, folder)


def values(said: Said) -> list[object]:
    assert said.status == 0
    return [answer["value"] for answer in said.json]


def ask(fari: Fari, *typed: str) -> Said:
    return fari("metrics", *typed, "--format", "json")


def test_json_has_the_keys_of_the_contract_in_their_order(fari: Fari) -> None:
    said = ask(fari, "mrr", "cac", "--from", "2025-03", "--to", "2025-04")
    assert [list(answer) for answer in said.json] == [KEYS] * 4
    assert [(a["metric"], a["from"], a["until"], a["grain"]) for a in said.json] == [
        ("mrr", "2025-03-01", "2025-04-01", "month"),
        ("mrr", "2025-04-01", "2025-05-01", "month"),
        ("cac", "2025-03-01", "2025-04-01", "month"),
        ("cac", "2025-04-01", "2025-05-01", "month"),
    ]
    cac = said.json[2]
    assert (cac["segment"], cac["value"], cac["unit"], cac["currency"], cac["complete"], cac["notes"]) == ({}, 500, "money", "EUR", True, [])
    assert cac["parts"] == {"acquisition_spend": 1000, "new_customers": 2}
    undefined = said.json[3]
    assert undefined["value"] is None
    assert undefined["notes"] == ["new_customers is 0 in this period"]


def test_numbers_have_all_their_digits_and_nothing_else(fari: Fari) -> None:
    said = ask(fari, "mrr", "cac", "customer_churn_rate", "arr", "clv", "--from", "2025-03", "--to", "2025-05")
    written = [line.partition('"value": ')[2].partition(",")[0] for line in said.out.splitlines()]
    assert written[:3] == ["300", "200", "250"]
    assert written[5] == "300.33"
    assert written[7] == "0.5"
    assert "E" not in "".join(written).upper().replace("NULL", "")
    third = ask(fari, "arpa", "churned_to_new_ratio", "--from", "2025-03", "--to", "2025-05", "--grain", "total")
    assert third.json[1]["value"] == Decimal(1) / Decimal(3)


def test_answers_come_by_metric_then_period_then_segment(fari: Fari) -> None:
    said = ask(fari, "new_customers", "mrr", "--by", "channel", "--from", "2025-03", "--to", "2025-05")
    order = [(answer["metric"], answer["from"], answer["segment"]["channel"]) for answer in said.json]
    assert order == sorted(order, key=lambda row: (["new_customers", "mrr"].index(row[0]), row[1], row[2]))
    may = {a["segment"]["channel"]: a["value"] for a in said.json if a["metric"] == "mrr" and a["from"] == "2025-05-01"}
    assert may == {"Organic Search": 200, "Paid Search": 50}


@pytest.mark.parametrize(
    ("typed", "periods"),
    [
        (["--from", "2025-03", "--to", "2025-05"], ["2025-03-01", "2025-04-01", "2025-05-01"]),
        (["--from", "2025-Q1", "--to", "2025-Q2", "--grain", "quarter"], ["2025-01-01", "2025-04-01"]),
        (["--from", "2025", "--to", "2025", "--grain", "year"], ["2025-01-01"]),
        (["--from", "2025-03-30", "--to", "2025-04-01"], ["2025-03-30", "2025-03-31", "2025-04-01"]),
        (["--from", "2025-W10", "--to", "2025-W11"], ["2025-03-03", "2025-03-10"]),
        (["--from", "2025-03", "--to", "2025-05", "--grain", "total"], ["2025-03-01"]),
        (["--from", "2025-04"], ["2025-04-01"]),
        (["--to", "2025-04"], ["2025-02-01", "2025-03-01", "2025-04-01"]),
        ([], ["2025-03-01", "2025-04-01"]),
    ],
)
def test_periods(fari: Fari, typed: list[str], periods: list[str]) -> None:
    """Data from February (a person) or March on to 20 May: the last whole month is April."""
    said = ask(fari, "mrr", *typed)
    assert said.status == 0
    begun = [answer["from"] for answer in said.json]
    assert begun == periods or (not typed and begun == ["2025-02-01", *periods])


def test_where_is_the_row_of_by(fari: Fari) -> None:
    row = [a for a in ask(fari, "cac", "--by", "channel", "--from", "2025-03", "--to", "2025-03").json if a["segment"] == {"channel": "Paid Search"}]
    assert values(ask(fari, "cac", "--where", "channel=Paid Search", "--from", "2025-03", "--to", "2025-03")) == [row[0]["value"]]
    both = ask(fari, "mrr", "--where", "channel=Paid Search", "--where", "channel=Organic Search", "--from", "2025-03", "--to", "2025-03")
    assert values(both) == [300]


def test_compare(fari: Fari) -> None:
    [april, may] = ask(fari, "mrr", "--from", "2025-04", "--to", "2025-05", "--compare", "previous").json
    assert list(april) == [*KEYS, "compared", "change", "change_rate"]
    assert april["compared"] == {"value": 300, "from": "2025-03-01", "until": "2025-04-01"}
    assert (april["change"], april["change_rate"]) == (-100, Decimal(-1) / 3)
    # The data end on 20 May: 20 days of May are held against 20 of April.
    assert may["compared"] == {"value": 200, "from": "2025-04-01", "until": "2025-04-21"}
    [one] = ask(fari, "mrr", "--from", "2025-04", "--to", "2025-04", "--compare", "2025-03").json
    assert one["compared"]["value"] == 300
    [year] = ask(fari, "mrr", "--from", "2025-04", "--to", "2025-04", "--compare", "year").json
    assert (year["compared"], year["change"]) == ({"value": None, "from": "2024-04-01", "until": "2024-05-01"}, None)
    pairs = ask(fari, "mrr", "--from", "2025-04", "--to", "2025-05", "--compare", "2025-03-01").json
    assert [answer["compared"]["from"] for answer in pairs] == ["2025-03-01", "2025-03-01"]


def test_compare_with_the_same_weekdays_and_with_two_at_once(fari: Fari) -> None:
    typed = ["mrr", "--from", "2025-04", "--to", "2025-04", "--compare"]
    [days] = ask(fari, *typed, "weekdays").json
    assert days["compared"] == {"value": 300, "from": "2025-02-25", "until": "2025-03-27"}
    [previous] = ask(fari, *typed, "previous").json
    [both] = ask(fari, *typed, "previous,weekdays").json
    assert list(both) == [*previous, "also"]
    assert {key: both[key] for key in previous} == previous
    assert both["also"] == [{key: days[key] for key in ("compared", "change", "change_rate")}]
    [row] = csv.DictReader(io.StringIO(fari("metrics", *typed, "previous,weekdays", "--format", "csv").out))
    assert [row[key] for key in ("compared_value", "compared_from_2", "compared_until_2", "change_2")] == ["300", "2025-02-25", "2025-03-27", "-100"]
    table = fari("metrics", *typed, "previous,weekdays").out
    assert "vs 2025-03" in table
    assert "vs 2025-02-25 to 2025-03-26" in table
    assert table.count("-33.3%") == 2
    [judged] = ask(fari, *typed, "previous,weekdays", "--interval", "90").json
    assert judged["verdict"] == judged["also"][0]["verdict"] == "too few"


def test_compare_names_a_segment_that_was_not_there_as_0(fari: Fari) -> None:
    said = ask(fari, "churned_customers", "--by", "plan", "--from", "2025-04", "--to", "2025-04", "--compare", "previous")
    assert [(a["segment"], a["value"], a["compared"]["value"], a["change"]) for a in said.json if a["value"]] == [({"plan": "Starter"}, 1, 0, 1)]


def test_formats_agree_to_the_digit(fari: Fari, tmp_path: Path) -> None:
    typed = ["metrics", "cac", "customer_churn_rate", "mrr", "--by", "channel", "--from", "2025-03", "--to", "2025-05", "--compare", "previous"]
    told = json.loads(fari(*typed, "--format", "json").out, parse_float=Decimal)
    rows = list(csv.DictReader(io.StringIO(fari(*typed, "--format", "csv").out)))
    assert list(rows[0]) == [
        "metric", "from", "until", "grain", "channel", "value", "unit", "currency", "parts", "low", "high", "complete", "notes",
        "compared_from", "compared_until", "compared_value", "change", "change_rate",
    ]  # fmt: skip
    assert [(r["metric"], r["from"], r["channel"], Decimal(r["value"]) if r["value"] else None, r["complete"]) for r in rows] == [
        (a["metric"], a["from"], a["segment"]["channel"], a["value"], str(a["complete"]).lower()) for a in told
    ]
    path = tmp_path / "answers.parquet"
    assert fari(*typed, "--format", "parquet", "-o", path).out == ""
    with duckdb.connect() as connection:
        kept = connection.execute('SELECT metric, channel, value, complete, CAST("from" AS VARCHAR) FROM read_parquet(?)', [str(path)]).fetchall()
    assert [(m, c, v, complete, since) for m, c, v, complete, since in kept] == [
        (a["metric"], a["segment"]["channel"], a["value"] if a["value"] is None else round(Decimal(a["value"]), 18), a["complete"], a["from"])
        for a in told
    ]


def test_parquet_goes_through_a_pipe(folder: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.commands import SRC

    command = [sys.executable, "-m", "fari", "-C", str(folder), "metrics", "mrr", "--format", "parquet"]
    data = subprocess.run(command, capture_output=True, check=True, env={"PYTHONPATH": str(SRC)}).stdout
    assert data[:4] == data[-4:] == b"PAR1"


def test_the_table_for_people(fari: Fari) -> None:
    said = fari("metrics", "mrr", "customer_churn_rate", "cac", "--from", "2025-03", "--to", "2025-04")
    lines = said.out.splitlines()
    assert lines[0].split() == ["2025-03", "2025-04"]
    assert [line.split() for line in lines[1:]] == [["mrr", "€300.00", "€200.00"], ["customer_churn_rate", "–", "50.0%"], ["cac", "€500.00", "–"]]
    assert "cac in 2025-04: new_customers is 0 in this period" in said.err
    assert "€" not in said.err


def test_the_table_by_segment_and_with_changes(fari: Fari) -> None:
    said = fari("metrics", "mrr", "--by", "channel", "--from", "2025-04", "--to", "2025-04", "--compare", "previous")
    assert [line.split() for line in said.out.splitlines()] == [
        ["2025-04", "vs", "2025-03"],
        ["mrr"],
        ["Organic", "Search", "€200.00", "0.0%"],
        *([["Paid", "Search", "€0.00", "-100.0%"]] if "Paid Search" in said.out else []),
    ]
    unfinished = fari("metrics", "mrr", "--from", "2025-05", "--to", "2025-05", "--compare", "previous")
    assert "vs 2025-04-01 to 2025-04-20" in unfinished.out
    assert "€250.00*" in unfinished.out
    assert "* the period is not over" in unfinished.err


def test_a_narrow_terminal_shows_the_last_periods() -> None:
    from datetime import date

    from fari.engine.answer import Answer
    from fari.engine.periods import cut
    from fari.surfaces.table import answers_table
    from fari.surfaces.terminal import plain

    answers = [Answer("mrr", month, {}, 1000, "money", "EUR") for month in cut(date(2025, 1, 1), date(2026, 1, 1), "month")]
    for width in (30, 80, 200):
        table, hidden = answers_table(answers, width)
        text = plain(table)
        assert max(map(len, text.splitlines())) <= width
        assert text.splitlines()[0].split()[-1] == "2025-12"
        assert len(text.splitlines()[0].split()) + hidden == 12
    assert answers_table(answers, None)[1] == 0


def test_no_name_means_every_metric_that_can_be_asked(fari: Fari) -> None:
    everything = ask(fari, "--from", "2025-03", "--to", "2025-03")
    assert len({answer["metric"] for answer in everything.json}) > 50
    said = ask(fari, "--by", "plan", "--from", "2025-03", "--to", "2025-03")
    assert said.status == 0
    assert "mrr" in {answer["metric"] for answer in said.json}
    assert "without plan left out: visitors" in said.err


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["mmr"], "did you mean 'mrr'"),
        (["mrr", "--by", "chanel"], "did you mean 'channel'"),
        (["mrr", "--from", "March"], "2025-03"),
        (["mrr", "--from", "2025-13"], "is no period"),
        (["mrr", "--from", "2025-02-30"], "is no period"),
        (["mrr", "--from", "2025-04", "--to", "2025-03"], "--from 2025-04 is after --to 2025-03"),
        (["mrr", "--grain", "months"], "did you mean 'month'"),
        (["mrr", "--compare", "last year"], "previous, year"),
        (["mrr", "--compare", "previous,year,weekdays"], "two with a comma between"),
        (["mrr", "--where", "channel"], "DIM=VALUE"),
        (["mrr", "--where", "chanel=Email"], "did you mean 'channel'"),
        (["mrr", "--rules", "strip"], "did you mean 'stripe'"),
        (["mrr", "--attribution", "last"], "only 'first'"),
        (["mrr", "--as-of", "2025-03"], "2025-03-31"),
        (["mrr", "--engine", "postgres://x"], "duckdb"),
        (["mrr", "--format", "jsn"], "did you mean 'json'"),
    ],
)
def test_wrong_usage_is_one_line_with_the_way_out(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari("metrics", *typed)
    assert said.status == 2
    assert hint in said.complaint


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["visitors", "--by", "plan"], "visitors cannot be split by plan"),
        (["visitors", "--where", "plan=Team"], "visitors cannot be split by plan"),
        (["clv_cac_ratio", "--by", "plan"], "its input acquisition_cost has no plan"),
    ],
)
def test_a_split_that_an_input_lacks_is_a_refusal(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari("metrics", *typed)
    assert said.status == 1
    assert hint in said.complaint


def test_no_cluster_is_a_refusal(fari: Fari) -> None:
    said = fari("metrics", "mrr", "--engine", "sc://127.0.0.1:1")
    assert said.status == 1
    assert "sc://127.0.0.1:1" in said.complaint


def test_an_output_file_that_cannot_be_written(fari: Fari) -> None:
    said = fari("metrics", "mrr", "--format", "json", "-o", "no/such/folder.json")
    assert said.status == 1
    assert "no/such/folder.json" in said.err


def test_explain_opens_a_number_down_to_lines_of_files(fari: Fari) -> None:
    said = fari("explain", "cac", "2025-03", "--format", "json")
    assert (said.status, said.err) == (0, "")
    opened = said.json
    assert {"metric", "value", "formula", "definition", "rules", "inputs", "rows", "checks"} <= set(opened)
    assert (opened["metric"], opened["value"]) == ("cac", 500)
    assert ("new_customers", 2, 2, 2) in [(i["metric"], i["value"], i["rows"], i["sum"]) for i in opened["inputs"]]
    origins = [row["origin"] for row in opened["rows"]]
    assert {"spend.csv:2", "spend.csv:3"} <= set(origins)
    assert opened["checks"]
    assert all(check["holds"] is True for check in opened["checks"])
    measure = fari("explain", "mrr", "2025-03", "--format", "json").json
    assert sum(row["contribution"] for row in measure["rows"]) == measure["value"] == 300


def test_explain_in_words(fari: Fari) -> None:
    said = fari("explain", "cac", "2025-03", "--where", "channel=Paid Search")
    assert said.status == 0
    assert said.out.startswith("cac 2025-03, channel Paid Search: €")
    assert "acquisition_spend / new_customers" in said.out
    assert "spend.csv:2" in said.out
    assert "holds: " in said.out


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["mmr", "2025-03"], "did you mean 'mrr'"),
        (["mrr", "2025-3"], "is no period"),
        (["mrr", "2025-03", "--where", "country"], "DIM=VALUE"),
        (["mrr", "2025-03", "--rules", "chartmogl"], "did you mean 'chartmogul'"),
        (["mrr", "2025-03", "--format", "csv"], "table, json"),
    ],
)
def test_explain_wrongly_asked(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari("explain", *typed)
    assert said.status == 2
    assert hint in said.complaint


def test_nonsense_never_becomes_a_traceback(fari: Fari) -> None:
    words = ["", "-", "--", "💥", "2025", "mrr", "=", "channel=", "../..", "NULL", "'; DROP TABLE", "\n", "9999-12", "0000", "0001-01", "9999"]
    for command in ("metrics", "explain", "undo"):
        for word in words:
            for typed in (
                [word],
                [word, word],
                ["mrr", word],
                ["mrr", "--from", word],
                ["mrr", "--to", word],
                ["mrr", "--compare", word],
                ["mrr", "--where", word],
            ):
                said = fari(command, *typed)
                assert said.status in (0, 1, 2), (command, typed)
                assert "failed unexpectedly" not in said.err, (command, typed, said.err)
