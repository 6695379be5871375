"""Several askers of one process over one ledger, as the dashboard has them: facts that both build at once come out whole, and answers are equal."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from fari.company import load
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import parse
from fari.ledger.store import Ledger

ROUNDS, ASKERS = 2, 3


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_askers_in_threads_build_the_same_facts_at_once(demo: Path, tmp_path: Path, turn: int) -> None:
    shutil.copytree(demo, tmp_path / "own", ignore=shutil.ignore_patterns("facts"))
    ledger = Ledger(tmp_path / "own", load(tmp_path / "own"))
    ledger.open()
    question = Question((), (parse("2026-08"), parse("2026-09")), ("channel",))
    together = Barrier(ASKERS)

    def ask(_: int) -> list[Answer]:
        own = Asker(ledger)
        together.wait()
        return own.ask(question)

    with ThreadPoolExecutor(ASKERS) as pool:
        first, *others = pool.map(ask, range(ASKERS))
    assert first
    assert all(other == first for other in others)
