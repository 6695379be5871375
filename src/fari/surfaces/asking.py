"""What a person typed, as a question: names, periods, filters and the engine that is to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from fari.engine.compare import BEFORE, bases
from fari.engine.periods import GRAINS, Grain, Period, add_months, containing, cut, parse
from fari.errors import FariError, UsageError, did_you_mean
from fari.rules import named as named_rules

if TYPE_CHECKING:
    from fari.engine.answer import Question
    from fari.engine.ask import Asker, Cover
    from fari.ledger.store import Ledger
    from fari.rules import Rules

NOTHING_IMPORTED = "nothing is imported yet: `fari import FILE...` brings files in, `fari demo` shows a made-up company"
MODEL = "first"
YEARS = (1900, 2200)
ESTIMATED = ("clv_fitted", "base_value")
"""What only `fari clv` gives."""


@dataclass(frozen=True)
class Range:
    """The days asked about and how they are cut."""

    since: date
    until: date
    grain: Grain
    periods: tuple[Period, ...]

    @property
    def widened(self) -> bool:
        """Whether whole periods of the grain reach beyond the days that were named."""
        return (self.periods[0].since, self.periods[-1].until) != (self.since, self.until)


@dataclass(frozen=True)
class Asked:
    """What was typed, word for word."""

    names: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    grain: str | None = None
    compare: str | None = None
    by: str | None = None
    where: tuple[str, ...] = ()
    rules: str | None = None
    attribution: str = MODEL
    as_of: str | None = None
    engine: str = "duckdb"
    interval: float | None = None

    def level(self) -> float | None:
        """`--interval` as a share; None where no bounds are asked for."""
        if self.interval is None:
            return None
        if not 50 <= self.interval <= 99.9:
            raise UsageError(f"--interval takes a percentage from 50 to 99.9, not {self.interval:g}")
        return self.interval / 100

    def day_known(self) -> date | None:
        """`--as-of`."""
        return a_day(self.as_of, "--as-of") if self.as_of else None

    def ruled(self) -> "Rules | None":
        """`--rules`; None where the company's own hold."""
        return named_rules(self.rules) if self.rules else None

    def check(self) -> None:
        """UsageError where a word is wrong that can be judged without looking at the data."""
        self.ruled()
        self.level()
        only("--attribution", self.attribution, MODEL)
        grain_of(self.grain)
        self.day_known()
        filters(self.where)
        for text in (self.since, self.until):
            if text:
                named(text)
        for one in bases(self.compare) if self.compare is not None else ():
            if one not in BEFORE:
                try:
                    named(one)
                except UsageError as error:
                    raise UsageError(f"--compare takes {', '.join(BEFORE)} or a period: {error}") from None


def named(text: str, fiscal_year_start: int = 1) -> Period:
    """A period by name, in years that a company can have data of."""
    period = parse(text, fiscal_year_start)
    if not YEARS[0] <= period.since.year <= YEARS[1]:
        raise UsageError(f"{text!r} is no period; years are from {YEARS[0]} to {YEARS[1]}")
    return period


def a_day(text: str, option: str) -> date:
    """A day as it is typed after an option."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{option} takes a day such as 2025-03-31, not {text!r}") from None


def days_covered(text: str) -> tuple[date, date]:
    """`--covers FROM..UNTIL`, the second exclusive.

    >>> days_covered("2025-01-01..2025-04-01")
    (datetime.date(2025, 1, 1), datetime.date(2025, 4, 1))
    """
    since, dots, until = text.partition("..")
    if not dots:
        raise UsageError(f"--covers takes FROM..UNTIL such as 2025-01-01..2025-04-01 (the last day exclusive), not {text!r}")
    first, after = a_day(since, "--covers"), a_day(until, "--covers")
    if after <= first:
        raise UsageError(f"--covers ends after it begins, not {text}")
    return first, after


def split_by(text: str | None) -> tuple[str, ...]:
    """`--by channel,plan`: each dimension once."""
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def filters(texts: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`--where DIM=VALUE`, repeated; values of one dimension are alternatives.

    >>> filters(["channel=Paid Search", "plan=Team", "channel=Email"])
    (('channel', ('Paid Search', 'Email')), ('plan', ('Team',)))
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--where takes DIM=VALUE such as channel='Paid Search', not {text!r}")
        found.setdefault(name.strip(), []).append(value.strip())
    return tuple((name, tuple(dict.fromkeys(values))) for name, values in found.items())


def grain_of(text: str | None) -> Grain | None:
    """`--grain`, checked."""
    if text is None:
        return None
    for grain in get_args(Grain):
        if grain == text.strip().lower():
            return grain  # type: ignore[no-any-return]
    raise UsageError(f"unknown grain {text!r}{did_you_mean(text, GRAINS)} (one of: {', '.join(GRAINS)})")


def only(option: str, given: str, known: str) -> None:
    """UsageError where an option is given anything but the one value it has so far."""
    if given != known:
        raise UsageError(f"{option} {given}: only {known!r} is known in this version")


def asker(ledger: "Ledger", url: str, progress: Any) -> "Asker":
    """Who answers: DuckDB here, or the cluster behind a Spark Connect URL."""
    from fari.engine.ask import Asker

    if url == "duckdb":
        return Asker(ledger, progress=progress)
    if url.startswith("sc://"):
        from fari.engine.spark import SparkConnect

        return Asker(ledger, SparkConnect(url), progress)
    raise UsageError(f"unknown engine {url!r}; write duckdb, or sc://HOST:PORT for Spark Connect")


def posed(ledger: "Ledger", asked: Asked, today: date, progress: Any) -> "tuple[Asker, Question]":
    """Who answers, and what was typed as a question that names no metrics and no periods yet."""
    from fari.engine.answer import Question

    question = Question((), (), split_by(asked.by), filters(asked.where), asked.day_known(), today, rules=asked.ruled())
    return asker(ledger, asked.engine, progress), question


def format_of(text: str, formats: Sequence[str]) -> None:
    """UsageError where `--format` is none of those there are."""
    if text not in formats:
        raise UsageError(f"unknown format {text!r}{did_you_mean(text, formats)} (one of: {', '.join(formats)})")


def stretch(covered: "Cover", since: str | None, until: str | None, grain: Grain | None, fiscal_year_start: int) -> Range:
    """The periods asked for. Both ends are named and included; without them the last twelve whole months of data.

    With only a beginning it goes on to the last whole period of data; with only an end it is the twelve months up to it.
    A named day or week is answered by day or week, anything else by month.
    """
    from fari.engine.ask import defaults

    first = named(since, fiscal_year_start) if since else None
    last = named(until, fiscal_year_start) if until else None
    grains = {p.grain for p in (first, last) if p}
    fine: Grain = "day" if "day" in grains else "week" if "week" in grains else "month"
    cut_by = grain or fine
    if first and last:
        begin, end = first.since, last.until
    elif first:
        begin, end = first.since, first.until
        if covered.horizon:
            whole = containing(date.fromordinal(covered.horizon.toordinal() + 1), "month" if cut_by == "total" else cut_by, fiscal_year_start).since
            end = max(end, whole)
    elif last:
        end = last.until
        begin = min(add_months(end.replace(day=1), -12), last.since)
        if covered.since and begin < covered.since < end:
            begin = min(max(begin, containing(covered.since, "month", fiscal_year_start).since), last.since)
    else:
        usual = defaults(covered)
        if usual is None:
            raise FariError(NOTHING_IMPORTED)
        begin, end = usual
    if end <= begin:
        raise UsageError(f"--from {since} is after --to {until}")
    return Range(begin, end, cut_by, tuple(cut(begin, end, cut_by, fiscal_year_start)))


def names(asked: Sequence[str], question: "Question") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(metrics to ask for, those left out). Where none is named all are meant, as far as they have the dimensions asked for."""
    from fari.engine.ask import check
    from fari.metrics import listed

    if estimated := [name for name in asked if name in ESTIMATED]:
        raise UsageError(f"{estimated[0]} is no metric but an estimate: `fari clv` gives it with its bounds")
    if asked:
        named = tuple(dict.fromkeys(asked))
        check(named, question)
        return named, ()
    check((), question)
    fitting, left_out = [], []
    why: FariError | None = None
    for name in listed():
        try:
            check((name,), question)
            fitting.append(name)
        except FariError as error:
            left_out.append(name)
            why = error
    if why is not None and not fitting:
        raise why
    return tuple(fitting), tuple(left_out)
