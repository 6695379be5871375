"""`fari reconcile`: the bridge between two figures."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from fari.errors import UsageError, did_you_mean
from fari.rules import Rules, preset, presets
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.bridge import Bridge

FORMATS = ("table", "json")
_SHOWN = 5
"""So many accounts of each step are named; all of them with --format json."""


@dataclass(frozen=True)
class Ends:
    """Where the bridge begins and ends, as they were typed: rule sets, or for the end a figure."""

    one: str | None
    other: str
    like: str | None

    def figure(self) -> Decimal | None:
        """`--to` as a figure; None where it names a rule set."""
        try:
            found = Decimal(self.other.replace(",", ""))
        except InvalidOperation:
            return None
        return found if found.is_finite() else None

    def check(self) -> None:
        """UsageError where a rule set is unknown."""
        for name in (self.one, self.like):
            if name:
                preset(name)
        if self.figure() is None:
            if self.other not in presets():
                known = ", ".join(presets())
                raise UsageError(f"--to takes a rule set or a figure, not {self.other!r}{did_you_mean(self.other, presets())} (one of: {known})")
            if self.like:
                raise UsageError("--like says whose rules a figure was made by; --to names a rule set already")


def reconcile_figures(place: Place, asked: Asked, ends: Ends, format_: str) -> None:
    """Print the bridge of the metric of one period."""
    from fari.engine.answer import Question
    from fari.engine.ask import check
    from fari.engine.bridge import bridge, nearest

    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}{did_you_mean(format_, FORMATS)} (one of: {', '.join(FORMATS)})")
    asked.check()
    ends.check()
    ledger = place.project()
    company = ledger.company
    period = asking.named(asked.since or "", company.fiscal_year_start)
    question = Question(asked.names, (period,), (), asking.filters(asked.where), asked.day_known(), today(company))
    check(question.metrics, question)
    figure = ends.figure()
    one: Rules = preset(ends.one) if ends.one else company.rules
    with terminal.progress("reading the ledger") as progress:
        asker = asking.asker(ledger, asked.engine, progress)
        other = preset(ends.like or ends.other) if figure is None or ends.like else nearest(asker, question, figure)
        found = bridge(asker, question, one, other, figure)
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(found.plain(), indent=2) + "\n")
        return
    _print(found, company.fiscal_year_start, guessed=figure is not None and not ends.like)


def _print(found: "Bridge", fiscal_year_start: int, *, guessed: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    unit, currency = found.start.unit, found.start.currency or ""
    narrowed = "".join(f", {name} {' or '.join(values)}" for name, values in found.where)
    terminal.write(f"{found.metric} {words.period(found.period, fiscal_year_start)}{narrowed}\n")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("")
    table.add_row(Text(found.one.label, style="bold"), _amount(found.start.value, unit, currency), _notes(found.start.notes))
    for step in found.steps:
        if step.amount or step.accounts or step.amount is None:
            said = f"{step.says}{_whose(step.accounts, unit, currency)}"
            table.add_row(f"  {step.choice}: {step.before} → {step.after}", _amount(step.amount, unit, currency, signed=True), said)
    table.add_row(Text(found.other.label, style="bold"), _amount(found.end.value, unit, currency), _notes(found.end.notes))
    if found.figure is not None:
        table.add_row("  (no rule explains)", _amount(found.unexplained, unit, currency, signed=True), "")
        table.add_row(Text("the figure given", style="bold"), _amount(found.figure, unit, currency), "")
    terminal.show(table)
    quiet = [step.choice for step in found.steps if step.amount == 0 and not step.accounts]
    if quiet:
        terminal.note(f"no effect here: {', '.join(quiet)}")
    if guessed:
        terminal.note(f"of all rule sets {found.other.preset} comes nearest to the figure; --like PRESET takes another")


def _notes(notes: tuple[str, ...]) -> str:
    return "; ".join(note for note in notes if not note.startswith("rules: "))


def _amount(value: "Decimal | int | None", unit: str, currency: str, *, signed: bool = False) -> str:
    if value is None:
        return words.NOTHING
    text = words.money(Decimal(value), currency, whole=True) if unit == "money" else words.shown(value, unit, currency)
    return f"+{text}" if signed and value > 0 else text


def _whose(accounts: tuple[tuple[str, Decimal], ...], unit: str, currency: str) -> str:
    if not accounts:
        return ""
    named = ", ".join(f"{account} {_amount(amount, unit, currency, signed=True)}" for account, amount in accounts[:_SHOWN])
    more = f" and {words.many(len(accounts) - _SHOWN, 'other')}" if len(accounts) > _SHOWN else ""
    return f" ({words.many(len(accounts), 'account')}: {named}{more})"
