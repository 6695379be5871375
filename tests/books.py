"""A ledger under test: files written and imported in one line, current rows read back without the engine of the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fari.company import Company
from fari.ledger.acts import How, Report, undo
from fari.ledger.sql import literal, parquet, quote
from fari.ledger.store import Import, Ledger, current_sql, stored_columns
from fari.sources.importing import import_files

TODAY = date(2025, 6, 30)
ROME = Company(timezone="Europe/Rome")


@dataclass
class Book:
    """A ledger in a folder, and the files that are brought to it."""

    folder: Path
    company: Company = ROME

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.folder, self.company)

    def put(self, name: str, content: str | bytes) -> Path:
        """A file of that name."""
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def bring(self, name: str, content: str | bytes, **options: Any) -> Report:
        """Import one file; its report."""
        [report] = self.act([self.put(name, content)], **options)
        return report

    def act(self, paths: Sequence[Path], *, recorded: date = TODAY, now: datetime | None = None, **options: Any) -> list[Report]:
        """Import files as one act."""
        how = {name: options.pop(name) for name in ("append", "replace", "dry_run") if name in options}
        return import_files(self.ledger, paths, How(recorded, now or noon(recorded), **how), **options)

    def undo(self, import_id: str | None, recorded: date = TODAY) -> Import:
        """Undo an import on a day."""
        assert import_id
        return undo(self.ledger, import_id, recorded, noon(recorded) + timedelta(minutes=1))

    def rows(self, table: str, columns: str, as_of: date | None = None) -> list[tuple[Any, ...]]:
        """The current rows of a table, sorted: those columns, named with blanks between them."""
        return current(self.ledger, table, columns, as_of)

    def versions(self) -> dict[str, int | None]:
        """The Delta version of each table of the ledger."""
        return {path.parent.name: self.ledger.delta(path.parent.name).version for path in sorted(self.ledger.root.glob("*/_delta_log"))}


def noon(day: date) -> datetime:
    """Noon of a day, UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def current(ledger: Ledger, table: str, columns: str, as_of: date | None = None) -> list[tuple[Any, ...]]:
    """The current rows of a table, as text and sorted."""
    seen = ", ".join(f"({literal(one.import_id)}, {one.seq})" for one in ledger.visible(as_of)) or "('', -1)"
    names = ", ".join(quote(name) for name in columns.split())
    session = ledger.session()
    rows: list[tuple[Any, ...]] = session.execute(
        f"WITH seen(import_id, seq) AS (VALUES {seen}), raw_{table} AS ({parquet(ledger.files(table), stored_columns(table))}) "
        f"SELECT {names} FROM ({current_sql(table)}) ORDER BY ALL"
    ).fetchall()
    session.close()
    return [tuple(None if value is None else str(value) for value in row) for row in rows]


def counts(report: Report, table: str) -> tuple[int, ...]:
    """Rows new, changed, unchanged and withdrawn."""
    return tuple(report.tables[table][what] for what in ("new", "changed", "unchanged", "withdrawn"))


def told(report: Report) -> list[tuple[int | str, str]]:
    """Line and fault of every row that was refused."""
    return [(problem.line, problem.what) for problem in report.problems if problem.refused]


def csv(*rows: str) -> str:
    """Lines of a file."""
    return "".join(f"{row}\n" for row in rows)


def sums(report: Report) -> Mapping[str, tuple[str, ...]]:
    """The control totals: sum in the file, stored and rejected."""
    return {name: tuple(f"{value:f}".rstrip("0").rstrip(".") or "0" for value in total.values()) for name, total in report.totals.items()}
