"""Words: every name and sentence in every language, and sentences about changes that a person could have written."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import fari.surfaces
from fari.engine.answer import Answer
from fari.engine.periods import Period, parse
from fari.errors import UsageError
from fari.insight.advice import book
from fari.insight.drivers import Driver
from fari.insight.forecast import COHORTS
from fari.insight.parts import Part
from fari.insight.series import MODELS
from fari.insight.tree import BETWEEN
from fari.insight.why import Why
from fari.metrics import DIMENSIONS, METRICS
from fari.metrics.kinds import GIVEN
from fari.surfaces.foretelling import _SAYS
from fari.surfaces.sentences import sentences
from fari.surfaces.words import LOCALES, Words, words

SURFACES = Path(fari.surfaces.__path__[0])
SAYING = ("advising.py", "checking.py", "forecasting.py", "foretelling.py", "sentences.py", "whatif.py", "why.py", "words.py")


def catalogue(locale: str) -> dict[tuple[str, str], str]:
    with (SURFACES / "locale" / f"{locale}.po").open("rb") as file:
        return {(m.context or "", str(m.id)): str(m.string) for m in read_po(file, abort_invalid=True) if m.id}


def said() -> Iterator[str]:
    """Every sentence that is said, from the code: what is given to `say`, and what has blanks for values."""
    for name in SAYING:
        for node in ast.walk(ast.parse((SURFACES / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value and re.search(r"\{\w+\}", node.value):
                yield node.value
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "say" and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_name_is_known(locale: str) -> None:
    known = catalogue(locale)
    for name in (*METRICS, *GIVEN, BETWEEN):
        assert known["metric", name], name
        assert locale != "it" or re.match(r"(ms|fs) (il |lo |la |l')|mp (i|gli) |fp le ", known["metric", name]), name
    for dimension in DIMENSIONS:
        assert known["dimension", dimension]
        assert "{value}" in known["segment", dimension]
    assert {name for context, name in known if context == "metric"} == {*METRICS, *GIVEN, BETWEEN}


def test_every_sentence_is_translated_and_no_other() -> None:
    known = {key: text for (context, key), text in catalogue("it").items() if not context}
    heads = {"input", "before", "after", "part", "share", "driver"}
    assert set(known) == {*said(), *heads}
    for key, text in known.items():
        assert sorted(re.findall(r"\{(\w+)\}", key)) == sorted(re.findall(r"\{(\w+)\}", text)), key


def test_models_verdicts_and_advice_have_italian_names() -> None:
    known = catalogue("it")
    advice = {text for told in book().values() for text in (*told["moves"], *([told["says"]] if "says" in told else []))}
    for context, names in {"model": {*MODELS, COHORTS}, "verdict": set(_SAYS.values()), "advice": advice}.items():
        assert {name for each, name in known if each == context} == names
        assert all(known[context, name] for name in names)


def test_other_languages_are_refused() -> None:
    with pytest.raises(UsageError, match="one of: en, it"):
        words("xx")


# Sentences ---------------------------------------------------------------------------------------------------------------------


def changed(metric: str, before: str, after: str, *drivers: Driver, since: Period | None = None, until: Period | None = None) -> Why:
    """A change with drivers made up for it."""
    unit = METRICS[metric].unit
    periods = since or parse("2026-09"), until or parse("2026-10")
    answers = [Answer(metric, period, {}, Decimal(value), unit, "EUR") for period, value in zip(periods, (before, after), strict=True)]
    change = Decimal(after) - Decimal(before)
    shared = tuple(replace(driver, share=driver.part / change if change else None) for driver in drivers)
    tree = Part(metric, "input", Decimal(before), Decimal(after), unit, change)
    return Why(metric, periods, (), answers[0], answers[1], "EUR", tree, shared)


ADS = Driver("acquisition_cost", "booked", "change", "channel", "Paid Search", Decimal(139), Decimal(1000), Decimal(2390))
NEW = Driver("new_customers", "input", "change", "", "", Decimal(56), 12, 10)
MIX = Driver("customer_churn_rate", "input", "mix", "term", "month", Decimal("0.01"), Decimal("0.5"), Decimal("0.6"), "opening_customers")
RATE = Driver("customer_churn_rate", "input", "rate", "plan", "Team", Decimal("0.02"), Decimal("0.05"), Decimal("0.08"))
LOST = Driver("churned_mrr", "movement", "change", "churn_reason", "outage", Decimal(-800), Decimal(0), Decimal(800))
MORE = Driver("expansion_mrr", "movement", "change", "cause", "price", Decimal(300), Decimal(10), Decimal(300))
ELSE = Driver("new_customers", "input", "others", "channel", "", Decimal(-20), None, None)

GOLDEN = {
    "a rise with an offset": (
        changed("cac", "325", "500", ADS, NEW, ELSE),
        """
        CAC rose by €175.00, from €325.00 (September 2026) to €500.00 (October 2026). Of that rise, €139.00 (79%) came from spend
        in Paid Search (€1,000 → €2,390) and €56.00 (32%) from new customers (12 → 10), partly offset by -€20.00 from new
        customers in the other segments.
        """,
        """
        Il CAC è salito di 175,00 €, da 325,00 € (settembre 2026) a 500,00 € (ottobre 2026). Di questo aumento: 139,00 € (79%) per
        la spesa in Paid Search (1.000 € → 2.390 €) e 56,00 € (32%) per i nuovi clienti (12 → 10), in parte compensati da -20,00 €
        per i nuovi clienti negli altri segmenti.
        """,
    ),
    "a fall of a level by its movements": (
        changed("mrr", "9000", "8500", LOST, MORE),
        """
        MRR fell by €500.00, from €9,000 (September 2026) to €8,500 (October 2026). Of that fall, €800.00 (160%) came from churned
        MRR for the reason “outage” (€800.00; the time before €0.00), partly offset by +€300.00 from expansion MRR by “price”
        (€300.00; the time before €10.00).
        """,
        """
        L'MRR è sceso di 500,00 €, da 9.000 € (settembre 2026) a 8.500 € (ottobre 2026). Di questo calo: 800,00 € (160%) per l'MRR
        perso per il motivo «outage» (800,00 €; la volta prima 0,00 €), in parte compensati da +300,00 € per l'MRR da espansione
        per «prezzo» (300,00 €; la volta prima 10,00 €).
        """,
    ),
    "rate and mix": (
        changed("customer_churn_rate", "0.04", "0.07", RATE, MIX, until=Period(date(2026, 10, 1), date(2026, 11, 1), "month")),
        """
        Customer churn rose by 3.0 pp, from 4.0% (September 2026) to 7.0% (October 2026). Of that rise, 2.0 pp (67%) came from
        customer churn on plan Team (5.0% → 8.0%) and 1.0 pp (33%) from the weight of “month” among customers at the start (50.0% →
        60.0%).
        """,
        """
        Il tasso di abbandono è salito di 3,0 punti, da 4,0% (settembre 2026) a 7,0% (ottobre 2026). Di questo aumento: 2,0 punti
        (67%) per il tasso di abbandono nel piano Team (5,0% → 8,0%) e 1,0 punti (33%) per il peso di «mese» fra i clienti
        all'inizio (50,0% → 60,0%).
        """,
    ),
    "nothing stands out": (
        changed(
            "new_customers",
            "12",
            "10",
            Driver("new_customers", "input", "change", "", "", Decimal(-2), 12, 10),
            since=parse("2025-Q3"),
            until=parse("2025-Q4"),
        ),
        """
        New customers fell by 2, from 12 (3rd quarter 2025) to 10 (4th quarter 2025). No segment stands out: none moved further
        than its size and chance let expect.
        """,
        """
        I nuovi clienti sono scesi di 2, da 12 (3º trimestre 2025) a 10 (4º trimestre 2025). Nessun segmento spicca: nessuno si è
        mosso più di quanto la sua dimensione e il caso lascino attendere.
        """,
    ),
    "offsetting": (
        changed("share_of_search", "0.2", "0.2", replace(NEW, part=Decimal("0.01")), replace(NEW, part=Decimal("-0.01"))),
        """
        Share of search did not change: 20.0% (September 2026 and October 2026). What moved offsets itself: +1.0 pp from new
        customers (12 → 10) and -1.0 pp from new customers (12 → 10).
        """,
        """
        La quota di ricerca non è cambiata: 20,0% (settembre 2026 e ottobre 2026). Le variazioni si compensano: +1,0 punti per i
        nuovi clienti (12 → 10) e -1,0 punti per i nuovi clienti (12 → 10).
        """,
    ),
    "undefined": (
        replace(changed("cac", "1", "1"), after=Answer("cac", parse("2026-10"), {}, None, "money", "EUR", complete=False), tree=None),
        """
        CAC cannot be explained: it has no value in October 2026, so far.
        """,
        """
        Il CAC non si può spiegare: manca un valore per ottobre 2026, finora.
        """,
    ),
    "a feminine, in a filter": (
        replace(changed("customer_lifetime_months", "10", "11", replace(NEW, part=Decimal(1))), where=(("channel", ("Email", "Direct")),)),
        """
        Customer lifetime in Email and in Direct rose by 1 month, from 10 months (September 2026) to 11 months (October 2026). Of
        that rise, 1 month (100%) came from new customers (12 → 10).
        """,
        """
        La durata media del cliente in Email e in Direct è salita di 1 mese, da 10 mesi (settembre 2026) a 11 mesi (ottobre 2026).
        Di questo aumento: 1 mese (100%) per i nuovi clienti (12 → 10).
        """,
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_sentences(case: str) -> None:
    found, english, italian = GOLDEN[case]
    assert " ".join(sentences(found, Words("en"))) == " ".join(english.split())
    assert " ".join(sentences(found, Words("it"))).replace("\xa0", " ") == " ".join(italian.split())
