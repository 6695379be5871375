"""Alerts and goals: planted events are found, quiet companies raise none, and what `fari check` says and exits with."""

from datetime import UTC, date, datetime
from decimal import Decimal
from math import sqrt
from pathlib import Path
from random import Random

import pytest
from tests.commands import Fari
from tests.projects import company, project

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import add_months, parse
from fari.errors import UsageError
from fari.insight.goals import goals, reaching
from fari.insight.quantiles import t_tail
from fari.insight.unusual import FALSE, expected, unusual
from fari.surfaces.web.desk import NAME, Desk
from fari.surfaces.web.mutes import mute

NOTHING = Question((), ())
START, MONTHS = date(2024, 1, 1), 24
END = add_months(START, MONTHS)
LAST = date.fromordinal(END.toordinal() - 1)


def tables(seed: int, *, lost: int = 0, won: int = 30, targets: str = "") -> dict[str, str]:
    """A quiet company of two years: so many customers a month, each lost with a chance of 4 % a month; `lost` more go in its last month."""
    random = Random(seed)
    paid = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    running: list[tuple[str, date, int]] = []
    number = 0
    for month in range(MONTHS):
        first = add_months(START, month)
        staying = []
        for name, since, amount in running:
            if random.random() < 0.04:
                paid.append(f"{name},{name},{since},{date.fromordinal(first.toordinal() + random.randrange(28))},{amount},EUR,month")
            else:
                staying.append((name, since, amount))
        running = staying
        for _ in range(max(0, round(random.gauss(won, sqrt(won))))):
            number += 1
            running.append((f"a{number}", date.fromordinal(first.toordinal() + random.randrange(28)), round(random.lognormvariate(4, 0.5))))
    for name, since, amount in running[:lost]:
        paid.append(f"{name},{name},{since},{date.fromordinal(LAST.toordinal() - 3)},{amount},EUR,month")
    paid += [f"{name},{name},{since},,{amount},EUR,month" for name, since, amount in running[lost:]]
    spend = "day,amount,currency,kind\n" + "".join(f"{add_months(START, month)},{random.gauss(900, 60):.2f},EUR,ads\n" for month in range(MONTHS))
    made = {"subscriptions": "\n".join(paid), "spend": f"{spend}{LAST},0,EUR,ads"}
    return made | ({"targets": f"month,metric,value,channel\n{targets}"} if targets else {})


def firm(folder: Path, seed: int = 1, **planted: int) -> Asker:
    return project(folder, tables(seed, **planted), company())  # type: ignore[arg-type]


def test_an_exodus_is_found_and_told_once(tmp_path: Path) -> None:
    found = unusual(firm(tmp_path, lost=80), NOTHING)
    assert found.period == parse("2025-12")
    (event,) = found.events
    names = [one.metric for one in event.figures]
    assert names[0] in ("churned_customers", "customer_churn_rate")
    assert {"churned_mrr", "customer_churn_rate", "churned_customers"} <= set(names)
    assert event.bad
    assert event.figures[0].above
    for one in event.figures:
        assert not one.low <= one.value <= one.high
        assert one.chance <= FALSE / found.judged


def test_a_quiet_company_is_quiet(tmp_path: Path) -> None:
    """Each of its last ten months looked at when it was over: no alert. bench/alerts.py looks at a hundred companies."""
    asker = firm(tmp_path, seed=2)
    looks = [unusual(asker, NOTHING, parse(f"2025-{month:02}")) for month in range(3, 13)]
    assert [look.events for look in looks] == [()] * 10
    assert all(look.judged > 15 for look in looks[4:])


def test_a_short_past_says_nothing(tmp_path: Path) -> None:
    found = unusual(firm(tmp_path, lost=0), NOTHING, parse("2024-06"))
    assert (found.events, found.judged) == ((), 0)
    assert "mrr" in found.unjudged


def test_one_customer_is_no_alert_however_dear(tmp_path: Path) -> None:
    """A month of the usual spend that happens to win one customer for ten: what that one cost says nothing yet."""
    made = tables(3, won=10)
    rows = made["subscriptions"].splitlines()
    kept = [row for row in rows if not row.split(",")[2].startswith("2025-12")]
    made["subscriptions"] = "\n".join([*kept, "z,z,2025-12-05,,50,EUR,month"])
    found = unusual(project(tmp_path, made, company()), NOTHING)
    assert found.events == ()
    assert found.judged > 10


def test_months_are_held_against_months(tmp_path: Path) -> None:
    asker = firm(tmp_path)
    for period in ("2025", "2025-Q3", "2025-W40"):
        with pytest.raises(UsageError, match="a month such as"):
            unusual(asker, NOTHING, parse(period))


def test_chances_are_what_they_say() -> None:
    """Of white noise, one value in twenty lies beyond the 5 % that t lets expect, give or take three standard deviations."""
    random, times, out = Random(4), 600, 0
    for _ in range(times):
        values = [random.gauss(50, 5) for _ in range(21)]
        middle, spread, freedom = expected(values[:20])
        out += 2 * t_tail(abs(values[20] - middle) / spread, freedom) < 0.05
    assert abs(out / times - 0.05) < 3 * sqrt(0.05 * 0.95 / times)


TARGETS = """2025-12,spend,1,
2025-12,new_customers,1,
2025-12,churned_customers,1,
2026-02,new_customers,5,
2026-02,mrr,9000000,
2026-01,nonsense,3,
2026-03,leads,3,
"""


def test_goals_are_held_against_what_came_and_what_is_expected(tmp_path: Path) -> None:
    asker = project(tmp_path, tables(1, targets=TARGETS), company())
    found = {(one.metric, one.period.label): one for one in goals(asker, NOTHING)}
    states = {key: one.state for key, one in found.items()}
    assert states == {
        ("new_customers", "2025-12"): "reached", ("spend", "2025-12"): "missed",
        ("churned_customers", "2025-12"): "missed", ("new_customers", "2026-02"): "on course",
        ("mrr", "2026-02"): "at risk", ("nonsense", "2026-01"): "unknown", ("leads", "2026-03"): "unknown",
    }  # fmt: skip
    ahead = found["new_customers", "2026-02"]
    assert ahead.chance is not None
    assert ahead.chance > 0.9
    assert "no source covers" in found["leads", "2026-03"].why
    assert goals(firm(tmp_path / "none"), NOTHING) == []


def test_the_chance_of_a_goal_is_that_of_the_side_it_lies_on() -> None:
    """Of 100 between 80 and 140 at 80 %: one in ten lies beyond either, in either direction of better."""
    value, low, high = Decimal(100), Decimal(80), Decimal(140)
    for target, above in ((80, 0.9), (140, 0.1), (100, 0.5)):
        assert reaching(Decimal(target), value, low, high, falls=False) == pytest.approx(above)
        assert reaching(Decimal(target), value, low, high, falls=True) == pytest.approx(1 - above)
    # Bounds of 10 that were cut at 0: a goal of 5 is as far down as one of 15 is up.
    up, down = (reaching(Decimal(target), Decimal(10), Decimal(0), Decimal(30), falls=False) for target in (15, 5))
    assert up == pytest.approx(1 - down)
    assert reaching(Decimal(9), value, value, value, falls=False) == 1


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project(tmp_path, tables(1, lost=80, targets="2026-02,mrr,9000000,\n"), company())
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    fari = Fari(capsys, tmp_path)
    told = fari("check", "--alerts")
    assert told.status == 3
    assert "was to be expected" in told.out
    assert "Customers lost in December 2025" in told.out
    assert "No segment stands out" in told.out
    assert "the goal of €9,000,000 is at risk" in told.out
    italian = fari("check", "--alerts", "--lang", "it", "--format", "json")
    assert italian.status == 3
    assert italian.json["wrong"] == 2
    assert "erano da attendersi" in italian.json["alerts"][0]["sentences"][0]
    assert italian.json["goals"][0]["state"] == "at risk"
    calm = fari("check", "--alerts", "--period", "2025-10", "--format", "json")
    assert (calm.json["alerts"], calm.json["wrong"]) == ([], 1)
    well = fari("check")
    assert (well.status, well.out) == (0, "Nothing is wrong.\n")
    assert Decimal(str(italian.json["alerts"][0]["figures"][0]["chance"])) < Decimal("0.001")


def test_what_is_muted_is_left_out_of_alerts_and_of_what_the_digest_tells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project(tmp_path, tables(1, lost=80), company())
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    fari, desk, now = Fari(capsys, tmp_path), Desk(tmp_path / NAME), datetime(2026, 1, 15, tzinfo=UTC)
    before = fari("check", "--alerts", "--format", "json")
    assert (before.status, before.json["muted"]) == (3, [])
    heads = [alert["figures"][0]["metric"] for alert in before.json["alerts"]]
    assert "\n\nCustomer churn rose" in fari("digest", "2025-12").out
    for metric in ("customer_churn_rate", *heads):
        mute(desk, metric, "2025-12", "", now)
    after = fari("check", "--alerts", "--format", "json")
    assert (after.status, after.json["wrong"], after.json["alerts"], after.json["muted"]) == (0, 0, [], heads)
    said = fari("check", "--alerts")
    assert said.out == "Nothing is wrong.\n"
    assert "Muted on the dashboard: customers lost" in said.err
    told = fari("digest", "2025-12").out
    assert "Customer churn rose" not in told
    assert " Left out, as muted: customer churn.\n" in told
    assert "\nCustomer churn: " in told
    # Of another month nothing is muted.
    assert fari("check", "--alerts", "--period", "2025-11", "--format", "json").json["muted"] == []
