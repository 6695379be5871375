"""The data behind all numbers: what is connected and covered, what is missing and what that costs, what was imported and what has moved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fari.engine.calendar import Held, calendar
from fari.engine.doctor import Connected, Examination, Finding, examine
from fari.engine.linked import SAYS
from fari.engine.periods import Period, cut
from fari.errors import UsageError
from fari.ledger.closings import Closing, closings
from fari.ledger.store import Import
from fari.ledger.tries import Try
from fari.sources.importing import formats, take_back
from fari.surfaces.closing import label_of
from fari.surfaces.examining import item_words
from fari.surfaces.importing import files_words, import_object, stored_words
from fari.surfaces.project import now, today
from fari.surfaces.web import frame, view
from fari.surfaces.web.page import Cell, Column, Page, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.web.uploads import MOST_FILES

MONTHS = 36
"""So many of the last months stand in the calendar; its data has them all."""
LISTED = 15
"""So many imports stand on a page."""
MARKS = {"error": "✗", "warning": "!", "note": "·", "ok": "✓"}
STATES = {"whole": "■", "partly": "◧", "none": "□"}
LINKED = ("customers", "leads", "visitors", "people", "visits", "known people")
"""What is linked, and to what, as the doctor names it."""
APART = ("missing", "links", "closed")
"""Topics of the doctor's that have a section of their own."""


@dataclass(frozen=True)
class Found:
    """A finding as it is read."""

    severity: str
    mark: str
    topic: str
    what: str
    items: Sequence[str]
    more: int
    mend: str
    command: str
    """The rest of the way out, to be copied."""


def data(scene: Scene) -> Page:
    """Sources and tables as they stand, coverage by month, imports, closed months, and everything the doctor finds."""
    ledger = scene.site.ledger
    closed = closings(ledger)
    key = ("examined", scene.today, tuple(one.closing_id for one in closed), scene.tries)
    examined = scene.later(*key, make=lambda asker: examine(asker, scene.today))
    imports = sorted(ledger.imports(), key=lambda one: one.at, reverse=True)
    months = _months(scene)
    held = calendar(scene.covered, months)
    shown = {
        "calendar": _calendar(held, months[-MONTHS:]),
        "earlier": scene.name(months[0]) if len(months) > MONTHS else "",
        "imports": [_act(scene, one) for one in _page_of(scene, imports)],
        "pages": -(-len(imports) // LISTED),
        "closings": [_closing(scene, one, examined) for one in reversed(closed)],
        "syncs": [_sync(scene, one) for one in scene.tries],
        "examined": examined is not None,
        "most": scene.site.uploads.most,
        "many": MOST_FILES,
        "formats": formats(),
        "upload": None,
    }
    if examined is not None:
        shown |= {
            "connected": _connected(scene, examined.connected),
            "missing": [_missing(scene, one, examined) for one in examined.findings if one.topic == "missing"],
            "links": _links(scene, examined),
            "findings": [found(scene, one) for one in examined.findings if one.topic not in APART],
            "links_said": [found(scene, one) for one in examined.findings if one.topic == "links" and one.mend],
        }
    told = None
    if scene.whole and examined is not None:
        every = {table: [{"month": scene.typed(one.period), "days": one.days, "of": one.period.days} for one in own] for table, own in held.items()}
        told = {"worst": examined.worst, **asdict(examined), "calendar": every, "imports": [import_object(one) for one in imports]}
        told["syncs"] = [asdict(one) for one in scene.tries]
    rows = [asdict(one) for one in examined.connected] if examined else []
    return Page("data.html", scene.said.say("Data"), told, rows, shown, pending=examined is None)


def _months(scene: Scene) -> list[Period]:
    covered = scene.covered
    if covered.horizon is None or covered.since is None:
        return []
    first = min(since for stretches in covered.ranges.values() for since, _ in stretches)
    return cut(first, covered.horizon + timedelta(days=1), "month")


def _calendar(held: Mapping[str, Sequence[Held]], months: Sequence[Period]) -> dict[str, Any]:
    """Heads by year, and a row of states for each table."""
    years: dict[int, int] = {}
    for month in months:
        years[month.since.year] = years.get(month.since.year, 0) + 1
    rows = [(table, [(STATES[one.state], one) for one in own[-len(months) :]]) for table, own in held.items()] if months else []
    return {"years": list(years.items()), "months": months, "rows": rows}


def _page_of(scene: Scene, imports: Sequence[Import]) -> Sequence[Import]:
    return imports[(scene.view.number - 1) * LISTED : scene.view.number * LISTED]


def _act(scene: Scene, one: Import) -> dict[str, Any]:
    """An import as a row of the list."""
    return {
        "id": one.import_id,
        "at": frame.local(scene, one.at),
        "recorded": one.recorded_on.isoformat(),
        "files": files_words(one),
        "every": ", ".join(str(file["file"]) for file in one.files),
        "rows": scene.value(sum(file["read"] for file in one.files), "count"),
        "rejected": scene.value(sum(file["rejected"] for file in one.files), "count"),
        "bad": any(file["rejected"] for file in one.files),
        "totals": scene.sentence(stored_words(one)),
        "undone": one.undone_on.isoformat() if one.undone_on else "",
    }


def _sync(scene: Scene, one: Try) -> dict[str, str]:
    """The last attempt at a source."""
    read = scene.said.say("{count} new rows", count=scene.value(one.read, "count")) if one.read else scene.said.say("nothing new")
    return {"source": one.source, "at": frame.local(scene, one.at), "failed": one.failed, "read": read}


def _closing(scene: Scene, one: Closing, examined: Examination | None) -> dict[str, Any]:
    """A closed period, and what has moved in it since."""
    label = label_of(scene.site.ledger, one)
    moved = [found(scene, finding) for finding in examined.findings if finding.topic == "closed" and finding.where == label] if examined else []
    return {"label": label, "closed": one.closed_on.isoformat(), "figures": scene.value(len(one.figures), "count"), "moved": moved}


def _connected(scene: Scene, connected: Sequence[Connected]) -> Table:
    say = scene.said.say
    columns = [
        Column("table", say("Table"), number=False),
        Column("source", say("Source"), number=False),
        Column("rows", say("Rows")),
        Column("since", say("From"), number=False),
        Column("until", say("To"), number=False),
        Column("imported", say("Imported"), number=False),
    ]
    rows = [
        [
            Cell(one.table, one.table),
            Cell(one.source, one.source),
            Cell(scene.value(one.rows, "count"), one.rows),
            *(Cell("–" if day is None else day.isoformat(), day) for day in (one.since, one.until, one.imported)),
        ]
        for one in connected
    ]
    return Table(columns, rows).sorted_by(scene.view.sort)


def _missing(scene: Scene, finding: Finding, examined: Examination) -> dict[str, Any]:
    """A table that nothing covers: what is lost, each metric a link, and what brings it."""
    lost = examined.missing.get(finding.where, ())
    return {
        "table": finding.where,
        "metrics": [(scene.said.label(name), scene.view.at(f"/metrics/{name}").url) for name in lost],
        "loss": "" if lost else finding.what.partition(": ")[2],
        "mend": finding.mend,
    }


def _links(scene: Scene, examined: Examination) -> Table:
    say = scene.said.say
    columns = [
        Column("what", say("What"), number=False),
        Column("to", say("linked to"), number=False),
        Column("linked", say("linked")),
        Column("total", say("of")),
        Column("share", say("share")),
        Column("rule", say("by which rule"), number=False),
        Column("unlinked", say("not linked, for example"), number=False),
    ]
    rows = [
        [
            Cell(say(one.what)),
            Cell(say(one.to)),
            Cell(scene.value(one.linked, "count")),
            Cell(scene.value(one.total, "count")),
            Cell(scene.value(None if one.share is None else Decimal(one.share), "rate")),
            Cell(scene.sentence(", ".join(f"{SAYS.get(rule, rule)} ({count:,})" for rule, count in one.by_rule.items())) or "–", kind="wrap"),
            Cell(", ".join(one.unlinked[:3]) or "–", title=", ".join(one.unlinked), kind="wrap"),
        ]
        for one in examined.links
    ]
    return Table(columns, rows)


def found(scene: Scene, finding: Finding) -> Found:
    """A finding in words; its examples beside it."""
    first, _, rest = finding.mend.partition("\n")
    items = [scene.sentence(item_words(item)) for item in finding.items]
    topic = f"{finding.topic}: {finding.where}" if finding.topic == "identities" and finding.where else finding.topic
    return Found(
        finding.severity,
        MARKS[finding.severity],
        topic,
        scene.sentence(finding.what),
        items,
        max(finding.rows - len(items), 0) if items else 0,
        first,
        rest.strip(),
    )


async def undo(request: Request, site: Site) -> Response:
    """Take an import back."""
    form = await request.form(max_files=0)
    import_id = str(form.get("import_id") or "")
    if not import_id:
        raise UsageError("say which import is to be undone")

    def work() -> None:
        ledger = site.ledger
        if import_id not in {one.import_id for one in ledger.imports()}:
            raise UsageError(f"there is no import {import_id[:80]!r}; the list has those there are")
        take_back(ledger, import_id, today(ledger.company), now())

    await run_in_threadpool(work)
    return RedirectResponse(view.address("/data", request.query_params.multi_items()) + "#imports", 303)


PAGES = {"/data": data}
ACTS = {"/data/undo": undo}
