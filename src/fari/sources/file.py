"""A file, opened: whatever its packing (.gz), encoding, format (CSV, TSV, JSON, JSON Lines, Parquet, xlsx) or delimiter."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Literal

from fari.errors import FariError
from fari.ledger.problems import Problem

Kind = Literal["csv", "json", "jsonl", "parquet", "xlsx"]
_BINARY = {b"PK\x03\x04": "xlsx", b"PAR1": "parquet"}
_SAMPLE = 40
csv.field_size_limit(2**27)


@dataclass(frozen=True)
class File:
    """One file to import. `rows` (csv, xlsx) and `objects` (json, jsonl, parquet) give it with line numbers."""

    path: Path
    kind: Kind
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    packed: bool = False

    @property
    def name(self) -> str:
        """The file's own name, as origins carry it."""
        return self.path.name

    @cached_property
    def damage(self) -> list[Problem]:
        """What is wrong with the file itself, filled while it is read: cut off, undecodable lines."""
        return []

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path, "rb") if self.packed else self.path.open("rb")  # type: ignore[return-value]

    def lines(self) -> Iterator[tuple[int, str]]:
        """Text lines with their numbers from 1, line ends kept. A line that is no text is noted in `damage` and left out."""
        number = 0
        try:
            with self._open() as raw:
                if self.encoding.startswith("utf-16"):
                    yield from enumerate(TextIOWrapper(raw, self.encoding, newline=""), 1)
                    return
                for number, line in enumerate(raw, 1):
                    try:
                        yield number, line.decode(self.encoding if number == 1 else self.encoding.removesuffix("-sig"))
                    except UnicodeDecodeError as error:
                        self.damage.append(
                            Problem(number, "is not UTF-8 text", value=repr(error.object[error.start : error.end]), mend="save the file as UTF-8")
                        )
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
            self.damage.append(Problem(number + 1, "the file is cut off here", value=str(error), mend="fetch it again"))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Cells row by row, with the line the row begins on; preambles and blank rows included."""
        if self.kind == "xlsx":
            yield from _sheet(self.path)
            return
        number = 0

        def text() -> Iterator[str]:
            nonlocal number
            for number, line in self.lines():  # noqa: B007 - read by the loop below
                yield line.replace("\0", "")

        reader = csv.reader(text(), delimiter=self.delimiter)
        last = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.damage.append(Problem(number, f"cannot be read as CSV: {error}", mend="check the quotes on this line"))
                continue
            begun, last = last + 1, number
            # A quoted cell may hold line ends: the row's line is where it begins, even after lines that were left out.
            spanned = sum(cell.count("\n") for cell in cells)
            yield max(begun, number - spanned), cells

    def objects(self) -> Iterator[tuple[int | str, dict[str, Any]]]:
        """JSON objects (or Parquet rows) with their line, or their place in the array as `#3`."""
        if self.kind == "jsonl":
            for number, line in self.lines():
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except ValueError as error:
                    self.damage.append(Problem(number, f"is not JSON: {error}", value=line[:60]))
                    continue
                if isinstance(value, dict):
                    yield number, value
                else:
                    self.damage.append(Problem(number, "is not a JSON object", value=line[:60]))
        elif self.kind == "json":
            document = self.document
            listed = document
            if isinstance(document, dict):
                listed = document["data"] if isinstance(document.get("data"), list) else [document]
            for number, value in enumerate(listed, 1):
                if isinstance(value, dict):
                    yield f"#{number}", value
                else:
                    self.damage.append(Problem(f"#{number}", "is not a JSON object", value=str(value)[:60]))
        elif self.kind == "parquet":
            import duckdb

            with duckdb.connect() as connection:
                cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(self.path)])
                names = [column[0] for column in cursor.description or ()]
                number = 0
                while batch := cursor.fetchmany(10_000):
                    for row in batch:
                        number += 1
                        yield number, dict(zip(names, row, strict=True))
        else:
            rows = self.rows()
            head = next(rows, (0, []))[1]
            for number, cells in rows:
                yield number, dict(zip(head, cells, strict=False))

    @cached_property
    def document(self) -> Any:
        """The whole file as one JSON value; FariError where it is not JSON."""
        text = "".join(line for _, line in self.lines())
        try:
            return json.loads(text)
        except ValueError as error:
            raise FariError(f"{self.name} is not JSON: {error}") from None

    @cached_property
    def sample(self) -> tuple[tuple[int, list[str]], ...]:
        """The first rows (csv, xlsx), preamble included, with their lines."""
        if self.kind not in ("csv", "xlsx"):
            return ()
        return tuple(row for row, _ in zip(self.rows(), range(_SAMPLE), strict=False))

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Column names: the first non-blank row's cells (csv, xlsx), the columns (parquet), the first objects' keys (json, jsonl)."""
        if self.kind in ("csv", "xlsx"):
            first = next((cells for _, cells in self.sample if any(cell.strip() for cell in cells)), [])
            return tuple(cell.strip() for cell in first)
        names: dict[str, None] = {}
        if self.kind == "parquet":
            import duckdb

            with duckdb.connect() as connection:
                described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(self.path)]).fetchall()
                return tuple(row[0] for row in described)
        for (_, value), _ in zip(self.objects(), range(200), strict=False):
            names.update(dict.fromkeys(value))
        return tuple(names)

    def find_header(self, *needed: str) -> tuple[int, list[str]] | None:
        """The first sampled row that holds all `needed` cells (case and space ignored): (its line, its cells), past any preamble."""
        want = {name.strip().lower() for name in needed}
        for line, cells in self.sample:
            if want <= {cell.strip().lower() for cell in cells}:
                return line, [cell.strip() for cell in cells]
        return None


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    from datetime import date, datetime

    from python_calamine import CalamineWorkbook

    def cell(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, datetime):
            return value.isoformat()[:10] if value.time().isoformat() == "00:00:00" else value.isoformat()
        return value.isoformat() if isinstance(value, date) else str(value)

    for number, row in enumerate(CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows(), 1):
        yield number, [cell(value) for value in row]


def open_file(path: Path) -> File:
    """Look at a file's first bytes and say what it is; FariError in words where it is empty, missing or no table at all."""
    try:
        with path.open("rb") as opened:
            head = opened.read(4096)
    except OSError as error:
        raise FariError(f"cannot read {path}: {error.strerror}") from None
    packed = head[:2] == b"\x1f\x8b"
    if packed:
        try:
            with gzip.open(path, "rb") as raw:
                head = raw.read(65536)
        except (EOFError, OSError, zlib.error) as error:
            # What can still be unpacked is looked at; the rest is reported when it is read.
            unpacker = zlib.decompressobj(31)
            try:
                head = unpacker.decompress(path.read_bytes()[:65536])
            except zlib.error:
                raise FariError(f"{path.name} is a damaged .gz file: {error}") from None
    else:
        with path.open("rb") as raw_file:
            head = raw_file.read(65536)
    if not head.strip():
        raise FariError(f"{path.name} is empty (0 rows); export it again")
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            if packed:
                raise FariError(f"{path.name}: unpack {kind} files before importing them")
            return File(path, kind)  # type: ignore[arg-type]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in head:
        raise FariError(f"{path.name} is a binary file, not a table Fari can read (CSV, TSV, JSON, JSON Lines, Parquet, xlsx)")
    else:
        encoding = "utf-8-sig"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if text.count("\ufffd") > max(8, len(text) // 20):
        raise FariError(f"{path.name} is a binary file, not a table Fari can read (CSV, TSV, JSON, JSON Lines, Parquet, xlsx)")
    start = text.lstrip()[:1]
    if start == "[":
        return File(path, "json", encoding, packed=packed)
    if start == "{":
        first = text.lstrip().split("\n", 1)[0].strip()
        try:
            json.loads(first)
            return File(path, "jsonl" if "\n" in text.strip() or path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson")) else "json", encoding, packed=packed)
        except ValueError:
            return File(path, "json", encoding, packed=packed)
    return File(path, "csv", encoding, _delimiter(text), packed)


def _delimiter(text: str) -> str:
    """The delimiter of the sampled lines: the one that cuts most of them into the same number of cells, more than one.

    >>> _delimiter("a;b;c\\n1,5;2;3\\n")
    ';'
    """
    lines = text.splitlines()[:_SAMPLE]
    if len(lines) > 1 and len(text) >= 60000:
        lines = lines[:-1]
    best, found = (0, 0), ","
    for delimiter in (",", ";", "\t", "|"):
        counts: dict[int, int] = {}
        try:
            for cells in csv.reader(lines, delimiter=delimiter):
                counts[len(cells)] = counts.get(len(cells), 0) + (len(cells) > 1)
        except csv.Error:
            continue
        width, rows = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if (rows, width) > best and width > 1:
            best, found = (rows, width), delimiter
    return found
