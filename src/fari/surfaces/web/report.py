"""The monthly report: what the dashboard says of a period, in one file that needs nothing else. The same functions make both."""

from dataclasses import replace

from fari.errors import FariError
from fari.surfaces import output
from fari.surfaces.asking import NOTHING_IMPORTED
from fari.surfaces.web import ahead, findings, frame, lines, movements, segments
from fari.surfaces.web.headline import headline
from fari.surfaces.web.page import Figure, Page
from fari.surfaces.web.pages.overview import CHANNELS, STAGES, STEPS, card, channel_table, funnel, history
from fari.surfaces.web.scene import BESIDE, VOTED, Scene
from fari.surfaces.words import capital

DEFINED = (*VOTED, *BESIDE, "leads", "new_customers", "clv_cac_ratio", "cac_payback_months")


def report(scene: Scene) -> Page:
    """A period's whole report. FariError where nothing is imported."""
    if scene.empty:
        raise FariError(NOTHING_IMPORTED)
    scene = replace(scene, whole=True)
    names = (*VOTED, *BESIDE)
    judged = scene.judged(*names) or []
    found = {answer.metric: answer for answer in judged}
    before, goals_ = history(scene, names), scene.goals()
    cards = {name: card(scene, answer, before.get(name, []), goals_.get(name)) for name, answer in found.items()}
    stages = {answer.metric: answer for answer in scene.ask(*STAGES, *STEPS)}
    split = segments.split(scene, "channel", *CHANNELS)
    coming, no_forecast, _ = ahead.foretold(scene, "mrr") if scene.fits("mrr") else (None, "", False)
    signals, looked, judged_any = findings.signals(scene) or ([], "", False)
    advice, no_advice = findings.advice(scene) or (None, "")
    fresh = frame.freshness(scene)
    data = {
        "period": {"from": scene.period.since, "until": scene.period.until},
        "metrics": output.objects(judged, compared=True),
        "funnel": output.plain(list(stages.values())),
        "channels": output.plain(segments.answers(split)),
    }
    shown = {
        "headline": headline(scene, [found[name] for name in VOTED if name in found]),
        "voted": [cards[name] for name in VOTED if name in cards],
        "beside": [cards[name] for name in BESIDE if name in cards],
        "funnel": funnel(scene, stages),
        "channels": channel_table(scene, split, "channel"),
        "revenue": _revenue(scene),
        "forecast": _wide(coming) if coming else None,
        "no_forecast": no_forecast,
        "signals": signals,
        "looked": looked,
        "judged": judged_any,
        "goals": findings.goals_told(scene) or [],
        "advice": advice,
        "no_advice": no_advice,
        "definitions": [(capital(scene.said.label(name)), scene.said.definition(name).partition("\n")[0]) for name in DEFINED if scene.fits(name)],
        "fresh": fresh,
        "segment": scene.said.listing([scene.said.segment(dimension, value) for dimension, value in scene.view.filters]),
    }
    title = scene.said.say("{company}, {period}", company=scene.company.name, period=scene.name(scene.period))
    return Page("report.html", title, data, output.rows(judged, compared=True), shown)


def _revenue(scene: Scene) -> list[Figure]:
    """MRR over time, what led from the period's opening to its closing, and what moved it in each of the last periods."""
    if not scene.fits("mrr"):
        return []
    answers = scene.ask("mrr", periods=scene.history)
    if all(answer.value is None for answer in answers):
        return []
    found = [replace(_wide(lines.history(scene, "mrr", answers, [], scene.noted("mrr"))), table=None)]
    steps = movements.waterfall(scene, scene.ask(*movements.NAMES))
    late = scene.but(since=scene.typed(scene.history[-13:][0]), until=scene.typed(scene.history[-1]))
    found += [replace(_wide(steps), table=None)] if steps else []
    return [*found, _wide(movements.by_period(late, late.ask(*movements.NAMES, periods=late.history)))]


def _wide(one: Figure) -> Figure:
    """A figure as wide as the sheet."""
    return replace(one, spec={**one.spec, "width": lines.WIDE, "height": 230})
