"""Annotations: what people note of a day, of one metric or of all, to be seen where its history is drawn."""

from dataclasses import dataclass
from datetime import date, datetime

from fari.errors import UsageError, did_you_mean
from fari.metrics import METRICS
from fari.surfaces.web.desk import Desk

LONGEST = 200
"""Letters of a note: it has to stand in a chart."""
_TABLES = """
CREATE TABLE IF NOT EXISTS annotations (
    id INTEGER PRIMARY KEY, day TEXT NOT NULL, metric TEXT NOT NULL, text TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Annotation:
    """A note."""

    id: int
    day: date
    metric: str
    """Empty where it is of all metrics."""
    text: str
    author: str
    created: datetime
    """In UTC."""


def annotations(desk: Desk, metric: str, since: date, until: date) -> list[Annotation]:
    """The notes of a metric, and of all, of the days since the one and before the other, by day."""
    sql = "SELECT * FROM annotations WHERE metric IN ('', ?) AND day >= ? AND day < ? ORDER BY day, id"
    rows = desk.rows(_TABLES, sql, (metric, since.isoformat(), until.isoformat()))
    return [
        Annotation(row["id"], date.fromisoformat(row["day"]), row["metric"], row["text"], row["author"], datetime.fromisoformat(row["created"]))
        for row in rows
    ]


def annotate(desk: Desk, day: str, metric: str, text: str, author: str, now: datetime) -> int:
    """Note something; its number. UsageError where the day, the metric or the text is none."""
    try:
        on = date.fromisoformat(day.strip())
    except ValueError:
        raise UsageError(f"a note is of a day such as 2025-03-31, not {day[:80]!r}") from None
    if metric and metric not in METRICS:
        raise UsageError(f"there is no metric {metric[:80]!r}{did_you_mean(metric[:80], METRICS)}")
    said = " ".join(text.split())
    if not said or len(said) > LONGEST or not said.isprintable():
        raise UsageError(f"a note is a text of 1 to {LONGEST} letters")
    with desk.writing(_TABLES) as db:
        values = (on.isoformat(), metric, said, author, now.isoformat(timespec="seconds"))
        found = db.execute("INSERT INTO annotations (day, metric, text, author, created) VALUES (?, ?, ?, ?, ?)", values)
        return int(found.lastrowid or 0)


def forget(desk: Desk, number: str) -> None:
    """Take a note away; UsageError where there is none of that number."""
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise UsageError(f"a note has a number, not {number[:80]!r}")
    with desk.writing(_TABLES) as db:
        if not db.execute("DELETE FROM annotations WHERE id = ?", (int(number),)).rowcount:
            raise UsageError(f"there is no note {number} any more")
