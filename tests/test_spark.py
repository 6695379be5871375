"""The engine over Spark Connect, served by Sail: the same methods as the embedded engine's, with the same results."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.sail import sail

from fari.engine import spark
from fari.engine.duck import DuckDB
from fari.engine.spark import SparkConnect
from fari.errors import FariError
from fari.ledger.store import current_sql, stored_columns

EVERY = {"n": "int32", "big": "int64", "money": "decimal(18,6)", "said": "string", "on": "date", "moment": "timestamp", "ours": "boolean"}
EARLY = datetime(2025, 3, 30, 1, 30, 0, 7, UTC).replace(tzinfo=None)
LATE = datetime(2201, 1, 1, tzinfo=UTC).replace(tzinfo=None)
ROWS = [
    (1, 2**40, Decimal("0.000001"), "it's “ours”\\", date(2024, 2, 29), EARLY, True),
    (None, None, None, None, None, None, None),
    (-3, -1, "-12.3456785", "", date(1969, 12, 31), LATE, False),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[SparkConnect]:
    made = SparkConnect(sail())
    yield made
    made.close()


def test_what_is_put_comes_back_as_from_the_embedded_engine(engine: SparkConnect) -> None:
    embedded = DuckDB()
    for one in (engine, embedded):
        one.put("several", EVERY, ROWS)
    query = "SELECT * FROM several ORDER BY n"
    assert set(engine.run(query)) == set(embedded.run(query))
    assert (-3, -1, Decimal("-12.345679"), "", date(1969, 12, 31), LATE, False) in engine.run(query)
    assert engine.columns(query) == list(EVERY)


def test_a_table_can_be_put_again_and_be_empty(engine: SparkConnect) -> None:
    engine.put("again", {"a": "int64"}, [(1,)])
    engine.put("again", {"b": "decimal(18,6)"}, [])
    assert engine.run("SELECT * FROM again") == []
    assert engine.columns("SELECT * FROM again") == ["b"]


def test_a_large_table_goes_in_several_messages(engine: SparkConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_SENT_AT_ONCE", 7)
    engine.put("long", {"a": "int64"}, [(n,) for n in range(50)])
    assert engine.run("SELECT count(*), sum(a) FROM long") == [(50, 1225)]


@pytest.mark.parametrize("folder", ["plain", "My Projèct", "a%20b", "it's #1"])
def test_what_is_built_is_read_by_both_engines(engine: SparkConnect, tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "fact.parquet"
    engine.put("given", EVERY, ROWS)
    engine.build("SELECT * FROM given", path, EVERY)
    assert engine.schema([str(path)]) == EVERY
    assert [entry.name for entry in path.parent.iterdir()] == ["fact.parquet"]
    embedded = DuckDB()
    for one, paths in ((engine, [str(path)]), (embedded, [str(part) for part in path.glob("*.parquet")])):
        one.view("built", paths, {})
        assert sorted(one.run("SELECT n, money, moment FROM built WHERE n IS NOT NULL")) == [
            (-3, Decimal("-12.345679"), LATE),
            (1, Decimal("0.000001"), EARLY),
        ]
    embedded.drop(path)
    assert not path.exists()


def test_of_two_builders_one_copy_stays(engine: SparkConnect, tmp_path: Path) -> None:
    path = tmp_path / "fact.parquet"
    for n in (1, 2):
        engine.build(f"SELECT {n} AS n", path, {"n": "int64"})
    engine.view("first", [str(path)], {})
    assert engine.run("SELECT n FROM first") == [(1,)]
    assert list(tmp_path.iterdir()) == [path]
    engine.drop(path)
    assert not path.exists()


def test_a_fact_without_rows_has_its_columns(engine: SparkConnect, tmp_path: Path) -> None:
    path = tmp_path / "fact.parquet"
    engine.build("SELECT 1 AS n, 'x' AS said WHERE 1 = 0", path, {"n": "int64", "said": "string"})
    engine.view("none", [str(path)], {})
    assert engine.run("SELECT * FROM none") == []
    assert engine.schema([str(path)]) == {"n": "int64", "said": "string"}


def test_a_view_supplies_what_files_lack(engine: SparkConnect, tmp_path: Path) -> None:
    embedded = DuckDB()
    embedded.build("SELECT 1 AS a", tmp_path / "old.parquet", {"a": "int64"})
    embedded.build("SELECT 2 AS a, 'new' AS b", tmp_path / "new.parquet", {"a": "int64", "b": "string"})
    columns = {"b": "VARCHAR", "a": "INTEGER", "at": "TIMESTAMP", "rate": "DECIMAL(19,12)"}
    for one in (engine, embedded):
        one.view("together", [str(tmp_path / "old.parquet"), str(tmp_path / "new.parquet")], columns)
        assert sorted(one.run("SELECT * FROM together"), key=str) == [("new", 2, None, None), (None, 1, None, None)]
        one.view("together", [str(tmp_path / "old.parquet")], columns)
        assert one.run("SELECT * FROM together") == [(None, 1, None, None)]
        one.view("together", [], columns)
        assert one.run("SELECT * FROM together") == []
        assert one.columns("SELECT * FROM together") == list(columns)


@pytest.mark.parametrize("table", ["events", "subscriptions", "stages"])
def test_the_ledgers_own_sql_runs(engine: SparkConnect, table: str) -> None:
    """Its columns `at`, `interval` and `key` are words of SQL, and quoted as the standard has it."""
    engine.view(f"raw_{table}", [], stored_columns(table))
    engine.put("seen", {"import_id": "string", "seq": "int64"}, [("i1", 1)])
    engine.named("current_rows", current_sql(table))
    assert engine.columns("SELECT * FROM current_rows") == list(stored_columns(table))
    assert engine.run("SELECT * FROM current_rows") == []


def test_a_folder_that_spark_would_read_as_a_pattern_is_refused(engine: SparkConnect, tmp_path: Path) -> None:
    with pytest.raises(FariError, match="as a pattern; rename the folder"):
        engine.build("SELECT 1 AS n", tmp_path / "acme [old]" / "fact.parquet", {"n": "int64"})


def test_a_cluster_that_writes_elsewhere_is_refused(engine: SparkConnect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_whole", lambda path: str(tmp_path / "elsewhere"))
    with pytest.raises(FariError, match="must be a folder that both see"):
        engine.build("SELECT 1 AS n", tmp_path / "here" / "fact.parquet", {"n": "int64"})


def test_no_server_is_one_clear_line() -> None:
    with pytest.raises(FariError, match=r"no Spark Connect server answers at sc://127\.0\.0\.1:1 "):
        SparkConnect("sc://127.0.0.1:1")


def test_an_overflow_is_an_error(engine: SparkConnect) -> None:
    with pytest.raises(Exception, match=r"(?i)overflow|out.of.range|too large|fit"):
        engine.run("SELECT CAST(99999999999999999999999 AS DECIMAL(18,6))")


def test_a_text_is_read_back_as_it_was_written(engine: SparkConnect) -> None:
    texts = ["Bob's", 'a "b"', "back\\slash", "\\'", "Email"]
    assert engine.run("SELECT " + ", ".join(f"{engine.text(each)} AS t{n}" for n, each in enumerate(texts))) == [tuple(texts)]


def test_a_program_without_a_file_can_still_start_processes() -> None:
    """A worker of a test runner is such a program; once it had asked a cluster, its spawned children died at birth."""
    program = (
        "import sys;"
        "from fari.engine.spark import SparkConnect; from multiprocessing import get_context;"
        "SparkConnect(sys.argv[1]).close(); child = get_context('spawn').Process(target=print, args=('born',));"
        "child.start(); child.join(60); sys.exit(child.exitcode)"
    )
    ran = subprocess.run([sys.executable, "-c", program, sail()], check=False, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, "born\n"), ran.stderr
