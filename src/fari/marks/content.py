"""The type of a page by its path: blog, docs, pricing, whatever `[content]` of fari.toml names."""

import re
from functools import cache

OTHER = "other"
"""The type of pages that no pattern matches."""

_LANGUAGE = re.compile(r"/[a-z]{2}(?:[-_][a-z]{2,4})?(?=/|$)", re.IGNORECASE)
"""A first folder that may be a language: /it, /en-us, /pt_BR, /zh-hans."""


def content_of(path: str | None, rules: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """The first type with a pattern that matches the path, else `other`.

    >>> rules = (("blog", ("/blog*", "/post/*")), ("product", ("/product*",)))
    >>> [content_of(path, rules) for path in ("/Blog", "/blog/x", "/it/blog", "/blogger-tools", "/post/1", "/products", None)]
    ['blog', 'blog', 'blog', 'other', 'blog', 'product', 'other']
    """
    return next((kind for kind, patterns in rules if matches(path, patterns)), OTHER)


def matches(path: str | None, patterns: tuple[str, ...]) -> bool:
    """Whether a path matches one of the patterns, with or without a language as its first folder; upper and lower case are one.

    `*` is any text and `?` any sign. A `*` at the end of a word is that word, its plural and what lies below: `/product*` matches /product,
    /products, /product/tour and /product-tour, not /productivity. `/post/*` matches what lies below /post/.

    >>> matches("/en-us/Pricing", ("/pricing*",)), matches("/pricing", ("/pricing/*",)), matches("/docs/api.html", ("*.html",))
    (True, False, True)
    """
    text = "/" + (path or "").strip().lstrip("/")
    if not path:
        return False
    wanted = _pattern(patterns)
    if wanted.fullmatch(text):
        return True
    language = _LANGUAGE.match(text)
    return language is not None and wanted.fullmatch(text[language.end() :] or "/") is not None


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_glob, patterns)) or "(?!)", re.IGNORECASE | re.DOTALL)


def _glob(pattern: str) -> str:
    text = re.escape(pattern.strip()).replace(r"\*", ".*").replace(r"\?", ".")
    # A word ends where no letter or digit follows it.
    return re.sub(r"(?<=\w)\.\*$", r"s?(?:(?![^\\W_]).*)?", text)
