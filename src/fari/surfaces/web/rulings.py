"""Rulings: which rules were in force when, as far as the dashboard was there to see it, and the note that says why they changed."""

from dataclasses import dataclass
from datetime import date, datetime

from fari.errors import UsageError
from fari.surfaces.web.annotations import LONGEST, annotate
from fari.surfaces.web.desk import Desk

_TABLES = """
CREATE TABLE IF NOT EXISTS rulings (id INTEGER PRIMARY KEY, day TEXT NOT NULL, rules TEXT NOT NULL, noted INTEGER NOT NULL DEFAULT 0)
"""
_LAST = "SELECT id, day, rules, noted FROM rulings ORDER BY id DESC LIMIT 2"


@dataclass(frozen=True)
class Ruling:
    """A change of the rules."""

    day: date
    before: str
    """The rule set by its label, as it can be typed again."""
    after: str

    @property
    def room(self) -> int:
        """So many letters a note of it can have."""
        return LONGEST - len(self._said)

    @property
    def _said(self) -> str:
        text = f"{self.before} → {self.after}: "
        return text if len(text) <= LONGEST // 2 else ""


def saw(desk: Desk, rules: str, today: date) -> None:
    """Keep which rules are in force, if they are others than before."""
    rows = desk.rows(_TABLES, _LAST)
    if not rows or rows[0]["rules"] != rules:
        with desk.writing(_TABLES) as db:
            db.execute("INSERT INTO rulings (day, rules) VALUES (?, ?)", (today.isoformat(), rules))


def unexplained(desk: Desk) -> Ruling | None:
    """The last change of the rules, if nobody has said yet why."""
    rows = desk.rows(_TABLES, _LAST)
    if len(rows) < 2 or rows[0]["noted"]:
        return None
    return Ruling(date.fromisoformat(rows[0]["day"]), rows[1]["rules"], rows[0]["rules"])


def explain(desk: Desk, text: str, author: str, now: datetime) -> None:
    """Say why the rules changed: a note of that day, of all metrics. UsageError where there is nothing to explain, or no text."""
    found = unexplained(desk)
    if found is None:
        raise UsageError("the rules have not changed, or it has been said why")
    annotate(desk, found.day.isoformat(), "", f"{found._said}{text}" if text.strip() else "", author, now)
    with desk.writing(_TABLES) as db:
        db.execute("UPDATE rulings SET noted = 1")
