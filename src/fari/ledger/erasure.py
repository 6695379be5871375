"""A person's personal data removed from every version of every row: the one thing that is ever overwritten."""

import json
import shutil
import uuid
from collections.abc import Collection
from datetime import date, datetime

from fari.errors import FariError
from fari.ledger.acts import moment
from fari.ledger.person import mentions
from fari.ledger.sql import literal, parquet, quote
from fari.ledger.store import IMPORTS, Ledger, stored_columns

PERSONAL: dict[str, tuple[str, ...]] = {
    "people": ("email", "name", "attributes"),
    "stages": ("reason", "actor", "attributes"),
    "feedback": ("text", "attributes"),
    "deals": ("name", "attributes"),
    "events": ("email", "properties", "traits", "attributes"),
    "accounts": ("name", "attributes"),
    "subscriptions": ("attributes",),
}
"""By table, the columns that may say who somebody is. Ids stay: without them nothing could be counted."""
_NOBODY = "erased@{}.invalid"
"""What stands for an erased e-mail address, one for all of a person's: that there was one may make a lead, and by equal ones ids are one person."""


def held(ledger: Ledger, ids: Collection[str]) -> dict[str, dict[str, int]]:
    """By table and column, in how many rows of any version something personal of the person of these ids stands; under "" in how many at all."""
    session = ledger.session()
    found: dict[str, dict[str, int]] = {}
    for table, where in mentions(ledger, ids).items():
        if table not in PERSONAL:
            continue
        counts = ", ".join(f"count(*) FILTER ({_said(name)})" for name in PERSONAL[table])
        rows, *filled = session.execute(
            f"SELECT count(*), {counts} FROM ({parquet(ledger.files(table), stored_columns(table))}) WHERE ({where}) AND ({_filled(table)})"
        ).fetchone()
        if rows:
            found[table] = {"": rows} | {name: count for name, count in zip(PERSONAL[table], filled, strict=True) if count}
    session.close()
    return found


def erase(ledger: Ledger, ids: Collection[str], recorded: date, now: datetime) -> dict[str, int]:
    """Empty what the ledger holds of the person of these ids beside ids, dates and counts; how many rows of each table.

    FariError where there is nobody of them. Old files are removed at once, so whoever is reading may have to ask again; facts are built anew
    from what is left. That it was done is kept, not for whom. A file that still has the person brings nothing back while its row is unchanged;
    a changed row is a new version.
    """
    ledger.open()
    with ledger.writing():
        found = mentions(ledger, ids)
        if not found:
            raise FariError(f"there is nobody of the id {' or '.join(map(repr, sorted(ids)))}")
        nobody = _NOBODY.format(uuid.uuid4().hex)
        rewritten: dict[str, int] = {}
        for table, where in found.items():
            if table not in PERSONAL:
                continue
            values = dict.fromkeys(PERSONAL[table], "CAST(NULL AS STRING)")
            if "email" in values:
                values["email"] = f"CASE WHEN email IS NOT NULL THEN {literal(nobody)} END"
            if rows := ledger.delta(table).rewrite(f"({where}) AND ({_filled(table)})", values):
                rewritten[table] = rows
                ledger.delta(table).forget()
        shutil.rmtree(ledger.folder / "facts", ignore_errors=True)
        act = dict.fromkeys(IMPORTS) | {
            "import_id": "",
            "act": "erase",
            "at": moment(now, ledger.imports()),
            "recorded_on": recorded,
            "tables": json.dumps(rewritten),
        }
        ledger.write_small("imports", IMPORTS, [act])
    return rewritten


def _filled(table: str) -> str:
    return " OR ".join(map(_said, PERSONAL[table]))


def _said(column: str) -> str:
    """The condition on rows in which the column says something of a person."""
    return f"{quote(column)} NOT LIKE {literal(_NOBODY.format('%'))}" if column == "email" else f"{quote(column)} IS NOT NULL"
