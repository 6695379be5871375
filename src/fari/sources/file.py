"""A file, opened: whatever its packing (.gz), encoding, format (CSV, TSV, JSON, JSON Lines, Parquet, xlsx) or delimiter."""

import csv
import gzip
import json
import re
import shutil
import tempfile
import weakref
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from fari.errors import FariError
from fari.ledger.problems import Problem

Kind = Literal["csv", "json", "jsonl", "parquet", "xlsx"]
_BINARY: dict[bytes, Kind] = {b"PK\x03\x04": "xlsx", b"PAR1": "parquet"}
_NO_TABLE = "is a binary file, not a table Fari can read (CSV, TSV, JSON, JSON Lines, Parquet, xlsx)"
_SAMPLE = 40
_FIRST_OBJECTS = 200
_LONGEST = 10_000
"""A quoted cell of more lines than this was never closed."""
_UNDECODED = re.compile("[\udc80-\udcff]+")
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

    @cached_property
    def local(self) -> Path:
        """The file unpacked, for readers that need a path. What was unpacked goes with this object."""
        if not self.packed:
            return self.path
        folder = tempfile.mkdtemp(prefix="fari-")
        weakref.finalize(self, shutil.rmtree, folder, True)
        path = Path(folder) / self.path.name.removesuffix(".gz")
        with path.open("wb") as out:
            self.unpack(out)
        return path

    def open(self) -> IO[bytes]:
        """Its bytes, unpacked."""
        return gzip.open(self.path, "rb") if self.packed else self.path.open("rb")  # type: ignore[return-value]

    def unpack(self, out: IO[bytes]) -> None:
        """Write its bytes, unpacked; of a file that is cut off what can still be read."""
        try:
            with self.open() as raw:
                while piece := raw.read(2**20):
                    out.write(piece)
        except (EOFError, zlib.error, OSError) as error:
            self.damage.append(Problem("", "the file is cut off", value=str(error), mend="fetch it again", refused=False))

    def lines(self) -> Iterator[tuple[int, str]]:
        """Text lines with their numbers from 1, line ends kept. A line that is no text is noted in `damage` and left out."""
        return ((number, line) for number, line, whole in self._lines() if whole)

    def _lines(self) -> Iterator[tuple[int, str, bool]]:
        """All lines; those that are no text are noted in `damage`, marked, and hold what could be read of them."""
        number = 0
        strange = "replace" if self.encoding.startswith("utf-16") else "surrogateescape"
        try:
            with self.open() as raw, TextIOWrapper(raw, self.encoding, errors=strange, newline="") as text:
                for number, line in enumerate(text, 1):
                    if line.isascii() or (found := _UNDECODED.search(line)) is None:
                        yield number, line, True
                    else:
                        shown = repr(found.group().encode("utf-8", "surrogateescape"))
                        self.damage.append(Problem(number, "is not UTF-8 text", value=shown, mend="save the file as UTF-8"))
                        yield number, _UNDECODED.sub("\ufffd", line), False
        except (EOFError, zlib.error, OSError) as error:
            self.damage.append(Problem(number + 1, "the file is cut off here", value=str(error), mend="fetch it again"))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Cells row by row, with the line the row begins on; preambles and blank rows included. A row with a line that is no text is left out."""
        return self._sheet() if self.kind == "xlsx" else self._cells()

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        source = self._lines()
        again: deque[tuple[int, str, bool]] = deque()
        taken: list[tuple[int, str, bool]] = []
        """The lines of the row that is being read."""
        width = 0
        first = True
        asked_in_vain = False

        def feed() -> Iterator[str]:
            nonlocal asked_in_vain
            while len(taken) < _LONGEST and (item := again.popleft() if again else next(source, None)) is not None:
                taken.append(item)
                yield item[1] if "\0" not in item[1] else item[1].replace("\0", "")
            asked_in_vain = True

        while True:
            reader = csv.reader(feed(), delimiter=self.delimiter)
            broken = ""
            while True:
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    cells, broken = None, f"cannot be read as CSV: {error}"
                if cells is None:
                    break
                if asked_in_vain or (len(taken) > 1 and width and len(cells) != width):
                    broken = "has a quote that is never closed"
                    break
                if first or all(whole for _, _, whole in taken):
                    yield taken[0][0], cells
                first = first and not any(cells)
                width = max(width, len(cells))
                taken.clear()
            if broken and taken:
                # Read on after its first line: the rows it has swallowed are rows again.
                self.damage.append(Problem(taken[0][0], broken, value=taken[0][1][:60].rstrip(), mend="check the quotes on this line"))
                again.extendleft(reversed(taken[1:]))
                taken.clear()
                asked_in_vain = False
            elif not again:
                return

    def objects(self) -> Iterator[tuple[int | str, dict[str, Any]]]:
        """JSON objects (or Parquet rows) with their line, or their place in the array as `#3`."""
        if self.kind == "parquet":
            yield from self._objects()
            return
        first, whole = self._first
        yield from first
        if not whole:
            yield from islice(self._objects(), len(first), None)

    @cached_property
    def _first(self) -> tuple[list[tuple[int | str, dict[str, Any]]], bool]:
        """The first objects, which every source looks at; and whether that is all."""
        found = list(islice(self._objects(), _FIRST_OBJECTS))
        return found, len(found) < _FIRST_OBJECTS

    def _objects(self) -> Iterator[tuple[int | str, dict[str, Any]]]:
        if self.kind == "jsonl":
            for number, line in self.lines():
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError) as error:
                    self.damage.append(Problem(number, f"is not JSON: {error}", value=line[:60].rstrip()))
                    continue
                if isinstance(value, dict):
                    yield number, value
                else:
                    self.damage.append(Problem(number, "is not a JSON object", value=line[:60].rstrip(), mend="one JSON object a line"))
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
            with _parquet(self, "SELECT *") as cursor:
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
        except (ValueError, RecursionError) as error:
            raise FariError(f"{self.name} is not JSON: {error}") from None

    @cached_property
    def sample(self) -> tuple[tuple[int, list[str]], ...]:
        """The first rows (csv, xlsx), preamble included, with their lines."""
        if self.kind not in ("csv", "xlsx"):
            return ()
        return tuple(row for row, _ in zip(self.rows(), range(_SAMPLE), strict=False))

    @cached_property
    def seen(self) -> dict[str, Any]:
        """What sources have worked out while recognising the file, by name: a dozen of them look at the same few rows."""
        return {}

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Column names: the first non-blank row's cells (csv, xlsx), the columns (parquet), the first objects' keys (json, jsonl)."""
        if self.kind in ("csv", "xlsx"):
            first = next((cells for _, cells in self.sample if any(cell.strip() for cell in cells)), [])
            return tuple(cell.strip() for cell in first)
        names: dict[str, None] = {}
        if self.kind == "parquet":
            with _parquet(self, "DESCRIBE SELECT *") as cursor:
                return tuple(row[0] for row in cursor.fetchall())
        for _, value in self._first[0]:
            names.update(dict.fromkeys(value))
        return tuple(names)

    def find_header(self, *needed: str) -> tuple[int, list[str]] | None:
        """The first sampled row that holds all `needed` cells (case and space ignored): (its line, its cells), past any preamble."""
        want = {name.strip().lower() for name in needed}
        for line, cells in self.sample:
            if want <= {cell.strip().lower() for cell in cells}:
                return line, [cell.strip() for cell in cells]
        return None

    def _sheet(self) -> Iterator[tuple[int, list[str]]]:
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            book = CalamineWorkbook.from_path(str(self.local))
            filled = [name for name in book.sheet_names if book.get_sheet_by_name(name).height]
            rows = enumerate(book.get_sheet_by_name(filled[0]).iter_rows(), 1) if filled else iter(())
            for number, row in rows:
                yield number, [_cell(value) for value in row]
        except (CalamineError, OSError) as error:
            raise FariError(f"{self.name} is no Excel file (.xlsx) that can be read: {error}") from None
        if len(filled) > 1:
            self.damage.append(Problem("", f"has several sheets: only {filled[0]!r} is read", mend="import the others as files", refused=False))


@contextmanager
def _parquet(file: File, what: str) -> Iterator[Any]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            yield connection.execute(f"{what} FROM read_parquet(?)", [str(file.local)])
        except duckdb.Error as error:
            raise FariError(f"{file.name} is no Parquet file that can be read: {str(error).splitlines()[0]}") from None


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()[:10] if value.time() == time() else value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def open_file(path: Path) -> File:
    """Look at a file's first bytes and say what it is; FariError in words where it is empty, missing or no table at all."""
    try:
        with path.open("rb") as opened:
            head = opened.read(65536)
    except OSError as error:
        raise FariError(f"cannot read {path}: {error.strerror}") from None
    packed = head[:2] == b"\x1f\x8b"
    if packed:
        head = _unpacked(path, head)
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise FariError(f"{path.name} is empty (0 rows); export it again")
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            return File(path, kind, packed=packed)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in head:
        raise FariError(f"{path.name} {_NO_TABLE}")
    else:
        encoding = "utf-8-sig"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if text.count("\ufffd") > max(8, len(text) // 20):
        raise FariError(f"{path.name} {_NO_TABLE}")
    start = text.lstrip()[:1]
    if start not in ("[", "{"):
        return File(path, "csv", encoding, _delimiter(text), packed)
    return File(path, _json_kind(path, text), encoding, packed=packed)


def _unpacked(path: Path, head: bytes) -> bytes:
    try:
        with gzip.open(path, "rb") as raw:
            return raw.read(65536)
    except (EOFError, OSError, zlib.error) as error:
        # What can still be unpacked is looked at; the rest is reported when it is read.
        try:
            return zlib.decompressobj(31).decompress(head)
        except zlib.error:
            raise FariError(f"{path.name} is a damaged .gz file: {error}") from None


def _json_kind(path: Path, text: str) -> Kind:
    r"""Whether a text that begins like JSON is one value or one a line. A bad first line does not make it one value.

    >>> _json_kind(Path("x"), '{bad\n{"a": 1}\n'), _json_kind(Path("x"), '{"a":\n 1}'), _json_kind(Path("x"), '[{"a": 1}]')
    ('jsonl', 'json', 'json')
    """
    if path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if _is_object(text):
        return "json"
    return "jsonl" if any(_is_object(line) for line in text.splitlines()) else "json"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _delimiter(text: str) -> str:
    r"""The delimiter of the sampled lines: the one that cuts most of them into the same number of cells, more than one.

    >>> _delimiter("a;b;c\n1,5;2;3\n")
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
