"""Segment-shaped messages, however they come: nested or flattened, as JSON, CSV or Parquet, from Segment, RudderStack or Jitsu."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from tests.books import TODAY, Book, counts, csv, told

from fari.company import Company
from fari.sources import lines as lines_of

PAGE: dict[str, Any] = {
    "type": "page",
    "messageId": "m1",
    "anonymousId": "v1",
    "timestamp": "2025-03-03T09:00:00.123Z",
    "name": "Pricing",
    "context": {
        "page": {"url": "https://www.acme.com/Pricing?utm_source=news&gclid=x", "referrer": "https://www.google.com/search", "path": "/Pricing"},
        "campaign": {"medium": "email", "name": "March"},
        "userAgent": "Mozilla/5.0 (X11)",
        "ip": "203.0.113.9",
        "locale": "it-IT",
    },
    "properties": {"title": "Prices"},
}
TRACK: dict[str, Any] = {
    "type": "track",
    "messageId": "m2",
    "anonymousId": "v1",
    "userId": "u1",
    "timestamp": "2025-03-03T09:01:00Z",
    "event": "Signed Up",
    "properties": {"plan": "pro", "type": "trial", "seats": "3"},
    "context": {"page": {"url": "https://www.acme.com/signup"}},
}
IDENTIFY: dict[str, Any] = {
    "type": "identify",
    "messageId": "m3",
    "anonymousId": "v1",
    "userId": "u1",
    "timestamp": "2025-03-03T09:01:01Z",
    "traits": {"email": "ann@acme.com", "role": "CTO"},
}
COLUMNS = (
    "type message_id anonymous_id user_id timestamp name host path referrer_host utm_source utm_medium utm_campaign click_ids user_agent locale "
    "email plan said_type properties traits"
)
STORED = [
    ("identify", "m3", "v1", "u1", "2025-03-03 09:01:01", *[None] * 10, "ann@acme.com", None, None, None, '{"email":"ann@acme.com","role":"CTO"}'),
    (
        "page", "m1", "v1", None, "2025-03-03 09:00:00.123000", "Pricing", "acme.com", "/Pricing", "google.com", "news", "email", "March", "gclid",
        "Mozilla/5.0 (X11)", "it-IT", None, None, None, None, None,
    ),
    (
        "track", "m2", "v1", "u1", "2025-03-03 09:01:00", "Signed Up", "acme.com", "/signup", *[None] * 7, None, "pro", "trial",
        '{"plan":"pro","seats":"3","type":"trial"}', None,
    ),
]  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def stored(book: Book) -> list[tuple[Any, ...]]:
    """The events with the keys of their JSON sorted."""

    def plain(value: str | None) -> str | None:
        return json.dumps(json.loads(value), sort_keys=True, separators=(",", ":")) if value and value.startswith("{") else value

    return [tuple(map(plain, row)) for row in book.rows("events", COLUMNS)]


def lines(*messages: dict[str, Any]) -> str:
    return csv(*map(json.dumps, messages))


def flattened(message: dict[str, Any], mark: str, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in message.items():
        flat |= flattened(value, mark, f"{prefix}{name}{mark}") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def flat_csv(mark: str) -> str:
    rows = [flattened(message, mark) for message in (PAGE, TRACK, IDENTIFY)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return csv(",".join(names), *(",".join(f'"{row.get(name, "")}"' for name in names) for row in rows))


def parquet(folder: Path, query: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def nested_parquet(folder: Path) -> bytes:
    source = folder / "made.json"
    source.write_text(lines(PAGE, TRACK, IDENTIFY))
    return parquet(folder, f"SELECT * REPLACE (CAST(timestamp AS TIMESTAMPTZ) AS timestamp) FROM read_json('{source}', format = 'newline_delimited')")


def flat_parquet(folder: Path) -> bytes:
    source = folder / "made.csv"
    source.write_text(flat_csv("_"))
    return parquet(folder, f"SELECT * FROM read_csv('{source}', all_varchar = true)")


def json_columns_csv() -> str:
    rows = []
    for message in (PAGE, TRACK, IDENTIFY):
        cells = [json.dumps(message[name]) if isinstance(message.get(name), dict) else message.get(name, "") for name in PAGE | TRACK | IDENTIFY]
        rows.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    return csv(",".join(PAGE | TRACK | IDENTIFY), *rows)


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as what they are, small, or as if they were large: then the engine cuts them into lines."""
    if request.param == "large":
        monkeypatch.setattr(lines_of, "LARGE", 0)


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    "shape", ["lines", "crlf", "utf-16", "array", "flat.dots", "flat_underscores", "json columns", "nested parquet", "flat parquet"]
)
def test_one_message_however_it_comes(book: Book, tmp_path: Path, shape: str, packed: bool) -> None:
    messages = (PAGE, TRACK, IDENTIFY)
    shapes: dict[str, Callable[[], str | bytes]] = {
        "lines": lambda: lines(*messages),
        "crlf": lambda: lines(*messages).replace("\n", "\r\n"),
        "utf-16": lambda: lines(*messages).encode("utf-16"),
        "array": lambda: json.dumps(messages, indent=1),
        "flat.dots": lambda: flat_csv("."),
        "flat_underscores": lambda: flat_csv("_"),
        "json columns": json_columns_csv,
        "nested parquet": lambda: nested_parquet(tmp_path),
        "flat parquet": lambda: flat_parquet(tmp_path),
    }
    made = shapes[shape]()
    content = made.encode() if isinstance(made, str) else made
    report = book.bring("events.gz" if packed else "events", gzip.compress(content) if packed else content)
    assert (report.source, report.read, report.problems) == ("segment", 3, [])
    assert stored(book) == STORED


def test_a_message_id_seen_before_is_a_retry(book: Book) -> None:
    book.bring("a.jsonl", lines(PAGE, TRACK))
    late = PAGE | {"timestamp": "2025-04-01T00:00:00Z"}
    report = book.bring("b.jsonl", lines(late, IDENTIFY, TRACK, IDENTIFY))
    assert counts(report, "events") == (1, 0, 3, 0)
    assert book.rows("events", "message_id origin") == [("m1", "a.jsonl:1"), ("m2", "a.jsonl:2"), ("m3", "b.jsonl:2")]


def test_of_two_files_of_one_act_the_first_brings_a_message(book: Book) -> None:
    reports = book.act([book.put("a.jsonl", lines(PAGE, TRACK)), book.put("b.jsonl", lines(TRACK, IDENTIFY))])
    assert [counts(report, "events") for report in reports] == [(2, 0, 0, 0), (1, 0, 1, 0)]


def test_a_retry_is_dropped_whatever_day_it_is_recorded_for(book: Book) -> None:
    book.bring("a.jsonl", lines(PAGE), recorded=TODAY)
    assert book.bring("a.jsonl", lines(PAGE), recorded=TODAY.replace(year=2024)).import_id is None


def test_messages_without_an_id_are_known_by_what_they_say(book: Book) -> None:
    bare = {name: value for name, value in TRACK.items() if name != "messageId"}
    other = bare | {"timestamp": "2025-03-03T09:01:00.001Z"}
    assert counts(book.bring("a.jsonl", lines(bare, bare, other)), "events") == (2, 0, 1, 0)
    assert book.bring("b.jsonl", lines(other, bare)).import_id is None
    assert len({row[0] for row in book.rows("events", "message_id")}) == 2


def test_rudderstack_sends_traits_in_the_context(book: Book) -> None:
    message = {
        "type": "identify",
        "messageId": "r1",
        "anonymousId": "v9",
        "userId": "u9",
        "originalTimestamp": "2025-03-03T09:00:00.000Z",
        "sentAt": "2025-03-03T09:00:01.000Z",
        "context": {"traits": {"email": "r@acme.com", "plan": "x"}, "library": {"name": "RudderLabs"}},
    }
    book.bring("r.jsonl", lines(message))
    assert book.rows("events", "user_id timestamp email traits") == [("u9", "2025-03-03 09:00:00", "r@acme.com", '{"email":"r@acme.com","plan":"x"}')]


def test_group_and_alias_messages(book: Book) -> None:
    group = {"type": "group", "messageId": "g", "userId": "u1", "groupId": "a1", "timestamp": "2025-01-01T00:00:00Z"}
    alias = {"type": "alias", "messageId": "a", "userId": "u1", "previousId": "v1", "timestamp": "2025-01-01T00:00:00Z"}
    in_context = {"type": "track", "messageId": "c", "userId": "u1", "event": "X", "context": {"groupId": "a2"}, "timestamp": "2025-01-01T00:00:00Z"}
    book.bring("x.jsonl", lines(group, alias, in_context))
    assert book.rows("events", "message_id group_id previous_id") == [("a", None, "v1"), ("c", "a2", None), ("g", "a1", None)]


def test_the_network_address_is_never_kept(book: Book) -> None:
    flat = csv("type,messageId,anonymousId,timestamp,context_ip,ip,team", "page,f1,v1,2025-01-01T00:00:00Z,203.0.113.9,203.0.113.9,blue")
    book.bring("a.jsonl", lines(PAGE))
    book.bring("b.csv", flat)
    for path in book.ledger.files("events"):
        assert "203.0.113.9" not in str(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall())
    assert book.rows("events", "message_id attributes") == [("f1", '{"team":"blue"}'), ("m1", None)]


def test_an_empty_cell_gives_way_to_the_next_place(book: Book) -> None:
    text = csv(
        "type,messageId,anonymousId,userId,timestamp,event,name,context_page_url,url", "page,f1,v1,,2025-01-01T00:00:00Z,,Home, ,https://acme.com/x"
    )
    book.bring("a.csv", text)
    assert book.rows("events", "user_id name host path") == [(None, "Home", "acme.com", "/x")]


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_bad_messages_are_named_by_their_lines(book: Book, packed: bool) -> None:
    text = csv(
        json.dumps(PAGE),
        "",
        "{oops",
        "[1]",
        json.dumps(TRACK | {"type": "click"}),
        json.dumps(TRACK | {"timestamp": "yesterday"}),
        json.dumps({"messageId": "x", "type": "page"}),
        '{"type": "page", "name": "a\x01b"}',
        f"  {json.dumps(IDENTIFY)} ",
    )
    expected = [
        (3, "is not a JSON object"),
        (4, "is not a JSON object"),
        (8, "is not a JSON object"),
        (5, "type is none of page, track, identify, group, alias, screen"),
        (6, "timestamp is not a date and time"),
        (7, "timestamp is missing"),
    ]
    pack = gzip.compress if packed else bytes
    report = book.bring("a.jsonl", pack(text.encode()))
    assert (told(report), report.read, report.rejected) == (expected, 8, 6)
    assert book.rows("events", "message_id origin") == [("m1", "a.jsonl:1"), ("m3", "a.jsonl:9")]
    # Line ends of another system change no number.
    assert told(book.bring("b.jsonl", pack(text.replace("\n", "\r\n").encode()))) == expected


@pytest.mark.usefixtures("size")
def test_one_line_of_another_encoding(book: Book) -> None:
    text = lines(PAGE).encode() + '{"type":"page","name":"Caffè"}\n'.encode("latin-1") + lines(IDENTIFY).encode()
    report = book.bring("a.jsonl", text)
    assert told(report) == [(2, "is not UTF-8 text")]
    assert book.rows("events", "origin") == [("a.jsonl:1",), ("a.jsonl:3",)]


def test_a_context_that_is_no_json_is_said_and_the_row_kept(book: Book) -> None:
    report = book.bring(
        "a.csv", csv("type,messageId,anonymousId,timestamp,context", 'page,f1,v1,2025-01-01T00:00:00Z,"{oops"', "page,f2,v1,2025-01-01T00:00:00Z,")
    )
    assert [(p.line, p.column, p.what, p.refused) for p in report.problems] == [(2, "context", "is not JSON: the row is kept without it", False)]
    assert len(book.rows("events", "key")) == 2


@pytest.mark.parametrize("zone", ["UTC", "Europe/Rome", "Pacific/Auckland", "America/New_York"])
def test_events_are_kept_by_the_month_of_the_company_s_day(tmp_path: Path, zone: str) -> None:
    book = Book(tmp_path, Company(timezone=zone))
    edge = datetime(2025, 2, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    stamps = [(edge + timedelta(microseconds=step)).isoformat() + "Z" for step in (-1, 0, 1)]
    book.bring("a.jsonl", lines(*({"type": "page", "messageId": f"m{n}", "anonymousId": "v", "timestamp": stamp} for n, stamp in enumerate(stamps))))
    [act] = book.ledger.imports()
    assert act.tables["events"]["months"] == [202501, 202502]
    kept = {
        month: duckdb.sql(f"SELECT message_id FROM read_parquet({book.ledger.files('events', [month])}) ORDER BY 1").fetchall()
        for month in (202501, 202502)
    }
    assert kept == {202501: [("m0",)], 202502: [("m1",), ("m2",)]}


def test_a_message_that_names_nobody_is_kept_and_said(book: Book) -> None:
    nobody = {key: value for key, value in PAGE.items() if key != "anonymousId"}
    report = book.bring("events.jsonl", csv(json.dumps(PAGE), json.dumps(nobody | {"messageId": "m2"})))
    assert counts(report, "events") == (2, 0, 0, 0)
    assert [(p.line, p.what, p.refused) for p in report.problems] == [(2, "names nobody: it counts nowhere", False)]
