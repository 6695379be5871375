"""`fari serve` as a process: one line to open, a port that is taken, and a quiet end."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.commands import SRC, TOML, run


@pytest.mark.skipif(os.name != "posix", reason="ends it as Ctrl-C does")
def test_it_starts_says_where_and_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "fari", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=own) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=[\w-]{43}", url)
        assert found
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(url, timeout=30) as answer:
            assert (answer.status, answer.url) == (200, f"http://127.0.0.1:{found[1]}/")
        said = run(["serve", "--port", found[1]], tmp_path)
        assert said.status == 1
        assert "--port" in said.complaint
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert "for another browser: http" in err


def test_without_users_nobody_could_come_in(tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    said = run(["serve", "--auth", "password", "--host", "0.0.0.0", "--port", "0"], tmp_path)
    assert said.status == 1
    assert "users add NAME --role owner" in said.complaint


def test_users_and_keys_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text(TOML, encoding="utf-8")
    assert "FARI_PASSWORD" in run(["users", "add", "ada"], tmp_path).complaint
    assert run(["users", "add", "ada", "--role", "editor"], tmp_path, FARI_PASSWORD="short").status == 1
    assert run(["users", "add", "ada", "--role", "editor"], tmp_path, FARI_PASSWORD="long enough it is").status == 0
    assert [(one["name"], one["role"]) for one in run(["users", "--json"], tmp_path).json] == [("ada", "editor")]
    assert run(["users", "remove", "ad"], tmp_path).status == 2
    assert run(["users", "remove", "Ada"], tmp_path).status == 0
    key = run(["keys", "add", "robot", "--metric", "mrr"], tmp_path).out
    assert re.fullmatch(r"fari_[\w-]{43}\n", key)
    assert [(one["name"], one["metrics"], one["revoked"]) for one in run(["keys", "--json"], tmp_path).json] == [("robot", ["mrr"], None)]
    assert run(["keys", "revoke", "robot"], tmp_path).status == 0
    assert run(["keys", "revoke", "robot"], tmp_path).status == 2
