"""Erasure: what says who somebody is leaves every version and every file; what counts them stays."""

import re
from pathlib import Path

import duckdb
import pytest
from tests.books import TODAY, Book, counts, csv, noon

from fari.errors import FariError
from fari.ledger.erasure import erase, held

SECRETS = ("ann@acme.test", "ann.old@acme.test", "Ann Smith", "Ann's own words", "+39 333", "ann-trait", "ann-property", "Ann's deal")
EVENTS = csv(
    '{"type":"page","messageId":"m1","anonymousId":"v1","timestamp":"2025-01-01T10:00:00Z","context":{"page":{"path":"/"}}}',
    '{"type":"track","messageId":"m2","anonymousId":"v1","event":"Form","timestamp":"2025-01-01T10:01:00Z","properties":{"who":"ann-property"}}',
    '{"type":"identify","messageId":"m3","anonymousId":"v1","userId":"ann","timestamp":"2025-01-01T10:02:00Z",'
    '"traits":{"email":"ann@acme.test","nick":"ann-trait"}}',
    '{"type":"identify","messageId":"m4","anonymousId":"v2","userId":"bob","timestamp":"2025-02-01T10:02:00Z","traits":{"email":"bob@acme.test"}}',
)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(tmp_path)
    people = csv(
        "person_id,email,name,account_id,created_at,phone",
        "ann,ann.old@acme.test,Ann Smith,a1,2025-01-01,+39 333",
        "bob,bob@acme.test,Bob,a1,2025-01-01,",
    )
    book.bring("people.csv", people)
    book.bring("people.csv", people.replace("ann.old@", "ann@"))
    book.bring("feedback.csv", csv("person_id,at,kind,value,text", "ann,2025-03-01,churn_reason,price,Ann's own words", "bob,2025-03-01,nps,9,fine"))
    book.bring("deals.csv", csv("deal_id,person_id,created_at,status,amount,name", "d1,ann,2025-01-01,open,100,Ann's deal"))
    book.bring("events.jsonl", EVENTS)
    (book.folder / "facts").mkdir()
    (book.folder / "facts" / "derived.txt").write_text("ann@acme.test")
    return book


def everything(ledger: Path) -> str:
    """All text in all files of the ledger: logs as they are, Parquet files decoded, also those that no version names."""
    paths = [path for path in ledger.rglob("*") if path.is_file()]
    rows = [str(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()) for path in paths if path.suffix == ".parquet"]
    return "\n".join([*rows, *(path.read_text() for path in paths if path.suffix != ".parquet")])


def test_nothing_of_the_person_is_left_in_any_file(book: Book) -> None:
    before = everything(book.ledger.root)
    assert [secret for secret in SECRETS if secret not in before] == []
    assert erase(book.ledger, ["ann"], TODAY, noon(TODAY)) == {"people": 2, "feedback": 1, "deals": 1, "events": 2}
    after = everything(book.ledger.root)
    assert [secret for secret in SECRETS if secret in after] == []
    assert "bob@acme.test" in after
    assert not (book.folder / "facts").exists()


def test_what_counts_stays_and_so_do_the_others(book: Book) -> None:
    erase(book.ledger, ["ann"], TODAY, noon(TODAY))
    [(email,)] = [row for row in book.rows("people", "email") if row != ("bob@acme.test",)]
    assert re.fullmatch(r"erased@[0-9a-f]{32}\.invalid", email)
    assert book.rows("people", "person_id email name account_id") == [("ann", email, None, "a1"), ("bob", "bob@acme.test", "Bob", "a1")]
    assert book.rows("feedback", "person_id value text") == [("ann", "price", None), ("bob", "9", "fine")]
    assert book.rows("deals", "deal_id amount") == [("d1", "100.000000")]
    assert book.rows("events", "message_id user_id email") == [
        ("m1", None, None),
        ("m2", None, None),
        ("m3", "ann", email),
        ("m4", "bob", "bob@acme.test"),
    ]


def test_what_another_user_sent_from_the_same_device_is_that_ones(book: Book) -> None:
    shared = (
        '{"type":"identify","messageId":"m5","anonymousId":"v1","userId":"cy","timestamp":"2025-03-01T10:02:00Z","traits":{"email":"cy@acme.test"}}\n'
    )
    book.bring("more.jsonl", shared)
    assert held(book.ledger, ["ann"])["events"] == {"": 2, "email": 1, "properties": 1, "traits": 1}
    erase(book.ledger, ["ann"], TODAY, noon(TODAY))
    assert ("m5", "cy@acme.test") in book.rows("events", "message_id email")


def test_what_is_held_is_what_is_erased(book: Book) -> None:
    found = held(book.ledger, ["ann"])
    assert found["people"] == {"": 2, "email": 2, "name": 2, "attributes": 2}
    assert {table: columns[""] for table, columns in found.items()} == erase(book.ledger, ["ann"], TODAY, noon(TODAY))
    assert held(book.ledger, ["ann"]) == {}


def test_a_file_that_still_has_the_person_brings_nothing_back(book: Book) -> None:
    erase(book.ledger, ["ann"], TODAY, noon(TODAY))
    report = book.bring("people.csv", (book.folder / "files" / "people.csv").read_text())
    assert counts(report, "people") == (0, 0, 2, 0)
    assert ("ann", None) in book.rows("people", "person_id name")


def test_imports_go_on_and_can_be_undone(book: Book) -> None:
    erase(book.ledger, ["ann"], TODAY, noon(TODAY))
    report = book.bring("people.csv", "person_id,email\nbob,new@acme.test\n")
    assert book.rows("people", "person_id name email")[1:] == [("bob", None, "new@acme.test")]
    book.undo(report.import_id)
    assert book.rows("people", "person_id name email")[1:] == [("bob", "Bob", "bob@acme.test")]


def test_nobody_of_that_id(book: Book) -> None:
    before = book.versions()
    with pytest.raises(FariError, match='there is nobody of the id "o\'brien"'):
        erase(book.ledger, ["o'brien"], TODAY, noon(TODAY))
    assert book.versions() == before
    assert (book.folder / "facts").is_dir()
