"""A page for every metric, and the list of them all: by discovery, so that a new metric file has its page at once."""

from collections.abc import Sequence
from dataclasses import replace

from fari.engine.answer import Answer
from fari.engine.ask import Asker, under_rules
from fari.engine.wording import formula
from fari.errors import UsageError, did_you_mean
from fari.insight.advice import book
from fari.metrics import METRICS
from fari.metrics.kinds import DIMENSIONS, ruled
from fari.surfaces import asking, output
from fari.surfaces.web import ahead, frame, lines, opened
from fari.surfaces.web.page import Cell, Column, Page, Table
from fari.surfaces.web.pages.overview import card
from fari.surfaces.web.provisional import says
from fari.surfaces.web.scene import Scene, all_metrics
from fari.surfaces.whatif import assumed
from fari.surfaces.words import capital

BAND = 13
"""Of so many of the last periods the interval is drawn: each has to be drawn anew hundreds of times."""

MOST = 100
"""So many segments at most stand on the page; its data has them all."""


def metrics(scene: Scene) -> Page:
    """Every metric with its value in the period and what it was before."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), [])
    answers = scene.compare(*all_metrics())
    rows = [
        {
            "title": capital(scene.said.label(answer.metric)),
            "value": scene.shown(answer),
            "exact": scene.exact(answer.value),
            "change": scene.change(answer),
            "says": scene.said.definition(answer.metric).partition("\n")[0],
            "url": scene.view.at(f"/metrics/{answer.metric}").url,
            "stage": METRICS[answer.metric].stage,
            "search": f"{answer.metric} {scene.said.label(answer.metric)}".lower(),
        }
        for answer in answers
    ]
    stages = [(stage, [row for row in rows if row["stage"] == stage]) for stage in ("acquisition", "retention", "monetisation")]
    shown = {"stages": [(scene.said.say(stage), own) for stage, own in stages]}
    return Page("metrics.html", scene.said.say("All metrics"), output.objects(answers, True), output.rows(answers, compared=True), shown)


def metric(scene: Scene) -> Page:
    """One metric: its history, why it changed, what if, what may come, how it is computed and the rows behind it."""
    name = scene.view.path.rsplit("/", 1)[-1]
    if name not in METRICS:
        raise UsageError(f"there is no metric {name!r}{did_you_mean(name, METRICS)}")
    if scene.empty:
        return Page("empty.html", capital(scene.said.label(name)), [])
    by = asking.split_by(scene.view.by)
    answers = history(scene, name, by)
    if scene.whole:
        return Page("metric.html", name, output.objects(answers, True), output.rows(answers, by, compared=True))
    judged = scene.judged(name)
    answer = (judged or scene.compare(name))[0] if scene.fits(name) else None
    if answer is None:
        raise UsageError(f"{name} cannot be narrowed to {', '.join(dimension for dimension, _ in scene.view.where)}")
    own = card(scene, answer, [], scene.goals().get(name))
    number = opened.explanation(scene, name)
    reasons = ahead.because(scene, name)
    supposed, wrong = ahead.what_if(scene, name)
    coming, no_forecast, waiting = ahead.foretold(scene, name)
    band = _band(scene, name) if not by else []
    chart = (
        lines.by_segment(scene, name, by[0], scene.over_time(by[0], name))
        if by
        else lines.history(scene, name, answers, band or [], scene.noted(name))
    )
    ruled_name = ruled(name, scene.question().rules or scene.company.rules)
    shown = {
        "name": name,
        "ruled": ruled_otherwise(scene, name, answers) if not by else None,
        "own": own,
        "definition": scene.said.definition(ruled_name),
        "says": scene.said.definition(ruled_name).partition("\n")[0],
        "settles": says(scene, name),
        "direction": {"up": scene.said.say("Up is good."), "down": scene.said.say("Down is good."), "neutral": ""}[METRICS[name].good],
        "chart": chart,
        "because": reasons,
        "what_if": ahead.figures(scene, supposed, name) if supposed else [],
        "assumed": [assumed(one, scene.said) for one in supposed.assumptions] if supposed else [],
        "wrong": wrong,
        "levers": [(one, scene.said.label(one)) for one in ahead.levers(scene, name)],
        "forecast": coming,
        "no_forecast": no_forecast,
        "number": number,
        "formula": scene.said.formula(formula(ruled_name)),
        "put_in": scene.sentence(opened.put_in(scene, number)) if number else "",
        "inputs": opened.inputs(scene, number) if number else [],
        "rules": opened.rules(scene, number) if number else [],
        "behind": opened.behind(scene, number) if number else None,
        "split": segments(scene, name, by[0]) if by else None,
        "dimensions": [(one, scene.said.name("dimension", one), (one,) == by) for one in dimensions(scene, name)],
        "grains": [(one, scene.said.say(one), one == scene.history[-1].grain) for one in ("day", "week", "month", "quarter", "year")],
        "moves": [scene.said.name("advice", text) for text in book().get(name, {}).get("moves", ())],
        "published": scene.said.name("advice", book().get(name, {}).get("says", "")),
        "used_by": [(one, capital(scene.said.label(one))) for one in all_metrics() if name in METRICS[one].inputs and METRICS[one].listed],
        "commands": frame.commands(scene, scene.site.origin),
        "explain_command": f"fari explain {name} {scene.typed(scene.period)}",
    }
    title = f"{own.title}, {scene.name(scene.period)}"
    return Page("metric.html", title, None, (), shown, pending=judged is None or reasons is None or waiting or band is None or number is None)


def history(scene: Scene, name: str, by: tuple[str, ...] = ()) -> list[Answer]:
    """A metric over the periods of the view, each held against the one before it: what JSON and CSV have, and `fari metrics` prints."""
    from fari.engine.compare import compare

    question = scene.question(name, periods=scene.history, by=by)
    return scene.kept("compare", question, scene.against, make=lambda asker: compare(asker, question, scene.against))


def _band(scene: Scene, name: str) -> list[Answer] | None:
    """The last answers with bounds; None as long as they are being worked out."""
    from fari.insight.intervals import intervals

    question = scene.question(name, periods=scene.history[-BAND:])

    def make(asker: Asker) -> list[Answer]:
        return intervals(asker, question, 0.9)

    return scene.later("band", question, make=make)


def ruled_otherwise(scene: Scene, name: str, answers: Sequence[Answer]) -> Table | None:
    """The history under the company's rules beside the same under those looked at; None where these are the same, or the metric knows of none."""
    own, other = scene.company.rules, scene.question().rules
    if other is None or other == own or not (under_rules(name, own) or under_rules(name, other)):
        return None
    question = replace(scene.question(name, periods=scene.history), rules=None)
    known = {answer.period: answer for answer in scene.kept("ask", question, make=lambda asker: asker.ask(question))}
    say = scene.said.say
    heads = [Column("period", say("Period"), number=False), Column("own", own.label), Column("other", other.label), Column("gap", say("Difference"))]
    rows = []
    for answer in reversed(answers):
        held = replace(answer, compared=known[answer.period])
        gap = "–" if held.change is None else scene.difference(held.change, held.unit)
        rows.append(
            [
                Cell(scene.name(answer.period)),
                *(Cell(scene.shown(one), title=scene.exact(one.value)) for one in (known[answer.period], answer)),
                Cell(gap),
            ]
        )
    return Table(heads, rows)


def dimensions(scene: Scene, name: str) -> list[str]:
    """What a metric can be split by."""
    return [one for one in DIMENSIONS if scene.fits(name, (one,)) and one not in ("cause",)]


def segments(scene: Scene, name: str, dimension: str) -> Table:
    """The period by segment beside the period compared with; all together below."""
    said = scene.said.say
    heads = [Column(dimension, capital(scene.said.name("dimension", dimension)), number=False), Column("value", scene.name(scene.period))]
    for n, one in enumerate(scene.others):
        heads += [Column(f"before{n or ''}", scene.name(one)), Column(f"change{n or ''}", said("Change"))]

    def row(answer: Answer, value: str) -> list[Cell]:
        url = scene.view.keeping(dimension, value).but(by="").url if value else ""
        first = Cell(scene.said.value(dimension, value) if value else said("All"), value, url)
        cells = [first, Cell(scene.shown(answer), answer.value, title=scene.exact(answer.value))]
        for one in (answer, *answer.also):
            before = one.compared.value if one.compared else None
            cells += [Cell(scene.value(before, one.unit, one.currency), before), Cell(scene.change(one), one.change)]
        return cells

    rows = [row(answer, answer.segment[dimension]) for answer in scene.compare(name, by=(dimension,))]
    return Table(heads, rows, row(scene.compare(name)[0], "")).sorted_by(scene.view.sort or "-value").largest(MOST, scene.said)


PAGES = {"/metrics": metrics, "/metrics/{name}": metric}
