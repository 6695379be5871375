"""One number opened, for a page: the formula with today's numbers in it, what decides, and the rows behind, down to file and line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fari.engine.ask import Asker
from fari.engine.explain import Explanation, explain, largest_rows
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import Formula
from fari.surfaces.explaining import columns_told, rule_words
from fari.surfaces.web.page import Cell, Column, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

_WHEN = ("day", "from", "until", "last", "at", "started_at", "entered", "lead")
"""Columns of rows that hold a day or an instant."""
PER_PAGE = 25
FURTHEST = 40
"""So many pages can be turned; beyond them stands the command that has every row."""


@dataclass(frozen=True)
class Behind:
    """The rows of one sum: a page of them, and that they add up to it."""

    name: str
    table: Table
    rows: int
    sum: str
    value: str
    holds: bool
    page: int
    pages: int
    sums: Sequence[tuple[str, str, bool]]
    """The sums that can be opened: (name, address, whether it is this one)."""


def explanation(scene: Scene, metric: str) -> Explanation | None:
    """The number opened, with as many of the largest rows as the page turned to needs; None as long as they are being read."""
    limit = min(scene.view.number, FURTHEST) * PER_PAGE
    asked, period, today = scene.question(), scene.period, scene.today

    def make(asker: Asker) -> Explanation:
        return explain(asker, metric, period, asked.where, asked.as_of, today, limit, asked.rules)  # type: ignore[arg-type]

    return scene.later("explain", metric, asked, limit, make=make)


def inputs(scene: Scene, opened: Explanation) -> list[dict[str, Any]]:
    """What a formula is worked out from, each with its value and its own page."""
    found = []
    for one in opened.inputs:
        name = one.metric.removeprefix("total_")
        kind = METRICS[name]
        found.append(
            {
                "name": one.metric, "title": scene.said.label(name), "value": scene.value(one.value, kind.unit), "exact": scene.exact(one.value),
                "rows": f"{one.rows:,}" if one.rows else "", "formula": scene.said.formula(one.formula), "url": scene.view.at(f"/metrics/{name}").url,
            }
        )  # fmt: skip
    return found


def put_in(scene: Scene, opened: Explanation) -> str:
    """A formula with today's numbers in the place of names; a sum in its own words."""
    if not isinstance(METRICS[opened.metric], Formula):
        return scene.said.formula(opened.formula)
    text = opened.formula
    known = {one.metric: one.value for one in opened.inputs} | dict(_given(opened))
    import re

    def number(found: re.Match[str]) -> str:
        value = known.get(found[0])
        return scene.exact(value) if found[0] in known and value is not None else found[0]

    return re.sub(r"[a-z_]\w*", number, text)


def _given(opened: Explanation) -> list[tuple[str, Decimal]]:
    return [(name, Decimal(str(opened.rules[name]))) for name in ("gross_margin", "months") if name in opened.rules]


def behind(scene: Scene, opened: Explanation) -> Behind | None:
    """A page of the rows of the number, or of one of its inputs; None where no row is known."""
    names = list(dict.fromkeys(row.get("input", opened.metric) for row in opened.rows))
    if not names:
        return None
    name = scene.view.input if scene.view.input in names else names[0]
    rows = [row for row in opened.rows if row.get("input", opened.metric) == name]
    told = next((one for one in opened.inputs if one.metric == name), None)
    check = next((one for one in opened.checks if one.name == f"the rows of {name} add up to it"), None)
    kind = METRICS[name.removeprefix("total_")]
    count = told.rows if told else opened.answer.rows or len(rows)
    pages = pages_of(count)
    page = min(scene.view.number, pages)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    value = told.value if told else opened.value
    return Behind(
        name,
        row_table(scene, shown, kind.unit, scene.said.label(name.removeprefix("total_"))),
        count,
        scene.exact(check.left if check else None),
        scene.exact(value),
        check.holds if check else False,
        page,
        pages,
        [(scene.said.label(one.removeprefix("total_")), scene.view.but(input=one).url + "#rows", one == name) for one in names],
    )


@dataclass(frozen=True)
class Listed:
    """A page of the rows of one sum, and how many rows and pages there are."""

    table: Table
    count: int
    pages: int


def listed(scene: Scene, name: str) -> Listed:
    """The rows of one sum of the period, the largest first, on the page turned to; of none where the segment is unknown to it."""
    if not scene.fits(name):
        return Listed(row_table(scene, (), "count", ""), 0, 1)
    most = min(scene.view.number, FURTHEST) * PER_PAGE
    question = scene.question(name)
    rows, count = scene.kept("rows", question, most, make=lambda asker: largest_rows(asker, question, most))
    table = row_table(scene, rows[most - PER_PAGE :], METRICS[name].unit, capital(scene.said.label(name)))
    return Listed(table, count, pages_of(count))


def pages_of(count: int) -> int:
    """How many pages rows fill, as far as they can be turned."""
    return max(1, min(FURTHEST, -(-count // PER_PAGE)))


def row_table(scene: Scene, rows: Sequence[Mapping[str, Any]], unit: str, caption: str) -> Table:
    """Rows of files: where they stand, what tells them apart, and what each adds."""
    columns = columns_told(rows)[:5]
    said = scene.said
    heads = [Column("origin", said.say("Origin"), number=False), *(Column(name, capital(said.column(name)), number=False) for name in columns)]
    heads += [Column("contribution", said.say("Counts"))]
    lines = []
    for row in rows:
        cells = [Cell("") if row.get(name) is None else _cell(scene, name, row[name]) for name in columns]
        counts = row["contribution"]
        text = scene.money(counts) if unit == "money" else scene.exact(counts)
        lines.append([Cell(str(row["origin"]), title=said.note(str(row.get("says") or ""))), *cells, Cell(text, counts, title=scene.exact(counts))])
    return Table(heads, lines, caption=caption)


def _cell(scene: Scene, name: str, value: Any) -> Cell:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Cell(scene.exact(round(Decimal(value), 6)))
    text = str(value)[:120]
    if name in _WHEN:
        return Cell(scene.said.moment(text), title=text)
    return Cell(scene.said.value(name, text) if name in DIMENSIONS else text)


def rules(scene: Scene, opened: Explanation) -> list[tuple[str, str]]:
    """The rules and settings that decide about the number."""
    return [(scene.said.name("rule", name), scene.said.name("rule", rule_words(rule))) for name, rule in opened.rules.items()]
