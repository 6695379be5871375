"""Fixtures that several test files share: a made-up company with half a year of data, made once for all workers."""

import gc
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
MONTHS = 8


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: half a million objects that need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of a small demo company of eight months. Only read it; copy it to write."""
    from fari.surfaces.demo import Demo, make

    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demo-company"
    with FileLock(f"{folder}.lock"):
        one = Demo(folder, {"months": MONTHS, "seed": 1, "size": "small"})
        if not one.found():
            make(one, lambda _: None)
    return folder


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The path of a Chromium; one is installed where there is none."""
    base = tmp_path_factory.getbasetemp()
    with FileLock((base if worker_id == "master" else base.parent) / "chromium.lock"):
        done = subprocess.run([ROOT / "scripts" / "chromium"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
