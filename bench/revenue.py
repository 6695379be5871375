"""Revenue movements of many accounts: Fari's fact against SQL written by hand, and any month's waterfall by channel, warm.

    python bench/revenue.py [--accounts 1000000] [--rounds 3] [--folder DIR]

It makes three stretches of terms an account (Parquet), imports them once, and then measures in turn, each contender in a process of its own:

- `Fari, cold`: the movements of one month asked of a ledger whose facts have been removed, so that all accounts' levels are built.
- `SQL by hand`: one DuckDB query from the same file to the same movements: monthly values, changes of each account's total, sums.
- `Fari, warm`: the month's waterfall by channel in a process that is up (median of 5).

The movements must be the same to the millionth.
"""

import argparse
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from measuring import Contender, best, once, ratio, report, rounds, say, timed, workplace

MONTH = (date(2025, 6, 1), date(2025, 7, 1))
MOVEMENTS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "reactivation_mrr")
STRETCHES = """
COPY (
    WITH accounts AS (SELECT a, hash(a) AS h FROM range({accounts}) t(a)), terms AS (
        SELECT a, h, n, DATE '2023-07-01' + ((h % 600)::INTEGER + n::INTEGER * (60 + (h % 90)::INTEGER))::INTEGER AS starts_on,
            60 + (h % 90)::INTEGER AS days, n = 2 AND h % 3 > 0 AS running, n = 1 AND h % 11 = 0 AS gap FROM accounts, range(3) r(n)
    )
    SELECT 'sub-' || a AS subscription_id, 'acc-' || a AS account_id, strftime(starts_on, '%Y-%m-%d') AS starts_on,
        CASE WHEN NOT running THEN strftime(starts_on + (days - CASE WHEN gap THEN 20 ELSE 0 END)::INTEGER, '%Y-%m-%d') END AS ends_on,
        CAST(CASE WHEN h % 5 = 0 THEN 1200 ELSE 100 END + n * (h % 7)::INTEGER * 10 - (h % 2)::INTEGER * n * 15 AS VARCHAR) AS amount, 'EUR' AS currency,
        CASE WHEN h % 5 = 0 THEN 'year' ELSE 'month' END AS "interval", 'Plan ' || (h % 4) AS plan FROM terms
) TO '{path}' (FORMAT parquet)
"""
BY_HAND = """
WITH valued AS (
    SELECT account_id, CAST(starts_on AS DATE) AS since, coalesce(CAST(ends_on AS DATE), DATE '2900-01-01') AS until,
        round(CAST(amount AS DECIMAL(18,6)) / CASE "interval" WHEN 'year' THEN 12 ELSE 1 END, 6)::DECIMAL(18,6) AS value FROM read_parquet('{path}')
), changes AS (
    SELECT account_id, day, sum(change) AS change FROM (
        SELECT account_id, since AS day, value AS change FROM valued UNION ALL SELECT account_id, until, -value FROM valued
    ) GROUP BY ALL
), levels AS (
    SELECT account_id, day, change, sum(change) OVER w AS mrr, sum(change) OVER w - change AS before,
        row_number() OVER w = 1 AS first FROM changes WINDOW w AS (PARTITION BY account_id ORDER BY day)
)
SELECT sum(mrr) FILTER (first), sum(mrr - before) FILTER (before > 0 AND mrr > before), sum(before - mrr) FILTER (mrr > 0 AND mrr < before),
    sum(before) FILTER (before > 0 AND mrr = 0), sum(mrr) FILTER (before = 0 AND NOT first)
FROM levels WHERE change <> 0 AND day >= DATE '{since}' AND day < DATE '{until}'
"""


def main() -> None:
    """Make, import, measure, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--accounts", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path)
    asked = options.parse_args()
    with workplace(asked.folder) as folder:
        path = folder / "subscriptions.parquet"
        with once(folder, {"accounts": asked.accounts}) as needed:
            if needed:
                say(f"making {3 * asked.accounts:,} stretches and importing them")
                duckdb.sql(STRETCHES.format(accounts=asked.accounts, path=path))
                _import(folder, path)
        runs = rounds(
            [Contender("Fari, cold", cold, (folder,)), Contender("SQL by hand", by_hand, (path,)), Contender("Fari, warm", warm, (folder,))],
            asked.rounds,
        )
    answers = {name: found[0].found for name, found in runs.items()}
    assert answers["Fari, cold"] == answers["SQL by hand"], answers
    report(f"Revenue movements of {asked.accounts:,} accounts, {3 * asked.accounts:,} stretches", runs)
    ratio(runs, "Fari, cold", "SQL by hand", "1.5 at most")
    print(f"Fari, warm: {runs['Fari, warm'][0].seconds:.3f} s; aim: under 0.3 s")


def _project(folder: Path) -> Any:
    from fari.company import Company
    from fari.ledger.store import Ledger

    return Ledger(folder, Company())


def _import(folder: Path, path: Path) -> None:
    from fari.ledger.acts import How
    from fari.sources.importing import import_files

    shutil.rmtree(folder / "ledger", ignore_errors=True)
    import_files(_project(folder), [path], How(date(2025, 12, 31), datetime(2025, 12, 31, tzinfo=UTC)))


def _asked(folder: Path, by: tuple[str, ...]) -> Any:
    from fari.engine.answer import Question
    from fari.engine.ask import Asker
    from fari.engine.periods import Period

    asker = Asker(_project(folder))
    question = Question(MOVEMENTS, (Period(*MONTH, "month"),), by)
    return lambda: [answer.value for answer in asker.ask(question)]


def cold(folder: Path) -> tuple[float, Any]:
    """All levels built for one month's movements."""
    shutil.rmtree(folder / "facts", ignore_errors=True)
    seconds, values = timed(_asked(folder, ()))
    return seconds, [float(value) for value in values]


def warm(folder: Path) -> tuple[float, Any]:
    """A waterfall by channel, asked again."""
    ask = _asked(folder, ("channel",))
    ask()
    return best(ask, 5)[0], None


def by_hand(path: Path) -> tuple[float, Any]:
    """The same movements by hand."""
    seconds, rows = timed(lambda: duckdb.sql(BY_HAND.format(path=path, since=MONTH[0], until=MONTH[1])).fetchall())
    return seconds, [float(value or 0) for value in rows[0]]


if __name__ == "__main__":
    main()
