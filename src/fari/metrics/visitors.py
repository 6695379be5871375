"""Visitors: who came, how often, what they looked at, and who signed up."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure


@measure(
    "visitor_periods", "period", needs="events", dims="channel campaign country device content", adds=False, reach="content", beside="bots internal"
)
def visitors(row: Any) -> Any:
    """Distinct visitors with at least one page view in the period (unique monthly visitors, UMV).

    A visitor is the anonymous id, or the user it was ever identified as; bots and internal people are left out and counted
    beside. By channel each visitor counts once, in the channel of its first visit that was not Direct. Source: the article,
    metric 1; definitions, Visitors.

    >>> from fari.sample import ask
    >>> ask("visitors", "2025-03"), ask("visitors", "2025-03", channel="Paid Search")
    (Decimal('4'), Decimal('2'))
    """
    return (row.kind == "human").ifelse(1, 0)


@measure(
    "visitor_periods",
    "period",
    needs="events",
    dims="channel campaign country device content",
    adds=False,
    reach="content",
    good="neutral",
    listed=False,
)
def bots(row: Any) -> Any:
    """Distinct visitors whose page views were a known bot's; never among the visitors.

    >>> from fari.sample import ask
    >>> ask("bots", "2025-03")
    Decimal('1')
    """
    return (row.kind == "bot").ifelse(1, 0)


@measure(
    "visitor_periods",
    "period",
    needs="events",
    dims="channel campaign country device content",
    adds=False,
    reach="content",
    good="neutral",
    listed=False,
)
def internal(row: Any) -> Any:
    """Distinct visitors who are our own people; never among the visitors.

    >>> from fari.sample import ask
    >>> ask("internal", "2025-03")
    Decimal('1')
    """
    return (row.kind == "internal").ifelse(1, 0)


@measure("visits", "during", needs="events", dims="channel campaign country device landing_page")
def visits(row: Any) -> Any:
    """Sessions of a visitor that began in the period: a new one after more than 30 minutes without a page view.

    By `landing_page` each counts for the page it began on. Source: definitions, Visitors. Not to be confused with visitors (the article).

    >>> from fari.sample import ask
    >>> ask("visits", "2025-03"), ask("visits", "2025-03", landing_page="acme.test/pricing")
    (Decimal('5'), Decimal('1'))
    """
    return (row.kind == "human").ifelse(1, 0)


@measure("visit_days", "during", needs="events", dims="channel campaign country device content")
def pageviews(row: Any) -> Any:
    """Page messages in the period, each in its visit's channel.

    Source: definitions, Visitors.

    >>> from fari.sample import ask
    >>> ask("pageviews", "2025-03"), ask("pageviews", "2025-03", content="pricing")
    (Decimal('7'), Decimal('2'))
    """
    return (row.kind == "human").ifelse(row.views, 0)


@measure("bot_days", "during", needs="events", dims="bot", good="neutral", listed=False)
def bot_pageviews(row: Any) -> Any:
    r"""Page messages of known bots in the period, by the pattern of `crawler-user-agents` that knew the `bot`; never among the page views.

    >>> from fari.sample import ask
    >>> ask("bot_pageviews", "2025-03"), ask("bot_pageviews", "2025-03", bot=r"Googlebot\/")
    (Decimal('1'), Decimal('1'))
    """
    return row.views


@measure("signup_periods", "period", needs="events", dims="channel campaign country persona signup_kind", adds=False)
def signups(row: Any) -> Any:
    """Distinct users who signed up in the period (trial, freemium or paid registration); internal people left out.

    Source: the article, under "other"; definitions, Visitors. The events are `[funnel] signup_events`.

    >>> from fari.sample import ask
    >>> ask("signups", "2025-03"), ask("signups", "2025-03", signup_kind="trial")
    (Decimal('1'), Decimal('1'))
    """
    return row.one


@measure("signup_periods", "period", needs="events", dims="channel campaign country persona signup_kind", adds=False, listed=False)
def signups_converted(row: Any) -> Any:
    """Of the users who signed up in the period, those whose account has become a customer by the data's horizon.

    >>> from fari.sample import ask
    >>> ask("signups_converted", "2025-03")
    Decimal('1')
    """
    return row.converted


@formula(unit="rate", good="up", stage="acquisition")
def visitor_to_signup_rate(signups: Decimal, visitors: Decimal) -> Decimal:
    """Sign-ups per visitor of the same period: signups / visitors.

    Source: definitions, Visitors.

    >>> visitor_to_signup_rate(Decimal(3), Decimal(100))
    Decimal('0.03')
    """
    return signups / visitors


@formula(unit="rate", good="up", stage="acquisition", notes=("of those who signed up in the period, by the data's horizon",))
def signup_to_customer_rate(signups_converted: Decimal, signups: Decimal) -> Decimal:
    """Of the users who signed up in the period, the share whose account has become a customer by the data's horizon (a cohort).

    Source: definitions, Visitors.

    >>> signup_to_customer_rate(Decimal(1), Decimal(4))
    Decimal('0.25')
    """
    return signups_converted / signups
