"""Worked examples that vendors have published, each computed under the rules it was published by: docs/golden/vendor-examples."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from pathlib import Path

import pytest
from tests.projects import TODAY, company

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import parse
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.rules import named
from fari.sources.importing import import_files

EXAMPLES = Path(__file__).parent.parent / "docs" / "golden" / "vendor-examples"
Row = dict[str, str]


def expected() -> list[Row]:
    """The published table."""
    with (EXAMPLES / "expected.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cases() -> Iterator[tuple[str, list[Row]]]:
    """Each case with the figures that are expected of its book."""
    for case, rows in groupby(expected(), lambda row: row["case"]):
        yield case, list(rows)


@pytest.mark.parametrize(("case", "rows"), list(cases()), ids=lambda one: one if isinstance(one, str) else "")
def test_the_examples_figures(case: str, rows: list[Row], tmp_path: Path) -> None:
    (margin,) = {row["gross_margin"] for row in rows}
    whose = replace(company(currency="USD"), gross_margin=Decimal(margin or 1))
    ledger = Ledger(tmp_path, whose)
    covers = (date(2024, 1, 1), date(2026, 1, 1))
    for report in import_files(ledger, sorted((EXAMPLES / case).glob("*.csv")), How(TODAY, datetime(2026, 1, 15, tzinfo=UTC)), covers=covers):
        assert not report.problems, report.problems
    asker = Asker(ledger)
    for row in rows:
        by, _, segment = row["segment"].partition("=")
        where = ((by, (segment,)),) if by else ()
        (answer,) = asker.ask(Question((row["metric"],), (parse(row["period"]),), where=where, rules=named(row["rules"])))
        assert answer.value is not None, row
        assert Decimal(answer.value).quantize(Decimal(1).scaleb(-int(row["places"])), ROUND_HALF_UP) == Decimal(row["expected"]), row


def test_every_example_has_its_book_and_its_source_and_says_where_it_departs_from_what_was_printed() -> None:
    rows = expected()
    assert {row["case"] for row in rows} == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    for row in rows:
        assert row["source"], row
        printed = row["published"].replace(",", "")
        if printed:
            value = Decimal(printed.rstrip("%")) / (100 if printed.endswith("%") else 1)
            assert value == Decimal(row["expected"]) or "another rule" in row["note"], row
