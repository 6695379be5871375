"""The monthly report: what the dashboard says of a period, in one file that needs nothing else. The same functions make both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fari.engine.ask import Asker
from fari.engine.periods import Period, cut, previous
from fari.engine.wording import definition
from fari.errors import FariError
from fari.insight.advice import Counsel, counsel
from fari.insight.goals import Goal, goals
from fari.insight.unusual import Look, unusual
from fari.insight.why import Why, why
from fari.surfaces import advising, output
from fari.surfaces.asking import NOTHING_IMPORTED
from fari.surfaces.checking import goal_words, unusual_words
from fari.surfaces.sentences import sentences
from fari.surfaces.web import ahead, frame, lines, movements
from fari.surfaces.web.headline import headline
from fari.surfaces.web.page import Cell, Column, Figure, Page, Table
from fari.surfaces.web.pages.overview import BESIDE, STAGES, STEPS, VOTED, card, channel_table, channels, funnel, history
from fari.surfaces.web.site import Scene
from fari.surfaces.words import capital

TOP = 6
"""So many pieces of advice are told."""
DEFINED = (*VOTED, *BESIDE, "leads", "new_customers", "clv_cac_ratio", "cac_payback_months")


@dataclass(frozen=True)
class Signal:
    """Something unusual: its sentences, the first of which says what; whether it is bad."""

    sentences: Sequence[str]
    mood: str


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
    split = channels(scene, "channel")
    coming, no_forecast, _ = ahead.foretold(scene, "mrr") if scene.fits("mrr") else (None, "", False)
    signals, looked, judged_any = _unusual(scene)
    advice, no_advice = _advice(scene)
    fresh = frame.freshness(scene)
    data = {
        "period": {"from": scene.period.since, "until": scene.period.until},
        "metrics": output.objects(judged, compared=True),
        "funnel": output.plain(list(stages.values())),
        "channels": output.plain([answer for row in split.values() for answer in row.values()]),
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
        "goals": _goals(scene),
        "advice": advice,
        "no_advice": no_advice,
        "definitions": [(capital(scene.said.label(name)), _defined(scene, name)) for name in DEFINED if scene.fits(name)],
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


def _unusual(scene: Scene) -> tuple[list[Signal], str, bool]:
    """(what is unusual in the month, how many figures were looked at, in words, whether any was); nothing of a period that is no month."""
    said, fiscal = scene.said, scene.company.fiscal_year_start
    if scene.period.grain != "month":
        return [], said.say("Only months are held against their past."), False
    question = replace(scene.question(), metrics=(), periods=())

    def make(asker: Asker) -> tuple[Look, list[Why]] | str:
        try:
            look = unusual(asker, question, scene.period)
            firsts = [event.figures[0] for event in look.events]
            asked = [replace(question, metrics=(one.metric,), periods=(previous(one.period), one.period)) for one in firsts]
            return look, [why(asker, one) for one in asked]
        except FariError as error:
            return str(error)

    found = scene.later("unusual", question, scene.period, make=make)
    if found is None or isinstance(found, str):
        return [], found or "", False
    look, causes = found
    signals = []
    for event, cause in zip(look.events, causes, strict=True):
        told = [unusual_words(one, said) for one in event.figures]
        every = [told[0], *sentences(cause, said, fiscal)[1:], *told[1:]]
        mood = "bad" if event.bad else "good" if event.figures[0].bad is False else "soft"
        signals.append(Signal([scene.sentence(text) for text in every], mood))
    text = said.say(
        "{period}: {judged} metrics looked at; of {unjudged} the past is too short or has gaps.",
        period=said.period(look.period), judged=look.judged, unjudged=len(look.unjudged),
    )  # fmt: skip
    return signals, text, look.judged > 0


def _goals(scene: Scene) -> list[tuple[str, str]]:
    """Goals of the period and of those to come, each in a sentence, with its mood. They are the company's, whatever segment is looked at."""
    if scene.view.where:
        return []
    question = scene.question()

    def make(asker: Asker) -> list[Goal] | str:
        try:
            return goals(asker, question)
        except FariError as error:
            return str(error)

    found = scene.later("goals", question.as_of, question.rules, make=make)
    if not found or isinstance(found, str):
        return []
    moods = {"reached": "good", "missed": "bad", "at risk": "bad"}
    told = [one for one in found if one.period.until >= scene.period.until][:12]
    return [(scene.sentence(goal_words(one, scene.said, scene.company.currency)), moods.get(one.state, "soft")) for one in told]


def _advice(scene: Scene) -> tuple[Table | None, str]:
    """(where to look first, what is to be said where there is nothing, or of what it rests on)."""
    said = scene.said.say
    question = replace(scene.question(), metrics=(), periods=())

    def make(asker: Asker) -> Counsel | str:
        try:
            return counsel(asker, question)
        except FariError as error:
            return str(error)

    found = scene.later("advice", question.where, question.as_of, question.rules, make=make)
    if found is None or isinstance(found, str):
        return None, found or ""
    if not found.advice:
        return None, said("No segment does worse than the rest by more than chance would make it.")
    heads = [
        Column("what", said("Where"), number=False), Column("value", said("is")), Column("others", said("could be")),
        Column("gain", said("Gain in a year")), Column("bounds", said("nine times of ten")), Column("moves", said("What moves it"), number=False),
    ]  # fmt: skip
    rows = []
    for one in found.advice[:TOP]:
        unit = advising.unit_of(one)
        values = [scene.value(one.value, unit), scene.value(one.others, unit), scene.value(one.gain, "money")]
        bounds = f"{scene.value(one.low, 'money')} – {scene.value(one.high, 'money')}"
        moves = Cell("; ".join(advising.moves(one, scene.said)[:2]), kind="wrap")
        rows.append([Cell(capital(advising.what(one, scene.said)), kind="wrap"), *map(Cell, values), Cell(bounds), moves])
    note = said(
        "{count} segments looked at, over the year to {until}; told is only what is more than chance.",
        count=found.looked, until=scene.said.period(previous_month(found.period)),
    )  # fmt: skip
    return Table(heads, rows), note


def previous_month(year: Period) -> Period:
    """The last month of a stretch of whole months."""
    return cut(year.since, year.until, "month")[-1]


def _defined(scene: Scene, name: str) -> str:
    """A metric's definition in one line; in the reader's language where it is translated."""
    found = scene.said.name("definition", name)
    return definition(name).partition("\n")[0] if found == name else found


def _wide(one: Figure) -> Figure:
    """A figure as wide as the sheet."""
    return replace(one, spec={**one.spec, "width": lines.WIDE, "height": 230})
