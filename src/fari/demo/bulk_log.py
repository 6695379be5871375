"""The large web log: a hundred million anonymous page views, made by set-based SQL and written as Parquet."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fari.demo.days import Months
from fari.demo.market import CHANNELS, COUNTRIES, SEASON, WEEKDAYS
from fari.demo.site import BROWSERS, CRAWLERS, ORIGIN, PAGES, PHONES, table

PAGE_VIEWS = 100_000_000
"""Rows in all months together, on top of those of `medium`."""
FILES_A_MONTH = 4
VIEWS_A_VISIT = 2.0
VISITS_A_VISITOR = 1.4
"""In a month."""


def write_bulk_log(home: Path, months: Months, month: int, seed: int, page_views: int = PAGE_VIEWS) -> list[Path]:
    """One month's share of `page_views`, as Segment's warehouse tables name the columns, in a few files in order of time."""
    weights = _day_weights(months)
    each = page_views / sum(weights) / VIEWS_A_VISIT
    visits = [(number, round(weights[number] * each)) for number, at in enumerate(months.month_of) if at == month]
    visitors = max(1, round(sum(count for _, count in visits) / VISITS_A_VISITOR))

    def write(piece: int) -> Path:
        mine = visits[piece * len(visits) // FILES_A_MONTH : (piece + 1) * len(visits) // FILES_A_MONTH]
        path = home / f"web_{months.firsts[month]:%Y-%m}_{piece + 1}.parquet"
        _write(path, months, month, mine, visitors, seed)
        return path

    # One file is made by one core: its rows come from a handful of days.
    with ThreadPoolExecutor(min(FILES_A_MONTH, os.cpu_count() or 1)) as pool:
        return list(pool.map(write, range(FILES_A_MONTH)))


def _day_weights(months: Months) -> list[float]:
    return [WEEKDAYS[day.weekday()] * SEASON[day.month - 1] * 1.02 ** (n / 30) for n, day in enumerate(months.days)]


def _write(path: Path, months: Months, month: int, visits: list[tuple[int, int]], visitors: int, seed: int) -> None:
    """Everything about a visit follows from a hash of the seed, the day and its number: the same seed writes the same log."""
    import duckdb

    arrivals = table([(one, channel.share * channel.growth**month * one.share) for channel in CHANNELS for one in channel.campaigns], 256)
    tags = [dict(pair.split("=") for pair in one.query[1:].split("&") if pair) for one in arrivals]
    agents = table([(agent.format(v=131), share) for agent, share in (*BROWSERS, *PHONES)] + [(agent, 0.006) for agent in CRAWLERS], 256)
    places = table([(country, country.share) for country in COUNTRIES], 64)
    words = {
        "paths": [page for page, _ in PAGES],
        "titles": [title for _, title in PAGES],
        "agents": agents,
        "referrers": [one.referrer for one in arrivals],
        "queries": [one.query.replace("%s", "Cj0KCQ") for one in arrivals],
        "sources": [tag.get("utm_source", "") for tag in tags],
        "mediums": [tag.get("utm_medium", "") for tag in tags],
        "campaigns": [tag.get("utm_campaign", "") for tag in tags],
        "countries": [country.code for country in places],
        "locales": [country.locale for country in places],
    }
    lists = {name: "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]" for name, values in words.items()}
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("CREATE TABLE days (day INTEGER, start_ms BIGINT, visits INTEGER)")
        connection.executemany("INSERT INTO days VALUES (?, ?, ?)", [(n, months.starts[n] * 1000, count) for n, count in visits])
        numbers = {"seed": int(seed), "visitors": visitors, "month": month, "pages": len(PAGES), "places": len(places)}
        escaped = str(path).replace("'", "''")
        connection.execute(_SQL.format(origin=ORIGIN, path=escaped, **numbers, **lists))


_SQL = """
COPY (
    WITH visits AS (
        SELECT start_ms, hash({seed}, day, visit) AS h FROM (SELECT day, start_ms, unnest(range(visits)) AS visit FROM days)
    ), visitors AS (
        SELECT h,
            -- One visitor in eight was there the month before.
            hash({seed}, {month} - CASE WHEN (h >> 50) % 8 = 0 THEN 1 ELSE 0 END, (h >> 4) % {visitors}) AS person,
            -- The shortest day has 23 hours: no visit passes midnight.
            start_ms + ((h >> 8) % 41000000 + (h >> 20) % 41000000)::BIGINT AS at_ms,
            -- One page or more: each further one half as likely.
            CASE WHEN (h >> 40) % 2 = 0 THEN 1 WHEN (h >> 40) % 4 = 1 THEN 2 WHEN (h >> 40) % 8 = 3 THEN 3 ELSE 4 + (h >> 43) % 3 END AS pages
        FROM visits
    ), views AS (
        SELECT *, unnest(range(pages::INTEGER))::INTEGER AS n FROM visitors
    ), placed AS (
        SELECT h, person, n = 0 AS landed, make_timestamp((at_ms + n * (9000 + (h % 90000)::BIGINT)) * 1000) AS "timestamp", hash(h, n) AS g,
            1 + (h % 256)::INTEGER AS arrival, 1 + ((h >> (n * 4)::UBIGINT) % {pages})::INTEGER AS page,
            1 + ((h >> (greatest(n - 1, 0) * 4)::UBIGINT) % {pages})::INTEGER AS before, 1 + ((person >> 8) % {places})::INTEGER AS place
        FROM views
    )
    SELECT
        'page' AS "type",
        'bulk-' || g AS "messageId",
        'b-' || person AS "anonymousId",
        NULL::VARCHAR AS "userId",
        "timestamp" AT TIME ZONE 'UTC' AS "timestamp",
        {titles}[page] AS "name",
        {paths}[page] AS context_page_path,
        '{origin}' || {paths}[page] || CASE WHEN landed THEN {queries}[arrival] ELSE '' END AS context_page_url,
        CASE WHEN landed THEN {referrers}[arrival] ELSE '{origin}' || {paths}[before] END AS context_page_referrer,
        CASE WHEN landed THEN nullif({sources}[arrival], '') END AS context_campaign_source,
        CASE WHEN landed THEN nullif({mediums}[arrival], '') END AS context_campaign_medium,
        CASE WHEN landed THEN nullif({campaigns}[arrival], '') END AS context_campaign_name,
        {agents}[1 + (person % 256)::INTEGER] AS "context_userAgent",
        {locales}[place] AS context_locale,
        {countries}[place] AS context_location_country
    FROM placed
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 200000)
"""
