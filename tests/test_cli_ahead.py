"""`fari renewals` and `fari risk`: what is typed, what is printed, in tables and for programs."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from tests.commands import TOML, Fari

FILES = {
    "subscriptions.csv": """subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan,status,cancelled_on,past_due_on
s1,a1,2024-06-15,,1200,EUR,year,Team,active,,
s2,a2,2025-05-01,,50,EUR,month,Solo,past_due,,2025-05-10
s3,a3,2024-05-28,2025-05-28,600,EUR,year,Solo,active,2025-03-03,
""",
    "spend.csv": "day,amount,currency\n2025-05-20,1,EUR\n",
}
"""Known until 20 May 2025, when they are recorded."""


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    made = Fari(capsys, tmp_path)
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert made("import", *(tmp_path / name for name in FILES), "--recorded", "2025-05-20").status == 0
    return made


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_renewals_as_a_table(fari: Fari) -> None:
    said = fari("renewals", "--days", "30")
    assert said.status == 0
    top, rate, empty, head, *rest = said.out.splitlines()
    assert top == "2025-05-21 to 2025-06-19: 2 renewals due, €150.00 MRR at stake (of it €50.00 set to cancel)"
    assert rate == "renewal_rate of the year up to 2025-05-20: –"
    assert (empty, head.split()) == ("", ["due", "account", "subscription", "plan", "term", "MRR", "origin"])
    assert lines("\n".join(rest[:2])) == [
        ["2025-05-27", "a3", "s3", "Solo", "year", "€50.00", "cancelled", "2025-03-03;", "ends", "2025-05-28", "subscriptions.csv:4"],
        ["2025-06-14", "a1", "s1", "Team", "year", "€100.00", "subscriptions.csv:2"],
    ]
    assert ["2025-06-01", "to", "2025-06-19", "1", "€100.00", "€0.00", "€0.00"] in lines(said.out)
    assert "known until 2025-05-20; rules: fari" in said.err
    late = next(line for line in fari("renewals", "--all").out.splitlines() if " s2 " in line)
    assert "past due since 2025-05-10, lapses 2025-06-10" in late


def test_renewals_for_programs(fari: Fari) -> None:
    told = fari("renewals", "--format", "json").json
    assert (told["from"], told["until"], told["horizon"], told["rules"]) == ("2025-05-21", "2025-08-19", "2025-05-20", "fari")
    assert told["total"] == {"from": "2025-05-21", "until": "2025-08-19", "due": 2, "mrr": 150, "cancelled_mrr": 50, "past_due_mrr": 0}
    assert (len(told["months"]), len(told["weeks"]), told["renewal_rate"]["value"]) == (4, 14, None)
    assert told["renewals"][0] == {
        "day": "2025-05-27", "account": "a3", "subscription_id": "s3", "plan": "Solo", "currency": "EUR", "interval": "year", "interval_count": 1,
        "mrr": 50, "renewed": None, "cancelled_on": "2025-03-03", "ends_on": "2025-05-28", "past_due_on": None, "lapses_on": None,
        "origin": "subscriptions.csv:4",
    }  # fmt: skip
    rows = list(csv.DictReader(StringIO(fari("renewals", "--format", "csv", "--where", "plan=Team").out)))
    assert [(row["day"], row["mrr"], row["renewed"]) for row in rows] == [("2025-06-14", "100", "")]
    # Stripe's rules end MRR with the click.
    assert fari("renewals", "--rules", "stripe", "--format", "json").json["total"]["cancelled_mrr"] == 0
    assert fari("renewals", "--as-of", "2025-05-19").status == 1


def test_risk_as_a_table(fari: Fari) -> None:
    said = fari("risk")
    assert said.status == 0
    top, empty, head, *rest = said.out.splitlines()
    assert top == "3 of 3 customers at risk, €200.00 of €200.00 MRR at stake"
    assert (empty, head.split()) == ("", ["account", "at", "stake", "of", "MRR", "day", "evidence", "origin"])
    assert lines("\n".join(rest)) == [
        ["a1", "€100.00", "€100.00", "2025-06-14", "due", "for", "renewal", "(s1,", "€100.00)", "subscriptions.csv:2"],
        ["a3", "€50.00", "€50.00", "2025-03-03", "set", "to", "cancel,", "ends", "2025-05-28", "(s3,", "€50.00)", "subscriptions.csv:4"],
        ["2025-05-27", "due", "for", "renewal,", "ends", "2025-05-28", "(s3,", "€50.00)", "subscriptions.csv:4"],
        ["a2", "€50.00", "€50.00", "2025-05-10", "10", "days", "past", "due,", "lapses", "2025-06-10", "(s2,", "€50.00)", "subscriptions.csv:3"],
    ]
    assert "no source covers events" in said.err


def test_risk_for_programs(fari: Fari) -> None:
    told = fari("risk", "--where", "plan=Solo", "--format", "json").json
    assert (told["day"], told["customers"], told["mrr"], told["at_stake"]) == ("2025-05-20", 2, 100, 100)
    assert [(one["account"], [piece["kind"] for piece in one["evidence"]]) for one in told["accounts"]] == [
        ("a3", ["cancelled", "renewal"]),
        ("a2", ["past_due"]),
    ]
    rows = list(csv.DictReader(StringIO(fari("risk", "--format", "csv").out)))
    assert [(row["rank"], row["account"], row["kind"], row["origin"]) for row in rows] == [
        ("1", "a1", "renewal", "subscriptions.csv:2"),
        ("2", "a3", "cancelled", "subscriptions.csv:4"),
        ("2", "a3", "renewal", "subscriptions.csv:4"),
        ("3", "a2", "past_due", "subscriptions.csv:3"),
    ]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["renewals", "--days", "0"], "from 1 on"),
        (["renewals", "--days", "400"], "366 days after the data's last day"),
        (["renewals", "--from", "soon"], "--from takes a day"),
        (["renewals", "--where", "device=phone"], "one of: channel"),
        (["renewals", "--format", "parquet"], "table, json, csv"),
        (["risk", "--where", "plann=Solo"], "did you mean 'plan'"),
        (["risk", "--rules", "strip"], "did you mean 'stripe'"),
    ],
)
def test_wrong_usage_is_one_line_with_the_way_out(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari(*typed)
    assert said.status == 2
    assert hint in said.complaint


@pytest.mark.parametrize("command", ["renewals", "risk"])
def test_where_nothing_is_imported_or_tells_of_customers(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    fari = Fari(capsys, tmp_path)
    assert "`fari init`" in fari(command).complaint
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    assert "nothing is imported yet" in fari(command).complaint
    (tmp_path / "spend.csv").write_text(FILES["spend.csv"], encoding="utf-8")
    assert fari("import", tmp_path / "spend.csv").status == 0
    said = fari(command)
    assert (said.status, "no source covers subscriptions" in said.complaint) == (1, True)
