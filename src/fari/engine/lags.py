"""Lags: how long it took those who became customers, from the day they came into a cohort."""

from collections import Counter
from collections.abc import Mapping

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import number

_WON = "JOIN members m ON m.person = s.person JOIN customer_starts c ON c.account = m.account"
COHORTS = {
    "stage_entries": f"SELECT s.day, min(c.first_day) AS won FROM stage_entries s {_WON} WHERE s.stage = 'lead' GROUP BY s.person, s.day",
    "signups": f"SELECT s.day, min(c.first_day) AS won FROM signups s {_WON} GROUP BY s.person, s.day",
    "trials": "SELECT s.day, c.first_day AS won FROM trials s JOIN customer_starts c ON c.account = s.account",
}
"""By the fact that has a cohort's members, the day each came and the day it became a customer."""


def lags(asker: Asker, question: Question, fact: str) -> Mapping[tuple[int, int], int]:
    """By (days to becoming a customer, days the member has been watched) how many there are; who was one before took none."""
    covered, builder = asker.state(question.as_of, question.rules)
    if covered.horizon is None:
        return {}
    for name in (fact, "members", "customer_starts"):
        asker.fact_schema(name, builder)
    horizon = number(covered.horizon)
    found: Counter[tuple[int, int]] = Counter()
    for day, won, members in asker.engine.run(f"SELECT day, won, count(*) FROM ({COHORTS[fact]}) t WHERE won <= {horizon} GROUP BY day, won"):
        if day <= horizon:
            found[max(won - day, 0), horizon - day] += members
    builder.finish()
    return found
