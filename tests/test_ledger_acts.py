"""An import is one act: what is new is written, what is known is not, and every act can be made invisible again."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.books import TODAY, Book, counts, csv, noon, sums, told

from fari.company import Company
from fari.errors import FariError
from fari.ledger.acts import How
from fari.ledger.schema import TABLES
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

SPEND = csv(
    "day,channel,campaign,kind,amount,currency,platform",
    "2025-01-01,Paid Search,brand,ads,100.50,EUR,google",
    "2025-01-27,,,salary,3000,EUR,payroll",
    "2025-01-27,,,salary,3000,EUR,payroll",
    "2025-02-01,Email,,tool,49.90,USD,mailer",
)
SUBSCRIPTIONS = csv(
    "subscription_id,account_id,starts_on,ends_on,amount,currency,interval",
    "s1,a1,2025-01-01,2025-03-01,100,EUR,month",
    "s1,a1,2025-03-01,,120,EUR,month",
    "s2,a2,2025-02-10,,900,EUR,year",
)
STAGES = csv("person_id,stage,at", "p1,lead,2025-01-05T10:00:00Z", "p1,mql,2025-01-09T10:00:00Z", "p2,lead,2025-02-01T10:00:00Z")
EVENTS = csv(
    '{"type":"page","messageId":"m1","anonymousId":"v1","timestamp":"2025-01-31T23:30:00Z","context":{"page":{"url":"https://acme.test/"}}}',
    '{"type":"track","messageId":"m2","anonymousId":"v1","event":"Signed Up","timestamp":"2025-02-01T10:00:00Z"}',
    '{"type":"page","anonymousId":"v2","timestamp":"2025-02-02T10:00:00Z","context":{"page":{"path":"/pricing"}}}',
)
MINIMAL = {
    "people": "person_id,email,created_at\np1,a@b.test,2025-01-01\np2,,\n",
    "stages": STAGES,
    "accounts": "account_id,name\na1,Acme\n",
    "feedback": "account_id,at,kind,text\na1,2025-03-01,comment,fine\na1,2025-03-01,comment,fine\n",
    "subscriptions": SUBSCRIPTIONS,
    "spend": SPEND,
    "deals": "deal_id,created_at,status,amount\nd1,2025-01-01T10:00:00Z,open,500\n",
    "searches": "month,brand,ours,volume\n2025-01,acme,true,10\n",
    "series": "day,name,value\n2025-01-01,followers,10\n",
    "targets": "month,metric,value\n2025-01,mrr,1000\n",
    "rates": "day,currency,rate\n2025-01-01,USD,0.9\n",
    "aliases": "kind,from_id,to_id\nperson,p1,p9\n",
}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def bring_all(book: Book, recorded: date = TODAY) -> None:
    paths = [book.put(f"{table}.csv", text) for table, text in MINIMAL.items()] + [book.put("events.jsonl", EVENTS)]
    for report in book.act(paths, recorded=recorded):
        assert not report.rejected, report.problems


def test_every_table_comes_from_its_own_header(book: Book) -> None:
    bring_all(book)
    assert {table: len(book.rows(table, "key")) for table in TABLES} == {
        "people": 2, "stages": 3, "accounts": 1, "feedback": 2, "subscriptions": 3, "spend": 4, "deals": 1,
        "searches": 1, "series": 1, "targets": 1, "rates": 1, "aliases": 1, "events": 3,
    }  # fmt: skip


def test_the_same_files_twice_add_nothing(book: Book) -> None:
    bring_all(book)
    before, imports = book.versions(), book.ledger.imports()
    bring_all(book, recorded=TODAY + timedelta(days=3))
    assert book.versions() == before
    assert book.ledger.imports() == imports
    again = book.bring("spend.csv", SPEND)
    assert counts(again, "spend") == (0, 0, 4, 0)
    assert again.import_id is None


def test_another_process_sees_the_same_files_as_known(book: Book) -> None:
    bring_all(book)
    before = book.versions()
    other = Ledger(book.folder, book.company)
    paths = sorted((book.folder / "files").iterdir())
    assert {report.import_id for report in import_files(other, paths, How(TODAY, noon(TODAY)))} == {None}
    assert book.versions() == before


def test_columns_in_another_order_and_rows_in_another_are_the_same_rows(book: Book) -> None:
    book.bring("spend.csv", csv("day,amount,currency,note,team", "2025-01-01,5,EUR,a,x", "2025-01-02,6,EUR,,"))
    again = book.bring("spend.csv", csv("team,note,currency,amount,day", ",,EUR,6.00,2025-01-02", "x,a,eur,5,2025-01-01"))
    assert counts(again, "spend") == (0, 0, 2, 0)


def test_equal_rows_brought_beside_a_file_with_more_columns_are_equal(book: Book) -> None:
    book.bring("a.csv", csv("day,amount,currency,platform", "2025-01-01,5,EUR,a"))
    paths = [
        book.put("a.csv", csv("day,amount,currency,platform", "2025-01-01,5,EUR,a")),
        book.put("b.csv", csv("day,amount,currency,platform,owner", "2025-01-01,5,EUR,b,Ann")),
    ]
    assert [counts(report, "spend") for report in book.act(paths)] == [(0, 0, 1, 0), (1, 0, 0, 0)]
    assert book.rows("spend", "platform attributes") == [("a", None), ("b", '{"owner":"Ann"}')]


def test_two_salaries_on_one_day_are_two_costs(book: Book) -> None:
    report = book.bring("spend.csv", SPEND)
    assert counts(report, "spend") == (4, 0, 0, 0)
    assert [row for row in book.rows("spend", "kind amount") if row[0] == "salary"] == [("salary", "3000.000000")] * 2


def test_a_corrected_amount_replaces_and_the_other_salary_stays(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    report = book.bring("spend.csv", SPEND.replace("salary,3000", "salary,3100", 1))
    assert counts(report, "spend") == (0, 1, 3, 0)
    assert [row[1] for row in book.rows("spend", "kind amount") if row[0] == "salary"] == ["3000.000000", "3100.000000"]


def test_a_salary_that_is_gone_from_its_day_is_withdrawn_with_its_key(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    report = book.bring("spend.csv", SPEND.replace("2025-01-27,,,salary,3000,EUR,payroll\n", "", 1))
    assert counts(report, "spend") == (0, 0, 3, 1)
    assert report.import_id
    assert len(book.rows("spend", "amount")) == 3


def test_rows_that_a_file_does_not_name_stay(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    book.bring("more.csv", csv("day,amount,currency,platform", "2025-03-01,5,EUR,mailer"))
    assert len(book.rows("spend", "amount")) == 5


def test_a_changed_row_is_a_new_version_and_the_old_one_is_kept(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,old@acme.test\n", recorded=date(2025, 1, 1))
    report = book.bring("people.csv", "person_id,email\np1,new@acme.test\n", recorded=date(2025, 2, 1))
    assert counts(report, "people") == (0, 1, 0, 0)
    assert book.rows("people", "email") == [("new@acme.test",)]
    assert book.rows("people", "email", date(2025, 1, 31)) == [("old@acme.test",)]
    assert book.rows("people", "email", date(2024, 12, 31)) == []


@pytest.mark.parametrize(
    ("table", "old", "new", "columns", "expected"),
    [
        (
            "subscriptions",
            SUBSCRIPTIONS,
            SUBSCRIPTIONS.replace("2025-03-01", "2025-04-01"),
            "subscription_id starts_on ends_on",
            [("s1", "2025-01-01", "2025-04-01"), ("s1", "2025-04-01", None), ("s2", "2025-02-10", None)],
        ),
        (
            "stages",
            STAGES,
            STAGES.replace("2025-01-09T10", "2025-01-19T10"),
            "person_id stage at",
            [("p1", "lead", "2025-01-05 10:00:00"), ("p1", "mql", "2025-01-19 10:00:00"), ("p2", "lead", "2025-02-01 10:00:00")],
        ),
    ],
)
def test_a_corrected_date_replaces_where_ids_are_replaced_whole(
    book: Book, table: str, old: str, new: str, columns: str, expected: list[tuple[str | None, ...]]
) -> None:
    book.bring(f"{table}.csv", old)
    book.bring(f"{table}.csv", new)
    assert book.rows(table, columns) == expected


def test_a_subscription_named_with_fewer_stretches_loses_the_others(book: Book) -> None:
    book.bring("s.csv", SUBSCRIPTIONS)
    report = book.bring("s.csv", csv("subscription_id,account_id,starts_on,amount,currency,interval", "s1,a1,2025-01-01,100,EUR,month"))
    assert counts(report, "subscriptions") == (0, 1, 0, 1)
    assert book.rows("subscriptions", "subscription_id starts_on ends_on") == [("s1", "2025-01-01", None), ("s2", "2025-02-10", None)]


def test_append_adds_and_adds_once(book: Book) -> None:
    book.bring("stages.csv", STAGES)
    more = csv("person_id,stage,at", "p1,sql,2025-02-02T10:00:00Z", "p2,lead,2025-02-01T10:00:00Z")
    assert counts(book.bring("more.csv", more, append=True), "stages") == (1, 0, 1, 0)
    assert len(book.rows("stages", "stage")) == 4
    assert book.bring("more.csv", more, append=True).import_id is None


def test_append_adds_a_third_salary(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    extra = csv("day,kind,amount,currency,platform", "2025-01-27,salary,2500,EUR,payroll")
    assert counts(book.bring("extra.csv", extra, append=True), "spend") == (0, 1, 0, 0)
    assert len([row for row in book.rows("spend", "kind") if row == ("salary",)]) == 3


def test_what_was_appended_goes_when_its_key_is_replaced_again(book: Book) -> None:
    book.bring("stages.csv", STAGES)
    book.bring("more.csv", csv("person_id,stage,at", "p1,sql,2025-02-02T10:00:00Z"), append=True)
    book.bring("stages.csv", STAGES.replace("p1,lead,2025-01-05", "p1,lead,2025-01-04"))
    assert book.rows("stages", "person_id stage") == [("p1", "lead"), ("p1", "mql"), ("p2", "lead")]


def test_equal_costs_of_two_files_are_two_costs_when_appended_and_those_of_one_file_again_are_not(book: Book) -> None:
    """Another employee of the same pay is another cost; the same file once more is a retry. A stage said twice is one stage."""
    one = csv("day,kind,amount,currency", "2025-01-27,salary,2500,EUR")
    book.act([book.put("a.csv", one), book.put("b.csv", one)], append=True)
    assert len(book.rows("spend", "amount")) == 2
    assert counts(book.bring("c.csv", one, append=True), "spend") == (0, 1, 0, 0)
    assert book.bring("c.csv", one, append=True).import_id is None
    assert len(book.rows("spend", "amount")) == 3
    lead = csv("person_id,stage,at", "p1,lead,2025-01-05T10:00:00Z")
    book.act([book.put("d.csv", lead), book.put("e.csv", lead)], append=True)
    assert len(book.rows("stages", "stage")) == 1


def test_of_two_files_of_one_act_the_later_speaks_and_the_earlier_says_so(book: Book) -> None:
    first = book.put("a.csv", csv("deal_id,created_at,status", "d1,2025-01-01,open", "d2,2025-01-01,open"))
    second = book.put("b.csv", csv("deal_id,created_at,status,lost_reason,closed_at", "d1,2025-01-01,lost,price,2025-02-01"))
    [report, _] = book.act([first, second])
    assert book.rows("deals", "deal_id status") == [("d1", "lost"), ("d2", "open")]
    assert [problem.what for problem in report.problems] == ["1 row of deals not kept: a later file of this import has rows of the same keys"]


def test_sources_do_not_replace_each_other(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,a@acme.test\n", source="crm")
    book.bring("people.csv", "person_id,email\np1,b@acme.test\n", source="shop")
    assert book.rows("people", "source email") == [("crm", "a@acme.test"), ("shop", "b@acme.test")]


# --replace


def test_replace_withdraws_what_the_file_no_longer_has_inside_its_period(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    book.bring("earlier.csv", csv("day,amount,currency,platform", "2024-12-31,7,EUR,early"))
    kept = csv(
        "day,channel,campaign,kind,amount,currency,platform",
        "2025-01-01,Paid Search,brand,ads,100.50,EUR,google",
        "2025-02-01,Email,,tool,49.90,USD,mailer",
    )
    report = book.bring("spend.csv", kept, replace=True)
    assert counts(report, "spend") == (0, 0, 2, 2)
    assert book.rows("spend", "day") == [("2024-12-31",), ("2025-01-01",), ("2025-02-01",)]
    assert book.bring("spend.csv", kept, replace=True).import_id is None


def test_replace_without_a_named_period_goes_to_the_horizon_and_says_so(book: Book) -> None:
    """A file covers its table from its first row to the data's horizon, so that its newest row can be taken back too."""
    header = "day,amount,currency"
    book.bring("spend.csv", csv(header, "2025-01-01,1,EUR", "2025-01-02,2,EUR", "2025-01-03,4,EUR"))
    report = book.bring("spend.csv", csv(header, "2025-01-01,1,EUR", "2025-01-02,2,EUR"), replace=True)
    assert counts(report, "spend") == (0, 0, 2, 1)
    assert book.rows("spend", "day") == [("2025-01-01",), ("2025-01-02",)]
    assert [problem.mend for problem in report.problems] == ["say with --covers FROM..UNTIL which days it speaks for"]


def test_replace_withdraws_rows_without_a_date(book: Book) -> None:
    book.bring("people.csv", csv("person_id,email,created_at", "p1,a@acme.test,", "p2,b@acme.test,2025-01-01", "p3,c@acme.test,2024-01-01"))
    report = book.bring("people.csv", csv("person_id,email,created_at", "p2,b@acme.test,2025-01-01"), replace=True)
    assert counts(report, "people") == (0, 0, 1, 1)
    assert book.rows("people", "person_id") == [("p2",), ("p3",)]


def test_replace_takes_the_period_that_is_named(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    first = csv("day,channel,campaign,kind,amount,currency,platform", "2025-01-01,Paid Search,brand,ads,100.50,EUR,google")
    book.bring("spend.csv", first, replace=True, covers=(date(2025, 1, 1), date(2025, 2, 1)))
    assert book.rows("spend", "day") == [("2025-01-01",), ("2025-02-01",)]


def test_replace_leaves_other_sources_alone(book: Book) -> None:
    book.bring("spend.csv", SPEND, source="ads")
    book.bring("spend.csv", csv("day,amount,currency", "2025-01-01,1,EUR", "2025-12-31,1,EUR"), replace=True, source="books")
    assert len(book.rows("spend", "amount")) == 6


def test_replace_does_not_withdraw_a_row_that_it_refuses(book: Book) -> None:
    book.bring("deals.csv", csv("deal_id,created_at,status,amount", "d1,2025-01-01,open,5", "d2,2025-01-02,open,6", "d3,2025-01-03,open,7"))
    report = book.bring(
        "deals.csv", csv("deal_id,created_at,status,amount", "d1,2025-01-01,open,5", "d2,2025-01-02,open,six", "d3,2025-01-03,open,7"), replace=True
    )
    assert report.rejected == 1
    assert book.rows("deals", "deal_id") == [("d1",), ("d2",), ("d3",)]


def test_replace_of_a_subscription_keeps_its_stretches_outside_the_period(book: Book) -> None:
    book.bring("s.csv", SUBSCRIPTIONS)
    rest = csv("subscription_id,account_id,starts_on,amount,currency,interval", "s9,a9,2025-02-01,1,EUR,month", "s8,a8,2025-03-15,1,EUR,month")
    book.bring("s.csv", rest, replace=True)
    assert book.rows("subscriptions", "subscription_id starts_on") == [("s1", "2025-01-01"), ("s8", "2025-03-15"), ("s9", "2025-02-01")]


def test_replace_withdraws_events_and_they_can_come_back(book: Book) -> None:
    book.bring("events.jsonl", EVENTS)
    first, *_, last = EVENTS.splitlines()
    book.bring("events.jsonl", csv(first, last), replace=True)
    assert len(book.rows("events", "key")) == 2
    book.bring("events.jsonl", EVENTS)
    assert len(book.rows("events", "key")) == 3


def test_an_undone_replacement_brings_back_what_it_withdrew(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    before = book.rows("spend", "day amount")
    report = book.bring("spend.csv", SPEND.splitlines()[0] + "\n2025-01-01,,,ads,1,EUR,x\n2025-03-01,,,ads,1,EUR,x\n", replace=True)
    assert counts(report, "spend") == (2, 0, 0, 4)
    book.undo(report.import_id)
    assert book.rows("spend", "day amount") == before


# undo, --recorded and as-of


def test_undo_makes_invisible_and_what_was_before_returns(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,old@acme.test\n", recorded=date(2025, 1, 1))
    report = book.bring("people.csv", "person_id,email\np1,new@acme.test\np2,two@acme.test\n", recorded=date(2025, 2, 1))
    undone = book.undo(report.import_id, date(2025, 3, 1))
    assert undone.import_id == report.import_id
    assert book.rows("people", "email") == [("old@acme.test",)]
    assert book.rows("people", "email", date(2025, 2, 15)) == [("new@acme.test",), ("two@acme.test",)]
    assert book.rows("people", "email", date(2025, 3, 1)) == [("old@acme.test",)]


def test_what_was_undone_can_be_imported_again(book: Book) -> None:
    report = book.bring("spend.csv", SPEND)
    book.undo(report.import_id)
    again = book.bring("spend.csv", SPEND)
    assert counts(again, "spend") == (4, 0, 0, 0)
    assert len(book.rows("spend", "amount")) == 4


def test_undo_by_the_beginning_of_an_id_and_its_refusals(book: Book) -> None:
    first, second = book.bring("a.csv", SPEND).import_id, book.bring("b.csv", SUBSCRIPTIONS).import_id
    assert first
    assert second
    with pytest.raises(FariError, match="it names 2 imports"):
        book.undo(first[:4])
    with pytest.raises(FariError, match=r"no import 'zzz' \(see"):
        book.undo("zzz")
    assert book.undo(second[:-1]).import_id == second
    with pytest.raises(FariError, match="undone already"):
        book.undo(second)


def test_undo_of_an_import_takes_its_coverage_along(book: Book) -> None:
    report = book.bring("spend.csv", SPEND)
    assert [c.table for c in book.ledger.coverage(book.ledger.visible())] == ["spend"]
    book.undo(report.import_id)
    assert book.ledger.coverage(book.ledger.visible()) == []


def test_history_recorded_later_comes_before_what_is_known(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,now@acme.test\n", recorded=date(2025, 3, 1))
    report = book.bring("people.csv", "person_id,email\np1,then@acme.test\n", recorded=date(2025, 1, 1), now=noon(date(2025, 4, 1)))
    assert report.import_id
    assert book.rows("people", "email") == [("now@acme.test",)]
    assert book.rows("people", "email", date(2025, 2, 1)) == [("then@acme.test",)]


def test_history_that_says_what_became_known_later_is_written_for_its_day(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,same@acme.test\n", recorded=date(2025, 3, 1))
    book.bring("people.csv", "person_id,email\np1,same@acme.test\n", recorded=date(2025, 1, 1))
    assert book.rows("people", "email", date(2025, 2, 1)) == [("same@acme.test",)]
    assert book.rows("people", "email") == [("same@acme.test",)]


def test_of_two_acts_at_one_moment_the_second_counts(book: Book) -> None:
    for n in range(12):  # twelve, since ids are drawn at random
        book.bring("people.csv", f"person_id,email\np1,{n}@acme.test\n", now=noon(date(2025, 1, 1)))
        assert book.rows("people", "email") == [(f"{n}@acme.test",)]


def test_a_clock_that_went_back_changes_no_order(book: Book) -> None:
    book.bring("people.csv", "person_id,email\np1,first@acme.test\n", now=noon(date(2025, 5, 1)))
    book.bring("people.csv", "person_id,email\np1,second@acme.test\n", now=noon(date(2025, 1, 1)))
    assert book.rows("people", "email") == [("second@acme.test",)]


# The act as told


def test_dry_run_tells_and_writes_nothing(book: Book) -> None:
    report = book.bring("spend.csv", SPEND, dry_run=True)
    assert counts(report, "spend") == (4, 0, 0, 0)
    assert report.import_id is None
    assert book.versions() == {}
    assert not (book.ledger.root / "about.json").exists()


def test_the_control_totals_add_up(book: Book) -> None:
    report = book.bring("spend.csv", SPEND + "2025-13-01,,,tool,8.05,EUR,x\n2025-02-02,,,tool,1.00,EURO,x\n")
    assert sums(report) == {
        "spend.amount EUR": ("6108.55", "6100.5", "8.05"),
        "spend.amount EURO": ("1", "0", "1"),
        "spend.amount USD": ("49.9", "49.9", "0"),
    }
    assert told(report) == [(6, "day is not a date"), (7, "currency is not an ISO 4217 code")]


def test_an_import_says_what_it_wrote(book: Book) -> None:
    paths = [book.put("spend.csv", SPEND), book.put("events.jsonl", EVENTS)]
    reports = book.act(paths)
    [act] = book.ledger.imports()
    assert {report.import_id for report in reports} == {act.import_id}
    assert act.source == "contract, segment"
    assert act.recorded_on == TODAY
    # An instant near midnight belongs to the month of its local day.
    assert act.tables == {"spend": {"rows": 4, "withdrawn": 0}, "events": {"rows": 3, "withdrawn": 0, "months": [202502]}}
    assert [(file["file"], file["read"], file["rejected"]) for file in act.files] == [("spend.csv", 4, 0), ("events.jsonl", 3, 0)]
    assert act.totals["spend.csv"]["spend.amount USD"]["stored"] == "49.900000"


def test_each_row_knows_where_it_came_from(book: Book) -> None:
    book.bring('o\'brien "x" 1.csv', SPEND, source="Ann's books")
    assert book.rows("spend", "source origin")[0] == ("Ann's books", 'o\'brien "x" 1.csv:2')


def test_two_files_of_one_name_are_told_apart_by_their_paths(book: Book) -> None:
    first, second = (
        book.put("jan/spend.csv", csv("day,amount,currency", "2025-01-01,x,EUR")),
        book.put("feb/spend.csv", csv("day,amount,currency", "2025-02-01,1,EUR")),
    )
    reports = book.act([first, second])
    assert [(report.file, report.rejected) for report in reports] == [(str(first), 1), (str(second), 0)]
    assert book.rows("spend", "origin") == [(f"{second}:2",)]


# Coverage


def told_coverage(book: Book) -> list[tuple[str, str | None, str | None, str | None]]:
    def plain(day: date | None) -> str | None:
        return day.isoformat() if day else None

    return sorted((c.table, plain(c.since), plain(c.until), plain(c.last)) for c in book.ledger.coverage(book.ledger.visible()))


def test_a_file_covers_from_its_first_row_to_the_horizon(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    book.bring("s.csv", SUBSCRIPTIONS)
    assert told_coverage(book) == [("spend", "2025-01-01", None, "2025-02-01"), ("subscriptions", "2025-01-01", None, "2025-03-01")]


def test_the_horizon_ends_on_the_day_of_the_import(book: Book) -> None:
    book.bring("s.csv", SUBSCRIPTIONS.replace("2025-03-01", "2027-03-01"), recorded=date(2025, 2, 20))
    assert told_coverage(book) == [("subscriptions", "2025-01-01", None, "2025-02-20")]


def test_the_range_that_is_named_overrides(book: Book) -> None:
    book.bring("spend.csv", SPEND, covers=(date(2024, 12, 1), date(2025, 4, 1)))
    assert told_coverage(book) == [("spend", "2024-12-01", "2025-04-01", "2025-03-31")]


def test_a_range_named_later_is_told_once(book: Book) -> None:
    book.bring("spend.csv", SPEND)
    covers = (date(2024, 12, 1), date(2025, 4, 1))
    report = book.bring("spend.csv", SPEND, covers=covers)
    assert counts(report, "spend") == (0, 0, 4, 0)
    assert report.import_id
    before = book.versions()
    assert book.bring("spend.csv", SPEND, covers=covers).import_id is None
    assert book.versions() == before


def test_a_report_that_names_its_own_range_is_known_the_second_time(book: Book) -> None:
    text = csv("Campaign report", '"January 1, 2025 - January 31, 2025"', "Day,Campaign,Currency code,Cost", "2025-01-03,Brand,EUR,12.50")
    first = book.bring("google.csv", text)
    assert first.source == "google_ads"
    assert told_coverage(book) == [("spend", "2025-01-01", "2025-02-01", "2025-01-31")]
    before = book.versions()
    assert book.bring("google.csv", text).import_id is None
    assert book.versions() == before


def test_a_file_without_good_rows_covers_nothing(book: Book) -> None:
    assert book.bring("spend.csv", csv("day,amount,currency", "2025-01-32,5,EUR")).import_id is None
    assert told_coverage(book) == []


def test_refused_rows_do_not_stretch_the_coverage(book: Book) -> None:
    book.bring("spend.csv", csv("day,amount,currency", "2024-01-01,x,EUR", "2025-01-05,5,EUR", "2026-01-01,y,EUR"))
    assert told_coverage(book) == [("spend", "2025-01-05", None, "2025-01-05")]


def test_the_company_s_day_decides(tmp_path: Path) -> None:
    book = Book(tmp_path, Company(timezone="Pacific/Auckland"))
    book.bring("stages.csv", csv("person_id,stage,at", "p1,lead,2025-01-31T11:30:00Z"))
    assert told_coverage(book) == [("stages", "2025-02-01", None, "2025-02-01")]
