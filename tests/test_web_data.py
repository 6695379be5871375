"""The page of the data: what the doctor says, coverage by month, imports and their undoing, closed months that have moved."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.commands import run
from tests.projects import write

from fari.ledger.acts import How
from fari.ledger.tries import Try, tried
from fari.sources.importing import import_files
from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.digest import as_slack, as_subject, as_text, digest
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import View

TOML = '[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n'
TABLES = {
    "subscriptions": """
        subscription_id,account_id,starts_on,ends_on,amount,currency,interval
        s1,a1,2025-01-01,,100.00,EUR,month
        s2,a2,2025-02-10,2025-04-10,50.00,EUR,month
        """,
    "spend": """
        day,channel,amount,currency,kind
        2025-01-11,Email,10.00,EUR,ads
        2025-03-20,Email,20.00,EUR,ads
        """,
}


def bring(folder: Path, tables: dict[str, str], on: date) -> str:
    ledger = Place(folder).project()
    reports = import_files(ledger, write(folder / "files", tables), How(on, datetime.combine(on, datetime.min.time(), UTC)))
    assert [report.rejected for report in reports] == [0] * len(reports)
    return str(reports[0].import_id)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    bring(tmp_path, TABLES, date(2025, 4, 20))
    return tmp_path


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(application(Site(Place(home)))) as one:
        yield one


def test_its_data_is_what_the_doctor_says(client: TestClient, home: Path) -> None:
    told = client.get("/data.json").json()
    own = json.loads(run(["doctor", "--json"], home).out)
    assert {name: told[name] for name in own} == own
    rows = list(csv.DictReader(io.StringIO(client.get("/data.csv").text)))
    assert [(row["table"], row["rows"]) for row in rows] == [(one["table"], str(one["rows"])) for one in own["connected"]]
    page = client.get("/data").text
    for finding in own["findings"]:
        if finding["topic"] not in ("missing", "links"):
            assert finding["what"].replace("'", "&#39;") in page, finding
    for name in own["missing"]["events"]:
        assert f'href="/metrics/{name}"' in page


def test_coverage_is_told_by_month_in_words_too(client: TestClient) -> None:
    told = client.get("/data.json").json()["calendar"]
    assert [one["days"] for one in told["spend"]] == [21, 28, 31, 10]
    assert [one["month"] for one in told["spend"]] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    page = client.get("/data").text
    row = re.search(r'<tr><th scope="row">spend</th>.*?</tr>', page[page.index('class="calendar"') :], re.S)
    assert row is not None
    assert re.findall(r'title="([^"]*)".*?visually-hidden">(\w[^<]*)<', row[0]) == [
        ("January 2025: 21 of 31 days", "in part"),
        ("February 2025: 28 of 28 days", "whole"),
        ("March 2025: 31 of 31 days", "whole"),
        ("April 2025: 10 of 30 days", "in part"),
    ]


def test_an_import_is_undone_from_the_page(client: TestClient, home: Path) -> None:
    more = bring(home, {"spend": "day,channel,amount,currency,kind\n2025-04-01,Email,5.00,EUR,ads"}, date(2025, 4, 21))
    assert f'value="{more}"' in client.get("/data").text
    answer = client.post("/data/undo?lang=it", data={"import_id": more}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/data?lang=it#imports")
    page = client.get("/data").text
    assert f'value="{more}"' not in page
    assert "undone on" in page
    assert client.get("/data.json").json()["imports"][0]["undone_on"] is not None
    again = client.post("/data/undo", data={"import_id": more})
    assert again.status_code == 422
    assert "undone already" in again.text


def test_what_has_moved_in_a_closed_month_is_said(client: TestClient, home: Path) -> None:
    assert "No month is closed yet" in client.get("/data").text
    assert run(["close", "2025-03", "mrr", "customers"], home).status == 0
    client.get("/data.json")
    assert "nothing has moved" in client.get("/data").text
    bring(home, {"subscriptions": TABLES["subscriptions"] + "s3,a3,2025-03-01,,70.00,EUR,month\n"}, date(2025, 4, 21))
    client.get("/data.json")
    page = client.get("/data").text
    assert "has moved: mrr from 150 to 220, customers from 2 to 3" in page
    assert "nothing has moved" not in page


def test_nothing_but_our_own_forms_does_anything(client: TestClient, home: Path) -> None:
    own = json.loads(run(["imports", "--json"], home).out)[0]["import_id"]
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert client.post("/data/undo", data={"import_id": own}, headers=headers).status_code == 403
    assert json.loads(run(["imports", "--json"], home).out)[0]["undone_on"] is None
    for wrong in ("", "2", own[:6], "../x", "<script>", "x" * 10_000):
        answer = client.post("/data/undo", data={"import_id": wrong})
        assert answer.status_code == 400
        assert "<script>" not in answer.text
    assert client.get("/data/undo").status_code in (404, 405)
    assert client.post("/data/undo", data={"import_id": own}, headers={"Origin": "http://testserver"}).status_code == 200


def test_a_sync_that_failed_is_told_on_every_page_and_in_the_digest(client: TestClient, home: Path) -> None:
    ledger = Place(home).project()
    assert "sync" not in client.get("/help").text
    tried(ledger, Try("stripe", datetime(2026, 1, 15, 8, 30, tzinfo=UTC), read=1234))
    assert "2026-01-15 08:30" in (page := client.get("/data").text)
    assert "1,234 new rows" in page
    assert "sync failed" not in page
    tried(ledger, Try("stripe", datetime(2026, 1, 16, 8, 30, tzinfo=UTC), "Stripe could not be read <now>"))
    for path in ("/help", "/data"):
        page = client.get(path).text
        assert 'title="stripe, 2026-01-16 08:30: Stripe could not be read &lt;now&gt;"><strong>sync failed: stripe</strong>' in page
        assert page.partition("<footer")[2].count("sync failed: stripe") == 1
    assert "failed: <span" in client.get("/data").text
    assert "sincronizzazione fallita" in client.get("/help?lang=it").text
    data = client.get("/data.json").json()
    assert data["syncs"] == [{"source": "stripe", "at": "2026-01-16T08:30:00+00:00", "failed": "Stripe could not be read <now>", "read": 0}]
    assert [one["where"] for one in data["findings"] if one["topic"] == "sync"] == ["stripe"]
    site = Site(Place(home))
    found = digest(site.scene(View("/")), (), "http://127.0.0.1")
    why = "The last sync failed: stripe, 2026-01-16 08:30: Stripe could not be read <now>"
    assert why in as_text(site.scene(View("/")), found).splitlines()
    assert as_subject(site.scene(View("/")), found).startswith("SYNC FAILED: ")
    assert "Stripe could not be read &lt;now&gt;" in str(as_slack(site.scene(View("/")), found)["blocks"][:3])


def test_who_has_nothing_yet_sees_what_it_would_be_like_marked_as_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    with TestClient(application(Site(Place(tmp_path)))) as client:
        first = client.get("/funnel").text
        assert "<body data-pending>" in first or 'class="card"' in first
        monkeypatch.setattr(Site, "later", lambda site, key, make: site.kept(key, make))
        for path in ("/", "/metrics/cac", "/insight?compare=year&period=2020-01&channel=Email"):
            page = client.get(path).text
            before, sample = page.split('<section class="sample"')
            assert 'class="card"' not in before
            assert sample.count('<article class="card">') == 8
            assert '<span class="so-far">sample</span>' in sample
            # West, South and North: 150 + 100 + 100, in February 150.
            assert '<p class="value" title="350">€350.00</p>' in sample
            assert "vs €150.00 in Feb" in sample
            assert "data-pending" not in page
        assert "esempio" in client.get("/?lang=it").text
        assert "350" not in client.get("/?hide=1").text.split('<section class="sample"')[1].replace('title="350"', "")
        assert client.get("/overview.json").json() == {"metrics": [], "channels": []}


def test_an_empty_project_has_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    with TestClient(application(Site(Place(tmp_path)))) as client:
        assert client.get("/data").status_code == 200
        assert client.get("/data.json").json()["worst"] == "error"
        assert client.get("/data.csv").status_code == 200
