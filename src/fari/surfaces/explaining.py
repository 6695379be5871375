"""`fari explain`: one number opened."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fari.errors import UsageError, did_you_mean
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.explain import Explanation

FORMATS = ("table", "json")
_SHOWN = 12
"""So many rows of each sum are printed, the largest; all of them with --format json."""
_WIDE = 28
_EARLY = (
    "day from last name account person visitor subscription_id deal_id movement kind verdict rejection_reason stage to_stage waited bot views amount "
    "channel campaign"
).split()
"""Columns worth their room, in this order, where a row has more than fit."""
_APART = ("input", "contribution", "origin", "says")


def open_number(place: Place, asked: Asked, format_: str) -> None:
    """Explain the metric of one period."""
    from fari.engine.explain import explain

    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}{did_you_mean(format_, FORMATS)} (one of: {', '.join(FORMATS)})")
    asked.check()
    ledger = place.project()
    period = asking.named(asked.since or "", ledger.company.fiscal_year_start)
    with terminal.progress("reading the ledger") as progress:
        asker = asking.asker(ledger, asked.engine, progress)
        limit = None if format_ == "json" else _SHOWN
        where, known = asking.filters(asked.where), asked.day_known()
        opened = explain(asker, asked.names[0], period, where, known, today(ledger.company), limit, asked.ruled())
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(opened.plain(), indent=2) + "\n")
        return
    _print(opened, ledger.company.fiscal_year_start)
    if asker.state(asked.day_known(), asked.ruled())[0].horizon is None:
        terminal.note(asking.NOTHING_IMPORTED)


def _print(opened: "Explanation", fiscal_year_start: int) -> None:
    answer = opened.answer
    narrowed = "".join(f", {name} {' or '.join(values)}" for name, values in opened.where)
    unfinished = "" if answer.complete else " (not over, or not covered whole)"
    value = words.shown(opened.value, answer.unit, answer.currency)
    lines = [f"{opened.metric} {words.period(opened.period, fiscal_year_start)}{narrowed}: {value}{unfinished}"]
    if opened.value is not None and words.exact(opened.value) != value:
        lines.append(f"  = {words.exact(opened.value)}")
    lines += [f"  {opened.formula}", "", *(f"  {line}".rstrip() for line in opened.definition.splitlines()), ""]
    lines.append("rules: " + ", ".join(f"{name} {rule_words(rule)}" for name, rule in opened.rules.items()))
    terminal.write("\n".join(lines) + "\n\n")
    if opened.inputs:
        _inputs(opened)
    for name in dict.fromkeys(row.get("input", opened.metric) for row in opened.rows):
        print_rows(f"{name}: rows", [row for row in opened.rows if row.get("input", opened.metric) == name])
    for left in opened.left_out:
        terminal.write(f"left out of {left.metric}: {words.many(left.rows, 'row')}, {left.why}: {', '.join(left.origins)}\n")
    for check in opened.checks:
        if check.holds:
            terminal.write(f"holds: {check.name}\n")
        else:
            terminal.write(f"FAILS: {check.name}: {words.exact(check.left)} against {words.exact(check.right)}\n")
    for text in opened.notes:
        terminal.note(text)


def rule_words(rule: Any) -> str:
    """A setting that decides, in words."""
    if isinstance(rule, dict):
        return ", ".join(f"{name} {rule_words(one)}" for name, one in rule.items())
    if isinstance(rule, list | tuple):
        return ", ".join(str(one) for one in rule)
    return str(rule).lower() if isinstance(rule, bool) else str(rule)


def _inputs(opened: "Explanation") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("input", "value", "rows", ""):
        table.add_column(head, justify="right" if head in ("value", "rows") else "left", no_wrap=bool(head))
    for one in opened.inputs:
        value = words.NOTHING if one.value is None else words.exact(one.value)
        table.add_row(one.metric, value, f"{one.rows:,}" if one.rows else "", one.formula)
    terminal.show(table)
    terminal.write("\n")


def columns_told(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that tell rows apart, those first that say what, when and who."""
    told = [c for c in dict.fromkeys(c for row in rows for c in row) if c not in _APART and any(row.get(c) is not None for row in rows)]
    told.sort(key=lambda c: _EARLY.index(c) if c in _EARLY else len(_EARLY))
    return told[:6]


def print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    """A sum's rows: the columns that tell rows apart, the contribution and the origin."""
    from rich.table import Table
    from rich.text import Text

    shown = columns_told(rows)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", title=title, title_justify="left", title_style="bold")
    for column in shown:
        table.add_column(column, no_wrap=True, max_width=_WIDE)
    table.add_column("contribution", justify="right", no_wrap=True)
    table.add_column("origin", no_wrap=True)
    for row in rows[: 2 * _SHOWN]:
        table.add_row(*(Text(_text(row.get(column))) for column in shown), _text(row["contribution"]), Text(str(row["origin"])))
    terminal.show(table)
    if len(rows) > 2 * _SHOWN:
        terminal.note(f"{words.many(len(rows) - 2 * _SHOWN, 'row')} more; --format json has them all")
    terminal.write("\n")


def _text(value: Any) -> str:
    from decimal import Decimal

    if value is None:
        return ""
    return words.exact(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else str(value)
