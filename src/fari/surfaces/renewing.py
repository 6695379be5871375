"""`fari renewals`: the calendar of renewals due, printed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from fari.errors import FariError, UsageError
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.due import Calendar, Due, DueSum

FORMATS = ("table", "json", "csv")


def show_renewals(place: Place, asked: Asked, days: int, short: bool, format_: str) -> None:
    """What is due in so many days from `--from` on, by default from the day after the data's last."""
    from fari.engine.due import calendar, plain

    asking.format_of(format_, FORMATS)
    first = asking.a_day(asked.since, "--from") if asked.since else None
    asked.check()
    if days < 1:
        raise UsageError(f"--days is a number of days from 1 on, not {days}")
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        if asker.state(question.as_of, question.rules)[0].horizon is None:
            raise FariError(asking.NOTHING_IMPORTED)
        found = calendar(asker, question, days, first, short=short)
    if format_ == "table":
        _print(found)
    else:
        from fari.surfaces import output

        rows = [plain(row) for row in found.rows]
        terminal.write(output.rows_csv(rows) if format_ == "csv" else output.dumps(found.plain(), indent=2) + "\n")
    terminal.note(f"known until {found.horizon}; rules: {found.rules.label}")


def _print(found: "Calendar") -> None:
    from rich.table import Table
    from rich.text import Text

    total = found.total
    last = found.period.until.fromordinal(found.period.until.toordinal() - 1)
    terminal.write(f"{found.period.since} to {last}: {words.many(total.due, 'renewal')} due, {_money(total.mrr, found)} MRR at stake")
    parts = [(total.cancelled_mrr, "set to cancel"), (total.past_due_mrr, "past due")]
    told = [f"{_money(amount, found)} {what}" for amount, what in parts if amount]
    terminal.write(f" (of it {', '.join(told)})\n" if told else "\n")
    made, due = (found.rate.parts.get(name) for name in ("renewals_made", "renewals_due"))
    counted = f" ({made} of {due})" if found.rate.value is not None else ""
    terminal.write(f"renewal_rate of the year up to {found.horizon}: {words.shown(found.rate.value, 'rate')}{counted}\n\n")
    if not found.rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("due", "account", "subscription", "plan", "term", "MRR", "", "origin"):
        table.add_column(head, justify="right" if head == "MRR" else "left", no_wrap=True)
    for row in found.rows:
        texts = (row.day, row.account, row.subscription, row.plan, _term(row), _money(row.mrr, found), _state(row), row.origin)
        table.add_row(*(Text(str(text)) for text in texts))
    terminal.show(table)
    terminal.write("\n")
    _sums("week", found.weeks, found)
    terminal.write("\n")
    _sums("month", found.months, found)


def _sums(grain: str, sums: "Sequence[DueSum]", found: "Calendar") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in (grain, "due", "MRR", "set to cancel", "past due"):
        table.add_column(head, justify="left" if head == grain else "right", no_wrap=True)
    for one in sums:
        name = f"{one.period.since} to {one.period.until.fromordinal(one.period.until.toordinal() - 1)}"
        amounts = (one.mrr, one.cancelled_mrr, one.past_due_mrr)
        table.add_row(name, str(one.due), *(_money(amount, found) for amount in amounts))
    terminal.show(table)


def _money(amount: Decimal, found: "Calendar") -> str:
    return words.shown(amount, "money", found.currency)


def _term(row: "Due") -> str:
    return row.interval if row.interval_count == 1 else words.many(row.interval_count, row.interval)


def _state(row: "Due") -> str:
    """What is known against its renewal, or what became of it."""
    told = []
    if row.renewed is not None:
        told.append("renewed" if row.renewed else "not renewed")
    if row.cancelled_on:
        told.append(f"cancelled {row.cancelled_on}")
    if row.ends_on and row.renewed is None:
        told.append(f"ends {row.ends_on}")
    if row.past_due_on:
        told.append(f"past due since {row.past_due_on}" + (f", lapses {row.lapses_on}" if row.lapses_on else ""))
    return "; ".join(told)
