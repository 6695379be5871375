"""What kind of site a host is, by public lists and our own, and which hosts belong to one company. Whole labels are compared, never a part of one."""

import csv
import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_COUNTRY = re.compile(r"\.(?:(?:com?|org|net|edu|gov|ac|ne|or)\.)?[a-z]{2}$")
"""The endings a country hands out names under: .it, .co.uk, .com.br."""


@cache
def rules_file() -> dict[str, Any]:
    """`channel_rules.toml`, parsed once."""
    return tomllib.loads(files("fari.marks").joinpath("channel_rules.toml").read_text(encoding="utf-8"))


@cache
def _lists() -> dict[str, str]:
    lines = files("fari.marks").joinpath("data/hosts.csv").read_text(encoding="utf-8").splitlines()
    kinds = {row["name"]: row["kind"] for row in csv.DictReader(lines)}
    for kind, names in rules_file()["hosts"].items():
        for name in names.split():
            if name.startswith("."):
                kinds.pop(name[1:], None)  # else the lists' word on the host alone would outlive ours
            kinds[name] = kind
    return kinds


def bare(host: str | None) -> str:
    """The host as it is compared: lower case, without `www.`; empty where there is none, `$direct` and `(direct)` included.

    >>> bare("WWW.Google.com "), bare("$direct"), bare(None)
    ('google.com', '', '')
    """
    text = (host or "").strip().lower().removeprefix("www.").rstrip(".")
    return "" if text.startswith(("$", "(")) else text


def name_kind(name: str) -> str | None:
    """The kind of a campaign source, which may be a name, a host or an address.

    >>> name_kind("facebook"), name_kind("https://l.facebook.com/x"), name_kind("acme")
    ('social', 'social', None)
    """
    if "." not in name:
        return _lists().get(name)
    return host_kind(bare(name.rpartition("//")[2].partition("/")[0]))


def host_kind(host: str) -> str | None:
    """The kind of a bare host: the most specific entry decides; None where no list knows it.

    >>> host_kind("google.co.uk"), host_kind("mail.google.com"), host_kind("docs.google.com")
    ('search', 'email', None)
    >>> host_kind("old.reddit.com"), host_kind("notreddit.com"), host_kind("reddit.com.evil.com")
    ('social', None, None)
    """
    kinds = _lists()
    labels = host.split(".")
    if len(labels) < 2:
        return None
    ending = _COUNTRY.search(host)
    stem = host[: ending.start()] + ".*" if ending else ""
    if (alone := kinds.get(host) or kinds.get(stem)) is not None:
        return alone
    while "." in host:
        if (below := kinds.get(f".{host}") or kinds.get(f".{stem}")) is not None:
            return below
        host = host.partition(".")[2]
        stem = stem.partition(".")[2]
    return None


@cache
def _shared() -> frozenset[str]:
    return frozenset(rules_file()["shared"]["suffixes"].split())


def registrable(host: str) -> str:
    """The part of a bare host that somebody registered: everything below it is one company's.

    >>> registrable("app.acme.com"), registrable("shop.acme.co.uk"), registrable("docs.acme.github.io"), registrable("127.0.0.1")
    ('acme.com', 'acme.co.uk', 'acme.github.io', '127.0.0.1')
    """
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    for n in range(1, len(labels)):
        if ".".join(labels[n:]) in _shared():
            return ".".join(labels[n - 1 :])
    ending = _COUNTRY.search(host)
    keep = ending[0].count(".") + 1 if ending else 2
    return ".".join(labels[-keep:])


@lru_cache(maxsize=1 << 12)
def _own_names(page: str | None, hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in (registrable(bare(page)), *map(bare, hosts)) if name)


def is_own(referrer: str, page: str | None, hosts: tuple[str, ...]) -> bool:
    """Whether a bare referrer is the company's own: one of its hosts, the registrable part of the page's, or a host below one of these.

    >>> is_own("app.acme.com", "www.acme.com", ()), is_own("acme.io", "acme.com", ("www.acme.io",)), is_own("notacme.io", "acme.com", ("acme.io",))
    (True, True, False)
    """
    return any(referrer == name or referrer.endswith(f".{name}") for name in _own_names(page, hosts))
