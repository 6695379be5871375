"""Stages lived through: how long people stayed in each, how long a sale took, and whom sales sent back."""

import ibis
from ibis.expr.types import Table

from fari.facts.words import NO_REASON, NOT_SET, UNATTRIBUTED, settled

CUSTOMER = 5
"""The rank of the last stage (fari.facts.funnel)."""
_OF_PERSON = {"channel": UNATTRIBUTED, "campaign": NOT_SET, "country": NOT_SET, "persona": NOT_SET}
"""What is known of a person, and the word for what is not."""


def reached(first_entries: Table) -> Table:
    """One row per person and instant at which it came further: the stage it then was in, passing over those it skipped."""
    furthest = ibis.row_number().over(ibis.window(group_by=["person", "at"], order_by=first_entries.stage_rank.desc()))
    rows = first_entries.mutate(nth=furthest)
    return rows.filter(rows.nth == 0).select("person", "stage", "stage_rank", "at", "day", "origin")


def stage_stays(reached: Table, members: Table, customer_starts: Table, person_touches: Table) -> Table:
    """One row per person and stage that it was in and has left: for the next that it reached, or because its account became a customer.

    `days` are from the local day it came to the one it left on (`day`). A stage that was skipped has no row, and what a CRM says of one who is
    a customer already has none.
    """
    order = ibis.window(group_by="person", order_by=reached.stage_rank)
    rows = reached.mutate(
        next_stage=reached.stage.lead(1).over(order), next_day=reached.day.lead(1).over(order), next_origin=reached.origin.lead(1).over(order)
    )
    own = settled(members).inner_join(customer_starts, members.account == customer_starts.account)
    won = own.group_by(winner=own.person).aggregate(won_day=own.first_day.min())
    rows = settled(rows).left_join(won, rows.person == won.winner)
    rows = rows.filter((rows.stage_rank < CUSTOMER) & (rows.won_day.isnull() | (rows.day <= rows.won_day)))
    by_winning = rows.won_day.notnull() & (rows.next_day.isnull() | (rows.won_day <= rows.next_day))
    rows = rows.mutate(
        left_day=by_winning.ifelse(rows.won_day, rows.next_day),
        to_stage=by_winning.ifelse("customer", rows.next_stage),
        left_origin=by_winning.ifelse(rows.origin, rows.next_origin),
    )
    left = rows.filter(rows.left_day.notnull())
    days = (left.left_day - left.day).cast("int64")
    made = left.select(
        "person",
        "stage",
        "to_stage",
        waited=days,
        days=days.cast("string"),
        one=ibis.literal(1, "int64"),
        entered_day=left.day,
        day=left.left_day.cast("int32"),
        origin=left.left_origin,
    )
    return _with_person(made, person_touches)


def sales_cycles(levels: Table, customer_starts: Table, reached: Table, members: Table) -> Table:
    """One row per account on the day it became a customer, with the days since the first of its people had become a lead.

    One whose people are not known to have been leads before is left out: nobody can tell when its sale began.
    """
    new = levels.filter(levels.movement == "new")
    about = ("account", "channel", "campaign", "rule", "country", "persona", "plan", "currency", "cohort", "term")
    new = settled(new.select(*about, day=new.from_day, origin=new.origin))
    starts = customer_starts.select(s_account=customer_starts.account, first_day=customer_starts.first_day)
    new = new.inner_join(starts, [new.account == starts.s_account, new.day == starts.first_day]).select(*new.columns)
    leads = reached.filter(reached.stage_rank < CUSTOMER).select(lead=reached.person, lead_day=reached.day)
    known = settled(members).inner_join(leads, members.person == leads.lead)
    known = settled(known.select(l_account=known.account, lead_day=known.lead_day))
    known = known.inner_join(starts, known.l_account == starts.s_account)
    known = known.filter(known.lead_day <= known.first_day)
    known = known.group_by("l_account").aggregate(lead_day=known.lead_day.min())
    rows = settled(new).left_join(known, new.account == known.l_account)
    timed = rows.lead_day.notnull()
    days = timed.ifelse(rows.day - rows.lead_day, 0).cast("int64")
    return rows.select(
        *about,
        lead_day=rows.lead_day,
        waited=days,
        days=timed.ifelse(days.cast("string"), NOT_SET),
        one=timed.ifelse(1, 0).cast("int64"),
        left_out=timed.ifelse(0, 1).cast("int64"),
        day=rows.day,
        origin=rows.origin,
    )


def rejections(stages: Table, persons: Table, internals: Table, person_touches: Table) -> Table:
    """One row per person and instant at which sales sent it back (`verdict` rejected) or back to be nurtured (recycled), with the reason."""
    told = stages.filter(stages.stage.isin(["rejected", "recycled"]))
    joined = settled(told).left_join(persons, told.person_id == persons.id)
    rows = joined.select(
        person=ibis.coalesce(joined.person, joined.person_id),
        verdict=joined.stage,
        one=ibis.literal(1, "int64"),
        rejection_reason=ibis.coalesce(joined.reason, NO_REASON),
        at=joined["at"],
        day=joined.at_day,
        origin=joined.origin,
    )
    kept = settled(rows).left_join(internals, rows.person == internals.internal_person)
    kept = kept.filter(kept.internal_person.isnull()).select(*rows.columns)
    # Two records of one person say the same thing once.
    nth = ibis.row_number().over(ibis.window(group_by=["person", "verdict", "at"], order_by=[kept.rejection_reason, kept.origin]))
    first = kept.mutate(nth=nth)
    return _with_person(first.filter(first.nth == 0).select(*rows.columns), person_touches)


def _with_person(rows: Table, person_touches: Table) -> Table:
    about = person_touches.select(whose=person_touches.person, **{name: person_touches[name] for name in ("rule", *_OF_PERSON)})
    joined = settled(rows).left_join(about, rows.person == about.whose)
    known = {name: ibis.coalesce(joined[name], word) for name, word in _OF_PERSON.items()}
    return joined.select(*[joined[name] for name in rows.columns], "rule", **known)
