"""The queries behind accounts at risk: what is told of the customers of a day. Plain SQL over facts, as in `fari.engine.opened`."""

from fari.engine.opened import lapsing


def customers(day: int, where: str) -> str:
    """Customers of a day that pass the filters, with what they pay and since when they have been customers without a break."""
    condition = f" AND {where}" if where else ""
    since = (
        "SELECT account AS s_account, max(from_day) AS since FROM levels "
        f"WHERE customer = 1 AND customer_before = 0 AND from_day <= {day} GROUP BY account"
    )
    return (
        f"SELECT o.account, o.channel, o.plan, o.mrr, s.since FROM (SELECT * FROM levels WHERE from_day <= {day} AND until_day > {day} "
        f"AND customer = 1{condition}) AS o JOIN ({since}) AS s ON s.s_account = o.account"
    )


def subscriptions(customers: str, day: int) -> str:
    """Their subscriptions on the day that are past due, paused or have a click on cancel: what each counts as MRR, and until when."""
    return (
        f"SELECT t.account, t.subscription_id, t.status, t.pays_until > {day} AND t.value <> 0 AS counts, t.value, t.price, "
        "t.starts_day, t.ends_day, t.cancelled_day, t.overdue_day, CASE WHEN l.lapses_day < l.over_day THEN l.lapses_day END AS lapses_day, t.origin "
        f"FROM running t JOIN ({customers}) AS c ON c.account = t.account "
        f"LEFT JOIN ({lapsing()}) AS l ON l.l_account = t.account AND l.l_id = t.subscription_id AND l.l_start = t.starts_day "
        f"WHERE t.from_day <= {day} AND t.until_day > {day} AND (t.status IN ('past_due', 'paused') OR t.cancelled_day IS NOT NULL)"
    )


def feedback(customers: str, after: int, day: int) -> str:
    """What was said after a day and until another, since they have been customers."""
    return (
        f"SELECT f.account, f.kind, f.value, f.at_day, f.origin FROM account_feedback f JOIN ({customers}) AS c ON c.account = f.account "
        f"WHERE f.at_day > {after} AND f.at_day <= {day} AND f.at_day >= c.since"
    )


def contractions(customers: str, after: int, day: int) -> str:
    """Falls of MRR after a day and until another, since they have been customers."""
    return (
        "SELECT o.account, o.from_day, o.before + o.drift - o.mrr AS amount, o.origin FROM levels o "
        f"JOIN ({customers}) AS c ON c.account = o.account "
        f"WHERE o.movement = 'contraction' AND o.from_day > {after} AND o.from_day <= {day} AND o.from_day >= c.since"
    )


def quiet(customers: str, day: int, days: int) -> str:
    """Whose people came since it has been a customer, and not once in so many days: the last day anyone came, and a visit of it."""
    seen = (
        "SELECT visitor, started_at, last_day FROM visits WHERE kind = 'human' "
        "UNION ALL SELECT visitor, started_at, last_day FROM carried_visits WHERE kind = 'human'"
    )
    last = (
        f"SELECT c.account AS account, max(v.last_day) AS seen_day FROM ({customers}) AS c JOIN members m ON m.account = c.account "
        f"JOIN ({seen}) AS v ON v.visitor = m.person WHERE v.last_day >= c.since AND v.last_day <= {day} GROUP BY c.account"
    )
    return (
        f"SELECT q.account, q.seen_day, min(p.origin) AS origin FROM ({last}) AS q JOIN members m ON m.account = q.account "
        f"JOIN ({seen}) AS v ON v.visitor = m.person AND v.last_day = q.seen_day "
        "JOIN visit_pages p ON p.kind = 'human' AND p.visitor = v.visitor AND p.started_at = v.started_at "
        f"WHERE q.seen_day <= {day - days} GROUP BY q.account, q.seen_day"
    )
