"""The channel of a touch: the company's own rules first, then those of `channel_rules.toml`, which repair GA4's default channel groups."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from fari.company import Company
from fari.errors import FariError, did_you_mean
from fari.marks.hosts import bare, host_kind, is_own, name_kind, rules_file


@dataclass(frozen=True)
class Touch:
    """What a page view tells of where it came from. `host` is the page's own."""

    host: str | None = None
    referrer_host: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    click_ids: str | None = None


class Verdict(NamedTuple):
    """The channel, the rule that decided and the campaign."""

    channel: str
    rule: str
    campaign: str | None


class Rule(NamedTuple):
    """One rule: where every fact in `when` has one of the values given, the channel is this one."""

    id: str
    channel: str
    says: str
    when: Mapping[str, frozenset[str]]


class _Source(NamedTuple):
    kind: str
    paid: bool = False


Labels = frozenset[str]
NONE: Labels = frozenset(("none",))

PLACES = ("search", "social", "video", "shopping", "display")
"""Where an ad can be bought."""

OWN_FIELDS = ("source", "medium", "campaign", "referrer", "host")
"""What a company's own rule may ask about."""

_BLANK = frozenset(("", "(none)", "(not set)", "(direct)", "(not provided)", "none", "null", "undefined", "$direct"))
"""What tools write where there is nothing."""

_OTHER_SIGNS = re.compile(r"[\W_]+")


def _values(wanted: str | list[str]) -> frozenset[str]:
    return frozenset((wanted,) if isinstance(wanted, str) else wanted)


RULES: tuple[Rule, ...] = tuple(
    Rule(rule["id"], rule["channel"], rule["says"], {fact: _values(wanted) for fact, wanted in rule["when"].items()}) for rule in rules_file()["rule"]
)
"""Every shipped rule in the order they are tried. A company's own are `own:1`, `own:2`, … and come first."""

CHANNELS: tuple[str, ...] = tuple(dict.fromkeys(rule.channel for rule in RULES))
"""Every channel a shipped rule can name."""


def place(touch: Touch, company: Company) -> Verdict:
    """The channel of a touch, and the rule that says so.

    >>> place(Touch("acme.com", "google.com"), Company())
    Verdict(channel='Organic Search', rule='search-referrer', campaign=None)
    >>> place(Touch("acme.com", utm_source="linkedin", utm_medium="cpm", utm_campaign="Spring"), Company())
    Verdict(channel='Paid Social', rule='paid-social', campaign='Spring')
    >>> place(Touch("acme.com", "checkout.stripe.com"), Company())
    Verdict(channel='Direct', rule='direct-payment', campaign=None)
    >>> place(Touch("acme.com", "news.partner.io"), Company(channels=(("Partners", (("referrer", "*.partner.io"),)),)))
    Verdict(channel='Partners', rule='own:1', campaign=None)
    """
    campaign, said = _campaign(touch.utm_campaign)
    if company.channels:
        values = _own_values(touch)
        for channel, name, patterns in _own_rules(company.channels):
            if all(pattern.fullmatch(values[field]) for field, pattern in patterns):
                return Verdict(channel, name, campaign)
    rule = _decide(
        _source(touch.utm_source),
        _medium(touch.utm_medium),
        said,
        _click(touch.click_ids),
        _referrer(touch.referrer_host, touch.host, company.hosts),
    )
    return Verdict(rule.channel, rule.id, campaign)


def says(rule: str, company: Company) -> str:
    """The sentence of a rule, the company's own included.

    >>> says("direct", Company())
    'It has no referrer, no tags and no click id.'
    >>> says("own:1", Company(channels=(("Partners", (("source", "acme*"), ("medium", "partner"))),)))
    "The company's own rule 1: source is acme*, medium is partner."
    """
    if rule.startswith("own:"):
        number = int(rule.removeprefix("own:"))
        asked = ", ".join(f"{field} is {pattern}" for field, pattern in company.channels[number - 1][1])
        return f"The company's own rule {number}: {asked}."
    return next(known.says for known in RULES if known.id == rule)


@cache
def _own_rules(channels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> tuple[tuple[str, str, tuple[tuple[int, re.Pattern[str]], ...]], ...]:
    """The company's rules: channel, id, and the patterns by the place of their field in `OWN_FIELDS`."""
    made = []
    for number, (channel, asked) in enumerate(channels, 1):
        patterns, where = dict(asked), f"[channels] rule {number} ({channel})"
        for field in patterns:
            if field not in OWN_FIELDS:
                raise FariError(f"{where} asks about '{field}'{did_you_mean(field, OWN_FIELDS)} (one of {', '.join(OWN_FIELDS)})")
        if not patterns:
            raise FariError(f"{where} asks about nothing, so it would take every visit; give it one of {', '.join(OWN_FIELDS)}")
        made.append((channel, f"own:{number}", tuple((OWN_FIELDS.index(field), _glob(pattern)) for field, pattern in patterns.items())))
    return tuple(made)


def _glob(pattern: str) -> re.Pattern[str]:
    """`*` is any text, `?` any sign. Brackets stand for themselves: campaigns are named `[IT] brand`."""
    text = re.escape(pattern.strip()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _own_values(touch: Touch) -> tuple[str, ...]:
    tags = ((tag or "").strip() for tag in (touch.utm_source, touch.utm_medium, touch.utm_campaign))
    return (*tags, bare(touch.referrer_host), bare(touch.host))


@cache
def _sayings(section: str) -> dict[str, re.Pattern[str]]:
    said: dict[str, str | list[str]] = rules_file()[section]
    return {label: re.compile(p if isinstance(p, str) else "|".join(p)) for label, p in said.items()}


def _words(text: str) -> str:
    """Lower case, every run of other signs one space.

    >>> _words("Paid_Social--UK ")
    'paid social uk'
    """
    return _OTHER_SIGNS.sub(" ", text.lower()).strip()


def _said(section: str, text: str) -> Iterator[str]:
    words = _words(text)
    return (label for label, pattern in _sayings(section).items() if pattern.search(words))


# Tags repeat from touch to touch, so each is judged once; what is left of a touch is then one of a few hundred combinations.


@lru_cache(maxsize=1 << 16)
def _medium(tag: str | None) -> Labels:
    text = (tag or "").strip()
    return NONE if text.lower() in _BLANK else frozenset(("some", *_said("medium", text)))


@lru_cache(maxsize=1 << 16)
def _campaign(tag: str | None) -> tuple[str | None, Labels]:
    text = (tag or "").strip()
    return (None, NONE) if text.lower() in _BLANK else (text, frozenset(("some", *_said("campaign", text))))


@lru_cache(maxsize=1 << 16)
def _source(tag: str | None) -> _Source:
    text = (tag or "").strip().lower()
    if text in _BLANK:
        return _Source("none")
    words = _words(text)
    for place_name, names in rules_file()["paid_source"].items():
        if words in names:
            return _Source(place_name, paid=True)
    if kind := name_kind(text) or name_kind(words):
        return _Source("unknown" if kind in ("payment", "signin", "site") else kind)
    if ad := re.fullmatch(r"(.*?)( ?)(?:ads?|adwords)", words):
        kind = name_kind(ad[1]) or name_kind(ad[1].replace(" ", ""))
        # fb-ads and fbads are Facebook's ads, acme-ads are ads of someone; threads and leads are none.
        if kind or ad[2] or not ad[1]:
            return _Source(kind or "unknown", paid=True)
    return _Source(next(_said("source", text), "unknown"))


@lru_cache(maxsize=1 << 12)
def _click(names: str | None) -> str:
    present = {name.strip().lower() for name in (names or "").split(",")}
    present |= {name.partition("=")[0] for name in present}
    return next((label for name, label in rules_file()["click"].items() if name in present), "none")


@lru_cache(maxsize=1 << 16)
def _referrer(host: str | None, page: str | None, own: tuple[str, ...]) -> str:
    referrer = bare(host)
    if not referrer:
        return "none"
    return "own" if is_own(referrer, page, own) else host_kind(referrer) or "site"


_PAID_CLICKS = frozenset(("search", "searcher", "social", "display", "ad"))
_NO_SITE = ("none", "own", "payment", "signin")


def _click_place(click: str, referrer: str, medium: Labels) -> str:
    """Where the ad of a click id was."""
    if click in ("social", "display"):
        return click
    if referrer in ("search", "video"):
        return referrer
    # A search engine's click id without a search page: its ads are on other sites too, and only those are paid by views.
    if click == "search" or (click == "searcher" and referrer in _NO_SITE and "cpm" not in medium):
        return "search"
    return "none"


def _ad_place(source: _Source, medium: Labels, click: str, referrer: str) -> str:
    """Where the ad was, if it was one: the source says, else the medium's words, else the click id, else the referrer."""
    if source.kind in PLACES:
        return source.kind
    for spot in ("social", "search", "video", "shopping", "display"):
        if spot in medium:
            return spot
    if click in _PAID_CLICKS:
        return _click_place(click, referrer, medium)
    if source.kind == "none" and referrer in PLACES:
        return referrer
    return {"shared": "social", "listed": "shopping"}.get(click, "none")


@lru_cache(maxsize=1 << 16)
def _decide(source: _Source, medium: Labels, campaign: Labels, click: str, referrer: str) -> Rule:
    paid: set[str] = set()
    if "banner" not in medium:
        paid = {name for name, says_so in (("medium", "paid" in medium), ("source", source.paid), ("click", click in _PAID_CLICKS)) if says_so}
    tagged = source.kind != "none" or medium != NONE
    facts: dict[str, Labels] = {
        "source": frozenset((source.kind,)),
        "medium": medium,
        "campaign": campaign,
        "click": frozenset((click,)),
        "referrer": frozenset((referrer,)),
        "paid": frozenset(paid) or NONE,
        "place": frozenset((_ad_place(source, medium, click, referrer),)),
        "tags": frozenset(("some",)) if tagged else NONE,
    }
    return next(rule for rule in RULES if all(facts[fact] & wanted for fact, wanted in rule.when.items()))
