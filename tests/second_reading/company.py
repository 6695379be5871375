"""Visits, first touch and stages: definitions.md, Visitors and Leads."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.second_reading.identity import Identity
from tests.second_reading.ledger import Row

STAGES = ("lead", "mql", "sql", "opportunity", "customer")
UNATTRIBUTED = "(unattributed)"
BOTS = ("Googlebot", "bingbot", "AhrefsBot")
SEARCH = ("google.", "bing.com", "duckduckgo.com")
SOCIAL = ("facebook.com", "linkedin.com")


@dataclass
class Visit:
    visitor: str
    start: datetime
    channel: str
    campaign: str | None
    device: str | None
    country: str | None
    views: list[tuple[datetime, date, str]] = field(default_factory=list)  # instant, local day, content


class Company(Identity):
    """A company's people with what they visited and which stages they entered."""

    @cached_property
    def views(self) -> dict[str, list[tuple[datetime, Row]]]:
        """Page views of each visitor in order; of bots and internal people none."""
        found: dict[str, list[tuple[datetime, Row]]] = {}
        for e in self.rows["events"]:
            if e["type"] == "page" and not is_bot(e):
                at = self.at(e["timestamp"])
                who = self.person_at(e.get("anonymousId"), e.get("userId"), at)
                found.setdefault(who, []).append((at, e))
        return {who: sorted(views, key=lambda v: v[0]) for who, views in found.items()}

    @cached_property
    def all_visits(self) -> dict[str, list[Visit]]:
        found: dict[str, list[Visit]] = {}
        for who, views in self.views.items():
            last = None
            for at, e in views:
                if last is None or at - last > timedelta(minutes=30):
                    found.setdefault(who, []).append(Visit(who, at, *arrival(e)))
                found[who][-1].views.append((at, self.local(at), content(e)))
                last = at
        return found

    @cached_property
    def visits(self) -> dict[str, list[Visit]]:
        return {who: visits for who, visits in self.all_visits.items() if who not in self.internal}

    # Stages

    @cached_property
    def entered(self) -> dict[str, dict[str, datetime]]:
        """When each person first entered each stage, skipped stages filled."""
        said: dict[str, list[tuple[int, datetime]]] = {}
        for r in self.rows["stages"]:
            if r["stage"] in STAGES:
                who = "u:" + self.people.find(r["person_id"])
                said.setdefault(who, []).append((STAGES.index(r["stage"]), self.at(r["at"])))
        for who, level, at in self.crossings():
            said.setdefault(who, []).append((level, at))
        entered: dict[str, dict[str, datetime]] = {}
        for who, rows in said.items():
            if who in self.internal:
                continue
            for i, stage in enumerate(STAGES):
                reached = [at for level, at in rows if level >= i]
                if reached:
                    entered.setdefault(who, {})[stage] = min(reached)
        return entered

    def crossings(self) -> list[tuple[str, int, datetime]]:
        """Stages entered by points: each kind of action counts once, at its first instant."""
        scoring = self.toml.get("scoring") or {}
        first: dict[str, dict[int, datetime]] = {}
        for e in sorted(self.rows["events"], key=lambda e: self.at(e["timestamp"])):
            at = self.at(e["timestamp"])
            who = self.person_at(e.get("anonymousId"), e.get("userId"), at)
            if who[0] == "u" and not is_bot(e):
                for i, rule in enumerate(scoring.get("points", [])):
                    if fits(rule, e):
                        first.setdefault(who, {}).setdefault(i, at)
        found = []
        known: dict[str, datetime] = {}
        for e in self.rows["events"]:
            if e.get("userId"):
                who, at = "u:" + self.people.find(e["userId"]), self.at(e["timestamp"])
                known[who] = min(known.get(who, at), at)
        for who, cards in self.cards.items():
            for at in [self.at(c["created_at"]) for c in cards if c.get("created_at")]:
                known[who] = min(known.get(who, at), at)
        for who, hits in first.items():
            points = 0
            for i, at in sorted(hits.items(), key=lambda h: h[1]):
                points += scoring["points"][i]["points"]
                found += [(who, STAGES.index(s), max(at, known[who])) for s in STAGES[:3] if s in scoring and points >= scoring[s]]
        return found

    # First touch

    def touch(self, people: set[str], by: datetime | date | None) -> Visit | None:
        """The earliest visit of any of these people that began by an instant, or by a day's end."""
        visits = [v for p in people for v in self.visits.get(p, [])]
        if isinstance(by, datetime):
            visits = [v for v in visits if v.start <= by]
        elif by:
            visits = [v for v in visits if self.local(v.start) <= by]
        return min(visits, key=lambda v: v.start, default=None)

    def seen(self, people: set[str], by: datetime | date | None) -> set[str]:
        """The kinds of content these people viewed by then."""
        views = [(at, day, kind) for p in people for v in self.visits.get(p, []) for at, day, kind in v.views]
        if isinstance(by, datetime):
            return {kind for at, _, kind in views if at <= by}
        return {kind for _, day, kind in views if by is None or day <= by}

    def credit(self, people: set[str], by: datetime | date | None) -> dict[str, Any]:
        """Channel, campaign and device of the first touch, else the CRM's source, else none."""
        visit = self.touch(people, by)
        if visit:
            return {"channel": visit.channel, "campaign": visit.campaign, "device": visit.device}
        cards = [c for p in people if p not in self.internal for c in self.cards.get(p, []) if c.get("channel")]
        if cards:
            c = min(cards, key=self.card_order)
            return {"channel": c["channel"], "campaign": c.get("campaign") or None, "device": None}
        return {"channel": UNATTRIBUTED, "campaign": None, "device": None}


def is_bot(e: Row) -> bool:
    agent = (e.get("context") or {}).get("userAgent") or ""
    return any(b in agent for b in BOTS)


def page(e: Row) -> dict[str, Any]:
    return {**(e.get("properties") or {}), **((e.get("context") or {}).get("page") or {})}


def path(e: Row) -> str:
    p = page(e)
    return p.get("path") or urlsplit(p.get("url") or "").path or "/"


def content(e: Row) -> str:
    """The type of a page, for the few paths that the generator makes."""
    for start, kind in (("/blog", "blog"), ("/docs", "docs"), ("/pricing", "pricing"), ("/product", "product"), ("/ebook", "gated")):
        if path(e).startswith(start):
            return kind
    return "other"


def arrival(e: Row) -> tuple[str, str | None, str | None, str | None]:
    """Channel, campaign, device and country of the visit that begins with this page view (only plain cases)."""
    p, context = page(e), e.get("context") or {}
    query = {k: v[0] for k, v in parse_qs(urlsplit(p.get("url") or "").query).items()}
    tags = context.get("campaign") or {}
    source = (tags.get("source") or query.get("utm_source") or "").lower()
    medium = (tags.get("medium") or query.get("utm_medium") or "").lower()
    campaign = tags.get("name") or query.get("utm_campaign")
    host = urlsplit(p.get("referrer") or "").hostname or ""
    own = urlsplit(p.get("url") or "").hostname or ""
    if medium == "email":
        channel = "Email"
    elif medium == "cpc":
        channel = "Paid Social" if source in ("facebook", "linkedin") else "Paid Search"
    elif not host or host == own:
        channel = "Direct"
    elif any(s in host for s in SEARCH):
        channel = "Organic Search"
    elif any(host == s or host.endswith("." + s) for s in SOCIAL):
        channel = "Organic Social"
    else:
        channel = "Referral"
    agent = context.get("userAgent") or ""
    device = ("mobile" if "iPhone" in agent else "tablet" if "iPad" in agent else "desktop") if agent else None
    country = (context.get("location") or {}).get("country")
    return channel, campaign, device, country


def fits(rule: dict[str, Any], e: Row) -> bool:
    """Whether an event is the kind of action that a rule gives points for."""
    if "trait" in rule:
        return bool((e.get("traits") or {}).get(rule["trait"])) and e["type"] == "identify"
    if "event" in rule:
        return e["type"] == "track" and e.get("event") in rule["event"]
    return e["type"] == "page" and any(path(e).startswith(p.rstrip("*")) for p in rule["page"])
