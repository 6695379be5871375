"""Contract tables: files whose header is one of the ledger's own tables (CSV, TSV, JSON, JSON Lines, Parquet, xlsx)."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from fari.errors import FariError
from fari.ledger.problems import Problem
from fari.ledger.schema import TABLES
from fari.sources.file import File
from fari.sources.record import Chunk, Item

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


def read(file: File, table: str, mapping: Mapping[str, str]) -> Iterator[Item]:
    """The file's rows for `table`. `mapping` says for a table's column which of the file's holds it."""
    renamed = {there.strip().lower(): here for here, there in mapping.items()}
    if file.kind in ("csv", "xlsx"):
        yield from _cells(file, table, renamed)
        return
    rows = file.objects()
    while batch := list(islice(rows, _CHUNK)):
        names: dict[str, None] = {}
        for _, row in batch:
            names.update(dict.fromkeys(row))
        columns = {_named(name, renamed): [_text(row.get(name)) for _, row in batch] for name in names}
        yield Chunk(table, [line for line, _ in batch], columns)  # type: ignore[misc]


def _cells(file: File, table: str, renamed: Mapping[str, str]) -> Iterator[Item]:
    rows = file.rows()
    header: list[str] = []
    for _, cells in rows:
        if any(cell.strip() for cell in cells):
            header = [_named(cell, renamed) for cell in cells]
            break
    kept = [n for n, name in enumerate(header) if name]
    names = [header[n] for n in kept]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FariError(f"{file.name}: the header names the column {twice!r} twice; remove one")
    width = len(header)
    lines: list[int] = []
    cells_of: list[list[str]] = []

    def chunk() -> Chunk:
        turned: list[Any] = list(zip(*cells_of, strict=True)) if cells_of else [()] * width
        return Chunk(table, list(lines), {header[n]: list(turned[n]) for n in kept})

    for line, cells in rows:
        if len(cells) != width:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                cells = cells[:width]  # noqa: PLW2901 - trailing delimiters
            elif len(cells) < width and file.kind == "xlsx":
                cells = [*cells, *[""] * (width - len(cells))]  # noqa: PLW2901
            else:
                yield Problem(line, f"has {len(cells)} cells where the header has {width}", value=",".join(cells)[:60], mend="quote cells that hold the delimiter")
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
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=str)
    return str(value)
