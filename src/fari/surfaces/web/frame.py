"""The frame of every page: where one is, what is looked at, how fresh it is, and the same question for a terminal, a program or a colleague."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fari.engine.ask import Asker
from fari.engine.compare import bases
from fari.engine.periods import Period, containing, cut, typed
from fari.surfaces.web.rulings import Ruling, unexplained
from fari.surfaces.web.scene import Scene

NAV = (
    ("/", "Overview"), ("/revenue", "Revenue"), ("/funnel", "Funnel"), ("/channels", "Channels"), ("/visitors", "Visitors"), ("/insight", "Insight"),
    ("/data", "Data"),
)  # fmt: skip
STALE = 7
"""Data this many days behind today is said to be stale; a month's export is taken after the month."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    text: str
    chosen: bool = False


def nav(scene: Scene) -> list[tuple[str, str, bool]]:
    """The pages of the head: (address, name, whether it is this one)."""
    own = scene.view.path
    return [(scene.view.at(path).url, scene.said.say(name), own == path) for path, name in NAV]


def periods(scene: Scene) -> list[Choice]:
    """The periods to choose from: every month with data, the newest first, and the quarters and years around them."""
    covered, fiscal = scene.covered, scene.company.fiscal_year_start
    if covered.since is None or covered.horizon is None:
        return []
    found = []
    for grain in ("month", "quarter", "year"):
        ones = cut(covered.since, covered.horizon + _DAY, grain, fiscal)
        found += [Choice(typed(one, fiscal), scene.name(one), one == scene.period) for one in reversed(ones)]
    if not any(one.chosen for one in found):
        found.insert(0, Choice(typed(scene.period, fiscal), scene.name(scene.period), chosen=True))
    return found


def compares(scene: Scene) -> list[Choice]:
    """What the period can be compared with."""
    own, said = ",".join(bases(scene.against)), scene.said.say
    texts = {
        "previous": said("vs the period before"), "year": said("vs a year before"), "previous,year": said("vs both"),
        "weekdays": said("vs same weekdays"),
    }  # fmt: skip
    if own not in texts:
        texts[own] = said("vs {period}", period=scene.said.listing([scene.name(one) for one in scene.others]))
    return [Choice(value, text, value == own) for value, text in texts.items()]


def segments(scene: Scene, dimension: str) -> list[Choice]:
    """A dimension's values, for the filter in the head: those there are people or customers of."""
    one = "leads" if dimension != "content" else "visitors"
    question = scene.question(one, periods=scene.history[-12:], by=(dimension,))

    def make(asker: Asker) -> list[str]:
        from dataclasses import replace

        answers = asker.ask(replace(question, where=()))
        return sorted({answer.segment[dimension] for answer in answers})

    own = dict(scene.view.where).get(dimension, ())
    values = scene.kept("segments", dimension, question.periods, question.as_of, make=make)
    return [Choice(value, scene.said.value(dimension, value), (value,) == own) for value in values]


def freshness(scene: Scene) -> tuple[str, bool, str]:
    """(how fresh the data is, whether it is stale, the period's own state) in words."""
    said, horizon = scene.said.say, scene.covered.horizon
    if horizon is None:
        return said("no data yet"), True, ""
    day = scene.name(Period(horizon, horizon + _DAY, "day"))
    behind = (scene.today - horizon).days
    sources = len(scene.covered.ranges)
    text = said("data until {day} · {count} tables", day=day, count=sources)
    state = ""
    if scene.period.until > horizon + _DAY and scene.period.since <= horizon:
        state = said("so far: day {day} of {days}", day=(horizon - scene.period.since).days + 1, days=scene.period.days)
    month_over = containing(scene.today, "month").since
    return text, behind > STALE and horizon < month_over - _DAY, state


def failed(scene: Scene) -> tuple[str, str]:
    """(which sources could not be read when they last were asked, and why), in words; both empty where none failed."""
    found = [one for one in scene.tries if one.failed]
    if not found:
        return "", ""
    text = scene.said.say("sync failed: {sources}", sources=", ".join(one.source for one in found))
    return text, "; ".join(f"{one.source}, {local(scene, one.at)}: {one.failed}" for one in found)


def local(scene: Scene, at: datetime) -> str:
    """An instant in the company's zone."""
    return f"{at.replace(tzinfo=UTC).astimezone(scene.company.zone):%Y-%m-%d %H:%M}"


def changed_rules(scene: Scene) -> Ruling | None:
    """The last change of the rules, as long as nobody has said why."""
    return None if scene.empty else unexplained(scene.site.desk)


def commands(scene: Scene, origin: str) -> list[tuple[str, str]]:
    """The view's question as typed elsewhere: (where, what)."""
    view = scene.view
    name = view.path.rsplit("/", 1)[-1] if view.path.startswith("/metrics/") else ""
    typed_ = ["fari", "metrics", *([name] if name else [])]
    fiscal = scene.company.fiscal_year_start
    if scene.empty:
        return []
    since, until = (scene.history[0], scene.history[-1]) if name else (scene.period, scene.period)
    options: list[tuple[str, str]] = [("--from", typed(since, fiscal)), ("--to", typed(until, fiscal))]
    options += [("--grain", view.grain)] if view.grain else []
    options += [("--by", view.by)] if view.by else []
    options += [("--where", f"{dimension}={value}") for dimension, value in view.filters]
    options += [("--compare", scene.against)]
    options += [(f"--{option}", given) for option, given in (("rules", view.rules), ("as-of", view.as_of)) if given]
    curl = f'curl -H "Authorization: Bearer $FARI_KEY" {shlex.quote(origin + view.data("json"))}'
    python = (
        "import os, json, urllib.request as u\n"
        f"r = u.Request({(origin + view.data('json'))!r}, headers={{'Authorization': 'Bearer ' + os.environ['FARI_KEY']}})\n"
        "data = json.load(u.urlopen(r))"
    )
    return [("CLI", shlex.join([*typed_, *(part for pair in options for part in pair)])), ("Python", python), ("curl", curl)]


def hidden_fields(scene: Scene, *without: str) -> Sequence[tuple[str, str]]:
    """What a form of the head keeps as it is."""
    return [(name, value) for name, value in scene.view.params if name not in (*without, "page")]
