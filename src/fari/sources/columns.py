"""A table's cells by column name, whatever the case and spacing of its header: for vendors whose headers vary."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fari.ledger.problems import Problem
from fari.sources.file import File

_QUOTES = str.maketrans(dict.fromkeys("\"“”„'’"))


class Row(NamedTuple):
    """One row: its line and its cells by plain column name."""

    line: int
    cells: dict[str, str]

    def first(self, names: Iterable[str]) -> str | None:
        """The first non-empty cell among these columns."""
        return next((text for name in names if (text := self.cells.get(name))), None)

    def named(self, names: Iterable[str]) -> tuple[str, str] | None:
        """The same, with the name of the column it was found in."""
        return next(((name, text) for name in names if (text := self.cells.get(name))), None)


def plain_name(name: str) -> str:
    """A column's name as it is compared.

    >>> plain_name('Date entered "Lead  (Lifecycle Stage Pipeline)"')
    'date entered lead (lifecycle stage pipeline)'
    """
    return " ".join(name.translate(_QUOTES).casefold().split())


def plain_names(file: File) -> frozenset[str]:
    """The file's columns as they are compared; none where the file is no table of rows."""
    return frozenset(plain_name(name) for name in file.header) if file.kind in ("csv", "xlsx") else frozenset()


def named_rows(file: File) -> Iterator[Row | Problem]:
    """The rows below the header, trimmed, blank ones left out. A row with too few or too many cells has lost its columns: a Problem."""
    header: list[str] | None = None
    for line, cells in file.rows():
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if header is None:
            header = [plain_name(name) for name in texts]
        elif (len(texts) < len(header) and file.kind == "csv") or any(texts[len(header) :]):
            what = f"has {len(texts)} cells where the header has {len(header)}"
            yield Problem(line, what, value=",".join(texts)[:60], mend="export the file again, or mend the quotes and delimiters of this line")
        else:
            named: dict[str, str] = {}
            for name, text in zip(header, texts, strict=False):
                # Of two columns with one name the first that says something counts.
                named[name] = named.get(name) or text
            yield Row(line, named)
