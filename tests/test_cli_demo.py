"""`fari demo`: a company from nothing, and `fari doctor` on it."""

import json
from pathlib import Path

import pytest
from tests.commands import Fari, Said, run

from fari.engine.doctor import Examination, examine
from fari.engine.identities import Check
from fari.engine.periods import parse

VOTED = "visitors mqls sqls lead_conversion_rate customer_churn_rate mrr cac clv signups pipeline_value share_of_search".split()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    home = tmp_path_factory.mktemp("demo")
    said = run(["demo", "lumen", "--no-serve", "--months", "2", "--seed", "3"], home)
    assert said.status == 0, said.err
    return home, said


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], made: tuple[Path, Said]) -> Fari:
    return Fari(capsys, made[0])


def test_the_funnel_of_the_last_month_is_printed(made: tuple[Path, Said]) -> None:
    home, said = made
    rows = [line.split() for line in said.out.splitlines()]
    assert [row[0] for row in rows[1:]] == VOTED
    assert rows[0][1] == "vs"
    assert all(row[1] != "–" for row in rows[1:])
    assert "Next:" in said.err
    assert f"-C lumen explain cac {rows[0][0]}" in said.err
    assert sorted(path.name for path in (home / "lumen").iterdir()) == [".demo.json", ".gitignore", "exports", "facts", "fari.toml", "ledger"]


def test_each_month_is_an_act_of_its_own_recorded_when_it_was_known(fari: Fari) -> None:
    acts = fari("-C", "lumen", "imports", "--json").json
    folders = sorted(path.name for path in (fari.here / "lumen" / "exports").iterdir())
    assert len(acts) == len(folders) == 2
    assert [act["recorded_on"] for act in acts] == [parse(name).until.isoformat() for name in folders]
    assert all(file["read"] and not file["rejected"] for act in acts for file in act["files"])
    now, then = (fari("-C", "lumen", "metrics", "leads", "--format", "json", *as_of).json for as_of in ([], ["--as-of", acts[0]["recorded_on"]]))
    assert len(then) < len(now) or then[-1]["value"] != now[-1]["value"]


def test_a_demo_that_is_there_is_shown_as_it_is(fari: Fari, made: tuple[Path, Said]) -> None:
    before = (fari.here / "lumen" / "ledger").stat().st_mtime_ns
    said = fari("demo", "lumen", "--months", "2", "--seed", "3")
    assert (said.status, said.out) == (0, made[1].out)
    assert "is there already" in said.err
    assert (fari.here / "lumen" / "ledger").stat().st_mtime_ns == before


def test_what_is_no_such_demo_is_left_alone(fari: Fari) -> None:
    said = fari("demo", "lumen", "--months", "2", "--seed", "4")
    assert said.status == 1
    assert "another demo (months 2, seed 3, size small)" in said.complaint
    home = fari.here / "own"
    home.mkdir()
    (home / "thesis.txt").write_text("irreplaceable", encoding="utf-8")
    said = fari("demo", "own")
    assert said.status == 1
    assert "is no demo" in said.complaint
    (home / ".demo.json").write_text("[]", encoding="utf-8")
    assert fari("demo", "own").status == 1
    assert (home / "thesis.txt").read_text(encoding="utf-8") == "irreplaceable"
    (fari.here / "file").write_text("", encoding="utf-8")
    assert fari("demo", "file").status == 1


def test_an_interrupted_demo_is_begun_anew(fari: Fari) -> None:
    home = fari.here / "broken"
    (home / "ledger").mkdir(parents=True)
    (home / "ledger" / "about.json").write_text("{", encoding="utf-8")
    (home / "fari.toml").write_text("[comp", encoding="utf-8")
    (home / ".demo.json").write_text(json.dumps({"months": 1, "seed": 3, "size": "small", "done": False}), encoding="utf-8")
    said = fari("demo", "broken", "--months", "1", "--seed", "3")
    assert said.status == 0
    assert fari("-C", "broken", "metrics", "mrr", "--format", "json").json[-1]["value"]


def test_doctor_in_words(fari: Fari) -> None:
    said = fari("-C", "lumen", "doctor")
    assert (said.status, said.err) == (0, "")
    assert said.out.split()[:6] == ["table", "source", "rows", "from", "to", "imported"]
    assert "✓ identities: " in said.out
    assert "→ import a `targets` file" in said.out


def test_doctor_as_json(fari: Fari) -> None:
    found = fari("-C", "lumen", "doctor", "--json").json
    assert list(found) == ["worst", "today", "since", "horizon", "customer_from", "connected", "covered", "missing", "links", "failing", "findings"]
    assert {"events", "subscriptions", "spend"} <= {one["table"] for one in found["connected"]}
    assert {finding["severity"] for finding in found["findings"]} <= {"error", "warning", "note", "ok"}


def test_doctor_of_an_empty_project_teaches(fari: Fari) -> None:
    fari("init", "empty")
    said = fari("-C", "empty", "doctor")
    assert said.status == 0
    assert "`fari import FILE...`" in said.out


def test_an_identity_that_fails_is_a_failure(fari: Fari, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> Examination:
        found = examine(*arguments)  # type: ignore[arg-type]
        return Examination(**vars(found) | {"failing": (Check("1 + 1 = 3", False, 2, 3, -1, parse("2025-03")),)})

    monkeypatch.setattr("fari.engine.doctor.examine", broken)
    said = fari("-C", "lumen", "doctor")
    assert said.status == 1
    assert said.err == "fari: 1 identity does not hold: 1 + 1 = 3 in 2025-03\n"
