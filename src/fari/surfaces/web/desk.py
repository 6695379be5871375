"""The desk: one small file beside the ledger for what people do in the dashboard, such as notes on a day, sessions and votes.

Each noun's own module has its tables (`CREATE TABLE IF NOT EXISTS ...`) and gives them with every call; the desk knows none of them. Nothing in it is
ever needed to compute a number.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

NAME = "desk.sqlite"


class Desk:
    """The file. Any thread and process may use it: a connection per call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def writing(self, tables: str) -> Iterator[sqlite3.Connection]:
        """One act on these tables, kept whole or not at all; other writers wait. What it reads is not changed by others until it ends."""
        self._make()
        with closing(self._open(tables)) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def rows(self, tables: str, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query finds, by the names of its columns; nothing where nothing was ever kept, and then no file is made."""
        if not self.path.exists():
            return []
        with closing(self._open(tables)) as db:
            return db.execute(sql, values).fetchall()

    def _make(self) -> None:
        # It holds hashes of passwords and keys: for nobody else on this machine. SQLite gives its side files the same rights.
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))

    def _open(self, tables: str) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        # What somebody took back must not stay behind in free pages.
        db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; {tables}")
        return db
