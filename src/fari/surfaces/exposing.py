"""`fari risk`: accounts at risk with their evidence, printed."""

from decimal import Decimal
from typing import TYPE_CHECKING

from fari.errors import FariError
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.risk import Evidence, Exposed, Exposure

FORMATS = ("table", "json", "csv")
_SHOWN = 25
"""So many accounts are printed; all of them with --format json or csv."""


def show_risk(place: Place, asked: Asked, format_: str) -> None:
    """Customers of the data's last day with evidence that they may leave or pay less, the most MRR at stake first."""
    from fari.engine.risk import exposure, plain

    asking.format_of(format_, FORMATS)
    asked.check()
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        if asker.state(question.as_of, question.rules)[0].horizon is None:
            raise FariError(asking.NOTHING_IMPORTED)
        found = exposure(asker, question)
    if format_ == "table":
        _print(found)
    else:
        from fari.surfaces import output

        if format_ == "csv":
            rows = [_about(place_, one) | plain(piece) for place_, one in enumerate(found.accounts, 1) for piece in one.evidence]
            terminal.write(output.rows_csv(rows))
        else:
            terminal.write(output.dumps(found.plain(), indent=2) + "\n")
    for text in found.notes:
        terminal.note(text)
    terminal.note(f"as of {found.day}; rules: {found.rules.label}; ranked by MRR at stake, then by how many kinds of evidence there are, and which")


def _about(rank: int, one: "Exposed") -> dict[str, object]:
    return {"rank": rank, "account": one.account, "channel": one.channel, "plan": one.plan, "account_mrr": one.mrr, "at_stake": one.at_stake}


def _print(found: "Exposure") -> None:
    from rich.table import Table
    from rich.text import Text

    many = words.many(found.customers, "customer")
    terminal.write(f"{len(found.accounts)} of {many} at risk, {_money(found.at_stake, found)} of {_money(found.mrr, found)} MRR at stake\n")
    if not found.accounts:
        return
    terminal.write("\n")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("account", "at stake", "of MRR", "day", "evidence", "origin"):
        table.add_column(head, justify="right" if head in ("at stake", "of MRR") else "left", no_wrap=True)
    for one in found.accounts[:_SHOWN]:
        for place, piece in enumerate(one.evidence):
            whose = (one.account, _money(one.at_stake, found), _money(one.mrr, found)) if place == 0 else ("", "", "")
            table.add_row(Text(whose[0], style="bold"), *whose[1:], str(piece.day), Text(_says(piece, found)), Text(piece.origin or ""))
    terminal.show(table)
    if len(found.accounts) > _SHOWN:
        terminal.note(f"{words.many(len(found.accounts) - _SHOWN, 'account')} more; --format json has them all")


def _says(one: "Evidence", found: "Exposure") -> str:
    """A piece of evidence in words."""
    which = f" ({one.subscription}, {_money(one.mrr, found)})" if one.subscription and one.kind != "paused" else ""
    until = f", ends {one.until}" if one.until else ""
    amount = "" if one.amount is None else _money(one.amount, found)
    days = words.many(one.days or 0, "day")
    lapses = f", lapses {one.until}" if one.until else ""
    return {
        "cancelled": f"set to cancel{until}{which}",
        "past_due": f"{days} past due{lapses}{which}",
        "paused": f"paused: {one.subscription}, {amount}",
        "quiet": f"no visit for {days}",
        "feedback": f"said {one.said}",
        "contraction": f"pays {amount} less",
        "renewal": f"due for renewal{until}{which}",
    }[one.kind]


def _money(amount: Decimal, found: "Exposure") -> str:
    return words.shown(amount, "money", found.currency)
