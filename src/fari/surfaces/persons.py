"""`fari person` and `fari erase`: what is known of one person, and the removal of it."""

import sys
from typing import TYPE_CHECKING

import typer

from fari.errors import FariError
from fari.surfaces import asking, terminal
from fari.surfaces.format import many
from fari.surfaces.project import Place, now, today

if TYPE_CHECKING:
    from fari.ledger.store import Ledger


def show_person(place: Place, person: str) -> None:
    """All that is known of a person, as JSON."""
    from fari.ledger.person import rows_about
    from fari.surfaces.output import dumps

    ledger = place.project()
    ids = _ids(ledger, person)
    rows = rows_about(ledger, ids)
    if not rows:
        raise _nobody(person)
    devices = sorted({row["anonymous_id"] for row in rows.get("events", ()) if "anonymous_id" in row})
    found = {"person": person, "ids": [{"id": one, "rule": rule or None} for one, rule in sorted(ids.items())], "devices": devices, "rows": rows}
    terminal.write(dumps(found, indent=2) + "\n")


def erase_person(place: Place, person: str, yes: bool) -> None:
    """Say what is held of a person, and remove it once that is meant. FariError where there is nobody, or where nobody can be asked."""
    from fari.ledger.erasure import erase, held
    from fari.ledger.person import mentions

    ledger = place.project()
    ids = _ids(ledger, person)
    if not mentions(ledger, ids):
        raise _nobody(person)
    found = held(ledger, ids)
    rows = many(sum(columns[""] for columns in found.values()), "row")
    terminal.write(f"{person}: known as {', '.join(sorted(ids))}\n")
    for table, columns in found.items():
        filled = ", ".join(f"{name} ({count:,})" for name, count in columns.items() if name)
        terminal.write(f"  {table}: {many(columns[''], 'row')}: {filled}\n")
    if not found:
        terminal.note("nothing that says who it is: nothing to erase. Ids, dates and counts stay")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise FariError(f"nothing was erased; to empty these columns in {rows}, in all versions and for good: --yes")
        if not typer.confirm(f"Empty these columns in {rows}, in all versions and for good?", err=True):
            raise FariError("nothing was erased")
    erased = erase(ledger, ids, today(ledger.company), now())
    tables = ", ".join(f"{many(count, 'row')} of {table}" for table, count in erased.items())
    terminal.note(f"erased: {tables}. Ids, dates and counts stay; the files that were imported, and backups, still have it")
    for one in sorted(one for one in ids if "@" in one):
        terminal.note(f"the id {one} is itself an address, and stays: in all that is known of it an id must be")


def _ids(ledger: "Ledger", person: str) -> dict[str, str]:
    """Every id of the person of an id or e-mail address, with the rule that links it."""
    from fari.engine.linked import one_person
    from fari.ledger.person import by_email

    if not ledger.imports():
        raise FariError(asking.NOTHING_IMPORTED)
    with terminal.progress("looking for the person") as progress:
        return one_person(asking.asker(ledger, "duckdb", progress), {person, *(by_email(ledger, person) if "@" in person else ())})


def _nobody(person: str) -> FariError:
    return FariError(
        f"there is nobody of the {'e-mail address' if '@' in person else 'id'} {person!r}; ids are those of the files (u_1, stripe:cus_1)"
    )
