"""The web log: Segment messages as its browser library sends them, one JSON object a line, in the order they happened."""

import gzip
import json
from pathlib import Path
from random import Random

from fari.demo.days import utc_text
from fari.demo.journeys import Visit, World
from fari.demo.market import Campaign
from fari.demo.people import Person
from fari.demo.site import ORIGIN, PAGES

_RETRIED = 0.002
"""Share of messages that arrive twice, with the same messageId."""
_SCATTER = 0x9E3779B97F4A7C15F39CC0605CEDC835


def device_id(number: int) -> str:
    """A device's anonymousId."""
    text = f"{number * _SCATTER % 2**128:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def write_web_log(path: Path, world: World, month: int, seed: int) -> None:
    """One month's messages, packed."""
    writer = _Writer(world, Random(f"messages {seed} {month}"))
    for visit in world.visits[month]:
        writer.visit(visit)
    writer.lines.sort()
    with path.open("wb") as file, gzip.GzipFile("", "wb", 3, file, mtime=0) as packed:
        packed.write("".join(line for _, line in writer.lines).encode())


class _Writer:
    def __init__(self, world: World, rng: Random) -> None:
        self.rng = rng
        self.lines: list[tuple[int, str]] = []
        self._staff = world.staff
        self._onward: dict[tuple[int, int], str] = {}
        self._campaigns: dict[str, str] = {}

    def visit(self, visit: Visit) -> None:
        """All messages of one visit."""
        pages, person, known = visit.pages, visit.person, visit.known
        user = f'"{person.user_id}"' if person else f'"{self._staff[visit.device - 1]}"' if known == 0 else "null"
        anonymous = f'"anonymousId":"{device_id(visit.device)}","context":{{'
        browser = visit.browser.context
        at, token = visit.at, visit.token
        acts = {act.page for act in visit.acts}
        for place, number in enumerate(pages):
            if place:
                page = self._next(pages[place - 1], number)
                campaign = ""
                at += 8 + (token & 127)
                token >>= 7
            else:
                page, campaign = self._landing(visit.arrival, number, visit.token)
            name = PAGES[number][1]
            rest = f'{anonymous}{campaign}{browser},"page":{{{page}}}}}'
            self._message(at, rest, f'"name":"{name}","properties":{{{page}}}', "page", user if place >= known else "null")
            if place in acts and person:
                for n, act in enumerate(act for act in visit.acts if act.page == place):
                    self._message(at + 7, rest, *_told(act.kind, act.name, act.properties, person), user, n)

    def _message(self, at: int, rest: str, told: str, kind: str, user: str, order: int = 0) -> None:
        bits = self.rng.getrandbits(74)
        milliseconds = bits % 900 + order * 20
        text = utc_text(at, milliseconds)
        when = at * 1000 + milliseconds
        line = f'{{{rest},"messageId":"ajs-next-{when}-{bits >> 10:016x}",{told},"timestamp":"{text}","type":"{kind}","userId":{user}}}\n'
        self.lines.append((when, line))
        if self.rng.random() < _RETRIED:
            self.lines.append((when, line))

    def _landing(self, arrival: Campaign, number: int, token: int) -> tuple[str, str]:
        path, name = PAGES[number]
        search = arrival.query
        if not search:
            return _page(path, name, arrival.referrer, ""), ""
        campaign = self._campaigns.get(search)
        if campaign is None:
            tags = dict(pair.split("=") for pair in search[1:].split("&"))
            names = (("name", "utm_campaign"), ("source", "utm_source"), ("medium", "utm_medium"))
            named = {name: tags[tag] for name, tag in names if tag in tags}
            campaign = self._campaigns[search] = f'"campaign":{json.dumps(named, separators=(",", ":"))},'
        return _page(path, name, arrival.referrer, search.replace("%s", f"{token:016x}")), campaign

    def _next(self, before: int, number: int) -> str:
        page = self._onward.get((before, number))
        if page is None:
            page = self._onward[before, number] = _page(*PAGES[number], f"{ORIGIN}{PAGES[before][0]}", "")
        return page


def _page(path: str, title: str, referrer: str, search: str) -> str:
    return f'"path":"{path}","referrer":"{referrer}","search":"{search}","title":"{title}","url":"{ORIGIN}{path}{search}"'


def _told(kind: str, name: str, properties: str, person: Person) -> tuple[str, str]:
    """What a message says besides where it comes from, and its type."""
    if kind == "identify":
        traits = {"email": person.email, "name": f"{person.first} {person.last}", "company": person.account.name}
        return f'"traits":{json.dumps(traits)}', kind
    if kind == "group":
        return f'"groupId":"{person.account.group_id}","traits":{json.dumps({"name": person.account.name})}', kind
    return f'"event":"{name}","properties":{properties}', kind
