"""`fari doctor`: the examination of a project, printed."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fari.errors import FariError
from fari.surfaces import asking, terminal
from fari.surfaces.format import many
from fari.surfaces.project import Place, today

if TYPE_CHECKING:
    from fari.engine.doctor import Examination, Finding

_MARKS = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim"), "ok": ("✓", "green")}
_ITEMS = 3
"""So many examples of a finding are printed; all of them with --json."""


def examine_project(place: Place, json: bool) -> None:
    """Examine, and print what was found; FariError where an identity does not hold."""
    from fari.engine.doctor import examine

    ledger = place.project()
    with terminal.progress("reading the ledger") as progress:
        found = examine(asking.asker(ledger, "duckdb", progress), today(ledger.company))
    if json:
        from fari.surfaces.output import dumps

        terminal.write(dumps({"worst": found.worst, **asdict(found)}, indent=2) + "\n")
    else:
        _print(found)
    if found.failing:
        count = many(len(found.failing), "identity")
        raise FariError(f"{count} {'does' if len(found.failing) == 1 else 'do'} not hold: {found.failing[0].name} in {found.failing[0].period.label}")


def _print(found: "Examination") -> None:
    from rich.table import Table
    from rich.text import Text

    if found.connected:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for head in ("table", "source", "rows", "from", "to", "imported"):
            table.add_column(head, justify="right" if head == "rows" else "left", no_wrap=True)
        for one in found.connected:
            table.add_row(one.table, one.source, f"{one.rows:,}", str(one.since or ""), str(one.until or ""), str(one.imported))
        terminal.show(table)
        terminal.write("\n")
    page = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    page.add_column(no_wrap=True)
    page.add_column(overflow="fold")
    for finding in found.findings:
        mark, style = _MARKS[finding.severity]
        page.add_row(Text(mark, style=style), Text("\n".join(_lines(finding))))
    terminal.show(page)


def _lines(finding: "Finding") -> list[str]:
    lines = [f"{finding.topic}: {finding.what}"]
    lines += [f"  {item_words(item)}" for item in finding.items[:_ITEMS]]
    if len(finding.items) > _ITEMS:
        lines.append("  and more (--json lists them)")
    first, *rest = finding.mend.splitlines() or [""]
    if first:
        lines += [f"→ {first}", *(f"  {line}" for line in rest)]
    return lines


def item_words(item: Any) -> str:
    """An example in a line; the rule that would mend it stands below."""
    told = {name: " and ".join(map(str, value)) if isinstance(value, list) else value for name, value in item.items() if name != "rule"}
    return ", ".join(f"{name} {value}" for name, value in told.items())
