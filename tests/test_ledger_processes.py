"""Several processes at one ledger: none waits in vain, nothing is lost, and nobody ever sees half an import."""

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from tests.books import TODAY, Book, csv, current, noon

from fari.company import Company
from fari.engine.duck import DuckDB
from fari.errors import FariError
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

COMPANY = Company(timezone="Europe/Rome")
# The runtime of delta-rs does not survive a fork.
SPAWN = multiprocessing.get_context("spawn")
ROUNDS = 4
ROWS = 5


def spend(name: str, turn: int) -> str:
    return csv("day,amount,currency,platform,campaign", *(f"2025-01-0{row + 1},{turn},EUR,{name},{turn}" for row in range(ROWS)))


def people(name: str, turn: int) -> str:
    return csv("person_id,name", *(f"{name}-{turn}-{row},{name}" for row in range(ROWS)))


def write_rounds(folder: Path, name: str) -> None:
    """Import a pair of files of two tables per round, and in every round the pair that everybody imports."""
    ledger = Ledger(folder, COMPANY)
    for turn in range(ROUNDS):
        mine = folder / f"{name}-{turn}"
        mine.mkdir()
        paths = [mine / "spend.csv", mine / "people.csv"]
        paths[0].write_text(spend(name, turn))
        paths[1].write_text(people(name, turn))
        import_files(ledger, paths, How(TODAY, noon(TODAY)))
        import_files(ledger, [folder / "shared-spend.csv", folder / "shared-people.csv"], How(TODAY, noon(TODAY)))


def read_on(folder: Path, stop: Event, answers: "multiprocessing.Queue[tuple[int, list[str]]]") -> None:
    """Read in a loop; say how often, and everything that was half there."""
    ledger = Ledger(folder, COMPANY)
    reads, faults = 0, []
    while not stop.is_set():
        seen = {one.import_id for one in ledger.visible()}
        for table in ("spend", "people"):
            by_import: dict[str, int] = {}
            for (import_id,) in current(ledger, table, "import_id"):
                by_import[import_id] = by_import.get(import_id, 0) + 1
            if any(count != ROWS for count in by_import.values()):
                faults.append(f"half of an import in {table}: {by_import}")
            if missing := seen - set(by_import):
                faults.append(f"an import that can be seen without its {table}: {missing}")
        reads += 1
    answers.put((reads, faults))


def test_three_writers_and_a_reader(tmp_path: Path) -> None:
    (tmp_path / "shared-spend.csv").write_text(spend("shared", 9))
    (tmp_path / "shared-people.csv").write_text(people("shared", 9))
    stop = SPAWN.Event()
    answers: multiprocessing.Queue[tuple[int, list[str]]] = SPAWN.Queue()
    reader = SPAWN.Process(target=read_on, args=(tmp_path, stop, answers))
    writers = [SPAWN.Process(target=write_rounds, args=(tmp_path, f"w{n}")) for n in range(3)]
    for process in (reader, *writers):
        process.start()
    for process in writers:
        process.join(120)
    stop.set()
    reads, faults = answers.get(timeout=60)
    reader.join(60)
    assert [process.exitcode for process in (reader, *writers)] == [0, 0, 0, 0]
    assert faults == []
    assert reads > 3
    ledger = Ledger(tmp_path, COMPANY)
    assert len(ledger.imports()) == 3 * ROUNDS + 1
    names = [f"w{n}" for n in range(3)]
    expected = sorted([(name, str(turn)) for name in names for turn in range(ROUNDS) for _ in range(ROWS)] + [("shared", "9")] * ROWS)
    assert sorted(current(ledger, "spend", "platform campaign")) == expected
    assert len(current(ledger, "people", "person_id")) == len(expected)


FILES = {
    "spend.csv": csv("day,amount,currency,platform", *(f"2025-01-{n % 28 + 1:02},{n},EUR,p{n}" for n in range(4000))),
    "people.csv": csv("person_id,email", *(f"p{n},p{n}@acme.test" for n in range(4000))),
    "stages.csv": csv("person_id,stage,at", *(f"p{n},lead,2025-01-{n % 28 + 1:02}T10:00:00Z" for n in range(4000))),
    "events.csv": csv("type,messageId,anonymousId,timestamp", *(f"page,m{n},v{n % 50},2025-0{n % 6 + 1}-10T10:00:00Z" for n in range(4000))),
}
COLUMNS = {"spend": "day amount platform", "people": "person_id email", "stages": "person_id stage at", "events": "message_id timestamp"}


def bring_all(folder: Path, ready: Event | None = None) -> None:
    ledger = Ledger(folder, COMPANY)
    paths = sorted((folder / "files").iterdir())
    if ready is not None:
        ready.set()
    import_files(ledger, paths, How(TODAY, noon(TODAY)))


def state(folder: Path) -> dict[str, list[tuple[str, ...]]]:
    ledger = Ledger(folder, COMPANY)
    return {table: current(ledger, table, columns) for table, columns in COLUMNS.items()}


def on_disk(folder: Path) -> int:
    """How many files of tables and logs there are, named in a log or not."""
    return sum(1 for path in (folder / "ledger").glob("*/**/*") if path.suffix in (".parquet", ".json"))


@pytest.fixture
def processes() -> Iterator[list[BaseProcess]]:
    started: list[BaseProcess] = []
    yield started
    for process in started:
        process.kill()
        process.join()


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")
def test_killed_at_any_moment_and_imported_again_is_as_if_imported_once(tmp_path: Path, processes: list[BaseProcess]) -> None:
    clean, killed = Book(tmp_path / "clean", COMPANY), Book(tmp_path / "killed", COMPANY)
    for name, text in FILES.items():
        clean.put(name, text)
        killed.put(name, text)
    bring_all(clean.folder)
    whole = state(clean.folder)
    empty: dict[str, list[tuple[str, ...]]] = {table: [] for table in COLUMNS}
    cut_off = 0
    # A commit of four tables, the coverage and the act is a dozen files and as many entries of logs: die at one or another of them.
    # On a busy machine a kill may come late: then it is tried again from nothing.
    for more in (1, 4, 8, 11, 14, 17) * 3:
        before = on_disk(killed.folder)
        ready = SPAWN.Event()
        process = SPAWN.Process(target=bring_all, args=(killed.folder, ready))
        processes.append(process)
        process.start()
        assert ready.wait(60)
        while process.is_alive() and on_disk(killed.folder) < before + more:
            time.sleep(0.0005)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        found = state(killed.folder)
        assert found in (empty, whole), f"half an import, killed after {more} files"
        cut_off += found == empty and on_disk(killed.folder) > before
        if cut_off >= 4:
            break
        if found == whole:
            shutil.rmtree(killed.ledger.root)
    assert cut_off >= 2, "the kills came too late to prove anything"
    bring_all(killed.folder)
    assert state(killed.folder) == state(clean.folder)
    again = import_files(killed.ledger, sorted((killed.folder / "files").iterdir()), How(TODAY, noon(TODAY)))
    assert {report.import_id for report in again} == {None}


def test_rows_of_an_act_that_was_never_finished_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path, COMPANY)
    book.bring("spend.csv", spend("first", 1))

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "write_small", fail)
        with pytest.raises(OSError, match="no space left"):
            book.bring("spend.csv", spend("first", 2))
    assert len(book.ledger.files("spend")) == 2
    assert {row[0] for row in book.rows("spend", "campaign")} == {"1"}
    book.bring("spend.csv", spend("first", 3))
    assert {row[0] for row in book.rows("spend", "campaign")} == {"1", "3"}
    assert len(book.rows("spend", "campaign")) == 2 * ROWS


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path, COMPANY), Ledger(tmp_path, COMPANY)
    with first.writing(), pytest.raises(FariError, match=r"another import has been writing .* for 0 s"), second.writing(wait=0.1):
        pass
    with second.writing(wait=0.1):
        pass


def test_two_threads_may_build_the_same_fact(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=20)

    def build(_: int) -> None:
        engine = DuckDB()
        for turn in range(6):
            together.wait()
            engine.build("SELECT range AS n FROM range(300000)", tmp_path / f"{turn}.parquet", {"n": "int64"})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, range(2)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{turn}.parquet" for turn in range(6)]
