"""`fari cohorts`: a retention triangle, printed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fari.surfaces import asking, terminal
from fari.surfaces import format as words
from fari.surfaces.asking import Asked
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.insight.cohorts import Triangle

FORMATS = ("table", "json", "csv")
_UNSEEN = "not seen yet"


def show_cohorts(place: Place, asked: Asked, share: bool, format_: str) -> None:
    """The triangle of the metric asked for, by month or quarter of the first paid day."""
    from fari.insight.cohorts import triangle

    asking.format_of(format_, FORMATS)
    asked.check()
    ledger = place.project()
    fiscal = ledger.company.fiscal_year_start
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, today(ledger.company), progress)
        covered, _ = asker.state(question.as_of, question.rules)
        stretch = asking.stretch(covered, asked.since, asked.until, asking.grain_of(asked.grain) or "month", fiscal)
        made = triangle(asker, replace(question, metrics=asked.names, periods=stretch.periods))
    if format_ == "table":
        _print(made, share, fiscal)
    else:
        from fari.surfaces import output

        rows = list(_cells(made, fiscal, output.dimensions(question.by) if format_ == "csv" else None))
        terminal.write(output.rows_csv(rows) if format_ == "csv" else output.listed(rows))
    for text in made.notes:
        terminal.note(f"{made.metric}: {text}")


def _cells(made: "Triangle", fiscal: int, columns: dict[str, str] | None) -> Iterator[dict[str, Any]]:
    """Every cell: with the segment as an object, or as columns of these names."""
    for row in made.rows:
        for age, (value, share) in enumerate(zip(row.values, row.shares, strict=True)):
            seen = made.seen_in(row, age)
            segment = {"segment": row.segment} if columns is None else {columns[name]: value for name, value in row.segment.items()}
            yield {
                "metric": made.metric,
                "cohort": words.period(row.period, fiscal) if row.period else None,
                **segment,
                "grain": made.grain,
                "age": age,
                "from": seen.since if seen else None,
                "until": seen.until if seen else None,
                "won": row.won,
                "value": value,
                "share": share,
                "unit": made.unit,
                "currency": made.currency,
                "notes": [_UNSEEN] if value is None else [] if share is not None else ["nothing was left at age 0"],
            }


def _print(made: "Triangle", share: bool, fiscal: int) -> None:
    from fari.surfaces.table import columns_that_fit

    ages = [age for age in range(len(made.periods)) if any(row.values[age] is not None for row in made.rows)]
    lines: list[tuple[str, list[str]]] = []
    for place, row in enumerate(made.rows):
        if row.segment and (place == 0 or made.rows[place - 1].segment != row.segment):
            lines.append((" · ".join(row.segment.values()), []))
        texts = [words.shown(row.won, made.unit, made.currency)]
        for age in ages:
            shown = words.shown(row.shares[age], "rate") if share else words.shown(row.values[age], made.unit, made.currency)
            texts.append("" if row.values[age] is None else shown)
        name = words.period(row.period, fiscal) if row.period else "all"
        lines.append((f"  {name}" if row.segment else name, texts))
    if not lines or not ages:
        nobody = "nobody became a customer in this time"
        terminal.note(nobody if ages else f"nothing is known of these {made.grain}s yet: no source covers their last days, or they are not over")
        return
    table, hidden = columns_that_fit(["won", *map(str, ages)], lines)
    terminal.show(table)
    if hidden:
        terminal.note(f"{words.many(hidden, 'age')} not shown: the terminal is too narrow (--format csv has all)")
