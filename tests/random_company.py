"""Random small companies full of nasty cases, as the rows of contract files, and as the files themselves.

They avoid only what the definitions leave undecided: two users of one device in the same microsecond, two stretches of one
subscription with the same start, a local time that the clock shows twice.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from tests.oracle import Company

T = TypeVar("T")
Row = dict[str, Any]
Tables = dict[str, list[Row]]

START = date(2024, 11, 1)
DAYS = 220
ZONES = ("Europe/Rome", "America/New_York", "Pacific/Auckland")
EDGES = (
    *("2024-11-01", "2024-11-03", "2024-11-30", "2024-12-01", "2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01", "2025-02-28"),
    *("2025-03-01", "2025-03-09", "2025-03-30", "2025-03-31", "2025-04-01", "2025-04-06", "2025-05-01"),
)
"""Ends of months, and the days on which a clock changes in one of the zones."""
ANCHORS = ("2024-02-29", "2024-08-31", "2024-10-31", "2024-11-30", "2024-12-31", "2025-01-01", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-28")
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PATHS = ("/", "/about", "/blog/churn", "/blog/mrr", "/docs/start", "/pricing")
CHANNELS = ("Paid Search", "Organic Search", "Email", "Referral", "Direct", "Paid Social", "Events")
CAMPAIGNS = ("Spring", "Brand", "Launch")
REASONS = ("price", "missing feature", "went out of business", "switched")

COLUMNS = {
    "people": "person_id email account_id created_at name persona country channel campaign internal",
    "stages": "person_id stage at reason actor",
    "accounts": "account_id name created_at country industry",
    "feedback": "account_id person_id at kind value text said_by",
    "subscriptions": """subscription_id account_id starts_on ends_on amount currency interval interval_count quantity plan status discount
        discount_kind cancelled_on past_due_on""",
    "spend": "day until channel campaign kind purpose amount currency platform account",
    "deals": "deal_id account_id person_id name amount currency stage probability created_at meeting_at closed_at status lost_reason",
    "searches": "month brand ours volume",
    "series": "day name value unit channel",
    "targets": "month metric value channel",
    "rates": "day currency rate",
    "aliases": "kind from_id to_id at",
}
"""The header of each file that is not of events."""


@dataclass
class _World:
    """What the tables are made from."""

    random: Random
    company: Company
    tables: Tables = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    loners: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    ticks: int = 0

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.random.randrange(len(choices))]

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)

    def day(self, first: date = START, days: int = DAYS) -> date:
        """A day of the stretch of time; a third of them at an edge."""
        edges = [edge for edge in map(date.fromisoformat, EDGES) if first <= edge < first + timedelta(days=days)]
        return self.pick(edges) if edges and self.chance(33) else first + timedelta(days=self.random.randrange(days))

    def moment(self, on: date | None = None) -> datetime:
        """An instant of the day that no other has: by chance around local midnight, or in the hours when clocks change."""
        hour = self.pick([0, 0, 1, 2, 3, 9, 12, 15, 18, 23, 23])
        minute = self.pick([0, 5, 20, 40, 55])
        self.ticks += 1
        local = datetime.combine(on or self.day(), datetime.min.time(), ZoneInfo(self.company.timezone))
        return (local.replace(hour=hour, minute=minute) + timedelta(milliseconds=self.ticks)).astimezone(UTC)

    def write(self, at: datetime) -> str:
        """An instant as one of the ways in which files write it."""
        zone = ZoneInfo(self.company.timezone)
        bare = at.astimezone(zone).replace(tzinfo=None)
        twice = bare.replace(tzinfo=zone, fold=0).utcoffset() != bare.replace(tzinfo=zone, fold=1).utcoffset()
        forms = [at.replace(tzinfo=None).isoformat() + "Z", at.astimezone(zone).isoformat(), at.astimezone(ZoneInfo("Asia/Tokyo")).isoformat()]
        return self.pick(forms if twice else [*forms, bare.isoformat()])

    def amount(self) -> str:
        return self.pick(["10", "29", "49.90", "99.99", "100", "120", "240", "1000", "0.01"])

    def country(self) -> str:
        return self.pick(["IT", "DE", "US", "NZ", ""])


def random_company(seed: int, size: int = 10) -> tuple[Company, Tables]:
    """The company that belongs to a seed, with about so many accounts."""
    return generate(Random(seed), size)


def companies(max_size: int = 8) -> st.SearchStrategy[tuple[Company, Tables]]:
    """Random companies for hypothesis; a smaller one is simpler."""
    return st.builds(generate, st.randoms(use_true_random=False), st.integers(1, max_size))


def generate(random: Random, size: int) -> tuple[Company, Tables]:
    """A company and its tables, drawn from a source of random numbers."""
    company = Company(
        currency="EUR",
        timezone=ZONES[random.randrange(len(ZONES))],
        today=date(2025, 6, 10) + timedelta(days=random.randrange(25)),
        gross_margin=Decimal("0.8") if random.randrange(4) == 0 else Decimal(1),
        match_domains=random.randrange(6) == 0,
    )
    world = _World(random, company)
    for make in (_people, _links, _visits, _stages, _subscriptions, _feedback, _rates, _spend, _deals, _beside):
        make(world, size)
    _leave_out(world)
    return company, world.tables


def _people(world: _World, size: int) -> None:
    for n in range(size):
        account = f"acc{n}"
        world.accounts.append(account)
        if world.chance(80):
            world.add("accounts", account_id=account, name=f"Firm {n}", country=world.country(), created_at=world.write(world.moment()))
        for k in range(world.pick([0, 1, 1, 2, 3])):
            _person(world, f"per{n}.{k}", account, f"firm{n}.test")
    for n in range(size):
        world.loners.append(f"solo{n}")
        if world.chance(80):
            _person(world, f"solo{n}", "", f"alone{n}.test")
    world.add(
        "people", person_id="boss", email="boss@acme.test", internal="true", channel=world.pick(["", "Email"]), created_at="2024-01-01T09:00:00Z"
    )
    if world.chance(50):  # one of ours is noted as a contact of a customer
        world.add("people", person_id="seller", account_id=world.pick(world.accounts), internal="TRUE", channel="Events", persona="CTO")
    world.people += ["boss", "seller"]


def _person(world: _World, one: str, account: str, domain: str) -> None:
    mail = f"{one}@{world.pick([domain, domain, 'gmail.com'])}"
    if world.chance(15) and world.tables.get("people"):
        mail = world.pick(world.tables["people"])["email"].upper()  # one person known twice
    channel = world.pick(["", "", *CHANNELS])
    world.add(
        "people", person_id=one, email="" if world.chance(10) else mail, account_id=account, name=one.title(),
        created_at="" if world.chance(15) else world.write(world.moment()), persona=world.pick(["CTO", "CMO", ""]), country=world.country(),
        channel=channel, campaign=world.pick(["", *CAMPAIGNS]) if channel else "", internal=world.pick(["", "false", "false", "no"]),
    )  # fmt: skip
    world.people.append(one)


def _links(world: _World, size: int) -> None:
    """Chains of aliases, of people and of accounts."""
    for kind, ids in (("person", world.people[:-2]), ("account", world.accounts)):
        for n in range(size // 4):
            if len(ids) > 1:
                first, last = world.pick(ids), world.pick(ids)
                if first != last:
                    world.add("aliases", kind=kind, from_id=first, to_id=f"{kind}-link{n}", at=world.write(world.moment()))
                    world.add("aliases", kind=kind, from_id=f"{kind}-link{n}", to_id=last)
    if world.people and world.chance(20):  # a link undone
        alone = world.people[0]
        kept = [row for row in world.tables.get("aliases", []) if alone not in {row["from_id"], row["to_id"]}]
        world.tables["aliases"] = [*kept, {"kind": "person", "from_id": alone, "to_id": alone}]


LANDINGS = (
    ("", "", "", ""),
    ("", "", "", ""),
    ("google", "cpc", "", "https://www.google.com/"),
    ("google", "cpc", "Brand", ""),
    ("linkedin", "paid_social", "Launch", "https://www.linkedin.com/feed"),
    ("newsletter", "email", "Spring", ""),
    ("", "", "", "https://www.google.com/"),
    ("", "", "", "https://news.partner.test/article"),
)


def _page(world: _World, at: datetime, anonymous: str, user: str, *, agent: str = BROWSER) -> Row:
    source, medium, name, referrer = world.pick(LANDINGS)
    path, query = world.pick(PATHS), ""
    context: Row = {"userAgent": agent, "device": {"type": world.pick(["desktop", "mobile"])}}
    if medium:
        tagged = {"source": source, "medium": medium} | ({"name": name} if name else {})
        if world.chance(70):
            context["campaign"] = tagged
        else:
            query = "?" + "&".join(f"utm_{'campaign' if tag == 'name' else tag}={value}" for tag, value in tagged.items())
    country = world.country()
    if country:
        context |= world.pick([{"location": {"country": country}}, {"country": country}])
    context["page"] = {"url": f"https://www.acme.test{path}{query}", "path": path, "referrer": referrer}
    return _message(world, "page", at, anonymous, user, context=context)


def _message(world: _World, kind: str, at: datetime, anonymous: str = "", user: str = "", **more: Any) -> Row:
    row: Row = {"type": kind, "timestamp": world.write(at)} | more
    world.ticks += 1
    if world.chance(90):
        row["messageId"] = f"m{world.ticks}"
    if anonymous:
        row["anonymousId"] = anonymous
    elif world.chance(50):
        row["anonymousId"] = None
    if user:
        row["userId"] = user
    world.tables.setdefault("events", []).append(row)
    if world.chance(4):
        world.tables["events"].append(dict(row))  # a retry
    return row


def _browse(world: _World, anonymous: str, user: str, at: datetime) -> None:
    """Page views with gaps around the half hour; some say who is there."""
    for _ in range(world.pick([1, 1, 2, 3, 5])):
        known = user if user and (not anonymous or world.chance(15)) else ""
        _page(world, at, anonymous, known, agent=BOT if world.chance(2) else BROWSER)
        at += world.pick(
            [timedelta(seconds=20), timedelta(minutes=12), timedelta(minutes=30), timedelta(minutes=30, microseconds=1), timedelta(minutes=47)]
        )


def _visits(world: _World, size: int) -> None:
    for one in [*world.people, *world.loners]:
        if world.chance(25):
            continue
        devices = [f"{one}-{device}" for device in ("phone", "laptop")][: world.pick([1, 1, 2])]
        if world.chance(15):
            devices.append(f"shared{world.random.randrange(max(1, size // 3))}")
        for device in devices:
            for _ in range(world.pick([0, 1, 1, 2, 4])):
                _browse(world, device, one, world.moment())
            if world.chance(75):  # late, early or between
                traits = {"email": f"{one}@IDENTIFIED.test"} if world.chance(30) else {"name": one}
                _message(world, "identify", world.moment(), device, one, traits=traits)
        if world.chance(20):
            _browse(world, "", one, world.moment())
        if world.chance(15):
            _message(world, "alias", world.moment(), "", one, previousId=world.pick([f"{one}-old", world.pick(devices)]))
        if world.chance(10):
            _message(world, "group", world.moment(), "", one, groupId=world.pick(world.accounts))
        for _ in range(world.pick([0, 0, 1, 2])):
            properties: Row = world.pick([{}, {"plan": "trial"}, {"type": "Freemium"}, {"plan": "paid"}, {"plan": "team"}])
            by_user = world.chance(60)
            _message(
                world,
                "track",
                world.moment(),
                "" if by_user else world.pick(devices),
                one if by_user else "",
                event="Signed Up",
                properties=properties,
            )
        if world.chance(30):
            _message(world, "track", world.moment(), world.pick(devices), "", event="Clicked")
    for n in range(size):
        _browse(world, f"stranger{n}", "", world.moment())
        if world.chance(30):
            _browse(world, f"stranger{n}", "", world.moment())
    for n in range(size // 3 + 1):
        _page(world, world.moment(), f"bot{n}", "", agent=BOT)
    world.random.shuffle(world.tables["events"])


def _stages(world: _World, size: int) -> None:
    order = ["lead", "mql", "sql", "opportunity", "customer"]
    for one in [*world.people, *world.loners, *(f"unknown{n}" for n in range(size // 4))]:
        if world.chance(30):
            continue
        reached = order[: world.pick([1, 1, 2, 3, 4, 5])]
        on = world.day()
        for name in reached:
            if world.chance(25) and name != reached[-1]:
                continue  # skipped
            world.add("stages", person_id=one, stage=name, at=world.write(world.moment(on)))
            on += timedelta(days=world.pick([-20, 0, 1, 5, 20, 40]))  # a step back is out of order
            on = min(max(on, START), START + timedelta(days=DAYS - 1))
        if world.chance(15):
            reason = ("no budget", "student", "")[len(world.tables.get("stages", ())) % 3]
            world.add("stages", person_id=one, stage=world.pick(["rejected", "recycled"]), at=world.write(world.moment()), reason=reason)


def _subscriptions(world: _World, size: int) -> None:
    payers = [account for account in world.accounts for _ in range(world.pick([0, 1, 1, 1, 2, 3]))]
    payers += [one for one in world.loners if world.chance(20)]
    for n, account in enumerate(payers):
        _subscription(world, f"sub{n}", account)


def _subscription(world: _World, subscription: str, account: str) -> None:
    currency = world.pick(["EUR", "EUR", "EUR", "USD", "GBP"])
    interval, count = world.pick(
        [("month", 1)] * 6 + [("year", 1), ("year", 1), ("quarter", 1), ("month", 3), ("week", 1), ("week", 6), ("day", 1), ("day", 45)]
    )
    plan, starts = world.pick(["Basic", "Pro", "Team", ""]), world.day()
    if world.chance(40):
        starts = date.fromisoformat(world.pick(ANCHORS))
    used: set[date] = set()
    status = "trialing" if world.chance(25) else "active"
    for step in range(world.pick([1, 1, 2, 3, 4])):
        while starts in used:
            starts += timedelta(days=1)
        used.add(starts)
        length = world.pick([1, 7, 14, 30, 31, 59, 90, 92, 365])
        ends = None if world.chance(25) else starts + timedelta(days=14 if status == "trialing" and step == 0 else length)
        kind = world.pick(["", "", "", "none", "once", "repeating", "forever"])
        world.add(
            "subscriptions", subscription_id=subscription, account_id=account, starts_on=starts.isoformat(), ends_on=ends.isoformat() if ends else "",
            amount="0" if world.chance(5) else world.amount(), currency=currency, interval=interval,
            interval_count=str(count) if count > 1 or world.chance(50) else "", quantity=world.pick(["", "1", "5"]), plan=plan,
            status="" if status == "active" and world.chance(30) else status,
            discount=world.pick(["5", "9.99", "2000"]) if kind else "", discount_kind=kind,
            cancelled_on=(ends - timedelta(days=1)).isoformat() if ends and world.chance(20) else "",
            past_due_on=(starts + timedelta(days=world.pick([-3, 0, 2]))).isoformat() if status == "past_due" and world.chance(60) else "",
        )  # fmt: skip
        gap = world.pick([0, 0, 0, 0, 1, 10, 45, -5])  # a swap, a return, an overlap
        starts = max((ends or starts + timedelta(days=length)) + timedelta(days=gap), starts + timedelta(days=1))
        status = world.pick(["active"] * 6 + ["past_due", "past_due", "paused", "trialing"])
        if world.chance(40):
            plan = world.pick(["Basic", "Pro", "Team"])
        if starts > world.company.today:
            return


def _feedback(world: _World, size: int) -> None:
    for _ in range(size * 2):
        whose = {"person_id": world.pick(world.loners)} if world.chance(20) else {"account_id": world.pick(world.accounts)}
        kind = world.pick(["churn_reason", "churn_reason", "churn_reason", "nps"])
        at = world.write(world.moment())
        scored = ("csat", ("good", "bad", "2", "4")[world.ticks % 4]) if world.ticks % 3 == 0 else ("nps", str(world.ticks % 11))
        kind, value = (kind, world.pick(REASONS)) if kind == "churn_reason" else scored
        world.add("feedback", **whose, at=at, kind=kind, value=value, said_by=world.pick(["customer", "care"]))


def _rates(world: _World, size: int) -> None:
    days = {date(2024, 1, 1), *(world.day() for _ in range(size))}
    for on in sorted(days):
        for currency in ("USD", "GBP"):
            world.add("rates", day=on.isoformat(), currency=currency, rate=f"{Decimal(world.random.randrange(800_000, 1_300_000)) / 1_000_000}")
    world.add("rates", day="2025-02-10", currency="CHF", rate="1.05")  # no rate before that: only costs are in francs


def _spend(world: _World, size: int) -> None:
    for n in range(size * 3):
        on = world.day()
        channel = world.pick(["", *CHANNELS])
        kind = world.pick(["ads", "ads", "ads", "tool", "agency", "content", "event", ""])
        world.add(
            "spend", day=on.isoformat(), until=(on + timedelta(days=world.pick([1, 3, 7, 31, 365]))).isoformat() if world.chance(25) else "",
            channel=channel, campaign=world.pick(["", *CAMPAIGNS]) if channel else "", kind=kind,
            purpose=world.pick(["", "", "acquire", "retain", "expand"]),
            amount=world.pick(["-", "", "", ""]) + world.amount(), currency=world.pick(["EUR", "EUR", "USD", "CHF"]), platform=f"platform{n}",
        )  # fmt: skip
    for month in range(1, 6):
        for _ in range(2):  # two equal salaries on one day are two costs
            world.add("spend", day=f"2025-0{month}-27", kind="salary", amount="3000", currency="EUR", platform="payroll")


def _deals(world: _World, size: int) -> None:
    for n in range(size):
        status = world.pick(["open", "open", "won", "lost"])
        created, met, closed = sorted(world.moment() for _ in range(3))
        has_account = world.chance(80)
        world.add(
            "deals", deal_id=f"deal{n}", account_id=world.pick(world.accounts) if has_account else "",
            person_id="" if has_account or world.chance(30) else world.pick(world.loners), amount="" if world.chance(20) else world.amount(),
            currency=world.pick(["", "EUR", "USD"]), probability=world.pick(["0.1", "0.25", "0.5", "1"]), created_at=world.write(created),
            meeting_at=world.write(met) if world.chance(70) else "", status=status,
            closed_at=world.write(closed) if status != "open" and world.chance(85) else "", lost_reason="price" if status == "lost" else "",
        )  # fmt: skip


def _beside(world: _World, size: int) -> None:
    for month in ("2024-11", "2024-12", "2025-01", "2025-02", "2025-03", "2025-04", "2025-05")[world.random.randrange(3) :]:
        for brand in ("acme", "rival", "other")[: 2 + size % 2]:
            world.add("searches", month=month, brand=brand, ours=str(brand == "acme").lower(), volume=str(world.random.randrange(1000)))
        world.add("targets", month=month, metric="mrr", value="1000")
    world.add("series", day=world.day().isoformat(), name="followers", value="12")


def _leave_out(world: _World) -> None:
    """Now and then a company has no billing system, no CRM deals, or no costs."""
    leaving: list[tuple[int, str]] = [(8, "subscriptions"), (8, "deals"), (5, "spend"), (3, "events"), (3, "stages"), (10, "people"), (5, "aliases")]
    for percent, table in leaving:
        if world.chance(percent):
            world.tables.pop(table, None)
    if world.chance(30):  # nothing is known of the last days before the import
        last = (START + timedelta(days=DAYS)).isoformat()
        for table in ("subscriptions", "spend"):
            rows = world.tables.get(table, [])
            world.tables[table] = [row for row in rows if max(row.get("ends_on", ""), row.get("until", "")) < last]


def write(tables: Tables, folder: Path) -> list[Path]:
    """One contract file per table: events as JSON Lines, the others as CSV with all of the table's columns."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table, rows in tables.items():
        if not rows:
            continue
        path = folder / (f"{table}.jsonl" if table == "events" else f"{table}.csv")
        writer: Callable[[Path, list[Row]], None] = _write_events if table == "events" else _writer(COLUMNS[table].split())
        writer(path, rows)
        paths.append(path)
    return paths


def _write_events(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _writer(columns: list[str]) -> Callable[[Path, list[Row]], None]:
    def to_csv(path: Path, rows: list[Row]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.DictWriter(file, columns, restval="")
            lines.writeheader()
            lines.writerows(rows)

    return to_csv
