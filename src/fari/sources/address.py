"""A web address taken apart once, at import: host, path, campaign tags and the names of click ids. The rest is not kept."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

CLICK_IDS = frozenset(
    "gclid gbraid wbraid gad_source dclid msclkid fbclid ttclid twclid li_fat_id rdt_cid epik sccid scid yclid ob_click_id srsltid".split()
)
"""Click-id parameters of the ad platforms (research/visitors.md 2.5)."""

_TAGS = {
    "utm_source": ("utm_source", "mtm_source", "pk_source"),
    "utm_medium": ("utm_medium", "mtm_medium", "pk_medium"),
    "utm_campaign": ("utm_campaign", "mtm_campaign", "pk_campaign", "pk_cpn", "matomo_campaign", "piwik_campaign"),
    "utm_term": ("utm_term", "mtm_keyword", "pk_keyword", "pk_kwd"),
    "utm_content": ("utm_content", "mtm_content", "pk_content"),
}


class Address(NamedTuple):
    """What is kept of a page's address."""

    host: str | None = None
    path: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_ids: str | None = None


def host_of(url: str | None) -> str | None:
    """The host of a URL or bare host: lower case, without `www.`, port or user.

    >>> host_of("https://www.Google.com:443/search?q=fari"), host_of("t.co"), host_of("")
    ('google.com', 't.co', None)
    """
    if not url or not url.strip():
        return None
    text = url.strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        return None
    host = (host or "").lower().rstrip(".").removeprefix("www.")
    return host or None


def take_apart(url: str | None) -> Address:
    """The parts of a page's address that are kept. Tags are read from the query and the fragment.

    >>> page = take_apart("https://www.acme.com/Pricing/?utm_source=News&utm_medium=email&gclid=x&gad_source=1#a")
    >>> page.host, page.path, page.utm_source, page.utm_medium, page.click_ids
    ('acme.com', '/Pricing/', 'News', 'email', 'gad_source=1,gclid')
    """
    if not url:
        return Address()
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return Address()
    query = parts.query
    if "=" in parts.fragment:
        query = f"{query}&{parts.fragment.rpartition('?')[2]}"
    found: dict[str, str] = {}
    if "=" in query:
        for name, value in parse_qsl(query):
            found.setdefault(name.lower(), value)
    clicks = sorted(f"{name}={value}" if name == "gad_source" else name for name, value in found.items() if name in CLICK_IDS)
    tags = {tag: next((found[name] for name in names if found.get(name)), None) for tag, names in _TAGS.items()}
    host = host_of(url) if "//" in url else None
    return Address(host, parts.path or ("/" if host else None), click_ids=",".join(clicks) or None, **tags)
