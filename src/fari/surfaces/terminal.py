"""The two streams: data on standard output, progress and notes on standard error; colours and progress only where a person is looking."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Say = Callable[[str], None]
"""Says what is being done now."""
_ENDLESS = 100_000
"""Columns of a pipe: nothing is cut off or wrapped in what a program reads."""


def note(text: str) -> None:
    """One line for the person, on standard error."""
    sys.stderr.write(f"{text}\n")


def complain(text: object) -> None:
    """What was refused or failed, on standard error: one line, whatever a file's name or a library's message holds."""
    note(f"fari: {' '.join(str(text).split())}")


def write(text: str) -> None:
    """Data, on standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_bytes(data: bytes) -> None:
    """Data that is no text, on standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def utf8() -> None:
    """Both streams write UTF-8 whatever the locale says; what cannot be written is replaced rather than raised."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace", newline="\n")


def watched(stream: TextIO) -> bool:
    """Whether a person is looking at the stream."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console(stream: TextIO | None = None) -> "Console":
    """A Rich console: plain and endlessly wide into a pipe, without colours where NO_COLOR says so."""
    from rich.console import Console

    stream = stream or sys.stdout
    plain = not watched(stream) or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        width=None if stream.isatty() else _ENDLESS,
        color_system=None if plain else "auto",
        no_color=plain,
        force_terminal=stream.isatty(),
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def show(table: "Table", stream: TextIO | None = None) -> None:
    """A table, without the blanks that would pad its lines in a pipe."""
    stream = stream or sys.stdout
    screen = console(stream)
    if stream.isatty():
        screen.print(table)
        return
    with screen.capture() as captured:
        screen.print(table)
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    stream.flush()


@contextmanager
def progress(text: str = "") -> Iterator[Say]:
    """A function to say what is being done, as one line that changes and then goes; into a pipe nothing is said."""
    if not watched(sys.stderr):
        yield lambda _: None
        return
    from rich.markup import escape

    with console(sys.stderr).status(escape(text)) as status:
        yield lambda what: status.update(escape(what))
