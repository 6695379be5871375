"""What the ledger holds of one person: which ids an address has, and every row about them, whatever its version."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fari.ledger.sql import among, literal, parquet, quote
from fari.ledger.store import Ledger, stored_columns

_NAMES: Mapping[str, tuple[str, ...]] = {
    "people": ("person_id",),
    "stages": ("person_id",),
    "feedback": ("person_id", "account_id"),
    "deals": ("person_id",),
    "events": ("user_id", "previous_id"),
    "accounts": ("account_id",),
    "subscriptions": ("account_id",),
    "aliases": ("from_id", "to_id"),
}
"""By table, the columns in which an id of a person may stand. A person without a company is its own account."""
_INNER = frozenset({"key", "scope", "digest", "appended"})
_JSON = frozenset({"attributes", "properties", "traits"})


def by_email(ledger: Ledger, email: str) -> set[str]:
    """The ids that gave this address: of people, of users, and of devices whose user was not known."""
    same = f"lower(trim(email)) = {literal(email.strip().lower())}"
    found: set[str] = set()
    session = ledger.session()
    for table, named in (("people", "person_id"), ("events", "coalesce(user_id, anonymous_id)")):
        rows = session.execute(f"SELECT DISTINCT {named} FROM ({parquet(ledger.files(table), stored_columns(table))}) WHERE {same}").fetchall()
        found |= {one for (one,) in rows if one is not None}
    session.close()
    return found


def mentions(ledger: Ledger, ids: Iterable[str]) -> dict[str, str]:
    """By table the condition (SQL) on its rows about the person of these ids, in any version; tables without such rows are left out."""
    session = ledger.session()
    listed = among(sorted(ids))
    found: dict[str, str] = {}
    for table, names in _NAMES.items():
        files = ledger.files(table)
        rows = parquet(files, stored_columns(table))
        where = " OR ".join(f"{name} IN {listed}" for name in names)
        if table == "aliases":
            where = f"kind = 'person' AND ({where})"
        elif table == "events" and files:
            # What was sent before the person was known came from the same devices; what names another user is that one's.
            known = f"SELECT DISTINCT anonymous_id FROM ({rows}) WHERE ({where}) AND anonymous_id IS NOT NULL"
            devices = [device for (device,) in session.execute(known).fetchall()]
            where += f" OR user_id IS NULL AND anonymous_id IN {among(sorted({*devices, *ids}))}"
        if files and session.execute(f"SELECT 1 FROM ({rows}) WHERE {where} LIMIT 1").fetchone():
            found[table] = where
    session.close()
    return found


def rows_about(ledger: Ledger, ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """By table every row about the person of these ids, in the order they became known: what is filled in, its source, file and import."""
    session = ledger.session()
    found: dict[str, list[dict[str, Any]]] = {}
    for table, where in mentions(ledger, ids).items():
        columns = stored_columns(table)
        shown = [name for name in columns if name not in _INNER and not (name.endswith("_day") and name.removesuffix("_day") in columns)]
        rows = session.execute(
            f"SELECT {', '.join(map(quote, shown))} FROM ({parquet(ledger.files(table), columns)}) WHERE {where} ORDER BY recorded_at, origin, key"
        ).fetchall()
        found[table] = [{name: _told(name, value) for name, value in zip(shown, row, strict=True) if value is not None} for row in rows]
    session.close()
    return found


def _told(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON else value
