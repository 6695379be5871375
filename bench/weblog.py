"""A web log to measure with: page views as a Segment warehouse names the columns, made by set-based SQL, a Parquet file a month.

In a month a visitor has 1.6 visits of 2.4 page views; one visitor in five was there in an earlier month; people come by
ten channels and come back mostly directly; visits go over midnight and over the ends of months; one view in 170 is a bot's.
`channel` is what a user of an event store would have put on each page view beforehand; Fari does not read it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HOST = "acme.example"
VIEWS_A_VISIT = 39 / 16
VISITS_A_VISITOR = 1.45
"""Visits drawn for each id of a month's pool: those that are drawn at all are drawn 1.6 times."""
FIRST = date(2024, 1, 1)

ARRIVALS: tuple[tuple[str, int, str, str], ...] = (
    ("Organic Search", 25, "https://www.google.com/", ""),
    ("Organic Search", 4, "https://www.bing.com/", ""),
    ("Direct", 22, "", ""),
    ("Paid Search", 8, "https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=x"),
    ("Paid Search", 7, "https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=category&gclid=x"),
    ("Paid Social", 6, "https://www.linkedin.com/", "?utm_source=linkedin&utm_medium=paid_social&utm_campaign=leaders&li_fat_id=x"),
    ("Paid Social", 5, "https://l.facebook.com/", "?utm_source=facebook&utm_medium=paid_social&utm_campaign=lookalike&fbclid=x"),
    ("Display", 6, "https://news.example/", "?utm_source=adroll&utm_medium=display&utm_campaign=prospecting"),
    ("Referral", 5, "https://startup-tools.example/", ""),
    ("Email", 5, "", "?utm_source=newsletter&utm_medium=email&utm_campaign=monthly"),
    ("Organic Social", 3, "https://www.reddit.com/", ""),
    ("AI Assistants", 2, "https://chatgpt.com/", "?utm_source=chatgpt.com"),
    ("Affiliates", 2, "https://dealhub.example/", "?utm_source=dealhub&utm_medium=affiliate&utm_campaign=deals"),
)
"""(channel, weight in a hundred, referrer, query of the landing page)."""

PATHS = (
    "/", "/", "/pricing", "/features", "/features/inbox", "/integrations", "/customers", "/about", "/blog/churn", "/blog/metrics", "/blog/response-time",
    "/docs/start", "/docs/api", "/ebook/playbook", "/webinar/scaling", "/demo",
)  # fmt: skip
AGENTS = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", 80),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15", 30),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1", 30),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36", 29),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 1),
)
COUNTRIES = ("US", "US", "US", "US", "US", "DE", "DE", "GB", "GB", "FR", "IT", "ES", "NL", "CA", "AU", "BR")


def months_of(count: int) -> list[date]:
    """The first days of the months, and of the one after."""
    return [date(FIRST.year + n // 12, n % 12 + 1, 1) for n in range(count + 1)]


def write_log(home: Path, views: int, months: int, say: Callable[[str], None] = lambda _: None) -> list[Path]:
    """One Parquet file a month, `views` page views in all (about: the length of visits is drawn)."""
    import duckdb

    firsts = months_of(months)
    made = []
    with duckdb.connect(config={"temp_directory": str(home / ".scratch"), "memory_limit": "4GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for number in range(months):
            path = home / f"views_{firsts[number]:%Y-%m}.parquet"
            connection.execute(_sql(path, number, firsts[number], firsts[number + 1], views / months))
            say(f"made {path.name}")
            made.append(path)
    return made


def _micros(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _sql(path: Path, number: int, first: date, until: date, views: float) -> str:
    visits = max(1, round(views / VIEWS_A_VISIT))
    pool = max(1, round(visits / VISITS_A_VISITOR))
    arrivals = [(channel, referrer, query) for channel, weight, referrer, query in ARRIVALS for _ in range(weight)]
    agents = [agent for agent, weight in AGENTS for _ in range(weight)]
    tags = [dict(pair.split("=") for pair in query[1:].split("&") if pair) for _, _, query in arrivals]
    lists = {
        "channels": [channel for channel, _, _ in arrivals],
        "referrers": [referrer for _, referrer, _ in arrivals],
        "queries": [query for _, _, query in arrivals],
        "sources": [tag.get("utm_source", "") for tag in tags],
        "mediums": [tag.get("utm_medium", "") for tag in tags],
        "campaigns": [tag.get("utm_campaign", "") for tag in tags],
        "paths": list(PATHS),
        "agents": agents,
        "countries": list(COUNTRIES),
    }
    texts = {name: "[" + ", ".join(f"'{value}'" for value in values) + "]" for name, values in lists.items()}
    begin, span = _micros(first), _micros(until) - _micros(first)
    return _SQL.format(
        path=str(path).replace("'", "''"), number=number, visits=visits, pool=pool, begin=begin, step=span / visits, arrivals=len(arrivals),
        agent_count=len(agents), path_count=len(PATHS), country_count=len(COUNTRIES), direct=lists["channels"].index("Direct") + 1, host=HOST, **texts,
    )  # fmt: skip


_SQL = """
COPY (
    WITH visits AS (
        SELECT hash({number}, visit) AS h, {begin} + (visit * {step})::BIGINT AS begun FROM (SELECT unnest(range({visits})) AS visit)
    ), placed AS (
        SELECT h, begun, (h >> 44) % 100 < 18 AND {number} > 0 AS returns,
            -- Who returns is of one of the six months before.
            hash({number} - CASE WHEN (h >> 44) % 100 < 18 AND {number} > 0 THEN 1 + (h >> 52) % least(6, {number}) ELSE 0 END, (h >> 4) % {pool}) AS person,
            -- One view or more: each further one a little less than two in three times, six at most.
            [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6][1 + ((h >> 24) % 16)::INTEGER] AS pages
        FROM visits
    ), come AS (
        SELECT *, CASE WHEN returns AND (h >> 36) % 2 = 0 THEN {direct} ELSE 1 + ((h >> 12) % {arrivals})::INTEGER END AS arrival FROM placed
    ), views AS (
        SELECT *, unnest(range(pages))::INTEGER AS n FROM come
    ), seen AS (
        SELECT *, hash(h, n) AS g, 1 + (hash(h, n, 1) % {path_count})::INTEGER AS page, 1 + (hash(h, n - 1, 1) % {path_count})::INTEGER AS before FROM views
    )
    SELECT
        'page' AS "type",
        'm-' || g AS "messageId",
        'v-' || person AS "anonymousId",
        make_timestamp(begun + n * (9000000 + (h % 90000000)::BIGINT)) AS "timestamp",
        'https://{host}' || {paths}[page] || CASE WHEN n = 0 THEN {queries}[arrival] ELSE '' END AS context_page_url,
        {paths}[page] AS context_page_path,
        CASE WHEN n = 0 THEN {referrers}[arrival] ELSE 'https://{host}' || {paths}[before] END AS context_page_referrer,
        CASE WHEN n = 0 THEN nullif({sources}[arrival], '') END AS context_campaign_source,
        CASE WHEN n = 0 THEN nullif({mediums}[arrival], '') END AS context_campaign_medium,
        CASE WHEN n = 0 THEN nullif({campaigns}[arrival], '') END AS context_campaign_name,
        {agents}[1 + (person % {agent_count})::INTEGER] AS "context_userAgent",
        {countries}[1 + ((person >> 8) % {country_count})::INTEGER] AS context_location_country,
        {channels}[arrival] AS channel
    FROM seen
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 200000)
"""


def describe(paths: list[Path]) -> dict[str, Any]:
    """What the log is like, counted: views, visitor-months, views a visitor-month, and the share of visitors that an earlier month had."""
    import duckdb

    listed = ", ".join(f"'{path}'" for path in paths)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        row = connection.execute(
            f"""WITH months AS (SELECT "anonymousId" AS visitor, date_trunc('month', "timestamp") AS month, count(*) AS views, count(DISTINCT channel) AS channels
                FROM read_parquet([{listed}]) GROUP BY ALL), firsts AS (SELECT visitor, min(month) AS first FROM months GROUP BY visitor)
            SELECT sum(views), count(*), avg(CAST(month > first AS INTEGER)) FILTER (month > (SELECT min(month) FROM months)), avg(CAST(channels > 1 AS INTEGER))
            FROM months JOIN firsts USING (visitor)"""
        ).fetchone()
    assert row is not None
    return {
        "views": int(row[0]),
        "visitor_months": int(row[1]),
        "views_a_visitor_month": row[0] / row[1],
        "returning": row[2],
        "several_channels": row[3],
    }
