"""Forecasts: books that are carried on by hand, models against their formulas, trials on simulated companies, and refusals."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import sqrt
from pathlib import Path
from random import Random

import pytest
from tests.commands import Fari
from tests.projects import project

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import add_months
from fari.errors import FariError, UsageError
from fari.insight import series
from fari.insight.forecast import PARTS, forecast
from fari.insight.retention import fit
from fari.insight.worth import terms

MRR = Question(("mrr",), ())


def firm(folder: Path, months: int = 20, won: int = 12, churn: float = 0.05, seed: int = 1, yearly: bool = False) -> Asker:
    """Each month from January 2024 so many customers at 100; each leaves at a renewal with one chance. Known until the last month's end."""
    random, rows, number = Random(seed), ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"], 0
    end = add_months(date(2024, 1, 1), months)
    step = 12 if yearly else 1
    for month in range(months):
        start = add_months(date(2024, 1, 1), month)
        for _ in range(won):
            number += 1
            until = add_months(start, step)
            while until < end and random.random() >= churn:
                until = add_months(until, step)
            rows.append(f"s{number},a{number},{start},{until if until < end else ''},{100 * step},EUR,{'year' if yearly else 'month'}")
    return project(folder, {"subscriptions": "\n".join(rows), "spend": f"day,amount,currency\n{date.fromordinal(end.toordinal() - 1)},1,EUR"})


def test_parts_add_up_and_a_book_decays_as_its_model_says(tmp_path: Path) -> None:
    asker = firm(tmp_path, won=10)
    (found,) = forecast(asker, MRR, 6)
    for ahead in found.months:
        assert sum(ahead.parts.values()) == ahead.value
        assert set(ahead.parts) <= set(PARTS)
    assert [one.period.since.month for one in found.months] == [9, 10, 11, 12, 1, 2]
    # Nobody expands; every contract is by the month, so nothing is committed.
    assert set(found.months[0].parts) == {"renewed", "new"}
    # By hand: each cohort of the book by the model's chances at its own age.
    fitted = terms(asker, Question((), (found.last,)))["month"].model
    assert fitted == fit(terms(asker, Question((), (found.last,)))["month"].lives)
    assert fitted is not None
    cohorts = {
        answer.segment["cohort"]: Decimal(answer.value or 0) for answer in asker.ask(Question(("mrr",), (found.last,), ("cohort",))) if answer.value
    }
    for step in (1, 4):
        expected = sum(
            float(amount) * fitted.survival(age + step, age)
            for cohort, amount in cohorts.items()
            for age in [(2025 - int(cohort[:4])) * 12 + 8 - int(cohort[5:])]
        )
        assert float(found.months[step - 1].parts["renewed"]) == pytest.approx(expected, abs=1e-4)
    assert found.months[0].parts["new"] == 1000


def test_contracts_that_run_are_committed_and_the_others_renew(tmp_path: Path) -> None:
    asker = firm(tmp_path, months=18, won=8, churn=0.1, yearly=True)
    (found,) = forecast(asker, MRR, 12)
    first, last = found.months[0], found.months[-1]
    (mrr,) = asker.ask(Question(("mrr",), (found.last,)))
    # Of the twelve cohorts since July 2024 one is up for renewal each month; after twelve months all have been.
    assert first.parts["committed"] + first.parts["renewed"] <= Decimal(mrr.value or 0)
    committed = [one.parts.get("committed", Decimal(0)) for one in found.months]
    assert committed == sorted(committed, reverse=True)
    assert "committed" not in last.parts


def test_arr_is_twelve_times_mrr(tmp_path: Path) -> None:
    asker = firm(tmp_path, months=18)
    mrr, arr = forecast(asker, Question(("mrr", "arr"), ()), 3)
    assert [one.value for one in arr.months] == [12 * one.value for one in mrr.months]
    assert [one.low for one in arr.months] == [None if one.low is None else 12 * one.low for one in mrr.months]
    assert arr.months[2].parts == {name: 12 * amount for name, amount in mrr.months[2].parts.items()}


def test_a_month_is_foretold_alike_however_many_are_asked_for(tmp_path: Path) -> None:
    asker = firm(tmp_path, months=30, won=9, seed=5)
    names = Question(("mrr", "new_customers", "customer_churn_rate"), ())
    for few, many in zip(forecast(asker, names, 1), forecast(asker, names, 12), strict=True):
        assert (few.model, few.error, few.bounds) == (many.model, many.error, many.bounds)
        assert few.months == many.months[:1]


def test_bounds_grow_and_what_is_committed_is_part_of_it(tmp_path: Path) -> None:
    (found,) = forecast(firm(tmp_path, months=26, won=8, churn=0.1, yearly=True), MRR, 12)
    widths = [float(one.high - one.low) / float(one.value) for one in found.months if one.high is not None and one.low is not None]
    assert len(widths) == 12
    assert widths == sorted(widths)
    assert all(one.parts.get("committed", 0) <= one.value for one in found.months)


def test_a_segment_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FariError, match="mrr is 0 in all 20 months here"):
        forecast(firm(tmp_path), Question(("mrr",), (), where=(("channel", ("Nope",)),)))


def test_where_too_little_is_known_it_is_refused(tmp_path: Path) -> None:
    asker = firm(tmp_path, months=9)
    with pytest.raises(FariError, match="mrr has 9 whole months of past, and 12 are needed"):
        forecast(asker, MRR)
    with pytest.raises(FariError, match=r"leads has 0 whole months of past, and 12 are needed \(no source covers"):
        forecast(asker, Question(("leads",), ()))
    with pytest.raises(UsageError, match="opening_mrr is a level"):
        forecast(firm(tmp_path / "long", months=14), Question(("opening_mrr",), ()))
    (short,) = forecast(firm(tmp_path / "short", months=13), MRR)
    assert (short.months[0].low, short.notes) == (None, ("short",))


def test_on_simulated_companies_the_bounds_hold_about_as_often_as_they_say(tmp_path: Path) -> None:
    """Twelve companies of some 100 customers: MRR of the six months after month 20, foretold at 80 %."""
    held = 0
    for seed in range(12):
        asker = firm(tmp_path / f"{seed}", months=20, won=8, seed=seed)
        (found,) = forecast(asker, MRR, 6, 0.8)
        random, there = Random(100 + seed), float(next(a.value or 0 for a in asker.ask(Question(("customers",), (found.last,)))))
        for ahead in found.months:
            there = sum(random.random() >= 0.05 for _ in range(int(there))) + 8
            assert ahead.low is not None
            assert ahead.high is not None
            held += ahead.low <= there * 100 <= ahead.high
    assert 0.6 <= held / 72 <= 1


def test_each_model_does_what_it_says() -> None:
    rising = [float(n) for n in range(1, 25)]
    assert series.last(rising, 2) == [24, 24]
    assert series.mean(rising, 1) == [21.5]
    # A line is carried on by half its slope.
    told = series.theta(rising, 3)
    assert [round(b - a, 9) for a, b in pairwise(told)] == [0.5, 0.5]
    wave = [10.0 + n % 12 for n in range(36)]
    assert series.year_before(wave, 14) == [10.0 + n % 12 for n in range(36, 50)]
    slower = series.damped(rising, 3)
    assert 0 < slower[2] - slower[1] < slower[1] - slower[0]


def test_a_season_is_found_and_bounds_are_the_conformal_quantile() -> None:
    wave = [100.0 + 30 * (n % 12 == 11) + (n * 7) % 3 for n in range(48)]
    best, usual = series.chosen(wave, 3)
    assert best.name == "the same month a year before"
    assert best.error < usual.error
    trial = series.Trial("", (((0, 1), (0, 2)), ((0, 3),), ((0, 5),)))
    found = series.bounds(trial, 0.6)
    # 1, 2 / sqrt 2, 3 and 5: the third of (4 + 1) 0.6.
    assert found is not None
    assert (found.width, found.at(4)) == (3, 6)
    # Without the first month 3 and 5 are left, without the second and the third the others.
    assert (found.held, found.tried) == (3, 4)
    assert series.bounds(series.Trial("", trial.steps[:2]), 0.6) is None


def test_noise_is_not_taken_for_a_season() -> None:
    random = Random(3)
    assert sum(series.chosen([random.gauss(100, 10) for _ in range(40)], 3)[0].name == "the same month a year before" for _ in range(20)) <= 4


def test_bounds_of_noise_hold() -> None:
    """Of white noise known for 36 months, what comes next lies within 80 % bounds about so often."""
    random, held = Random(11), 0
    for _ in range(120):
        values = [random.gauss(100, 10) for _ in range(37)]
        trial, _ = series.chosen(values[:36], 1)
        found = series.bounds(trial, 0.8)
        assert found is not None
        held += abs(series.MODELS[trial.name](values[:36], 1)[0] - values[36]) <= found.width
    assert abs(held / 120 - 0.8) < 3 * sqrt(0.8 * 0.2 / 120)


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    firm(tmp_path, months=16)
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    fari = Fari(capsys, tmp_path)
    told = fari("forecast", "mrr", "new_customers", "--months", "2", "--format", "json").json
    assert [one["metric"] for one in told] == ["mrr", "new_customers"]
    assert [len(one["months"]) for one in told] == [2, 2]
    text = fari("forecast", "--months", "2")
    assert "renewed" in text.out
    assert "when tried they held" in text.err
    assert "MRR: i limiti devono valere 80,0% delle volte" in fari("forecast", "--months", "2", "--lang", "it").err
    assert fari("forecast", "--months", "99").status == 2
    assert fari("forecast", "leads").complaint.startswith("leads has 0 whole months")
