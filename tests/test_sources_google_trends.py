"""Share of search from a raw Google Trends export, against the figures its publisher and a second calculation found."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from fari.company import Company
from fari.ledger.problems import Problem
from fari.sources import google_trends
from fari.sources.file import open_file
from fari.sources.record import Item, Record

GOLDEN = Path(__file__).parent / "golden" / "google-trends"
PRIMA = Company(name="Prima")


def read(company: Company = PRIMA, path: Path = GOLDEN / "allianz_vs_prima_multiTimeline.csv") -> list[Item]:
    """Everything read of the export."""
    return list(google_trends.read(open_file(path), company))


def share(records: Iterable[Record]) -> Decimal:
    """Our searches over all searches."""
    volumes: dict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        volumes[record.values["ours"] or ""] += Decimal(record.values["volume"] or "")
    return volumes["true"] / sum(volumes.values())


def records(items: Iterable[Item]) -> list[Record]:
    """The records among the items."""
    return [item for item in items if isinstance(item, Record)]


def test_share_over_all_66_months() -> None:
    found = records(read())
    assert len({record.values["month"] for record in found}) == 66
    assert round(share(found), 6) == Decimal("0.155443")


@pytest.mark.parametrize(("year", "expected"), [("2020", "0.083645"), ("2025", "0.190141")])
def test_share_of_a_year(year: str, expected: str) -> None:
    assert round(share(record for record in records(read()) if (record.values["month"] or "").startswith(year)), 6) == Decimal(expected)


def test_share_of_every_month_is_the_publishers() -> None:
    by_month: dict[str, list[Record]] = defaultdict(list)
    for record in records(read()):
        by_month[record.values["month"] or ""].append(record)
    with (GOLDEN / "allianz_prima_sos.csv").open(newline="", encoding="utf-8") as file:
        published = {row["month"]: Decimal(row["sos_prima"]) for row in csv.DictReader(file)}
    assert {month: round(share(found), 6) for month, found in by_month.items()} == published


def test_our_brand_may_be_said_in_the_mapping() -> None:
    found = records(read(Company(name="Somebody", mapping={"google_trends": {"ours": "allianz"}})))
    assert {record.values["brand"] for record in found if record.values["ours"] == "true"} == {"Allianz"}


def test_a_file_without_our_brand_is_refused_with_one_problem() -> None:
    items = read(Company(name="Somebody"))
    assert [type(item) for item in items] == [Problem]
    assert isinstance(items[0], Problem)
    assert items[0].refused
    assert "[mapping.google_trends] ours" in items[0].mend


def test_a_name_that_begins_two_brands_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "multiTimeline.csv"
    path.write_text("Category: All categories\n\nMonth,Prima Assicurazioni: (Italy),Prima Industrie: (Italy)\n2025-01,3,4\n", encoding="utf-8")
    assert [type(item) for item in read(path=path)] == [Problem]
    assert len(records(read(Company(name="Prima Industrie SpA"), path))) == 2


def test_the_company_may_call_itself_longer_than_people_search() -> None:
    found = records(read(Company(name="Allianz SE")))
    assert {record.values["brand"] for record in found if record.values["ours"] == "true"} == {"Allianz"}
