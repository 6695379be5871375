"""The imports of a random company: files in all the forms a user might have, corrected, appended, replaced and undone later."""

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from tests.second_reading.ledger import DATES, DAY, Act, Ledger, Row, day_of
from tests.second_reading.tables import AGENTS, Maker


@dataclass
class Step:
    """One command: an import of files, or the undoing of an earlier one."""

    acts: list[Act] = field(default_factory=list)
    flags: tuple[str, ...] = ()
    undo: int | None = None


@dataclass
class Made:
    seed: int
    toml: dict[str, Any]
    steps: list[Step]
    ledger: Ledger
    start: date
    end: date
    recorded: list[date]


class Story(Maker):
    """Makes a company and the order in which its files become known."""

    def company(self) -> Made:
        r = self.r
        self.make_people(r.choice((12, 18, 24)))
        self.make_events()
        self.make_stages()
        self.make_subscriptions()
        self.make_spend()
        self.make_feedback()
        self.make_deals()
        self.make_searches()
        tables = {
            "events": self.events, "people": self.people, "stages": self.stages, "accounts": self.account_rows, "feedback": self.feedback,
            "subscriptions": self.subscriptions, "spend": self.spend, "deals": self.deals,
            "searches": self.searches, "rates": self.rates, "aliases": self.aliases,
        }  # fmt: skip
        for table in ("accounts", "feedback", "spend", "deals", "searches", "events", "aliases"):
            if r.random() < 0.06:
                del tables[table]
        made = Made(self.seed, self.toml, [], Ledger(self.zone), self.start, self.end, [])
        dated = r.random() < 0.4
        days = [self.end - DAY * 60, self.end + DAY, self.end + DAY * 2] if dated else [date.max] * 3
        if dated:  # what was known then, and later everything
            early = {table: [row for row in rows if self.own_day(table, row) <= days[0]] for table, rows in tables.items()}
            self.step(made, early, days[0], dated)
        self.step(made, tables, days[1], dated)
        if r.random() < 0.7:
            self.step(made, self.corrected(tables), days[1], dated)
        if r.random() < 0.4 and "spend" in tables:
            extra = {"spend": [{**x, "amount": "5.55"} for x in r.sample(self.spend, 4)]}
            self.step(made, extra, days[1], dated, mode="append")
        if r.random() < 0.3 and "spend" in tables:
            rows = sorted(self.spend, key=lambda x: x["day"])
            self.step(made, {"spend": rows[len(rows) // 2 :: 2]}, days[2], dated, mode="replace")
        if len(made.steps) > 1 and r.random() < 0.4:
            made.steps.append(Step(undo=len(made.steps) - 1))
            for act in made.steps[-2].acts:
                act.undone = True
        made.recorded = sorted(set(days)) if dated else []
        return made

    def own_day(self, table: str, row: Row) -> date:
        """The day that dates a row; undated ones were always there."""
        written = row.get(DATES[table][0])
        return day_of(written, self.zone) if written else date.min

    def corrected(self, tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """Files that correct earlier ones: other amounts, other dates, a stretch that is gone."""
        r = self.r
        found: dict[str, list[Row]] = {}
        if "spend" in tables:
            named = r.choice(self.spend)
            found["spend"] = [{**named, "amount": "12.34"}]
        sub = r.choice(self.subscriptions)["subscription_id"] if self.subscriptions else None
        rows = [dict(x) for x in self.subscriptions if x["subscription_id"] == sub]
        if rows:
            rows[0]["amount"] = "77.7"
            if len(rows) > 1:
                rows.pop()
            found["subscriptions"] = rows
        person = r.choice(self.stages)["person_id"]
        found["stages"] = [{"person_id": person, "stage": "mql", "at": str(self.day()), "reason": "", "actor": ""}]
        p = dict(r.choice(self.people))
        p.update(channel="Referral", country="US")
        found["people"] = [p]
        if "events" in tables:
            found["events"] = [dict(e) for e in r.sample(self.events, 10)]
            at = self.moment()
            self.events = []
            self.message("page", at, self.id("anon-"), None, context={"page": {"url": "https://acme.example/", "path": "/"}, "userAgent": AGENTS[0]})
            found["events"] += self.events
        return found

    def step(self, made: Made, tables: dict[str, list[Row]], day: date, dated: bool, mode: str = "key") -> None:
        flags = {"append": ("--append",), "replace": ("--replace",), "key": ()}[mode]
        if dated:
            flags += ("--recorded", str(day))
        acts = [Act(len(made.steps) + 1, table, rows, mode=mode, recorded=day) for table, rows in tables.items()]
        made.ledger.acts += acts
        made.steps.append(Step(acts, flags))


def write(folder: Path, act: Act, r: Random) -> Path:
    """An act's rows as a file a user might have: separators, BOM, line ends, packing and order of columns vary."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{act.table}-{act.import_id}"
    lines = act.table == "events" or r.random() < 0.15
    if lines:
        text = "".join(json.dumps({k: v for k, v in row.items() if v != "" or act.table == "events"}, ensure_ascii=False) + "\n" for row in act.rows)
        path = folder / f"{name}.jsonl"
    else:
        columns = sorted({c for row in act.rows for c in row}, key=lambda c: r.random())
        out = io.StringIO()
        separator = r.choice(",,,;\t")
        w = csv.DictWriter(out, columns, delimiter=separator, lineterminator=r.choice(("\n", "\r\n")))
        w.writeheader()
        w.writerows(act.rows)
        text = ("\ufeff" if r.random() < 0.3 else "") + out.getvalue()
        path = folder / f"{name}.{'tsv' if separator == chr(9) else 'csv'}"
    data = text.encode()
    if r.random() < 0.2:
        path = path.with_name(path.name + ".gz")
        data = gzip.compress(data)
    path.write_bytes(data)
    return path


def toml_text(toml: dict[str, Any]) -> str:
    """A `fari.toml`."""
    lines = []
    for table, values in toml.items():
        lines.append(f"[{table}]")
        lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if k != "points"]
        for point in values.get("points", []):
            lines.append(f"[[{table}.points]]")
            lines += [f"{k} = {json.dumps(v)}" for k, v in point.items()]
    return "\n".join(lines) + "\n"
