"""Ask the command line and compare: every answer, and every segment that should have one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.second_reading.acts import Made, toml_text, write
from tests.second_reading.formulas import NAMES, answer
from tests.second_reading.measures import Measures, Period
from tests.second_reading.money import Money

Ask = Callable[..., Any]
"""Runs `fari` in the company's folder and returns what it said (`status`, `json`, `err`)."""

_VISIT = "visitors visits pageviews"
_PEOPLE = "leads mqls sqls opportunities lead_to_mql_rate mql_to_sql_rate lead_conversion_rate_cohort"
_MONEY = (
    "new_customers customers churned_customers reactivated_customers customer_churn_rate annual_churn_rate churned_to_new_ratio "
    "customer_lifetime_months mrr new_mrr expansion_mrr contraction_mrr churned_mrr reactivation_mrr arpa arr expansion_share "
    " gross_revenue_churn_rate net_revenue_churn_rate "
    "quick_ratio clv"
)
_HELD = "nrr grr renewals_due renewal_rate trial_conversion_rate"
_DEALS = "pipeline_value weighted_pipeline pipeline_created"
SPLITS = {
    "channel": [n for n in NAMES if n != "share_of_search"],
    "campaign": [n for n in NAMES if n != "share_of_search"],
    "plan": f"{_MONEY} {_HELD}".split(),
    "currency": f"{_MONEY} {_HELD} {_DEALS}".split(),
    "country": f"{_VISIT} signups {_PEOPLE} {_MONEY} {_HELD} {_DEALS}".split(),
    "persona": f"signups {_PEOPLE} {_MONEY} {_HELD} {_DEALS}".split(),
    "content": f"visitors pageviews {_PEOPLE} {_MONEY}".split(),
    "device": _VISIT.split(),
    "churn_reason": ["churned_customers", "churned_mrr"],
    "signup_kind": ["signups", "signup_to_customer_rate"],
}
"""What can be split by what."""


def bring(made: Made, folder: Path, fari: Ask) -> None:
    """Make the project and run its imports."""
    (folder / "fari.toml").write_text(toml_text(made.toml), encoding="utf-8")
    forms = Random(made.seed)
    for step in made.steps:
        if step.undo is not None:
            assert fari("undo", fari("imports", "--json").json[step.undo]["import_id"]).status == 0
            continue
        said = fari("import", *[write(folder / "files", act, forms) for act in step.acts if act.rows], *step.flags, "--json")
        assert said.status == 0, said.err
        assert not any(file["rejected"] for file in said.json["files"]), said.out


def differences(made: Made, fari: Ask) -> list[str]:
    """All that the two say differently, over months and other grains, by every dimension, filtered, and as of a day."""
    chance = Random(made.seed + 1)
    now = Measures(Money(made.ledger.known(), made.toml))
    whole = ("--from", f"{made.start:%Y-%m}", "--to", f"{made.end:%Y-%m}")
    monthly = [n for n in NAMES if n != "share_of_search"]
    found = compare(now, fari, NAMES, (*whole, "--grain", "month")) + compare(now, fari, NAMES, (*whole, "--grain", "total"))
    found += compare(now, fari, monthly, (*whole, "--grain", chance.choice(("week", "quarter", "year"))))
    for dimension, names in SPLITS.items():
        found += compare(now, fari, names, (*whole, "--grain", chance.choice(("quarter", "year", "total"))), by=(dimension,))
    value = {"channel": chance.choice(("Direct", "Paid Search", "(unattributed)"))}
    found += compare(now, fari, SPLITS["plan"], (*whole, "--grain", "quarter"), by=("plan",), where=value)
    for day in made.recorded[:1]:
        then = Measures(Money(made.ledger.known(day), made.toml))
        found += compare(then, fari, NAMES, (*whole, "--grain", "month", "--as-of", str(day)))
    return found


def compare(
    reading: Measures, fari: Ask, names: Sequence[str], asked: Sequence[str], by: Sequence[str] = (), where: Mapping[str, str] | None = None
) -> list[str]:
    """What differs in the answers to one question."""
    where = where or {}
    words = [*asked, *(["--by", ",".join(by)] if by else []), *(w for d, v in where.items() for w in ("--where", f"{d}={v}"))]
    said = fari("metrics", *names, *words, "--format", "json")
    assert said.status == 0, said.err
    found, segments = [], set()
    for a in said.json:
        period = Period(date.fromisoformat(a["from"]), date.fromisoformat(a["until"]), a["grain"])
        segment = {dimension: _label(value) for dimension, value in a["segment"].items()}
        segments.add((a["metric"], period, *segment.values()))
        mine = answer(reading, a["metric"], period, (*by, *where), (*segment.values(), *where.values()) if by or where else None)
        told = f"{a['metric']} of {a['grain']} {a['from']} {segment} {' '.join(words[4:])}"
        if not _same(mine.value, a["value"]) or mine.complete != a["complete"]:
            found.append(f"{told}: {mine.value} ({mine.complete}), not {a['value']} ({a['complete']}), {a['parts']} {a['notes']}")
        if a["value"] is None and not a["notes"]:
            found.append(f"{told}: no value and no word why")
    if len(by) == 1 and not where:
        for name, period in {(a[0], a[1]) for a in segments}:
            for dims, adds in reading.rows(name, period) if hasattr(reading, f"m_{name}") else ():
                value = dims[by[0]]
                if adds and any((name, period, v) not in segments for v in (value if isinstance(value, frozenset) else {value})):
                    found.append(f"{name} of {period}: no row for {value}")
    return found


def _label(value: str) -> str | None:
    return None if value == "(not set)" else value


def _same(mine: Any, told: int | Decimal | None) -> bool:
    if mine is None or told is None:
        return mine is told
    return abs(float(mine) - float(told)) <= 1e-6 * max(1.0, abs(float(mine)))
