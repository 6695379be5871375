"""The door: who asks, and whether they may. Every request passes it before any page is made, and every form's answer is checked here."""

import re
from collections.abc import Callable
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fari.errors import FariError
from fari.surfaces.output import dumps
from fari.surfaces.web.access import IDLE, KEY, Access, Reader, csrf_of, hashed
from fari.surfaces.web.html import alone
from fari.surfaces.web.patience import Pace, Patience
from fari.surfaces.words import LOCALES, words

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN = ("/static/",)
"""Paths below which anyone may read."""
GUESTS = ("/login", "/vote")
"""Paths at which, and below which, anyone may read and send forms."""
OWNERS = ("/keys", "/users")
"""Paths at which, and below which, only owners may read or do anything."""
READING = ("GET", "HEAD", "OPTIONS")
LONGEST = 8_192
"""Bytes of an address."""
FORM = 2**20
"""Bytes of a form without files."""
BEGINNING = 2**16
"""Bytes of a form with files within which its `csrf` has to stand: before the files."""
_IN_PARTS = re.compile(rb'name="csrf"\r\n(?:[^\r\n]+\r\n)*\r\n([0-9a-f]{64})\r\n')


class Refused(FariError):  # noqa: N818 - nothing went wrong
    """A request that goes no further."""

    def __init__(self, status: int, text: str, wait: int = 0) -> None:
        super().__init__(text)
        self.status, self.text, self.wait = status, text, wait


class Door:
    """One project's door. `auth` is `token`, for whoever sits at this machine, or `password`, for users.

    `names` are the names it is reached by, beside those of this machine; `addresses` says whether also by any IP address, which nobody can rebind.
    `tell` is given each link that opens the door once.
    """

    def __init__(
        self,
        access: Access,
        folder: Path,
        auth: str = "token",
        names: tuple[str, ...] = (),
        addresses: bool = False,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.access, self.auth, self.addresses, self.tell = access, auth, addresses, tell
        self.names = tuple(name.lower() for name in names)
        # Cookies know no ports: two projects on one machine must not log each other out.
        self.cookie = f"fari_{sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
        self.before = f"{self.cookie}_guest"
        self.wrong_names, self.wrong_addresses, self.wrong_keys = Patience(5, 300), Patience(10, 900), Patience(30, 900)
        self.pace = Pace(a_minute=600, at_once=100)
        self._tokens: set[str] = set()

    def token(self) -> str:
        """A new word that opens the door once, at the end of an address: `?token=...`."""
        own = token_urlsafe(32)
        self._tokens.add(hashed(own))
        return own

    def named(self, request: Request) -> None:
        """Refuse a request by a name that is not this server's: another site's name may have been led to this machine."""
        hosts = request.headers.getlist("host")
        name = _host(hosts[0]) if len(hosts) == 1 else ""
        if name not in (*LOOPBACK, *self.names) and not (self.addresses and _is_address(name)):
            raise Refused(421, "This server does not answer to that name. Start it with `fari serve --public-name NAME` if it should.")

    def set_cookie(self, request: Request, response: Response, name: str, value: str) -> None:
        """A cookie that no script reads and no other site's form sends."""
        seconds = int(IDLE.total_seconds())
        response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https")

    async def enter(self, request: Request) -> Response | None:
        """The way in by a link that opens once: a session, and the same address without the token. None if the token opens nothing."""
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            raise Refused(403, "A link that opens once is not fetched in advance.")
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
        # One slash alone at the beginning: two would name another server.
        path = "/" + quote(request.scope["path"].lstrip("/\\"), safe="/.~")
        response = RedirectResponse(path + (f"?{urlencode(kept)}" if kept else ""), 303)
        if await self._session(request) is not None:
            return response
        own = hashed(request.query_params["token"])
        if own not in self._tokens:
            return None
        self._tokens.discard(own)
        self.set_cookie(request, response, self.cookie, await run_in_threadpool(self.access.begin))
        self.tell(self.token())
        return response

    async def reader(self, request: Request) -> tuple[Reader, tuple[str, str] | None]:
        """Who asks, and a cookie to be set anew."""
        path = request.scope["path"]
        if "authorization" in request.headers:
            return await self._by_key(request), None
        found = None if path == "/login" else await self._session(request)
        if found is not None:
            reader, stale = found
            return reader, (self.cookie, request.cookies[self.cookie]) if stale else None
        if below(path, GUESTS):
            own = request.cookies.get(self.before)
            fresh = own or token_urlsafe(32)
            request.scope.setdefault("state", {})["guest"] = fresh
            return Reader("", "guest", csrf_of(fresh)), None if own else (self.before, fresh)
        raise Refused(401, "")

    async def _session(self, request: Request) -> tuple[Reader, bool] | None:
        own = request.cookies.get(self.cookie)
        return await run_in_threadpool(self.access.session, own, self.auth == "password") if own else None

    async def _by_key(self, request: Request) -> Reader:
        address, path = _address(request), request.scope["path"]
        if wait := self.wrong_keys.wait(address):
            raise Refused(429, "Too many wrong keys.", wait)
        scheme, _, own = request.headers["authorization"].partition(" ")
        key = await run_in_threadpool(self.access.key, own.strip()) if scheme.lower() == "bearer" and own.strip().startswith(KEY) else None
        if key is None:
            self.wrong_keys.failed(address)
            raise Refused(401, "This is no API key that is valid here; owners make them on the page /keys or with `fari keys add NAME`.")
        if wait := self.pace.wait(key.name):
            raise Refused(429, "Too many requests.", wait)
        if request.method not in READING or not is_data(path):
            raise Refused(403, "An API key reads the data of pages, at addresses that end in .json, .csv or .xlsx, and nothing else.")
        if key.metrics and path != "/openapi.json" and path.rpartition(".")[0] not in {f"/metrics/{name}" for name in key.metrics}:
            raise Refused(403, "This API key reads other metrics only.")
        return Reader(key.name, "viewer")

    def allowed(self, request: Request, reader: Reader) -> None:
        """Refuse what the reader's role may not."""
        path = request.scope["path"]
        if below(path, OWNERS) and not reader.may("owner"):
            raise Refused(403, "This is for owners.")
        if request.method not in READING and not below(path, (*GUESTS, "/logout")) and not reader.may("editor"):
            raise Refused(403, "This is for editors and owners.")

    async def own_form(self, request: Request, reader: Reader, receive: Receive) -> Receive:
        """The request's body, to be read again, if it comes from one of our own forms in this very session."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        own = origin is None or _netloc(origin) == request.headers["host"].lower() or _host(_netloc(origin)) in self.names
        if not own or site not in (None, "same-origin"):
            raise Refused(403, "This came from another site, and was not done.")
        body, said = await _beginning(request, receive)
        if not reader.csrf or said != reader.csrf:
            raise Refused(403, "This form is out of date, and was not sent. Go back, load the page again and send it once more.")
        return body

    def refusal(self, request: Request, refused: Refused) -> Response:
        """What somebody is told who is not let in: a program as JSON, a person with the way in."""
        headers = {"Retry-After": str(refused.wait)} if refused.wait else {}
        if is_data(request.scope["path"]):
            if refused.status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            text = (
                refused.text
                or "An API key is needed (Authorization: Bearer fari_...); owners make them on the page /keys or with `fari keys add NAME`."
            )
            return Response(dumps({"error": text}) + "\n", refused.status, headers, media_type="application/json")
        if refused.status == 401 and self.auth == "password" and not refused.text:
            query = request.url.query
            return self.login(request, status=401, onward=request.scope["path"] + (f"?{query}" if query else ""))
        return _page(request, refused.status, headers, error=refused.text, wait=refused.wait, form=False)

    def login(self, request: Request, status: int = 200, onward: str = "/", error: str = "", wait: int = 0) -> Response:
        """The page with the form that asks for a name and a password."""
        own = getattr(request.state, "guest", None) or request.cookies.get(self.before) or token_urlsafe(32)
        headers = {"Retry-After": str(wait)} if wait else {}
        response = _page(request, status, headers, error=error, wait=wait, form=True, onward=onward, csrf=csrf_of(own))
        self.set_cookie(request, response, self.before, own)
        return response


class Guard:
    """The door as ASGI middleware."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, door = Request(scope), self.door
        cookie = None
        try:
            door.named(request)
            if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST:
                raise Refused(414, f"An address has at most {LONGEST} characters.")
            if request.method == "GET" and door.auth == "token" and "token" in request.query_params:
                answer = await door.enter(request)
                if answer is None:
                    raise Refused(401, "")
                await answer(scope, receive, send)
                return
            if not (scope["path"].startswith(OPEN) and request.method in READING):
                reader, cookie = await door.reader(request)
                door.allowed(request, reader)
                if request.method not in READING:
                    receive = await door.own_form(request, reader, receive)
                scope.setdefault("state", {})["reader"] = reader
        except Refused as refused:
            await door.refusal(request, refused)(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and cookie is not None:
                spare = Response()
                door.set_cookie(request, spare, *cookie)
                message["headers"] = [*message["headers"], *((name, value) for name, value in spare.raw_headers if name == b"set-cookie")]
            await send(message)

        await self.app(scope, receive, sending)


def reader(request: Request) -> Reader:
    """Who asks. Without a door, as in tests, whoever does may do everything."""
    found = getattr(request.state, "reader", None)
    return found if isinstance(found, Reader) else Reader()


def csrf(request: Request) -> str:
    """What every form that changes something carries as its hidden field `csrf`, before any file."""
    return reader(request).csrf


def is_data(path: str) -> bool:
    """Whether a path is read by programs."""
    return path.endswith((".json", ".csv", ".xlsx"))


def language(request: Request) -> str:
    """The first of the reader's languages that there is."""
    for one in request.headers.get("accept-language", "").split(","):
        if one.strip()[:2].lower() in LOCALES:
            return one.strip()[:2].lower()
    return "en"


def _page(request: Request, status: int, headers: dict[str, str], **shown: Any) -> HTMLResponse:
    return HTMLResponse(alone("door.html", words(language(request)), status=status, **shown), status, headers)


def below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path is one of these, one of its forms, or below it."""
    return any(path == root or path.startswith((f"{root}/", f"{root}.")) for root in roots)


def _host(netloc: str) -> str:
    """The name in a Host header, without its port; empty if it is none."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?", netloc, flags=re.ASCII)
    return (found[1] or found[2]).lower() if found else ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _beginning(request: Request, receive: Receive) -> tuple[Receive, str]:
    """A body that can be read from its beginning again, and what its form says as `csrf`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    in_parts = kind == "multipart/form-data" and request.scope["path"] != "/login"
    read, seen, said = bytearray(), list[Message](), ""
    while True:
        message = await receive()
        seen.append(message)
        read += message.get("body", b"")
        if in_parts and (found := _IN_PARTS.search(read)):
            said = found[1].decode()
            break
        if len(read) > (BEGINNING if in_parts else FORM):
            if not in_parts:
                raise Refused(413, f"A form without files has at most {FORM} bytes.")
            break
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    if kind == "application/x-www-form-urlencoded":
        try:
            said = parse_qs(read.decode("latin-1"), max_num_fields=1_000).get("csrf", [""])[0]
        except ValueError:
            raise Refused(400, "A form has at most 1000 fields.") from None

    async def again() -> Message:
        return seen.pop(0) if seen else await receive()

    return again, said
