"""Muted: what is unusual in a month and no news to anybody here. It is still there to be looked at, folded away."""

from collections.abc import Collection
from datetime import datetime

from fari.errors import UsageError
from fari.metrics import METRICS
from fari.surfaces.web.desk import Desk

_TABLES = """
CREATE TABLE IF NOT EXISTS mutes (metric TEXT NOT NULL, month TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL, PRIMARY KEY (metric, month))
"""


def muted(desk: Desk, month: str) -> Collection[str]:
    """The metrics that are muted in a month (2025-03)."""
    return {row["metric"] for row in desk.rows(_TABLES, "SELECT metric FROM mutes WHERE month = ?", (month,))}


def mute(desk: Desk, metric: str, month: str, author: str, now: datetime) -> None:
    """Mute what is unusual in a metric's month. UsageError where there is no such metric."""
    if metric not in METRICS:
        raise UsageError(f"there is no metric {metric[:80]!r}")
    with desk.writing(_TABLES) as db:
        db.execute("INSERT OR IGNORE INTO mutes VALUES (?, ?, ?, ?)", (metric, month, author, now.isoformat(timespec="seconds")))


def unmute(desk: Desk, metric: str, month: str) -> None:
    """Let it be seen again."""
    with desk.writing(_TABLES) as db:
        db.execute("DELETE FROM mutes WHERE metric = ? AND month = ?", (metric, month))
