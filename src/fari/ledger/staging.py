"""Rows on their way into the ledger: taken as text, checked column by column, made into typed rows or Problems.

All of it is SQL over whole columns and all files of an act at once, so a million good rows cost little, ten small files
little more than one, and three bad rows are named by their lines.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from arro3.core import Array, DataType
from arro3.core import Table as ArrowTable

from fari.ledger import cells
from fari.ledger.checks import CHECKS, ONCE
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES, Table
from fari.ledger.sql import bare, literal, literals, quote
from fari.ledger.store import Ledger

MOST = 100_000
"""Of one file at most this many refused rows are told one by one; the others are counted."""
_BATCH = 50_000
_LARGE = 4 * 2**20
"""From so many bytes on the engine's own threads are worth their waiting."""
_EPOCH = date(1970, 1, 1)


@dataclass
class Staged:
    """What one file brought for one table, after checking."""

    table: str
    file_no: int
    read: int = 0
    good: int = 0
    since: date | None = None
    last: date | None = None
    sums: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per amount column: what the file's rows sum to, what was kept and what was refused, by currency where there is one."""


@dataclass
class Checked:
    """What the files of an act brought for one table: `staged` by file, what is wrong (by file), and the lines that are refused."""

    staged: list[Staged]
    problems: list[tuple[int, Problem]]
    refused: list[tuple[int, str]]
    """(file, line) of each refused row."""


@dataclass
class _Buffer:
    """Rows of one table not yet handed to the engine."""

    chunks: list[tuple[int, Sequence[int | str], Mapping[str, Sequence[str | None]], Sequence[str | None]]] = field(default_factory=list)
    rows: list[tuple[int, int | str, Mapping[str, str | None], str | None]] = field(default_factory=list)
    size: int = 0

    def columns(self) -> dict[str, None]:
        """The names of all columns, in the order they came."""
        return {name: None for _, _, columns, _ in self.chunks for name in columns}

    def turn(self) -> None:
        """Make the single rows a chunk for each file."""
        start = 0
        while start < len(self.rows):
            file_no = self.rows[start][0]
            end = next((n for n in range(start, len(self.rows)) if self.rows[n][0] != file_no), len(self.rows))
            part = self.rows[start:end]
            names = {name: None for _, _, values, _ in part for name in values}
            columns = {name: [values.get(name) for _, _, values, _ in part] for name in names}
            self.chunks.append((file_no, [line for _, line, _, _ in part], columns, [origin for *_, origin in part]))
            start = end
        self.rows.clear()


class Staging:
    """One act's rows, in memory. `add_*` takes text, `check` types it into `checked_<table>`; nothing is stored until the act writes."""

    def __init__(self, ledger: Ledger, size: int = 0) -> None:
        """`size`: how many bytes the files hold together, about."""
        self.home = f"act_{uuid.uuid4().hex}"
        self.connection = ledger.session()
        # Tables are worked on side by side. What is small is done sooner by one thread than by two that wait for each other.
        threads = "SET threads = 1" if size < _LARGE else "RESET threads"
        # A longer query takes longer to plan: of few cells that is more than it saves.
        self._trim: Callable[[str], str] = "trim({})".format if size < _LARGE else bare
        self.connection.execute(f"{threads}; ATTACH ':memory:' AS {self.home}; USE {self.home}")
        self._ledger = ledger
        self._buffers: dict[str, _Buffer] = {}
        self._columns: dict[str, dict[str, None]] = {}
        self._brought: dict[tuple[str, int], None] = {}
        self._free: list[Any] = []
        """Sessions that no thread is using."""

    @property
    def tables(self) -> list[str]:
        """The tables that anything was brought for."""
        return list(dict.fromkeys(table for table, _ in self._brought))

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session over the same rows, for a thread of its own."""
        try:
            session = self._free.pop()
        except IndexError:
            session = self._ledger.session()
            session.execute(f"USE {self.home}")
        try:
            yield session
        finally:
            self._free.append(session)

    def close(self) -> None:
        """Let the rows go."""
        for session in self._free:
            session.close()
        self.connection.execute(f"USE memory; DETACH {self.home}")
        self.connection.close()

    def add_row(self, file_no: int, table: str, line: int | str, values: Mapping[str, str | None], origin: str | None = None) -> None:
        """One row of text. `origin` is told where it is not this line of this file."""
        buffer = self._buffer(file_no, table)
        buffer.rows.append((file_no, line, values, origin))
        self._grown(table, buffer, 1)

    def add_columns(self, file_no: int, table: str, lines: Sequence[int | str], columns: Mapping[str, Sequence[str | None]]) -> None:
        """Many rows of text, as columns of equal length."""
        buffer = self._buffer(file_no, table)
        buffer.turn()
        buffer.chunks.append((file_no, lines, columns, [None] * len(lines)))
        self._grown(table, buffer, len(lines))

    def add_relation(self, file_no: int, table: str, query: str, columns: Iterable[str]) -> int:
        """Rows as a query of `connection` that gives `line` and one text column `c_<name>` for each column. How many there were."""
        self._buffer(file_no, table)
        self._flush(table)
        return self._insert(table, f"SELECT CAST({file_no} AS BIGINT) AS file_no, CAST(NULL AS VARCHAR) AS told, * FROM ({query})", columns)

    def check(self, table: str, session: Any, files: Sequence[tuple[str, str]]) -> Checked:
        """Type a table's rows into `checked_<table>`, with what is `wrong` with each. `files` are (name, source) by number."""
        session.execute(f"CREATE TABLE checked_{table} AS {self._checked(TABLES[table], files)}")
        if table in ONCE:
            _once(TABLES[table], session)
        found = Checked(list(self._summed(TABLES[table], session).values()), [], [])
        if any(one.good < one.read for one in found.staged):
            self._refused(TABLES[table], session, files, found)
        for check in CHECKS.get(table, ()):
            if not check.refused:
                told = f"SELECT place, file_no, line, {check.condition} AS so FROM checked_{table} WHERE wrong IS NULL"
                for file_no, line in session.execute(f"SELECT file_no, line FROM ({told}) WHERE so ORDER BY place LIMIT {MOST}").fetchall():
                    problem = Problem(_line(line), check.what, mend=check.mend, file=files[file_no][0], table=table, refused=False)
                    found.problems.append((file_no, problem))
        session.execute(f"DROP TABLE staged_{table}")
        return found

    def discard(self, file_no: int) -> None:
        """Leave out what a file has brought so far."""
        for table in [table for table, number in self._brought if number == file_no]:
            self._flush(table)
            del self._brought[table, file_no]
            self.connection.execute(f"DELETE FROM staged_{table} WHERE file_no = {file_no}")

    def flush(self) -> None:
        """Hand what is buffered to the engine: nothing more is added."""
        for table in self.tables:
            self._flush(table)

    # Rows coming in ------------------------------------------------------------------------------------------------------

    def _buffer(self, file_no: int, table: str) -> _Buffer:
        self._brought[table, file_no] = None
        return self._buffers.setdefault(table, _Buffer())

    def _grown(self, table: str, buffer: _Buffer, rows: int) -> None:
        buffer.size += rows
        if buffer.size >= _BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        buffer = self._buffers.pop(table, None)
        if buffer is None:
            return
        buffer.turn()
        if not buffer.chunks:
            return
        columns = buffer.columns()
        arrays: dict[str, Any] = {
            "file_no": Array([file_no for file_no, lines, _, _ in buffer.chunks for _ in lines], DataType.int64()),
            "told": Array([origin for *_, origins in buffer.chunks for origin in origins], DataType.string()),
            "line": Array([str(line) for _, lines, _, _ in buffer.chunks for line in lines], DataType.string()),
        }
        for name in columns:
            texts: list[str | None] = []
            for _, lines, chunk, _ in buffer.chunks:
                texts += chunk.get(name) or [None] * len(lines)
            arrays[f"c_{name}"] = Array(texts, DataType.string())
        self.connection.register("incoming", ArrowTable.from_pydict(arrays))
        self._insert(table, "SELECT * FROM incoming", columns)
        self.connection.unregister("incoming")

    def _insert(self, table: str, query: str, columns: Iterable[str]) -> int:
        known = self._columns.get(table)
        if known is None:
            self._columns[table] = dict.fromkeys(columns)
            return int(self.connection.execute(f"CREATE TABLE staged_{table} AS {query}").fetchone()[0])
        for name in columns:
            if name not in known:
                self.connection.execute(f"ALTER TABLE staged_{table} ADD COLUMN {quote(f'c_{name}')} VARCHAR")
                known[name] = None
        return int(self.connection.execute(f"INSERT INTO staged_{table} BY NAME {query}").fetchone()[0])

    # Rows checked --------------------------------------------------------------------------------------------------------

    def _checked(self, table: Table, files: Sequence[tuple[str, str]]) -> str:
        """SQL that types the staged rows of a table: text, then values, then what is wrong with them, then what the ledger adds."""
        present = self._columns[table.name]
        own = {column.name for column in table.columns}
        extras = sorted(name for name in present if name not in own)
        texts = [cells.trimmed(column.name, column.name in present, self._trim) for column in table.columns]
        texts.append(f"{_attributes(extras, self._trim)} AS attributes")
        sql = f"SELECT rowid AS place, file_no, line, told, {', '.join(texts)} FROM staged_{table.name}"
        sql = f"SELECT *, {', '.join(map(cells.typed, table.columns))} FROM ({sql})"
        wrong = [branch for column in table.columns for branch in cells.wrong(column)]
        wrong += [f"WHEN {check.condition} THEN {literal(check.what)}" for check in CHECKS.get(table.name, ()) if check.refused]
        values = [*map(cells.stored, table.columns), *map(cells.local_day, table.dates)]
        sql = f"SELECT place, file_no, line, told, attributes, {', '.join(values)}, CASE {' '.join(wrong)} END AS wrong FROM ({sql})"
        if table.name == "events":
            said = _named([*(c.name for c in table.columns if c.name != "message_id"), "attributes"])
            sql = f"SELECT * REPLACE (coalesce(message_id, md5({said})) AS message_id) FROM ({sql})"
            digest = "message_id"  # a message is its id: its content is never compared, and is left unhashed
        else:
            digest = f"md5({_named([*(c.name for c in table.columns), 'attributes'])})"
        added = [
            f"{literals([source for _, source in files])}[file_no + 1] AS source",
            f'{_joined(map(quote, table.key))} AS "key"',
            f"{_joined(map(quote, table.scope))} AS scope",
            f"{digest} AS digest",
            f"coalesce(told, {literals([name for name, _ in files])}[file_no + 1] || ':' || line) AS origin",
        ]
        return f"SELECT *, {', '.join(added)} FROM ({sql})"

    def _summed(self, table: Table, session: Any) -> dict[int, Staged]:
        """What each file brought, and the sums of its amounts."""
        by = "coalesce(currency, '')" if any(column.name == "currency" for column in table.columns) else "''"
        since = quote(f"{table.dated_by}_day") if table.dated_by else "NULL"
        days = ", ".join(quote(f"{column.name}_day") for column in table.dates)
        sums = "".join(f", sum({a}), sum({a}) FILTER (wrong IS NULL), sum({a}) FILTER (wrong IS NOT NULL)" for a in table.amounts)
        rows = session.execute(
            f"SELECT file_no, {by} AS currency, count(*), count(*) FILTER (wrong IS NULL), min({since}) FILTER (wrong IS NULL), "
            f"max(greatest({days})) FILTER (wrong IS NULL){sums} FROM checked_{table.name} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        staged = {file_no: Staged(table.name, file_no) for name, file_no in self._brought if name == table.name}
        for file_no, currency, read, good, first, last, *amounts in rows:
            one = staged[file_no]
            one.read += read
            one.good += good
            one.since = _earliest(min, one.since, first)
            one.last = _earliest(max, one.last, last)
            for n, amount in enumerate(table.amounts):
                total, kept, refused = amounts[3 * n : 3 * n + 3]
                if total is not None:
                    one.sums.setdefault(amount, {})[currency] = {"file": total, "stored": kept, "rejected": refused}
        return staged

    def _refused(self, table: Table, session: Any, files: Sequence[tuple[str, str]], found: Checked) -> None:
        """The Problems of the rows that are wrong, each with the cell as it was written."""
        name = table.name
        found.refused = session.execute(f"SELECT DISTINCT file_no, line FROM checked_{name} WHERE wrong IS NOT NULL").fetchall()
        columns = [column.name for column in table.columns if column.name in self._columns[name]]
        shown = "".join(f", s.{quote(f'c_{column}')}" for column in columns)
        nth = "row_number() OVER (PARTITION BY file_no ORDER BY place) AS nth"
        bad = f"SELECT place, file_no, line, wrong, {nth} FROM checked_{name} WHERE wrong IS NOT NULL"
        told = session.execute(
            f"SELECT c.file_no, c.line, c.wrong{shown} FROM ({bad}) c JOIN staged_{name} s ON s.rowid = c.place "
            f"WHERE c.nth <= {MOST} ORDER BY c.place"
        ).fetchall()
        listed: dict[tuple[int, str], int] = {}
        for file_no, line, wrong, *texts in told:
            listed[file_no, wrong] = listed.get((file_no, wrong), 0) + 1
            column, mend = _mend(table, wrong)
            value = dict(zip(columns, texts, strict=True)).get(column) or ""
            found.problems.append((file_no, Problem(_line(line), wrong, column, value, mend, files[file_no][0], name)))
        if len(told) < sum(one.read - one.good for one in found.staged):
            for file_no, wrong, count in session.execute(
                f"SELECT file_no, wrong, count(*) FROM checked_{name} WHERE wrong IS NOT NULL GROUP BY ALL ORDER BY ALL"
            ).fetchall():
                more = count - listed.get((file_no, wrong), 0)
                if more:
                    found.problems.append((file_no, Problem("", f"{more} more rows: {wrong}", file=files[file_no][0], table=name, refused=False)))


def _attributes(extras: Sequence[str], trim: Callable[[str], str]) -> str:
    """SQL for the columns that are not the table's, as JSON: sorted and without the empty ones, so that equal rows are equal in any file."""
    if not extras:
        return "CAST(NULL AS VARCHAR)"
    pairs = ", ".join(f"{literal(name)}, nullif({trim(quote(f'c_{name}'))}, '')" for name in extras)
    return f"nullif(CAST(json_merge_patch('{{}}', json_object({pairs})) AS VARCHAR), '{{}}')"


def _once(table: Table, session: Any) -> None:
    """Of the good rows of a file that share a key only the last is kept."""
    good = f"FROM checked_{table.name} WHERE wrong IS NULL"
    twice = f"SELECT file_no, key, max(place) AS last, arg_max(line, place) AS line {good} GROUP BY file_no, key HAVING count(*) > 1"
    if session.execute(f"SELECT 1 FROM ({twice}) LIMIT 1").fetchone():
        same = literal(f"has the same {' and '.join(table.key)} as line ")
        session.execute(
            f"UPDATE checked_{table.name} c SET wrong = {same} || t.line FROM ({twice}) t "
            "WHERE c.wrong IS NULL AND c.file_no = t.file_no AND c.key = t.key AND c.place <> t.last"
        )


def _mend(table: Table, wrong: str) -> tuple[str, str]:
    """The column that is wrong, if it is one, and the way out."""
    if wrong.startswith("has the same"):
        return "", "the last of them is kept; remove the others"
    named = next((column for column in table.columns if column.name == wrong.split(" ", 1)[0]), None)
    mend = next((check.mend for check in CHECKS.get(table.name, ()) if check.what == wrong), "")
    if named is None:
        return "", mend
    if not mend:
        mend = f"one of: {', '.join(named.choices)}" if named.choices else cells.MENDS[named.type]
    return named.name, mend


def _joined(parts: Iterable[str]) -> str:
    return "concat_ws(chr(31), " + ", ".join(f"coalesce(CAST({part} AS VARCHAR), '')" for part in parts) + ")"


def _named(columns: Iterable[str]) -> str:
    """SQL for the values that are there with their names: so a column that comes with a later version changes no row that does not have it."""
    return "concat_ws(chr(31), " + ", ".join(f"{literal(f'{name}=')} || CAST({quote(name)} AS VARCHAR)" for name in sorted(columns)) + ")"


def _earliest(choose: Callable[[Iterable[date]], date], known: date | None, day: int | None) -> date | None:
    return choose(one for one in (known, None if day is None else _EPOCH + timedelta(day)) if one is not None) if known or day is not None else None


def _line(line: str) -> int | str:
    return int(line) if line.isdigit() else line
