"""Every number opens to rows that add up to it exactly, and says by which formula, rules and sources."""

import json
from datetime import date
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.against_oracle import imported
from tests.projects import bring, project, write
from tests.random_company import random_company

from fari.engine import explain as module
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.explain import Explanation, explain
from fari.engine.periods import parse
from fari.errors import FariError, UsageError
from fari.metrics import METRICS
from fari.metrics.kinds import Formula, Measure, Spread
from fari.sample import asker as sample

SUMS = [name for name, metric in METRICS.items() if not isinstance(metric, Formula)]
FORMULAS = [name for name, metric in METRICS.items() if isinstance(metric, Formula)]


def total(rows: Any) -> Decimal:
    """Contributions added without a digit lost."""
    wide, found = Context(prec=80), Decimal(0)
    for row in rows:
        found = wide.add(found, Decimal(row["contribution"]))
    return found


def opened(metric: str, period: str, **where: str) -> Explanation:
    """A number of the sample company opened."""
    return explain(sample(), metric, parse(period), [(dimension, (value,)) for dimension, value in where.items()])


def origins(explanation: Explanation) -> list[tuple[Any, str]]:
    """Contribution and origin of each row."""
    return [(row["contribution"], row["origin"]) for row in explanation.rows]


# Every metric, by discovery ----------------------------------------------------------------------------------------------------


def _segments(asker: Asker, name: str, period: str, turn: int) -> list[tuple[tuple[str, tuple[str, ...]], ...]]:
    """Filters worth trying: two channels together, one segment of the channels and of a further dimension that takes turns, and of a pair."""
    metric = METRICS[name]
    dimensions = ("channel", "campaign") if isinstance(metric, Spread) else metric.dimensions if isinstance(metric, Measure) else ()
    found: list[tuple[tuple[str, tuple[str, ...]], ...]] = []
    # `channel` and `campaign` where there are, and of all others one after the other.
    turns = dimensions[min(1, len(dimensions) - 1) :]
    splits = [("channel",), ("channel", "campaign"), *((turns[turn % len(turns)],) for _ in turns[:1])]
    for by in dict.fromkeys(by for by in splits if set(by) <= set(dimensions)):
        segments = sorted(tuple(a.segment.values()) for a in asker.ask(Question((name,), (parse(period),), by)))
        if segments:
            found.append(tuple((dimension, (value,)) for dimension, value in zip(by, segments[len(segments) // 2], strict=True)))
        if len(segments) > 2 and by == ("channel",):
            found.append((("channel", (*segments[0], *segments[-1])),))
    return found


@pytest.mark.parametrize(("seed", "period"), [(2, "2025-02"), (5, "2025-Q1"), (7, "2025-Q1")])
def test_rows_of_every_sum_add_up_to_it_in_every_segment(seed: int, period: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "identities", lambda *_: ())  # they have tests of their own
    asker = imported(*random_company(seed, 10), tmp_path)
    seen = 0
    for turn, name in enumerate(SUMS):
        for where in ((), *_segments(asker, name, period, seed + turn)):
            answer = asker.ask(Question((name,), (parse(period),), (), where))[0]
            found = explain(asker, name, parse(period), where)
            assert found.value == answer.value, (name, where)
            if answer.value is None:
                assert found.rows == ()
                continue
            assert total(found.rows) == answer.value, (name, where)
            assert [check.holds for check in found.checks] == [True], (name, where)
            assert all(row["origin"] for row in found.rows), (name, where)
            seen += len(found.rows)
    assert seen > 250


@pytest.mark.parametrize("seed", [2])
def test_every_formula_opens_each_of_its_inputs(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "identities", lambda *_: ())
    asker = imported(*random_company(seed, 10), tmp_path)
    for name in FORMULAS:
        for where in ((), (("channel", ("Paid Search",)),)):
            if where and name == "share_of_search":
                continue
            found = explain(asker, name, parse("2025-01"), where)
            for one in found.inputs:
                rows = [row for row in found.rows if row["input"] == one.metric]
                assert len(rows) == one.rows, (name, one)
                if one.sum is not None:
                    assert total(rows) == one.value == one.sum, (name, one)
            direct = METRICS[name].inputs
            asked = [i for i in direct if i not in ("months", "gross_margin")]
            assert [i.metric for i in found.inputs][: len(asked)] == asked


def test_subscriptions_overlapping_or_lapsed_are_opened_as_they_were_counted(tmp_path: Path) -> None:
    for seed in range(20, 24):
        asker = imported(*random_company(seed, 10), tmp_path / str(seed))
        for period in ("2024-12", "2025-03", "2025-05"):
            found = explain(asker, "mrr", parse(period))
            assert all("subscription_id" in row for row in found.rows)
            assert total(found.rows) == (found.value or 0)


# What the rows say ---------------------------------------------------------------------------------------------------------------


def test_mrr_opens_to_subscriptions() -> None:
    found = opened("mrr", "2025-06")
    assert origins(found) == [
        (Decimal("150.000000"), "subscriptions.csv:8"),
        (Decimal("125.000000"), "subscriptions.csv:3"),
        (Decimal("100.000000"), "subscriptions.csv:5"),
    ]
    assert found.value == 375
    north = found.rows[0]
    assert (north["subscription_id"], north["account"], north["from"], north["until"], north["channel"]) == (
        "sub-north", "north", "2025-05-10", None, "Paid Search",
    )  # fmt: skip
    assert north["says"] == "The medium or the source says it is paid, and it comes from a search engine."


def test_a_movement_opens_to_the_account_with_its_level_before_and_after() -> None:
    (row,) = opened("churned_mrr", "2025-04").rows
    assert [row[name] for name in ("account", "from", "before", "after", "movement", "churn_reason", "contribution", "origin")] == [
        "south", "2025-04-15", 100, 0, "churn", "too expensive", 100, "subscriptions.csv:4",
    ]  # fmt: skip
    (row,) = opened("contraction_mrr", "2025-06").rows
    assert (row["before"], row["after"], row["contribution"], "churn_reason" in row) == (150, 125, 25, False)


def test_a_visitor_opens_to_the_visit_that_decides_and_the_others_as_evidence() -> None:
    found = opened("visitors", "2025-03", channel="Paid Search")
    assert [(row["visitor"], row["channel"], row["contribution"], row["origin"]) for row in found.rows] == [
        ("ada", "Paid Search", 1, "events.csv:3"),
        ("ada", "Direct", 0, "events.csv:6"),
        ("cleo", "Paid Search", 1, "events.csv:7"),
    ]
    assert found.value == 2
    assert found.rows[0]["started_at"] == "2025-03-03T10:00:00+01:00"
    assert set(opened("visitors", "2025-03").notes) == {"bots left out: 1", "internal left out: 1"}


def test_a_second_signup_is_evidence(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "events": """
            type,timestamp,anonymousId,userId,event
            track,2025-03-01T10:00:00Z,,u,Signed Up
            track,2025-03-02T10:00:00Z,,u,Signed Up
            track,2025-04-02T10:00:00Z,,u,Signed Up
            """
        },
    )
    assert origins(explain(asker, "signups", parse("2025-03"))) == [(1, "events.csv:2"), (0, "events.csv:3")]


def test_leads_and_visits_say_which_rule_placed_them() -> None:
    leads = {row["person"]: row for row in opened("leads", "2025-03").rows}
    assert (leads["cleo"]["stage"], leads["cleo"]["channel"], leads["cleo"]["rule"], leads["cleo"]["origin"]) == (
        "lead", "Paid Search", "paid-search", "stages.csv:8",
    )  # fmt: skip
    assert leads["dan"]["says"] == "Neither a visit nor a source is known."
    visits = opened("visits", "2025-03", channel="Direct").rows
    assert {row["says"] for row in visits} == {"It has no referrer, no tags and no click id."}


def test_a_cost_over_many_days_is_one_row_of_its_source() -> None:
    found = opened("spend", "2025-03", channel="Paid Search")
    assert [(r["day"], r["last"], r["contribution"], r["origin"]) for r in found.rows] == [("2025-03-01", "2025-03-31", 400, "spend.csv:2")]


def test_cac_of_a_channel_opens_own_and_shared_cost() -> None:
    found = opened("cac", "2025-03", channel="Paid Search")
    assert found.value == 650
    assert [(r["input"], r["contribution"], r["origin"], r.get("share")) for r in found.rows] == [
        ("acquisition_spend", 250, "spend.csv:3", "1/2"),
        ("acquisition_spend", 400, "spend.csv:2", None),
        ("new_customers", 1, "subscriptions.csv:7", None),
    ]
    assert [(i.metric, i.value, i.rows, i.sum) for i in found.inputs] == [("acquisition_spend", 650, 2, 650), ("new_customers", 1, 1, 1)]
    assert "cost of no segment is shared by new_customers: this segment has 1 of 2" in found.notes


def test_shared_cost_takes_its_rounding_in_its_last_row(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "people": "person_id,account_id,channel\na,a,Email\nb,b,Referral\nc,c,Affiliates",
            "subscriptions": "subscription_id,account_id,starts_on,amount,currency,interval\n"
            + "\n".join(f"s{a},{a},2025-03-0{n},10,EUR,month" for n, a in enumerate("abc", 1)),
            "spend": "day,channel,amount,currency\n" + "2025-03-01,,100,EUR\n2025-03-02,,0.01,EUR\n2025-03-02,,-7,EUR\n2025-03-02,Email,5,EUR",
        },
    )
    whole = Decimal(0)
    for channel in ("Affiliates", "Email", "Referral"):
        found = explain(asker, "acquisition_spend", parse("2025-03"), [("channel", (channel,))])
        assert total(found.rows) == found.value
        assert [row["share"] for row in found.rows if "share" in row] == ["1/3"] * 3
        assert all(abs(row["contribution"] - row["amount"] / 3) < Decimal("1e-14") for row in found.rows if "share" in row)
        whole += total(found.rows)
    assert whole == Decimal("98.01")


def test_shared_cost_without_a_new_customer_is_unallocated(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "subscriptions": "subscription_id,account_id,starts_on,amount,currency,interval\ns,a,2025-02-01,10,EUR,month",
            "spend": "day,channel,amount,currency\n2025-03-01,,100,EUR\n2025-03-02,Email,5,EUR",
        },
    )
    values = {channel: explain(asker, "acquisition_spend", parse("2025-03"), [("channel", (channel,))]) for channel in ("(unallocated)", "Email")}
    assert {channel: origins(found) for channel, found in values.items()} == {
        "(unallocated)": [(100, "spend.csv:2")],
        "Email": [(5, "spend.csv:3")],
    }


def test_what_could_not_be_counted_is_named(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "subscriptions": """
            subscription_id,account_id,starts_on,amount,currency,interval
            s1,a,2025-02-01,10,EUR,month
            s2,b,2025-02-01,10,CHF,month
            """,
            "spend": "day,channel,amount,currency\n2025-03-01,Email,100,CHF\n2025-03-02,Email,5,EUR",
        },
    )
    (left,) = explain(asker, "mrr", parse("2025-03")).left_out
    assert (left.metric, left.rows, left.origins) == ("mrr", 1, ("subscriptions.csv:3",))
    (left,) = explain(asker, "spend", parse("2025-03"), [("channel", ("Email",))]).left_out
    assert (left.rows, left.origins) == (1, ("spend.csv:2",))


def test_no_names_and_no_addresses(tmp_path: Path) -> None:
    company, tables = random_company(2, 10)
    asker = imported(company, tables, tmp_path)
    told = {str(row[column]) for row in tables["people"] for column in ("email", "name") if row.get(column)}
    told |= {str(row["name"]) for row in tables["accounts"]}
    for name in ("visitors", "leads", "mrr", "new_mrr", "pipeline_created", "signups"):
        text = json.dumps(explain(asker, name, parse("2025-Q1")).plain()["rows"], default=str)
        assert text != "[]"
        assert [word for word in told if f'"{word}"' in text or "@" in text] == []


# What is said beside the rows ------------------------------------------------------------------------------------------------------


def test_formula_definition_rules_and_checks() -> None:
    found = opened("clv", "2025-04")
    assert found.formula == "arpa × customer_lifetime_months × gross_margin"
    assert found.definition.startswith("Customer lifetime value: arpa ×")
    assert ">>>" not in found.definition
    assert found.rules == {
        "rules": "fari", "timezone": "Europe/Rome", "currency": "EUR", "gross_margin": 1, "months": 1,
        "customer_from": "subscriptions", "match_domains": False,
    }  # fmt: skip
    assert [i.metric for i in found.inputs] == [
        "arpa", "customer_lifetime_months", "mrr", "customers", "customer_churn_rate", "churned_customers", "opening_customers",
    ]  # fmt: skip
    assert [(i.rows, i.sum) for i in found.inputs if i.metric in ("arpa", "customers")] == [(0, None), (2, 2)]
    names = [check.name for check in found.checks]
    assert "opening_mrr + new_mrr + expansion_mrr + reactivation_mrr + fx_mrr − contraction_mrr − churned_mrr = mrr, by channel" in names
    assert "the rows of mrr add up to it" in names
    assert all(check.holds for check in found.checks)
    assert not any("visit" in name for name in names)


def test_every_metric_has_a_formula_and_a_definition_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "identities", lambda *_: ())
    for name in METRICS:
        found = opened(name, "2025-03")
        assert found.formula
        assert "row." not in found.formula
        assert "ifelse" not in found.formula
        assert found.definition
        assert found.rules["rules"] == "fari"


def test_the_contracts_json() -> None:
    plain = json.loads(json.dumps(opened("mrr", "2025-06").plain(), default=str))
    assert {"metric", "value", "formula", "definition", "rules", "inputs", "rows", "checks"} <= set(plain)
    assert plain["rows"][0]["contribution"] == "150.000000"
    assert plain["rows"][0]["origin"] == "subscriptions.csv:8"
    assert {"name", "holds"} <= set(plain["checks"][0])
    plain = json.loads(json.dumps(opened("cac", "2025-03").plain(), default=str))
    assert {"metric", "value", "rows", "sum"} <= set(plain["inputs"][0])


def test_what_is_undefined_says_why_and_opens_what_there_is() -> None:
    found = opened("cac", "2025-04")
    assert (found.value, found.rows) == (None, ())
    assert "acquisition_spend and new_customers are 0 in this period" in found.notes
    found = opened("mrr", "2023-01")
    assert (found.value, found.rows, found.checks) == (None, (), ())
    assert found.notes == ("no source covers subscriptions in this period",)


def test_a_limit_shows_the_largest_and_counts_all() -> None:
    found = explain(sample(), "arpa", parse("2025-06"), limit=1)
    assert [(i.metric, i.rows, i.sum) for i in found.inputs] == [("mrr", 3, 375), ("customers", 3, 3)]
    assert [(row["input"], row["contribution"]) for row in found.rows] == [("mrr", 150), ("customers", 1)]
    assert "mrr: 1 of 3 rows shown, the largest" in found.notes
    found = explain(sample(), "visitors", parse("2025-03"), limit=2)
    assert sum(row["contribution"] for row in found.rows) == 2
    found = explain(sample(), "cac", parse("2025-03"), [("channel", ("Paid Search",))], limit=1)
    assert [row["contribution"] for row in found.rows] == [400, 1]


def test_wrong_rows_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fari.engine.opened.subscriptions", lambda levels, day: f"SELECT *, 1 AS contribution FROM running WHERE from_day <= {day}")
    found = opened("mrr", "2025-06")
    assert [check.name for check in found.checks if not check.holds] == ["the rows of mrr add up to it"]


def test_as_known_on_a_day(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,channel,amount,currency\n2025-03-01,Email,10,EUR"}, today=date(2025, 4, 1))
    assert explain(asker, "spend", parse("2025-03"), as_of=date(2025, 3, 31)).value is None
    assert origins(explain(asker, "spend", parse("2025-03"), as_of=date(2025, 4, 1))) == [(10, "spend.csv:2")]


def test_a_metric_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'churned_mrr'"):
        opened("churn_mrr", "2025-03")
    with pytest.raises(FariError, match="plan"):
        opened("cac", "2025-03", plan="Basic")


def test_costs_of_two_files_of_one_name_stay_two_rows(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,kind,amount,currency\n2025-03-01,tool,5,EUR"})
    bring(asker.ledger, write(tmp_path / "next", {"spend": "day,kind,amount,currency\n2025-03-02,tool,7,EUR"}))
    found = explain(asker, "spend", parse("2025-03"))
    assert [(row["contribution"], row["booked"], row["origin"]) for row in found.rows] == [
        (7, "2025-03-02", "spend.csv:2"), (5, "2025-03-01", "spend.csv:2"),
    ]  # fmt: skip
