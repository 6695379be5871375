"""Answers held against those of another period, like for like: of a period that is not over, only as many days are compared as it has had."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from fari.engine.answer import Answer, Question
from fari.engine.periods import Period, cut, parse, previous, weekdays_before, year_before
from fari.errors import UsageError

if TYPE_CHECKING:
    from fari.engine.ask import Asker

BEFORE: Mapping[str, Callable[[Period], Period]] = {"previous": previous, "year": year_before, "weekdays": weekdays_before}
"""What a period can be compared with by a word."""
MOST = 2
"""So many comparisons at once can be told apart."""
_DAY = timedelta(days=1)


def compare(asker: "Asker", question: Question, against: str) -> list[Answer]:
    """The question's answers, each with `compared`: `against` is `previous`, `year`, `weekdays` or a period by name.

    Of two, with a comma between, the second is in `also`. A named period that has as many periods of the asked grain as are asked for is
    compared with them one by one (the months of 2025 with those of 2024); else each is compared with all of it.
    """
    answers = asker.ask(question)
    first, *further = (_held(asker, question, answers, one) for one in bases(against))
    return [replace(answer, also=tuple(also)) for answer, *also in zip(first, *further, strict=True)]


def _held(asker: "Asker", question: Question, answers: Sequence[Answer], against: str) -> list[Answer]:
    covered, _ = asker.state(question.as_of, question.rules)
    others = like_for_like(question.periods, pairs(question.periods, against, asker.ledger.company.fiscal_year_start), covered.horizon)
    wanted = tuple(dict.fromkeys(others.values()))
    segments = tuple(dict.fromkeys(tuple(answer.segment.values()) for answer in answers)) if question.by else ()
    known = {
        (answer.metric, answer.period, tuple(answer.segment.values())): answer
        for answer in asker.ask(replace(question, periods=wanted, segments=segments))
    }
    return [
        replace(
            answer,
            compared=known.get((answer.metric, others[answer.period], tuple(answer.segment.values()))),
            compared_with=others[answer.period],
        )
        for answer in answers
    ]


def bases(against: str) -> list[str]:
    """What is compared with, the first thing first. UsageError where that is nothing, or too much.

    >>> bases("previous, year")
    ['previous', 'year']
    """
    found = list(dict.fromkeys(one.strip() for one in against.split(",")))
    if not all(found) or len(found) > MOST:
        raise UsageError(f"cannot compare with {against!r}; write one period or word, or two with a comma between")
    return found


def pairs(periods: Sequence[Period], against: str, fiscal_year_start: int = 1) -> dict[Period, Period]:
    """For each period the whole one it is compared with.

    >>> march = parse("2025-03")
    >>> [pairs([march], against)[march].label for against in ("previous", "year", "weekdays", "2025-01")]
    ['2025-02', '2024-03', '2025-01-25 to 2025-02-24', '2025-01']
    """
    if against in BEFORE:
        return {period: BEFORE[against](period) for period in periods}
    try:
        named = parse(against, fiscal_year_start)
    except UsageError:
        forms = "previous, year, weekdays or a period such as 2024, 2024-Q1, 2024-03, 2024-W07 or 2024-03-31"
        raise UsageError(f"cannot compare with {against!r}; write {forms}") from None
    if periods and periods[0].grain != "total":
        cut_alike = cut(named.since, named.until, periods[0].grain, fiscal_year_start)
        if len(cut_alike) == len(periods) and cut_alike[0].since == named.since and cut_alike[-1].until == named.until:
            return dict(zip(periods, cut_alike, strict=True))
    return dict.fromkeys(periods, named)


def like_for_like(periods: Sequence[Period], others: dict[Period, Period], horizon: date | None) -> dict[Period, Period]:
    """Others cut to as many first days as a period has had by the data's horizon; of one that has not begun, all of it."""
    found = {}
    for period in periods:
        other = others[period]
        if horizon is not None and period.since <= horizon and period.until > horizon + _DAY:
            until = min(other.until, other.since + (horizon + _DAY - period.since))
            other = other if until == other.until else Period(other.since, until, other.grain)
        found[period] = other
    return found
