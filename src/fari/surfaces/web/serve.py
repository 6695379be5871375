"""`fari serve`: the dashboard on this machine, or for a team behind passwords."""

import errno
import os
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces import terminal
from fari.surfaces.project import Place

if TYPE_CHECKING:
    from fari.surfaces.web.site import Site

PORT = 8400
AUTHS = ("token", "password")
_PATIENCE = 2.0
"""So many seconds a reader waits for a page before being told that it is coming."""
_TRIED = 20
"""So many ports are tried where any will do."""


@dataclass(frozen=True)
class At:
    """Where the server is, and who may come in."""

    host: str = "127.0.0.1"
    port: int = PORT
    auth: str = "token"
    public_name: str | None = None
    browser: bool = True
    any_port: bool = False
    """Whether the next free port will do if this one is in use."""

    def check(self) -> None:
        """Refuse what would leave the door open."""
        if self.auth not in AUTHS:
            raise UsageError(f"unknown --auth {self.auth!r}{did_you_mean(self.auth, AUTHS)} (one of: {', '.join(AUTHS)})")
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"--port takes 0 to 65535, not {self.port}")
        if self.auth == "token" and (not self.local or self.public_name):
            what = f"--public-name {self.public_name}" if self.local else f"--host {self.host}"
            raise UsageError(f"{what} opens the dashboard to others: it needs --auth password (and users: `fari users add NAME`)")

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"


def serve(place: Place, at: At) -> None:
    """Listen until stopped; the address to open is the one line on standard output."""
    at.check()
    import uvicorn

    from fari.surfaces.web.access import Access
    from fari.surfaces.web.app import application
    from fari.surfaces.web.door import Door
    from fari.surfaces.web.site import Site

    site = Site(place)
    site.patience = _PATIENCE
    access = Access(site.desk)
    if at.auth == "password" and not access.users():
        raise FariError(f"nobody could come in: `{terminal.command()} users add NAME --role owner` lets the first one in")
    listening = _listen(at)
    origin = _origin(at, listening.getsockname()[1])
    site.origin = f"https://{at.public_name}" if at.public_name else origin
    names = tuple(name for name in (at.host, at.public_name) if name)
    door = Door(
        access, site.folder, at.auth, names, addresses=not at.local, tell=lambda token: terminal.note(f"for another browser: {origin}/?token={token}")
    )
    app = application(site, door)
    # A link that works once is asked for by whoever reads this line, and by nobody in between.
    url = f"{origin}/?token={door.token()}" if at.auth == "token" else f"{origin}/"
    terminal.write(f"{url}\n")
    terminal.note(f"{site.ledger.company.name}: {site.folder}; Ctrl-C ends it")
    if not at.local:
        terminal.note("passwords and figures travel as they are: put a server that speaks HTTPS in front, and name it with --public-name")
    if at.browser and terminal.watched(sys.stdout):
        _open(url)
    threading.Thread(target=_warm, args=(site,), name="warm", daemon=True).start()
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, limit_concurrency=200, timeout_graceful_shutdown=2, ws="none", lifespan="on"
    )
    with suppress(KeyboardInterrupt), listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(at: At) -> socket.socket:
    """A socket that listens at the address, or at the next free port where that will do."""
    for port in range(at.port, min(at.port + (_TRIED if at.any_port else 1), 65_536)):
        family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                # Elsewhere it would let two servers have one port.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((at.host, port))
            made.listen(128)
        except OSError as error:
            made.close()
            if error.errno == errno.EADDRINUSE and at.any_port:
                continue
            raise FariError(_why_not(error, at)) from None
        made.set_inheritable(True)
        return made
    raise FariError(f"the ports {at.port} to {at.port + _TRIED - 1} are all in use; `{terminal.command()} serve --port N` takes another")


def _why_not(error: OSError, at: At) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {at.port} is in use, perhaps by this dashboard in another terminal; --port {at.port + 1 if at.port < 65_535 else 0} takes another"
        )
    if error.errno == errno.EACCES:
        return f"port {at.port} is for the system; --port {PORT} is free for all"
    return f"cannot listen at {at.host}: {error.strerror or error}"


def _origin(at: At, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(at.host, at.host)  # noqa: S104 - not bound to, but replaced
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open(url: str) -> None:
    import webbrowser

    # A machine without a browser has its address on the screen.
    threading.Thread(target=lambda: webbrowser.open(url), name="browser", daemon=True).start()


def _warm(site: "Site") -> None:
    """Make the first page before it is asked for."""
    from fari.surfaces.web.pages import PAGES
    from fari.surfaces.web.view import View

    with suppress(Exception):  # whoever asks for the page will see why it cannot be made
        PAGES["/"](site.scene(View("/")))
