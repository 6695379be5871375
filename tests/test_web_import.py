"""Files brought in from the page: the preview is the import, nothing changes before it is confirmed; what is hostile gets a sentence."""

import csv
import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest
from starlette.testclient import TestClient
from starlette.types import Message
from tests.commands import run
from tests.test_web_door import PASSWORD, House, csrf

from fari.errors import UsageError
from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.site import Site
from fari.surfaces.web.uploads import Uploads, counted, safe_name

TOML = '[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n'
SPEND = (
    b"day,channel,amount,currency,kind,note\n2025-01-11,Email,10.00,EUR,ads,a\n2025-01-12,Email,x,EUR,ads,b\n2025-01-13,Email,5.50,EUR,ads,<script>\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


@pytest.fixture
def site(home: Path) -> Site:
    return Site(Place(home))


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(application(site)) as one:
        yield one


def send(client: TestClient, *files: tuple[str, bytes], **choices: str) -> Any:
    return client.post("/data/import", files=[("files", file) for file in files], data=choices)


def imports(home: Path) -> list[Any]:
    return list(json.loads(run(["imports", "--json"], home).out))


def staged(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "ledger" / ".uploads").rglob("*") if path.is_file() and path.name != ".lock")


def test_a_preview_says_what_the_import_then_does(client: TestClient, home: Path) -> None:
    page = send(client, ("spend.csv", SPEND))
    assert page.status_code == 200
    assert re.fullmatch(r"/data/import/[\w-]{24}", page.url.path)
    assert "Nothing is changed yet." in page.text
    assert "<script>" not in page.text.replace("<script src", "")
    told = client.get(f"{page.url.path}.json").json()
    (home / "spend.csv").write_bytes(SPEND)
    own = json.loads(run(["import", "--dry-run", "--json", "spend.csv"], home).out)
    assert told == own
    assert (told["files"][0]["new"], told["files"][0]["rejected"]) == (2, 1)
    for said in ("15.50 in the file = 15.50 stored + 0.00 rejected", "amount", "kept beside", "read as spend"):
        assert said in page.text
    rows = list(csv.DictReader(io.StringIO(client.get(f"{page.url.path}.csv").text)))
    assert [(row["line"], row["value"]) for row in rows] == [("3", "x")]
    assert imports(home) == []
    assert staged(home) == ["spend.csv"]
    done = client.post(page.url.path, data={"act": "import"})
    (act,) = imports(home)
    assert act["import_id"] in done.text
    assert act["files"][0]["file"] == "spend.csv"
    assert client.get(f"{page.url.path}.json").json()["files"] == [told["files"][0]]
    assert staged(home) == []
    client.post(page.url.path, data={"act": "import"})
    assert len(imports(home)) == 1
    assert act["import_id"] in client.get("/data").text


def test_choices_are_those_of_the_command_line(client: TestClient, home: Path) -> None:
    strange = b"Date,Cost,Ccy,What\n2025-01-11,10.00,EUR,ads\n"
    page = send(client, ("costs.csv", strange))
    assert "fits no format" in page.text
    assert "Import these files" not in page.text
    page = client.post(page.url.path, data={"act": "preview", "as": "spend", "source": "Bank", "how": "append"})
    told = client.get(f"{page.url.path}.json").json()["files"][0]
    assert (told["format"], told["source"]) == ("spend", "Bank")
    for wrong in ({"as": "nonsense"}, {"how": "both"}, {"source": "x" * 81}, {"source": "a\nb"}, {"act": "explode"}):
        assert client.post(page.url.path, data={"act": "preview"} | wrong).status_code == 400
    page = client.post(page.url.path, data={"act": "drop"})
    assert page.url.path == "/data"
    assert (imports(home), staged(home)) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\xef\xbb\xbf \r\n\n", "is empty"),
        ("cat.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 9, "not a table"),
        ("latin.csv", "day,channel,amount,currency,kind\n2025-01-11,Übersicht,1.00,EUR,ads\n".encode("latin-1"), "UTF-8"),
        ("wide.csv", "day,channel,amount,currency,kind\n2025-01-11,Email,1.00,EUR,ads\n".encode("utf-16"), "read as spend"),
        ("cut.csv.gz", gzip.compress(SPEND * 500)[:-200], "cut off"),
        ("torn.gz", b"\x1f\x8b\x08\0" + bytes(40), ".gz"),
        ("torn.xlsx", b"PK\x03\x04" + bytes(60), "no Excel file"),
        ("torn.parquet", b"PAR1" + bytes(60), "no Parquet file"),
        ("deep.json", b"[" * 100_000, "is not JSON"),
        ("page.html", b"<!doctype html><script>alert(1)</script>", "fits no format"),
    ],
)
def test_what_is_no_table_gets_a_sentence(client: TestClient, home: Path, name: str, content: bytes, says: str) -> None:
    page = send(client, (name, content))
    assert page.status_code == 200
    assert says in page.text
    assert "<script>alert" not in page.text
    assert imports(home) == []


def bomb_of(kind: str, tmp_path: Path) -> bytes:
    if kind == "gz":
        return gzip.compress(b"day,amount\n" * 1_000_000)
    if kind == "two in one gz":
        return gzip.compress(SPEND) + gzip.compress(b"0\n" * 4_000_000)
    if kind == "one long line":
        return gzip.compress(b"a" * 3_000_000)
    if kind == "gz in gz":
        return gzip.compress(gzip.compress(b"0\n" * 9_000_000))
    if kind == "xlsx that lies":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(b"0" * 9_000_000) + packer.flush()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("xl/workbook.xml", b"")
        name = b"xl/workbook.xml"
        local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), 10, len(name), 0) + name + packed
        central = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(packed), 10, len(name), 0, 0, 0, 0, 0, 0) + name
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
        return local + central + end
    path = tmp_path / "bomb.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS a FROM range(20_100_000)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["gz", "two in one gz", "one long line", "gz in gz", "xlsx that lies", "parquet"])
def test_bombs_are_refused_unopened(site: Site, client: TestClient, home: Path, tmp_path: Path, kind: str) -> None:
    site.uploads.most = 1_000_000
    bomb = bomb_of(kind, tmp_path)
    assert len(bomb) < 800_000
    page = send(client, ("bomb.bin", bomb))
    assert page.status_code == 413, page.text
    assert "bomb.bin" in page.text
    assert (imports(home), staged(home)) == ([], [])


def test_limits_are_said_before_anything_is_read(site: Site, client: TestClient, home: Path) -> None:
    site.uploads.most = 100_000
    for files in ([("a.csv", b"x" * 100_001)], [("a.csv", b"x" * 60_000), ("b.csv", b"x" * 60_000)], [("a.csv", b"x" * 2_000_000)]):
        page = send(client, *files)
        assert page.status_code == 413
        assert "MB, the most a page takes in at once" in page.text
    page = send(client, *((f"{n}.csv", b"x") for n in range(51)))
    assert page.status_code == 413
    assert "51 files; at most 50" in page.text

    assert staged(home) == []


def test_a_body_of_no_told_length_is_read_no_further_than_the_limit() -> None:
    given = 0

    async def receive() -> Message:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def read() -> None:
        next_part = counted(receive, 5_000)
        while True:
            await next_part()

    with pytest.raises(UsageError, match="the most a page takes in"):
        anyio.run(read)
    assert given == 6


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nno file\r\n--x--\r\n', "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="source"\r\n\r\n' + b"a" * 200_000 + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(client: TestClient, home: Path, body: bytes, kind: str) -> None:
    assert client.post("/data/import", content=body, headers={"Content-Type": kind}).status_code == 400
    assert client.post("/data/import", content=body, headers={"Content-Type": kind, "Origin": "https://evil.example"}).status_code == 403
    assert not (home / "ledger" / ".uploads").exists()


def test_names_lead_nowhere(client: TestClient, home: Path) -> None:
    names = [
        "../../evil.csv",
        "/etc/passwd",
        "..",
        "a\\b\\c.csv",
        ".lock",
        "con<script>.csv",
        "x" * 300 + ".csv",
        "c.csv",
        "a:1.csv",
        "é\u202egpj.csv",
    ]
    page = send(client, *((name, SPEND) for name in names))
    assert page.status_code == 200
    assert len(staged(home)) == len(names)
    assert sorted(path.name for path in home.iterdir()) == ["desk.sqlite", "facts", "fari.toml", "ledger"]
    assert "../../evil.csv" in page.text
    assert "<script>" not in page.text.replace("<script src", "")
    for name in staged(home):
        assert name not in {"", ".", ".."}
        assert not set(name) & set("/\\:<>\0")
        assert len(name.encode()) <= 200
    for wrong in ("nope", "..%2f..", "x" * 500):
        assert client.get(f"/data/import/{wrong}").status_code in (400, 404)
        assert client.post(f"/data/import/{wrong}", data={"act": "import"}).status_code in (400, 404)


def test_equal_names_are_told_apart() -> None:
    taken: list[str] = []
    for name in ("a.csv", "A.csv", "x/a.csv", "a.csv.gz", ""):
        taken.append(safe_name(name, taken))
    assert taken == ["a.csv", "A-2.csv", "a-3.csv", "a.csv.gz", "file"]


def test_what_a_killed_server_left_is_removed_and_what_a_living_one_has_is_not(home: Path) -> None:
    root = home / "ledger" / ".uploads"
    left = root / "left" / "x"
    left.mkdir(parents=True)
    (left / "spend.csv").write_bytes(SPEND)
    living = Uploads(root)
    assert not left.exists()
    _, folder = living.begin()
    (folder / "spend.csv").write_bytes(SPEND)
    assert folder.stat().st_mode & 0o077 == 0
    Uploads(root)
    assert folder.exists()
    living.close()
    assert list(root.iterdir()) == []


def test_behind_the_door_files_come_in_with_a_forms_own_word(tmp_path: Path) -> None:
    house = House(tmp_path / "acme", "password")
    for name in ("viewer", "editor"):
        house.access.add_user(name, name, PASSWORD)
    editor, viewer = house.inside("editor"), house.inside("viewer")
    own = csrf(editor.get("/data").text)
    assert "Bring files in" not in viewer.get("/data").text
    assert editor.post("/data/import", files={"files": ("spend.csv", SPEND)}).status_code == 403
    big = SPEND + b"2025-01-14,Email,1.00,EUR,ads,c\n" * 100_000
    sent = editor.post("/data/import", files=[("csrf", (None, own)), ("files", ("spend.csv", big))])
    assert sent.status_code == 303
    at = sent.headers["location"]
    page = editor.get(at)
    assert "Import these files" in page.text
    assert viewer.post(at, data={"act": "import", "csrf": own}).status_code == 403
    assert editor.post(at, data={"act": "import"}).status_code == 403
    assert imports(house.site.folder) == []
    assert editor.post(at, data={"act": "import", "csrf": csrf(page.text)}).status_code == 303
    assert len(imports(house.site.folder)) == 1
    house.site.close()
