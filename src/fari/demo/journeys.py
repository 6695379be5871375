"""The visitors' side of the demo: each comes by a channel, reads, perhaps returns, becomes a lead, tries, buys."""

from collections import Counter
from math import exp
from random import Random
from typing import NamedTuple

from fari.demo import site
from fari.demo.days import DAY, Months, add_months, local, midnight
from fari.demo.life import Life, Wish
from fari.demo.market import BAD_CHANNELS, BY_NAME, CHANNELS, COUNTRIES, INTENT, SEASON, VISITORS_A_DAY, WEEKDAYS, Campaign, Channel, Country
from fari.demo.people import Account, Census, Deal, Person

PAST_MONTHS = 30
"""Months of customers before the web log begins: billing knows them, the CRM knows their source, the web does not."""
_KINDS = {"newsletter": 20, "download": 20, "webinar": 13, "freemium": 11, "trial": 23, "demo": 13}
_BAD_KINDS = {"newsletter": 30, "download": 8, "freemium": 27, "trial": 34, "demo": 1}
_NURTURED = 0.22
_GOALS = {"newsletter": "/newsletter", "download": "/ebook/support-playbook", "webinar": "/webinar/scaling-support", "freemium": "/signup",
          "trial": "/signup", "demo": "/demo"}  # fmt: skip
_QUALIFIES = ("newsletter", "download")
_REJECTED = ("wrong size", "wrong persona", "wrong geography", "unreachable", "student", "competitor")
_LOST = ("Chose a competitor", "Too expensive", "No decision", "Missing feature", "Bad timing")
_NURTURE = Campaign("nurture-onboarding", "", 1, "?utm_source=lumendesk&utm_medium=email&utm_campaign=nurture-onboarding", "")
_DIRECT = BY_NAME["Direct"].campaigns[0]
_SEARCH = BY_NAME["Organic Search"].campaigns[0]
_TO_PRICING = ((site.HOME, site.PRICING), (site.PRICING,), (site.HOME, site.NUMBER["/features"], site.PRICING))


class Act(NamedTuple):
    """Something done after a page of a visit: identify, group, or an event tracked."""

    page: int
    kind: str
    name: str = ""
    properties: str = "{}"


class Visit(NamedTuple):
    """One visit. From page `known` on the web log has the person's user id beside the device's."""

    at: int
    device: int
    browser: site.Browser
    arrival: Campaign
    token: int
    pages: tuple[int, ...]
    person: Person | None = None
    known: int = 99
    acts: tuple[Act, ...] = ()


def moment(at: int, token: int, page: int) -> int:
    """When a page of a visit is opened: reading takes between 8 and 135 seconds."""
    for _ in range(page):
        at += 8 + (token & 127)
        token >>= 7
    return at


class World:
    """Everything that happened, told once from the seed."""

    def __init__(self, months: Months, seed: int, scale: int) -> None:
        self.months, self.scale = months, scale
        self.rng = Random(f"visitors {seed}")
        self.census = Census(Random(f"names {seed}"))
        self.life = Life(months, Random(f"life {seed}"))
        self.visits: list[list[Visit]] = [[] for _ in months.firsts]
        self.clicks: Counter[tuple[int, str]] = Counter()
        """Clicks by day's number and campaign, consent or not."""
        self.deals: list[Deal] = []
        self.staff = [f"staff_{n}" for n in range(1, 4 + min(scale, 8))]
        """User ids of the company's own people. Each has one device, numbered alike."""
        self._browsers, self._hours = site.browsers(self.rng), site.hours(self.rng)
        self._ways = {channel.name: site.ways(self.rng, channel.name) for channel in CHANNELS}
        self._arrivals = {c.name: site.table([(campaign, campaign.share) for campaign in c.campaigns], 512) for c in CHANNELS}
        self._kinds = {bad: [kind for kind, weight in kinds.items() for _ in range(weight)] for bad, kinds in ((False, _KINDS), (True, _BAD_KINDS))}
        self._past()
        for number in range(len(months.days)):
            self._day(number)

    # The past: customers from before the web log.

    def _past(self) -> None:
        rng = self.rng
        channels = site.table([(channel, channel.share * channel.lead * channel.win) for channel in CHANNELS], 512)
        pace = VISITORS_A_DAY * 30.4 * sum(channel.share * channel.lead * channel.win for channel in CHANNELS) * self.scale
        for month in range(-PAST_MONTHS, 2):
            first = add_months(self.months.first, month)
            # Leads from before the log still buy in its first two months.
            for _ in range(_poisson(rng, pace * (1.012**month if month < 0 else (0.6, 0.25)[month]))):
                channel = rng.choice(channels)
                account = self.census.account(channel, rng.choice(self._browsers).country)
                start = midnight(first) + rng.randrange(28) * DAY + rng.randrange(9, 18) * 3600
                self.life.buy(account, self.life.choose(account), start)
                for _ in range(rng.choice((1, 1, 2))):
                    campaign = rng.choice(self._arrivals[channel.name]).name
                    person = self.census.person(account, channel, campaign, min(start, self.months.starts[0]) - rng.randrange(2, 20) * DAY)
                    person.tracked, person.joined = False, person.created
                account.people[0].customer = start

    # One day of the web log.

    def _day(self, number: int) -> None:
        day, month = self.months.days[number], self.months.month_of[number]
        season = WEEKDAYS[day.weekday()] * SEASON[day.month - 1] * (0.45 if day.month == 12 and day.day > 21 else 1.0)
        intent = INTENT[day.month - 1]
        rng, start, hours, browsers = self.rng, self.months.starts[number], self._hours, self._browsers
        random, bits, log = rng.random, rng.getrandbits, self.visits[month]
        for channel in CHANNELS:
            mean = VISITORS_A_DAY * self.scale * channel.share * channel.growth ** (month + day.day / 31) * season
            arrivals, ways = self._arrivals[channel.name], self._ways[channel.name]
            leads = channel.lead * intent
            for _ in range(_poisson(rng, mean)):
                browser = browsers[int(random() * len(browsers))]
                at = start + (hours[int(random() * len(hours))] + browser.country.hours * 3600) % DAY
                arrival = arrivals[int(random() * len(arrivals))]
                if arrival.click:
                    self.clicks[number, arrival.name] += 1
                if random() < leads:
                    self._lead(channel, Visit(at, bits(128), browser, arrival, bits(64), ways[int(random() * len(ways))]), number)
                    continue
                visit = Visit(at, bits(128), browser, arrival, bits(64), ways[int(random() * len(ways))])
                log.append(visit)
                while random() < channel.returning:
                    if (again := self._later(number, 11)) is None:
                        break
                    self._add(self._return(visit, again, channel, False))
        self._crawlers(number)
        self._staff(number)

    def _crawlers(self, number: int) -> None:
        rng = self.rng
        for _ in range(_poisson(rng, 1.1 * self.scale)):
            browser = site.browser(rng.choice(site.CRAWLERS), COUNTRIES[3])
            at = self.months.starts[number] + rng.randrange(DAY - 3600)
            self._add(Visit(at, rng.getrandbits(128), browser, _DIRECT, rng.getrandbits(64), (rng.randrange(len(site.PAGES)),)))

    def _staff(self, number: int) -> None:
        rng = self.rng
        if self.months.days[number].weekday() > 4:
            return
        for n, _ in enumerate(self.staff):
            if rng.random() < 0.2:
                at = self.months.starts[number] + rng.randrange(9 * 3600, 18 * 3600)
                self._add(Visit(at, n + 1, self._browsers[n], _DIRECT, rng.getrandbits(64), rng.choice(self._ways["Direct"]), None, 0))

    # From visitor to lead.

    def _lead(self, channel: Channel, first: Visit, number: int) -> None:
        """A visitor that becomes a lead: at once, or after coming back, perhaps on another device."""
        rng, bad = self.rng, channel.name in BAD_CHANNELS
        kind = rng.choice(self._kinds[bad])
        visits, last = [first], first
        if rng.random() > (0.8 if bad else 0.5):
            for _ in range(rng.choice((1, 1, 2, 3))):
                again = self._later(number, max(2.0, channel.cycle / 3))
                if again is None:
                    # It would have become a lead after the demo's end.
                    for visit in visits:
                        self._add(visit)
                    return
                number = self._number(again)
                last = self._return(first, again, channel, False)
                visits.append(last)
        other = len(visits) > 1 and rng.random() < 0.45
        if other:
            last = last._replace(device=rng.getrandbits(128), browser=self._elsewhere(first.browser.country))
        account = self.census.account(channel, first.browser.country)
        goal = (*(page for page in last.pages[:4] if page != site.NUMBER[_GOALS[kind]]), site.NUMBER[_GOALS[kind]])
        created = moment(last.at, last.token, len(goal) - 1) + 7
        person = self.census.person(account, channel, first.arrival.name, created)
        person.tracked = rng.random() > 0.07
        last = last._replace(pages=goal, person=person, known=len(goal), acts=self._acts(kind, len(goal) - 1, account))
        visits[-1] = last
        if kind in _QUALIFIES or any(site.PRICING in visit.pages for visit in visits):
            person.mql = created
        if other and (again := self._later(number, 2)) is not None:
            # A link in an e-mail, opened on the first device: now both are known to be one person's.
            way = (site.DOCS,)
            visits.append(Visit(again, first.device, first.browser, _NURTURE, rng.getrandbits(64), way, person, 1, (Act(0, "identify"),)))
        if person.tracked:
            for visit in visits:
                self._add(visit)
        self._sell(person, last, kind, number)

    def _sell(self, person: Person, last: Visit, kind: str, number: int) -> None:
        """What follows a lead: a trial or a demo, now or later; or nothing; or a rejection."""
        rng, channel = self.rng, person.channel
        bad = channel.name in BAD_CHANNELS
        at = person.created
        kinds = self._kinds[bad]
        ready = sum(one in ("trial", "demo") for one in kinds) / len(kinds)
        qualified = ready + (1 - ready) * _NURTURED  # of its leads; the chance to win is over these
        if kind not in ("trial", "demo"):
            draw = rng.random()
            if draw > _NURTURED:
                if draw > (0.70 if bad else 0.87):
                    person.rejected, person.reason = at + rng.randrange(1, 6) * DAY, rng.choice(_REJECTED)
                elif draw < 0.45 and (again := self._later(number, channel.cycle)) is not None:
                    visit = self._return(last, again, channel, True, rng.choice(_TO_PRICING))
                    self._add(visit)
                    person.mql = person.mql or moment(visit.at, visit.token, len(visit.pages) - 1)
                return
            again = self._later(number, channel.cycle)
            if again is None:
                return
            kind = "trial" if bad or rng.random() < 0.65 else "demo"
            way = (*rng.choice(_TO_PRICING), site.NUMBER[_GOALS[kind]])
            visit = self._return(last, again, channel, True, way)
            visit = visit._replace(acts=self._acts(kind, len(way) - 1, person.account)[1:])
            self._add(visit)
            number, at, last = self._number(again), moment(visit.at, visit.token, len(way) - 1) + 7, visit
        person.mql, person.sql, person.joined = person.mql or at, at, at
        won = rng.random() < channel.win / qualified
        account = person.account
        wish = self.life.choose(account)
        if kind == "trial":
            done = self.life.trial(account, wish, at, won)
            if wish[1] >= 6:
                self._deal(person, wish, at + rng.randrange(DAY // 2, 2 * DAY), done + 600, won)
            if won:
                person.customer = done
        else:
            opened = at + rng.randrange(3600, DAY)
            closed = opened + int((4 + rng.expovariate(1 / channel.cycle)) * DAY)
            closed += 2 * DAY if local(closed).weekday() > 4 else 0
            self._deal(person, wish, opened, closed, won)
            if won:
                self.life.buy(account, wish, closed)
                person.customer = closed
        self._colleagues(account, number)
        if won:
            self._readers(account, last)

    def _deal(self, person: Person, wish: Wish, opened: int, closed: int, won: bool) -> None:
        rng, account = self.rng, person.account
        names = ("Appointment Scheduled", "Qualified To Buy", "Presentation Scheduled", "Decision Maker Bought-In", "Contract Sent")
        reached = names if won else names[: rng.randint(1, 5)]
        stages = [(opened + (closed - opened) * n // (len(reached) + 1), name) for n, name in enumerate(reached)]
        stages.append((closed, "Closed Won" if won else "Closed Lost"))
        meeting = opened + (closed - opened) // 4 if won or rng.random() < 0.75 else 0
        plan, seats, _ = wish
        cents = self.life.price(plan, account, "year", bool(self.life.rise) and opened >= self.life.rise)
        person.opportunity = opened
        self.deals.append(Deal(
            len(self.deals) + 1, account, person, 0 if rng.random() < 0.04 else round(cents * seats / 100), stages, meeting,
            opened + 30 * DAY, "" if won else rng.choice(_LOST),
        ))  # fmt: skip

    def _colleagues(self, account: Account, number: int) -> None:
        """Others of the company come to look; a few had come before, on their own."""
        rng = self.rng
        for _ in range(0 if account.channel.name in BAD_CHANNELS else rng.choice((0, 0, 0, 0, 1, 1, 2))):
            again = self._later(number, 5)
            if again is None:
                return
            way = (site.HOME, site.NUMBER["/signup"])
            visit = Visit(again, rng.getrandbits(128), self._elsewhere(account.country), _DIRECT, rng.getrandbits(64), way)
            person = self.census.person(account, BY_NAME["Direct"], "", moment(visit.at, visit.token, 1) + 7)
            person.joined = person.created
            self._add(visit._replace(person=person, known=2, acts=(Act(1, "identify"), Act(1, "group"))))
            before = again - rng.randrange(8, 40) * DAY
            if rng.random() < 0.2 and before >= self.months.starts[0]:
                arrival = rng.choice((_SEARCH, rng.choice(self._arrivals["Organic Social"])))
                self._add(visit._replace(at=before, arrival=arrival, token=rng.getrandbits(64), pages=rng.choice(self._ways["Organic Search"])))

    def _readers(self, account: Account, last: Visit) -> None:
        """A customer reads the documentation now and then, as a known user."""
        rng, until = self.rng, account.subscriptions[-1].end or self.months.end
        at = account.paid_since
        while (at := at + int(rng.expovariate(1 / 55) * DAY)) < min(until, self.months.end):
            start = self.months.starts[self._number(at)]
            docs = rng.choice((("/docs/getting-started",), ("/docs/api",), ("/docs/email-forwarding", "/docs/getting-started")))
            way = tuple(site.NUMBER[path] for path in docs)
            self._add(Visit(start + rng.choice(self._hours), last.device, last.browser, _DIRECT, rng.getrandbits(64), way, account.people[0], 0))

    # Small things.

    @staticmethod
    def _acts(kind: str, page: int, account: Account) -> tuple[Act, ...]:
        events = {
            "newsletter": (Act(page, "track", "Newsletter Subscribed"),),
            "download": (Act(page, "track", "Gated Download", '{"title":"The support playbook"}'),),
            "webinar": (Act(page, "track", "Webinar Registered", '{"title":"Scaling support"}'),),
            "freemium": (Act(page, "track", "Signed Up", '{"type":"freemium"}'), Act(page, "group")),
            "trial": (Act(page, "track", "Signed Up", '{"type":"trial"}'), Act(page, "track", "Trial Started"), Act(page, "group")),
            "demo": (Act(page, "track", "Demo Requested"),),
        }
        return (Act(page, "identify"), *events[kind])

    def _return(self, visit: Visit, at: int, channel: Channel, known: bool, way: tuple[int, ...] | None = None) -> Visit:
        """The same visitor again: mostly direct, or by search, mail or the same channel."""
        rng, draw = self.rng, self.rng.random()
        arrival = _DIRECT if draw < 0.5 else _SEARCH if draw < 0.68 else visit.arrival if draw < 0.88 or not known else _NURTURE
        if arrival.click:
            self.clicks[self._number(at), arrival.name] += 1
        pages = way or rng.choice(self._ways["Direct"])
        device = visit.device if known or rng.random() < 0.93 else rng.getrandbits(128)
        return Visit(at, device, visit.browser, arrival, rng.getrandbits(64), pages, visit.person if known else None, 0 if known else 99)

    def _elsewhere(self, country: Country) -> site.Browser:
        """Another browser in the same country."""
        while (browser := self.rng.choice(self._browsers)).country is not country:
            pass
        return browser

    def _add(self, visit: Visit) -> None:
        if visit.person is not None and not visit.person.tracked:
            return
        if visit.at < self.months.end - 1500:
            self.visits[self.months.month_at(visit.at)].append(visit)

    def _number(self, at: int) -> int:
        return (local(at).date() - self.months.first).days

    def _later(self, number: int, mean: float) -> int | None:
        """An instant some days after that day, rather not on a weekend; None after the demo's end."""
        rng = self.rng
        number += 1 + int(rng.expovariate(1 / mean))
        if number < len(self.months.days) and self.months.days[number].weekday() > 4 and rng.random() < 0.7:
            number += 2
        return self.months.starts[number] + rng.choice(self._hours) if number < len(self.months.days) else None


def _poisson(rng: Random, mean: float) -> int:
    """A count around the mean: exactly so where it is small, by the normal curve where it is large."""
    if mean > 40:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, count, product = exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
