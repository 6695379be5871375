"""A model held against what came: fitted without the last renewals, then asked how many customers would be lost in them."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, add_months
from fari.insight.lives import Lives, lives, watch
from fari.insight.retention import Retention, fit, too_little
from fari.insight.worth import Term

LONGEST = 12
"""No more renewals than these are held back."""


@dataclass(frozen=True)
class Check:
    """Of `customers` there at the end of `known`, how many were `lost` by the end of `then`, and how many two models of `known` foretold.

    `fitted` is the shifted-beta-geometric model, `naive` a constant churn. Where there was too little to fit, `why` says so and the
    rest is None.
    """

    term: str
    known: Period | None = None
    then: Period | None = None
    customers: int | None = None
    lost: int | None = None
    fitted: float | None = None
    naive: float | None = None
    why: str = ""


def foretold(asker: Asker, question: Question, term: Term) -> Check:
    """The check of a term's model: a quarter of the renewals that customers have faced by the end of the question's one period is held back."""
    whole = watch(asker, question, date.min)
    held = min(max(term.lives.oldest // 4, 1), LONGEST)
    if not term.model:
        return Check(term.name, why=term.why)
    if whole.until.day != 1 or add_months(whole.until, -held * term.months) <= whole.since:
        return Check(term.name, why=f"by {term.name} there is no month's end {held} renewals before to look back from")
    known = Period(whole.since, add_months(whole.until, -held * term.months))
    asked = replace(question, periods=(known, whole), by=("cohort",), where=(("term", (term.name,)),), segments=())
    seen = lives(asker, asked, "tenure")
    before = sum(seen[known].values(), start=Lives())
    after = sum((one for (cohort,), one in seen[whole].items() if cohort < f"{known.until:%Y-%m}"), start=Lives())
    if why := too_little(before):
        return Check(term.name, why=f"by {term.name}, at the end of {known.until - timedelta(days=1):%Y-%m}, {why}")
    exposed = sum(at_risk for _, at_risk, _ in before.faced)
    models = fit(before), Retention(before.losses / exposed, 0)
    fitted, naive = (sum(n * (1 - model.survival(age + held, age)) for age, n in before.open.items()) for model in models)
    return Check(term.name, known, Period(known.until, whole.until), sum(before.open.values()), after.losses - before.losses, fitted, naive)
