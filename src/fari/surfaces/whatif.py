"""`fari whatif`: what follows where metrics are set to other values, and which driver moves the company the most."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fari.errors import FariError, UsageError
from fari.metrics import METRICS
from fari.surfaces import asking, terminal
from fari.surfaces.asking import NOTHING_IMPORTED, Asked
from fari.surfaces.format import NOTHING, difference, shown
from fari.surfaces.format import period as period_name
from fari.surfaces.project import Place, today
from fari.surfaces.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fari.insight.whatif import Assumption, Figure, Month, Sensitivity, WhatIf

FORMATS = ("table", "json")
_MOST = 15
"""So many drivers are printed."""
_ASSUMED = {
    "quotient": "assumed: {metric} moves {first}, not {second}",
    "multiple": "assumed: {metric} moves {first}",
    "alone": "assumed: {metric} moves alone, not what it is made of: {others}",
    "follows": "assumed: {metric} in step with {first}",
    "level": "assumed: {metric} at the end of the period, by as much as the movements",
}


def show_whatif(place: Place, asked: Asked, changes: "Sequence[str]", lang: str, format_: str) -> None:
    """Answer what follows from changes; without any, what each driver would move."""
    from fari.engine.ask import defaults
    from fari.engine.periods import cut
    from fari.insight import whatif

    asking.format_of(format_, FORMATS)
    asked.check()
    said = words(lang)
    parsed = [whatif.parse(text) for text in changes]
    ledger = place.project()
    fiscal = ledger.company.fiscal_year_start
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        covered, _ = asker.state(question.as_of, question.rules)
        usual = defaults(covered)
        if usual is None:
            raise FariError(NOTHING_IMPORTED)
        if question.by:
            raise UsageError("what if is asked of one segment: --where, not --by")
        last = cut(*usual, "month")[-1]
        period = asking.named(asked.since, fiscal) if asked.since else last
        question = replace(question, periods=(period,))
        found = whatif.whatif(asker, question, parsed) if parsed else None
        moved = () if parsed else whatif.sensitivities(asker, question)
    currency = ledger.company.currency
    if format_ == "json":
        from fari.surfaces.output import dumps

        told: dict[str, Any] = {"from": period.since, "until": period.until, "currency": currency}
        told |= _plain(found, said) if found else {"sensitivities": [_plain_driver(one) for one in moved]}
        terminal.write(dumps(told, indent=2) + "\n")
        return
    if found:
        _print(found, period_name(period, fiscal), currency, said)
    else:
        _print_drivers(moved, period_name(period, fiscal), currency, said)


def assumed(one: "Assumption", said: Words) -> str:
    """An assumption in words."""
    others = [said.metric(other) for other in one.others]
    first, second = (*others, "", "")[:2]
    return said.say(_ASSUMED[one.kind], metric=said.metric(one.metric), first=first, second=second, others=said.listing(others))


def _print(found: "WhatIf", period: str, currency: str, said: Words) -> None:
    lines = [(one.metric, _told(one, currency, said)) for one in found.figures]
    if not lines:
        terminal.write(said.say("Nothing moves.") + "\n")
        return
    terminal.show(_table((period, "what if", "change"), lines))
    moves = found.now != found.then
    if found.now and moves:
        terminal.write("\n" + said.say("MRR in the months to come") + "\n")
        ahead = [(f"  +{now.number}", _ahead(now, then, currency, said)) for now, then in zip(found.now, found.then, strict=True)]
        terminal.show(_table(("as it is", "what if", "difference"), ahead))
    elif found.now:
        terminal.write("\n" + said.say("MRR in the months to come stays as it is.") + "\n")
    for one in found.assumptions:
        terminal.note(assumed(one, said))
    for text in dict.fromkeys(f"{one.metric}: {said.note(note)}" for one in found.figures if one.then is None for note in one.notes):
        terminal.note(text)
    if found.now and moves:
        terminal.note(said.say("months to come are like the period: as much that is new, and as large a share that grows and is lost"))


def _print_drivers(moved: "Sequence[Sensitivity]", period: str, currency: str, said: Words) -> None:
    if not moved:
        terminal.write(said.say("No driver moves anything in this period.") + "\n")
        return
    targets = list(dict.fromkeys(name for one in moved for name in one.moved))
    lines = []
    for one in moved[:_MOST]:
        cells = [shown(one.now, METRICS[one.change.metric].unit, currency, said.locale)]
        for name in targets:
            figure = one.moved.get(name)
            moves = None if figure is None else figure.change
            cells.append(NOTHING if figure is None or moves is None else difference(moves, figure.unit, currency, said.locale))
        lines.append((f"{one.change.metric} {'+' if one.change.amount > 1 else '−'}10%", cells))
    heads = (period, *("MRR in 12 months" if name == "mrr" else name for name in targets))
    terminal.show(_table(heads, lines))
    if len(moved) > _MOST:
        terminal.note(said.say("and {count} more drivers; --format json has them all", count=len(moved) - _MOST))
    terminal.note(said.say("each driver alone, a tenth better, all else as assumed by `fari whatif METRIC=+10%`"))


def _table(heads: "Sequence[str]", lines: "Sequence[tuple[str, Sequence[str]]]") -> Any:
    from fari.surfaces.table import columns_that_fit

    return columns_that_fit(heads, lines)[0]


def _told(one: "Figure", currency: str, said: Words) -> list[str]:
    change = NOTHING if one.change is None else difference(one.change, one.unit, currency, said.locale)
    return [shown(one.now, one.unit, currency, said.locale), shown(one.then, one.unit, currency, said.locale), change]


def _ahead(now: "Month", then: "Month", currency: str, said: Words) -> list[str]:
    from fari.insight.whatif import Figure

    return _told(Figure("mrr", "money", now.closing, then.closing), currency, said)


def _plain(found: "WhatIf", said: Words) -> dict[str, Any]:
    def months(path: "Sequence[Month]") -> list[dict[str, Any]]:
        return [{"month": one.number, "opening": one.opening, "movements": dict(one.movements), "closing": one.closing} for one in path]

    return {
        "changes": [{"metric": one.metric, "kind": one.kind, "amount": one.amount} for one in found.changes],
        "figures": [_plain_figure(one) for one in found.figures],
        "assumptions": [assumed(one, said) for one in found.assumptions],
        "mrr": {"now": months(found.now), "then": months(found.then)},
    }


def _plain_figure(one: "Figure") -> dict[str, Any]:
    return {"metric": one.metric, "unit": one.unit, "now": one.now, "then": one.then, "change": one.change, "notes": list(one.notes)}


def _plain_driver(one: "Sensitivity") -> dict[str, Any]:
    return {
        "metric": one.change.metric, "factor": one.change.amount, "now": one.now,
        "moves": {name: _plain_figure(figure) for name, figure in one.moved.items()},
    }  # fmt: skip
