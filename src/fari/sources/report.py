"""A vendor's report as rows of named fields, whatever its columns are called: below a preamble of titles, or as an API's nested objects."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from unicodedata import normalize

from fari.errors import FariError
from fari.ledger.problems import Problem
from fari.sources.file import File

Fields = Mapping[str, tuple[str, ...]]
"""A field and the columns it may be found in, the surest first."""

_LISTS = ("results", "elements", "rows")
"""Where APIs put their rows (Google, LinkedIn, exports of them)."""
_NONE = frozenset({"--", "—"})


class Row(NamedTuple):
    """One row: its line, its fields' trimmed texts (empty where there is none), all its cells, and what is wrong with their number."""

    line: int | str
    fields: Mapping[str, str]
    texts: tuple[str, ...] = ()
    damage: Problem | None = None

    def get(self, field: str) -> str:
        """The field's text; empty where the report has no such column or the cell is blank."""
        return self.fields.get(field, "")


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A column's name as it is compared: letters and digits only, so that an API's spellings of one field are one.

    >>> fold("Cost Micros"), fold("costMicros"), fold("cost_micros"), fold("Día")
    ('costmicros', 'costmicros', 'costmicros', 'día')
    """
    return "".join(c for c in normalize("NFKC", name).casefold() if c.isalnum())


@dataclass(frozen=True)
class Report:
    """A file whose header was found: its columns, the line they stand on and the texts above it."""

    file: File
    columns: dict[str, tuple[str, ...]]
    """Each field that has a column, with the folded names it is found under."""
    line: int | str
    header: tuple[str, ...] = ()
    preamble: tuple[str, ...] = ()
    """The texts above the header, a line each."""

    def has(self, *fields: str) -> bool:
        """Whether all these fields have a column."""
        return all(field in self.columns for field in fields)

    def title(self, field: str) -> str:
        """The field's column as the file calls it; empty where it has none."""
        named = {fold(name): name for name in reversed(self.header)}
        return next((named[name] for name in self.columns.get(field, ()) if name in named), "")

    def rows(self) -> Iterator[Row]:
        """The rows below the header; rows of empty cells are left out."""
        if self.file.kind not in ("csv", "xlsx"):
            for line, value in _objects(self.file):
                found = {fold(name): text for name, text in _flat(value)}
                yield Row(line, {field: next((found[n] for n in names if found.get(n)), "") for field, names in self.columns.items()})
            return
        places: dict[str, int] = {}
        for place, name in enumerate(self.header):
            places.setdefault(fold(name), place)
        wanted = {field: [places[name] for name in names] for field, names in self.columns.items()}
        width = len(self.header)
        for line, cells in self.file.rows():
            texts = tuple(cell.strip() for cell in cells)
            if line <= int(self.line) or not any(texts):
                continue
            known = ["" if text in _NONE else text for text in texts[:width]]
            fields = {field: next((known[n] for n in spots if n < len(known) and known[n]), "") for field, spots in wanted.items()}
            damage = None
            if len(texts) < width or any(texts[width:]):
                what = f"has {len(texts)} cells where the header has {width}"
                damage = Problem(line, what, value=",".join(texts), mend="export the file again, or mend the quotes and delimiters of this line")
            yield Row(line, fields, texts, damage)


def find_report(file: File, fields: Fields, *needed: str) -> Report | None:
    """The report in this file, if a row among its first ones names all `needed` fields (or its objects have them)."""
    rows = _sampled(file)
    wanted = [frozenset(map(fold, fields.get(field, ()))) for field in needed]
    for place, (line, header, present) in enumerate(rows):
        if not any(present.isdisjoint(names) for names in wanted):
            # Joined again, since a delimiter may have cut a title (January 1, 2025) that nobody quoted.
            above = tuple(", ".join(filter(None, texts)) for _, texts, _ in rows[:place])
            return Report(file, _columns(present, fields), line, header, above)
    return None


def need_report(file: File, report: Report | None, label: str, columns: Iterable[str]) -> Report:
    """The report, or a FariError saying which columns the format needs: it was asked for by name and is not there."""
    if report is None:
        raise FariError(f"{file.name} is no {label}: it needs the columns {', '.join(columns)}")
    return report


def _sampled(file: File) -> list[tuple[int, tuple[str, ...], frozenset[str]]]:
    """Each row that may be the header, with its line and folded names: the first rows, or the names of the first objects."""
    if "rows" not in file.seen:
        if file.kind in ("csv", "xlsx"):
            found = [(line, tuple(cell.strip() for cell in cells)) for line, cells in file.sample]
        elif file.kind == "parquet":
            found = [(1, file.header)]
        else:
            objects = zip(_objects(file), range(50), strict=False)
            found = [(1, tuple(dict.fromkeys(name for (_, value), _ in objects for name, _ in _flat(value))))]
        file.seen["rows"] = [(line, header, frozenset(fold(name) for name in header) - {""}) for line, header in found]
    rows: list[tuple[int, tuple[str, ...], frozenset[str]]] = file.seen["rows"]
    return rows


def _columns(present: frozenset[str], fields: Fields) -> dict[str, tuple[str, ...]]:
    found = {field: tuple(dict.fromkeys(key for key in map(fold, names) if key in present)) for field, names in fields.items()}
    return {field: names for field, names in found.items() if names}


def _objects(file: File) -> Iterator[tuple[int | str, dict[str, Any]]]:
    """The file's objects; those an API has wrapped in a list are taken out of it (`#2.3`: the third of the second answer)."""
    for line, value in file.objects():
        inner = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
        if inner is None:
            yield line, value
            continue
        for number, item in enumerate(inner, 1):
            if isinstance(item, dict):
                yield f"{line}.{number}", item


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The object's texts by dotted name; lists of plain values joined by a comma."""
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{path}.")
        elif isinstance(inner, list):
            yield path, ",".join(_text(item) for item in inner if not isinstance(item, Mapping | list))
        else:
            yield path, _text(inner)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
