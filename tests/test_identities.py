"""Identities hold on random companies whatever their data are, and are seen to fail where an answer is wrong."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.against_oracle import imported
from tests.projects import project
from tests.random_company import random_company

from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.identities import MOVEMENTS, additive, identities
from fari.engine.periods import Period, cut, parse
from fari.metrics import METRICS
from fari.metrics.kinds import Formula
from fari.sample import asker as sample

PERIODS = (
    *cut(date(2024, 11, 1), date(2025, 7, 1), "month"),
    *cut(date(2025, 1, 1), date(2025, 7, 1), "quarter"),
    parse("2025-W13"),
    parse("2025-03-30"),
    Period(date(2024, 12, 15), date(2025, 4, 20)),
)
"""Months, quarters, a week and a day with a change of clocks, and a stretch cut anywhere."""


@pytest.mark.parametrize("seed", range(15))
def test_every_identity_holds(seed: int, tmp_path: Path) -> None:
    checks = identities(imported(*random_company(seed, 8), tmp_path), PERIODS)
    assert [check for check in checks if not check.holds] == []
    assert {check.period for check in checks} == set(PERIODS)


def test_every_sum_is_checked_over_every_dimension_it_adds_up_over() -> None:
    named = {check.name for check in identities(sample(), [parse("2025-03")])}
    sums = {name: metric for name, metric in METRICS.items() if not isinstance(metric, Formula)}
    assert {f"{n} by {d} adds up to {n}" for n, m in sums.items() if n != "acquisition_spend" for d in additive(m)} <= named
    for metric, dimensions in {
        "visitors": "channel campaign device country", "visits": "channel", "pageviews": "channel content", "leads": "channel", "spend": "channel",
        "mrr": "plan currency channel country", "customers": "plan currency channel", "pipeline_value": "channel", "churned_mrr": "churn_reason",
    }.items():  # fmt: skip
        assert {f"{metric} by {d} adds up to {metric}" for d in dimensions.split()} <= named
    assert "acquisition_spend by channel adds up to acquisition_cost" in named
    assert "visitors by content adds up to visitors" not in named  # reach
    assert {
        f"opening_mrr + new_mrr + expansion_mrr + reactivation_mrr + fx_mrr − contraction_mrr − churned_mrr = mrr{by}" for by in ("", ", by channel")
    } <= named
    assert "opening_customers + new_customers + reactivated_customers − churned_customers = customers" in named


def test_shared_cost_in_thirds_adds_up_to_the_last_digit(tmp_path: Path) -> None:
    asker = project(
        tmp_path,
        {
            "people": "person_id,account_id,channel\na,a,Email\nb,b,Referral\nc,c,Affiliates",
            "subscriptions": "subscription_id,account_id,starts_on,amount,currency,interval\n"
            + "\n".join(f"s{a},{a},2025-03-0{n},10,EUR,month" for n, a in enumerate("abc", 1)),
            "spend": "day,channel,amount,currency\n2025-03-01,,100000.01,EUR\n2025-03-02,Email,99999.99,EUR",
        },
    )
    checks = identities(asker, [parse("2025-03")], touching=["acquisition_spend"])
    spread = next(check for check in checks if check.name.startswith("acquisition_spend by channel"))
    assert (spread.holds, spread.left, spread.right) == (True, Decimal("200000.00"), Decimal("200000.00"))
    parts = [a.value for a in asker.ask(Question(("acquisition_spend",), (parse("2025-03"),), ("channel",)))]
    assert len(parts) == 3
    assert parts[0] != round(Decimal(parts[0] or 0), 2)  # it is a third of a cent that must not get lost


def test_where_no_source_covers_there_is_nothing_to_check(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,channel,amount,currency\n2025-03-01,Email,10,EUR"})
    about = {name for check in identities(asker, [parse("2025-03")]) for name in check.about}
    assert about == {"spend", "media_spend", "acquisition_cost", "acquisition_spend"}
    assert identities(asker, [parse("2024-03")]) == ()


def test_only_what_touches_the_metrics_named() -> None:
    about = [check.about for check in identities(sample(), [parse("2025-03")], touching=["churned_mrr"])]
    assert about
    assert all("churned_mrr" in names for names in about)


class _Wrong(Asker):
    """Answers 5 too much for one metric in one channel."""

    def __init__(self, metric: str, channel: str) -> None:
        super().__init__(sample().ledger)
        self.metric, self.channel = metric, channel

    def ask(self, question: Question) -> list[Answer]:
        """The answers, one of them wrong."""
        answers = super().ask(question)
        if self.metric not in question.metrics or question.by != ("channel",):
            return answers
        here = [a for a in answers if a.metric == self.metric and a.segment["channel"] == self.channel]
        kept = [a for a in answers if a not in here]
        right = here or [Answer(self.metric, question.periods[0], {"channel": self.channel}, 0, "count", None)]
        return [*kept, *(replace(a, value=(a.value or 0) + 5) for a in right)]


def test_a_wrong_answer_fails_where_it_is_wrong() -> None:
    failing = [check for check in identities(_Wrong("visitors", "Direct"), [parse("2025-03")]) if not check.holds]
    assert [(c.name, c.left, c.right, c.difference) for c in failing] == [("visitors by channel adds up to visitors", 9, 4, 5)]


@pytest.mark.parametrize("moves", MOVEMENTS, ids=lambda moves: moves[3])
def test_a_wrong_movement_does_not_close(moves: tuple[str, tuple[str, ...], tuple[str, ...], str]) -> None:
    for name in (moves[0], *moves[1], *moves[2], moves[3]):
        checks = identities(_Wrong(name, "Paid Search"), [parse("2025-03")], touching=[name])
        failing = [check for check in checks if not check.holds and check.name.endswith(f"= {moves[3]}, by channel")]
        assert [(check.segment, abs(check.difference)) for check in failing] == [("Paid Search", 5)], name
        assert checks[0].holds is False  # what fails comes first
