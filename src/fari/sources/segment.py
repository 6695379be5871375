"""Segment-shaped messages (events), nested as JSON or flattened into columns, as RudderStack and Jitsu send them too.

Big files are read by SQL over whole columns. Addresses are taken apart once per distinct address, by `address.take_apart`.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arro3.core import Array, DataType
from arro3.core import Table as ArrowTable

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.address import Address, host_of, take_apart
from fari.sources.contract import read
from fari.sources.file import File
from fari.sources.record import Chunk, Item

NAME = "segment"
LABEL = "Segment-shaped events (JSON, JSON Lines, CSV, Parquet)"
COLUMNS = ("type", "messageId", "anonymousId", "userId", "timestamp", "name", "event", "properties", "traits", "context", "groupId", "previousId")

_BATCH = 100_000

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


def recognises(file: File) -> bool:
    """A header with `type` and a timestamp, and an id or a context."""
    names = {_flat(name) for name in file.header}
    ids = {"messageid", "anonymousid", "userid", "context", "properties", "event", "traits", "contextpageurl"}
    return "type" in names and bool(names & {"timestamp", "originaltimestamp"}) and bool(names & ids)


def stage(file: File, company: Company, connection: Any) -> Iterator[Item | tuple[str, list[str]]]:
    """Problems, and at the end (SQL giving `line` and one `c_<column>` per column, those columns)."""
    scratch: Path | None = None
    if file.kind == "parquet":
        name = str(file.path).replace("'", "''")
        source = f"SELECT CAST(row_number() OVER () AS VARCHAR) AS line, * FROM read_parquet('{name}')"
        fields = _columns(connection, source)
    elif file.kind in ("json", "jsonl"):
        scratch, bad = _lines(file, connection)
        yield from bad
        fields, source = _documents()
    else:
        yield from _table(file, connection)
        source = "SELECT * FROM cells"
        fields = _columns(connection, source)
    made = ", ".join(f"{sql} AS {name}" for name, sql in fields.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE messages AS SELECT line, {made} FROM ({source})")
    if scratch is not None:
        scratch.unlink()
    _addresses(connection)
    kept = [name for name in FIELDS if name not in ("url", "search", "path", "referrer", "properties")]
    columns = ["host", "path", "referrer_host", "click_ids", "properties", *kept]
    tags = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    chosen = [f'coalesce(nullif(m.{n}, \'\'), a.{n}) AS "c_{n}"' if n in tags else f'm.{n} AS "c_{n}"' for n in kept]
    # A page's own facts stand in columns already; its properties are kept for other messages only.
    chosen += [
        'a.host AS "c_host"',
        'coalesce(a.path, m.path) AS "c_path"',
        'r.host AS "c_referrer_host"',
        'a.click_ids AS "c_click_ids"',
        "CASE WHEN lower(m.type) <> 'page' THEN m.properties END AS \"c_properties\"",
    ]
    yield (
        f"SELECT m.line, {', '.join(chosen)} FROM messages m LEFT JOIN addresses a ON a.url = m.url "
        "LEFT JOIN referrers r ON r.url = m.referrer",
        columns,
    )


def _lines(file: File, connection: Any) -> tuple[Path | None, list[Problem]]:
    """`documents`: one JSON text per message with its line. A plain JSON Lines file is read by the engine, any other line by line."""
    bad: list[Problem] = []
    if file.kind == "json":
        import json

        numbered = [(str(line), json.dumps(value)) for line, value in file.objects()]
        connection.register("incoming", ArrowTable.from_pydict({"line": _strings([n for n, _ in numbered]), "doc": _strings([d for _, d in numbered])}))
        connection.execute("CREATE OR REPLACE TEMP TABLE documents AS SELECT * FROM incoming")
        connection.unregister("incoming")
        return None, bad
    path, scratch = file.path, None
    if file.packed or file.encoding.startswith("utf-16") or not _is_utf8(file.path):
        # Unpacked line by line, so that of a file that is cut off every whole line is kept.
        handle, name = tempfile.mkstemp(suffix=".jsonl")
        scratch = path = Path(name)
        with open(handle, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a descriptor
            wanted = 1
            for number, line in file.lines():
                out.write("\n" * (number - wanted))  # lines left out keep the others' numbers
                out.write(line if line.endswith("\n") else line + "\n")
                wanted = number + 1
    escaped = str(path).replace("'", "''")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE documents AS SELECT CAST(row_number() OVER () AS VARCHAR) AS line, doc FROM "
        f"read_csv('{escaped}', columns = {{'doc': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false, "
        "auto_detect = false, max_line_size = 33554432, null_padding = false, strict_mode = false)"
    )
    rows = connection.execute("SELECT line, left(doc, 60) FROM documents WHERE trim(doc) <> '' AND (NOT json_valid(doc) OR json_type(doc) <> 'OBJECT')").fetchall()
    bad += [Problem(int(line), "is not a JSON object", value=text, mend="one JSON object a line") for line, text in rows]
    connection.execute("DELETE FROM documents WHERE doc IS NULL OR trim(doc) = '' OR NOT json_valid(doc) OR json_type(doc) <> 'OBJECT'")
    return scratch, bad


def _is_utf8(path: Path) -> bool:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as raw:
            if raw.read(3) != b"\xef\xbb\xbf":
                raw.seek(0)
            while piece := raw.read(2**20):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _documents() -> tuple[dict[str, str], str]:
    # One call takes all paths, so that each document is parsed once.
    paths = [path for places in FIELDS.values() for path in places]
    listed = ", ".join(f"'$.{path}'" for path in paths)
    at = {path: n for n, path in enumerate(paths, 1)}
    fields = {name: f"coalesce({', '.join(f'nullif(found[{at[path]}], {chr(39) * 2})' for path in places)})" for name, places in FIELDS.items()}
    return fields, f"SELECT line, json_extract_string(doc, [{listed}]) AS found FROM documents"


def _columns(connection: Any, source: str) -> dict[str, str]:
    """SQL for each field from a table's columns: flattened names as they are, nested ones through JSON."""
    described = connection.execute(f"DESCRIBE {source}").fetchall()
    flat = {_flat(name): (name, kind) for name, kind, *_ in described}
    found: dict[str, str] = {}
    for field, places in FIELDS.items():
        options = []
        for place in places:
            if (column := flat.get(_flat(place))) is not None:
                options.append(_as_text(*column))
            elif "." in place and (outer := flat.get(_flat(place.split(".")[0]))) is not None:
                inner = place.split(".", 1)[1]
                options.append(f"json_extract_string({_as_json(*outer)}, '$.{inner}')")
        found[field] = f"coalesce({', '.join(options)})" if options else "CAST(NULL AS VARCHAR)"
    return found


def _as_text(name: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"strftime(\"{name}\" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(\"{name}\", '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith(("STRUCT", "MAP")):
        return f'CAST(to_json("{name}") AS VARCHAR)'
    return f'CAST("{name}" AS VARCHAR)'


def _as_json(name: str, kind: str) -> str:
    if kind.startswith(("STRUCT", "MAP", "JSON")):
        return f'to_json("{name}")'
    return f'CASE WHEN json_valid("{name}") THEN "{name}" END'


def _flat(name: str) -> str:
    """A column's name as all its spellings share it.

    >>> _flat("context.page.url") == _flat("context_page_url"), _flat("messageId") == _flat("message_id")
    (True, True)
    """
    return re.sub("[^a-z0-9]", "", name.lower())


def _table(file: File, connection: Any) -> list[Problem]:
    """`cells`: the file's cells as text, with their lines."""
    bad: list[Problem] = []
    made = False
    for item in read(file, "events", {}):
        if isinstance(item, Problem):
            bad.append(item)
        elif isinstance(item, Chunk):
            arrays = {"line": _strings([str(line) for line in item.lines])} | {name: _strings(cells) for name, cells in item.columns.items()}
            connection.register("incoming", ArrowTable.from_pydict(arrays))
            connection.execute("INSERT INTO cells SELECT * FROM incoming" if made else "CREATE OR REPLACE TEMP TABLE cells AS SELECT * FROM incoming")
            connection.unregister("incoming")
            made = True
    return bad


def _addresses(connection: Any) -> None:
    connection.execute(
        "UPDATE messages SET url = url || search WHERE search IS NOT NULL AND search <> '' AND url IS NOT NULL AND strpos(url, '?') = 0"
    )
    connection.execute("UPDATE messages SET url = path || coalesce(search, '') WHERE url IS NULL AND path IS NOT NULL")
    _looked_up(connection, "addresses", "url", take_apart, list(Address._fields))
    _looked_up(connection, "referrers", "referrer", lambda url: (host_of(url),), ["host"])


def _looked_up(connection: Any, table: str, column: str, function: Any, names: Sequence[str]) -> None:
    """`table`: each distinct value of a messages' column with what the function makes of it."""
    typed = ", ".join(f"{name} VARCHAR" for name in ("url", *names))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({typed})")
    distinct = connection.execute(f"SELECT DISTINCT {column} FROM messages WHERE {column} IS NOT NULL").fetchall()
    for start in range(0, len(distinct), _BATCH):
        urls = [url for (url,) in distinct[start : start + _BATCH]]
        made = list(zip(*map(function, urls), strict=True))
        arrays = {"url": _strings(urls)} | {name: _strings(list(values)) for name, values in zip(names, made, strict=True)}
        connection.register("incoming", ArrowTable.from_pydict(arrays))
        connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
        connection.unregister("incoming")


def _strings(values: Sequence[str | None]) -> Array:
    return Array(list(values), DataType.string())
