"""Lines over time: a metric's history with its band, its goals and what people noted of a day, whole or by segment."""

from collections.abc import Sequence
from typing import Any

from fari.engine.answer import Answer
from fari.surfaces.web.charts import PAPER, Spec, axis, colour_of, number, spec
from fari.surfaces.web.page import Cell, Column, Figure, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

LARGEST = 7
"""So many segments have a line of their own; more cannot be told apart."""
WIDE, HIGH = 860, 250


def history(
    scene: Scene, metric: str, answers: Sequence[Answer], band: Sequence[Answer], marks: Sequence[tuple[Any, str]] = (), width: int = WIDE
) -> Figure:
    """A metric over the periods of the view. `band` are the same answers with bounds, as far as they are known."""
    said, unit = scene.said.say, answers[0].unit if answers else "count"
    rows = [_row(scene, answer) for answer in answers if answer.value is not None]
    bands = [{"day": a.period.since, "low": number(a.low), "high": number(a.high)} for a in band if a.low is not None and a.high is not None]
    goals = [
        {"day": month.since, "goal": float(value)}
        for month, value in scene.goals_of(metric)
        if scene.history[0].since <= month.since <= scene.history[-1].since
    ]
    x = _time(scene)
    y = {"field": "value", "type": "quantitative", "axis": axis(unit, scene.company.currency, hide=bool(scene.view.hide), locale=scene.said.locale)}
    scale: Spec = {"zero": True}
    most = max((float(row["value"]) for row in rows), default=0.0)
    if most > 0 and max((float(a.high) for a in band if a.high is not None), default=0.0) > 2 * most:
        # A bound far out must not press the line flat: the band is cut there.
        scale |= {"domainMax": 1.6 * most, "clamp": False}
    y |= {"scale": scale}
    layers: list[Spec] = []
    if bands:
        edges = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
        layers.append(
            {
                "data": {"values": _plain(bands)},
                "mark": {"type": "area", "color": PAPER["--glow"], "opacity": 0.7, "clip": True, "aria": False},
                "encoding": {"x": x, **edges},
            }
        )
    said_of = {"description": {"field": "said"}}
    layers.append({"transform": [{"filter": "datum.complete"}], "mark": {"type": "line", "aria": False}, "encoding": {"x": x, "y": y}})
    if any(not row["complete"] for row in rows):
        last_two = [row for n, row in enumerate(rows) if not row["complete"] or (n + 1 < len(rows) and not rows[n + 1]["complete"])]
        dashed = {"type": "line", "strokeDash": [4, 3], "aria": False}
        layers.append({"data": {"values": _plain(last_two)}, "mark": dashed, "encoding": {"x": x, "y": y}})
    layers.append({"mark": {"type": "point", "filled": True, "size": 34}, "encoding": {"x": x, "y": y, **said_of}})
    if goals:
        line = {
            "type": "line",
            "strokeDash": [5, 3],
            "color": PAPER["--good"],
            "strokeWidth": 1.2,
            "point": {"color": PAPER["--good"], "size": 12},
            "aria": False,
        }
        layers.append({"data": {"values": _plain(goals)}, "mark": line, "encoding": {"x": x, "y": {"field": "goal", "type": "quantitative"}}})
    if marks:
        noted = _plain([{"day": day, "text": text} for day, text in marks])
        layers.append(
            {"data": {"values": noted}, "mark": {"type": "rule", "strokeDash": [2, 2]}, "encoding": {"x": x, "description": {"field": "text"}}}
        )
        text = {"type": "text", "align": "left", "dx": 4, "baseline": "top", "color": PAPER["--soft"], "aria": False}
        layers.append({"data": {"values": noted}, "mark": text, "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "text"}}})
    title = said("{metric} by {grain}", metric=capital(scene.said.label(metric)), grain=said(scene.history[-1].grain))
    summary = _summary(scene, answers)
    notes = [said("band: {share} interval", share="90%")] if bands else []
    notes += [said("green: goals")] if goals else []
    return Figure(title, spec(f"{title}. {summary}", width, HIGH, rows, layer=layers), summary, _table(scene, answers, band), " · ".join(notes))


def by_segment(scene: Scene, metric: str, dimension: str, answers: Sequence[Answer], width: int = WIDE) -> Figure:
    """A metric over the periods of the view, a line for each of the largest segments."""
    said = scene.said.say
    last = {a.segment[dimension]: number(a.value) or 0.0 for a in answers if a.period == scene.history[-1]}
    shown = sorted(last, key=lambda value: (value.startswith("("), -last[value]))[:LARGEST]
    unit = answers[0].unit if answers else "count"
    rows = [
        _row(scene, a) | {"segment": scene.said.value(dimension, a.segment[dimension])}
        for a in answers
        if a.value is not None and a.segment[dimension] in shown
    ]
    names = [scene.said.value(dimension, value) for value in shown]
    colours = {"domain": names, "range": [colour_of(dimension, value, rank) for rank, value in enumerate(shown)]}
    y = {"field": "value", "type": "quantitative", "axis": axis(unit, scene.company.currency, hide=bool(scene.view.hide), locale=scene.said.locale)}
    encoding = {"x": _time(scene), "y": y, "color": {"field": "segment", "type": "nominal", "scale": colours}}
    shape = {"field": "segment", "type": "nominal", "scale": {"domain": names}}
    points = {"mark": {"type": "point", "filled": True, "size": 32}, "encoding": {**encoding, "shape": shape, "description": {"field": "said"}}}
    title = said("{metric} by {dimension}", metric=capital(scene.said.label(metric)), dimension=scene.said.name("dimension", dimension))
    largest = scene.said.listing(names[:3])
    summary = (
        said("The largest in {period}: {segments}.", period=scene.name(scene.history[-1]), segments=largest)
        if names
        else said("Nothing is known of any segment.")
    )
    chart = spec(f"{title}. {summary}", width, HIGH, rows, layer=[{"mark": {"type": "line", "aria": False}, "encoding": encoding}, points])
    note = said("the largest {count} of {all}", count=len(shown), all=len(last)) if len(last) > len(shown) else ""
    heads = [Column("period", said("Period"), number=False), *(Column(value, name) for value, name in zip(shown, names, strict=True))]
    known = {(a.period, a.segment[dimension]): a for a in answers}
    lines = [
        [Cell(scene.name(one), one.since), *(Cell(scene.shown(known[one, value]) if (one, value) in known else "–") for value in shown)]
        for one in reversed(scene.history)
    ]
    return Figure(title, chart, summary, Table(heads, lines), note)


def _time(scene: Scene) -> Spec:
    """The axis of time: a mark a period would crowd, so Vega chooses; months in the reader's language."""
    label = f"{month_label(scene)} + (month(datum.value) == 0 ? ' ' + year(datum.value) : '')"
    if scene.history and scene.history[-1].grain in ("day", "week"):
        label = f"date(datum.value) + ' ' + {month_label(scene)}"
    return {"field": "day", "type": "temporal", "axis": {"title": None, "grid": False, "labelExpr": label, "labelOverlap": True, "tickCount": 9}}


def month_label(scene: Scene) -> str:
    """A mark's month in the reader's language, as Vega works it out."""
    months = ", ".join(f"'{scene.said.month(n)}'" for n in range(1, 13))
    return f"[{months}][month(datum.value)]"


def _row(scene: Scene, answer: Answer) -> dict[str, Any]:
    text = f"{scene.name(answer.period)}: {scene.shown(answer)}"
    segment = ", ".join(answer.segment.values())
    return {
        "day": answer.period.since, "value": number(answer.value), "said": f"{segment}, {text}" if segment else text, "complete": answer.complete,
    }  # fmt: skip


def _plain(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]


def _summary(scene: Scene, answers: Sequence[Answer]) -> str:
    known = [answer for answer in answers if answer.value is not None]
    said = scene.said.say
    if not known:
        return said("It has no value in any of these periods.")
    first, last = known[0], known[-1]
    highest = max(known, key=lambda answer: answer.value or 0)
    return said(
        "From {first} in {since} to {last} in {until}; the highest was {highest} in {when}.",
        first=scene.shown(first), since=scene.name(first.period), last=scene.shown(last), until=scene.name(last.period),
        highest=scene.shown(highest), when=scene.name(highest.period),
    )  # fmt: skip


def _table(scene: Scene, answers: Sequence[Answer], band: Sequence[Answer]) -> Table:
    said = scene.said.say
    known = {answer.period: answer for answer in band}
    heads = [Column("period", said("Period"), number=False), Column("value", said("Value")), Column("low", said("Low")), Column("high", said("High"))]
    lines = []
    for answer in reversed(answers):
        one = known.get(answer.period, answer)
        bounds = [Cell("–" if bound is None else scene.bound(bound, answer.unit, answer.currency)) for bound in (one.low, one.high)]
        url = scene.view.but(period=scene.typed(answer.period)).url
        lines.append([Cell(scene.name(answer.period), answer.period.since, url), Cell(scene.shown(answer), title=scene.exact(answer.value)), *bounds])
    return Table(heads, lines)
