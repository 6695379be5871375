"""`fari why`: why a figure changed, in sentences, a table of its inputs, its drivers, and the rows behind the largest of them."""

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.explaining import print_rows
from fari.surfaces.format import NOTHING, difference, many, share_bounded, shown
from fari.surfaces.format import period as period_name
from fari.surfaces.project import Place, today
from fari.surfaces.sentences import driver_words, sentences
from fari.surfaces.words import Words, words

if TYPE_CHECKING:
    from fari.engine.answer import Question
    from fari.engine.ask import Asker
    from fari.insight.parts import Part
    from fari.insight.why import Why

FORMATS = ("table", "json")
_ROWS = 5
"""So many rows are printed of the largest driver."""


def say_why(place: Place, asked: Asked, lang: str, format_: str) -> None:
    """Explain the change of the metric between two periods, like for like where the later one is not over."""
    from fari.engine.compare import like_for_like, pairs
    from fari.insight.why import why

    asking.format_of(format_, FORMATS)
    said = words(lang)
    asked.check()
    ledger = place.project()
    fiscal = ledger.company.fiscal_year_start
    after = asking.named(asked.since or "", fiscal)
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        covered, _ = asker.state(question.as_of, question.rules)
        before = like_for_like([after], pairs([after], asked.compare or "previous", fiscal), covered.horizon)[after]
        names, _ = asking.names(asked.names, replace(question, by=()))
        question = replace(question, metrics=names, periods=(before, after))
        found = why(asker, question)
        rows, count = _behind(asker, question, found)
    told = sentences(found, said, fiscal)
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps({"sentences": told, **found.plain(), "rows": rows}, indent=2) + "\n")
        return
    terminal.write("\n".join(told) + "\n\n")
    if found.tree is not None:
        _inputs(found, found.tree, said)
        _drivers(found, said)
    if rows:
        metric, period, where = found.opens(found.drivers[0])
        print_rows(said.say("{metric}: rows", metric=said.label(metric)), rows)
        terminal.note(f"{many(count, 'row')}; all of them, with formula and rules: {_command(asked, metric, period_name(period, fiscal), where)}")
    for text in found.notes:
        when, _, note = text.partition(": ")
        terminal.note(f"{when}: {said.note(note)}")


def _behind(asker: "Asker", question: "Question", found: "Why") -> tuple[list[dict[str, Any]], int]:
    """The largest rows behind the largest driver, and how many there are; none where it is no sum of rows."""
    from fari.engine.explain import largest_rows
    from fari.metrics import METRICS
    from fari.metrics.kinds import Formula

    if not found.drivers:
        return [], 0
    metric, period, where = found.opens(found.drivers[0])
    if isinstance(METRICS.get(metric, METRICS["cac"]), Formula):
        return [], 0
    rows, count = largest_rows(asker, replace(question, metrics=(metric,), periods=(period,), by=(), where=where), _ROWS)
    return list(rows), count


def _command(asked: Asked, metric: str, period: str, where: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """The command that opens the rest."""
    typed = [terminal.command(), "explain", metric, period]
    for dimension, values in where:
        for value in values:
            typed += ["--where", f"{dimension}={value}"]
    for option, given in (("--rules", asked.rules), ("--as-of", asked.as_of)):
        typed += [option, given] if given else []
    return shlex.join(typed)


def _inputs(found: "Why", tree: "Part", said: Words) -> None:
    """The tree of inputs, each with its values and its part."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, head in enumerate(("input", "before", "after", "part")):
        table.add_column(said.say(head), justify="right" if n else "left", no_wrap=True)

    def add(node: "Part", depth: int) -> None:
        values = [NOTHING if value is None else shown(value, node.unit, found.currency, said.locale) for value in (node.before, node.after)]
        part = difference(node.part, found.after.unit, found.currency, said.locale)
        table.add_row(Text("  " * depth + said.label(node.metric)), *values, part)
        for one in node.parts:
            add(one, depth + 1)

    add(tree, 0)
    terminal.show(table)
    terminal.write("\n")


def _drivers(found: "Why", said: Words) -> None:
    from rich.table import Table
    from rich.text import Text

    if not found.drivers:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, head in enumerate(("part", "share", "driver")):
        table.add_column(said.say(head), justify="right" if n < 2 else "left", no_wrap=n < 2)
    for driver in found.drivers:
        part = difference(driver.part, found.after.unit, found.currency, said.locale)
        share = NOTHING if driver.share is None else share_bounded(driver.share, None, None, said.locale)
        table.add_row(part, share, Text(driver_words(driver, said, found.currency)))
    terminal.show(table)
    terminal.write("\n")
