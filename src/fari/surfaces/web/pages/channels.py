"""Channels: the funnel by channel or any other dimension; what a customer costs against what one is worth; spend and customers over time."""

from collections.abc import Mapping
from typing import Any

from fari.engine.answer import Answer
from fari.errors import UsageError
from fari.surfaces import asking, output
from fari.surfaces.web import lines, segments
from fari.surfaces.web.charts import PAPER, axis, colour_of, number, spec
from fari.surfaces.web.page import Cell, Column, Figure, Page, Table
from fari.surfaces.web.pages.overview import CHANNELS, channel_table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

BY = ("channel", "campaign", "country", "persona", "plan")
"""What the funnel can be split by, as far as each metric has it."""
OVER_TIME = ("acquisition_spend", "new_customers")


def funnel_by(scene: Scene) -> Page:
    """The funnel by channel or another dimension, what a customer costs and is worth in each, and spend and customers over time."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    (by, *more) = asking.split_by(scene.view.by) or ("channel",)
    if more or by not in BY:
        raise UsageError(f"this page is split by one of {', '.join(BY)}, not by {scene.view.by}")
    split = segments.split(scene, by, *CHANNELS)
    answers = segments.answers(split)
    past = scene.over_time(by, *OVER_TIME)
    worth = [row for value, row in split.items() if value]
    shown: dict[str, Any] = {
        "table": channel_table(scene, split, by),
        "dimensions": [(capital(scene.said.name("dimension", one)), scene.view.but(by=one).url, one == by) for one in BY],
        "by": scene.said.name("dimension", by),
        "scatter": scatter(scene, by, split),
        "payback": payback(scene, by, split),
        "over_time": [
            lines.by_segment(scene, name, by, [a for a in past if a.metric == name], 620) for name in OVER_TIME if any(a.metric == name for a in past)
        ],
        "segments": len(worth),
        "left_out": [scene.said.label(name) for name in CHANNELS if not scene.fits(name, (by,))],
    }
    data = {"period": output.objects(answers), "history": output.plain(past)}
    return Page("channels.html", scene.said.say("Channels"), data, output.rows(segments.parts(split), (by,)), shown)


def _segments(scene: Scene, by: str, split: segments.Split, *names: str) -> list[tuple[str, str, list[Answer]]]:
    """(segment, its colour, answers) of those in which all of these metrics have a value; those with most visitors first."""
    ordered = sorted((value for value in split if value), key=lambda value: -float(_visitors(split[value])))
    found = []
    for rank, value in enumerate(ordered):
        answers = [split[value][name] for name in names if name in split[value] and split[value][name].value is not None]
        if len(answers) == len(names):
            found.append((value, colour_of(by, value, rank), answers))
    return found


def _visitors(row: Mapping[str, Answer]) -> Any:
    return row["visitors"].value or 0 if "visitors" in row else 0


def scatter(scene: Scene, by: str, split: segments.Split) -> Figure | None:
    """What a new customer costs against what one is worth: below the line of one to one the money is lost."""
    known, said = _segments(scene, by, split, "cac", "clv"), scene.said.say
    if not known:
        return None
    rows = []
    for value, colour, (cac, clv) in known:
        name = scene.said.value(by, value)
        text = f"{name}: {scene.said.label('cac')} {scene.shown(cac)}, {scene.said.label('clv')} {scene.shown(clv)}"
        rows.append({"name": name, "cac": number(cac.value), "clv": number(clv.value), "colour": colour, "said": text})
    most = max(float(row["cac"] or 0) for row in rows) * 1.15
    ends = [{"cac": share * most, "even": share * most, "three": 3 * share * most} for share in (0.0, 1.0)]
    x, y = (
        {
            "field": name,
            "type": "quantitative",
            "axis": {**axis("money", scene.company.currency, hide=bool(scene.view.hide), locale=scene.said.locale), "title": title},
        }
        for name, title in (("cac", scene.said.label("cac")), ("clv", scene.said.label("clv")))
    )
    x |= {"scale": {"domain": [0, most]}}
    guides = []
    for field, colour in (("even", "--bad"), ("three", "--good")):
        mark = {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1, "color": PAPER[colour], "clip": True, "aria": False}
        encoding = {"x": {"field": "cac", "type": "quantitative"}, "y": {"field": field, "type": "quantitative"}}
        guides.append({"data": {"values": ends}, "mark": mark, "encoding": encoding})
    dots = {
        "mark": {"type": "point", "filled": True, "size": 90},
        "encoding": {"x": x, "y": y, "color": {"field": "colour", "type": "nominal", "scale": None}, "description": {"field": "said"}},
    }
    names = {"mark": {"type": "text", "align": "left", "dx": 8, "aria": False}, "encoding": {"x": x, "y": y, "text": {"field": "name"}}}
    title = said("What a customer costs, and is worth")
    losing = [str(row["name"]) for row in rows if float(row["clv"] or 0) < float(row["cac"] or 0)]
    summary = (
        said("Worth less than they cost: {segments}.", segments=scene.said.listing(losing)) if losing else said("All are worth more than they cost.")
    )
    heads = [Column("name", capital(scene.said.name("dimension", by)), number=False), *(Column(n, scene.said.label(n)) for n in ("cac", "clv"))]
    lines_ = [[Cell(scene.said.value(by, value)), *(Cell(scene.shown(one), one.value) for one in answers)] for value, _, answers in known]
    note = said("red line: worth what it costs; green: three times")
    return Figure(title, spec(f"{title}. {summary}", 620, 280, rows, layer=[*guides, dots, names]), summary, Table(heads, lines_), note)


def payback(scene: Scene, by: str, split: segments.Split) -> Figure | None:
    """How many months of a customer's money pay back what winning one cost."""
    known, said = _segments(scene, by, split, "cac_payback_months"), scene.said.say
    if not known:
        return None
    known.sort(key=lambda one: one[2][0].value or 0)
    rows = [
        {"name": scene.said.value(by, value), "months": number(a.value), "colour": colour, "said": f"{scene.said.value(by, value)}: {scene.shown(a)}"}
        for value, colour, (a,) in known[:20]
    ]
    x = {"field": "months", "type": "quantitative", "axis": axis("months", hide=bool(scene.view.hide), locale=scene.said.locale)}
    y = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "grid": False, "labelLimit": 140}}
    body = {
        "mark": {"type": "bar", "size": 12},
        "encoding": {"x": x, "y": y, "color": {"field": "colour", "type": "nominal", "scale": None}, "description": {"field": "said"}},
    }
    title = said("Months to pay back")
    first, last = rows[0], rows[-1]
    summary = said("Soonest: {first}; latest: {last}.", first=first["said"], last=last["said"])
    heads = [Column("name", capital(scene.said.name("dimension", by)), number=False), Column("months", scene.said.label("cac_payback_months"))]
    lines_ = [[Cell(scene.said.value(by, value)), Cell(scene.shown(a), a.value)] for value, _, (a,) in known]
    return Figure(
        title, spec(f"{title}. {summary}", 620, 280, rows, **body), scene.sentence(summary) if scene.view.hide else summary, Table(heads, lines_)
    )


PAGES = {"/channels": funnel_by}
