"""What people add to a metric's page: notes, and goals as rows of the ledger."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.projects import TODAY, write

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import parse as month_of
from fari.errors import UsageError
from fari.insight.goals import targets
from fari.insight.unusual import Event, Look, Unusual
from fari.insight.why import why
from fari.ledger.acts import How
from fari.sources.importing import import_files
from fari.surfaces.format import exact
from fari.surfaces.project import Place
from fari.surfaces.web.annotations import annotate, annotations, forget
from fari.surfaces.web.app import application
from fari.surfaces.web.desk import Desk
from fari.surfaces.web.pages import metric as metric_page
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import View

TOML = '[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n'
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
SUBSCRIPTIONS = """
    subscription_id,account_id,starts_on,ends_on,amount,currency,interval
    s1,a1,2025-01-01,,100.00,EUR,month
    s2,a2,2025-10-10,2025-12-20,50.00,EUR,month
    """
PLAN = "month,metric,value,channel\n2025-11,mrr,500,\n2025-11,customers,7,\n2027-01,mrr,900,\n"


def bring(folder: Path, tables: dict[str, str], on: date = TODAY) -> None:
    import_files(Place(folder).project(), write(folder / "files", tables), How(on, datetime.combine(on, datetime.min.time(), UTC)))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    bring(tmp_path, {"subscriptions": SUBSCRIPTIONS})
    return tmp_path


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    # What takes long is of other tests.
    monkeypatch.setattr(Site, "later", lambda *_: None)
    with TestClient(application(Site(Place(home)))) as one:
        yield one


def goals(home: Path) -> list[tuple[str, str, str | None, str]]:
    found = targets(Asker(Place(home).project()), Question((), ()))
    return [(month.label, metric, channel, exact(value)) for month, metric, channel, value in found]


def goal(client: TestClient, value: str, month: str = "2025-11", metric: str = "mrr", **more: str) -> int:
    return client.post("/targets", data={"month": month, "metric": metric, "value": value, "back": "/metrics/mrr"} | more).status_code


def test_notes_are_of_a_metric_or_of_all_and_of_their_days(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk.sqlite")
    assert annotations(desk, "mrr", date(2025, 1, 1), date(2026, 1, 1)) == []
    second = annotate(desk, "2025-03-31", "mrr", "  New\n prices ", "ann", NOW)
    annotate(desk, "2025-02-01", "", "Fair <b>in</b> Milan", "", NOW)
    annotate(desk, "2025-02-02", "cac", "Not mine", "", NOW)
    annotate(desk, "2026-01-01", "mrr", "Too late", "", NOW)
    found = annotations(desk, "mrr", date(2025, 1, 1), date(2026, 1, 1))
    assert [(one.text, one.author) for one in found] == [("Fair <b>in</b> Milan", ""), ("New prices", "ann")]
    forget(desk, str(second))
    assert [one.text for one in annotations(desk, "mrr", date(2025, 1, 1), date(2026, 1, 1))] == ["Fair <b>in</b> Milan"]
    for number in (str(second), "x", "-1", "9" * 30, "1 OR 1=1", ""):
        with pytest.raises(UsageError):
            forget(desk, number)
    for day, metric, text in (
        ("2025-02-30", "mrr", "a"),
        ("", "mrr", "a"),
        ("2025-02-01", "mr", "a"),
        ("2025-02-01", "mrr", " "),
        ("2025-02-01", "", "a" * 201),
    ):
        with pytest.raises(UsageError):
            annotate(desk, day, metric, text, "", NOW)


def test_a_note_is_added_seen_and_taken_away_on_the_page(client: TestClient) -> None:
    back = "/metrics/mrr?period=2025-11&lang=en"
    sent = {"day": "2025-11-05", "text": "Fair <script>x</script>", "metric": "mrr", "back": back}
    answer = client.post("/annotations", data=sent, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{back}#notes")
    page = client.get(back).text
    assert "Fair &lt;script&gt;x" in page
    assert "<script>x" not in page
    assert client.post("/annotations", data={"act": "remove", "id": "1", "back": back}).status_code == 200
    assert "Fair" not in client.get(back).text
    assert client.post("/annotations", data={"act": "remove", "id": "1"}).status_code == 400
    assert client.post("/annotations", data=sent, headers={"Origin": "https://evil.example"}).status_code == 403
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""):
        answer = client.post("/annotations", data=sent | {"back": evil}, follow_redirects=False)
        assert answer.headers["location"] == "/#notes"


def test_rules_that_change_are_shown_before_and_after_until_it_is_said_why(client: TestClient, home: Path) -> None:
    assert "the rules changed" not in client.get("/").text
    (home / "fari.toml").write_text(f"{TOML}[rules]\npast_due_days = 45\n", encoding="utf-8")
    day = Site(Place(home)).scene(View("/")).today
    page = client.get("/channels").text
    label = "fari with past_due_days = 45"
    assert f"On {day} the rules changed from fari to {label}" in page
    assert 'href="/metrics/mrr?rules=fari#ruled"' in page
    assert client.post("/rules", data={"text": " "}).status_code == 400
    assert client.post("/rules", data={"text": "x" * 200}).status_code == 400
    before_and_after = client.get("/metrics/mrr?rules=fari&period=2025-11").text
    assert 'id="ruled"' in before_and_after
    assert f'sort=-own">{label}</a>' in before_and_after or f">{label}</th>" in before_and_after
    answer = client.post("/rules", data={"text": "Dunning takes longer <now>", "back": "/metrics/mrr"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/metrics/mrr")
    assert "the rules changed" not in client.get("/").text
    assert client.post("/rules", data={"text": "again"}).status_code == 400
    (note,) = annotations(Desk(home / "desk.sqlite"), "cac", day, day + timedelta(days=1))
    assert (note.text, note.metric) == (f"fari → {label}: Dunning takes longer <now>", "")


def test_history_under_other_rules_stands_beside_that_under_ones_own(home: Path) -> None:
    bring(home, {"subscriptions": SUBSCRIPTIONS + "s3,a3,2025-11-01,,130.00,EUR,week\n"})
    scene = Site(Place(home)).scene(View("/metrics/mrr", period="2025-11", rules="fari with week = 4"))
    table = metric_page.ruled_otherwise(scene, "mrr", metric_page.history(scene, "mrr"))
    assert table is not None
    assert [column.head for column in table.columns] == ["Period", "fari", "fari with week = 4", "Difference"]
    # 130 a week is 130 × 52/12 = 563.33 a month; by four weeks 520.
    assert [cell.text for cell in table.rows[0]] == ["November 2025", "€713.33", "€670.00", "-€43.33"]
    assert [cell.text for cell in table.rows[1]] == ["October 2025", "€150.00", "€150.00", "€0.00"]
    for rules, name in (("fari", "mrr"), ("", "mrr"), ("stripe", "visitors")):
        other = Site(Place(home)).scene(View("/", period="2025-11", rules=rules))
        assert metric_page.ruled_otherwise(other, name, []) is None


def test_a_goal_is_set_changed_and_withdrawn(client: TestClient, home: Path) -> None:
    assert goal(client, "120.50") == 200
    assert goals(home) == [("2025-11", "mrr", None, "120.5")]
    assert "€120.50" in client.get("/metrics/mrr?period=2025-11").text
    act = Place(home).project().imports()[-1]
    assert (act.source, [file["file"] for file in act.files]) == ("page", ["page"])
    assert goal(client, "3%", metric="customer_churn_rate") == 200
    assert goal(client, "130") == 200
    assert goals(home) == [("2025-11", "customer_churn_rate", None, "0.03"), ("2025-11", "mrr", None, "130")]
    assert goal(client, "") == 200
    assert goals(home) == [("2025-11", "customer_churn_rate", None, "0.03")]
    assert goal(client, "") == 200
    assert goal(client, "", metric="customer_churn_rate") == 200
    assert goals(home) == []


def test_of_a_file_and_the_page_the_last_word_counts(client: TestClient, home: Path) -> None:
    assert goal(client, "120") == 200
    bring(home, {"targets": PLAN})
    plan = [("2025-11", "customers", None, "7"), ("2025-11", "mrr", None, "500"), ("2027-01", "mrr", None, "900")]
    assert goals(home) == plan
    assert goal(client, "120") == 200
    assert goals(home) == [plan[0], ("2025-11", "mrr", None, "120"), plan[2]]
    assert goal(client, "") == 200
    assert goals(home) == [plan[0], plan[2]]


def test_a_plan_brings_no_data(home: Path) -> None:
    before = Asker(Place(home).project()).state()[0]
    bring(home, {"targets": PLAN})
    after = Asker(Place(home).project()).state()[0]
    assert (after.horizon, after.ranges["subscriptions"]) == (before.horizon, before.ranges["subscriptions"])
    assert after.horizon == date(2025, 12, 20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "lots"}, {"value": "+10%"}, {"value": "NaN"}, {"value": "9" * 50}, {"month": "2025-13"}, {"month": "2025-Q1"}, {"month": ""},
        {"month": "2025-11-01"}, {"metric": "nonsense"}, {"metric": ""}, {"channel": "x" * 81}, {"channel": "a\x00b"}, {"value": "1e30"},
    ],
)  # fmt: skip
def test_what_is_no_goal_is_refused(client: TestClient, home: Path, wrong: dict[str, str]) -> None:
    assert goal(client, **({"value": "1"} | wrong)) in (400, 422)
    assert goals(home) == []
    assert len(Place(home).project().imports()) == 1


def test_what_is_unusual_can_be_muted_and_heard_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Place(home))
    period = month_of("2025-11")
    figure = Unusual("mrr", period, Decimal(150), Decimal(90), Decimal(110), 0.01, "money", "EUR")
    look = Look(period, (Event((figure,)),), 1, ())
    cause = why(site.front, Question(("mrr",), (month_of("2025-10"), period)))
    monkeypatch.setattr(Site, "later", lambda _, key, __: (look, [cause]) if "unusual" in key else None)
    with TestClient(application(site)) as client:
        at = "/insight?period=2025-11"
        sent = {"metric": "mrr", "month": "2025-11", "back": at}
        assert "Mute it" in client.get(at).text
        assert "Let it be heard again" in client.post("/mutes", data=sent | {"act": "mute"}).text
        assert "Mute it" not in client.get(at).text
        assert "Mute it" in client.post("/mutes", data=sent | {"act": "unmute"}).text
        for wrong in ({"metric": "nonsense"}, {"month": "2025"}, {"month": "x" * 999}, {"month": ""}):
            assert client.post("/mutes", data=sent | wrong).status_code == 400
