"""Instants and days: around midnight, around a month's edge, and in the hour that is missing or comes twice."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.books import Book, csv, told

from fari.company import Company

ZONES = ("Europe/Rome", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "UTC")
EPOCH = date(1970, 1, 1)


def stages(tmp_path: Path, zone: str, *stamps: str) -> tuple[Book, dict[str, tuple[str, int]]]:
    """Instants as they are written, with what is stored: the UTC text and the company's day."""
    book = Book(tmp_path, Company(timezone=zone))
    report = book.bring("stages.csv", csv("person_id,stage,at", *(f"p{n},lead,{stamp}" for n, stamp in enumerate(stamps))))
    assert told(report) == []
    rows = {person: (at, int(day)) for person, at, day in book.rows("stages", "person_id at at_day")}
    return book, {stamp: rows[f"p{n}"] for n, stamp in enumerate(stamps)}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("edge", [(2025, 4, 1), (2025, 11, 1), (2025, 1, 1), (2024, 3, 1)])
def test_an_instant_falls_on_the_company_s_day(tmp_path: Path, zone: str, edge: tuple[int, int, int]) -> None:
    midnight = datetime(*edge, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    moments = [
        midnight + step for step in (timedelta(microseconds=-1), timedelta(0), timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59))
    ]
    moments += [midnight.replace(hour=hour) for hour in (0, 12, 23)]
    _, stored = stages(tmp_path, zone, *(moment.isoformat().replace("+00:00", "Z") for moment in moments))
    for moment in moments:
        text, day = stored[moment.isoformat().replace("+00:00", "Z")]
        assert datetime.fromisoformat(text) == moment.replace(tzinfo=None)
        assert EPOCH + timedelta(day) == moment.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("zone", ZONES)
def test_a_bare_time_is_the_company_s_every_half_hour_of_the_days_the_clock_changes(tmp_path: Path, zone: str) -> None:
    days = {
        "Europe/Rome": ("2025-03-30", "2025-10-26"),
        "America/New_York": ("2025-03-09", "2025-11-02"),
        "America/Havana": ("2025-03-09", "2025-11-02"),
        "Pacific/Auckland": ("2025-04-06", "2025-09-28"),
    }.get(zone, ("2025-06-01",))
    stamps = [f"{day} {hour:02}:{minute:02}:00" for day in days for hour in range(24) for minute in (0, 30)]
    _, stored = stages(tmp_path, zone, *stamps)
    for stamp in stamps:
        # An hour that comes twice is meant the first time; one that is missing is counted on from before it: as Python has it.
        local = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo(zone))
        text, day = stored[stamp]
        assert datetime.fromisoformat(text) == local.astimezone(UTC).replace(tzinfo=None), stamp
        assert EPOCH + timedelta(day) == local.astimezone(UTC).astimezone(ZoneInfo(zone)).date(), stamp


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2025-07-01T10:00:00Z", "2025-07-01 10:00:00"),
        ("2025-07-01 10:00:00z", "2025-07-01 10:00:00"),
        ("2025-07-01 10:00:00 UTC", "2025-07-01 10:00:00"),
        ("2025-07-01T10:00Z", "2025-07-01 10:00:00"),
        ("2025-07-01T10:00:00.5Z", "2025-07-01 10:00:00.500000"),
        ('"2025-07-01T10:00:00,123Z"', "2025-07-01 10:00:00.123000"),
        ("2025-07-01T10:00:00.123456789Z", "2025-07-01 10:00:00.123456"),
        ("2025-07-01T10:00:00+02:00", "2025-07-01 08:00:00"),
        ("2025-07-01T10:00:00+0200", "2025-07-01 08:00:00"),
        ("2025-07-01T10:00:00-07", "2025-07-01 17:00:00"),
        ("2025-07-01T10:00:00+05:45", "2025-07-01 04:15:00"),
        ("2025-07-01T10:00:00", "2025-07-01 08:00:00"),
        ("2025-07-01 10:00", "2025-07-01 08:00:00"),
        ("2025-07-01", "2025-06-30 22:00:00"),
        ("2025-10-26T02:30:00+01:00", "2025-10-26 01:30:00"),
        ("2025-10-26T02:30:00+02:00", "2025-10-26 00:30:00"),
        ("2025-10-26T00:30:00Z", "2025-10-26 00:30:00"),
        ("2025-10-26T01:30:00Z", "2025-10-26 01:30:00"),
    ],
)
def test_the_ways_to_write_an_instant(tmp_path: Path, written: str, meant: str) -> None:
    _, stored = stages(tmp_path, "Europe/Rome", written)
    assert stored[written][0] == meant


@pytest.mark.parametrize(
    "written",
    [
        "2025-02-29T10:00:00Z",
        "2025-07-01T25:00:00Z",
        "2025-07-01T10:61:00Z",
        "1751364000",
        "01.07.2025 10:00",
        "2025-7-1",
        "0999-01-01T00:00:00Z",
        "2025-07-01T10",
    ],
)
def test_what_is_no_instant(tmp_path: Path, written: str) -> None:
    report = Book(tmp_path).bring("s.csv", csv("person_id,stage,at", f"p,lead,{written}"))
    assert told(report) == [(2, "at is not a date and time")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2025-03-31", "2025-03-31"),
        ("2025-03-31T23:30:00Z", "2025-04-01"),
        ("2025-03-31T21:30:00Z", "2025-03-31"),
        ("2025-03-31 23:30:00", "2025-03-31"),
        ("2025-03-31T00:00:00+00:00", "2025-03-31"),
    ],
)
def test_a_day_written_as_an_instant_is_the_company_s_day(tmp_path: Path, written: str, meant: str) -> None:
    book = Book(tmp_path)
    book.bring("s.csv", csv("day,amount,currency", f"{written},1,EUR"))
    assert book.rows("spend", "day") == [(meant,)]


@pytest.mark.parametrize(
    "written", ["2025-02-29", "31.03.2025", "2025/03/31", "2025-3-31", "+025-03-31", "2025-03", "20250331", "45747", "-025-03-31"]
)
def test_what_is_no_day(tmp_path: Path, written: str) -> None:
    report = Book(tmp_path).bring("s.csv", csv("day,amount,currency", f"{written},1,EUR"))
    assert told(report) == [(2, "day is not a date")]


@pytest.mark.parametrize(
    ("written", "meant"), [("2025-03", "2025-03-01"), ("2025-03-31", "2025-03-01"), ("2025-13", None), ("March 2025", None), ("2025", None)]
)
def test_months(tmp_path: Path, written: str, meant: str | None) -> None:
    book = Book(tmp_path)
    book.bring("s.csv", csv("month,brand,ours,volume", f"{written},acme,yes,1"))
    assert book.rows("searches", "month") == ([(meant,)] if meant else [])
