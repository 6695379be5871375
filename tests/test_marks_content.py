from pathlib import Path

import pytest

from fari.company import Company, parse
from fari.marks.content import content_of, matches

RULES = (
    ("blog", ("/blog*", "/news*")),
    ("docs", ("/docs*", "/*.pdf")),
    ("pricing", ("/pricing*", "/plans*")),
    ("gated", ("/ebook*", "/resources/*")),
    ("product", ("/product*", "/feature-?", "/")),
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/blog", "blog"),
        ("/blog/", "blog"),
        ("/BLOG/Ten-Metrics", "blog"),
        ("/blog-archive", "blog"),
        ("/blog.html", "blog"),
        ("/blogs/x", "blog"),
        ("/blogger-tools", "other"),
        ("/blog2", "other"),
        ("/company/blog", "other"),
        ("/newsletter", "other"),
        ("/news/2025", "blog"),
        ("/products", "product"),
        ("/product/tour", "product"),
        ("/productivity", "other"),
        ("/resources/guide", "gated"),
        ("/resources", "other"),
        ("/files/terms.pdf", "docs"),
        ("/feature-a", "product"),
        ("/feature-ab", "other"),
        ("/", "product"),
        ("", "other"),
        (None, "other"),
        ("pricing", "pricing"),
        ("/it/blog", "blog"),
        ("/en-us/blog/x", "blog"),
        ("/pt_BR/pricing", "pricing"),
        ("/zh-hans/docs", "docs"),
        ("/it", "product"),
        ("/it/", "product"),
        ("/eng/blog", "other"),
        ("/en-us-x/blog", "other"),
        ("/it/en/blog", "other"),
        ("/caffè", "other"),
    ],
)
def test_content_of(path: str | None, kind: str) -> None:
    assert content_of(path, RULES) == kind


def test_the_first_type_wins() -> None:
    assert content_of("/blog/guide.pdf", RULES) == "blog"
    assert content_of("/blog/guide.pdf", RULES[1:]) == "docs"


def test_signs_of_regular_expressions_stand_for_themselves() -> None:
    assert matches("/a+b", ("/a+b",))
    assert not matches("/aab", ("/a+b",))
    assert not matches("/pricingx", ("/pricing.",))
    assert not matches("/x", ())


def test_a_word_with_letters_beyond_ascii_ends_where_they_end() -> None:
    assert matches("/café/menu", ("/café*",))
    assert not matches("/blogü", ("/blog*",))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/blog/x", "blog"),
        ("/guides", "docs"),
        ("/pricing", "pricing"),
        ("/ebooks/crm", "gated"),
        ("/reports", "gated"),
        ("/features/x", "product"),
        ("/about", "other"),
    ],
)
def test_content_as_shipped(path: str, kind: str) -> None:
    assert content_of(path, parse({}, Path("fari.toml")).content) == kind


def test_a_company_without_rules_has_only_other() -> None:
    assert content_of("/blog", Company().content) == "other"
