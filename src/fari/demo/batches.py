"""The demo company's files, month by month, as its tools would have exported them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fari.demo.billing_files import write_customers, write_rates, write_subscriptions
from fari.demo.bulk_log import write_bulk_log
from fari.demo.crm_files import write_contacts, write_deals, write_nps, write_reasons, write_rejected, write_staff
from fari.demo.days import Months
from fari.demo.journeys import World
from fari.demo.market import SIZES
from fari.demo.spend_files import write_google, write_linkedin, write_meta, write_spend, write_trends
from fari.demo.web_log import write_web_log
from fari.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Batch:
    """One month's exports: the day they were taken, and each file with what `fari import` needs beside its path."""

    recorded: date
    files: tuple[tuple[Path, tuple[str, ...]], ...]


def write(folder: Path, months: int, seed: int, size: str, until: date) -> list[Batch]:
    """Live through `months` whole months, the last of them over by `until`, and write each month's files into a folder of its own."""
    if size not in SIZES:
        raise UsageError(f"unknown size {size!r}{did_you_mean(size, SIZES)} (one of: {', '.join(SIZES)})")
    if months < 1:
        raise UsageError(f"the demo needs at least one month, not {months}")
    calendar = Months(months, until)
    world = World(calendar, seed, SIZES[size])
    return [_batch(folder, world, month, seed, size) for month in range(months)]


def _batch(folder: Path, world: World, month: int, seed: int, size: str) -> Batch:
    calendar, census, life = world.months, world.census, world.life
    name = f"{calendar.firsts[month]:%Y-%m}"
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    # The first exports hold all that was there before.
    since, edge = calendar.edges[month - 1] if month else 1, calendar.edges[month]

    def events(path: Path) -> bool:
        write_web_log(path, world, month, seed)
        return True

    tasks: tuple[tuple[str, Callable[[Path], bool]], ...] = (
        ("staff{}.csv", lambda path: month == 0 and write_staff(path, world, calendar)),
        ("rates{}.csv", lambda path: write_rates(path, calendar, month, seed)),
        ("segment_events{}.jsonl.gz", events),
        ("hubspot_contacts{}.csv", lambda path: write_contacts(path, world, since, edge)),
        ("hubspot_deals{}.csv", lambda path: write_deals(path, world.deals, since, edge)),
        ("rejected_leads{}.csv", lambda path: write_rejected(path, census.people, since, edge)),
        ("stripe_customers{}.json", lambda path: write_customers(path, census.accounts, since, edge)),
        ("stripe_subscriptions{}.json", lambda path: write_subscriptions(path, life.subscriptions, since, edge)),
        ("churn_reasons{}.csv", lambda path: write_reasons(path, life.subscriptions, since, edge, seed)),
        ("nps{}.csv", lambda path: write_nps(path, world, month, seed)),
        ("google_ads{}.csv", lambda path: write_google(path, world, month, seed)),
        ("linkedin_ads{}.csv", lambda path: write_linkedin(path, world, month, seed)),
        ("meta_ads{}.csv", lambda path: write_meta(path, world, month, seed)),
        ("spend{}.csv", lambda path: write_spend(path, world, month, seed)),
        ("google_trends{}.csv", lambda path: write_trends(path, world, month, seed)),
    )
    written = [path for pattern, write_file in tasks if write_file(path := home / pattern.format(f"_{name}"))]
    if size == "large":
        written += write_bulk_log(home, calendar, month, seed)
    following = calendar.firsts[month + 1] if month + 1 < len(calendar.firsts) else calendar.until
    return Batch(following, tuple((path, ()) for path in written))
