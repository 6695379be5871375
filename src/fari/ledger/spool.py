"""Messages on their way into the ledger: on disk before they are acknowledged, taken in many at a time, and known when they come again."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

_REMEMBERED = 60 * 86_400
"""For how many seconds an id is known after its message was taken in."""


class Spool:
    """A file beside the ledger. Any thread and process may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as db:
            db.execute("CREATE TABLE IF NOT EXISTS spool (source TEXT, id TEXT, received INTEGER, body TEXT, PRIMARY KEY (source, id)) WITHOUT ROWID")

    def put(self, source: str, own: str, body: str, now: int) -> bool:
        """Keep a message; False where one of its id came before. It is on disk when this returns. `now` is in seconds since 1970."""
        with self._open() as db:
            return db.execute("INSERT OR IGNORE INTO spool VALUES (?, ?, ?, ?)", (source, own, now, body)).rowcount > 0

    def waiting(self, source: str, most: int) -> list[tuple[str, str]]:
        """Id and message of those that are to be taken in, the first that came first."""
        with self._open() as db:
            sql = "SELECT id, body FROM spool WHERE source = ? AND body IS NOT NULL ORDER BY received, id LIMIT ?"
            return [(own, body) for own, body in db.execute(sql, (source, most))]

    def taken(self, source: str, ids: Sequence[str], now: int) -> None:
        """Forget messages that were taken in, and after a while their ids."""
        with self._open() as db:
            db.executemany("UPDATE spool SET body = NULL WHERE source = ? AND id = ?", [(source, own) for own in ids])
            db.execute("DELETE FROM spool WHERE body IS NULL AND received < ?", (now - _REMEMBERED,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as db:
            # What a message said of a person must not stay behind in free pages.
            db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
            with db:
                yield db
