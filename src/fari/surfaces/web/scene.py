"""A scene: one state of the company, seen through one view by one reader. What a page is made of."""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from fari.company import Company
from fari.engine.answer import Answer, Number, Question
from fari.engine.ask import Asker, Cover, defaults, has
from fari.engine.compare import bases, like_for_like, pairs
from fari.engine.periods import Period, containing, cut
from fari.errors import FariError
from fari.ledger.tries import Try, tries
from fari.metrics import METRICS, listed
from fari.surfaces import asking
from fari.surfaces import format as numbers
from fari.surfaces.project import today
from fari.surfaces.web.access import ANYONE, Reader
from fari.surfaces.web.annotations import Annotation, annotations
from fari.surfaces.web.view import View
from fari.surfaces.words import Words

if TYPE_CHECKING:
    from fari.surfaces.web.site import Site

T = TypeVar("T")
VOTED = ("lead_conversion_rate", "mrr", "visitors", "customer_churn_rate", "clv", "mqls", "cac", "sqls")
"""The metrics that marketers voted for, in the order of the vote (the article)."""
BESIDE = ("signups", "pipeline_value", "share_of_search", "acquisition_spend")
"""Those that stand beside them on the overview."""
HIDDEN = "•••"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """One state of the company through one view: what a page is made of."""

    site: "Site"
    view: View
    said: Words
    company: Company
    covered: Cover
    version: Hashable
    whole: bool = False
    """Whether what takes long is waited for, as a file or a program needs it."""
    reader: Reader = ANYONE
    """Who asks, and what they may do."""

    @cached_property
    def today(self) -> date:
        """The day it is in the company's zone."""
        return today(self.company)

    @cached_property
    def tries(self) -> tuple[Try, ...]:
        """What became of the last attempt to read each source that can be asked itself."""
        return tries(self.site.ledger)

    @property
    def empty(self) -> bool:
        """Whether nothing is imported."""
        return self.covered.horizon is None

    @cached_property
    def period(self) -> Period:
        """The period asked about; the last whole month of data if none is."""
        fiscal = self.company.fiscal_year_start
        if self.view.period:
            return asking.named(self.view.period, fiscal)
        usual = defaults(self.covered)
        if usual is None:
            raise FariError(asking.NOTHING_IMPORTED)
        return cut(*usual, "month", fiscal)[-1]

    @cached_property
    def other(self) -> Period:
        """The period it is compared with, like for like; the first, where there are two."""
        return self.others[0]

    @cached_property
    def others(self) -> list[Period]:
        """All that it is compared with, like for like."""
        whole = [pairs([self.period], base, self.company.fiscal_year_start) for base in bases(self.against)]
        return [like_for_like([self.period], one, self.covered.horizon)[self.period] for one in whole]

    @property
    def against(self) -> str:
        """What the view compares with, as it is typed."""
        return self.view.compare or "previous"

    @cached_property
    def history(self) -> tuple[Period, ...]:
        """The periods of the history: up to the one asked about, thirteen of its grain, or those that the view names."""
        fiscal, view = self.company.fiscal_year_start, self.view
        grain = asking.grain_of(view.grain or None) or self.period.grain
        if view.since or view.until:
            return asking.stretch(self.covered, view.since or None, view.until or None, grain, fiscal).periods
        many = {"day": 60, "week": 53, "month": 25, "quarter": 13, "year": 6, "total": 1}[grain]
        found = [containing(self.period.until - _DAY, grain, fiscal)]
        while len(found) < many and self.covered.since and found[-1].since > self.covered.since:
            found.append(containing(found[-1].since - _DAY, grain, fiscal))
        return tuple(reversed(found))

    def question(self, *metrics: str, periods: Sequence[Period] = (), by: tuple[str, ...] = ()) -> Question:
        """A question about the view's period and segment."""
        asked = self.view.asked()
        return Question(metrics, tuple(periods) or (self.period,), by, self.view.where, asked.day_known(), self.today, asked.ruled())

    def fits(self, metric: str, by: Sequence[str] = ()) -> bool:
        """Whether a metric has the dimensions that the view filters by, and these."""
        return has(metric, [*by, *(dimension for dimension, _ in self.view.where)])

    def ask(self, *metrics: str, periods: Sequence[Period] = (), by: tuple[str, ...] = ()) -> list[Answer]:
        """Answers, without those metrics that lack a dimension filtered by."""
        question = self.question(*(name for name in metrics if self.fits(name, by)), periods=periods, by=by)
        return self.kept("ask", question, make=lambda asker: asker.ask(question)) if question.metrics else []

    def over_time(self, dimension: str, *metrics: str) -> list[Answer]:
        """Answers over the history by segment; a segment that is known at any time is answered for at all, so that a gap is seen."""
        first = self.ask(*metrics, periods=self.history, by=(dimension,))
        if not first:
            return []
        found = tuple(sorted({(answer.segment[dimension],) for answer in first}))
        names = tuple(dict.fromkeys(answer.metric for answer in first))
        question = replace(self.question(*names, periods=self.history, by=(dimension,)), segments=found)
        return self.kept("ask", question, make=lambda asker: asker.ask(question))

    def compare(self, *metrics: str, by: tuple[str, ...] = ()) -> list[Answer]:
        """Answers of the period, each with the value compared with."""
        from fari.engine.compare import compare

        question = self.question(*(name for name in metrics if self.fits(name, by)), by=by)
        return self.kept("compare", question, self.against, make=lambda asker: compare(asker, question, self.against)) if question.metrics else []

    def judged(self, *metrics: str, level: float = 0.9) -> list[Answer] | None:
        """The same with bounds, and whether each change is real; None as long as that is being worked out.

        Every figure is judged among those of the overview, so that it has one verdict on all pages.
        """
        from fari.insight.intervals import bounded, sample_of
        from fari.insight.noise import judged

        core = [name for name in (*VOTED, *BESIDE) if self.fits(name)]
        others = [name for name in dict.fromkeys(metrics) if name not in core and self.fits(name)]
        question = self.question(*core, *others)
        answers = self.compare(*core, *others)
        # A page of others shows their bounds alone; where it shows the overview's, these are the same as there.
        wanted = {*metrics} if others else {*core}

        def make(asker: Asker) -> list[Answer]:
            sample = sample_of(asker, question, answers)
            bounds = {one.metric: one for one in bounded(sample, [answer for answer in answers if answer.metric in wanted], level)}
            return judged(sample, [bounds.get(answer.metric, answer) for answer in answers], core)

        found = self.later("judged", question, tuple(sorted(wanted)), *self.others, level, make=make) if answers else []
        return None if found is None else [one for name in metrics for one in found if one.metric == name]

    def goals(self) -> dict[str, Decimal]:
        """The goals of the period by metric, in the segment looked at: of the company, or of one channel."""
        return {metric: value for month, metric, value in self._targets() if (month.since, month.until) == (self.period.since, self.period.until)}

    def goals_of(self, metric: str) -> list[tuple[Period, Decimal]]:
        """A metric's goals by month."""
        return [(month, value) for month, name, value in self._targets() if name == metric]

    def noted(self, metric: str) -> list[tuple[date, str]]:
        """What people noted of days in the history, of this metric or of all."""
        return [(one.day, one.text) for one in self.notes(metric)]

    def notes(self, metric: str) -> list[Annotation]:
        """The same with who noted it and when."""
        return annotations(self.site.desk, metric, self.history[0].since, self.history[-1].until)

    def _targets(self) -> list[tuple[Period, str, Decimal]]:
        from fari.insight.goals import targets

        question = self.question()
        channel = next((values[0] for dimension, values in self.view.where if dimension == "channel" and len(values) == 1), None)
        if any(dimension != "channel" for dimension, _ in self.view.where):
            return []
        rows = self.kept("targets", question.as_of, make=lambda asker: targets(asker, question))
        return [(month, metric, value) for month, metric, of, value in rows if of == channel]

    def kept(self, *key: Hashable, make: Callable[[Asker], T]) -> T:
        """A result that is kept as long as nothing changes."""
        return self.site.kept((self.version, *key), make)

    def later(self, *key: Hashable, make: Callable[[Asker], T]) -> T | None:
        """A result that takes long: None at first, unless it is waited for."""
        return (self.site.wait if self.whole else self.site.later)((self.version, *key), make)

    def tried(self, *key: Hashable, make: Callable[[Asker], T]) -> T | str | None:
        """The same of what may be refused: then why, as text."""

        def try_(asker: Asker) -> T | str:
            try:
                return make(asker)
            except FariError as error:
                return str(error)

        found = self.later(*key, make=try_)
        return self.said.note(found) if isinstance(found, str) else found

    def _hidden(self, text: str) -> str:
        return HIDDEN if self.view.hide and text != numbers.NOTHING else text

    def value(self, value: Number | None, unit: str, currency: str | None = None) -> str:
        """A number as this reader sees it."""
        currency = currency or (self.company.currency if unit == "money" else None)
        return self._hidden(numbers.shown(value, unit, currency, self.said.locale))

    def bound(self, value: Number, unit: str, currency: str | None = None) -> str:
        """A bound of an interval: of a count whole, since nobody counts halves."""
        return self.value(round(value) if unit == "count" else value, unit, currency)

    def shown(self, answer: Answer) -> str:
        """An answer's value as this reader sees it."""
        return self.value(answer.value, answer.unit, answer.currency)

    def undefined(self, answer: Answer) -> str:
        """Why an answer has no value."""
        return self.said.note(answer.notes[0]) if answer.notes else ""

    def exact(self, value: Number | None) -> str:
        """All digits of a value."""
        return numbers.NOTHING if value is None else self._hidden(numbers.exact(value))

    def money(self, value: Number) -> str:
        """An amount with all its cents."""
        return self._hidden(numbers.money(Decimal(value), self.company.currency, self.said.locale, whole=True))

    def change(self, answer: Answer) -> str:
        """What changed, in percent or points."""
        return self._hidden(numbers.change(answer, self.said.locale))

    def difference(self, value: Number, unit: str, signed: bool = True) -> str:
        """A difference in the unit itself."""
        return self._hidden(numbers.difference(value, unit, self.company.currency if unit == "money" else None, self.said.locale, signed))

    def sentence(self, text: str) -> str:
        """A sentence that has numbers in it."""
        return re.sub(r"\d[\d.,]*", "•", text) if self.view.hide else text

    def name(self, one: Period) -> str:
        """A period as people speak of it."""
        return self.said.period(one, self.company.fiscal_year_start)

    def short(self, one: Period) -> str:
        """A period beside the one looked at, as briefly as can be."""
        return self.said.short(one, self.period, self.company.fiscal_year_start)

    def typed(self, one: Period) -> str:
        """A period as it is typed."""
        return numbers.period(one, self.company.fiscal_year_start)

    def but(self, **changes: Any) -> "Scene":
        """The same company through another view."""
        return replace(self, view=self.view.but(**changes))


def all_metrics() -> list[str]:
    """Every metric that has a page: those listed first, then the parts they are made of."""
    first = listed()
    return [*first, *(name for name in METRICS if name not in first)]
