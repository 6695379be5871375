"""`fari forecast`: metrics in the months to come, with their parts, bounds, and how the model did when it was tried."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fari.errors import UsageError
from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import NOTHING, shown
from fari.surfaces.format import period as period_name
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.insight.forecast import Forecast

FORMATS = ("table", "json")
MOST = 36


def show_forecast(place: Place, asked: Asked, count: int, format_: str) -> None:
    """Print forecasts of the metrics named, MRR if none is."""
    from fari.insight.forecast import forecast

    asking.format_of(format_, FORMATS)
    asked.check()
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

        terminal.write(dumps([_plain(one, currency, level) for one in found], indent=2) + "\n")
        return
    for number, one in enumerate(found):
        terminal.write("\n" if number else "")
        _print(one, currency, level, ledger.company.fiscal_year_start)


def _print(found: "Forecast", currency: str, level: float, fiscal: int) -> None:
    from fari.surfaces.table import columns_that_fit

    parts = list(dict.fromkeys(name for one in found.months for name in one.parts))
    lines = []
    for one in found.months:
        values = [one.value, one.low, one.high, *(one.parts.get(name) for name in parts)]
        lines.append((period_name(one.period, fiscal), [NOTHING if value is None else shown(value, found.unit, currency) for value in values]))
    terminal.write(f"{found.metric}, after {period_name(found.last, fiscal)}\n")
    terminal.show(columns_that_fit(("forecast", "low", "high", *parts), lines)[0])
    for text in (*_tried(found, level), *found.notes):
        terminal.note(f"{found.metric}: {text}")


def _tried(found: "Forecast", level: float) -> list[str]:
    told = [f"by {found.model}"]
    if found.bounds is not None:
        told.append(f"bounds are to hold {shown_share(level)} of the time; when tried they held {found.bounds.held} times of {found.bounds.tried}")
    if found.error is not None:
        from decimal import Decimal

        told.append(f"when tried it was out {shown(Decimal(str(found.error)), 'ratio')} times as far as the last value again")
    return told


def shown_share(level: float) -> str:
    """A level of confidence in words."""
    from decimal import Decimal

    return shown(Decimal(str(level)), "rate")


def _plain(found: "Forecast", currency: str, level: float) -> dict[str, Any]:
    tried = None if found.bounds is None else {"held": found.bounds.held, "tried": found.bounds.tried}
    return {
        "metric": found.metric, "unit": found.unit, "currency": currency if found.unit == "money" else None, "last": found.last.since,
        "model": found.model, "level": level, "coverage": tried, "error_to_last_value": found.error,
        "months": [
            {"from": one.period.since, "until": one.period.until, "value": one.value, "low": one.low, "high": one.high, "parts": dict(one.parts)}
            for one in found.months
        ],
        "notes": list(found.notes),
    }  # fmt: skip
