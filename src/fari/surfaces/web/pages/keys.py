"""The page of the API keys, for owners: which there are, a new one that is shown once, and revoking one."""

from datetime import timedelta

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fari.engine.periods import Period
from fari.errors import UsageError
from fari.surfaces.letting_in import rows_of
from fari.surfaces.web.access import Access
from fari.surfaces.web.door import language, reader
from fari.surfaces.web.html import render
from fari.surfaces.web.page import Page
from fari.surfaces.web.scene import Scene, all_metrics
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import View, read


def keys(scene: Scene, made: str = "") -> Page:
    """The API keys there are: what each reads, and when it was last used. For owners."""
    rows = rows_of(Access(scene.site.desk).all_keys())
    shown = [row | {name: _day(scene, row[name]) for name in ("added", "last_used", "revoked")} for row in rows]
    flat = [row | {"metrics": " ".join(row["metrics"])} for row in rows]
    return Page("keys.html", scene.said.say("API keys"), {"keys": rows}, flat, {"keys": shown, "made": made, "metrics": all_metrics()})


def _day(scene: Scene, written: str | None) -> str:
    from datetime import date

    if written is None:
        return ""
    one = date.fromisoformat(written)
    return scene.name(Period(one, one + timedelta(days=1), "day"))


async def add(request: Request, site: Site) -> Response:
    """Make a key, and show it on the page that answers: nowhere else, and never again."""
    form = await request.form(max_files=0)
    name, metric = str(form.get("name") or ""), str(form.get("metric") or "")

    def work() -> str:
        own = Access(site.desk).add_key(name, "read", [metric] if metric else [])
        scene = site.scene(_view(request), language(request), reader(request))
        page = keys(scene, own)
        return render(page.template, scene, page=page, **page.shown)

    return HTMLResponse(await run_in_threadpool(work))


async def revoke(request: Request, site: Site) -> Response:
    """Have a key open nothing."""
    form = await request.form(max_files=0)
    name = str(form.get("name") or "")
    if not name:
        raise UsageError("say which key is to be revoked")
    await run_in_threadpool(Access(site.desk).revoke, name)
    return RedirectResponse(_view(request).url, 303)


def _view(request: Request) -> View:
    return read("/keys", request.query_params.multi_items())


PAGES = {"/keys": keys}
ACTS = {"/keys/add": add, "/keys/revoke": revoke}
