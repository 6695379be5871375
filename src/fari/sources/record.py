"""What a source gives: records and what else it found in the file.

A source is a module of this package with

    NAME = "stripe_subscriptions"            # what --as takes and what the ledger keeps as `source`
    LABEL = "Stripe: subscriptions (CSV)"    # in words, for messages
    COLUMNS = ("id", "Customer ID", ...)     # the columns a file of this format has (for "closest format" and mappings)

    def recognises(file: File) -> bool: ...                                # by header or shape, never by the file's name
    def read(file: File, company: Company) -> Iterator[Item]: ...

and, where rows can only be told from several objects that come in files of their own (it gives those as `Kept`),

    def derive(kept: Sequence[Kept], company: Company) -> Iterator[Item]: ...   # all that is known of one account, oldest first

and, where it can be asked itself,

    def fetch(access: Mapping[str, str], cursor: Mapping | None, now: int, since: int | None, say: Say) -> Iterator[Piece]: ...

Values are given as text in the contract's own form (ISO dates and instants, decimal strings in major units, "true"/"false"),
or None. They are checked in one place for all sources, so a source need not validate what it only passes on; what it has to
convert itself (decimal commas, epoch milliseconds, micros) and cannot, it gives as a `Problem`, and goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from fari.company import Company
from fari.ledger.objects import Kept
from fari.ledger.problems import Problem
from fari.sources.file import File


@dataclass(frozen=True, slots=True)
class Record:
    """One row for one ledger table. `line` is the file's line (1 = first), or the vendor's id where a file has no lines."""

    table: str
    line: int | str
    values: dict[str, str | None]
    file: str = ""
    """The file that `line` is of, where the row was worked out from an object that came in another one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Many rows for one ledger table, as columns of equal length."""

    table: str
    lines: Sequence[int | str]
    columns: dict[str, list[str | None]]


@dataclass(frozen=True, slots=True)
class Relation:
    """Many rows for one ledger table, as a query of the session they were read in: `line`, and a text column `c_<name>` for each column."""

    table: str
    query: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Stated:
    """A total the file itself states (its totals row); the import checks it against the sum of what it read."""

    table: str
    column: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Covers:
    """A range of days the file itself says it covers (its preamble): half-open."""

    table: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row left out on purpose (a totals row, a blank): counted and said, not a problem."""

    line: int | str
    why: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what a source that is asked bit by bit has to give, and how far it has come with it: a JSON object whose `step` ends as "ended"."""

    items: Iterator["Item"]
    cursor: dict[str, Any]


Item = Record | Chunk | Kept | Problem | Stated | Covers | Skipped


class Source(Protocol):
    """The shape of a source module."""

    NAME: str
    LABEL: str
    COLUMNS: tuple[str, ...]

    def recognises(self, file: File) -> bool:
        """Whether this file is of the source's format."""

    def read(self, file: File, company: Company) -> Iterator[Item]:
        """The file's rows, problems and totals."""


__all__ = ["Chunk", "Company", "Covers", "File", "Item", "Kept", "Piece", "Problem", "Record", "Skipped", "Source", "Stated", "field"]
