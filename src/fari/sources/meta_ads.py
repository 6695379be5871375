"""Meta Ads (Facebook, Instagram): the Ads Manager's export in the reader's language, and the API's insights."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from fari.sources.ad_spend import ad_record, amount_of, comma_decimals, company_currency
from fari.sources.convert import decimal_text
from fari.sources.record import Company, Covers, File, Item, Problem, Skipped, Stated
from fari.sources.report import Report, Row, find_report, fold, need_report
from fari.sources.written_day import month_first, written_day

NAME = "meta_ads"
LABEL = "Meta Ads: Ads Manager export (CSV) or API insights"
COLUMNS = ("Day", "Reporting starts", "Reporting ends", "Campaign name", "Amount spent (EUR)")

_SPENT = ("Amount spent", "Importo speso", "Ausgegebener Betrag", "Montant dépensé", "Importe gastado", "Valor usado")
_MONEY = re.compile(rf"({'|'.join(_SPENT)})\s*(?:\(([A-Z]{{3}})\))?", re.IGNORECASE)
"""The amount's column; its currency stands in brackets, and nowhere else in the file."""

_FIELDS = {
    "day": ("Day", "Giorno", "Tag", "Jour", "Día", "Dia", "date"),
    "starts": (
        "Reporting starts", "date_start", "Inizio report", "Inizio dei report", "Berichtsbeginn", "Berichtsstart", "Début des rapports",
        "Inicio del informe",
    ),
    "ends": ("Reporting ends", "date_stop", "Fine report", "Fine dei report", "Berichtsende", "Fin des rapports", "Fin del informe"),
    "campaign": ("Campaign name", "Nome della campagna", "Nome campagna", "Kampagnenname", "Nom de la campagne", "Nombre de la campaña"),
    "campaign_id": ("Campaign ID",),
    "currency": ("account_currency", "Currency", "Valuta", "Währung", "Devise", "Divisa"),
    "account_id": ("Account ID", "ID account", "Konto-ID", "ID du compte"),
    "account": ("Account name", "Nome dell'account", "Kontoname", "Nom du compte", "Nombre de la cuenta"),
    "spend": ("spend",),
    "links": ("inline_link_clicks",),
}  # fmt: skip


def _report(file: File) -> Report | None:
    """The report; its amount's column has the currency in its name, so that the columns sought depend on the file."""
    spent = tuple(name for _, cells in file.sample for cell in cells if _MONEY.fullmatch(name := cell.strip()))
    if not spent and file.kind not in ("csv", "xlsx"):
        spent = tuple(name for name in file.header if _MONEY.fullmatch(name))
    fields = _FIELDS | {"spent": spent}
    return (
        find_report(file, fields, "spent", "day")
        or find_report(file, fields, "spent", "starts")
        or find_report(file, fields, "spend", "starts")
        # `date` and `spend` are anybody's; `inline_link_clicks` is Meta's.
        or find_report(file, fields, "spend", "day", "links")
    )


def recognises(file: File) -> bool:
    """Whether it has days and an amount spent under Meta's names, in one of the languages known here."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of spend per row of the export; a row of several days gets an end. The totals row is stated and left out."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    cost = "spent" if report.has("spent") else "spend"
    named = _MONEY.fullmatch(report.title("spent"))
    currency = (named[2] or "").upper() if named else ""
    if not currency and not report.has("currency"):
        currency = company.currency
        yield company_currency(report, company, "export with the currency in the amount's column, as Ads Manager does")
    rows = list(report.rows())
    comma = comma_decimals(report, cost, rows, english=fold(report.title(cost)).startswith(("amountspent", "spend")))
    first = month_first(text for row in rows for text in (row.get("day"), row.get("starts"), row.get("ends")))
    stated = False
    for row in rows:
        if _is_total(row, report):
            amount = decimal_text(row.get(cost), comma)
            if amount is not None and not stated:
                stated = True
                yield Stated("spend", "amount", Decimal(amount))
            start, end = written_day(row.get("starts"), first), written_day(row.get("ends"), first)
            if start and end and start <= end:
                yield Covers("spend", start, end + timedelta(days=1))
            yield Skipped(row.line, "a totals row")
        elif row.damage:
            yield row.damage
        elif not row.get(cost):
            # Ads Manager leaves the amount blank where a campaign spent nothing.
            yield Skipped(row.line, "no cost")
        else:
            amount_or = amount_of(report, row, cost, comma)
            if isinstance(amount_or, Problem):
                yield amount_or
                continue
            day, until = _days(row, report, first) or (row.get("day") or row.get("starts"), None)
            yield ad_record(
                row.line, NAME, day, amount_or, currency or row.get("currency"), channel="Paid Social",
                campaign=row.get("campaign") or row.get("campaign_id"),
                account=row.get("account_id").removeprefix("act_") or row.get("account"), until=until,
            )  # fmt: skip


def _is_total(row: Row, report: Report) -> bool:
    """Totals have neither a campaign nor a day, where the export has such columns; a row of the API is never one."""
    keys = [field for field in ("campaign", "day") if report.has(field)]
    return bool(row.texts) and bool(keys) and not any(row.get(field) for field in keys)


def _days(row: Row, report: Report, first: bool | None) -> tuple[date, date | None] | None:
    """First day and exclusive end. Reporting ends on a day that is still part of it."""
    if report.has("day"):
        day = written_day(row.get("day"), first)
        return (day, None) if day else None
    start, end = written_day(row.get("starts"), first), written_day(row.get("ends"), first)
    return (start, end + timedelta(days=1) if end else None) if start else None
