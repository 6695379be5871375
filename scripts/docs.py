"""The pages of the documentation that are read from the code: every metric from its docstring, every fact from its own.

`scripts/docs` writes them.
"""

from collections.abc import Iterable
from importlib import import_module
from inspect import cleandoc, isfunction, signature
from itertools import groupby
from pathlib import Path

from fari.engine.compile import REACH, by_grain, stored
from fari.engine.graph import ASKED, ASKED_OF_IDENTITY, catalogue, resolve
from fari.engine.wording import formula
from fari.facts import periodic
from fari.marks.tables import IDENTITY
from fari.metrics import DIMENSIONS, METRICS, listed
from fari.metrics.kinds import Formula, Measure, Metric, leaves

DOCS = Path(__file__).parent.parent / "docs"
STAGES = {"acquisition": "Acquisition", "retention": "Retention", "monetisation": "Monetisation"}
GOOD = {"up": "more is better", "down": "less is better", "neutral": "neither more nor less is better"}

METRICS_HEAD = """# Metrics

Written by `scripts/docs` from the docstrings of `src/fari/metrics`; change them there.

Names are those of `fari metrics`. Every metric exists by day, week, month, quarter, year and over a whole range, and by every dimension that all of
its inputs know. Rates are fractions; a ratio without a denominator has no value and says so. Where others define one differently,
[definitions.md](definitions.md) says what Fari does and why. `fari explain NAME PERIOD` shows the formula with the period's numbers, and the rows.

The examples are run by the tests. Those that `ask` are about the sample company of `src/fari/sample.py`, small enough to be counted by hand.
"""
PARTS_HEAD = """## Parts

What formulas are made of beside the metrics above. They can be asked for by name like any other, and stand in the `parts` of the answers that use
them.
"""
FACTS_HEAD = """# Facts

Written by `scripts/docs` from the docstrings of `src/fari/facts`; change them there.

A fact is dated rows: what the ledger's rows mean. Each is an expression over ledger tables, marks and other facts (its inputs); measures are sums
over a few of them. The engine stores each under a digest of all it was made from, so a fact is built again exactly where its inputs have changed.
"""


def metrics_page() -> str:
    """`docs/metrics.md`."""
    parts = [METRICS_HEAD]
    named = [METRICS[name] for name in listed()]
    for stage, title in STAGES.items():
        parts += [f"## {title}\n", *(_metric(metric) for metric in named if metric.stage == stage)]
    parts += [PARTS_HEAD, *(_metric(metric) for metric in METRICS.values() if metric not in named)]
    return "\n".join(parts)


def _metric(metric: Metric) -> str:
    text, _, example = metric.doc.partition(">>> ")
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    facts = [
        f"`{formula(metric.name)}`",
        f"Unit: {metric.unit}; {GOOD[metric.good]}. {_over_periods(metric)}",
        f"By {_dimensions(metric)}.",
    ]
    if metric.version > 1:
        facts.append(f"Definition version {metric.version}.")
    listing = "\n".join(f"- {fact}" for fact in facts)
    return f"### {metric.name}\n\n" + "\n\n".join(paragraphs) + f"\n\n{listing}\n\n```python\n>>> {example.strip()}\n```\n"


def _over_periods(metric: Metric) -> str:
    if metric.adds_over_periods:
        return "Adds up over periods."
    if isinstance(metric, Measure) and metric.when in ("opening", "closing"):
        return "A level: it does not add up over periods."
    return "Computed anew for every period: it does not add up over them."


def _dimensions(metric: Metric) -> str:
    measures = [METRICS[leaf] for leaf in leaves(metric.name)]
    common = [d for d in DIMENSIONS if all(isinstance(m, Measure) and d in m.dimensions for m in measures)]
    reach = {d for m in measures if isinstance(m, Measure) for d in m.reach}
    if not common:
        return "no dimension"
    named = ", ".join(f"{d} (reach: one may count in several)" if d in reach else d for d in common)
    return named if not isinstance(metric, Formula) else f"{named}, computed in each"


def facts_page() -> str:
    """`docs/facts.md`."""
    parts = [FACTS_HEAD]
    graph, kept = catalogue(), facts()
    for module, names in groupby((name for name in graph if name in kept), key=lambda name: graph[name][0]):
        parts.append(_table(module, [(name, graph[name][1]) for name in names]))
    asked = [(name, tuple(signature(made).parameters)) for name, made in vars(periodic).items() if _is_public(made)]
    return "\n".join([*parts, _table(periodic.__name__, asked)])


def facts() -> set[str]:
    """The facts that measures need, directly or through others; a module of facts has helpers, too."""
    measures = [metric for metric in METRICS.values() if isinstance(metric, Measure)]
    summed = [stored(fact) for fact in [*(measure.fact for measure in measures), *REACH.values()]]
    # `visit_pages` is read when a number is opened.
    waiting = {one for fact in summed for one in by_grain(fact, ("day", "week", "month"))} | {"visit_pages"}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting |= {resolve(name, origin) for origin in ("subscriptions", "deals", "stages")}
        waiting |= set(catalogue()[name][1]) if name in catalogue() else set()
        waiting |= {ASKED[name]} if name in ASKED else set()
        waiting |= set(ASKED_OF_IDENTITY) if name in IDENTITY else set()
        waiting |= {"own_members"} if name == "members" else set()
    return found & set(catalogue())


def _is_public(thing: object) -> bool:
    return isfunction(thing) and thing.__module__ == periodic.__name__ and not thing.__name__.startswith("_")


def _table(module: str, names: Iterable[tuple[str, Iterable[str]]]) -> str:
    lines = [
        f"## {module.removeprefix('fari.')}\n",
        f"{_sentences(import_module(module).__doc__)}\n",
        "| fact | what it holds, and from what |",
        "|---|---|",
    ]
    for name, inputs in names:
        said = _sentences(getattr(import_module(module), name).__doc__)
        cell = f"{said} From {', '.join(f'`{one}`' for one in inputs)}.".replace("|", "\\|")
        lines.append(f"| `{name}` | {cell} |")
    return "\n".join([*lines, ""])


def _sentences(doc: str | None) -> str:
    return " ".join(cleandoc(doc or "").split())


PAGES = {"metrics.md": metrics_page, "facts.md": facts_page}
"""Each page that is written, and what writes it."""


if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
