"""The demo company: its files are what vendors write, the same seed writes the same, and what is planted in it can be found by hand."""

import csv
import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from fari.company import Company
from fari.demo import Batch, write
from fari.demo.bulk_log import write_bulk_log
from fari.demo.days import Months
from fari.demo.market import (
    BAD_CHANNELS,
    BY_NAME,
    CHANNELS,
    COMPANY,
    HOST,
    INCIDENT_MONTH,
    PRICE_RISE,
    PRICE_RISE_MONTH,
    RISING_CHANNEL,
    SIZES,
    Campaign,
)
from fari.demo.site import BROWSERS, CRAWLERS, ORIGIN, PHONES
from fari.errors import UsageError
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.marks.agents import judge
from fari.marks.channels import Touch, place
from fari.sources import segment
from fari.sources.address import host_of, take_apart
from fari.sources.file import open_file
from fari.sources.importing import choose, import_files

LUMEN = Company(name=COMPANY, currency="EUR", timezone="Europe/Rome", hosts=(HOST,))
ROME = ZoneInfo("Europe/Rome")
UNTIL = date(2026, 11, 22)
MONTHS = 24
SOURCES = {
    "staff": "people", "rates": "rates", "segment_events": "segment", "hubspot_contacts": "hubspot_contacts", "hubspot_deals": "hubspot_deals",
    "rejected_leads": "stages", "stripe_customers": "stripe_objects", "stripe_subscriptions": "stripe_objects", "churn_reasons": "feedback",
    "nps": "nps_survey", "google_ads": "google_ads", "linkedin_ads": "linkedin_ads", "meta_ads": "meta_ads", "spend": "spend",
    "google_trends": "google_trends",
}  # fmt: skip
"""What each file must be taken for: a vendor's source, or a contract table."""
Row = dict[str, Any]


def day_of(seconds: int | None) -> date | None:
    return datetime.fromtimestamp(seconds, ROME).date() if seconds else None


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def messages(path: Path) -> list[Row]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@dataclass
class Tally:
    """The company counted by plain loops over its files, without Fari."""

    batches: list[Batch]
    months: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.months = [month_of(months_back(batch.recorded, 1)) for batch in self.batches]

    def files(self, kind: str) -> Iterator[Path]:
        return (path for batch in self.batches for path, _ in batch.files if path.name.startswith(f"{kind}_2"))

    def table(self, kind: str, **how: Any) -> Iterator[Row]:
        for path in self.files(kind):
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file, **how)

    @cached_property
    def events(self) -> list[Row]:
        return [event for path in self.files("segment_events") for event in messages(path)]

    @cached_property
    def subscriptions(self) -> list[Row]:
        """Each as its latest export has it."""
        return list({one["id"]: one for path in self.files("stripe_subscriptions") for one in json.loads(path.read_text())["data"]}.values())

    @cached_property
    def contacts(self) -> list[Row]:
        return list({row["Record ID"]: row for row in self.table("hubspot_contacts")}.values())

    @cached_property
    def rates(self) -> dict[str, float]:
        return {"EUR": 1.0} | {row["currency"]: float(row["rate"]) for row in self.table("rates")}

    @cached_property
    def stretches(self) -> list[tuple[str, date, date, float]]:
        """Account, first paid day, end (exclusive) and euros a month of everything paid for; discounts left aside."""
        found = []
        for one in self.subscriptions:
            [item] = one["items"]["data"]
            value = item["quantity"] * item["price"]["unit_amount"] / 100 * self.rates[one["currency"].upper()]
            begun = day_of(one["trial_end"] or one["start_date"])
            assert begun is not None
            ended = day_of(one["ended_at"]) or (begun if one["status"] == "trialing" else date.max)
            if begun < ended:
                found.append((one["customer"], begun, ended, value / (12 if item["price"]["recurring"]["interval"] == "year" else 1)))
        return found

    def paying(self, day: date) -> dict[str, float]:
        """MRR by account at the end of a day."""
        found: dict[str, float] = defaultdict(float)
        for account, begun, ended, value in self.stretches:
            if begun <= day < ended:
                found[account] += value
        return found

    @cached_property
    def closing(self) -> dict[str, dict[str, float]]:
        """MRR by account on the last day before and of each month."""
        firsts = [date.fromisoformat(f"{month}-01") for month in self.months]
        return {
            month_of(months_back(first, 1)): self.paying(date.fromordinal(first.toordinal() - 1)) for first in [*firsts, self.batches[-1].recorded]
        }

    @cached_property
    def new(self) -> dict[str, list[str]]:
        """Accounts by the month of their first paid day."""
        first: dict[str, date] = {}
        for account, begun, _, _ in self.stretches:
            first[account] = min(begun, first.get(account, begun))
        found: dict[str, list[str]] = {month: [] for month in self.months}
        for account, day in first.items():
            found.setdefault(month_of(day), []).append(account)
        return found

    def lost(self, month: str, accounts: Callable[[str], bool] = lambda _: True) -> tuple[int, int]:
        """(Accounts paying before the month and no longer on its last day, accounts paying before it)."""
        before = set(filter(accounts, self.closing[list(self.closing)[list(self.closing).index(month) - 1]]))
        return len(before - set(self.closing[month])), len(before)

    @cached_property
    def channel(self) -> dict[str, str]:
        """Each Stripe customer's channel, by the CRM and the campaign's name."""
        labels = {channel.crm: channel.name for channel in CHANNELS if channel.crm != "Other Campaigns"}
        by_mail: dict[str, str] = {}
        for row in self.contacts:
            campaign = row["Original Source Drill-Down 1"]
            other = "Display" if campaign.startswith("display-") else "Affiliates"
            by_mail[row["Email"]] = labels.get(row["Original Source"], other)
        return {one["id"]: by_mail[one["email"]] for path in self.files("stripe_customers") for one in json.loads(path.read_text())["data"]}

    @cached_property
    def spend(self) -> dict[tuple[str, str], float]:
        """Euros to acquire customers, by month and channel ("" = shared)."""
        found: dict[tuple[str, str], float] = defaultdict(float)
        for row in self.table("spend"):
            if row["purpose"] == "acquire":
                found[row["day"][:7], row["channel"]] += float(row["amount"])
        for path in self.files("google_ads"):
            rows = path.read_text(encoding="utf-8").splitlines()[2:]
            for row in csv.DictReader(rows):
                if not row["Day"].startswith("Total"):
                    found[row["Day"][:7], "Paid Search"] += float(row["Cost"].replace(",", ""))
        for path in self.files("linkedin_ads"):
            rows = path.read_text(encoding="utf-16").splitlines()[5:]
            for row in csv.DictReader(rows, delimiter="\t"):
                month, _, year = row["Start Date (in UTC)"].split("/")
                found[f"{year}-{int(month):02d}", "Paid Social"] += float(row["Total Spent"]) * self.rates["USD"]
        for path in self.files("meta_ads"):
            for row in csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"):
                if row["Giorno"]:
                    found[row["Giorno"][:7], "Paid Social"] += float(row["Importo speso (EUR)"].replace(",", "."))
        return found


def months_back(day: date, count: int) -> date:
    index = day.year * 12 + day.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tally:
    return Tally(write(tmp_path_factory.mktemp("lumen desk"), MONTHS, 1, "small", UNTIL))


def digest(batches: list[Batch], folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for batch in batches for path, _ in batch.files}


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    one, two, other = (digest(write(tmp_path / name, 3, seed, "small", UNTIL), tmp_path / name) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert one == two
    assert {name for name in one if one[name] == other.get(name)} == {"2026-08/staff_2026-08.csv"}


def test_there_is_a_batch_a_month_each_knowing_nothing_of_the_next(small: Tally) -> None:
    assert [batch.recorded for batch in small.batches] == [months_back(date(2026, 11, 1), back) for back in reversed(range(MONTHS))]
    assert small.months[0] == "2024-11"
    for batch in small.batches:
        edge = datetime(batch.recorded.year, batch.recorded.month, 1, tzinfo=ROME)
        for path, _ in batch.files:
            if path.name.startswith("segment"):
                times = [event["timestamp"] for event in messages(path)]
                assert times == sorted(times)
                assert datetime.fromisoformat(times[-1]) < edge
            elif path.name.startswith("stripe_subscriptions"):
                for one in json.loads(path.read_text())["data"]:
                    assert max(filter(None, (one["created"], one["canceled_at"], one["ended_at"]))) < edge.timestamp()
            elif path.name.startswith("hubspot_contacts"):
                with path.open(newline="") as file:
                    dates = [text for row in csv.DictReader(file) for name, text in row.items() if name.endswith("Date") and text]
                assert max(dates) < f"{edge:%Y-%m-%d %H:%M}"


def test_every_file_is_taken_for_what_it_is(small: Tally) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for batch in small.batches:
        for path, arguments in batch.files:
            assert arguments == ()
            name, reader, _ = choose(open_file(path), LUMEN, None)
            found[path.name.split("_20")[0]].add(reader if name == "contract" else name)
    assert found == {kind: {source} for kind, source in SOURCES.items()}


def test_files_are_imported_without_a_problem(small: Tally, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, LUMEN)
    for batch in (small.batches[0], small.batches[1], small.batches[17]):
        reports = import_files(ledger, [path for path, _ in batch.files], How(batch.recorded, datetime(2026, 11, 22, tzinfo=UTC)))
        assert [str(problem) for report in reports for problem in report.problems] == []
        assert all(report.read and report.rejected == 0 for report in reports)
        assert any("stated by the file" in name for report in reports for name in report.totals)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_landing_is_of_its_channel(channel: Any) -> None:
    def verdict(campaign: Campaign) -> str:
        at = take_apart(f"{ORIGIN}/{campaign.query.replace('%s', 'x1')}")
        return place(Touch(at.host, host_of(campaign.referrer), at.utm_source, at.utm_medium, at.utm_campaign, at.click_ids), LUMEN).channel

    assert {verdict(campaign) for campaign in channel.campaigns} == {channel.name}


def test_crawlers_are_known_as_such_and_browsers_are_not() -> None:
    assert all(judge(agent).bot for agent in CRAWLERS)
    assert not any(judge(agent.format(v=131)).bot for agent, _ in (*BROWSERS, *PHONES))


def test_the_web_log_holds_what_makes_counting_hard(small: Tally) -> None:
    pages = [event for event in small.events if event["type"] == "page"]
    agents = Counter(event["context"]["userAgent"] for event in pages)
    # Ten thousand visitors in two years; and a million page views in `medium`.
    assert 9_500 < len({event["anonymousId"] for event in pages if event["context"]["userAgent"] not in CRAWLERS}) < 11_500
    assert 900_000 < len(pages) * SIZES["medium"] < 1_200_000
    assert 0.02 < sum(count for agent, count in agents.items() if agent in CRAWLERS) / len(pages) < 0.08
    assert sum((event["userId"] or "").startswith("staff_") for event in pages) > 500
    # One person on two devices, and pages from before anybody knew whose they were.
    devices: dict[str, set[str]] = defaultdict(set)
    for event in small.events:
        if event["type"] == "identify":
            devices[event["userId"]].add(event["anonymousId"])
    assert sum(len(known) > 1 for known in devices.values()) > 40
    known = {device for several in devices.values() for device in several}
    assert sum(event["userId"] is None and event["anonymousId"] in known for event in pages) > 800
    # Retries: the same message twice.
    ids = Counter(event["messageId"] for event in small.events)
    assert 20 < len(small.events) - len(ids) < 150
    assert {event["event"] for event in small.events if event["type"] == "track"} == {
        "Signed Up", "Trial Started", "Demo Requested", "Gated Download", "Newsletter Subscribed", "Webinar Registered",
    }  # fmt: skip


def test_ids_meet_across_tools(small: Tally) -> None:
    """Nearly every paying customer's e-mail is that of a CRM contact and, where it came during the demo, of a web user."""
    web = {event["traits"]["email"] for event in small.events if event["type"] == "identify"}
    crm = {row["Email"] for row in small.contacts}
    mails = {one["id"]: one["email"] for path in small.files("stripe_customers") for one in json.loads(path.read_text())["data"]}
    late = [account for month in small.months[4:] for account in small.new[month]]
    assert {mails[account] for account in late} <= crm
    assert 0.85 < mean(mails[account] in web for account in late) < 0.99
    reasons = {row["account_id"] for row in small.table("churn_reasons")}
    assert len(reasons) > 15
    assert reasons <= {f"stripe:{account}" for account in mails}


def test_the_year_has_seasons_and_the_company_grows(small: Tally) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    weekdays: Counter[int] = Counter()
    assistants: Counter[str] = Counter()
    rising = {campaign.referrer for campaign in BY_NAME[RISING_CHANNEL].campaigns}
    for event in small.events:
        if event["type"] == "page" and event["context"]["userAgent"] not in CRAWLERS:
            at = datetime.fromisoformat(event["timestamp"]).astimezone(ROME)
            seen[f"{at:%Y-%m}"].add(event["anonymousId"])
            weekdays[at.weekday()] += 1
            assistants[f"{at:%Y-%m}"] += event["context"]["page"]["referrer"] in rising
    visitors = {month: len(people) for month, people in seen.items()}
    august, around, december, beside = (
        sum(visitors[month] for month in months)
        for months in (("2025-08", "2026-08"), ("2025-07", "2025-09", "2026-07", "2026-09"), ("2024-12", "2025-12"),
                       ("2024-11", "2025-01", "2025-11", "2026-01"))
    )  # fmt: skip
    assert august < 0.8 * around / 2
    assert december < 0.85 * beside / 2
    assert weekdays[5] < 0.6 * weekdays[1]
    assert sum(visitors[month] for month in small.months[12:]) > 1.2 * sum(visitors[month] for month in small.months[:12])
    assert sum(assistants[month] for month in small.months[18:]) > 4 * sum(assistants[month] for month in small.months[:6])


def test_the_funnel_is_that_of_a_healthy_company(small: Tally) -> None:
    leads: Counter[str] = Counter(row["Became a Lead Date"][:7] for row in small.contacts)
    mql = sum(bool(row["Became a Marketing Qualified Lead Date"]) for row in small.contacts)
    sql = sum(bool(row["Became a Sales Qualified Lead Date"]) for row in small.contacts)
    seen: dict[str, set[str]] = defaultdict(set)
    for event in small.events:
        if event["type"] == "page" and event["context"]["userAgent"] not in CRAWLERS:
            seen[event["timestamp"][:7]].add(event["anonymousId"])
    # The first months, before leads have had time to come back, are left out.
    year = small.months[12:]
    entered = sum(leads[month] for month in year)
    assert 0.04 < entered / sum(len(seen[month]) for month in year) < 0.07
    won = sum(len(small.new[month]) for month in year)
    assert 0.1 < won / entered < 0.18
    assert 0.55 < mql / len(small.contacts) < 0.9
    assert 0.25 < sql / len(small.contacts) < 0.6
    assert 0.05 < sum(row["Lead Status"] == "Unqualified" for row in small.contacts) / len(small.contacts) < 0.2
    trials = [one for one in small.subscriptions if one["trial_end"] and one["trial_end"] < datetime(2026, 10, 15, tzinfo=ROME).timestamp()]
    assert 0.2 < mean(one["ended_at"] is None or one["ended_at"] > one["trial_end"] for one in trials) < 0.45


def test_the_money_is_that_of_a_healthy_company(small: Tally) -> None:
    first, last = small.closing["2024-10"], small.closing["2026-10"]
    assert 90 <= len(last) <= 150
    assert set(map(small.channel.get, last)) == {channel.name for channel in CHANNELS}
    assert 1.3 < len(last) / len(first) < 2.5
    assert 60 < sum(last.values()) / len(last) < 250
    assert {one["currency"] for one in small.subscriptions} == {"eur", "usd", "gbp"}
    intervals = Counter(one["items"]["data"][0]["price"]["recurring"]["interval"] for one in small.subscriptions)
    assert 0.2 < intervals["year"] / intervals.total() < 0.5
    year = small.months[12:]
    churn = mean(lost / before for month in year for lost, before in [small.lost(month)])
    assert 0.02 < churn < 0.04
    spent = sum(amount for (month, _), amount in small.spend.items() if month in year)
    cac = spent / sum(len(small.new[month]) for month in year)
    assert 300 < cac < 1500
    arpa = mean(sum(small.closing[month].values()) / len(small.closing[month]) for month in year)
    assert 2 < arpa / churn / cac < 5
    grown = [month for before, month in pairwise(small.closing) if sum(small.closing[month].values()) > sum(small.closing[before].values())]
    assert len(grown) > 0.7 * MONTHS


def test_prices_rise_in_their_month_for_the_new_and_at_renewal_for_the_old(small: Tally) -> None:
    rise = small.batches[PRICE_RISE_MONTH - 2].recorded
    at = datetime(rise.year, rise.month, 1, tzinfo=ROME).timestamp()
    prices: dict[tuple[str, str, str], dict[bool, set[int]]] = defaultdict(lambda: {False: set(), True: set()})
    old = 0
    for one in small.subscriptions:
        [item] = one["items"]["data"]
        terms = (item["price"]["nickname"], one["currency"], item["price"]["recurring"]["interval"])
        raised = item["price"]["id"].endswith("_2")
        prices[terms][raised].add(item["price"]["unit_amount"])
        if raised:
            assert one["start_date"] >= at
        elif terms[2] == "month" and one["status"] == "active":
            # A monthly subscription renews within a month: none still pays the old price.
            old += 1
    assert old == 0
    both = [known for known in prices.values() if known[False] and known[True]]
    assert len(both) > 10
    for known in both:
        [before], [after] = known[False], known[True]
        assert after == pytest.approx(before * float(PRICE_RISE), abs=0.5)


def test_churn_triples_in_the_month_of_the_outage(small: Tally) -> None:
    month = small.months[INCIDENT_MONTH - 1]
    around = [small.months[INCIDENT_MONTH - 1 + away] for away in (-4, -3, -2, -1, 1, 2, 3, 4)]
    lost, before = small.lost(month)
    usual = mean(gone / there for gone, there in map(small.lost, around))
    assert 2 < lost / before / usual < 5
    reasons = Counter(row["value"] for row in small.table("churn_reasons"))
    assert reasons["outage"] >= 2
    gone = {one["customer"] for one in small.subscriptions if one["ended_at"] and month_of(day_of(one["ended_at"]) or date.max) == month}
    left = gone - set(small.closing[month])
    monthly = Counter(
        one["items"]["data"][0]["price"]["recurring"]["interval"] for one in small.subscriptions if one["customer"] in left and one["ended_at"]
    )
    assert monthly["month"] > 2 * monthly["year"]


def test_the_cheapest_leads_churn_the_most(small: Tally) -> None:
    bad = [channel.name for channel in CHANNELS if channel.name in BAD_CHANNELS]
    leads: Counter[str] = Counter()
    for row in small.contacts:
        campaign = row["Original Source Drill-Down 1"]
        other = "Display" if campaign.startswith("display-") else "Affiliates"
        leads[other if row["Original Source"] == "Other Campaigns" else row["Original Source"]] += row["Became a Lead Date"][:7] in small.months
    direct = {name: sum(amount for (_, channel), amount in small.spend.items() if channel == name) for name in (*bad, "Paid Search", "Paid Social")}
    per_lead = {name: direct[name] / leads[name] for name in direct}
    assert max(per_lead[name] for name in bad) < 0.4 * min(per_lead["Paid Search"], per_lead["Paid Social"])

    def churn(among: Callable[[str], bool]) -> float:
        counts = [small.lost(month, among) for month in small.months]
        return sum(lost for lost, _ in counts) / sum(before for _, before in counts)

    rates = {flag: churn(lambda account, flag=flag: (small.channel[account] in bad) == flag) for flag in (True, False)}  # type: ignore[misc]
    assert rates[True] > 3 * rates[False]
    won = Counter(small.channel[account] for month in small.months for account in small.new[month])
    shared = sum(amount for (_, channel), amount in small.spend.items() if not channel) / won.total()
    paid = [value for month in small.months for account, value in small.closing[month].items() if small.channel[account] in bad]
    customers = sum(won[name] for name in bad)
    assert customers > 10
    cac = sum(direct[name] for name in bad) / customers + shared
    assert mean(paid) / rates[True] / cac < 1


def test_share_of_search_and_deals(small: Tally) -> None:
    path = list(small.files("google_trends"))[-1]
    rows = list(csv.DictReader(path.read_text().splitlines()[2:]))
    assert len(rows) == MONTHS + 12
    shares = [int(row[f"{COMPANY}: (Worldwide)"]) / sum(int(volume) for name, volume in row.items() if name != "Month") for row in rows]
    assert mean(shares[-6:]) > mean(shares[:6]) + 0.03
    deals = list({row["Record ID"]: row for row in small.table("hubspot_deals")}.values())
    assert len(deals) > 100
    stages = Counter(row["Deal Stage"] for row in deals)
    assert 0.15 < stages["Closed Won"] / (stages["Closed Won"] + stages["Closed Lost"]) < 0.6
    assert all(row["Date of first meeting"] for row in deals if row["Deal Stage"] == "Closed Won")
    assert any(not row["Amount"] for row in deals)


def test_terms_change_in_one_second_under_a_new_subscription(small: Tally) -> None:
    """Stripe knows only today's terms: a change ends one subscription and begins another, so that the history stays in its exports."""
    starts = {(one["customer"], one["start_date"]) for one in small.subscriptions}
    swapped = [one for one in small.subscriptions if one["ended_at"] and (one["customer"], one["ended_at"]) in starts]
    assert len(swapped) > 100
    assert all(one["cancellation_details"] == {"comment": None, "feedback": None, "reason": None} for one in swapped)
    statuses = Counter(one["status"] for path in small.files("stripe_subscriptions") for one in json.loads(path.read_text())["data"])
    assert {"active", "canceled", "trialing", "past_due"} == set(statuses)
    assert any(one["discount"] and one["discount"]["coupon"]["duration"] == "repeating" for one in small.subscriptions)
    assert any(one["cancel_at_period_end"] for path in small.files("stripe_subscriptions") for one in json.loads(path.read_text())["data"])


def test_the_large_log_is_parquet_that_fari_reads(tmp_path: Path) -> None:
    months = Months(3, date(2025, 6, 15))
    paths = write_bulk_log(tmp_path, months, 1, 5, page_views=30_000)
    again = write_bulk_log(tmp_path / "..", months, 1, 5, page_views=30_000)
    assert all(segment.recognises(open_file(path)) for path in paths)
    with duckdb.connect() as connection:
        one, two = (connection.sql(f"SELECT * FROM read_parquet({[str(path) for path in names]})") for names in (paths, again))
        assert one.fetchall() == two.fetchall()
        rows, ids, visitors, first, last = connection.sql(
            'SELECT count(*), count(DISTINCT "messageId"), count(DISTINCT "anonymousId"), min("timestamp"), max("timestamp") FROM one'
        ).fetchall()[0]
        channels = connection.sql("SELECT DISTINCT context_campaign_medium FROM one").fetchall()
    assert 8_500 < rows < 11_500
    assert ids == rows
    assert 0.2 < visitors / rows < 0.5
    begun, over = (datetime(2025, month, 1, tzinfo=ROME).astimezone(UTC) for month in (4, 5))
    assert begun <= first < last < over
    assert {name for (name,) in channels} == {None, "cpc", "paid_social", "display", "email", "affiliate"}
    for path in again:
        path.unlink()


def test_a_size_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert set(SIZES) == {"small", "medium", "large"}
    with pytest.raises(UsageError, match="did you mean 'small'"):
        write(tmp_path, 1, 1, "smal", UNTIL)
    with pytest.raises(UsageError, match="at least one month"):
        write(tmp_path, 0, 1, "small", UNTIL)
