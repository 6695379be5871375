"""Pages in Italian: every sentence of every page and template is in a catalogue, with the same blanks, and no catalogue holds what nobody says."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

import fari.surfaces
from fari.engine.wording import definition, formula
from fari.marks.channels import RULES
from fari.metrics import METRICS
from fari.metrics.kinds import Formula, Measure
from fari.rules import choices, preset, presets
from fari.surfaces.web.view import SAID
from fari.surfaces.words import Words

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


@cache
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


# What the engine says ----------------------------------------------------------------------------------------------------

ITALIAN = Words("it")


def told(context: str) -> dict[str, str]:
    """A context's texts of the catalogue of definitions."""
    with (SURFACES / "locale" / "it-definitions.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True) if m.id and m.context == context}


def names_in(text: str) -> set[str]:
    """The metrics, settings and words of data that a text names."""
    divided = re.findall(r"\b([a-z]+) [/×] ([a-z]+)\b", text)
    whole = {name for pair in divided if all(one in METRICS for one in pair) for name in pair}
    return whole | {*re.findall(r"\w+_\w+", text), *re.findall(r"`([^`]+)`", text), *re.findall("[A-Z]{3,}", text)}


def numbers_in(text: str, thousands: str, point: str) -> list[str]:
    found = re.findall(r"\d+(?:[.,]\d+)*", text)
    return sorted(one.replace(thousands, "").replace(point, ".") for one in found)


def said_by_the_engine() -> set[str]:
    """Texts of the engine, of fari.insight and of the pages, with {} for each of their values."""
    found = {f"{choice.says} {meaning}" for choice in choices().values() for meaning in (*choice.options.values(), choice.number) if meaning}
    found |= {rule.says for rule in RULES}
    for path in SURFACES.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
    return found


def in_order(pieces: list[str], text: str) -> bool:
    """Whether a text begins with the first piece, ends with the last and has the others between them, one after the other."""
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = text.find(piece, at) + len(piece) if text.find(piece, at) >= 0 else len(text) + 1
    return text.startswith(pieces[0]) and text.endswith(pieces[-1]) and at + len(pieces[-1]) <= len(text)


def test_every_metric_is_defined_in_italian() -> None:
    italian = told("definition")
    assert set(italian) == set(METRICS)
    for name, text in italian.items():
        english = definition(name)
        assert names_in(text) == names_in(english), name
        assert numbers_in(text, ".", ",") == numbers_in(english, ",", "."), name
        assert text.count("\n\n") == english.count("\n\n"), name


def test_every_formula_is_told_in_italian() -> None:
    english = re.compile(r" (?:where|over|dated|lying|in force|of the|is|and|if|else) |number of|sum of")
    formulas = {name: formula(name) for name in METRICS}
    assert [name for name, text in formulas.items() if english.search(ITALIAN.formula(text))] == []
    for key in told("formula"):
        assert any(re.search(re.sub(r"\\{\w+\\}", ".+", re.escape(key)), text) for text in formulas.values()), key


def test_every_note_of_a_metric_is_told_in_italian() -> None:
    notes = {note for metric in METRICS.values() if isinstance(metric, Formula) for note in metric.notes}
    notes |= {f"3 rows left out: {metric.left_out}" for metric in METRICS.values() if isinstance(metric, Measure) and metric.left_out}
    for path in (SURFACES.parent / "metrics").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Undefined":
                notes |= {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    notes |= {one for one in constants() if one.startswith("no interval: ") and not one.endswith(" ")}
    assert len(notes) > 15
    known = told("note")
    assert [one for one in notes if one.removeprefix("3 rows left out: ") not in known] == []


def test_rules_and_parameters_are_told_in_italian() -> None:
    known = {f"{choice.says} {choice.meaning(answer)}" for choice in choices().values() for answer in choice.options}
    known |= {f"{choice.says} {choice.meaning(preset(name)[choice.name])}" for choice in choices().values() for name in presets()}
    known |= {*(rule.says for rule in RULES), *SAID.values()}
    assert [one for one in known if ITALIAN.note(one) == one] == []


def test_a_note_keeps_its_values() -> None:
    says = {
        "mrr: 25 of 44 rows shown, the largest": "mrr: mostrate 25 righe su 44, le più grandi",
        "1 row left out: of customers of whose people none is known to have been a lead before":
            "1 riga esclusa: di clienti di cui non si sa di nessuna persona che sia stata prima un lead",
        "interval: bootstrap of 400 draws": "intervallo: bootstrap di 400 estrazioni",
        "leads by rejection_reason adds up to leads": "leads per motivo: la somma dà leads",
        "no row has channel 'Emial'; did you mean 'Email'?": "nessuna riga ha canale 'Emial'; intendevi 'Email'?",
        "mrr has 2 whole months of past, and 6 are needed (no source covers subscriptions in this period)":
            "mrr ha 2 mesi interi di passato, e ne servono 6 (nessuna fonte copre subscriptions in questo periodo)",
        "what nobody has said yet: 5": "what nobody has said yet: 5",
    }  # fmt: skip
    assert {english: ITALIAN.note(english) for english in says} == says


def test_no_note_is_kept_that_nobody_says() -> None:
    said = said_by_the_engine()
    cut = [one.split("{}") for one in said if "{}" in one and len(re.sub(r"\W", "", one)) > 4]
    # The movements' check is put together from names and signs alone, and a hint is put behind any error.
    keys = {*told("note")} - {"{sum} = {closing}, by {dimension}", "{name}; did you mean '{other}'?"}
    assert [key for key in keys if key not in said and not any(in_order(pieces, key) for pieces in cut)] == []
    assert [key for key in told("rule") if key not in {*constants(), "true", "false"}] == []


def test_blanks_of_notes_are_the_same() -> None:
    for text, translated in (told("note") | told("formula")).items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", translated)), text
