"""`fari leading`: which early figures foretell new customers or revenue, printed."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.insight.leading import Indicators, Leading

FORMATS = ("table", "json")
_SAYS = {"leads": "leads", "moves with it": "moves with it: too late to warn", "no use": "no use in foretelling it", "cannot tell": "cannot tell"}


def show_leading(place: Place, asked: Asked, target: str, format_: str) -> None:
    """Print how well each early figure foretells the target."""
    from fari.insight.leading import leading

    asking.format_of(format_, FORMATS)
    asked.check()
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        asking.names((target,), question)
        names = asking.names(asked.names, question)[0] if asked.names else ()
        found = leading(asker, replace(question, metrics=names), target)
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(_plain(found), indent=2) + "\n")
        return
    _print(found)


def _print(found: "Indicators") -> None:
    from fari.surfaces.table import columns_that_fit

    best = [one for one in found.found if one.verdict == "leads"]
    if best:
        first = best[0]
        ahead = f"{first.weeks} week{'s' if first.weeks > 1 else ''}"
        terminal.write(f"{_name(first)} foretells {found.target} best: {ahead} ahead, {_share(first.skill)} of the error less.\n\n")
    else:
        terminal.write(f"No early figure foretells {found.target} so well that chance could not.\n\n")
    lines = [(_name(one), [str(one.weeks), _share(one.skill), f"{_share(one.low)} to {_share(one.high)}", _SAYS[one.verdict]]) for one in found.found]
    terminal.show(columns_that_fit(("weeks ahead", "error less", "nine times of ten", ""), lines)[0])
    terminal.note(f"{found.weeks} weeks: what the target's own past, trend and season leave open, against what they leave open of the figure")
    if found.left_out:
        terminal.note(f"not known week by week, or hardly ever other than 0: {', '.join(found.left_out)}")


def _name(one: "Leading") -> str:
    return f"{one.metric} · {one.segment}" if one.segment else one.metric


def _share(value: float) -> str:
    return shown(Decimal(str(round(value, 6))), "rate")


def _plain(found: "Indicators") -> dict[str, Any]:
    return {
        "target": found.target, "weeks": found.weeks,
        "figures": [
            {
                "metric": one.metric, "content": one.segment or None, "weeks_ahead": one.weeks, "skill": one.skill, "low": one.low, "high": one.high,
                "chance": one.chance, "verdict": one.verdict, "tried": one.tried,
            }
            for one in found.found
        ],
        "left_out": list(found.left_out),
    }  # fmt: skip
