"""In and out: the form that asks for a name and a password, and the way to leave."""

import re

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from fari.surfaces.web.access import LONGEST
from fari.surfaces.web.door import Door

_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]{0,4000}")
"""An address of this server: one that begins with two slashes would be another's."""


def add_login(app: FastAPI, door: Door) -> None:
    """The addresses /login and /logout."""

    async def ask(request: Request) -> Response:
        return door.login(request, onward=request.query_params.get("next", "/"))

    async def log_in(request: Request) -> Response:
        form = await request.form()
        name, password, onward = (str(form.get(field, "")) for field in ("name", "password", "next"))
        name = " ".join(name.split())[:64].casefold()
        address = request.client.host if request.client else ""
        if wait := max(door.wrong_addresses.wait(address), door.wrong_names.wait(name)):
            return door.login(request, 429, onward, "Too many tries.", wait)
        door.wrong_addresses.failed(address)
        door.wrong_names.failed(name)
        known = await run_in_threadpool(door.access.knows, name, password) if len(password) <= LONGEST else None
        if known is None:
            return door.login(request, 403, onward, "That name and password do not belong together.")
        # Whoever knows one password may still be guessing others from there.
        door.wrong_addresses.forgive(address, 1)
        door.wrong_names.forgive(name)
        if old := request.cookies.get(door.cookie):
            await run_in_threadpool(door.access.end, old)
        response = RedirectResponse(onward if _LOCAL.fullmatch(onward) else "/", 303)
        door.set_cookie(request, response, door.cookie, await run_in_threadpool(door.access.begin, known))
        response.delete_cookie(door.before, path="/")
        return response

    async def log_out(request: Request) -> Response:
        await run_in_threadpool(door.access.end, request.cookies.get(door.cookie, ""))
        response = RedirectResponse("/login" if door.auth == "password" else "/", 303)
        response.delete_cookie(door.cookie, path="/")
        return response

    if door.auth == "password":
        app.add_api_route("/login", ask, methods=["GET"], include_in_schema=False)
        app.add_api_route("/login", log_in, methods=["POST"], include_in_schema=False)
    app.add_api_route("/logout", log_out, methods=["POST"], include_in_schema=False)
