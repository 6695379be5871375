"""The project a command works on: the folder with `fari.toml`, found as git finds its own."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fari.company import TOML, Company, load
from fari.errors import FariError

if TYPE_CHECKING:
    from fari.ledger.store import Ledger


@dataclass(frozen=True)
class Place:
    """Where a command was started: the current folder, or the one that `-C` names."""

    here: Path = field(default_factory=Path.cwd)

    def within(self, path: Path) -> Path:
        """A path given on the command line. As in git it counts from `here`; one that is not there but is in the current folder is that one."""
        inside = self.here / path
        return path if not inside.exists() and path.exists() else inside

    def project(self) -> "Ledger":
        """The ledger of the project around this place; FariError that says how to begin where there is none."""
        from fari.ledger.store import Ledger

        start = self.here.absolute()
        for folder in (start, *start.parents):
            if (folder / TOML).is_file():
                ledger = Ledger(folder, _company(folder))
                ledger.open()
                return ledger
        raise FariError(f"no {TOML} in {start} or above it; `fari init` makes a project here, `fari demo` shows a made-up one")


def _company(folder: Path) -> Company:
    """What `fari.toml` says; FariError too where a value is of a kind that nobody expects there."""
    try:
        return load(folder)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise FariError(f"{folder / TOML}: a value is of the wrong kind: {error}") from None


def now() -> datetime:
    """This instant. With `today`, the only reading of a clock in Fari."""
    return datetime.now(UTC)


def today(company: Company) -> date:
    """The day it is in the company's time zone."""
    return now().astimezone(company.zone).date()
