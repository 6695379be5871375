"""What a figure was, what it is, and which rows made the difference: they add up to the change exactly, and name the import that told of them."""

from datetime import UTC, date, datetime
from decimal import Context, Decimal
from pathlib import Path
from random import Random

import pytest
from tests.against_oracle import fari_company
from tests.projects import bring, company
from tests.random_company import Tables, random_company, write
from tests.sail import sail

from fari.engine import restate as module
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, parse
from fari.engine.restate import Moved, Restated, restate
from fari.engine.spark import SparkConnect
from fari.ledger.acts import How, undo
from fari.ledger.store import Ledger
from fari.metrics import METRICS
from fari.metrics.kinds import Formula
from fari.sources.importing import import_files

SUMS = tuple(name for name, metric in METRICS.items() if not isinstance(metric, Formula))
FORMULAS = tuple(name for name, metric in METRICS.items() if isinstance(metric, Formula))
FIRST, SECOND = date(2025, 6, 20), date(2025, 7, 20)
HEAD = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan"


class Books:
    """A ledger told of one file after another, and asked what has changed since a day."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, Ledger(folder, company())

    def bring(self, name: str, *lines: str, on: str) -> str:
        """Import a file as known on a day; the import's id."""
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        [report] = bring(self.ledger, [path], today=date.fromisoformat(on))
        assert not report.rejected, report.problems
        assert report.import_id
        return report.import_id

    def since(self, day: str, metric: str, period: str, by: str = "", limit: int | None = None, **where: str) -> list[Restated]:
        """One metric of one period restated."""
        known = date.fromisoformat(day)
        filters = tuple((dimension, (value,)) for dimension, value in where.items())
        question = Question((metric,), (parse(period),), tuple(by.split()), filters)
        return restate(Asker(self.ledger), question, known, known, limit)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A ledger whose data reach to the end of April."""
    books = Books(tmp_path)
    books.bring("series.csv", "day,name,value", "2025-04-30,followers,1", on="2025-04-30")
    return books


def told(one: Restated) -> list[tuple[str, Decimal, str | None, str | None]]:
    """What became of each row, its difference and where it is from."""
    assert all(check.holds for check in one.checks)
    return [(row.what, Decimal(row.difference), row.origin_then, row.origin) for row in one.rows]


def imports(row: Moved) -> list[tuple[str, bool]]:
    """The imports that told of a row."""
    return [(cause.import_id, cause.direct) for cause in row.causes]


# Any company, told of in two goes ------------------------------------------------------------------------------------------------


def _half_known(tables: Tables, random: Random) -> Tables:
    """The same company as it was known before: some rows missing, some amounts other, some dates not known yet."""
    then: Tables = {}
    for table, rows in tables.items():
        kept = [dict(row) for row in rows if random.randrange(5)]
        for row in kept:
            if table != "events" and row.get("amount") and not random.randrange(4):
                row["amount"] = str(Decimal(str(row["amount"])) + random.choice((-1, 1, 100)))
            if table == "subscriptions" and not random.randrange(4):
                row["ends_on"] = ""
        then[table] = kept
    return then


@pytest.mark.parametrize(("seed", "period", "by"), [(1, "2025-02", "channel"), (4, "2025-Q1", "plan")])
def test_differences_of_the_rows_add_up_to_the_change_of_every_figure(seed: int, period: str, by: str, tmp_path: Path) -> None:
    whose, tables = random_company(seed, 10)
    ledger = Ledger(tmp_path, fari_company(whose))
    for number, (rows, day) in enumerate(((_half_known(tables, Random(seed)), FIRST), (tables, SECOND))):
        import_files(ledger, write(rows, tmp_path / str(number)), How(day, datetime(2026, 1, 1 + number, tzinfo=UTC), replace=bool(number)))
    asker, asked = Asker(ledger), (parse(period),)
    split = ("mrr", "churned_mrr", "new_customers", "nrr", *(("acquisition_spend", "cac", "visitors") if by == "channel" else ()))
    moved = opened = 0
    for question in (Question(SUMS, asked), Question(FORMULAS, asked), Question(split, asked, (by,))):
        found = restate(asker, question, FIRST, FIRST)
        values = [[answer.value for answer in asker.ask(Question(question.metrics, asked, question.by, as_of=day))] for day in (FIRST, None)]
        if not question.by:
            assert [[one.then.value for one in found], [one.now.value for one in found]] == values
        for one in found:
            assert all(check.holds for check in one.checks), (one.metric, one.now.segment, one.checks)
            assert one.notes == ()
            if one.change is not None and one.metric in SUMS:
                assert len(one.checks) == 1
                assert _sum(one.rows) == one.change, (one.metric, one.now.segment)
                moved += bool(one.change)
            for each in one.inputs:
                if each.metric.removeprefix("total_") in SUMS and each.change is not None:
                    assert _sum([row for row in one.rows if row.input == each.metric]) == each.change, (one.metric, each.metric)
            assert all(row.difference and row.causes for row in one.rows)
            assert all((row.then is None, row.now is None) == (row.what == "appeared", row.what == "vanished") for row in one.rows)
            opened += len(one.rows)
    assert moved > 10
    assert opened > 100


def _sum(rows: tuple[Moved, ...] | list[Moved]) -> Decimal:
    wide, total = Context(prec=80), Decimal(0)
    for row in rows:
        total = wide.add(total, Decimal(row.difference))
    return total


# By hand -------------------------------------------------------------------------------------------------------------------------


def test_rows_appear_vanish_and_change(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Pro", "s2,a2,2025-02-01,,50,EUR,month,Pro", on="2025-04-30")
    late = books.bring(
        "subscriptions.csv", HEAD,
        "s3,a3,2025-03-05,,30,EUR,month,Pro", "s1,a1,2025-01-01,,120,EUR,month,Pro", "s2,a2,2025-02-01,2025-03-10,50,EUR,month,Pro", on="2025-05-20",
    )  # fmt: skip
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert (march.then.value, march.now.value, march.change) == (150, 150, 0)
    assert told(march) == [
        ("vanished", Decimal(-50), "subscriptions.csv:3", None),
        ("appeared", Decimal(30), None, "subscriptions.csv:2"),
        ("changed", Decimal(20), "subscriptions.csv:2", "subscriptions.csv:3"),
    ]
    assert all(imports(row) == [(late, True)] for row in march.rows)
    assert march.rows[0].row["subscription_id"] == "s2"
    [february] = books.since("2025-05-10", "mrr", "2025-02")
    assert (february.change, [row.what for row in february.rows]) == (20, ["changed"])


def test_nothing_has_changed_since(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Pro", on="2025-04-30")
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert (march.change, march.rows, march.moved) == (0, (), False)


def test_a_formula_opens_its_inputs(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-03-01,,100,EUR,month,Pro", on="2025-04-30")
    books.bring("spend.csv", "day,kind,amount,currency", "2025-03-01,salary,500,EUR", "2025-03-01,salary,500,EUR", on="2025-04-30")
    late = books.bring("spend.csv", "day,kind,amount,currency", "2025-03-01,salary,500,EUR", "2025-03-01,salary,650,EUR", on="2025-05-20")
    [march] = books.since("2025-05-10", "cac", "2025-03")
    assert (march.then.value, march.now.value, march.change) == (1000, 1150, 150)
    assert [(each.metric, each.then, each.now, each.change) for each in march.inputs] == [
        ("acquisition_spend", 1000, 1150, 150),
        ("new_customers", 1, 1, 0),
    ]
    [row] = march.rows
    assert (row.input, row.what, row.then, row.now, row.changed) == ("acquisition_spend", "changed", 500, 650, {"amount": (500, 650)})
    assert imports(row) == [(late, True)]


def test_what_was_unknown_then_has_no_change(books: Books) -> None:
    books.bring("spend.csv", "day,kind,amount,currency", "2025-03-01,salary,500,EUR", on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-03-01,,100,EUR,month,Pro", on="2025-05-20")
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert (march.then.value, march.now.value, march.change, march.rows, march.moved) == (None, 100, None, (), True)
    assert march.then.notes == ("no source covers subscriptions in this period",)


def test_an_import_undone_since_is_named(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Pro", on="2025-04-30")
    wrong = books.bring("more.csv", HEAD, "s2,a2,2025-03-01,,70,EUR,month,Pro", on="2025-04-30")
    undo(books.ledger, wrong, date(2025, 5, 20), datetime(2026, 2, 1, tzinfo=UTC))
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert told(march) == [("vanished", Decimal(-70), "more.csv:2", None)]
    [cause] = march.rows[0].causes
    assert (cause.import_id, cause.undone_on, cause.direct, cause.files) == (wrong, date(2025, 5, 20), True, ("more.csv",))


def test_a_rate_that_came_later_is_told_indirectly(books: Books) -> None:
    books.bring("rates.csv", "day,currency,rate", "2025-01-01,USD,0.9", on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-03-01,,100,USD,month,Pro", on="2025-04-30")
    late = books.bring("rates.csv", "day,currency,rate", "2025-02-20,USD,0.95", on="2025-05-20")
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert told(march) == [("changed", Decimal(5), "subscriptions.csv:2", "subscriptions.csv:2")]
    assert imports(march.rows[0]) == [(late, False)]


def test_of_two_files_of_one_name_the_one_that_told_of_the_row_is_named(books: Books) -> None:
    head = "day,kind,channel,amount,currency"
    books.bring("spend.csv", head, "2025-01-01,ads,Email,1,EUR", on="2025-04-30")
    other = books.bring("spend.csv", head, "2025-02-01,ads,Email,10,EUR", on="2025-05-20")
    own = books.bring("spend.csv", head, "2025-03-01,ads,Email,100,EUR", on="2025-05-21")
    [march] = books.since("2025-05-10", "spend", "2025-Q1")
    assert [(row.difference, imports(row)) for row in march.rows] == [(100, [(own, True)]), (10, [(other, True)])]


def test_a_segment_that_was_not_there_is_restated_too(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Pro", on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Team", on="2025-05-20")
    found = {one.now.segment["plan"]: one for one in books.since("2025-05-10", "mrr", "2025-03", by="plan")}
    assert {plan: (one.then.value, one.now.value) for plan, one in found.items()} == {"Pro": (100, 0), "Team": (0, 100)}
    assert [(row.what, row.difference) for one in found.values() for row in one.rows] == [("vanished", -100), ("appeared", 100)]
    [pro] = books.since("2025-05-10", "mrr", "2025-03", plan="Pro")
    assert told(pro) == told(found["Pro"])


def test_the_largest_are_listed_and_the_others_counted(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s0,a0,2025-01-01,,1,EUR,month,Pro", on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, *(f"s{n},a{n},2025-01-01,,{n},EUR,month,Pro" for n in range(1, 6)), on="2025-05-20")
    [march] = books.since("2025-05-10", "mrr", "2025-03", limit=2)
    assert [row.difference for row in march.rows] == [5, 4]
    assert dict(march.left) == {"mrr": 3}
    assert [(check.holds, check.left) for check in march.checks] == [(True, 15)]


def test_too_many_rows_are_said_and_not_laid_beside_each_other(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    books.bring("subscriptions.csv", HEAD, *(f"s{n},a{n},2025-01-01,,{n},EUR,month,Pro" for n in range(1, 4)), on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,9,EUR,month,Pro", on="2025-05-20")
    [march] = books.since("2025-05-10", "mrr", "2025-03")
    assert (march.change, march.rows, march.checks) == (8, (), ())
    assert march.notes == ("mrr: 3 rows are too many to lay beside each other; ask for a shorter period or one segment (--where)",)


def test_a_period_of_any_length_is_restated(books: Books) -> None:
    books.bring("spend.csv", "day,kind,amount,currency", "2025-03-01,tool,5,EUR", on="2025-04-30")
    books.bring("spend.csv", "day,kind,amount,currency", "2025-03-09,tool,7,EUR", on="2025-05-20")
    question = Question(("spend",), (Period(date(2025, 3, 1), date(2025, 3, 9)), Period(date(2025, 3, 9), date(2025, 3, 11))))
    changes = [one.change for one in restate(Asker(books.ledger), question, date(2025, 5, 10), date(2025, 5, 10))]
    assert changes == [0, 7]


def test_a_visitor_that_is_known_by_another_name_is_the_same_row(books: Books) -> None:
    head = "type,messageId,timestamp,anonymousId,userId,context.page.url"
    pages = ("page,m1,2025-03-03T09:00:00Z,laptop,,https://acme.test/", "page,m2,2025-03-04T09:00:00Z,phone,,https://acme.test/")
    books.bring("pages.csv", head, *pages, on="2025-04-30")
    known = ("identify,m3,2025-03-05T09:00:00Z,laptop,ada,", "identify,m4,2025-03-05T09:00:00Z,phone,ada,")
    late = books.bring("known.csv", head, *known, on="2025-05-20")
    [march] = books.since("2025-05-10", "visitors", "2025-03")
    assert (march.then.value, march.now.value) == (2, 1)
    # The laptop's first visit still decides, now under Ada's name; the phone is no visitor of its own any more.
    assert told(march) == [("vanished", Decimal(-1), "pages.csv:3", None)]
    assert imports(march.rows[0]) == [(late, False)]


def test_a_cluster_tells_the_same_rows_and_imports(books: Books) -> None:
    books.bring("subscriptions.csv", HEAD, "s1,a1,2025-01-01,,100,EUR,month,Pro", "s2,a2,2025-02-01,,50,EUR,month,Pro", on="2025-04-30")
    books.bring("subscriptions.csv", HEAD, "s3,a3,2025-03-05,,30,EUR,month,Pro", "s1,a1,2025-01-01,,120,EUR,month,Pro", on="2025-05-20")
    question, known = Question(("mrr", "arpa"), (parse("2025-03"),)), date(2025, 5, 10)
    here, there = (restate(Asker(books.ledger, engine), question, known, known) for engine in (None, SparkConnect(sail())))
    assert [(one.then.value, one.now.value, one.rows) for one in here] == [(one.then.value, one.now.value, one.rows) for one in there]
    assert [len(one.rows) for one in here] == [2, 3]
