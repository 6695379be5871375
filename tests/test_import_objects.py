"""Objects that are read together: in one import or on different days, in whatever order, undone and recorded for the past."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.projects import bring, company
from tests.stripe_made import at, customer, discount, event, invoice, item, line, price, subscription

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import parse
from fari.ledger.acts import How, Report
from fari.ledger.sql import parquet
from fari.ledger.store import Ledger, current_sql, stored_columns
from fari.sources.importing import import_files, take_back

ONE, THREE = subscription(items=[item("si_1", price(), 1)]), subscription(items=[item("si_1", price(), 3)])
GREW = event("evt_1", "2025-03-03", "customer.subscription.updated", THREE, items={"object": "list", "data": [item("si_1", price(), 1)]})
BILLED = invoice("in_1", [line("2025-02-10", "2025-03-10", 5800, quantity=2)], "2025-02-10")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, company())


def put(ledger: Ledger, name: str, *objects: Any) -> Path:
    path = ledger.folder / name
    path.write_text(json.dumps({"object": "list", "data": list(objects), "has_more": False}), encoding="utf-8")
    return path


def on(day: str) -> How:
    return How(date.fromisoformat(day), datetime.fromisoformat(f"{day}T08:00").replace(tzinfo=UTC))


def take(ledger: Ledger, day: str, *paths: Path, **options: Any) -> list[Report]:
    return import_files(ledger, paths, on(day), **options)


def rows(ledger: Ledger, *columns: str, as_of: str | None = None) -> list[tuple[Any, ...]]:
    """Current rows: id, first day, end, and the columns asked for. Empty stretches count nowhere."""
    seen = ", ".join(f"('{one.import_id}', {one.seq})" for one in ledger.visible(date.fromisoformat(as_of) if as_of else None)) or "('', 0)"
    session = ledger.session()
    found: Sequence[tuple[Any, ...]] = session.execute(
        f"WITH seen(import_id, seq) AS (VALUES {seen}), raw_subscriptions AS "
        f"({parquet(ledger.files('subscriptions'), stored_columns('subscriptions'))}), now AS ({current_sql('subscriptions')}) "
        f"SELECT subscription_id, starts_on::VARCHAR, ends_on::VARCHAR{''.join(f', {name}' for name in columns)} FROM now "
        "WHERE ends_on IS NULL OR ends_on > starts_on ORDER BY ALL"
    ).fetchall()
    return list(found)


def mrr(ledger: Ledger, month: str, as_of: str | None = None) -> Any:
    [answer] = Asker(ledger).ask(Question(("mrr",), (parse(month, 1),), as_of=date.fromisoformat(as_of) if as_of else None))
    return answer.value


GROWN = [("stripe:sub_1", "2025-01-10", "2025-03-03", 1), ("stripe:sub_1", "2025-03-03", None, 3)]


def test_files_of_one_import_are_joined(ledger: Ledger) -> None:
    paths = [put(ledger, "events.json", GREW), put(ledger, "subscriptions.json", THREE), put(ledger, "customers.json", customer())]
    reports = take(ledger, "2025-06-01", *paths)
    assert [report.source for report in reports] == ["stripe_objects"] * 3
    assert rows(ledger, "quantity") == GROWN
    assert [origin for *_, origin in rows(ledger, "origin")] == ["events.json:evt_1", "events.json:evt_1"]
    assert [mrr(ledger, month) for month in ("2025-01", "2025-02", "2025-03")] == [29, 29, 87]


def test_each_of_many_imports_has_the_last_word(ledger: Ledger) -> None:
    days = [f"2025-06-0{day}" for day in range(1, 7)]
    for seats, day in enumerate(days, 1):
        take(ledger, day, put(ledger, f"{day}.json", subscription(items=[item("si_1", price(), seats)])))
    assert rows(ledger, "quantity")[-1] == ("stripe:sub_1", days[-1], None, 6)


@pytest.mark.parametrize("names", [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]])
def test_files_of_several_imports_are_joined_in_any_order(ledger: Ledger, names: list[str]) -> None:
    files = {"a": put(ledger, "a.json", THREE), "b": put(ledger, "b.json", GREW), "c": put(ledger, "c.json", BILLED, price())}
    for day, name in enumerate(names, 1):
        take(ledger, f"2025-06-0{day}", files[name])
    assert rows(ledger, "quantity") == [
        ("stripe:sub_1", "2025-01-10", "2025-03-03", 2),
        ("stripe:sub_1", "2025-03-03", None, 3),
    ]  # that the invoice says two and the event one before is for the invoice to answer for


def test_importing_again_adds_nothing(ledger: Ledger) -> None:
    paths = [put(ledger, "events.json", GREW), put(ledger, "subscriptions.json", THREE)]
    first = take(ledger, "2025-06-01", *paths)
    again = take(ledger, "2025-06-02", *paths)
    assert sum(report.count("new") for report in first) == 2
    assert [(report.count("new"), report.count("changed"), report.import_id) for report in again] == [(0, 0, None)] * 2
    assert sum(report.count("unchanged") for report in again) == 2
    assert len(ledger.imports()) == 1


def test_a_dry_run_stores_no_objects(ledger: Ledger) -> None:
    how = How(date(2025, 6, 1), datetime(2025, 6, 1, tzinfo=UTC), dry_run=True)
    [report] = import_files(ledger, [put(ledger, "s.json", THREE)], how)
    assert report.count("new") == 1
    assert ledger.files("objects") == []


def test_items_keep_their_ids_when_their_number_changes_between_exports(ledger: Ledger) -> None:
    """The second item came on 3 March and was gone when the third export was made; nothing of it stays behind."""
    extra = item("si_0", price("price_extra", 500), created="2025-03-03")
    both = subscription(items=[item("si_1", price()), extra])
    take(ledger, "2025-02-01", put(ledger, "1.json", ONE))
    take(ledger, "2025-04-01", put(ledger, "2.json", both))
    assert rows(ledger) == [("stripe:sub_1", "2025-01-10", None), ("stripe:sub_1/si_0", "2025-03-03", None)]
    take(ledger, "2025-05-01", put(ledger, "3.json", ONE))
    assert rows(ledger) == [("stripe:sub_1", "2025-01-10", None), ("stripe:sub_1/si_0", "2025-03-03", "2025-05-01")]


def test_a_change_between_two_exports_is_dated_by_the_second(ledger: Ledger) -> None:
    take(ledger, "2025-03-01", put(ledger, "1.json", ONE))
    take(ledger, "2025-04-01", put(ledger, "2.json", THREE))
    assert rows(ledger, "quantity") == [("stripe:sub_1", "2025-01-10", "2025-04-01", 1), ("stripe:sub_1", "2025-04-01", None, 3)]
    take(ledger, "2025-04-02", put(ledger, "3.json", GREW))
    assert rows(ledger, "quantity") == GROWN


def test_an_old_export_that_comes_late_does_not_make_its_terms_todays(ledger: Ledger) -> None:
    """It shows the period of February, so it was made before March; the newer one is of May."""
    old = subscription(items=[item("si_1", price(), 1, current_period_start=at("2025-02-10"), current_period_end=at("2025-03-10"))])
    new = subscription(items=[item("si_1", price(), 3, current_period_start=at("2025-05-10"), current_period_end=at("2025-06-10"))])
    take(ledger, "2025-05-20", put(ledger, "new.json", new))
    take(ledger, "2025-07-01", put(ledger, "old.json", old))
    assert rows(ledger, "quantity") == [("stripe:sub_1", "2025-01-10", "2025-05-20", 1), ("stripe:sub_1", "2025-05-20", None, 3)]


def test_an_export_that_knows_better_replaces_what_was_known_of_the_price(ledger: Ledger) -> None:
    half = subscription(discounts=["di_1"])
    take(ledger, "2025-03-01", put(ledger, "1.json", half))
    assert rows(ledger, "discount") == [("stripe:sub_1", "2025-01-10", None, None)]
    whole = {"id": "HALF", "object": "coupon", "percent_off": 50, "duration": "forever", "livemode": False}
    take(ledger, "2025-04-01", put(ledger, "2.json", subscription(discounts=[discount("di_1", whole, "2025-01-10")])))
    assert rows(ledger, "discount::DOUBLE") == [("stripe:sub_1", "2025-01-10", None, 14.5)]


def test_a_price_that_comes_later_is_used_where_it_is_mentioned(ledger: Ledger) -> None:
    old = invoice("in_1", [line("2025-01-10", "2025-02-10", 1900, "price_old")], "2025-01-10")
    [_, report] = take(ledger, "2025-06-01", put(ledger, "s.json", ONE), put(ledger, "i.json", old))
    assert [problem.value for problem in report.problems] == ["price_old"]
    assert mrr(ledger, "2025-01") == 29
    nobody = {**subscription("sub_2"), "customer": "cus_2"}
    take(ledger, "2025-06-02", put(ledger, "other.json", nobody))
    take(ledger, "2025-06-03", put(ledger, "p.json", price("price_old", 1900)))
    assert [mrr(ledger, month) for month in ("2025-01", "2025-02")] == [19 + 29, 29 + 29]
    assert rows(ledger)[0] == ("stripe:sub_1", "2025-01-10", "2025-02-10")


def test_undoing_an_import_works_out_again_what_later_ones_made_with_it(ledger: Ledger) -> None:
    [events] = take(ledger, "2025-06-01", put(ledger, "e.json", GREW))
    [states] = take(ledger, "2025-06-02", put(ledger, "s.json", THREE))
    assert rows(ledger, "quantity") == GROWN
    take_back(ledger, str(events.import_id), date(2025, 6, 3), datetime(2025, 6, 3, tzinfo=UTC))
    assert rows(ledger, "quantity") == [("stripe:sub_1", "2025-01-10", None, 3)]
    assert rows(ledger, "quantity", as_of="2025-06-02") == GROWN
    take_back(ledger, str(states.import_id), date(2025, 6, 4), datetime(2025, 6, 4, tzinfo=UTC))
    assert rows(ledger) == []
    take(ledger, "2025-06-05", ledger.folder / "e.json")
    assert rows(ledger, "quantity") == GROWN


def test_undoing_takes_back_an_item_that_only_it_knew(ledger: Ledger) -> None:
    addon = invoice("in_1", [line("2025-01-10", "2025-02-10", 500, "price_extra", own="si_9")], "2025-01-10")
    take(ledger, "2025-06-01", put(ledger, "s.json", ONE))
    [billed] = take(ledger, "2025-06-02", put(ledger, "i.json", addon, price("price_extra", 500)))
    again = {**event("evt_2", "2025-05-01", "customer.subscription.updated", ONE), "data": {"object": ONE}}
    take(ledger, "2025-06-03", put(ledger, "e.json", again))
    assert len(rows(ledger)) == 2
    take_back(ledger, str(billed.import_id), date(2025, 6, 4), datetime(2025, 6, 4, tzinfo=UTC))
    assert rows(ledger) == [("stripe:sub_1", "2025-01-10", None)]


def test_history_recorded_for_the_past_is_known_from_that_day_on(ledger: Ledger) -> None:
    take(ledger, "2025-06-01", put(ledger, "s.json", THREE))
    past = How(date(2025, 4, 1), datetime(2025, 7, 1, tzinfo=UTC))
    import_files(ledger, [put(ledger, "e.json", GREW)], past)
    assert rows(ledger, "quantity") == GROWN
    assert rows(ledger, "quantity", as_of="2025-04-01") == GROWN
    assert rows(ledger, as_of="2025-03-31") == []


def test_two_accounts_of_a_vendor_are_kept_apart(ledger: Ledger) -> None:
    take(ledger, "2025-06-01", put(ledger, "s.json", THREE), source="one")
    take(ledger, "2025-06-01", put(ledger, "e.json", GREW), source="two")
    assert [quantity for *_, quantity in rows(ledger, "quantity")] == [1, 3, 3]


def test_a_customer_of_whom_nothing_new_was_said_is_left_alone(ledger: Ledger) -> None:
    other = {**subscription("sub_2"), "customer": "cus_2"}
    [report] = take(ledger, "2025-06-01", put(ledger, "s.json", THREE, other))
    assert report.tables["subscriptions"]["new"] == 2
    [report] = take(ledger, "2025-06-02", put(ledger, "e.json", GREW))
    assert report.tables["subscriptions"] == {"new": 1, "changed": 1, "unchanged": 0, "withdrawn": 0}


def test_ids_of_an_earlier_import_give_way(ledger: Ledger) -> None:
    """Rows of the account that this source no longer tells become empty stretches."""
    path = ledger.folder / "old.csv"
    path.write_text("subscription_id,account_id,starts_on,amount,currency,interval\nstripe:sub_1/si_1,stripe:cus_1,2025-01-10,29,EUR,month\n")
    bring(ledger, [path], source="stripe_objects")
    take(ledger, "2026-02-01", put(ledger, "s.json", ONE))
    assert rows(ledger) == [("stripe:sub_1", "2025-01-10", None)]


def test_what_is_kept_of_an_object_is_one_version_for_each_change(ledger: Ledger) -> None:
    take(ledger, "2025-06-01", put(ledger, "s.json", ONE, price()))
    take(ledger, "2025-06-02", put(ledger, "t.json", THREE, price()))
    take(ledger, "2025-06-03", put(ledger, "u.json", THREE, price()))
    session = ledger.session()
    found = session.execute(
        f"SELECT kind, count(*) FROM ({parquet(ledger.files('objects'), {'kind': 'VARCHAR', 'id': 'VARCHAR'})}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [("price", 1), ("subscription", 2)]
