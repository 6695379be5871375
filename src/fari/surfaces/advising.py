"""`fari advise`: where there is the most to gain, in money over the next twelve months, and what is said to move it."""

from typing import TYPE_CHECKING, Any

from fari.errors import UsageError
from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today
from fari.surfaces.words import Words, capital, words

if TYPE_CHECKING:
    from fari.insight.advice import Advice, Benchmark, Counsel

FORMATS = ("table", "json")
_WHAT = {
    "rate": "raise {metric} {segment}", "churn": "keep more customers {segment}: {metric}",
    "spend": "spend less {segment}, or keep its customers: {metric}",
}  # fmt: skip


def show_advice(place: Place, asked: Asked, top: int, lang: str, format_: str) -> None:
    """Print the advice that would bring the most first."""
    from fari.insight.advice import counsel

    asking.format_of(format_, FORMATS)
    asked.check()
    said = words(lang)
    if top < 1:
        raise UsageError(f"--top takes a number from 1 on, not {top}")
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        found = counsel(asker, question)
    currency = ledger.company.currency
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(_plain(found, currency, said), indent=2) + "\n")
        return
    _print(found, top, currency, said)


def _print(found: "Counsel", top: int, currency: str, said: Words) -> None:
    from fari.surfaces.table import columns_that_fit

    if not found.advice:
        terminal.write(said.say("No segment does worse than the rest by more than chance would make it.") + "\n")
    else:
        lines = []
        for one in found.advice[:top]:
            gain, low, high = (shown(each, "money", currency, said.locale) for each in (one.gain, one.low, one.high))
            value, others = (shown(each, unit_of(one), locale=said.locale) for each in (one.value, one.others))
            lines.append((what(one, said), [value, others, gain, said.say("{low} to {high}", low=low, high=high)]))
        terminal.show(columns_that_fit(("is", "could be", "a year", "nine times of ten"), lines)[0])
        for metric in dict.fromkeys(one.metric for one in found.advice[:top]):
            told = moves(next(one for one in found.advice if one.metric == metric), said)
            if told:
                heading = said.say("{metric}: what moves it", metric=capital(said.label(metric)))
                terminal.write(f"\n{heading}\n" + "".join(f"  - {text}\n" for text in told))
    for mark in found.benchmarks:
        terminal.write(f"\n{beside(mark, said)}\n")
    if len(found.advice) > top:
        terminal.note(said.say("and {count} more: --top {all}", count=len(found.advice) - top, all=len(found.advice)))
    sentence = "{period}: a segment does worse than all others in {looked} places; told is only what is more than chance"
    terminal.note(said.say(sentence, period=said.period(found.period), looked=found.looked))
    terminal.note(
        said.say(
            "a rate or churn as that of all others together, paid over the twelve months to come; a channel's cost, less what its customers are worth"
        )
    )


def what(one: "Advice", said: Words) -> str:
    """One advice in words.

    >>> from decimal import Decimal as d
    >>> from fari.insight.advice import Advice
    >>> what(Advice("spend", "clv_cac_ratio", "channel", "Display", d("0.3"), d(1), d(5), d(4), d(6), ()), Words("en"))
    'spend less in Display, or keep its customers: CLV to CAC ratio'
    """
    return said.say(_WHAT[one.kind], metric=said.metric(one.metric), segment=said.segment(one.dimension, one.segment))


def moves(one: "Advice | Benchmark", said: Words) -> list[str]:
    """What is said to move the metric, in words."""
    return [said.name("advice", text) for text in one.moves]


def unit_of(one: "Advice") -> str:
    """What the advice's values are in."""
    return "ratio" if one.kind == "spend" else "rate"


def beside(mark: "Benchmark", said: Words) -> str:
    """A metric beside its published figure, in words."""
    metric, value = capital(said.label(mark.metric)), shown(mark.value, "rate", locale=said.locale)
    return said.say("{metric}: {value} over the year; published: {says}", metric=metric, value=value, says=said.name("advice", mark.says))


def _plain(found: "Counsel", currency: str, said: Words) -> dict[str, Any]:
    return {
        "from": found.period.since, "until": found.period.until, "currency": currency, "looked_at": found.looked,
        "advice": [
            {
                "kind": one.kind, "what": what(one, said), "metric": one.metric, "dimension": one.dimension, "segment": one.segment,
                "value": one.value, "others": one.others, "gain": one.gain, "low": one.low, "high": one.high, "moves": moves(one, said),
            }
            for one in found.advice
        ],
        "benchmarks": [
            {
                "metric": one.metric, "value": one.value, "published": one.published, "says": said.name("advice", one.says),
                "moves": moves(one, said), "sentence": beside(one, said),
            }
            for one in found.benchmarks
        ],
    }  # fmt: skip
