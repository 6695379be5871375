"""Files brought in from the page: first what importing them would do, then, when somebody says so, the import."""

import shutil
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fari.errors import UsageError
from fari.ledger.problems import Problem
from fari.sources.importing import formats
from fari.surfaces.importing import Wanted, as_objects, control_agrees, control_words, rejects
from fari.surfaces.web import view
from fari.surfaces.web.page import Page
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.site import Site
from fari.surfaces.web.uploads import MOST_FILES, TooLarge, Upload, counted, safe_name, too_large

FIRST = 5
"""So many problems of a file are shown; all that refuse a row are in the CSV."""
_FIELD = 2**16
_SLACK = 2**20
"""What the form itself takes beside its files."""


def imported(scene: Scene) -> Page:
    """What an upload would bring, or brought: format, columns, rows, control totals, and what is wrong; as CSV the rejected rows."""
    upload = scene.site.uploads.get(scene.view.path.rsplit("/", 1)[-1])
    title = scene.said.say("Imported") if upload.done else scene.said.say("What the import will do")
    rejected = rejects(upload.reports)
    shown = {
        "upload": upload,
        "files": [_file(scene, upload, n) for n in range(len(upload.reports))],
        "rejected": scene.value(len(rejected), "count") if rejected else "",
        "formats": formats(),
        "news": any(report.count(status) for report in upload.reports for status in ("new", "changed", "withdrawn")),
        "refused": all(report.refused is not None for report in upload.reports),
    }
    return Page("import.html", title, as_objects(upload.reports, not upload.done), rejected, shown)


def _file(scene: Scene, upload: Upload, n: int) -> dict[str, Any]:
    """One file's report as it is read."""
    report = upload.reports[n]
    counts = ("new", "changed", "unchanged", "withdrawn")
    wrong = [problem for problem in report.problems if problem.refused]
    notes = [problem for problem in report.problems if not problem.refused]
    return {
        "name": report.file,
        "sent_as": upload.sent_as[n] if upload.sent_as[n] != report.file else "",
        "refused": report.refused,
        "format": report.format,
        "source": report.source if report.source not in ("", "contract", report.format) else "",
        "read": scene.value(report.read, "count"),
        "counts": [(scene.said.say(status), scene.value(report.count(status), "count")) for status in counts],
        "rejected": scene.value(report.rejected, "count"),
        "bad": report.rejected > 0,
        "tables": [(table, [scene.value(own[status], "count") for status in counts]) for table, own in report.tables.items()],
        "columns": upload.columns.get(report.file, []),
        "contract": report.source == "contract" or report.format in report.tables,
        "totals": [(name, control_agrees(sums), scene.sentence(control_words(sums))) for name, sums in report.totals.items()],
        "problems": [_problem(scene, one) for one in wrong[:FIRST]],
        "more": scene.value(len(wrong) - FIRST, "count") if len(wrong) > FIRST else "",
        "notes": [_problem(scene, one) for one in notes[:FIRST]],
        "more_notes": scene.value(len(notes) - FIRST, "count") if len(notes) > FIRST else "",
        "skipped": [f"{scene.value(count, 'count')} × {why}" if count else why for why, count in report.skipped.items()],
    }


def _problem(scene: Scene, one: Problem) -> dict[str, str]:
    return {
        "line": "" if one.line in (0, "0", "") else str(one.line),
        "column": one.column,
        "value": scene.sentence(one.value[:120]),
        "what": one.what,
        "mend": one.mend,
    }


def _wanted(form: FormData, files: tuple[Path, ...]) -> Wanted:
    """The choices of the form, as `fari import` takes them."""
    as_, source = (str(form.get(name) or "").strip() for name in ("as", "source"))
    how = str(form.get("how") or "")
    if as_ and as_ not in formats():
        raise UsageError(f"there is no format {as_[:80]!r}; choose one of the list")
    if how not in ("", "append", "replace"):
        raise UsageError(f"rows are appended, or replace what is known, or neither, not {how[:80]!r}")
    if len(source) > 80 or not source.isprintable():
        raise UsageError("a source is named in at most 80 letters")
    return Wanted(files, as_ or None, source or None, how == "append", how == "replace", dry_run=True)


def _onward(request: Request, path: str) -> Response:
    return RedirectResponse(view.address(path, request.query_params.multi_items()), 303)


async def upload(request: Request, site: Site) -> Response:
    """Take files in from the page, and look at them."""
    uploads = site.uploads
    most = uploads.most + _SLACK
    if int(request.headers.get("content-length") or 0) > most:
        raise too_large(uploads.most)
    whole = Request(request.scope, counted(request.receive, most))
    # Its limits are the framework's own words; ours are said below.
    async with whole.form(max_files=MOST_FILES * 4, max_fields=20, max_part_size=_FIELD) as form:
        sent = [one for one in form.getlist("files") if isinstance(one, UploadFile) and (one.filename or one.size)]
        if not sent:
            raise UsageError("no file was chosen; choose one, or drop it on the page")
        if len(sent) > MOST_FILES:
            raise TooLarge(f"these are {len(sent)} files; at most {MOST_FILES} at once")
        if sum(one.size or 0 for one in sent) > uploads.most:
            raise too_large(uploads.most)
        _wanted(form, ())
        token, folder = await run_in_threadpool(uploads.begin)
        try:
            names: list[str] = []
            for one in sent:
                names.append(safe_name(one.filename or "", names))
                await run_in_threadpool(_keep, one, folder / names[-1])
            paths = tuple(folder / name for name in names)
            sent_as = tuple((one.filename or "")[:200] for one in sent)
            await run_in_threadpool(uploads.preview, site.ledger, Upload(token, folder, _wanted(form, paths), sent_as))
        except BaseException:
            await run_in_threadpool(uploads.drop, folder)
            raise
    return _onward(request, f"/data/import/{token}")


def _keep(one: UploadFile, path: Path) -> None:
    with path.open("xb") as out:
        path.chmod(0o600)
        shutil.copyfileobj(one.file, out, 2**20)


async def decide(request: Request, site: Site) -> Response:
    """Look again with other choices, import what was looked at, or drop it."""
    uploads = site.uploads
    known = uploads.get(request.path_params["token"])
    form = await request.form(max_files=0, max_fields=20, max_part_size=_FIELD)
    act = form.get("act")
    if act == "drop":
        await run_in_threadpool(uploads.drop, known.folder)
        return _onward(request, "/data")
    if act == "import":
        await run_in_threadpool(uploads.do, site.ledger, known)
    elif act == "preview":
        again = Upload(known.token, known.folder, _wanted(form, known.wanted.files), known.sent_as)
        await run_in_threadpool(uploads.preview, site.ledger, again)
    else:
        raise UsageError("say what is to be done with these files: import, preview or drop")
    return _onward(request, f"/data/import/{known.token}")


PAGES = {"/data/import/{token}": imported}
ACTS = {"/data/import": upload, "/data/import/{token}": decide}
