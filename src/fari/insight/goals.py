"""Goals: the plan of the table `targets` beside what came, or beside what the forecast lets expect."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, containing
from fari.errors import FariError
from fari.insight.forecast import YEAR, forecast, past
from fari.insight.quantiles import NORMAL
from fari.insight.settling import young
from fari.metrics import METRICS

State = Literal["reached", "missed", "on course", "at risk", "unknown"]
LEVEL = 0.8


@dataclass(frozen=True)
class Goal:
    """One month's goal. `value` is what came, or what is expected; `chance` how likely it is to be reached."""

    metric: str
    period: Period
    channel: str | None
    target: Decimal
    value: Decimal | None
    state: State
    chance: float | None = None
    why: str = ""
    """Why nothing can be said."""


@dataclass(frozen=True)
class Said:
    """What one source says of one month's goal."""

    metric: str
    channel: str | None
    value: Decimal
    source: str


def said_goals(asker: Asker, month: date) -> list[Said]:
    """What every source says of a month's goals, the last word last."""
    _, builder = asker.state()
    where = f"month = DATE '{month}'"
    rows = asker.engine.run(f"SELECT metric, channel, value, source FROM {builder.table('targets')} WHERE {where} ORDER BY recorded_at, source")
    builder.finish()
    return [Said(metric, channel, Decimal(value), source) for metric, channel, value, source in rows]


def targets(asker: Asker, question: Question) -> list[tuple[Period, str, str | None, Decimal]]:
    """The rows of the table `targets`: (month, metric, channel, value). Of several sources that speak of one the last word counts."""
    _, builder = asker.state(question.as_of, question.rules)
    nth = "row_number() OVER (PARTITION BY month, metric, channel ORDER BY recorded_at DESC, source DESC) AS nth"
    said = f"SELECT month, metric, value, channel, {nth} FROM {builder.table('targets')}"
    rows = asker.engine.run(f"SELECT month, metric, value, channel FROM ({said}) AS said WHERE nth = 1 ORDER BY 1, 2, 4")
    builder.finish()
    return [(containing(_first(month), "month"), metric, channel, Decimal(value)) for month, metric, value, channel in rows]


def goals(asker: Asker, question: Question) -> list[Goal]:
    """Every goal, by month, metric and channel. Of months that are over what came is held against it, of later ones the forecast.

    At risk is a goal that is more likely to be missed than reached. The question's metrics, periods and filters are not looked at.
    """
    rows = targets(asker, question)
    if not rows:
        return []
    last = past(asker, question)[-1]
    found = []
    for period, metric, channel, value in rows:
        where = (("channel", (channel,)),) if channel else ()
        found.append(_judged(asker, replace(question, metrics=(metric,), periods=(period,), where=where, by=()), channel, value, last))
    return found


def at_risk(found: Iterable[Goal]) -> list[Goal]:
    """Those that are not reached, or more likely not to be."""
    return [one for one in found if one.state in ("missed", "at risk")]


def _judged(asker: Asker, question: Question, channel: str | None, target: Decimal, last: Period) -> Goal:
    (name,), (period,) = question.metrics, question.periods
    unknown = Goal(name, period, channel, target, None, "unknown")
    if name not in METRICS:
        return replace(unknown, why=f"there is no metric {name!r}")
    # A cost is neither good nor bad; a goal for it is a budget.
    falls = METRICS[name].good != "up"
    try:
        if period.until <= last.until:
            (answer,) = asker.ask(question)
            if answer.value is None:
                return replace(unknown, why="; ".join(answer.notes))
            value = Decimal(answer.value)
            reached = value <= target if falls else value >= target
            if not reached and young(asker, question, name, period):
                return replace(unknown, why="members of its cohort still become customers")
            return replace(unknown, value=value, state="reached" if reached else "missed")
        steps = (period.since.year - last.since.year) * 12 + period.since.month - last.since.month
        if steps > 2 * YEAR:
            return replace(unknown, why=f"more than {2 * YEAR} months ahead")
        (told,) = forecast(asker, replace(question, periods=()), steps, LEVEL)
    except FariError as error:
        return replace(unknown, why=str(error))
    ahead = told.months[-1]
    chance = None if ahead.low is None or ahead.high is None else reaching(target, ahead.value, ahead.low, ahead.high, falls=falls)
    likely = chance >= 0.5 if chance is not None else (ahead.value <= target if falls else ahead.value >= target)
    return replace(unknown, value=ahead.value, state="on course" if likely else "at risk", chance=chance)


def reaching(target: Decimal, value: Decimal, low: Decimal, high: Decimal, *, falls: bool) -> float:
    """The chance to come out at a target or better (lower, where `falls`), by the bound on the target's side of what is expected.

    A normal curve with one spread below the value and one above it, each made from its own bound. A lower bound of 0 is one that was cut there,
    which says nothing of the spread, so the other is taken.

    >>> d = Decimal
    >>> [round(reaching(d(t), d(100), d(80), d(140), falls=False), 3) for t in (80, 100, 140)]
    [0.9, 0.5, 0.1]
    >>> [round(reaching(d(t), d(100), d(80), d(140), falls=True), 3) for t in (80, 100, 140)]
    [0.1, 0.5, 0.9]
    """
    below, above = value - low, high - value
    spread = float(below if target < value and low else above) / NORMAL.inv_cdf((1 + LEVEL) / 2)
    gap = float(target - value if falls else value - target)
    return NORMAL.cdf(gap / spread) if spread > 0 else float(gap >= 0)


def _first(month: str | date) -> date:
    return month if isinstance(month, date) else date.fromisoformat(f"{month}-01")
