"""`fari metrics`: a question asked and its answers printed."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fari.errors import UsageError, did_you_mean
from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import many
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.company import Company
    from fari.engine.answer import Answer

FORMATS = ("table", "json", "csv", "parquet")


def answer(place: Place, asked: Asked, format_: str, output: Path | None) -> None:
    """Ask, and print the answers in that format, or write them to a file."""
    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}{did_you_mean(format_, FORMATS)} (one of: {', '.join(FORMATS)})")
    if format_ == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("parquet is not for reading: write it to a file with -o FILE, or into a pipe")
    asked.check()
    ledger = place.project()
    company = ledger.company
    with terminal.progress("reading the ledger") as progress:
        answers, by, said = ask(place, asked, progress)
    compared = asked.compare is not None
    if format_ == "table":
        print_table(answers, company, compared, place.here / output if output else None)
        said += _below(answers, company)
    else:
        from fari.surfaces import output as written

        if format_ == "parquet":
            data = written.as_parquet(answers, by, compared)
        elif format_ == "csv":
            data = written.as_csv(answers, by, compared).encode()
        else:
            data = written.as_json(answers, compared).encode()
        if output:
            (place.here / output).write_bytes(data)
        else:
            terminal.write_bytes(data)
    for line in said:
        terminal.note(line)


def ask(place: Place, asked: Asked, progress: "terminal.Say") -> "tuple[list[Answer], tuple[str, ...], list[str]]":
    """(answers, dimensions split by, what is to be noted)."""
    from fari.engine.answer import Question
    from fari.engine.compare import bases, compare, pairs

    ledger = place.project()
    asker = asking.asker(ledger, asked.engine, progress)
    covered, _ = asker.state(asked.day_known(), asked.ruled())
    by = asking.split_by(asked.by)
    start = ledger.company.fiscal_year_start
    question = Question((), (), by, asking.filters(asked.where), asked.day_known(), today(ledger.company), asked.ruled())
    names, left_out = asking.names(asked.names, question)
    stretch = asking.stretch(covered, asked.since, asked.until, asking.grain_of(asked.grain), start)
    question = replace(question, metrics=names, periods=stretch.periods)
    said = []
    if covered.horizon is None:
        said.append(asking.NOTHING_IMPORTED)
    if stretch.widened:
        said.append(f"whole {stretch.grain}s, from {stretch.periods[0].since} to before {stretch.periods[-1].until}")
    if left_out:
        lacking = " and ".join(dict.fromkeys([*by, *(name for name, _ in question.where)]))
        said.append(f"{many(len(left_out), 'metric')} without {lacking} left out: {', '.join(left_out)}")
    if asked.compare is None:
        answers = asker.ask(question)
    else:
        for base in bases(asked.compare):
            pairs(question.periods, base, start)
        answers = compare(asker, question, asked.compare)
    if level := asked.level():
        from fari.insight.intervals import bounded, sample_of
        from fari.insight.noise import judged

        progress("drawing the company anew")
        sample = sample_of(asker, question, answers)
        answers = bounded(sample, answers, level)
        answers = judged(sample, answers) if asked.compare else answers
    return answers, by, said


def print_table(answers: "Sequence[Answer]", company: "Company", compared: bool, output: Path | None = None) -> None:
    """The answers as a table, as wide as the terminal; whole where it goes to a pipe or a file."""
    from fari.surfaces.table import answers_table

    if not answers:
        terminal.note("nothing is known of any segment in these periods")
        return
    if output:
        output.write_text(terminal.plain(answers_table(answers, None, compared, company.fiscal_year_start)[0]), encoding="utf-8")
        return
    width = terminal.console().width if sys.stdout.isatty() else None
    table, hidden = answers_table(answers, width, compared, company.fiscal_year_start)
    terminal.show(table)
    if hidden:
        terminal.note(f"{many(hidden, 'earlier period')} not shown: the terminal is too narrow (--format csv has all)")


def _below(answers: "Sequence[Answer]", company: "Company") -> list[str]:
    from fari.surfaces.table import notes

    return notes(answers, company.fiscal_year_start)
