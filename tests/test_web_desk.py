"""The desk: what is kept by the dashboard, whole or not at all, whoever else writes."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fari.surfaces.web.desk import Desk

TABLES = "CREATE TABLE IF NOT EXISTS cups (name TEXT PRIMARY KEY, full INTEGER NOT NULL)"


def test_nothing_is_made_by_reading(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk.sqlite")
    assert desk.rows(TABLES, "SELECT * FROM cups") == []
    assert list(tmp_path.iterdir()) == []


def test_an_act_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk.sqlite")
    with desk.writing(TABLES) as db:
        db.execute("INSERT INTO cups VALUES ('red', 1)")
    with pytest.raises(sqlite3.IntegrityError), desk.writing(TABLES) as db:
        db.executemany("INSERT INTO cups VALUES (?, ?)", [("blue", 2), ("red", 3)])
    (row,) = Desk(desk.path).rows(TABLES, "SELECT * FROM cups WHERE full > ?", (0,))
    assert (row["name"], row["full"]) == ("red", 1)


def test_it_is_nobody_elses(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk.sqlite")
    with desk.writing(TABLES) as db:
        db.execute("INSERT INTO cups VALUES ('red', 1)")
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_many_write_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk.sqlite")
    with desk.writing(TABLES) as db:
        db.execute("INSERT INTO cups VALUES ('red', 0)")

    def one(_: int) -> None:
        with desk.writing(TABLES) as db:
            (full,) = db.execute("SELECT full FROM cups").fetchone()
            db.execute("UPDATE cups SET full = ?", (full + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(80)))
    assert desk.rows(TABLES, "SELECT full FROM cups")[0]["full"] == 80
