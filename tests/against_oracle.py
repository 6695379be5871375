"""Fari's answers against the oracle's, for one company: every metric, period and split; what differs is listed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests import oracle
from tests.oracle.outside import fari_place
from tests.random_company import write

from fari.company import Company
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

SPLITS: tuple[tuple[str, ...], ...] = (
    (),
    *((name,) for name in "channel campaign plan country persona content device currency churn_reason signup_kind cohort term landing_page".split()),
    *((name,) for name in "stage days rejection_reason".split()),
    ("channel", "campaign"),
    ("channel", "country"),
    ("term", "tenure"),
    ("cohort", "age"),
    ("stage", "days"),
)
ROUNDED = {"weighted_pipeline": Fraction(1, 10**5)}
"""Money is kept in millionths: each deal's amount times its probability is rounded to one."""
NO_REACH = ("nrr", "grr", "renewals_due", "renewal_rate", "trial_conversion_rate")
"""What the oracle splits by content and Fari does not: the definitions speak of leads, customers and MRR."""


def fari_company(company: oracle.Company) -> Company:
    """The oracle's company as fari.toml would give it."""
    return Company(
        currency=company.currency,
        timezone=company.timezone,
        fiscal_year_start=company.fiscal_year_start,
        gross_margin=company.gross_margin,
        signup_events=company.signup_events,
        customer_from=company.customer_from,
        match_domains=company.match_domains,
        content=tuple((kind, (f"{prefix}*",)) for prefix, kind in company.content_rules),
    )


def imported(company: oracle.Company, tables: dict[str, list[dict[str, Any]]], folder: Path) -> Asker:
    """A project in `folder` with the company's files imported as on its day."""
    ledger = Ledger(folder, fari_company(company))
    import_files(ledger, write(tables, folder), How(recorded=company.today, now=datetime(2026, 1, 1, tzinfo=UTC)))
    return Asker(ledger)


def differences(
    company: oracle.Company, tables: oracle.Tables, asker: Asker, periods: Sequence[tuple[date, date]], splits: Iterable[tuple[str, ...]] = SPLITS
) -> list[str]:
    """One line for every answer in which the two differ in value, in being defined, in completeness or in which segments there are."""
    books = oracle.Books(tables, company, fari_place())
    asked = tuple(Period(since, until) for since, until in periods)
    found: list[str] = []
    for by in splits:
        names = tuple(name for name in oracle.METRICS if set(by) <= oracle.dimensions(name) and not ("content" in by and name in NO_REACH))
        answers: dict[tuple[str, Period], dict[tuple[str, ...], Any]] = {}
        for answer in asker.ask(Question(names, asked, by, today=company.today)):
            answers.setdefault((answer.metric, answer.period), {})[tuple(answer.segment.values())] = answer
        for name in names:
            for period in asked:
                expected = oracle.ask(books, name, period.since, period.until, by)
                got = answers.get((name, period), {})
                where = f"{name} {period.since}..{period.until} by {','.join(by) or '-'}"
                whole = oracle.complete(books, name, period.since, period.until)
                for segment in sorted(set(expected) | set(got)):
                    if segment not in got:
                        if expected[segment] not in (None, 0):
                            found.append(f"{where} {segment}: missing, expected {_plain(expected[segment])}")
                        continue
                    value = got[segment].value
                    if segment not in expected:
                        if value not in (None, 0):
                            found.append(f"{where} {segment}: {value}, expected no such row")
                        continue
                    if not _equal(value, expected[segment], ROUNDED.get(name, Fraction(0))):
                        found.append(f"{where} {segment}: {value}, expected {_plain(expected[segment])}")
                    if got[segment].complete != whole:
                        found.append(f"{where} {segment}: complete is {got[segment].complete}, expected {whole}")
    return found


def _equal(value: Decimal | int | None, expected: Fraction | None, allowed: Fraction) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return abs(Fraction(value) - expected) <= abs(expected) * Fraction(1, 10**12) + allowed


def _plain(value: Fraction | None) -> str:
    return "undefined" if value is None else str(float(value))
