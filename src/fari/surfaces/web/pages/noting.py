"""What people add to a metric's page: notes of a day, and goals, which are rows of the ledger's table `targets` like those of a file."""

from datetime import date
from decimal import Decimal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fari.engine.ask import has
from fari.engine.periods import containing, parse
from fari.errors import UsageError
from fari.insight.goals import said_goals
from fari.insight.whatif import parse as said_value
from fari.ledger.acts import How
from fari.metrics import METRICS
from fari.sources.importing import import_rows
from fari.surfaces.format import exact
from fari.surfaces.project import now, today
from fari.surfaces.web.annotations import annotate, forget
from fari.surfaces.web.door import reader
from fari.surfaces.web.mutes import mute, unmute
from fari.surfaces.web.page import Act, Make
from fari.surfaces.web.rulings import explain
from fari.surfaces.web.site import Site

PAGE = "page"
"""The source of what is typed on a page."""


async def note(request: Request, site: Site) -> Response:
    """Note something of a day, or take a note away."""
    form = await request.form(max_files=0, max_fields=20)
    said = {name: str(value) for name, value in form.items()}
    if said.get("act") == "remove":
        await run_in_threadpool(forget, site.desk, said.get("id", ""))
    else:
        metric, author = said.get("metric", ""), reader(request).name
        await run_in_threadpool(annotate, site.desk, said.get("day", ""), metric, said.get("text", ""), author, now())
    return RedirectResponse(f"{back(said.get('back', ''))}#notes", 303)


async def target(request: Request, site: Site) -> Response:
    """Set a metric's goal for a month, or withdraw it where the value is empty."""
    form = await request.form(max_files=0, max_fields=20)
    said = {name: str(value).strip() for name, value in form.items()}
    metric, channel, value = said.get("metric", ""), said.get("channel", "") or None, said.get("value", "")
    try:
        month = parse(said.get("month", ""))
    except UsageError:
        month = None
    if month is None or month.grain != "month" or month != containing(month.since, "month"):
        raise UsageError(f"a goal is for a month such as 2026-10, not {said.get('month', '')[:80]!r}")
    if metric not in METRICS:
        raise UsageError(f"there is no metric {metric[:80]!r}")
    if channel is not None and (len(channel) > 80 or not channel.isprintable() or not has(metric, ["channel"])):
        raise UsageError(f"{metric} has no goal for a channel {channel[:80]!r}")
    amount = None
    if value:
        if len(value) > 40:
            raise UsageError("a goal is a number such as 1234.56 or 3%")
        change = said_value(f"{metric}={value}")
        if change.kind != "=":
            raise UsageError(f"a goal is a number such as 1234.56 or 3%, not {value!r}")
        amount = change.amount
    await run_in_threadpool(set_goal, site, month.since, metric, amount, channel)
    return RedirectResponse(back(said.get("back", "")), 303)


async def hush(request: Request, site: Site) -> Response:
    """Mute what is unusual in a metric's month, or let it be heard again."""
    form = await request.form(max_files=0, max_fields=20)
    said = {name: str(value) for name, value in form.items()}
    month = parse(said.get("month", "")[:80])
    if month.grain != "month":
        raise UsageError(f"a month such as 2026-10 is muted, not {said['month'][:80]!r}")
    if said.get("act") == "unmute":
        await run_in_threadpool(unmute, site.desk, said.get("metric", ""), month.label)
    else:
        await run_in_threadpool(mute, site.desk, said.get("metric", ""), month.label, reader(request).name, now())
    return RedirectResponse(back(said.get("back", "")), 303)


async def say_why(request: Request, site: Site) -> Response:
    """Say why the rules changed."""
    form = await request.form(max_files=0, max_fields=20)
    said = {name: str(value) for name, value in form.items()}
    await run_in_threadpool(explain, site.desk, said.get("text", ""), reader(request).name, now())
    return RedirectResponse(back(said.get("back", "")), 303)


def set_goal(site: Site, month: date, metric: str, value: Decimal | None, channel: str | None) -> None:
    """Say a goal as an import of its own with the source `page`; without a value withdraw it, whoever has said it."""
    with site.lock:
        found = said_goals(site.front, month)
        ledger = site.ledger
    how = How(today(ledger.company), now())
    own = [one for one in found if (one.metric, one.channel) == (metric, channel)]
    # The last word counts. Where a file has had it, an older one of the page that says the same would be no news.
    for source in {one.source for one in own if value is None or (one.source == PAGE and one is not own[-1])}:
        stay = [one for one in found if one.source == source and one not in own]
        rows = [_row(month, one.metric, one.value, one.channel) for one in stay]
        import_rows(ledger, "targets", rows, How(how.recorded, now(), replace=True), source=source, name=PAGE, covers=_days(month))
    if value is not None:
        import_rows(ledger, "targets", [_row(month, metric, value, channel)], How(how.recorded, now()), source=PAGE, name=PAGE)


def _days(month: date) -> tuple[date, date]:
    one = containing(month, "month")
    return one.since, one.until


def _row(month: date, metric: str, value: Decimal, channel: str | None) -> dict[str, str | None]:
    return {"month": f"{month:%Y-%m}", "metric": metric, "value": exact(value), "channel": channel}


def back(path: str) -> str:
    r"""The page to go back to, if it is one of ours.

    >>> back("/metrics/mrr?by=plan"), back("//evil.example"), back("/\\evil.example"), back("https://evil.example"), back("/a\nb")
    ('/metrics/mrr?by=plan', '/', '/', '/', '/')
    """
    own = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and len(path) < 2_000
    return path.partition("#")[0] if own else "/"


PAGES: dict[str, Make] = {}
ACTS: dict[str, Act] = {"/annotations": note, "/targets": target, "/mutes": hush, "/rules": say_why}
