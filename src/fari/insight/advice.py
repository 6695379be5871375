"""What to do: where a stage, a channel or a segment does worse than the rest of the company, what it would bring to do as well, and what moves it.

Three things are looked at, over the last twelve whole months. A *rate* of the funnel that is lower in a segment than in all others together: what
if it rose to theirs, and all later stages followed as they do there. *Churn* that is higher: what if it fell to theirs. Both are told in money over
the twelve months to come (what each month brings is paid until the year's end by those who have not left by then), with the bounds of the segment's
own rate, and only where it is more than chance: the score test against the rest, the false-discovery rate over all segments held at a tenth. And
*spend*: a channel that, with its share of salaries and tools, costs more than its customers are worth; what it has cost more in the year.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from fari.engine.answer import Question
from fari.engine.ask import Asker, has
from fari.engine.periods import Period
from fari.errors import FariError
from fari.insight.forecast import YEAR, past
from fari.insight.intervals import ratio_bounds
from fari.insight.noise import discovered, of_ratios
from fari.insight.whatif import STAGES
from fari.metrics import METRICS

Kind = Literal["rate", "churn", "spend"]
DIMENSIONS = ("channel", "campaign", "plan", "country", "persona")
"""Not by term: who pays by the year cannot leave in between, which is no merit of theirs."""
RATES = ("visitor_to_lead_rate", "lead_to_mql_rate", "mql_to_sql_rate", "sql_to_customer_rate")
"""The steps from one stage to the next."""
CHURN, LOST, THERE, MRR = "customer_churn_rate", "churned_customers", "opening_customers", "opening_mrr"
WORTH, COST, WON, EACH = "clv_cac_ratio", "acquisition_spend", "new_customers", "new_mrr"
LEVEL = 0.9


@dataclass(frozen=True)
class Advice:
    """One thing that could be better, and what it would bring over twelve months."""

    kind: Kind
    metric: str
    dimension: str
    segment: str
    value: Decimal
    """The segment's own rate, or CLV : CAC."""
    others: Decimal
    """That of all other segments together; 1 for CLV : CAC."""
    gain: Decimal
    """Money over the twelve months to come."""
    low: Decimal
    high: Decimal
    moves: tuple[str, ...]
    """What is said to move it."""


@dataclass(frozen=True)
class Benchmark:
    """A metric of the last year beside a published figure."""

    metric: str
    value: Decimal
    published: Decimal
    says: str
    moves: tuple[str, ...]


@dataclass(frozen=True)
class Counsel:
    """All advice, what would bring the most first, and how the company compares with published figures."""

    period: Period
    advice: tuple[Advice, ...]
    looked: int
    """Rates and churns of segments that are worse than those of all others, by chance or not."""
    benchmarks: tuple[Benchmark, ...]


@dataclass(frozen=True)
class _Candidate:
    advice: Advice
    chance: float


def counsel(asker: Asker, question: Question) -> Counsel:
    """Where there is the most to gain, from the last twelve whole months; the question's metrics, periods and dimensions are not looked at.

    FariError where there is no year of data.
    """
    months = past(asker, question)[-YEAR:]
    if len(months) < YEAR:
        raise FariError(f"{len(months)} whole months are known, and {YEAR} are needed to say where there is something to gain")
    asked = replace(question, periods=months, by=())
    margin = asker.ledger.company.gross_margin
    found: list[_Candidate] = []
    spent: list[Advice] = []
    narrowed = [dimension for dimension, _ in question.where]
    names = tuple(name for name in dict.fromkeys((*STAGES, LOST, THERE, MRR, COST)) if has(name, narrowed))
    whole = _sums(asker, asked, names, None)
    for dimension in DIMENSIONS:
        fitting = tuple(name for name in names if has(name, (dimension, *narrowed)))
        by = _sums(asker, asked, fitting, dimension)
        found += _rates(by, whole.get("", {}), dimension, margin)
        found += _churn(by, dimension, margin)
        if dimension == "channel":
            spent = list(_spend(by, margin))
    limit = discovered([one.chance for one in found])
    told = [*spent, *(one.advice for one in found if one.chance <= limit and one.advice.low > 0)]
    year = Period(months[0].since, months[-1].until)
    told.sort(key=lambda one: (-one.gain, one.metric, one.segment))
    return Counsel(year, tuple(_distinct(told)), len(found), _benchmarks(asker, replace(asked, periods=(year,))))


def _sums(asker: Asker, question: Question, names: Sequence[str], by: str | None) -> dict[str, dict[str, Decimal]]:
    """By segment ("" for all) and metric the sum over the months: of levels, that of every month's."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for answer in asker.ask(replace(question, metrics=tuple(names), by=(by,) if by else ())):
        if answer.value is not None:
            found[answer.segment[by] if by else ""][answer.metric] += Decimal(answer.value)
    return found


def _rates(by: Mapping[str, Mapping[str, Decimal]], whole: Mapping[str, Decimal], dimension: str, margin: Decimal) -> Iterator[_Candidate]:
    for rate, (before, after) in zip(RATES, pairwise(STAGES), strict=False):
        for segment, over, own, other, chance in _against(by, before, after):
            if own >= other:
                continue
            # One more at this stage brings what those at it bring there; where there are too few to tell, what they bring in the whole company.
            worth = by[segment] if by[segment].get(after) and by[segment].get(EACH) else whole
            if not worth.get(after):
                continue
            each = worth.get(EACH, Decimal(0)) / worth[after] * margin
            there = by[segment] if by[segment].get(THERE) else whole
            times = payments(there.get(LOST, Decimal(0)) / there[THERE] if there.get(THERE) else Decimal(0))
            low, high = _bounds(int(by[segment].get(after, 0)), int(over))

            def gain(missed: Decimal, over: Decimal = over, each: Decimal = each * times) -> Decimal:
                return max(missed, Decimal(0)) * over / YEAR * each

            yield _Candidate(_advice("rate", rate, dimension, segment, own, other, gain(other - own), gain(other - high), gain(other - low)), chance)


def _churn(by: Mapping[str, Mapping[str, Decimal]], dimension: str, margin: Decimal) -> Iterator[_Candidate]:
    for segment, over, own, other, chance in _against(by, THERE, LOST):
        if own <= other:
            continue
        low, high = _bounds(int(by[segment].get(LOST, 0)), int(over))
        # Those who are kept leave later as others do.
        monthly = by[segment].get(MRR, Decimal(0)) / YEAR * margin * payments(other)

        def gain(more: Decimal, monthly: Decimal = monthly) -> Decimal:
            return max(more, Decimal(0)) * monthly

        yield _Candidate(_advice("churn", CHURN, dimension, segment, own, other, gain(own - other), gain(low - other), gain(high - other)), chance)


def payments(churn: Decimal) -> Decimal:
    """How often an amount a month is paid within a year if every month brings as much again, and a month so large a share of it is lost.

    >>> payments(Decimal(0)), payments(Decimal("0.5")), payments(Decimal(1))
    (Decimal('78'), Decimal('22.00048828125'), Decimal('12'))
    """
    kept = 1 - min(churn, Decimal(1))
    return sum((kept**age * (YEAR - age) for age in range(1, YEAR)), start=Decimal(YEAR))


def _against(by: Mapping[str, Mapping[str, Decimal]], before: str, after: str) -> Iterator[tuple[str, Decimal, Decimal, Decimal, float]]:
    """(segment, its denominator, its rate, that of all others, how often chance sets them as far apart) for all that can be told apart."""
    over, counted = (sum((one.get(name, Decimal(0)) for one in by.values()), start=Decimal(0)) for name in (before, after))
    for segment, values in by.items():
        own, mine = values.get(before, Decimal(0)), values.get(after, Decimal(0))
        if not own or own == over or segment.startswith("("):
            continue
        others = (counted - mine) / (over - own)
        chance = of_ratios(_classes(mine, own), _classes(counted - mine, over - own))
        if chance is not None:
            yield segment, own, mine / own, others, chance


def _classes(numerator: Decimal, denominator: Decimal) -> tuple[int, int, int]:
    """A count over another as a share of it, where it can be one."""
    both = min(numerator, denominator)
    return int(numerator - both), int(both), int(denominator - both)


def _bounds(numerator: int, denominator: int) -> tuple[Decimal, Decimal]:
    low, high = ratio_bounds(*_classes(Decimal(numerator), Decimal(denominator)), LEVEL)
    return Decimal(repr(low)), Decimal(repr(high))


def _spend(by: Mapping[str, Mapping[str, Decimal]], margin: Decimal) -> Iterator[Advice]:
    """Channels whose customers are worth less than they cost, by their churn and the bounds of that: what they cost, less what they are worth.

    A year's churn would pass 1 where they hardly stay, so it is that of the mean month.
    """
    for channel, values in by.items():
        won, cost, there, lost = (values.get(name, Decimal(0)) for name in (WON, COST, THERE, LOST))
        if channel.startswith("(") or not won or not cost or not there or not lost:
            continue
        churn = lost / there
        monthly = values.get(MRR, Decimal(0)) / there * margin * won
        low, high = _bounds(int(lost), int(there))
        worth, least, most = (monthly / one for one in (churn, high, low))
        if most < cost:
            yield _advice("spend", WORTH, "channel", channel, worth / cost, Decimal(1), cost - worth, cost - most, cost - least)


def _distinct(told: Sequence[Advice]) -> Iterator[Advice]:
    """Of several segments with the same figures (a channel and its only campaign) the first."""
    seen: set[tuple[str, Decimal, Decimal]] = set()
    for one in told:
        if (one.metric, one.value, one.gain) not in seen:
            seen.add((one.metric, one.value, one.gain))
            yield one


def _benchmarks(asker: Asker, question: Question) -> tuple[Benchmark, ...]:
    """Metrics with a published figure, of the last year. Churn is the mean of its months."""
    found = []
    for name, told in book().items():
        if "benchmark" not in told or not has(name, [dimension for dimension, _ in question.where]):
            continue
        (answer,) = asker.ask(replace(question, metrics=(name,)))
        value = answer.value
        if name == CHURN and answer.parts.get(LOST) is not None:
            lost, there = (
                sum((Decimal(a.value or 0) for a in asker.ask(replace(question, metrics=(n,), periods=_months(question)))), start=Decimal(0))
                for n in (LOST, THERE)
            )
            value = lost / there if there else None
        if value is not None:
            found.append(Benchmark(name, Decimal(value), Decimal(told["benchmark"]), told["says"], tuple(told["moves"])))
    return tuple(found)


def _months(question: Question) -> tuple[Period, ...]:
    from fari.engine.periods import cut

    (year,) = question.periods
    return tuple(cut(year.since, year.until, "month"))


def _advice(
    kind: Kind, metric: str, dimension: str, segment: str, value: Decimal, others: Decimal, gain: Decimal, low: Decimal, high: Decimal
) -> Advice:
    cent = Decimal("0.01")
    assert metric in METRICS
    told = tuple(book().get(metric, {}).get("moves", ()))
    return Advice(kind, metric, dimension, segment, value, others, gain.quantize(cent), low.quantize(cent), high.quantize(cent), told)


@cache
def book() -> dict[str, Any]:
    """What moves each metric, and published figures (advice.toml)."""
    return tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))
