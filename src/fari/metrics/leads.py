"""Leads: people who entered a stage of the funnel in the period, and how one stage becomes the next."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure

_DIMS = "channel campaign country persona content landing_page"


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content")
def leads(row: Any) -> Any:
    """People who first became a lead in the period: the first instant at stage lead or beyond.

    Internal people are left out, merged people count once. By `landing_page` each counts for the page that its first visit before it became a
    lead began on. Source: definitions, Leads.

    >>> from fari.sample import ask
    >>> ask("leads", "2025-03"), ask("leads", "2025-03", landing_page="acme.test/pricing")
    (Decimal('3'), Decimal('1'))
    """
    return (row.stage == "lead").ifelse(1, 0)


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content")
def mqls(row: Any) -> Any:
    """People who first became a marketing-qualified lead (MQL) in the period; skipped stages are filled in.

    Source: the article, metric 2; definitions, Leads.

    >>> from fari.sample import ask
    >>> ask("mqls", "2025-03")
    Decimal('2')
    """
    return (row.stage == "mql").ifelse(1, 0)


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content")
def sqls(row: Any) -> Any:
    """People who first became a sales-qualified lead (SQL) in the period; skipped stages are filled in.

    Source: the article, metric 3; definitions, Leads.

    >>> from fari.sample import ask
    >>> ask("sqls", "2025-03")
    Decimal('2')
    """
    return (row.stage == "sql").ifelse(1, 0)


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content")
def opportunities(row: Any) -> Any:
    """People who first became an opportunity in the period; skipped stages are filled in.

    Source: definitions, Leads.

    >>> from fari.sample import ask
    >>> ask("opportunities", "2025-03")
    Decimal('1')
    """
    return (row.stage == "opportunity").ifelse(1, 0)


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content", listed=False)
def leads_converted(row: Any) -> Any:
    """Of the people who became leads in the period, those whose account has become a customer by the data's horizon.

    >>> from fari.sample import ask
    >>> ask("leads_converted", "2025-03")
    Decimal('1')
    """
    return (row.stage == "lead").ifelse(row.converted, 0)


@measure("stage_entries", "during", needs="funnel", dims=_DIMS, reach="content", listed=False, good="neutral")
def open(row: Any) -> Any:  # noqa: A001 - the word the parts carry
    """Of the people who became leads in the period, those whose account is no customer yet: the rate can still rise by them.

    >>> from fari.sample import ask
    >>> ask("open", "2025-03")
    Decimal('2')
    """
    return (row.stage == "lead").ifelse(1 - row.converted, 0)


@formula(unit="rate", good="up", stage="acquisition")
def visitor_to_lead_rate(leads: Decimal, visitors: Decimal) -> Decimal:
    """Leads per visitor of the same period: leads / visitors.

    Source: definitions, Leads.

    >>> visitor_to_lead_rate(Decimal(3), Decimal(100))
    Decimal('0.03')
    """
    return leads / visitors


@formula(unit="rate", good="up", stage="acquisition", listed=False)
def visit_to_lead_rate(leads: Decimal, visits: Decimal) -> Decimal:
    """Leads per visit of the same period: leads / visits. By `landing_page` it says which pages to send people to.

    Source: definitions, Leads; web analytics knows it as the conversion rate of sessions.

    >>> visit_to_lead_rate(Decimal(3), Decimal(100))
    Decimal('0.03')
    """
    return leads / visits


@formula(unit="rate", good="up", stage="acquisition")
def lead_to_mql_rate(mqls: Decimal, leads: Decimal) -> Decimal:
    """MQLs per lead of the same period: mqls / leads.

    Source: definitions, Leads.

    >>> lead_to_mql_rate(Decimal(40), Decimal(100))
    Decimal('0.4')
    """
    return mqls / leads


@formula(unit="rate", good="up", stage="acquisition")
def mql_to_sql_rate(sqls: Decimal, mqls: Decimal) -> Decimal:
    """SQLs per MQL of the same period: sqls / mqls.

    Source: definitions, Leads.

    >>> mql_to_sql_rate(Decimal(10), Decimal(40))
    Decimal('0.25')
    """
    return sqls / mqls


@formula(unit="rate", good="up", stage="acquisition")
def sql_to_customer_rate(new_customers: Decimal, sqls: Decimal) -> Decimal:
    """New customers per SQL of the same period: new_customers / sqls.

    Source: definitions, Leads.

    >>> sql_to_customer_rate(Decimal(5), Decimal(10))
    Decimal('0.5')
    """
    return new_customers / sqls


@formula(unit="rate", good="up", stage="acquisition")
def mql_to_customer_rate(new_customers: Decimal, mqls: Decimal) -> Decimal:
    """New customers per MQL of the same period: the article's lead conversion in its words, over *qualified* leads.

    Source: definitions, Leads.

    >>> mql_to_customer_rate(Decimal(10), Decimal(40))
    Decimal('0.25')
    """
    return new_customers / mqls


@formula(unit="rate", good="up", stage="acquisition")
def lead_conversion_rate(new_customers: Decimal, leads: Decimal) -> Decimal:
    """New customers per lead of the same period, the article's arithmetic: new_customers / leads.

    Source: the article, metric 4, the one most voted for: 10 of 200 leads are 5 %.

    >>> lead_conversion_rate(Decimal(10), Decimal(200))
    Decimal('0.05')
    """
    return new_customers / leads


@formula(unit="rate", good="up", stage="acquisition", notes=("of those who became leads in the period, by the data's horizon",))
def lead_conversion_rate_cohort(leads_converted: Decimal, leads: Decimal, open: Decimal) -> Decimal:  # noqa: A002
    """Of the people who became leads in the period, the share whose account has become a customer by the data's horizon.

    How many are still `open` stands in its parts: while they are many, the rate can still rise. Source: definitions, Leads.

    >>> lead_conversion_rate_cohort(Decimal(10), Decimal(100), Decimal(90))
    Decimal('0.1')
    """
    return leads_converted / leads
