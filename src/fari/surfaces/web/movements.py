"""Movements of MRR: from opening to closing as bars, for one period and for many."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fari.engine.answer import Answer, Number
from fari.engine.identities import MOVEMENTS
from fari.surfaces.web.charts import PAPER, axis, number, spec
from fari.surfaces.web.lines import month_label
from fari.surfaces.web.page import Cell, Column, Figure, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

OPENING, ADDING, TAKING, CLOSING = MOVEMENTS[0]
NAMES = (OPENING, *ADDING, *TAKING, CLOSING)
COLOURS = {
    "new_mrr": "#157f5b",
    "expansion_mrr": "#5bb592",
    "reactivation_mrr": "#3b68d1",
    "fx_mrr": "#8b8f9a",
    "contraction_mrr": "#e59a5f",
    "churned_mrr": "#b3432b",
}


def told(scene: Scene, answers: Sequence[Answer]) -> dict[str, Answer]:
    """The movements that are known by name; those of other currencies only where they are something."""
    return {a.metric: a for a in answers if a.metric in NAMES and (a.metric != "fx_mrr" or a.value)}


def waterfall(scene: Scene, answers: Sequence[Answer]) -> Figure | None:
    """One period: MRR at its opening, what added and took, MRR at its close. None where MRR is not known."""
    found, said = told(scene, answers), scene.said.say
    if any(found[name].value is None for name in (OPENING, CLOSING) if name in found) or OPENING not in found:
        return None
    rows: list[dict[str, Any]] = []
    # The ends of the bars are running sums of what the engine answered; they place the bars and are shown nowhere.
    level = 0.0
    for name in (*ADDING, *TAKING):
        if name in found:
            value = number(found[name].value) or 0.0
            end = level - value if name in TAKING else level + value
            rows.append(_bar(scene, found[name], level, end))
            level = end
    change = Decimal(found[CLOSING].value or 0) - Decimal(found[OPENING].value or 0)
    text = f"{said('Change')}: {scene.difference(change, 'money')}"
    rows.append({"name": said("Change"), "low": 0.0, "high": float(change), "colour": PAPER["--amber"], "said": text})
    y = {"field": "low", "type": "quantitative", "axis": _axis(scene)}
    x = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "labelAngle": 0, "labelLimit": 110}}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    body = {
        "mark": {"type": "bar", "size": 46},
        "encoding": {"x": x, "y": y, "y2": {"field": "high"}, "color": colour, "description": {"field": "said"}},
    }
    title = said("MRR in {period}, from opening to closing", period=scene.name(scene.period))
    summary = said("From {first} to {last}.", first=scene.shown(found[OPENING]), last=scene.shown(found[CLOSING]))
    note = said("opening {value}", value=scene.shown(found[OPENING]))
    return Figure(title, spec(f"{title}. {summary}", 620, 240, rows, **body), summary, _one(scene, found), note)


def _bar(scene: Scene, answer: Answer, low: float, high: float) -> dict[str, Any]:
    title = capital(scene.said.label(answer.metric))
    return {"name": title, "low": low, "high": high, "colour": COLOURS[answer.metric], "said": f"{title}: {scene.shown(answer)}"}


def by_period(scene: Scene, answers: Sequence[Answer]) -> Figure:
    """Many periods: what added above the line, what took below it."""
    said = scene.said.say
    rows = []
    names = [name for name in (*ADDING, *TAKING) if any(a.metric == name and a.value for a in answers)]
    for answer in answers:
        if answer.metric in names and answer.value is not None:
            value = number(answer.value) or 0.0
            title = capital(scene.said.label(answer.metric))
            text = f"{title}, {scene.name(answer.period)}: {scene.shown(answer)}"
            rows.append({"period": answer.period.since, "name": title, "value": -value if answer.metric in TAKING else value, "said": text})
    titles = [capital(scene.said.label(name)) for name in names]
    label = f"{month_label(scene)} + (month(datum.value) == 0 ? ' ' + year(datum.value) : '')"
    x = {"field": "period", "type": "temporal", "axis": {"title": None, "grid": False, "labelExpr": label, "tickCount": 9}}
    colour = {"field": "name", "type": "nominal", "scale": {"domain": titles, "range": [COLOURS[name] for name in names]}}
    y = {"field": "value", "type": "quantitative", "axis": _axis(scene)}
    width = max(4, round(430 / max(len(scene.history), 1)))
    body = {"mark": {"type": "bar", "size": width}, "encoding": {"x": x, "y": y, "color": colour, "description": {"field": "said"}}}
    title = said("What moved MRR")
    summary = said("Above the line what added to MRR, below it what took from it.")
    known = {(a.metric, a.period): a for a in answers}
    heads = [Column("period", said("Period"), number=False), *(Column(name, capital(scene.said.label(name))) for name in (OPENING, *names, CLOSING))]
    lines = [
        [
            Cell(scene.name(one), one.since, scene.view.but(period=scene.typed(one)).url),
            *(_cell(scene, known.get((name, one))) for name in (OPENING, *names, CLOSING)),
        ]
        for one in reversed(scene.history)
    ]
    return Figure(title, spec(f"{title}. {summary}", 620, 240, rows, **body), summary, Table(heads, lines))


def _cell(scene: Scene, answer: Answer | None) -> Cell:
    if answer is None:
        return Cell("–")
    value: Number | None = answer.value
    return Cell(scene.shown(answer), value, scene.view.at(f"/metrics/{answer.metric}", period=scene.typed(answer.period)).url, scene.exact(value))


def _one(scene: Scene, found: dict[str, Answer]) -> Table:
    heads = [Column("name", scene.said.say("Metric"), number=False), Column("value", scene.said.say("Value"))]
    return Table(heads, [[Cell(capital(scene.said.label(name))), _cell(scene, found[name])] for name in NAMES if name in found])


def _axis(scene: Scene) -> dict[str, Any]:
    return axis("money", scene.company.currency, hide=bool(scene.view.hide), locale=scene.said.locale)
