"""By when a cohort has converted: by hand, against a truth that the young cohorts hide, and on the pages."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.commands import TOML
from tests.projects import project

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.lags import lags
from fari.engine.periods import parse
from fari.errors import FariError
from fari.insight.forecast import forecast
from fari.insight.goals import goals
from fari.insight.settling import Settling, settled, settling, young
from fari.insight.unusual import unusual
from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.site import Site

QUESTION = Question((), ())
LAST = date(2025, 7, 9)


def book(converted: int) -> dict[str, str]:
    """Leads of ten days in January 2025, three a day, so many of whom pay ten days later; one who paid before; one of July who has not yet."""
    people, stages = ["person_id,account_id,created_at"], ["person_id,stage,at"]
    paying = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    for n in range(30):
        day = date(2025, 1, 1) + timedelta(days=n // 3)
        people.append(f"p{n},a{n},{day}")
        stages.append(f"p{n},lead,{day}")
        if n < converted:
            paying.append(f"s{n},a{n},{day + timedelta(days=10)},,100,EUR,month")
    people += ["old,b,2025-01-05", "new,c,2025-07-05"]
    stages += ["old,lead,2025-01-05", f"new,lead,{LAST}"]
    paying.append("t,b,2024-12-01,,100,EUR,month")
    return {"people": "\n".join(people), "stages": "\n".join(stages), "subscriptions": "\n".join(paying)}


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    home = tmp_path_factory.mktemp("firm")
    (home / "fari.toml").write_text(TOML.replace("Europe/Rome", "UTC"), encoding="utf-8")
    return project(home, book(30))


def test_how_long_it_took_and_how_long_each_has_been_watched(firm: Asker) -> None:
    found = lags(firm, QUESTION, "stage_entries")
    covered, _ = firm.state()
    assert covered.horizon is not None
    watched = (covered.horizon - date(2025, 1, 1)).days
    assert found[10, watched] == 3
    assert found[0, watched - 4] == 1  # paid before it was a lead
    assert sum(found.values()) == 31


def test_a_cohort_is_provisional_until_its_last_member_has_had_as_long(firm: Asker) -> None:
    found = settling(firm, QUESTION, "lead_conversion_rate_cohort")
    assert found is not None
    assert found.days == 10
    # Who became a lead on 31 July has until 10 August.
    assert found.until(parse("2025-07")) == date(2025, 8, 10)
    assert settling(firm, QUESTION, "leads_converted") == found
    assert settling(firm, QUESTION, "lead_conversion_rate") is settling(firm, QUESTION, "mrr") is None
    for metric in ("trial_conversion_rate", "signup_to_customer_rate"):
        assert settling(firm, QUESTION, metric) == Settling(None, 0)


def test_of_few_it_cannot_be_told(tmp_path: Path) -> None:
    found = settling(project(tmp_path, book(18)), QUESTION, "lead_conversion_rate_cohort")
    assert found == Settling(None, 0)
    assert found.until(parse("2025-07")) is None


def test_young_cohorts_do_not_make_it_look_quicker() -> None:
    # One member a day takes each of 1 to 100 days; ten times as many come in the last month, of whom only the quick have been seen.
    seen: Counter[tuple[int, int]] = Counter()
    for limit in range(400):
        for lag in range(1, 101):
            if lag <= limit:
                seen[lag, limit] += 10 if limit <= 30 else 1
    plain = sorted(seen.elements())
    assert plain[int(0.95 * len(plain))][0] < 95
    assert settled(seen) == Settling(95, 399)


def months(slow: int) -> dict[str, str]:
    """Two years of twenty to thirty leads a month; half of them pay so many days later. The data end with December 2025."""
    people, stages = ["person_id,account_id,created_at"], ["person_id,stage,at"]
    paying = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"]
    for month in range(24):
        for n in range(20 + month * 7 % 11):
            name, day = f"{month}-{n}", date(2024 + month // 12, month % 12 + 1, n % 28 + 1)
            people.append(f"p{name},a{name},{day}")
            stages.append(f"p{name},lead,{day}")
            won = day + timedelta(days=slow)
            if n % 2 and won < date(2026, 1, 1):
                paying.append(f"s{name},a{name},{won},,100,EUR,month")
    paying.append("last,z,2025-12-31,,1,EUR,month")
    targets = ["month,metric,value", "2025-12,lead_conversion_rate_cohort,0.45", "2025-10,lead_conversion_rate_cohort,0.6"]
    return {"people": "\n".join(people), "stages": "\n".join(stages), "subscriptions": "\n".join(paying), "targets": "\n".join(targets)}


def test_a_month_that_still_converts_is_no_alarm_no_past_and_misses_no_goal(tmp_path: Path) -> None:
    """Half of all leads become customers, 25 days later: of December few have yet."""
    name = "lead_conversion_rate_cohort"
    asker = project(tmp_path, months(25))
    december, october = parse("2025-12"), parse("2025-10")
    question = Question((name,), (december,), today=date(2026, 1, 15))
    (answer,) = asker.ask(question)
    assert answer.value is not None
    assert answer.value < 0.2
    assert (young(asker, question, name, december), young(asker, question, name, october)) == (True, False)
    assert not young(asker, question, "leads", december)
    look = unusual(asker, question, december)
    assert (look.events, look.unjudged) == ((), (name,))
    (told,) = forecast(asker, question, 3)
    assert [one.period.label for one in told.months] == ["2026-01", "2026-02", "2026-03"]
    assert told.last == december
    assert all(0.45 < float(one.value) < 0.55 for one in told.months)
    states = {one.period.label: (one.state, one.why) for one in goals(asker, question)}
    assert states == {"2025-10": ("missed", ""), "2025-12": ("unknown", "members of its cohort still become customers")}


def test_a_rate_whose_cohorts_never_settle_is_not_foretold(tmp_path: Path) -> None:
    asker = project(tmp_path, months(500))
    with pytest.raises(FariError, match="until when its cohorts still become customers is not known"):
        forecast(asker, Question(("lead_conversion_rate_cohort",), ()), 3)


@pytest.fixture(scope="module")
def client(firm: Asker) -> Iterator[TestClient]:
    with TestClient(application(Site(Place(firm.ledger.folder)))) as one:
        yield one


def test_pages_say_until_when(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "later", lambda site, key, make: None)
    monkeypatch.setattr("fari.surfaces.web.scene.today", lambda company: date(2025, 7, 10))
    cohort = client.get("/metrics/lead_conversion_rate_cohort?period=2025-07&compare=2025-01").text
    assert '<span class="so-far">provisional until Aug 10</span>' in cohort
    assert '<span class="verdict">the younger has had less time</span>' in cohort
    assert "95% have done so within 10 days" in cohort
    assert "so-far" not in client.get("/metrics/lead_conversion_rate_cohort?period=2025-01").text
    assert '<span class="so-far">provisional until Jul 31</span>' in client.get("/metrics/leads?period=2025-07").text
    italian = client.get("/metrics/lead_conversion_rate_cohort?period=2025-07&lang=it").text
    assert "provvisorio fino al 10 ago" in italian
    assert "in 10 giorni" in italian
