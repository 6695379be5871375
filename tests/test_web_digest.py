"""The digest: five numbers with their change, driver and link; sent to a real mail server and a real webhook on this machine."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Fari, Said, write_project

from fari.errors import FariError
from fari.surfaces import posting

PASSWORD = "s3cret/@pass"


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a message needs."""

    def handle(self) -> None:
        server: Any = self.server
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self.say("250-here\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                given = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                self.say("235 ok" if given == ["me", PASSWORD] else f"535 not {given[1]}")
            elif word == "RCPT" and "nobody" in line:
                self.say("550 no such user")
            elif word == "DATA":
                self.say("354 go on")
                lines = []
                while (data := self.rfile.readline()) != b".\r\n":
                    lines.append(data)
                server.got.append(b"".join(lines))
                self.say("250 ok")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                server.said.append(line)
                self.say("250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it was sent, refuses, or sends elsewhere."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.got.append((self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
        status = {"/refuse": 403, "/elsewhere": 302}.get(self.path.partition("?")[0], 200)
        body = f"invalid_token {self.path}".encode() if status == 403 else b"ok"
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/taken")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def served(server: Any) -> Iterator[Any]:
    server.got, server.said = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for server in served(socketserver.TCPServer(("127.0.0.1", 0), Mail)):
        monkeypatch.setenv("FARI_SMTP_URL", f"smtp://me:s3cret%2F%40pass@127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("FARI_MAIL_FROM", "Fari <fari@acme.test>")
        monkeypatch.setenv("FARI_MAIL_TO", "ann@acme.test, bob@acme.test")
        yield server


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for server in served(HTTPServer(("127.0.0.1", 0), Hook)):
        monkeypatch.setenv("FARI_SLACK_WEBHOOK", f"http://127.0.0.1:{server.server_address[1]}/services/T0/B0/XyZ")
        yield server


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    """March 2025: MRR 300, April 200: a1 (Starter, 100) leaves."""
    made = Fari(capsys, tmp_path)
    assert made("import", *write_project(tmp_path)).status == 0
    return made


def quiet(said: Said) -> None:
    """No secret is printed."""
    for secret in (PASSWORD, "s3cret", "XyZ", "T0/B0"):
        assert secret not in said.out + said.err


def test_printed_each_number_has_its_change_driver_and_link(fari: Fari) -> None:
    said = fari("digest", "2025-04", "--url", "https://fari.acme.test/")
    assert said.status == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == "Acme, April 2025"
    place = next(n for n, line in enumerate(lines) if line.startswith("MRR: "))
    assert lines[place].startswith("MRR: €200.00  ▼ 33.3% (")
    assert "vs €300.00 in Mar" in lines[place]
    assert lines[place + 1].startswith("  -€100.00 from churned MRR")
    assert lines[place + 2].startswith("  https://fari.acme.test/metrics/mrr?period=2025-04&")
    assert sum("/metrics/" in line for line in lines) == 5
    assert "The data is stale: data until May 20, 2025" in said.out


def test_without_a_period_links_name_the_month_they_are_about(fari: Fari) -> None:
    assert "/metrics/mrr?period=2025-04&" in fari("digest").out


def test_mailed_it_has_text_html_and_the_charts_inside(fari: Fari, mail: Any) -> None:
    said = fari("digest", "2025-04", "--send", "--lang", "it")
    assert (said.status, said.out) == (0, ""), said.err
    assert "mailed to 2" in said.err
    quiet(said)
    assert [line.split(" ")[1].upper() for line in mail.said if line.upper().startswith("RCPT")] == ["TO:<ANN@ACME.TEST>", "TO:<BOB@ACME.TEST>"]
    (raw,) = mail.got
    made = message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)
    assert made["Subject"] == "DATI VECCHI: Acme, aprile 2025"
    text, html = (made.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "MRR: 200,00" in text.get_content()
    page = html.get_content()
    images = {part["Content-ID"].strip("<>"): part.get_content() for part in made.walk() if part.get_content_type() == "image/png"}
    assert set(images) >= {"chart", "mrr"}
    assert all(png.startswith(b"\x89PNG") for png in images.values())
    assert all(f'src="cid:{name}"' in page for name in images)
    assert "I dati sono vecchi" in page
    assert "<script" not in page


def test_a_server_that_refuses_is_told_without_the_password(mail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARI_SMTP_URL", f"smtp://me:wrong-one@127.0.0.1:{mail.server_address[1]}")
    made = posting.message("s", "t", "<p>h", {}, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(FariError, match="did not take the message") as refused:
        posting.send(made)
    assert "wrong-one" not in str(refused.value)
    monkeypatch.setenv("FARI_SMTP_URL", f"smtp://127.0.0.1:{mail.server_address[1]}")
    monkeypatch.setenv("FARI_MAIL_TO", "ann@acme.test, nobody@acme.test")
    with pytest.raises(FariError, match=r"refused nobody@acme\.test"):
        posting.send(made)
    assert len(mail.got) == 1


def test_posted_to_slack_with_links_and_nothing_that_it_would_take_for_one(fari: Fari, hook: Any) -> None:
    (fari.here / "fari.toml").write_text((fari.here / "fari.toml").read_text().replace('"Acme"', '"A <!channel> & B"'), encoding="utf-8")
    said = fari("digest", "2025-04", "--slack")
    assert said.status == 0, said.err
    quiet(said)
    ((path, kind, body),) = hook.got
    assert path == "/services/T0/B0/XyZ"
    assert kind.startswith("application/json")
    told = json.loads(body)
    texts = [block["text"]["text"] for block in told["blocks"] if block["type"] == "section"]
    assert any(text.startswith("*<http://127.0.0.1:8400/metrics/mrr?period=2025-04&") and "*€200.00*" in text for text in texts)
    assert "<!channel>" not in json.dumps(told["blocks"][1:])
    assert any("stale" in text for text in texts)


@pytest.mark.parametrize("path", ["/refuse", "/elsewhere"])
def test_slack_that_refuses_or_sends_elsewhere(hook: Any, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("FARI_SLACK_WEBHOOK", f"http://127.0.0.1:{hook.server_address[1]}{path}?XyZ")
    with pytest.raises(FariError, match="Slack did not take it") as refused:
        posting.post({})
    assert "XyZ" not in str(refused.value)
    assert len(hook.got) == 1


def test_one_way_that_fails_does_not_stop_the_other(fari: Fari, hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FARI_SMTP_URL", raising=False)
    said = fari("digest", "2025-04", "--send", "--slack")
    assert said.status == 1
    assert "FARI_SMTP_URL" in said.err
    assert len(hook.got) == 1


def test_written_to_files(fari: Fari) -> None:
    assert fari("digest", "2025-04", "--to", "d.html").status == 0
    page = (fari.here / "d.html").read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,' in page
    assert "cid:" not in page
    assert fari("digest", "2025-04", "--to", "d.eml").status == 0
    assert message_from_bytes((fari.here / "d.eml").read_bytes())["Subject"] == "STALE DATA: Acme, April 2025"


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("http://hooks.example.com/services/XyZ", "is not https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://[XyZ", "begins with https://"),
        ("", "not set"),
    ],
)
def test_only_a_safe_webhook_is_posted_to(address: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARI_SLACK_WEBHOOK", address)
    with pytest.raises(FariError, match=hint) as refused:
        posting.post({})
    assert "XyZ" not in str(refused.value)


def test_a_header_of_two_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARI_MAIL_FROM", "a@acme.test\nBcc: x@evil.test")
    with pytest.raises(FariError, match="no address"):
        posting.message("s", "t", "h", {}, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("typed", [("--to", "x.pdf"), ("--url", "javascript:alert(1)"), ("--url", "https://a|b"), ("--where", "x=1"), ("2025-99",)])
def test_wrong_words_are_refused(fari: Fari, typed: tuple[str, ...]) -> None:
    assert fari("digest", *typed).status == 2
