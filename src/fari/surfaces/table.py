"""Answers as a table for people: metrics and segments down, periods across, as many as the terminal is wide."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fari.engine.answer import Answer
from fari.engine.periods import Period
from fari.insight.noise import NOISE, TOO_FEW
from fari.metrics import METRICS
from fari.surfaces import format as words
from fari.surfaces import terminal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_GAP = 2
_INCOMPLETE = "*"
_MOST_NOTES = 12
Key = tuple[str, tuple[str, ...]]


def answers_table(answers: Sequence[Answer], width: int | None = None, compared: bool = False, fiscal_year_start: int = 1) -> "tuple[Table, int]":
    """The table, and how many of the first periods it leaves out because the terminal (`width`) has no room for them."""
    from rich.text import Text

    periods = list(dict.fromkeys(answer.period for answer in answers))
    cells: dict[tuple[Key, Period], Answer] = {((answer.metric, tuple(answer.segment.values())), answer.period): answer for answer in answers}
    keys = _ordered(answers, periods)
    split = any(segment for _, segment in keys)
    labels = [_label(key, split) for key in keys]
    columns: list[tuple[Period, list[str], list[list[Text]]]] = []
    for period in periods:
        found = [cells.get((key, period)) for key in keys]
        heads = [words.period(period, fiscal_year_start)]
        texts = [[_value(answer) for answer in found]]
        for held in _held(found) if compared else ():
            against = {answer.compared_with for answer in held if answer and answer.compared_with}
            heads.append(f"vs {words.period(next(iter(against)), fiscal_year_start)}" if len(against) == 1 else "change")
            texts.append([_change(answer) for answer in held])
        columns.append((period, heads, texts))
    room = width - max((len(line) for line, _ in labels), default=0) if width else None
    shown: list[tuple[list[str], list[list[Text]]]] = []
    for _, heads, texts in reversed(columns):
        wide = sum(_GAP + max(len(head), *(cell.cell_len for cell in column), 0) for head, column in zip(heads, texts, strict=True))
        if room is not None and wide > room and shown:
            break
        room = None if room is None else room - wide
        shown.insert(0, (heads, texts))
    return _drawn(labels, shown, split), len(periods) - len(shown)


def _drawn(labels: "Sequence[tuple[str, bool]]", shown: "Sequence[tuple[list[str], list[list[Text]]]]", split: bool) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for heads, _ in shown:
        for head in heads:
            table.add_column(head, justify="right", no_wrap=True)
    for row, (label, heading) in enumerate(labels):
        if heading and split:
            table.add_row(Text(label, style="bold"))
        else:
            table.add_row(Text(label, style="" if split else "bold"), *(column[row] for _, texts in shown for column in texts))
    return table


def columns_that_fit(heads: Sequence[str], lines: Sequence[tuple[str, Sequence[str]]]) -> "tuple[Table, int]":
    """A table of named lines (a line without texts is a heading), and how many of its last columns the terminal has no room for."""
    from rich.table import Table
    from rich.text import Text

    kept = len(heads)
    if sys.stdout.isatty():
        room = terminal.console().width - max(len(name) for name, _ in lines)
        widths = [_GAP + max([len(head), *(len(texts[n]) for _, texts in lines if texts)]) for n, head in enumerate(heads)]
        kept = max(2, sum(1 for n in range(len(widths)) if sum(widths[: n + 1]) <= room))
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for head in heads[:kept]:
        table.add_column(head, justify="right", no_wrap=True)
    for name, texts in lines:
        table.add_row(Text(name, style="" if texts and name.startswith(" ") else "bold"), *map(Text, texts[:kept]))
    return table, len(heads) - min(kept, len(heads))


def notes(answers: Sequence[Answer], fiscal_year_start: int = 1) -> list[str]:
    """What is to be said below the table: why a value is missing, what a number means, which periods are not over or not covered whole."""
    told: dict[str, dict[str, dict[str, None]]] = {}
    for answer in answers:
        for text in answer.notes:
            told.setdefault(text, {}).setdefault(answer.metric, {})[words.period(answer.period, fiscal_year_start)] = None
    periods = len({answer.period for answer in answers})
    lines = []
    for text, metrics in told.items():
        when = dict.fromkeys(name for one in metrics.values() for name in one)
        where = "" if len(when) == periods else f" in {_few(list(when))}"
        lines.append(f"{_few(list(metrics))}{where}: {text}")
    if len(lines) > _MOST_NOTES:
        lines[_MOST_NOTES:] = [f"and {len(lines) - _MOST_NOTES} more notes; --format json has them all"]
    if any(not answer.complete and answer.value is not None for answer in answers):
        lines.append(f"{_INCOMPLETE} the period is not over, or its sources do not cover all of it")
    return lines


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _ordered(answers: Sequence[Answer], periods: Sequence[Period]) -> list[Key]:
    """Rows: metrics as asked; in each the segments by their last value, the largest first, what belongs to none of them last."""
    segments: dict[str, dict[tuple[str, ...], None]] = {}
    last: dict[Key, tuple[int, float]] = {}
    place = {period: n for n, period in enumerate(periods)}
    for answer in answers:
        segment = tuple(answer.segment.values())
        segments.setdefault(answer.metric, {})[segment] = None
        if answer.value is not None:
            last[answer.metric, segment] = max(last.get((answer.metric, segment), (-1, 0.0)), (place[answer.period], float(answer.value)))
    keys: list[Key] = []
    for metric, found in segments.items():
        if tuple(found) != ((),):
            keys.append((metric, ()))
        ranked = [(all(part.startswith("(") for part in segment), *last.get((metric, segment), (-1, 0.0)), segment) for segment in found]
        ranked.sort(key=lambda rank: (rank[0], -rank[1], -rank[2], rank[3]))
        keys += [(metric, segment) for *_, segment in ranked]
    return keys


def _label(key: Key, split: bool) -> tuple[str, bool]:
    """A row's name, and whether it is only the heading of the rows below it."""
    metric, segment = key
    return (f"  {' · '.join(segment)}", False) if segment else (metric, split)


def _held(found: Sequence[Answer | None]) -> list[list[Answer | None]]:
    """A column's answers, each with the first thing it is compared with; and with the second, where two are asked for."""
    further = max((len(answer.also) for answer in found if answer), default=0)
    return [list(found), *([answer.also[n] if answer else None for answer in found] for n in range(further))]


def _value(answer: Answer | None) -> "Text":
    from rich.text import Text

    if answer is None:
        return Text("")
    text = words.shown(answer.value, answer.unit, answer.currency)
    if answer.value is None:
        return Text(text, style="dim")
    if answer.low is not None and answer.high is not None:
        low, high = (words.shown(bound, answer.unit, answer.currency) for bound in (answer.low, answer.high))
        text = f"{text} ({low} to {high})"
    return Text(text if answer.complete else f"{text}{_INCOMPLETE}")


def _change(answer: Answer | None) -> "Text":
    from rich.text import Text

    if answer is None:
        return Text("")
    good = None if answer.verdict in (NOISE, TOO_FEW) else words.better(answer, METRICS[answer.metric].good)
    said = f"{words.change(answer)} {answer.verdict}" if answer.verdict else words.change(answer)
    return Text(said, style="dim" if good is None else "green" if good else "red")
