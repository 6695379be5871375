"""Accounts at risk: customers of the data's last day of whom something says that they may leave or pay less, each with its evidence.

There is no score. An account stands where the MRR at stake puts it, and every piece of evidence is a dated row with its origin.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fari.engine import evidence
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.due import due, last_day
from fari.engine.opened import filtered
from fari.engine.periods import Period, day_of, number
from fari.facts.words import FOREVER
from fari.rules import Rules

KINDS = {
    "cancelled": "set to cancel",
    "past_due": "a payment is past due",
    "paused": "a subscription is paused",
    "quiet": "no visit for 30 days or more by any of its people, who had come since it is a customer",
    "feedback": "a reason for leaving, an NPS of 6 or less or a low CSAT in the last 90 days",
    "contraction": "MRR fell in the last 90 days",
    "renewal": "a term longer than a month ends in the next 60 days",
}
"""The kinds of evidence, what is surest to come first."""
LATELY, QUIET, SOON = 90, 30, 60
"""Days back in which feedback and contractions count; without a visit; ahead in which a renewal counts."""
DETRACTOR = 6
"""The highest NPS of a detractor. Source: Reichheld 2003."""
LOW_CSAT = 2
"""A satisfaction of this or less is low on any scale that goes to 5 or further."""
_BAD = ("bad", "unsatisfied", "dissatisfied", "negative")


@dataclass(frozen=True)
class Evidence:
    """One thing that says so."""

    kind: str
    """One of `KINDS`."""
    day: date
    """When: of the click, the unpaid invoice, the pause, the last visit, what was said, the fall; of a renewal the last day paid for."""
    mrr: Decimal
    """The MRR it puts at stake: the subscription's, else all of the account's."""
    origin: str | None
    subscription: str | None = None
    days: int | None = None
    """Days overdue, or without a visit."""
    until: date | None = None
    """First day on which the terms hold no more, or from which what is past due counts no more."""
    amount: Decimal | None = None
    """By how much MRR fell, or what a paused subscription would be worth."""
    said: str | None = None
    """What kind of feedback, and the value given."""


@dataclass(frozen=True)
class Exposed:
    """An account with what speaks against its staying."""

    account: str
    channel: str
    plan: str
    mrr: Decimal
    at_stake: Decimal
    """MRR of the subscriptions that the evidence is about, each once; all of the account's where any is about the account as a whole."""
    evidence: tuple[Evidence, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of evidence there are."""
        found = {one.kind for one in self.evidence}
        return tuple(kind for kind in KINDS if kind in found)


@dataclass(frozen=True)
class Exposure:
    """The accounts at risk on a day, the most MRR at stake first."""

    day: date
    currency: str
    rules: Rules
    where: tuple[tuple[str, tuple[str, ...]], ...]
    customers: int
    """All there are, at risk or not."""
    mrr: Decimal
    at_stake: Decimal
    accounts: tuple[Exposed, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The list as a JSON object (Decimals and dates are left to the writer)."""
        return {
            "day": self.day, "currency": self.currency, "rules": self.rules.label, "where": {name: list(values) for name, values in self.where},
            "customers": self.customers, "mrr": self.mrr, "at_stake": self.at_stake,
            "accounts": [
                {
                    "account": one.account, "channel": one.channel, "plan": one.plan, "mrr": one.mrr, "at_stake": one.at_stake,
                    "evidence": [plain(piece) for piece in one.evidence],
                }
                for one in self.accounts
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def plain(one: Evidence) -> dict[str, Any]:
    """A piece of evidence as a flat row."""
    return {
        "kind": one.kind, "day": one.day, "subscription_id": one.subscription, "mrr": one.mrr, "days": one.days, "until": one.until,
        "amount": one.amount, "said": one.said, "origin": one.origin,
    }  # fmt: skip


def exposure(asker: Asker, question: Question) -> Exposure:
    """The accounts at risk on the data's last day; the question's filters, as-of and rules hold, its metrics and periods are not looked at.

    Ranked by the MRR at stake, then by how many kinds of evidence there are, then by the kinds. Source: definitions, Renewals due and
    accounts at risk. FariError where no source covers subscriptions.
    """
    horizon = last_day(asker, question)
    covered, builder = asker.state(question.as_of, question.rules)
    for fact in ("levels", "running", "account_feedback"):
        asker.fact_schema(fact, builder)
    day = number(horizon)
    customers = evidence.customers(day, filtered(dict(question.where), asker.engine.text))
    told = {account: (channel, plan_, Decimal(mrr)) for account, channel, plan_, mrr, _ in asker.engine.run(customers)}
    worth = {account: mrr for account, (_, _, mrr) in told.items()}
    found: dict[str, list[Evidence]] = defaultdict(list)
    for account, one in (*_of_subscriptions(asker, customers, day), *_of_accounts(asker, customers, day, worth)):
        found[account].append(one)
    notes = []
    if covered.holds("events", Period(horizon - timedelta(days=QUIET - 1), horizon + timedelta(days=1)), None):
        for fact in ("members", "visits", "carried_visits", "visit_pages"):
            asker.fact_schema(fact, builder)
        for account, seen, origin in asker.engine.run(evidence.quiet(customers, day, QUIET)):
            found[account].append(Evidence("quiet", day_of(seen), worth[account], origin, days=day - seen))
    else:
        notes.append(f"who has gone quiet is not known: no source covers events in all of the {QUIET} days up to {horizon}")
    for account, one in _renewing(asker, question, horizon):
        if account in told:
            found[account].append(one)
    order = list(KINDS)
    accounts = []
    for account, pieces in found.items():
        pieces.sort(key=lambda one: (order.index(one.kind), -one.day.toordinal(), one.subscription or "", one.origin or ""))
        channel, plan_, mrr = told[account]
        accounts.append(Exposed(account, channel, plan_, mrr, _at_stake(pieces, mrr), tuple(pieces)))
    accounts.sort(key=lambda one: (-one.at_stake, -len(one.kinds), [order.index(kind) for kind in one.kinds], one.account))
    company = asker.ledger.company
    builder.finish()
    return Exposure(
        horizon, company.currency, question.rules or company.rules, question.where, len(told), sum(worth.values(), start=Decimal(0)),
        sum((one.at_stake for one in accounts), start=Decimal(0)), tuple(accounts), tuple(notes),
    )  # fmt: skip


def poor(kind: str, value: str) -> bool:
    """Whether what a customer said speaks against its staying. A score that is no number, and no word that is known, does not.

    >>> poor("nps", "6"), poor("nps", "7"), poor("csat", "Bad"), poor("csat", "2"), poor("csat", "4"), poor("churn_reason", "price")
    (True, False, True, True, False, True)
    """
    if kind == "churn_reason":
        return bool(value.strip())
    if value.strip().lower() in _BAD:
        return True
    try:
        return Decimal(value.strip()) <= (DETRACTOR if kind == "nps" else LOW_CSAT)
    except ArithmeticError:
        return False


def _at_stake(pieces: list[Evidence], mrr: Decimal) -> Decimal:
    if any(one.subscription is None or one.kind == "paused" for one in pieces):
        return mrr
    return min(mrr, sum({one.subscription: one.mrr for one in pieces}.values(), start=Decimal(0)))


def _of_subscriptions(asker: Asker, customers: str, day: int) -> Iterator[tuple[str, Evidence]]:
    """Those set to cancel, past due and paused."""
    for row in asker.engine.run(evidence.subscriptions(customers, day)):
        account, subscription, status, counts, value, price, starts, ends, cancelled, overdue, lapses, origin = row
        until = day_of(ends) if ends < FOREVER else None
        if counts and cancelled is not None and cancelled <= day:
            yield account, Evidence("cancelled", day_of(cancelled), Decimal(value), origin, subscription, until=until)
        if counts and status == "past_due":
            lapse = None if lapses is None else day_of(lapses)
            yield account, Evidence("past_due", day_of(overdue), Decimal(value), origin, subscription, max(day - overdue, 0), lapse)
        if status == "paused":
            yield account, Evidence("paused", day_of(starts), Decimal(value), origin, subscription, until=until, amount=Decimal(price))


def _of_accounts(asker: Asker, customers: str, day: int, worth: dict[str, Decimal]) -> Iterator[tuple[str, Evidence]]:
    """What was said, and whose MRR fell."""
    for account, kind, value, on, origin in asker.engine.run(evidence.feedback(customers, day - LATELY, day)):
        if poor(kind, value):
            yield account, Evidence("feedback", day_of(on), worth[account], origin, said=f"{kind}: {value}")
    for account, on, amount, origin in asker.engine.run(evidence.contractions(customers, day - LATELY, day)):
        yield account, Evidence("contraction", day_of(on), worth[account], origin, amount=Decimal(amount))


def _renewing(asker: Asker, question: Question, horizon: date) -> Iterator[tuple[str, Evidence]]:
    """The next renewal of each subscription that counts."""
    soon = Period(horizon + timedelta(days=1), horizon + timedelta(days=SOON + 1))
    seen = set()
    # The filters are the accounts', not the subscriptions': whose plan is not the account's main one is at stake all the same.
    for row in due(asker, Question((), (), as_of=question.as_of, rules=question.rules), horizon, soon):
        if row.mrr and row.starts_on <= horizon and row.subscription not in seen:
            seen.add(row.subscription)
            yield row.account, Evidence("renewal", row.day, row.mrr, row.origin, row.subscription, until=row.ends_on)
