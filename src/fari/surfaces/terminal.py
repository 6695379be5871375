"""The two streams: data on standard output, progress and notes on standard error; colours and progress only where a person is looking."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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


class ReaderLeft(Exception):  # noqa: N818 - it is no error
    """Who read standard output has seen enough (`| head`): nothing is wrong, and nothing is left to do."""


def write(text: str) -> None:
    """Data, on standard output."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeft from None


def write_bytes(data: bytes) -> None:
    """Data that is no text, on standard output."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderLeft from None


def abandon() -> None:
    """Let what is still buffered for a reader that has left go nowhere, so that the interpreter does not complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def command() -> str:
    """How to call this program again: by name where the shell finds it, else by the path it was called by."""
    called = Path(sys.argv[0])
    return "fari" if called.stem != "fari" or shutil.which("fari") else str(called)


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
    """A Rich console on a terminal, without colours where NO_COLOR says so."""
    from rich.console import Console

    stream = stream or sys.stdout
    plain = not watched(stream) or bool(os.environ.get("NO_COLOR"))
    return Console(file=stream, color_system=None if plain else "auto", no_color=plain, highlight=False, markup=False, emoji=False)


def show(table: "Table | Text") -> None:
    """A table on standard output."""
    if sys.stdout.isatty():
        console().print(table)
    else:
        write(plain(table))


def plain(table: "Table | Text") -> str:
    """A table as text for programs and files: whole, and without the blanks that would pad its lines."""
    from rich.console import Console

    screen = Console(file=StringIO(), width=_ENDLESS, color_system=None, force_terminal=False, highlight=False, markup=False, emoji=False)
    screen.print(table)
    assert isinstance(screen.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in screen.file.getvalue().splitlines())


@contextmanager
def progress(text: str = "") -> Iterator[Say]:
    """A function to say what is being done, as one line that changes and then goes; into a pipe nothing is said."""
    if not watched(sys.stderr):
        yield lambda _: None
        return
    from rich.markup import escape

    with console(sys.stderr).status(escape(text)) as status:
        yield lambda what: status.update(escape(what))
