"""Visitors: where they come from and what they see, and who was left out as a robot or one of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

from fari.engine.explain import largest_rows
from fari.surfaces import output
from fari.surfaces.web import lines, segments
from fari.surfaces.web.opened import PER_PAGE, row_table
from fari.surfaces.web.page import Page
from fari.surfaces.web.pages.overview import card, history
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

CARDS = ("visitors", "visits", "pageviews", "visitor_to_lead_rate", "visitor_to_signup_rate", "signups", "bots", "internal")
_MANY = ("visitors", "visits", "pageviews", "leads", "visitor_to_lead_rate")
BY = {
    "channel": _MANY,
    "content": ("visitors", "pageviews", "leads", "visitor_to_lead_rate"),
    "landing_page": ("visits", "leads", "visit_to_lead_rate", "mqls", "sqls"),
    "campaign": _MANY,
    "country": _MANY,
    "device": ("visitors", "visits", "pageviews"),
    "bot": ("bot_pageviews",),
}
"""What the page splits by, and the metrics beside each other in each; the first orders them."""
SLOW = ("landing_page", "bot")
"""What takes a look at every page view the first time."""
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
    splits = {by: (segments.coming if by in SLOW else segments.split)(scene, by, *names) for by, names in BY.items() if scene.fits(names[0], (by,))}
    opened = scene.view.input if scene.view.input in LEFT_OUT else "bots"
    left_out = _left_out(scene, opened)
    shown: dict[str, Any] = {
        "cards": [card(scene, answer, before.get(answer.metric, []), goals.get(answer.metric)) for answer in answers],
        "chart": lines.by_segment(scene, "visitors", "channel", past, 1240) if past else None,
        "tables": [
            (by, capital(scene.said.name("dimension", by)), found and segments.table(scene, found, by, BY[by], f"-{BY[by][0]}", most=LARGEST))
            for by, found in splits.items()
        ],
        "rows": left_out and row_table(scene, left_out[0], "count", capital(scene.said.label(opened))),
        "count": left_out and scene.value(left_out[1], "count"),
        "tabs": [(capital(scene.said.label(name)), scene.view.but(input=name).url + "#left-out", name == opened) for name in LEFT_OUT],
    }
    found = [answer for own in splits.values() if own for answer in segments.parts(own)]
    pending = judged is None or left_out is None or None in splits.values()
    data = {"period": output.objects(answers, True), "by": output.plain(found), "history": output.plain(past)}
    return Page("visitors.html", scene.said.say("Visitors"), data, output.rows(past, ("channel",)), shown, pending)


def _left_out(scene: Scene, name: str) -> tuple[Sequence[Mapping[str, Any]], int] | None:
    """(the first rows of those left out, how many there are), each with the rule that decided; None as long as they are being read."""
    if not scene.fits(name):
        return (), 0
    question = scene.question(name)
    return scene.later("rows", question, PER_PAGE, make=lambda asker: largest_rows(asker, question, PER_PAGE))


PAGES = {"/visitors": visitors}
