"""Measures to SQL: one query per fact and way of falling into a period, for all measures and dimensions asked of it together.

The compiled text is kept beside the facts by a digest of all that decides it, so that a process that finds it need not import Ibis.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fari.engine.graph import digest_of
from fari.engine.kept import kept
from fari.metrics.kinds import METRICS, Measure

REACH = {
    ("visitor_periods", "content"): "visitor_contents",
    ("stage_entries", "content"): "stage_contents",
    ("levels", "content"): "level_contents",
}
"""Where a dimension is reach, the fact that has a row for every value."""
APART = {("levels", "cause"): "level_causes", ("visits", "landing_page"): "visit_landings", ("stage_entries", "landing_page"): "stage_landings"}
"""Where a dimension takes a fact's rows apart, or costs something to know, the fact that has it."""
BARE = {"levels": "account_levels"}
"""Where nothing of the account is asked for, the fact without what is known of accounts: there sooner, and smaller."""
_OWN = frozenset({"plan", "currency"})
"""The dimensions that it has."""
_ABOUT = frozenset("channel campaign rule country persona cohort term churn_reason".split())
"""What it lacks."""
FROM = {"signup_periods": "signups", "account_periods": "levels", "lifetimes": "spells"}
"""Facts made when asked, from the stored fact that they are made from."""
BY_GRAIN = {"visitor_periods": "visitor_{}s", "visitor_contents": "visitor_content_{}s"}
"""Facts kept for each grain apart, so that who asks for months need not wait for days."""
_PAGE = ("visit_id", "landing", "landing_page", "referrer_host", "utm_source", "utm_medium", "origin")
PAGES = {"kind": "string", "visitor": "string", "started_at": "timestamp"} | dict.fromkeys(_PAGE, "string")
"""What the fact `visit_pages` tells of each visit's first page view."""
OF_VISITS = {
    "visits": _PAGE,
    "visit_landings": tuple(name for name in _PAGE if name != "landing_page"),
    **dict.fromkeys(("visit_days", "visitor_periods", "visitor_contents"), ("visit_id", "origin")),
}
"""Facts whose rows name a visit, and what is told of its first page view when they are opened."""
QUESTION: dict[str, dict[str, str]] = {
    "days": {"one_day": "int32", "period": "int32"},
    "edges": {"period": "int32", "opening_day": "int32", "last_day": "int32", "first_day": "int32", "end_day": "int32"},
    "spans": {"period": "int32", "grain": "string", "period_day": "int32"},
}
"""The question's periods as tables."""


def fact_of(measure: Measure, dimensions: Sequence[str]) -> str:
    """The fact a measure is summed over when these dimensions are asked for."""
    return next((fact for _, fact in moved(measure, dimensions)), measure.fact)


def moved(measure: Measure, dimensions: Sequence[str]) -> list[tuple[str, str]]:
    """Of dimensions those that a measure's own fact does not have, each with the fact that has it: of one such at a time it can be asked.

    >>> import fari.metrics
    >>> moved(METRICS["leads"], ("channel", "content", "landing_page"))  # type: ignore[arg-type]
    [('content', 'stage_contents'), ('landing_page', 'stage_landings')]
    """
    found = [(d, REACH[measure.fact, d] if d in measure.reach else APART.get((measure.fact, d), "")) for d in dimensions]
    return [(dimension, fact) for dimension, fact in found if fact]


def summed_over(measure: Measure, dimensions: Sequence[str]) -> str:
    """The smallest fact that a measure's sum by these dimensions can be taken from.

    >>> import fari.metrics
    >>> [summed_over(METRICS["mrr"], by) for by in ((), ("plan",), ("plan", "channel"), ("content",))]  # type: ignore[arg-type]
    ['account_levels', 'account_levels', 'levels', 'level_contents']
    """
    fact = fact_of(measure, dimensions)
    looks_at = measure.contribution.__code__.co_names
    return BARE[fact] if fact in BARE and _OWN.issuperset(dimensions) and _ABOUT.isdisjoint(looks_at) else fact


def stored(fact: str) -> str:
    """The stored fact behind one."""
    return FROM.get(fact, fact)


def by_grain(fact: str, grains: Sequence[str]) -> tuple[str, ...]:
    """The facts that a stored one is kept as.

    >>> by_grain("visitor_periods", ("day", "month")), by_grain("visits", ("day",))
    (('visitor_days', 'visitor_months'), ('visits',))
    """
    return tuple(BY_GRAIN[fact].format(grain) for grain in grains) if fact in BY_GRAIN else (fact,)


def _kept(root: Path, key: list[object], make: Callable[[], str]) -> str:
    return kept(root, digest_of(*key), make)


def summed(
    root: Path, dialect: str, fact: str, when: str, names: Sequence[str], dimensions: Sequence[str], schema: dict[str, str], rolled: bool
) -> str:
    """SQL giving period, each dimension, then for each measure its sum and how many rows contribute, then how many rows were left out."""

    def make() -> str:
        import ibis

        measures = [measure for name in names if isinstance(measure := METRICS[name], Measure)]
        table = ibis.table(schema, name=stored(fact))
        by = () if rolled else _alike(fact, when, measures, table)
        if by:
            table = table.group_by(list(dict.fromkeys((*by, *dimensions)))).aggregate(alike=table.count().cast("int64"))
        rows = rows_in_periods(fact, when, table, rolled)
        columns: dict[str, Any] = {}
        for measure in measures:
            value = measure.contribution(rows)
            kind = "decimal(28,6)" if measure.unit == "money" or measure.fact == "search_rows" else "int64"
            columns[measure.name] = (value * rows.alike if by else value).sum().cast(kind)
            columns[f"{measure.name}__rows"] = (value != 0).ifelse(rows.alike if by else 1, 0).sum().cast("int64")
        columns["left_out"] = rows.left_out.sum().cast("int64") if "left_out" in rows.columns else rows.count() * 0
        grouped = rows.group_by(["period", *dimensions]).aggregate(**columns)
        return str(ibis.to_sql(grouped.select("period", *dimensions, *columns), dialect=dialect))

    return _kept(root, ["summed", dialect, fact, when, names, dimensions, schema, rolled], make)


def opened(root: Path, dialect: str, fact: str, when: str, name: str, dimensions: Sequence[str], schema: dict[str, str], rolled: bool) -> str:
    """SQL giving a measure's rows in the asked periods, each with its `contribution`; rows that contribute nothing are left out."""

    def make() -> str:
        import ibis

        rows = rows_in_periods(fact, when, ibis.table(schema, name=stored(fact)), rolled)
        measure = METRICS[name]
        assert isinstance(measure, Measure)
        value = measure.contribution(rows)
        kind = "decimal(28,6)" if measure.unit == "money" or measure.fact == "search_rows" else "int64"
        opened_rows = rows.mutate(contribution=value.cast(kind))
        keep = opened_rows.contribution != 0
        if "left_out" in rows.columns:
            keep = keep | (opened_rows.left_out > 0)
        hidden = [c for c in ("first_day", "end_day", "opening_day", "last_day", "one_day_right") if c in opened_rows.columns]
        kept_rows = opened_rows.filter(keep).drop(*hidden)
        if fact in OF_VISITS:
            pages = ibis.table(PAGES, name="visit_pages").select("kind", "visitor", "started_at", *OF_VISITS[fact])
            joined = kept_rows.left_join(pages, ["kind", "visitor", "started_at"])
            kept_rows = joined.select(*[joined[column] for column in kept_rows.columns], *OF_VISITS[fact])
        return str(ibis.to_sql(kept_rows, dialect=dialect))

    return _kept(root, ["opened", dialect, fact, when, name, dimensions, schema, rolled], make)


def _alike(fact: str, when: str, measures: Sequence[Measure], table: Any) -> tuple[str, ...]:
    """Columns besides the dimensions by which rows are alike to these measures, where all they look at is words; else none.

    Such rows are counted first: few kinds are left of many rows, before any is joined or worked on.
    """
    import ibis.expr.operations as ops

    dated = {"period": ("grain", "period_day") if fact in BY_GRAIN else (), "during": ("day",)}.get(when, ())
    if not dated or not set(dated) <= set(table.columns) or "left_out" in table.columns:
        return ()
    looked_at = {node.name: node.dtype for measure in measures for node in measure.contribution(table).op().find(ops.Field)}
    return (*dated, *looked_at) if all(kind.is_string() for kind in looked_at.values()) else ()


def rows_in_periods(fact: str, when: str, table: Any, rolled: bool) -> Any:
    """The rows of a fact, or of such as are alike, joined to the question's periods, with `period`."""
    import ibis

    days, edges, spans = (ibis.table(columns, name=name) for name, columns in QUESTION.items())
    if when == "period":
        periodic = importlib.import_module("fari.facts.periodic")
        if fact == "signup_periods":
            return periodic.signup_periods(table, days)
        if fact in ("account_periods", "lifetimes"):
            return getattr(periodic, fact)(table, edges)
        return getattr(periodic, fact if rolled else f"whole_{fact}")(table, spans)
    if when == "during":
        dated = table["from_day" if fact in ("levels", "account_levels", "level_contents", "level_causes") else "day"]
        return table.inner_join(days, dated == days.one_day)
    if when == "within":
        return table.inner_join(edges, [table.from_day >= edges.first_day, table.until_day <= edges.end_day])
    day = edges.last_day if when == "closing" else edges.opening_day
    return table.inner_join(edges, [table.from_day <= day, table.until_day > day])
