"""HubSpot contacts: the export with the labels of its pages, or a table with the names of its API.

A contact has one date per lifecycle stage, so a return to an earlier stage and the way back are not in the file.
"""

import re
from collections.abc import Iterator

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources.columns import Row, named_rows, plain_names
from fari.sources.convert import iso_instant
from fari.sources.file import File
from fari.sources.record import Item, Record

NAME = "hubspot_contacts"
LABEL = "HubSpot: contacts (CSV, labels or API names)"
COLUMNS = (
    "Record ID", "First Name", "Last Name", "Email", "Create Date", "Lifecycle Stage", "Became a Lead Date", "Became a Marketing Qualified Lead Date",
    "Became a Sales Qualified Lead Date", "Became an Opportunity Date", "Became a Customer Date", "Original Source", "Original Source Drill-Down 1",
    "Original Source Drill-Down 2", "Country/Region", "Associated Company IDs", "Primary Associated Company ID", "Lead Status", "Persona",
    "Merged Contact IDs",
)  # fmt: skip

_ID = ("record id", "record id - contact", "contact id", "hs_object_id", "vid")
_EMAIL = ("email", "email address")
_TELLING = frozenset({"lifecycle stage", "lifecyclestage", "create date", "createdate", "lead status", "hs_lead_status", "contact owner"})
_OTHERS = frozenset({"deal name", "dealname", "deal stage", "dealstage", "company domain name"})
_FIRST_NAME, _LAST_NAME = ("first name", "firstname"), ("last name", "lastname")
_CREATED = ("create date", "createdate")
_COUNTRY = ("country/region", "country")
_PERSONA = ("persona", "hs_persona")
_COMPANY = (
    "primary associated company id", "associated company ids (primary)", "associatedcompanyid", "associated company id", "associated company ids",
)  # fmt: skip
_MERGED = ("merged contact ids", "merged record ids", "hs_merged_object_ids", "hs_calculated_merged_vids")
_LIFECYCLE = ("lifecycle stage", "lifecyclestage")
_SOURCE = ("original traffic source", "original source", "original source type", "hs_analytics_source")
_DRILL_1 = ("original traffic source drill-down 1", "original source drill-down 1", "hs_analytics_source_data_1")
_DRILL_2 = ("original traffic source drill-down 2", "original source drill-down 2", "hs_analytics_source_data_2")

_STAGES = {
    "lead": ("lead", "lead", "a lead"),
    "mql": ("marketingqualifiedlead", "marketing qualified lead", "a marketing qualified lead"),
    "sql": ("salesqualifiedlead", "sales qualified lead", "a sales qualified lead"),
    "opportunity": ("opportunity", "opportunity", "an opportunity"),
    "customer": ("customer", "customer", "a customer"),
}
"""Fari's stage: HubSpot's API value, its label, and the label with its article."""
_STAGE_DATES = {
    stage: (
        f"became {article} date",
        f"hs_lifecyclestage_{value}_date",
        f"hs_v2_date_entered_{value}",
        f"date entered {label} (lifecycle stage pipeline)",
    )
    for stage, (value, label, article) in _STAGES.items()
}
_STAGE_OF = {name: stage for stage, (value, label, _) in _STAGES.items() for name in (value, label)}

_CHANNELS = {
    "organic search": "Organic Search",
    "paid search": "Paid Search",
    "paid social": "Paid Social",
    "social media": "Organic Social",
    "organic social": "Organic Social",
    "email marketing": "Email",
    "referrals": "Referral",
    "direct traffic": "Direct",
    "ai referrals": "AI Assistants",
    "other campaigns": "Unassigned",
    "offline": "Offline",
    "offline sources": "Offline",
}
_CAMPAIGN_AT = {"Paid Search": 1, "Email": 1, "Unassigned": 1, "Paid Social": 2, "Organic Social": 2}
"""Which drill-down names the campaign; those of other channels hold a search word, a site or a social network."""
_SPOILT = "open the export without a spreadsheet, which spoils long numbers"


def recognises(file: File) -> bool:
    """Whether the header is that of HubSpot contacts, by labels or by API names."""
    names = plain_names(file)
    telling = names & _TELLING or any(column in names for columns in _STAGE_DATES.values() for column in columns)
    return bool(telling) and not names & _OTHERS and any(name in names for name in _ID) and any(name in names for name in _EMAIL)


def read(file: File, company: Company) -> Iterator[Item]:
    """The contacts as people, their stage dates as stages, merged ids as aliases. Times without a zone are the company's."""
    for row in named_rows(file):
        if isinstance(row, Problem):
            yield row
            continue
        own = row.first(_ID)
        if own is None or not own.isdecimal():
            what = "record id is missing" if own is None else "record id is not a HubSpot id"
            yield Problem(row.line, what, "record id", own or "", _SPOILT if own else "export it with its Record ID", table="people")
            continue
        yield from _person(row, f"hubspot:{own}")
        yield from _stages(row, f"hubspot:{own}")
        yield from _aliases(row, own)


def _person(row: Row, person: str) -> Iterator[Item]:
    created = None
    if (found := row.named(_CREATED)) is not None:
        created = iso_instant(found[1])
        if created is None:
            yield _no_date(row, "people", *found, refused=False)
    account = None
    if (found := row.named(_COMPANY)) is not None:
        # Of several companies HubSpot puts the primary one first.
        first = re.split(r"[;,]", found[1])[0].strip()
        if first.isdecimal():
            account = f"hubspot:{first}"
        else:
            yield Problem(row.line, "company id is not a HubSpot id", found[0], found[1], _SPOILT, table="people", refused=False)
    source = row.first(_SOURCE)
    channel = _CHANNELS.get(source.casefold().replace("_", " "), source) if source else None
    drill = _CAMPAIGN_AT.get(channel or "")
    names = (row.first(_FIRST_NAME), row.first(_LAST_NAME))
    values = {
        "person_id": person,
        "email": row.first(_EMAIL),
        "account_id": account,
        "created_at": created,
        "name": " ".join(name for name in names if name) or None,
        "persona": row.first(_PERSONA),
        "country": row.first(_COUNTRY),
        "channel": channel,
        "campaign": row.first(_DRILL_1 if drill == 1 else _DRILL_2) if drill else None,
    }
    yield Record("people", row.line, values)


def _stages(row: Row, person: str) -> Iterator[Item]:
    """One row per stage date. Where HubSpot gives two dates for a stage, the old and the new kind, the earlier counts."""
    dated: set[str] = set()
    for stage, columns in _STAGE_DATES.items():
        dates: list[str] = []
        for column in columns:
            text = row.cells.get(column)
            if text:
                dated.add(stage)
                if at := iso_instant(text):
                    dates.append(at)
                else:
                    yield _no_date(row, "stages", column, text)
        if dates:
            # Both kinds of a file are in UTC, or both in the company's zone: their text sorts.
            yield Record("stages", row.line, {"person_id": person, "stage": stage, "at": min(dates)})
    given = row.first(_LIFECYCLE)
    current = _STAGE_OF.get(given.casefold().replace("_", " ")) if given else None
    if current and current not in dated:
        what = f"is at stage {current}, but the file does not say since when: not counted at that stage"
        mend = f"export the column {_STAGE_DATES[current][0]!r} too"
        yield Problem(row.line, what, "lifecycle stage", given or "", mend, table="stages", refused=False)


def _aliases(row: Row, own: str) -> Iterator[Item]:
    """Ids merged into this contact: `12;34`, or `12:1711879200000` with the time of the merge."""
    seen = {own}
    for column in _MERGED:
        for part in re.split(r"[;,\s]+", row.cells.get(column, "")):
            old, _, at = part.partition(":")
            if not part or old in seen:
                continue
            seen.add(old)
            if old.isdecimal():
                values = {"kind": "person", "from_id": f"hubspot:{old}", "to_id": f"hubspot:{own}", "at": iso_instant(at)}
                yield Record("aliases", row.line, values)
            else:
                yield Problem(row.line, "merged id is not a HubSpot id", column, part, _SPOILT, table="aliases")


def _no_date(row: Row, table: str, column: str, text: str, *, refused: bool = True) -> Problem:
    return Problem(row.line, f"{column} is not a date", column, text, "write 2025-03-31 10:00", table=table, refused=refused)
