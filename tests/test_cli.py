"""The command line as a whole: help, exit statuses, where it looks for its project, what it says and where."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands import SRC, TOML, Fari, run, write_project

from fari import __version__
from fari.company import load
from fari.surfaces.cli import main
from fari.surfaces.starting import local_zone

COMMANDS = tuple(
    "demo init import sync webhooks imports undo person erase metrics explain whatif forecast leading why restated close cohorts survival clv "
    "renewals risk rules reconcile advise report digest check doctor serve users keys".split()
)


@pytest.fixture
def fari(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fari:
    return Fari(capsys, tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(fari: Fari, command: str) -> None:
    said = fari(command, "--help")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"Usage: fari {command}")


def test_help_lists_the_commands_of_the_contract_and_no_other(fari: Fari) -> None:
    said = fari("--help")
    listed = said.out.partition("Commands:")[2].split("\n")
    assert [line.split()[0] for line in listed if line.startswith("  ")] == list(COMMANDS)
    assert said.status == 0
    assert fari().out == said.out


def test_every_flag_of_the_contract_is_there(fari: Fari) -> None:
    flags = {
        "demo": "--no-serve --months --seed --size",
        "init": "--name --currency --timezone",
        "import": "--as --source --append --replace --recorded --dry-run --json --covers",
        "sync": "--since --source --dry-run --json",
        "webhooks": "--host --port --every",
        "imports": "--json",
        "erase": "--yes",
        "metrics": "--from --to --grain --compare --by --where --rules --attribution --as-of --engine --format",
        "explain": "--where --rules --as-of --format",
        "restated": "--since --from --to --grain --by --where --rules --format",
        "close": "--rules --again --anyway --json",
        "cohorts": "--from --to --grain --by --where --share --rules --as-of --format",
        "survival": "--from --to --by --where --rules --as-of --format",
        "clv": "--by --where --discount --rules --as-of --format",
        "renewals": "--days --from --all --where --rules --as-of --format",
        "risk": "--where --rules --as-of --format",
        "doctor": "--json",
        "serve": "--host --port --auth --public-name --no-open",
    }
    missing = [(command, flag) for command, named in flags.items() for flag in named.split() if f" {flag}" not in fari(command, "--help").out]
    assert missing == []


def test_version(fari: Fari) -> None:
    assert fari("--version").out == f"fari {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    program = "import sys; from fari.surfaces.cli import main; main(['--help']); print([m for m in HEAVY if m in sys.modules], file=sys.stderr)"
    heavy = ["duckdb", "deltalake", "ibis", "rich", "babel", "arro3", "fari.engine.ask", "fari.ledger.store", "fari.demo"]
    done = subprocess.run(
        [sys.executable, "-c", program.replace("HEAVY", repr(heavy))], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SRC)}
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["metric"], "did you mean 'metrics'"),
        (["serv"], "did you mean 'serve'"),
        (["serve", "--host", "0.0.0.0"], "--auth password"),
        (["serve", "--public-name", "fari.example.com"], "--auth password"),
        (["serve", "--auth", "pasword"], "did you mean 'password'"),
        (["serve", "--port", "70000"], "0 to 65535"),
        (["metrics", "--form", "json"], "--format"),
        (["import"], "missing argument"),
        (["undo"], "missing argument"),
        (["explain", "mrr"], "missing argument"),
        (["demo", "--months", "many"], "--months"),
        (["demo", "--months", "0"], "1 to 240"),
        (["demo", "--size", "smal"], "did you mean 'small'"),
        (["init", "--currency", "Euro"], "three letters"),
        (["init", "--timezone", "Europe/Roma"], "europe/rome"),
        (["init", "--timezone", "../../etc/passwd"], "unknown time zone"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(fari: Fari, typed: list[str], hint: str) -> None:
    said = fari(*typed)
    assert said.status == 2
    assert hint in said.complaint.lower()


@pytest.mark.parametrize("typed", [["imports"], ["metrics", "mrr"], ["import", "x.csv"], ["undo", "x"], ["explain", "mrr", "2025-03"], ["doctor"]])
def test_without_a_project_the_next_command_is_named(fari: Fari, typed: list[str]) -> None:
    said = fari(*typed)
    assert said.status == 1
    assert "fari.toml" in said.complaint
    assert "`fari init`" in said.complaint


def test_a_broken_fari_toml_is_named(fari: Fari, tmp_path: Path) -> None:
    for text in (
        "[company\n",
        '[company]\ncurency = "EUR"\n',
        '[company]\ntimezone = "Mars/Rome"\n',
        '[company]\ngross_margin = "high"\n',
        "[company]\nname = 1\n[funnel]\nsignup_events = 3\n",
    ):
        (tmp_path / "fari.toml").write_text(text, encoding="utf-8")
        said = fari("imports")
        assert said.status == 1
        assert str(tmp_path / "fari.toml") in said.complaint


def test_the_project_is_found_by_walking_up_and_c_adds_up(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_project(tmp_path / "acme")
    (tmp_path / "acme" / "deep" / "er").mkdir(parents=True)
    assert Fari(capsys, tmp_path / "acme" / "deep" / "er")("imports").status == 0
    assert Fari(capsys, tmp_path)("-C", "acme", "-C", "deep", "imports").status == 0
    assert Fari(capsys, tmp_path)("imports").status == 1
    assert Fari(capsys, tmp_path)("-C", "nowhere", "imports").status == 2


def test_files_count_from_c_as_in_git(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path / "acme")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "rates.csv").write_text("day,currency,rate\n2025-03-01,USD,0.9\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    fari = Fari(capsys, tmp_path / "acme")
    assert fari("import", "spend.csv", "--dry-run").status == 0
    assert fari("import", "rates.csv", "--dry-run").status == 0
    assert fari("import", "neither.csv", "--dry-run").status == 1


def test_init_writes_a_project_that_loads(fari: Fari, tmp_path: Path) -> None:
    said = fari("init", "acme", "--name", 'Acme "& Co" \\ Söhne', "--currency", "usd", "--timezone", "America/New_York")
    assert (said.status, said.out) == (0, "")
    assert "fari import FILE..." in said.err
    company = load(tmp_path / "acme")
    assert (company.name, company.currency, company.timezone) == ('Acme "& Co" \\ Söhne', "USD", "America/New_York")
    assert {"facts/", "ledger/"} <= set((tmp_path / "acme" / ".gitignore").read_text(encoding="utf-8").split())


def test_init_never_overwrites(fari: Fari, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("facts/\n*.tmp", encoding="utf-8")
    assert fari("init").status == 0
    written = (tmp_path / "fari.toml").read_text(encoding="utf-8")
    assert f'name = "{tmp_path.name}"' in written
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8").split() == [
        "facts/",
        "*.tmp",
        "ledger/",
        "fari.sqlite*",
        "spool.sqlite*",
        "desk.sqlite*",
    ]
    said = fari("init", "--name", "Other")
    assert said.status == 1
    assert "is there already" in said.complaint
    assert (tmp_path / "fari.toml").read_text(encoding="utf-8") == written


def test_the_machines_zone_is_the_default(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert local_zone("", link) == "Asia/Tokyo"
    assert local_zone("Europe/Paris", link) == "Europe/Paris"
    assert local_zone("EST5EDT4,M3.2.0", tmp_path / "none") == "UTC"


def test_an_empty_ledger_teaches(fari: Fari, tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    said = fari("metrics")
    assert said.status == 1
    assert "`fari import FILE...`" in said.complaint
    said = fari("imports")
    assert (said.status, said.out) == (0, "")
    assert "`fari import FILE...`" in said.err
    assert fari("imports", "--json").json == []
    said = fari("metrics", "mrr", "--from", "2025-03", "--to", "2025-03", "--format", "json")
    assert [(a["value"], a["notes"]) for a in said.json] == [(None, ["no source covers subscriptions in this period"])]
    assert said.status == 0


def test_unexpected_failures_are_one_line_unless_debugging(
    fari: Fari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")

    def fails(*_: object) -> None:
        raise RuntimeError("a wheel\ncame off")

    monkeypatch.setattr("fari.surfaces.importing.list_imports", fails)
    said = fari("imports")
    assert said.status == 1
    assert said.complaint == "failed unexpectedly: RuntimeError: a wheel came off (FARI_DEBUG=1 shows where)"
    monkeypatch.setenv("FARI_DEBUG", "1")
    assert main(["-C", str(tmp_path), "imports"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_as_a_process_data_and_words_are_apart(tmp_path: Path) -> None:
    write_project(tmp_path)
    said = run(["import", *(p.name for p in tmp_path.glob("*.csv"))], tmp_path, LC_ALL="C")
    assert said.status == 0
    assert "\x1b" not in said.out + said.err
    assert "imported as" in said.err
    said = run(["metrics", "mrr", "cac", "--from", "2025-03", "--to", "2025-05", "--by", "channel"], tmp_path, LC_ALL="C", FORCE_COLOR="1")
    assert said.status == 0
    assert "€300.00" not in said.err
    assert "€" in said.out
    assert "\x1b" not in said.out + said.err
    assert all(line == line.rstrip() for line in said.out.splitlines())
    assert run(["metrics", "mr"], tmp_path).status == 2


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert run(["import", "subscriptions.csv", "spend.csv"], tmp_path).status == 0
    command = f"{sys.executable} -m fari metrics --grain day --from 2025-03 --to 2025-05 --format csv | head -c 5; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(SRC), "PATH": "/usr/bin:/bin"}, check=False
    )
    assert (done.stdout, done.stderr) == ("metri", "")
    assert done.returncode == 0
