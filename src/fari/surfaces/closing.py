"""`fari close`: the figures of a period recorded as published, and the list of closed periods."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fari.errors import FariError, UsageError
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.format import many
from fari.surfaces.project import Place, now, today

if TYPE_CHECKING:
    from fari.engine.answer import Answer
    from fari.engine.periods import Period
    from fari.ledger.closings import Closing
    from fari.ledger.store import Ledger

_NAMED = 5
"""So many metrics are named in a sentence; the others are counted."""


def close_period(place: Place, asked: Asked, again: bool, anyway: bool) -> None:
    """Publish the figures of one period. FariError where it is not over, not covered or closed before, unless that is meant."""
    from fari.engine.answer import Question
    from fari.engine.closed import figures, span_of
    from fari.ledger.closings import close, closings

    asked.check()
    ledger = place.project()
    start = ledger.company.fiscal_year_start
    period = asking.named(asked.since or "", start)
    label, day = words.period(period, start), today(ledger.company)
    with terminal.progress("reading the ledger") as progress:
        asker = asking.asker(ledger, asked.engine, progress)
        question = Question((), (period,), today=day, rules=asked.ruled())
        names, _ = asking.names(asked.names, question)
        known = frozenset(one.import_id for one in ledger.visible())
        answers = asker.ask(Question(names, (period,), today=day, rules=asked.ruled()))
    _check_whole(answers, period, label, day, anyway)
    before = [one for one in closings(ledger) if one.span == span_of(period) and {figure.metric for figure in one.figures} & set(names)]
    if before and not again:
        raise FariError(f"{label} was closed on {before[-1].closed_on}; to publish its figures anew --again (the old ones are kept)")
    closing = close(ledger, span_of(period), (asked.ruled() or ledger.company.rules).label, known, figures(answers), day, now())
    _print(closing, answers)
    changed = _changed(before, closing)
    if changed:
        terminal.note(f"other than published before: {_list(changed)}")
    undefined = [answer.metric for answer in answers if answer.value is None]
    if undefined:
        terminal.note(f"{many(len(undefined), 'figure')} undefined, and published as that: {_list(undefined)}")
    terminal.note(f"{label} is closed with {many(len(answers), 'figure')}; `fari doctor` says when one of them moves")


def _check_whole(answers: "Sequence[Answer]", period: "Period", label: str, day: Any, anyway: bool) -> None:
    if all(answer.value is None for answer in answers):
        raise FariError(f"nothing is known of {label}; there is no figure to publish")
    if anyway:
        return
    if period.until > day:
        raise FariError(f"{label} is not over before {period.until}; to close it all the same --anyway")
    partly = [answer.metric for answer in answers if answer.value is not None and not answer.complete]
    if partly:
        raise FariError(f"{label} is not covered whole: {_list(partly)}; `fari doctor` says what to import, --anyway closes it all the same")


def _changed(before: "Sequence[Closing]", closing: "Closing") -> list[str]:
    told = {figure.metric: figure.value for one in before for figure in one.figures}
    return [figure.metric for figure in closing.figures if figure.metric in told and told[figure.metric] != figure.value]


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _print(closing: "Closing", answers: "Sequence[Answer]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("metric", no_wrap=True)
    table.add_column("published", justify="right", no_wrap=True)
    for answer in answers:
        if answer.value is not None:
            table.add_row(answer.metric, words.shown(answer.value, answer.unit, answer.currency))
    terminal.show(table)
    terminal.write(f"closing {closing.closing_id}\n")


def list_closings(place: Place, json: bool) -> None:
    """What is closed, oldest first."""
    from fari.ledger.closings import closings

    ledger = place.project()
    every = closings(ledger)
    if json:
        from fari.surfaces.output import dumps

        terminal.write(dumps([_object(one) for one in every], indent=2) + "\n")
        return
    if not every:
        terminal.note("no period is closed yet: `fari close 2025-03` records its figures as published")
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("period", "closed on", "figures", "closing"):
        table.add_column(head, justify="right" if head == "figures" else "left", no_wrap=True)
    for one in every:
        table.add_row(label_of(ledger, one), one.closed_on.isoformat(), f"{len(one.figures):,}", one.closing_id)
    terminal.show(table)


def _object(one: "Closing") -> dict[str, Any]:
    return {
        "closing_id": one.closing_id,
        "closed_at": one.closed_at.isoformat() + "Z",
        "closed_on": one.closed_on,
        "from": one.span[0],
        "until": one.span[1],
        "grain": one.span[2],
        "rules": one.rules,
        "imports": sorted(one.imports),
        "figures": [
            {"metric": f.metric, "value": f.value, "unit": f.unit, "currency": f.currency, "version": f.version, "complete": f.complete}
            for f in one.figures
        ],
    }


def label_of(ledger: "Ledger", one: "Closing") -> str:
    """A closing's period as it is typed."""
    from fari.engine.closed import period_of

    return words.period(period_of(one.span), ledger.company.fiscal_year_start)


def closed(ledger: "Ledger", text: str, metrics: Sequence[str]) -> "Closing":
    """The last closing of a period, by its name, that has one of these metrics; FariError where there is none."""
    from fari.engine.closed import span_of
    from fari.ledger.closings import closings

    try:
        period = asking.named(text, ledger.company.fiscal_year_start)
    except UsageError:
        raise UsageError(f"--since takes a day such as 2025-03-31 or a closed period such as 2025-03, not {text!r}") from None
    found = [one for one in closings(ledger) if one.span == span_of(period) and {figure.metric for figure in one.figures} & set(metrics)]
    if not found:
        raise FariError(f"{text} is not closed for {_list(metrics)}; `fari close` lists what is, and --since takes a day too")
    return found[-1]
