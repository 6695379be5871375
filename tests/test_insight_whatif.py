"""What if: consequences worked out by hand, identities on random companies, and what is typed and printed."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from tests.against_oracle import imported
from tests.commands import Fari, write_project
from tests.projects import project
from tests.random_company import random_company

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import parse as period_of
from fari.errors import FariError, UsageError
from fari.insight.whatif import TARGETS, Assumption, parse, sensitivities, whatif
from fari.metrics import listed

MARCH = Question((), (period_of("2025-03"),))
FIRM = {
    # March opens with ten customers at 100; two are lost, four come at 50 each, one of those there pays 30 more.
    "subscriptions": "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n"
    + "".join(f"s{n},a{n},2025-01-05,{'2025-03-10' if n < 2 else '2025-03-20' if n == 9 else ''},100,EUR,month\n" for n in range(10))
    + "s9,a9,2025-03-20,,130,EUR,month\n"
    + "".join(f"n{n},b{n},2025-03-1{n},,50,EUR,month\n" for n in range(4)),
    "spend": "day,amount,currency,kind\n2025-03-02,800,EUR,ads\n2025-03-31,0,EUR,ads",
}


@pytest.fixture
def firm(tmp_path: Path) -> Asker:
    return project(tmp_path, FIRM)


def moved(asker: Asker, *changes: str) -> dict[str, tuple[object, object]]:
    found = whatif(asker, MARCH, [parse(change) for change in changes])
    return {one.metric: (one.now, one.then) for one in found.figures}


def test_a_rate_moves_what_it_counts_and_all_that_follows(firm: Asker) -> None:
    found = moved(firm, "customer_churn_rate=10%")
    assert found["customer_churn_rate"] == (Decimal("0.2"), Decimal("0.1"))
    assert found["churned_customers"] == (2, 1)
    assert found["churned_mrr"] == (200, 100)
    assert found["customers"] == (12, 13)
    assert found["mrr"] == (1030, 1130)
    assert found["customer_lifetime_months"] == (5, 10)
    assert "cac" not in found


def test_more_customers_cost_less_each_and_pay_what_the_others_did(firm: Asker) -> None:
    found = moved(firm, "new_customers=+25%")
    assert (found["new_customers"], found["new_mrr"], found["cac"]) == ((4, 5), (200, 250), (200, 160))
    assert (found["customers"], found["mrr"]) == ((12, 13), (1030, 1080))


def test_a_level_that_is_set_stays(firm: Asker) -> None:
    found = moved(firm, "arpa=100", "new_customers=+4")
    assert (found["mrr"], found["customers"], found["arpa"][1]) == ((1030, 1200), (12, 16), 75)


def test_the_months_to_come_close_and_begin_where_it_stands(firm: Asker) -> None:
    found = whatif(firm, MARCH, [parse("new_mrr=0"), parse("churned_mrr=+50%")])
    for months, start in ((found.now, 1030), (found.then, 730)):
        assert months[0].opening == start
        assert len(months) == 12
        for month, following in pairwise(months):
            assert month.closing == following.opening
    # Of 1000 at the opening 200 were lost (300 with half as much again) and 30 more were paid.
    assert dict(found.now[0].movements) == {"new_mrr": 200, "expansion_mrr": Decimal("30.9"), "churned_mrr": -206}
    assert dict(found.then[0].movements) == {"expansion_mrr": Decimal("21.9"), "churned_mrr": -219}


def test_each_driver_is_a_tenth_better(firm: Asker) -> None:
    found = {one.change.metric: one for one in sensitivities(firm, MARCH)}
    assert not {"mrr", "customers", "opening_mrr", "clv", "clv_cac_ratio"} & set(found)
    churn = found["customer_churn_rate"]
    assert churn.change.amount == Decimal("0.9")
    # A ninth longer a life; and one more fifth of a customer, who pays more than the new.
    worth = churn.moved["clv_cac_ratio"]
    assert worth.now is not None
    assert worth.change == pytest.approx(worth.now / Decimal(9), rel=Decimal("0.05"))
    gains = [abs(Decimal(one.moved["mrr"].change or 0)) for one in found.values()]
    assert gains == sorted(gains, reverse=True)
    assert set(churn.moved) == {*TARGETS, "mrr"}


@pytest.mark.parametrize("seed", range(2))
def test_on_random_companies_nothing_moves_unless_something_is_changed(seed: int, tmp_path: Path) -> None:
    company, tables = random_company(seed, 10)
    asker = imported(company, tables, tmp_path)
    covered, _ = asker.state()
    assert covered.horizon is not None
    question = Question((), (period_of(f"{covered.horizon:%Y}"),))
    assert whatif(asker, question, []).figures == ()
    told = {answer.metric: answer.value for answer in asker.ask(Question(tuple(listed()), question.periods))}
    for name, value in told.items():
        if value is None:
            with pytest.raises(FariError, match="has no value here"):
                whatif(asker, question, [parse(f"{name}=+10%")])
            continue
        same = whatif(asker, question, [parse(f"{name}=+0%")])
        assert [one for one in same.figures if abs(Decimal(one.change or 0)) > Decimal("1e-15") * abs(Decimal(one.now or 1))] == [], name
        # What is asked as "now" is what `fari metrics` says.
        try:
            tenth = whatif(asker, question, [parse(f"{name}=+10%")])
        except FariError as refused:
            # Of the few that are left at a year's end, a tenth of a year's losses may be more than there are.
            assert "less than nothing" in str(refused), name  # noqa: PT017 - either is right
            continue
        for one in tenth.figures:
            if one.metric in told:
                assert one.now == told[one.metric], (name, one.metric)


def test_what_is_so_many_times_another_moves_it_and_what_moves_alone_says_so(firm: Asker) -> None:
    found = moved(firm, "arr=+10%")
    assert (found["arr"], found["mrr"]) == ((12360, 13596), (1030, 1133))
    told = whatif(firm, MARCH, [parse("customer_lifetime_months=10")])
    assert Assumption("alone", "customer_lifetime_months", ("customer_churn_rate",)) in told.assumptions


def test_a_level_at_the_opening_can_be_set(firm: Asker) -> None:
    assert moved(firm, "opening_customers=20")["customer_churn_rate"] == (Decimal("0.2"), Decimal("0.1"))


def test_more_leads_are_as_many_more_that_convert(tmp_path: Path) -> None:
    rows = [f"p{n},{stage},2025-03-0{n + 1}T09:00:00Z" for n in range(4) for stage in ("lead", *(["customer"] if n < 2 else []))]
    asker = project(tmp_path, {"stages": "\n".join(["person_id,stage,at", *rows, "q,lead,2025-04-01T09:00:00Z"])})
    found = moved(asker, "leads=+50%")
    assert found["leads"] == (4, 6)
    assert found["new_customers"] == (2, 3)
    assert "lead_conversion_rate_cohort" not in found


def test_what_cannot_be_is_refused(firm: Asker) -> None:
    for impossible in ("new_customers=-5", "churned_customers=+15", "mrr=-2000"):
        with pytest.raises(FariError, match="which is less than nothing"):
            moved(firm, impossible)
    with pytest.raises(UsageError, match=r"write customer_churn_rate=\+5% .* customer_churn_rate=\+0.05 for points"):
        parse("customer_churn_rate=+5")
    for typed in ("churn=3", "mrr", "mrr=lots", "customer_churn_rate=3"):
        with pytest.raises(UsageError):
            parse(typed)
    with pytest.raises(UsageError, match="twice"):
        moved(firm, "mrr=+1", "mrr=+2")


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fari = Fari(capsys, tmp_path)
    assert fari("import", *write_project(tmp_path)).status == 0
    told = fari("whatif", "new_customers=+100%", "--period", "2025-03", "--format", "json").json
    figures = {one["metric"]: (one["now"], one["then"]) for one in told["figures"]}
    assert figures["cac"] == (500, 250)
    assert told["mrr"]["then"][0]["opening"] == 600
    text = fari("whatif", "new_customers=+100%", "--period", "2025-03")
    assert "€250.00" in text.out
    assert "assumed: new MRR in step with new customers" in text.err
    assert "ipotesi: l'MRR nuovo, in proporzione" in fari("whatif", "new_customers=+100%", "--period", "2025-03", "--lang", "it").err
    assert "MRR in the months to come stays as it is." in fari("whatif", "customer_lifetime_months=10", "--period", "2025-03").out
    drivers = fari("whatif", "--period", "2025-03", "--format", "json").json
    assert drivers["sensitivities"][0]["moves"]["mrr"]["change"] > 0
    assert "MRR in 12 months" in fari("whatif", "--period", "2025-03").out
    assert fari("whatif", "visitor=1").status == 2
