"""Who may come in: users with their passwords, sessions and API keys, on the desk. Of what opens a door only a hash is kept."""

import hmac
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces.project import now
from fari.surfaces.web.desk import Desk

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ROLES = ("viewer", "editor", "owner")
"""Each may what those before it may: read; import, annotate and set targets; manage keys and users."""
IDLE = timedelta(days=14)
"""A session that nobody used for so long is over."""
SHORTEST, LONGEST = 10, 1_000
"""Characters of a password."""
KEY = "fari_"
"""What every API key begins with, so that one that leaked is recognised."""
_TOUCHED, _NOTED = 3_600, 60
"""Seconds; the time of the last use of a session and of a key is not written more often than this."""
_KEY = "name, scope, metrics, made, used, revoked"
_TABLES = """
CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, password TEXT NOT NULL, made INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, user TEXT COLLATE NOCASE, made INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, metrics TEXT NOT NULL, made INTEGER NOT NULL, used INTEGER,
    revoked INTEGER
);
"""


@dataclass(frozen=True)
class Reader:
    """Who asks: by what name (none on one's own machine), what they may do, and what their forms carry.

    A `guest` may only do what everybody may.
    """

    name: str = ""
    role: str = "owner"
    csrf: str = ""

    def may(self, role: str) -> bool:
        """Whether they may what a role may."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


ANYONE = Reader()
"""Whoever asks where there is no door."""


@dataclass(frozen=True)
class Key:
    """An API key as it is listed; the key itself nobody can show again. Times are in seconds since 1970."""

    name: str
    scope: str
    metrics: tuple[str, ...]
    """The only metrics it reads; all if none is named."""
    made: int
    used: int | None
    revoked: int | None


@dataclass(frozen=True)
class User:
    """Someone with a password."""

    name: str
    role: str
    made: int


class Access:
    """The users, sessions and keys of one project. Any thread and process may use it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def begin(self, user: str | None = None) -> str:
        """A new session, of a user or of whoever sits at this machine; what its cookie holds."""
        own, at = secrets.token_urlsafe(32), _seconds()
        with self.desk.writing(_TABLES) as db:
            db.execute("DELETE FROM sessions WHERE used < ?", (at - int(IDLE.total_seconds()),))
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (hashed(own), user, at, at))
        return own

    def session(self, own: str, named: bool) -> tuple[Reader, bool] | None:
        """Whose session a cookie opens, and whether its time was noted anew; None if it opens none.

        `named` asks for a user's: a session of whoever sits at the machine is worth nothing where passwords are asked for, and the other way round.
        """
        at = _seconds()
        sql = "SELECT s.used, s.user, u.name, u.role FROM sessions s LEFT JOIN users u ON u.name = s.user WHERE s.hash = ?"
        for used, user, name, role in self.desk.rows(_TABLES, sql, (hashed(own),)):
            if used < at - IDLE.total_seconds() or (user is not None) != named or (named and name is None):
                return None
            stale = used < at - _TOUCHED
            if stale:
                with self.desk.writing(_TABLES) as db:
                    db.execute("UPDATE sessions SET used = ? WHERE hash = ?", (at, hashed(own)))
            return Reader(name or "", role or "owner", csrf_of(own)), stale
        return None

    def end(self, own: str) -> None:
        """End a session."""
        with self.desk.writing(_TABLES) as db:
            db.execute("DELETE FROM sessions WHERE hash = ?", (hashed(own),))

    def users(self) -> list[User]:
        """Everyone with a password."""
        return [User(*row) for row in self.desk.rows(_TABLES, "SELECT name, role, made FROM users ORDER BY name")]

    def add_user(self, name: str, role: str, password: str) -> bool:
        """Let someone in; False where the name was known, who then has a new role and password, and is logged out."""
        name = _name(name, "user")
        if role not in ROLES:
            raise UsageError(f"unknown role {role!r}{did_you_mean(role, ROLES)} (one of: {', '.join(ROLES)})")
        if not SHORTEST <= len(password) <= LONGEST:
            raise FariError(f"a password has {SHORTEST} to {LONGEST} characters, not {len(password)}")
        with self.desk.writing(_TABLES) as db:
            known = db.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount > 0
            db.execute("DELETE FROM sessions WHERE user = ?", (name,))
            db.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (name, role, _hasher().hash(password), _seconds()))
        return not known

    def remove_user(self, name: str) -> None:
        """Let someone in no more, from this moment on."""
        with self.desk.writing(_TABLES) as db:
            db.execute("DELETE FROM sessions WHERE user = ?", (name,))
            if not db.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount:
                known = [known for (known,) in db.execute("SELECT name FROM users")]
                raise UsageError(f"there is no user {name!r}{did_you_mean(name, known)}")

    def knows(self, name: str, password: str) -> str | None:
        """The user's name as it is written, if this is the password; it takes as long if there is no such user."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        found = self.desk.rows(_TABLES, "SELECT name, password FROM users WHERE name = ?", (name,))
        try:
            _hasher().verify(found[0][1] if found else _nobody(), password[: LONGEST + 1])
        except (Argon2Error, InvalidHashError):
            return None
        return str(found[0][0]) if found else None

    def all_keys(self) -> list[Key]:
        """All keys, those revoked too, the newest first."""
        return [_key(row) for row in self.desk.rows(_TABLES, f"SELECT {_KEY} FROM keys ORDER BY made DESC, name")]

    def add_key(self, name: str, scope: str = "read", metrics: Sequence[str] = ()) -> str:
        """A new key: it is told once, here."""
        from fari.metrics import METRICS

        name = _name(name, "key")
        if scope != "read":
            raise UsageError(f"unknown scope {scope!r} (there is one: read)")
        for metric in metrics:
            if metric not in METRICS:
                raise UsageError(f"unknown metric {metric!r}{did_you_mean(metric, METRICS)}")
        own = KEY + secrets.token_urlsafe(32)
        with self.desk.writing(_TABLES) as db:
            if db.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise UsageError(f"there is a key {name!r} already; a new one needs a name of its own")
            db.execute(
                "INSERT INTO keys (name, hash, scope, metrics, made) VALUES (?, ?, ?, ?, ?)",
                (name, hashed(own), scope, " ".join(metrics), _seconds()),
            )
        return own

    def revoke(self, name: str) -> None:
        """Have a key open nothing, from this moment on."""
        with self.desk.writing(_TABLES) as db:
            if not db.execute("UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", (_seconds(), name)).rowcount:
                known = [known for (known,) in db.execute("SELECT name FROM keys WHERE revoked IS NULL")]
                raise UsageError(f"there is no key {name!r} that is not revoked{did_you_mean(name, known)}")

    def key(self, own: str) -> Key | None:
        """The key that this is, unless it is revoked."""
        at = _seconds()
        found = self.desk.rows(_TABLES, f"SELECT {_KEY} FROM keys WHERE hash = ? AND revoked IS NULL", (hashed(own),))
        if not found:
            return None
        key = _key(found[0])
        if key.used is None or key.used < at - _NOTED:
            with self.desk.writing(_TABLES) as db:
                db.execute("UPDATE keys SET used = ? WHERE name = ?", (at, key.name))
        return key


def hashed(own: str) -> str:
    """What is kept of 256 random bits: nobody can try them all, so that a fast hash does."""
    return sha256(own.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(own: str) -> str:
    """What the forms of a session carry. It follows from the cookie, which no other site can read, and does not tell it."""
    return hmac.new(own.encode("utf-8", "surrogatepass"), b"csrf", sha256).hexdigest()


def _key(row: sqlite3.Row) -> Key:
    name, scope, metrics, made, used, revoked = row
    return Key(name, scope, tuple(metrics.split()), made, used, revoked)


def _name(name: str, of: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise UsageError(f"the name of a {of} has 1 to 64 characters that can be printed")
    return name


def _seconds() -> int:
    return int(now().timestamp())


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return _hasher().hash(secrets.token_urlsafe(32))
