"""The company: what `fari.toml` says. It holds no secrets; those come from the environment."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fari.errors import FariError, UsageError, did_you_mean
from fari.rules import Rules, preset

TOML = "fari.toml"
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


@dataclass(frozen=True)
class Points:
    """Points a person gets once for one kind of action: an event by name, a page by path, or a trait given."""

    points: Decimal
    event: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    trait: str = ""


@dataclass(frozen=True)
class Scoring:
    """`[scoring]`: from how many points a known person is a lead, MQL or SQL, and what gives points."""

    lead: Decimal | None = None
    mql: Decimal | None = None
    sql: Decimal | None = None
    points: tuple[Points, ...] = ()


@dataclass(frozen=True)
class Company:
    """Everything `fari.toml` can say, checked."""

    name: str = "My company"
    currency: str = "EUR"
    timezone: str = "UTC"
    fiscal_year_start: int = 1
    gross_margin: Decimal = Decimal(1)
    hosts: tuple[str, ...] = ()
    signup_events: tuple[str, ...] = ("Signed Up",)
    customer_from: str = "auto"
    match_domains: bool = False
    content: tuple[tuple[str, tuple[str, ...]], ...] = ()
    channels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Own channel rules, tried first: (channel, ((field, pattern), ...))."""
    scoring: Scoring = Scoring()
    rules: Rules = field(default_factory=preset)
    """`[rules]`: the preset and the single choices made otherwise."""
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """`[mapping.<table>]`: the file's column for each of the table's."""

    @cached_property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)


_CONTENT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("blog", ("/blog*", "/news*", "/articles*", "/post/*", "/posts/*")),
    ("docs", ("/docs*", "/help*", "/support*", "/guides*", "/api*")),
    ("pricing", ("/pricing*", "/plans*")),
    ("gated", ("/ebook*", "/ebooks*", "/whitepaper*", "/whitepapers*", "/download*", "/webinar*", "/resources/*", "/report*")),
    ("product", ("/product*", "/features*", "/solutions*", "/integrations*", "/demo*", "/tour*", "/app*")),
)
"""`[content]` as shipped: the first type with a matching pattern wins; what matches none is `other`."""

_TABLES: dict[str, tuple[str, ...] | None] = {
    "company": ("name", "currency", "timezone", "fiscal_year_start", "gross_margin", "hosts"),
    "funnel": ("signup_events", "customer_from"),
    "identity": ("match_domains",),
    "content": None,
    "channels": ("rule",),
    "scoring": ("lead", "mql", "sql", "points"),
    "mapping": None,
    "rules": None,
    "sources": None,
}


def _refuse(path: Path, message: str) -> FariError:
    return FariError(f"{path}: {message}")


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def _scoring(table: Mapping[str, Any], path: Path) -> Scoring:
    known = {f.name for f in fields(Points)}
    points = []
    for entry in table.get("points", []):
        for key in entry:
            if key not in known:
                raise _refuse(path, f"[[scoring.points]] has no key '{key}'{did_you_mean(key, known)}")
        points.append(
            Points(Decimal(str(entry["points"])), _texts(entry.get("event", ())), _texts(entry.get("page", ())), str(entry.get("trait", "")))
        )
    thresholds = {name: Decimal(str(table[name])) for name in ("lead", "mql", "sql") if name in table}
    return Scoring(points=tuple(points), **thresholds)


def _month(value: Any, path: Path) -> int:
    if isinstance(value, str) and not value.isdigit():
        matches = [n for n, month in enumerate(MONTHS, 1) if month.startswith(value.strip().lower()[:3])]
        if not matches:
            raise _refuse(path, f"fiscal_year_start is not a month: {value!r} (write 4 or 'april')")
        return matches[0]
    if not 1 <= int(value) <= 12:
        raise _refuse(path, f"fiscal_year_start must be 1 to 12, not {value}")
    return int(value)


def load(folder: Path) -> Company:
    """The company in `folder/fari.toml`; FariError naming the file and the key where something in it is wrong."""
    path = folder / TOML
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FariError(f"no {TOML} in {folder}; run `fari init` there first") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refuse(path, str(error)) from None
    return parse(data, path)


def parse(data: Mapping[str, Any], path: Path) -> Company:
    """A company from the parsed TOML. Unknown tables and keys are refused with a did-you-mean."""
    for name, table in data.items():
        if name not in _TABLES:
            raise _refuse(path, f"unknown table [{name}]{did_you_mean(name, _TABLES)}")
        known = _TABLES[name] or tuple(table)
        for key in table:
            if key not in known:
                raise _refuse(path, f"[{name}] has no key '{key}'{did_you_mean(key, known)}")
    company, funnel, identity = (data.get(name, {}) for name in ("company", "funnel", "identity"))
    values: dict[str, Any] = {}
    for key in ("name", "currency", "timezone"):
        if key in company:
            values[key] = str(company[key])
    if "currency" in values:
        values["currency"] = values["currency"].upper()
    if "fiscal_year_start" in company:
        values["fiscal_year_start"] = _month(company["fiscal_year_start"], path)
    if "gross_margin" in company:
        margin = Decimal(str(company["gross_margin"]))
        if not 0 < margin <= 1:
            raise _refuse(path, f"gross_margin is a fraction between 0 and 1, not {margin}")
        values["gross_margin"] = margin
    if "hosts" in company:
        values["hosts"] = tuple(host.lower() for host in _texts(company["hosts"]))
    if "signup_events" in funnel:
        values["signup_events"] = _texts(funnel["signup_events"])
    if "customer_from" in funnel:
        choice = str(funnel["customer_from"])
        if choice not in ("auto", "subscriptions", "deals", "stages"):
            raise _refuse(path, f"[funnel] customer_from is subscriptions, deals, stages or auto, not {choice!r}")
        values["customer_from"] = choice
    values["match_domains"] = bool(identity.get("match_domains", False))
    own = tuple((str(kind), _texts(patterns)) for kind, patterns in data.get("content", {}).items())
    values["content"] = own or _CONTENT
    values["channels"] = tuple(
        (str(rule["channel"]), tuple((key, str(value)) for key, value in rule.items() if key != "channel"))
        for rule in data.get("channels", {}).get("rule", [])
    )
    values["scoring"] = _scoring(data.get("scoring", {}), path)
    chosen = {name: str(answer) for name, answer in data.get("rules", {}).items()}
    try:
        values["rules"] = preset(chosen.pop("preset", "fari")).changed(**chosen)
    except UsageError as error:
        raise _refuse(path, f"[rules] {error}") from None
    values["mapping"] = {table: dict(columns) for table, columns in data.get("mapping", {}).items()}
    made = Company(**values)
    try:
        made.zone  # noqa: B018 - fails here, with the file's name, rather than at the first date
    except (ZoneInfoNotFoundError, ValueError):
        raise _refuse(path, f"unknown time zone {made.timezone!r} (write one such as Europe/Rome)") from None
    return made


def template(name: str, currency: str, timezone: str) -> str:
    """The `fari.toml` that `fari init` writes, with the article's scoring."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'''# What Fari knows of the company. No secrets here: they come from the environment.

[company]
name = "{quoted}"
currency = "{currency}"
timezone = "{timezone}"
# fiscal_year_start = "january"
# gross_margin = 0.8          # CLV, payback and ROI use it; 1 while unset
# hosts = ["example.com"]     # own sites: never a referrer

[funnel]
signup_events = ["Signed Up"]

[identity]
match_domains = false         # true: one business e-mail domain is one account

# Points are given once for each kind of action. From `lead`, `mql`, `sql` points on, a known person is at that stage.
[scoring]
lead = 1
mql = 10
sql = 100

[[scoring.points]]
trait = "email"               # an e-mail given makes a lead
points = 1

[[scoring.points]]
event = ["Gated Download", "Content Downloaded", "Ebook Downloaded", "White Paper Downloaded"]
points = 10

[[scoring.points]]
event = ["Contact Form Submitted", "Contact Requested"]
points = 10

[[scoring.points]]
event = ["Newsletter Subscribed", "Newsletter Signup"]
points = 10

[[scoring.points]]
page = ["/pricing*"]
points = 10

[[scoring.points]]
event = ["Trial Started", "Demo Requested", "Demo Booked", "Consultation Requested"]
points = 100
'''
