"""What fari.insight finds, in words for pages and reports: what is unusual, how goals stand, where to look first, and what leads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fari.engine.ask import Asker
from fari.engine.periods import Period, cut, previous
from fari.errors import FariError
from fari.insight.advice import counsel
from fari.insight.goals import goals
from fari.insight.leading import leading as indicators
from fari.insight.unusual import Look, unusual
from fari.insight.whatif import Sensitivity, sensitivities
from fari.insight.why import Why, why
from fari.metrics import METRICS
from fari.surfaces import advising, foretelling
from fari.surfaces.checking import goal_words, unusual_words
from fari.surfaces.sentences import sentences
from fari.surfaces.web.mutes import muted
from fari.surfaces.web.page import Cell, Column, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

TOP = 6
"""So many pieces of advice are told."""
DRIVERS = 10


@dataclass(frozen=True)
class Signal:
    """Something unusual: its sentences, the first of which says what; whether it is bad, of which metric it is, and whether it was muted."""

    sentences: Sequence[str]
    mood: str
    metric: str = ""
    muted: bool = False


def signals(scene: Scene) -> tuple[list[Signal], str, bool] | None:
    """(what is unusual in the month, how many figures were looked at, in words, whether any was); nothing of a period that is no month.

    None as long as it is being worked out.
    """
    said, fiscal = scene.said, scene.company.fiscal_year_start
    if scene.period.grain != "month":
        return [], said.say("Only months are held against their past."), False
    question = replace(scene.question(), metrics=(), periods=())

    def make(asker: Asker) -> tuple[Look, list[Why]]:
        look = unusual(asker, question, scene.period)
        firsts = [event.figures[0] for event in look.events]
        asked = [replace(question, metrics=(one.metric,), periods=(previous(one.period), one.period)) for one in firsts]
        return look, [why(asker, one) for one in asked]

    found = scene.tried("unusual", question, scene.period, make=make)
    if found is None:
        return None
    if isinstance(found, str):
        return [], found, False
    look, causes = found
    told_of = []
    silent = muted(scene.site.desk, look.period.label)
    for event, cause in zip(look.events, causes, strict=True):
        told = [unusual_words(one, said) for one in event.figures]
        every = [told[0], *sentences(cause, said, fiscal)[1:], *told[1:]]
        mood = "bad" if event.bad else "good" if event.figures[0].bad is False else "soft"
        metric = event.figures[0].metric
        told_of.append(Signal([scene.sentence(text) for text in every], mood, metric, metric in silent))
    text = said.say(
        "{period}: {judged} metrics looked at; of {unjudged} the past is too short or has gaps.",
        period=said.period(look.period), judged=look.judged, unjudged=len(look.unjudged),
    )  # fmt: skip
    return told_of, text, look.judged > 0


def goals_told(scene: Scene) -> list[tuple[str, str]] | None:
    """Goals of the period and of those to come, each in a sentence, with its mood. They are the company's, whatever segment is looked at.

    None as long as it is being worked out.
    """
    if scene.view.where:
        return []
    question = scene.question()

    found = scene.tried("goals", question.as_of, question.rules, make=lambda asker: goals(asker, question))
    if found is None:
        return None
    if isinstance(found, str):
        return []
    moods = {"reached": "good", "missed": "bad", "at risk": "bad"}
    told = [one for one in found if one.period.until >= scene.period.until][:12]
    return [(scene.sentence(goal_words(one, scene.said, scene.company.currency)), moods.get(one.state, "soft")) for one in told]


def advice(scene: Scene) -> tuple[Table | None, str] | None:
    """(where to look first, what is to be said where there is nothing, or of what it rests on); None as long as it is being worked out."""
    said = scene.said.say
    question = replace(scene.question(), metrics=(), periods=())

    found = scene.tried("advice", question.where, question.as_of, question.rules, make=lambda asker: counsel(asker, question))
    if found is None:
        return None
    if isinstance(found, str):
        return None, found
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


def leading(scene: Scene) -> tuple[Table | None, str] | None:
    """(which early figures foretell new customers, the sentence above them); None as long as it is being worked out."""
    said = scene.said.say
    question = replace(scene.question(), metrics=(), periods=())

    found = scene.tried("leading", question.where, question.as_of, question.rules, make=lambda asker: indicators(asker, question))
    if found is None:
        return None
    if isinstance(found, str):
        return None, found
    heads = [
        Column("figure", said("Early figure"), number=False), Column("weeks", said("weeks ahead")), Column("skill", said("error less")),
        Column("bounds", said("nine times of ten")), Column("verdict", said("Verdict"), number=False),
    ]  # fmt: skip
    rows = []
    for one in found.found:
        name = capital(scene.said.label(one.metric)) + (f" {scene.said.segment('content', one.segment)}" if one.segment else "")
        skill, low, high = (scene.sentence(foretelling.share(value, scene.said)) for value in (one.skill, one.low, one.high))
        kind = {"leads": "good", "no use": "bad"}.get(one.verdict, "soft")
        verdict = Cell(foretelling.verdict(one, scene.said), kind=kind)
        rows.append(
            [Cell(name, url=scene.view.at(f"/metrics/{one.metric}").url), Cell(str(one.weeks)), Cell(skill), Cell(f"{low} – {high}"), verdict]
        )
    return Table(heads, rows), scene.sentence(foretelling.headline(found, scene.said))


def drivers(scene: Scene) -> Table | None:
    """Which driver, a tenth better, moves what the most; None as long as it is being worked out, without rows where none does."""
    question = scene.question()

    def make(asker: Asker) -> Sequence[Sensitivity]:
        try:
            return sensitivities(asker, question)
        except FariError:
            return ()

    found = scene.later("drivers", question, make=make)
    if found is None:
        return None
    targets = list(dict.fromkeys(name for one in found for name in one.moved))
    heads = [Column("driver", scene.said.say("A tenth better"), number=False), Column("now", scene.said.say("is"))]
    heads += [Column(name, scene.said.say("MRR in 12 months") if name == "mrr" else scene.said.label(name)) for name in targets]
    rows = []
    for one in found[:DRIVERS]:
        sign = "+" if one.change.amount > 1 else "−"
        view = scene.view.at(f"/metrics/{one.change.metric}", change=f"{one.change.metric}={'+' if sign == '+' else '-'}10%")
        moved = []
        for name in targets:
            figure = one.moved.get(name)
            moved.append(Cell("–" if figure is None or figure.change is None else scene.difference(figure.change, figure.unit)))
        value = Cell(scene.value(one.now, METRICS[one.change.metric].unit))
        rows.append([Cell(f"{capital(scene.said.label(one.change.metric))} {sign}10%", url=view.url), value, *moved])
    return Table(heads, rows)
