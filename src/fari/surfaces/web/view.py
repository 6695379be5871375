"""A view: what a page shows, all of it from the URL, so that the back button, a bookmark and a colleague see the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import quote, urlencode

from fari.engine.periods import GRAINS
from fari.errors import UsageError, did_you_mean
from fari.metrics.kinds import DIMENSIONS
from fari.surfaces.asking import Asked
from fari.surfaces.words import LOCALES

Where = tuple[tuple[str, tuple[str, ...]], ...]
THEMES = ("light", "dark")
LONGEST = 500
"""Letters of one parameter."""
SAID = {
    "period": "The period: 2026, 2026-Q3, 2026-10, 2026-W41 or 2026-10-31. The last whole month if none is given.",
    "since": "First period of the history.",
    "until": "Last period of the history, included.",
    "grain": f"How the history is cut: {', '.join(GRAINS)}.",
    "compare": "What the period is compared with: previous, year, weekdays or a period; two with a comma between.",
    "by": "Dimensions to split by, with commas between.",
    "rules": "Whose definitions are used: a preset, or one with single choices, such as fari with past_due_days = 60.",
    "as_of": "As it was known at the end of that day.",
    "sort": "The column a table is sorted by; with a minus before it, the largest first.",
    "page": "Which page of a long list.",
    "input": "Of a formula, the input whose rows are listed.",
    "figure": "A figure from elsewhere, such as the billing tool's MRR, to be explained by rules.",
    "change": "What-if changes such as customer_churn_rate=3%.",
    "lang": "Language: en or it.",
    "theme": "light or dark; the reader's own if none is given.",
    "hide": "1 hides all values, for screenshots.",
}
"""What each parameter of a URL means; dimensions beside them are filters."""
NAMES = {"since": "from", "until": "to"}
"""Parameters whose names are words of Python's."""


@dataclass(frozen=True)
class View:
    """A page's path and everything that stands after its question mark."""

    path: str = "/"
    period: str = ""
    since: str = ""
    until: str = ""
    grain: str = ""
    compare: str = ""
    by: str = ""
    rules: str = ""
    as_of: str = ""
    sort: str = ""
    page: str = ""
    input: str = ""
    figure: str = ""
    change: str = ""
    lang: str = ""
    theme: str = ""
    hide: str = ""
    where: Where = ()

    @property
    def number(self) -> int:
        """Which page of a list, from 1."""
        return int(self.page or 1)

    def but(self, **changes: str | Where) -> "View":
        """The same view with some of it otherwise; another list begins at its first page.

        >>> View("/metrics/mrr", period="2026-10", page="3").but(compare="year").url
        '/metrics/mrr?period=2026-10&compare=year'
        """
        return replace(self, **{"page": "", **changes})  # type: ignore[arg-type]

    def at(self, path: str, **changes: str | Where) -> "View":
        """Another page with the same period, comparison and filters; what only this page knows is dropped."""
        return self.but(**{"path": path, "by": "", "sort": "", "change": "", "input": "", "figure": "", "since": "", "until": "", **changes})

    def keeping(self, dimension: str, value: str) -> "View":
        """Narrowed to a segment.

        >>> View("/").keeping("channel", "Paid Search").keeping("plan", "Pro").url
        '/?channel=Paid+Search&plan=Pro'
        """
        others = tuple((name, values) for name, values in self.where if name != dimension)
        return self.but(where=(*others, (dimension, (value,))))

    def without(self, dimension: str, value: str) -> "View":
        """With one filter taken off."""
        left = ((name, tuple(v for v in values if (name, v) != (dimension, value))) for name, values in self.where)
        return self.but(where=tuple((name, values) for name, values in left if values))

    def sorted_by(self, column: str) -> "View":
        """Sorted by a column: the largest first, then the other way round."""
        return self.but(sort=column if self.sort == f"-{column}" else f"-{column}")

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Each filter as (dimension, value)."""
        return [(dimension, value) for dimension, values in self.where for value in values]

    @property
    def params(self) -> list[tuple[str, str]]:
        """What stands after the question mark."""
        own = [(NAMES.get(name, name), str(getattr(self, name))) for name in SAID if getattr(self, name)]
        return [*own, *self.filters]

    @property
    def url(self) -> str:
        """The view's address."""
        return address(self.path, self.params)

    def data(self, kind: str) -> str:
        """The address of its data: `json` or `csv`."""
        shown = [(name, value) for name, value in self.params if name not in ("lang", "theme", "hide")]
        return address(f"{'/overview' if self.path == '/' else self.path}.{kind}", shown)

    def asked(self, *names: str) -> Asked:
        """The same as typed on the command line, so that both are read by the same code."""
        where = tuple(f"{dimension}={value}" for dimension, value in self.filters)
        return Asked(
            names, self.since or None, self.until or None, self.grain or None, self.compare or None, self.by or None, where, self.rules or None,
            as_of=self.as_of or None,
        )  # fmt: skip


def address(path: str, params: Iterable[tuple[str, str]]) -> str:
    """A path with its parameters."""
    query = urlencode(list(params))
    return quote(path, safe="/.~") + (f"?{query}" if query else "")


def read(path: str, params: Iterable[tuple[str, str]]) -> View:
    """The view of a URL; UsageError of a parameter that none of Fari's pages knows, or a word that cannot be right.

    >>> read("/", [("channel", "Email"), ("period", "2026-10")]).where
    (('channel', ('Email',)),)
    >>> read("/", [("chanel", "Email")])
    Traceback (most recent call last):
    fari.errors.UsageError: unknown parameter 'chanel'; did you mean 'channel'?
    """
    known = {NAMES.get(field.name, field.name): field.name for field in fields(View) if field.name in SAID}
    given: dict[str, Any] = {}
    where: dict[str, list[str]] = {}
    for name, value in params:
        if not value.isprintable() or len(value) > LONGEST:
            raise UsageError(f"{name} holds what cannot be typed, or is longer than {LONGEST} letters")
        if name in DIMENSIONS:
            if value:
                where.setdefault(name, []).append(value)
        elif name in known:
            given[known[name]] = ",".join([*([given[known[name]]] if given.get(known[name]) and name in ("by", "change") else []), value.strip()])
        else:
            raise UsageError(f"unknown parameter {name!r}{did_you_mean(name, (*known, *DIMENSIONS))}")
    view = View(path, where=tuple((name, tuple(dict.fromkeys(values))) for name, values in where.items()), **given)
    _check(view, {"lang": LOCALES, "theme": THEMES, "hide": ("1",)})
    if view.page and not (view.page.isascii() and view.page.isdigit() and 0 < int(view.page) < 1_000_000):
        raise UsageError(f"page is a number from 1 on, not {view.page!r}")
    view.asked().check()
    return view


def _check(view: View, words: Mapping[str, tuple[str, ...]]) -> None:
    for name, allowed in words.items():
        value = getattr(view, name)
        if value and value not in allowed:
            raise UsageError(f"{name} is {' or '.join(allowed)}, not {value!r}")
