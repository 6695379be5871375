"""Which days each table speaks for."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property

from .company import Company, Tables, text
from .when import DAY, day, instant, local_day

DATED_BY = {
    "events": "timestamp", "people": "created_at", "stages": "at", "accounts": "created_at", "feedback": "at", "subscriptions": "starts_on",
    "spend": "day", "deals": "created_at", "searches": "month", "series": "day", "targets": "month", "rates": "day",
}  # fmt: skip
ALSO_DATED = {
    "subscriptions": ("ends_on", "cancelled_on", "past_due_on"), "spend": ("until",), "deals": ("meeting_at", "closed_at"), "aliases": ("at",),
}  # fmt: skip
INSTANTS = {"timestamp", "created_at", "at", "meeting_at", "closed_at"}


class Coverage:
    """A table is covered from its first row to the horizon: the latest date of any row but a target's, capped at the day of import."""

    def __init__(self, tables: Tables, company: Company) -> None:
        self._tables = tables
        self._company = company

    def _dates(self, table: str, columns: tuple[str, ...]) -> Iterator[date]:
        for row in self._tables.get(table, ()):
            for column in columns:
                word = text(row, column)
                if column in INSTANTS:
                    at = instant(word, self._company.timezone)
                    found = at and local_day(at, self._company.timezone)
                else:
                    found = day(word)
                if found:
                    yield found

    @cached_property
    def horizon(self) -> date:
        """The last day known about."""
        columns = {table: (DATED_BY.get(table, ""), *ALSO_DATED.get(table, ())) for table in (DATED_BY.keys() | ALSO_DATED.keys()) - {"targets"}}
        latest = max((found for table, names in columns.items() for found in self._dates(table, names)), default=self._company.today)
        return min(latest, self._company.today)

    @cached_property
    def _first(self) -> dict[str, date | None]:
        return {table: min(self._dates(table, (column,)), default=None) for table, column in DATED_BY.items()}

    def first(self, table: str) -> date | None:
        """The day of the table's first row."""
        return self._first[table]

    def covers(self, table: str, since: date, until: date) -> bool:
        """Whether the table speaks for any day of the period."""
        first = self.first(table)
        return first is not None and first < until and since <= self.horizon and first <= self.horizon

    def complete(self, table: str, since: date, until: date) -> bool:
        """Whether it speaks for every day of it, and the period is over."""
        first = self.first(table)
        return first is not None and first <= since and until <= min(self.horizon + DAY, self._company.today)
