"""The ledger on disk: its schema number, its zone and currency, odd folders, columns that come later, small files joined."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.books import TODAY, Book, counts, csv

from fari.company import Company
from fari.errors import FariError
from fari.ledger import delta, store
from fari.ledger.schema import TABLES, Column
from fari.ledger.sql import bare
from fari.ledger.store import Ledger

SPEND = csv("day,amount,currency,platform", "2025-01-01,5,EUR,a", "2025-01-02,6,EUR,a")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(tmp_path)
    book.bring("spend.csv", SPEND)
    return book


def about(book: Book) -> dict[str, object]:
    known: dict[str, object] = json.loads((book.ledger.root / "about.json").read_text())
    return known


@pytest.mark.parametrize("name", ["My Projèct", "a b", 'it\'s "q"', "100%", "a#b?c", "50%off", "{x}*", "日本", "month=202501"])
def test_projects_in_folders_of_any_name(tmp_path: Path, name: str) -> None:
    book = Book(tmp_path / name)
    for amount in ("5", "6"):
        book.bring("spend.csv", SPEND.replace(",5,", f",{amount},"))
    book.bring("e.csv", csv("type,messageId,anonymousId,timestamp", "page,m1,v1,2025-01-31T23:30:00Z", "page,m2,v1,2025-01-01T23:30:00Z"))
    assert book.rows("spend", "amount") == [("6.000000",), ("6.000000",)]
    assert len(book.rows("events", "key")) == 2
    assert len(book.ledger.files("events", [202501])) == 1


@pytest.mark.parametrize("name", ["My Projèct [1]", "a|b", "a^b", "a%20b", "a\\b"])
def test_folders_that_delta_cannot_use_are_refused_in_words(tmp_path: Path, name: str) -> None:
    book = Book(tmp_path / name)
    with pytest.raises(FariError, match="move the project or rename that folder"):
        book.bring("spend.csv", SPEND)
    assert not book.ledger.root.exists()


def test_a_new_ledger_says_its_schema_zone_and_currency(book: Book) -> None:
    assert about(book) == {"schema": store.SCHEMA, "timezone": "Europe/Rome", "currency": "EUR"}


def test_a_newer_schema_is_refused(book: Book) -> None:
    (book.ledger.root / "about.json").write_text(json.dumps(about(book) | {"schema": store.SCHEMA + 1}))
    before = book.versions()
    with pytest.raises(FariError, match=r"written by a newer Fari \(schema 2, this one knows 1\); upgrade fari"):
        book.bring("spend.csv", SPEND.replace("5", "7"))
    assert book.versions() == before


def test_an_older_schema_is_migrated_forward_step_by_step(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[int, object]] = []

    def migrate(number: int) -> None:
        monkeypatch.setitem(store.MIGRATIONS, number, lambda root: done.append((number, about(book)["schema"])))

    migrate(1)
    migrate(2)
    monkeypatch.setattr(store, "SCHEMA", 3)
    report = book.bring("spend.csv", SPEND)
    assert done == [(1, 1), (2, 2)]
    assert about(book) == {"schema": 3, "timezone": "Europe/Rome", "currency": "EUR"}
    assert counts(report, "spend") == (0, 0, 2, 0)
    book.ledger.open()
    assert len(done) == 2


def test_a_migration_that_fails_is_begun_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Path] = []

    def fail_once(root: Path) -> None:
        tries.append(root)
        if len(tries) == 1:
            raise OSError("disk full")

    monkeypatch.setitem(store.MIGRATIONS, 1, fail_once)
    monkeypatch.setattr(store, "SCHEMA", 2)
    with pytest.raises(OSError, match="disk full"):
        book.ledger.open()
    assert about(book)["schema"] == 1
    book.ledger.open()
    assert about(book)["schema"] == 2


def test_a_schema_that_is_no_longer_read_is_refused(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SCHEMA", 2)
    with pytest.raises(FariError, match="schema 1, which this Fari no longer reads"):
        book.ledger.open()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Company(timezone="UTC"), "timezone = 'UTC' but .* was imported with 'Europe/Rome'"),
        (Company(timezone="Europe/Rome", currency="USD"), "currency = 'USD' but .* was imported with 'EUR'"),
    ],
)
def test_another_zone_or_currency_is_refused(book: Book, other: Company, said: str) -> None:
    with pytest.raises(FariError, match=f"fari.toml says {said}: set it back, or remove"):
        Ledger(book.folder, other).open()


def test_another_name_or_margin_is_not(book: Book) -> None:
    Ledger(book.folder, replace(book.company, name="Other", fiscal_year_start=4)).open()


def test_a_damaged_note_is_said(book: Book) -> None:
    (book.ledger.root / "about.json").write_text("{")
    with pytest.raises(FariError, match=r"about\.json is damaged"):
        book.ledger.open()


def test_an_empty_folder_has_no_rows(tmp_path: Path) -> None:
    book = Book(tmp_path, Company())
    book.ledger.open()
    assert book.ledger.imports() == book.ledger.visible() == []
    assert (book.ledger.files("spend"), book.ledger.coverage([]), book.rows("spend", "amount")) == ([], [], [])
    assert not book.ledger.root.exists()


def test_a_ledger_that_was_removed_begins_anew_in_the_same_process(book: Book) -> None:
    for n in range(3):
        book.bring("spend.csv", SPEND.replace("5", str(10 + n)))
    shutil.rmtree(book.ledger.root)
    assert book.ledger.imports() == []
    report = book.bring("spend.csv", SPEND)
    assert counts(report, "spend") == (2, 0, 0, 0)
    assert book.rows("spend", "amount") == [("5.000000",), ("6.000000",)]
    assert len(book.ledger.imports()) == 1


def test_a_column_that_comes_later_is_read_with_the_old_files(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES["spend"]
    wider = replace(table, columns=(*table.columns, Column("approved_on", "date", "when it was approved")))
    monkeypatch.setitem(TABLES, "spend", wider)
    # No file has it yet: read all the same.
    assert book.rows("spend", "day approved_on") == [("2025-01-01", None), ("2025-01-02", None)]
    book.bring("more.csv", csv("day,amount,currency,platform,approved_on", "2025-02-01,7,EUR,b,2025-02-03"))
    assert book.rows("spend", "day approved_on approved_on_day") == [
        ("2025-01-01", None, None),
        ("2025-01-02", None, None),
        ("2025-02-01", "2025-02-03", "20122"),
    ]
    report = book.bring("spend.csv", SPEND.replace("2025-01-01,5", "2025-01-01,9"))
    assert (report.count("changed"), len(book.rows("spend", "day"))) == (1, 3)


def test_a_new_column_makes_no_row_a_changed_one(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES["spend"]
    monkeypatch.setitem(TABLES, "spend", replace(table, columns=(*table.columns, Column("note", "text", "a note"))))
    assert counts(book.bring("spend.csv", SPEND), "spend") == (0, 0, 2, 0)


def test_small_files_are_joined_and_nothing_is_lost(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "MANY_FILES", 8)
    reader = book.ledger.session()
    for n in range(7):
        book.bring(f"{n}.csv", csv("day,amount,currency,platform", f"2025-02-01,{n},EUR,p{n}"))
    held = book.ledger.files("spend")
    before = book.rows("spend", "platform amount")
    assert len(held) == 8
    cursor = reader.execute("SELECT count(*) FROM read_parquet(?)", [held])
    book.bring("last.csv", csv("day,amount,currency,platform", "2025-02-01,99,EUR,last"))
    assert len(book.ledger.files("spend")) == 1
    # Whoever had listed the old files can still read them.
    assert cursor.fetchall() == reader.execute("SELECT count(*) FROM read_parquet(?)", [held]).fetchall() == [(9,)]
    assert book.rows("spend", "platform amount") == sorted([*before, ("last", "99.000000")])
    assert len(book.ledger.imports()) == len(book.ledger.coverage(book.ledger.imports())) == 9
    assert Ledger(book.folder, book.company).imports() == book.ledger.imports()
    assert book.bring("spend.csv", SPEND).import_id is None
    undone = next(one for one in book.ledger.imports() if one.files[0]["file"] == "3.csv")
    book.undo(undone.import_id)
    assert ("p3", "3.000000") not in book.rows("spend", "platform amount")


def test_months_of_events_are_joined_each_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "MANY_FILES", 2)
    book = Book(tmp_path)
    for n in range(6):
        stamps = (f"2025-01-{n + 10}T10:00:00Z", f"2025-02-{n + 10}T10:00:00Z")
        book.bring(f"{n}.csv", csv("type,messageId,anonymousId,timestamp", *(f"page,{n}{stamp},v,{stamp}" for stamp in stamps)))
    assert len(book.rows("events", "key")) == 12
    months = [len(book.ledger.files("events", [month])) for month in (202501, 202502)]
    assert (sum(months), len(book.ledger.files("events", [202503]))) == (len(book.ledger.files("events")), 0)
    assert max(months) < 6


def test_the_log_says_whose_rows_a_file_holds_until_files_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path)
    stamps = ("2025-01-10T10:00:00Z", "2025-02-10T10:00:00Z")
    ids = []
    for n in range(3):
        lines = [f"page,{n}{stamp},v,{stamp}" for stamp in stamps]
        ids.append(book.bring(f"{n}.csv", csv("type,messageId,anonymousId,timestamp", *lines)).import_id or "")
    events = book.ledger.delta("events")
    files, only = events.files_of(ids[:2], [202501])
    assert (len(files), only) == (2, True)
    assert events.files_of(ids) == (events.files(), True)
    assert events.files_of([]) == ([], True)
    monkeypatch.setattr(delta, "MANY_FILES", 1)
    book.bring("3.csv", csv("type,messageId,anonymousId,timestamp", f"page,3,v,{stamps[0]}"))
    assert len(events.files([202501])) == 1
    assert events.files_of(ids[:1], [202501]) == (events.files([202501]), False)  # it holds rows of others too
    book.undo(ids[0])
    assert len(book.rows("events", "key")) == 5


def test_files_are_cut_into_groups_that_are_read_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "ROWS_TOGETHER", 2)
    book = Book(tmp_path)
    book.bring("e.csv", csv("type,messageId,anonymousId,timestamp", *(f"page,m{n},v,2025-01-10T10:00:00Z" for n in range(5))))
    [file] = book.ledger.files("events")
    with book.ledger.session() as session:
        told = session.execute("SELECT DISTINCT row_group_id, row_group_num_rows, compression FROM parquet_metadata(?) ORDER BY 1", [file]).fetchall()
    assert told == [(0, 2, "SNAPPY"), (1, 2, "SNAPPY"), (2, 1, "SNAPPY")]


def test_the_log_holds_no_values_of_rows(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,somebody@acme.test\n")
    logs = [path.read_text() for path in book.ledger.root.glob("*/_delta_log/*.json")]
    assert logs
    assert not any("somebody" in text for text in logs)


def test_what_the_recorded_day_is_beside_the_moment_it_was_written(book: Book) -> None:
    [act] = book.ledger.imports()
    assert (act.recorded_on, act.at.date()) == (TODAY, TODAY)
    assert book.rows("spend", "recorded_at import_id")[0] == (str(act.at), act.import_id)


def test_a_text_is_trimmed_as_the_engine_trims_it(book: Book) -> None:
    written = ["", " ", "a", " a", "a ", "a b", "é", " é", "é ", "a\u00a0", "\u2003a", "a\u3000 ", "\ta", "a\t", "\x7f", "a\nb ", "~", None]
    texts = book.ledger.session().execute(f"SELECT {bare('t')}, trim(t) FROM (SELECT unnest($1) AS t)", [written]).fetchall()
    assert [own for own, _ in texts] == [engines for _, engines in texts]
    assert len({own for own, _ in texts}) > 8
