"""What was told, as contract section 1 says it: keys, versions, imports, undo, as-of, coverage. Plain lists of dicts of strings."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
DAY = timedelta(days=1)

KEYS = {
    "people": ("person_id",),
    "stages": ("person_id",),  # all rows of each id the file names
    "accounts": ("account_id",),
    "feedback": ("account_id", "person_id", "at", "kind"),
    "subscriptions": ("subscription_id",),  # likewise
    "spend": ("platform", "account", "campaign", "channel", "kind", "purpose", "day"),
    "deals": ("deal_id",),
    "searches": ("month", "brand"),
    "series": ("name", "channel", "day"),
    "targets": ("month", "metric", "channel"),
    "rates": ("day", "currency"),
    "aliases": ("kind", "from_id"),
}
DATES = {
    "events": ("timestamp",),
    "people": ("created_at",),
    "stages": ("at",),
    "accounts": ("created_at",),
    "feedback": ("at",),
    "subscriptions": ("starts_on", "ends_on", "cancelled_on", "past_due_on"),
    "spend": ("day", "until"),
    "deals": ("created_at", "meeting_at", "closed_at"),
    "searches": ("month",),
    "series": ("day",),
    "targets": ("month",),
    "rates": ("day",),
    "aliases": ("at",),
}
"""The dates a row may hold; the first is the row's own."""


@dataclass
class Act:
    """One table's file in one import."""

    import_id: int
    table: str
    rows: list[Row]
    source: str = ""
    mode: str = "key"  # key, append or replace
    recorded: date = date.max
    covers: tuple[date, date] | None = None
    undone: bool = False


def day_of(text: str, zone: ZoneInfo) -> date:
    """The local day of a date or an instant."""
    return instant(text, zone).astimezone(zone).date()


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant of an ISO date (its local midnight) or time (bare: in the company's zone)."""
    if len(text) == 7:
        text += "-01"
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


@dataclass
class Known:
    """The ledger at one moment: rows by table, the days each table covers, the horizon."""

    rows: dict[str, list[Row]]
    covered: dict[str, list[tuple[date, date]]]
    horizon: date | None


@dataclass
class Ledger:
    zone: ZoneInfo
    acts: list[Act] = field(default_factory=list)

    def known(self, as_of: date | None = None) -> Known:
        """What was known at the end of a day (None: all)."""
        rows: dict[str, list[tuple[str, Row]]] = {table: [] for table in DATES}
        recorded: dict[int, date] = {}
        # An undoing is of today: a day that is past still sees what was undone.
        acts = [a for a in self.acts if (not a.undone if as_of is None else a.recorded <= as_of)]
        for act in acts:
            held = rows[act.table]
            recorded.update((id(r), act.recorded) for r in act.rows)
            if act.table == "events":
                seen = {event_key(r) for _, r in held}
                for r in act.rows:
                    if event_key(r) not in seen:
                        seen.add(event_key(r))
                        held.append((act.source, r))
                continue
            if act.mode != "append":
                named = {key(act.table, r) for r in act.rows}
                rows[act.table] = held = [(s, r) for s, r in held if s != act.source or key(act.table, r) not in named]
            if act.mode == "replace":
                own = DATES[act.table][0]
                first = min(day_of(r[own], self.zone) for r in act.rows if r.get(own))
                rows[act.table] = held = [(s, r) for s, r in held if s != act.source or day_of(r[own], self.zone) < first]
            held.extend((act.source, r) for r in act.rows)
        current = {table: [r for _, r in held] for table, held in rows.items()}
        days = [min(day_of(r[c], self.zone), recorded[id(r)]) for t, held in current.items() for r in held for c in DATES[t] if r.get(c)]
        horizon = max(days, default=None)
        covered: dict[str, list[tuple[date, date]]] = {}
        for act in acts:
            own = DATES[act.table][0]
            firsts = [day_of(r[own], self.zone) for r in act.rows if r.get(own)]
            if act.covers:
                covered.setdefault(act.table, []).append(act.covers)
            elif firsts and horizon:
                covered.setdefault(act.table, []).append((min(firsts), horizon + DAY))
        return Known(current, covered, horizon)


def event_key(row: Row) -> str:
    return str(row.get("messageId") or sorted(row.items(), key=repr))


def key(table: str, row: Row) -> tuple[str, ...]:
    defaults = {"kind": "other", "purpose": "acquire"} if table == "spend" else {}
    return tuple(str(row.get(c) or defaults.get(c, "")) for c in KEYS[table])


def overlap(covered: Iterable[tuple[date, date]], start: date, until: date) -> tuple[bool, bool]:
    """Whether a stretch of days is covered at all, and whether wholly."""
    days = sum(any(a <= start + DAY * i < b for a, b in covered) for i in range((until - start).days))
    return days > 0, days == (until - start).days
