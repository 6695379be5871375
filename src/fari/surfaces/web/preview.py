"""The preview: what pages look like, for who has imported nothing yet: cards of the sample company that is shipped, made as all cards are."""

from dataclasses import replace
from typing import TYPE_CHECKING

from fari.engine.answer import Answer
from fari.engine.ask import Asker
from fari.surfaces.web.scene import VOTED, Scene
from fari.surfaces.web.view import View

if TYPE_CHECKING:
    from fari.surfaces.web.pages.overview import Card

PERIOD = "2025-03"
"""The month of the sample company in which the most happens."""


def sample(scene: Scene) -> "list[Card] | None":
    """The eight metrics of the vote, of the sample company; None as long as they are worked out."""
    from fari.sample import asker
    from fari.surfaces.web.pages.overview import card

    def make(_: Asker) -> tuple[Scene, list[Answer]]:
        company = asker()
        shown = replace(
            scene, company=company.ledger.company, covered=company.state()[0], view=View("/", PERIOD, lang=scene.view.lang, hide=scene.view.hide)
        )
        return shown, company.ask(shown.question(*VOTED, periods=(*shown.others, shown.period)))

    found = scene.later("sample", scene.said.locale, scene.view.hide, make=make)
    if found is None:
        return None
    shown, answers = found
    then, now = ({one.metric: one for one in answers if one.period == period} for period in (shown.other, shown.period))
    cards = (card(shown, replace(now[name], compared=then[name], compared_with=shown.other), []) for name in VOTED)
    return [replace(one, url=scene.view.at(f"/metrics/{one.name}").url) for one in cards]
