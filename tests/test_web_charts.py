"""Charts: each page's specifications as they were looked at, drawn without a network, and of the data that stands in the table below."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from fari.company import load
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sample import FILES
from fari.sources.importing import import_files
from fari.surfaces.project import Place
from fari.surfaces.web import charts, view
from fari.surfaces.web.page import Figure
from fari.surfaces.web.pages import PAGES
from fari.surfaces.web.site import Site

GOLDEN = Path(__file__).parent / "golden" / "charts"
VIEWS = {
    "revenue": "/revenue?period=2025-05",
    "channels": "/channels?period=2025-03",
    "visitors": "/visitors?period=2025-03",
    "funnel": "/funnel?period=2025-03",
    "mrr": "/metrics/mrr?period=2025-06",
    "cac": "/metrics/cac?period=2025-03",
    "leads-by-channel": "/metrics/leads?period=2025-03&by=channel",
    "visitors-so-far": "/metrics/visitors?period=2025-03&grain=week",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The sample company, whose days do not move."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "fari.toml").write_text(
        '[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "Europe/Rome"\nhosts = ["acme.test"]\n', encoding="utf-8"
    )
    for name, text in FILES.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    import_files(Ledger(folder, load(folder)), [folder / name for name in FILES], How(date(2025, 7, 1), datetime(2025, 7, 1, tzinfo=UTC)))
    return Site(Place(folder))


def figures(value: Any) -> Iterator[Figure]:
    """Every chart in what a page shows."""
    if isinstance(value, Figure):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from figures(one)


def shown(site: Site, url: str, monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    monkeypatch.setattr(Site, "later", Site.kept)
    path, _, query = url.partition("?")
    seen = view.read(path, [tuple(pair.split("=")) for pair in query.split("&")])  # type: ignore[misc]
    make = PAGES.get(path) or PAGES["/metrics/{name}"]
    return list(figures(dict(make(site.scene(seen)).shown)))


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize("name", VIEWS)
def test_specifications_are_as_they_were_looked_at(site: Site, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [rounded(json.loads(json.dumps(one.spec))) for one in shown(site, VIEWS[name], monkeypatch)]
    assert found
    path = GOLDEN / f"{name}.json"
    if os.environ.get("FARI_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", VIEWS)
def test_charts_are_drawn_and_say_what_they_are(site: Site, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in shown(site, VIEWS[name], monkeypatch):
        drawn = charts.themed(one.spec)
        assert drawn.startswith("<svg")
        assert 'role="img" aria-label="' in drawn
        assert "var(--" in drawn
        assert one.summary
        assert one.table is not None
        assert charts.png(one.spec).startswith(b"\x89PNG")


def test_waterfall_adds_up_to_the_change(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waterfall = shown(site, "/revenue?period=2025-05", monkeypatch)[0]
    bars = waterfall.spec["data"]["values"]
    assert [bar["low"] for bar in bars[1:-1]] == [bar["high"] for bar in bars[:-2]]
    assert bars[-1]["high"] == pytest.approx(bars[-2]["high"])
    scene = replace(site.scene(view.read("/revenue", [("period", "2025-05")])))
    opening, closing = (float(answer.value or 0) for answer in scene.ask("opening_mrr", "mrr"))
    assert bars[-1]["high"] == pytest.approx(closing - opening)


def test_a_channel_has_one_colour_everywhere_and_is_told_from_others() -> None:
    colours = list(charts.CHANNELS.values())
    assert len(set(colours)) == len(colours)
    assert {charts.colour_of("channel", "Email", rank) for rank in range(9)} == {charts.CHANNELS["Email"]}


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, 1.4.11 and its definitions."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("paper", ["#ffffff", "#211e1a"])
@pytest.mark.parametrize("colour", [*charts.CHANNELS.values(), charts.GREY])
def test_every_colour_stands_out_on_both_papers(colour: str, paper: str) -> None:
    light, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
