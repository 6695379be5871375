"""Identities: sums that must come out equal whatever the data are, checked on the answers themselves at run time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fari.engine.answer import Number, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.ledger.known import Known
from fari.metrics import METRICS
from fari.metrics.kinds import SLOW, Formula, Measure, Metric, Spread
from fari.rules import Rules

MOVEMENTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("opening_mrr", ("new_mrr", "expansion_mrr", "reactivation_mrr", "fx_mrr"), ("contraction_mrr", "churned_mrr"), "mrr"),
    ("opening_customers", ("new_customers", "reactivated_customers"), ("churned_customers",), "customers"),
)
"""The level at a period's opening, what adds to it, what takes from it, and the level at its close."""

FIXED = (None, "channel", "campaign")
"""What an account never changes, so that movements close in each of its segments; None: all accounts together."""


@dataclass(frozen=True)
class Check:
    """One identity in one period. Over segments, `left` and `right` are those of the worst where it fails, of all where it holds."""

    name: str
    holds: bool
    left: Number
    right: Number
    difference: Number
    period: Period
    about: tuple[str, ...] = ()
    """The metrics it speaks of."""
    segment: str = ""
    """The segment it fails in."""


def identities(
    asker: Asker, periods: Sequence[Period], as_of: Known = None, touching: Collection[str] | None = None, rules: Rules | None = None
) -> tuple[Check, ...]:
    """Every identity in each period, those that fail first; of some metrics only where they are named in `touching`, and then not by what is slow.

    Where no source covers a metric's period there is nothing to check.
    """
    told = _Told(asker, tuple(periods), as_of, rules)
    checks = [*_closings(told, touching), *_splits(told, touching)]
    return tuple(sorted(checks, key=lambda check: check.holds))


class _Told:
    """Answers by metric, period and segment, each split asked for once for all metrics together."""

    def __init__(self, asker: Asker, periods: tuple[Period, ...], as_of: Known, rules: Rules | None) -> None:
        self.asker, self.periods, self.as_of, self.rules = asker, periods, as_of, rules

    def split(self, names: Iterable[str], by: str | None) -> dict[tuple[str, Period], dict[str, Number]]:
        """Values by segment (one named "" where unsplit) of what is defined."""
        found: dict[tuple[str, Period], dict[str, Number]] = {}
        asked = tuple(dict.fromkeys(names))
        if not asked:
            return found
        for answer in self.asker.ask(Question(asked, self.periods, (by,) if by else (), as_of=self.as_of, rules=self.rules)):
            if answer.value is not None:
                found.setdefault((answer.metric, answer.period), {})["".join(answer.segment.values())] = answer.value
        return found


def _closings(told: _Told, touching: Collection[str] | None) -> list[Check]:
    """Opening + what adds − what takes = closing."""
    wanted = []
    for opening, adding, taking, closing in MOVEMENTS:
        names = (opening, *adding, *taking, closing)
        if touching is None or set(names) & set(touching):
            wanted.append((opening, adding, taking, closing, names))
    whole = told.split([name for *_, names in wanted for name in names], None)
    checks: list[Check] = []
    for by in FIXED if wanted else ():
        values = whole if by is None else told.split([name for *_, names in wanted for name in names], by)
        for opening, adding, taking, closing, names in wanted:
            title = f"{' + '.join((opening, *adding))} − {' − '.join(taking)} = {closing}{f', by {by}' if by else ''}"
            for period in told.periods:
                if any((name, period) not in whole for name in names):
                    continue
                of = {name: values.get((name, period), {}) for name in names}
                segments = sorted({segment for one in of.values() for segment in one})
                left = {s: of[opening].get(s, 0) + sum(of[n].get(s, 0) for n in adding) - sum(of[n].get(s, 0) for n in taking) for s in segments}
                checks.append(_check(title, left, of[closing], period, names))
    return checks


def _splits(told: _Told, touching: Collection[str] | None) -> list[Check]:
    """A metric's segments add up to the metric over all; of a spread, to what it spreads."""
    by_dimension: dict[str, list[str]] = {}
    for name, metric in METRICS.items():
        if touching is None or {name, *_source(metric)} & set(touching):
            for dimension in (one for one in additive(metric) if touching is None or one not in SLOW):
                by_dimension.setdefault(dimension, []).append(name)
    sums_to = {name: (_source(METRICS[name]) or (name,))[0] for names in by_dimension.values() for name in names}
    whole = told.split(sums_to.values(), None)
    checks: list[Check] = []
    for dimension, names in by_dimension.items():
        parts = told.split(names, dimension)
        for name in names:
            total = sums_to[name]
            title = f"{name} by {dimension} adds up to {total}"
            for period in told.periods:
                if (total, period) in whole:
                    left = sum(parts.get((name, period), {}).values(), start=Decimal(0))
                    checks.append(_check(title, {"": left}, whole[total, period], period, tuple(dict.fromkeys((name, total)))))
    return checks


def additive(metric: Metric) -> tuple[str, ...]:
    """The dimensions over which a metric's segments add up: all that it has and that are no reach. Formulas have none."""
    if isinstance(metric, Formula):
        return ()
    measures = [METRICS[name] for name in metric.inputs] if isinstance(metric, Spread) else [metric]
    own = [m for m in measures if isinstance(m, Measure)]
    return tuple(d for d in own[0].dimensions if all(d in m.dimensions and d not in m.reach for m in own))


def _source(metric: Metric) -> tuple[str, ...]:
    return (metric.own,) if isinstance(metric, Spread) else ()


def _check(name: str, left: Mapping[str, Number], right: Mapping[str, Number], period: Period, about: tuple[str, ...]) -> Check:
    off = {segment: Decimal(left.get(segment, 0) - right.get(segment, 0)) for segment in {*left, *right}}
    worst = max(sorted(off), key=lambda segment: abs(off[segment]), default="")
    if off.get(worst):
        return Check(name, False, left.get(worst, 0), right.get(worst, 0), off[worst], period, about, worst)
    return Check(name, True, sum(left.values()), sum(right.values()), 0, period, about)
