"""`fari person` and `fari erase`: everything known of one person, under all its ids; and figures that stay when it is erased."""

import io
from pathlib import Path

import pytest
from tests.commands import TOML, Fari

from fari.sample import FILES

SCORING = '[scoring]\nlead = 1\n[[scoring.points]]\ntrait = "email"\npoints = 1\n'
# Ada is one with the CRM's contact and the billing customer by e-mail; another message makes Dan a lead by his address alone.
MORE = {
    "crm.csv": "person_id,email,name,account_id,created_at,channel\nhubspot:7,Ada@North.test ,Ada North,north,2025-03-02,Email\n",
    "known.jsonl": """
{"type":"identify","anonymousId":"ada-laptop","userId":"ada","timestamp":"2025-03-03T09:11:00Z","traits":{"email":"ada@north.test"}}
{"type":"identify","anonymousId":"dan-phone","timestamp":"2025-03-29T09:11:00Z","traits":{"email":"someone@east.test"}}
{"type":"page","anonymousId":"dan-phone","timestamp":"2025-03-29T09:10:00Z","context":{"page":{"url":"https://acme.test/"}}}
""",
}


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    made = Fari(capsys, tmp_path)
    (tmp_path / "fari.toml").write_text(TOML + SCORING, encoding="utf-8")
    for name, text in (FILES | MORE).items():
        (tmp_path / name).write_text(text.lstrip(), encoding="utf-8")
    assert made("import", *(FILES | MORE)).status == 0
    return made


def figures(fari: Fari) -> list[str]:
    return [
        fari("metrics", "--from", "2025-02", "--to", "2025-06", "--format", "json", *by).out for by in ((), ("--by", "channel"), ("--by", "persona"))
    ]


@pytest.mark.parametrize("asked", ["ada", "hubspot:7", "ada@north.test", " ADA@north.test"])
def test_everything_known_of_a_person_by_any_id_or_address(fari: Fari, asked: str) -> None:
    found = fari("person", asked).json
    assert [one["id"] for one in found["ids"] if one["id"] != asked] == [one for one in ("ada", "hubspot:7") if one != asked]
    assert found["devices"] == ["ada-laptop"]
    assert {table: len(rows) for table, rows in found["rows"].items()} == {"people": 2, "stages": 2, "events": 5}
    assert found["rows"]["people"][0]["origin"] == "crm.csv:2"
    assert {row.get("traits", {}).get("email") for row in found["rows"]["events"]} == {None, "ada@north.test"}


def test_erasing_takes_what_says_who_it_is_and_leaves_every_figure(fari: Fari) -> None:
    before = figures(fari)
    for asked in ("ada", "someone@east.test"):
        said = fari("erase", asked, "--yes")
        assert said.status == 0
        assert "erased: " in said.err
    text = fari("person", "ada").out + fari("person", "dan-phone").out
    assert [secret for secret in ("north.test", "Ada", "someone") if secret in text] == []
    assert figures(fari) == before
    again = fari("erase", "ada", "--yes")
    assert (again.status, "nothing to erase" in again.err) == (0, True)


def test_it_says_what_it_would_remove_and_does_nothing_unless_that_is_meant(fari: Fari, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fari("person", "ada").out
    monkeypatch.setattr("sys.stdin", io.StringIO())
    refused = fari("erase", "ada")
    assert refused.status == 1
    assert refused.out.splitlines() == [
        "ada: known as ada, hubspot:7",
        "  people: 2 rows: email (2), name (1)",
        "  events: 2 rows: email (1), properties (1), traits (1)",
    ]
    assert refused.err == "fari: nothing was erased; to empty these columns in 4 rows, in all versions and for good: --yes\n"
    assert fari("person", "ada").out == before


@pytest.mark.parametrize(("typed", "status"), [("n\n", 1), ("y\n", 0)])
def test_at_a_terminal_it_asks(fari: Fari, monkeypatch: pytest.MonkeyPatch, typed: str, status: int) -> None:
    stdin = io.StringIO(typed)
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stdin)
    said = fari("erase", "ada@north.test")
    assert said.status == status
    assert "Empty these columns in 4 rows, in all versions and for good?" in said.err
    assert ("ada@north.test" in fari("person", "ada").out) == bool(status)


@pytest.mark.parametrize("command", ["person", "erase"])
def test_nobody(fari: Fari, command: str) -> None:
    assert "there is nobody of the id 'o'brien'".replace("'o'brien'", '"o\'brien"') in fari(command, "o'brien").complaint
    assert "there is nobody of the e-mail address 'x@y.test'" in fari(command, "x@y.test").complaint
    assert fari(command).status == 2


def test_an_empty_project(fari: Fari) -> None:
    fari("init", "empty")
    said = fari("-C", "empty", "person", "ada")
    assert (said.status, "nothing is imported yet" in said.complaint) == (1, True)
