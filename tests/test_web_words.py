"""Pages in Italian: every sentence of every page and template is in a catalogue, with the same blanks, and no catalogue holds what nobody says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

import fari.surfaces

SURFACES = Path(fari.surfaces.__path__[0])
WEB = SURFACES / "web"


def catalogue(pattern: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((SURFACES / "locale").glob(pattern)):
        with path.open("rb") as file:
            found |= {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True) if m.id and not m.context}
    return found


def said_in_code() -> Iterator[str]:
    for path in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("say", "said"):
                yield from (one.value for one in node.args[:1] if isinstance(one, ast.Constant) and isinstance(one.value, str))


def said_in_templates() -> Iterator[str]:
    for path in sorted(WEB.glob("templates/*.html")):
        tree = Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(path.read_text(encoding="utf-8"))
        for _, _, message in extract_from_ast(tree, ("_",)):
            yield from [message] if isinstance(message, str) else [one for one in message or () if one]


def constants() -> set[str]:
    """Every text in the code: some sentences are chosen first and said later, some words are of the engine or of fari.insight."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SURFACES.parent.rglob("*.py")]
    return {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_of_a_page_is_translated() -> None:
    known = catalogue("it*.po")
    assert [text for text in dict.fromkeys([*said_in_code(), *said_in_templates()]) if not known.get(text)] == []


def test_no_page_catalogue_holds_what_nobody_says() -> None:
    said = {*said_in_code(), *said_in_templates(), *constants()}
    assert [text for text in catalogue("it-*.po") if text not in said] == []


def test_blanks_are_the_same() -> None:
    for text, translated in catalogue("it-*.po").items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", translated)), text
