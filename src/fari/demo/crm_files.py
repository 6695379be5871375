"""What sales and care export: HubSpot's contacts and deals, rejected leads, an NPS survey, reasons for leaving, the company's own people."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from random import Random

from fari.demo.csv_file import write_rows
from fari.demo.days import DAY, Months, local
from fari.demo.journeys import World
from fari.demo.market import BAD_CHANNELS, HOST, INCIDENT_MONTH
from fari.demo.people import Deal, Person, Subscription

_PROBABILITY = {
    "Appointment Scheduled": "0.2", "Qualified To Buy": "0.4", "Presentation Scheduled": "0.6", "Decision Maker Bought-In": "0.8",
    "Contract Sent": "0.9", "Closed Won": "1.0", "Closed Lost": "0.0",
}  # fmt: skip
_CONTACTS = (
    "Record ID", "First Name", "Last Name", "Email", "Country/Region", "Persona", "Lifecycle Stage", "Lead Status", "Create Date", "Original Source",
    "Original Source Drill-Down 1", "Original Source Drill-Down 2", "Became a Lead Date", "Became a Marketing Qualified Lead Date",
    "Became a Sales Qualified Lead Date", "Became an Opportunity Date", "Became a Customer Date", "Associated Company IDs", "Associated Company",
)  # fmt: skip
_DEALS = (
    "Record ID", "Deal Name", "Deal Stage", "Pipeline", "Amount", "Currency", "Create Date", "Close Date", "Deal probability", "Is Closed Won",
    "Is closed lost", "Closed Lost Reason", "Date of first meeting", "Associated Company IDs", "Associated Contact IDs",
)  # fmt: skip
_PRAISE = ("Quick to set up", "The shared inbox saved our week", "Support answers within minutes", "Does what it says", "")
_BLAME = ("Reports are too thin", "Too slow on Mondays", "We miss a phone channel", "Too expensive for a small team", "")
_OUTAGE = ("You were down for a day", "The outage cost us tickets", "Where was the status page?")
_CARE_HEARD = {
    "too_expensive": "Budget was cut", "missing_features": "Needs a phone channel", "switched_service": "Went to a competitor",
    "unused": "Never rolled out", "too_complex": "Only needed an inbox", "customer_service": "Waited too long for an answer",
    "other": "Closed the business", "outage": "Lost trust after the outage",
}  # fmt: skip


def in_crm(person: Person, at: int) -> int:
    """When the CRM's sync brings something that happened on the site: some minutes later."""
    return at + 90 + person.number % 120 if at else 0


def write_contacts(path: Path, world: World, since: int, until: int) -> bool:
    """The contacts that changed in [since, until), as they are at `until`."""
    rows = []
    for person in world.census.people:
        dates = (person.created, person.mql, person.sql, person.opportunity, person.customer)
        moments = [in_crm(person, at) for at in (*dates, person.joined, person.rejected)]
        if any(since <= at < until for at in moments if at):
            rows.append(_contact(person, [at if at < until else 0 for at in moments]))
    return write_rows(path, _CONTACTS, rows)


def _contact(person: Person, moments: Sequence[int]) -> tuple[str, ...]:
    *dates, joined, rejected = moments
    stage = ("Lead", "Marketing Qualified Lead", "Sales Qualified Lead", "Opportunity", "Customer")[max(n for n, at in enumerate(dates) if at)]
    status = "Unqualified" if rejected else "Open Deal" if dates[3] and not dates[4] else "Connected" if dates[2] else "New"
    first, second = person.campaign, ""
    if person.channel.name == "Paid Social":
        first, second = ("LinkedIn" if person.campaign.startswith("li-") else "Facebook"), person.campaign
    account = person.account
    return (
        person.contact_id, person.first, person.last, person.email, account.country.code, person.persona, stage, status, _minute(dates[0]),
        person.channel.crm, first, second, *map(_minute, dates), account.company_id if joined else "", account.name if joined else "",
    )  # fmt: skip


def write_deals(path: Path, deals: Sequence[Deal], since: int, until: int) -> bool:
    """The deals that changed in [since, until), as they are at `until`."""
    rows = []
    for deal in deals:
        if not any(since <= at < until for at in (*(at for at, _ in deal.stages), deal.meeting)):
            continue
        stage = next(name for at, name in reversed(deal.stages) if at < until)
        closed = deal.stages[-1][0]
        done = stage.startswith("Closed")
        met = deal.meeting if deal.meeting and deal.meeting < until else 0
        lost = stage == "Closed Lost"
        rows.append((
            str(37_400_000 + deal.number), f"{deal.account.name} - new business", stage, "Sales Pipeline", str(deal.amount or ""),
            deal.account.country.currency, _minute(deal.stages[0][0]), _minute(closed if done else deal.expected), _PROBABILITY[stage],
            str(stage == "Closed Won").lower(), str(lost).lower(), deal.lost_reason if lost else "", _minute(met), deal.account.company_id,
            deal.person.contact_id,
        ))  # fmt: skip
    return write_rows(path, _DEALS, rows)


def write_rejected(path: Path, people: Sequence[Person], since: int, until: int) -> bool:
    """Leads that sales sent back, from its own sheet (a contract file)."""
    rows = [
        (person.user_id, "rejected", _minute(person.rejected), person.reason, "sales")
        for person in people
        if person.tracked and since <= person.rejected < until
    ]
    return write_rows(path, ("person_id", "stage", "at", "reason", "actor"), rows)


def write_reasons(path: Path, subscriptions: Sequence[Subscription], since: int, until: int, seed: int) -> bool:
    """What care heard from half of those who left, some days later (a contract file, by Stripe's customer id)."""
    rows: list[tuple[str, ...]] = []
    for one in subscriptions:
        if one.ending not in ("left", "outage") or not since <= one.end + 16 * DAY < until + 16 * DAY:
            continue
        rng = Random(f"reason {seed} {one.number}")
        at = one.end + rng.randrange(1, 16) * DAY
        if since <= at < until and rng.random() < 0.5:
            reason = "outage" if one.ending == "outage" else one.feedback or rng.choice(list(_CARE_HEARD)[:-1])
            rows.append((f"stripe:{one.account.customer_id}", _minute(at), "churn_reason", reason, _CARE_HEARD[reason], "care"))
    return write_rows(path, ("account_id", "at", "kind", "value", "text", "said_by"), sorted(rows, key=itemgetter(1)))


def write_nps(path: Path, world: World, month: int, seed: int) -> bool:
    """A monthly survey's answers, as survey tools export them."""
    rng, edge = Random(f"nps {seed} {month}"), world.months.edges[month]
    incident = world.months.number(INCIDENT_MONTH)
    hurt = incident is not None and 0 <= month - incident <= 1
    rows: list[tuple[str, ...]] = []
    for account in world.census.accounts:
        paying = any(max(one.start, one.trial_end) < edge and (not one.end or one.end >= edge) for one in account.subscriptions)
        if not paying or rng.random() > 0.08:
            continue
        person = account.people[0]
        score = min(10, max(0, round(rng.gauss(6.0 if account.channel.name in BAD_CHANNELS else 8.6, 1.6) - (2.4 if hurt else 0))))
        comment = rng.choice(_PRAISE if score > 8 else _OUTAGE if hurt else _BLAME)
        at = world.months.starts[world.months.month_of.index(month)] + rng.randrange(4, 26) * DAY + rng.randrange(8, 19) * 3600
        if at > account.paid_since:
            rows.append((person.email, f"{person.first} {person.last}", str(score), comment, _minute(at)))
    return write_rows(path, ("Email", "Name", "Score", "Comment", "Response date"), sorted(rows, key=itemgetter(4)))


def write_staff(path: Path, world: World, months: Months) -> bool:
    """The company's own people, to be left out of every count (a contract file)."""
    rows = [(user, f"{user}@{HOST}", user.replace("_", " ").title(), "true", months.first.isoformat()) for user in world.staff]
    return write_rows(path, ("person_id", "email", "name", "internal", "created_at"), rows)


def _minute(at: int) -> str:
    """An instant in the company's own time, to the minute, as these tools write it."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""
