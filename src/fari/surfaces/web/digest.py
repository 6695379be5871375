"""The digest: five numbers of a period on one screen, each with its change, the one thing that carried it most, and a link to where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fari.errors import FariError
from fari.insight.noise import REAL
from fari.surfaces.asking import NOTHING_IMPORTED
from fari.surfaces.sentences import driver_words
from fari.surfaces.web import frame, lines
from fari.surfaces.web.charts import PAPER, Spec, png, spec
from fari.surfaces.web.headline import cause, headline
from fari.surfaces.web.mutes import muted
from fari.surfaces.web.pages.overview import Card, card, history
from fari.surfaces.web.scene import VOTED, Scene

USUAL = ("mrr", "lead_conversion_rate", "visitors", "customer_churn_rate", "cac")
"""The five numbers where the team has no focus of its own."""
FIVE = 5
_MOODS = {"good": PAPER["--good"], "bad": PAPER["--bad"], "soft": PAPER["--soft"]}


@dataclass(frozen=True)
class Line:
    """One of the numbers."""

    card: Card
    driver: str
    url: str
    colour: str
    image: str
    """The name of its small chart; empty where it has too short a past for one."""


@dataclass(frozen=True)
class Digest:
    """What is sent, whichever way."""

    title: str
    told: str
    fresh: str
    stale: bool
    failed: str
    """What is to be said of sources that could not be read; empty where all were."""
    lines: Sequence[Line]
    url: str
    chart: str
    """What the chart of the first number shows, in words."""
    images: dict[str, bytes]
    """PNGs by name: `chart`, and a small one for each number."""


def digest(scene: Scene, focus: Sequence[str], base: str) -> Digest:
    """The digest of a period. FariError where nothing is imported."""
    if scene.empty:
        raise FariError(NOTHING_IMPORTED)
    scene = replace(scene, whole=True)
    # A link has to lead to the same numbers when another month has become the last one.
    scene = scene.but(period=scene.typed(scene.period))
    names = tuple(name for name in dict.fromkeys((*focus, *USUAL)) if scene.fits(name))[:FIVE]
    judged = {answer.metric: answer for answer in scene.judged(*dict.fromkeys((*names, *VOTED))) or []}
    goals, before = scene.goals(), history(scene, names)
    images: dict[str, bytes] = {}
    found = []
    for name in names:
        one = card(scene, judged[name], before.get(name, []), goals.get(name))
        if sum(value is not None for value in one.spark) > 1:
            images[name] = png(_small(one))
        found.append(Line(one, driver(scene, name), base.rstrip("/") + one.url, _MOODS[one.mood], name if name in images else ""))
    silent = [name for name in muted(scene.site.desk, scene.period.label) if name in judged and judged[name].verdict == REAL]
    told = headline(scene, [judged[name] for name in VOTED if name in judged and name not in silent])
    answers = scene.ask(names[0], periods=scene.history) if names else []
    chart = ""
    if sum(answer.value is not None for answer in answers) > 1:
        figure = lines.history(scene, names[0], answers, [])
        chart = f"{figure.title}. {figure.summary}"
        images["chart"] = png({**figure.spec, "width": 600, "height": 170})
    title = scene.said.say("{company}, {period}", company=scene.company.name, period=scene.name(scene.period))
    fresh, stale, _ = frame.freshness(scene)
    sentence = f"{told.first} {told.then}".strip() if told else ""
    if silent:
        quiet = scene.said.say("Left out, as muted: {metrics}.", metrics=scene.said.listing([scene.said.label(name) for name in sorted(silent)]))
        sentence = f"{sentence} {quiet}".strip()
    unread = scene.said.say("The last sync failed: {why}", why=frame.failed(scene)[1]) if frame.failed(scene)[0] else ""
    return Digest(title, sentence, fresh, stale, unread, found, base.rstrip("/") + scene.view.at("/").url, chart, images)


def driver(scene: Scene, metric: str) -> str:
    """What carried the change most, as it went; empty where nothing changed, or nothing can be told."""
    found = cause(scene, metric)
    if found is None or not found.change:
        return ""
    up = found.change > 0
    carried = next((one for one in found.drivers if (one.part > 0) == up), None)
    if carried is None or (len(found.drivers) == 1 and (carried.metric, carried.dimension) == (metric, "")):
        return scene.said.say("No segment stands out: none moved further than its size and chance let expect.")
    amount = scene.difference(carried.part, found.after.unit)
    return scene.sentence(scene.said.say("{amount} from {driver}", amount=amount, driver=driver_words(carried, scene.said, found.currency)))


def _small(one: Card) -> Spec:
    """The last periods as a line without axes."""
    rows: list[dict[str, Any]] = [{"n": n, "value": value} for n, value in enumerate(one.spark)]
    known = [row for row in rows if row["value"] is not None]
    x = {"field": "n", "type": "quantitative", "axis": None}
    y = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": False, "nice": False}}
    line: Spec = {"mark": {"type": "line", "color": _MOODS[one.mood], "strokeWidth": 1.6}, "encoding": {"x": x, "y": y}}
    dot: Spec = {
        "data": {"values": known[-1:]},
        "mark": {"type": "point", "filled": True, "size": 30, "color": _MOODS[one.mood], "opacity": 1},
        "encoding": {"x": x, "y": y},
    }
    return spec(one.title, 110, 34, rows, layer=[line, dot])


def as_text(scene: Scene, one: Digest) -> str:
    """As plain text."""
    said = scene.said.say
    told = [
        one.title,
        one.fresh,
        *([said("The data is stale: {fresh}.", fresh=one.fresh)] if one.stale else []),
        *filter(None, [one.failed]),
        "",
        one.told,
        "",
    ]
    for line in one.lines:
        so_far = f" ({line.card.provisional})" if line.card.provisional else ""
        moved = f"{line.card.arrow} {line.card.change} ({line.card.verdict or _mood(scene, line.card)})" if line.card.change else ""
        told.append(
            "  ".join(filter(None, [f"{line.card.title}{so_far}: {line.card.value}", moved.replace(" ()", ""), line.card.was, line.card.goal]))
        )
        told += [f"  {text}" for text in (line.driver, line.url) if text]
        told.append("")
    return "\n".join([*told, one.url, ""])


def _mood(scene: Scene, one: Card) -> str:
    return {"good": scene.said.say("better"), "bad": scene.said.say("worse")}.get(one.mood, "")


def as_slack(scene: Scene, one: Digest) -> dict[str, Any]:
    """As the body of a POST to Slack's incoming webhook."""
    said = scene.said.say

    def section(text: str) -> dict[str, Any]:
        return {"type": "section", "text": {"type": "mrkdwn", "text": text}}

    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": one.title[:150]}}]
    if one.stale:
        blocks.append(section(f":warning: *{_escaped(said('The data is stale: {fresh}.', fresh=one.fresh))}*"))
    if one.failed:
        blocks.append(section(f":warning: *{_escaped(one.failed)}*"))
    if one.told:
        blocks.append(section(_escaped(one.told)))
    for line in one.lines:
        own = line.card
        moved = f" {own.arrow} {own.change} {own.verdict or _mood(scene, own)}" if own.change else ""
        second = f"\n{_escaped(line.driver)}" if line.driver else ""
        blocks.append(section(f"*<{line.url}|{_escaped(own.title)}>*  *{_escaped(own.value)}*{_escaped(moved)}  {_escaped(own.was)}{second}"))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"{_escaped(one.fresh)} · <{one.url}|{said('Overview')}>"}]})
    return {"text": f"{one.title}: {one.told}", "blocks": blocks}


def _escaped(text: str) -> str:
    """What Slack would read as a link or a mention is text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_subject(scene: Scene, one: Digest) -> str:
    """The subject of a message."""
    if one.failed:
        return scene.said.say("SYNC FAILED: {title}", title=one.title)
    return scene.said.say("STALE DATA: {title}", title=one.title) if one.stale else f"{one.title}: {one.told}".rstrip(": ")
