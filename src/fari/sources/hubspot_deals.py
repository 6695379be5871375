"""HubSpot deals: the export with the labels of its pages, or a table with the names of its API."""

import re
from collections.abc import Iterator
from decimal import Decimal

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.columns import Row, named_rows, plain_name, plain_names
from fari.sources.convert import decimal_comma, decimal_text, iso_instant, plain
from fari.sources.file import File
from fari.sources.record import Item, Record

NAME = "hubspot_deals"
LABEL = "HubSpot: deals (CSV, labels or API names)"
COLUMNS = (
    "Record ID", "Deal Name", "Deal Stage", "Pipeline", "Amount", "Currency", "Create Date", "Close Date", "Deal probability", "Is Closed Won",
    "Is closed lost", "Closed Lost Reason", "Date of first meeting", "Associated Company IDs", "Associated Contact IDs",
)  # fmt: skip

_ID = ("record id", "record id - deal", "deal id", "hs_object_id", "dealid")
_NAME, _STAGE = ("deal name", "dealname"), ("deal stage", "dealstage")
_AMOUNT, _CURRENCY = ("amount",), ("currency", "deal currency", "deal_currency_code")
_CREATED, _CLOSED = ("create date", "createdate", "hs_createdate"), ("close date", "closedate")
_PROBABILITY = (
    "deal probability", "deal stage probability", "hs_deal_stage_probability", "probability",
    "deal probability (%)", "probability (%)", "probability %", "deal probability percent", "probability percent",
)  # fmt: skip
_WON, _LOST = ("is closed won", "hs_is_closed_won"), ("is closed lost", "hs_is_closed_lost")
_IS_CLOSED = ("is deal closed?", "is closed", "hs_is_closed")
_REASON = ("closed lost reason", "closed_lost_reason")
_MEETING = (
    "date of first meeting", "first meeting date", "first meeting booked", "date of first meeting booked", "first meeting",
    "hs_v2_date_entered_appointmentscheduled", "hs_date_entered_appointmentscheduled",
    "date entered appointment scheduled (sales pipeline)", "date entered appointmentscheduled (sales pipeline)",
)  # fmt: skip
_COMPANY = (
    "primary associated company id", "associated company ids (primary)", "associatedcompanyid", "associated company ids", "associated company id",
)  # fmt: skip
_CONTACT = ("primary associated contact id", "associated contact ids (primary)", "associated contact ids", "associated contact id", "associatedvids")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_SPOILT = "open the export without a spreadsheet, which spoils long numbers"


def recognises(file: File) -> bool:
    """Whether the header is that of HubSpot deals, by labels or by API names."""
    names = plain_names(file)
    return all(any(name in names for name in columns) for columns in (_ID, _NAME, _STAGE))


def read(file: File, company: Company) -> Iterator[Item]:
    """The deals. Times without a zone are the company's; of several companies or contacts the first, HubSpot's primary, is kept."""
    places = [n for n, name in enumerate(file.header) if plain_name(name) in _AMOUNT]
    comma = decimal_comma(cells[n] for _, cells in file.sample for n in places if n < len(cells))
    for row in named_rows(file):
        if isinstance(row, Problem):
            yield row
            continue
        own = row.first(_ID)
        if own is None or not own.isdecimal():
            what = "record id is missing" if own is None else "record id is not a HubSpot id"
            yield Problem(row.line, what, "record id", own or "", _SPOILT if own else "export it with its Record ID", table="deals")
            continue
        yield from _deal(row, own, comma)


def _deal(row: Row, own: str, comma: bool | None) -> Iterator[Item]:
    """One deal. An amount, a probability or a date that cannot be read is given as it is: the ledger refuses the row, and its totals know of it."""
    amount, created, closed = row.first(_AMOUNT), row.first(_CREATED), row.first(_CLOSED)
    probability = _probability(row)
    status = _status(row, probability)
    if status is None:
        mend = "export the column 'Is Closed Won' too"
        yield Problem(row.line, "is closed, but neither won nor lost", "deal stage", row.first(_STAGE) or "", mend, table="deals")
        return
    met = row.named(_MEETING)
    meeting = iso_instant(met[1]) if met else None
    if met and meeting is None:
        yield Problem(row.line, f"{met[0]} is not a date", met[0], met[1], "write 2025-03-31 10:00", table="deals", refused=False)
    links: dict[str, str | None] = {"account_id": None, "person_id": None}
    for name, columns in (("account_id", _COMPANY), ("person_id", _CONTACT)):
        if found := row.named(columns):
            first = re.split(r"[;,]", found[1])[0].strip()
            if first.isdecimal():
                links[name] = f"hubspot:{first}"
            else:
                yield Problem(row.line, f"{found[0]} is not a HubSpot id", found[0], found[1], _SPOILT, table="deals", refused=False)
    values = {
        "deal_id": f"hubspot:{own}",
        **links,
        "name": row.first(_NAME),
        "amount": amount and (decimal_text(amount, comma) or amount),
        "currency": (row.first(_CURRENCY) or "").upper() or None,
        "stage": row.first(_STAGE),
        "probability": probability,
        "created_at": created and (iso_instant(created) or created),
        "meeting_at": meeting,
        # An open deal's close date is an expectation.
        "closed_at": closed and (iso_instant(closed) or closed) if status != "open" else None,
        "status": status,
        "lost_reason": row.first(_REASON) if status == "lost" else None,
    }
    yield Record("deals", row.line, values)


def _probability(row: Row) -> str | None:
    """The probability as a fraction. Only a percent sign, in the cell or in the column's name, makes 40 into 0.4."""
    found = row.named(_PROBABILITY)
    if found is None:
        return None
    column, text = found
    percent = "%" in text or "%" in column or "percent" in column
    made = decimal_text(text.replace("%", ""), comma="," in text)
    return text if made is None else plain(Decimal(made) / (100 if percent else 1))


def _flag(row: Row, columns: tuple[str, ...]) -> bool | None:
    text = (row.first(columns) or "").casefold()
    return True if text in _YES else False if text in _NO else None


def _status(row: Row, probability: str | None) -> str | None:
    """Open, won or lost; None where the deal is closed and nothing says how. HubSpot's own flags go before the stage's name."""
    stage = re.sub(r"[^a-z]", "", (row.first(_STAGE) or "").casefold())
    won, lost, closed = _flag(row, _WON), _flag(row, _LOST), _flag(row, _IS_CLOSED)
    if won or (won is None and stage.startswith("closedwon")):
        return "won"
    if lost or (lost is None and stage.startswith("closedlost")):
        return "lost"
    if not closed:
        return "open"
    # A closed stage of one's own pipeline is told by its probability.
    if won is None and probability == "1":
        return "won"
    return "lost" if probability == "0" or won is False else None
