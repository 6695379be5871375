"""Posting: a message by SMTP, or one POST to Slack. Addresses and keys come from the environment and are never printed."""

import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import SplitResult, unquote, urlsplit

from fari.errors import FariError

SMTP, FROM, TO, SLACK = "FARI_SMTP_URL", "FARI_MAIL_FROM", "FARI_MAIL_TO", "FARI_SLACK_WEBHOOK"
_HERE = ("127.0.0.1", "::1", "localhost")
_SECONDS = 30


def message(subject: str, text: str, html: str, images: Mapping[str, bytes], sent: datetime) -> EmailMessage:
    """A message with its text, its HTML and the PNGs that the HTML names as `cid:`; from and to whom the environment says."""
    made = EmailMessage()
    sender, to = os.environ.get(FROM, "").strip() or "fari@localhost", os.environ.get(TO, "").strip()
    try:
        made["Subject"] = " ".join(subject.split())
        made["From"] = sender
        if to:
            made["To"] = to
        made["Date"] = format_datetime(sent)
        made["Auto-Submitted"] = "auto-generated"
    except ValueError:
        raise FariError(f"{FROM} or {TO} is no address, or more than one line") from None
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    body = made.get_payload()[1]  # type: ignore[index]
    for name, png in images.items():
        body.add_related(png, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline")  # type: ignore[union-attr]
    return made


def send(made: EmailMessage) -> int:
    """Send a message by the server that FARI_SMTP_URL names; how many it went to. FariError says what to set, or what the server said."""
    missing = [name for name in (SMTP, FROM, TO) if not os.environ.get(name, "").strip()]
    if missing:
        raise FariError(f"{', '.join(missing)} not set: {SMTP} is smtps://USER:PASSWORD@HOST:465 or smtp://HOST:587, the others are addresses")
    url = _parts(SMTP, ("smtp", "smtps"))
    receivers = [address for _, address in getaddresses([os.environ[TO]]) if address]
    host = url.hostname or ""
    secure = ssl.create_default_context()
    try:
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_SECONDS, context=secure)
        else:
            server = smtplib.SMTP(host, url.port or 587, timeout=_SECONDS)
        with server:
            if url.scheme == "smtp":
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=secure)
                elif url.username and host not in _HERE:
                    raise FariError(f"{host} offers no encryption, so the password is not sent to it: use smtps://")
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            refused = server.send_message(made, to_addrs=receivers)
    except (smtplib.SMTPException, OSError) as error:
        raise FariError(f"{host} did not take the message: {_said(error, url)}") from None
    if refused:
        raise FariError(f"{host} refused {', '.join(refused)}; the others have it")
    return len(receivers)


def post(body: Mapping[str, Any]) -> None:
    """POST to Slack's incoming webhook. FariError where there is none, or it did not take it."""
    if not os.environ.get(SLACK, "").strip():
        raise FariError(f"{SLACK} not set: it is the address that Slack gives an incoming webhook")
    url = _parts(SLACK, ("https", "http"))
    if url.scheme != "https" and url.hostname not in _HERE:
        raise FariError(f"{SLACK} is not https://, and what is sent must not be read on its way")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url.geturl(), json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_Straight).open(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(200).decode("utf-8", "replace") or error.reason
        raise FariError(f"Slack did not take it: {error.code} {_said(said, url)}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise FariError(f"Slack could not be reached: {_said(reason, url)}") from None


class _Straight(urllib.request.HTTPRedirectHandler):
    """What is sent goes to the address that was given, and to no other."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> None:
        """Not followed."""


def _parts(name: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        url = urlsplit(os.environ[name].strip())
        port = url.port
    except ValueError:
        url, port = SplitResult("", "", "", "", ""), None
    if url.scheme not in schemes or not url.hostname or port == 0:
        raise FariError(f"{name} is no address that begins with {'://, '.join(schemes)}://")
    return url


def _said(what: object, url: SplitResult) -> str:
    """What a server or library said, on one line, without what must not be told."""
    text = " ".join(str(what).split())
    secrets = [url.password, unquote(url.password or ""), url.path if len(url.path) > 1 else "", url.query]
    for secret in filter(None, secrets):
        text = text.replace(secret, "•••")
    return text[:300]
