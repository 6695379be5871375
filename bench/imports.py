"""Importing a million rows of events, spend and subscriptions: rows a second, against DuckDB's own reading of the same file into Parquet.

    python bench/imports.py [--rows 1000000] [--rounds 3] [--folder DIR]

It makes the three files (JSON Lines, CSV, Parquet) and measures in turn, each contender in a process of its own:

- `Fari, events` and so on: the file imported into an empty project. Every cell is checked, every bad row would be named by its line, and each row keeps
  its origin, key and digest.
- `DuckDB, events` and so on: `read_json`, `read_csv` or `read_parquet` of the file, as DuckDB itself finds its types, copied into a Parquet file. It is
  the least that any reader has to do.

All rows must arrive in both.
"""

import argparse
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from measuring import Contender, once, ratio, report, rounds, say, timed, workplace

AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
EVENTS = """
SELECT '{{"type":"page","messageId":"m-' || i || '","anonymousId":"v-' || i % 300000 || '","userId":null,"name":"Home","timestamp":"' || stamp || '","context":{{"page":'
    || page || ',"locale":"en-GB","userAgent":"{agent}","location":{{"country":"GB"}}}},"properties":' || page || '}}' AS line
FROM (
    SELECT i, strftime(TIMESTAMP '2024-01-01' + to_seconds(i * 60), '%Y-%m-%dT%H:%M:%S.123Z') AS stamp, '{{"path":"' || path || '","referrer":"'
        || CASE WHEN i % 3 = 0 THEN 'https://www.google.com/' ELSE '' END || '","search":"' || search || '","title":"Title of ' || path
        || '","url":"https://acme.example' || path || search || '"}}' AS page
    FROM (
        SELECT i, '/blog/' || i % 500 AS path, CASE WHEN i % 5 = 0 THEN '?utm_source=google&utm_medium=cpc&utm_campaign=c' || i % 40 ELSE '' END AS search
        FROM range({rows}) t(i)
    )
)"""
SPEND = """
SELECT strftime(DATE '2023-01-01' + (i % 900)::INTEGER, '%Y-%m-%d') AS day, CASE i % 3 WHEN 0 THEN 'Paid Search' WHEN 1 THEN 'Paid Social' ELSE 'Display' END AS channel,
    'campaign-' || i % 5000 AS campaign, 'ads' AS kind, printf('%d.%02d', i % 977, i % 100) AS amount, CASE i % 4 WHEN 0 THEN 'USD' ELSE 'EUR' END AS currency,
    'platform-' || i % 7 AS platform, 'account-' || i % 200 AS account FROM range({rows}) t(i)"""
SUBSCRIPTIONS = """
SELECT 'sub-' || i // 3 AS subscription_id, 'acc-' || i // 3 AS account_id, DATE '2023-01-01' + (i // 3 % 500 + i % 3 * 90)::INTEGER AS starts_on,
    CASE WHEN i % 3 < 2 THEN DATE '2023-01-01' + (i // 3 % 500 + i % 3 * 90 + 90)::INTEGER END AS ends_on, CAST(29 + i % 70 AS DECIMAL(18, 2)) AS amount,
    'EUR' AS currency, CASE i // 3 % 4 WHEN 0 THEN 'year' ELSE 'month' END AS "interval", 'Plan ' || i % 4 AS plan, i % 20 + 1 AS quantity FROM range({rows}) t(i)"""


class Kind(NamedTuple):
    """A file to import: its name, the query that makes it, how DuckDB writes it, and how DuckDB reads it."""

    file: str
    query: str
    written: str
    read: str


KINDS = {
    "events": Kind("events.jsonl", EVENTS, "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'", "read_json('{path}')"),
    "spend": Kind("spend.csv", SPEND, "FORMAT csv", "read_csv('{path}')"),
    "subscriptions": Kind("subscriptions.parquet", SUBSCRIPTIONS, "FORMAT parquet", "read_parquet('{path}')"),
}


def main() -> None:
    """Make the files, import them, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to keep the files")
    asked = options.parse_args()
    with workplace(asked.folder) as home:
        files = home / "files"
        with once(files, {"rows": asked.rows}) as needed:
            if needed:
                for kind in KINDS.values():
                    say(f"making {kind.file}")
                    duckdb.sql(f"COPY ({kind.query.format(rows=asked.rows, agent=AGENT)}) TO '{files / kind.file}' ({kind.written})")
        contenders = []
        for name, kind in KINDS.items():
            path = files / kind.file
            contenders.append(Contender(f"Fari, {name}", bring, (home / "project", path)))
            contenders.append(Contender(f"DuckDB, {name}", copied, (home / "copied.parquet", kind.read.format(path=path))))
        runs = rounds(contenders, asked.rounds)
    for name, found in runs.items():
        assert {run.found for run in found} == {asked.rows}, (name, found)
    report(f"Importing {asked.rows:,} rows", runs)
    for name in KINDS:
        took = sorted(run.seconds for run in runs[f"Fari, {name}"])[asked.rounds // 2]
        print(f"\n{name}: {asked.rows / took:,.0f} rows a second")
        ratio(runs, f"Fari, {name}", f"DuckDB, {name}", "10 or less")


def bring(project: Path, path: Path) -> tuple[float, Any]:
    """The file imported into an empty project; how many rows were new."""
    from fari.company import Company
    from fari.ledger.acts import How
    from fari.ledger.store import Ledger
    from fari.sources.importing import import_files

    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    ledger = Ledger(project, Company())
    seconds, (told,) = timed(lambda: import_files(ledger, [path], How(date(2100, 1, 1), datetime.now(UTC))))
    return seconds, told.count("new")


def copied(target: Path, source: str) -> tuple[float, Any]:
    """The file read by DuckDB and written as Parquet; how many rows."""
    duckdb.sql("SET enable_progress_bar = false")
    return timed(lambda: duckdb.execute(f"COPY (FROM {source}) TO '{target}' (FORMAT parquet)").fetchall()[0][0])


if __name__ == "__main__":
    main()
