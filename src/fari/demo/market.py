"""The demo's market, and the truth planted in it: what a user of Fari should be able to find out again.

Figures are for size `small`; `medium` is `SIZES["medium"]` times that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

COMPANY = "Lumen Desk"
CURRENCY = "EUR"
HOST = "lumendesk.example"

PRICE_RISE_MONTH = 13
"""The month, counted from 1, in which prices rise: on its first day for new customers, at their next payment for those who pay monthly. Yearly
contracts keep their price."""
PRICE_RISE = Decimal("1.15")
"""What old prices are multiplied by."""
INCIDENT_MONTH = 18
"""The month, counted from 1, of the outage: churn is about three times that of its neighbours, mostly on monthly plans."""
INCIDENT_DAY = 4
"""The day of that month on which the product went down."""
INCIDENT_EXTRA_CHURN = {"month": 0.13, "year": 0.02}
"""The share of customers, by billing interval, that leaves within the rest of that month because of it."""
BAD_CHANNELS = ("Display", "Affiliates")
"""The channels with the cheapest leads, whose customers leave four times as fast and buy the smallest plan: CLV below CAC."""
RISING_CHANNEL = "AI Assistants"
"""The channel that grows from almost nothing to a tenth of the visitors."""

SIZES: Mapping[str, int] = {"small": 1, "medium": 40, "large": 40}
"""How many times the small company, with its ten thousand visitors in two years, each size is. `medium` has a million page views; of `large` only
the web log is larger still."""
VISITORS_A_DAY = 11.0
"""New visitors on an average day of the first month."""


@dataclass(frozen=True)
class Campaign:
    """One campaign: its name is both the `utm_campaign` and the ad platform's campaign."""

    name: str
    platform: str
    share: float
    """Of the channel's visitors."""
    query: str
    """The landing page's query; `%s` takes the click id."""
    referrer: str
    click: float = 0.0
    """Cost of a click, in the platform's currency."""


@dataclass(frozen=True)
class Channel:
    """What visitors of a channel are like."""

    name: str
    share: float
    """Of the first month's visitors."""
    growth: float
    """By month, multiplied."""
    lead: float
    """Share of its visitors that become leads."""
    win: float
    """Share of its leads that become customers."""
    cycle: float
    """Mean days from lead to trial or demo, where that is not at once; and of a deal."""
    churn: float
    """Chance to leave at a monthly renewal; at a yearly one it is `ANNUAL_CHURN` times that."""
    plans: tuple[float, float, float]
    """Shares of Starter, Team, Business."""
    crm: str
    """HubSpot's word for it (Original Source)."""
    returning: float = 0.13
    campaigns: tuple[Campaign, ...] = ()


GOOD = (0.48, 0.40, 0.12)


def _campaign(name: str, platform: str, share: float, source: str, medium: str, extra: str, referrer: str, click: float = 0.0) -> Campaign:
    return Campaign(name, platform, share, f"?utm_source={source}&utm_medium={medium}&utm_campaign={name}{extra}", referrer, click)


def _from(referrer: str, share: float, query: str = "") -> Campaign:
    return Campaign("", "", share, query, referrer)


# fmt: off
CHANNELS: tuple[Channel, ...] = (
    Channel("Organic Search", 0.30, 1.022, 0.048, 0.196, 18, 0.035, GOOD, "Organic Search", campaigns=(
        _from("https://www.google.com/", 0.87), _from("https://www.bing.com/", 0.08), _from("https://duckduckgo.com/", 0.05))),
    Channel("Direct", 0.17, 1.012, 0.044, 0.196, 12, 0.037, GOOD, "Direct Traffic", 0.20, campaigns=(_from("", 1.0),)),
    Channel("Paid Search", 0.13, 1.020, 0.068, 0.189, 16, 0.043, (0.48, 0.42, 0.10), "Paid Search", campaigns=(
        _campaign("search-brand", "google_ads", 0.25, "google", "cpc", "&gclid=%s", "https://www.google.com/", 1.10),
        _campaign("search-helpdesk-software", "google_ads", 0.50, "google", "cpc", "&gclid=%s", "https://www.google.com/", 6.40),
        _campaign("search-alternatives", "google_ads", 0.25, "google", "cpc", "&gclid=%s", "https://www.google.com/", 5.20))),
    Channel("Paid Social", 0.10, 1.020, 0.053, 0.138, 34, 0.038, (0.28, 0.47, 0.25), "Paid Social", campaigns=(
        _campaign("li-support-leaders", "linkedin_ads", 0.30, "linkedin", "paid_social", "&li_fat_id=%s", "https://www.linkedin.com/", 7.90),
        _campaign("li-it-managers", "linkedin_ads", 0.15, "linkedin", "paid_social", "&li_fat_id=%s", "https://www.linkedin.com/", 8.60),
        _campaign("meta-lookalike", "meta_ads", 0.35, "facebook", "paid_social", "&fbclid=%s", "https://l.facebook.com/", 1.90),
        _campaign("meta-retargeting", "meta_ads", 0.20, "instagram", "paid_social", "&fbclid=%s", "https://l.instagram.com/", 1.40))),
    Channel("Display", 0.10, 1.018, 0.060, 0.140, 8, 0.15, (0.93, 0.07, 0.0), "Other Campaigns", 0.06, campaigns=(
        _campaign("display-prospecting", "adroll", 0.70, "adroll", "display", "", "https://news.example/", 0.42),
        _campaign("display-remarketing", "adroll", 0.30, "adroll", "display", "", "https://weather.example/", 0.60))),
    Channel("Referral", 0.06, 1.020, 0.078, 0.246, 14, 0.027, (0.40, 0.44, 0.16), "Referrals", campaigns=(
        _from("https://www.capterra.com/", 0.45), _from("https://www.g2.com/", 0.35), _from("https://startup-tools.example/", 0.20))),
    Channel("Email", 0.03, 1.020, 0.071, 0.203, 20, 0.033, GOOD, "Email Marketing", campaigns=(
        _campaign("newsletter-monthly", "", 0.6, "newsletter", "email", "", ""), _campaign("partner-mailing", "", 0.4, "partners", "email", "", ""))),
    Channel("Organic Social", 0.055, 1.020, 0.036, 0.145, 20, 0.042, GOOD, "Organic Social", campaigns=(
        _from("https://www.linkedin.com/", 0.6), _from("https://t.co/", 0.15), _from("https://www.reddit.com/", 0.25))),
    Channel("AI Assistants", 0.008, 1.118, 0.068, 0.232, 12, 0.031, (0.42, 0.44, 0.14), "AI Referrals", campaigns=(
        _from("https://chatgpt.com/", 0.65, "?utm_source=chatgpt.com"), _from("https://www.perplexity.ai/", 0.15),
        _from("https://gemini.google.com/", 0.12), _from("https://claude.ai/", 0.08))),
    Channel("Affiliates", 0.047, 1.020, 0.086, 0.140, 7, 0.14, (0.90, 0.10, 0.0), "Other Campaigns", 0.06, campaigns=(
        _campaign("partner-dealhub", "", 0.6, "dealhub", "affiliate", "", "https://dealhub.example/"),
        _campaign("partner-saastips", "", 0.4, "saastips", "affiliate", "", "https://saastips.example/"))),
)
# fmt: on
BY_NAME: Mapping[str, Channel] = {channel.name: channel for channel in CHANNELS}

WEEKDAYS = (1.18, 1.24, 1.22, 1.18, 1.05, 0.54, 0.59)
"""Visitors by day of the week, Monday first."""
SEASON = (1.14, 1.05, 1.04, 1.00, 1.00, 0.98, 0.93, 0.66, 1.05, 1.08, 1.06, 0.80)
"""Visitors by month of the year: the January bump, the August and December dips."""
INTENT = (1.10, 1.03, 1.02, 1.0, 1.0, 1.0, 0.95, 0.80, 1.04, 1.05, 1.02, 0.86)
"""Readiness to become a lead by month of the year."""

AFFILIATE_PER_LEAD = Decimal("14.00")
"""Paid to a partner for each lead; and for each sale `AFFILIATE_PER_SALE`."""
AFFILIATE_PER_SALE = Decimal("40.00")


@dataclass(frozen=True)
class Plan:
    """A plan: price of a seat and month before the rise, and the seats of those who buy it."""

    name: str
    prices: Mapping[str, int]
    """Cents by currency."""
    seats: tuple[int, int]


PLANS: tuple[Plan, ...] = (
    Plan("Starter", {"EUR": 1500, "USD": 1700, "GBP": 1300}, (1, 5)),
    Plan("Team", {"EUR": 2900, "USD": 3200, "GBP": 2500}, (3, 11)),
    Plan("Business", {"EUR": 4900, "USD": 5400, "GBP": 4200}, (6, 18)),
)
ANNUAL_MONTHS = 10
"""Months' prices that a year costs."""
ANNUAL_SHARE = 0.36
"""Of new customers of good channels that pay by the year."""
ANNUAL_CHURN = 6.0
RATES: Mapping[str, float] = {"USD": 0.92, "GBP": 1.17}
"""Euro for one, at the start of the walk."""

BRANDS: tuple[tuple[str, float, float], ...] = (("Deskpilot", 70.0, 1.001), (COMPANY, 17.0, 1.013), ("Ticketree", 38.0, 0.992))
"""Searches: the brands, ours among them, their index in the first month and their growth by month."""


@dataclass(frozen=True)
class Country:
    """Where visitors come from."""

    code: str
    name: str
    share: float
    locale: str
    zone: str
    currency: str
    hours: int = 0
    """Hours its working day begins after the company's."""


COUNTRIES: tuple[Country, ...] = (
    Country("IT", "Italy", 0.30, "it-IT", "Europe/Rome", "EUR"),
    Country("DE", "Germany", 0.15, "de-DE", "Europe/Berlin", "EUR"),
    Country("GB", "United Kingdom", 0.14, "en-GB", "Europe/London", "GBP", 1),
    Country("US", "United States", 0.15, "en-US", "America/New_York", "USD", 6),
    Country("FR", "France", 0.10, "fr-FR", "Europe/Paris", "EUR"),
    Country("ES", "Spain", 0.07, "es-ES", "Europe/Madrid", "EUR"),
    Country("NL", "Netherlands", 0.05, "nl-NL", "Europe/Amsterdam", "EUR"),
    Country("AT", "Austria", 0.04, "de-AT", "Europe/Vienna", "EUR"),
)
