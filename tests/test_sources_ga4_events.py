"""GA4's BigQuery export: its two file formats say the same, and big files come in chunks."""

import json
from pathlib import Path
from typing import Any

import duckdb

from fari.company import Company
from fari.sources import ga4_events
from fari.sources.file import open_file
from fari.sources.record import Chunk, Skipped

SAMPLE = Path(__file__).parent / "golden" / "sources" / "ga4_events" / "events_20250331.jsonl"
SCHEMA = {
    "event_date": "VARCHAR",
    "event_timestamp": "BIGINT",
    "event_name": "VARCHAR",
    "event_params": "STRUCT(key VARCHAR, value STRUCT(string_value VARCHAR, int_value BIGINT, float_value DOUBLE, double_value DOUBLE))[]",
    "user_pseudo_id": "VARCHAR",
    "user_id": "VARCHAR",
    "device": "STRUCT(category VARCHAR, language VARCHAR, web_info STRUCT(browser VARCHAR, browser_version VARCHAR))",
    "geo": "STRUCT(country VARCHAR, city VARCHAR)",
    "collected_traffic_source": "STRUCT(manual_source VARCHAR, manual_medium VARCHAR, manual_campaign_name VARCHAR, gclid VARCHAR)",
    "batch_page_id": "BIGINT",
    "batch_ordering_id": "BIGINT",
    "batch_event_index": "BIGINT",
}
"""Types as BigQuery's schema has them; in its JSON, whole numbers are text."""


def chunks(path: Path) -> list[Chunk]:
    """The file's chunks."""
    return [item for item in ga4_events.read(open_file(path), Company()) if isinstance(item, Chunk)]


def whole(path: Path, good: list[dict[str, Any]]) -> Path:
    """These events as JSON Lines."""
    path.write_text("".join(json.dumps(event) + "\n" for event in good), encoding="utf-8")
    return path


def events() -> list[dict[str, Any]]:
    """The sample's events, without the damaged ones."""
    found = []
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if str(event.get("event_timestamp", "")).isdigit():
            found.append(event)
    return found


def test_parquet_says_what_json_lines_say(tmp_path: Path) -> None:
    lines = whole(tmp_path / "events.jsonl", events())
    nested = tmp_path / "events.parquet"
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in SCHEMA.items())
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM read_json('{lines}', columns = {{{columns}}})) TO '{nested}' (FORMAT parquet)")
    assert ga4_events.recognises(open_file(nested))
    (one,), (other,) = chunks(lines), chunks(nested)
    assert one.columns == other.columns
    assert len(one.columns["type"]) == 9


def test_many_events_come_in_chunks_and_each_has_its_own_id(tmp_path: Path) -> None:
    one = events()[3]
    path = whole(tmp_path / "many.jsonl", [one | {"event_timestamp": str(1743415200000000 + n)} for n in range(10_001)])
    found = chunks(path)
    assert [len(chunk.lines) for chunk in found] == [10_000, 1]
    assert len({key for chunk in found for key in chunk.columns["message_id"]}) == 10_001


def test_an_event_exported_twice_has_one_id(tmp_path: Path) -> None:
    path = whole(tmp_path / "twice.jsonl", [event for event in events() for _ in range(2)])
    ids = [key for chunk in chunks(path) for key in chunk.columns["message_id"]]
    assert len(ids) == 2 * len(set(ids))


def test_what_ga4_counts_with_is_left_out_and_said() -> None:
    said = [item.why for item in ga4_events.read(open_file(SAMPLE), Company()) if isinstance(item, Skipped)]
    assert sorted(why.split(":")[0] for why in said) == ["first_visit", "scroll", "session_start", "user_engagement"]


def test_no_address_in_a_property_is_kept() -> None:
    kept = [text for chunk in chunks(SAMPLE) for column in chunk.columns.values() for text in column if text]
    assert not [text for text in kept if "@" in text]
