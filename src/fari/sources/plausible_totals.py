"""Plausible: totals by day, from its export of all data (imported_*.csv) or its dashboard's. Shown beside Fari's own counts, never mixed in."""

from collections.abc import Iterator

from fari.sources.convert import decimal_text
from fari.sources.record import Company, File, Item, Problem, Record
from fari.sources.report import Report, find_report, fold, need_report
from fari.sources.written_day import written_day

NAME = "plausible_totals"
LABEL = "Plausible: visitors or sources by day (CSV)"
COLUMNS = ("date", "visitors", "pageviews", "visits", "bounces", "visit_duration")

_UNITS = {
    "visitors": "count",
    "pageviews": "count",
    "visits": "count",
    "bounces": "count",
    "views_per_visit": None,
    "bounce_rate": "percent",
    "visit_duration": "seconds",
}
_TAGS = ("source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_FIELDS = {name: (name,) for name in ("date", *_UNITS, *_TAGS)}
_OWN = ("visits", "bounces", "bounce_rate", "visit_duration", "views_per_visit")


def _report(file: File) -> Report | None:
    """The report, where every column is one of Plausible's: `date` and `visitors` alone could be anybody's."""
    report = find_report(file, _FIELDS, "date", "visitors")
    known = {fold(name) for name in _FIELDS}
    return report if report and any(map(report.has, _OWN)) and {fold(name) for name in report.header} <= known else None


def recognises(file: File) -> bool:
    """Whether its columns are a date, visitors, something of visits, and nothing that is not Plausible's."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of series per day and metric; in a file by source the channel is the source."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    for row in report.rows():
        day = written_day(row.get("date"))
        if row.damage:
            yield row.damage
            continue
        if day is None:
            yield Problem(row.line, "is not a day that can be read", column="date", value=row.get("date"), mend="write 2025-03-31")
            continue
        if ":" in row.get("date"):
            yield Problem(row.line, "is an hour, and visitors of hours do not add up to a day's", value=row.get("date"), mend="export by day")
            continue
        for metric, unit in _UNITS.items():
            text = row.get(metric)
            if not text:
                continue
            value = decimal_text(text, comma=False)
            if value is None:
                yield Problem(row.line, "is not a number", column=metric, value=text, mend="write 1234.5")
                continue
            # The export of all data has the day's seconds in sum, the dashboard a visit's on average.
            name = "total_visit_duration" if metric == "visit_duration" and report.has("bounces") else metric
            channel = row.get("source") or ("Direct / None" if report.has("source") else None)
            yield Record("series", row.line, {"day": day.isoformat(), "name": f"plausible:{name}", "value": value, "unit": unit, "channel": channel})
