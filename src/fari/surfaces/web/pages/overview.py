"""The overview: are we well, and where not?"""

from dataclasses import dataclass, replace
from typing import Any

from fari.engine.answer import Answer
from fari.metrics import METRICS
from fari.surfaces import output
from fari.surfaces.format import better
from fari.surfaces.web import segments
from fari.surfaces.web.headline import headline
from fari.surfaces.web.page import Page, Table
from fari.surfaces.web.provisional import provisional, unsettled
from fari.surfaces.web.scene import BESIDE, VOTED, Scene
from fari.surfaces.web.votes import focus
from fari.surfaces.words import capital

STAGES = ("visitors", "leads", "mqls", "sqls", "new_customers")
STEPS = ("visitor_to_lead_rate", "lead_to_mql_rate", "mql_to_sql_rate", "sql_to_customer_rate")
CHANNELS = (
    *STAGES, "acquisition_spend", "cac", "mrr", "customer_churn_rate", "clv", "clv_cac_ratio", "cac_payback_months",
)  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """A change as it is read."""

    change: str
    verdict: str
    mood: str
    """`good`, `bad` or `soft`: whether the change is for the better, or within the noise."""
    arrow: str
    was: str


@dataclass(frozen=True)
class Card:
    """A metric as it stands on a page: its value, and beside it all that a number must not be without."""

    name: str
    title: str
    value: str
    exact: str
    change: str
    verdict: str
    mood: str
    """`good`, `bad` or `soft`: whether the change is for the better, or within the noise."""
    arrow: str
    was: str
    detail: str
    goal: str
    spark: list[float | None]
    url: str
    provisional: str = ""
    focus: str = ""
    """Says so where the team keeps it in focus."""
    also: Moved | None = None
    """The change against the second period, where two are looked at."""


def overview(scene: Scene) -> Page:
    """The eight metrics of the vote, those beside them, the funnel, and the table of channels."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {"metrics": [], "channels": []})
    names = (*VOTED, *BESIDE)
    judged = scene.judged(*names)
    answers = judged or scene.compare(*names)
    found = {answer.metric: answer for answer in answers}
    before = history(scene, names)
    goals = scene.goals()
    chosen = focus(scene.site.desk)
    cards = {name: card(scene, answer, before.get(name, []), goals.get(name)) for name, answer in found.items()}
    cards |= {name: replace(cards[name], focus=scene.said.say("focus")) for name in chosen if name in cards}
    stages = {answer.metric: answer for answer in scene.ask(*STAGES, *STEPS)}
    told = headline(scene, [found[name] for name in VOTED if name in found]) if judged is not None else None
    split = segments.split(scene, "channel", *CHANNELS)
    data = {
        "period": {"from": scene.period.since, "until": scene.period.until},
        "headline": told and {"first": told.first, "then": told.then, "below": told.below},
        "focus": list(chosen),
        "metrics": output.objects(answers, compared=True),
        "funnel": output.plain(list(stages.values())),
        "channels": output.plain(segments.answers(split)),
    }
    return Page(
        "overview.html",
        scene.said.say("Overview"),
        data,
        output.rows(answers, compared=True),
        {
            "headline": told,
            "cards": [cards[name] for name in VOTED if name in cards],
            "beside": [cards[name] for name in BESIDE if name in cards],
            "left_out": [scene.said.label(name) for name in names if name not in cards],
            "funnel": funnel(scene, stages),
            "channels": channel_table(scene, split, "channel"),
        },
        pending=judged is None or told is None,
    )


def history(scene: Scene, names: tuple[str, ...], periods: int = 12) -> dict[str, list[float | None]]:
    """The last values of metrics, for sparklines."""
    found: dict[str, list[float | None]] = {}
    for answer in scene.ask(*names, periods=scene.history[-periods:]):
        found.setdefault(answer.metric, []).append(None if answer.value is None else float(answer.value))
    return found


def card(scene: Scene, answer: Answer, spark: list[float | None], goal: Any = None) -> Card:
    """A metric's card."""
    own = moved(scene, answer)
    return Card(
        answer.metric,
        capital(scene.said.label(answer.metric)),
        scene.shown(answer),
        scene.exact(answer.value),
        own.change,
        own.verdict,
        own.mood,
        own.arrow,
        own.was,
        detail(scene, answer),
        goal_words(scene, answer, goal),
        spark,
        scene.view.at(f"/metrics/{answer.metric}").url,
        provisional(scene, answer),
        also=moved(scene, answer.also[0]) if answer.also else None,
    )


def moved(scene: Scene, answer: Answer) -> Moved:
    """What changed, and whether that is good, or noise; of a cohort that still converts neither can be said."""
    said, then = scene.said.say, answer.compared
    good = better(answer, METRICS[answer.metric].good)
    young = unsettled(scene, answer)
    settled = answer.verdict == "real" and not young
    was = ""
    if then is not None and then.value is not None:
        was = said("vs {value} in {period}", value=scene.value(then.value, answer.unit, answer.currency), period=scene.short(then.period))
    verdicts = {"within noise": said("within noise"), "too few": said("too few to tell")}
    change = answer.change
    return Moved(
        scene.change(answer).lstrip("+-") if change is not None else "",
        said("the younger has had less time") if young and then is not None else verdicts.get(answer.verdict or "", ""),
        "soft" if not settled or good is None else "good" if good else "bad",
        "" if change is None else "▲" if change > 0 else "▼" if change < 0 else "—",
        was,
    )


def detail(scene: Scene, answer: Answer) -> str:
    """What a number is made of, or what it may be: n of N and its interval, or why there is none."""
    said = scene.said.say
    if answer.value is None:
        return scene.undefined(answer)
    bounds = ""
    if answer.low is not None and answer.high is not None:
        bounds = " – ".join(scene.bound(one, answer.unit, answer.currency) for one in (answer.low, answer.high))
    parts = [(name, value) for name, value in answer.parts.items() if value is not None]
    if answer.unit == "rate" and len(parts) == 2 and all(METRICS[name].unit == "count" for name, _ in parts if name in METRICS):
        shown = [scene.value(value, "count") for _, value in parts]
        return " · ".join(filter(None, [said("{count} of {all}", count=shown[0], all=shown[1]), bounds]))
    return bounds


def goal_words(scene: Scene, answer: Answer, goal: Any) -> str:
    """The goal of the period."""
    if goal is None:
        return ""
    sign = "" if METRICS[answer.metric].good == "up" else "≤ "
    return scene.said.say("goal {value}", value=sign + scene.value(goal, answer.unit, answer.currency))


def funnel(scene: Scene, stages: dict[str, Answer]) -> list[dict[str, Any]]:
    """The stages one below the other, the share of each that goes on between them."""
    known = [float(stages[name].value or 0) for name in STAGES if name in stages]
    most = max(known, default=0.0) or 1.0
    found = []
    for n, name in enumerate(STAGES):
        if name not in stages:
            continue
        answer, step = stages[name], stages.get(STEPS[n]) if n < len(STEPS) else None
        found.append(
            {
                "title": _head(scene, name),
                "value": scene.shown(answer),
                # Areas of so different sizes are only seen beside each other as roots.
                "width": round(152 * (float(answer.value or 0) / most) ** 0.5, 1),
                "url": scene.view.at(f"/metrics/{name}").url,
                "step": scene.shown(step) if step is not None and step.value is not None else "",
                "step_url": scene.view.at(f"/metrics/{STEPS[n]}").url if n < len(STEPS) else "",
                "step_title": scene.said.label(STEPS[n]) if n < len(STEPS) else "",
            }
        )
    return found


def channel_table(scene: Scene, found: segments.Split, dimension: str) -> Table:
    """The funnel by segment, those with most visitors first unless the view sorts otherwise."""
    return segments.table(scene, found, dimension, CHANNELS, scene.view.sort or "-visitors", _head)


def _head(scene: Scene, name: str) -> str:
    short = {
        "new_customers": "Customers", "acquisition_spend": "Spend", "customer_churn_rate": "Churn", "clv_cac_ratio": "CLV : CAC",
        "cac_payback_months": "Payback, mo",
    }  # fmt: skip
    return scene.said.say(short[name]) if name in short else capital(scene.said.label(name))


PAGES = {"/": overview}
