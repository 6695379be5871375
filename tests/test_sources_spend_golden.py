"""Ad spend against other people's data: rows of three APIs, as a pipeline stores them, sum to what plain SQL says."""

from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest

from fari.company import Company
from fari.errors import FariError
from fari.ledger.problems import Problem
from fari.sources import google_ads
from fari.sources.file import open_file
from fari.sources.importing import vendors
from fari.sources.record import Item, Record

GOLDEN = Path(__file__).parent / "golden" / "fivetran-ad-reporting"
SETS = {
    "google_ads": ("google_ads_campaign_stats_data.csv", "231.33", "EUR", 16, 15),
    "meta_ads": ("facebook_ads_basic_ad_data.csv", "643.63", "EUR", 10, 10),
    "linkedin_ads": ("linkedin_ad_analytics_by_campaign_data.csv", "530.62", "USD", 20, 11),
}
"""Source: file, its total, the currency (the company's, where the file names none), its rows, those that cost something."""


def read(name: str) -> list[Item]:
    """Everything that source reads of its file."""
    return list(import_module(f"fari.sources.{name}").read(open_file(GOLDEN / SETS[name][0]), Company()))


@pytest.mark.parametrize("name", SETS)
def test_total(name: str) -> None:
    _, total, currency, rows, costly = SETS[name]
    records = [item for item in read(name) if isinstance(item, Record)]
    assert sum(Decimal(record.values["amount"] or "") for record in records) == Decimal(total)
    assert {record.values["currency"] for record in records} == {currency}
    assert {record.values["platform"] for record in records} == {name}
    assert len(records) == rows
    assert sum(record.values["amount"] != "0" for record in records) == costly


@pytest.mark.parametrize("name", SETS)
def test_only_a_guessed_currency_is_a_problem(name: str) -> None:
    problems = [item for item in read(name) if isinstance(item, Problem)]
    assert [(problem.column, problem.refused) for problem in problems] == ([] if name == "linkedin_ads" else [("currency", False)])


@pytest.mark.parametrize("name", SETS)
def test_is_recognised_by_its_own_source_alone(name: str) -> None:
    file = open_file(GOLDEN / SETS[name][0])
    assert [other for other, module in vendors().items() if module.recognises(file)] == [name]


def test_channels_follow_the_network_where_no_campaign_type_is_given() -> None:
    assert {item.values["channel"] for item in read("google_ads") if isinstance(item, Record)} == {"Paid Search"}


@pytest.mark.parametrize("name", SETS)
def test_a_file_of_another_kind_is_refused_in_words(name: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,email\nAnna,anna@example.com\n", encoding="utf-8")
    with pytest.raises(FariError, match=r"people\.csv is no .*: it needs the columns"):
        list(vendors()[name].read(open_file(path), Company()))


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1,234.50", "1234.5"), ('"1,234"', "1234"), ("1000000", "1000000"), ("0.5", "0.5")],
)
def test_a_cost_in_units_is_never_taken_for_micros(written: str, amount: str, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    cost = f'"{written}"' if "," in written and '"' not in written else written
    path.write_text(f"Day,Campaign,Currency code,Cost\n2025-01-01,Brand,EUR,{cost}\n", encoding="utf-8")
    records = [item for item in google_ads.read(open_file(path), Company()) if isinstance(item, Record)]
    assert [record.values["amount"] for record in records] == [amount]
