"""`fari init`: a new project."""

import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from fari.company import TOML, template
from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces import terminal
from fari.surfaces.project import Place

IGNORED = ("ledger/", "facts/", "fari.sqlite*", "spool.sqlite*", "desk.sqlite*")
"""What git is to leave alone: personal data, and what can be built again."""


def make_project(place: Place, folder: Path, name: str | None, currency: str, timezone: str | None) -> None:
    """Write `fari.toml` and `.gitignore` into the folder, made where it is not there; refused where there is a project."""
    home = place.here / folder
    if not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise UsageError(f"--currency takes three letters such as EUR, not {currency!r}")
    zone = checked(timezone) if timezone else local_zone()
    if (home / TOML).exists():
        raise FariError(f"{home / TOML} is there already; nothing was changed")
    write_project(home, template(name or home.resolve().name or "My company", currency.upper(), zone))
    shown = f"cd {folder} && " if folder != Path() else ""
    terminal.note(f"made {home / TOML} ({currency.upper()}, {zone}). Next:")
    terminal.note(f"  {shown}{terminal.command()} import FILE...")
    terminal.note(f"  {terminal.command()} doctor")


def write_project(home: Path, text: str) -> None:
    """A project's first two files. A `.gitignore` that is there only gets the lines it lacks."""
    home.mkdir(parents=True, exist_ok=True)
    (home / TOML).write_text(text, encoding="utf-8")
    ignore = home / ".gitignore"
    known = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    missing = [line for line in IGNORED if line not in known.splitlines()]
    if missing:
        gap = "" if not known or known.endswith("\n") else "\n"
        ignore.write_text(known + gap + "".join(f"{line}\n" for line in missing), encoding="utf-8")


def checked(timezone: str) -> str:
    """A time zone's name; UsageError with the nearest one where it has no such name."""
    try:
        return ZoneInfo(timezone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = {zone.lower(): zone for zone in available_timezones()}
        near = did_you_mean(timezone, zones)
        close = next((zone for low, zone in zones.items() if f"'{low}'" in near), "")
        hint = f"; did you mean '{close}'?" if close else "; write one such as Europe/Rome"
        raise UsageError(f"unknown time zone {timezone!r}{hint}") from None


def local_zone(environment: str | None = None, link: Path = Path("/etc/localtime")) -> str:
    """This machine's time zone by name, as far as it says; else UTC."""
    told = (environment if environment is not None else os.environ.get("TZ", "")).removeprefix(":")
    at = str(link.resolve()).partition("zoneinfo/")[2] if link.is_symlink() else ""
    for name in (told, at):
        if name and name in available_timezones():
            return "UTC" if name == "Etc/UTC" else name
    return "UTC"
