"""False alerts: quiet companies looked at every month of a year, and how many alerts they raise; and how often an exodus is found.

    python bench/alerts.py [--companies 100] [--customers 300] [--lost 0.15]

Each company is simulated for three years: customers come in random numbers (Poisson about a level that grows by 2 % a month and has a season), pay skewed
amounts, leave with a chance of 4 % a month; spend varies. It is imported, and `fari.insight.unusual` looks at each month of the last year, as `fari check
--alerts` would. Then a share of the customers leaves at once in the last month, and it looks again.
"""

import argparse
import tempfile
from datetime import UTC, date, datetime
from math import sin
from pathlib import Path
from random import Random

from fari.company import Company
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, add_months
from fari.insight.unusual import unusual
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

START, MONTHS = date(2023, 1, 1), 36
LAST = date.fromordinal(add_months(START, MONTHS).toordinal() - 1)


def write(folder: Path, seed: int, customers: int, lost: float) -> list[Path]:
    """A company's files; `lost` is the share of its customers that leaves three days before the end."""
    random = Random(seed)
    rows, running, number = ["subscription_id,account_id,starts_on,ends_on,amount,currency,interval"], [], 0
    spend = ["day,amount,currency,kind"]
    for month in range(MONTHS):
        first = add_months(START, month)
        staying = []
        for one in running:
            if random.random() < 0.04:
                rows.append(f"{one[0]},{one[0]},{one[1]},{date.fromordinal(first.toordinal() + random.randrange(28))},{one[2]},EUR,month")
            else:
                staying.append(one)
        running = staying
        mean, coming, waited = customers / 20 * 1.02**month * (1 + 0.15 * sin(month / 12 * 6.283)), 0, random.expovariate(1.0)
        while waited < mean:
            coming, waited = coming + 1, waited + random.expovariate(1.0)
        for _ in range(coming):
            number += 1
            running.append((f"a{number}", date.fromordinal(first.toordinal() + random.randrange(28)), round(random.lognormvariate(4, 0.6))))
        spend.append(f"{first},{customers * 10 * random.gauss(1, 0.08):.2f},EUR,ads")
    gone = {one[0] for one in running if random.random() < lost}
    rows += [f"{n},{n},{since},{date.fromordinal(LAST.toordinal() - 3) if n in gone else ''},{amount},EUR,month" for n, since, amount in running]
    spend.append(f"{LAST},0,EUR,ads")
    paths = [folder / "subscriptions.csv", folder / "spend.csv"]
    for path, lines in zip(paths, (rows, spend), strict=True):
        path.write_text("\n".join(lines), encoding="utf-8")
    return paths


def looked(seed: int, customers: int, lost: float, months: int) -> tuple[list[str], bool]:
    """(what alerted in each of the last months, whether anything bad did in the last)."""
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        ledger = Ledger(folder / "project", Company(name="Quiet", currency="EUR", timezone="UTC"))
        import_files(ledger, write(folder, seed, customers, lost), How(LAST, datetime.combine(LAST, datetime.min.time(), UTC)))
        asker, told, bad = Asker(ledger), [], False
        for back in range(months):
            first = add_months(START, MONTHS - 1 - back)
            look = unusual(asker, Question((), ()), Period(first, add_months(first, 1), "month"))
            told += [f"{first:%Y-%m} {event.figures[0].metric}" for event in look.events]
            bad = bad or (not back and any(event.bad for event in look.events))
        return told, bad


def main() -> None:
    """Simulate, look, count, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--companies", type=int, default=100)
    options.add_argument("--customers", type=int, default=300)
    options.add_argument("--lost", type=float, default=0.15)
    asked = options.parse_args()
    false, found = [], 0
    for seed in range(asked.companies):
        told, _ = looked(seed, asked.customers, 0.0, 12)
        false.append(len(told))
        found += looked(seed, asked.customers, asked.lost, 1)[1]
        if told:
            print(f"company {seed}: {', '.join(told)}", flush=True)
    print(
        f"{asked.companies} quiet companies of about {asked.customers} customers, a year each: {sum(false)} false alerts; at most {max(false)} in a year"
    )
    print(f"when {asked.lost:.0%} of the customers left at once, {found} of {asked.companies} raised an alert")


if __name__ == "__main__":
    main()
