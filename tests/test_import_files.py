"""Files as they come: every format, packing and encoding; and every way a file can be wrong."""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import pytest
from tests.books import Book, counts, csv, told

from fari.errors import FariError
from fari.sources.file import open_file

HEADER = ("day", "channel", "amount", "currency")
ROWS = (("2025-01-01", "Paid Search", "100.5", "EUR"), ("2025-01-02", "Café & Bar", "7", "USD"))
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STORED = [("2025-01-01", "Paid Search", "100.500000", "EUR"), ("2025-01-02", "Café & Bar", "7.000000", "USD")]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "My Projèct")


def delimited(mark: str) -> bytes:
    return "".join(mark.join(row) + "\n" for row in (HEADER, *ROWS)).encode()


def sheet(*rows: tuple[str, ...]) -> str:
    def cell(text: str) -> str:
        if text.replace(".", "", 1).isdigit():
            return f"<c><v>{text}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'


def excel(*sheets: str) -> bytes:
    """A workbook as Excel packs it, with no more than it must have."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    names = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in names)
    links = "".join(f'<Relationship Id="rId{n}" Type="{kinds}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in names)
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{main}.worksheet+xml"/>' for n in names)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<?xml version="1.0"?><Types xmlns="{packages}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>{types}</Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{packages}/relationships"><Relationship Id="r1" Type="{kinds}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<?xml version="1.0"?><workbook xmlns="{_MAIN}" xmlns:r="{kinds}"><sheets>{listed}</sheets></workbook>',
        )
        book.writestr("xl/_rels/workbook.xml.rels", f'<?xml version="1.0"?><Relationships xmlns="{packages}/relationships">{links}</Relationships>')
        for n, text in enumerate(sheets, 1):
            book.writestr(f"xl/worksheets/sheet{n}.xml", text)
    return out.getvalue()


def parquet(folder: Path, query: str) -> bytes:
    path = folder / "made.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def typed_rows(folder: Path) -> bytes:
    return parquet(
        folder,
        "SELECT DATE '2025-01-01' AS \"Day\", 'Paid Search' AS channel, CAST(100.5 AS DOUBLE) AS amount, 'EUR' AS currency "
        "UNION ALL SELECT DATE '2025-01-02', 'Café & Bar', 7, 'USD'",
    )


def objects() -> list[dict[str, object]]:
    return [
        {"day": "2025-01-01", "channel": "Paid Search", "amount": 100.5, "currency": "EUR"},
        {"day": "2025-01-02", "Channel": "Café & Bar", "amount": 7, "currency": "USD", "channel": None},
    ]


FORMATS: dict[str, Callable[[Path], bytes]] = {
    "comma.csv": lambda _: delimited(","),
    "bom.csv": lambda _: b"\xef\xbb\xbf" + delimited(","),
    "semicolon.csv": lambda _: delimited(";"),
    "tab.tsv": lambda _: delimited("\t"),
    "pipe.txt": lambda _: delimited("|"),
    "crlf.csv": lambda _: delimited(",").replace(b"\n", b"\r\n"),
    "old mac.csv": lambda _: delimited(",").replace(b"\n", b"\r"),
    "utf16.csv": lambda _: delimited("\t").decode().encode("utf-16"),
    "no-last-newline.csv": lambda _: delimited(",").rstrip(),
    "blank-lines.csv": lambda _: b"\n\n" + delimited(",").replace(b"\n", b"\n\n"),
    "lines.jsonl": lambda _: "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects()).encode(),
    "lines-crlf.ndjson": lambda _: "\r\n".join(map(json.dumps, objects())).encode(),
    "array.json": lambda _: json.dumps(objects(), indent=2).encode(),
    "wrapped.json": lambda _: json.dumps({"data": objects()}).encode(),
    "typed.parquet": typed_rows,
    "sheet.xlsx": lambda _: excel(sheet(HEADER, *ROWS)),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_plain_and_packed(book: Book, tmp_path: Path, name: str, packed: bool) -> None:
    content = FORMATS[name](tmp_path)
    report = book.bring(f"{name}.gz" if packed else name, gzip.compress(content) if packed else content)
    assert (report.format, report.read, report.rejected, report.problems) == ("spend", 2, 0, [])
    assert book.rows("spend", "day channel amount currency") == STORED


def test_all_formats_bring_the_same_rows(book: Book, tmp_path: Path) -> None:
    book.bring("first.csv", delimited(","))
    for name, made in FORMATS.items():
        assert counts(book.bring(name, made(tmp_path)), "spend") == (0, 0, 2, 0), name


def test_extra_columns_are_kept(book: Book) -> None:
    book.bring("s.csv", csv('Day,AMOUNT,currency,Cost Centre,"it\'s ""x"""', "2025-01-01,5,EUR,7a,b"))
    assert book.rows("spend", "day amount attributes") == [("2025-01-01", "5.000000", '{"cost centre":"7a","it\'s \\"x\\"":"b"}')]


def test_a_timestamp_without_a_zone_is_the_company_s_whatever_the_format(book: Book, tmp_path: Path) -> None:
    query = "SELECT 'p' || n AS person_id, 'lead' AS stage, {} AS at FROM range(2) r(n)"
    book.bring("zoned.parquet", parquet(tmp_path, query.format("TIMESTAMPTZ '2025-07-01 10:00:00+00'")), source="a")
    book.bring("bare.parquet", parquet(tmp_path, query.format("TIMESTAMP '2025-07-01 12:00:00'")), source="b")
    book.bring("bare.csv", csv("person_id,stage,at", "p0,lead,2025-07-01 12:00:00", "p1,lead,2025-07-01T12:00"), source="c")
    assert {row[0] for row in book.rows("stages", "at")} == {"2025-07-01 10:00:00"}


# Wrong rows


def test_bad_cells_are_named_by_line_column_value_and_way_out(book: Book) -> None:
    text = csv(
        "day,until,amount,currency,kind,purpose",
        "2025-01-01,,5,EUR,ads,acquire",
        "2025-02-30,,5,EUR,ads,acquire",
        "31/01/2025,,5,EUR,ads,acquire",
        '2025-01-03,,"1,234.50",EUR,ads,acquire',
        "2025-01-04,,5 €,EUR,ads,acquire",
        "2025-01-05,,5,euro,ads,acquire",
        "2025-01-06,,5,ABC,ads,acquire",
        "2025-01-07,,5,,ads,acquire",
        "2025-01-08,,,EUR,ads,acquire",
        "2025-01-09,,5,EUR,bribe,acquire",
        "2025-01-10,2025-01-10,5,EUR,ads,acquire",
        "0025-01-11,,5,EUR,ads,acquire",
        " 2025-01-12 ,, 6.25 , eur ,ADS,",
    )
    report = book.bring("s.csv", text)
    assert told(report) == [
        (3, "day is not a date"),
        (4, "day is not a date"),
        (5, "amount is not a number"),
        (6, "amount is not a number"),
        (7, "currency is not an ISO 4217 code"),
        (8, "currency is not an ISO 4217 code"),
        (9, "currency is missing"),
        (10, "amount is missing"),
        (11, "kind is none of ads, salary, commission, tool, agency, content, event, other"),
        (12, "until is not after day"),
        (13, "day is not a date"),
    ]
    assert all(problem.mend and problem.file == "s.csv" for problem in report.problems)
    assert [(p.column, p.value) for p in report.problems[2:5]] == [("amount", "1,234.50"), ("amount", "5 €"), ("currency", "euro")]
    assert (report.read, report.rejected) == (13, 11)
    assert book.rows("spend", "day amount currency kind purpose") == [
        ("2025-01-01", "5.000000", "EUR", "ads", "acquire"),
        ("2025-01-12", "6.250000", "EUR", "ads", "acquire"),
    ]


def test_subscriptions_that_cannot_be(book: Book) -> None:
    text = csv(
        "subscription_id,account_id,starts_on,ends_on,amount,currency,interval,interval_count,discount,discount_kind",
        "s1,a1,2025-01-01,,100,EUR,month,,,",
        "s2,a1,2025-01-01,2024-12-31,100,EUR,month,,,",
        "s3,a1,2025-01-01,,-1,EUR,month,,,",
        "s4,a1,2025-01-01,,100,EUR,month,0,,",
        "s5,a1,2025-01-01,,100,EUR,fortnight,,,",
        "s6,,2025-01-01,,100,EUR,month,,,",
        "s7,a1,2025-01-01,,100,EUR,month,1.5,,",
        "s8,a1,2025-01-01,,100,EUR,month,,10,",
        "s9,a1,2025-01-01,2025-03-01,100,EUR,month,,,",
        "s9,a1,2025-02-01,,100,EUR,month,,,",
    )
    report = book.bring("s.csv", text)
    assert told(report) == [
        (3, "ends_on is before starts_on"),
        (4, "amount is negative"),
        (5, "interval_count is below 1"),
        (6, "interval is none of day, week, month, quarter, year"),
        (7, "account_id is missing"),
        (8, "interval_count is not a whole number"),
    ]
    kept = [(problem.line, problem.what) for problem in report.problems if not problem.refused]
    assert kept == [
        (9, "has a discount without a discount_kind: it does not count"),
        (10, "overlaps the subscription's next stretch: from its start that one counts"),
    ]
    assert len(book.rows("subscriptions", "key")) == 4


def test_too_few_and_too_many_cells(book: Book) -> None:
    report = book.bring("s.csv", csv("day,amount,currency", "2025-01-01,5,EUR", "2025-01-02,5", "2025-01-03,1,234,EUR", "2025-01-04,6,EUR,,"))
    assert told(report) == [(3, "has 2 cells where the header has 3"), (4, "has 4 cells where the header has 3")]
    assert book.rows("spend", "day") == [("2025-01-01",), ("2025-01-04",)]


def test_of_two_rows_with_one_key_the_last_is_kept(book: Book) -> None:
    report = book.bring(
        "d.csv", csv("deal_id,created_at,status", "d1,2025-01-01,open", "d2,2025-01-01,open", "d1,2025-01-02,open", "d1,2025-01-03,open")
    )
    assert told(report) == [(2, "has the same deal_id as line 5"), (4, "has the same deal_id as line 5")]
    assert book.rows("deals", "deal_id created_at_day") == [("d1", "20091"), ("d2", "20089")]


def test_a_bad_row_does_not_hide_a_good_one_of_its_key(book: Book) -> None:
    report = book.bring("d.csv", csv("deal_id,created_at,status", "d1,2025-01-01,open", "d1,2025-01-02,maybe"))
    assert told(report) == [(3, "status is none of open, won, lost")]
    assert book.rows("deals", "deal_id") == [("d1",)]


def test_quoted_newlines_and_blank_lines_keep_the_numbers_right(book: Book) -> None:
    text = (
        'day,amount,currency,note\n2025-01-01,1,EUR,"two\nlines"\n\n2025-01-02,x,EUR,\n2025-01-03,y,EUR,"three\r\nlong\r\nlines"\n2025-01-04,z,EUR,\n'
    )
    assert [line for line, _ in told(book.bring("s.csv", text))] == [5, 6, 9]


def test_a_quote_that_is_never_closed_loses_its_own_row_only(book: Book) -> None:
    rows = [f"2025-01-{day:02},5,EUR,n{day}" for day in range(1, 29)]
    rows[4] = '2025-01-05,5,EUR,"unclosed'
    rows[9] = '2025-01-10,"5,EUR,unclosed'
    report = book.bring("s.csv", csv("day,amount,currency,note", *rows))
    assert told(report) == [(6, "has a quote that is never closed"), (11, "has a quote that is never closed")]
    assert len(book.rows("spend", "day")) == 26


def test_one_line_of_another_encoding(book: Book) -> None:
    text = csv("day,channel,amount,currency", "2025-01-01,Café,1,EUR", "2025-01-02,§,2,EUR", "2025-01-03,ok,3,EUR").encode()
    report = book.bring("s.csv", text.replace("§".encode(), "Café".encode("latin-1")))
    assert [(p.line, p.what, p.value, p.mend) for p in report.problems] == [(3, "is not UTF-8 text", "b'\\xe9'", "save the file as UTF-8")]
    assert book.rows("spend", "channel") == [("Café",), ("ok",)]


def test_a_line_of_another_encoding_inside_a_quoted_cell(book: Book) -> None:
    text = b'day,amount,currency,note\n2025-01-01,1,EUR,"a\nb \xe9"\n2025-01-02,2,EUR,c\n'
    report = book.bring("s.csv", text)
    assert told(report) == [(3, "is not UTF-8 text")]
    assert book.rows("spend", "day") == [("2025-01-02",)]


def test_a_header_of_another_encoding_is_still_the_header(book: Book) -> None:
    report = book.bring("s.csv", "day,amount,currency,Währung\n2025-01-01,1,EUR,x\n".encode("latin-1"))
    assert told(report) == [(1, "is not UTF-8 text")]
    assert book.rows("spend", "day") == [("2025-01-01",)]


def test_nul_characters_are_left_out(book: Book) -> None:
    book.bring("s.csv", b"day,amount,currency,channel\n" + b"2025-01-01,1,EUR,x\n" * 8000 + b"2025-01-02,2,EUR,a\0b\n")
    assert ("2025-01-02", "ab") in book.rows("spend", "day channel")


def test_bad_lines_of_json(book: Book) -> None:
    lines = [
        '{"day": "2025-01-01", "amount": 1, "currency": "EUR"}',
        "{oops",
        "",
        "[1]",
        '"text"',
        '{"day": "2025-01-05", "amount": true, "currency": "EUR"}',
    ]
    report = book.bring("s.jsonl", csv(*lines))
    assert [line for line, _ in told(report)] == [2, 4, 5, 6]
    assert book.rows("spend", "origin") == [("s.jsonl:1",)]


def test_a_bad_first_line_does_not_make_it_another_format(book: Book) -> None:
    report = book.bring("s.txt", csv("{oops", '{"day": "2025-01-01", "amount": 1, "currency": "EUR"}'))
    assert [line for line, _ in told(report)] == [1]


def test_things_in_an_array_that_are_no_rows(book: Book) -> None:
    report = book.bring(
        "s.json", json.dumps([3, {"day": "2025-01-01", "amount": 1, "currency": "EUR"}, {"day": "x", "amount": 1, "currency": "EUR"}])
    )
    assert told(report) == [("#1", "is not a JSON object"), ("#3", "day is not a date")]
    assert book.rows("spend", "origin") == [("s.json:#2",)]


# Wrong files


def big_csv() -> bytes:
    return csv("day,channel,amount,currency", *(f"2025-01-01,c{n * 7919 % 9973},{n},EUR" for n in range(20_000))).encode()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_of_a_file_that_is_cut_off_every_whole_line_is_kept(book: Book, kind: str) -> None:
    whole = big_csv()
    if kind == "jsonl":
        whole = csv(
            *(json.dumps({"day": "2025-01-01", "channel": f"c{n * 7919 % 9973}", "amount": n, "currency": "EUR"}) for n in range(20_000))
        ).encode()
    packed = gzip.compress(whole)[: len(gzip.compress(whole)) * 2 // 3]
    read = zlib.decompressobj(31).decompress(packed)
    kept = read.count(b"\n") - (kind == "csv")
    report = book.bring(f"s.{kind}.gz", packed)
    assert len(book.rows("spend", "key")) == kept > 1000
    assert told(report) == [(read.count(b"\n") + 1, "the file is cut off here")]


def test_damaged_gzip_in_the_middle_keeps_what_came_before(book: Book) -> None:
    packed = bytearray(gzip.compress(big_csv()))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    report = book.bring("s.csv.gz", bytes(packed))
    assert report.problems[-1].what == "the file is cut off here"
    assert len(book.rows("spend", "key")) > 100


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("blank.csv", b"\xef\xbb\xbf \r\n\n", "blank.csv is empty"),
        ("empty.csv.gz", gzip.compress(b""), "empty.csv.gz is empty"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "is a binary file, not a table"),
        ("words.doc", bytes(range(128, 256)) * 50, "is a binary file, not a table"),
        ("other.zip", b"PK\x03\x04" + bytes(200), "other.zip is no Excel file"),
        ("broken.parquet", b"PAR1" + bytes(200), "broken.parquet is no Parquet file"),
        ("broken.parquet.gz", gzip.compress(b"PAR1" + bytes(200)), "broken.parquet.gz is no Parquet file"),
        ("broken.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 100, "broken.gz is a damaged .gz file"),
        ("cut.json", b'[{"day": "2025-01-01"', "cut.json is not JSON"),
        ("none.json", b"[]", "none.json fits no format"),
        ("text.csv", b"hello\n", "text.csv fits no format"),
        ("twice.csv", b"day,amount,currency,Amount\n2025-01-01,1,EUR,2\n", "the header names the column 'amount' twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip writes the time into the bytes
)
def test_files_that_are_refused_whole(book: Book, name: str, content: bytes, said: str) -> None:
    with pytest.raises(FariError) as refused:
        book.bring(name, content)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert book.versions() == {}


def test_a_file_that_is_not_there(book: Book) -> None:
    with pytest.raises(FariError, match=r"cannot read .*nowhere\.csv: No such file"):
        book.act([book.folder / "nowhere.csv"])


def test_a_header_without_rows_is_no_error_and_said(book: Book) -> None:
    report = book.bring("s.csv", "day,amount,currency\n")
    assert (report.read, report.import_id, [problem.what for problem in report.problems]) == (0, None, ["has no rows"])
    assert book.versions() == {}


def test_one_refused_file_does_not_stop_the_others(book: Book) -> None:
    paths = [
        book.put("a.csv", delimited(",")),
        book.put("b.csv", "hello\n"),
        book.put("c.csv", "deal_id,created_at,status,Status\nd,2025-01-01,open,won\n"),
        book.put("d.csv", "person_id,email\np1,x@acme.test\n"),
    ]
    reports = book.act(paths, keep_going=True)
    assert [report.refused is None for report in reports] == [True, False, False, True]
    assert [report.import_id is None for report in reports] == [False, True, True, False]
    assert (len(book.rows("spend", "key")), len(book.rows("people", "key")), book.rows("deals", "key")) == (2, 1, [])


def test_a_file_refused_after_its_first_rows_brings_none(book: Book, tmp_path: Path) -> None:
    good = book.put("a.csv", delimited(","))
    whole = FORMATS["sheet.xlsx"](tmp_path)
    bad = book.put("b.xlsx", whole[:-60])
    reports = book.act([good, bad], keep_going=True)
    assert reports[1].refused
    assert {row[0].split(":")[0] for row in book.rows("spend", "origin")} == {"a.csv"}


def test_of_a_workbook_the_first_sheet_with_rows_is_read_and_the_others_are_said(book: Book) -> None:
    other = sheet(("person_id",), ("p1",))
    report = book.bring("b.xlsx", excel(sheet(), sheet(HEADER, *ROWS), other))
    assert [problem.what for problem in report.problems] == ["has several sheets: only 'Sheet2' is read"]
    assert book.rows("spend", "day channel amount currency") == STORED


def test_ten_thousand_rows_of_one_fault_are_counted_and_told(book: Book) -> None:
    report = book.bring("s.csv", csv("day,amount,currency", *(f"2025-01-01,{n}%,EUR" for n in range(10_000))))
    assert (report.read, report.rejected, len(told(report))) == (10_000, 10_000, 10_000)


def test_unpacked_copies_do_not_stay(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = set(tmp_path.iterdir())
    book.bring("s.parquet.gz", gzip.compress(typed_rows(book.folder)))
    assert set(tmp_path.iterdir()) == kept


def test_a_file_looked_at_twice_says_the_same(book: Book) -> None:
    file = open_file(book.put("s.csv", delimited(",")))
    assert list(file.rows()) == list(file.rows())
    assert [line for line, _ in file.rows()] == [1, 2, 3]
