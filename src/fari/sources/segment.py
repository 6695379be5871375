"""Segment-shaped messages (events), nested as JSON or flattened into columns, as RudderStack and Jitsu send them too.

Big files are read by SQL over whole columns. Addresses are taken apart once per distinct address, by `address.take_apart`.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from fari.ledger.problems import Problem
from fari.ledger.sql import bare, literal, literals, quote, texts
from fari.sources.address import Address, host_of, take_apart
from fari.sources.contract import LINE, as_text, described, parquet_rows, read
from fari.sources.file import File
from fari.sources.lines import cut
from fari.sources.record import Chunk, Item, Relation

NAME = "segment"
LABEL = "Segment-shaped events (JSON, JSON Lines, CSV, Parquet)"
COLUMNS = ("type", "messageId", "anonymousId", "userId", "timestamp", "name", "event", "properties", "traits", "context", "groupId", "previousId")

_BATCH = 20_000
FIELDS: dict[str, tuple[str, ...]] = {
    "type": ("type",),
    "message_id": ("messageId",),
    "anonymous_id": ("anonymousId",),
    "user_id": ("userId",),
    "group_id": ("groupId", "context.groupId"),
    "previous_id": ("previousId",),
    "timestamp": ("timestamp", "originalTimestamp"),
    "name": ("event", "name", "properties.name"),
    "url": ("context.page.url", "properties.url", "url"),
    "search": ("context.page.search", "properties.search"),
    "path": ("context.page.path", "properties.path", "path"),
    "referrer": ("context.page.referrer", "properties.referrer", "referrer"),
    "utm_source": ("context.campaign.source", "utm_source"),
    "utm_medium": ("context.campaign.medium", "utm_medium"),
    "utm_campaign": ("context.campaign.name", "context.campaign.campaign", "utm_campaign"),
    "utm_term": ("context.campaign.term", "utm_term"),
    "utm_content": ("context.campaign.content", "utm_content"),
    "user_agent": ("context.userAgent", "userAgent"),
    "device": ("context.device.type", "device"),
    "country": ("context.location.country", "context.country", "context.geo.country", "country"),
    "locale": ("context.locale",),
    "email": ("traits.email", "context.traits.email", "properties.email"),
    "plan": ("properties.plan",),
    "said_type": ("properties.type",),
    "properties": ("properties",),
    "traits": ("traits", "context.traits"),
}
"""For each of the ledger's columns where it stands in a message; the first that is there counts."""


_TRANSPORT = frozenset("sentat receivedat originaltimestamp uuidts version channel integrations metadata writekey projectid ip requestip id".split())
"""Columns about the sending of a message, not about the visitor; an address of the network is never kept."""
_NESTED = ("context", "properties", "traits")


def recognises(file: File) -> bool:
    """A header with `type` and a timestamp, and an id or a context."""
    names = {_flat(name) for name in file.header}
    ids = {"messageid", "anonymousid", "userid", "context", "properties", "event", "traits", "contextpageurl"}
    return "type" in names and bool(names & {"timestamp", "originaltimestamp"}) and bool(names & ids)


def own_columns(file: File) -> int:
    """How many of a message's own columns the file has."""
    own = {_flat(name) for name in COLUMNS}
    return sum(_flat(name) in own for name in file.header)


def stage(file: File, connection: Any) -> Iterator[Item | Relation]:
    """Problems, and at the end the messages, as a query of `connection`."""
    if file.kind in ("json", "jsonl"):
        _documents(file, connection)
        made = _from_documents()
    else:
        if file.kind == "parquet":
            source = parquet_rows(file)
        else:
            yield from _table(file, connection)
            source = "SELECT * FROM cells"
        made = _from_columns(described(connection, source), source)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE messages AS {made}; DROP TABLE IF EXISTS lines; DROP TABLE IF EXISTS cells")
    lost = "SELECT line, lost, broken FROM messages WHERE lost IS NOT NULL OR broken IS NOT NULL ORDER BY CAST(line AS BIGINT)"
    for line, text, column in connection.execute(lost).fetchall():
        if text is not None:
            yield Problem(int(line), "is not a JSON object", value=text, mend="write one JSON object a line")
        else:
            yield Problem(int(line), "is not JSON: the row is kept without it", column, refused=False)
    _addresses(connection)
    kept = [name for name in FIELDS if name not in ("url", "search", "path", "referrer", "properties")]
    tags = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    chosen = [f"coalesce(m.{n}, a.{n}) AS c_{n}" if n in tags else f"m.{n} AS c_{n}" for n in kept]
    # A page's own facts stand in columns already; its properties are kept for other messages only.
    chosen += [
        "a.host AS c_host",
        "coalesce(a.path, m.path) AS c_path",
        "r.host AS c_referrer_host",
        "a.click_ids AS c_click_ids",
        "CASE WHEN lower(m.type) <> 'page' THEN m.properties END AS c_properties",
    ]
    extras = [name for name in described(connection, "FROM messages") if name.startswith("x_")]
    chosen += [f"m.{quote(name)} AS {quote(f'c_{name[2:]}')}" for name in extras]
    joined = "FROM messages m LEFT JOIN addresses a ON a.url = m.url LEFT JOIN referrers r ON r.url = m.referrer"
    columns = [*kept, "host", "path", "referrer_host", "click_ids", "properties", *(name[2:] for name in extras)]
    yield Relation("events", f"SELECT m.line, {', '.join(chosen)} {joined} WHERE m.lost IS NULL", columns)
    connection.execute("DROP TABLE messages; DROP TABLE addresses; DROP TABLE referrers")


def _documents(file: File, connection: Any) -> None:
    """`lines`: one JSON text per message with its line."""
    if file.kind == "jsonl" and cut(file, connection):
        return
    connection.execute("CREATE OR REPLACE TEMP TABLE lines (line VARCHAR, text VARCHAR)")
    listed = ((str(line), json.dumps(value)) for line, value in file.objects()) if file.kind == "json" else _lines(file)
    while batch := list(islice(listed, _BATCH)):
        numbers, found = zip(*batch, strict=True)
        connection.register("incoming", texts({"line": numbers, "text": found}))
        connection.execute("INSERT INTO lines SELECT * FROM incoming")
        connection.unregister("incoming")


def _lines(file: File) -> Iterator[tuple[str, str]]:
    """Number and text of every line that says something. Of a file that is cut off every whole line is kept."""
    return ((str(number), line.rstrip("\r\n")) for number, line in file.lines() if line.strip())


def _from_documents() -> str:
    # One call takes all paths, so that each document is parsed once; of what is no JSON it gives nothing.
    paths = [path for places in FIELDS.values() for path in places]
    at = {path: n for n, path in enumerate(paths, 1)}
    fields = [
        f"coalesce({', '.join(f'nullif(found[{at[path]}], {literal(str())})' for path in places)}) AS {name}" for name, places in FIELDS.items()
    ]
    found = f"TRY(json_extract_string(text, {literals([f'$.{path}' for path in paths])}))"
    read = f"SELECT line, text, CASE WHEN text[1] = '{{' THEN {found} END AS found FROM (SELECT line, {bare('text')} AS text FROM lines)"
    lost = "CASE WHEN found IS NULL THEN left(text, 60) END AS lost"
    return f"SELECT line, {lost}, CAST(NULL AS VARCHAR) AS broken, {', '.join(fields)} FROM ({read}) WHERE text <> ''"


def _from_columns(columns: dict[str, str], source: str) -> str:
    """SQL for each field from a table's columns: flattened names as they are, nested ones through JSON; and `x_<name>` for columns that are none."""
    flat = {_flat(name): (name, kind) for name, kind in columns.items() if name != LINE}
    outers = {name: flat[name] for name in _NESTED if name in flat}
    inner: dict[str, list[str]] = {name: [] for name in outers}
    fields = []
    for field, places in FIELDS.items():
        options = []
        for place in places:
            top, _, rest = place.partition(".")
            if not rest and top in outers:
                options.append(f"CAST({_json(*outers[top])} AS VARCHAR)")
            elif _flat(place) in flat:
                options.append(f"nullif({bare(as_text(*flat[_flat(place)]))}, '')")
            elif rest and top in outers:
                inner[top].append(f"$.{rest}")
                options.append(f"nullif(found_{top}[{len(inner[top])}], '')")
            elif place in ("properties", "traits"):
                options += _packed(place, columns)
        value = f"coalesce({', '.join(options)})" if options else "CAST(NULL AS VARCHAR)"
        fields.append(f"{value} AS {field}")
    known = {_flat(place) for places in FIELDS.values() for place in places} | _TRANSPORT
    others = [(name, kind) for flat_name, (name, kind) in flat.items() if flat_name not in known and not flat_name.startswith(_NESTED)]
    fields += [f"{as_text(name, kind)} AS {quote(f'x_{name}')}" for name, kind in others]
    found = "".join(f", json_extract_string({_json(*outers[name])}, {literals(paths)}) AS found_{name}" for name, paths in inner.items() if paths)
    broken = " ".join(
        f"WHEN trim({quote(name)}) <> '' AND NOT json_valid({quote(name)}) THEN {literal(name)}"
        for name, kind in outers.values()
        if kind == "VARCHAR"
    )
    tests = f"CASE {broken} END" if broken else "CAST(NULL AS VARCHAR)"
    return (
        f"SELECT {quote(LINE)} AS line, CAST(NULL AS VARCHAR) AS lost, {tests} AS broken, {', '.join(fields)} FROM (SELECT *{found} FROM ({source}))"
    )


def _packed(outer: str, columns: dict[str, str]) -> list[str]:
    """The flattened columns of an object (`properties.seats`, `properties_seats`) as JSON again."""
    parts = [(name, kind) for name, kind in columns.items() if re.match(rf"(context[._])?{outer}[._].", name, re.IGNORECASE)]
    if not parts:
        return []
    pairs = ", ".join(
        f"{literal(re.split(rf'{outer}[._]', name, maxsplit=1, flags=re.IGNORECASE)[1])}, nullif({as_text(name, kind)}, '')" for name, kind in parts
    )
    return [f"nullif(CAST(json_merge_patch('{{}}', json_object({pairs})) AS VARCHAR), '{{}}')"]


def _json(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"CASE WHEN json_valid({quote(name)}) THEN {quote(name)} END"
    # A field that is null in every row of a struct is not there.
    return f"json_merge_patch('{{}}', to_json({quote(name)}))"


def _flat(name: str) -> str:
    """A column's name as all its spellings share it.

    >>> _flat("context.page.url") == _flat("context_page_url"), _flat("messageId") == _flat("message_id")
    (True, True)
    """
    return re.sub("[^a-z0-9]", "", name.lower())


def _table(file: File, connection: Any) -> Iterator[Problem]:
    """`cells`: the file's cells as text, with their lines."""
    made = False
    for item in read(file, "events", {}, connection):
        if isinstance(item, Problem):
            yield item
        elif isinstance(item, Relation):
            own = "".join(f", {quote(f'c_{name}')} AS {quote(name)}" for name in item.columns)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE cells AS SELECT line AS {quote(LINE)}{own} FROM ({item.query})")
        elif isinstance(item, Chunk):
            connection.register("incoming", texts({LINE: [str(line) for line in item.lines], **item.columns}))
            connection.execute("INSERT INTO cells SELECT * FROM incoming" if made else "CREATE OR REPLACE TEMP TABLE cells AS SELECT * FROM incoming")
            connection.unregister("incoming")
            made = True


def _addresses(connection: Any) -> None:
    connection.execute(
        "UPDATE messages SET url = url || search WHERE search IS NOT NULL AND search <> '' AND url IS NOT NULL AND strpos(url, '?') = 0"
    )
    connection.execute("UPDATE messages SET url = path || coalesce(search, '') WHERE url IS NULL AND path IS NOT NULL")
    _looked_up(connection, "addresses", "url", take_apart, list(Address._fields))
    _looked_up(connection, "referrers", "referrer", lambda url: (host_of(url),), ["host"])


def _looked_up(connection: Any, table: str, column: str, function: Callable[[str], tuple[str | None, ...]], names: Sequence[str]) -> None:
    """`table`: each distinct value of a messages' column with what the function makes of it."""
    typed = ", ".join(f"{name} VARCHAR" for name in ("url", *names))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({typed})")
    distinct = connection.execute(f"SELECT DISTINCT {column} FROM messages WHERE {column} IS NOT NULL").fetchall()
    for start in range(0, len(distinct), _BATCH):
        urls = [url for (url,) in distinct[start : start + _BATCH]]
        made = list(zip(*map(function, urls), strict=True))
        connection.register("incoming", texts({"url": urls} | dict(zip(names, made, strict=True))))
        connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
        connection.unregister("incoming")
