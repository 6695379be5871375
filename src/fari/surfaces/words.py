"""Words: names of metrics, dimensions and segments, and whole sentences, in the languages there are catalogues of (`locale/*.po`, gettext's format).

Sentences are written in English where they are said, and looked up by that text; names are looked up by what they name.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fari.engine.periods import Period, add_months, typed
from fari.engine.wording import definition
from fari.errors import UsageError, did_you_mean
from fari.facts.words import UNALLOCATED

LOCALES = ("en", "it")
_FOLDER = Path(__file__).with_name("locale")
_GENDERED = re.compile(r"^([mf][sp]) ")
_ARTICLE = re.compile(r"^(?:il|lo|la|i|gli|le) |^l'")
_BLANK = re.compile(r"\{(\w+)\}")
_VERB = re.compile(r"\{è (\w+)o\}")
_FORMS = {"ms": ("è", "o"), "fs": ("è", "a"), "mp": ("sono", "i"), "fp": ("sono", "e")}
"""Italian: the auxiliary and the participle's ending by gender and number."""


@dataclass(frozen=True)
class Words:
    """One language."""

    locale: str

    def name(self, context: str, key: str) -> str:
        """What something is called; its key where the catalogue does not know it.

        >>> Words("it").name("dimension", "channel"), Words("en").name("value", "Acme")
        ('canale', 'Acme')
        """
        return _catalogue(self.locale).get((context, key)) or key

    def label(self, metric: str) -> str:
        """A metric's name alone, as it heads a column.

        >>> Words("en").label("mrr"), Words("it").label("opening_customers")
        ('MRR', "clienti all'inizio")
        """
        return _ARTICLE.sub("", self.metric(metric))

    def metric(self, name: str) -> str:
        """A metric's name as it stands in a sentence: with its article, where the language has one there.

        >>> Words("en").metric("mrr"), Words("it").metric("new_customers")
        ('MRR', 'i nuovi clienti')
        """
        return _GENDERED.sub("", self.name("metric", name))

    def segment(self, dimension: str, value: str) -> str:
        """A segment as it stands after what it is a part of.

        >>> Words("en").segment("channel", "Email"), Words("it").segment("cause", "price"), Words("en").segment("channel", "(unallocated)")
        ('in Email', 'per «prezzo»', 'without channel')
        """
        template = self.name("segment", UNALLOCATED if value == UNALLOCATED else dimension)
        return template.format(value=self.value(dimension, value), dimension=self.name("dimension", dimension))

    def value(self, dimension: str, value: str) -> str:
        """A segment's own name; what people named themselves stays as it is."""
        ours = dimension in ("cause", "term", "stage") or value.startswith("(")
        return self.name("value", value) if ours else value

    def say(self, sentence: str, about: str = "", **values: Any) -> str:
        """A sentence with its values. `about` names the metric that its verb agrees with.

        >>> rose = "{metric} rose by {change}, from {before} ({earlier}) to {after} ({later})."
        >>> Words("it").say(rose, "arr", metric="L'ARR", change="12 €", before="1 €", after="13 €", earlier="marzo", later="aprile")
        "L'ARR è salito di 12 €, da 1 € (marzo) a 13 € (aprile)."
        """
        text = _catalogue(self.locale).get(("", sentence)) or sentence
        gendered = _GENDERED.match(self.name("metric", about))
        auxiliary, ending = _FORMS[gendered[1] if gendered else "ms"]
        return _VERB.sub(rf"{auxiliary} \1{ending}", text).format(**values)

    def definition(self, metric: str) -> str:
        """What a metric is: its sentence, then its formula and where it comes from.

        >>> Words("it").definition("cost_per_lead").splitlines()[0], Words("en").definition("cost_per_lead").splitlines()[0]
        ('Spesa di acquisizione per lead del periodo.', 'Acquisition spend per lead of the period.')
        """
        # Where a line of the code ends says nothing to who reads it.
        return _catalogue(self.locale).get(("definition", metric)) or re.sub(r"(?<!\n)\n(?!\n)", " ", definition(metric))

    def note(self, text: str) -> str:
        """What the engine or fari.insight says of a figure; as they say it where the catalogue does not know it.

        >>> Words("it").note("2 rows left out: without an amount, or in a currency without an exchange rate"), Words("it").note("Acme")
        ('2 righe escluse: senza importo, o in una valuta senza un cambio', 'Acme')
        """
        return self._told("note", text)

    def formula(self, text: str) -> str:
        """How a metric is computed; the names in it stay.

        >>> Words("it").formula("sum of amount over costs dated in the period where purpose is acquire"), Words("it").formula("mrr / customers")
        ('somma di amount su costi con data nel periodo dove purpose è acquire', 'mrr / customers')
        """
        return self._told("formula", text)

    def _told(self, context: str, text: str) -> str:
        """A text that comes with its values in it, by the first of the catalogue's sentences that it fits; the values are told likewise."""
        known = _catalogue(self.locale).get((context, text))
        if known:
            return known
        for pattern, sentence in _patterns(self.locale, context):
            if found := pattern.fullmatch(text):
                blanks = found.groupdict().items()
                return sentence.format(
                    **{name: self.name("dimension", value) if name == "dimension" else self._told(context, value) for name, value in blanks}
                )
        return text

    def listing(self, items: list[str]) -> str:
        """Several things one after the other.

        >>> Words("en").listing(["a", "b", "c"]), Words("it").listing(["a", "b"])
        ('a, b and c', 'a e b')
        """
        if len(items) < 2:
            return "".join(items)
        return self.say("{first} and {last}", first=", ".join(items[:-1]), last=items[-1])

    def period(self, one: Period, fiscal_year_start: int = 1) -> str:
        """A period as people speak of it.

        >>> from fari.engine.periods import parse
        >>> [Words("it").period(parse(name)) for name in ("2026-10", "2026", "2026-Q1", "2026-W07")]
        ['ottobre 2026', '2026', '1º trimestre 2026', '9 feb 2026 – 15 feb 2026']
        >>> Words("en").period(parse("2026-10")), Words("en").period(parse("2026-10-01")), Words("en").period(parse("2026-Q1", 4), 4)
        ('October 2026', 'Oct 1, 2026', '2026-Q1')
        """
        from babel.dates import format_date, format_skeleton

        first, last = one.since, one.until - timedelta(days=1)
        if one.grain == "month" and first.day == 1 and one.until == add_months(first, 1):
            return str(format_skeleton("yMMMM", first, locale=self.locale))
        name = typed(one, fiscal_year_start)
        if fiscal_year_start == 1 and "-Q" in name:
            return str(format_date(first, "QQQQ y", locale=self.locale))
        if one.grain in ("year", "quarter") and " " not in name:
            return name
        begin, end = (str(format_date(day, "medium", locale=self.locale)) for day in (first, last))
        return begin if first == last else f"{begin} – {end}"

    def column(self, name: str) -> str:
        """What heads a column of rows.

        >>> Words("it").column("started_at"), Words("it").column("channel"), Words("en").column("left_on")
        ('inizio', 'canale', 'left on')
        """
        known = self.name("column", name)
        return known if known != name else self.name("dimension", name).replace("_", " ")

    def moment(self, iso: str) -> str:
        """A day, or a day and a time, written as ISO 8601 has it, as people write it; what is neither as it is.

        >>> Words("it").moment("2026-10-02"), Words("en").moment("2026-10-02T11:26:18.844000+02:00"), Words("en").moment("soon")
        ('2 ott 2026', 'Oct 2, 2026 11:26', 'soon')
        """
        from babel.dates import format_date

        with suppress(ValueError):
            if len(iso) == len("2026-10-02"):
                return str(format_date(date.fromisoformat(iso), "medium", locale=self.locale))
            then = datetime.fromisoformat(iso)
            return f"{format_date(then, 'medium', locale=self.locale)} {then:%H:%M}"
        return iso

    def month(self, number: int) -> str:
        """A month's name in few letters.

        >>> Words("it").month(1), Words("en").month(12)
        ('gen', 'Dec')
        """
        from babel.dates import get_month_names

        return str(get_month_names("abbreviated", "stand-alone", self.locale)[number])

    def short(self, one: Period, beside: Period, fiscal_year_start: int = 1) -> str:
        """A period in few letters, without the year that it shares with another.

        >>> from fari.engine.periods import parse
        >>> from datetime import date
        >>> odd = [Period(date(2026, 8, 27), date(2026, 9, 27), "month"), Period(date(2026, 9, 1), date(2026, 9, 9), "month")]
        >>> [Words("it").short(one, parse("2026-10")) for one in (*map(parse, ("2026-09", "2025-10", "2026-Q1")), *odd)]
        ['set', 'ott 2025', 'T1', '27 ago – 26 set', '1–8 set']
        """
        from babel.dates import format_date, format_skeleton

        if one.grain == "month" and one.since.day == 1 and one.until == add_months(one.since, 1):
            skeleton = "MMM" if one.since.year == beside.since.year else "yMMM"
            return str(format_skeleton(skeleton, one.since, locale=self.locale))
        if fiscal_year_start == 1 and "-Q" in typed(one):
            return str(format_date(one.since, "QQQ" if one.since.year == beside.since.year else "QQQ y", locale=self.locale))
        if one.grain == "month":
            first, last = one.since, one.until - timedelta(days=1)
            skeleton = "MMMd" if last.year == beside.since.year else "yMMMd"
            end = str(format_skeleton(skeleton, last, locale=self.locale))
            if first.month != last.month:
                return f"{format_skeleton('MMMd', first, locale=self.locale)} – {end}"
            return end if first == last else f"{first.day}–{end}"
        return self.period(one, fiscal_year_start)


def words(locale: str) -> Words:
    """The words of a language; UsageError where there are none."""
    if locale not in LOCALES:
        raise UsageError(f"unknown language {locale!r}{did_you_mean(locale, LOCALES)} (one of: {', '.join(LOCALES)})")
    return Words(locale)


def capital(text: str) -> str:
    """A sentence's beginning: its first letter large.

    >>> capital("il CAC"), capital("(a) b")
    ('Il CAC', '(a) b')
    """
    return text[:1].upper() + text[1:]


@cache
def _catalogue(locale: str) -> dict[tuple[str, str], str]:
    """By context and key what the catalogues of a language say: `it.po` for the terminal, `it-overview.po` and so on for pages."""
    from babel.messages.pofile import read_po

    found: dict[tuple[str, str], str] = {}
    for path in (_FOLDER / f"{locale}.po", *sorted(_FOLDER.glob(f"{locale}-*.po"))):
        with path.open("rb") as file:
            found |= {(message.context or "", str(message.id)): str(message.string) for message in read_po(file) if message.id}
    return found


@cache
def _patterns(locale: str, context: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences of a context that have blanks, in the catalogue's order, each as a pattern of the texts that it may have become."""
    found = []
    for (own, sentence), translated in _catalogue(locale).items():
        if own == context and _BLANK.search(sentence):
            pieces = (f"(?P<{piece}>.+?)" if n % 2 else re.escape(piece) for n, piece in enumerate(_BLANK.split(sentence)))
            found.append((re.compile("".join(pieces)), translated))
    return found
