"""Zendesk: tickets with their satisfaction rating, and the churn reason that a ticket may carry (CSV export of a view or of Explore)."""

import re
from collections.abc import Iterator

from fari.sources.convert import decimal_text, iso_instant
from fari.sources.record import Company, File, Item, Problem, Record, Skipped
from fari.sources.report import Report, Row, find_report, need_report
from fari.sources.respondent import Respondents

NAME = "zendesk_csat"
LABEL = "Zendesk: tickets with satisfaction ratings (CSV)"
COLUMNS = ("Ticket ID", "Requester email", "Satisfaction Score", "Satisfaction comment", "Updated at", "Organization")

_FIELDS = {
    "ticket": ("Ticket ID", "Id"),
    "requester_id": ("Requester ID", "Requester external ID"),
    "email": ("Requester email", "Requester e-mail", "Email"),
    "requester": ("Requester", "Requester name"),
    "score": ("Satisfaction score", "Satisfaction rating", "Ticket satisfaction rating"),
    "comment": ("Satisfaction comment", "Ticket satisfaction comment", "Comment"),
    "rated": ("Satisfaction rated at", "Rated at", "Ticket satisfaction - Date"),
    "updated": ("Updated at", "Updated", "Ticket updated - Timestamp"),
    "solved": ("Solved at", "Solved", "Ticket solved - Timestamp"),
    "organization": ("Organization", "Organisation", "Ticket organization name"),
    # Zendesk adds a custom field's kind to its name.
    "reason": ("Churn reason", "Churn reason [list]", "Churn reason [txt]", "Cancellation reason", "Cancellation reason [list]"),
    "tags": ("Tags", "Ticket tags"),
}
_REASON_TAG = re.compile(r"churn_reason[_:]+(\w+)", re.IGNORECASE)
_UNRATED = ("", "-", "offered", "unoffered", "not offered", "none")


def _report(file: File) -> Report | None:
    report = find_report(file, _FIELDS, "score", "ticket")
    dated = report and any(map(report.has, ("rated", "updated", "solved")))
    named = report and any(map(report.has, ("requester_id", "email", "requester", "organization")))
    return report if dated and named else None


def recognises(file: File) -> bool:
    """Whether it has a ticket, a satisfaction rating, a time and somebody who asked."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """A rating and a churn reason make a row of feedback each. Times without an offset are in the company's zone."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    respondents = Respondents("zendesk")
    for row in report.rows():
        if row.damage:
            yield row.damage
            continue
        said = row.get("score")
        value = _rating(said)
        reason = row.get("reason") or next((tag.replace("_", " ") for tag in _REASON_TAG.findall(row.get("tags"))), "")
        if said.casefold() in _UNRATED:
            if not reason:
                yield Skipped(row.line, "not rated")
                continue
        elif value is None:
            yield Problem(row.line, "is no satisfaction rating", column="Satisfaction Score", value=said, mend="write good or bad")
            continue
        at_text = row.get("rated") or row.get("updated") or row.get("solved")
        at = iso_instant(at_text)
        if at is None:
            yield Problem(row.line, "has no time that can be read", column="Updated at", value=at_text, mend="write 2025-03-31 10:00")
            continue
        who = _who(row, respondents)
        if who is None:
            mend = "export the column Requester email"
            yield Problem(row.line, "names no requester by e-mail or id", column="Requester", value=row.get("requester"), mend=mend)
            continue
        columns, introduced = who
        yield from introduced
        if value is not None:
            feedback = {"at": at, "kind": "csat", "value": value, "text": row.get("comment") or None, "said_by": "customer"}
            yield Record("feedback", row.line, columns | feedback)
        if reason:
            # The ticket's field and its tags are filled in by the agent.
            yield Record("feedback", row.line, columns | {"at": at, "kind": "churn_reason", "value": reason, "text": None, "said_by": "care"})


def _rating(text: str) -> str | None:
    """`good` or `bad`, whatever is said with it, or the number of a scale."""
    word = re.match(r"(good|bad)\b", text, re.IGNORECASE)
    return word[1].lower() if word else decimal_text(text, comma=False)


def _who(row: Row, respondents: Respondents) -> tuple[dict[str, str | None], list[Record]] | None:
    requester = row.get("requester")
    email = row.get("email") or (requester if "@" in requester else "")
    name = "" if "@" in requester else requester
    return respondents.find(row.line, row.get("requester_id"), email, name, row.get("organization"))
