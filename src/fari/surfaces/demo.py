"""`fari demo`: a made-up company in a folder of its own, imported month by month as it would have become known, and its funnel."""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fari.company import load, template
from fari.errors import FariError, UsageError, did_you_mean
from fari.surfaces import terminal
from fari.surfaces.format import many
from fari.surfaces.project import Place, now, today
from fari.surfaces.starting import write_project

if TYPE_CHECKING:
    from fari.demo import Batch
    from fari.engine.periods import Period
    from fari.ledger.store import Ledger

VOTED = ("visitors", "mqls", "sqls", "lead_conversion_rate", "customer_churn_rate", "mrr", "cac", "clv")
"""The metrics that marketers voted for, in the order of the funnel."""
BESIDE = ("signups", "pipeline_value", "share_of_search")
ZONE = "Europe/Rome"
_MARK = ".demo.json"
_OURS = ("exports", "ledger", "facts")


@dataclass(frozen=True)
class Demo:
    """A demo's folder and what it was asked to be."""

    home: Path
    asked: dict[str, Any]

    @property
    def mark(self) -> Path:
        """The file that says what demo this is, and whether it was finished."""
        return self.home / _MARK

    def found(self) -> bool:
        """Whether this very demo is there already; FariError where something else is."""
        if not self.home.exists() or (self.home.is_dir() and not any(self.home.iterdir())):
            return False
        try:
            told = json.loads(self.mark.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise FariError(f"{self.home} is not empty and is no demo; name another folder: `fari demo DIR`") from None
        if {name: told.get(name) for name in self.asked} != self.asked:
            other = ", ".join(f"{name} {told.get(name)}" for name in self.asked)
            raise FariError(f"{self.home} holds another demo ({other}); name another folder, or remove it")
        return bool(told.get("done"))

    def note(self, done: bool) -> None:
        """Write the mark."""
        self.mark.write_text(json.dumps(self.asked | {"done": done}) + "\n", encoding="utf-8")


def show_demo(place: Place, folder: Path, months: int, seed: int, size: str, serving: bool = False) -> None:
    """Make the demo where it is not there yet, print its funnel and say what to try next."""
    from fari.demo.market import SIZES

    if size not in SIZES:
        raise UsageError(f"unknown size {size!r}{did_you_mean(size, SIZES)} (one of: {', '.join(SIZES)})")
    if not 1 <= months <= 240:
        raise UsageError(f"--months takes 1 to 240, not {months}")
    home = place.here / folder
    demo = Demo(home, {"months": months, "seed": seed, "size": size})
    with terminal.progress("making up a company") as progress:
        if demo.found():
            terminal.note(f"{home} is there already and is shown as it is")
        else:
            make(demo, progress)
        ledger = Place(home).project()
        period = show_funnel(ledger, progress)
    for line in _next(home if place.here != Path.cwd() else folder, period):
        terminal.note(line)
    if not serving:
        return
    if not terminal.watched(sys.stdout):
        # A script would wait for ever.
        terminal.note("no terminal is looking, so that the dashboard is not started: `serve` does")
        return
    from fari.surfaces.web.serve import At, serve

    terminal.note("")
    serve(Place(home), At(any_port=True))


def make(demo: Demo, progress: terminal.Say) -> None:
    """Write the company's files and import them, each month's exports as one act recorded on the day they were taken."""
    from fari.demo import write
    from fari.demo.market import COMPANY, CURRENCY, HOST

    home = demo.home
    for name in _OURS:
        # What an interrupted demo has left behind.
        shutil.rmtree(home / name, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    demo.note(done=False)
    toml = template(COMPANY, CURRENCY, ZONE).replace('# hosts = ["example.com"]     # own', f'hosts = ["{HOST}"]     # own')
    write_project(home, toml)
    ledger = Place(home).project()
    progress("making up a company")
    batches = write(home / "exports", demo.asked["months"], demo.asked["seed"], demo.asked["size"], today(load(home)))
    rows, files = bring_in(ledger, batches, progress)
    demo.note(done=True)
    terminal.note(f"made {home}: {many(rows, 'row')} from {many(files, 'file')}, {many(len(batches), 'month')} of exports")


def bring_in(ledger: "Ledger", batches: "Sequence[Batch]", progress: terminal.Say) -> tuple[int, int]:
    """Import the batches; (rows read, files). The demo's own files are read whole, or something is wrong with Fari."""
    from fari.ledger.acts import How
    from fari.sources.importing import import_files

    rows = files = 0
    for number, batch in enumerate(batches, 1):
        progress(f"importing {batch.recorded:%Y-%m} ({number} of {len(batches)})")
        how = How(batch.recorded, now())
        for extra in dict.fromkeys(extra for _, extra in batch.files):
            options = dict(zip(extra[::2], extra[1::2], strict=True))
            paths = [path for path, own in batch.files if own == extra]
            reports = import_files(ledger, paths, how, as_=options.get("--as"), source=options.get("--source"))
            rows += sum(report.read for report in reports)
            files += len(reports)
            wrong = next((problem for report in reports for problem in report.problems if problem.refused), None)
            if wrong is not None:
                raise FariError(f"the demo's own file is not as it should be: {wrong}")
    return rows, files


def show_funnel(ledger: "Ledger", progress: terminal.Say) -> "Period":
    """Print the metrics of the vote, and some beside, for the last whole month against the one before; that month."""
    from fari.engine.answer import Question
    from fari.engine.ask import Asker, defaults
    from fari.engine.compare import compare
    from fari.engine.periods import cut
    from fari.surfaces.metrics import print_table
    from fari.surfaces.table import notes

    asker = Asker(ledger, progress=progress)
    range_ = defaults(asker.state()[0])
    if range_ is None:
        raise FariError(f"{ledger.folder} holds no data; remove it and run `fari demo` again")
    month = cut(*range_, "month")[-1]
    answers = compare(asker, Question((*VOTED, *BESIDE), (month,), today=today(ledger.company)), "previous")
    print_table(answers, ledger.company, compared=True)
    for line in notes(answers):
        terminal.note(line)
    return month


def _next(folder: Path, month: "Period") -> list[str]:
    own = f"{terminal.command()} -C {shlex.quote(str(folder))}"
    tries = (
        (f"{own} metrics mrr cac clv --by channel", "where it works"),
        (f"{own} explain cac {month.label}", "down to the rows of the files"),
        (f"{own} serve", "the dashboard, in the browser"),
        (f"{own} doctor", "what is connected, and what holds"),
        (f"{own} import FILE...", "add files of your own"),
    )
    width = max(len(command) for command, _ in tries)
    return ["", "Next:", *(f"  {command:<{width}}  {why}" for command, why in tries)]
