"""Who told of a change: the imports between two states of knowledge that brought, replaced or withdrew the rows behind it, or were undone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fari.engine.ask import Asker, Cover
from fari.ledger.known import Known
from fari.ledger.schema import TABLES
from fari.ledger.store import Import, Ledger, stored_columns

Row = dict[str, Any]
Scope = tuple[str, str]
"""A source, and what a row of it is about."""

_SHOWN = {
    "subscriptions": {"subscription_id": "subscription_id", "account": "account_id", "plan": "plan"},
    "deals": {"deal_id": "deal_id", "account": "account_id"},
    "stages": {"person": "person_id", "stage": "stage"},
    "spend": {"booked": "day", "channel": "channel", "campaign": "campaign", "cost_kind": "kind", "purpose": "purpose", "platform": "platform"},
    "searches": {"brand": "brand", "from": "month"},
    "events": {"message_id": "message_id"},
}
"""Columns of opened rows and what the ledger calls them: they tell rows of one origin apart, since two imports may have files of one name."""


@dataclass(frozen=True)
class Told:
    """A row as it was opened then and now, and the table it comes from."""

    table: str
    then: Row | None
    now: Row | None


@dataclass(frozen=True)
class Cause:
    """An import that is known now and was not, or one that has been undone since."""

    import_id: str
    files: tuple[str, ...]
    recorded_on: date
    undone_on: date | None
    direct: bool
    """Whether it told of the row itself; else of something the row is joined with, such as rates, people or visits."""

    def said(self, origin: str | None) -> str:
        """The import in words, by the file that a row is from, or its first ones."""
        own = [name for name in self.files if origin and origin.startswith(f"{name}:")]
        left = 0 if own else len(self.files[2:])
        more = f" and {left} more" if left else ""
        undone = f", undone {self.undone_on}" if self.undone_on else ""
        return f"{', '.join(own or self.files[:2])}{more} of {self.recorded_on}{undone} ({self.import_id})"


def news(ledger: Ledger, then: Known) -> list[Import]:
    """The imports that make the difference between two states of knowledge, in their order: known now and not then, or then and no more."""
    before, after = ({one.import_id for one in ledger.visible(as_of)} for as_of in (then, None))
    return [one for one in ledger.imports() if (one.import_id in before) != (one.import_id in after)]


@dataclass
class Causes:
    """The causes of changes between `then` and now, worked out for all of them at once."""

    asker: Asker
    then: Known
    told: Sequence[Told]
    _news: dict[str, Import] = field(default_factory=dict)
    _covers: list[Cover] = field(default_factory=list)
    _scopes: dict[str, dict[str, dict[Scope, dict[str, Any]]]] = field(default_factory=dict)
    """By table and origin, the scopes whose rows then or now are from there, and what the rows are called."""
    _spoke: dict[str, dict[Scope, set[str]]] = field(default_factory=dict)
    """By table and scope, the imports of `_news` that have rows of it."""

    def __post_init__(self) -> None:
        if not self.told:
            return
        self._news = {one.import_id: one for one in news(self.asker.ledger, self.then)}
        # Now first: it is the state that the asker was left in.
        self._covers = [self.asker.state(as_of)[0] for as_of in (self.then, None)]
        origins: dict[str, set[str]] = defaultdict(set)
        for one in self.told:
            for table in self._tables(one.table):
                origins[table] |= {str(row["origin"]) for row in (one.then, one.now) if row}
        for as_of in (None, self.then):
            builder = self.asker.state(as_of)[1]
            for table, found in origins.items():
                self._look(builder.table(table), table, found)
        for table in origins:
            self._listen(table)

    def of(self, told: Told) -> tuple[Cause, ...]:
        """The causes of one change, oldest first; where no import told of the row itself, those that told of anything else."""
        names: set[str] = set()
        for table in self._tables(told.table):
            for row in (told.then, told.now):
                for scope in self._behind(table, row) if row else ():
                    names |= self._spoke.get(table, {}).get(scope, set())
        return tuple(self._cause(one, bool(names)) for name, one in self._news.items() if name in names or not names)

    def _cause(self, one: Import, direct: bool) -> Cause:
        return Cause(one.import_id, tuple(str(file["file"]) for file in one.files), one.recorded_on, one.undone_on, direct)

    def _tables(self, need: str) -> tuple[str, ...]:
        """The ledger tables that rows of a need may come from."""
        if need == "funnel":
            return ("stages", "events")
        return tuple(dict.fromkeys(name for covered in self._covers if (name := covered.table(need)) in TABLES))

    def _look(self, view: str, table: str, origins: Iterable[str]) -> None:
        """Which rows a state of knowledge has from these origins."""
        known = self._scopes.setdefault(table, {})
        shown = _SHOWN.get(table, {})
        self.asker.engine.put("moved_origins", {"origin": "string"}, [(origin,) for origin in sorted(origins)])
        columns = "".join(f", t.{column}" for column in shown.values())
        rows = self.asker.engine.run(f"SELECT t.origin, t.source, t.scope{columns} FROM {view} t JOIN moved_origins o ON o.origin = t.origin")
        for origin, source, scope, *values in rows:
            known.setdefault(origin, {})[source, scope] = dict(zip(shown, values, strict=True))

    def _listen(self, table: str) -> None:
        """Which of the new imports have rows of these scopes, whatever became of them."""
        spoke: dict[Scope, set[str]] = defaultdict(set)
        scopes = sorted({scope for found in self._scopes.get(table, {}).values() for scope in found})
        names = [(name,) for name, one in self._news.items() if table in one.tables]
        if scopes and names:
            engine = self.asker.engine
            engine.put("moved_scopes", {"source": "string", "scope": "string"}, scopes)
            engine.put("moved_imports", {"import_id": "string"}, names)
            engine.view("moved_raw", self.asker.ledger.files(table), stored_columns(table))
            rows = engine.run(
                "SELECT DISTINCT r.source, r.scope, r.import_id FROM moved_raw r JOIN moved_imports i ON i.import_id = r.import_id "
                "JOIN moved_scopes s ON s.source = r.source AND s.scope = r.scope"
            )
            for source, scope, name in rows:
                spoke[source, scope].add(name)
        self._spoke[table] = spoke

    def _behind(self, table: str, row: Row) -> list[Scope]:
        """The scopes a row's origin is of; of several those that are most like it."""
        found = self._scopes.get(table, {}).get(str(row["origin"]), {})
        alike = {scope: sum(str(row.get(name)) == str(value) for name, value in named.items()) for scope, named in found.items()}
        return [scope for scope, count in alike.items() if count == max(alike.values())]
