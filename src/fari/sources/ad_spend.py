"""What the reports of all ad platforms have in common: how they write their costs, and the row of spend each makes."""

from collections.abc import Iterable
from datetime import date

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.convert import decimal_comma, decimal_text
from fari.sources.record import Record
from fari.sources.report import Report, Row


def comma_decimals(report: Report, field: str, rows: Iterable[Row], *, english: bool = True) -> bool:
    """Whether the report writes decimal commas: by its own amounts, else by its delimiter or the language of its header."""
    if report.file.kind != "csv":
        return False
    said = decimal_comma(row.get(field) for row in rows)
    return report.file.delimiter == ";" or not english if said is None else said


def amount_of(report: Report, row: Row, field: str, comma: bool) -> str | Problem:
    """The row's cost as decimal text, or why it is none."""
    text = row.get(field)
    amount = decimal_text(text, comma)
    return Problem(row.line, "cost is not a number", column=report.title(field), value=text, mend="write 1234.56") if amount is None else amount


def company_currency(report: Report, company: Company, mend: str) -> Problem:
    """The warning that a report names no currency and the company's was taken."""
    return Problem(report.line, f"names no currency: taken as {company.currency}, the company's", column="currency", mend=mend, refused=False)


def ad_record(
    line: int | str, platform: str, day: date | str, amount: str, currency: str | None,
    *, channel: str, campaign: str = "", account: str = "", until: date | None = None,
) -> Record:  # fmt: skip
    """One row of spend on ads; `until` is kept only where it says more than the day itself.

    A day that cannot be read is given as it is written: the import refuses the row, and counts its amount among the refused.
    """
    longer = until is not None and not (isinstance(day, date) and (until - day).days == 1)
    return Record(
        "spend",
        line,
        {
            "day": day.isoformat() if isinstance(day, date) else day or None,
            "until": until.isoformat() if until and longer else None,
            "channel": channel,
            "campaign": campaign or None,
            "kind": "ads",
            "amount": amount,
            "currency": currency or None,
            "platform": platform,
            "account": account or None,
        },
    )
