"""What a person waits for: all metrics by month and channel, the first answer of a new process, and `fari --help`.

    python bench/questions.py [--size small|medium] [--rounds 5] [--folder DIR]

It makes the demo company once and measures in turn, each contender in a process of its own:

- `Fari, everything`: every metric that can be split by channel, by channel and month over the whole demo, in a process that is up (median of 5).
- `MRR by hand`: one DuckDB query of MRR by month over the same subscriptions, in a process that is up (median of 5): what a single such number costs.
- `fari metrics mrr`: a new process that finds the facts built. `Python with DuckDB`: one that starts, imports duckdb and runs the query by hand.
- `fari --help`. `Python`: a process that starts and ends.

The last month's MRR must be the same by both. `--folder DIR` keeps the company for the next time.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from measuring import Contender, best, once, ratio, report, rounds, say, timed, workplace

BY_HAND = """
WITH valued AS (
    SELECT starts_on_day AS since, coalesce(ends_on_day, 1000000) AS until, status, currency,
        round((amount - CASE WHEN discount_kind IN ('repeating', 'forever') THEN coalesce(discount, 0) ELSE 0 END)
            / CASE "interval" WHEN 'year' THEN 12 WHEN 'quarter' THEN 3 ELSE 1 END / interval_count, 6)::DECIMAL(18,6) AS value,
        past_due_on_day + 31 AS unpaid
    FROM read_parquet('{subscriptions}')
), converted AS (
    SELECT v.since, v.until, v.unpaid, round(v.value * CASE WHEN v.currency = 'EUR' THEN 1 ELSE r.rate END, 6)::DECIMAL(18,6) AS value
    FROM valued v ASOF LEFT JOIN read_parquet('{rates}') r ON r.currency = v.currency AND v.since >= r.day_day
    WHERE v.status NOT IN ('trialing', 'paused')
), days AS (
    SELECT month, CAST(month + INTERVAL 1 MONTH AS DATE) - DATE '1970-01-01' - 1 AS last
    FROM (SELECT unnest(generate_series(DATE '{first}', DATE '{until}' - INTERVAL 1 MONTH, INTERVAL 1 MONTH)) AS month)
)
SELECT CAST(d.month AS DATE), sum(c.value) FROM days d JOIN converted c ON c.since <= d.last AND least(c.until, coalesce(c.unpaid, c.until)) > d.last
GROUP BY ALL ORDER BY ALL
"""
STARTED = "import sys, duckdb; duckdb.connect().execute(open(sys.argv[1]).read()).fetchall()"


def main() -> None:
    """Make the company, ask, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", choices=("small", "medium"), default="medium")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, help="where to keep the company")
    asked = options.parse_args()
    with workplace(asked.folder) as home:
        project = home / "project"
        with once(home / "made", {"size": asked.size}) as needed:
            if needed:
                say(f"making the {asked.size} demo")
                command("demo", str(project), "--no-serve", "--size", asked.size)
        query = home / "by_hand.sql"
        query.write_text(by_hand_sql(project))
        # So that the first round finds everything built and compiled, as the others do.
        everything(project)
        fari = str(Path(sys.executable).with_name("fari"))
        runs = rounds(
            [
                Contender("Fari, everything", everything, (project,)),
                Contender("MRR by hand", by_hand, (query,)),
                Contender("fari metrics mrr", started, ([fari, "-C", str(project), "metrics", "mrr"],)),
                Contender("Python with DuckDB", started, ([sys.executable, "-c", STARTED, str(query)],)),
                Contender("fari --help", started, ([fari, "--help"],)),
                Contender("Python", started, ([sys.executable, "-c", ""],)),
            ],
            asked.rounds,
        )
    answers, mrr = runs["Fari, everything"][0].found
    hand = runs["MRR by hand"][0].found
    if mrr != hand:
        raise SystemExit(f"Fari and the SQL by hand differ: {mrr} and {hand}")
    report(f"Questions to the {asked.size} demo: {answers:,} answers to everything by month and channel", runs)
    print()
    ratio(runs, "Fari, everything", "MRR by hand", "1 s or less")
    ratio(runs, "fari metrics mrr", "Python with DuckDB", "2 s or less")
    ratio(runs, "fari --help", "Python", "0.3 s or less")


def command(*arguments: str) -> None:
    """A command line of Fari's, whose output goes to standard error."""
    subprocess.run([sys.executable, "-m", "fari", *arguments], check=True, stdout=sys.stderr)


def _asker(project: Path) -> Any:
    from fari.company import load
    from fari.engine.ask import Asker
    from fari.ledger.store import Ledger

    return Asker(Ledger(project, load(project)))


def _months(asker: Any) -> Sequence[Any]:
    from fari.engine.ask import defaults
    from fari.engine.periods import add_months, cut

    covered, _ = asker.state()
    range_ = defaults(covered)
    assert range_ is not None
    return cut(add_months(range_[1], -24), range_[1], "month")


def everything(project: Path) -> tuple[float, Any]:
    """All metrics by month and channel; how many answers there are, and the last month's MRR."""
    from fari.engine.answer import Question

    asker = _asker(project)
    months = tuple(_months(asker))
    question = Question((), months, ("channel",))
    asker.ask(question)
    seconds, answers = best(lambda: asker.ask(question), 5)
    total = sum((a.value for a in answers if a.metric == "mrr" and a.period == months[-1] and a.value is not None), Decimal(0))
    return seconds, (len(answers), total)


def by_hand_sql(project: Path) -> str:
    """The query by hand, over the current rows of subscriptions and rates as Fari keeps them."""
    asker = _asker(project)
    months = _months(asker)
    asker.ask(_mrr(months))
    subscriptions, rates = (
        max((project / "facts" / name).glob("*.parquet"), key=lambda path: path.stat().st_mtime) for name in ("subscriptions", "rates")
    )
    return BY_HAND.format(subscriptions=subscriptions, rates=rates, first=months[0].since, until=months[-1].until)


def _mrr(months: Sequence[Any]) -> Any:
    from fari.engine.answer import Question

    return Question(("mrr",), tuple(months))


def by_hand(query: Path) -> tuple[float, Any]:
    """MRR by month by hand, and the last month's."""
    import duckdb

    connection = duckdb.connect()
    sql = query.read_text()
    connection.execute(sql).fetchall()
    seconds, rows = best(lambda: connection.execute(sql).fetchall(), 5)
    return seconds, rows[-1][1]


def started(arguments: list[str]) -> tuple[float, Any]:
    """A process from its start to its end."""
    return timed(lambda: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode)


if __name__ == "__main__":
    main()
