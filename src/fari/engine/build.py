"""Facts built where their inputs changed, and only there: a fact's path is a digest of everything it was made from.

A fact is a public function of a module of fari.facts: its name is the fact's, its parameters are its inputs (ledger tables,
marks, other facts, or the small given tables below). So the graph is the code; it is read from the source, without importing Ibis.
"""

import ast
import hashlib
import importlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import fari.facts
import fari.marks
from fari.engine.periods import add_months, number
from fari.ledger.schema import TABLES
from fari.ledger.store import Import, Ledger, current_sql, stored_columns
from fari.marks.tables import IDENTITY, SCHEMAS

PARTED = frozenset(
    "page_views cut_views visit_starts landings touches visit_days visits open_visits visitor_periods visitor_contents "
    "user_agents agents page_paths contents identify_pairs signup_events acted devices_here persons_here internals_here".split()
)
"""Built part by part, as their events are."""
INLINE = frozenset({"page_views"})
"""Never stored: what reads it takes its expression in."""
PASSING = frozenset({"cut_views", "visit_starts", "landings"})
"""Needed while others are built, then removed."""
BY_CONTENT = frozenset({"open_visits", "devices_here", "persons_here", "internals_here"})
"""Known to their readers by what is in them, so that a change that does not reach a part does not rebuild it."""
ASKED = {"agents": "user_agents", "contents": "page_paths", "touches": "landings", "worth": "acted"}
"""Which distinct values each mark judges."""
ASKED_OF_IDENTITY = ("identify_pairs", "shared_devices", "alias_targets", "contact_ids", "alias_rows", "used_ids")
ONE_PART = 3_000_000
"""Up to this many events a history is built as one part; a larger one month by month."""
KEPT_SECONDS = 86_400
RANKS = {"lead": 1, "mql": 2, "sql": 3, "opportunity": 4, "customer": 5}
GIVEN: dict[str, dict[str, str]] = {
    "home": {"home_currency": "string"},
    "horizon": {"horizon_day": "int32"},
    "ranks": {"stage": "string", "stage_rank": "int64"},
    "signup_names": {"signup_name": "string"},
    "thresholds": {"rank": "int64", "threshold": "decimal(18,6)"},
    "calendar": {"calendar_day": "int32", "grain": "string", "period_day": "int32"},
    "calendar_days": {"one_day": "int32"},
    "months": {"calendar_month": "int32", "first_day": "int32", "days": "int32"},
    "part": {"first_day": "int32", "until_day": "int32"},
}
"""Small tables given to the facts: the company's rules and the calendar as data."""
_IBIS = {"VARCHAR": "string", "BIGINT": "int64", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp", "INTEGER": "int32"}


@cache
def catalogue() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every fact: (module, inputs), read from the source of fari.facts."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    folder = Path(fari.facts.__path__[0])
    for path in sorted(folder.glob("*.py")):
        if path.stem in ("periodic", "words"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name] = (f"fari.facts.{path.stem}", tuple(a.arg for a in node.args.args))
    return found


@cache
def code_digest() -> str:
    """A digest of all code that decides what facts hold."""
    digest = hashlib.sha256()
    for folder in (fari.facts.__path__[0], fari.marks.__path__[0], str(Path(__file__).parent)):
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".csv", ".toml") and (folder != str(Path(__file__).parent) or path.name == "build.py"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Part:
    """Some whole local months of events; `months` empty means all."""

    name: str
    months: tuple[int, ...]
    first_day: int
    until_day: int
    last: bool


@dataclass
class Builder:
    """Builds the facts of one state of the ledger (what is visible as of a day) with one engine."""

    ledger: Ledger
    engine: Any
    seen: Sequence[Import]
    horizon: date | None
    since: date | None
    customer_from: str
    progress: Callable[[str], None] = lambda _: None
    used: set[Path] = field(default_factory=set)
    passing: set[Path] = field(default_factory=set)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)
    _viewed: dict[str, str] = field(default_factory=dict)
    _schemas: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Where facts are kept."""
        return self.ledger.folder / "facts"

    def files(self, name: str) -> list[str]:
        """The Parquet files of a fact, built first where they are not there."""
        paths = [self._ensure(name, part) for part in self._parts_of(name)]
        return [str(path) for path in paths]

    def table(self, name: str) -> str:
        """The engine's view of a ledger table's current rows."""
        return str(self._table(name, None).get_name())

    def finish(self) -> None:
        """Remove what was only needed on the way, and facts that nothing has used for a day."""
        for path in self.passing:
            _remove(path)
        self.passing.clear()
        if not self.root.is_dir():
            return
        old = time.time() - KEPT_SECONDS  # noqa: FARI - a file's age, not a date of the company
        for path in self.root.glob("*/*.parquet"):
            if path not in self.used and path.stat().st_mtime < old:
                _remove(path)

    def digest(self, name: str) -> str:
        """A digest of everything a fact is made from."""
        return _digest([self._digest_of(name, part) for part in self._parts_of(name)])

    # The graph -----------------------------------------------------------------------------------------------------------

    def _resolve(self, name: str) -> str:
        if name == "account_levels":
            return {"subscriptions": "subscription_levels", "deals": "won_levels", "stages": "stage_levels"}[self.customer_from]
        return name

    def _inputs(self, name: str) -> tuple[str, ...]:
        name = self._resolve(name)
        if name in ASKED:
            return (ASKED[name],)
        if name in IDENTITY:
            return ASKED_OF_IDENTITY
        return catalogue()[name][1]

    @property
    def parts(self) -> list[Part]:
        """The parts of the events, in order."""
        if not hasattr(self, "_parts"):
            self._parts = self._cut()
        return self._parts

    def _cut(self) -> list[Part]:
        counted = [i.tables["events"] for i in self.seen if "events" in i.tables]
        months = sorted({month for one in counted for month in one["months"]})
        if not months or sum(one["rows"] for one in counted) <= ONE_PART:
            return [Part("all", (), -1_000_000, 1_000_000, True)]
        parts = []
        for month in months:
            first = date(month // 100, month % 100, 1)
            parts.append(Part(str(month), (month,), number(first), number(add_months(first, 1)), month == months[-1]))
        return parts

    def _parts_of(self, name: str) -> list[Part | None]:
        return list(self.parts) if self._resolve(name) in PARTED else [None]

    def _before(self, part: Part) -> Part | None:
        place = self.parts.index(part)
        return self.parts[place - 1] if place else None

    # Digests -------------------------------------------------------------------------------------------------------------

    def _digest_of(self, name: str, part: Part | None) -> str:
        key = (name, part.name if part else "")
        if key not in self._digests:
            self._digests[key] = self._made_from(name, part)
        return self._digests[key]

    def _made_from(self, name: str, part: Part | None) -> str:
        if name in TABLES:
            return self._digest_of_table(name, part)
        if name in GIVEN:
            return _digest(name, self._given(name, part))
        if name.endswith("_before") and name.removesuffix("_before") in PARTED:
            earlier = self._before(part) if part else None
            return self._seen_as(name.removesuffix("_before"), earlier) if earlier else "none"
        rules: object = ""
        resolved = self._resolve(name)
        company = self.ledger.company
        if resolved in ("contents", "worth"):
            rules = [company.content, company.scoring]
        elif resolved == "touches":
            rules = [company.channels, company.hosts]
        elif resolved in IDENTITY:
            rules = company.match_domains
        return _digest(resolved, code_digest(), self.engine.dialect, rules, [self._digest_of_input(i, resolved, part) for i in self._inputs(name)])

    def _digest_of_input(self, name: str, reader: str, part: Part | None) -> str:
        name = self._given_name(name)
        if name in TABLES or name in GIVEN or name.endswith("_before"):
            return self._digest_of(name, part if reader in PARTED else None)
        if name in PARTED:
            if reader in PARTED:
                return self._seen_as(name, part)
            return _digest([self._seen_as(name, each) for each in self.parts])
        return self._digest_of(name, None)

    def _given_name(self, name: str) -> str:
        if self.customer_from == "stages" and name == "members":
            return "own_members"
        if name.endswith("_here") and len(self.parts) == 1:
            return name.removesuffix("_here")
        return name

    def _seen_as(self, name: str, part: Part | None) -> str:
        """How readers know a fact: by what it was made from, or by what is in it."""
        if name not in BY_CONTENT or len(self.parts) == 1:
            return self._digest_of(name, part)
        path = self._ensure(name, part)
        note = path.with_suffix(".content")
        if not note.exists():
            self.engine.view("whole", [str(path)], {})
            rows = sorted(map(repr, self.engine.run("SELECT * FROM whole")))
            note.write_text(_digest(rows))
        return note.read_text()

    def _digest_of_table(self, name: str, part: Part | None) -> str:
        months = set(part.months) if part and part.months else None
        ids = [
            [i.import_id, i.seq]
            for i in self.seen
            if name in i.tables and (months is None or name != "events" or months & set(i.tables[name]["months"]))
        ]
        # The order of versions counts, the numbers they have by other tables' imports do not.
        return _digest(name, [i for i, _ in ids], stored_columns(name))

    # Building ------------------------------------------------------------------------------------------------------------

    def _path(self, name: str, part: Part | None) -> Path:
        resolved = self._resolve(name)
        folder = f"{resolved}-{part.name}" if part and part.name != "all" else resolved
        return self.root / folder / f"{self._digest_of(name, part)}.parquet"

    def _ensure(self, name: str, part: Part | None) -> Path:
        path = self._path(name, part)
        self.used.add(path)
        if not path.exists():
            resolved = self._resolve(name)
            self.progress(f"building {resolved}{' ' + part.name if part and part.name != 'all' else ''}")
            if resolved in ASKED or resolved in IDENTITY:
                self._judge(resolved, part)
            else:
                import ibis

                expression = self._expression(resolved, part)
                schema = {name: str(kind).removeprefix("!") for name, kind in expression.schema().items()}
                self.engine.build(str(ibis.to_sql(expression, dialect=self.engine.dialect)), path, schema)
            if resolved in PASSING:
                self.passing.add(path)
        return path

    def _expression(self, name: str, part: Part | None) -> Any:
        module, inputs = catalogue()[name]
        function = getattr(importlib.import_module(module), name)
        return function(*(self._input(i, name, part) for i in inputs))

    def _input(self, name: str, reader: str, part: Part | None) -> Any:
        """An input as an unbound Ibis table, whose name is a view of the engine."""
        name = self._given_name(name)
        here = part if reader in PARTED else None
        if name in INLINE:
            return self._expression(name, part)
        if name.endswith("_before") and name.removesuffix("_before") in PARTED:
            own = name.removesuffix("_before")
            earlier = self._before(here) if here else None
            if earlier is None:
                return self._empty_before(own)
            return self._bound(own, [self._ensure(own, earlier)], f"{own}_{earlier.name}")
        if name in TABLES:
            return self._table(name, here)
        if name in GIVEN:
            view = f"given_{name}_{here.name if here else 'all'}"
            if view not in self._viewed:
                self.engine.put(view, GIVEN[name], self._given(name, here))
                self._viewed[view] = name
            return _unbound(view, GIVEN[name])
        if name in PARTED:
            if here is not None:
                return self._bound(name, [self._ensure(name, here)], f"{name}_{here.name}")
            return self._bound(name, [self._ensure(name, each) for each in self.parts], f"{name}_every")
        return self._bound(name, [self._ensure(name, None)], self._resolve(name))

    def _bound(self, name: str, paths: Sequence[Path], view: str) -> Any:
        listed = [str(path) for path in paths]
        key = _digest(listed)
        if self._viewed.get(view) != key:
            self.engine.view(view, listed, {})
            self._viewed[view] = key
            self._schemas[view] = SCHEMAS.get(name) or self.engine.schema(listed)
        return _unbound(view, self._schemas[view])

    def _empty_before(self, name: str) -> Any:
        schema = EMPTY[name]
        view = f"no_{name}"
        if view not in self._viewed:
            self.engine.put(view, schema, [])
            self._viewed[view] = view
        return _unbound(view, schema)

    def _table(self, name: str, part: Part | None) -> Any:
        suffix = part.name if part and name == "events" else "all"
        view = f"{name}_{suffix}"
        if view not in self._viewed:
            ids = [i for i in self.seen if name in i.tables]
            self.engine.put("seen", {"import_id": "string", "seq": "int64"}, [(i.import_id, i.seq) for i in ids])
            months = list(part.months) if part and part.months and name == "events" else None
            files = self.ledger.files(name, months) if ids else []
            if name == "events":
                # The seen imports differ from table to table, and a view reads them later: its own copy.
                self.engine.put(f"seen_{view}", {"import_id": "string", "seq": "int64"}, [(i.import_id, i.seq) for i in ids])
                self.engine.view(f"raw_{view}", files, stored_columns(name))
                sql = current_sql(name).replace("raw_events", f"raw_{view}").replace("JOIN seen s", f"JOIN seen_{view} s")
                if not any(i.tables[name].get("withdrawn") for i in ids):
                    sql = sql.partition(" AND NOT EXISTS")[0]
                self.engine.named(view, sql)
            else:
                path = self.root / name / f"{self._digest_of_table(name, None)}.parquet"
                self.used.add(path)
                if not path.exists():
                    self.engine.view(f"raw_{name}", files, stored_columns(name))
                    self.engine.named(view, current_sql(name))
                    self.engine.build(f"SELECT * FROM {view}", path, _columns_of(name))
                self.engine.view(view, [str(path)], stored_columns(name))
            self._viewed[view] = name
        return _unbound(view, _columns_of(name))

    def _judge(self, name: str, part: Part | None) -> None:
        if name in IDENTITY:
            from fari.marks.identity import identity

            answers = [self._rows(asked, name, None) for asked in ASKED_OF_IDENTITY]
            for made, rows in identity(self.ledger.company, *answers).items():  # type: ignore[arg-type]
                self._write(made, self._path(made, None), rows)
            return
        import fari.marks.tables as tables

        rows = getattr(tables, name)(self.ledger.company, self._rows(ASKED[name], name, part))
        self._write(name, self._path(name, part), rows)

    def _rows(self, name: str, reader: str, part: Part | None) -> list[tuple[Any, ...]]:
        """What a mark is asked about. It need not be kept, so it is only kept where it is parted and may be asked again."""
        import ibis

        if name in PARTED and reader not in PARTED:
            parts: list[Part | None] = list(self.parts)
        else:
            parts = [part]
        found: dict[tuple[Any, ...], None] = {}
        for each in parts:
            expression = self._input(name, reader, each) if name in PASSING or len(self.parts) > 1 and name in PARTED else self._expression(name, each)
            if name in PARTED and len(self.parts) > 1 and name not in PASSING:
                expression = self._bound(name, [self._ensure(name, each)], f"{name}_{each.name if each else 'all'}")
            found.update(dict.fromkeys(self.engine.run(str(ibis.to_sql(expression, dialect=self.engine.dialect)))))
        return list(found)

    def _write(self, name: str, path: Path, rows: Iterable[Sequence[Any]]) -> None:
        self.used.add(path)
        self.engine.put("judged", SCHEMAS[name], list(rows))
        self.engine.build("SELECT * FROM judged", path, SCHEMAS[name])

    # The given tables ----------------------------------------------------------------------------------------------------

    def _given(self, name: str, part: Part | None) -> list[tuple[Any, ...]]:
        company = self.ledger.company
        if name == "home":
            return [(company.currency,)]
        if name == "horizon":
            return [(number(self.horizon) if self.horizon else -1_000_000,)]
        if name == "ranks":
            return list(RANKS.items())
        if name == "signup_names":
            return [(event,) for event in company.signup_events]
        if name == "thresholds":
            scoring = company.scoring
            return [(RANKS[s], getattr(scoring, s)) for s in ("lead", "mql", "sql") if getattr(scoring, s) is not None]
        if name == "part":
            return [(part.first_day, part.until_day)] if part else [(-1_000_000, 1_000_000)]
        since, until = self._span()
        if name == "calendar_days":
            return [(day,) for day in range(number(since), number(until))]
        if name == "months":
            rows, first = [], since
            while first < until:
                after = add_months(first, 1)
                # Months are numbered as facts number them: 12 × year + month.
                rows.append((first.year * 12 + first.month, number(first), number(after) - number(first)))
                first = after
            return rows
        return self._calendar(since, until, part)

    def _span(self) -> tuple[date, date]:
        """Whole years around all data and one more for what is due: it changes once a year, so that facts need not."""
        first = self.since or date(2000, 1, 1)
        last = self.horizon or first
        return date(first.year - 1, 1, 1), date(last.year + 3, 1, 1)

    def _calendar(self, since: date, until: date, part: Part | None) -> list[tuple[int, str, int]]:
        from fari.engine.periods import day_of

        rows: list[tuple[int, str, int]] = []
        begin, end = number(since), number(until)
        whole = part is None or part.name == "all"
        if part is not None and not whole:
            begin, end = part.first_day - 6, part.until_day
        for day in range(begin, end):
            one = day_of(day)
            if whole or (part is not None and day >= part.first_day):
                rows.append((day, "day", day))
                rows.append((day, "month", number(one.replace(day=1))))
            monday = day - one.weekday()
            # A week is the part's in which it ends, or the last part's while it has not ended.
            if whole or (part is not None and (part.first_day <= monday + 6 < part.until_day or (part.last and monday + 6 >= part.until_day))):
                rows.append((day, "week", monday))
        return rows


def _columns_of(table: str) -> dict[str, str]:
    """A ledger table's columns by Ibis type names."""
    return {column: _IBIS.get(kind, kind.lower()) for column, kind in stored_columns(table).items()}


def _remove(path: Path) -> None:
    """A fact is one file, or a folder of files where a cluster wrote it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


EMPTY: dict[str, dict[str, str]] = {
    "open_visits": {
        "visitor": "string", "kind": "string", "at": "timestamp", "day": "int32", "visit_id": "string", "country": "string", "device": "string",
        **dict.fromkeys(("host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "click_ids"), "string"),
        "origin": "string", "started_at": "timestamp", "started_day": "int32",
    },
    "visit_days": {
        "kind": "string", "visitor": "string", "visit_id": "string", "day": "int32", "content": "string", "views": "int64", "channel": "string",
        "rule": "string", "campaign": "string", "country": "string", "device": "string", "started_at": "timestamp", "origin": "string",
    },
}  # fmt: skip
"""Columns of what comes from the part before, for the first part, which has none."""


def _unbound(name: str, schema: dict[str, str]) -> Any:
    import ibis

    return ibis.table({column: kind for column, kind in schema.items()}, name=name)
