"""The ledger on disk: Delta tables in a folder, the acts that wrote them, and which of them can be seen on a day."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from filelock import FileLock, Timeout

from fari.company import Company
from fari.errors import FariError
from fari.ledger.schema import SQL_TYPES, TABLES

SCHEMA = 1
MIGRATIONS: dict[int, Callable[[Path], None]] = {}
"""By schema number, what brings a ledger folder of that number to the next."""

SYSTEM = {
    "source": "VARCHAR",
    "key": "VARCHAR",
    "unit": "VARCHAR",
    "digest": "VARCHAR",
    "origin": "VARCHAR",
    "recorded_at": "TIMESTAMP",
    "import_id": "VARCHAR",
    "withdrawn": "BOOLEAN",
    "appended": "BOOLEAN",
    "attributes": "VARCHAR",
}
"""Columns every row carries beside its table's own: where it came from, what it is about, when it became known."""

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
_MANY_FILES = 64


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
    """By file: its control totals, amounts as decimal strings."""


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
    """The ledger of one project folder."""

    folder: Path
    company: Company
    _connection: Any = field(default=None, repr=False)

    @property
    def root(self) -> Path:
        """The folder that holds the Delta tables."""
        return self.folder / "ledger"

    def path(self, table: str) -> Path:
        """Where a table is kept."""
        return self.root / table

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
        about = self.root / "about.json"
        if not about.exists():
            return
        known = json.loads(about.read_text())
        if known["schema"] > SCHEMA:
            raise FariError(f"{self.root} was written by a newer Fari (schema {known['schema']}, this one knows {SCHEMA}); upgrade fari")
        while known["schema"] < SCHEMA:
            with self.writing():
                known = json.loads(about.read_text())
                if known["schema"] < SCHEMA:
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
        path = self.path(table)
        if not (path / "_delta_log").is_dir():
            return []
        from deltalake import DeltaTable

        actions = DeltaTable(str(path)).get_add_actions(flatten=True)
        paths = [unquote(str(name)) for name in actions["path"].to_pylist()]
        if months is not None and "partition.month" in actions.schema.names:
            kept = [int(month) for month in actions["partition.month"].to_pylist()]
            paths = [name for name, month in zip(paths, kept, strict=True) if month in set(months)]
        return sorted(str(path / name) for name in paths)

    def append(self, table: str, rows: Any, partition_by: list[str] | None = None) -> None:
        """Add rows (anything with the Arrow stream interface) to a table in one commit."""
        from deltalake import write_deltalake

        self.root.mkdir(parents=True, exist_ok=True)
        write_deltalake(str(self.path(table)), rows, mode="append", partition_by=partition_by, schema_mode="merge")

    def compact(self, table: str) -> bool:
        """Join small files where many have piled up; readers keep the old ones for a day. True when it did."""
        from deltalake import DeltaTable

        files = self.files(table)
        if len(files) <= _MANY_FILES or sum(os.path.getsize(f) for f in files) / len(files) > 16 * 2**20:
            return False
        delta = DeltaTable(str(self.path(table)))
        if len(delta.metadata().partition_columns) and len(files) <= 4 * _MANY_FILES:
            return False
        delta.optimize.compact()
        delta.vacuum(retention_hours=24, enforce_retention_duration=False, dry_run=False)
        return True

    def small(self, table: str, columns: Mapping[str, str]) -> list[dict[str, Any]]:
        """All rows of one of the ledger's own small tables (imports, coverage)."""
        files = self.files(table)
        if not files:
            return []
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect()
        wanted = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
        cursor = self._connection.execute(f"SELECT {wanted} FROM read_parquet(?, union_by_name=true)", [files])  # noqa: S608 - names are ours
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def imports(self) -> list[Import]:
        """Every import in the order its rows count: by the day it was recorded for, then by when it was committed."""
        rows = self.small("imports", IMPORTS)
        undone = {row["import_id"]: row for row in rows if row["act"] == "undo"}
        done = sorted((r for r in rows if r["act"] == "commit"), key=lambda r: (r["recorded_on"], r["at"], r["import_id"]))
        return [
            Import(
                row["import_id"], row["at"], row["recorded_on"], row["source"], json.loads(row["tables"]), json.loads(row["files"]),
                undone[row["import_id"]]["at"] if row["import_id"] in undone else None,
                undone[row["import_id"]]["recorded_on"] if row["import_id"] in undone else None,
                seq,
                json.loads(row["totals"] or "{}"),
            )
            for seq, row in enumerate(done)
        ]  # fmt: skip

    def visible(self, as_of: date | None = None) -> list[Import]:
        """The imports whose rows count, as known at the end of that day (today where None)."""
        return [
            i
            for i in self.imports()
            if (as_of is None and i.undone_at is None)
            or (as_of is not None and i.recorded_on <= as_of and (i.undone_on is None or i.undone_on > as_of))
        ]

    def coverage(self, imports: Sequence[Import]) -> list[Coverage]:
        """What these imports say they cover."""
        ids = {i.import_id for i in imports}
        return [
            Coverage(r["source"], r["table"], r["since"], r["until"], r["last"], r["rows"], r["import_id"])
            for r in self.small("coverage", COVERAGE)
            if r["import_id"] in ids
        ]


def _replace(path: Path, value: Mapping[str, Any]) -> None:
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(value))
    aside.replace(path)


def current_sql(table: str) -> str:
    """Plain SQL for a table's current rows, over `raw_<table>` (all rows) and `seen` (import_id, seq).

    Of each unit of each source the latest version counts, and what was appended after it. Of events the first of each
    key was kept at import, so only withdrawn ones are left out.
    """
    own = ", ".join(f"v.{quote(name)}" for name in stored_columns(table))
    if table == "events":
        gone = f'SELECT w.source, w."key", s.seq FROM raw_{table} w JOIN seen s ON w.import_id = s.import_id WHERE w.withdrawn'  # noqa: S608
        return (
            f"SELECT {own} FROM raw_{table} v JOIN seen s ON v.import_id = s.import_id WHERE NOT v.withdrawn AND NOT EXISTS "  # noqa: S608
            f'(SELECT 1 FROM ({gone}) g WHERE g.source = v.source AND g."key" = v."key" AND g.seq > s.seq)'
        )
    return (
        f"SELECT {own} FROM (SELECT r.*, s.seq, "  # noqa: S608
        f'MAX(CASE WHEN r.appended THEN -1 ELSE s.seq END) OVER (PARTITION BY r.source, r."unit") AS base '
        f"FROM raw_{table} r JOIN seen s ON r.import_id = s.import_id) v "
        f"WHERE (v.seq = v.base OR (v.appended AND v.seq > v.base)) AND NOT v.withdrawn"
    )


def quote(name: str) -> str:
    """A column name as standard SQL quotes it; `at` and `interval` are words of SQL too.

    >>> quote("at")
    '"at"'
    """
    return f'"{name}"'
