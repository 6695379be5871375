"""A page: what it is called, what it shows and its data, from which HTML, JSON and CSV are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fari.surfaces.web.charts import Spec
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.words import Words


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is read, what it is sorted by, where it leads."""

    text: str
    sort: Any = None
    url: str = ""
    title: str = ""
    kind: str = ""
    """`good`, `bad`, `soft`, or nothing."""
    colour: str = ""
    """The fill of a swatch before the text, or of a heat map's cell."""


@dataclass(frozen=True)
class Column:
    """A table's column. Numbers stand to the right."""

    key: str
    head: str
    number: bool = True
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under heads; the total stands apart."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    caption: str = ""

    def sorted_by(self, sort: str) -> "Table":
        """The rows by a column's values; what has none stands last."""
        key, falling = sort.lstrip("-"), sort.startswith("-")
        place = next((n for n, column in enumerate(self.columns) if column.key == key), None)
        if place is None:
            return self
        known = [row for row in self.rows if row[place].sort is not None]
        known.sort(key=lambda row: row[place].sort, reverse=falling)
        return Table(self.columns, [*known, *(row for row in self.rows if row[place].sort is None)], self.total, self.caption)

    def largest(self, most: int, said: Words) -> "Table":
        """The first so many rows, and in the caption of how many they are, if there are more."""
        if len(self.rows) <= most:
            return self
        return Table(self.columns, self.rows[:most], self.total, said.say("the largest {count} of {all}", count=most, all=f"{len(self.rows):,}"))


@dataclass(frozen=True)
class Figure:
    """A chart with its heading, a sentence that says what it shows, and the table it is drawn from."""

    title: str
    spec: Spec
    summary: str
    table: Table | None = None
    note: str = ""


@dataclass(frozen=True)
class Page:
    """Everything there is to say on a page."""

    template: str
    title: str
    data: Any
    """For `.json`."""
    rows: Sequence[Mapping[str, Any]] = ()
    """For `.csv`."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """For the template."""
    pending: bool = False
    """Whether a part of it is still being worked out."""


Make = Callable[[Scene], Page]

Act = Callable[[Request, Site], Awaitable[Response]]
"""What a form sent by POST does; it answers with the address to go on to. FariError says why it was not done."""
