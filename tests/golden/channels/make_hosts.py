"""Makes `src/fari/marks/data/hosts.csv` of the public lists in this folder: run it after replacing one of them.

The README beside that file says what its names mean.
Where lists disagree: AI assistants, then Google's categories, then Matomo's social sites, then its search engines.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[2] / "src" / "fari" / "marks" / "data" / "hosts.csv"

HOMES = frozenset(
    """blog.com blogg.no blogger.com blogs.com blogspot.com canalblog.com care.com centerblog.net cocolog-nifty.com edublogs.org exblog.jp fc2.com
    livedoor.com ning.com over-blog.com overblog.com posterous.com rtl.de tencent.com
    typepad.com unblog.fr vg.no weebly.com wordpress.com wordpress.org""".split()
)
"""Social by Google's list, but what lies below them is other people's sites: the host alone counts."""

LEFT_OUT = {
    "checkout.stripe.com": "a payment page is never where a visit began",
    "s3.amazonaws.com": "anyone's files",
    "stripe": "a payment page is never where a visit began",
    "stripe.com": "a payment page is never where a visit began",
}
"""Of Google's categories, and why."""

NOT_SEARCH = {
    "cnn.com": "a newspaper with a search box",
    "digg.com": "social by the other list",
    "facebook.com": "social by the two other lists",
    "friendfeed.com": "social by the other list",
}
"""Of Matomo's search engines, and why."""


def matomo(name: str) -> Iterator[str]:
    """The hosts of one of Matomo's lists, which nest hosts under a brand, or under `urls:` beside other lists."""
    in_urls = name != "SearchEngines"
    for line in (HERE / f"matomo_{name}.yml").read_text(encoding="utf-8").splitlines():
        if line.strip().endswith(":") and name == "SearchEngines":
            in_urls = line.strip() == "urls:"
        item = re.fullmatch(r"\s+- ['\"]?(.+?)['\"]?", line)
        if item and in_urls and "/" not in item[1]:
            yield item[1].lower().removeprefix("www.")


def velir() -> Iterator[tuple[str, str]]:
    """Google's source categories: source and kind."""
    with (HERE / "velir_ga4_source_categories.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["source"].strip().lower(), row["source_category"].removeprefix("SOURCE_CATEGORY_").lower()


def engine(host: str) -> str:
    """A search engine's host in our form: what stands before or after `{}` is any label or any country.

    >>> engine("{}.ask.com"), engine("images.yandex.{}"), engine("bing.com")
    ('.ask.com', 'images.yandex.*', 'bing.com')
    """
    return host.rpartition("{}")[2] if "{}." in host else host.replace("{}", "*")


def made() -> dict[str, str]:
    """Every name with its kind, without what a name above it already says."""
    kinds = {engine(host): "search" for host in matomo("SearchEngines") if host not in NOT_SEARCH}
    brands = [(host, "social") for host in matomo("Socials")]
    for source, kind in velir():
        if "." in source and kind != "search" and source not in HOMES:
            brands.append((source, kind))
        else:
            kinds[source] = kind
    brands += [(host, "ai") for host in matomo("AIAssistants")]
    for host, kind in brands:
        kinds.pop(host, None)
        kinds[f".{host}"] = kind
    return {name: kind for name, kind in sorted(kinds.items()) if name.removeprefix(".") not in LEFT_OUT and kind != _above(name, kinds)}


def _above(name: str, kinds: dict[str, str]) -> str | None:
    """What is already said of a host by those above it."""
    host = name.removeprefix(".")
    if "." not in host:
        return None
    labels = host.split(".")
    above = [f".{'.'.join(labels[n:])}" for n in range(len(labels))]
    return next((kinds[parent] for parent in above if parent in kinds and parent != name), None)


def text() -> str:
    """The file."""
    return "name,kind\n" + "".join(f"{name},{kind}\n" for name, kind in made().items())


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8", newline="\n")
