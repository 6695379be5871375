"""`fari restated`: figures as they were known on a day and as they are now, with the rows that made the difference."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.closing import closed, label_of
from fari.surfaces.format import many
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.answer import Number
    from fari.engine.restate import Moved, Restated
    from fari.ledger.known import Known

FORMATS = ("table", "json", "csv")
_SHOWN = 12
"""So many rows of each sum are printed, those that made the largest difference; all of them with --format json or csv."""
_APART = frozenset(("rule", "label"))


def restate_figures(place: Place, asked: Asked, since: str, format_: str) -> None:
    """Lay each figure as known then beside what it is now."""
    from fari.engine.answer import Question
    from fari.engine.restate import restate

    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}{did_you_mean(format_, FORMATS)} (one of: {', '.join(FORMATS)})")
    asked.check()
    ledger = place.project()
    start = ledger.company.fiscal_year_start
    then, day, asked, told = _then(ledger, asked, since)
    with terminal.progress("reading the ledger") as progress:
        asker = asking.asker(ledger, asked.engine, progress)
        covered, _ = asker.state(then)
        if covered.horizon is None:
            raise FariError(f"nothing was known on {day}: the first import is of {_first(ledger) or 'no day yet'}")
        by = asking.split_by(asked.by)
        question = Question((), (), by, asking.filters(asked.where), today=today(ledger.company), rules=asked.ruled())
        names, _ = asking.names(asked.names, question)
        stretch = asking.stretch(covered, asked.since, asked.until, asking.grain_of(asked.grain), start)
        limit = _SHOWN if format_ == "table" else None
        found = restate(asker, replace(question, metrics=names, periods=stretch.periods), then, day, limit)
    if format_ == "json":
        from fari.surfaces.output import dumps

        rows = ",\n ".join(dumps(_object(one)) for one in found)
        terminal.write(f"[{rows}]\n")
    elif format_ == "csv":
        terminal.write(_csv(found, by))
    else:
        _print(found, day, start)
    for line in [*told, *_notes(found, start)]:
        terminal.note(line)


def _then(ledger: Any, asked: Asked, since: str) -> "tuple[Known, date, Asked, list[str]]":
    """(what was known, the day of that, what is asked, what is to be noted). A closed period is asked about itself where nothing else is named."""
    try:
        day = date.fromisoformat(since.strip())
    except ValueError:
        one = closed(ledger, since.strip(), asked.names)
        if asked.since is None and asked.until is None:
            asked = replace(asked, since=since.strip(), until=since.strip())
        return one.imports, one.closed_on, asked, [f"as known when {label_of(ledger, one)} was closed, on {one.closed_on}"]
    return day, day, asked, []


def _first(ledger: Any) -> date | None:
    return min((one.recorded_on for one in ledger.imports()), default=None)


def _notes(found: "Sequence[Restated]", start: int) -> list[str]:
    """What is to be said of the figures, each once."""
    said: dict[str, None] = {}
    for one in found:
        for answer, when in ((one.then, "then"), (one.now, "now")):
            if answer.value is None:
                said |= dict.fromkeys(f"{one.metric} {words.period(one.period, start)}: undefined {when}: {note}" for note in answer.notes[:1])
        said |= dict.fromkeys(one.notes)
        said |= {f"FAILS: {check.name}: off by {words.exact(check.difference)}": None for check in one.checks if not check.holds}
    return list(said)


def _print(found: "Sequence[Restated]", day: date, start: int) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    split = any(one.now.segment for one in found)
    for head in ("metric", "period", *(["segment"] if split else []), f"on {day}", "now", "change"):
        table.add_column(head, justify="left" if head in ("metric", "period", "segment") else "right", no_wrap=True)
    for one in found:
        segment = [_segment(one)] if split else []
        values = (_value(one, answer.value) for answer in (one.then, one.now))
        table.add_row(one.metric, words.period(one.period, start), *segment, *values, _change(one))
    terminal.show(table)
    for one in found:
        if one.rows:
            _print_rows(one, start)
    if not any(one.rows for one in found):
        terminal.note("no row has made a difference")


def _segment(one: "Restated") -> str:
    return ", ".join(one.now.segment.values())


def _value(one: "Restated", value: "Number | None") -> str:
    return words.shown(value, one.now.unit, one.now.currency)


def _change(one: "Restated") -> str:
    if not one.moved:
        return ""
    if one.change is None:
        return words.NOTHING
    text = _value(one, one.change)
    return text if text.startswith("-") else f"+{text}"


def _print_rows(one: "Restated", start: int) -> None:
    from rich.table import Table
    from rich.text import Text

    title = f"{one.metric} {words.period(one.period, start)}{f', {_segment(one)}' if one.now.segment else ''}"
    terminal.write("\n")
    for name in dict.fromkeys(row.input for row in one.rows):
        rows = [row for row in one.rows if row.input == name]
        of = f": rows of {name}" if name != one.metric else ": rows"
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", title=title + of, title_justify="left", title_style="bold")
        for head in ("", "row", "then", "now", "difference", "origin", "told by"):
            table.add_column(head, justify="right" if head in ("then", "now", "difference") else "left", no_wrap=head != "told by")
        for row in rows:
            amounts = (words.NOTHING if value is None else words.exact(value) for value in (row.then, row.now))
            table.add_row(row.what, Text(_thing(row)), *amounts, words.exact(row.difference), Text(_origin(row)), Text(_causes(row)))
        terminal.show(table)
        if left := one.left.get(name):
            terminal.note(f"{name}: {many(left, 'row')} more with a smaller difference; --format json has them all")


def _thing(row: "Moved") -> str:
    """What a row is about, and what changed of it."""
    named = [str(value) for name, value in row.row.items() if name not in _APART and value not in (None, "") and not isinstance(value, Decimal)]
    changed = "; ".join(f"{name} {_cell(was)} → {_cell(is_)}" for name, (was, is_) in row.changed.items() if name not in _APART)
    return ", ".join(named[:3]) + (f" ({changed})" if changed else "")


def _cell(value: Any) -> str:
    return words.NOTHING if value is None else words.exact(value) if isinstance(value, Decimal) else str(value)


def _origin(row: "Moved") -> str:
    if row.origin and row.origin_then and row.origin != row.origin_then:
        return f"{row.origin_then} → {row.origin}"
    return row.origin or row.origin_then or ""


def _causes(row: "Moved") -> str:
    """The last import that told of a row, by the file it is from."""
    if not row.causes:
        return ""
    last, before = row.causes[-1], len(row.causes) - 1
    return f"{'' if last.direct else 'indirectly '}{last.said(row.origin or row.origin_then)}{f' and {before} before' if before else ''}"


def _object(one: "Restated") -> dict[str, Any]:
    return {
        "metric": one.metric,
        "from": one.period.since,
        "until": one.period.until,
        "grain": one.period.grain,
        "segment": one.now.segment,
        "unit": one.now.unit,
        "currency": one.now.currency,
        "then": {"value": one.then.value, "complete": one.then.complete, "notes": one.then.notes},
        "now": {"value": one.now.value, "complete": one.now.complete, "notes": one.now.notes},
        "change": one.change,
        "inputs": [{"metric": i.metric, "then": i.then, "now": i.now, "change": i.change} for i in one.inputs],
        "rows": [_row(row) for row in one.rows],
        "checks": [{"name": c.name, "holds": c.holds, "left": c.left, "right": c.right, "difference": c.difference} for c in one.checks],
        "notes": one.notes,
    }


def _row(row: "Moved") -> dict[str, Any]:
    return {
        "input": row.input,
        "what": row.what,
        "then": row.then,
        "now": row.now,
        "difference": row.difference,
        "origin_then": row.origin_then,
        "origin": row.origin,
        "changed": {name: list(values) for name, values in row.changed.items()},
        "row": row.row,
        "imports": [
            {"import_id": c.import_id, "files": list(c.files), "recorded_on": c.recorded_on, "undone_on": c.undone_on, "direct": c.direct}
            for c in row.causes
        ],
    }


def _csv(found: "Sequence[Restated]", by: Sequence[str]) -> str:
    """A line for each row that made a difference, and one for each figure without such rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    dimensions = ["by_currency" if name == "currency" else name for name in by]
    writer.writerow(["metric", "from", "until", "grain", *dimensions, "then", "now", "change", "unit", "currency", *_COLUMNS])
    for one in found:
        period = one.period
        figure = [one.metric, period.since, period.until, period.grain, *(one.now.segment[name] for name in by)]
        figure += [*map(_plain, (one.then.value, one.now.value, one.change)), one.now.unit, one.now.currency or ""]
        writer.writerows([*figure, *cells] for cells in _lines(one))
    return text.getvalue()


_COLUMNS = ("input", "what", "row_then", "row_now", "difference", "origin_then", "origin", "imports", "row")


def _lines(one: "Restated") -> Iterator[list[str]]:
    from fari.surfaces.output import dumps

    for row in one.rows:
        amounts = [_plain(value) for value in (row.then, row.now, row.difference)]
        imports = " ".join(cause.import_id for cause in row.causes)
        yield [row.input, row.what, *amounts, row.origin_then or "", row.origin or "", imports, dumps(row.row)]
    if not one.rows:
        yield [""] * len(_COLUMNS)


def _plain(value: "Number | None") -> str:
    return "" if value is None else words.exact(value)
