"""The bridge between two figures for one thing: from one rule set to another, choice by choice, each step an amount and its accounts.

Each step changes one choice and asks again, so the steps add up to the difference exactly. In another order single steps may come out
otherwise, where two choices concern the same rows; the order is that of rules.toml.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, under_rules
from fari.engine.explain import open_inputs
from fari.engine.periods import Period
from fari.errors import FariError, UsageError
from fari.metrics import METRICS
from fari.metrics.kinds import Formula
from fari.rules import Rules, choices, differing, preset, presets

_WIDE = Context(prec=60)
MOST = 1_000_000
"""Where more rows than this make a figure, its steps are told without their accounts."""
WHO = ("account", "person", "visitor")
"""What a row is laid at the door of: the first of these that it has."""


@dataclass(frozen=True)
class Step:
    """One choice made otherwise: what that adds to the figure, and for whom."""

    choice: str
    before: str
    after: str
    value: Number | None
    """The figure after the step."""
    amount: Number | None
    """What the step adds; None where the figure is undefined before or after it."""
    accounts: tuple[tuple[str, Decimal], ...]
    """The accounts it adds something for, the largest amount first; they add up to `amount`. None of a formula."""

    @property
    def says(self) -> str:
        """The choice in words."""
        choice = choices()[self.choice]
        return f"{choice.says} {choice.meaning(self.after)}"


@dataclass(frozen=True)
class Bridge:
    """A figure under one rule set, the steps to another, and where a figure from elsewhere is given what no rule explains."""

    metric: str
    period: Period
    where: tuple[tuple[str, tuple[str, ...]], ...]
    one: Rules
    other: Rules
    start: Answer
    end: Answer
    steps: tuple[Step, ...]
    figure: Decimal | None = None

    @property
    def unexplained(self) -> Decimal | None:
        """The figure from elsewhere less the one the bridge ends at; None where there is neither."""
        if self.figure is None or self.end.value is None:
            return None
        return _WIDE.subtract(self.figure, Decimal(self.end.value))

    def plain(self) -> dict[str, Any]:
        """The bridge as a JSON object (Decimals are left to the writer)."""
        return {
            "metric": self.metric, "from": self.period.since.isoformat(), "until": self.period.until.isoformat(), "grain": self.period.grain,
            "where": {dimension: list(values) for dimension, values in self.where},
            "unit": self.start.unit, "currency": self.start.currency, "complete": self.start.complete,
            "start": {"rules": self.one.label, "value": self.start.value, "notes": list(self.start.notes)},
            "steps": [
                {
                    "choice": step.choice, "before": step.before, "after": step.after, "says": step.says, "amount": step.amount, "value": step.value,
                    "accounts": [{"account": account, "amount": amount} for account, amount in step.accounts],
                }
                for step in self.steps
            ],
            "end": {"rules": self.other.label, "value": self.end.value, "notes": list(self.end.notes)},
            "figure": self.figure, "unexplained": self.unexplained,
        }  # fmt: skip


def bridge(asker: Asker, question: Question, one: Rules, other: Rules, figure: Decimal | None = None) -> Bridge:
    """From the question's one metric in its one period under `one` to the same under `other`.

    UsageError where no rule touches the metric.
    """
    (metric,), (period,) = question.metrics, question.periods
    if not under_rules(metric, one) and not under_rules(metric, other):
        raise UsageError(f"{metric} is the same under all rules: it rests on no subscription")
    names = differing(one, other)
    told = _asked(asker, question, one)
    start, before, answers, steps = told[0], told, dict(one.answers), []
    for name in names:
        answers[name] = other[name]
        rules = other if name == names[-1] else Rules(one.preset, tuple(answers.items()), tuple(n for n in names if answers[n] == other[n]))
        after = _asked(asker, question, rules)
        steps.append(Step(name, one[name], other[name], after[0].value, _less(after[0].value, before[0].value), _moved(before[1], after[1])))
        before = after
    return Bridge(metric, period, question.where, one, other, start, before[0], tuple(steps), figure)


def nearest(asker: Asker, question: Question, figure: Decimal) -> Rules:
    """The preset under which the question's figure comes nearest to one from elsewhere; FariError where none has one."""
    found: list[tuple[Decimal, int, Rules]] = []
    for place, name in enumerate(presets()):
        value = _asked(asker, question, preset(name), open_rows=False)[0].value
        if value is not None:
            found.append((abs(_WIDE.subtract(figure, Decimal(value))), place, preset(name)))
    if not found:
        raise FariError(f"{question.metrics[0]} has no value in this period, so there is nothing to bridge from")
    return min(found, key=lambda one: one[:2])[2]


def _asked(asker: Asker, question: Question, rules: Rules, *, open_rows: bool = True) -> tuple[Answer, Mapping[str, Decimal]]:
    """The figure, and what it is made of by account; nothing of a formula."""
    ruled = Question(question.metrics, question.periods, (), question.where, question.as_of, question.today, rules)
    (answer,) = asker.ask(ruled)
    found: dict[str, Decimal] = defaultdict(Decimal)
    if open_rows and not isinstance(METRICS[question.metrics[0]], Formula):
        for row in open_inputs(asker, ruled, MOST)[question.metrics[0]].rows:
            who = next((str(row[name]) for name in WHO if row.get(name) is not None), str(row["origin"]))
            found[who] = _WIDE.add(found[who], Decimal(row["contribution"]))
    return answer, found


def _less(after: Number | None, before: Number | None) -> Decimal | None:
    return None if after is None or before is None else _WIDE.subtract(Decimal(after), Decimal(before))


def _moved(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> tuple[tuple[str, Decimal], ...]:
    amounts = [(who, _WIDE.subtract(after.get(who, Decimal(0)), before.get(who, Decimal(0)))) for who in {*before, *after}]
    return tuple(sorted(((who, amount) for who, amount in amounts if amount), key=lambda one: (-abs(one[1]), one[0])))
