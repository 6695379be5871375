"""The documentation says what there is: every metric, fact, source, ledger table, command and option has its place, and nothing else has one."""

import re
import shlex
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from fari.engine.graph import catalogue
from fari.ledger.schema import TABLES
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import Measure
from fari.sources import segment
from fari.sources.importing import vendors
from fari.surfaces.cli import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GOLDEN = DOCS / "golden"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]


def written() -> ModuleType:
    """`scripts/docs.py`, which writes pages from the code."""
    spec = spec_from_file_location("fari_docs", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(name: str) -> str:
    """A page of the documentation."""
    return (DOCS / name).read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """The sections of a page by heading (##)."""
    titles = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip((title.strip() for title in titles[1::2]), titles[2::2], strict=True))


@pytest.mark.parametrize("name", ["metrics.md", "facts.md"])
def test_a_page_written_from_the_code_is_fresh(name: str) -> None:
    assert text(name) == written().PAGES[name](), f"docs/{name} is stale: run scripts/docs"


def test_every_metric_has_a_heading() -> None:
    headings = re.findall(r"^### (.+)$", text("metrics.md"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(METRICS)


def test_every_fact_that_a_metric_is_summed_over_is_told_of() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", text("facts.md"), flags=re.MULTILINE))
    assert {metric.fact for metric in METRICS.values() if isinstance(metric, Measure)} - {"levels"} <= told
    assert told & set(catalogue())


def test_every_source_has_its_section_and_no_other() -> None:
    assert sorted(sections(text("sources.md"))) == sorted(["Your own tables", segment.NAME, *vendors()])


@pytest.mark.parametrize("name", [segment.NAME, *vendors()])
def test_a_sources_section_says_what_it_fills(name: str) -> None:
    filled = re.search(r"^Fills (.+)\.$", sections(text("sources.md"))[name], flags=re.MULTILINE)
    assert filled is not None
    assert set(re.findall(r"`(\w+)`", filled.group(1))) <= set(TABLES)


def test_every_contract_table_is_listed_with_its_columns_and_what_is_required() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`.+?) \|", sections(text("sources.md"))["Your own tables"], flags=re.MULTILINE))
    for table in TABLES.values():
        if table.name == "events":
            continue  # they are messages: section segment
        listed = re.findall(r"`(\w+)`(\*?)", rows.pop(table.name))
        assert [name for name, _ in listed] == [column.name for column in table.columns]
        either = {"person_id"} if table.name == "feedback" else set()  # `account_id` or `person_id`
        assert {name for name, star in listed if star} - either == {column.name for column in table.columns if column.required}
    assert not rows


# The command line ---------------------------------------------------------------------------------------------------------

GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = {name: command for name, command in GROUP.commands.items() if not command.hidden}


def options(command: Any) -> set[str]:
    """The options of a command and of those below it, by all their names."""
    every = [*command.params, *(one for below in getattr(command, "commands", {}).values() for one in below.params)]
    shown = (one for one in every if one.param_type_name == "option" and not one.hidden and "--help" not in one.opts)
    return {name for one in shown for name in (*one.opts, *one.secondary_opts)}


def test_every_command_has_its_section() -> None:
    assert {f"fari {name}" for name in COMMANDS} <= set(sections(text("cli.md")))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_of_and_only_those_there_are(name: str) -> None:
    section = sections(text("cli.md"))[f"fari {name}"]
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section))
    assert {one for one in options(COMMANDS[name]) if one.startswith("--")} <= told
    every = set().union(*(options(command) for command in COMMANDS.values()))
    assert {one for one in told if one.startswith("--")} <= every


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command in the documentation's examples: the page, and its words."""
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"(\.venv/bin/)?fari ", line):
                    yield page.name, shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize(("page", "words"), [*commands()], ids=lambda one: one if isinstance(one, str) else " ".join(one))
def test_an_example_can_be_typed(page: str, words: list[str]) -> None:
    if words[0] == "-C":
        words = words[2:]
    name, *rest = words
    assert name in COMMANDS
    flags = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert flags <= options(COMMANDS[name])
    if name in ("metrics", "explain"):
        asked = [word for word in rest[: next((n for n, word in enumerate(rest) if word.startswith("-")), len(rest))] if not word[0].isdigit()]
        assert set(asked) <= set(METRICS)
    for flag, value in pairwise(rest):
        if flag == "--by":
            assert set(value.split(",")) <= set(DIMENSIONS)


# What pages say of one another ------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", text("index.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} == linked


OUR_OWN = {"charts", "sources", "sql"}
"""Golden files that were made for this project."""


def test_files_of_others_have_their_origin_and_licence_beside_them() -> None:
    for folder in (ROOT / "tests" / "golden").iterdir():
        if folder.is_dir() and folder.name not in OUR_OWN:
            readme = (folder / "README.md").read_text(encoding="utf-8")
            assert re.search(r"@[0-9a-f]{7}\b|commit\s+`[0-9a-f]{7}`", readme), f"{folder.name} names no commit"
            assert re.search(r"Apache License|MIT|CC0", readme), f"{folder.name} names no licence"
            assert not [file.name for file in folder.iterdir() if file.suffix in (".csv", ".gz", ".json", ".yml") and not named(file.name, readme)]


@pytest.mark.parametrize("folder", [one for one in sorted(GOLDEN.iterdir()) if one.is_dir()], ids=lambda folder: folder.name)
def test_a_golden_case_tells_of_itself_and_is_in_the_suites_table(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"({folder.name}/README.md)" in (GOLDEN / "README.md").read_text(encoding="utf-8")
    assert not [file.name for file in folder.glob("*.csv") if f"`{file.name}`" not in readme]


def test_the_suite_names_tests_that_there_are() -> None:
    for page in GOLDEN.glob("**/README.md"):
        for name in re.findall(r"`(tests/\w+\.py)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), name


def test_each_case_of_revenue_has_its_test_and_each_test_its_case() -> None:
    told = re.findall(r"^\| (\d+) \| .* \| `test_(\d\d)_…` \|$", (GOLDEN / "revenue" / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [int(number) for number, _ in told] == [int(held) for _, held in told] == list(range(1, 35))
    written = re.findall(r"^def test_(\d\d)_", (ROOT / "tests" / "test_revenue_cases.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {held for _, held in told} == set(written)


def named(file: str, readme: str) -> bool:
    """Whether a README speaks of a file, or of its family (`expected_…`)."""
    return file in readme or (file.startswith("expected_") and "`expected_…`" in readme)
