"""Provisional: which numbers may still move, and until when."""

from datetime import date, timedelta

from fari.engine.answer import Answer
from fari.engine.periods import Period
from fari.insight.settling import FACTS, Settling, settling
from fari.metrics.kinds import leaves
from fari.surfaces.web.scene import Scene

_DAY = timedelta(days=1)


def provisional(scene: Scene, answer: Answer) -> str:
    """Until when a number may still move: to the end of its period, or until its cohort has converted; empty where it stands."""
    say, last = scene.said.say, answer.period.until - _DAY
    moving = last if last >= scene.today else None
    slow = settles(scene, answer.metric)
    if slow is not None and unsettled(scene, answer):
        moving = slow.until(answer.period)
        if moving is None:
            return say("may still move")
    if moving is not None:
        return say("provisional until {day}", day=_short(scene, moving))
    return "" if answer.complete else say("so far")


def unsettled(scene: Scene, answer: Answer) -> bool:
    """Whether a cohort is too young, or may be, to have converted as far as it will."""
    slow, horizon = settles(scene, answer.metric), scene.covered.horizon
    if slow is None or answer.value is None or horizon is None:
        return False
    settled = slow.until(answer.period)
    return settled is None or settled > horizon


def settles(scene: Scene, metric: str) -> Settling | None:
    """How long a metric's cohorts go on converting; None of a metric that is of no cohort."""
    question = scene.question()
    if not FACTS.keys() & leaves(metric, question.rules).keys():
        return None
    return scene.kept("settling", question.as_of, question.rules, metric, make=lambda asker: settling(asker, question, metric))


def says(scene: Scene, metric: str) -> str:
    """The same in a sentence."""
    found = settles(scene, metric)
    if found is None:
        return ""
    if found.days is None:
        return scene.said.say("It moves as long as members of the cohort become customers; until when cannot be told: the past is too short.")
    return scene.said.say("Of those who become customers, 95% have done so within {days} days, as the cohorts of the past tell.", days=found.days)


def _short(scene: Scene, day: date) -> str:
    return scene.short(Period(day, day + _DAY, "month"))
