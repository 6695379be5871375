"""An NPS survey's answers, as Delighted and most survey tools export them (CSV)."""

from collections.abc import Iterator
from decimal import Decimal

from fari.sources.convert import decimal_text, iso_instant
from fari.sources.record import Company, File, Item, Problem, Record, Skipped
from fari.sources.report import Report, find_report, need_report
from fari.sources.respondent import Respondents
from fari.sources.written_day import month_first, written_day

NAME = "nps_survey"
LABEL = "NPS survey: answers (CSV)"
COLUMNS = ("Email", "Score", "Comment", "Response date", "Customer ID", "Company")

_FIELDS = {
    "email": ("Email", "E-mail", "Email address", "Person email", "Respondent email", "Recipient"),
    "name": ("Name", "Person name", "Full name", "Respondent name"),
    "customer": ("Customer ID", "Person ID", "User ID", "External ID"),
    "company": ("Company", "Company name", "Organization", "Account"),
    "nps": ("NPS", "NPS score", "NPS rating", "Likelihood to recommend"),
    "score": ("Score",),
    "comment": ("Comment", "Comments", "Feedback", "NPS comment", "NPS feedback"),
    "at": ("Responded at", "Response date", "Response time", "Submitted at", "Answered at", "Completed at", "Created at", "Date"),
}


def _report(file: File) -> Report | None:
    """The report. A lead list has `Score` too, but no comment beside it."""
    report = find_report(file, _FIELDS, "nps", "at") or find_report(file, _FIELDS, "score", "comment", "at")
    return report if report and any(map(report.has, ("email", "customer", "company"))) else None


def recognises(file: File) -> bool:
    """Whether it has an NPS (or a score with a comment), a time, and somebody who answered."""
    return _report(file) is not None


def read(file: File, company: Company) -> Iterator[Item]:
    """One row of feedback per answer. Times without an offset are in the company's zone."""
    report = need_report(file, _report(file), LABEL, COLUMNS)
    respondents = Respondents("nps")
    rows = list(report.rows())
    first = month_first(row.get("at") for row in rows)
    for row in rows:
        score = row.get("nps") or row.get("score")
        if row.damage:
            yield row.damage
            continue
        if not score:
            yield Skipped(row.line, "not answered")
            continue
        number = decimal_text(score, comma=False)
        if number is None or Decimal(number) not in range(11):
            yield Problem(row.line, "is no whole number from 0 to 10", column=report.title("nps") or report.title("score"), value=score)
            continue
        day = written_day(row.get("at"), first)
        at = iso_instant(row.get("at")) or (f"{day}T00:00:00" if day else None)
        if at is None:
            yield Problem(
                row.line, "has no time that can be read", column=report.title("at"), value=row.get("at"), mend="write 2025-03-31 10:00"
            )  # fmt: skip
            continue
        who = respondents.find(row.line, row.get("customer"), row.get("email"), row.get("name"), row.get("company"))
        if who is None:
            yield Problem(row.line, "names nobody who answered", column=report.title("email"), value=row.get("email"), mend="export the e-mail")
            continue
        columns, introduced = who
        yield from introduced
        answer = {"at": at, "kind": "nps", "value": number, "text": row.get("comment") or None, "said_by": "customer"}
        yield Record("feedback", row.line, columns | answer)
