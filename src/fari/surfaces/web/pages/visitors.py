"""Visitors: where they come from and what they see, and who was left out as a robot or one of our own."""

from typing import Any

from fari.engine.answer import Answer
from fari.engine.explain import largest_rows
from fari.surfaces import output
from fari.surfaces.web import lines
from fari.surfaces.web.charts import colour_of
from fari.surfaces.web.opened import PER_PAGE, row_table
from fari.surfaces.web.page import Cell, Column, Page, Table
from fari.surfaces.web.pages.overview import card, history
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

CARDS = ("visitors", "visits", "pageviews", "visitor_to_lead_rate", "visitor_to_signup_rate", "signups", "bots", "internal")
BY = ("channel", "content", "campaign", "country", "device")
BESIDE = ("visits", "pageviews", "leads", "visitor_to_lead_rate")
LEFT_OUT = ("bots", "internal")
LARGEST = 12


def visitors(scene: Scene) -> Page:
    """Where visitors come from, what they see, and who was left out as a robot or one of our own."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    judged = scene.judged(*CARDS)
    answers = judged or scene.compare(*CARDS)
    before, goals = history(scene, CARDS), scene.goals()
    past = scene.over_time("channel", "visitors")
    splits = {by: split(scene, by) for by in BY if scene.fits("visitors", (by,))}
    opened = scene.view.input if scene.view.input in LEFT_OUT else "bots"
    rows, count = _rows(scene, opened)
    shown: dict[str, Any] = {
        "cards": [card(scene, answer, before.get(answer.metric, []), goals.get(answer.metric)) for answer in answers],
        "chart": lines.by_segment(scene, "visitors", "channel", past, 1240) if past else None,
        "tables": [(capital(scene.said.name("dimension", by)), table) for by, (table, _) in splits.items()],
        "rows": row_table(scene, rows, "count", capital(scene.said.label(opened))),
        "count": count,
        "tabs": [(capital(scene.said.label(name)), scene.view.but(input=name).url + "#left-out", name == opened) for name in LEFT_OUT],
    }
    found = [answer for _, own in splits.values() for answer in own]
    data = {"period": output.objects(answers, True), "by": output.plain(found), "history": output.plain(past)}
    return Page("visitors.html", scene.said.say("Visitors"), data, output.rows(past, ("channel",)), shown, pending=judged is None or rows is None)


def split(scene: Scene, by: str) -> tuple[Table, list[Answer]]:
    """Visitors of the period by a dimension beside what they did; the largest, and how many more there are."""
    names = ("visitors", *(name for name in BESIDE if scene.fits(name, (by,))))
    answers = scene.ask(*names, by=(by,))
    found: dict[str, dict[str, Answer]] = {}
    for answer in answers:
        found.setdefault(answer.segment[by], {})[answer.metric] = answer
    ordered = sorted(found, key=lambda value: -float(found[value]["visitors"].value or 0 if "visitors" in found[value] else 0))
    heads = [Column(by, capital(scene.said.name("dimension", by)), number=False), *(Column(name, capital(scene.said.label(name))) for name in names)]

    def row(value: str, own: dict[str, Answer]) -> list[Cell]:
        seen = scene.view.keeping(by, value) if value else scene.view
        first = Cell(scene.said.value(by, value) if value else scene.said.say("All"), value, seen.url if value else "")
        first = first if by != "channel" or not value else Cell(first.text, value, seen.url, colour=colour_of(by, value))
        return [first, *(Cell(scene.shown(own[n]), own[n].value, seen.at(f"/metrics/{n}").url) if n in own else Cell("–") for n in names)]

    whole = {answer.metric: answer for answer in scene.ask(*names)}
    caption = scene.said.say("the largest {count} of {all}", count=LARGEST, all=len(ordered)) if len(ordered) > LARGEST else ""
    return Table(heads, [row(value, found[value]) for value in ordered[:LARGEST]], row("", whole), caption), answers


def _rows(scene: Scene, name: str) -> tuple[list[dict[str, Any]], int]:
    """(the first rows of those left out, how many there are), each with the rule that decided."""
    if not scene.fits(name):
        return [], 0
    question = scene.question(name)
    rows, count = scene.kept("rows", question, PER_PAGE, make=lambda asker: largest_rows(asker, question, PER_PAGE))
    return list(rows), count


PAGES = {"/visitors": visitors}
