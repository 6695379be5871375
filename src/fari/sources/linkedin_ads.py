"""LinkedIn Ads: Campaign Manager's performance report as downloaded, and the API's ad analytics."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from fari.sources.ad_spend import ad_record, amount_of, comma_decimals, company_currency
from fari.sources.convert import decimal_text
from fari.sources.record import Company, Covers, File, Item, Problem, Skipped, Stated
from fari.sources.report import Report, Row, find_report, need_report
from fari.sources.written_day import month_first, written_day

NAME = "linkedin_ads"
LABEL = "LinkedIn Ads: campaign performance (CSV) or API ad analytics"
COLUMNS = ("Start Date (in UTC)", "Account Name", "Campaign Group Name", "Campaign Name", "Total Spent", "Currency")

_FIELDS = {
    "day": ("Start Date (in UTC)", "Start Date", "day", "date"),
    "end": ("End Date (in UTC)",),
    "campaign": ("Campaign Name",),
    "campaign_id": ("Campaign ID", "pivotValues", "pivotValue"),
    "group": ("Campaign Group Name", "Campaign Group ID"),
    "account_id": ("Account ID",),
    "account": ("Account Name",),
    "currency": ("Currency", "account.currency", "currency_code"),
    "spent": ("Total Spent",),
    "local": ("costInLocalCurrency",),
    "usd": ("costInUsd",),
    "from_year": ("dateRange.start.year",),
    "from_month": ("dateRange.start.month",),
    "from_day": ("dateRange.start.day",),
    "to_year": ("dateRange.end.year",),
    "to_month": ("dateRange.end.month",),
    "to_day": ("dateRange.end.day",),
}
_BOUND = re.compile(r"Report (Start|End)\s*:\s*([^,]*(?:,\s*\d{4})?)", re.IGNORECASE)
"""Report Start: March 1, 2025, 12:00 AM: the day, without its time."""


def _report(file: File) -> Report | None:
    downloaded = find_report(file, _FIELDS, "day", "spent")
    # `Total Spent` is also what customers did in a shop.
    if downloaded and any(map(downloaded.has, ("campaign", "campaign_id", "group", "account"))):
        return downloaded
    return (
        find_report(file, _FIELDS, "from_year", "local")
        or find_report(file, _FIELDS, "from_year", "usd")
        or find_report(file, _FIELDS, "day", "usd")
        or find_report(file, _FIELDS, "day", "local")
    )


def recognises(file: File) -> bool:
    """Whether it has a start date and a cost under the names only LinkedIn gives them."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of spend per row of the report. Without a currency the cost in dollars is taken, where the file has it."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    rows = list(report.rows())
    cost = "spent" if report.has("spent") else "local" if report.has("local") and (report.has("currency") or not report.has("usd")) else "usd"
    if cost != "usd" and not report.has("currency"):
        yield company_currency(report, company, "add the column Currency to the report")
    comma = comma_decimals(report, cost, rows)
    # LinkedIn writes 3/31/2025 whatever the reader's country, unless a row shows otherwise.
    first = month_first(row.get("day") for row in rows) is not False
    covered = _covered(report, first)
    if covered:
        yield Covers("spend", *covered)
    whole = covered and (covered[1] - covered[0]).days > 1 and _undivided(rows, first, covered[0])
    if whole:
        what = "every row starts on the report's first day: the amounts are spread evenly over the report's days"
        yield Problem(report.line, what, column="Start Date (in UTC)", mend="export the report by day (Time breakdown: Daily)", refused=False)
    for row in rows:
        if _is_total(row):
            amount = decimal_text(row.get(cost), comma)
            if amount is not None:
                yield Stated("spend", "amount", Decimal(amount))
            yield Skipped(row.line, "a totals row")
            continue
        if row.damage:
            yield row.damage
            continue
        # Nothing in the account's currency is nothing in dollars, though LinkedIn leaves the dollars blank.
        local = decimal_text(row.get("local"), comma=False) if cost == "usd" and not row.get(cost) else None
        if local not in (None, "0"):
            yield Problem(row.line, "costs something in a currency that the report does not name", value=row.get("local"), mend="add the currency")
            continue
        if local is None and not row.get(cost):
            yield Skipped(row.line, "no cost")
            continue
        amount_or = local or amount_of(report, row, cost, comma)
        if isinstance(amount_or, Problem):
            yield amount_or
            continue
        day, until = _days(row, first) or (_written(row), None)
        yield ad_record(
            row.line, NAME, day, amount_or, _currency(row, report, cost, company), channel="Paid Social",
            campaign=row.get("campaign") or _tail(row.get("campaign_id")) or row.get("group"),
            account=_tail(row.get("account_id")) or row.get("account"),
            until=covered[1] if covered and whole else until,
        )  # fmt: skip


def _currency(row: Row, report: Report, cost: str, company: Company) -> str:
    if cost == "usd":
        return "USD"
    return row.get("currency") if report.has("currency") else company.currency


def _is_total(row: Row) -> bool:
    return bool(row.texts) and row.texts[0].casefold().rstrip(":") in ("total", "totals", "grand total")


def _days(row: Row, first: bool) -> tuple[date, date | None] | None:
    """First day and exclusive end; the API's range and the report's end date include their last day."""
    if row.get("from_year"):
        try:
            start = date(*(int(row.get(f"from_{part}")) for part in ("year", "month", "day")))
            if not row.get("to_year"):
                return start, None
            end = date(*(int(row.get(f"to_{part}")) for part in ("year", "month", "day")))
        except ValueError:
            return None
        return start, end + timedelta(days=1)
    day = written_day(row.get("day"), first)
    last = written_day(row.get("end"), first)
    return (day, last + timedelta(days=1) if last else None) if day else None


def _covered(report: Report, first: bool) -> tuple[date, date] | None:
    bounds: dict[str, date] = {}
    for text in report.preamble:
        for name, written in _BOUND.findall(text):
            if day := written_day(written, first):
                bounds[name.casefold()] = day
    if len(bounds) < 2 or bounds["end"] < bounds["start"]:
        return None
    return bounds["start"], bounds["end"] + timedelta(days=1)


def _undivided(rows: list[Row], first: bool, start: date) -> bool:
    """Whether the report was not broken down by time: each row then bears the report's first day."""
    return not any(row.get("end") for row in rows) and {days[0] for row in rows if not _is_total(row) and (days := _days(row, first))} == {start}


def _written(row: Row) -> str:
    return row.get("day") or "-".join(row.get(f"from_{part}") for part in ("year", "month", "day"))


def _tail(urn: str) -> str:
    """The id a URN ends in: urn:li:sponsoredCampaign:148633856."""
    return urn.rpartition(":")[2]
