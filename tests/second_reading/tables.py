"""The tables of a random company, as text in the contract's columns: full of month edges, merges, overlaps and changes of clocks."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.second_reading.ledger import DAY, Row

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1",
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PATHS = ("/", "/blog/a", "/blog/b", "/docs/start", "/product/x", "/about")
ARRIVALS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("https://www.google.com/", "", {}),
    ("", "", {}),
    ("", "", {}),
    ("", "?utm_source=google&utm_medium=cpc&utm_campaign=brand", {}),
    ("https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=spring", {}),
    ("", "", {"source": "news", "medium": "email", "name": "march-letter"}),
    ("https://partner.example.org/list", "", {}),
    ("https://www.linkedin.com/", "?utm_source=linkedin&utm_medium=cpc&utm_campaign=abm", {}),
    ("https://www.linkedin.com/feed", "", {}),
)
CHANNELS = ("Organic Search", "Paid Search", "Email", "Referral", "Paid Social", "Trade Fair")
ZONES = ("Europe/Rome", "America/New_York", "Asia/Kolkata", "UTC", "Australia/Lord_Howe")
SCORING = {
    "lead": 1,
    "mql": 10,
    "sql": 100,
    "points": [
        {"trait": "email", "points": 1},
        {"event": ["Gated Download", "Ebook Downloaded"], "points": 10},
        {"event": ["Newsletter Subscribed"], "points": 10},
        {"page": ["/pricing*"], "points": 10},
        {"event": ["Demo Requested"], "points": 100},
    ],
}
MONTHS = ("january", "april", "july", "october")


class Maker:
    """Makes the rows of one company."""

    def __init__(self, seed: int) -> None:
        self.r = r = Random(seed)
        self.seed = seed
        self.zone = ZoneInfo(r.choice(ZONES))
        self.start = date(2023, 11, 1) + DAY * r.choice((0, 0, 9, 61, 92))
        self.end = self.start + DAY * r.randint(330, 500)
        self.toml: dict[str, Any] = {"company": {"name": "Acme", "currency": "EUR", "timezone": self.zone.key}}
        if r.random() < 0.4:
            self.toml["company"]["fiscal_year_start"] = r.choice(MONTHS)
        if r.random() < 0.4:
            self.toml["company"]["gross_margin"] = r.choice((0.8, 0.75, 0.5))
        if r.random() < 0.5:
            self.toml["scoring"] = SCORING
        self.n = 0
        self.used: set[tuple[str, datetime]] = set()

    def id(self, kind: str) -> str:
        self.n += 1
        return f"{kind}{self.n}"

    def day(self, late: float = 0.0) -> date:
        """A day of the history, often at a month's or a week's edge."""
        day = self.start + DAY * self.r.randrange((self.end - self.start).days)
        if self.r.random() < 0.25:
            day = day.replace(day=1) - DAY * self.r.choice((0, 1))
        if self.r.random() < 0.03:
            day = date(2024, 2, 29)
        return max(self.start, min(self.end, day))

    def moment(self, day: date | None = None) -> datetime:
        """An instant of a local day, in whole seconds, often near midnight."""
        clock = (
            self.r.choice((time(0, 0), time(23, 59, 59), time(23, 45), time(0, 10)))
            if self.r.random() < 0.15
            else time(self.r.randrange(24), self.r.randrange(60), self.r.randrange(60))
        )
        return datetime.combine(day or self.day(), clock, self.zone).astimezone(ZoneInfo("UTC"))

    def written(self, at: datetime) -> str:
        """An instant as text: UTC, with another offset, or bare where that is unambiguous."""
        way = self.r.random()
        local = at.astimezone(self.zone)
        if way < 0.6:
            return at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.r.random() < 0.7 else at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        if way < 0.8:
            return at.astimezone(ZoneInfo("America/Los_Angeles")).isoformat()
        bare = local.replace(tzinfo=None)
        if (
            bare.replace(tzinfo=self.zone, fold=1).astimezone(ZoneInfo("UTC")) != at
            or bare.replace(tzinfo=self.zone, fold=0).astimezone(ZoneInfo("UTC")) != at
        ):
            return at.isoformat()
        return bare.isoformat()

    # Tables

    def make_people(self, count: int) -> None:
        r = self.r
        self.accounts = [self.id("a") for _ in range(count // 2)]
        self.people: list[Row] = []
        self.users: list[str] = []
        for _ in range(count):
            person = self.id("p")
            created = self.moment()
            row = {
                "person_id": person,
                "email": f"{person}@mail{self.n}.example" if r.random() < 0.8 else "",
                "account_id": r.choice(self.accounts) if r.random() < 0.6 else "",
                "created_at": self.written(created) if r.random() < 0.7 else str(created.astimezone(self.zone).date()),
                "name": f"Ünï {person}",
                "persona": r.choice(("Founder", "Marketer", "")),
                "country": r.choice(("IT", "DE", "US", "")),
                "channel": r.choice((*CHANNELS, "", "")),
                "campaign": r.choice(("brand", "fair-24", "")),
                "internal": r.choice(("false", "false", "false", "", "true")) if r.random() < 0.4 else "",
            }
            if not row["channel"]:
                row["campaign"] = ""
            if self.people and r.random() < 0.12:  # the same someone by e-mail
                other = r.choice(self.people)
                if other["email"]:
                    row["email"] = f" {other['email'].upper()} "
                    row["account_id"] = other["account_id"]
            self.people.append(row)
            self.users.append(person)
        self.aliases: list[Row] = []
        for _ in range(count // 12):
            a, b = r.sample(self.people, 2)
            if a["account_id"] == b["account_id"] or not a["account_id"]:
                self.aliases.append({"kind": "person", "from_id": a["person_id"], "to_id": b["person_id"], "at": ""})
        if r.random() < 0.5:
            old, new = r.sample(self.accounts, 2)
            self.aliases.append({"kind": "account", "from_id": old, "to_id": new, "at": str(self.day())})
        self.account_rows = [
            {"account_id": a, "name": f"Söciety {a}", "created_at": str(self.day()), "country": r.choice(("IT", "FR", "")), "industry": "x"}
            for a in self.accounts
            if r.random() < 0.8
        ]

    def make_events(self) -> None:
        r = self.r
        self.events: list[Row] = []
        devices: list[str] = []
        for user in self.users:
            if r.random() < 0.75:
                for _ in range(r.choice((1, 1, 2))):
                    anon = self.id("anon-")
                    devices.append(anon)
                    self.device(anon, user, r.choice(AGENTS))
        for _ in range(len(self.users)):
            self.device(self.id("anon-"), None, r.choice((*AGENTS, BOT)))
        for _ in range(3):  # two people on one device
            shared = r.choice(devices)
            for user in r.sample(self.users, 2):
                self.message("identify", self.moment(), shared, user)
        for user in r.sample(self.users, len(self.users) // 3):
            device = r.choice(devices) if r.random() < 0.35 else None
            kind = r.choice(({"plan": "trial"}, {"type": "freemium"}, {"type": "paid"}, {}))
            for _ in range(r.choice((1, 1, 2))):
                self.message("track", self.moment(), device, user, event="Signed Up", properties=kind)
        if r.random() < 0.6:
            for user in self.users:
                row = next(p for p in self.people if p["person_id"] == user)
                if row["account_id"] and r.random() < 0.3:
                    self.message("group", self.moment(), None, user, groupId=row["account_id"])
        for _ in range(2):
            a, b = r.sample(self.people, 2)
            if a["account_id"] and a["account_id"] == b["account_id"]:
                self.message("alias", self.moment(), None, b["person_id"], previousId=a["person_id"])
        if devices and r.random() < 0.5:
            self.message("alias", self.moment(), None, r.choice(self.users), previousId=r.choice(devices))
        if "scoring" in self.toml:
            for user in r.sample(self.users, len(self.users) // 2):
                for _ in range(r.choice((1, 2))):
                    what = r.choice(("Gated Download", "Newsletter Subscribed", "Demo Requested"))
                    self.message("track", self.moment(), None, user, event=what)
                if r.random() < 0.5:
                    self.message("identify", self.moment(), None, user, traits={"email": f"{user}@trait.example"})
        for e in r.sample(self.events, min(5, len(self.events))):  # retries
            self.events.append(dict(e))
        r.shuffle(self.events)

    def message(self, kind: str, at: datetime, anon: str | None, user: str | None, **more: Any) -> None:
        who = anon or user or ""
        while (who, at) in self.used:
            at += timedelta(seconds=1)
        self.used.add((who, at))
        e: Row = {"type": kind, "messageId": self.id("m"), "timestamp": self.written(at), **more}
        if anon:
            e["anonymousId"] = anon
        if user:
            e["userId"] = user
        self.events.append(e)

    def device(self, anon: str, user: str | None, agent: str) -> None:
        r = self.r
        known = self.moment() if user and r.random() < 0.8 else None
        for _ in range(r.choice((1, 1, 2, 3))):
            at = self.moment()
            referrer, query, campaign = r.choice(ARRIVALS)
            for i in range(r.choice((1, 1, 2, 3))):
                where = r.choice((*PATHS, "/pricing")) if "scoring" in self.toml or r.random() < 0.5 else r.choice(PATHS)
                page = {"url": f"https://acme.example{where}{query if i == 0 else ''}", "path": where}
                if i == 0 and referrer:
                    page["referrer"] = referrer
                elif i:
                    page["referrer"] = "https://acme.example/"
                context: dict[str, Any] = {"page": page, "userAgent": agent, "locale": "it-IT"}
                if i == 0 and campaign:
                    context["campaign"] = campaign
                stamped = user if user and known and at >= known and r.random() < 0.5 else None
                self.message("page", at, anon, stamped, context=context, name="Page")
                at += timedelta(minutes=r.choice((1, 5, 29, 30, 31, 45)), seconds=r.choice((0, 1)))
        if known and user:
            self.message("identify", known, anon, user, traits={})

    def make_stages(self) -> None:
        r = self.r
        self.stages: list[Row] = []
        for user in r.sample(self.users, int(len(self.users) * 0.8)):
            at = self.moment()
            for stage in ("lead", "mql", "sql", "opportunity", "customer"):
                if r.random() < 0.3:
                    continue
                self.stages.append({"person_id": user, "stage": stage, "at": self.written(at), "reason": "", "actor": ""})
                if r.random() < 0.1:
                    self.stages.append(
                        {
                            "person_id": user,
                            "stage": r.choice(("rejected", "recycled")),
                            "at": self.written(at + timedelta(hours=1)),
                            "reason": "no",
                            "actor": "",
                        }
                    )
                if r.random() < 0.35:
                    break
                at += timedelta(days=r.randint(0, 40), hours=r.randint(1, 30))
                if at.date() >= self.end:
                    break
        r.shuffle(self.stages)

    def make_subscriptions(self) -> None:
        r = self.r
        self.subscriptions: list[Row] = []
        linked = {a[c] for a in self.aliases for c in ("from_id", "to_id")}
        mails = [p["email"].strip().lower() for p in self.people]
        lone = [
            p["person_id"]
            for p in self.people
            if not p["account_id"] and p["person_id"] not in linked and mails.count(p["email"].strip().lower()) == 1
        ]
        owners = self.accounts + r.sample(lone, min(4, len(lone))) + [self.id("x") for _ in range(3)]
        for account in owners:
            for _ in range(r.choice((0, 1, 1, 1, 2, 3))):
                self.subscription(account)
        r.shuffle(self.subscriptions)

    def subscription(self, account: str) -> None:
        r = self.r
        sub, start = self.id("s"), self.day()
        currency = r.choice(("EUR", "EUR", "EUR", "USD", "GBP"))
        interval, count = r.choice(
            (("month", 1), ("month", 1), ("month", 1), ("year", 1), ("quarter", 1), ("week", 1), ("month", 6), ("day", 30), ("week", 2), ("year", 2))
        )
        status = r.choice(("active", "active", "active", "trialing"))
        while True:
            length = r.choice((14, 30, 31, 45, 90, 200, 365))
            end: date | None = start + DAY * length
            if r.random() < 0.35 or (end and end > self.end):
                end = None
            discount = r.random() < 0.25
            row: Row = {
                "subscription_id": sub,
                "account_id": account,
                "starts_on": str(start),
                "ends_on": str(end or ""),
                "amount": r.choice(("10", "49.99", "100", "100", "33.333333", "0", "1200.05")),
                "currency": currency,
                "interval": interval,
                "interval_count": "" if count == 1 and r.random() < 0.5 else str(count),
                "quantity": r.choice(("", "3")),
                "plan": r.choice(("Starter", "Team", "Pro")),
                "status": status if status != "active" or r.random() < 0.5 else "",
                "discount": r.choice(("5", "20", "150")) if discount else "",
                "discount_kind": r.choice(("none", "once", "repeating", "forever")) if discount else "",
                "cancelled_on": "",
                "past_due_on": "",
            }
            if status == "past_due":
                row["past_due_on"] = str(start + DAY * r.choice((0, 0, 5)))
            if end and r.random() < 0.3:
                row["cancelled_on"] = str(end - DAY * r.randint(0, 10))
            self.subscriptions.append(row)
            if end is None or r.random() < 0.35:
                return
            gap = r.choice((0, 0, 0, 0, 1, 20, 60))
            start = end + DAY * gap - DAY * (3 if r.random() < 0.06 else 0)
            if start > self.end:
                return
            status = r.choice(("active", "active", "active", "paused", "past_due"))

    def make_spend(self) -> None:
        """Costs, and the rates of exchange."""
        r = self.r
        self.spend: list[Row] = []
        for _ in range(r.randint(20, 60)):
            day = self.day()
            until = r.choice(("", "", str(day + DAY * r.choice((1, 7, 31, 90)))))
            if until and date.fromisoformat(until) > self.end:
                until = ""
            channel = r.choice((*CHANNELS, "", ""))
            self.spend.append({
                "day": str(day), "until": until, "channel": channel, "campaign": r.choice(("brand", "spring", "")) if channel else "",
                "kind": r.choice(("ads", "ads", "salary", "tool", "", "content")),
                "purpose": r.choice(("", "", "acquire", "acquire", "retain", "expand")),
                "amount": r.choice(("100", "333.33", "0.01", "5000", "77.777777", "1000")), "currency": r.choice(("EUR", "EUR", "USD")),
                "platform": r.choice(("", "google")), "account": "",
            })  # fmt: skip
        if r.random() < 0.5:
            self.spend.append(dict(self.spend[0]))  # two equal costs on one day
        self.rates: list[Row] = []
        for currency in ("USD", "GBP"):
            day = self.start - DAY * r.choice((0, 30))
            while day <= self.end:
                self.rates.append({"day": str(day), "currency": currency, "rate": str(round(r.uniform(0.8, 1.3), 6))})
                day += DAY * r.choice((1, 9, 31, 60))

    def make_feedback(self) -> None:
        r = self.r
        self.feedback: list[Row] = []
        for _ in range(20):
            row = {
                "account_id": "",
                "person_id": "",
                "at": self.written(self.moment()),
                "kind": r.choice(("churn_reason", "churn_reason", "churn_reason", "nps")),
                "value": r.choice(("price", "missing feature", "left business")),
                "text": "…",
                "said_by": "customer",
            }
            if r.random() < 0.7:
                row["account_id"] = r.choice(self.accounts)
            else:
                row["person_id"] = r.choice(self.users)
            self.feedback.append(row)

    def make_deals(self) -> None:
        r = self.r
        self.deals: list[Row] = []
        for _ in range(20):
            created, who, status = self.moment(), r.random(), r.choice(("open", "open", "won", "lost"))
            met, closed = created + timedelta(days=r.randint(0, 30)), created + timedelta(days=r.randint(0, 90))
            over = status != "open" and r.random() < 0.9 and closed.date() < self.end
            self.deals.append({
                "deal_id": self.id("d"), "name": "Deal", "stage": "x", "status": status, "lost_reason": "",
                "account_id": r.choice(self.accounts) if who < 0.6 else "",
                "person_id": r.choice(self.users) if 0.6 <= who < 0.8 else "",
                "amount": r.choice(("1000", "2500.50", "")), "currency": r.choice(("EUR", "USD")), "probability": r.choice(("0.2", "0.55", "1")),
                "created_at": self.written(created), "meeting_at": self.written(met) if r.random() < 0.7 else "",
                "closed_at": self.written(closed) if over else "",
            })  # fmt: skip

    def make_searches(self) -> None:
        r = self.r
        self.searches: list[Row] = []
        month = self.start.replace(day=1)
        while month <= self.end:
            for brand in ("Acme", "Rival", "Other"):
                if r.random() < 0.95:
                    written = f"{month:%Y-%m}" if self.seed % 2 else str(month)
                    ours = "true" if brand == "Acme" else "false"
                    self.searches.append({"month": written, "brand": brand, "ours": ours, "volume": str(r.randint(0, 900))})
            month = (month + DAY * 31).replace(day=1)
