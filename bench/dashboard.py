"""The dashboard's pages: how soon the server is up, how long each page takes the first time and again, how large it is; beside a file of the same server.

    python bench/dashboard.py FOLDER [--rounds 20] [--views 100000000 --log DIR] [--period 2025-12]

FOLDER is a project, such as a demo (`fari demo FOLDER --no-serve --size medium`). With `--views` so many page views of 2024 and 2025 are made up (weblog.py) and
imported into it first, the files kept in DIR; `--period` asks every page about a period in which there are some. The pages are asked for in process, over the application itself, so that what is
measured is the server's own time; a style sheet served by the same application stands beside them, since the machine's mood is in both. Cold is the first
time in a process; what is worked out behind the reader's back is waited for before the warm rounds.
"""

import argparse
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from measuring import say
from starlette.testclient import TestClient
from weblog import write_log

from fari.company import load
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sources.importing import import_files
from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.site import Site

PAGES = ("/", "/revenue", "/funnel", "/channels", "/visitors", "/data", "/metrics", "/metrics/mrr", "/metrics/cac", "/metrics/visitors?by=channel")
BESIDE = "/static/fari.css"


def timed(client: TestClient, path: str) -> tuple[float, int, str]:
    """(seconds, bytes, text) of a page."""
    begun = time.perf_counter()
    answer = client.get(path)
    took = time.perf_counter() - begun
    assert answer.status_code == 200, (path, answer.status_code)
    return took, len(answer.content), answer.text


def fill(folder: Path, log: Path, views: int) -> None:
    """Import so many page views of two years, a month at a time."""
    ledger = Ledger(folder, load(folder))
    log.mkdir(parents=True, exist_ok=True)
    for path in write_log(log, views, 24, say):
        import_files(ledger, [path], How(date(2100, 1, 1), datetime.now(UTC)))
        say(f"imported {path.name}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--views", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path("log"))
    parser.add_argument("--period", default="")
    asked = parser.parse_args()
    if asked.views:
        fill(asked.folder, asked.log, asked.views)
    begun = time.perf_counter()
    app = application(Site(Place(asked.folder)))
    with TestClient(app) as client:
        timed(client, BESIDE)
        print(f"up in {time.perf_counter() - begun:.2f} s (imports not counted)")
        beside = median(timed(client, BESIDE)[0] for _ in range(asked.rounds))
        print(f"{'page':32}{'cold s':>9}{'whole s':>9}{'warm ms':>9}{'p95 ms':>9}{'x file':>8}{'KB':>7}")
        for name in PAGES:
            path = name + (f"{'&' if '?' in name else '?'}period={asked.period}" if asked.period else "")
            begun = time.perf_counter()
            cold, _, text = timed(client, path)
            while "data-pending" in text:
                time.sleep(0.2)
                _, _, text = timed(client, path)
            whole = time.perf_counter() - begun
            rounds = [timed(client, path) for _ in range(asked.rounds)]
            warm, worst = median(one[0] for one in rounds), sorted(one[0] for one in rounds)[int(0.95 * (asked.rounds - 1))]
            print(f"{path:32}{cold:9.2f}{whole:9.2f}{1000 * warm:9.1f}{1000 * worst:9.1f}{warm / beside:8.1f}{rounds[-1][1] / 1000:7.0f}")


if __name__ == "__main__":
    main()
