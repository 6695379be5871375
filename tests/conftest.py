"""Fixtures that several test files share: a made-up company with half a year of data, made once for all workers."""

from pathlib import Path

import pytest
from filelock import FileLock

MONTHS = 8


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
