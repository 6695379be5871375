"""The ledger on disk: Delta tables in a folder, the acts that wrote them, and which of them can be seen on a day."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from filelock import FileLock, Timeout

from fari.company import Company
from fari.errors import FariError
from fari.ledger.delta import Delta
from fari.ledger.known import Known
from fari.ledger.schema import SQL_TYPES, TABLES
from fari.ledger.sql import parquet, quote, texts

SCHEMA = 1
MIGRATIONS: dict[int, Callable[[Path], None]] = {}
"""By schema number, what brings a ledger folder of that number to the next."""

_UNFIT = re.compile(r"[\[\]^|\\]|%[0-9A-Fa-f]{2}")
"""What no folder above the tables may have in its name: delta-rs 1.6 panics, or looks in another folder."""

SYSTEM = {
    "source": "VARCHAR",
    "key": "VARCHAR",
    "scope": "VARCHAR",
    "digest": "VARCHAR",
    "origin": "VARCHAR",
    "recorded_at": "TIMESTAMP",
    "import_id": "VARCHAR",
    "withdrawn": "BOOLEAN",
    "appended": "BOOLEAN",
    "attributes": "VARCHAR",
}
"""Columns every row carries beside its table's own: where it came from, what it is about (`scope`: what an import replaces), when it became known."""

IMPORTS = {
    "import_id": "VARCHAR",
    "act": "VARCHAR",
    "at": "TIMESTAMP",
    "recorded_on": "DATE",
    "source": "VARCHAR",
    "tables": "VARCHAR",
    "files": "VARCHAR",
    "totals": "VARCHAR",
}
COVERAGE = {
    "import_id": "VARCHAR",
    "source": "VARCHAR",
    "table": "VARCHAR",
    "since": "DATE",
    "until": "DATE",
    "last": "DATE",
    "rows": "BIGINT",
    "totals": "VARCHAR",
}


def stored_columns(table: str) -> dict[str, str]:
    """SQL types of a table's stored columns: its own, the day number of each date, and the system's."""
    columns = {c.name: SQL_TYPES[c.type] for c in TABLES[table].columns}
    columns |= {f"{c.name}_day": "INTEGER" for c in TABLES[table].dates}
    return columns | SYSTEM


@dataclass(frozen=True)
class Import:
    """One committed import. `tables` says per table how many rows it wrote, of which months, and how many it withdrew."""

    import_id: str
    at: datetime
    recorded_on: date
    source: str
    tables: Mapping[str, Mapping[str, Any]]
    files: Sequence[Mapping[str, Any]]
    undone_at: datetime | None = None
    undone_on: date | None = None
    seq: int = 0
    totals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Per file its control totals, as the import reported them."""

    def counts(self, as_of: Known = None) -> bool:
        """Whether its rows count, as known at the end of that day (today where None), or where it is among these imports."""
        if as_of is None:
            return self.undone_at is None
        if isinstance(as_of, frozenset):
            return self.import_id in as_of
        return self.recorded_on <= as_of and (self.undone_on is None or self.undone_on > as_of)


@dataclass(frozen=True)
class Coverage:
    """What one import says it covers of one table: from its first day until a day (exclusive), or the data's horizon where None."""

    source: str
    table: str
    since: date | None
    until: date | None
    last: date | None
    rows: int
    import_id: str


@dataclass
class Ledger:
    """The ledger of one project folder. It may be kept and shared by threads: what others write is seen when next looked for."""

    folder: Path
    company: Company
    _deltas: dict[str, Delta] = field(default_factory=dict, repr=False)
    _read: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)
    """Rows of small files by path: a data file never changes."""
    _engine: Any = field(default=None, repr=False)
    _turn: Any = field(default_factory=Lock, repr=False)

    @property
    def root(self) -> Path:
        """The folder that holds the Delta tables."""
        return self.folder / "ledger"

    def path(self, table: str) -> Path:
        """Where a table is kept."""
        return self.root / table

    def delta(self, table: str) -> Delta:
        """A table of the ledger."""
        return self._deltas.setdefault(table, Delta(self.path(table)))

    def session(self) -> Any:
        """A DuckDB session for the ledger's own work; its instants are shown in the company's zone."""
        with self._turn:
            if self._engine is None:
                import duckdb

                self._engine = duckdb.connect(config={"temp_directory": str(self.root / ".scratch")})
                # A data file never changes: what its footer says is kept.
                self._engine.execute("SET parquet_metadata_cache = true")
            session = self._engine.cursor()
        # DuckDB draws its bar on standard output, where only data may go.
        session.execute(f"SET TimeZone = '{self.company.timezone}'; SET enable_progress_bar = false")
        return session

    @contextmanager
    def writing(self, wait: float = 600) -> Iterator[None]:
        """The one writer's turn. Others wait; a killed writer's turn ends with its process."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".lock")
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            raise FariError(f"another import has been writing to {self.root} for {wait:.0f} s; try again when it is done") from None
        try:
            yield
        finally:
            lock.release()

    def open(self) -> None:
        """Check the folder's schema number, zone and currency; migrate forward, or refuse in words."""
        for part in self.root.resolve().parts[1:]:
            if found := _UNFIT.search(part):
                raise FariError(
                    f"delta-rs cannot store anything in {self.folder}: {found.group()!r} in {part!r}; move the project or rename that folder"
                )
        about = self.root / "about.json"
        known = _about(about)
        if known is None:
            return
        if known["schema"] > SCHEMA:
            raise FariError(f"{self.root} was written by a newer Fari (schema {known['schema']}, this one knows {SCHEMA}); upgrade fari")
        if known["schema"] < SCHEMA:
            with self.writing():
                known = _about(about) or known
                while known["schema"] < SCHEMA:
                    if known["schema"] not in MIGRATIONS:
                        raise FariError(f"{self.root} has schema {known['schema']}, which this Fari no longer reads; import the files again")
                    MIGRATIONS[known["schema"]](self.root)
                    known["schema"] += 1
                    _replace(about, known)
        for name in ("timezone", "currency"):
            now = getattr(self.company, name)
            if known[name] != now:
                raise FariError(
                    f"fari.toml says {name} = {now!r} but {self.root} was imported with {known[name]!r}: "
                    f"set it back, or remove {self.root} and import the files again"
                )

    def create(self) -> None:
        """Write the folder's schema number, zone and currency at the first import."""
        about = self.root / "about.json"
        if not about.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            _replace(about, {"schema": SCHEMA, "timezone": self.company.timezone, "currency": self.company.currency})

    def files(self, table: str, months: Sequence[int] | None = None) -> list[str]:
        """The data files of a table as it stands now (of those months, where it is kept by month)."""
        return self.delta(table).files(months)

    def small(self, table: str, columns: Mapping[str, str]) -> list[dict[str, Any]]:
        """All rows of one of the ledger's own small tables (imports, coverage)."""
        files = self.files(table)
        if new := [file for file in files if file not in self._read]:
            session = self.session()
            for file in new:
                rows = session.execute(parquet([file], columns)).fetchall()
                self._read[file] = [dict(zip(columns, row, strict=True)) for row in rows]
            session.close()
        return [row for file in files for row in self._read[file]]

    def write_small(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to one of the ledger's own small tables."""
        session = self.session()
        told = texts({name: [None if row[name] is None else str(row[name]) for row in rows] for name in columns})
        session.register("told", told)
        casts = ", ".join(f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in columns.items())
        self.delta(table).append(session.sql(f"SELECT {casts} FROM told"), list(columns))
        session.close()

    def imports(self) -> list[Import]:
        """Every import in the order its rows count: by the day it was recorded for, then by when it was committed."""
        rows = self.small("imports", IMPORTS)
        undone = {row["import_id"]: row for row in rows if row["act"] == "undo"}
        done = sorted((r for r in rows if r["act"] == "commit"), key=lambda r: (r["recorded_on"], r["at"], r["import_id"]))
        return [
            Import(
                row["import_id"],
                row["at"],
                row["recorded_on"],
                row["source"],
                json.loads(row["tables"]),
                json.loads(row["files"]),
                undone[row["import_id"]]["at"] if row["import_id"] in undone else None,
                undone[row["import_id"]]["recorded_on"] if row["import_id"] in undone else None,
                seq,
                json.loads(row["totals"]),
            )
            for seq, row in enumerate(done)
        ]

    def visible(self, as_of: Known = None) -> list[Import]:
        """The imports whose rows count, as known at the end of that day (today where None), or of these imports those there are."""
        return [one for one in self.imports() if one.counts(as_of)]

    def coverage(self, imports: Sequence[Import]) -> list[Coverage]:
        """What these imports say they cover."""
        ids = {i.import_id for i in imports}
        return [
            Coverage(r["source"], r["table"], r["since"], r["until"], r["last"], r["rows"], r["import_id"])
            for r in self.small("coverage", COVERAGE)
            if r["import_id"] in ids
        ]


def _about(path: Path) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise FariError(f"{path} is damaged; write the schema, time zone and currency of this ledger into it again") from None
    return known


def _replace(path: Path, value: Mapping[str, Any]) -> None:
    aside = path.with_suffix(f".{os.getpid()}")
    with aside.open("w") as out:
        out.write(json.dumps(value))
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)


def current_sql(table: str, columns: Iterable[str] = ()) -> str:
    """Plain SQL for a table's current rows (all stored columns, or these), over `raw_<table>` (all rows) and `seen` (import_id, seq).

    Of each scope of each source the latest version counts, and what was appended after it. Of events the first of each
    key was kept at import, so only withdrawn ones are left out.
    """
    own = ", ".join(f"v.{quote(name)}" for name in columns or stored_columns(table))
    if table == "events":
        gone = f'SELECT w.source, w."key", s.seq FROM raw_{table} w JOIN seen s ON w.import_id = s.import_id WHERE w.withdrawn'
        return (
            f"SELECT {own} FROM raw_{table} v JOIN seen s ON v.import_id = s.import_id WHERE NOT v.withdrawn AND NOT EXISTS "
            f'(SELECT 1 FROM ({gone}) g WHERE g.source = v.source AND g."key" = v."key" AND g.seq > s.seq)'
        )
    # Which version of a scope counts is decided over its name alone: the rows themselves are then only passed on.
    told = f"SELECT r.*, s.seq FROM raw_{table} r JOIN seen s ON r.import_id = s.import_id"
    return (
        f"SELECT {own} FROM ({told}) v JOIN (SELECT source, scope, MAX(CASE WHEN appended THEN -1 ELSE seq END) AS base "
        f"FROM ({told}) t GROUP BY source, scope) b ON v.source = b.source AND v.scope = b.scope "
        f"WHERE (v.seq = b.base OR (v.appended AND v.seq > b.base)) AND NOT v.withdrawn"
    )


def only_sql(table: str) -> str:
    """The same where one import has brought all rows and withdrew none: all of them count. Over `raw_<table>` and `seen`."""
    own = ", ".join(f"v.{quote(name)}" for name in stored_columns(table))
    return f"SELECT {own} FROM raw_{table} v JOIN seen s ON v.import_id = s.import_id"
