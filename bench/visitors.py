"""Visitors by month and channel over a large web log: Fari against SQL written by hand, and against ClickHouse.

    python bench/visitors.py [--views 100000000] [--months 24] [--rounds 3] [--folder DIR]

It makes the log (weblog.py), imports it into a ledger once, and then measures in turn, each contender in a process of its own:

- `Fari, cold`: the first question to a ledger whose facts have been removed. They are all built and kept: visits with their channels,
  and each visitor's day, week and month with the visit that decides it.
- `Fari, warm`: the same question in a process that is up (median of 5).
- `SQL by hand`: one DuckDB query doing the same from the Parquet files: bots left out, page views cut into visits, the channel of each
  visitor's first visit in the month that is not Direct, exact counts. It keeps nothing: the next question costs as much again.
- `by hand, kept`: two DuckDB queries that also keep what Fari keeps, as Parquet: each visit with its times, page views, channel, campaign,
  country and device, and each visitor's month with what decides it; the counts are then taken from there.
- `ClickHouse, files`: `uniqExact(visitor)` by month and channel over the same Parquet files, by chdb, where the channel is put on every
  page view beforehand; and `ClickHouse, table`: the same over a MergeTree table of those three columns (median of 3).

Fari's answers must equal those of the SQL by hand, to the last visitor. ClickHouse answers a simpler question: it counts a visitor once for
every channel, bots too. `--folder DIR` keeps log and ledger for the next time: at 100 million views about 25 GB.
ClickHouse is left out where chdb is not installed: pip install chdb
"""

import argparse
import shutil
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import Contender, best, once, ratio, report, rounds, say, timed, workplace
from weblog import FIRST, describe, months_of, write_log

CHANNEL = """CASE WHEN context_campaign_medium = 'cpc' THEN 'Paid Search'
            WHEN context_campaign_medium = 'paid_social' THEN 'Paid Social'
            WHEN context_campaign_medium = 'display' THEN 'Display'
            WHEN context_campaign_medium = 'affiliate' THEN 'Affiliates'
            WHEN context_campaign_medium = 'email' THEN 'Email'
            WHEN context_campaign_source = 'chatgpt.com' THEN 'AI Assistants'
            WHEN context_page_referrer IN ('https://www.google.com/', 'https://www.bing.com/') THEN 'Organic Search'
            WHEN context_page_referrer = 'https://www.reddit.com/' THEN 'Organic Social'
            WHEN context_page_referrer = 'https://startup-tools.example/' THEN 'Referral'
            ELSE 'Direct' END AS channel"""
VIEWS = """FROM read_parquet([{files}]) WHERE "type" = 'page' AND NOT contains("context_userAgent", 'bot')"""
BY_HAND = f"""
WITH viewed AS (
    SELECT "anonymousId" AS visitor, "timestamp" AS moment, {CHANNEL} {VIEWS}
), begun AS (
    SELECT visitor, moment, channel, date_trunc('month', moment) AS month, lag(moment) OVER w AS before FROM viewed WINDOW w AS (PARTITION BY visitor ORDER BY moment)
), kept AS (
    -- The first view of each visit, and a visit's first view in a month that it goes on in.
    SELECT visitor, moment, month, channel, coalesce(moment - before > INTERVAL 30 MINUTE, true) AS begins FROM begun
    WHERE before IS NULL OR moment - before > INTERVAL 30 MINUTE OR month <> date_trunc('month', before)
), placed AS (
    SELECT visitor, moment, month, CASE WHEN begins THEN channel ELSE lag(channel) OVER (PARTITION BY visitor ORDER BY moment) END AS channel FROM kept
), decided AS (
    SELECT month, visitor, coalesce(arg_min(channel, moment) FILTER (channel <> 'Direct'), 'Direct') AS channel FROM placed GROUP BY ALL
)
SELECT CAST(month AS DATE), channel, count(*) FROM decided WHERE month < DATE '{{until}}' GROUP BY ALL
"""
KEEP_VISITS = f"""
COPY (
    WITH viewed AS (
        SELECT "anonymousId" AS visitor, "timestamp" AS moment, {CHANNEL}, coalesce(context_campaign_name, '(not set)') AS campaign,
            context_location_country AS country, CASE WHEN contains("context_userAgent", 'Mobile') THEN 'mobile' ELSE 'desktop' END AS device {VIEWS}
    ), seen AS (
        SELECT *, lag(moment) OVER w AS before, row_number() OVER w AS nth, max(moment) OVER v AS ending, count(*) OVER v AS views
        FROM viewed WINDOW w AS (PARTITION BY visitor ORDER BY moment), v AS (PARTITION BY visitor)
    )
    -- A visit ends with the view before the one that begins the next.
    SELECT visitor, moment AS started_at, coalesce(lead(before) OVER w, ending) AS last_at, coalesce(lead(nth) OVER w, views + 1) - nth AS views,
        channel, campaign, country, device
    FROM seen WHERE before IS NULL OR moment - before > INTERVAL 30 MINUTE WINDOW w AS (PARTITION BY visitor ORDER BY moment)
) TO '{{kept}}/visits.parquet' (FORMAT parquet)
"""
KEEP_MONTHS = """
COPY (
    WITH dated AS (
        SELECT *, date_trunc('month', started_at) AS month FROM read_parquet('{kept}/visits.parquet')
        UNION ALL
        SELECT *, date_trunc('month', last_at) AS month FROM read_parquet('{kept}/visits.parquet') WHERE date_trunc('month', last_at) > date_trunc('month', started_at)
    )
    SELECT visitor, month, min(started_at) AS first_at, coalesce(min(started_at) FILTER (channel <> 'Direct'), min(started_at)) AS started_at,
        coalesce(arg_min(channel, started_at) FILTER (channel <> 'Direct'), 'Direct') AS channel,
        arg_min(campaign, started_at) AS campaign, arg_min(country, started_at) AS country, arg_min(device, started_at) AS device
    FROM dated GROUP BY visitor, month
) TO '{kept}/months.parquet' (FORMAT parquet)
"""
COUNT_KEPT = "SELECT CAST(month AS DATE), channel, count(*) FROM read_parquet('{kept}/months.parquet') WHERE month < DATE '{until}' GROUP BY ALL"
CLICKHOUSE = "SELECT toDate(toStartOfMonth(timestamp)) AS month, channel, uniqExact({visitor}) FROM {source} GROUP BY month, channel"
COMPANY = """[company]
name = "Acme"
currency = "EUR"
timezone = "UTC"
hosts = ["acme.example"]
"""

Counts = dict[tuple[date, str], int]


def load_ledger(project: Path, files: list[Path]) -> tuple[float, Any]:
    """Import the log, a month at a time, as a company would."""
    from fari.company import load
    from fari.ledger.acts import How
    from fari.ledger.store import Ledger
    from fari.sources.importing import import_files

    project.mkdir(parents=True, exist_ok=True)
    (project / "fari.toml").write_text(COMPANY)
    ledger = Ledger(project, load(project))

    def bring() -> int:
        rows = 0
        for path in files:
            (told,) = import_files(ledger, [path], How(date(2100, 1, 1), datetime.now(UTC)))
            rows += told.read - told.rejected
            say(f"imported {path.name}")
        return rows

    return timed(bring)


def ask(project: Path, months: int, times: int, *, cold: bool) -> tuple[float, Counts]:
    """Fari's visitors by month and channel: the first answer, or the median of those after it."""
    from fari.company import load
    from fari.engine.answer import Question
    from fari.engine.ask import Asker
    from fari.engine.periods import cut
    from fari.ledger.store import Ledger

    if cold:
        shutil.rmtree(project / "facts", ignore_errors=True)
    asker = Asker(Ledger(project, load(project)))
    question = Question(("visitors",), tuple(cut(FIRST, months_of(months)[-1], "month")), ("channel",))
    seconds, answers = timed(lambda: asker.ask(question))
    if times:
        seconds, answers = best(lambda: asker.ask(question), times)
    return seconds, {(a.period.since, a.segment["channel"]): int(a.value) for a in answers if a.value}


def by_hand(files: list[Path], months: int, scratch: Path) -> tuple[float, Counts]:
    """The same by one query over the files."""
    return queried([BY_HAND], files, months, scratch)


def by_hand_kept(files: list[Path], months: int, scratch: Path) -> tuple[float, Counts]:
    """The same by queries that keep visits and visitors' months."""
    return queried([KEEP_VISITS, KEEP_MONTHS, COUNT_KEPT], files, months, scratch)


def queried(queries: list[str], files: list[Path], months: int, scratch: Path) -> tuple[float, Counts]:
    """The seconds that queries take one after the other, and the rows of the last."""
    import duckdb

    kept = scratch / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    listed = ", ".join(f"'{path}'" for path in files)
    with duckdb.connect(config={"temp_directory": str(scratch)}) as connection:
        connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = false")
        told = [query.format(files=listed, until=months_of(months)[-1], kept=kept) for query in queries]
        seconds, rows = timed(lambda: [connection.execute(query).fetchall() for query in told][-1])
    shutil.rmtree(kept)
    return seconds, {(month, channel): count for month, channel, count in rows}


def clickhouse(home: Path, times: int, *, table: bool) -> tuple[float, int]:
    """`uniqExact` over the files, or over a table of the three columns; how many rows it gave."""
    from chdb import session  # type: ignore[import-not-found, unused-ignore]

    kept = home / "clickhouse"
    opened = session.Session(str(kept)) if table else session.Session()
    visitor, source = '"anonymousId"', f"file('{home / 'log'}/*.parquet', Parquet)"
    if table:
        with once(home / "clickhouse_filled", {}) as needed:
            if needed:
                say("filling ClickHouse's table")
                opened.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
                opened.query("DROP TABLE IF EXISTS bench.views")
                opened.query(
                    "CREATE TABLE bench.views (timestamp DateTime64(6), visitor String, channel LowCardinality(String)) ENGINE = MergeTree ORDER BY timestamp"
                )
                opened.query(f"INSERT INTO bench.views SELECT timestamp, {visitor}, channel FROM {source}")
                opened.query("OPTIMIZE TABLE bench.views FINAL")
        visitor, source = "visitor", "bench.views"
    query = CLICKHOUSE.format(visitor=visitor, source=source)
    seconds, answer = best(lambda: opened.query(query, "CSV").data(), times)
    opened.close()
    return seconds, len(answer.splitlines())


def main() -> None:
    """Measure, and print the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--views", type=int, default=100_000_000)
    options.add_argument("--months", type=int, default=24)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to keep the log and the ledger")
    asked = options.parse_args()
    with workplace(asked.folder) as home:
        log, project = home / "log", home / "project"
        with once(log, {"views": asked.views, "months": asked.months}) as needed:
            if needed:
                shutil.rmtree(home / "clickhouse_filled", ignore_errors=True)
                shutil.rmtree(home / "clickhouse", ignore_errors=True)
                write_log(log, asked.views, asked.months, say)
        files = sorted(log.glob("*.parquet"))
        once_of_log = {"log": (log / "made.json").stat().st_mtime}
        from measuring import alone

        with once(project, once_of_log) as needed:
            if needed:
                loaded = alone(load_ledger, project, files)
                print(
                    f"import: {loaded.found:,} rows in {loaded.seconds:.0f} s, {loaded.found / loaded.seconds:,.0f} a second, {loaded.memory / 2**30:.2f} GiB"
                )
        contenders = [
            Contender("Fari, cold", ask_cold, (project, asked.months)),
            Contender("SQL by hand", by_hand, (files, asked.months, home / ".scratch")),
            Contender("by hand, kept", by_hand_kept, (files, asked.months, home / ".scratch")),
            Contender("Fari, warm", ask_warm, (project, asked.months)),
        ]
        if find_spec("chdb"):
            contenders.append(Contender("ClickHouse, files", clickhouse_files, (home,)))
            contenders.append(Contender("ClickHouse, table", clickhouse_table, (home,)))
        else:
            say("chdb is not installed, so ClickHouse is left out: pip install chdb")
        runs = rounds(contenders, asked.rounds)
        fari, hand = runs["Fari, cold"][-1].found, runs["SQL by hand"][-1].found
        if not fari == hand == runs["by hand, kept"][-1].found == runs["Fari, warm"][-1].found:
            wrong = sorted(key for key in {*fari, *hand} if fari.get(key) != hand.get(key))
            raise SystemExit(f"Fari and the SQL by hand differ: {[(key, fari.get(key), hand.get(key)) for key in wrong[:5]]}")
        about = describe(files)
        title = (
            f"Visitors by month and channel: {about['views']:,} page views, {asked.months} months, {about['visitor_months']:,} visitor-months "
            f"({about['views_a_visitor_month']:.1f} views each, {about['returning']:.0%} returning, {about['several_channels']:.0%} by several channels)"
        )
        report(title, runs)
        print()
        ratio(runs, "Fari, cold", "SQL by hand", "1.5 or less")
        ratio(runs, "Fari, cold", "by hand, kept", "1.5 or less")
        for name in ("ClickHouse, files", "ClickHouse, table"):
            if name in runs:
                ratio(runs, name, "Fari, warm", "10 or more")
        print("\nFari and the SQL by hand agree to the last visitor.")


def ask_cold(project: Path, months: int) -> tuple[float, Counts]:
    """Fari's first answer without facts."""
    return ask(project, months, 0, cold=True)


def ask_warm(project: Path, months: int) -> tuple[float, Counts]:
    """Fari's later answers."""
    return ask(project, months, 5, cold=False)


def clickhouse_files(home: Path) -> tuple[float, int]:
    """ClickHouse over the Parquet files."""
    return clickhouse(home, 3, table=False)


def clickhouse_table(home: Path) -> tuple[float, int]:
    """ClickHouse over its own table."""
    return clickhouse(home, 3, table=True)


if __name__ == "__main__":
    main()
