"""What the company paid, month by month: ad platforms' reports, a contract file for all else, and Google Trends."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from fari.demo.csv_file import write_rows
from fari.demo.days import add_months
from fari.demo.journeys import World
from fari.demo.market import AFFILIATE_PER_LEAD, AFFILIATE_PER_SALE, BRANDS, BY_NAME, CURRENCY, SEASON, Campaign

_PAYROLL = (
    ("Marketing manager, part-time", 2500, "acquire", 0),
    ("Sales, part-time", 1700, "acquire", 0),
    ("Content writer, part-time", 700, "acquire", 9),
    ("Customer success, part-time", 1000, "retain", 0),
    ("Account manager, part-time", 400, "expand", 12),
)
"""Role, monthly cost with on-costs, purpose, and the month they joined."""
_BILLS = (
    ("", "crm", "tool", "acquire", 150),
    ("", "analytics", "tool", "acquire", 60),
    ("Organic Search", "content-agency", "content", "acquire", 340),
    ("Referral", "review-sites", "other", "acquire", 120),
    ("Email", "mailer", "tool", "acquire", 40),
    ("", "customer-webinars", "content", "retain", 80),
)
"""Channel (empty = shared), supplier, kind, purpose, monthly amount."""
_FAIR = 1100
_MONTHS = "January February March April May June July August September October November December".split()
_SPEND = ("day", "until", "channel", "campaign", "kind", "purpose", "amount", "currency", "platform")


class _Ads:
    """One platform's month: (day, campaign, impressions, clicks, cost) for each day and campaign."""

    def __init__(self, world: World, month: int, seed: int, platform: str) -> None:
        self.first, self.until = world.months.firsts[month], add_months(world.months.firsts[month], 1)
        self.last = self.until - timedelta(1)
        rng = Random(f"ads {platform} {seed} {month}")
        campaigns: list[Campaign] = [one for channel in BY_NAME.values() for one in channel.campaigns if one.platform == platform]
        self.rows: list[tuple[date, str, int, int, Decimal]] = []
        for number, day in enumerate(world.months.days):
            for one in campaigns if world.months.month_of[number] == month else ():
                clicks = world.clicks[number, one.name]
                cost = Decimal(round(sum(one.click * rng.uniform(0.75, 1.25) for _ in range(min(clicks, 50))) * max(1, clicks / 50) * 100)) / 100
                self.rows.append((day, one.name, clicks * rng.randrange(28, 52) + rng.randrange(40), clicks, cost))
        self.shown, self.clicks = sum(row[2] for row in self.rows), sum(row[3] for row in self.rows)
        self.total = sum((row[4] for row in self.rows), Decimal(0))


def _thousands(value: Decimal | int) -> str:
    return f"{value:,}"


def write_google(path: Path, world: World, month: int, seed: int) -> bool:
    """Google Ads' campaign report as its pages give it: two lines above, totals below."""
    ads = _Ads(world, month, seed, "google_ads")
    rows = [
        (f"{day}", name, "Search", "Enabled", CURRENCY, _thousands(shown), _thousands(clicks), _thousands(cost))
        for day, name, shown, clicks, cost in ads.rows
    ]
    sums = (" --", " --", " --", CURRENCY, _thousands(ads.shown), _thousands(ads.clicks), _thousands(ads.total))
    return write_rows(
        path, ("Day", "Campaign", "Campaign type", "Campaign state", "Currency code", "Impr.", "Clicks", "Cost"), rows,
        above=("Campaign report", f"{_in_words(ads.first)} - {_in_words(ads.last)}"),
        below=[("Total: Account", *sums), ("Total: Campaigns", *sums), ("Total: Search", *sums)],
    )  # fmt: skip


def write_linkedin(path: Path, world: World, month: int, seed: int) -> bool:
    """LinkedIn's campaign performance report: tabs, UTF-16, a preamble; billed in dollars."""
    ads = _Ads(world, month, seed, "linkedin_ads")
    rows = [
        (f"{day.month}/{day.day}/{day.year}", "Lumen Desk Ads", "USD", "Always on", name, "Active", str(shown), str(clicks), f"{cost:.2f}")
        for day, name, shown, clicks, cost in ads.rows
    ]
    header = ("Start Date (in UTC)", "Account Name", "Currency", "Campaign Group Name", "Campaign Name", "Campaign Status", "Impressions", "Clicks",
              "Total Spent")  # fmt: skip
    above = ("Campaign Performance Report (in UTC)", f"Report Start: {_in_words(ads.first)}, 12:00 AM",
             f"Report End: {_in_words(ads.last)}, 11:59 PM", f"Date Generated: {_in_words(ads.until)}, 7:04 AM", "")  # fmt: skip
    return write_rows(path, header, rows, above=above, delimiter="\t", encoding="utf-16")


def write_meta(path: Path, world: World, month: int, seed: int) -> bool:
    """Meta's Ads Manager export on an Italian's screen: headers, decimal commas and semicolons; the totals come first."""
    ads = _Ads(world, month, seed, "meta_ads")
    span = (f"{ads.first}", f"{ads.last}")
    total = ("", "", "", str(ads.shown), str(ads.clicks), _comma(ads.total), *span)
    rows = [(name, f"{day}", "active", str(shown), str(clicks), _comma(cost), f"{day}", f"{day}") for day, name, shown, clicks, cost in ads.rows]
    header = ("Nome della campagna", "Giorno", "Pubblicazione della campagna", "Impression", "Clic sul link", "Importo speso (EUR)", "Inizio report",
              "Fine report")  # fmt: skip
    return write_rows(path, header, [total, *rows] if rows else [], delimiter=";", encoding="utf-8-sig")


def write_spend(path: Path, world: World, month: int, seed: int) -> bool:
    """All that no ad platform bills: salaries, tools, content, fairs, partners, and the display network (a contract file)."""
    rng, scale = Random(f"bills {seed} {month}"), world.scale
    first = world.months.firsts[month]
    span = (first.isoformat(), add_months(first, 1).isoformat())
    rows = [
        (*span, "", role, "salary", purpose, f"{amount * scale * (1.03 if month >= 12 else 1):.2f}", CURRENCY, "payroll")
        for role, amount, purpose, joined in _PAYROLL
        if month >= joined
    ]
    rows += [
        (*span, channel, "", kind, purpose, f"{amount * scale * rng.uniform(0.94, 1.06):.2f}", CURRENCY, supplier)
        for channel, supplier, kind, purpose, amount in _BILLS
    ]
    if month % 6 == 4:
        rows.append(((first + timedelta(11)).isoformat(), "", "", "support-summit", "event", "acquire", f"{_FAIR * scale:.2f}", CURRENCY, "fairs"))
    for day, name, _, _, cost in _Ads(world, month, seed, "adroll").rows:
        rows.append((day.isoformat(), "", "Display", name, "ads", "acquire", f"{cost:.2f}", CURRENCY, "adroll"))
    for campaign in BY_NAME["Affiliates"].campaigns:
        mine = [person for person in world.census.people if person.campaign == campaign.name]
        leads = sum(world.months.starts[0] <= one.created < world.months.end and world.months.month_at(one.created) == month for one in mine)
        sales = sum(0 < one.customer < world.months.end and world.months.month_at(one.customer) == month for one in mine)
        amount = AFFILIATE_PER_LEAD * leads + AFFILIATE_PER_SALE * sales
        if amount:
            last = add_months(first, 1) - timedelta(1)
            rows.append((last.isoformat(), "", "Affiliates", campaign.name, "commission", "acquire", f"{amount:.2f}", CURRENCY, "partners"))
    return write_rows(path, _SPEND, rows)


def write_trends(path: Path, world: World, month: int, seed: int) -> bool:
    """Google Trends' interest over time, from a year before the web log: an index that is rescaled with every download."""
    firsts = [add_months(world.months.first, n) for n in range(-12, month + 1)]
    interest: list[list[float]] = []
    for place, (_, base, growth) in enumerate(BRANDS):
        rng = Random(f"searches {seed} {place}")
        interest.append([
            base * growth**n * (0.75 + 0.25 * SEASON[first.month - 1]) * rng.uniform(0.94, 1.06) for n, first in enumerate(firsts)
        ])  # fmt: skip
    top = max(max(one) for one in interest)
    rows = [(f"{first:%Y-%m}", *(str(max(1, round(one[n] / top * 100))) for one in interest)) for n, first in enumerate(firsts)]
    return write_rows(path, ("Month", *(f"{brand}: (Worldwide)" for brand, _, _ in BRANDS)), rows, above=("Category: All categories", ""))


def _in_words(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def _comma(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
