"""`fari clv`: what a customer is worth by its fitted lifetime, beside the naive figure, and how well the fit would have foretold, printed."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.errors import UsageError
from fari.rules import preset
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.answer import Answer
    from fari.insight.foretold import Check

FORMATS = ("table", "json", "csv")


def show_worth(place: Place, asked: Asked, discount: float, format_: str) -> None:
    """The values of each segment, and the check of each term's model."""
    from fari.insight.foretold import foretold
    from fari.insight.worth import terms, worth

    asking.format_of(format_, FORMATS)
    asked.check()
    if not 0 < discount < 10:
        raise UsageError(f"--discount is a year's rate above 0, such as 0.1 for 10 %, not {discount}")
    ledger = place.project()
    fiscal = ledger.company.fiscal_year_start
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        covered, _ = asker.state(question.as_of, question.rules)
        question = replace(question, periods=asking.stretch(covered, None, None, "total", fiscal).periods)
        fitted = terms(asker, question)
        answers = worth(asker, question, fitted, discount)
        checks = [foretold(asker, question, term) for term in fitted.values()]
    if format_ == "table":
        _print(answers, checks)
        terminal.note(f"{words.period(question.periods[0], fiscal)}; renewals are discounted at {words.shown(Decimal(str(discount)), 'rate')} a year")
        terminal.note("clv: arpa / churn of this time; clv_fitted: arpa × the months the company's own cohorts let expect (95 % bounds)")
        rules = question.rules or ledger.company.rules
        if rules != preset():
            terminal.note(f"rules: {rules.label}")
        if ledger.company.gross_margin == 1:
            terminal.note("revenue, not margin: set [company] gross_margin in fari.toml")
        for text in dict.fromkeys(f"{_name(one)}: {text}" for one in answers if one.value is None for text in one.notes):
            terminal.note(text)
    elif format_ == "csv":
        from fari.surfaces.output import as_csv

        terminal.write(as_csv(answers, question.by))
    else:
        from fari.surfaces.output import dumps, plain

        terminal.write(dumps({"answers": plain(answers), "checks": [_check(check) for check in checks]}, indent=2) + "\n")


def _check(check: "Check") -> dict[str, Any]:
    told = asdict(check)
    known, then = check.known, check.then
    return told | {"known": known and {"from": known.since, "until": known.until}, "then": then and {"from": then.since, "until": then.until}}


def _print(answers: "Sequence[Answer]", checks: "Sequence[Check]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for head in ("arpa", "clv", "clv_fitted", "months", "leaving", "base_value"):
        table.add_column(head, justify="right", no_wrap=True)
    rows: dict[tuple[str, ...], dict[str, Answer]] = {}
    for answer in answers:
        rows.setdefault(tuple(answer.segment.values()), {})[answer.metric] = answer
    for row in sorted(rows.values(), key=lambda row: (row["clv_fitted"].value is None, -(row["clv_fitted"].value or 0))):
        fitted, base = row["clv_fitted"], row["base_value"]
        speed = fitted.parts["relative_churn"]
        table.add_row(
            Text(_name(fitted), style="bold"),
            words.shown(fitted.parts["arpa"], "money", fitted.currency),
            words.shown(row["clv"].value, "money", fitted.currency),
            words.bounded(fitted.value, fitted.low, fitted.high, "money", fitted.currency),
            words.shown(fitted.parts["lifetime_months"], "count"),
            words.NOTHING if speed is None else f"× {words.shown(speed, 'ratio')}",
            words.bounded(base.value, base.low, base.high, "money", base.currency),
        )
    terminal.show(table)
    terminal.write("\n")
    for check in checks:
        terminal.write(f"{_checked(check)}\n")


def _checked(check: "Check") -> str:
    if check.known is None or check.then is None or check.fitted is None or check.naive is None:
        return f"no check: {check.why}"
    known, then = (period.until - timedelta(days=1) for period in (check.known, check.then))
    fitted, naive = (words.shown(Decimal(str(one)), "count") for one in (check.fitted, check.naive))
    return (
        f"check, by {check.term}: of {words.many(check.customers or 0, 'customer')} on {known}, {check.lost} had left by {then}; "
        f"the model of {known} foretold {fitted}, a constant churn {naive}"
    )


def _name(answer: "Answer") -> str:
    return " · ".join(answer.segment.values()) or "all"
