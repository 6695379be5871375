"""Objects as vendors' APIs gave them, without personal data: the evidence from which a source works out rows that no single object holds.

A subscription's past is spread over the object itself, its invoices and its events, which come in files of their own and on different days. So they
are kept, in the ledger's own table `objects`, and whenever one comes the account it is about is worked out again from all that are known.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import groupby
from typing import Any

from arro3.core import Array, DataType, Table

from fari.ledger.sql import among, literal, parquet, quote
from fari.ledger.staging import Staging
from fari.ledger.store import Import, Ledger

OBJECTS = {
    "source": "VARCHAR",
    "format": "VARCHAR",
    "kind": "VARCHAR",
    "id": "VARCHAR",
    "about": "VARCHAR",
    "seen_at": "BIGINT",
    "place": "BIGINT",
    "file": "VARCHAR",
    "line": "VARCHAR",
    "digest": "VARCHAR",
    "body": "VARCHAR",
    "import_id": "VARCHAR",
}
_BATCH = 20_000
_FEW = 50
"""Of at most so many objects that speak for many accounts it is looked up which accounts mention them; beyond, all are taken."""
_STAGED = {name: "VARCHAR" if name in ("source", "format", "kind", "id", "about", "file", "line", "digest", "body") else "BIGINT" for name in OBJECTS}
_STAGED = {name: kind for name, kind in _STAGED.items() if name != "import_id"} | {"file_no": "BIGINT"}


@dataclass(frozen=True, slots=True)
class Kept:
    """One object, as it was at one time."""

    kind: str
    id: str
    about: str
    """The account it is about; empty where it speaks for many, as a price does."""
    body: Mapping[str, Any]
    line: int | str
    at: int | None = None
    """When it was so, in seconds since 1970; None: when it is imported."""
    file: str = ""
    until: int | None = None
    """It was read before that instant, whenever it is imported: later it would have been otherwise."""


@dataclass(frozen=True)
class Subject:
    """An account of which something new was said, and all that is known of it, oldest first."""

    source: str
    format: str
    about: str
    file_no: int
    kept: Sequence[Kept]


class Evidence:
    """The objects that one act brings, staged beside its rows, and those known before of the accounts they are about."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self._rows: list[tuple[Any, ...]] = []
        self._count = 0
        columns = ", ".join(f"{quote(name)} {kind}" for name, kind in _STAGED.items())
        staging.connection.execute(f"CREATE TABLE staged_objects ({columns})")

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, file_no: int, source: str, form: str, kept: Kept, file: str, at: int) -> None:
        """Take one in; `file` and `at` are those of the act, where the object does not say better."""
        body = json.dumps(kept.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        digest = md5(body.encode(), usedforsecurity=False).hexdigest()
        when = min(at, kept.until or at) if kept.at is None else kept.at
        row = (source, form, kept.kind, kept.id, kept.about, when, self._count, kept.file or file, str(kept.line), digest, body, file_no)
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= _BATCH:
            self._flush()

    def discard(self, file_no: int) -> None:
        """Leave out what a file has brought so far."""
        self._flush()
        self.staging.connection.execute(f"DELETE FROM staged_objects WHERE file_no = {file_no}")
        self._count = self.staging.connection.execute("SELECT count(*) FROM staged_objects").fetchone()[0]

    def weigh(self, ledger: Ledger, seen: Sequence[Import], *, work_out: bool = True) -> int:
        """Compare with what these imports know: into `fresh_objects` what is new, which is counted.

        The accounts spoken of go into `subjects`, and to `work_out` those too that mention what speaks for many.
        """
        self._flush()
        session = self.staging.connection
        session.execute(
            "CREATE TABLE subjects AS SELECT source, about, max(format) AS format, max(file_no) AS file_no FROM staged_objects "
            "WHERE about <> '' GROUP BY source, about"
        )
        self._recall(ledger, seen)
        same = "PARTITION BY source, kind, id ORDER BY seen_at, place"
        session.execute(
            "CREATE TABLE fresh_places AS SELECT s.place FROM (SELECT place, source, kind, id, seen_at, digest, "
            f"lag(digest) OVER ({same}) AS before, lag(seen_at) OVER ({same}) AS before_at FROM staged_objects) s ASOF LEFT JOIN "
            "(SELECT source, kind, id, seen_at, arg_max(digest, CAST(seq AS BIGINT) * 1000000000 + place) AS digest "
            "FROM known_objects GROUP BY ALL) k ON s.source = k.source AND s.kind = k.kind AND s.id = k.id AND s.seen_at >= k.seen_at "
            "WHERE s.digest IS DISTINCT FROM (CASE WHEN before IS NULL OR k.seen_at > before_at THEN k.digest ELSE before END) "
            "AND NOT EXISTS (SELECT 1 FROM known_objects o WHERE o.source = s.source AND o.kind = s.kind AND o.id = s.id AND o.seen_at = s.seen_at "
            "AND o.digest = s.digest)"
        )
        session.execute("CREATE VIEW fresh_objects AS SELECT * FROM staged_objects WHERE place IN (SELECT place FROM fresh_places)")
        fresh, shared = session.execute("SELECT count(*), count(DISTINCT id) FILTER (about = '') FROM fresh_objects").fetchone()
        if shared and work_out:
            said = "true" if shared > _FEW else "contains(k.body, f.id)"
            session.execute(
                "CREATE TABLE mentioned AS SELECT k.source, k.about, max(k.format) AS format, max(f.file_no) AS file_no "
                f"FROM ({_known(ledger, seen)}) k JOIN fresh_objects f ON f.source = k.source AND f.about = '' AND {said} WHERE k.about <> '' "
                "AND NOT EXISTS (SELECT 1 FROM subjects s WHERE s.source = k.source AND s.about = k.about) GROUP BY k.source, k.about"
            )
            if session.execute("SELECT count(*) FROM mentioned").fetchone()[0]:
                session.execute("INSERT INTO subjects SELECT * FROM mentioned; DROP TABLE known_objects")
                self._recall(ledger, seen)
        return int(fresh)

    def recall(self, ledger: Ledger, seen: Sequence[Import], of: Sequence[str]) -> list[tuple[str, str]]:
        """Take as `subjects` the accounts that the objects of imports `of` are about, to be worked out again from what `seen` know.

        The (source, format) of each group of them, by file number.
        """
        session = self.staging.connection
        session.execute(
            "CREATE TABLE subjects AS SELECT source, about, format, dense_rank() OVER (ORDER BY source, format) - 1 AS file_no FROM ("
            f"SELECT source, about, max(format) AS format FROM ({parquet(ledger.files('objects'), OBJECTS)}) "
            f"WHERE import_id IN {among(list(of) or [''])} AND about <> '' GROUP BY source, about)"
        )
        self._recall(ledger, seen)
        session.execute("CREATE VIEW fresh_objects AS SELECT * FROM staged_objects")
        found = session.execute("SELECT DISTINCT file_no, source, format FROM subjects ORDER BY ALL").fetchall()
        return [(source, form) for _, source, form in found]

    def subjects(self) -> Iterator[Subject]:
        """Every account spoken of, with all its objects and those that speak for many, each kind's versions oldest first."""
        session = self.staging.connection.cursor()
        session.execute(f"USE {self.staging.home}")
        columns = "source, about, kind, id, seen_at, file, line, body"
        every = f"SELECT {columns}, seq, place FROM known_objects UNION ALL SELECT {columns}, 2000000000 AS seq, place FROM fresh_objects"
        shared: dict[str, list[Kept]] = {}
        for source, _, *rest in session.execute(f"SELECT {columns} FROM ({every}) WHERE about = '' ORDER BY seen_at, seq, place").fetchall():
            shared.setdefault(source, []).append(_kept("", rest))
        session.execute(
            f"SELECT s.source, s.about, s.format, s.file_no, e.kind, e.id, e.seen_at, e.file, e.line, e.body FROM subjects s LEFT JOIN ({every}) e "
            "ON e.source = s.source AND e.about = s.about ORDER BY s.source, s.about, e.seen_at, e.seq, e.place"
        )
        for (source, about, form, file_no), rows in groupby(_fetched(session), key=lambda row: row[:4]):
            own = [_kept(about, row[4:]) for row in rows if row[4] is not None]
            yield Subject(source, form, about, file_no, [*shared.get(source, ()), *own])
        session.close()

    def stale(self, ledger: Ledger, seen: Sequence[Import]) -> Iterator[tuple[str, str, dict[str, str | None]]]:
        """(source, account, row) of `subscriptions` known of the accounts spoken of, the last of each subscription."""
        from fari.ledger.schema import TABLES
        from fari.ledger.store import current_sql, stored_columns

        files, ids = ledger.files("subscriptions"), [one for one in seen if "subscriptions" in one.tables]
        if not files or not ids:
            return
        columns = stored_columns("subscriptions")
        told = ", ".join(f"({literal(one.import_id)}, {one.seq})" for one in ids)
        own = [column.name for column in TABLES["subscriptions"].columns]
        shown = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in own)
        session = self.staging.connection
        rows = session.execute(
            f"WITH seen(import_id, seq) AS (VALUES {told}), raw_subscriptions AS (SELECT r.* FROM ({parquet(files, columns)}) r "
            "SEMI JOIN subjects s ON s.source = r.source AND s.about = r.account_id), "
            f"now AS ({current_sql('subscriptions', columns)}) SELECT source, {shown} FROM now "
            "QUALIFY row_number() OVER (PARTITION BY source, subscription_id ORDER BY starts_on DESC) = 1 ORDER BY source, subscription_id"
        ).fetchall()
        for source, *cells in rows:
            row = dict(zip(own, cells, strict=True))
            yield source, str(row["account_id"]), row

    def write(self, ledger: Ledger, import_id: str) -> None:
        """Add what is new to the ledger, as the work of this import."""
        session = self.staging.connection.cursor()
        session.execute(f"USE {self.staging.home}")
        own = ", ".join(f"{literal(import_id)} AS import_id" if name == "import_id" else quote(name) for name in OBJECTS)
        ledger.delta("objects").append(session.sql(f"SELECT {own} FROM fresh_objects ORDER BY about, place"), list(OBJECTS))
        session.close()

    def _recall(self, ledger: Ledger, seen: Sequence[Import]) -> None:
        """`known_objects`: what is known of the subjects, and what speaks for many."""
        self.staging.connection.execute(
            f"CREATE TABLE known_objects AS SELECT k.* FROM ({_known(ledger, seen)}) k "
            "LEFT JOIN subjects s ON s.source = k.source AND s.about = k.about WHERE k.about = '' OR s.about IS NOT NULL"
        )

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = list(zip(*self._rows, strict=True))
        arrays: dict[str, Any] = {
            name: Array(list(cells), DataType.string() if kind == "VARCHAR" else DataType.int64())
            for (name, kind), cells in zip(_STAGED.items(), columns, strict=True)
        }
        session = self.staging.connection
        session.register("incoming_objects", Table.from_pydict(arrays))
        session.execute("INSERT INTO staged_objects BY NAME SELECT * FROM incoming_objects")
        session.unregister("incoming_objects")
        self._rows.clear()


def _known(ledger: Ledger, seen: Sequence[Import]) -> str:
    """SQL for all objects that these imports know, with the place of each in their order."""
    told = ", ".join(f"({literal(one.import_id)}, {one.seq})" for one in seen) or "('', 0)"
    return (
        f"SELECT o.*, n.seq FROM ({parquet(ledger.files('objects'), OBJECTS)}) o "
        f"JOIN (SELECT * FROM (VALUES {told}) t(import_id, seq)) n ON n.import_id = o.import_id"
    )


def _kept(about: str, row: Sequence[Any]) -> Kept:
    kind, own, at, file, line, body = row
    return Kept(kind, own, about, json.loads(body), int(line) if line.isdigit() else line, at, file)


def _fetched(session: Any) -> Iterator[tuple[Any, ...]]:
    while batch := session.fetchmany(_BATCH):
        yield from batch
