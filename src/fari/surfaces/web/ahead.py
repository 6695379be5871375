"""What carried a change, what would follow from another, and what may come: panels of a metric's page, all from fari.insight."""

from dataclasses import dataclass
from typing import Any

from fari.engine.ask import Asker
from fari.errors import FariError
from fari.insight.forecast import Forecast, forecast
from fari.insight.whatif import WhatIf, parse, whatif
from fari.insight.why import Why
from fari.metrics import METRICS
from fari.metrics.kinds import GIVEN, Formula, ruled
from fari.surfaces.format import share_bounded
from fari.surfaces.sentences import driver_words, sentences
from fari.surfaces.web.charts import PAPER, Spec, axis, number, spec
from fari.surfaces.web.headline import cause
from fari.surfaces.web.lines import month_label
from fari.surfaces.web.page import Cell, Column, Figure, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

DRIVERS = 6
MONTHS = 12


@dataclass(frozen=True)
class Because:
    """Why a metric changed: sentences, and the drivers as bars around nothing."""

    sentences: list[str]
    drivers: list[dict[str, Any]]
    change: str


def because(scene: Scene, metric: str) -> Because | None:
    """What carried the change since the period compared with; None as long as it is being worked out."""
    found = cause(scene, metric)
    if found is None:
        return None
    told = [scene.sentence(text) for text in sentences(found, scene.said, scene.company.fiscal_year_start)]
    most = max((abs(float(driver.part)) for driver in found.drivers), default=0.0) or 1.0
    drivers = [_driver(scene, found, n, most) for n in range(min(DRIVERS, len(found.drivers)))]
    change = "" if found.change is None else scene.difference(found.change, found.after.unit)
    return Because(told, drivers, change)


def _driver(scene: Scene, found: Why, place: int, most: float) -> dict[str, Any]:
    driver, good = found.drivers[place], METRICS[found.metric].good
    metric, period, where = found.opens(driver)
    up = driver.part > 0
    view = scene.view.at(f"/metrics/{metric}", period=scene.typed(period) if period == scene.period else scene.view.period, where=where)
    return {
        "words": scene.sentence(driver_words(driver, scene.said, found.currency)),
        "part": scene.difference(driver.part, found.after.unit),
        "share": "" if driver.share is None else share_bounded(driver.share, None, None, scene.said.locale),
        "width": round(100 * abs(float(driver.part)) / most, 1),
        "mood": "soft" if good == "neutral" else "good" if up == (good == "up") else "bad",
        "url": view.url if metric in METRICS else "",
    }


def what_if(scene: Scene, metric: str) -> tuple[WhatIf | None, str]:
    """(what follows from the changes that the view names, what is wrong with them)."""
    if not scene.view.change:
        return None, ""
    question = scene.question()
    try:
        changes = [parse(text) for text in scene.view.change.split(",") if text.strip()]

        def make(asker: Asker) -> WhatIf:
            return whatif(asker, question, changes)

        return scene.kept("whatif", question, tuple(changes), make=make), ""
    except FariError as error:
        return None, scene.said.note(str(error))


def figures(scene: Scene, found: WhatIf, metric: str) -> list[dict[str, Any]]:
    """The metrics that move, this page's first."""
    moved = sorted(found.figures, key=lambda one: one.metric != metric)
    told = [
        {
            "title": capital(scene.said.label(one.metric)), "now": scene.value(one.now, one.unit), "then": scene.value(one.then, one.unit),
            "change": "–" if one.change is None else scene.difference(one.change, one.unit), "own": one.metric == metric,
            "url": scene.view.at(f"/metrics/{one.metric}").url if one.metric in METRICS else "",
        }
        for one in moved[:8]
    ]  # fmt: skip
    if found.then:
        now, then = found.now[-1].closing, found.then[-1].closing
        told.append(
            {
                "title": scene.said.say("MRR in 12 months"), "now": scene.value(now, "money"), "then": scene.value(then, "money"),
                "change": scene.difference(then - now, "money"), "own": False, "url": "",
            }
        )  # fmt: skip
    return told


def levers(scene: Scene, metric: str) -> list[str]:
    """What can be moved to move a metric: itself where it is counted, else what its formula is made of, down to what is counted."""
    rules = scene.question().rules or scene.company.rules
    found: dict[str, None] = {}

    def walk(name: str) -> None:
        kind = METRICS[ruled(name.removeprefix("total_"), rules)]
        if not isinstance(kind, Formula):
            found[name.removeprefix("total_")] = None
            return
        if kind.unit == "rate":
            found[name.removeprefix("total_")] = None
        for each in kind.inputs:
            if each not in GIVEN:
                walk(each)

    walk(metric)
    return list(found)


def foretold(scene: Scene, metric: str) -> tuple[Figure | None, str, bool]:
    """(the forecast, why there is none, whether it is still being worked out)."""
    question = scene.question(metric)

    key = ("forecast", question.where, question.rules, question.as_of, metric)
    found = scene.tried(*key, make=lambda asker: forecast(asker, question, MONTHS)[0])
    if found is None:
        return None, "", True
    if isinstance(found, str):
        return None, found, False
    return _drawn(scene, metric, found), "", False


def _drawn(scene: Scene, metric: str, found: Forecast) -> Figure:
    """The months to come: what is committed apart from what is hoped for, where the parts are known, and the bounds."""
    said, unit = scene.said.say, found.unit
    parts = list(dict.fromkeys(name for month in found.months for name in month.parts))
    rows: list[dict[str, Any]] = []
    for month in found.months:
        for rank, name in enumerate(parts or [metric]):
            value = month.parts.get(name) if parts else month.value
            text = f"{scene.name(month.period)}, {said(name) if parts else scene.said.label(metric)}: {scene.value(value, unit)}"
            rows.append({"day": month.period.since, "part": said(name) if parts else "", "value": number(value), "rank": rank, "said": text})
    totals = [{"day": m.period.since.isoformat(), "value": number(m.value), "low": number(m.low), "high": number(m.high)} for m in found.months]
    x = {"field": "day", "type": "ordinal", "timeUnit": "yearmonth", "axis": {"title": None, "labelExpr": month_label(scene), "labelAngle": 0}}
    scale = axis(unit, scene.company.currency, hide=bool(scene.view.hide), locale=scene.said.locale)
    layers: list[Spec] = []
    if parts:
        shades = [PAPER["--amber"], "#d9a93f", "#e8cf95", PAPER["--glow"]]
        colour = {"field": "part", "type": "nominal", "scale": {"domain": [said(name) for name in parts], "range": shades[: len(parts)]}}
        encoding = {"x": x, "y": {"field": "value", "type": "quantitative", "axis": scale}, "color": colour, "order": {"field": "rank"}}
        layers.append({"mark": {"type": "bar", "size": 22}, "encoding": {**encoding, "description": {"field": "said"}}})
    else:
        y = {"field": "value", "type": "quantitative", "axis": scale}
        mark = {"type": "line", "strokeDash": [4, 3], "point": True}
        layers.append({"mark": mark, "encoding": {"x": x, "y": y, "description": {"field": "said"}}})
    if all(one["low"] is not None for one in totals):
        bounds = {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
        layers.append({"data": {"values": totals}, "mark": {"type": "rule", "strokeWidth": 1.5, "aria": False}, "encoding": bounds})
    last = found.months[-1]
    bounds_ = "" if last.low is None or last.high is None else f" ({scene.value(last.low, unit)} – {scene.value(last.high, unit)})"
    summary = said("{value} expected in {period}{bounds}, by {model}.",
        value=scene.value(last.value, unit), period=scene.name(last.period), bounds=bounds_, model=scene.said.name("model", found.model))  # fmt: skip
    title = said("What may come")
    heads = [
        Column("period", said("Period"), number=False),
        Column("value", said("Expected")),
        Column("low", said("Low")),
        Column("high", said("High")),
    ]
    heads += [Column(name, said(name)) for name in parts]
    lines = [
        [
            Cell(scene.name(m.period)),
            *(Cell(scene.value(v, unit)) for v in (m.value, m.low, m.high)),
            *(Cell(scene.value(m.parts.get(p), unit)) for p in parts),
        ]
        for m in found.months
    ]
    note = (
        "" if found.bounds is None else said("when tried, the bounds held {held} times of {tried}", held=found.bounds.held, tried=found.bounds.tried)
    )
    return Figure(title, spec(f"{title}. {summary}", 420, 190, rows, layer=layers), summary, Table(heads, lines), note)
