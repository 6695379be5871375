"""Segments: metrics side by side, a row for each segment of a dimension and one for all together."""

from collections.abc import Callable, Mapping, Sequence

from fari.engine.answer import Answer
from fari.surfaces.web.charts import colour_of
from fari.surfaces.web.page import Cell, Column, Table
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import capital

Split = Mapping[str, Mapping[str, Answer]]
"""Answers by segment and metric; those of all together under an empty name."""


def split(scene: Scene, by: str, *names: str) -> Split:
    """Metrics of the period by a dimension, and whole; without those that lack it."""
    return _by_segment(by, scene.ask(*names, by=(by,)), scene.ask(*(name for name in names if scene.fits(name, (by,)))))


def coming(scene: Scene, by: str, *names: str) -> Split | None:
    """The same where it takes long to know the dimension: None as long as that is being worked out."""
    fit = [name for name in names if scene.fits(name, (by,))]
    if not fit:
        return {"": {}}
    parts, whole = scene.question(*fit, by=(by,)), scene.question(*fit)
    found = scene.later("split", parts, make=lambda asker: (asker.ask(parts), asker.ask(whole)))
    return None if found is None else _by_segment(by, *found)


def _by_segment(by: str, parts: Sequence[Answer], whole: Sequence[Answer]) -> Split:
    found: dict[str, dict[str, Answer]] = {}
    for answer in parts:
        found.setdefault(answer.segment[by], {})[answer.metric] = answer
    return found | {"": {answer.metric: answer for answer in whole}}


def answers(found: Split) -> list[Answer]:
    """All of a split's answers, those of the segments first."""
    return [answer for row in found.values() for answer in row.values()]


def parts(found: Split) -> list[Answer]:
    """The answers of the segments alone."""
    return [answer for value, row in found.items() if value for answer in row.values()]


def table(
    scene: Scene, found: Split, by: str, names: Sequence[str], sort: str, head: Callable[[Scene, str], str] | None = None, most: int = 0
) -> Table:
    """A split as it is read: a segment's name narrows the page to it, a number opens its metric. `most` keeps the first so many rows, and says so."""
    heads = [Column(by, capital(scene.said.name("dimension", by)), number=False)]
    heads += [Column(name, head(scene, name) if head else capital(scene.said.label(name)), title=scene.said.label(name)) for name in names]
    rows = [_row(scene, by, value, names, found[value]) for value in found if value]
    whole = Table(heads, rows, _row(scene, by, "", names, found[""])).sorted_by(sort)
    return whole.largest(most, scene.said) if most else whole


def _row(scene: Scene, by: str, value: str, names: Sequence[str], own: Mapping[str, Answer]) -> list[Cell]:
    seen = scene.view.keeping(by, value) if value else scene.view
    title = scene.said.value(by, value) if value else scene.said.say("All")
    cells = [Cell(title, value, seen.url if value else "", colour=colour_of(by, value) if value and by == "channel" else "")]
    for name in names:
        answer = own.get(name)
        if answer is None:
            cells.append(Cell("–"))
            continue
        kind = "bad" if name == "clv_cac_ratio" and answer.value is not None and answer.value < 1 else ""
        text = scene.value(answer.value, "count") if answer.unit == "months" else scene.shown(answer)
        if answer.value is None and answer.notes:
            text = scene.said.say("n/a")
        title = scene.undefined(answer) if answer.value is None else scene.exact(answer.value)
        cells.append(Cell(text, answer.value, seen.at(f"/metrics/{name}").url, title, kind))
    return cells
