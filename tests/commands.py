"""`fari` run in this process or in one of its own, and a project of a few files whose numbers are worked out by hand."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fari.surfaces.cli import main

SRC = Path(__file__).parent.parent / "src"

FILES = {
    # MRR of March: 100 + 200 = 300, of April 300 - 100 = 200 (a1 leaves on 11 April), of May 200 + 50 = 250.
    "subscriptions.csv": """subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan
s1,a1,2025-03-01,2025-04-11,100,EUR,month,Starter
s2,a2,2025-03-15,,200,EUR,month,Team
s3,a3,2025-05-02,,600,EUR,year,Starter
""",
    # CAC of March: 1000 / 2 = 500, of May (300.30 + 0.03) / 1.
    "spend.csv": """day,channel,kind,amount,currency
2025-03-01,Paid Search,ads,400,EUR
2025-03-31,,salary,600,EUR
2025-04-10,Paid Search,ads,40,EUR
2025-05-01,Paid Search,ads,300.30,EUR
2025-05-20,,tool,0.03,EUR
""",
    # Whose account is whose, and where they came from.
    "people.csv": """person_id,account_id,channel,created_at
p1,a1,Paid Search,2025-02-01
p2,a2,Organic Search,2025-02-02
p3,a3,Paid Search,2025-04-20
""",
}
TOML = '[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "Europe/Rome"\n'


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, numbers as Decimals."""
        return json.loads(self.out, parse_float=Decimal)

    @property
    def complaint(self) -> str:
        """The one line a refusal consists of."""
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert self.err.startswith("fari: ")
        return self.err.strip().removeprefix("fari: ")


class Fari:
    """Runs command lines in this process, as if started in a folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str], here: Path) -> None:
        self.capsys, self.here = capsys, here

    def __call__(self, *arguments: object) -> Said:
        self.capsys.readouterr()
        status = main(["-C", str(self.here), *map(str, arguments)])
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(status, out, err)


def run(arguments: Sequence[object], here: Path, stdin: str = "", **environment: str) -> Said:
    """`python -m fari` in a process of its own."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "HOME": str(here), **environment}
    done = subprocess.run(
        [sys.executable, "-m", "fari", *map(str, arguments)], cwd=here, input=stdin, capture_output=True, encoding="utf-8", env=own, check=False
    )
    assert environment.get("FARI_DEBUG") or "Traceback" not in done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


def write_project(folder: Path) -> list[Path]:
    """The project's folder with its files beside `fari.toml`, nothing imported yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fari.toml").write_text(TOML, encoding="utf-8")
    paths = [folder / name for name in FILES]
    for path in paths:
        path.write_text(FILES[path.name], encoding="utf-8")
    return paths
