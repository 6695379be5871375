"""Sentences: why a figure changed, as a person would say it, from the parts of its change."""

from typing import TYPE_CHECKING

from fari.metrics import METRICS
from fari.surfaces.format import difference, share_bounded, shown
from fari.surfaces.words import Words, capital

if TYPE_CHECKING:
    from fari.engine.answer import Answer, Number
    from fari.insight.drivers import Driver
    from fari.insight.why import Why

_FORTH, _BACK = 3, 2
"""So many drivers are told of that moved the figure as it went, and that moved it the other way."""
_DRIVER = {
    (False, False): "{metric} ({before} → {after})",
    (False, True): "{metric} {segment} ({before} → {after})",
    (True, False): "{metric} ({after}; the time before {before})",
    (True, True): "{metric} {segment} ({after}; the time before {before})",
}
"""By whether it is a movement, and whether of a segment."""


def sentences(found: "Why", words: Words, fiscal_year_start: int = 1) -> list[str]:
    """What changed, by how much, and what carried it; or that it cannot be explained."""
    answers = found.before, found.after
    earlier, later = (_period(answer, words, fiscal_year_start) for answer in answers)
    subject = capital(words.metric(found.metric)) + _narrowed(found, words)
    if found.change is None:
        missing = earlier if found.before.value is None else later
        return [words.say("{metric} cannot be explained: it has no value in {period}.", metric=subject, period=missing)]
    before, after = (shown(answer.value, answer.unit, answer.currency, words.locale) for answer in answers)
    changed = difference(abs(found.change), found.after.unit, found.currency, words.locale, signed=False)
    if not found.change:
        same = "{metric} did not change: {after} ({earlier} and {later})."
        said = [words.say(same, found.metric, metric=subject, after=after, earlier=earlier, later=later)]
        moved = words.listing([_carried(found, words, driver, "{amount} from {driver}") for driver in found.drivers[: _FORTH + _BACK]])
        return said + ([words.say("What moved offsets itself: {drivers}.", drivers=moved)] if moved else [])
    up = found.change > 0
    sentence = (
        "{metric} rose by {change}, from {before} ({earlier}) to {after} ({later})."
        if up
        else "{metric} fell by {change}, from {before} ({earlier}) to {after} ({later})."
    )
    said = [words.say(sentence, found.metric, metric=subject, change=changed, before=before, after=after, earlier=earlier, later=later)]
    return said + _of_that(found, words, up)


def _of_that(found: "Why", words: Words, up: bool) -> list[str]:
    forth = [driver for driver in found.drivers if (driver.part > 0) == up][:_FORTH]
    back = [driver for driver in found.drivers if (driver.part > 0) != up][:_BACK]
    if not forth:
        return []
    if len(found.drivers) == 1 and (forth[0].metric, forth[0].dimension) == (found.metric, ""):
        return [words.say("No segment stands out: none moved further than its size and chance let expect.")]
    first = "{amount} ({share}) came from {driver}"
    told = [_carried(found, words, driver, "{amount} ({share}) from {driver}" if n else first, signed=False) for n, driver in enumerate(forth)]
    offsets = words.listing([_carried(found, words, driver, "{amount} from {driver}") for driver in back])
    if not back:
        return [words.say("Of that rise, {drivers}." if up else "Of that fall, {drivers}.", drivers=words.listing(told))]
    sentence = "Of that rise, {drivers}, partly offset by {offsets}." if up else "Of that fall, {drivers}, partly offset by {offsets}."
    return [words.say(sentence, drivers=words.listing(told), offsets=offsets)]


def _period(answer: "Answer", words: Words, fiscal_year_start: int) -> str:
    text = words.period(answer.period, fiscal_year_start)
    return text if answer.complete else words.say("{period}, so far", period=text)


def _carried(found: "Why", words: Words, driver: "Driver", sentence: str, signed: bool = True) -> str:
    part = driver.part if signed else abs(driver.part)
    amount = difference(part, found.after.unit, found.currency, words.locale, signed)
    share = share_bounded(driver.share, None, None, words.locale) if driver.share is not None else ""
    return words.say(sentence, amount=amount, share=share, driver=driver_words(driver, words, found.currency))


def driver_words(driver: "Driver", words: Words, currency: str | None) -> str:
    """A driver as it stands in a sentence, with its values before and after."""
    metric = words.metric(driver.metric)
    if driver.effect == "others":
        return words.say("{metric} in the other segments", metric=metric)
    before, after = (_value(value, driver, currency, words) for value in (driver.before, driver.after))
    if driver.effect == "mix":
        value = words.value(driver.dimension, driver.value)
        return words.say(
            "the weight of “{value}” among {per} ({before} → {after})", value=value, per=words.metric(driver.per), before=before, after=after
        )
    if driver.kind == "between":
        return metric
    sentence = _DRIVER[driver.kind == "movement", bool(driver.dimension)]
    segment = words.segment(driver.dimension, driver.value) if driver.dimension else ""
    text = words.say(sentence, metric=metric, segment=segment, before=before, after=after)
    if driver.inner is None:
        return text
    return words.say("{driver}, mostly {segment}", driver=text, segment=words.segment(driver.inner.dimension, driver.inner.value))


def _value(value: "Number | None", driver: "Driver", currency: str | None, words: Words) -> str:
    metric = METRICS.get(driver.metric.removeprefix("total_"))
    unit = "rate" if driver.effect == "mix" else metric.unit if metric else "months"
    return shown(value, unit, currency, words.locale)


def _narrowed(found: "Why", words: Words) -> str:
    told = [words.segment(dimension, value) for dimension, values in found.where for value in values]
    return f" {words.listing(told)}" if told else ""
