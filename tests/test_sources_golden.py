"""Every vendor source against its golden pair: the sample files in `golden/sources/<NAME>/` and the items expected of them.

`FARI_UPDATE_GOLDEN=1` writes `expected.jsonl` anew. A `fari.toml` in the folder is the company; else it is one in Rome.
"""

import importlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from fari.company import TOML, Company, load
from fari.ledger.schema import TABLES
from fari.sources.file import open_file
from fari.sources.importing import vendors
from fari.sources.record import Chunk, Item, Kept, Record

GOLDEN = Path(__file__).parent / "golden" / "sources"
EXPECTED = "expected.jsonl"
AT = 1_748_736_000
"""When objects that do not say are taken to have been exported: 1 June 2025."""
NAMES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def source(name: str) -> Any:
    """The module of that source."""
    return importlib.import_module(f"fari.sources.{name}")


def company(name: str) -> Company:
    """The company whose files they are."""
    return load(GOLDEN / name) if (GOLDEN / name / TOML).exists() else Company(timezone="Europe/Rome")


def samples(name: str) -> list[Path]:
    """The sample files of a source, in the order of their names."""
    return sorted(path for path in (GOLDEN / name).iterdir() if path.name not in (EXPECTED, TOML) and path.suffix != ".md")


def written(item: Item) -> dict[str, Any]:
    """An item as JSON. Columns without a value are left out."""
    kind = type(item).__name__
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    if isinstance(item, Record):
        values["values"] = {name: value for name, value in item.values.items() if value is not None}
    return {"item": kind, "file": "", **values}


def rows_of(chunk: Chunk) -> Iterator[Record]:
    """A chunk row by row, as it would be read one by one."""
    lines: Sequence[int | str] = chunk.lines
    for place, line in enumerate(lines):
        yield Record(chunk.table, line, {name: column[place] for name, column in chunk.columns.items()})


def worked_out(name: str, read: Sequence[Item], file: str) -> Iterator[Item]:
    """What the source works out from the objects of a file, account by account; those that speak for many come first."""
    kept = [replace(item, at=item.at or AT, file=file) for item in read if isinstance(item, Kept)]
    shared = [one for one in kept if not one.about]
    for account in dict.fromkeys(one.about for one in kept if one.about):
        # As the ledger hands them out: through JSON, oldest first.
        own = [replace(one, body=json.loads(json.dumps(one.body))) for one in kept if one.about == account]
        yield from source(name).derive([*shared, *sorted(own, key=lambda one: one.at or 0)], company(name))


def items(name: str) -> list[dict[str, Any]]:
    """Everything read of a source's samples, and what is wrong with the files themselves."""
    found: list[dict[str, Any]] = []
    for path in samples(name):
        file = open_file(path)
        read = [row for item in source(name).read(file, company(name)) for row in (rows_of(item) if isinstance(item, Chunk) else [item])]
        told = [*(item for item in read if not isinstance(item, Kept)), *worked_out(name, read, path.name)]
        found += [{**written(item), "file": path.name} for item in [*told, *file.damage]]
    return [json.loads(json.dumps(item, default=str)) for item in found]


@pytest.mark.parametrize("name", NAMES)
def test_items_are_those_expected(name: str) -> None:
    found = items(name)
    path = GOLDEN / name / EXPECTED
    if os.environ.get("FARI_UPDATE_GOLDEN") == "1":
        path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in found), encoding="utf-8")
    expected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        assert one == other, f"item {place + 1}"
    assert len(found) == len(expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_shows_rows_and_a_damaged_one(name: str) -> None:
    kinds = {(item["item"], item.get("refused")) for item in items(name)}
    assert ("Record", None) in kinds
    assert ("Problem", True) in kinds


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_recognised_by_its_own_source_alone(name: str) -> None:
    for path in samples(name):
        hits = [other for other in NAMES if source(other).recognises(open_file(path))]
        assert hits == [name], path.name


@pytest.mark.parametrize("name", NAMES)
def test_records_name_columns_of_the_ledger(name: str) -> None:
    for item in items(name):
        if item["item"] == "Record":
            assert set(item["values"]) <= {column.name for column in TABLES[item["table"]].columns}


def test_every_source_has_its_golden_pair() -> None:
    assert sorted(vendors()) == NAMES
    for name in NAMES:
        assert name == source(name).NAME
        assert source(name).LABEL
        assert samples(name)
