"""`fari advise`: where there is the most to gain, in money over the next twelve months, and what is said to move it."""

from typing import TYPE_CHECKING, Any

from fari.errors import UsageError
from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.insight.advice import Advice, Benchmark, Counsel

FORMATS = ("table", "json")


def show_advice(place: Place, asked: Asked, top: int, format_: str) -> None:
    """Print the advice that would bring the most first."""
    from fari.insight.advice import counsel

    asking.format_of(format_, FORMATS)
    asked.check()
    if top < 1:
        raise UsageError(f"--top takes a number from 1 on, not {top}")
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        found = counsel(asker, question)
    currency = ledger.company.currency
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(_plain(found, currency), indent=2) + "\n")
        return
    _print(found, top, currency)


def _print(found: "Counsel", top: int, currency: str) -> None:
    from fari.surfaces.table import columns_that_fit

    if not found.advice:
        terminal.write("No segment does worse than the rest by more than chance would make it.\n")
    else:
        lines = []
        for one in found.advice[:top]:
            gain, low, high = (shown(each, "money", currency) for each in (one.gain, one.low, one.high))
            others = shown(one.others, _unit(one))
            lines.append((what(one), [shown(one.value, _unit(one)), others, gain, f"{low} to {high}"]))
        terminal.show(columns_that_fit(("is", "could be", "a year", "nine times of ten"), lines)[0])
        for metric in dict.fromkeys(one.metric for one in found.advice[:top]):
            moves = next(one.moves for one in found.advice if one.metric == metric)
            if moves:
                terminal.write(f"\n{metric}: what moves it\n" + "".join(f"  - {text}\n" for text in moves))
    for mark in found.benchmarks:
        terminal.write(f"\n{_benchmark(mark)}\n")
    if len(found.advice) > top:
        terminal.note(f"and {len(found.advice) - top} more: --top {len(found.advice)}")
    terminal.note(
        f"{found.looked} segments looked at, from {found.period.since} to before {found.period.until}; told is only what is more than chance"
    )
    terminal.note(
        "a rate or churn as that of all others together, paid over the twelve months to come; a channel's cost, less what its customers are worth"
    )


def what(one: "Advice") -> str:
    """One advice in words.

    >>> from decimal import Decimal as d
    >>> from fari.insight.advice import Advice
    >>> what(Advice("spend", "clv_cac_ratio", "channel", "Display", d("0.3"), d(1), d(5), d(4), d(6), ()))
    'spend less on channel Display, or keep its customers: clv_cac_ratio'
    """
    place = f"{one.dimension} {one.segment}"
    if one.kind == "spend":
        return f"spend less on {place}, or keep its customers: {one.metric}"
    if one.kind == "churn":
        return f"keep more customers of {place}: {one.metric}"
    return f"raise {one.metric} of {place}"


def _unit(one: "Advice") -> str:
    return "ratio" if one.kind == "spend" else "rate"


def _benchmark(mark: "Benchmark") -> str:
    return f"{mark.metric} {shown(mark.value, 'rate')} over the year; published: {mark.says}"


def _plain(found: "Counsel", currency: str) -> dict[str, Any]:
    return {
        "from": found.period.since, "until": found.period.until, "currency": currency, "looked_at": found.looked,
        "advice": [
            {
                "kind": one.kind, "what": what(one), "metric": one.metric, "dimension": one.dimension, "segment": one.segment, "value": one.value,
                "others": one.others, "gain": one.gain, "low": one.low, "high": one.high, "moves": list(one.moves),
            }
            for one in found.advice
        ],
        "benchmarks": [
            {"metric": one.metric, "value": one.value, "published": one.published, "says": one.says, "moves": list(one.moves)}
            for one in found.benchmarks
        ],
    }  # fmt: skip
