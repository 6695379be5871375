"""`fari sync stripe` against a server that speaks Stripe's API: pages, limits, errors, cut connections, kills, and what changes from day to day."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.commands import SRC, TOML, Fari, Said
from tests.stripe_made import at, coupon, customer, discount, invoice, item, line, price, sample, subscription
from tests.stripe_server import KEY, Fault, StripeServer, serving
from tests.test_import_objects import rows

from fari.company import load
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.ledger.tries import tries
from fari.sources.syncing import sync

TIERED = price("price_tiers", None, billing_scheme="tiered", tiers_mode="volume", tiers=[{"up_to": None, "unit_amount": 1000, "flat_amount": 500}])
HALF = discount("di_1", coupon(), "2025-01-10")


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    """An account of seven customers: an invoice a month for the first, tiers for the second, a discount for the third, one of them gone."""
    server = StripeServer()
    server.put(price(), TIERED, coupon())
    for n in range(1, 8):
        since = f"2025-01-{9 + n:02d}"
        of = TIERED if n == 2 else price()
        made = subscription(f"sub_{n}", [item(f"si_{n}", {**of, "tiers": None}, 2, since)], since, customer=f"cus_{n}")
        if n == 3:
            made["discounts"] = [HALF]
        if n == 4:
            made |= {"status": "canceled", "ended_at": at("2025-03-01"), "canceled_at": at("2025-02-20")}
        server.put(customer(f"cus_{n}", created=at("2025-01-01") + n), made)
    for n, quantity in ((1, 1), (2, 1), (3, 2)):
        own = [line(f"2025-0{n}-10", f"2025-0{n + 1}-10", 2900 * quantity, quantity=quantity)]
        server.put(invoice(f"in_{n}", own, f"2025-0{n}-10"))
    with serving(server):
        yield server


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stripe: StripeServer) -> Fari:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    monkeypatch.setenv("STRIPE_API_BASE", stripe.url)
    return Fari(capsys, tmp_path)


def ledger(fari: Fari) -> Ledger:
    return Ledger(fari.here, load(fari.here))


def told(fari: Fari, *columns: str) -> list[tuple[Any, ...]]:
    return rows(ledger(fari), *columns)


FIRST = [
    ("stripe:sub_1", "2025-01-10", "2025-03-10", 1, "29.000000", None),
    ("stripe:sub_1", "2025-03-10", None, 2, "58.000000", None),
    ("stripe:sub_2", "2025-01-11", None, 2, "25.000000", None),
    ("stripe:sub_3", "2025-01-12", None, 2, "58.000000", "29.000000"),
    ("stripe:sub_4", "2025-01-13", "2025-03-01", 2, "58.000000", None),
    ("stripe:sub_5", "2025-01-14", None, 2, "58.000000", None),
    ("stripe:sub_6", "2025-01-15", None, 2, "58.000000", None),
    ("stripe:sub_7", "2025-01-16", None, 2, "58.000000", None),
]
COLUMNS = ("quantity", "amount::VARCHAR", "discount::VARCHAR")


def test_the_first_time_everything_is_read_page_by_page(fari: Fari, stripe: StripeServer) -> None:
    said = fari("sync", "stripe", "--json")
    assert said.status == 0
    [report] = said.json["files"]
    assert (report["file"], report["source"], report["error"], report["rejected"]) == ("stripe", "stripe_objects", None, 0)
    assert report["tables"]["subscriptions"]["new"] == len(FIRST)
    assert report["tables"]["people"]["new"] == 7
    assert told(fari, *COLUMNS) == FIRST
    assert [stripe.count(path) for path in ("subscriptions", "customers", "invoices")] == [3, 3, 1]
    assert [one["import_id"] for one in fari("imports", "--json").json] == said.json["imports"]
    assert {origin.split(":")[0] for *_, origin in told(fari, "origin")} == {"stripe"}


def test_what_was_synced_is_known_until_today(fari: Fari) -> None:
    fari("sync", "stripe")
    [answer] = fari("metrics", "customers", "--grain", "total", "--format", "json").json
    assert answer["value"] == 6


def test_again_without_anything_new_asks_for_events_alone_and_stores_nothing(fari: Fari, stripe: StripeServer) -> None:
    first = fari("sync", "stripe", "--json").json["imports"]
    stripe.asked.clear()
    said = fari("sync", "stripe")
    assert said.err == "nothing new at stripe\n"
    assert [one.split("?")[0] for one in stripe.asked] == ["/v1/events"]
    assert len(fari("imports", "--json").json) == len(first)


def soon(stripe: StripeServer) -> str:
    """A time after the first sync, which began now."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))


def test_then_events_say_what_has_changed(fari: Fari, stripe: StripeServer) -> None:
    fari("sync", "stripe")
    stripe.asked.clear()
    now = subscription("sub_5", [item("si_5", price(), 7)], "2025-01-14", customer="cus_5", discounts=[HALF])
    before = {"object": "list", "data": [item("si_5", price(), 2)]}
    stripe.tell("evt_1", soon(stripe), "customer.subscription.updated", now, items=before, discounts=[])
    stripe.tell("evt_2", soon(stripe), "customer.updated", customer("cus_6", name="Another name"))
    stripe.tell("evt_3", soon(stripe), "invoice.paid", invoice("in_9", [line("2025-04-10", "2025-05-10", 5800, quantity=2)], "2025-04-10"))
    said = fari("sync", "stripe", "--json")
    assert [one for one in stripe.asked if "/v1/subscriptions?" in one or "/v1/customers?" in one] == []
    assert sorted(one.split("?")[0] for one in stripe.asked) == [
        "/v1/customers/cus_6", "/v1/events", "/v1/subscriptions/sub_1", "/v1/subscriptions/sub_5",
    ]  # fmt: skip
    assert said.json["files"][0]["tables"]["people"]["changed"] == 1
    assert told(fari, *COLUMNS)[5:7] == [
        ("stripe:sub_5", "2025-01-14", told(fari)[6][1], 2, "58.000000", None),
        ("stripe:sub_5", told(fari)[6][1], None, 7, "203.000000", "101.500000"),
    ]
    assert [origin for *_, origin in told(fari, "origin")][6] == "stripe:evt_1"


def test_a_subscription_that_ended_since(fari: Fari, stripe: StripeServer) -> None:
    fari("sync", "stripe")
    gone = subscription("sub_5", [item("si_5", price(), 2)], "2025-01-14", customer="cus_5", status="canceled", ended_at=at("2025-06-01"))
    gone |= {
        "canceled_at": at("2025-05-20"),
        "cancellation_details": {"reason": "cancellation_requested", "feedback": "too_expensive", "comment": None},
    }
    stripe.tell("evt_1", soon(stripe), "customer.subscription.deleted", gone)
    report = fari("sync", "stripe", "--json").json["files"][0]
    assert ("stripe:sub_5", "2025-01-14", "2025-06-01") in told(fari)
    assert report["tables"]["feedback"]["new"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, headers={"Retry-After": "0"}, times=3),
        Fault("invoices", status=500, times=1),
        Fault("subscriptions", status=503, headers={"Retry-After": "0"}, times=2),
        Fault("customers", how="cut", times=2),
        Fault("subscriptions", how="half", times=1),
        Fault("events", status=409, headers={"Retry-After": "0"}, times=1),
    ],
    ids=lambda fault: f"{fault.how} {fault.status} {fault.path}",
)
def test_what_goes_wrong_on_the_way_is_tried_again(fari: Fari, stripe: StripeServer, fault: Fault) -> None:
    stripe.faults = [fault]
    said = fari("sync", "stripe")
    assert (said.status, fault.times) == (0, 0)
    assert [row[:3] for row in told(fari)] == [(row[0], *row[1:3]) for row in FIRST]


def test_retry_after_is_waited_for(fari: Fari, stripe: StripeServer) -> None:
    stripe.faults = [Fault("prices", status=429, headers={"Retry-After": "2"})]
    begun = time.monotonic()
    assert fari("sync", "stripe").status == 0
    assert time.monotonic() - begun >= 2


def test_a_key_that_is_refused_is_said_in_words(fari: Fari, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_another")
    said = fari("sync", "stripe")
    assert said.status == 1
    assert "does not accept the key in STRIPE_API_KEY" in said.complaint
    assert "sk_test_another" not in said.err
    assert len(stripe.asked) == 1
    monkeypatch.setenv("STRIPE_API_KEY", " ")
    assert "STRIPE_API_KEY is not set" in fari("sync", "stripe").complaint


def test_the_last_attempt_leaves_a_trace_without_the_key(fari: Fari, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tries(ledger(fari)) == ()
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_another")
    assert fari("sync", "stripe", "--dry-run").status == 1
    assert tries(ledger(fari)) == ()
    assert fari("sync", "stripe").status == 1
    (one,) = tries(ledger(fari))
    assert (one.source, one.read) == ("stripe", 0)
    assert "does not accept the key in STRIPE_API_KEY" in one.failed
    found = [finding for finding in fari("doctor", "--json").json["findings"] if finding["topic"] == "sync"]
    assert [(finding["severity"], finding["where"]) for finding in found] == [("warning", "stripe")]
    assert f"failed: {one.failed}" in found[0]["what"]
    assert b"sk_test_another" not in (fari.here / "ledger" / "syncs.sqlite").read_bytes()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("sk_test_of_somebody")

    with monkeypatch.context() as patched:
        patched.setattr("fari.sources.syncing.sync", broken)
        assert fari("sync", "stripe").status != 0
    assert tries(ledger(fari))[0].failed == "it broke off (RuntimeError)"
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    assert fari("sync", "stripe").status == 0
    (one,) = tries(ledger(fari))
    assert (one.failed, one.read > 0) == ("", True)
    assert fari("sync", "stripe", "--source", "other").status == 0
    assert [one.source for one in tries(ledger(fari))] == ["other", "stripe"]
    assert "sync" not in [finding["topic"] for finding in fari("doctor", "--json").json["findings"]]


def test_a_permission_that_is_missing_is_named_and_what_was_read_stays(fari: Fari, stripe: StripeServer) -> None:
    stripe.forbidden = {"subscription_schedules"}
    said = fari("sync", "stripe")
    assert said.status == 1
    assert "may not read subscription schedules" in said.complaint
    stripe.forbidden = set()
    stripe.asked.clear()
    assert fari("sync", "stripe").status == 0
    assert stripe.count("subscriptions") == stripe.count("customers") == 0
    assert [row[:3] for row in told(fari)] == [(row[0], *row[1:3]) for row in FIRST]


def test_test_and_live_mode_are_not_mixed(fari: Fari, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "note: is data of Stripe's test mode" in fari("sync", "stripe").out
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_of_the_tests")
    assert "holds data of Stripe's test mode" in fari("sync", "stripe").complaint


def test_a_dry_run_reads_and_stores_nothing(fari: Fari) -> None:
    said = fari("sync", "stripe", "--dry-run", "--json")
    assert said.json["files"][0]["tables"]["subscriptions"]["new"] == len(FIRST)
    assert fari("imports", "--json").json == []


def test_since_reads_everything_again_and_older_invoices_not(fari: Fari, stripe: StripeServer) -> None:
    said = fari("sync", "stripe", "--since", "2025-03-01", "--json")
    assert said.status == 0
    assert any(
        "/v1/invoices?" in one and f"created[gte]={at('2025-02-28T23:00')}" in one.replace("%5B", "[").replace("%5D", "]") for one in stripe.asked
    )
    assert [row[:3] for row in told(fari, "quantity") if row[0] == "stripe:sub_1"] == [("stripe:sub_1", "2025-01-10", None)]
    fari("sync", "stripe", "--since", "2025-01-01")
    assert [row[:3] for row in told(fari)] == [(row[0], *row[1:3]) for row in FIRST]


def test_an_undone_piece_is_read_again(fari: Fari, stripe: StripeServer) -> None:
    acts = fari("sync", "stripe", "--json").json["imports"]
    assert len(acts) > 3
    fari("undo", acts[3])
    stripe.asked.clear()
    assert fari("sync", "stripe").status == 0
    assert stripe.count("subscriptions") == 3
    assert stripe.count("prices") == 0
    assert [row[:3] for row in told(fari)] == [(row[0], *row[1:3]) for row in FIRST]


def test_lists_inside_objects_are_read_to_their_end(fari: Fari, stripe: StripeServer) -> None:
    many = [line("2025-01-16", "2025-02-16", 0, own="si_7") for _ in range(11)]
    for one in many:
        one["parent"]["subscription_item_details"]["subscription"] = "sub_7"
    last = line("2025-01-16", "2025-02-16", 2900, own="si_7")
    last["parent"]["subscription_item_details"]["subscription"] = "sub_7"
    billed = invoice("in_7", [*[{**one, "id": f"il_{n}"} for n, one in enumerate(many)], last], "2025-01-16", customer="cus_7")
    billed["parent"]["subscription_details"]["subscription"] = "sub_7"
    stripe.put(billed)
    extra = [item(f"si_8{n:02d}", price(f"price_{n}", 100), created="2025-01-20") for n in range(12)]
    stripe.put(subscription("sub_8", extra, "2025-01-20", customer="cus_7"))
    assert fari("sync", "stripe").status == 0
    assert stripe.count("invoices/in_7/lines") > 1
    assert len([row for row in told(fari) if row[0].startswith("stripe:sub_8")]) == 12


def test_schedules_of_the_future(fari: Fari, stripe: StripeServer) -> None:
    phases = [
        {"start_date": at("2025-01-15"), "end_date": at("2099-01-15"), "items": [{"price": "price_pro", "quantity": 2}], "currency": "eur"},
        {"start_date": at("2099-01-15"), "end_date": at("2100-01-15"), "items": [{"price": "price_tiers", "quantity": 2}], "currency": "eur"},
    ]
    unset = {"released_at": None, "canceled_at": None, "completed_at": None}
    stripe.put(sample("subscription_schedule", id="sub_sched_1", customer="cus_6", subscription="sub_6", status="active", phases=phases, **unset))
    fari("sync", "stripe")
    assert [row for row in told(fari, "amount::VARCHAR") if row[0] == "stripe:sub_6"] == [
        ("stripe:sub_6", "2025-01-15", "2099-01-15", "58.000000"),
        ("stripe:sub_6", "2099-01-15", None, "25.000000"),
    ]


def test_files_and_the_api_are_joined(fari: Fari, stripe: StripeServer) -> None:
    (fari.here / "i.json").write_text(
        json.dumps(invoice("in_0", [line("2025-02-14", "2025-03-14", 2900, own="si_5")], "2025-02-14", customer="cus_5"))
    )
    text = (fari.here / "i.json").read_text().replace('"sub_1"', '"sub_5"')
    (fari.here / "i.json").write_text(text)
    fari("sync", "stripe")
    fari("import", "i.json")
    assert [row for row in told(fari, "quantity") if row[0] == "stripe:sub_5"] == [
        ("stripe:sub_5", "2025-01-14", "2025-03-14", 1),
        ("stripe:sub_5", "2025-03-14", None, 2),
    ]


def test_a_kill_loses_nothing(tmp_path: Path, stripe: StripeServer) -> None:
    """Killed while the server stalls in the middle of the subscriptions; the next run goes on with them and reads no customer again."""
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "HOME": str(tmp_path), "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe.url}
    command = [sys.executable, "-m", "fari", "sync", "stripe"]
    stripe.faults = [Fault("subscriptions", status=429, headers={"Retry-After": "60"})]
    process = subprocess.Popen(command, cwd=tmp_path, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not stripe.count("subscriptions"):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate()
    stripe.asked.clear()
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [stripe.count(path) for path in ("prices", "customers", "subscriptions", "invoices")] == [0, 0, 3, 1]
    assert [row[:3] for row in rows(Ledger(tmp_path, load(tmp_path)))] == [(row[0], *row[1:3]) for row in FIRST]


def test_after_a_month_without_everything_is_read_again(fari: Fari, stripe: StripeServer) -> None:
    """Stripe lists its events for 30 days: what happened before the first of them would be missed."""
    fari("sync", "stripe")
    stripe.put(subscription("sub_9", [item("si_9", price(), 1, "2025-01-20")], "2025-01-20", customer="cus_7"))
    stripe.asked.clear()
    later = datetime.now(UTC) + timedelta(days=40)
    access = {"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe.url}
    sync(ledger(fari), "stripe", How(later.date(), later), access)
    assert stripe.count("subscriptions") == 3
    assert told(fari)[-1] == ("stripe:sub_9", "2025-01-20", None)


def test_stopped_when_all_was_read_it_is_worked_out_the_next_time(fari: Fari, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fari.sources.syncing.again", stop)
        assert fari("sync", "stripe").status == 130
    assert ledger(fari).files("subscriptions") == []
    stripe.asked.clear()
    assert fari("sync", "stripe").status == 0
    assert [one.split("?")[0] for one in stripe.asked] == ["/v1/events"]
    assert [row[:3] for row in told(fari)] == [(row[0], *row[1:3]) for row in FIRST]


def test_wrong_usage(fari: Fari) -> None:
    def complaint(*words: str) -> Said:
        said = fari("sync", *words)
        assert said.status == 2
        return said

    assert "did you mean 'stripe'" in complaint("strip").complaint
    assert "has not come yet" in complaint("stripe", "--since", "2999-01-01").complaint
    assert "2025-03-31" in complaint("stripe", "--since", "soon").complaint
