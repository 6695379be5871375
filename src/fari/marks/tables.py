"""The marks as tables: each function is given distinct values and returns one row of verdicts for each."""

from collections.abc import Iterable

from fari.company import Company
from fari.marks.agents import judge
from fari.marks.channels import Touch, place
from fari.marks.content import content_of, matches

SCHEMAS: dict[str, dict[str, str]] = {
    "agents": {"user_agent": "string", "bot": "string", "agent_device": "string"},
    "contents": {"path": "string", "content": "string"},
    "touches": {
        "touch_no": "int64",
        **dict.fromkeys(("host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "click_ids"), "string"),
        "channel": "string", "rule": "string", "campaign": "string",
    },
    "worth": {"type": "string", "name": "string", "path": "string", "gave": "int64", "rule_no": "int64", "points": "decimal(18,6)"},
    "persons": {"id": "string", "person": "string", "rule": "string"},
    "devices": {"anonymous_id": "string", "from_at": "timestamp", "until_at": "timestamp", "person": "string"},
    "internals": {"internal_person": "string"},
    "account_ids": {"id": "string", "account": "string", "rule": "string"},
    "members": {"person": "string", "account": "string", "place": "int64"},
    "known_since": {"person": "string", "known_at": "timestamp", "known_day": "int32"},
}  # fmt: skip
"""Columns of each mark table, by Ibis type names."""

IDENTITY = ("persons", "devices", "internals", "account_ids", "members", "known_since")
"""The tables that `fari.marks.identity` makes in one go."""


def agents(company: Company, user_agents: Iterable[tuple[str]]) -> list[tuple[object, ...]]:
    """Which user agents are bots, by which pattern, and what device the others are."""
    rows: list[tuple[object, ...]] = []
    for (text,) in user_agents:
        agent = judge(text)
        rows.append((text, agent.bot, agent.device))
    return rows


def contents(company: Company, page_paths: Iterable[tuple[str]]) -> list[tuple[object, ...]]:
    """The content type of each path."""
    return [(path, content_of(path, company.content)) for (path,) in page_paths]


def touches(company: Company, landings: Iterable[tuple[str | None, ...]]) -> list[tuple[object, ...]]:
    """The channel each landing is placed in, and by which rule; numbered, so that visits need carry one number."""
    rows: list[tuple[object, ...]] = []
    for number, landing in enumerate(sorted(landings, key=lambda landing: [value or "" for value in landing])):
        verdict = place(Touch(*(value or None for value in landing)), company)
        rows.append((number, *landing, verdict.channel, verdict.rule, verdict.campaign))
    return rows


def worth(company: Company, acted: Iterable[tuple[str, str, str, int]]) -> list[tuple[object, ...]]:
    """The scoring rules each kind of action earns points by."""
    rows: list[tuple[object, ...]] = []
    for kind, name, path, gave in acted:
        for number, rule in enumerate(company.scoring.points):
            by_event = kind == "track" and name in rule.event
            by_page = kind == "page" and bool(rule.page) and matches(path, rule.page)
            by_trait = rule.trait == "email" and gave == 1
            if by_event or by_page or by_trait:
                rows.append((kind, name, path, gave, number, rule.points))
    return rows
