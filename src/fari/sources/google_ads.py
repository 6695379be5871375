"""Google Ads: the campaign report as downloaded, and the API's rows (as JSON, or as BigQuery and the usual pipelines write them)."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from fari.sources.ad_spend import ad_record, amount_of, comma_decimals, company_currency
from fari.sources.convert import decimal_text, plain
from fari.sources.record import Company, Covers, File, Item, Problem, Skipped, Stated
from fari.sources.report import Report, Row, find_report, need_report
from fari.sources.written_day import month_first, written_day, written_range

NAME = "google_ads"
LABEL = "Google Ads: campaign report (CSV) or API rows"
COLUMNS = ("Day", "Campaign", "Campaign type", "Currency code", "Cost")

_FIELDS = {
    "day": ("Day", "segments.date", "date", "Giorno", "Tag", "Jour", "Día"),
    "week": ("Week", "segments.week", "Settimana", "Woche", "Semaine", "Semana"),
    "month": ("Month", "segments.month", "Mese", "Monat", "Mois", "Mes"),
    "campaign": ("Campaign", "campaign.name", "Campagna", "Kampagne", "Campagne", "Campaña"),
    "campaign_id": ("Campaign ID", "campaign.id"),
    "campaign_resource": ("campaign.resource_name", "base_campaign"),
    "type": ("Campaign type", "campaign.advertising_channel_type", "advertising_channel_type", "Tipo di campagna", "Kampagnentyp", "Tipo de campaña"),
    "network": ("segments.ad_network_type", "ad_network_type"),
    "currency": ("Currency code", "customer.currency_code", "Currency", "Codice valuta", "Währungscode", "Code de devise", "Código de moneda"),
    "cost": ("Cost", "Costo", "Kosten", "Coût", "Coste"),
    "micros": ("metrics.cost_micros", "cost_micros"),
    "customer": ("Customer ID", "customer.id"),
    "customer_resource": ("customer.resource_name",),
    "account": ("Account name", "Account", "customer.descriptive_name"),
    # One of these tells Google's report from any table with a day and a cost.
    "mark": (
        "Currency code", "Campaign type", "Impr.", "Codice valuta", "Tipo di campagna", "Währungscode", "Kampagnentyp", "Code de devise",
        "Código de moneda",
    ),
}  # fmt: skip

_CHANNELS = (
    ("performance max", "Cross-network"),
    ("demand gen", "Cross-network"),
    ("discovery", "Cross-network"),
    ("mixed", "Cross-network"),
    ("shopping", "Paid Shopping"),
    ("video", "Paid Video"),
    ("youtube", "Paid Video"),
    ("display", "Display"),
    ("content", "Display"),
)
"""What a campaign's type (or, without one, its network) contains, and its channel; all else is Paid Search."""

_TOTAL = re.compile(r"\s*(?:total|totale|gesamt|insgesamt|summe)\s*:\s*(.*)", re.IGNORECASE)
_WHOLE = (
    re.compile(r".*filter.*"),
    re.compile(r"campaigns|campagne|kampagnen|campagnes|campañas"),
    re.compile(r"account|konto|compte|cuenta"),
)
"""Which totals are of the rows shown, the surest first; others (`Total: Search`) are of a part of them."""


def _report(file: File) -> Report | None:
    report = find_report(file, _FIELDS, "micros") or find_report(file, _FIELDS, "cost", "mark")
    dated = report and (report.has("day") or report.has("week") or report.has("month") or _range(report))
    return report if dated else None


def _range(report: Report) -> tuple[date, date] | None:
    return next(filter(None, map(written_range, report.preamble)), None)


def recognises(file: File) -> bool:
    """Whether it has a day and either a cost in micros or the columns only Google's report has."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of spend per row of the report; totals rows are stated and left out."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    covered = _range(report)
    if covered:
        yield Covers("spend", *covered)
    if not report.has("currency"):
        yield company_currency(report, company, "add the column Currency code to the report")
    rows = list(report.rows())
    comma = comma_decimals(report, "cost", rows, english=report.title("cost") in ("Cost", ""))
    first = month_first(row.get("day") for row in rows)
    totals: list[tuple[int, Decimal]] = []
    currencies: set[str] = set()
    for row in rows:
        period = _period(row, report, covered, first)
        label = next((match[1] for text in row.texts if (match := _TOTAL.fullmatch(text))), None)
        if label is not None and (period is None or not row.get("campaign")):
            amount = decimal_text(row.get("cost"), comma)
            rank = next((n for n, whole in enumerate(_WHOLE) if whole.fullmatch(label.casefold())), None)
            if rank is not None and amount is not None:
                totals.append((rank, Decimal(amount)))
            yield Skipped(row.line, "a totals row")
            continue
        if row.damage:
            yield row.damage
            continue
        cost = _cost(report, row, comma)
        if cost is None:
            yield Skipped(row.line, "no cost")
        elif isinstance(cost, Problem):
            yield cost
        else:
            currency = row.get("currency") if report.has("currency") else company.currency
            currencies.add(currency)
            campaign = row.get("campaign") or row.get("campaign_id") or row.get("campaign_resource").rpartition("/")[2]
            day, until = period or (row.get("day") or row.get("week") or row.get("month"), None)
            yield ad_record(
                row.line, NAME, day, cost, currency, channel=_channel(row), campaign=campaign, account=_account(row), until=until
            )  # fmt: skip
    if totals and len(currencies) == 1:
        yield Stated("spend", "amount", min(totals, key=lambda total: total[0])[1])


def _period(row: Row, report: Report, covered: tuple[date, date] | None, first: bool | None) -> tuple[date, date | None] | None:
    """The days the row is about. Weeks and months end where the report does; without any, the row is about the whole report."""
    if report.has("day"):
        day = written_day(row.get("day"), first)
        return (day, None) if day else None
    if report.has("week"):
        start = written_day(row.get("week"), first)
        until = start + timedelta(days=7) if start else None
    elif report.has("month"):
        text = row.get("month")
        start = written_day(f"{text}-01") or written_day(text, first) or written_day(f"1 {text}")
        start = start.replace(day=1) if start else None
        until = (start + timedelta(days=31)).replace(day=1) if start else None
    else:
        return covered
    if start is None or until is None:
        return None
    return (max(start, covered[0]), min(until, covered[1])) if covered and start < covered[1] and until > covered[0] else (start, until)


def _cost(report: Report, row: Row, comma: bool) -> str | Problem | None:
    """The cost; the column's name says whether it is in micros, its size never does."""
    if micros := row.get("micros"):
        amount = decimal_text(micros, comma=False)
        if amount is None:
            return Problem(row.line, "cost in micros is not a number", column=report.title("micros"), value=micros)
        return plain(Decimal(amount).scaleb(-6))
    return amount_of(report, row, "cost", comma) if row.get("cost") else None


def _channel(row: Row) -> str:
    kind = (row.get("type") or row.get("network")).replace("_", " ").casefold()
    return next((channel for word, channel in _CHANNELS if word in kind), "Paid Search")


def _account(row: Row) -> str:
    """The customer id as the API writes it (the interface puts dashes in), else the account's name."""
    number = row.get("customer") or row.get("customer_resource").rpartition("/")[2]
    return number.replace("-", "") or row.get("account")
