"""Contract tables: files whose header is one of the ledger's own tables (CSV, TSV, JSON, JSON Lines, Parquet, xlsx)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from fari.errors import FariError
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES
from fari.ledger.sql import literal, quote
from fari.sources.file import File
from fari.sources.lines import cut
from fari.sources.record import Chunk, Item, Relation

LINE = "#line"
"""What a row's line is called beside the file's own columns."""
_CHUNK = 20_000
_SYNONYMS = {
    "amount": ("cost", "price", "mrr", "total", "spent"),
    "day": ("date", "on"),
    "month": ("date", "period"),
    "starts_on": ("start", "start date", "from", "begin"),
    "ends_on": ("end", "end date", "until", "to"),
    "account_id": ("customer", "customer id", "company id", "client"),
    "person_id": ("contact id", "lead id", "user id", "id"),
    "subscription_id": ("subscription", "id"),
    "deal_id": ("opportunity id", "id"),
    "created_at": ("created", "create date"),
    "closed_at": ("close date", "closed"),
    "at": ("date", "time", "timestamp"),
    "volume": ("searches", "interest"),
    "brand": ("term", "keyword", "name"),
    "channel": ("source", "medium"),
    "interval": ("billing period", "period"),
    "currency": ("ccy", "currency code"),
    "email": ("e-mail", "mail"),
}


def columns_of(table: str) -> tuple[str, ...]:
    """The header names of a contract table."""
    return tuple(c.name for c in TABLES[table].columns)


def fitting(header: tuple[str, ...]) -> list[tuple[str, int]]:
    """Tables (events apart) whose required columns are all there, with how many of their own columns are, best first.

    >>> fitting(("amount", "currency", "day", "kind"))
    [('spend', 4)]
    """
    names = {name.strip().lower() for name in header}
    fits = [
        (table.name, sum(c.name in names for c in table.columns))
        for table in TABLES.values()
        if table.name != "events" and all(c.name in names for c in table.columns if c.required)
        and not (table.name == "feedback" and not names & {"account_id", "person_id"})
    ]  # fmt: skip
    return sorted(fits, key=lambda fit: (-fit[1], fit[0]))


def proposal(header: tuple[str, ...], table: str) -> dict[str, str]:
    """For each of a table's columns the most similar of the file's, where one is similar enough.

    >>> proposal(("Date", "Cost", "Currency code"), "spend")["amount"]
    'Cost'
    """
    scores: list[tuple[float, str, str]] = []
    for column in TABLES[table].columns:
        for name in header:
            plain = name.strip().lower().replace("_", " ")
            words = [column.name.replace("_", " "), *_SYNONYMS.get(column.name, ())]
            score = max(SequenceMatcher(None, plain, word).ratio() - 0.02 * n for n, word in enumerate(words))
            if score >= 0.72:
                scores.append((score, column.name, name))
    chosen: dict[str, str] = {}
    for _, column_name, name in sorted(scores, key=lambda s: (-s[0], s[1])):
        if column_name not in chosen and name not in chosen.values():
            chosen[column_name] = name
    return chosen


def read(file: File, table: str, mapping: Mapping[str, str], connection: Any) -> Iterator[Item | Relation]:
    """The file's rows for `table`. `mapping` says for a table's column which of the file's holds it."""
    renamed = {there.strip().lower(): here for here, there in mapping.items()}
    if file.kind == "parquet":
        yield _relation(file, table, renamed, connection)
    elif file.kind == "csv" and cut(file, connection, quoted=False):
        yield from _split(file, table, renamed, connection)
    elif file.kind in ("csv", "xlsx"):
        yield from _cells(file, table, renamed)
    else:
        yield from _objects(file, table, renamed)


def _objects(file: File, table: str, renamed: Mapping[str, str]) -> Iterator[Item]:
    rows = file.objects()
    while batch := list(islice(rows, _CHUNK)):
        columns: dict[str, list[str | None]] = {}
        for place, (_, row) in enumerate(batch):
            for name, value in row.items():
                # Of two spellings of one name in an object (Amount, amount) the one that says something counts.
                if (text := _text(value)) is not None:
                    columns.setdefault(_named(name, renamed), [None] * len(batch))[place] = text
                else:
                    columns.setdefault(_named(name, renamed), [None] * len(batch))
        yield Chunk(table, [line for line, _ in batch], columns)


def _relation(file: File, table: str, renamed: Mapping[str, str], connection: Any) -> Relation:
    source = parquet_rows(file)
    columns: dict[str, str] = {}
    for name, kind in described(connection, source).items():
        if name != LINE:
            columns.setdefault(_named(name, renamed), as_text(name, kind))
    texts = "".join(f", {sql} AS {quote(f'c_{name}')}" for name, sql in columns.items())
    return Relation(table, f"SELECT {quote(LINE)} AS line{texts} FROM ({source})", list(columns))


def parquet_rows(file: File) -> str:
    """SQL for a Parquet file's rows with their number as `LINE`."""
    return f"SELECT CAST(row_number() OVER () AS VARCHAR) AS {quote(LINE)}, * FROM read_parquet({literal(str(file.local))})"


def described(connection: Any, query: str) -> dict[str, str]:
    """The columns of a query, with their SQL types."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()}


def as_text(name: str, kind: str) -> str:
    """SQL for a typed column as text in the contract's form. A timestamp without a zone stays bare: it is in the company's, as anywhere else."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({quote(name)} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(CAST({quote(name)} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f')"
    if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"):
        return f"CAST(to_json({quote(name)}) AS VARCHAR)"
    return f"CAST({quote(name)} AS VARCHAR)"


def _split(file: File, table: str, renamed: Mapping[str, str], connection: Any) -> Iterator[Item | Relation]:
    """The rows of `lines`, of a file that has no quotes: there a line is a row, and a delimiter ends a cell."""
    head, cells = next((line, cells) for line, cells in file.rows() if any(cell.strip() for cell in cells))
    header = _header(file, cells, renamed)
    width = len(cells)
    split = f"SELECT line, string_split(text, {literal(file.delimiter)}) AS cells FROM lines WHERE CAST(line AS BIGINT) > {head}"
    # More cells than the header has are trailing delimiters where there is nothing in them.
    fits = f"len(cells) = {width} OR len(cells) > {width} AND trim(array_to_string(cells[{width + 1}:], '')) = ''"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW cut_rows AS SELECT *, {fits} AS fits FROM ({split})")
    for line, found in connection.execute("SELECT line, cells FROM cut_rows WHERE NOT fits ORDER BY CAST(line AS BIGINT)").fetchall():
        if any(cell.strip() for cell in found):
            yield _ragged(int(line), found, width)
    chosen = "".join(f", cells[{n + 1}] AS {quote(f'c_{name}')}" for n, name in header.items())
    yield Relation(table, f"SELECT line{chosen} FROM cut_rows WHERE fits", list(header.values()))
    connection.execute("DROP VIEW cut_rows; DROP TABLE lines")


def _header(file: File, cells: Sequence[str], renamed: Mapping[str, str]) -> dict[int, str]:
    """The columns by their place. FariError where one is named twice."""
    header = {n: named for n, cell in enumerate(cells) if (named := _named(cell, renamed))}
    names = list(header.values())
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FariError(f"{file.name}: the header names the column {twice!r} twice; remove one")
    return header


def _ragged(line: int, cells: Sequence[str], width: int) -> Problem:
    what = f"has {len(cells)} cells where the header has {width}"
    return Problem(line, what, value=",".join(cells)[:60], mend="quote cells that hold the delimiter")


def _cells(file: File, table: str, renamed: Mapping[str, str]) -> Iterator[Item]:
    rows = file.rows()
    first = next((cells for _, cells in rows if any(cell.strip() for cell in cells)), [])
    header = _header(file, first, renamed)
    width = len(first)
    lines: list[int] = []
    cells_of: list[list[str]] = []

    def chunk() -> Chunk:
        turned: list[Any] = list(zip(*cells_of, strict=True)) if cells_of else [()] * width
        return Chunk(table, list(lines), {name: list(turned[n]) for n, name in header.items()})

    for line, cells in rows:
        if len(cells) != width:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                cells = cells[:width]  # trailing delimiters
            elif len(cells) < width and file.kind == "xlsx":
                cells = [*cells, *[""] * (width - len(cells))]
            else:
                yield _ragged(line, cells, width)
                continue
        lines.append(line)
        cells_of.append(cells)
        if len(lines) >= _CHUNK:
            yield chunk()
            lines, cells_of = [], []
    yield chunk()


def _named(name: str, renamed: Mapping[str, str]) -> str:
    plain = name.strip().lower()
    return renamed.get(plain, plain)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=str)
    return str(value)
