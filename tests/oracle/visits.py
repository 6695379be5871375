"""Page views cut into visits, each with its channel."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

import crawleruseragents

from .company import NOT_SET, Company, Key, Landing, Place, text
from .identity import Identity, Message
from .when import local_day

GAP = timedelta(minutes=30)


@dataclass(frozen=True)
class Visit:
    """Page views of one visitor with no more than half an hour between them; what the first says holds for all."""

    visitor: Key
    at: datetime
    day: date
    views: tuple["View", ...]
    channel: str
    campaign: str
    country: str
    device: str
    landing_page: str

    def dimension(self, name: str) -> str:
        """The value of a dimension that a visit has."""
        own = {"channel": self.channel, "campaign": self.campaign, "country": self.country, "device": self.device}
        return {**own, "landing_page": self.landing_page}[name]


@dataclass(frozen=True)
class View:
    """One page view."""

    at: datetime
    day: date
    content: str


class Visits:
    """All visits of people: no bots, nobody of ours."""

    def __init__(self, identity: Identity, company: Company, place: Place | None) -> None:
        self._identity = identity
        self._company = company
        self._place = place

    @cached_property
    def by_visitor(self) -> Mapping[Key, list[Visit]]:
        """The visits of each visitor, in the order of time."""
        pages: dict[Key, list[Message]] = defaultdict(list)
        for message in self._identity.messages:
            visitor = self._identity.visitor(message)
            if message.kind != "page" or visitor is None or visitor in self._identity.internal:
                continue
            agent = text(message.sent, "context", "userAgent")
            if not (agent and crawleruseragents.is_crawler(agent)):
                pages[visitor].append(message)
        found: dict[Key, list[Visit]] = {}
        for visitor, messages in pages.items():
            sessions: list[list[Message]] = []
            for message in messages:
                if sessions and message.at - sessions[-1][-1].at <= GAP:
                    sessions[-1].append(message)
                else:
                    sessions.append([message])
            found[visitor] = [self._visit(visitor, session) for session in sessions]
        return found

    @property
    def all(self) -> list[Visit]:
        """Every visit."""
        return [visit for visits in self.by_visitor.values() for visit in visits]

    def _visit(self, visitor: Key, messages: list[Message]) -> Visit:
        first = messages[0]
        views = tuple(View(m.at, local_day(m.at, self._company.timezone), self._content(m)) for m in messages)
        landing = _landing(first)
        channel = self._place(landing) if self._place else NOT_SET
        country = text(first.sent, "context", "location", "country") or text(first.sent, "context", "country") or NOT_SET
        device = text(first.sent, "context", "device", "type") or NOT_SET
        return Visit(visitor, first.at, views[0].day, views, channel, landing.campaign or NOT_SET, country, device, _page(first))

    def _content(self, message: Message) -> str:
        path = _path(message)
        return next((kind for prefix, kind in self._company.content_rules if path.startswith(prefix)), "other")


def _path(message: Message) -> str:
    sent = message.sent
    return text(sent, "context", "page", "path") or text(sent, "properties", "path") or urlsplit(_url(message)).path


def _page(message: Message) -> str:
    """The address of a page as people say it."""
    path = _path(message)
    whole = (urlsplit(_url(message)).hostname or "").removeprefix("www.") + (path if path == "/" else path.removesuffix("/"))
    return whole if path else NOT_SET


def _url(message: Message) -> str:
    return text(message.sent, "context", "page", "url") or text(message.sent, "properties", "url")


def _landing(message: Message) -> Landing:
    sent, url = message.sent, _url(message)
    tags = parse_qs(urlsplit(url).query)

    def tag(name: str, parameter: str) -> str:
        return text(sent, "context", "campaign", name) or tags.get(parameter, [""])[0].strip()

    referrer = text(sent, "context", "page", "referrer") or text(sent, "properties", "referrer")
    return Landing(url, referrer, tag("source", "utm_source"), tag("medium", "utm_medium"), tag("name", "utm_campaign"))
