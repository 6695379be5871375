"""What leads revenue: a planted lead is found with its lag, vanity shows itself, and growth alone is no evidence."""

from fractions import Fraction
from pathlib import Path
from random import Random
from statistics import correlation

import pytest
from bench.leading import verdicts
from tests.commands import Fari
from tests.projects import project

from fari.engine.answer import Question
from fari.errors import FariError
from fari.insight.leading import early, innovations, judged, leading, solve, tried
from fari.insight.noise import discovered

WEEKS = 104


def follower(random: Random, lag: int = 3, weeks: int = WEEKS) -> tuple[list[float], list[float]]:
    """A target that follows a figure by so many weeks, with noise of its own."""
    figure = [20 + random.gauss(0, 3) for _ in range(weeks)]
    return [5 + 0.5 * figure[max(n - lag, 0)] + random.gauss(0, 1) for n in range(weeks)], figure


@pytest.mark.parametrize("lag", [1, 2, 5, 13])
def test_a_planted_lead_is_found(lag: int) -> None:
    ahead, beside = tried(*follower(Random(lag), lag))
    assert ahead.weeks == lag
    # Of the target's variance 2.25 of 3.25 is the figure's.
    assert ahead.low < 2.25 / 3.25 < ahead.high
    assert ahead.skill == pytest.approx(2.25 / 3.25, abs=0.15)
    assert ahead.chance < 0.01 < beside.chance


def test_what_comes_in_the_week_itself_comes_too_late() -> None:
    found = judged(*tried(*follower(Random(4), 0)), 0.05)
    assert (found.verdict, found.weeks) == ("moves with it", 0)


def test_vanity_shows_itself() -> None:
    random = Random(3)
    target, figure = follower(random)
    vanity = [random.gauss(50, 20) for _ in range(WEEKS)]
    chances = [tried(target, one)[0].chance for one in (figure, vanity)]
    assert chances[0] <= discovered(chances, 0.05) < chances[1]
    assert judged(*tried(target, vanity), 0.05).verdict == "no use"


def test_the_unlike_is_seldom_called_alike() -> None:
    """At the bounds of 5 % a verdict: of 100 unrelated pairs, chance calls more than 11 so once in a hundred times."""
    for kind in ("walk", "growth", "season", "quarter"):
        for weeks in (52, 104):
            called = verdicts(kind, None, weeks, range(100))
            assert max(called["leads"], called["moves with it"]) <= 11, (kind, weeks, called)
            # 52 weeks could not have shown a useful lead, so they show no uselessness.
            assert weeks > 52 or not called["no use"]


def test_a_lead_is_told_from_moving_together_and_not_called_useless() -> None:
    for lag in (1, 4, 8):
        called = verdicts("wanders", lag, WEEKS, range(20))
        assert called["leads"] >= 18, (lag, called)
        assert called["near"] >= 18, (lag, called)
    assert not verdicts("wanders", 4, 60, range(20))["no use"]


def test_what_is_left_of_a_week_owes_nothing_to_the_weeks_before() -> None:
    """A walk's own past is taken out: its news is as its steps were, far ones drawn in."""
    random, steps, walk = Random(6), [], [50.0]
    for _ in range(WEEKS):
        steps.append(random.gauss(0, 1))
        walk.append(walk[-1] + steps[-1])
    left = innovations(walk)
    assert correlation(left, steps[-len(left) :]) > 0.85
    assert abs(correlation(left[1:], left[:-1])) < 0.2
    walk[60] += 100
    assert max(innovations(walk)) < 15


def test_least_squares_are_exact() -> None:
    """Against normal equations in fractions."""
    random = Random(5)
    rows = [[1, random.randrange(9), random.randrange(9)] for _ in range(12)]
    came = [random.randrange(20) for _ in range(12)]
    left = [[Fraction(sum(row[a] * row[b] for row in rows)) for b in range(3)] for a in range(3)]
    right = [Fraction(sum(row[a] * value for row, value in zip(rows, came, strict=True))) for a in range(3)]
    for n in range(3):
        right[n], left[n] = right[n] / left[n][n], [one / left[n][n] for one in left[n]]
        for m in range(3):
            if m != n:
                factor = left[m][n]
                left[m] = [one - factor * own for one, own in zip(left[m], left[n], strict=True)]
                right[m] -= factor * right[n]
    assert solve(rows, came) == pytest.approx([float(one) for one in right], abs=1e-6)


def firm() -> dict[str, str]:
    """Sign-ups by the week, and as many new customers as a half of those of two weeks before."""
    random = Random(2)
    stages, paid = ["person_id,stage,at"], ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    counts = [random.randrange(4, 40) for _ in range(70)]
    for week, count in enumerate(counts):
        for n in range(count):
            stages.append(f"p{week}-{n},lead,{_day(week, n)}")
            if n % 2 == 0 and week + 2 < 70:
                paid.append(f"s{week}-{n},p{week}-{n},{_day(week + 2, n)},,50,EUR,month")
    return {"stages": "\n".join(stages), "subscriptions": "\n".join(paid)}


def _day(week: int, n: int) -> str:
    from datetime import date, timedelta

    return str(date(2024, 1, 1) + timedelta(7 * week + n % 7))


def test_in_a_company_leads_are_found_to_lead(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asker = project(tmp_path, firm())
    found = leading(asker, Question((), ()))
    assert (found.found[0].metric, found.found[0].verdict) == ("leads", "leads")
    assert found.found[0].weeks in (1, 2)
    assert "visitors" in found.left_out
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    fari = Fari(capsys, tmp_path)
    assert fari("leading").out.startswith("Leads foretells new customers best: ")
    told = fari("leading", "leads", "--of", "new_mrr", "--format", "json").json
    assert (told["target"], told["figures"][0]["verdict"]) == ("new_mrr", "leads")
    assert fari("leading", "lead").status == 2


def test_a_short_past_is_refused(tmp_path: Path) -> None:
    short = {"subscriptions": "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\ns,a,2025-01-01,2025-04-01,5,EUR,month"}
    with pytest.raises(FariError, match="whole weeks, and 52 are needed"):
        leading(project(tmp_path, short), Question((), ()))


def test_what_rests_on_customers_is_no_early_figure() -> None:
    assert {"visitors", "signups", "leads", "mqls", "sqls", "opportunities"} <= set(early())
    assert not {"new_customers", "mrr", "churned_customers", "spend"} & set(early())
