"""Small projects for tests: contract files from text, imported as a user would, and questions asked by the names of periods."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from fari.company import Company, parse
from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.engine.periods import parse as period_of
from fari.ledger.acts import How, Report
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

TODAY = date(2026, 1, 15)
"""The day of an import where a test does not say another."""


def company(timezone: str = "UTC", currency: str = "EUR", **tables: Any) -> Company:
    """A company in a zone; further tables of its `fari.toml` by name."""
    return parse({"company": {"name": "Acme", "currency": currency, "timezone": timezone}, **tables}, Path("fari.toml"))


def write(folder: Path, tables: Mapping[str, str]) -> list[Path]:
    """A CSV file for each table; blank lines and the indentation of the text are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table, text in tables.items():
        path = folder / f"{table}.csv"
        path.write_text("".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip()), encoding="utf-8")
        paths.append(path)
    return paths


def bring(ledger: Ledger, paths: Sequence[Path], *, today: date = TODAY, as_: str | None = None, source: str | None = None) -> list[Report]:
    """Import files into a ledger as `fari import` would on that day."""
    return import_files(ledger, paths, How(today, datetime.combine(today, datetime.min.time(), UTC)), as_=as_, source=source)


def project(folder: Path, tables: Mapping[str, str], whose: Company | None = None, *, today: date = TODAY) -> Asker:
    """A project of these tables, none of whose rows may be refused."""
    ledger = Ledger(folder, whose or company())
    for report in bring(ledger, write(folder / "files", tables), today=today):
        assert not report.rejected, report.problems
    return Asker(ledger)


def ask(asker: Asker, metrics: str, *periods: str | Period, by: str = "", where: Mapping[str, str] | None = None) -> list[Answer]:
    """Answers to metrics (names with blanks between them) in periods, or by the names of periods."""
    fiscal = asker.ledger.company.fiscal_year_start
    asked = tuple(period if isinstance(period, Period) else period_of(period, fiscal) for period in periods)
    filters = tuple((dimension, (value,)) for dimension, value in (where or {}).items())
    return asker.ask(Question(tuple(metrics.split()), asked, tuple(by.split()), filters))


def values(asker: Asker, metrics: str, period: str | Period, **where: str) -> list[Number | None]:
    """One value for each metric."""
    return [answer.value for answer in ask(asker, metrics, period, where=where)]


def split(asker: Asker, metric: str, period: str | Period, by: str, **where: str) -> dict[str, Decimal | None]:
    """A metric's values by the segments of one dimension; segments in which it is 0 are left out."""
    answers = ask(asker, metric, period, by=by, where=where)
    return {answer.segment[by]: None if answer.value is None else Decimal(answer.value) for answer in answers if answer.value != 0}
