"""`fari report`: the monthly report in one file, as HTML or PDF."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fari.errors import FariError, UsageError
from fari.surfaces import terminal
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place

if TYPE_CHECKING:
    from fari.surfaces.web.scene import Scene
    from fari.surfaces.web.site import Site

KINDS = (".html", ".pdf")


def write_report(place: Place, asked: Asked, to: Path | None, lang: str) -> None:
    """Write the report of the period, the last whole month if none is named, to a file; without one, to a name of its own in the current folder."""
    if to is not None and to.suffix.lower() not in KINDS:
        raise UsageError(f"--to takes a name that ends in {' or '.join(KINDS)}, not {to.name!r}")
    if to is not None and not (place.here / to).parent.is_dir():
        raise UsageError(f"there is no folder {(place.here / to).parent} to write {to.name} into")
    pdf = to is not None and to.suffix.lower() == ".pdf"
    if pdf:
        _weasyprint()
    from fari.surfaces.web.html import render
    from fari.surfaces.web.report import report
    from fari.surfaces.web.site import Site

    with terminal.progress("reading the ledger") as progress:
        site = Site(place)
        try:
            scene = seen(site, asked, lang)
            progress("working out the report")
            page = report(scene)
            text = render(page.template, scene, page=page, **page.shown)
            name = re.sub(r"[^0-9A-Za-z]+", "-", scene.typed(scene.period)).strip("-")
        finally:
            site.close()
        path = place.here / (to or f"fari-report-{name}.html")
        if pdf:
            progress("printing it")
            path.write_bytes(as_pdf(text))
        else:
            path.write_text(text, encoding="utf-8")
    terminal.note(f"wrote {path}")


def seen(site: "Site", asked: Asked, lang: str) -> "Scene":
    """The overview of what was typed, whole."""
    from fari.surfaces.web.view import read

    asked.check()
    typed = [("period", asked.since), ("compare", asked.compare), ("rules", asked.rules), ("as_of", asked.as_of), ("lang", lang)]
    filters = []
    for text in asked.where:
        dimension, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(f"--where takes DIM=VALUE, such as channel=Email, not {text!r}")
        filters.append((dimension.strip(), value))
    view = read("/", [(name, value) for name, value in typed if value] + filters)
    return replace(site.scene(view), whole=True)


def as_pdf(text: str) -> bytes:
    """A file of HTML printed, which may load nothing from anywhere. FariError where WeasyPrint is not installed."""
    weasyprint = _weasyprint()

    def nothing(url: str, **_: object) -> dict[str, object]:
        raise ValueError(f"the report loads nothing: {url}")

    return bytes(weasyprint.HTML(string=text, url_fetcher=nothing).write_pdf() or b"")  # type: ignore[attr-defined]


def _weasyprint() -> object:
    try:
        import weasyprint
    except (ImportError, OSError) as missing:
        # It loads Pango, which is no Python package: where that is not there, an OSError says so.
        raise FariError(f"PDF needs WeasyPrint ({missing}): python -m pip install 'fari[pdf]'; --to FILE.html needs nothing") from None
    return weasyprint
