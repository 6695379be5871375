"""The first sentence: what moved, whether it matters, and what carried it. It is found by fari.insight; when nothing stands out, it says so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fari.engine.answer import Answer
from fari.engine.ask import Asker
from fari.insight.noise import REAL
from fari.insight.why import Why, why
from fari.metrics import METRICS
from fari.surfaces.format import better
from fari.surfaces.sentences import sentences
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital


@dataclass(frozen=True)
class Headline:
    """A sentence in two parts, the second of which may be bad news, and what stands below it."""

    first: str
    then: str = ""
    below: str = ""
    about: str = ""
    """The metric that the second part is about."""


def headline(scene: Scene, judged: Sequence[Answer]) -> Headline | None:
    """What is to be said of answers that are judged; None as long as its cause is being worked out."""
    known = [answer for answer in judged if answer.change is not None]
    real = [answer for answer in known if answer.verdict == REAL]
    worse = sorted((a for a in real if better(a, METRICS[a.metric].good) is False), key=_size)
    gains = sorted((a for a in real if better(a, METRICS[a.metric].good)), key=_size)
    said = scene.said.say
    if not real:
        if not known:
            return Headline(said("There is nothing to compare {period} with.", period=scene.name(scene.period)))
        return Headline(
            said("Nothing unusual in {period}: no change is larger than chance lets expect.", period=scene.name(scene.period)),
            below=_mrr(scene, known),
        )
    subject = (worse or gains)[-1]
    found = cause(scene, subject.metric)
    if found is None:
        return None
    below = " ".join(sentences(found, scene.said, scene.company.fiscal_year_start)[1:])
    best = _moved(scene, gains[-1]) if gains else ""
    if not worse:
        return Headline(
            said("{good}, and nothing got worse by more than chance.", good=capital(best)), below=scene.sentence(below), about=subject.metric
        )
    bad = _moved(scene, subject)
    first = said("{good}, but", good=capital(best)) if best else ""
    return Headline(first, f"{bad if first else capital(bad)}.", scene.sentence(below), subject.metric)


def cause(scene: Scene, metric: str) -> Why | None:
    """Why a metric changed; None as long as that is being worked out."""
    question = replace(scene.question(metric), periods=(scene.other, scene.period))

    def make(asker: Asker) -> Why:
        return why(asker, question)

    return scene.later("why", question, make=make)


def _size(answer: Answer) -> float:
    return abs(float(answer.change_rate or 0))


def _moved(scene: Scene, answer: Answer) -> str:
    sentence = "{metric} rose by {change}" if (answer.change or 0) > 0 else "{metric} fell by {change}"
    change = scene.change(answer).lstrip("+-")
    return scene.said.say(sentence, answer.metric, metric=scene.said.metric(answer.metric), change=change)


def _mrr(scene: Scene, known: Sequence[Answer]) -> str:
    told = [capital(_moved(scene, answer)) for answer in known if answer.metric == "mrr" and answer.change]
    return f"{told[0]}." if told else ""
