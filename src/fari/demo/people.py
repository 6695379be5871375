"""Who lives in the demo: people, the accounts they belong to, deals, subscriptions. Plain records; their lives are told elsewhere."""

from dataclasses import dataclass, field
from random import Random

from fari.demo.market import Channel, Country

_FIRST = (
    "Giulia Marco Sara Luca Elena Paolo Chiara Andrea Anna Lukas Sophie Jonas Lea Felix Marie Paul Emma Louis Camille Hugo Laura Pablo Lucia Diego "
    "Sanne Daan Eva Bram Olivia James Amelia Harry Grace Noah Ava Liam Mia Ethan Zoe Ryan Nina Max Clara Simon Ida Karl Vera Leo"
).split()
_LAST = (
    "Rossi Bianchi Ferrari Conti Greco Marino Schmidt Weber Fischer Wagner Becker Hofmann Dubois Moreau Laurent Girard Garcia Ruiz Navarro Castro "
    "Visser Bakker Smit Mulder Clarke Turner Walker Hughes Parker Reed Brooks Carter Hayes Foster Gruber Huber Steiner Moser Lenz Sommer Vidal Roy"
).split()
_HEADS = (
    "Alba Arno Bora Brio Cala Cedro Delta Doria Elba Faro Gamma Gaia Iris Kite Lago Luna Mira Nora Nova Onda Orion Pino Poly Quadra Riva Rubi Sole "
    "Terra Tilia Urban Vega Vela Vento Verde Vista Zeno Alto Blau Canto Dino"
).split()
_TAILS = "Logistics Retail Software Travel Energy Foods Health Media Systems Studio Mobility Finance Sports Labs Supply Homes".split()

PERSONAS = ("Support Lead", "IT Manager", "Founder", "Operations Manager")


@dataclass(slots=True)
class Account:
    """A company that tries or buys the product."""

    number: int
    name: str
    domain: str
    country: Country
    channel: Channel
    """The channel of the lead that brought it."""
    people: list["Person"] = field(default_factory=list)
    subscriptions: list["Subscription"] = field(default_factory=list)
    since: int = 0
    """When it became known to billing; 0 = never."""
    paid_since: int = 0

    @property
    def group_id(self) -> str:
        """Its id in the product's own events."""
        return f"acct_{self.number}"

    @property
    def customer_id(self) -> str:
        """Its id at Stripe."""
        return f"cus_LD{self.number:08d}"

    @property
    def company_id(self) -> str:
        """Its company's Record ID at HubSpot."""
        return str(8_100_000_000 + self.number * 7)


@dataclass(slots=True)
class Person:
    """Someone who gave an e-mail address. Instants are UTC seconds; 0 = never."""

    number: int
    first: str
    last: str
    account: Account
    channel: Channel
    campaign: str
    persona: str
    created: int
    mql: int = 0
    sql: int = 0
    opportunity: int = 0
    customer: int = 0
    joined: int = 0
    """When the CRM learned which company the person belongs to."""
    rejected: int = 0
    reason: str = ""
    tracked: bool = True
    """Whether the web log knows this person; not everyone consents."""

    @property
    def user_id(self) -> str:
        """The id in the product's own events."""
        return f"u_{self.number}"

    @property
    def contact_id(self) -> str:
        """The Record ID at HubSpot."""
        return str(151_000_000 + self.number * 3)

    @property
    def email(self) -> str:
        """The address, at the account's domain."""
        return f"{self.first}.{self.last}{self.number % 97}@{self.account.domain}".lower()


@dataclass(slots=True)
class Deal:
    """A sale led by a seller: its stages in time."""

    number: int
    account: Account
    person: Person
    amount: int
    """Major units for a year, in the account's currency; 0 = not known yet."""
    stages: list[tuple[int, str]]
    meeting: int
    expected: int
    """The close date the seller hopes for."""
    lost_reason: str = ""


@dataclass(slots=True)
class Discount:
    """A coupon on a subscription."""

    percent: int
    duration: str
    months: int
    start: int
    end: int


@dataclass(slots=True)
class Subscription:
    """One subscription as billing knows it: terms that never change. A change of terms ends it and begins the next."""

    number: int
    account: Account
    plan: str
    seats: int
    interval: str
    cents: int
    """Price of a seat per interval."""
    start: int
    end: int = 0
    trial_end: int = 0
    clicked: int = 0
    """When its end was asked for; 0 where nobody did."""
    at_period_end: bool = False
    unpaid: int = 0
    """When a payment failed and was not made good."""
    ending: str = ""
    """Why it ended: swap, left, unpaid, outage, trial."""
    feedback: str = ""
    """The reason ticked while cancelling, in Stripe's words."""
    discount: Discount | None = None
    raised: bool = False
    """Whether the price is that after the rise."""

    @property
    def moments(self) -> tuple[int, ...]:
        """When its record changes; what lies beyond an export is not known there."""
        return tuple(at for at in (self.start, self.trial_end, self.clicked, self.unpaid, self.end) if at)

    def monthly(self) -> float:
        """List price of a month, in its currency."""
        return self.cents * self.seats / 100 / (12 if self.interval == "year" else 1)


class Census:
    """Makes people and accounts, each with a name of its own."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.accounts: list[Account] = []
        self.people: list[Person] = []
        self._names: dict[str, int] = {}

    def account(self, channel: Channel, country: Country) -> Account:
        """A new company."""
        rng = self.rng
        base = f"{rng.choice(_HEADS)}{rng.choice(_HEADS).lower() if rng.random() < 0.5 else ''} {rng.choice(_TAILS)}"
        seen = self._names[base] = self._names.get(base, 0) + 1
        name = base if seen == 1 else f"{base} {seen}"
        made = Account(len(self.accounts) + 1, name, name.lower().replace(" ", "-") + ".example", country, channel)
        self.accounts.append(made)
        return made

    def person(self, account: Account, channel: Channel, campaign: str, created: int) -> Person:
        """A new person of that company."""
        rng = self.rng
        number = len(self.people) + 1001
        made = Person(number, rng.choice(_FIRST), rng.choice(_LAST), account, channel, campaign, rng.choice(PERSONAS), created)
        account.people.append(made)
        self.people.append(made)
        return made
