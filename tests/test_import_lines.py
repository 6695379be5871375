"""Large files are cut into lines and cells by the engine, small ones by Python: both find the same rows and name the same lines."""

import gzip
from pathlib import Path

import pytest
from tests.books import Book, told

from fari.sources import lines

HEAD = "day,channel,amount,currency,platform,note"
FILES = {
    "plain": f"{HEAD}\n2025-01-01,Email,1,EUR,a,x\n2025-01-02,Email,2,EUR,a,\n",
    "without a last line feed": f"{HEAD}\n2025-01-01,Email,1,EUR,a,x\n2025-01-02,Email,2,EUR,a,y",
    "blank lines": f"\n  \n{HEAD}\n\n2025-01-01,Email,1,EUR,a,x\n \n,,,,,\n2025-01-02,Email,2,EUR,a,y\n\n",
    "ragged": f"{HEAD}\n2025-01-01,Email,1\n2025-01-02,Email,2,EUR,a,x,more\n2025-01-03,Email,3,EUR,a,x\n,,\n",
    "trailing delimiters": f"{HEAD},\n2025-01-01,Email,1,EUR,a,x,\n2025-01-02,Email,2,EUR,a,x, ,,\n2025-01-03,Email,3,EUR,a,x\n",
    "blanks around": f" {HEAD} \n 2025-01-01 , Email ,1 ,EUR,a\u00a0,\u2003x\n",
    "semicolons": f"{HEAD}\n2025-01-01,Email,1,EUR,a,x\n".replace(",", ";"),
    "tabs": f"{HEAD}\n2025-01-01,Email,1,EUR,a,x\n".replace(",", "\t"),
    "bad cells": f"{HEAD}\n2025-01-32,Email,1,EUR,a,x\n2025-01-02,Email,one,EUR,a,x\n2025-01-03,Email,3,EUR,a,x\n",
    "a mark before it": f"\ufeff{HEAD}\n2025-01-01,Café,1,EUR,a,ñ\n",
    "quotes": f'{HEAD}\n2025-01-01,"Email, all",1,EUR,a,"two\nlines"\n2025-01-02,Email,x,EUR,a,x\n',
    "other line ends": f"{HEAD}\r\n2025-01-01,Email,1,EUR,a,x\r\n2025-01-32,Email,1,EUR,a,x\r\n",
    "nothing": f"{HEAD}\n",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_both_ways_of_reading_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, packed: bool) -> None:
    found = []
    for way, size in (("python", lines.LARGE), ("engine", 0)):
        monkeypatch.setattr(lines, "LARGE", size)
        book = Book(tmp_path / way)
        content = text.encode()
        report = book.bring("spend.csv", gzip.compress(content) if packed else content)
        problems = sorted(told(report)), sorted((str(p.line), p.value, p.mend) for p in report.problems)
        found.append((book.rows("spend", "day channel amount currency platform attributes origin"), report.read, report.rejected, problems))
    assert found[0] == found[1]
    assert found[0][3][1] or found[0][0]


def test_the_engine_cuts_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGE", 0)
    asked: list[bool] = []
    cut = lines.cut

    def told_of(*arguments: object, **options: object) -> bool:
        asked.append(cut(*arguments, **options))  # type: ignore[arg-type]
        return asked[-1]

    monkeypatch.setattr("fari.sources.contract.cut", told_of)
    book = Book(tmp_path)
    for text in FILES.values():
        book.bring("spend.csv", text)
    python = ("quotes", "other line ends")
    assert dict(zip(FILES, asked, strict=True)) == {name: name not in python for name in FILES}
