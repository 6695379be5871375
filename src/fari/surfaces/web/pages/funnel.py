"""The funnel: every stage and step, by period and by cohort, and who waits, goes on or is lost."""

from typing import Any

from fari.engine.answer import Answer
from fari.insight.waits import QUICK, SALE, Wait, waits
from fari.surfaces import output
from fari.surfaces.web import lines, segments
from fari.surfaces.web.charts import PAPER, axis, spec
from fari.surfaces.web.opened import listed
from fari.surfaces.web.page import Cell, Column, Figure, Page, Table
from fari.surfaces.web.pages.overview import STAGES, STEPS, Card, card, history
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

BESIDE = ("signups", "opportunities")
RATES = (*STEPS, "mql_to_customer_rate", "lead_conversion_rate", "lead_conversion_rate_cohort", "visitor_to_signup_rate", "signup_to_customer_rate")
SPEED = ("days_in_stage", "sales_cycle_days")
VERDICTS = ("acceptance_rate", "rejections")
SENT_BACK = ("rejections", "recycled")
COSTS = ("cost_per_lead", "cost_per_mql", "cost_per_sql", "cost_per_signup")
OPENED = ("leads", "mqls", "sqls", "opportunities", "new_customers", "stages_left", "cycles", "rejections", "recycled")
LARGEST = 12


def funnel(scene: Scene) -> Page:
    """Every stage and step of the funnel, in the period and month by month, by period and by cohort."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    names = (*STAGES, *BESIDE, *RATES, *COSTS, *SPEED, *VERDICTS)
    judged = scene.judged(*names)
    answers = judged or scene.compare(*names)
    found = {answer.metric: answer for answer in answers}
    past = scene.ask(*STAGES, *RATES, periods=scene.history)
    before, goals = history(scene, tuple(found)), scene.goals()
    opened = scene.view.input if scene.view.input in OPENED and scene.fits(scene.view.input) else "leads"
    people = listed(scene, opened)
    rate = scene.view.sort.lstrip("-") if scene.view.sort.lstrip("-") in RATES else "lead_conversion_rate"
    own = [answer for answer in past if answer.metric == rate]
    waited = waiting(scene)
    reasons = segments.split(scene, "rejection_reason", *SENT_BACK) if scene.fits("rejections", ("rejection_reason",)) else {"": {}}

    def cards(*names: str) -> list[Card]:
        return [card(scene, found[name], before.get(name, []), goals.get(name)) for name in names if name in found]

    shown: dict[str, Any] = {
        "stages": cards(*STAGES, *BESIDE),
        "rates": cards(*RATES),
        "costs": cards(*COSTS),
        "speed": cards(*SPEED, *VERDICTS),
        "waits": wait_chart(scene, waited) if waited else None,
        "reasons": segments.table(scene, reasons, "rejection_reason", SENT_BACK, "-rejections", most=LARGEST),
        "table": by_period(scene, past),
        "chart": lines.history(scene, rate, own, [], width=1240) if own else None,
        "choices": [(capital(scene.said.label(name)), scene.view.but(sort=name).url + "#chart", name == rate) for name in RATES if name in found],
        "rows": people.table,
        "count": people.count,
        "pages": people.pages,
        "tabs": [(capital(scene.said.label(n)), scene.view.but(input=n).url + "#people", n == opened) for n in OPENED if scene.fits(n)],
    }
    data = {
        "period": output.objects(answers, True), "history": output.plain(past), "waits": [one.plain() for one in waited],
        "rejections": output.plain(segments.parts(reasons)),
    }  # fmt: skip
    return Page("funnel.html", scene.said.say("Funnel"), data, output.rows(past), shown, pending=judged is None)


def by_period(scene: Scene, past: list[Answer]) -> Table:
    """Stages and the rates between them, a row a period."""
    names = ("visitors", STEPS[0], "leads", STEPS[1], "mqls", STEPS[2], "sqls", STEPS[3], "new_customers", "lead_conversion_rate_cohort")
    known = {(answer.metric, answer.period): answer for answer in past}
    heads = [Column("period", scene.said.say("Period"), number=False)]
    heads += [Column(name, capital(scene.said.label(name)) if name not in STEPS else "→", title=scene.said.label(name)) for name in names]
    rows = []
    for one in reversed(scene.history):
        cells = [Cell(scene.name(one), one.since, scene.view.but(period=scene.typed(one)).url)]
        for name in names:
            answer = known.get((name, one))
            if answer is None:
                cells.append(Cell("–"))
                continue
            url = scene.view.at(f"/metrics/{name}", period=scene.typed(one)).url
            title = scene.undefined(answer) if answer.value is None else scene.exact(answer.value)
            cells.append(Cell(scene.shown(answer), answer.value, url, title, "soft" if name in STEPS else ""))
        rows.append(cells)
    return Table(heads, rows)


def waiting(scene: Scene) -> list[Wait]:
    """How long those who moved on in the period had waited, by stage, and how long the sales took."""
    question = scene.question()
    return scene.kept("waits", question, make=lambda asker: waits(asker, question))


def _of(scene: Scene, one: Wait) -> tuple[str, str]:
    """(what a wait is called, the address of the metric that it is the spread of)."""
    if one.stage == SALE:
        return capital(scene.said.label("sales_cycle_days")), scene.view.at("/metrics/sales_cycle_days").url
    return capital(scene.said.value("stage", one.stage)), scene.view.keeping("stage", one.stage).at("/metrics/days_in_stage").url


def wait_table(scene: Scene, found: list[Wait]) -> Table:
    """Waits, a row a stage and one for the whole sale."""
    said = scene.said.say
    heads = [
        Column("stage", capital(scene.said.name("dimension", "stage")), number=False),
        Column("people", said("Moved on")),
        Column("mean", said("Mean")),
    ]
    heads += [Column("median", said("Half within")), Column("three_quarters", said("Three quarters within"))]
    heads += [Column(str(most), said("Within {days} days", days=most)) for most in QUICK]
    rows = []
    for one in found:
        name, url = _of(scene, one)
        spread = [Cell(scene.value(days, "count"), days) for days in (one.mean, one.median, one.three_quarters)]
        shares = [Cell(scene.value(share, "rate"), share) for share in one.within.values()]
        rows.append([Cell(name, url=url), Cell(scene.value(one.people, "count"), one.people), *spread, *shares])
    return Table(heads, rows)


def wait_chart(scene: Scene, found: list[Wait]) -> Figure:
    """From a quarter to three quarters of those who moved on, with the middle."""
    said = scene.said.say
    rows = []
    for one in found:
        days = [scene.value(n, "days") for n in (one.median, one.quarter, one.three_quarters)]
        words = said(
            "{stage}: half within {median}, most between {low} and {high}", stage=_of(scene, one)[0], median=days[0], low=days[1], high=days[2]
        )
        rows.append({"stage": _of(scene, one)[0], "low": one.quarter, "middle": one.median, "high": one.three_quarters, "said": words})
    y = {"field": "stage", "type": "nominal", "sort": None, "axis": {"title": None, "grid": False}}
    x = {"type": "quantitative", "axis": axis("days", hide=bool(scene.view.hide), locale=scene.said.locale)}
    bar = {
        "mark": {"type": "bar", "size": 10, "color": PAPER["--glow"], "aria": False},
        "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
    }
    tick = {
        "mark": {"type": "tick", "thickness": 3, "size": 18, "color": PAPER["--amber"]},
        "encoding": {"y": y, "x": {**x, "field": "middle"}, "description": {"field": "said"}},
    }
    title = said("How long they wait")
    slowest = max(found, key=lambda one: (one.stage != SALE, one.median))
    summary = said("Longest in {stage}: half of them more than {median}.", stage=_of(scene, slowest)[0], median=scene.value(slowest.median, "days"))
    height = 40 + 34 * len(found)
    return Figure(
        title,
        spec(f"{title}. {summary}", 620, height, rows, layer=[bar, tick]),
        summary,
        wait_table(scene, found),
        said("days, of those who moved on in the period; bar: the middle half, tick: half of them"),
    )


PAGES = {"/funnel": funnel}
