"""Which table a file is of: its header decides; where it cannot, the error says what is near and how to say it."""

from pathlib import Path

import pytest
from tests.books import Book, csv
from tests.projects import company

from fari.company import Company
from fari.errors import FariError
from fari.ledger.schema import TABLES
from fari.sources.file import File, open_file
from fari.sources.importing import choose, formats, vendors


def chosen(folder: Path, header: str, as_: str | None = None, whose: Company | None = None) -> tuple[str, object]:
    """The format and the table a header is read as."""
    name, reader, _ = choose(opened(folder, header), whose or Company(), as_)
    return name, reader if isinstance(reader, str) else None


def opened(folder: Path, header: str) -> File:
    path = folder / "file.csv"
    path.write_text(f"{header}\n")
    return open_file(path)


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"events"}))
@pytest.mark.parametrize("which", ["all columns", "required columns", "reversed", "upper case"])
def test_a_contract_file_is_never_taken_for_a_vendor_s(tmp_path: Path, table: str, which: str) -> None:
    columns = [column.name for column in TABLES[table].columns if which != "required columns" or column.required]
    if table == "feedback" and which == "required columns":
        columns.append("person_id")
    header = ",".join(reversed(columns) if which == "reversed" else columns)
    assert chosen(tmp_path, header.upper() if which == "upper case" else header) == ("contract", table)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("account_id,name", "accounts"),
        ("account_id,name,person_id", "people"),
        ("person_id,account_id,stage,at", "stages"),
        ("person_id,account_id,kind,at", "feedback"),
        ("person_id,stage,at,kind,value,text", "feedback"),
        ("deal_id,created_at,status,account_id,person_id", "deals"),
        ("day,amount,currency", "spend"),
    ],
)
def test_the_table_with_most_of_its_own_columns_wins(tmp_path: Path, header: str, expected: str) -> None:
    assert chosen(tmp_path, header) == ("contract", expected)


@pytest.mark.parametrize(
    ("header", "tables"),
    [
        ("person_id,stage,at,kind", ("feedback", "stages")),
        ("day,name,value,currency,rate", ("rates", "series")),
        ("account_id,name,created_at,country,industry,person_id", ("accounts", "people")),
    ],
)
def test_a_tie_names_both_and_as_decides(tmp_path: Path, header: str, tables: tuple[str, str]) -> None:
    with pytest.raises(FariError, match=f"file.csv fits the tables {tables[0]} and {tables[1]} equally well: say which with --as"):
        chosen(tmp_path, header)
    assert [chosen(tmp_path, header, table) for table in tables] == [("contract", table) for table in tables]


@pytest.mark.parametrize(
    "header",
    [
        "type,timestamp,anonymousId",
        "TYPE,Timestamp,user_id,event",
        "type,original_timestamp,message_id,context_page_url",
        "type,timestamp,context",
        "type,timestamp,userId,name,properties,traits,person_id",
    ],
)
def test_events_are_known_by_their_own_columns(tmp_path: Path, header: str) -> None:
    assert chosen(tmp_path, header)[0] == "segment"


def test_feedback_needs_to_say_of_whom(tmp_path: Path) -> None:
    with pytest.raises(FariError, match="fits no format"):
        chosen(tmp_path, "at,kind,value")


@pytest.mark.parametrize(
    ("header", "closest", "missing"),
    [
        ("day,channel,amount", "spend", "currency"),
        ("deal_id,status,amount", "deals", "created_at"),
        ("month,ours,volume", "searches", "brand"),
        ("stage,at,actor", "stages", "person_id"),
        ("kind,to_id", "aliases", "from_id"),
    ],
)
def test_a_file_that_fits_nothing_names_the_closest_and_what_is_missing(tmp_path: Path, header: str, closest: str, missing: str) -> None:
    with pytest.raises(FariError, match=f"file.csv fits no format Fari knows; the closest is '{closest}', of which it lacks {missing} "):
        chosen(tmp_path, header)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("subscription_id,account_id,starts_on,amount,interval", "has subscription_id, starts_on, interval as subscriptions do, but lacks currency"),
        ("deal_id,account_id,person_id,name,amount,status", "has deal_id as deals do, but lacks created_at"),
    ],
)
def test_a_file_that_lacks_a_column_is_not_taken_for_another_table(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(FariError, match=said):
        chosen(tmp_path, header)
    assert chosen(tmp_path, header, "accounts") == ("contract", "accounts")


def test_a_column_of_another_table_does_no_harm(tmp_path: Path) -> None:
    assert chosen(tmp_path, "person_id,email,name,status,amount,currency,created_at,brand") == ("contract", "people")


def test_columns_of_other_names_are_proposed_and_as_accepts_them(tmp_path: Path) -> None:
    book = Book(tmp_path)
    text = csv("Date,Spent,Ccy,Channel name,Remark", "2025-01-01,5,EUR,Email,x")
    with pytest.raises(FariError) as refused:
        book.bring("costs.csv", text)
    assert "the closest is 'spend'" in str(refused.value)
    assert "day = 'Date'" in str(refused.value)
    assert "--as spend; to choose others: [mapping.spend]" in str(refused.value)
    report = book.bring("costs.csv", text, as_="spend")
    assert book.rows("spend", "day amount currency channel attributes") == [("2025-01-01", "5.000000", "EUR", "Email", '{"remark":"x"}')]
    assert any("Spent -> amount" in why for why in report.skipped)


def test_as_that_cannot_be_names_what_has_no_column(tmp_path: Path) -> None:
    with pytest.raises(FariError, match=r"cannot be read as spend: no column for currency .*name them under \[mapping\.spend\]"):
        chosen(tmp_path, "date,cost", "spend")


def test_as_of_an_unknown_format_has_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(FariError, match=r"unknown format 'spent'; did you mean 'spend'\?"):
        chosen(tmp_path, "day,amount,currency", "spent")


def test_every_format_can_be_said(tmp_path: Path) -> None:
    assert {*TABLES, *vendors(), "segment"} == set(formats())
    assert chosen(tmp_path, "type,timestamp,userId", "events")[0] == "segment"


MAPPED = {"spend": {"day": "Giorno", "amount": "Importo lordo", "currency": "Valuta", "channel": "Canale"}}


def test_a_mapping_in_fari_toml_is_taken_without_as(tmp_path: Path) -> None:
    book = Book(tmp_path, company(mapping=MAPPED))
    report = book.bring("c.csv", csv("giorno,Importo lordo,Valuta,Canale,Nota", "2025-01-01,5,EUR,Email,x", "2025-01-02,5,EUR,,"))
    assert (report.format, report.rejected) == ("spend", 0)
    assert book.rows("spend", "day channel attributes") == [("2025-01-01", "Email", '{"nota":"x"}'), ("2025-01-02", None, None)]


def test_a_mapping_does_not_stand_in_the_way_of_the_table_s_own_names(tmp_path: Path) -> None:
    book = Book(tmp_path, company(mapping=MAPPED))
    assert book.bring("c.csv", csv("day,amount,currency", "2025-01-01,5,EUR")).rejected == 0
    assert book.bring("d.csv", csv("day,amount,currency", "2025-01-02,5,EUR"), as_="spend").rejected == 0


def test_a_mapping_that_lacks_a_needed_column_is_refused_before_any_row(tmp_path: Path) -> None:
    book = Book(tmp_path, company(mapping={"spend": {"day": "Giorno", "amount": "Importo"}}))
    for as_ in (None, "spend"):
        with pytest.raises(FariError, match="no column for currency"):
            book.bring("c.csv", csv("Giorno,Importo", "2025-01-01,5"), as_=as_)


def test_a_vendor_file_is_known_by_its_header_and_kept_under_its_name(tmp_path: Path) -> None:
    book = Book(tmp_path)
    report = book.bring("g.csv", csv("Day,Campaign,Currency code,Cost", "2025-01-03,Brand,EUR,12.50"))
    assert (report.format, report.source) == ("google_ads", "google_ads")
    report = book.bring("g.csv", csv("Day,Campaign,Currency code,Cost", "2025-01-03,Brand,EUR,12.50"), source="agency")
    assert (report.format, report.source) == ("google_ads", "agency")


def test_two_vendors_that_both_know_a_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    google, hubspot = vendors()["google_ads"], vendors()["hubspot_deals"]
    for module in (google, hubspot):
        monkeypatch.setattr(module, "recognises", lambda file: True)
    with pytest.raises(FariError, match=r"file\.csv could be google_ads or hubspot_deals: say which with --as"):
        chosen(tmp_path, "a,b")
