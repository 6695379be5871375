"""Periods closed: figures kept as they were published, refused where they are not whole, and told of when they move."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.commands import Fari, Said, write_project

from fari.ledger.acts import undo
from fari.ledger.closings import closings
from fari.surfaces import closing as surface
from fari.surfaces import examining, importing, restating
from fari.surfaces.project import Place

HEAD = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan\n"


class Company(Fari):
    """A project on days of its own choosing: MRR of March 2025 is 300, of April 200."""

    day = date(2025, 6, 3)

    def on(self, day: str) -> "Company":
        self.day = date.fromisoformat(day)
        return self

    def bring(self, name: str, text: str) -> Said:
        """Import a file on the day it is."""
        (self.here / name).write_text(text, encoding="utf-8")
        return self("import", name)

    @property
    def doctor(self) -> list[dict[str, object]]:
        """What the doctor says of closed periods."""
        return [finding for finding in self("doctor", "--json").json["findings"] if finding["topic"] == "closed"]


@pytest.fixture
def acme(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    acme = Company(capsys, tmp_path)
    for module in (surface, examining, restating, importing):
        monkeypatch.setattr(module, "today", lambda _: acme.day)
    for module in (surface, importing):
        monkeypatch.setattr(module, "now", lambda: datetime.combine(acme.day, datetime.min.time(), UTC))
    assert acme("import", *write_project(tmp_path)).status == 0
    return acme


def test_a_period_is_closed_with_the_figures_of_the_day(acme: Company) -> None:
    said = acme("close", "2025-03", "mrr", "cac", "customers")
    assert said.status == 0
    assert [line.split() for line in said.out.splitlines()[1:4]] == [["mrr", "€300.00"], ["cac", "€500.00"], ["customers", "2"]]
    assert "2025-03 is closed with 3 figures" in said.err
    [one] = acme("close", "--json").json
    assert (one["from"], one["until"], one["grain"], one["rules"]) == ("2025-03-01", "2025-04-01", "month", "fari")
    assert [(figure["metric"], figure["value"], figure["version"]) for figure in one["figures"]] == [
        ("mrr", 300, 1),
        ("cac", 500, 1),
        ("customers", 2, 1),
    ]
    assert len(one["imports"]) == 1
    assert acme.doctor == []


def test_without_names_all_figures_are_published_and_undefined_is_not_0(acme: Company) -> None:
    said = acme("close", "2025-03")
    assert said.status == 0
    figures = {figure["metric"]: figure["value"] for figure in acme("close", "--json").json[0]["figures"]}
    assert (figures["mrr"], figures["visitors"], figures["churned_customers"]) == (300, None, 0)
    assert "undefined, and published as that: visitors, visits" in said.err


def test_a_closed_period_is_closed_again_only_where_that_is_said(acme: Company) -> None:
    acme("close", "2025-03", "mrr")
    refused = acme("close", "2025-03", "mrr", "customers")
    assert (refused.status, refused.complaint) == (1, "2025-03 was closed on 2025-06-03; to publish its figures anew --again (the old ones are kept)")
    assert acme("close", "2025-03", "customers").status == 0
    acme.on("2025-06-09").bring("subscriptions.csv", HEAD + "s1,a1,2025-03-01,,150,EUR,month,Starter\n")
    again = acme("close", "2025-03", "mrr", "--again")
    assert again.status == 0
    assert "other than published before: mrr" in again.err
    listed = acme("close").out.splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["2025-03", "2025-06-03", "1"],
        ["2025-03", "2025-06-03", "1"],
        ["2025-03", "2025-06-09", "1"],
    ]
    assert acme.doctor == []


@pytest.mark.parametrize(
    ("period", "why"),
    [
        ("2025-06", "2025-06 is not over before 2025-07-01; to close it all the same --anyway"),
        ("2025-05", "2025-05 is not covered whole: mrr; `fari doctor` says what to import, --anyway closes it all the same"),
        ("2026-06", "nothing is known of 2026-06; there is no figure to publish"),
        ("2025-13", "'2025-13' is no period; write 2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31"),
    ],
)
def test_what_is_not_whole_is_not_closed_by_mistake(acme: Company, period: str, why: str) -> None:
    refused = acme("close", period, "mrr") if period != "2025-06" else acme.on("2025-05-20")("close", "2025-05", "mrr")
    expected = why if period != "2025-06" else "2025-05 is not over before 2025-06-01; to close it all the same --anyway"
    assert refused.complaint == expected
    assert acme("close", "--json").json == []


def test_an_unfinished_period_is_closed_anyway(acme: Company) -> None:
    assert acme("close", "2025-05", "mrr", "--anyway").status == 0
    assert [figure["complete"] for figure in acme("close", "--json").json[0]["figures"]] == [False]


def test_a_closed_month_that_moves_is_told_with_its_rows(acme: Company) -> None:
    acme("close", "2025-03")
    # On the same day, so that no day lies between what was known and what was not.
    acme.bring("subscriptions.csv", HEAD + "s2,a2,2025-03-15,,180,EUR,month,Team\ns9,a9,2025-03-20,,40,EUR,month,Team\n")
    [found] = acme.doctor
    assert found["severity"] == "warning"
    assert str(found["what"]).startswith(
        "2025-03, closed on 2025-06-03, has moved: new_customers from 2 to 3, customers from 2 to 3, mrr from 300 to 320"
    )
    assert "not by rows alone" not in str(found["what"])
    assert found["mend"] == (
        "`fari restated new_customers customers mrr --since 2025-03` shows the rows; `fari close 2025-03 --again` publishes the figures of today"
    )
    items = found["items"]
    assert isinstance(items, list)
    rows = [(one["metric"], one["row"], one["what"], one["difference"]) for one in items if "row" in one]
    assert ("mrr", "subscriptions.csv:3", "appeared", "40") in rows
    assert ("mrr", "subscriptions.csv:2", "changed", "-20") in rows
    assert {"metric": "arr", "published": "3600", "now": "3840"} in items
    restated = acme("restated", "mrr", "--since", "2025-03", "--format", "json")
    assert "as known when 2025-03 was closed, on 2025-06-03" in restated.err
    [march] = restated.json
    assert (march["from"], march["then"]["value"], march["now"]["value"], march["change"]) == ("2025-03-01", 300, 320, 20)
    assert sorted(row["difference"] for row in march["rows"]) == [-20, 40]
    assert acme("close", "2025-03", "--again").status == 0
    assert acme.doctor == []


def test_neither_an_undone_import_nor_a_new_one_changes_what_was_published(acme: Company) -> None:
    acme("close", "2025-03", "mrr")
    ledger = Place(acme.here).project()
    kept = closings(ledger)
    undo(ledger, next(iter(kept[0].imports)), date(2025, 6, 5), datetime(2025, 6, 5, tzinfo=UTC))
    assert closings(ledger) == kept
    acme.on("2025-06-09").bring("subscriptions.csv", HEAD + "s1,a1,2025-01-01,,7,EUR,month,Starter\ns5,a5,2025-05-02,,5,EUR,month,Team\n")
    assert closings(ledger) == kept
    [found] = acme.doctor
    assert str(found["what"]).startswith("2025-03, closed on 2025-06-03, has moved: mrr from 300 to 7")


def test_a_setting_that_moves_a_closed_figure_is_told_as_that(acme: Company) -> None:
    acme("close", "2025-04", "clv", "mrr")
    toml = acme.here / "fari.toml"
    toml.write_text(f"{toml.read_text(encoding='utf-8')}gross_margin = 0.8\n", encoding="utf-8")
    [found] = acme.doctor
    assert found["what"] == (
        "2025-04, closed on 2025-06-03, has moved: 1 figure computed from others; "
        "not by rows alone: a definition, or a setting of the company, has changed since"
    )
    assert found["items"] == [{"metric": "clv", "published": "400", "now": "320"}]


def test_restated_since_a_day(acme: Company) -> None:
    acme.on("2025-06-20").bring("spend.csv", "day,channel,kind,amount,currency\n2025-03-01,Paid Search,ads,450,EUR\n")
    said = acme("restated", "spend", "cac", "--since", "2025-06-10", "--from", "2025-02", "--to", "2025-03")
    assert said.status == 0
    table = [line.split() for line in said.out.splitlines()]
    assert table[0] == ["metric", "period", "on", "2025-06-10", "now", "change"]
    assert ["spend", "2025-03", "€1,000", "€1,050", "+€50.00"] in table
    assert ["cac", "2025-03", "€500.00", "€525.00", "+€25.00"] in table
    assert "spend.csv of 2025-06-20" in said.out
    lines = acme(
        "restated", "spend", "--since", "2025-06-10", "--from", "2025-03", "--to", "2025-03", "--by", "channel", "--format", "csv"
    ).out.splitlines()
    assert lines[0].startswith(
        "metric,from,until,grain,channel,then,now,change,unit,currency,input,what,row_then,row_now,difference,origin_then,origin"
    )
    assert lines[1].startswith("spend,2025-03-01,2025-04-01,month,(unallocated),600,600,0,money,EUR,,,")
    assert lines[2].startswith("spend,2025-03-01,2025-04-01,month,Paid Search,400,450,50,money,EUR,spend,changed,400,450,50,spend.csv:2,spend.csv:2,")
    assert "no row has made a difference" in acme("restated", "mrr", "--since", "2025-06-10").err


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["mrr", "--since", "2025-01-01"], 1, "nothing was known on 2025-01-01: the first import is of 2025-06-03"),
        (["mrr", "--since", "2025-03"], 1, "2025-03 is not closed for mrr; `fari close` lists what is, and --since takes a day too"),
        (["mrr", "--since", "lately"], 2, "--since takes a day such as 2025-03-31 or a closed period such as 2025-03, not 'lately'"),
        (["mrrr", "--since", "2025-06-10"], 2, "unknown metric 'mrrr'; did you mean 'mrr'? (`fari metrics` prints them all)"),
        (["mrr", "--since", "2025-06-10", "--format", "xml"], 2, "unknown format 'xml' (one of: table, json, csv)"),
    ],
)
def test_what_cannot_be_restated_is_refused_in_words(acme: Company, arguments: list[str], status: int, why: str) -> None:
    refused = acme("restated", *arguments)
    assert (refused.status, refused.complaint) == (status, why)
