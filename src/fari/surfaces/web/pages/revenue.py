"""Revenue: what moved MRR, who moved it, how cohorts stay, and the same MRR under other tools' rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from fari.engine.ask import Asker
from fari.engine.bridge import Bridge, bridge, nearest
from fari.engine.periods import Period, cut
from fari.errors import FariError
from fari.insight.cohorts import triangle
from fari.insight.survival import Curve, survival
from fari.rules import preset, presets
from fari.surfaces import output
from fari.surfaces.format import share_bounded
from fari.surfaces.web import movements
from fari.surfaces.web.charts import PAPER, spec
from fari.surfaces.web.opened import listed
from fari.surfaces.web.page import Cell, Column, Figure, Page, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

MOVED = ("new_mrr", "expansion_mrr", "reactivation_mrr", "contraction_mrr", "churned_mrr")
BESIDE = ("mrr", "arr", "arpa", "customers", "nrr", "grr", "quick_ratio", "renewal_rate")
COHORTS = 12
_MOST = Decimal(10) ** 15
_PALE = Decimal("0.3")
"""So small a share, and any smaller one, is palest."""


@dataclass(frozen=True)
class Heat:
    """A cohort's row: the month, how many or how much it was, and by age the share that is left with its shade."""

    name: str
    size: str
    cells: Sequence[tuple[str, str, str]]
    """(text, shade, what it is in full)."""


def revenue(scene: Scene) -> Page:
    """MRR from opening to closing, its movements, cohorts and survival, and the same under other rules."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    now = scene.ask(*movements.NAMES)
    past = scene.ask(*movements.NAMES, periods=scene.history)
    beside = scene.compare(*BESIDE)
    name = scene.view.input if scene.view.input in MOVED else MOVED[0]
    moved = listed(scene, name)
    curves, heats = staying(scene), {metric: heat(scene, metric) for metric in ("customers", "mrr")}
    bridges, more = under_rules(scene)
    reconciliation, wrong = reconciled(scene)
    data: dict[str, Any] = {"movements": output.plain(past), "period": output.plain(now), "metrics": output.objects(beside, True)}
    if scene.whole:
        data |= {"rules": [one.plain() for one in bridges]}
    shown = {
        "tiles": [
            (capital(scene.said.label(a.metric)), scene.shown(a), scene.change(a), scene.view.at(f"/metrics/{a.metric}").url, scene.exact(a.value))
            for a in beside
        ],
        "waterfall": movements.waterfall(scene, now),
        "past": movements.by_period(scene, past),
        "moved": moved.table,
        "count": moved.count,
        "pages": moved.pages,
        "tabs": [(capital(scene.said.label(one)), scene.view.but(input=one).url + "#moved", one == name) for one in MOVED],
        "heats": [(capital(scene.said.label(metric)), *found) for metric, found in heats.items() if found is not None],
        "reconciled": reconciliation,
        "wrong": wrong,
        "survival": _curve(scene, curves) if curves else None,
        "rules": _rules(scene, bridges),
        "more_rules": more,
    }
    page = Page("revenue.html", scene.said.say("Revenue"), data, output.rows(past), shown)
    return replace(page, pending=curves is None or more or any(found is None for found in heats.values()))


def heat(scene: Scene, metric: str) -> tuple[list[str], list[Heat]] | None:
    """(ages, rows) of the share of each cohort that is left; None as long as it is being worked out."""
    if scene.covered.since is None or scene.period.until <= scene.covered.since:
        return [], []
    months = cut(scene.covered.since, scene.period.until, "month")[-COHORTS:]
    question = replace(scene.question(metric), periods=tuple(months))

    found = scene.tried("triangle", question, make=lambda asker: triangle(asker, question))
    if found is None:
        return None
    if isinstance(found, str):
        return [], []
    ages = [str(age) for age in range(min(COHORTS, max((len(row.values) for row in found.rows), default=0)))]
    rows = []
    for row in found.rows:
        name = scene.name(row.period) if row.period else scene.said.say("All")
        cells = []
        for age in range(len(ages)):
            share, value = row.shares[age], row.values[age]
            text = "" if share is None else scene.sentence(share_bounded(share, None, None, scene.said.locale))
            shade = "" if share is None else f"heat-{max(0, min(9, int((share - _PALE) / (1 - _PALE) * 9)))}"
            cells.append((text, shade, "" if value is None else scene.value(value, found.unit)))
        rows.append(Heat(name, scene.value(row.won, found.unit), cells))
    return ages, rows


def staying(scene: Scene) -> list[Curve] | None:
    """How long customers stay; None as long as it is being worked out, empty where nobody can tell."""
    if scene.covered.since is None or scene.period.until <= scene.covered.since:
        return []
    question = replace(scene.question(), periods=(Period(scene.covered.since, scene.period.until),))

    def make(asker: Asker) -> list[Curve]:
        try:
            return survival(asker, question)[1]
        except FariError:
            return []

    return scene.later("survival", question, make=make)


def _curve(scene: Scene, curves: Sequence[Curve]) -> Figure:
    curve, said = curves[0], scene.said.say
    rows = [
        {
            "age": p.age,
            "survival": p.survival,
            "low": p.survival if p.low is None else p.low,
            "high": p.survival if p.high is None else p.high,
            "said": said("after {months} months: {share}", months=p.age, share=_share(scene, p.survival)),
        }
        for p in curve.points
    ]
    x = {"field": "age", "type": "quantitative", "axis": {"title": said("months as a customer"), "grid": False, "tickMinStep": 1}}
    y = {"field": "survival", "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"title": None, "format": "%", "tickCount": 5}}
    band = {
        "mark": {"type": "area", "color": PAPER["--glow"], "interpolate": "step-after", "aria": False},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    line = {"mark": {"type": "line", "interpolate": "step-after", "aria": False}, "encoding": {"x": x, "y": y}}
    points = {"mark": {"type": "point", "filled": True, "size": 18}, "encoding": {"x": x, "y": y, "description": {"field": "said"}}}
    title = said("How long customers stay")
    last = curve.points[-1]
    share = _share(scene, last.survival)
    summary = said("Of {count} customers, {share} are there after {months} months.", count=f"{curve.customers:,}", share=share, months=last.age)
    heads = [
        Column("age", said("Months"), number=False),
        Column("at_risk", said("Watched")),
        Column("lost", said("Lost")),
        Column("survival", said("Still there")),
    ]
    lines = [[Cell(str(p.age)), Cell(f"{p.at_risk:,}"), Cell(f"{p.lost:,}"), Cell(_share(scene, p.survival, p.low, p.high))] for p in curve.points]
    return Figure(
        title,
        spec(f"{title}. {summary}", 620, 220, rows, layer=[band, line, points]),
        scene.sentence(summary),
        Table(heads, lines),
        said("band: {share} interval", share="95%"),
    )


def _share(scene: Scene, value: float, low: float | None = None, high: float | None = None) -> str:
    whole, least, most = (None if one is None else Decimal(repr(one)) for one in (value, low, high))
    return scene.sentence(share_bounded(whole or 0, least, most, scene.said.locale))


def under_rules(scene: Scene) -> tuple[list[Bridge], bool]:
    """(MRR of the period from the rules in force to every other preset, rule by rule, as far as it is worked out; whether more is to come)."""
    own = scene.question().rules or scene.company.rules
    question = scene.question("mrr")

    def make(other: str) -> Callable[[Asker], Bridge]:
        return lambda asker: bridge(asker, question, own, preset(other))

    found = [scene.later("bridge", question, name, make=make(name)) for name in presets() if name != own.preset]
    return [one for one in found if one is not None], any(one is None for one in found)


def _rules(scene: Scene, bridges: Sequence[Bridge]) -> list[dict[str, Any]]:
    found = []
    for one in bridges:
        steps = [
            {"says": step.says, "amount": "–" if step.amount is None else scene.difference(step.amount, "money"), "accounts": len(step.accounts)}
            for step in one.steps
            if step.amount or step.amount is None
        ]
        value = one.end.value
        off = None if value is None or one.start.value is None else value - one.start.value
        found.append(
            {
                "name": one.other.preset, "value": scene.value(value, "money"), "difference": "–" if off is None else scene.difference(off, "money"),
                "steps": steps, "url": scene.view.but(rules=one.other.preset).url,
            }
        )  # fmt: skip
    return found


def reconciled(scene: Scene) -> tuple[dict[str, Any] | None, str]:
    """(the way from MRR here to the figure that the view gives, what is wrong with it): by the rule set that comes nearest to it."""
    text = scene.view.figure.replace(" ", "")
    if not text:
        return None, ""
    try:
        figure = Decimal(text)
    except ArithmeticError:
        return None, scene.said.say("A figure is written as 12345.67, not {text}.", text=scene.view.figure)
    if not figure.is_finite() or abs(figure) > _MOST:
        return None, scene.said.say("A figure is written as 12345.67, not {text}.", text=scene.view.figure)
    own, question = scene.question().rules or scene.company.rules, scene.question("mrr")

    def make(asker: Asker) -> Bridge | str:
        try:
            return bridge(asker, question, own, nearest(asker, question, figure), figure)
        except FariError as error:
            return str(error)

    found = scene.kept("reconciled", question, figure, make=make)
    if isinstance(found, str):
        return None, scene.said.note(found)
    told = _rules(scene, [found])[0]
    left = "–" if found.unexplained is None else scene.money(found.unexplained)
    return {**told, "figure": scene.money(figure), "ours": scene.value(found.start.value, "money"), "unexplained": left}, ""


PAGES = {"/revenue": revenue}
