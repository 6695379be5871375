"""`fari leading`: which early figures foretell new customers or revenue, printed."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today
from fari.surfaces.words import Words, capital, words

if TYPE_CHECKING:
    from fari.insight.leading import Indicators, Leading

FORMATS = ("table", "json")
_SAYS = {"leads": "leads", "moves with it": "moves with it: too late to warn", "no use": "no use in foretelling it", "cannot tell": "cannot tell"}


def show_leading(place: Place, asked: Asked, target: str, lang: str, format_: str) -> None:
    """Print how well each early figure foretells the target."""
    from fari.insight.leading import leading

    asking.format_of(format_, FORMATS)
    asked.check()
    said = words(lang)
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        asking.names((target,), question)
        names = asking.names(asked.names, question)[0] if asked.names else ()
        found = leading(asker, replace(question, metrics=names), target)
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(_plain(found, said), indent=2) + "\n")
        return
    _print(found, said)


def headline(found: "Indicators", said: Words) -> str:
    """Which figure foretells the target best, how long before, and how much better; or that none does."""
    target = said.metric(found.target)
    first = next((one for one in found.found if one.verdict == "leads"), None)
    if first is None:
        return said.say("No early figure foretells {target} so well that chance could not.", target=target)
    weeks = said.say("1 week") if first.weeks == 1 else said.say("{count} weeks", count=first.weeks)
    figure = said.label(first.metric) + (f" {said.segment('content', first.segment)}" if first.segment else "")
    sentence = "{figure} foretells {target} best: {weeks} ahead, {skill} of the error less."
    return capital(said.say(sentence, figure=figure, target=target, weeks=weeks, skill=share(first.skill, said)))


def _print(found: "Indicators", said: Words) -> None:
    from fari.surfaces.table import columns_that_fit

    terminal.write(f"{headline(found, said)}\n\n")
    lines = []
    for one in found.found:
        skill, low, high = (share(each, said) for each in (one.skill, one.low, one.high))
        lines.append((_name(one), [str(one.weeks), skill, said.say("{low} to {high}", low=low, high=high), verdict(one, said)]))
    terminal.show(columns_that_fit(("weeks ahead", "error less", "nine times of ten", ""), lines)[0])
    sentence = "{weeks} weeks: what the target's own past, trend and season leave open, against what they leave open of the figure"
    terminal.note(said.say(sentence, weeks=found.weeks))
    if found.left_out:
        names = ", ".join(found.left_out)
        terminal.note(said.say("not known week by week, or hardly ever other than 0: {names}", names=names))


def verdict(one: "Leading", said: Words) -> str:
    """What is to be thought of an early figure."""
    return said.name("verdict", _SAYS[one.verdict])


def _name(one: "Leading") -> str:
    return f"{one.metric} · {one.segment}" if one.segment else one.metric


def share(value: float, said: Words) -> str:
    """A part of the error, in percent."""
    return shown(Decimal(str(round(value, 6))), "rate", locale=said.locale)


def _plain(found: "Indicators", said: Words) -> dict[str, Any]:
    return {
        "target": found.target, "weeks": found.weeks, "sentence": headline(found, said),
        "figures": [
            {
                "metric": one.metric, "content": one.segment or None, "weeks_ahead": one.weeks, "skill": one.skill, "low": one.low, "high": one.high,
                "chance": one.chance, "verdict": one.verdict, "tried": one.tried,
            }
            for one in found.found
        ],
        "left_out": list(found.left_out),
    }  # fmt: skip
