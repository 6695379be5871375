"""The survey: which metric matters most to the team, beside the 40 marketers of the article; what it keeps in focus, and its goals."""

from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from fari.errors import UsageError
from fari.insight.survey import OTHER, Choice, article
from fari.surfaces.web import votes
from fari.surfaces.web.door import reader
from fari.surfaces.web.page import Page
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.words import capital


def survey(scene: Scene) -> Page:
    """What the team voted beside the article's 40 marketers, and the link to vote."""
    desk = scene.site.desk
    one = votes.latest(desk)
    cast = votes.votes(desk, one)
    found = votes.outcome(desk)
    goals = {} if scene.empty else scene.goals()
    rows: list[dict[str, Any]] = [
        {
            "metric": choice.metric, "team": choice.team, "team_share": choice.share, "marketers": choice.marketers,
            "marketers_share": choice.marketers_share, "focus": choice.metric in found.focus,
        }
        for choice in found.choices
    ]  # fmt: skip
    focus = [
        {
            "title": capital(scene.said.label(name)), "url": scene.view.at(f"/metrics/{name}").url,
            "goal": scene.value(goals[name], _unit(name)) if name in goals else "",
        }
        for name in found.focus
    ]  # fmt: skip
    shown = {
        "survey": one,
        "link": f"{scene.site.origin}/vote/{one.token}" if one and one.open else "",
        "result": found,
        "lines": [_line(scene, choice) for choice in found.choices],
        "focus": focus,
        "reasons": [(capital(votes.label(scene.said, vote.metric)), vote.why) for vote in cast if vote.why],
        "may": scene.reader.may("owner"),
    }
    data = {"people": found.people, "marketers": found.marketers, "vanity": found.vanity, "choices": rows}
    return Page("survey.html", scene.said.say("Survey"), data, rows, shown)


def _unit(name: str) -> str:
    from fari.metrics import METRICS

    return METRICS[name].unit


def _line(scene: Scene, one: Choice) -> dict[str, Any]:
    return {
        "title": capital(votes.label(scene.said, one.metric)),
        "url": "" if one.metric == OTHER else scene.view.at(f"/metrics/{one.metric}").url,
        "team": one.team,
        # Not what a company earns: it is shown in the mode that hides values, too.
        "team_share": scene.but(hide="").value(one.share, "rate"),
        "team_width": round(160 * float(one.share or 0), 1),
        "marketers": one.marketers,
        "told": one.metric in article()["others"]["told"],
        "marketers_share": scene.but(hide="").value(one.marketers_share, "rate"),
        "marketers_width": round(160 * float(one.marketers_share or 0), 1),
    }


async def begin(request: Request, site: Site) -> Response:
    """Make a new link; votes begin anew."""
    return await _owned(request, site, begins=True)


async def end(request: Request, site: Site) -> Response:
    """Take no more votes."""
    return await _owned(request, site, begins=False)


async def _owned(request: Request, site: Site, begins: bool) -> Response:
    if not reader(request).may("owner"):
        raise UsageError("a survey is made and ended by owners")
    await run_in_threadpool(votes.begin if begins else votes.close, site.desk)
    return RedirectResponse("/survey", 303)


PAGES = {"/survey": survey}
ACTS = {"/survey/begin": begin, "/survey/end": end}
