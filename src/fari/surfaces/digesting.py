"""`fari digest`: five numbers of a period, printed, written to a file, mailed or posted to Slack."""

from base64 import b64encode
from pathlib import Path

from fari.errors import FariError, UsageError
from fari.surfaces import posting, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, now
from fari.surfaces.reporting import seen

KINDS = (".eml", ".html")


def send_digest(place: Place, asked: Asked, to: Path | None, ways: tuple[bool, bool], base: str, lang: str) -> None:
    """Make the digest and send it the ways asked for (by mail, to Slack); where nothing is named, print it."""
    from fari.surfaces.web.digest import as_slack, as_subject, as_text, digest
    from fari.surfaces.web.html import render
    from fari.surfaces.web.site import Site
    from fari.surfaces.web.votes import focus

    if to is not None and to.suffix.lower() not in KINDS:
        raise UsageError(f"--to takes a name that ends in {' or '.join(KINDS)}, not {to.name!r}")
    if to is not None and not (place.here / to).parent.is_dir():
        raise UsageError(f"there is no folder {(place.here / to).parent} to write {to.name} into")
    if not base.startswith(("http://", "https://")) or any(sign in base for sign in "<>|\"' "):
        raise UsageError(f"--url takes the dashboard's address, such as https://fari.example.com, not {base!r}")
    mail, slack = ways
    with terminal.progress("reading the ledger") as progress:
        site = Site(place)
        try:
            scene = seen(site, asked, lang)
            progress("working out the digest")
            found = digest(scene, focus(site.desk), base)
        finally:
            site.close()
    text = as_text(scene, found)
    subject = as_subject(scene, found)
    if to is None and not mail and not slack:
        terminal.write(text)
        return
    inline = {name: "data:image/png;base64," + b64encode(png).decode() for name, png in found.images.items()}
    if to is not None and to.suffix.lower() == ".html":
        (place.here / to).write_text(render("digest.html", scene, digest=found, image=inline.__getitem__), encoding="utf-8")
        terminal.note(f"wrote {place.here / to}")
    failed = []
    if mail or (to is not None and to.suffix.lower() == ".eml"):
        html = render("digest.html", scene, digest=found, image=lambda name: f"cid:{name}")
        made = posting.message(subject, text, html, found.images, now())
        if to is not None and to.suffix.lower() == ".eml":
            (place.here / to).write_bytes(made.as_bytes())
            terminal.note(f"wrote {place.here / to}")
        if mail:
            try:
                terminal.note(f"mailed to {posting.send(made)}")
            except FariError as error:
                failed.append(str(error))
    if slack:
        try:
            posting.post(as_slack(scene, found))
            terminal.note("posted to Slack")
        except FariError as error:
            failed.append(str(error))
    if failed:
        raise FariError("; ".join(failed))
