"""The demo company's web site and those who come to it: pages, ways through them, browsers, crawlers, hours of the day."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeVar

from fari.demo.market import COUNTRIES, HOST, Country

T = TypeVar("T")
ORIGIN = f"https://www.{HOST}"
TABLE = 2048
"""Length of the tables that stand for a distribution: drawing is one look-up."""

PAGES: tuple[tuple[str, str], ...] = (
    ("/", "Home"),
    ("/pricing", "Pricing"),
    ("/features", "Features"),
    ("/features/shared-inbox", "Shared inbox"),
    ("/features/automation", "Automation"),
    ("/integrations", "Integrations"),
    ("/customers", "Customers"),
    ("/about", "About us"),
    ("/blog/first-response-time", "First response time, and how to halve it"),
    ("/blog/help-desk-metrics", "Eleven help desk metrics"),
    ("/blog/shared-inbox-vs-help-desk", "Shared inbox or help desk?"),
    ("/blog/customer-churn", "Why customers leave"),
    ("/blog/ai-support-agents", "What AI support agents can do"),
    ("/blog/support-team-structure", "How to build a support team"),
    ("/docs/getting-started", "Getting started"),
    ("/docs/api", "API reference"),
    ("/docs/email-forwarding", "Forward your e-mail"),
    ("/ebook/support-playbook", "The support playbook"),
    ("/webinar/scaling-support", "Webinar: scaling support"),
    ("/newsletter", "Newsletter"),
    ("/demo", "Book a demo"),
    ("/signup", "Sign up"),
    ("/compare/deskpilot-alternative", "An alternative to Deskpilot"),
    ("/offers/starter", "Starter offer"),
)
NUMBER = {path: number for number, (path, _) in enumerate(PAGES)}
HOME, PRICING, DOCS = NUMBER["/"], NUMBER["/pricing"], NUMBER["/docs/getting-started"]

BROWSERS: tuple[tuple[str, float], ...] = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36", 0.36),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36", 0.16),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0", 0.09),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15", 0.06),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0", 0.05),
)
PHONES: tuple[tuple[str, float], ...] = (
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1", 0.13),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36", 0.13),
    ("Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1", 0.02),
)
CRAWLERS: tuple[str, ...] = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
)

_LANDINGS = {
    "Organic Search": {"/": 20, "/blog/first-response-time": 16, "/blog/help-desk-metrics": 16, "/blog/shared-inbox-vs-help-desk": 14,
                       "/blog/customer-churn": 10, "/blog/support-team-structure": 9, "/docs/api": 5, "/features": 5, "/pricing": 5},
    "Direct": {"/": 62, "/pricing": 14, "/features": 8, "/docs/getting-started": 8, "/customers": 8},
    "Paid Search": {"/": 22, "/features": 30, "/compare/deskpilot-alternative": 24, "/pricing": 14, "/demo": 10},
    "Paid Social": {"/ebook/support-playbook": 40, "/webinar/scaling-support": 24, "/features/automation": 20, "/demo": 16},
    "Display": {"/offers/starter": 78, "/": 22},
    "Affiliates": {"/offers/starter": 84, "/pricing": 16},
    "Email": {"/blog/ai-support-agents": 40, "/webinar/scaling-support": 30, "/pricing": 15, "/": 15},
    "AI Assistants": {"/compare/deskpilot-alternative": 28, "/pricing": 26, "/features": 26, "/blog/ai-support-agents": 20},
    "Referral": {"/": 50, "/pricing": 30, "/features": 20},
    "Organic Social": {"/blog/ai-support-agents": 40, "/blog/customer-churn": 30, "/": 30},
}  # fmt: skip
_STAY = {"Display": 0.26, "Affiliates": 0.32, "Organic Search": 0.40, "Organic Social": 0.34, "Paid Social": 0.38}
_NEXT = {"/": 12, "/pricing": 20, "/features": 18, "/features/shared-inbox": 10, "/features/automation": 9, "/integrations": 9, "/customers": 9,
         "/about": 4, "/blog/help-desk-metrics": 4, "/docs/getting-started": 5}  # fmt: skip


def table(weights: Sequence[tuple[T, float]], size: int = TABLE) -> list[T]:
    """Each value as often as its weight says, so that drawing one is a look-up.

    >>> table([("a", 3), ("b", 1)], 4)
    ['a', 'a', 'a', 'b']
    """
    total, reached, made = sum(weight for _, weight in weights), 0.0, list[T]()
    for value, weight in weights:
        reached += weight
        made += [value] * (round(reached / total * size) - len(made))
    return made


class Browser(NamedTuple):
    """A browser and where it stands, with the part of the message that says so."""

    agent: str
    country: Country
    phone: bool
    context: str


def browsers(rng: Random) -> list[Browser]:
    """Browsers by country, as often as they come."""
    kinds = table([((agent, False), share) for agent, share in BROWSERS] + [((agent, True), share) for agent, share in PHONES])
    places = table([(country, country.share) for country in COUNTRIES])
    made = []
    for _ in range(TABLE * 2):
        (agent, phone), country = rng.choice(kinds), rng.choice(places)
        made.append(browser(agent.format(v=rng.randint(124, 140)), country, phone))
    return made


def browser(agent: str, country: Country, phone: bool = False) -> Browser:
    """One browser, with its part of the message's context."""
    context = (
        f'"library":{{"name":"analytics.js","version":"next-1.84.3"}},"locale":"{country.locale}","location":{{"country":"{country.code}"}},'
        f'"timezone":"{country.zone}","userAgent":"{agent}"'
    )
    return Browser(agent, country, phone, context)


def ways(rng: Random, channel: str) -> list[tuple[int, ...]]:
    """Ways through the site of those who come by that channel: more than half leave after one page."""
    stay = _STAY.get(channel, 0.46)
    landings = table([(NUMBER[path], weight) for path, weight in _LANDINGS[channel].items()])
    onward = table([(NUMBER[path], weight) for path, weight in _NEXT.items()])
    made = []
    for _ in range(TABLE // 2):
        way = [rng.choice(landings)]
        while len(way) < 8 and rng.random() < (stay if len(way) == 1 else 0.55):
            way.append(rng.choice([page for page in (rng.choice(onward), rng.choice(onward)) if page != way[-1]] or [PRICING]))
            if way[-1] == way[-2]:
                way.pop()
                break
        made.append(tuple(way))
    return made


def hours(rng: Random) -> list[int]:
    """Seconds of the day at which visits begin: office hours, with a lunch and an evening."""
    weights = (2, 1, 1, 1, 1, 2, 5, 12, 26, 38, 42, 40, 30, 32, 40, 42, 38, 30, 20, 15, 14, 13, 9, 5)
    return [hour * 3600 + rng.randrange(3600) for hour in table(list(enumerate(weights)), TABLE * 2)]
