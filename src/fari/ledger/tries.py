"""Tries: what became of the last attempt to read a source that can be asked itself. Kept beside the tables; no number depends on it."""

import sqlite3
from contextlib import closing
from dataclasses import astuple, dataclass
from datetime import datetime

from fari.ledger.store import Ledger

_TABLE = "CREATE TABLE IF NOT EXISTS tries (source TEXT PRIMARY KEY, at TEXT NOT NULL, failed TEXT NOT NULL, read INTEGER NOT NULL)"


@dataclass(frozen=True)
class Try:
    """The last attempt at a source."""

    source: str
    at: datetime
    """When it began, in UTC."""
    failed: str = ""
    """Why it failed; empty where it did not."""
    read: int = 0
    """Rows that were new."""


def tries(ledger: Ledger) -> tuple[Try, ...]:
    """The last attempt at each source, by name."""
    path = ledger.root / "syncs.sqlite"
    if not path.exists():
        return ()
    with closing(sqlite3.connect(path, timeout=30)) as db:
        db.execute(_TABLE)
        rows = db.execute("SELECT source, at, failed, read FROM tries ORDER BY source").fetchall()
    return tuple(Try(source, datetime.fromisoformat(at), failed, read) for source, at, failed, read in rows)


def tried(ledger: Ledger, one: Try) -> None:
    """Keep an attempt in place of the one before."""
    ledger.root.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(ledger.root / "syncs.sqlite", timeout=30)) as db, db:
        db.execute(_TABLE)
        source, at, failed, read = astuple(one)
        db.execute("INSERT OR REPLACE INTO tries VALUES (?, ?, ?, ?)", (source, at.isoformat(timespec="seconds"), failed, read))
