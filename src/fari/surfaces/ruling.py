"""`fari rules`: what rule sets there are, and how each answers."""

from typing import Any

from fari.rules import DEFAULT, Rules, choices, preset, presets, source
from fari.surfaces import terminal
from fari.surfaces.project import Place


def show_rules(place: Place, name: str | None, as_json: bool) -> None:
    """All rule sets side by side; or one with the source of each answer, and of the company's own what differs."""
    own = _own(place)
    if as_json:
        from fari.surfaces.output import dumps

        terminal.write(dumps({"presets": [plain(preset(one)) for one in presets()], "company": own.label if own else None}, indent=2) + "\n")
        return
    if name:
        _one(preset(name))
    else:
        _all(own)


def plain(rules: Rules) -> dict[str, Any]:
    """A rule set as a JSON object: each choice's answer, what it means and where it stands."""
    return {
        "name": rules.preset,
        "says": presets()[rules.preset],
        "choices": {
            name: {"answer": rules[name], "says": f"{choice.says} {choice.meaning(rules[name])}", "source": source(rules.preset, name)}
            for name, choice in choices().items()
        },
    }


def _own(place: Place) -> Rules | None:
    """The company's rules, where there is a company."""
    from fari.errors import FariError

    try:
        return place.project().company.rules
    except FariError:
        return None


def _one(rules: Rules) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", title=presets()[rules.preset], title_justify="left")
    for head in ("rule", "answer", "means", "source"):
        table.add_column(head, no_wrap=head in ("rule", "answer"))
    for name, choice in choices().items():
        table.add_row(name, rules[name], f"{choice.says} {choice.meaning(rules[name])}", source(rules.preset, name))
    terminal.show(table)


def _all(own: Rules | None) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for name in presets():
        table.add_column(name, no_wrap=True)
    for name in choices():
        answers = [preset(one)[name] for one in presets()]
        table.add_row(name, *(Text(answer, style="bold" if answer != preset(DEFAULT)[name] else "dim") for answer in answers))
    terminal.show(table)
    if own is not None:
        terminal.note(f"in force here: {own.label}")
    terminal.note("`fari rules NAME` says what each answer means and where it stands")
