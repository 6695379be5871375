"""The queries that open a sum: the same rows, unsummed, and further down to the rows of the sources.

Plain SQL around what fari.engine.compile has made, so that opening a number need not import Ibis.
"""

from collections.abc import Callable, Mapping, Sequence

from fari.facts.words import UNALLOCATED


def filtered(where: Mapping[str, Sequence[str]], text: Callable[[str], str]) -> str:
    """A condition on rows: each dimension has one of its values; what has none is `(unallocated)`, as in answers. `text` quotes as the engine does.

    >>> filtered({"channel": ("Email", "Direct")}, repr)
    "coalesce(nullif(channel, ''), '(unallocated)') IN ('Email', 'Direct')"
    """
    return " AND ".join(f"coalesce(nullif({name}, ''), '{UNALLOCATED}') IN ({', '.join(map(text, values))})" for name, values in where.items())


def largest(rows: str, limit: int) -> str:
    """The rows that contribute most."""
    return f"SELECT * FROM ({rows}) AS every_one ORDER BY abs(contribution) DESC, origin LIMIT {int(limit)}"


def by_source(rows: str, columns: Sequence[str]) -> str:
    """Costs spread over days put together again: one row per row of the source, with its first and last day here."""
    summed = ("day", "one_day", "amount", "contribution", "left_out", "period")
    kept = ", ".join(name for name in columns if name not in summed)
    return (
        f"SELECT {kept}, min(day) AS day, max(day) AS last_day, sum(amount) AS amount, sum(contribution) AS contribution "
        f"FROM ({rows}) AS days_of_it GROUP BY {kept}"
    )


def _running(day: int) -> str:
    """Terms that count on a day."""
    return f"SELECT *, CASE WHEN pays_until > {day} THEN value ELSE 0 END AS worth FROM running WHERE from_day <= {day} AND until_day > {day}"


def subscriptions(levels: str, day: int) -> str:
    """The subscriptions that make accounts' levels of MRR on a day; each contributes its monthly value."""
    return (
        "SELECT t.subscription_id, t.account, t.from_day, t.until_day, t.status, t.plan, t.currency, o.plan AS main_plan, "
        "o.currency AS main_currency, o.channel, o.campaign, o.rule, o.country, o.persona, t.worth AS contribution, t.origin "
        f"FROM ({levels}) AS o JOIN ({_running(day)}) AS t ON t.account = o.account WHERE t.worth <> 0"
    )


def unpriced(day: int, levels: str) -> str:
    """Where subscriptions come from that run on a day but have no exchange rate; of some accounts' levels only, where given."""
    among = f" AND account IN (SELECT account FROM ({levels}) AS o)" if levels else ""
    return f"SELECT origin FROM ({_running(day)}) AS t WHERE left_out > 0 AND pays_until > {day}{among}"


def other_visits(visitors: str, since: int, until: int) -> str:
    """The evidence of visitors: their other visits with a page view in the period, which count nothing."""
    return (
        "SELECT v.visitor, v.campaign, v.country, v.device, v.channel, v.rule, v.started_at, p.visit_id, p.origin, 0 AS contribution "
        f"FROM visit_days v JOIN (SELECT DISTINCT kind, visitor, started_at FROM ({visitors}) AS counted) AS o "
        "ON o.kind = v.kind AND o.visitor = v.visitor AND o.started_at <> v.started_at "
        "JOIN visit_pages p ON p.kind = v.kind AND p.visitor = v.visitor AND p.started_at = v.started_at "
        f"WHERE v.day >= {since} AND v.day < {until} "
        "GROUP BY v.visitor, v.campaign, v.country, v.device, v.channel, v.rule, v.started_at, p.visit_id, p.origin"
    )


def other_signups(users: str, since: int, until: int) -> str:
    """The evidence of users who signed up: their other sign-up events in the period."""
    return (
        f"SELECT s.*, 0 AS contribution FROM signups s JOIN ({users}) AS o ON o.person = s.person AND o.message_id <> s.message_id "
        f"WHERE s.day >= {since} AND s.day < {until}"
    )


def lapsing() -> str:
    """Of stretches that are past due, the day they stop to count and the day their terms end."""
    paid = "max(CASE WHEN pays_until > from_day THEN pays_until END)"
    return (
        f"SELECT account AS l_account, subscription_id AS l_id, starts_day AS l_start, {paid} AS lapses_day, max(until_day) AS over_day "
        "FROM running WHERE status = 'past_due' GROUP BY account, subscription_id, starts_day"
    )


def due(facts: Sequence[str], since: int, until: int, known: int, where: str) -> str:
    """Renewals due in some days with what the subscription is worth on the last day paid for, or on the last day known if that comes first.

    Where it is past due and counts, since when and until when it does.
    """
    condition = f" AND {where}" if where else ""
    columns = "day, account, subscription_id, plan, currency, paid_by, paid_count, renewed, cancelled_day, ends_day, starts_day, origin"
    rows = " UNION ALL ".join(f"SELECT {columns} FROM {fact} WHERE day >= {since} AND day < {until}{condition}" for fact in facts)
    counts, late = "t.pays_until > d.at_day", "t.status = 'past_due' AND t.pays_until > d.at_day"
    return (
        f"SELECT {', '.join(f'd.{column.strip()}' for column in columns.split(','))}, CASE WHEN {counts} THEN t.value ELSE 0 END AS mrr, "
        f"CASE WHEN {late} THEN t.overdue_day END AS overdue_day, CASE WHEN {late} AND l.lapses_day < l.over_day THEN l.lapses_day END AS lapses_day "
        f"FROM (SELECT *, greatest(starts_day, least(day, {known})) AS at_day FROM ({rows}) AS every_one) AS d "
        "LEFT JOIN running t ON t.account = d.account AND t.subscription_id = d.subscription_id "
        "AND t.from_day <= d.at_day AND t.until_day > d.at_day "
        f"LEFT JOIN ({lapsing()}) AS l ON l.l_account = t.account AND l.l_id = t.subscription_id AND l.l_start = t.starts_day "
        "ORDER BY d.day, d.account, d.subscription_id, d.origin"
    )
