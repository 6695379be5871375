"""The graph of facts, read from the code: a public function of a module of fari.facts is a fact, its parameters are its inputs."""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

import fari.engine.given
import fari.facts
import fari.marks
from fari.ledger.store import current_sql, stored_columns

PARTED = frozenset(
    "page_views places day_edges seen_days cut_visits landings touches visits carried_visits abouts open_visits visit_pages visit_landings bot_days "
    "visit_days visitor_days visitor_weeks visitor_months visitor_content_days visitor_content_weeks visitor_content_months "
    "user_agents agents page_paths contents identify_pairs signup_events acted devices_here persons_here internals_here".split()
)
"""Built part by part, as their events are."""
INLINE = frozenset({"page_views", "terms", "held_terms"})
"""Never stored: what reads it takes its expression in."""
PASSING = frozenset({"places", "day_edges", "seen_days", "cut_visits", "abouts"})
"""Needed while others are built, then removed."""
BY_CONTENT = frozenset({"open_visits", "devices_here", "persons_here", "internals_here"})
"""Known to their readers by what is in them, so that a change that does not reach a part does not rebuild it."""
ASKED = {"agents": "user_agents", "contents": "page_paths", "touches": "landings", "worth": "acted"}
"""Which distinct values each mark judges."""
ASKED_OF_IDENTITY = ("identify_pairs", "shared_devices", "alias_targets", "contact_ids", "alias_rows", "used_ids")
"""What identity is decided from."""
_VISIT = {"kind": "string", "visitor": "string", "started_at": "timestamp"}
_ABOUT = dict.fromkeys(("channel", "rule", "campaign", "country", "device"), "string")
_WHOLE_VISIT = {**_VISIT, "day": "int32", "last_at": "timestamp", "last_day": "int32", "views": "int64", **_ABOUT}
BEFORE: dict[str, dict[str, str]] = {
    "open_visits": _WHOLE_VISIT,
    "visits": _WHOLE_VISIT,
    "carried_visits": _WHOLE_VISIT,
    "abouts": _ABOUT,
    "visit_days": {**_VISIT, "day": "int32", "content": "string", "seen_at": "timestamp", "views": "int64", **_ABOUT},
}
"""What a part takes from the part before it (`<name>_before`), and its columns for the first part, which has none."""
_OF_LEVELS = {"subscriptions": "subscription_levels", "deals": "won_levels", "stages": "stage_levels"}


@cache
def catalogue() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every fact: (module, inputs), read from the source of fari.facts without importing Ibis."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in sorted(Path(fari.facts.__path__[0]).glob("*.py")):
        if path.stem in ("periodic", "words"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name] = (f"fari.facts.{path.stem}", tuple(a.arg for a in node.args.args))
    return found


@cache
def code_digest() -> str:
    """A digest of all code that decides what facts hold."""
    digest = hashlib.sha256()
    for folder in (fari.facts.__path__[0], fari.marks.__path__[0]):
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".csv", ".toml"):
                digest.update(path.read_bytes())
    digest.update(Path(fari.engine.given.__file__).read_bytes())
    digest.update(json.dumps([[current_sql(t), stored_columns(t)] for t in ("events", "spend")]).encode())
    return digest.hexdigest()[:16]


def digest_of(*parts: object) -> str:
    """A short digest of plain values."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:20]


def resolve(name: str, customer_from: str) -> str:
    """The fact behind a name that depends on what makes a customer."""
    return _OF_LEVELS[customer_from] if name == "account_levels" else name


@cache
def rests_on_rules(name: str) -> bool:
    """Whether what a fact holds depends on the rule set.

    >>> rests_on_rules("levels"), rests_on_rules("visits")
    (True, False)
    """
    if name in ("rules", "intervals", "pieces"):
        return True
    return any(rests_on_rules(resolve(i, "subscriptions")) for i in catalogue()[name][1]) if name in catalogue() else False
