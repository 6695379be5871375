"""The page of help: what is where, how a figure is read, and how programs ask."""

from dataclasses import dataclass

from fari.surfaces.web.page import Page
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.view import NAMES, SAID


@dataclass(frozen=True)
class Parameter:
    """What may stand after an address's question mark."""

    name: str
    said: str


def help_(scene: Scene) -> Page:
    """The addresses of all pages and what may stand after their question mark."""
    from fari.metrics.kinds import DIMENSIONS
    from fari.surfaces.web.pages import PAGES

    pages = [{"path": path, "says": (make.__doc__ or "").partition("\n")[0]} for path, make in sorted(PAGES.items())]
    parameters = [Parameter(NAMES.get(name, name), said) for name, said in SAID.items()]
    data = {"pages": pages, "parameters": {one.name: one.said for one in parameters}, "filters": list(DIMENSIONS)}
    curl = f'curl -H "Authorization: Bearer $FARI_KEY" {scene.site.origin}/overview.json'
    return Page("help.html", scene.said.say("Help"), data, pages, {"parameters": parameters, "dimensions": list(DIMENSIONS), "curl": curl})


PAGES = {"/help": help_}
