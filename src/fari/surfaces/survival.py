"""`fari survival`: which share of customers is still there at each age, printed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fari.errors import FariError, UsageError
from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.insight.survival import Curve, Estimate, Point

FORMATS = ("table", "json", "csv")
_AGES = (1, 3, 6, 12, 24, 36, 48, 60)
"""The ages, in months, that the table shows; all of them are in JSON and CSV."""


def show_survival(place: Place, asked: Asked, format_: str) -> None:
    """A curve for each segment."""
    from fari.engine.ask import defaults
    from fari.engine.periods import Period
    from fari.insight.survival import survival, together

    asking.format_of(format_, FORMATS)
    asked.check()
    ledger = place.project()
    fiscal = ledger.company.fiscal_year_start
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        covered, _ = asker.state(question.as_of, question.rules)
        if defaults(covered) is None or covered.since is None or covered.horizon is None:
            raise FariError(asking.NOTHING_IMPORTED)
        since = asking.named(asked.since, fiscal).since if asked.since else covered.since
        until = asking.named(asked.until, fiscal).until if asked.until else covered.horizon.fromordinal(covered.horizon.toordinal() + 1)
        if until <= since:
            raise UsageError(f"--from {asked.since} is after --to {asked.until}")
        watched, curves = survival(asker, replace(question, periods=(Period(since, until),)))
    until_age = together(curves)
    if format_ == "table":
        _print(curves, until_age)
    else:
        from fari.surfaces import output

        if format_ == "csv":
            terminal.write(output.rows_csv(list(_points(curves, output.dimensions(question.by)))))
        else:
            terminal.write(output.listed([_curve(curve, until_age) for curve in curves]))
    last = watched.until.fromordinal(watched.until.toordinal() - 1)
    terminal.note(f"customers won from {watched.since} on, watched until {last}; age in whole months since the first paid day")
    for curve in curves:
        for text in curve.notes:
            terminal.note(f"{_name(curve)}: {text}")


def _curve(curve: "Curve", until_age: int) -> dict[str, Any]:
    mean = curve.mean(until_age)
    return {
        "segment": curve.segment,
        "customers": curve.customers,
        "lost": curve.lost,
        "median_months": curve.median,
        "mean_months": _estimate(mean),
        "mean_within": until_age,
        "chance": curve.chance,
        "curve": [_point(point) for point in curve.points],
        "notes": curve.notes,
    }


def _estimate(one: "Estimate | None") -> dict[str, float] | None:
    return None if one is None else {"value": one.value, "low": one.low, "high": one.high}


def _points(curves: Sequence["Curve"], columns: dict[str, str]) -> Iterator[dict[str, Any]]:
    for curve in curves:
        for point in curve.points:
            yield {columns[name]: value for name, value in curve.segment.items()} | _point(point)


def _point(point: Any) -> dict[str, Any]:
    return {name: getattr(point, name) for name in ("age", "at_risk", "lost", "survival", "low", "high")}


def _print(curves: Sequence["Curve"], until_age: int) -> None:
    from fari.surfaces.table import columns_that_fit

    if not curves:
        terminal.note("nobody became a customer in this time")
        return
    split = bool(curves[0].segment)
    if split:
        heads, lines = _beside(curves, until_age)
    else:
        (curve,) = curves
        terminal.write(f"{words.many(curve.customers, 'customer')}, {curve.lost} lost; half gone by {words.shown(curve.median, 'months')}; ")
        terminal.write(f"of their first {words.shown(Decimal(until_age), 'months')} they stay {_mean(curve, until_age)}\n\n")
        heads = ["watched", "lost", "still there"]
        lines = [(words.shown(Decimal(p.age), "months"), [*_counts(p.at_risk, p.lost), _there(p)]) for p in curve.points]
    table, hidden = columns_that_fit(heads, lines)
    terminal.show(table)
    if hidden:
        terminal.note(f"{words.many(hidden, 'column')} not shown: the terminal is too narrow (--format csv has all)")


def _beside(curves: Sequence["Curve"], until_age: int) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Curves beside each other: a line each, at some ages."""
    oldest = max(len(curve.points) for curve in curves) - 1
    ages = [age for age in _AGES if age <= oldest]
    heads = ["customers", "lost", f"mean of first {until_age}", *(words.shown(Decimal(age), "months") for age in ages), "half gone by", "by chance"]
    lines: list[tuple[str, list[str]]] = []
    for curve in curves:
        points = [curve.at(age) for age in ages]
        texts = [*_counts(curve.customers, curve.lost), _mean(curve, until_age), *(_there(p) if p else words.NOTHING for p in points)]
        lines.append((_name(curve), [*texts, words.shown(curve.median, "months"), _chance(curve.chance)]))
    return heads, lines


def _counts(*counts: int) -> list[str]:
    return [words.shown(count, "count") for count in counts]


def _mean(curve: "Curve", until_age: int) -> str:
    mean = curve.mean(until_age) if until_age else None
    return words.bounded(_decimal(mean.value), _decimal(mean.low), _decimal(mean.high), "count") if mean else words.NOTHING


def _there(point: "Point") -> str:
    return words.share_bounded(Decimal(str(point.survival)), _decimal(point.low), _decimal(point.high))


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _chance(chance: float | None) -> str:
    """How often chance alone would make a segment so different from the others."""
    return "< 0.1%" if chance is not None and chance < 0.001 else words.shown(_decimal(chance), "rate")


def _name(curve: "Curve") -> str:
    return " · ".join(curve.segment.values()) or "all"
