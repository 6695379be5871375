"""The application: every page under its path, its data under the same path with `.json` and `.csv`, behind one door."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from fari import __version__
from fari.errors import FariError, UsageError
from fari.surfaces.output import dumps, rows_csv, rows_xlsx
from fari.surfaces.web import pages, view
from fari.surfaces.web.door import OWNERS, Door, Guard, below, language, reader
from fari.surfaces.web.html import alone, render
from fari.surfaces.web.login import add_login
from fari.surfaces.web.page import Act, Make, Page
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.web.votes import add_votes
from fari.surfaces.words import LOCALES, words

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; font-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_LOG = logging.getLogger("fari.web")


def application(site: Site, door: Door | None = None) -> FastAPI:
    """The ASGI application over one project. Without a door, as tests have it, everyone may do everything."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(site.saw_rules)
        yield
        site.close()

    app = FastAPI(title="Fari", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan, description=DESCRIPTION)
    app.state.site = site
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for path, make in pages.PAGES.items():
        _route(app, site, path, make)
    for path, act in pages.ACTS.items():
        app.add_api_route(path, _acting(site, act), methods=["POST"], include_in_schema=False, name=f"do {path}")
    add_votes(app, site)
    if door is not None:
        app.state.door = door
        add_login(app, door)
        app.add_middleware(Guard, door=door)

    @app.middleware("http")
    async def safely(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.url.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.exception_handler(404)
    async def nowhere(request: Request, _: Exception) -> Response:
        return failed(request, site, FariError(f"there is no page {request.url.path}"), 404)

    return app


MEDIA = {"json": "application/json", "csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
"""What a page's data can be had as, by the end of its address."""
DESCRIPTION = "Every page of the dashboard has its data under the same path with .json, .csv or .xlsx; what narrows a page narrows its data."


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description: as FastAPI makes it, with how one comes in."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        made["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key: `fari keys add NAME`."}}}
        made["security"] = [{"key": []}]
        app.openapi_schema = made
    return app.openapi_schema


FAILURES = {
    400: "The question is wrong; why is said.",
    401: "No valid API key was sent along.",
    403: "The key does not reach so far.",
    404: "There is no such page.",
    422: "There is no answer to the question; why is said.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
}
_ERROR = {"application/json": {"schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}}}


def _responses(media: str) -> dict[int | str, dict[str, Any]]:
    """What an address may answer, for the OpenAPI description."""
    media = media.partition(";")[0]
    schema: dict[str, Any] = {} if media == "application/json" else {"type": "string"}
    if media == MEDIA["xlsx"]:
        schema["format"] = "binary"
    done = {"description": "The page's data.", "content": {media: {"schema": schema}}}
    return {200: done, **{status: {"description": said, "content": _ERROR} for status, said in FAILURES.items()}}


def _route(app: FastAPI, site: Site, path: str, make: Make) -> None:
    """A page's three addresses."""
    names = re.findall(r"{(\w+)}", path)
    data = "/overview" if path == "/" else path

    async def page(request: Request) -> Response:
        return await run_in_threadpool(answer, request, site, make, "html")

    async def as_data(request: Request, kind: str) -> Response:
        return await run_in_threadpool(answer, request, site, make, kind)

    for kind, media in MEDIA.items():
        app.add_api_route(
            f"{data}.{kind}",
            _kinded(as_data, kind),
            methods=["GET"],
            summary=(make.__doc__ or "").partition("\n")[0],
            name=f"{make.__name__}_{kind}",
            operation_id=f"{make.__name__.strip('_')}_{kind}",
            include_in_schema=not below(path, OWNERS),
            responses=_responses(media),
            response_class=Response,
            openapi_extra={"parameters": [*_in_path(names), *parameters()]},
        )
    app.add_api_route(path, page, methods=["GET"], include_in_schema=False, response_class=HTMLResponse)


def _kinded(show: Callable[..., Awaitable[Response]], kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def shown(request: Request) -> Response:
        return await show(request, kind)

    return shown


def _acting(site: Site, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """What a form does, if it is one of ours; else why it was not done."""

    async def acted(request: Request) -> Response:
        wrong: FariError
        try:
            # Behind a door it has looked already, and it knows the names by which others reach it.
            if not hasattr(request.state, "reader") and not same_origin(request):
                return failed(request, site, FariError("this came from another site, and was not done"), 403)
            return await act(request, site)
        except UsageError as error:
            wrong, status = error, getattr(error, "status", 400)
        except FariError as error:
            wrong, status = error, 422
        except HTTPException as error:
            wrong, status = FariError(f"the form cannot be read: {error.detail}"), 400
        except Exception as error:
            _LOG.exception("while doing %s", request.url.path)
            wrong, status = FariError(f"this could not be done ({type(error).__name__}); the server's log says why"), 500
        return await run_in_threadpool(failed, request, site, wrong, status)

    return acted


def same_origin(request: Request) -> bool:
    """Whether a browser says of this request that it comes from one of our own pages, or no browser sent it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()


def _in_path(names: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def parameters() -> list[dict[str, Any]]:
    """What may stand after the question mark, for the OpenAPI description."""
    from fari.metrics.kinds import DIMENSIONS

    own = [{"name": view.NAMES.get(name, name), "in": "query", "description": said, "schema": {"type": "string"}} for name, said in view.SAID.items()]
    filters = [
        {
            "name": name,
            "in": "query",
            "description": f"Keep one {name}; repeated, any of them.",
            "schema": {"type": "array", "items": {"type": "string"}},
        }
        for name in DIMENSIONS
    ]
    return [*own, *filters]


def answer(request: Request, site: Site, make: Make, kind: str) -> Response:
    """A page in one of its forms; who reads it is told where it takes longer than they would like to wait."""
    if kind != "html":
        return respond(request, site, make, kind)
    key = (request.url.path, tuple(request.query_params.multi_items()), language(request), reader(request))
    return site.patiently(key, lambda: respond(request, site, make, kind)) or coming(request, site)


def coming(request: Request, site: Site) -> Response:
    """A page that says that another is being made, and shows it when it is there. It asks nothing of the engine, which is busy."""
    lang = request.query_params.get("lang", "")
    said = words(lang if lang in LOCALES else language(request))
    return HTMLResponse(
        alone(
            "coming.html",
            said,
            name=site.ledger.company.name,
            doing=site.doing,
            url=view.address(request.url.path, request.query_params.multi_items()),
        ),
        202,
    )


def respond(request: Request, site: Site, make: Make, kind: str) -> Response:
    """A page in one of its forms, however long it takes."""
    try:
        seen = view.read(_path(request, kind), request.query_params.multi_items())
        scene = site.scene(seen, language(request) if kind == "html" else "en", reader(request))
        scene = scene if kind == "html" else replace(scene, whole=True)
        return formed(make(scene), scene, kind)
    except UsageError as error:
        return failed(request, site, error, 400, kind)
    except FariError as error:
        return failed(request, site, error, 422, kind)
    except Exception as error:
        _LOG.exception("while making %s", request.url.path)
        return failed(request, site, FariError(f"this page could not be made ({type(error).__name__}); the server's log says where"), 500, kind)


def formed(page: Page, scene: Scene, kind: str) -> Response:
    """A page as HTML, JSON or CSV."""
    if kind == "json":
        return Response(dumps(page.data, indent=1) + "\n", media_type="application/json")
    if kind in ("csv", "xlsx"):
        name = re.sub("[^a-z0-9_-]", "", scene.view.path.strip("/").replace("/", "-")) or "overview"
        head = {"Content-Disposition": f'attachment; filename="fari-{name}.{kind}"'}
        body = rows_csv(page.rows) if kind == "csv" else rows_xlsx(page.rows, page.title)
        return Response(body, media_type=MEDIA[kind], headers=head)
    return HTMLResponse(render(page.template, scene, page=page, **page.shown))


def failed(request: Request, site: Site, error: FariError, status: int, kind: str = "html") -> Response:
    """What went wrong, in the form that was asked for."""
    if kind != "html" or request.url.path.endswith(tuple(f".{one}" for one in MEDIA)):
        return Response(dumps({"error": str(error)}) + "\n", status, media_type="application/json")
    try:
        lang = request.query_params.get("lang", "")
        scene = site.scene(view.View("/", lang=lang if lang in LOCALES else ""), language(request), reader(request))
        return HTMLResponse(
            render("error.html", scene, page=Page("error.html", scene.said.note(str(error)), None), error=str(error), status=status), status
        )
    except FariError as worse:
        return HTMLResponse(f"<!doctype html><title>Fari</title><p>{_plain(str(worse))}", 500)


def _plain(text: str) -> str:
    from html import escape

    return escape(text)


def _path(request: Request, kind: str) -> str:
    path = request.url.path.removesuffix(f".{kind}")
    return "/" if path == "/overview" else path
