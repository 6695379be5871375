"""`fari sync`: what is new at a vendor, into the ledger, with the same account of it as an import gives."""

import os
import re
from typing import TYPE_CHECKING

from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces import terminal
from fari.surfaces.asking import a_day
from fari.surfaces.importing import as_objects, described
from fari.surfaces.project import Place, now, today

if TYPE_CHECKING:
    from fari.sources.syncing import Synced

_SECRET = re.compile("KEY|SECRET|TOKEN|PASSWORD", re.IGNORECASE)
_SHORT = 6
"""What is no longer than this keeps no secret."""


def bring_from(place: Place, name: str, since: str | None, source: str | None, dry_run: bool, json: bool) -> None:
    """Read what is new of a source, and report."""
    from fari.ledger.acts import How
    from fari.ledger.tries import Try, tried
    from fari.sources.syncing import SOURCES, sync

    if name not in SOURCES:
        raise UsageError(f"unknown source {name!r}{did_you_mean(name, SOURCES)} (one of: {', '.join(SOURCES)})")
    if source is not None and not source.strip():
        raise UsageError("--source takes a name")
    from_ = a_day(since, "--since") if since else None
    ledger = place.project()
    if from_ and from_ > today(ledger.company):
        raise UsageError(f"--since {from_} has not come yet")
    how = How(today(ledger.company), now(), dry_run=dry_run)
    own = source or name
    try:
        with terminal.progress(f"asking {name}") as say:
            synced = sync(ledger, name, how, os.environ, source=source, since=from_, say=say)
    except BaseException as error:
        if not dry_run:
            tried(ledger, Try(own, how.now, _reason(error)))
        raise
    if not dry_run:
        tried(ledger, Try(own, how.now, read=synced.report.read))
    _tell(synced, dry_run, json)


def _reason(error: BaseException) -> str:
    """Why it failed, for others to read: in our own words alone, since any other text may hold what is secret."""
    if isinstance(error, FariError):
        text = str(error)
        for name, value in os.environ.items():
            if _SECRET.search(name) and len(value) > _SHORT:
                text = text.replace(value, "…")
        return text[:500]
    return "it was stopped" if isinstance(error, KeyboardInterrupt) else f"it broke off ({type(error).__name__})"


def _tell(synced: "Synced", dry_run: bool, json: bool) -> None:
    report = synced.report
    if json:
        from fari.surfaces.output import dumps

        terminal.write(dumps({**as_objects([report], dry_run), "imports": synced.imports}, indent=2) + "\n")
        return
    if report.read or synced.imports:
        terminal.write("".join(f"{line}\n" for line in described(report)))
    if dry_run:
        terminal.note("nothing was stored: this was a dry run")
    elif not synced.imports:
        terminal.note(f"nothing new at {report.file}")
    elif len(synced.imports) == 1:
        terminal.note(f"imported as {synced.imports[0]} (`fari undo {synced.imports[0]}` takes it back)")
    else:
        terminal.note(f"imported as {len(synced.imports)} acts, {synced.imports[0]} to {synced.imports[-1]} (`fari imports` lists them)")
