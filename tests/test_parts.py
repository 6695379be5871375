"""Large histories are built month by month: the same answers as in one go, and after a change only the months it reaches are built again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.against_oracle import imported
from tests.projects import ask, bring, company, project, split, values, write
from tests.random_company import random_company
from tests.random_company import write as written

from fari.engine import build
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.duck import DuckDB
from fari.engine.periods import Period, cut
from fari.ledger.acts import How, undo
from fari.sources.importing import import_files

METRICS = ("visitors", "bots", "internal", "visits", "pageviews", "signups", "signups_converted", "leads", "new_customers")
SPLITS = ((), ("channel",), ("campaign", "country"), ("device",), ("content",))
PERIODS = (
    *cut(date(2024, 10, 1), date(2025, 7, 1), "month"),
    *cut(date(2024, 10, 1), date(2025, 7, 1), "week"),
    *cut(date(2024, 12, 20), date(2025, 1, 12), "day"),
    *cut(date(2025, 2, 26), date(2025, 3, 4), "day"),
    *cut(date(2024, 10, 1), date(2025, 7, 1), "quarter"),
    Period(date(2024, 12, 15), date(2025, 4, 20)),
    Period(date(2024, 1, 1), date(2026, 1, 1)),
)


@contextmanager
def month_by_month() -> Iterator[None]:
    """However short a history, it is built month by month."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "ONE_PART", 0)
        yield


def by_month(asker: Asker) -> Asker:
    """Another asker of the same project, that builds month by month."""
    other = Asker(asker.ledger)
    with month_by_month():
        assert len(other.state()[1].parts) > 1
    return other


def answers(asker: Asker, by: tuple[str, ...], periods: tuple[Period, ...] = PERIODS) -> dict[tuple[str, Period, tuple[str, ...]], object]:
    names = tuple(n for n in METRICS if not ("device" in by and n in ("signups", "signups_converted", "leads", "new_customers")))
    names = tuple(n for n in names if not ("content" in by and n in ("visits", "signups", "signups_converted")))
    told = asker.ask(Question(names, periods, by))
    return {(a.metric, a.period, tuple(a.segment.values())): a.value for a in told}


@pytest.mark.parametrize("seed", range(4))
def test_parts_answer_as_the_whole_does(seed: int, tmp_path: Path) -> None:
    whole = imported(*random_company(seed, 14), tmp_path)
    parts = by_month(whole)
    for by in SPLITS:
        expected, got = answers(whole, by), answers(parts, by)
        assert {key: (value, got.get(key)) for key, value in expected.items() if value != got.get(key)} == {}
        assert set(got) == set(expected)
        assert any(value for (metric, *_), value in expected.items() if metric == "visitors")


@pytest.mark.parametrize("seed", range(2))
def test_late_imports_and_undone_ones_are_the_same_in_parts(seed: int, tmp_path: Path) -> None:
    """Messages come in four imports, each of which touches old months, their edges and who is who; then one of them is undone."""
    whose, tables = random_company(seed, 14)
    drawn, events = Random(seed), tables.pop("events")
    late: list[list[dict[str, Any]]] = [[] for _ in range(4)]
    for row in events:
        late[drawn.randrange(4)].append(row)
    whole = imported(whose, tables, tmp_path)
    parts, acts = Asker(whole.ledger), []
    for number, rows in enumerate(late):
        how = How(recorded=whose.today, now=datetime(2026, 1, 2 + number, tzinfo=UTC))
        acts += [report.import_id for report in import_files(whole.ledger, written({"events": rows}, tmp_path / str(number)), how)]
        assert _alike(whole, parts)
    fresh = imported(whose, {**tables, "events": events}, tmp_path / "fresh")
    assert answers(whole, ("channel",)) == answers(fresh, ("channel",))
    assert acts[1] is not None
    undo(whole.ledger, acts[1], whose.today, datetime(2026, 1, 9, tzinfo=UTC))
    assert answers(whole, ("channel",)) != answers(fresh, ("channel",))
    assert _alike(whole, parts)


def _alike(whole: Asker, parts: Asker) -> bool:
    """Whether the two answer alike, the one built in one part, the other month by month on what it has kept."""
    for by in (("channel",), ("campaign", "country")):
        expected = answers(whole, by)
        with month_by_month():
            assert len(parts.state()[1].parts) > 1
            got = answers(parts, by)
        assert {key: (value, got.get(key)) for key, value in expected.items() if value != got.get(key)} == {}
        assert set(got) == set(expected)
    return True


def views(*lines: str) -> str:
    """Events: `time visitor [source medium]`."""
    cells = [(*line.split(), "", "")[:4] for line in lines]
    rows = "\n".join(f"page,{at},{who},{source},{medium}" for at, who, source, medium in cells)
    return f"type,timestamp,anonymousId,context.campaign.source,context.campaign.medium\n{rows}"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Asia/Kathmandu"])
def test_a_visit_that_goes_on_over_the_edge_keeps_its_beginning(zone: str, tmp_path: Path) -> None:
    # Every 25 minutes from 23:30 on January 31st to 1:10 on February 1st; then a pause, then again on the last of February.
    lines = [
        "2025-01-31T23:30:00 v google cpc",
        *("2025-01-31T23:55:00 v|2025-02-01T00:20:00 v|2025-02-01T00:45:00 v|2025-02-01T01:10:00 v").split("|"),
    ]
    lines += [
        "2025-02-01T01:41:00 v news email",
        "2025-02-28T23:59:00 w news email",
        "2025-03-01T00:29:00 w google cpc",
        "2025-03-01T00:59:00.000001 w google cpc",
    ]
    whole = project(tmp_path, {"events": views(*lines)}, company(zone))
    parts = by_month(whole)
    for asker in (whole, parts):
        assert [a.value for a in ask(asker, "visits", "2025-01", "2025-02", "2025-03")] == [1, 2, 1]
        assert [a.value for a in ask(asker, "pageviews", "2025-01", "2025-02", "2025-03")] == [2, 5, 2]
        assert split(asker, "visitors", "2025-01", "channel") == {"Paid Search": 1}
        assert split(asker, "visitors", "2025-02", "channel") == {"Paid Search": 1, "Email": 1}
        assert split(asker, "visitors", "2025-03", "channel") == {"Email": 1}
        assert split(asker, "pageviews", "2025-02", "channel") == {"Paid Search": 3, "Email": 2}
        assert split(asker, "visitors", "2025-W09", "channel") == {"Email": 1}
        assert split(asker, "visitors", "2025-Q1", "channel") == {"Paid Search": 1, "Email": 1}


def test_the_first_of_page_views_in_one_second_decides(tmp_path: Path) -> None:
    # a: a tenth of a second apart. b: at one instant, of which the least message counts. c: the same, and the visit goes on over midnight.
    rows = [
        "page,2025-03-05T10:00:00.300Z,a,a1,google,cpc",
        "page,2025-03-05T10:00:00.200Z,a,a2,news,email",
        "page,2025-03-05T10:00:00Z,b,b2,google,cpc",
        "page,2025-03-05T10:00:00Z,b,b1,news,email",
        "page,2025-02-28T23:50:00Z,c,c1,news,email",
        "page,2025-02-28T23:50:00Z,c,c2,google,cpc",
        "page,2025-03-01T00:10:00Z,c,c3,google,cpc",
    ]
    header = "type,timestamp,anonymousId,messageId,context.campaign.source,context.campaign.medium"
    whole = project(tmp_path, {"events": "\n".join([header, *rows])})
    for asker in (whole, by_month(whole)):
        assert split(asker, "visits", "2025-Q1", "channel") == {"Email": 3}
        assert split(asker, "visitors", "2025-03", "channel") == {"Email": 3}
        assert [a.value for a in ask(asker, "visits", "2025-02", "2025-03")] == [1, 2]


def test_a_week_before_a_month_without_events_is_there(tmp_path: Path) -> None:
    # The week of January 27th ends on February 2nd, a month in which nothing happened.
    whole = project(tmp_path, {"events": views("2025-01-28T10:00:00Z a", "2025-01-30T10:00:00Z b", "2025-04-01T10:00:00Z a")})
    for asker in (whole, by_month(whole)):
        assert [a.value for a in ask(asker, "visitors", "2025-W05", "2025-W06", "2025-W14", "2025-Q1", "2025-02")] == [2, 0, 1, 2, 0]


class Project:
    """A project of four months that is built month by month, and what each question builds."""

    def __init__(self, folder: Path) -> None:
        lines = [f"2025-0{month}-{day}T10:00:00Z {who}{month}" for month in (1, 2, 3, 4) for day in ("05", "17") for who in "ab"]
        lines += [f"2025-0{month}-10T10:00:00Z regular" for month in (2, 4)]
        self.folder = folder
        self.ledger = project(folder, {"events": views(*lines)}).ledger
        self.number = 0

    def add(self, text: str) -> None:
        """Import another file of events."""
        self.number += 1
        bring(self.ledger, write(self.folder / f"more{self.number}", {"events": text}))

    def built(self) -> dict[str, set[str]]:
        """The months of each fact that are built to answer for visitors and visits of all months."""
        said: list[str] = []
        asker = Asker(self.ledger, progress=said.append)
        with month_by_month():
            told = answers(asker, ("channel",), tuple(cut(date(2025, 1, 1), date(2025, 5, 1), "month")))
        assert told == answers(Asker(self.ledger), ("channel",), tuple(cut(date(2025, 1, 1), date(2025, 5, 1), "month")))
        found: dict[str, set[str]] = {}
        for line in said:
            _, fact, *month = line.split()
            found.setdefault(fact, set()).update(month)
        return found


@pytest.fixture
def four_months(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    built = made.built()
    assert built["visits"] == built["visitor_months"] == {"202501", "202502", "202503", "202504"}
    assert made.built() == {}
    return made


def test_late_events_build_their_month_again(four_months: Project) -> None:
    four_months.add(views("2025-02-20T10:00:00Z late google cpc"))
    built = four_months.built()
    assert built["visits"] == built["visitor_months"] == built["visit_days"] == {"202502"}


def test_late_events_at_the_edge_build_the_month_after_too(four_months: Project) -> None:
    four_months.add(views("2025-02-28T23:50:00Z late google cpc"))
    assert four_months.built()["visits"] == {"202502", "202503"}
    # Again, though nothing has changed for the month after: its open visit is seen to be the same.
    four_months.add(views("2025-02-11T10:00:00Z later"))
    assert four_months.built()["visits"] == {"202502"}


def test_who_is_identified_builds_the_months_it_was_seen_in_again(four_months: Project) -> None:
    four_months.add("type,timestamp,anonymousId,userId\nidentify,2025-03-20T10:00:00Z,regular,rita")
    assert four_months.built()["visits"] == {"202502", "202503", "202504"}  # in March there is the message itself
    four_months.add("type,timestamp,anonymousId,userId\nidentify,2025-03-21T10:00:00Z,never-seen,nobody")
    assert four_months.built()["visits"] == {"202503"}


def test_who_turns_out_to_be_one_of_us_builds_the_months_it_was_seen_in_again(four_months: Project) -> None:
    bring(four_months.ledger, write(four_months.folder / "people", {"people": "person_id,internal\na2,true"}))
    assert four_months.built()["visits"] == {"202502"}


def test_a_fact_that_is_dropped_and_built_again_at_once_is_read_anew(tmp_path: Path) -> None:
    """DuckDB's cache of files knew it by its path, its second and its size, and read rows of the one that was there no more."""
    engine, path = DuckDB(), tmp_path / "fact" / "x.parquet"
    sizes = set()
    for n in (7, 8):
        rows = f"SELECT (i * {n * 7 + 1}) % 1000003 AS a, 'v' || ((i * {n + 3}) % {50 + n}) AS s FROM range(3000) t(i)"
        engine.build(rows, path, {"a": "int64", "s": "string"})
        os.utime(path, (1_750_000_000, 1_750_000_000))
        sizes.add(path.stat().st_size)
        assert engine.run(f"SELECT count(*) FROM (SELECT * FROM read_parquet('{path}') EXCEPT ALL {rows})") == [(0,)]
        engine.drop(path)
    assert len(sizes) == 1


def test_the_same_sums_are_asked_for_once_until_something_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = "subscription_id,account_id,starts_on,amount,currency,interval,plan"
    asker = project(tmp_path, {"subscriptions": f"{header}\ns1,a1,2025-01-10,100,EUR,month,Team\ns2,a2,2025-03-15,50,EUR,month,Solo"})
    heard: list[str] = []
    run = asker.engine.run

    def listening(sql: str) -> Any:
        heard.append(sql)
        return run(sql)

    assert values(asker, "mrr", "2025-03") == [150]
    monkeypatch.setattr(asker.engine, "run", listening)
    assert values(asker, "mrr", "2025-03", plan="Team") == [100]
    assert heard
    heard.clear()
    assert values(asker, "customers arpa", "2025-03", plan="Team") == [1, 100]
    assert values(asker, "mrr", "2025-03", plan="Solo") == [50]
    assert heard == []
    assert values(asker, "mrr", "2025-02") == [100]
    assert heard
    bring(asker.ledger, write(tmp_path / "more", {"subscriptions": f"{header}\ns3,a3,2025-01-20,30,EUR,month,Team"}))
    assert values(asker, "mrr", "2025-02") == [130]
