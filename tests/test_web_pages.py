"""Pages and their data: for every metric the page, its JSON, its CSV and the command line say the same."""

import csv
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from starlette.testclient import TestClient
from tests.commands import run

from fari.engine.periods import add_months, cut
from fari.metrics import METRICS, listed
from fari.surfaces.format import exact
from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.pages import metric
from fari.surfaces.web.scene import BESIDE, VOTED
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import View


@pytest.fixture(scope="module")
def client(demo: Path) -> Iterator[TestClient]:
    with TestClient(application(Site(Place(demo)))) as one:
        yield one


def read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("by", ["", "channel"])
def test_page_json_csv_and_command_line_agree_on_every_metric(client: TestClient, demo: Path, by: str) -> None:
    names = [name for name in listed() if not by or client.get(f"/metrics/{name}.json?by={by}").status_code == 200]
    assert len(names) > 30
    first = read(client.get("/metrics/mrr.json").text)
    since, until = first[0]["from"][:7], first[-1]["from"][:7]
    options = ["--from", since, "--to", until, "--compare", "previous", *(["--by", by] if by else []), "--format", "json"]
    typed = run(["metrics", *names, *options], demo)
    told = read(typed.out)
    for name in names:
        own = [one for one in told if one["metric"] == name]
        answers = read(client.get(f"/metrics/{name}.json", params={"by": by} if by else {}).text)
        assert answers == own, name
        rows = list(csv.DictReader(io.StringIO(client.get(f"/metrics/{name}.csv", params={"by": by} if by else {}).text)))
        assert [row["value"] for row in rows] == ["" if one["value"] is None else exact(Decimal(one["value"])) for one in own], name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_page_with_its_number(client: TestClient, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is worked out behind the reader's back is of another test, and takes its time.
    monkeypatch.setattr(Site, "later", lambda site, key, make: site.kept(key, make) if "explain" in key else None)
    page = client.get(f"/metrics/{name}")
    assert page.status_code == 200
    answer = read(client.get(f"/metrics/{name}.json").text)[-1]
    if answer["value"] is not None:
        assert f'<span title="{exact(Decimal(answer["value"]))}">' in page.text
    assert "FAILS" not in page.text
    assert "✗" not in page.text
    assert 'class="bad">sum' not in page.text
    assert "= the number" in page.text or "No row counts in this period." in page.text


def test_overview_is_whole_in_every_form(client: TestClient) -> None:
    data = read(client.get("/overview.json").text)
    assert [one["metric"] for one in data["metrics"]][:8] == [
        "lead_conversion_rate", "mrr", "visitors", "customer_churn_rate", "clv", "mqls", "cac", "sqls",
    ]  # fmt: skip
    assert data["headline"]["first"] or data["headline"]["then"]
    assert all(one["verdict"] in ("real", "within noise", "too few") for one in data["metrics"] if one["change"] is not None)
    split = [one for one in data["channels"] if one["metric"] == "visitors" and one["segment"]]
    assert sum(one["value"] for one in split) == next(one["value"] for one in data["channels"] if one["metric"] == "visitors" and not one["segment"])
    page = client.get("/").text
    assert page.count('<article class="card">') == 12
    assert data["headline"]["first"].split(":")[0] in page
    rows = list(csv.DictReader(io.StringIO(client.get("/overview.csv").text)))
    assert [row["metric"] for row in rows] == [one["metric"] for one in data["metrics"]]


def test_two_comparisons_stand_beside_each_other(client: TestClient) -> None:
    data = {one["metric"]: one for one in read(client.get("/overview.json?compare=previous,weekdays").text)["metrics"]}
    first = {one["metric"]: one for one in read(client.get("/overview.json").text)["metrics"]}
    assert all(one["compared"] == first[name]["compared"] for name, one in data.items())
    assert all(one["verdict"] for own in data.values() for one in own["also"] if one["change"] is not None)
    page = client.get("/?compare=previous,weekdays").text
    assert page.count('<p class="moved also"') == 12
    assert '<option value="previous,weekdays" selected>' in page
    split = client.get("/metrics/customers?compare=previous,year&by=channel").text
    assert split.count(">Change</a></th>") == 2
    assert '<option value="previous,year" selected>vs both</option>' in split
    assert client.get("/?compare=previous,year,weekdays").status_code == 400


def test_waits_and_rejections_on_the_funnel_are_those_of_the_metrics(client: TestClient) -> None:
    data = read(client.get("/funnel.json").text)
    by_stage = read(client.get("/metrics/days_in_stage.json?by=stage").text)
    means = {one["segment"]["stage"]: one["value"] for one in by_stage if one["from"] == data["period"][0]["from"] and one["value"] is not None}
    assert {one["stage"]: one["mean"] for one in data["waits"] if one["stage"] != "sale"} == means
    assert all(one["quarter"] <= one["median"] <= one["three_quarters"] for one in data["waits"])
    told = {one["metric"]: one["value"] for one in data["period"]}
    assert told["sales_cycle_days"] == next(one["mean"] for one in data["waits"] if one["stage"] == "sale")
    assert sum(one["value"] for one in data["rejections"] if one["metric"] == "rejections") == told["rejections"] > 0
    page = client.get("/funnel").text
    assert "How long they wait" in page
    assert "wrong" in page
    # The rows of a stage that was left are a tab beside the others.
    assert "To stage" in client.get("/funnel?input=stages_left").text


def test_landing_pages_and_bots_add_up_to_what_they_are_of(client: TestClient) -> None:
    data = read(client.get("/visitors.json").text)
    whole = {one["metric"]: one["value"] for one in data["period"]}

    def parts(metric: str, dimension: str) -> Any:
        return sum(one["value"] for one in data["by"] if one["metric"] == metric and list(one["segment"]) == [dimension])

    assert parts("visits", "landing_page") == whole["visits"] > 0
    assert parts("leads", "landing_page") == read(client.get("/metrics/leads.json").text)[-1]["value"]
    bots = read(client.get("/metrics/bot_pageviews.json?by=bot").text)
    last = [one for one in bots if one["from"] == bots[-1]["from"]]
    assert sum(one["value"] for one in last) == read(client.get("/metrics/bot_pageviews.json").text)[-1]["value"] > 0
    page = client.get("/visitors").text
    assert "lumendesk.example/pricing" in page
    narrowed = client.get("/visitors?landing_page=lumendesk.example%2Fpricing")
    assert narrowed.status_code == 200


@pytest.mark.parametrize("path", ["/overview", "/metrics/mrr", "/metrics/cac", "/revenue"])
def test_excel_has_the_same_rows_with_numbers_as_numbers(client: TestClient, path: str) -> None:
    (sheet,) = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{path}.xlsx").content)).sheet_names
    cells = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{path}.xlsx").content)).get_sheet_by_name(sheet).to_python()
    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}.csv").text)))
    assert cells[0] == list(rows[0])
    place = cells[0].index("value")
    for line, row in zip(cells[1:], rows, strict=True):
        assert line[place] == ("" if not row["value"] else pytest.approx(float(row["value"]), rel=1e-12))


def test_filters_stack_and_are_taken_off_one_by_one(client: TestClient) -> None:
    page = client.get("/?channel=Paid+Search&country=DE").text
    assert 'href="/?country=DE" aria-label="Take off the filter Paid Search"' in page
    assert 'href="/?channel=Paid+Search" aria-label="Take off the filter DE"' in page
    whole, part = (read(client.get(f"/metrics/leads.json{query}").text)[-1]["value"] for query in ("", "?channel=Paid+Search"))
    assert 0 < part < whole


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("/metrics/curn", 400, "there is no metric &#39;curn&#39;"),
        ("/?period=2026-13", 400, "is no period"),
        ("/?chanel=Email", 400, "did you mean &#39;channel&#39;"),
        ("/?rules=nobody", 400, "nobody"),
        ("/?page=0", 400, "page is a number"),
        ("/nowhere", 404, "there is no page /nowhere"),
        ("/?lang=xx", 400, "lang is en or it"),
    ],
)
def test_what_is_wrong_is_said(client: TestClient, url: str, status: int, said: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert "<h1>" in answer.text


def test_a_figure_from_elsewhere_is_explained(client: TestClient) -> None:
    own = read(client.get("/metrics/mrr.json").text)[-1]["value"]
    page = client.get("/revenue", params={"figure": f"{own + 100}"}).text
    assert "no rule explains" in page
    assert "A figure is written as 12345.67, not NaN." in client.get("/revenue?figure=NaN").text


PLACES = ("/", "/revenue", "/funnel", "/channels", "/visitors", "/metrics", "/metrics/mrr", "/metrics/cac", "/metrics/visitors")


@pytest.mark.parametrize(
    "query", ["period=2019-01", "period=2040", "channel=Nobody", "period=2026-W02", "plan=%00", "country=" + "x" * 900, "as_of=2020-01-01"]
)
def test_what_is_not_there_is_no_failure(client: TestClient, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "later", Site.kept if query in ("period=2019-01", "channel=Nobody") else lambda *_: None)
    for path in PLACES:
        answer = client.get(f"{path}?{query}")
        assert answer.status_code in (200, 400, 422), (path, answer.status_code)


def test_errors_of_data_are_data(client: TestClient) -> None:
    answer = client.get("/metrics/mrr.json?period=soon")
    assert answer.status_code == 400
    assert "is no period" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/metrics/cac"])
def test_values_can_be_hidden(client: TestClient, path: str) -> None:
    shown, hidden = client.get(path).text, client.get(f"{path}?hide=1").text
    assert "€" in shown
    main = hidden.split("<main")[1].split("</main>")[0]
    assert not re.search(r"€\s?\d", main)
    assert not re.search(r'title="[\d.]+"', main)
    assert "•••" in hidden


def test_italian_page_has_italian_numbers(client: TestClient) -> None:
    page = client.get("/", headers={"Accept-Language": "it-IT,it;q=0.9"}).text
    assert '<html lang="it">' in page
    assert "Panoramica" in page
    assert "sul periodo prima" in page


def test_what_comes_from_data_is_escaped(client: TestClient) -> None:
    page = client.get("/", params={"channel": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_page_has_script_or_style_in_it(client: TestClient) -> None:
    for path in ("/", "/metrics", "/metrics/mrr", "/metrics/mrr?by=channel"):
        answer = client.get(path)
        assert " style=" not in answer.text
        assert "<style" not in answer.text
        assert " onclick" not in answer.text
        assert answer.text.count("<script") == answer.text.count('<script src="/static/')
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_pages_are_light(client: TestClient) -> None:
    for path in ("/", "/metrics", "/metrics/mrr?by=channel", "/metrics/visitors"):
        assert len(client.get(path).content) < 200_000, path


def test_what_was_worked_out_is_held_once(demo: Path) -> None:
    site = Site(Place(demo))
    assert site.later("one", lambda _: 1) is None
    assert site.wait("one", lambda _: 2) == 1
    assert site.later("one", lambda _: 3) == 1
    assert site._coming == {}
    site.close()


def test_who_turns_to_another_page_does_not_wait_for_the_one_before(demo: Path) -> None:
    site, begun, asked = Site(Place(demo)), threading.Event(), threading.Event()
    order: list[str] = []

    def wish(name: str) -> None:
        def make(_: Any) -> str:
            begun.set()
            # What else is wished for comes in while the first is being made.
            assert asked.wait(10)
            order.append(name)
            return name

        site.later(name, make)

    site.scene(View("/"))
    wish("slow")
    assert begun.wait(10)
    wish("first")
    wish("second")
    site.scene(View("/funnel"))
    wish("third")
    wish("fourth")
    # The reader of the first page looks again: what is not there yet comes before the rest.
    site.scene(View("/"))
    wish("second")
    asked.set()
    site._behind.shutdown(wait=True)
    assert order == ["slow", "second", "third", "fourth", "first"]
    site.close()


def test_italian_pages_define_note_and_refuse_in_italian(client: TestClient) -> None:
    client.get("/metrics/mrr.json")
    for _ in range(120):
        page = client.get("/metrics/clv?lang=it").text
        if "Si leggono le righe" not in page:
            break
        time.sleep(0.5)
    assert "Valore del cliente nel tempo (customer lifetime value): arpa × customer_lifetime_months" in page
    assert "la durata è 1 / abbandono del periodo: una cifra approssimativa dove pochi clienti se ne vanno" in page
    assert "<dt>fuso orario</dt>" in page
    # Checks that are names and signs alone, and the link to English, are all that is not Italian.
    left = re.findall(r'<(\w+)[^>]* lang="en"[^>]*>([^<]*)', page)
    assert [text for _, text in left if text != "English" and " = " not in text] == []
    assert "non c&#39;è una metrica &#39;nope&#39;" in client.get("/metrics/nope?lang=it").text
    assert "in questo periodo" in client.get("/metrics/roi?period=2020-01&lang=it").text
    assert "Ricavi mensili ricorrenti" in client.get("/metrics?lang=it").text


def test_a_page_that_takes_long_says_that_it_is_coming(demo: Path) -> None:
    site = Site(Place(demo))
    site.patience = 0.05
    with TestClient(application(site)) as client:
        # The engine is busy with another question.
        with site.lock:
            waiting = client.get("/funnel?channel=Email&lang=it")
            assert waiting.status_code == 202
            assert "Sta arrivando" in waiting.text
            assert "data-coming" in waiting.text
            assert 'href="/funnel?channel=Email&amp;lang=it"' in waiting.text
            assert client.get("/funnel?channel=Email&lang=it").status_code == 202
            assert len(site._making) == 1
        site.patience = None
        there = client.get("/funnel?channel=Email&lang=it")
        assert there.status_code == 200
        assert "data-coming" not in there.text
        assert client.get("/metrics/curn").status_code == 400
    # A reader has the answer an instant before it is crossed off.
    site._makers.shutdown(wait=True)
    assert site._making == {}


def test_a_long_list_of_segments_is_cut_and_says_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric, "MOST", 3)
    page = client.get("/metrics/visits?by=landing_page").text
    last = client.get("/metrics/visits.json?by=landing_page").json()
    every = [one for one in last if one["from"] == last[-1]["from"]]
    assert len(every) > 3
    assert f"the largest 3 of {len(every)}" in page


@pytest.mark.parametrize("compare", ["previous", "previous,year"])
def test_a_change_has_one_verdict_on_every_page(demo: Path, compare: str) -> None:
    """Alone it might be called real, and noise beside others."""
    site = Site(Place(demo))
    newest = site.scene(View("/")).period.since
    pages = [("mrr",), ("visitors",), VOTED, (*VOTED, *BESIDE), ("visitors", "bots", "visits"), ("leads", "mqls", "lead_to_mql_rate"), ("visits",)]
    seen = set()
    for back in range(6):
        month = cut(add_months(newest, -back), add_months(newest, 1 - back), "month")[0]
        scene = replace(site.scene(View("/", period=month.label, compare=compare)), whole=True)
        told: dict[str, set[tuple[str | None, ...]]] = {}
        for names in pages:
            found = scene.judged(*names)
            assert found is not None
            assert [one.metric for one in found] == list(names)
            for one in found:
                told.setdefault(one.metric, set()).add((one.verdict, *(other.verdict for other in one.also)))
        assert {name: verdicts for name, verdicts in told.items() if len(verdicts) > 1} == {}
        seen |= {verdict for verdicts in told.values() for one in verdicts for verdict in one}
    assert seen >= {"real", "within noise", "too few"}
    site.close()
