"""Rows that are worked out from objects: all that is known of an account goes to its source, and what comes replaces what was worked out before."""

from collections.abc import Mapping, Sequence
from typing import Any

from fari.ledger.objects import Evidence
from fari.ledger.store import Import, Ledger
from fari.sources.reading import Reading


def derive(ledger: Ledger, evidence: Evidence, seen: Sequence[Import], readings: Mapping[int, Reading], vendors: Mapping[str, Any]) -> None:
    """Work out every account that the evidence speaks of. `seen` are the imports that count on the day it is for.

    A subscription worked out before that no longer comes is given as an empty stretch: it counts nowhere.
    """
    before: dict[tuple[str, str], dict[str, dict[str, str | None]]] = {}
    for source, account, row in evidence.stale(ledger, seen):
        before.setdefault((source, account), {})[str(row["subscription_id"])] = row
    for subject in evidence.subjects():
        reading = readings[subject.file_no]
        told = {reading.derived(item) for item in vendors[subject.format].derive(subject.kept, ledger.company)}
        for name, row in before.get((subject.source, subject.about), {}).items():
            if name not in told:
                empty = {**row, "ends_on": row["starts_on"], "cancelled_on": None, "past_due_on": None}
                reading.staging.add_row(reading.number, "subscriptions", name, empty)
