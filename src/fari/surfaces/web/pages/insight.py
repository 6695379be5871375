"""Insight: what is unusual, how goals stand, where there is the most to gain, which driver moves the most, and which early figures lead."""

from typing import Any

from fari.surfaces.web import findings
from fari.surfaces.web.page import Page, Table
from fari.surfaces.web.scene import Scene


def insight(scene: Scene) -> Page:
    """What is unusual and why, how goals stand, where there is the most to gain, which driver moves the most, and what leads."""
    if scene.empty:
        return Page("empty.html", scene.said.say("Nothing is imported yet"), {})
    signals, goals, advice = findings.signals(scene), findings.goals_told(scene), findings.advice(scene)
    drivers, leading = findings.drivers(scene), findings.leading(scene)
    parts = (signals, goals, advice, drivers, leading)
    shown: dict[str, Any] = {"signals": signals, "goals": goals, "advice": advice, "drivers": drivers, "leading": leading}
    data = {
        "unusual": [{"sentences": list(one.sentences), "mood": one.mood, "muted": one.muted} for one in signals[0]] if signals else [],
        "goals": [{"sentence": text, "mood": mood} for text, mood in goals or ()],
        "advice": plain(advice[0] if advice else None),
        "drivers": plain(drivers),
        "leading": plain(leading[0] if leading else None),
    }
    return Page(
        "insight.html", scene.said.say("Insight"), data, plain(advice[0] if advice else None), shown, pending=any(one is None for one in parts)
    )


def plain(table: Table | None) -> list[dict[str, Any]]:
    """A table's rows by column."""
    if table is None:
        return []
    return [{column.key: cell.text for column, cell in zip(table.columns, row, strict=True)} for row in table.rows]


PAGES = {"/insight": insight}
