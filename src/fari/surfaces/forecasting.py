"""`fari forecast`: metrics in the months to come, with their parts, bounds, and how the model did when it was tried."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.errors import UsageError
from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import period as period_name
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today
from fari.surfaces.words import Words, capital, words

if TYPE_CHECKING:
    from fari.insight.forecast import Forecast

FORMATS = ("table", "json")
MOST = 36
_NOTES = {
    "ratio": "{metric}: a ratio is carried on by itself, not through its inputs",
    "short": "{metric}: no bounds: they need {months} whole months of past",
    "empty": "{metric}: no bounds: it was 0 when tried",
    "worse": "{metric}: when it was tried, the last value again would have been nearer",
}


def show_forecast(place: Place, asked: Asked, count: int, lang: str, format_: str) -> None:
    """Print forecasts of the metrics named, MRR if none is."""
    from fari.insight.forecast import forecast

    asking.format_of(format_, FORMATS)
    asked.check()
    said = words(lang)
    level = asked.level() or 0.8
    if not 1 <= count <= MOST:
        raise UsageError(f"--months takes a number from 1 to {MOST}, not {count}")
    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        names, _ = asking.names(asked.names or ("mrr",), question)
        found = forecast(asker, replace(question, metrics=names), count, level)
    currency = ledger.company.currency
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps([_plain(one, currency, level, said) for one in found], indent=2) + "\n")
        return
    for number, one in enumerate(found):
        terminal.write("\n" if number else "")
        _print(one, currency, level, ledger.company.fiscal_year_start, said)


def _print(found: "Forecast", currency: str, level: float, fiscal: int, said: Words) -> None:
    from fari.surfaces.table import columns_that_fit

    parts = list(dict.fromkeys(name for one in found.months for name in one.parts))
    lines = []
    for one in found.months:
        values = [one.value, one.low, one.high, *(one.parts.get(name) for name in parts)]
        lines.append((period_name(one.period, fiscal), [shown(value, found.unit, currency, said.locale) for value in values]))
    terminal.write(said.say("{metric}, after {period}", metric=capital(said.label(found.metric)), period=said.period(found.last, fiscal)) + "\n")
    terminal.show(columns_that_fit(("forecast", "low", "high", *parts), lines)[0])
    for text in tried(found, level, said):
        terminal.note(text)


def tried(found: "Forecast", level: float, said: Words) -> list[str]:
    """By which model, how it and its bounds did when they were tried, and what else is to be known."""
    from fari.insight.forecast import BOUNDED

    metric = capital(said.label(found.metric))
    told = [said.say("{metric}: by {model}", metric=metric, model=said.name("model", found.model))]
    if found.bounds is not None:
        held, times = found.bounds.held, found.bounds.tried
        sentence = "{metric}: bounds are to hold {level} of the time; when tried they held {held} times of {times}"
        told.append(said.say(sentence, metric=metric, level=shown_share(level, said.locale), held=held, times=times))
    if found.error is not None:
        error = shown(Decimal(str(found.error)), "ratio", locale=said.locale)
        told.append(said.say("{metric}: when tried it was out {error} times as far as the last value again", metric=metric, error=error))
    return [*told, *(said.say(_NOTES[note], metric=metric, months=BOUNDED) for note in found.notes)]


def shown_share(level: float, locale: str = "en") -> str:
    """A level of confidence in words."""
    return shown(Decimal(str(level)), "rate", locale=locale)


def _plain(found: "Forecast", currency: str, level: float, said: Words) -> dict[str, Any]:
    held = None if found.bounds is None else {"held": found.bounds.held, "tried": found.bounds.tried}
    return {
        "metric": found.metric, "unit": found.unit, "currency": currency if found.unit == "money" else None, "last": found.last.since,
        "model": found.model, "level": level, "coverage": held, "error_to_last_value": found.error,
        "months": [
            {"from": one.period.since, "until": one.period.until, "value": one.value, "low": one.low, "high": one.high, "parts": dict(one.parts)}
            for one in found.months
        ],
        "notes": list(found.notes), "sentences": tried(found, level, said),
    }  # fmt: skip
