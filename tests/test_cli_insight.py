"""`fari cohorts`, `fari survival` and `fari clv`: what is typed, what is printed, in tables and for programs."""

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.commands import TOML, Fari, write_project

HEAD = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n"


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    """The project of tests.commands: a1 (March, lost on 11 April) and a2 (March) by month, a3 (May) by year; known until 20 May."""
    made = Fari(capsys, tmp_path)
    assert made("import", *write_project(tmp_path)).status == 0
    return made


@pytest.fixture
def crowd(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    """120 customers at 10 a month since January 2024; 48 have left, five on the first of each month from February on; known until December."""
    made = Fari(capsys, tmp_path)
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    ends = [f"2024-{2 + min(n // 5, 9):02d}-01" for n in range(48)] + [""] * 72
    rows = "".join(f"s{n},a{n},2024-01-01,{end},10,EUR,month\n" for n, end in enumerate(ends))
    (tmp_path / "subscriptions.csv").write_text(HEAD + rows, encoding="utf-8")
    (tmp_path / "people.csv").write_text(
        "person_id,account_id,channel\n" + "".join(f"p{n},a{n},{'Email' if n % 2 else 'Referral'}\n" for n in range(120)), encoding="utf-8"
    )
    (tmp_path / "spend.csv").write_text("day,amount,currency\n2024-12-31,1,EUR\n", encoding="utf-8")
    assert made("import", *(tmp_path / name for name in ("subscriptions.csv", "people.csv", "spend.csv"))).status == 0
    return made


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


# fari cohorts ------------------------------------------------------------------------------------------------------------


def test_cohorts_as_a_table(fari: Fari) -> None:
    said = fari("cohorts", "--from", "2025-03", "--to", "2025-04")
    assert said.status == 0
    assert [line.split() for line in said.out.splitlines()] == [
        ["won", "0", "1"],
        ["2025-03", "2", "2", "1"],
        ["2025-04", "0", "0"],
        ["all", "2", "2", "1"],
    ]
    shares = fari("cohorts", "mrr", "--from", "2025-03", "--to", "2025-03", "--share", "--by", "channel")
    assert [line.split() for line in shares.out.splitlines()] == [
        ["won", "0", "1"],
        ["Organic", "Search"],
        ["2025-03", "€200.00", "100.0%", "100.0%"],
        ["all", "€200.00", "100.0%", "100.0%"],
        ["Paid", "Search"],
        ["2025-03", "€100.00", "100.0%", "0.0%"],
        ["all", "€100.00", "100.0%", "0.0%"],
    ]


def test_cohorts_for_programs(fari: Fari) -> None:
    typed = ("cohorts", "mrr", "--from", "2025-03", "--to", "2025-05", "--by", "channel", "--where", "channel=Paid Search")
    cells = fari(*typed, "--format", "json").json
    assert [(cell["cohort"], cell["age"], cell["value"], cell["share"]) for cell in cells] == [
        ("2025-03", 0, 100, 1),
        ("2025-03", 1, 0, 0),
        ("2025-03", 2, None, None),  # May is not over
        ("2025-04", 0, 0, None),
        ("2025-04", 1, None, None),
        ("2025-04", 2, None, None),
        ("2025-05", 0, None, None),
        ("2025-05", 1, None, None),
        ("2025-05", 2, None, None),
        (None, 0, 100, 1),
        (None, 1, 0, 0),
        (None, 2, None, None),
    ]
    assert cells[1] == {
        "metric": "mrr", "cohort": "2025-03", "segment": {"channel": "Paid Search"}, "grain": "month", "age": 1, "from": "2025-04-01",
        "until": "2025-05-01", "won": 100, "value": 0, "share": 0, "unit": "money", "currency": "EUR", "notes": [],
    }  # fmt: skip
    assert (cells[2]["notes"], cells[3]["notes"]) == (["not seen yet"], ["nothing was left at age 0"])
    table = rows(fari(*typed, "--format", "csv").out)
    assert [(row["channel"], row["cohort"], row["age"], row["value"]) for row in table[:3]] == [
        ("Paid Search", "2025-03", "0", "100"),
        ("Paid Search", "2025-03", "1", "0"),
        ("Paid Search", "2025-03", "2", ""),
    ]
    quarter = fari("cohorts", "--from", "2025-Q1", "--to", "2025-Q1", "--grain", "quarter", "--format", "json").json
    assert [(cell["cohort"], cell["value"]) for cell in quarter] == [("2025-Q1", 2), (None, 2)]


# fari survival -----------------------------------------------------------------------------------------------------------


def test_survival_as_a_table(fari: Fari) -> None:
    said = fari("survival")
    assert said.status == 0
    first, empty, head, *lines = said.out.splitlines()
    assert (first, empty) == ("3 customers, 1 lost; half gone by 2 months; of their first 0 months they stay –", "")
    assert head.split() == ["watched", "lost", "still", "there"]
    # a1 was there on 1 April and not on 1 May; a2 on 15 April and 15 May; a3's first month is not over.
    assert [line.split() for line in lines] == [
        ["0", "months", "3", "0", "100%"],
        ["1", "month", "2", "0", "100%"],
        ["2", "months", "2", "1", "50%", "(1–91%)"],
    ]
    assert "watched until 2025-05-20" in said.err
    assert "fewer than 10 customers are watched from the age of 1 on" in said.err


def test_survival_for_programs(fari: Fari) -> None:
    (told,) = fari("survival", "--where", "channel=Paid Search", "--format", "json").json
    assert (told["segment"], told["customers"], told["lost"], told["median_months"]) == ({}, 2, 1, 2)
    assert told["curve"][2] == {"age": 2, "at_risk": 1, "lost": 1, "survival": 0, "low": None, "high": None}
    table = rows(fari("survival", "--by", "channel", "--format", "csv").out)
    assert [(row["channel"], row["age"], row["survival"]) for row in table] == [
        ("Organic Search", "0", "1.0"),
        ("Organic Search", "1", "1.0"),
        ("Organic Search", "2", "1.0"),
        ("Paid Search", "0", "1.0"),
        ("Paid Search", "1", "1.0"),
        ("Paid Search", "2", "0.0"),
    ]
    # As it stood at the end of April: a1 had left, but its second month was not over.
    (april,) = fari("survival", "--to", "2025-04", "--format", "json").json
    assert (april["customers"], april["lost"]) == (2, 0)
    (may,) = fari("survival", "--from", "2025-05", "--format", "json").json
    assert (may["customers"], may["lost"]) == (1, 0)


def test_curves_beside_each_other(crowd: Fari) -> None:
    said = crowd("survival", "--by", "channel")
    head, *lines = said.out.splitlines()
    assert head.split("  ")[-1].strip() == "by chance"
    assert [line.split()[0] for line in lines] == ["Email", "Referral"]
    assert "mean of first 11" in head


# fari clv ----------------------------------------------------------------------------------------------------------------


def test_clv_as_a_table(crowd: Fari) -> None:
    said = crowd("clv")
    assert said.status == 0
    head, line, _, check = said.out.splitlines()
    assert head.split() == ["arpa", "clv", "clv_fitted", "months", "leaving", "base_value"]
    assert line.split()[:2] == ["all", "€10.00"]
    assert "× 1.00" in line
    assert check.startswith("check, by month: of ")
    assert "revenue, not margin" in said.err


def test_clv_for_programs(crowd: Fari) -> None:
    told = crowd("clv", "--by", "channel", "--format", "json").json
    assert set(told) == {"answers", "checks"}
    assert [(a["metric"], a["segment"]["channel"]) for a in told["answers"]] == [
        (metric, channel) for metric in ("clv", "clv_fitted", "base_value") for channel in ("Email", "Referral")
    ]
    by_metric: dict[str, Any] = {a["metric"]: a for a in told["answers"] if a["segment"]["channel"] == "Email"}
    fitted = by_metric["clv_fitted"]
    assert fitted["parts"]["arpa"] == 10
    assert fitted["low"] < fitted["value"] < fitted["high"]
    assert abs(fitted["value"] - 10 * fitted["parts"]["lifetime_months"]) < Decimal("1e-9")
    (metrics,) = crowd("metrics", "clv", "--grain", "total", "--where", "channel=Email", "--format", "json").json
    assert by_metric["clv"]["value"] == metrics["value"]
    (check,) = told["checks"]
    assert (check["term"], check["customers"], check["then"]) == ("month", 75, {"from": "2024-11-01", "until": "2025-01-01"})
    cheap, dear = (rows(crowd("clv", "--discount", rate, "--format", "csv").out)[1] for rate in ("0.01", "0.5"))
    assert cheap["metric"] == dear["metric"] == "clv_fitted"
    assert Decimal(cheap["value"]) > Decimal(dear["value"])


def test_too_little_is_said_in_words(fari: Fari) -> None:
    said = fari("clv")
    assert said.status == 0
    assert "all: by month 2 customers are too few: 50 are needed" in said.err
    assert "no check: by month 2 customers are too few: 50 are needed" in said.out


def test_rules_of_others_are_put_in_force_and_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One of two customers of January pauses in March: churn by Fari's rules, still a customer by Stripe's."""
    fari = Fari(capsys, tmp_path)
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    stretches = "s1,a1,2024-01-01,2024-03-10,10,EUR,month,\ns1,a1,2024-03-10,,10,EUR,month,paused\ns2,a2,2024-01-01,,10,EUR,month,\n"
    (tmp_path / "subscriptions.csv").write_text(f"{HEAD.strip()},status\n{stretches}", encoding="utf-8")
    (tmp_path / "spend.csv").write_text("day,amount,currency\n2024-06-30,1,EUR\n", encoding="utf-8")
    assert fari("import", tmp_path / "subscriptions.csv", tmp_path / "spend.csv").status == 0
    typed = ("cohorts", "--from", "2024-01", "--to", "2024-01", "--format", "json")
    assert [cell["value"] for cell in fari(*typed).json if cell["cohort"] and cell["age"] < 3] == [2, 2, 1]
    assert [cell["value"] for cell in fari(*typed, "--rules", "stripe").json if cell["cohort"] and cell["age"] < 3] == [2, 2, 2]
    (own,), (theirs,) = fari("survival", "--format", "json").json, fari("survival", "--rules", "stripe", "--format", "json").json
    assert (own["lost"], theirs["lost"]) == (1, 0)
    assert "rules: stripe" not in own["notes"]
    assert "rules: stripe" in theirs["notes"]
    assert "rules: stripe" in fari("clv", "--rules", "stripe").err
    assert "rules:" not in fari("clv").err
    for command in ("cohorts", "survival", "clv"):
        assert "did you mean 'stripe'" in fari(command, "--rules", "strip").complaint


# Wrongly asked -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["cohorts", "mmr"], "did you mean 'mrr'"),
        (["cohorts", "--grain", "week"], "not of a week"),
        (["cohorts", "--grain", "moth"], "did you mean 'month'"),
        (["cohorts", "--by", "chanel"], "did you mean 'channel'"),
        (["cohorts", "--by", "cohort"], "cohort already"),
        (["cohorts", "--from", "2025-13"], "is no period"),
        (["cohorts", "--format", "parquet"], "table, json, csv"),
        (["survival", "--by", "age"], "by age already"),
        (["survival", "--where", "age=2"], "by age already"),
        (["metrics", "clv_fitted"], "`fari clv`"),
        (["survival", "--from", "2025-04", "--to", "2025-03"], "is after"),
        (["survival", "--where", "channel"], "DIM=VALUE"),
        (["clv", "--discount", "0"], "above 0"),
        (["clv", "--discount", "ten"], "--discount"),
    ],
)
def test_wrong_usage_is_one_line_with_the_way_out(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari(*typed)
    assert said.status == 2
    assert hint in said.complaint


@pytest.mark.parametrize(("typed", "dimension"), [(["survival", "--by", "device"], "device"), (["clv", "--by", "content"], "content")])
def test_a_split_that_an_input_lacks_is_refused(fari: Fari, typed: list[str], dimension: str) -> None:
    said = fari(*typed)
    assert said.status == 1
    assert dimension in said.complaint


@pytest.mark.parametrize("command", ["cohorts", "survival", "clv"])
def test_where_nothing_is_imported_or_tells_of_customers(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    fari = Fari(capsys, tmp_path)
    assert "`fari init`" in fari(command).complaint
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    said = fari(command)
    assert (said.status, "nothing is imported yet" in said.complaint) == (1, True)
    (tmp_path / "spend.csv").write_text("day,amount,currency\n2025-03-01,5,EUR\n2025-05-01,5,EUR\n", encoding="utf-8")
    assert fari("import", tmp_path / "spend.csv").status == 0
    said = fari(command)
    if command == "cohorts":
        assert (said.status, said.out) == (0, "")
        assert "nothing is known of these months yet" in said.err
    else:
        assert (said.status, "no source covers subscriptions" in said.complaint) == (1, True)


def test_metrics_have_bounds_and_changes_a_verdict_where_they_are_asked_for(fari: Fari) -> None:
    typed = ["metrics", "new_customers", "spend", "--from", "2025-03", "--to", "2025-03"]
    [won, spend] = fari(*typed, "--interval", "90", "--format", "json").json
    assert won["low"] < won["value"] == 2 < won["high"]
    assert (spend["low"], spend["high"], "verdict" in won) == (None, None, False)
    judged = fari(*typed, "--interval", "90", "--compare", "2025-05", "--format", "csv").out.splitlines()
    assert judged[0].endswith(",change_rate,verdict")
    assert [line.rsplit(",", 1)[1] for line in judged[1:]] == ["too few", "real"]
    assert "2 (0.4 to 6.3)" in fari(*typed, "--interval", "90").out
    refused = fari(*typed, "--interval", "9")
    assert (refused.status, refused.complaint) == (2, "--interval takes a percentage from 50 to 99.9, not 9")


def test_why_is_said_in_two_languages_and_adds_up_for_programs(fari: Fari) -> None:
    said = fari("why", "mrr", "2025-04")
    assert said.out.startswith("MRR fell by €100.00, from €300.00 (March 2025) to €200.00 (April 2025).\n")
    assert "subscriptions.csv:2" in said.out
    assert "fari explain churned_mrr 2025-04" in said.err
    assert fari("why", "mrr", "2025-04", "--lang", "it").out.startswith("L'MRR è sceso di 100,00")
    told = fari("why", "mrr", "2025-05", "--since", "2025-03", "--format", "json").json
    assert (told["before"]["value"], told["change"]) == (300, -50)
    assert told["sentences"][0].startswith("MRR fell")
    # The data end on 20 May: of April as many days are looked at.
    like = fari("why", "new_mrr", "2025-05", "--format", "json").json
    assert like["before"]["until"] == "2025-04-21"
    assert fari("why", "mrrr", "2025-05").status == 2
    assert fari("why", "mrr", "2025-04", "--lang", "xx").status == 2
