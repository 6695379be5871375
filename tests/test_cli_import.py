"""`fari import`, `imports` and `undo`: every row accounted for, one bad file never loses the good ones."""

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from tests.commands import Fari, Said, write_project

SPEND = """day,channel,amount,currency
2025-01-01,Email,10.50,EUR
2025-01-02,Email,ten,EUR
2025-13-01,Email,4.25,EUR
2025-01-04,Email,20,EUR
"""


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    write_project(tmp_path)
    return Fari(capsys, tmp_path)


def put(fari: Fari, name: str, text: str | bytes) -> str:
    (fari.here / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def spend(fari: Fari, period: str = "2025-01", *options: str) -> Decimal | None:
    answer = fari("metrics", "spend", "--from", period, "--to", period, "--format", "json", *options).json[0]
    return None if answer["value"] is None else Decimal(answer["value"])


def counts(said: Said) -> list[tuple[int, ...]]:
    return [tuple(file[name] for name in ("read", "new", "changed", "unchanged", "withdrawn", "rejected")) for file in said.json["files"]]


def test_the_report_of_a_file_with_bad_rows(fari: Fari) -> None:
    said = fari("import", put(fari, "s.csv", SPEND), "--json")
    assert (said.status, said.err) == (0, "")
    [file] = said.json["files"]
    assert list(said.json) == ["import_id", "dry_run", "files"]
    assert {name: file[name] for name in ("file", "format", "error", "read", "new", "changed", "unchanged", "rejected")} == {
        "file": "s.csv", "format": "spend", "error": None, "read": 4, "new": 2, "changed": 0, "unchanged": 0, "rejected": 2,
    }  # fmt: skip
    assert file["tables"] == {"spend": {"new": 2, "changed": 0, "unchanged": 0, "withdrawn": 0}}
    assert [(p["line"], p["column"], p["value"], p["refused"]) for p in file["problems"]] == [
        (3, "amount", "ten", True),
        (4, "day", "2025-13-01", True),
    ]
    assert all(p["what"] and p["mend"] for p in file["problems"])
    [totals] = file["totals"].values()
    assert {name: Decimal(value) for name, value in totals.items()} == {
        "file": Decimal("34.75"),
        "stored": Decimal("30.5"),
        "rejected": Decimal("4.25"),
    }
    assert spend(fari) == Decimal("30.5")


def test_the_report_in_words(fari: Fari) -> None:
    said = fari("import", put(fari, "s.csv", SPEND))
    assert said.status == 0
    assert said.out.splitlines()[:2] == ["s.csv (spend)", "  4 rows read: 2 new, 0 changed, 0 unchanged, 2 rejected"]
    assert "  rejected: line 3: amount is not a number: 'ten' (write a decimal number such as 1234.56)" in said.out.splitlines()
    assert "  spend.amount EUR: 34.75 in the file = 30.50 stored + 4.25 rejected" in said.out.splitlines()
    assert "`fari undo " in said.err
    assert "nothing new" in fari("import", "s.csv").err


def test_many_rejected_rows_are_counted_and_written_on_request(fari: Fari) -> None:
    bad = "".join(f"2025-01-01,Email,{letter},EUR\n" for letter in "abcdefgh")
    put(fari, "s.csv", f"day,channel,amount,currency\n{bad}")
    said = fari("import", "s.csv", "--dry-run")
    assert said.out.count("  rejected: line ") == 5
    assert "  rejected: and 3 more (--json lists all, --rejects FILE writes them as CSV)" in said.out
    said = fari("import", "s.csv", "--dry-run", "--rejects", "bad.csv")
    with (fari.here / "bad.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["table"], row["line"], row["value"]) for row in rows] == [
        ("s.csv", "spend", str(n), c) for n, c in enumerate("abcdefgh", 2)
    ]


def test_importing_twice_adds_nothing_and_a_correction_replaces(fari: Fari) -> None:
    put(fari, "s.csv", SPEND)
    first = fari("import", "s.csv", "--json")
    again = fari("import", "s.csv", "--json")
    assert (counts(first), counts(again)) == ([(4, 2, 0, 0, 0, 2)], [(4, 0, 0, 2, 0, 2)])
    assert again.json["import_id"] is None
    corrected = fari("import", put(fari, "s2.csv", "day,channel,amount,currency\n2025-01-01,Email,11,EUR\n"), "--json")
    assert counts(corrected) == [(1, 0, 1, 0, 0, 0)]
    assert spend(fari) == 31
    fari("import", put(fari, "s3.csv", "day,channel,amount,currency\n2025-01-01,Email,5,EUR\n"), "--append")
    assert spend(fari) == 36


def test_replace_withdraws_what_the_file_no_longer_has(fari: Fari) -> None:
    put(fari, "s.csv", "day,channel,amount,currency\n2025-01-01,Email,1,EUR\n2025-01-02,Email,2,EUR\n2025-01-03,Email,4,EUR\n")
    fari("import", "s.csv")
    said = fari("import", "--replace", put(fari, "s2.csv", "day,channel,amount,currency\n2025-01-01,Email,1,EUR\n2025-01-03,Email,4,EUR\n"))
    assert "1 withdrawn" in said.out
    assert spend(fari) == 5


def test_a_dry_run_stores_nothing(fari: Fari) -> None:
    said = fari("import", put(fari, "s.csv", SPEND), "--dry-run")
    assert said.status == 0
    assert "2 new" in said.out
    assert "nothing was stored" in said.err
    assert fari("imports", "--json").json == []


def test_one_bad_file_does_not_lose_the_good_ones(fari: Fari) -> None:
    put(fari, "s.csv", SPEND)
    put(fari, "menu.csv", "soup,price\nminestrone,8\n")
    put(fari, "empty.csv", "")
    put(fari, "cut.xlsx", b"PK\x03\x04 this is no workbook")
    put(fari, "cut.parquet", b"PAR1 neither is this")
    put(fari, "picture.csv", bytes(range(256)))
    put(fari, "broken.csv.gz", b"\x1f\x8b\x08 no gzip")
    put(fari, "cut.json", '[{"id": "sub_1", "object": "subscription"')
    (fari.here / "folder.csv").mkdir()
    names = ["menu.csv", "empty.csv", "s.csv", "cut.xlsx", "cut.parquet", "picture.csv", "broken.csv.gz", "missing.csv", "cut.json", "folder.csv"]
    said = fari("import", *names)
    assert said.status == 1
    assert said.out.startswith("s.csv (spend)\n  4 rows read: 2 new")
    complaints = [line for line in said.err.splitlines() if line.startswith("fari: ")]
    assert len(complaints) == len(names) - 1
    for name, complaint in zip([n for n in names if n != "s.csv"], complaints, strict=True):
        assert name in complaint
    assert "soup" in complaints[0]
    assert spend(fari) == Decimal("30.5")
    told = fari("import", *names, "--json")
    assert told.status == 1
    assert [file["file"] for file in told.json["files"] if file["error"] is None] == ["s.csv"]
    [act] = fari("imports", "--json").json
    assert [file["file"] for file in act["files"]] == ["s.csv"]


def test_a_file_of_no_known_format_says_what_is_missing_and_stores_nothing(fari: Fari) -> None:
    said = fari("import", put(fari, "spent.csv", "day,until,channel,campaign,kind,purpose,currency,platform\n2025-01-01,,Email,x,ads,acquire,EUR,\n"))
    assert said.status == 1
    assert "spend" in said.complaint
    assert "amount" in said.complaint
    assert fari("imports", "--json").json == []


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--as", "spendd"], "did you mean 'spend'"),
        (["--append", "--replace"], "one of them"),
        (["--recorded", "yesterday"], "2025-03-31"),
        (["--recorded", "2999-01-01"], "has not come yet"),
        (["--covers", "2025-01"], "FROM..UNTIL"),
        (["--covers", "2025-02-01..2025-01-01"], "ends after it begins"),
        (["--covers", "2025-01-01..later"], "not 'later'"),
        (["--source", " "], "a name"),
    ],
)
def test_wrong_usage(fari: Fari, options: list[str], hint: str) -> None:
    said = fari("import", put(fari, "s.csv", SPEND), *options)
    assert said.status == 2
    assert hint in said.complaint
    assert fari("imports", "--json").json == []


def test_covers_makes_a_zero_of_what_was_unknown(fari: Fari) -> None:
    put(fari, "s.csv", "day,channel,amount,currency\n2025-02-10,Email,1,EUR\n")
    fari("import", "s.csv")
    assert spend(fari, "2025-01") is None
    fari("import", put(fari, "t.csv", "day,channel,amount,currency\n2025-02-11,Email,1,EUR\n"), "--covers", "2025-01-01..2025-03-01")
    assert [spend(fari, "2025-01"), spend(fari, "2025-02")] == [0, 2]


def test_recorded_dates_the_knowledge(fari: Fari) -> None:
    fari("import", put(fari, "s.csv", "day,channel,amount,currency\n2025-01-01,Email,10,EUR\n"), "--recorded", "2025-02-01")
    fari("import", put(fari, "t.csv", "day,channel,amount,currency\n2025-01-01,Email,12,EUR\n"), "--recorded", "2025-03-01")
    assert [spend(fari, "2025-01", *as_of) for as_of in (["--as-of", "2025-01-31"], ["--as-of", "2025-02-28"], ["--as-of", "2025-03-01"], [])] == [
        None, 10, 12, 12,
    ]  # fmt: skip


def test_sources_are_kept_apart(fari: Fari) -> None:
    put(fari, "s.csv", "day,channel,amount,currency\n2025-01-01,Email,10,EUR\n")
    fari("import", "s.csv", "--source", "agency")
    fari("import", "s.csv", "--source", "own")
    assert spend(fari) == 20


def test_undo_takes_back_and_is_told(fari: Fari) -> None:
    fari("import", put(fari, "s.csv", "day,channel,amount,currency\n2025-01-01,Email,10,EUR\n"))
    second = fari("import", put(fari, "t.csv", "day,channel,amount,currency\n2025-01-01,Email,12,EUR\n"), "--json").json["import_id"]
    said = fari("undo", second)
    assert (said.status, said.out) == (0, "")
    assert second in said.err
    assert spend(fari) == 10
    assert [bool(one["undone_at"]) for one in fari("imports", "--json").json] == [False, True]
    assert fari("imports").out.count("undone") == 1
    again = fari("undo", second)
    assert again.status == 1
    assert "undone already" in again.complaint
    unknown = fari("undo", "nonsense")
    assert unknown.status == 1
    assert "`fari imports`" in unknown.complaint


def test_imports_lists_what_there_is(fari: Fari) -> None:
    put(fari, "s.csv.gz", gzip.compress(SPEND.encode()))
    fari("import", "s.csv.gz", "subscriptions.csv", "--recorded", "2025-06-01")
    [one] = fari("imports", "--json").json
    assert one["recorded_on"] == "2025-06-01"
    assert [(file["file"], file["read"], file["rejected"]) for file in one["files"]] == [("s.csv.gz", 4, 2), ("subscriptions.csv", 3, 0)]
    assert one["totals"]["s.csv.gz"] == {"spend.amount EUR": {"file": Decimal("34.75"), "stored": Decimal("30.5"), "rejected": Decimal("4.25")}}
    said = fari("imports")
    assert one["import_id"] in said.out
    assert "s.csv.gz, subscriptions.csv" in said.out
    assert "spend.amount EUR 30.50" in said.out
