"""A second reading of the definitions against the command line, from files to answers."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.commands import Fari
from tests.second_reading.acts import Story
from tests.second_reading.check import bring, compare, differences
from tests.second_reading.measures import Measures
from tests.second_reading.money import Money


@pytest.mark.parametrize("seed", [2, 3])
def test_the_command_line_says_what_a_second_reader_computes(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2: Rome, a fiscal year from April, `--replace`. 3: New York, one from October, scoring, `--append`, `undo`, `--recorded`."""
    made, fari = Story(seed).company(), Fari(capsys, tmp_path)
    bring(made, tmp_path, fari)
    assert differences(made, fari) == []


def test_a_difference_would_be_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, fari = Story(2).company(), Fari(capsys, tmp_path)
    bring(made, tmp_path, fari)
    known = made.ledger.known()
    dearer = [{**row, "amount": "123456.78"} for row in known.rows["subscriptions"]]
    other = Measures(Money(replace(known, rows={**known.rows, "subscriptions": dearer}), made.toml))
    whole = ("--from", f"{made.start:%Y-%m}", "--to", f"{made.end:%Y-%m}", "--grain", "total")
    assert any(line.startswith("mrr ") for line in compare(other, fari, ["mrr", "visitors"], whole))
