"""What to do: gains worked out by hand, planted faults found, and a company without any left in peace."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from tests.commands import Fari
from tests.projects import company, project

from fari.engine.answer import Question
from fari.engine.periods import add_months, cut
from fari.errors import FariError
from fari.insight.advice import CHURN, Advice, book, counsel
from fari.metrics import METRICS

NOTHING = Question((), ())


def tables(*, bad: str = "", months: int = 14, leads: int = 40, quiet: int = 0) -> dict[str, str]:
    """Forty leads a month by either of two channels; a half become MQL, of these a half SQL, of these a half customers at 100; a month 4 % leave.

    `bad`: of Email's leads only a tenth become MQL ("mql"), or of its customers a quarter leaves a month ("churn").
    """
    random = Random(3 + quiet)
    people, stages, paid = (
        ["person_id,account_id,channel"],
        ["person_id,stage,at"],
        ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"],
    )
    end = add_months(date(2024, 1, 1), months)
    for month in range(months):
        first = add_months(date(2024, 1, 1), month)
        for n in range(leads * 2):
            name, channel = f"p{month}-{n}", "Email" if n % 2 else "Referral"
            day = date.fromordinal(first.toordinal() + n % 25)
            people.append(f"{name},{name},{channel}")
            stages.append(f"{name},lead,{day}T09:00:00Z")
            chance = 0.1 if bad == "mql" and channel == "Email" else 0.5
            for stage, odds in (("mql", chance), ("sql", 0.5)):
                if random.random() >= odds:
                    break
                stages.append(f"{name},{stage},{day}T1{0 if stage == 'mql' else 1}:00:00Z")
            else:
                if random.random() < 0.5:
                    leaves, until = (0.25 if bad == "churn" and channel == "Email" else 0.04), add_months(day, 1)
                    while until < end and random.random() >= leaves:
                        until = add_months(until, 1)
                    paid.append(f"s{name},{name},{day},{until if until < end else ''},100,EUR,month")
    spend = [f"{add_months(date(2024, 1, 1), month)},{channel},200,EUR,ads" for month in range(months) for channel in ("Email", "Referral")]
    spend.append(f"{date.fromordinal(end.toordinal() - 1)},Email,0,EUR,ads")
    return {
        "people": "\n".join(people), "stages": "\n".join(stages), "subscriptions": "\n".join(paid),
        "spend": "\n".join(["day,channel,amount,currency,kind", *spend]),
    }  # fmt: skip


def told(folder: Path, **planted: object) -> tuple[Advice, ...]:
    return counsel(project(folder, tables(**planted), company()), NOTHING).advice  # type: ignore[arg-type]


def test_a_weak_stage_is_found_and_worth_what_it_would_bring(tmp_path: Path) -> None:
    asker = project(tmp_path, tables(bad="mql"), company())
    found = counsel(asker, NOTHING)
    first = found.advice[0]
    assert (first.kind, first.metric, first.segment) == ("rate", "lead_to_mql_rate", "Email")
    assert (found.period.since, found.period.until) == (date(2024, 3, 1), date(2025, 3, 1))
    # By hand: as many MQL more of 40 leads a month, each worth what Email's MQL brought, by those of each month's who have not left.
    asked = Question(("leads", "mqls", "new_mrr", "churned_customers"), (found.period,), ("channel",))
    sums = {(a.metric, a.segment["channel"]): Decimal(a.value or 0) for a in asker.ask(asked)}
    there = sum(
        Decimal(a.value or 0)
        for a in asker.ask(Question(("opening_customers",), tuple(cut(found.period.since, found.period.until, "month")), ("channel",)))
        if a.segment["channel"] == "Email"
    )
    kept = 1 - sums["churned_customers", "Email"] / there
    times = sum(kept ** (paid - won) for won in range(12) for paid in range(won, 12))
    own, others = (sums["mqls", channel] / sums["leads", channel] for channel in ("Email", "Referral"))
    assert (first.value, first.others) == (own, others)
    expected = (others - own) * sums["leads", "Email"] / 12 * sums["new_mrr", "Email"] / sums["mqls", "Email"] * times
    assert times < 78
    assert first.gain == expected.quantize(Decimal("0.01"))
    assert 0 < first.low < first.gain < first.high
    assert first.moves == tuple(book()["lead_to_mql_rate"]["moves"])


def test_a_channel_whose_customers_leave_is_found(tmp_path: Path) -> None:
    churn = [one for one in told(tmp_path, bad="churn") if one.kind == "churn"]
    assert [(one.dimension, one.segment) for one in churn] == [("channel", "Email")]
    assert churn[0].value > churn[0].others
    assert churn[0].low > 0


def test_a_channel_that_costs_more_than_its_customers_are_worth_is_found(tmp_path: Path) -> None:
    made = tables(bad="churn")
    made["spend"] = made["spend"].replace(",Email,200,", ",Email,9000,")
    (spend, *_) = counsel(project(tmp_path, made, company()), NOTHING).advice
    assert (str(spend.kind), spend.segment, spend.others) == ("spend", "Email", Decimal(1))
    assert spend.value < 1
    assert spend.low <= spend.gain <= spend.high
    # What it has cost in the year, less what its customers are worth, is what is gained.
    assert spend.gain == pytest.approx(108000 * (1 - spend.value), abs=1)


def test_customers_kept_are_worth_what_they_pay_until_they_leave_as_others_do(tmp_path: Path) -> None:
    """Email: 20 customers at 100, of whom 5 leave each month and 5 come; Referral: 20 of whom 1 does. A fifth kept of 2,000 is 400 a month."""
    rows = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    people = ["person_id,account_id,channel"]
    for channel, turn in (("Email", 5), ("Referral", 1)):
        for n in range(20 + 13 * turn):
            since = max(0, (n - 20) // turn + 1)
            left = n // turn + 1
            name = f"{channel}{n}"
            people.append(f"{name},{name},{channel}")
            until = add_months(date(2024, 1, 1), left) if left <= 13 else ""
            rows.append(f"s{name},{name},{add_months(date(2024, 1, 1), since)},{until},100,EUR,month")
    made = {"subscriptions": "\n".join(rows), "people": "\n".join(people), "spend": "day,amount,currency\n2025-02-28,1,EUR"}
    (churn,) = [one for one in counsel(project(tmp_path, made, company()), NOTHING).advice if one.kind == "churn"]
    assert (churn.segment, churn.value, churn.others) == ("Email", Decimal("0.25"), Decimal("0.05"))
    # 400 kept in each of twelve months, less the twentieth that leaves later.
    by_hand = sum(400 * Decimal("0.95") ** age for month in range(12) for age in range(12 - month))
    assert isinstance(by_hand, Decimal)
    assert churn.gain == by_hand.quantize(Decimal("0.01"))


def test_a_segment_that_some_metrics_do_not_have_is_looked_at_in_those_that_do(tmp_path: Path) -> None:
    asker = project(tmp_path, tables(bad="churn"), company())
    for where in (("plan", ("Team",)), ("country", ("IT",))):
        assert counsel(asker, Question((), (), where=(where,))).advice == ()
    told = counsel(asker, Question((), (), where=(("channel", ("Email",)),)))
    assert CHURN in {one.metric for one in told.benchmarks}


def test_where_all_are_alike_little_is_advised(tmp_path: Path) -> None:
    """Five companies without a fault: of some thirty segments looked at in all, one or two by chance at most."""
    assert sum(len(told(tmp_path / f"{n}", quiet=n)) for n in range(1, 4)) <= 2


def test_a_year_is_needed(tmp_path: Path) -> None:
    with pytest.raises(FariError, match="8 whole months are known, and 12 are needed"):
        told(tmp_path, months=8)


def test_the_book_speaks_of_metrics_there_are() -> None:
    assert set(book()) <= set(METRICS)
    assert all(one["moves"] for one in book().values())
    assert "says" in book()[CHURN]


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project(tmp_path, tables(bad="mql"), company())
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    fari = Fari(capsys, tmp_path)
    text = fari("advise", "--top", "1")
    assert "raise lead-to-MQL rate in Email" in text.out
    assert "what moves it" in text.out
    assert "published: 5.6 %" in text.out
    assert fari("advise", "--format", "json").json["advice"][0]["segment"] == "Email"
    italian = fari("advise", "--top", "1", "--lang", "it").out
    assert "aumentare il tasso da lead a MQL in Email" in italian
    assert "conoscere chi compra" in italian
    assert fari("advise", "--top", "0").status == 2
