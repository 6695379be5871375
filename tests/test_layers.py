"""The way of the data is one way: no module imports upwards, sources do not know each other, only surfaces read the clock."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"

RANKS = {
    "fari": 0,  # the package itself: its version
    "fari.errors": 0,
    "fari.rules": 1,
    "fari.company": 2,
    "fari.ledger": 3,
    "fari.sources": 4,
    "fari.marks": 4,
    "fari.facts": 5,
    "fari.metrics": 6,
    "fari.engine": 7,
    "fari.insight": 8,
    "fari.sample": 8,  # the company that the examples of fari.metrics are asked of
    "fari.demo": 8,
    "fari.surfaces": 9,
    "fari.__main__": 10,
}
"""A module may import its own package and those of a lower rank. Equals do not know each other."""

CHOOSES_THE_SOURCE = "fari.sources.importing"
"""The only module that knows every source. A source is a module with `recognises`; what several of them share has none."""

KNOWN_TO_DEMO = {"fari.errors", "fari.demo", "duckdb"}
UNKNOWN_TO_METRICS = {"fari.engine", "duckdb", "deltalake", "sqlglot"}
"""Measures are expressions: they know of no engine and of no storage."""

CLOCKS = {
    *("datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "ibis.now", "ibis.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
}
"""What reads the clock. `time.monotonic` and `time.perf_counter` measure how long something took, and are allowed."""

CLOCKS_IN_SQL = re.compile(r"\b(current_(date|time|timestamp)\b|local(time|timestamp)\b|get_current_time\w*\(|(now|today)\(\))", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    """One module of Fari, parsed."""

    name: str
    """As it is imported: `fari.ledger.store`."""
    tree: ast.Module
    is_package: bool = False

    @property
    def is_source(self) -> bool:
        """Whether it reads one vendor's format."""
        return self.name.startswith("fari.sources.") and any(
            isinstance(node, ast.FunctionDef) and node.name == "recognises" for node in self.tree.body
        )

    @property
    def package(self) -> str:
        """The part of the house it belongs to: `fari.ledger`."""
        return part_of(self.name)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported anywhere in it, inside functions too; `from fari import ledger` is `fari.ledger`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield node.lineno, base if base == "fari" and inner not in RANKS else inner

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        home = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        home = home[: len(home) - node.level + 1]
        return ".".join([*home, node.module] if node.module else home)

    def clock_readings(self) -> Iterator[tuple[int, str]]:
        """Line and name of every use of a clock, under whatever name it was imported, in SQL too."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        prose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in prose
                and (word := CLOCKS_IN_SQL.search(node.value))
            ):
                yield node.lineno, word.group()
            if isinstance(node, ast.Attribute | ast.Name):
                path = ast.unparse(node).split(".")
                name = ".".join([names.get(path[0], path[0]), *path[1:]])
                if name in CLOCKS:
                    yield node.lineno, name


def part_of(name: str) -> str:
    """The ranked part of the house that a module belongs to, or "" for a third party's.

    >>> part_of("fari.ledger.store"), part_of("fari.errors"), part_of("fari"), part_of("duckdb")
    ('fari.ledger', 'fari.errors', 'fari', '')
    """
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "fari" else ""


def modules(root: Path, pattern: str) -> list[Module]:
    """Every module below `root` whose path matches."""
    found = []
    for path in sorted(root.glob(pattern)):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found.append(Module(name, ast.parse(path.read_text(encoding="utf-8"), str(path)), is_package))
    return found


def within(name: str, allowed: set[str]) -> bool:
    """Whether a name is one of those allowed, or lies inside one."""
    return any(name == known or name.startswith(f"{known}.") for known in allowed)


MODULES = modules(SRC, "fari/**/*.py")
SOURCES = {module.name for module in MODULES if module.is_source}


def complaints(module: Module, sources: set[str] = SOURCES) -> list[str]:
    """Everything in a module that goes against the way of the data."""
    found = []
    own = RANKS.get(module.package)
    if own is None:
        return [f"{module.name} has no rank: say in RANKS where it stands"]
    for line, name in module.imports():
        part = part_of(name)
        where = f"{module.name}:{line} imports {name}"
        if part and part != module.package:
            rank = RANKS.get(part)
            if rank is None:
                found.append(f"{where}, which has no rank")
            elif rank > own:
                found.append(f"{where}: upwards")
            elif rank == own:
                found.append(f"{where}: sideways")
        if part == "fari" and module.package != "fari.surfaces":
            found.append(f"{where}: name the module that is meant")
        if module.package == "fari.sources" and module.name != CHOOSES_THE_SOURCE and within(name, sources):
            found.append(f"{where}: sources do not know each other; what they share goes into a module of its own")
        if module.package == "fari.demo" and not within(name, KNOWN_TO_DEMO) and name.split(".")[0] not in sys.stdlib_module_names:
            found.append(f"{where}: the demo's data are made without the house, so that they can test it")
        if module.package == "fari.metrics" and within(name, UNKNOWN_TO_METRICS):
            found.append(f"{where}: a metric knows no engine and no storage")
    if module.package != "fari.surfaces":
        found += [f"{module.name}:{line} reads the clock ({name}): let the surface pass the time in" for line, name in module.clock_readings()]
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_module_keeps_to_its_layer(module: Module) -> None:
    assert complaints(module) == []


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("fari.ledger.store", "import fari.engine", "upwards"),
        ("fari.ledger.store", "def f():\n    from fari.sources import stripe", "upwards"),
        ("fari.ledger.store", "from ..engine import question", "upwards"),
        ("fari.ledger.store", "from fari import surfaces", "upwards"),
        ("fari.errors", "from fari.company import Company", "upwards"),
        ("fari.marks.bots", "from fari.sources.address import host_of", "sideways"),
        ("fari.demo.company", "from fari.errors import FariError\nfrom fari.ledger import schema", "without the house"),
        ("fari.demo.company", "import ibis", "without the house"),
        ("fari.sources.stripe", "from fari.sources import hubspot", "do not know each other"),
        ("fari.sources.stripe", "from . import file, hubspot", "do not know each other"),
        ("fari.sources.columns", "from fari.sources.hubspot import recognises", "do not know each other"),
        ("fari.sources.stripe", "from fari.marks import bots", "sideways"),
        ("fari.metrics.revenue", "from fari.engine import ask", "no engine"),
        ("fari.metrics.revenue", "import duckdb", "no engine"),
        ("fari.gadgets", "", "has no rank"),
        ("fari.facts.visits", "from fari.gadgets import gadget", "no rank"),
        ("fari.ledger.store", "from datetime import datetime as dt\ndt.now(UTC)", "reads the clock"),
        ("fari.ledger.store", "import datetime as d\ntoday = d.date.today", "reads the clock"),
        ("fari.ledger.store", "def f():\n    import time\n    return time.time()", "reads the clock"),
        ("fari.facts.visits", "import ibis\nibis.now()", "reads the clock"),
        ("fari.facts.visits", "sql = f'SELECT * FROM {table} WHERE day < CURRENT_DATE'", "reads the clock"),
        ("fari.ledger.store", "from time import time as now\nnow()", "reads the clock"),
    ],
)
def test_a_breach_is_found(name: str, source: str, complaint: str) -> None:
    assert [text for text in complaints(Module(name, ast.parse(source)), {"fari.sources.hubspot", "fari.sources.stripe"}) if complaint in text]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("fari.company", "from fari.errors import FariError"),
        (
            "fari.sources.stripe",
            "import csv\nimport duckdb\nfrom fari.ledger import schema\nfrom fari.sources.record import Row\nfrom .file import File",
        ),
        ("fari.metrics.revenue", "import ibis\nfrom fari.facts import levels\nfrom fari.metrics.measure import Measure"),
        ("fari.facts.visits", "'A docstring may say now().'"),
        ("fari.engine.ask", "from time import monotonic, perf_counter\nmonotonic()"),
        ("fari.surfaces.cli", "from datetime import date\nfrom fari import __version__\nfrom fari.demo import company\ndate.today()"),
        ("fari.demo.company", "import random\nimport duckdb\nfrom datetime import date\nfrom fari.demo import people\ndate(2025, 1, 1)"),
    ],
)
def test_what_is_allowed_passes(name: str, source: str) -> None:
    assert complaints(Module(name, ast.parse(source)), {"fari.sources.hubspot", "fari.sources.stripe"}) == []


def test_sources_are_recognised_as_such() -> None:
    reader = Module("fari.sources.hubspot", ast.parse("def recognises(file): ..."))
    helper = Module("fari.sources.columns", ast.parse("class Row: ..."))
    assert (reader.is_source, helper.is_source) == (True, False)
    assert SOURCES


@pytest.mark.parametrize("module", modules(ROOT, "tests/oracle/**/*.py"), ids=lambda module: module.name)
def test_oracle_does_not_know_what_it_checks(module: Module) -> None:
    # Channels of landings have golden files of their own; the oracle asks Fari for them, in this one place.
    allowed = {"fari.company", "fari.marks.channels"} if module.name == "tests.oracle.outside" else set()
    assert [name for _, name in module.imports() if part_of(name) and not within(name, allowed)] == []
