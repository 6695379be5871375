"""Google Analytics 4 events as its BigQuery export has them: JSON Lines, JSON or Parquet with nested columns."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from fari.sources.address import Address, host_of, take_apart
from fari.sources.record import Chunk, Company, File, Item, Problem, Skipped

NAME = "ga4_events"
LABEL = "Google Analytics 4: BigQuery export of events (JSON Lines, Parquet)"
COLUMNS = ("event_name", "event_timestamp", "event_params", "user_pseudo_id", "user_id", "device", "geo", "collected_traffic_source")

_BATCH = 10_000
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MADE_BY_GA = frozenset({"session_start", "first_visit", "first_open", "user_engagement", "scroll"})
"""Events that GA4 makes by itself to count with: they say nothing that the page views do not."""
_NAMES = {"sign_up": "Signed Up"}
_TYPES = {"page_view": "page", "screen_view": "screen"}
_TAGS = {"utm_source": "source", "utm_medium": "medium", "utm_campaign": "campaign_name", "utm_term": "term", "utm_content": "content"}
_CLICKS = ("gclid", "dclid", "srsltid")
_DERIVED = frozenset({"organic", "referral"})
"""Media that GA4 infers from the referrer; Fari has the referrer and its own rules."""
_ORDER = ("batch_page_id", "batch_ordering_id", "batch_event_index")
_READ = ("event_name", "event_timestamp", "event_params", "user_pseudo_id", "user_id", "device", "geo", "collected_traffic_source", *_ORDER)
_VALUES = ("string_value", "int_value", "double_value", "float_value")
_NOISE = frozenset(
    "page_location page_referrer page_title ga_session_id ga_session_number session_engaged engaged_session_event engagement_time_msec entrances "
    "ignore_referrer debug_mode source medium campaign term content gclid dclid srsltid batch_page_id batch_ordering_id plan type "
    "firebase_screen firebase_screen_class firebase_screen_id firebase_event_origin".split()
)
"""Parameters that are kept elsewhere, or only serve GA4's own counting."""

_TARGETS = (
    *("type", "message_id", "anonymous_id", "user_id", "timestamp", "name", "host", "path", "referrer_host"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "click_ids", "device", "country", "locale", "plan", "properties"),
)

_address = lru_cache(maxsize=65536)(take_apart)
_host = lru_cache(maxsize=65536)(host_of)


def recognises(file: File) -> bool:
    """Whether it is nested and has GA4's name, time and parameters of an event."""
    return file.kind in ("json", "jsonl", "parquet") and {"event_name", "event_timestamp", "event_params"} <= set(file.header)


def read(file: File, company: Company) -> Iterator[Item]:
    """Page views as pages, all other events as tracks, in chunks."""
    lines: list[Any] = []
    rows: list[tuple[str | None, ...]] = []
    strange: set[str] = set()
    for line, event in _events(file):
        name = event.get("event_name")
        if name in _MADE_BY_GA:
            yield Skipped(line, f"{name}: made by Google Analytics itself")
            continue
        moment = _instant(event.get("event_timestamp"))
        if not name or moment is None:
            column = "event_timestamp" if name else "event_name"
            what = "is no time in microseconds" if name else "has no name"
            yield Problem(line, what, column=column, value=str(event.get(column) or ""), mend="export the table again")
            continue
        country = _part(event, "geo", "country")
        code = _country(country) if country else None
        if country and code is None and country not in strange and country != "(not set)":
            strange.add(country)
            yield Problem(line, "is no country known by this name: kept as it is", column="geo.country", value=country, refused=False)
        lines.append(line)
        rows.append(_row(event, str(name), moment, code or (country if country in strange else None)))
        if len(rows) >= _BATCH:
            yield _chunk(lines, rows)
            lines, rows = [], []
    if rows:
        yield _chunk(lines, rows)


def _events(file: File) -> Iterator[tuple[int | str, Mapping[str, Any]]]:
    """The file's events. Of a Parquet file only the columns read, as JSON: five times as fast as nested values one by one."""
    if file.kind != "parquet":
        yield from file.objects()
        return
    import duckdb

    wanted = ", ".join(name for name in _READ if name in file.header)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        cursor = connection.execute(f"SELECT to_json(event) FROM (SELECT {wanted} FROM read_parquet(?)) event", [str(file.local)])
        line = 0
        while batch := cursor.fetchmany(_BATCH):
            for (text,) in batch:
                line += 1
                yield line, json.loads(text)


def _chunk(lines: list[Any], rows: list[tuple[str | None, ...]]) -> Chunk:
    return Chunk("events", lines, dict(zip(_TARGETS, map(list, zip(*rows, strict=True)), strict=True)))


def _row(event: Mapping[str, Any], name: str, moment: str, country: str | None) -> tuple[str | None, ...]:
    """One event's values, in the order of `_TARGETS`."""
    params = _params(event.get("event_params"))
    kind = _TYPES.get(name, "track")
    address = _address(_text(params.get("page_location")))
    referrer = _host(_text(params.get("page_referrer")))
    pseudo = _text(event.get("user_pseudo_id"))
    titled = {"page": "page_title", "screen": "firebase_screen"}.get(kind)
    rest = {key: value for key, value in params.items() if key not in _NOISE and not (isinstance(value, str) and "@" in value)}
    return (
        kind,
        _message_id(event, params, pseudo, name),
        f"ga4:{pseudo}" if pseudo else None,
        _text(event.get("user_id")),
        moment,
        _text(params.get(titled)) if titled else _NAMES.get(name, name),
        address.host,
        address.path,
        referrer,
        *_campaign(event, params, address, referrer),
        _device(_part(event, "device", "category")),
        country,
        _part(event, "device", "language"),
        _text(params.get("plan") or params.get("type")),
        json.dumps(rest, ensure_ascii=False, sort_keys=True) if rest else None,
    )


def _params(listed: Any) -> dict[str, Any]:
    """Parameters by name: the one value each has. Some Parquet writers wrap repeated fields once more."""
    if isinstance(listed, Mapping):
        listed = [item.get("element", item) for item in listed.get("list") or ()]
    found: dict[str, Any] = {}
    for param in listed or ():
        value = param.get("value") or {}
        kind = next((name for name in _VALUES if value.get(name) is not None), None)
        # BigQuery writes whole numbers as text in JSON, and as numbers in Parquet.
        found[param["key"]] = (int(value[kind]) if kind == "int_value" else value[kind]) if kind else None
    return found


def _campaign(event: Mapping[str, Any], params: Mapping[str, Any], address: Address, referrer: str | None) -> Iterable[str | None]:
    """Campaign tags and click ids: those on the page's own address, else what GA4 collected with this event.

    `traffic_source` is not read: it is the visitor's first, whatever brought this visit.
    """
    tags: list[str | None] = [address.utm_source, address.utm_medium, address.utm_campaign, address.utm_term, address.utm_content]
    collected = event.get("collected_traffic_source") or {}
    if not any(tags):
        tags = [_set(collected.get(f"manual_{name}") or params.get(name.removesuffix("_name"))) for name in _TAGS.values()]
        if referrer and tags[1] in _DERIVED:
            tags = [None] * len(tags)
    clicks = set(address.click_ids.split(",")) if address.click_ids else set()
    clicks.update(click for click in _CLICKS if collected.get(click) or params.get(click))
    return *tags, ",".join(sorted(clicks)) or None


def _message_id(event: Mapping[str, Any], params: Mapping[str, Any], pseudo: str | None, name: str) -> str:
    """The same for the same event in every export of it."""
    parts = [pseudo, event.get("event_timestamp"), name, params.get("ga_session_id"), *(event.get(place) for place in _ORDER)]
    return blake2b("|".join("" if part is None else str(part) for part in parts).encode(), digest_size=16).hexdigest()


def _instant(micros: Any) -> str | None:
    try:
        return (_ZERO + timedelta(microseconds=int(micros))).replace(tzinfo=None).isoformat() + "Z"
    except (TypeError, ValueError, OverflowError):
        return None


def _part(event: Mapping[str, Any], record: str, name: str) -> str | None:
    return _text((event.get(record) or {}).get(name))


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _set(value: Any) -> str | None:
    """The value, unless it is one of GA4's words for none: (not set), (direct), (none), (organic)."""
    text = _text(value)
    return None if text is None or text.startswith("(") else text


def _device(category: str | None) -> str | None:
    return category if category in (None, "desktop", "mobile", "tablet") else "other"


@cache
def _country(name: str) -> str | None:
    """The ISO code of a country as GA4 names it, or given as a code already."""
    return name.upper() if len(name) == 2 and name.isalpha() else _territories().get(name.casefold().replace("’", "'"))


@cache
def _territories() -> dict[str, str]:
    """English names of countries. GA4 has them from the same source (CLDR), in other editions."""
    from babel import Locale

    names = {str(name).casefold().replace("’", "'"): code for code, name in Locale.parse("en").territories.items() if len(code) == 2}
    older = {"turkey": "TR", "czech republic": "CZ", "swaziland": "SZ", "macedonia (fyrom)": "MK", "hong kong": "HK", "macao": "MO"}
    return older | names | {"palestine": "PS"}
