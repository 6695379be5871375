"""The monthly report: one file that says what the dashboard says and loads nothing, as HTML and as PDF."""

import builtins
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.commands import TOML, Fari

from fari.surfaces.project import Place
from fari.surfaces.reporting import as_pdf
from fari.surfaces.web.html import render
from fari.surfaces.web.report import report
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import View


@pytest.fixture(scope="module")
def scene(demo: Path) -> Scene:
    return replace(Site(Place(demo)).scene(View("/")), whole=True)


def written(scene: Scene) -> str:
    page = report(scene)
    return render(page.template, scene, page=page, **page.shown)


class Read(HTMLParser):
    """What a file would load, and what would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.loads += [f"{tag} {told[name]}" for name in ("src", "href", "xlink:href", "srcset") if told.get(name)]
        self.loads += [tag for name in told if name.startswith("on")] + ([tag] if tag in ("script", "link", "iframe", "object", "base") else [])


def test_the_report_says_what_the_pages_say_and_loads_nothing(scene: Scene) -> None:
    text = written(scene)
    assert Read(text).loads == []
    assert not re.search(r"@import|url\((?!#)", text)
    for answer in scene.compare("lead_conversion_rate", "mrr", "visitors", "customer_churn_rate", "mqls", "cac", "sqls"):
        assert f'<p class="value" title="{scene.exact(answer.value)}">{scene.shown(answer)}</p>' in text, answer.metric
    for answer in scene.ask("visitors", by=("channel",)):
        assert answer.segment["channel"] in text
    assert text.count("<section>") == 6
    assert text.count('role="img"') == 4
    assert len(text) < 200_000


def test_data_of_the_report_is_the_overviews(scene: Scene) -> None:
    from fari.surfaces.web.pages.overview import overview

    ours, theirs = report(scene).data, overview(scene).data
    assert {name: ours[name] for name in ("period", "metrics", "funnel", "channels")} == {
        name: theirs[name] for name in ("period", "metrics", "funnel", "channels")
    }


def test_in_italian_nothing_is_left_in_english(scene: Scene) -> None:
    text = written(replace(scene, view=View("/", lang="it"), said=replace(scene.said, locale="it")))
    assert '<html lang="it">' in text
    for english in ("Where to look first", "Funnel · Channels", "within noise", "What may come", "go on to the next", "Monthly recurring revenue"):
        assert english not in text
    assert "Ricavi mensili ricorrenti" in text


def test_as_pdf_a_section_a_page_with_period_and_freshness_below(scene: Scene) -> None:
    from weasyprint import HTML

    text = written(scene)
    pages = HTML(string=text).render().pages
    assert 6 <= len(pages) <= 9
    assert all(page.width > page.height for page in pages)
    assert as_pdf(text).startswith(b"%PDF-")


def test_hostile_names_stay_text(fari: Fari) -> None:
    site = Site(Place(fari.here))
    scene = replace(site.scene(View("/", where=(("channel", ("<script>alert(1)</script>",)),))), whole=True)
    scene = replace(scene, company=replace(scene.company, name="</style><script>x</script>"))
    text = written(scene)
    site.close()
    assert Read(text).loads == []
    assert "<script" not in text


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    from tests.commands import write_project

    made = Fari(capsys, tmp_path)
    assert made("import", *write_project(tmp_path)).status == 0
    return made


def test_command_names_the_file_by_its_period(fari: Fari) -> None:
    said = fari("report", "2025-04")
    assert said.status == 0, said.err
    text = (fari.here / "fari-report-2025-04.html").read_text(encoding="utf-8")
    assert "€200.00" in text
    assert said.out == ""
    assert "fari-report-2025-04.html" in said.err
    said = fari("report", "2025-04", "--to", "april.pdf", "--lang", "it", "--where", "plan=Team")
    assert said.status == 0, said.err
    assert (fari.here / "april.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (("--to", "x.docx"), "ends in .html or .pdf"),
        (("2025-13",), "2025-13"),
        (("--where", "chanel=Email"), "did you mean 'channel'"),
        (("--where", "Email"), "DIM=VALUE"),
        (("--lang", "de"), "lang is en or it"),
        (("--rules", "strip"), "did you mean 'stripe'"),
        (("--to", "no/such/folder.html"), "there is no folder"),
    ],
)
def test_wrong_words_are_refused(fari: Fari, typed: tuple[str, ...], hint: str) -> None:
    said = fari("report", *typed)
    assert said.status in (1, 2)
    assert hint in said.complaint


def test_without_data_it_says_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    assert "nothing is imported yet" in Fari(capsys, tmp_path)("report").complaint


def test_without_weasyprint_pdf_names_the_extra(fari: Fari, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise ImportError("No module named 'weasyprint'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    said = fari("report", "--to", "x.pdf")
    assert said.status == 1
    assert "pip install 'fari[pdf]'" in said.complaint
    assert not (fari.here / "x.pdf").exists()
