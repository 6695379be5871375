"""Facts built where their inputs changed, and only there: a fact's path is a digest of everything it was made from."""

import importlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from fari.engine import given
from fari.engine.given import GIVEN, WHOLE, Part
from fari.engine.graph import ASKED, ASKED_OF_IDENTITY, BEFORE, BY_CONTENT, INLINE, PARTED, PASSING, catalogue, code_digest, digest_of, resolve
from fari.engine.kept import kept
from fari.ledger.schema import TABLES
from fari.ledger.store import Import, Ledger, current_sql, only_sql, stored_columns
from fari.marks.tables import IDENTITY, SCHEMAS
from fari.rules import Rules

ONE_PART = 3_000_000
"""Up to this many events a history is built as one part; a larger one month by month."""
KEPT_SECONDS = 7 * 86_400
"""Facts that this long no question of this process has used, counted back from the newest, are removed."""
_IBIS = {"VARCHAR": "string", "BIGINT": "int64", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp", "INTEGER": "int32"}
_SEEN = {"import_id": "string", "seq": "int64"}


class Bound(NamedTuple):
    """An input of a fact: a view of the engine and its columns."""

    view: str
    schema: dict[str, str]


class Inlined(NamedTuple):
    """An input that is not stored: the fact and its own inputs."""

    name: str
    inputs: tuple[Any, ...]


_BUILDING = RLock()
"""Held while facts are built or swept: askers of several threads would build the same twice, and take away what another needs on its way."""


@dataclass
class Builder:
    """Builds the facts of one state of the ledger (what is visible as of a day) with one engine."""

    ledger: Ledger
    engine: Any
    seen: Sequence[Import]
    horizon: date | None
    since: date | None
    customer_from: str
    rules: Rules
    progress: Callable[[str], None] = lambda _: None
    used: set[Path] = field(default_factory=set)
    _grown: bool = False
    """Whether anything has been built that was not swept after."""
    passing: set[Path] = field(default_factory=set)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)
    _viewed: dict[str, str] = field(default_factory=dict)
    _schemas: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Where facts are kept."""
        return self.ledger.folder / "facts"

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of the events, in order."""
        counted = [i.tables["events"] for i in self.seen if "events" in i.tables]
        months = sorted({month for one in counted for month in one["months"]})
        if not months or sum(one["rows"] for one in counted) <= ONE_PART:
            return [WHOLE]
        # The month after one with events is a part even if it has none: weeks and visits may end in it.
        months = sorted({*months, *(given.month_after(month) for month in months[:-1])})
        return [given.month_part(month, last=month == months[-1]) for month in months]

    def files(self, name: str) -> list[str]:
        """The Parquet files of a fact, built first where they are not there."""
        with _BUILDING:
            return [str(self._ensure(name, part)) for part in self._parts_of(name)]

    def digest(self, name: str) -> str:
        """A digest of everything a fact is made from."""
        return digest_of([self._digest_of(name, part) for part in self._parts_of(name)])

    def table(self, name: str) -> str:
        """The engine's view of a ledger table's current rows."""
        with _BUILDING:
            return self._table(name, None)

    def finish(self) -> None:
        """Remove what was only needed on the way, and facts of states of the ledger long gone."""
        with _BUILDING:
            self._sweep()

    def _sweep(self) -> None:
        if not self._grown:
            return
        self._grown = False
        for path in self.passing:
            self.engine.drop(path)
        self.passing.clear()
        if not self.root.is_dir():
            return
        # Ages are taken against the newest fact, not against the clock.
        ages: dict[Path, float] = {}
        for path in self.root.glob("*/*.parquet"):
            with suppress(FileNotFoundError):  # swept by another at this moment
                ages[path] = path.stat().st_mtime
        for path, made in ages.items():
            if path not in self.used and made < max(ages.values()) - KEPT_SECONDS:
                self.engine.drop(path)

    # What a fact is made from --------------------------------------------------------------------------------------------

    def _inputs(self, name: str) -> tuple[str, ...]:
        if name in ASKED:
            return (ASKED[name],)
        return ASKED_OF_IDENTITY if name in IDENTITY else catalogue()[name][1]

    def _parts_of(self, name: str) -> list[Part | None]:
        return list(self.parts) if name in PARTED else [None]

    def _before(self, part: Part | None) -> Part | None:
        place = self.parts.index(part) if part else 0
        return self.parts[place - 1] if place else None

    def _named(self, name: str) -> str:
        """An input's name where the company or the size of its history makes it another's."""
        if self.customer_from == "stages" and name == "members":
            return "own_members"
        if name.endswith("_here") and len(self.parts) == 1:
            return name.removesuffix("_here")
        return resolve(name, self.customer_from)

    def _digest_of(self, name: str, part: Part | None) -> str:
        name = resolve(name, self.customer_from)
        key = (name, part.name if part else "")
        if key not in self._digests:
            company = self.ledger.company
            rules: object = ""
            if name in ("contents", "worth"):
                rules = [company.content, company.scoring]
            elif name == "touches":
                rules = [company.channels, company.hosts]
            elif name in IDENTITY:
                rules = company.match_domains
            inputs = [self._digest_of_input(i, name, part) for i in self._inputs(name)]
            self._digests[key] = digest_of(name, code_digest(), self.engine.dialect, rules, inputs)
        return self._digests[key]

    def _digest_of_input(self, name: str, reader: str, part: Part | None) -> str:
        name = self._named(name)
        here = part if reader in PARTED else None
        if name in TABLES:
            return self._digest_of_table(name, here)
        if name in GIVEN:
            return digest_of(name, self._given(name, here))
        if (own := name.removesuffix("_before")) in BEFORE and own != name:
            earlier = self._before(here)
            return self._seen_as(own, earlier) if earlier else "none"
        if name not in PARTED:
            return self._digest_of(name, None)
        return self._seen_as(name, here) if here else digest_of([self._seen_as(name, each) for each in self.parts])

    def _seen_as(self, name: str, part: Part | None) -> str:
        """How readers know a fact: by what it was made from, or by what is in it."""
        if name not in BY_CONTENT or len(self.parts) == 1:
            return self._digest_of(name, part)
        path = self._ensure(name, part)
        note = path.with_suffix(".content")
        if not note.exists():
            self._view("whole", [path])
            note.write_text(digest_of(sorted(map(repr, self.engine.run("SELECT * FROM whole")))))
        return note.read_text()

    def _digest_of_table(self, name: str, part: Part | None) -> str:
        months = set(part.months) if part and part.months and name == "events" else None
        ids = [i.import_id for i in self.seen if name in i.tables and (months is None or months & set(i.tables[name]["months"]))]
        return digest_of(name, ids, stored_columns(name))

    def _given(self, name: str, part: Part | None) -> list[tuple[Any, ...]]:
        return given.rows(name, self.ledger.company, self.rules, self.since, self.horizon, part)

    # Building ------------------------------------------------------------------------------------------------------------

    def _path(self, name: str, part: Part | None) -> Path:
        folder = f"{name}-{part.name}" if part and not part.whole else name
        return self.root / folder / f"{self._digest_of(name, part)}.parquet"

    def _ensure(self, name: str, part: Part | None) -> Path:
        name = resolve(name, self.customer_from)
        path = self._path(name, part)
        self.used.add(path)
        if not path.exists():
            self._grown = True
            self.progress(f"building {name}{' ' + part.name if part and not part.whole else ''}")
            if name in IDENTITY:
                self._identify()
            elif name in ASKED:
                from fari.marks import tables

                self._write(name, path, getattr(tables, name)(self.ledger.company, self._rows(ASKED[name], name, part)))
            else:
                self._compiled(name, part)
                # Building one input may have put another's view on another part; now that all are built, each is put on its own.
                sql, schema = self._compiled(name, part)
                self.engine.build(sql, path, schema)
            if name in PASSING:
                self.passing.add(path)
        return path

    def _identify(self) -> None:
        from fari.marks.identity import identity

        answers: list[Any] = [self._rows(asked, "persons", None) for asked in ASKED_OF_IDENTITY]
        for made, rows in identity(self.ledger.company, *answers).items():
            self._write(made, self._path(made, None), rows)

    def _rows(self, name: str, reader: str, part: Part | None) -> list[tuple[Any, ...]]:
        """The distinct values a mark is asked about; kept only where they are asked for again or were needed anyway."""
        parts = list(self.parts) if name in PARTED and reader not in PARTED else [part]
        found: dict[tuple[Any, ...], None] = {}
        for each in parts:
            if name in PASSING or (name in PARTED and len(self.parts) > 1):
                self._view("asked", [self._ensure(name, each)])
                sql = "SELECT * FROM asked"
            else:
                sql = self._compiled(name, each)[0]
            found.update(dict.fromkeys(self.engine.run(sql)))
        return list(found)

    def _write(self, name: str, path: Path, rows: Iterable[Sequence[Any]]) -> None:
        self.used.add(path)
        self.engine.put("judged", SCHEMAS[name], list(rows))
        self.engine.build("SELECT * FROM judged", path, SCHEMAS[name])

    def _compiled(self, name: str, part: Part | None) -> tuple[str, dict[str, str]]:
        """A fact's SQL and columns, compiled once for all facts whose inputs look alike."""
        inputs = tuple(self._input(i, name, part) for i in self._inputs(name))
        key = digest_of(name, code_digest(), self.engine.dialect, inputs)

        def make() -> str:
            import ibis

            expression = _expression(name, inputs)
            columns = {column: str(kind).removeprefix("!") for column, kind in expression.schema().items()}
            return json.dumps([str(ibis.to_sql(expression, dialect=self.engine.dialect)), columns])

        sql, schema = json.loads(kept(self.root, key, make))
        return sql, schema

    def expression(self, name: str, part: Part | None = None) -> Any:
        """A fact as an Ibis expression over unbound tables; its inputs are built."""
        name = resolve(name, self.customer_from)
        return _expression(name, tuple(self._input(i, name, part) for i in self._inputs(name)))

    def _input(self, name: str, reader: str, part: Part | None) -> Bound | Inlined:
        """An input as a view of the engine, built first where it is not there. Views of a part go by one name for all parts."""
        name = self._named(name)
        here = part if reader in PARTED else None
        suffix = "__part" if here else "__all"
        if name in INLINE:
            return Inlined(name, tuple(self._input(i, name, part) for i in self._inputs(name)))
        if name in TABLES:
            return Bound(self._table(name, here if name == "events" else None), _columns_of(name))
        if name in GIVEN:
            return self._small(f"{name}{suffix}", GIVEN[name], self._given(name, here))
        if (own := name.removesuffix("_before")) in BEFORE and own != name:
            earlier = self._before(here)
            return self._view(f"{own}__before", [self._ensure(own, earlier)], own) if earlier else self._small(f"{own}__before", BEFORE[own], [])
        if name in PARTED:
            return self._view(f"{name}{suffix}", [self._ensure(name, each) for each in ([here] if here else self.parts)], name)
        return self._view(f"{name}__all", [self._ensure(name, None)], name)

    def _view(self, view: str, paths: Sequence[Path], name: str = "") -> Bound:
        listed = [str(path) for path in paths]
        key = digest_of(listed)
        if self._viewed.get(view) != key:
            self.engine.view(view, listed, {})
            self._viewed[view] = key
            self._schemas[view] = dict(SCHEMAS.get(name) or self.engine.schema(listed))
        return Bound(view, self._schemas[view])

    def _small(self, view: str, schema: dict[str, str], rows: list[tuple[Any, ...]]) -> Bound:
        key = digest_of(rows)
        if self._viewed.get(view) != key:
            self.engine.put(view, schema, rows)
            self._viewed[view] = key
        return Bound(view, schema)

    def _table(self, name: str, part: Part | None) -> str:
        """A ledger table's current rows as a view: events as they lie, any other as the latest version of each key, kept."""
        view = f"{name}{'__part' if part else '__all'}"
        key = self._digest_of_table(name, part)
        # One import may have written many months, so that their digests are the same.
        shown = f"{key} {part.name if part else ''}"
        if self._viewed.get(view) == shown:
            return view
        ids = [i for i in self.seen if name in i.tables]
        path = self.root / name / f"{key}.parquet"
        every = (name == "events" or len(ids) == 1) and not any(i.tables[name].get("withdrawn") for i in ids)
        if name == "events" or every or not path.exists():
            months = list(part.months) if part and part.months else None
            files, only = self.ledger.delta(name).files_of({i.import_id for i in ids}, months)
            self.engine.put(f"seen_{view}", _SEEN, [(i.import_id, i.seq) for i in ids])
            self.engine.view(f"raw_{view}", files, stored_columns(name))
            sql = only_sql(name) if every else current_sql(name)
            # Where every row counts and the files hold no others, no row is looked up by its import.
            sql = sql.partition(" JOIN ")[0] if every and only else sql
            sql = sql.replace(f"raw_{name}", f"raw_{view}").replace("JOIN seen s", f"JOIN seen_{view} s")
            self.engine.named(view, sql)
        if name != "events" and not every:
            if not path.exists():
                self.engine.build(f"SELECT * FROM {view}", path, _columns_of(name))
            self.used.add(path)
            self.engine.view(view, [str(path)], stored_columns(name))
        self._viewed[view] = shown
        return view


def _columns_of(table: str) -> dict[str, str]:
    """A ledger table's columns by Ibis type names."""
    return {column: _IBIS.get(kind, kind.lower()) for column, kind in stored_columns(table).items()}


def _expression(name: str, inputs: Sequence[Bound | Inlined]) -> Any:
    import ibis

    made = [_expression(i.name, i.inputs) if isinstance(i, Inlined) else ibis.table(i.schema, name=i.view) for i in inputs]
    return getattr(importlib.import_module(catalogue()[name][0]), name)(*made)
