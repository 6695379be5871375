"""The examination of a project: what is connected, covered, stale, unmapped, unlinked, contradictory or failing, each with its way out."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Literal

from fari.engine.ask import Asker, Cover, defaults
from fari.engine.build import Builder
from fari.engine.closed import moved
from fari.engine.identities import Check, identities
from fari.engine.linked import SAYS, Linked, links
from fari.engine.periods import cut, day_of
from fari.facts.words import FOREVER
from fari.ledger.schema import TABLES
from fari.ledger.store import Import, Ledger
from fari.ledger.tries import tries
from fari.marks.channels import CHANNELS
from fari.metrics import METRICS, listed
from fari.metrics.kinds import leaves

Severity = Literal["error", "warning", "note", "ok"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note", "ok")
SHOWN = 10
"""So many examples of each finding are listed."""
BEHIND = {"events": 8, "stages": 32, "spend": 32, "subscriptions": 32, "deals": 32}
"""From so many days behind the newest data a table is noted as behind; from four times as many it is warned of."""
QUIET = {"events": 7, "stages": 62, "spend": 62}
"""Flows that should not dry up: from so many days without a row on, that is said."""
LOSSES = {
    "people": "leads and customers have no source of the CRM's, no country and no persona",
    "accounts": "customers have no country of their own",
    "feedback": "no reason is known for any churn",
    "targets": "there is no plan to hold the numbers against",
}
"""What is lost where a table is missing on which no metric depends."""
_SHAPES = {"events": "Segment-shaped messages (JSON Lines with type*, timestamp*, anonymousId, userId, event, properties, context)"}


@dataclass(frozen=True)
class Finding:
    """One thing found: how bad, about what, in which place, and the way out; examples in `items`."""

    severity: Severity
    topic: str
    what: str
    where: str = ""
    mend: str = ""
    rows: int = 0
    items: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Connected:
    """One table of one source as it now stands."""

    source: str
    table: str
    rows: int
    since: date | None
    until: date | None
    """Day of the last row."""
    imported: date
    """The day its last import was recorded for."""
    import_id: str


@dataclass(frozen=True)
class Covered:
    """The days a table is covered for (half-open), and the gaps between."""

    table: str
    since: date
    until: date
    gaps: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True)
class Examination:
    """Everything found, the worst first; failing identities before all."""

    today: date
    since: date | None
    horizon: date | None
    customer_from: str
    connected: tuple[Connected, ...]
    covered: tuple[Covered, ...]
    missing: Mapping[str, tuple[str, ...]]
    """Tables that nothing covers, and the metrics that are undefined without."""
    links: tuple[Linked, ...]
    failing: tuple[Check, ...]
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity:
        """The severity of the worst finding."""
        return min((f.severity for f in self.findings), key=SEVERITIES.index, default="ok")


def examine(asker: Asker, today: date) -> Examination:
    """Look at everything as it now is."""
    doctor = _Doctor(asker, today)
    if doctor.covered.horizon is None:
        nothing = Finding(
            "error", "connected", "nothing is imported yet", mend="`fari import FILE...` brings files in; `fari demo` shows a made-up company"
        )
        alone = (nothing, *_tried(asker.ledger))
        return Examination(today, None, None, doctor.covered.customer_from, (), (), doctor.missing(), (), (), alone)
    checks = doctor.identities()
    events = doctor.covered.ranges.get("events")
    linked = links(doctor.run, doctor.covered.horizon, events[0][0] if events else None, SHOWN)
    found = [*doctor.judged(checks), *doctor.findings(linked)]
    found.sort(key=lambda finding: (finding.topic != "identities" or finding.severity != "error", SEVERITIES.index(finding.severity)))
    failing = tuple(check for check in checks if not check.holds)
    covered = doctor.covered
    asker.state()[1].finish()
    return Examination(
        today,
        covered.since,
        covered.horizon,
        covered.customer_from,
        doctor.connected,
        doctor.ranges(),
        doctor.missing(),
        linked,
        failing,
        tuple(found),
    )


@dataclass
class _Doctor:
    """Queries over the ledger's current rows and the facts."""

    asker: Asker
    today: date
    covered: Cover = field(init=False)
    builder: Builder = field(init=False)
    imports: list[Import] = field(init=False)
    connected: tuple[Connected, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.covered, self.builder = self.asker.state()
        self.imports = self.asker.ledger.visible()
        self.connected = tuple(self._connected())

    @property
    def horizon(self) -> date:
        """The latest day of any data."""
        assert self.covered.horizon is not None
        return self.covered.horizon

    def run(self, sql: str, *names: str) -> list[tuple[Any, ...]]:
        """Rows of a query over facts, which are built first, and over ledger tables by `{name}`."""
        for name in names:
            if name not in TABLES:
                self.asker.fact_schema(name, self.builder)
        rows: list[tuple[Any, ...]] = self.asker.engine.run(sql.format_map({n: self.builder.table(n) for n in names if n in TABLES}))
        return rows

    def findings(self, linked: tuple[Linked, ...]) -> Iterator[Finding]:
        """Everything but the identities."""
        yield from self._missing()
        yield from self._gaps()
        yield from self._stale()
        yield from _tried(self.asker.ledger)
        yield from self._rejected()
        yield from self._closed()
        yield from self._overlaps()
        yield from self._currencies()
        yield from self._duplicates()
        yield from self._deals()
        yield from self._unassigned()
        yield from self._channels()
        yield from _unlinked(linked)
        yield from self._outsiders()

    # What is there -------------------------------------------------------------------------------------------------------

    def _connected(self) -> Iterator[Connected]:
        told = {(c.source, c.table): c.import_id for c in self.asker.ledger.coverage(self.imports)}
        order = {i.import_id: i for i in self.imports}
        for table in dict.fromkeys(t for t in TABLES for i in self.imports if t in i.tables):
            dated = TABLES[table].dated_by
            span = f"min({dated}_day), max({dated}_day)" if dated else "NULL, NULL"
            for source, rows, since, until in self.run(f"SELECT source, count(*), {span} FROM {{{table}}} GROUP BY source ORDER BY source", table):
                latest = [i for i in self.imports if table in i.tables and source in i.source.split(", ")]
                last = latest[-1] if latest else order[told[source, table]]
                yield Connected(source, table, rows, _day(since), _day(until), last.recorded_on, last.import_id)

    def ranges(self) -> tuple[Covered, ...]:
        """What is covered, per table."""
        made = []
        for table in TABLES:
            stretches = self.covered.ranges.get(table, [])
            if stretches:
                gaps = tuple((before[1], after[0]) for before, after in pairwise(stretches))
                made.append(Covered(table, stretches[0][0], stretches[-1][1], gaps))
        return tuple(made)

    def missing(self) -> dict[str, tuple[str, ...]]:
        """Tables that nothing covers, and the metrics undefined without them."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for name in listed():
            for leaf in leaves(name):
                need = METRICS[leaf].needs
                if not self.covered.of(need):
                    found[self.covered.table(need)][name] = None
        return {table: tuple(names) for table, names in found.items()}

    def _missing(self) -> Iterator[Finding]:
        for table, names in self.missing().items():
            what = f"no source covers `{table}`: {_many(len(names), 'metric')} undefined ({', '.join(names)})"
            yield Finding("warning", "missing", what, table, _bring(table), len(names))
        for table, loss in LOSSES.items():
            if not self.covered.ranges.get(table):
                yield Finding("note", "missing", f"no `{table}`: {loss}", table, _bring(table))

    def _gaps(self) -> Iterator[Finding]:
        for one in self.ranges():
            for since, until in one.gaps:
                yield Finding("warning", "coverage", f"no source covers `{one.table}` {_stretch(since, until)}", one.table, "import that time too")
        for table, quiet in QUIET.items():
            if table not in self.covered.ranges:
                continue
            until_day = "coalesce(until_day, day_day + 1)" if table == "spend" else f"{TABLES[table].dated_by}_day + 1"
            days = sorted(self.run(f"SELECT DISTINCT {TABLES[table].dated_by}_day, {until_day} FROM {{{table}}}", table))
            reached = days[0][0] if days else 0
            for first, after in days:
                if first - reached >= quiet:
                    what = f"`{table}` has no row {_stretch(day_of(reached), day_of(first))}"
                    yield Finding("note", "coverage", what, table, "if there was any, import it; `--covers FROM..UNTIL` says that there was none")
                reached = max(reached, after)

    def _stale(self) -> Iterator[Finding]:
        behind = (self.today - self.horizon).days
        if behind >= BEHIND["events"]:
            yield Finding(
                _behind(behind, "events"),
                "stale",
                f"the newest data are of {self.horizon}, {behind} days ago",
                "",
                "export the sources again and import the files",
            )
        until = {(c.source, c.table): c.until for c in self.asker.ledger.coverage(self.imports) if c.until}
        for one in self.connected:
            # A table that moves by itself is as new as its rows; one of standing things as new as its last import.
            last = one.until if one.table in QUIET else one.imported
            last = max(filter(None, (last, until.get((one.source, one.table)))), default=None)
            late = (self.horizon - last).days if last else 0
            if late >= BEHIND.get(one.table, late + 1):
                what = f"`{one.table}` of {one.source} ends on {last}, {late} days before the newest data"
                yield Finding(_behind(late, one.table), "stale", what, f"{one.source} {one.table}", "import its latest export")

    def _rejected(self) -> Iterator[Finding]:
        for act in self.imports:
            for file in act.files:
                if file.get("rejected"):
                    what = f"{file['rejected']} of {file['read']} rows of {file['file']} were refused"
                    mend = f"`fari import --dry-run {file['file']}` names them again; mend them and import the file once more"
                    yield Finding("warning", "imports", what, act.import_id, mend, int(file["rejected"]))

    def _closed(self) -> Iterator[Finding]:
        for one in moved(self.asker, self.today, SHOWN):
            yield Finding("warning", "closed", one.what, one.label, one.mend, one.count, tuple(one.items()))

    # What does not hold ----------------------------------------------------------------------------------------------------

    def identities(self) -> tuple[Check, ...]:
        """Every identity in each of the last twelve whole months, but by what takes long to know."""
        days = defaults(self.covered)
        return identities(self.asker, cut(*days, "month"), touching=METRICS) if days else ()

    def judged(self, checks: tuple[Check, ...]) -> Iterator[Finding]:
        """What the identities say."""
        for check in checks:
            if not check.holds:
                where = f"{check.period.label}{f', {check.segment}' if check.segment else ''}"
                what = f"{check.name}: {check.left} against {check.right}, off by {check.difference}"
                yield Finding("error", "identities", what, where, "a fault of Fari's: please report it with `fari explain` of that period", 1)
        held = sum(check.holds for check in checks)
        if held:
            yield Finding("ok", "identities", f"{held} identities hold over the last twelve months", rows=held)

    def _overlaps(self) -> Iterator[Finding]:
        rows = self.run(
            "SELECT a.subscription_id, a.origin, b.origin, b.starts_on_day FROM {subscriptions} a JOIN {subscriptions} b "
            "ON a.subscription_id = b.subscription_id AND a.starts_on_day <= b.starts_on_day "
            f"WHERE (a.starts_on_day < b.starts_on_day OR a.origin < b.origin) AND b.starts_on_day < coalesce(a.ends_on_day, {FOREVER}) "
            f"AND b.starts_on_day < coalesce(b.ends_on_day, {FOREVER}) ORDER BY 1, 4, 2, 3",
            "subscriptions",
        )
        if rows:
            items = [{"subscription": s, "origins": [a, b], "from": day_of(d).isoformat(), "says": "the later start wins"} for s, a, b, d in rows]
            what = f"subscriptions with stretches that overlap: {len(rows)}; the later start wins"
            yield Finding(
                "warning",
                "subscriptions",
                what,
                "subscriptions",
                "end the earlier stretch where the later one starts",
                len(rows),
                tuple(items[:SHOWN]),
            )

    def _currencies(self) -> Iterator[Finding]:
        for table, day in (("subscriptions", "starts_on_day"), ("spend", "day_day"), ("deals", "created_at_day")):
            rows = self.run(
                f"SELECT t.currency, count(*), min(t.{day}), max(t.{day}), min(t.origin), min(r.known) FROM {{{table}}} t "
                "LEFT JOIN (SELECT currency, min(day_day) AS known FROM {rates} GROUP BY currency) r ON r.currency = t.currency "
                f"WHERE t.amount IS NOT NULL AND t.currency <> '{self.asker.ledger.company.currency}' AND (r.known IS NULL OR t.{day} < r.known) "
                "GROUP BY t.currency ORDER BY 2 DESC, 1",
                table, "rates",
            )  # fmt: skip
            for currency, count, first, last, origin, known in rows:
                late = f" (the first is of {day_of(known)})" if known is not None else ""
                what = f"{_many(count, 'row')} of `{table}` in {currency} left out: no exchange rate on or before the day{late}"
                mend = f"import `rates` (day, currency, rate) with {currency} from {day_of(first)} on"
                item = {"currency": currency, "from": day_of(first).isoformat(), "to": day_of(last).isoformat(), "origin": origin}
                yield Finding("warning", "currencies", what, table, mend, count, (item,))

    def _duplicates(self) -> Iterator[Finding]:
        for table in ("events", "stages", "subscriptions", "spend", "deals"):
            sources = sorted(c.source for c in self.connected if c.table == table)
            if len(sources) < 2:
                continue
            # Equal costs are two costs unless all of the row is equal; anything else is one thing by its key.
            same = "digest" if table == "spend" else "key"
            twice = (
                f"SELECT {same} AS same, min(origin) AS one, max(origin) AS two FROM {{{table}}} GROUP BY {same} HAVING count(DISTINCT source) > 1"
            )
            count = self.run(f"SELECT count(*) FROM ({twice}) AS twice", table)[0][0]
            if count:
                first = self.run(f"SELECT one, two FROM ({twice}) AS twice ORDER BY one LIMIT {SHOWN}", table)
                what = f"{_many(count, 'row')} of `{table}` came from several sources ({', '.join(sources)}) and may count twice"
                mend = "`fari imports` lists what was imported; `fari undo ID` takes one back"
                yield Finding("warning", "duplicates", what, table, mend, count, tuple({"origins": [a, b]} for a, b in first))

    def _deals(self) -> Iterator[Finding]:
        rows = self.run("SELECT deal_id, status, origin FROM {deals} WHERE status <> 'open' AND closed_at_day IS NULL ORDER BY deal_id", "deals")
        if rows:
            items = tuple({"deal": deal, "status": status, "origin": origin} for deal, status, origin in rows[:SHOWN])
            what = f"{_many(len(rows), 'deal')} won or lost without closed_at: in no pipeline figure"
            yield Finding("warning", "deals", what, "deals", "give the day they closed", len(rows), items)

    # What is not understood ------------------------------------------------------------------------------------------------

    def _unassigned(self) -> Iterator[Finding]:
        rows = self.run(
            "SELECT p.utm_source, p.utm_medium, count(*) FROM visits v "
            "JOIN visit_pages p ON p.kind = v.kind AND p.visitor = v.visitor AND p.started_at = v.started_at "
            "WHERE v.kind = 'human' AND v.channel = 'Unassigned' GROUP BY p.utm_source, p.utm_medium ORDER BY 3 DESC, 1, 2",
            *("visits", "visit_pages"),
        )
        if not rows:
            return
        total = self.run("SELECT count(*) FROM visits WHERE kind = 'human'", "visits")[0][0]
        lost = sum(count for *_, count in rows)
        items = tuple({"utm_source": s, "utm_medium": m, "visits": n, "rule": _rule(s, m)} for s, m, n in rows[:SHOWN])
        what = f"{_many(lost, 'visit')} of {total} in channel Unassigned, by {_many(len(rows), 'pair')} of utm_source and utm_medium"
        mend = "say in fari.toml what they are:\n\n" + "\n".join(str(item["rule"]) for item in items)
        yield Finding("warning" if lost * 20 > total else "note", "unmapped", what, "visits", mend, lost, items)

    def _channels(self) -> Iterator[Finding]:
        known = dict.fromkeys((*CHANNELS, *(channel for channel, _ in self.asker.ledger.company.channels)))
        lower = {channel.lower(): channel for channel in known}
        for table in ("spend", "people"):
            rows = self.run(
                f"SELECT channel, count(*), min(origin) FROM {{{table}}} WHERE channel IS NOT NULL GROUP BY channel ORDER BY 2 DESC, 1", table
            )
            for channel, count, origin in rows:
                if channel in known:
                    continue
                close = get_close_matches(channel.lower(), lower, n=1, cutoff=0.6)
                meant = f"; did you mean '{lower[close[0]]}'?" if close else ""
                what = f"channel '{channel}' of {_many(count, 'row')} of `{table}` is no channel that a visit can have{meant}"
                mend = "write one of " + ", ".join(known) + ", or name it in a [[channels.rule]] of fari.toml; else it stays a row of its own"
                yield Finding("warning" if close else "note", "unmapped", what, table, mend, count, ({"channel": channel, "origin": origin},))

    def _outsiders(self) -> Iterator[Finding]:
        """Who is left out of the count of visitors, and why."""
        counted = self.run("SELECT kind, count(*), count(DISTINCT visitor) FROM visits WHERE kind <> 'human' GROUP BY kind ORDER BY kind", "visits")
        for kind, visits, visitors in counted:
            if kind == "bot":
                reasons = self.run(
                    "SELECT a.bot, count(*) FROM {events} e JOIN agents a ON a.user_agent = e.user_agent WHERE a.bot IS NOT NULL AND e.type = 'page' "
                    f"GROUP BY a.bot ORDER BY 2 DESC, 1 LIMIT {SHOWN}",
                    "events", "agents",
                )  # fmt: skip
                items = tuple({"pattern": pattern, "pageviews": count} for pattern, count in reasons)
                yield Finding("ok", "bots", f"{_many(visitors, 'bot')} with {_many(visits, 'visit')} left out", "visits", rows=visitors, items=items)
            else:
                what = f"{_many(visitors, 'visitor')} of our own with {_many(visits, 'visit')} left out"
                yield Finding("ok", "internal", what, "visits", rows=visitors)


def _tried(ledger: Ledger) -> Iterator[Finding]:
    """Sources that could not be read when they last were asked."""
    for one in tries(ledger):
        if one.failed:
            what = f"the last sync of {one.source}, on {one.at:%Y-%m-%d %H:%M} UTC, failed: {one.failed}"
            yield Finding("warning", "sync", what, one.source, "run the same `fari sync` again: it goes on from where it stopped")


def _unlinked(linked: tuple[Linked, ...]) -> Iterator[Finding]:
    mends = {
        ("customers", "people"): "give their people's account_id, or join the ids by `aliases` rows (kind account)",
        ("customers", "visits"): "identify users on the site by the id or e-mail that billing and CRM know; their channel is unknown until then",
        ("leads", "visits"): "identify them on the site (userId or e-mail), or join the ids by `aliases` rows (kind person)",
    }
    for one in linked:
        since = f"since {one.since} " if one.since else ""
        rules = ", ".join(f"{count} by {SAYS.get(rule, rule)}" for rule, count in one.by_rule.items())
        what = f"{one.linked} of {_many(one.total, one.what.removesuffix('s'))} {since}linked to {one.to}{f' ({rules})' if rules else ''}"
        half = one.share is not None and one.share < 0.5
        mend = mends.get((one.what, one.to), "") if one.linked < one.total else ""
        items = tuple({one.what.removesuffix("s"): name} for name in one.unlinked)
        severity: Severity = "ok" if not mend else "warning" if half else "note"
        if one.total:
            yield Finding(severity, "links", what, one.what, mend, one.total - one.linked, items)


def _behind(days: int, table: str) -> Severity:
    return "warning" if days >= 4 * BEHIND[table] else "note"


def _day(days: int | None) -> date | None:
    return None if days is None else day_of(days)


def _stretch(since: date, until: date) -> str:
    """A half-open stretch in words.

    >>> _stretch(date(2025, 2, 1), date(2025, 2, 2)), _stretch(date(2025, 2, 1), date(2025, 3, 1))
    ('on 2025-02-01', 'from 2025-02-01 to 2025-02-28')
    """
    last = until - timedelta(days=1)
    return f"on {since}" if last == since else f"from {since} to {last}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bring(table: str) -> str:
    if table in _SHAPES:
        return f"import {_SHAPES[table]}"
    columns = ", ".join(f"{c.name}{'*' if c.required else ''}" for c in TABLES[table].columns)
    return f"import a `{table}` file (CSV, JSON Lines, Parquet or Excel) with the columns {columns}; those with * it must have"


def _rule(source: str | None, medium: str | None) -> str:
    """A rule to paste into fari.toml. A JSON string is a TOML string."""
    asked = "".join(f"{name} = {json.dumps(tag, ensure_ascii=False)}\n" for name, tag in (("source", source), ("medium", medium)) if tag)
    return f'[[channels.rule]]\nchannel = "Referral"  # or what it is\n{asked}'
