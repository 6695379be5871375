"""Waits against lists that are worked out by hand, and against the rows that made them."""

from datetime import date, timedelta
from pathlib import Path
from random import Random
from statistics import mean

from tests.projects import project

from fari.engine.answer import Question
from fari.engine.periods import parse
from fari.insight.waits import waits


def test_waits_of_a_list_of_days(tmp_path: Path) -> None:
    """Leads that became MQLs after 0, 2, 2, 9 and 40 days in March; one that still waits; one that left a year before."""
    stays = (0, 2, 2, 9, 40)
    end = date(2025, 3, 20)
    rows = [
        f"p{n},{stage},{day}T{hour}:00:00Z"
        for n, days in enumerate(stays)
        for stage, day, hour in (("lead", end - timedelta(days), 10), ("mql", end, 11))
    ]
    rows += ["q,lead,2025-03-01", "r,lead,2024-03-01", "r,mql,2024-03-31"]
    asker = project(tmp_path, {"stages": "person_id,stage,at\n" + "\n".join(rows)})
    (one,) = waits(asker, Question((), (parse("2025-03"),)))
    assert (one.stage, one.people, one.quarter, one.median, one.three_quarters) == ("lead", 5, 2, 2, 9)
    assert float(one.mean or 0) == mean(stays)
    assert {days: float(share) for days, share in one.within.items()} == {7: 0.6, 30: 0.8}


def test_waits_of_any_list_split_it_in_quarters(tmp_path: Path) -> None:
    """At least so large a share took at most so many days, and less than that share took fewer."""
    random = Random(7)
    stays = [random.randrange(60) for _ in range(37)]
    rows = []
    for n, days in enumerate(stays):
        rows += [f"p{n},lead,{date(2025, 3, 31) - timedelta(days)}T09:00:00Z", f"p{n},sql,2025-03-31T10:00:00Z"]
    asker = project(tmp_path, {"stages": "person_id,stage,at\n" + "\n".join(rows)})
    (one,) = waits(asker, Question((), (parse("2025-03"),)))
    for share, days in ((0.25, one.quarter), (0.5, one.median), (0.75, one.three_quarters)):
        assert sum(each <= days for each in stays) >= share * len(stays) > sum(each < days for each in stays)


def test_a_sale_stands_beside_the_stages(tmp_path: Path) -> None:
    """13 days from lead to the first paid day; filtered by what a stage has not, only what fits is told."""
    files = {
        "people": "person_id,account_id\np,a",
        "stages": "person_id,stage,at\np,lead,2025-03-01\np,sql,2025-03-10",
        "subscriptions": "subscription_id,account_id,starts_on,amount,currency,interval,plan\ns,a,2025-03-14,50,EUR,month,Pro",
    }
    asker = project(tmp_path, files)
    march = (parse("2025-03"),)
    assert [(one.stage, one.median) for one in waits(asker, Question((), march))] == [("lead", 9), ("sql", 4), ("sale", 13)]
    assert [one.stage for one in waits(asker, Question((), march, where=(("plan", ("Pro",)),)))] == ["sale"]
    assert waits(asker, Question((), (parse("2025-02"),))) == []
