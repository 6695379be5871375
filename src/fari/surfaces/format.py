"""How numbers, money, rates and periods look: exactly, for programs; rounded once, for people. Nothing else in Fari rounds or words a number."""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Any

from fari.engine.answer import Answer, Number
from fari.engine.periods import Period, typed

NOTHING = "–"
"""What stands where there is no value; it is never a 0."""
_WIDE = Context(prec=60)
_TIMES = {"months": {"en": ("month", "months"), "it": ("mese", "mesi")}, "days": {"en": ("day", "days"), "it": ("giorno", "giorni")}}
_POINTS = {"en": "pp", "it": "punti"}
"""What differences of rates are in."""
_LARGE = 1000
"""Money from here on is shown without its decimals."""


def exact(value: Number) -> str:
    """All digits there are: no exponent, no rounding, no zeros at the end.

    >>> exact(Decimal("512.400000")), exact(Decimal("1E+3")), exact(Decimal("1E-9")), exact(10), exact(Decimal("-0.00"))
    ('512.4', '1000', '0.000000001', '10', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shown(value: Number | None, unit: str, currency: str | None = None, locale: str = "en") -> str:
    """A value as people read it.

    >>> shown(Decimal("1234.5"), "money", "EUR"), shown(Decimal("512.4"), "money", "EUR"), shown(Decimal("0.0526"), "rate"), shown(None, "rate")
    ('€1,235', '€512.40', '5.3%', '–')
    >>> shown(Decimal("0.001234"), "rate"), shown(12345, "count"), shown(Decimal("7.46"), "months"), shown(1, "days"), shown(Decimal(3), "ratio")
    ('0.123%', '12,345', '7.5 months', '1 day', '3.00')
    """
    if value is None:
        return NOTHING
    amount = Decimal(value)
    if unit == "money":
        return money(amount, currency or "", locale)
    if unit == "rate":
        percent = amount * 100
        return f"{_decimal(percent, _places_of_percent(percent), locale)}%"
    if unit in _TIMES:
        text = _decimal(amount, 1, locale, trim=True)
        return f"{text} {_TIMES[unit].get(locale, _TIMES[unit]['en'])[text != '1']}"
    if unit == "ratio":
        return _decimal(amount, 2 if abs(amount) < 10 else 1 if abs(amount) < 100 else 0, locale)
    return _decimal(amount, 1, locale, trim=True)


def bounded(value: Number | None, low: Number | None, high: Number | None, unit: str, currency: str | None = None, locale: str = "en") -> str:
    """A value with its bounds, where it has them.

    >>> bounded(Decimal("0.82"), Decimal("0.7"), Decimal("0.871"), "rate"), bounded(Decimal(3), None, None, "count")
    ('82.0% (70.0%–87.1%)', '3')
    """
    text = shown(value, unit, currency, locale)
    if value is None or low is None or high is None:
        return text
    return f"{text} ({shown(low, unit, currency, locale)}–{shown(high, unit, currency, locale)})"


def share_bounded(value: Number, low: Number | None, high: Number | None, locale: str = "en") -> str:
    """A share of many beside others of its kind, in whole percents.

    >>> share_bounded(Decimal("0.821"), Decimal("0.7"), Decimal("0.8749")), share_bounded(Decimal(1), None, None)
    ('82% (70–87%)', '100%')
    """
    whole = [_decimal(Decimal(one) * 100, 0, locale) for one in (value, low, high) if one is not None]
    return f"{whole[0]}%" if len(whole) < 3 else f"{whole[0]}% ({whole[1]}–{whole[2]}%)"


def money(amount: Decimal, currency: str, locale: str = "en", whole: bool = False) -> str:
    """An amount with its currency's sign; `whole` keeps the decimals of large ones too.

    >>> money(Decimal("-1234.5"), "USD"), money(Decimal("1234.5"), "USD", whole=True), money(Decimal("12.5"), "JPY"), money(Decimal(3), "XYZ")
    ('-$1,235', '$1,234.50', '¥13', 'XYZ 3.00')
    """
    from babel.numbers import format_currency, get_currency_precision

    places = get_currency_precision(currency)
    if abs(amount) >= _LARGE and not whole:
        places = 0
    rounded = _rounded(amount, places)
    text = str(format_currency(rounded, currency, format=_money_pattern(locale, places), locale=locale, currency_digits=False))
    # A currency without a sign of its own is a word, and words are kept apart.
    return text.replace(currency, f"{currency} ", 1) if text.lstrip("-").startswith(currency) else text


def change(answer: Answer, locale: str = "en") -> str:
    """What changed against the value compared with: of rates the difference in points, of all else in percent of what was.

    >>> from datetime import date
    >>> month = Period(date(2025, 1, 1), date(2025, 2, 1), "month")
    >>> was, now, nil = (Answer("mrr", month, {}, Decimal(value), "money", "EUR") for value in (100, 112, 0))
    >>> from dataclasses import replace
    >>> change(replace(now, compared=was)), change(replace(now, compared=nil)), change(now)
    ('+12.0%', '+€112.00', '–')
    """
    if answer.change is None:
        return NOTHING
    if answer.unit == "rate":
        return _signed(_decimal(Decimal(answer.change) * 100, 1, locale), f" {_POINTS.get(locale, _POINTS['en'])}")
    if answer.change_rate is None:
        return _signed(shown(answer.change, answer.unit, answer.currency, locale)) if answer.change else "0%"
    percent = answer.change_rate * 100
    return _signed(_decimal(percent, 1 if abs(percent) < _LARGE else 0, locale), "%")


def difference(value: Number, unit: str, currency: str | None = None, locale: str = "en", signed: bool = True) -> str:
    r"""A change, or a part of one, in the unit itself: of rates in points.

    >>> difference(Decimal("12.5"), "money", "EUR"), difference(Decimal("-0.0123"), "rate"), difference(3, "count", signed=False)
    ('+€12.50', '-1.2 pp', '3')
    >>> difference(Decimal("-0.0123"), "rate", locale="it"), difference(Decimal("1234.5"), "money", "EUR", "it")
    ('-1,2 punti', '+1.235\xa0€')
    """
    amount = Decimal(value)
    if unit == "rate":
        percent = amount * 100
        text = f"{_decimal(percent, _places_of_percent(percent), locale)} {_POINTS.get(locale, _POINTS['en'])}"
    else:
        text = shown(amount, unit, currency, locale)
    return _signed(text) if signed else text


def better(answer: Answer, good: str) -> bool | None:
    """Whether the change is for the better; None where nothing changed, or where the metric takes no side."""
    if not answer.change or good not in ("up", "down"):
        return None
    return (answer.change > 0) == (good == "up")


def period(one: Period, fiscal_year_start: int = 1) -> str:
    """A period's name, as it can be typed again where it has one."""
    return typed(one, fiscal_year_start)


def total(amount: Any) -> str:
    """An import's control total with its thousands apart and all its digits.

    >>> total(Decimal("1234.500000")), total(Decimal("1000")), total("not a number")
    ('1,234.50', '1,000.00', 'not a number')
    """
    if not isinstance(amount, Decimal | int):
        return str(amount)
    whole, _, rest = exact(amount).partition(".")
    return f"{int(whole):,}.{rest:<02}" if whole != "-0" else f"-0.{rest:<02}"


def many(count: int, noun: str) -> str:
    """A count and its noun.

    >>> many(1, "row"), many(1200, "row"), many(2, "entry"), many(2, "day")
    ('1 row', '1,200 rows', '2 entries', '2 days')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeou" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)


def _places_of_percent(percent: Decimal) -> int:
    """One decimal; below one percent as many as give three digits, so that a small rate does not vanish."""
    if not percent or abs(percent) >= 1:
        return 1
    return min(2 - percent.adjusted(), 6)


def _decimal(value: Decimal, places: int, locale: str, trim: bool = False) -> str:
    rounded = _rounded(value, places)
    if trim and rounded == rounded.to_integral_value():
        rounded, places = rounded.to_integral_value(), 0
    if rounded.is_zero():
        rounded = abs(rounded)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    if locale == "en":
        return f"{rounded:,.{places}f}"
    return str(_pattern(pattern).apply(rounded, locale))


@cache
def _money_pattern(locale: str, places: int) -> str:
    """How a language writes an amount, with so many decimals."""
    from babel import Locale

    pattern = "¤#,##0.00" if locale == "en" else str(Locale.parse(locale).currency_formats["standard"].pattern)
    return pattern.replace(".00", "." + "0" * places if places else "")


@cache
def _pattern(pattern: str) -> Any:
    from babel.numbers import parse_pattern

    return parse_pattern(pattern)


def _signed(text: str, suffix: str = "") -> str:
    return f"{text}{suffix}" if text.startswith("-") or not any(c in "123456789" for c in text) else f"+{text}{suffix}"
