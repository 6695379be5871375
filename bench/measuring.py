"""Measuring: contenders run in processes of their own, in turn, round by round; medians, ratios and peak memory."""

import json
import multiprocessing
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

GIB = 2**30


class Run(NamedTuple):
    """One contender, run once: the seconds it measured itself, its peak memory in bytes, and what it found."""

    seconds: float
    memory: int
    found: Any


class Contender(NamedTuple):
    """A name, and a function of picklable arguments that returns (seconds, what it found)."""

    name: str
    function: Callable[..., tuple[float, Any]]
    arguments: tuple[Any, ...]


def alone(function: Callable[..., tuple[float, Any]], *arguments: Any) -> Run:
    """Run a contender in a fresh process, so that its memory is its own and nothing is left of the one before."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        kind, told = here.recv()
    except EOFError:
        kind, told = "died", f"{function.__name__} died"
    process.join()
    if kind != "done":
        raise SystemExit(f"{function.__name__}: {told}")
    return Run(*told)


def _child(pipe: Any, function: Callable[..., tuple[float, Any]], arguments: tuple[Any, ...]) -> None:
    try:
        seconds, found = function(*arguments)
    except Exception as error:
        import traceback

        pipe.send(("failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))
        return
    pipe.send(("done", (seconds, peak(), found)))


def peak() -> int:
    """The most memory this process and its children have held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def rounds(contenders: Sequence[Contender], count: int) -> dict[str, list[Run]]:
    """Every contender `count` times, each round in turn, so that what else the machine does falls on all alike."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(count):
        for contender in contenders:
            run = alone(contender.function, *contender.arguments)
            runs[contender.name].append(run)
            say(f"round {number + 1} of {count}: {contender.name}: {run.seconds:.3f} s, {run.memory / GIB:.2f} GiB")
    return runs


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, result) of a call."""
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def best(function: Callable[[], Any], times: int) -> tuple[float, Any]:
    """(seconds, result) of the median of several calls in this process."""
    all_runs = [timed(function) for _ in range(times)]
    return median(seconds for seconds, _ in all_runs), all_runs[-1][1]


def report(title: str, runs: Mapping[str, Sequence[Run]]) -> None:
    """Print medians, their spread and peak memory."""
    print(f"\n{title}\n{machine()}\n")
    width = max(map(len, runs))
    print(f"{'':<{width}}  {'median s':>9}  {'least':>9}  {'most':>9}  {'peak GiB':>8}")
    for name, found in runs.items():
        took = [run.seconds for run in found]
        print(f"{name:<{width}}  {median(took):>9.3f}  {min(took):>9.3f}  {max(took):>9.3f}  {max(run.memory for run in found) / GIB:>8.2f}")


def ratio(runs: Mapping[str, Sequence[Run]], one: str, other: str, aim: str) -> None:
    """Print how many times as long one took as the other: the median over rounds of that round's ratio."""
    ratios = sorted(a.seconds / b.seconds for a, b in zip(runs[one], runs[other], strict=True))
    print(f"{one} / {other}: {median(ratios):.3g} (from {ratios[0]:.3g} to {ratios[-1]:.3g}); aim: {aim}")


def machine() -> str:
    """What it ran on, and when."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    versions = " ".join(f"{name} {_version(name)}" for name in ("duckdb", "chdb") if _version(name))
    return f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@contextmanager
def workplace(folder: Path | None) -> Iterator[Path]:
    """The folder given, kept; or a temporary one that is removed."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="fari-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def once(folder: Path, what: Mapping[str, Any]) -> Iterator[bool]:
    """Whether `folder` still has to be filled; noted as done, with what it was filled for, when the block ends well."""
    note = folder / "made.json"
    if note.exists() and json.loads(note.read_text()) == dict(what):
        yield False
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield True
    note.write_text(json.dumps(dict(what)))


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)
