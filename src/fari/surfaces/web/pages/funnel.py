"""The funnel: every stage and step, by period and by cohort, and who waits, goes on or is lost."""

from typing import Any

from fari.engine.answer import Answer
from fari.surfaces import output
from fari.surfaces.web import lines
from fari.surfaces.web.opened import listed
from fari.surfaces.web.page import Cell, Column, Page, Table
from fari.surfaces.web.pages.overview import STAGES, STEPS, card, history
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

BESIDE = ("signups", "opportunities")
RATES = (*STEPS, "mql_to_customer_rate", "lead_conversion_rate", "lead_conversion_rate_cohort", "visitor_to_signup_rate", "signup_to_customer_rate")
COSTS = ("cost_per_lead", "cost_per_mql", "cost_per_sql", "cost_per_signup")
OPENED = ("leads", "mqls", "sqls", "opportunities", "new_customers")


def funnel(scene: Scene) -> Page:
    """Every stage and step of the funnel, in the period and month by month, by period and by cohort."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    names = (*STAGES, *BESIDE, *RATES, *COSTS)
    judged = scene.judged(*names)
    answers = judged or scene.compare(*names)
    found = {answer.metric: answer for answer in answers}
    past = scene.ask(*STAGES, *RATES, periods=scene.history)
    before, goals = history(scene, tuple(found)), scene.goals()
    opened = scene.view.input if scene.view.input in OPENED and scene.fits(scene.view.input) else "leads"
    people = listed(scene, opened)
    rate = scene.view.sort.lstrip("-") if scene.view.sort.lstrip("-") in RATES else "lead_conversion_rate"
    own = [answer for answer in past if answer.metric == rate]
    shown: dict[str, Any] = {
        "stages": [card(scene, found[name], before.get(name, []), goals.get(name)) for name in (*STAGES, *BESIDE) if name in found],
        "rates": [card(scene, found[name], before.get(name, []), goals.get(name)) for name in RATES if name in found],
        "costs": [card(scene, found[name], before.get(name, []), goals.get(name)) for name in COSTS if name in found],
        "table": by_period(scene, past),
        "chart": lines.history(scene, rate, own, [], width=1240) if own else None,
        "choices": [(capital(scene.said.label(name)), scene.view.but(sort=name).url + "#chart", name == rate) for name in RATES if name in found],
        "rows": people.table,
        "count": people.count,
        "pages": people.pages,
        "tabs": [(capital(scene.said.label(n)), scene.view.but(input=n).url + "#people", n == opened) for n in OPENED if scene.fits(n)],
    }
    data = {"period": output.objects(answers, True), "history": output.plain(past)}
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
            title = "; ".join(answer.notes[:1]) if answer.value is None else scene.exact(answer.value)
            cells.append(Cell(scene.shown(answer), answer.value, url, title, "soft" if name in STEPS else ""))
        rows.append(cells)
    return Table(heads, rows)


PAGES = {"/funnel": funnel}
