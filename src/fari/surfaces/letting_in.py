"""`fari users` and `fari keys`: who may come in, and which programs."""

import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fari.errors import FariError
from fari.surfaces import terminal
from fari.surfaces.output import dumps
from fari.surfaces.project import Place
from fari.surfaces.web import desk
from fari.surfaces.web.access import Access, Key


def access_of(place: Place) -> Access:
    """Who may come into a project."""
    return Access(desk.Desk(place.project().folder / desk.NAME))


def list_users(place: Place, json: bool) -> None:
    """Print who has a password, and what they may do."""
    users = access_of(place).users()
    if json:
        terminal.write(dumps([{"name": user.name, "role": user.role, "added": day(user.made)} for user in users], indent=1) + "\n")
        return
    _show(("name", "role", "added"), [(user.name, user.role, day(user.made) or "") for user in users])
    if not users:
        terminal.note(f"no users yet; `{terminal.command()} users add NAME --role owner` lets the first one in")


def add_user(place: Place, name: str, role: str) -> None:
    """Let someone in, with a password from the environment or the terminal."""
    access = access_of(place)
    new = access.add_user(name, role, _password())
    terminal.note(f"{name} is {role} now" if new else f"{name} is {role} now, has the new password and is logged out everywhere")


def remove_user(place: Place, name: str) -> None:
    """Let someone in no more."""
    access_of(place).remove_user(name)
    terminal.note(f"{name} is removed and logged out everywhere")


def list_keys(place: Place, json: bool) -> None:
    """Print the keys there are, without what they are."""
    keys = access_of(place).all_keys()
    if json:
        terminal.write(dumps(rows_of(keys), indent=1) + "\n")
        return
    _show(
        ("name", "scope", "metrics", "added", "last used", "revoked"),
        [(k.name, k.scope, " ".join(k.metrics) or "all", day(k.made) or "", day(k.used) or "never", day(k.revoked) or "") for k in keys],
    )
    if not keys:
        terminal.note(f"no keys yet; `{terminal.command()} keys add NAME` makes one")


def rows_of(keys: Sequence[Key]) -> list[dict[str, Any]]:
    """Keys as data."""
    dated = ({"added": day(key.made), "last_used": day(key.used), "revoked": day(key.revoked)} for key in keys)
    return [{"name": key.name, "scope": key.scope, "metrics": list(key.metrics)} | days for key, days in zip(keys, dated, strict=True)]


def add_key(place: Place, name: str, scope: str, metrics: Sequence[str]) -> None:
    """Make a key and print it, once."""
    terminal.write(access_of(place).add_key(name, scope, metrics) + "\n")
    terminal.note("it is shown this once; a program sends it as `Authorization: Bearer KEY`")


def revoke_key(place: Place, name: str) -> None:
    """Have a key open nothing."""
    access_of(place).revoke(name)
    terminal.note(f"the key {name} opens nothing any more")


def day(seconds: int | None) -> str | None:
    """A day as it is written, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _password() -> str:
    given = os.environ.get("FARI_PASSWORD")
    if given:
        return given
    if not sys.stdin.isatty():
        raise FariError("the password is asked for on a terminal; elsewhere it is taken from FARI_PASSWORD")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise FariError("the two passwords are not the same; nothing was changed")
    return password


def _show(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    wide = [max(len(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    for row in (heads, *rows):
        terminal.write("  ".join(f"{text:<{width}}" for text, width in zip(row, wide, strict=True)).rstrip() + "\n")
