"""Large files: a few bad rows among many good ones are named by their lines, in little time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.books import Book, counts, told

ROWS = int(os.environ.get("FARI_ROWS", "200000"))
"""How many rows; 1000000 is what `fari import` promises to take in some seconds."""


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_a_large_spend_file_with_three_bad_rows(book: Book) -> None:
    bad = {ROWS // 7: "2025-01-32,Email,1.00,EUR,x,note", ROWS // 3: "2025-01-02,Email,1.0.0,EUR,x,note", ROWS - 2: "2025-01-03,Email,5"}
    path = book.put("spend.csv", "")
    with path.open("w") as out:
        out.write("day,channel,amount,currency,platform,note\n")
        for n in range(ROWS):
            # A quoted line end now and then: lines and rows are not the same.
            note = '"two\nlines"' if n % 1000 == 999 else "note"
            out.write(bad.get(n) or f"2025-{n % 12 + 1:02}-{n % 28 + 1:02},Email,{n % 977}.25,EUR,p{n},{note}")
            out.write("\n")
    [report] = book.act([path])
    expected = [n + 2 + n // 1000 for n in bad]
    assert sorted(line for line, _ in told(report)) == expected
    assert counts(report, "spend") == (ROWS - 3, 0, 0, 0)
    assert (report.read, report.rejected) == (ROWS, 3)
    [again] = book.act([path])
    assert counts(again, "spend") == (0, 0, ROWS - 3, 0)


def test_a_large_file_of_events_with_three_bad_lines(book: Book) -> None:
    bad = {ROWS // 7: "{oops", ROWS // 3: '{"type":"page","messageId":"x"}', ROWS - 2: '{"type":"click","timestamp":"2025-01-01T00:00:00Z"}'}
    path = book.put("events.jsonl", "")
    with path.open("w") as out:
        for n in range(ROWS):
            page = {"url": f"https://acme.test/blog/{n % 500}?utm_source=s{n % 7}", "referrer": "https://www.google.com/"}
            stamp = f"2025-{n % 6 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:00:00.{n % 1000:03}Z"
            message = {
                "type": "page",
                "messageId": f"m{n}",
                "anonymousId": f"v{n % 5000}",
                "timestamp": stamp,
                "context": {"page": page, "userAgent": "Mozilla/5.0"},
            }
            out.write(bad.get(n) or json.dumps(message))
            out.write("\n")
    [report] = book.act([path])
    assert sorted(line for line, _ in told(report)) == [n + 1 for n in bad]
    assert counts(report, "events") == (ROWS - 3, 0, 0, 0)
    assert (report.read, report.rejected) == (ROWS, 3)
    assert report.import_id
    [again] = book.act([path])
    assert counts(again, "events") == (0, 0, ROWS - 3, 0)
    assert again.import_id is None


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory used")
def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("w") as out:
        for n in range(ROWS):
            out.write(
                f'{{"type":"track","messageId":"m{n}","anonymousId":"v","timestamp":"2025-01-01T00:00:00Z","properties":{{"x":"{"y" * 300}"}}}}\n'
            )
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom tests.books import Book\nbook = Book(Path(sys.argv[1]))\n"
        'book.bring(\'small.jsonl\', \'{"type":"page","userId":"u","timestamp":"2025-01-01T00:00:00Z"}\\n\')\n'
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "[report] = book.act([Path(sys.argv[2])])\n"
        "print(report.count('new'), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "p"), str(path)], capture_output=True, text=True, check=True, env=_environment()
    )
    rows, grown = map(int, told.stdout.split())
    assert rows == ROWS
    # The file as text, then as columns, then as checked columns, and the buffers it is read through.
    assert grown < 300 * 2**20 + 8 * path.stat().st_size, f"{grown >> 20} MB for {path.stat().st_size >> 20} MB"


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_no_session_draws_a_bar_where_data_goes(book: Book) -> None:
    from fari.engine.duck import DuckDB

    asked = "SELECT current_setting('enable_progress_bar')"
    assert book.ledger.session().execute(asked).fetchall() == [(False,)]
    assert DuckDB().run(asked) == [(False,)]
