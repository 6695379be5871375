"""The one verdict that is taken from Fari: the channel of a landing, which has golden files of its own."""

from urllib.parse import parse_qsl, urlsplit

from .company import Landing, Place

CLICK_IDS = frozenset("""gclid gbraid wbraid gad_source dclid msclkid fbclid ttclid twclid li_fat_id rdt_cid epik scid yclid ob_click_id""".split())


def fari_place() -> Place:
    """Fari's own channel rules, as a function of a landing."""
    from fari.company import Company
    from fari.marks.channels import Touch, place

    company = Company()

    def channel(landing: Landing) -> str:
        names = sorted(f"{name}={value}" if name == "gad_source" else name for name, value in _query(landing.url) if name in CLICK_IDS)
        source, medium, campaign = landing.source or None, landing.medium or None, landing.campaign or None
        touch = Touch(_host(landing.url), _host(landing.referrer), source, medium, campaign, ",".join(names) or None)
        return str(place(touch, company).channel)

    return channel


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)


def _host(url: str) -> str | None:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return host or None
