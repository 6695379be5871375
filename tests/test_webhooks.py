"""`POST /webhooks/stripe`: what Stripe has signed is on disk before it is acknowledged, counts once, and everything else learns nothing."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import stripe
import uvicorn
from tests.commands import SRC, TOML, Fari
from tests.stripe_made import at, customer, event, item, price, subscription
from tests.test_import_objects import rows

from fari.company import load
from fari.ledger.spool import Spool
from fari.ledger.store import Ledger
from fari.surfaces.webhooks import application, take_in

SECRET = "whsec_of_the_tests"
BEGUN = event("evt_1", "2025-01-10", "customer.subscription.created", subscription())
GREW = event("evt_2", "2025-03-03", "customer.subscription.updated", subscription(items=[item("si_1", price(), 3)]), items=subscription()["items"])
MET = event("evt_0", "2025-01-01", "customer.created", customer())


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    return Ledger(tmp_path, load(tmp_path))


@contextmanager
def listening(ledger: Ledger, every: float = 60) -> Iterator[str]:
    """The application on a real server; its address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(ledger, SECRET, every), host="127.0.0.1", port=port, log_level="error", lifespan="on"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/webhooks/stripe"
    finally:
        server.should_exit = True
        thread.join(60)


def post(address: str, body: str | bytes, signature: str | None = None, method: str = "POST") -> tuple[int, Any]:
    """Send it, signed as Stripe signs it where no other signature is given."""
    data = body.encode() if isinstance(body, str) else body
    header = stripe.WebhookSignature.generate_signature_header(data.decode(), SECRET) if signature is None else signature
    headers = {"Content-Type": "application/json", **({"Stripe-Signature": header} if header else {})}
    try:
        with urlopen(Request(address, data if method == "POST" else None, headers, method=method), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as refused:
        with refused:
            text = refused.read().decode()
            return refused.code, json.loads(text) if text.startswith("{") else text


def test_what_is_signed_is_taken_in(ledger: Ledger) -> None:
    with listening(ledger) as address:
        for one in (MET, BEGUN, GREW):
            assert post(address, json.dumps(one)) == (200, {"received": one["id"], "known": False})
    # What came is taken in when it stops.
    assert rows(ledger, "quantity", "origin") == [
        ("stripe:sub_1", "2025-01-10", "2025-03-03", 1, "stripe:evt_1"),
        ("stripe:sub_1", "2025-03-03", None, 3, "stripe:evt_2"),
    ]
    assert len(ledger.imports()) == 1
    assert {table for one in ledger.imports() for table in one.tables} == {"subscriptions", "people", "accounts"}


def test_what_came_before_is_dropped_and_answered(ledger: Ledger) -> None:
    with listening(ledger) as address:
        assert post(address, json.dumps(BEGUN))[1]["known"] is False
        assert post(address, json.dumps(BEGUN)) == (200, {"received": "evt_1", "known": True})
    with listening(ledger) as address:
        # It is still known once it was taken in.
        assert post(address, json.dumps(BEGUN)) == (200, {"received": "evt_1", "known": True})
    assert len(ledger.imports()) == 1
    assert Spool(ledger.folder / "spool.sqlite").waiting("stripe", 10) == []


def test_what_came_is_taken_in_now_and_then(ledger: Ledger) -> None:
    with listening(ledger, every=0.1) as address:
        post(address, json.dumps(BEGUN))
        deadline = time.monotonic() + 60
        while not ledger.files("subscriptions"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_is_not_signed_learns_nothing(ledger: Ledger) -> None:
    body = json.dumps(BEGUN)
    other = stripe.WebhookSignature.generate_signature_header(body, "whsec_another")
    late = stripe.WebhookSignature.generate_signature_header(body, SECRET, int(time.time()) - 301)
    altered = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    refused = (400, {"error": "not an event that Stripe has signed for this endpoint"})
    with listening(ledger) as address:
        assert post(address, body, other) == refused
        assert post(address, body, late) == refused
        assert post(address, body, "") == refused
        assert post(address, body, "t=now,v1=") == refused
        assert post(address, body.replace("cus_1", "cus_2"), altered) == refused
        assert post(address, "no JSON") == refused
        assert post(address, '{"object": "event"}') == refused
        assert post(address, "[]") == refused
        assert post(address, json.dumps({**BEGUN, "object": "v2.core.event"})) == refused
        assert post(address, b"\xff\xfe", other) == refused
        assert post(address, body, method="GET")[0] == 405
        assert post(address.replace("stripe", "paypal"), body)[0] == 404
        assert post(address, body, stripe.WebhookSignature.generate_signature_header(body, SECRET, int(time.time()) - 290))[0] == 200
    assert len(rows(ledger)) == 1


def test_a_body_without_end_is_refused(ledger: Ledger) -> None:
    with listening(ledger) as address:
        assert post(address, "x" * (4 * 2**20 + 1))[0] == 413


def test_nothing_of_a_person_stays_in_the_spool(ledger: Ledger) -> None:
    spool = Spool(ledger.folder / "spool.sqlite")
    assert spool.put("stripe", "evt_0", json.dumps(MET), int(time.time()))
    take_in(ledger)
    with sqlite3.connect(ledger.folder / "spool.sqlite") as db:
        assert db.execute("SELECT id, body FROM spool").fetchall() == [("evt_0", None)]
    db.close()
    assert b"acme.example" not in (ledger.folder / "spool.sqlite").read_bytes()


def test_what_cannot_be_taken_in_waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    spool = Spool(ledger.folder / "spool.sqlite")
    spool.put("stripe", "evt_1", json.dumps(BEGUN), at("2025-01-10"))
    with monkeypatch.context() as patched:
        patched.setattr("fari.sources.syncing.finish", lambda *_, **__: (_ for _ in ()).throw(OSError("secret words")))
        take_in(ledger)
    said = capsys.readouterr().err
    assert "OSError" in said
    assert "secret words" not in said
    assert [own for own, _ in spool.waiting("stripe", 10)] == ["evt_1"]
    take_in(ledger)
    assert len(rows(ledger)) == 1


def test_ids_are_forgotten_after_sixty_days(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.put("stripe", "evt_1", "{}", 0)
    spool.taken("stripe", ["evt_1"], 59 * 86_400)
    assert not spool.put("stripe", "evt_1", "{}", 60 * 86_400)
    spool.taken("stripe", [], 61 * 86_400)
    assert spool.put("stripe", "evt_1", "{}", 61 * 86_400)


def test_the_command_listens_until_it_is_told_to_stop(ledger: Ledger) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "HOME": str(ledger.folder), "STRIPE_WEBHOOK_SECRET": SECRET}
    command = [sys.executable, "-m", "fari", "webhooks", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ledger.folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while True:
        assert time.monotonic() < deadline
        assert process.poll() is None
        try:
            status, answer = post(f"http://127.0.0.1:{port}/webhooks/stripe", json.dumps(BEGUN))
            break
        except OSError:
            time.sleep(0.1)
    assert (status, answer["known"]) == (200, False)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=90)
    assert out == ""
    assert err == f"listening on http://127.0.0.1:{port}/webhooks/stripe\n"
    assert rows(ledger) == [("stripe:sub_1", "2025-01-10", None)]


def test_without_a_secret_it_does_not_listen(ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    said = Fari(capsys, ledger.folder)("webhooks")
    assert said.status == 1
    assert "STRIPE_WEBHOOK_SECRET is not set" in said.complaint
