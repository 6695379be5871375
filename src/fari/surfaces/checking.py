"""`fari check`: whether something is wrong, for a person and for cron: what does not hold; or what is unusual and which goals are at risk."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fari.surfaces import asking, terminal
from fari.surfaces.asking import Asked
from fari.surfaces.format import shown
from fari.surfaces.project import Place, today
from fari.surfaces.sentences import sentences
from fari.surfaces.words import Words, capital, words

if TYPE_CHECKING:
    from fari.engine.answer import Question
    from fari.engine.ask import Asker
    from fari.engine.doctor import Finding
    from fari.insight.goals import Goal
    from fari.insight.unusual import Event, Look, Unusual

FORMATS = ("table", "json")
WRONG = 3
"""The exit status where something is wrong."""


@dataclass
class _Found:
    """What was found, and the sentences that tell it."""

    findings: "list[Finding]"
    look: "Look | None" = None
    told: list[tuple["Event", list[str]]] = field(default_factory=list)
    goals: "list[Goal]" = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Of each goal, what is said of it."""
    muted: list[str] = field(default_factory=list)
    """Metrics that are unusual in the month, and muted on the dashboard."""

    @property
    def wrong(self) -> int:
        """How many things are wrong."""
        from fari.insight.goals import at_risk

        return len(self.findings) + sum(event.bad for event, _ in self.told) + len(at_risk(self.goals))


def check_project(place: Place, asked: Asked, alerts: bool, lang: str, format_: str) -> int:
    """Look, tell what is wrong, and give the exit status: 0, or 3 where something is."""
    from fari.engine.doctor import examine

    asking.format_of(format_, FORMATS)
    asked.check()
    said = words(lang)
    ledger = place.project()
    day = today(ledger.company)
    with terminal.progress("reading the ledger") as progress:
        asker, question = asking.posed(ledger, asked, day, progress)
        found = _Found([] if alerts else [one for one in examine(asker, day).findings if one.severity == "error"])
        if alerts:
            progress("looking for what is unusual")
            _alerts(found, asker, question, asked, said, ledger.company.fiscal_year_start)
    if format_ == "json":
        from fari.surfaces.output import dumps

        terminal.write(dumps(_plain(found), indent=2) + "\n")
    else:
        _print(found, said)
    return WRONG if found.wrong else 0


def _alerts(found: _Found, asker: "Asker", question: "Question", asked: Asked, said: Words, fiscal: int) -> None:
    from fari.engine.periods import previous
    from fari.insight.goals import goals
    from fari.insight.unusual import unusual
    from fari.insight.why import why
    from fari.surfaces.web.desk import NAME, Desk
    from fari.surfaces.web.mutes import muted

    period = asking.named(asked.since, fiscal) if asked.since else None
    found.look = unusual(asker, question, period)
    silent = muted(Desk(asker.ledger.folder / NAME), found.look.period.label)
    for event in found.look.events:
        first = event.figures[0]
        if first.metric in silent:
            found.muted.append(first.metric)
            continue
        lines = [unusual_words(one, said) for one in event.figures]
        explained = why(asker, replace(question, metrics=(first.metric,), periods=(previous(first.period), first.period)))
        found.told.append((event, [lines[0], *sentences(explained, said, fiscal)[1:], *lines[1:]]))
    found.goals = [one for one in goals(asker, question) if one.period.until >= found.look.period.until]
    found.said = [goal_words(one, said, asker.ledger.company.currency) for one in found.goals]


def unusual_words(one: "Unusual", said: Words) -> str:
    """A figure beside what was to be expected."""
    value, low, high = (shown(each, one.unit, one.currency, said.locale) for each in (one.value, one.low, one.high))
    return said.say(
        "{metric} in {period}: {value}; {low} to {high} was to be expected.",
        metric=capital(said.label(one.metric)), period=said.period(one.period), value=value, low=low, high=high,
    )  # fmt: skip


def goal_words(one: "Goal", said: Words, currency: str) -> str:
    """A goal beside what came, or what is expected."""
    from fari.metrics import METRICS

    unit = METRICS[one.metric].unit if one.metric in METRICS else "count"
    subject = capital(said.label(one.metric)) + (f" ({one.channel})" if one.channel else "")
    period, target = said.period(one.period), shown(one.target, unit, currency, said.locale)
    if one.value is None:
        return said.say(
            "{metric} in {period}: nothing can be said of the goal of {target}: {why}.",
            metric=subject,
            period=period,
            target=target,
            why=said.note(one.why),
        )
    value = shown(one.value, unit, currency, said.locale)
    if one.state == "reached":
        return said.say("{metric} in {period}: {value}; the goal of {target} is reached.", metric=subject, period=period, value=value, target=target)
    if one.state == "missed":
        return said.say("{metric} in {period}: {value}; the goal of {target} is missed.", metric=subject, period=period, value=value, target=target)
    if one.state == "on course":
        return said.say(
            "{metric} in {period}: {value} expected; the goal of {target} is on course.", metric=subject, period=period, value=value, target=target
        )
    return said.say(
        "{metric} in {period}: {value} expected; the goal of {target} is at risk.", metric=subject, period=period, value=value, target=target
    )


def _print(found: _Found, said: Words) -> None:
    from rich.text import Text

    for finding in found.findings:
        terminal.show(Text(f"✗ {finding.topic}: {finding.what}", style="red"))
    for event, lines in found.told:
        style = "red" if event.bad else "green" if event.figures[0].bad is False else ""
        terminal.show(Text(f"{'✗' if event.bad else '·'} {lines[0]}", style=style))
        for line in lines[1:]:
            terminal.show(Text(f"    {line}"))
    for goal, line in zip(found.goals, found.said, strict=True):
        bad = goal.state in ("missed", "at risk")
        terminal.show(Text(f"{'✗' if bad else '·'} {line}", style="red" if bad else ""))
    if not found.findings and not found.told and not found.goals:
        terminal.write(said.say("Nothing is wrong.") + "\n")
    if found.muted:
        terminal.note(said.say("Muted on the dashboard: {metrics}.", metrics=said.listing([said.label(one) for one in found.muted])))
    if found.look:
        terminal.note(
            said.say("{period}: {judged} metrics looked at; of {unjudged} the past is too short or has gaps.",
                period=said.period(found.look.period), judged=found.look.judged, unjudged=len(found.look.unjudged))
        )  # fmt: skip


def _plain(found: _Found) -> dict[str, Any]:
    look = found.look
    return {
        "wrong": found.wrong,
        "findings": [{"topic": one.topic, "what": one.what, "items": list(one.items)} for one in found.findings],
        "period": look and {"from": look.period.since, "until": look.period.until},
        "judged": look and look.judged,
        "unjudged": list(look.unjudged) if look else [],
        "alerts": [
            {
                "bad": event.bad, "sentences": lines,
                "figures": [
                    {name: getattr(one, name) for name in ("metric", "value", "low", "high", "chance", "bad", "unit", "currency")}
                    for one in event.figures
                ],
            }
            for event, lines in found.told
        ],
        "muted": found.muted,
        "goals": [
            {
                "metric": one.metric, "from": one.period.since, "until": one.period.until, "channel": one.channel, "target": one.target,
                "value": one.value, "state": one.state, "chance": one.chance, "why": one.why or None, "sentence": line,
            }
            for one, line in zip(found.goals, found.said, strict=True)
        ],
    }  # fmt: skip
