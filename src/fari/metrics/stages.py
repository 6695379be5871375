"""Stages lived through: how long people stay in one, how long a sale takes, and whom sales sends back."""

from decimal import Decimal
from typing import Any

from fari.metrics.kinds import formula, measure

_PERSON = "channel campaign country persona"
_ACCOUNT = "channel campaign plan country persona currency cohort term"
_NO_LEAD = "of customers of whose people none is known to have been a lead before"


@measure("stage_stays", "during", needs="funnel", dims=f"{_PERSON} stage days", unit="days", good="neutral", listed=False)
def stage_days(row: Any) -> Any:
    """Days that people who moved on in the period had been in the stage they left, added up.

    >>> from fari.sample import ask
    >>> ask("stage_days", "2025-03"), ask("stage_days", "2025-03", stage="lead")
    (Decimal('27'), Decimal('14'))
    """
    return row.waited


@measure("stage_stays", "during", needs="funnel", dims=f"{_PERSON} stage days", good="up", listed=False)
def stages_left(row: Any) -> Any:
    """How often someone moved on in the period from a stage it had been in, to a later one or by becoming a customer.

    >>> from fari.sample import ask
    >>> ask("stages_left", "2025-03"), ask("stages_left", "2025-03", stage="lead")
    (Decimal('2'), Decimal('1'))
    """
    return row.one


@formula(unit="days", good="down", stage="acquisition", notes=("of those who moved on in the period; who still waits is not in it",))
def days_in_stage(stage_days: Decimal, stages_left: Decimal) -> Decimal:
    """Mean time in a stage of those who moved on from it in the period, in days: stage_days / stages_left.

    From the local day someone came to the stage to the one it reached a later stage or its account became a customer. A stage that was
    skipped counts for nothing; split by `stage` it says where leads wait. Source: definitions, Leads; HubSpot and Salesforce report the same as
    (average) time in stage.

    >>> days_in_stage(Decimal(27), Decimal(2))
    Decimal('13.5')
    """
    return stage_days / stages_left


@measure("sales_cycles", "during", needs="customers", dims=f"{_ACCOUNT} days", unit="days", good="neutral", listed=False, left_out=_NO_LEAD)
def cycle_days(row: Any) -> Any:
    """Days from the first of its people becoming a lead to the account becoming a customer, of those won in the period, added up.

    >>> from fari.sample import ask
    >>> ask("cycle_days", "2025-03")
    Decimal('34')
    """
    return row.waited


@measure("sales_cycles", "during", needs="funnel", dims=f"{_ACCOUNT} days", listed=False, left_out=_NO_LEAD)
def cycles(row: Any) -> Any:
    """New customers of the period one of whose people is known to have been a lead before.

    >>> from fari.sample import ask
    >>> ask("cycles", "2025-03")
    Decimal('2')
    """
    return row.one


@formula(unit="days", good="down", stage="acquisition")
def sales_cycle_days(cycle_days: Decimal, cycles: Decimal) -> Decimal:
    """Mean length of the sales cycle of those won in the period, in days from lead to customer: cycle_days / cycles.

    From the local day the first of the account's people became a lead to its first paid day. New customers without a known lead are left
    out, and counted. Source: definitions, Leads.

    >>> sales_cycle_days(Decimal(34), Decimal(2))
    Decimal('17')
    """
    return cycle_days / cycles


@measure("rejections", "during", needs="funnel", dims=f"{_PERSON} rejection_reason", good="down")
def rejections(row: Any) -> Any:
    """Times in the period that someone was sent back as no fit: the stage `rejected`, by the reason given.

    Source: definitions, Leads. Someone rejected twice counts twice; merged people who are rejected in one instant count once.

    >>> from fari.sample import ask
    >>> ask("rejections", "2025-03"), ask("rejections", "2025-03", rejection_reason="too small")
    (Decimal('1'), Decimal('1'))
    """
    return (row.verdict == "rejected").ifelse(1, 0)


@measure("rejections", "during", needs="funnel", dims=f"{_PERSON} rejection_reason", good="neutral")
def recycled(row: Any) -> Any:
    """Times in the period that someone was sent back to be nurtured: the stage `recycled`, by the reason given.

    Source: definitions, Leads.

    >>> from fari.sample import ask
    >>> ask("recycled", "2025-03")
    Decimal('0')
    """
    return (row.verdict == "recycled").ifelse(1, 0)


@measure("rejections", "during", needs="funnel", dims=_PERSON, good="neutral", listed=False)
def sent_back(row: Any) -> Any:
    """Rejections and recycled together, whatever the reason.

    >>> from fari.sample import ask
    >>> ask("sent_back", "2025-03")
    Decimal('1')
    """
    return row.one


@formula(unit="rate", good="up", stage="acquisition", notes=("only as good as sales records whom it sends back",))
def acceptance_rate(sqls: Decimal, sent_back: Decimal) -> Decimal:
    """Of what sales decided on in the period the share that it accepted: sqls / (sqls + sent_back).

    Source: definitions, Leads. What waits for a decision is in neither.

    >>> acceptance_rate(Decimal(30), Decimal(10))
    Decimal('0.75')
    """
    return sqls / (sqls + sent_back)
