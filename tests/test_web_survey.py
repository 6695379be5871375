"""The survey: a link, votes without an account, the result beside the article's, and the metrics in focus."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.commands import TOML

from fari.errors import UsageError
from fari.insight.survey import article, choices, result
from fari.metrics import METRICS
from fari.surfaces.project import Place
from fari.surfaces.web import votes
from fari.surfaces.web.access import Access
from fari.surfaces.web.app import application
from fari.surfaces.web.door import Door
from fari.surfaces.web.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    one = Site(Place(tmp_path))
    yield one
    one.close()


def browser(site: Site) -> TestClient:
    return TestClient(application(site))


def test_the_articles_votes_add_up_to_its_forty_and_its_shares() -> None:
    told = article()
    assert sum(told["votes"].values()) == told["people"] == 40
    shares = {name: 100 * votes / 40 for name, votes in told["votes"].items()}
    assert shares == {
        "visitors": 7.5, "mqls": 5, "sqls": 2.5, "lead_conversion_rate": 27.5, "customer_churn_rate": 7.5, "mrr": 25, "cac": 5,
        "clv": 7.5, "other": 12.5,
    }  # fmt: skip
    assert set(choices()) - {"other"} <= set(METRICS)


def test_focus_is_three_at_most_and_never_another() -> None:
    assert result(["other"] * 5 + ["cac", "cac", "mrr", "clv", "sqls"]).focus == ("cac", "mrr", "clv")
    assert result([]).focus == ()
    assert not result(["visitors", "mrr"]).vanity
    assert result(["visitors", "visits"]).vanity


def test_a_team_votes_once_a_browser_and_may_change(site: Site) -> None:
    owner = browser(site)
    assert "Nobody has voted yet." in owner.get("/survey").text
    assert owner.post("/survey/begin", follow_redirects=False).headers["location"] == "/survey"
    link = re.search(r"/vote/[\w-]+", owner.get("/survey").text)
    assert link is not None
    ann, bob = browser(site), browser(site)
    asked = ann.get(link[0])
    assert asked.status_code == 200
    assert "Acme" not in asked.text
    assert asked.text.count('type="radio"') == len(choices())
    assert "Thank you" in ann.post(link[0], data={"metric": "visitors", "why": "<script>x</script>"}).text
    bob.post(link[0], data={"metric": "pageviews"})
    page = owner.get("/survey").text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "only large numbers" in page
    ann.post(link[0], data={"metric": "mrr", "why": "it pays"})
    data = owner.get("/survey.json").json()
    assert (data["people"], data["marketers"], data["vanity"]) == (2, 40, False)
    by = {one["metric"]: one for one in data["choices"]}
    assert (by["mrr"]["team"], by["mrr"]["team_share"], by["mrr"]["marketers_share"], by["mrr"]["focus"]) == (1, 0.5, 0.25, True)
    assert by["visitors"]["team"] == 0
    assert owner.get("/survey.csv").text.startswith("metric,team,team_share,marketers")
    assert "it pays" in owner.get("/survey").text
    assert "only large numbers" not in owner.get("/survey").text
    assert "checked" in ann.get(f"{link[0]}?again=1").text


def test_an_ended_link_and_a_wrong_one_take_no_votes(site: Site) -> None:
    owner = browser(site)
    owner.post("/survey/begin")
    one = votes.latest(site.desk)
    assert one is not None
    owner.post("/survey/begin")
    assert owner.get(f"/vote/{one.token}").status_code == 404
    for token in (one.token, "x", "..%2F..", "<script>"):
        answer = owner.post(f"/vote/{token}", data={"metric": "mrr"})
        assert answer.status_code == 404, token
        assert "<script>" not in answer.text
    owner.post("/survey/end")
    newest = votes.latest(site.desk)
    assert newest is not None
    assert not newest.open
    assert votes.votes(site.desk, newest) == []


def test_what_cannot_be_voted(site: Site) -> None:
    one = votes.begin(site.desk)
    client = browser(site)
    for metric in ("", "nrr", "x" * 5000, "<b>"):
        answer = client.post(f"/vote/{one.token}", data={"metric": metric, "why": "y"})
        assert answer.status_code == 400
        assert "choose one of the metrics" in answer.text
    client.post(f"/vote/{one.token}", data={"metric": "cac", "why": "w " * 5000})
    (vote,) = votes.votes(site.desk, one)
    assert len(vote.why) <= votes.LONGEST


def test_a_link_that_got_out_fills_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(votes, "MOST", 2)
    one = votes.begin(site.desk)
    for voter in ("a", "b"):
        votes.cast(site.desk, one.token, voter, "mrr", "")
    with pytest.raises(UsageError, match="has its 2 votes"):
        votes.cast(site.desk, one.token, "c", "mrr", "")
    votes.cast(site.desk, one.token, "a", "cac", "")


def test_behind_the_door_only_voting_is_open(site: Site) -> None:
    door = Door(Access(site.desk), site.folder, "password", names=("testserver",))
    client = TestClient(application(site, door))
    one = votes.begin(site.desk)
    assert client.get("/survey").status_code == 401
    assert client.post("/survey/begin").status_code in (401, 403)
    asked = client.get(f"/vote/{one.token}")
    assert asked.status_code == 200
    token = re.search(r'name="csrf" value="(\w+)"', asked.text)
    assert token is not None
    assert client.post(f"/vote/{one.token}", data={"metric": "mrr"}).status_code == 403
    assert client.post(f"/vote/{one.token}", data={"metric": "mrr", "csrf": token[1]}).status_code == 200
    assert [vote.metric for vote in votes.votes(site.desk, one)] == ["mrr"]


def test_in_focus_on_the_overview_and_first_in_the_digest(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("exports"))
    site = Site(Place(folder))
    monkeypatch.setattr(Site, "later", lambda *_: None)
    client = browser(site)
    assert "in-focus" not in client.get("/").text
    one = votes.begin(site.desk)
    votes.cast(site.desk, one.token, "a", "cac", "")
    page = client.get("/").text
    assert page.count("in-focus") == 1
    assert re.search(r'<a href="/metrics/cac[^"]*">CAC</a> <span class="in-focus">focus</span>', page)
    assert votes.focus(site.desk) == ("cac",)
    assert '<html lang="it"' in client.get("/survey?lang=it").text
    site.close()
