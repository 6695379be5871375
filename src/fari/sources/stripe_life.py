"""When a Stripe subscription began, ended and was on trial, paused or overdue: local days, from its states, its events and its invoices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fari.sources.stripe_case import Case, Invoice, Origin
from fari.sources.stripe_lines import minor, subscription_of
from fari.sources.stripe_price import id_of, members, text_of
from fari.sources.stripe_terms import Pricer, items_of

ONGOING = ("active", "trialing", "past_due", "unpaid", "paused", "canceled")
_OVERDUE = ("past_due", "unpaid")
_MENDED_IN = 31
"""An invoice paid within fewer days after it fell due changes nothing that is counted: its subscription was worth its price all the time."""
_SKIPPED = {"void": "void", "keep_as_draft": "draft", "mark_uncollectible": "uncollectible"}
"""By the behaviour of a pause, what becomes of the invoices that come while it lasts."""


@dataclass(frozen=True)
class Span:
    """Days in which something holds, half-open; without an end it still does."""

    since: date
    until: date | None
    origin: Origin

    def holds(self, day: date) -> bool:
        """Whether it holds on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass
class Life:
    """The days of a subscription."""

    since: date
    origin: Origin
    until: date | None = None
    cancelled_on: date | None = None
    trials: list[Span] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    overdue: list[Span] = field(default_factory=list)

    def status(self, day: date) -> tuple[str, date | None]:
        """Its status on a day, and where it is overdue since when."""
        if any(span.holds(day) for span in self.trials):
            return "trialing", None
        if any(span.holds(day) for span in self.pauses):
            return "paused", None
        due = next((span for span in self.overdue if span.holds(day)), None)
        return ("past_due", due.since) if due else ("active", None)

    def spans(self) -> Iterator[Span]:
        """Everything in it that begins and ends."""
        yield from self.trials
        yield from self.pauses
        yield from self.overdue


def life_of(case: Case, pricer: Pricer, since: date) -> Life | None:
    """The days of a subscription of which a state is known; None where it is said to have ended, and on no day."""
    latest = case.points[-1]
    state, origin, day = latest.state, latest.origin, pricer.day
    status = text_of(state.get("status"))
    life = Life(since, origin, day(state.get("ended_at")), day(state.get("canceled_at")))
    if life.until is None and status == "canceled":
        life.until = life.cancelled_on
        if life.until is None:
            pricer.say(origin, f"{case.id} is canceled on no day", "ended_at", mend="export it again", refused=True)
            return None
    elif life.until is None:
        life.until = day(state.get("cancel_at"))
        if life.until is None and state.get("cancel_at_period_end"):
            # Since 2025 a period belongs to the item.
            period = next((holder for holder in (state, *items_of(state)) if holder.get("current_period_end")), state)
            life.until = day(period.get("current_period_end"))
        life.until = life.until or _scheduled_end(case, pricer)
    if life.until and life.cancelled_on and life.cancelled_on < life.until and _paid_back(case, state.get("canceled_at")):
        life.until = max(life.since, life.cancelled_on)
    trials = _trials(case, pricer, life)
    life.trials = [trial for trial in trials if not _is_gift(trial, case, pricer, life)]
    if status == "trialing" and trials and trials[-1] in life.trials:
        ended = trials[-1].until
        if ended is None:
            pricer.say(origin, f"{case.id} is on trial until no day: kept as running", "trial_end", mend="export it again")
        elif life.until is None or life.until > ended:
            # Whether it will ever be paid is not known yet.
            life.until = ended
    life.pauses = [*_paused(case, pricer, life), *_collection_paused(case, pricer)]
    life.overdue = _overdue(case, pricer)
    return life


def _scheduled_end(case: Case, pricer: Pricer) -> date | None:
    """The end of the last phase of a schedule that cancels then."""
    for body, _ in case.schedules:
        if body.get("status") in ("active", "not_started") and body.get("end_behavior") == "cancel":
            ends = [phase.get("end_date") for phase in body.get("phases") or ()]
            return pricer.day(ends[-1]) if ends else None
    return None


def _paid_back(case: Case, instant: object) -> bool:
    """Whether all that was paid for the time of an instant was given back."""
    paid = [invoice for invoice in case.invoices if invoice.counts and isinstance(instant, int) and _is_for(invoice, case.id, instant)]
    return bool(paid) and all(invoice.refunded for invoice in paid)


def _is_for(invoice: Invoice, subscription: str, instant: int) -> bool:
    """Whether an invoice asks money for a period of a subscription that holds this instant."""
    periods = [members(line.get("period")) for line in invoice.lines if subscription_of(line) in (None, subscription) and minor(line) > 0]
    return any(int(period.get("start") or 0) <= instant < int(period.get("end") or 0) for period in periods)


def _is_gift(trial: Span, case: Case, pricer: Pricer, life: Life) -> bool:
    """Whether a trial was set on a subscription that was paid for already: free time for a customer, who goes on being one.

    An invoice paid before says so, else the state before. Where neither is known and it began without a trial, it is taken for one that was paid.
    """
    if trial.since <= life.since:
        return False
    for invoice in case.invoices:
        on = pricer.day(invoice.body.get("created"))
        asked = sum(minor(line) for line in invoice.lines if subscription_of(line) in (None, case.id))
        if invoice.counts and on and on < trial.since and asked > 0:
            return True
    before: Mapping[str, Any] | None = None
    for point in case.points:
        if pricer.day(point.state.get("trial_start")) == trial.since:
            if point.before and pricer.day(point.before.get("trial_start")) != trial.since:
                before = point.before
            break
        before = point.state
    if before is None:
        what = f"{case.id} began before its trial, which is counted as free time of a paying customer"
        pricer.say(trial.origin, what, "trial_start", str(trial.since), "import its events or invoices too, which tell whether it was paid before")
        return True
    return before.get("status") in ("active", "past_due") and any(one.price.amount > 0 for one in pricer.state(before, trial.origin)[0].values())


def _trials(case: Case, pricer: Pricer, life: Life) -> list[Span]:
    """Its trials. One that was made longer or shorter is as it was last known."""
    found: dict[date, Span] = {}
    for point in case.points:
        begun, ended = pricer.day(point.state.get("trial_start")), pricer.day(point.state.get("trial_end"))
        if begun and ended:
            found[begun] = Span(begun, ended, point.origin)
    if not found and case.points[-1].state.get("status") == "trialing":
        found[life.since] = Span(life.since, pricer.day(case.points[-1].state.get("trial_end")), case.points[-1].origin)
    return [found[begun] for begun in sorted(found)]


def _paused(case: Case, pricer: Pricer, life: Life) -> Iterator[Span]:
    """When it was paused: Stripe does that to one whose trial ended without a means of payment."""
    begun: tuple[date, Origin] | None = None
    for point in case.points:
        on = pricer.day(point.at) or life.since
        if point.state.get("status") == "paused":
            ended = pricer.day(point.state.get("trial_end")) or life.since
            begun = begun or (on if point.event and point.before else ended, point.origin)
        elif begun:
            yield Span(begun[0], on, begun[1])
            begun = None
    if begun:
        yield Span(begun[0], None, begun[1])


def _collection_paused(case: Case, pricer: Pricer) -> Iterator[Span]:
    """When its collection was paused. The object does not say since when: an event does, else an earlier state, else the first invoice dropped."""
    begun: tuple[date, Origin] | None = None
    resumes: date | None = None
    before: Mapping[str, Any] | None = None
    for point in case.points:
        on, pause = pricer.day(point.at), members(point.state.get("pause_collection"))
        if pause and begun is None and on:
            told = point.before if point.event else before
            if told is not None and not told.get("pause_collection"):
                begun = on, point.origin
            else:
                begun = _first_dropped(case, pricer, pause)
            if begun is None and point.state.get("status") != "canceled":
                what = f"{case.id} has its collection paused since a day Stripe does not say: kept as {point.state.get('status')}"
                pricer.say(point.origin, what, "pause_collection", mend="give a row with status paused from the day of the pause")
        elif not pause and begun:
            yield Span(begun[0], min(on, resumes) if on and resumes else on, begun[1])
            begun = None
        resumes = pricer.day(pause.get("resumes_at")) if pause else None
        before = point.state
    if begun:
        yield Span(begun[0], resumes, begun[1])


def _first_dropped(case: Case, pricer: Pricer, pause: Mapping[str, Any]) -> tuple[date, Origin] | None:
    """The first invoice since the last paid one of which became what a pause makes of invoices."""
    found = None
    for invoice in case.invoices:
        if invoice.counts:
            found = None
        elif found is None and invoice.body.get("status") == _SKIPPED.get(str(pause.get("behavior"))):
            on = pricer.day(invoice.body.get("created"))
            found = (on, invoice.origin) if on else None
    return found


def _overdue(case: Case, pricer: Pricer) -> list[Span]:
    """When it was overdue: from the day an invoice fell due that was not paid then, until it was."""
    latest = case.points[-1]
    status = latest.state.get("status")
    known_on = pricer.day(latest.at)
    spans = [span for invoice in case.invoices if (span := _unpaid(invoice, pricer, latest.at, ongoing=status in (*_OVERDUE, "canceled")))]
    begun: tuple[date, Origin] | None = None
    for point in case.points:
        on = pricer.day(point.at)
        if point.event and on:
            if point.state.get("status") in _OVERDUE and begun is None:
                begun = on, point.origin
            elif begun and point.state.get("status") not in _OVERDUE:
                spans.append(Span(begun[0], on if point.state.get("status") != "canceled" else None, begun[1]))
                begun = None
    if begun:
        spans.append(Span(begun[0], None if status in _OVERDUE else known_on, begun[1]))
    if status in _OVERDUE and not any(span.until is None for span in spans):
        due = next((day for invoice in case.invoices if id_of(latest.state.get("latest_invoice")) == invoice.body.get("id")
                    and (day := _due(invoice, pricer))), None)  # fmt: skip
        period = next((holder for holder in (latest.state, *items_of(latest.state)) if holder.get("current_period_start")), latest.state)
        due = due or pricer.day(period.get("current_period_start"))
        if due:
            spans.append(Span(due, None, latest.origin))
        else:
            pricer.say(latest.origin, f"{case.id} is {status} since no day: kept as active", "current_period_start", mend="export it again")
    return [span for span in _joined(spans) if span.until is None or (span.until - span.since).days >= _MENDED_IN]


def _due(invoice: Invoice, pricer: Pricer) -> date | None:
    """The day an invoice fell due; one that is charged automatically is due when it is made final."""
    given = (invoice.body.get("due_date"), invoice.moment("finalized"), invoice.body.get("created"))
    return next((day for one in given if (day := pricer.day(one))), None)


def _unpaid(invoice: Invoice, pricer: Pricer, known_at: int, *, ongoing: bool) -> Span | None:
    """The days in which an invoice was due and not paid; None where it was paid in time, or was never due."""
    due, paid = _due(invoice, pricer), pricer.day(invoice.moment("paid"))
    late = bool(due and paid and invoice.body.get("due_date") and paid > due)
    if due is None or not (invoice.failed or late):
        return None
    settled = paid or next((day for name in ("voided", "marked_uncollectible") if (day := pricer.day(invoice.moment(name)))), None)
    if settled is None and not ongoing:
        # The subscription is known to be in order later than the invoice is: it was settled in between.
        settled = pricer.day(max(known_at, invoice.at))
    if settled and ongoing and not paid and invoice.body.get("status") == "uncollectible":
        settled = None
    return Span(due, settled, invoice.origin) if settled is None or due < settled else None


def _joined(spans: list[Span]) -> list[Span]:
    """Spans that touch made one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.since):
        if found and (found[-1].until is None or span.since <= found[-1].until):
            last = found[-1]
            until = None if last.until is None or span.until is None else max(last.until, span.until)
            found[-1] = Span(last.since, until, last.origin)
        else:
            found.append(span)
    return found
