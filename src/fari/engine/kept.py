"""Compiled SQL, kept in the virtual environment Fari is installed in (all projects share it: it depends on the code alone), else beside the facts.

A process that finds what it needs here does not import Ibis, which takes longer than answering.
"""

import os
import shutil
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import fari.metrics
from fari.engine import graph

_KNOWN: dict[str, str] = {}
_SHARED = Path(sys.prefix) / "share" / "fari" if sys.prefix != sys.base_prefix else None


def kept(root: Path, digest: str, make: Callable[[], str]) -> str:
    """The text of that digest: known to this process, found where texts are kept, or made and kept. `root` is the folder of the facts."""
    if digest not in _KNOWN:
        folders = (_SHARED, root) if _SHARED else (root,)
        found = next((path for path in (folder / _code() / f"{digest}.sql" for folder in folders) if path.exists()), None)
        if found is not None:
            _KNOWN[digest] = found.read_text(encoding="utf-8")
        else:
            _KNOWN[digest] = make()
            any(_keep(folder, digest) for folder in folders)
    return _KNOWN[digest]


@cache
def _code() -> str:
    """The folder of one state of the code."""
    sources = [*sorted(Path(fari.metrics.__path__[0]).glob("*.py")), *sorted(Path(__file__).parent.glob("*.py"))]
    return f"sql-{graph.digest_of(graph.code_digest(), [path.read_text(encoding='utf-8') for path in sources])}"


def _keep(folder: Path, digest: str) -> bool:
    """Whether the text could be written there. Texts of another state of the code are removed."""
    own = folder / _code()
    try:
        if not own.is_dir():
            for old in folder.glob("sql-*"):
                shutil.rmtree(old, ignore_errors=True)
            own.mkdir(parents=True, exist_ok=True)
        aside = own / f"{digest}.{os.getpid()}.{threading.get_ident()}"
        aside.write_text(_KNOWN[digest], encoding="utf-8")
        aside.replace(own / f"{digest}.sql")
    except OSError:
        return False
    return True
