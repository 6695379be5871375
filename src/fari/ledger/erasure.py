"""A person's personal data removed from every version of every row: the one thing that is ever overwritten."""

import json
import shutil
from datetime import date, datetime

from fari.errors import FariError
from fari.ledger.acts import moment
from fari.ledger.sql import among, literal, parquet, quote
from fari.ledger.store import IMPORTS, Ledger, stored_columns

PERSONAL: dict[str, tuple[str, ...]] = {
    "people": ("email", "name", "attributes"),
    "stages": ("reason", "actor", "attributes"),
    "feedback": ("text", "attributes"),
    "deals": ("name", "attributes"),
    "events": ("email", "properties", "traits", "attributes"),
}
"""By table, the columns that may say who somebody is. Ids stay: without them nothing could be counted."""


def erase(ledger: Ledger, person_id: str, recorded: date, now: datetime) -> dict[str, int]:
    """Empty what the ledger holds of a person beside ids, dates and counts; how many rows of each table. FariError where there is nobody of that id.

    Old files are removed at once, so whoever is reading may have to ask again; facts are built anew from what is left. That it was done is kept,
    not for whom. A file that still has the person brings nothing back while its row is unchanged; a changed row is a new version.
    """
    ledger.open()
    with ledger.writing():
        found = {table: _where(ledger, table, person_id) for table in PERSONAL}
        if not any(found.values()):
            raise FariError(f"there is nobody of the id {person_id!r}")
        rewritten: dict[str, int] = {}
        for table, where in found.items():
            if where is None:
                continue
            filled = " OR ".join(f"{quote(name)} IS NOT NULL" for name in PERSONAL[table])
            values = dict.fromkeys(PERSONAL[table], "CAST(NULL AS STRING)")
            if rows := ledger.delta(table).rewrite(f"({where}) AND ({filled})", values):
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


def _where(ledger: Ledger, table: str, person_id: str) -> str | None:
    """The condition on the rows about a person, in any version; None where there are none."""
    files = ledger.files(table)
    if not files:
        return None
    rows = parquet(files, stored_columns(table))
    where = f"person_id = {literal(person_id)}"
    session = ledger.session()
    try:
        if table == "events":
            # What was sent before the person was known came from the same devices.
            where = f"user_id = {literal(person_id)} OR previous_id = {literal(person_id)}"
            devices = session.execute(f"SELECT DISTINCT anonymous_id FROM ({rows}) WHERE ({where}) AND anonymous_id IS NOT NULL").fetchall()
            if devices:
                where += f" OR anonymous_id IN {among([device for (device,) in devices])}"
        return where if session.execute(f"SELECT 1 FROM ({rows}) WHERE {where} LIMIT 1").fetchone() else None
    finally:
        session.close()
