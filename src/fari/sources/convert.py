"""Numbers and dates as vendors write them, turned into the contract's own text. What cannot be turned safely is None, never a guess."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

_SIGNS = "€$£¥₹₽₩₺₫₪₴₦฿₱₡"
_MONEY_WORD = re.compile(rf"^(?:[A-Z]{{1,3}}[{_SIGNS}]|[{_SIGNS}]|[A-Z]{{3}}\b|kr\.?|zł|Fr\.?|R\$)\s*|\s*(?:[{_SIGNS}]|\b[A-Z]{{3}}|kr\.?|zł|Fr\.?)$")
_SPACES = re.compile(r"(?<=\d)[\s'’\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_PLAIN = re.compile(r"\d+(\.\d*)?([eE][+-]?\d{1,2})?|\.\d+")

_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _EXPONENTS.items() for code in codes.split()}
"""Decimals of a currency's minor unit where ISO 4217 does not say 2."""

_EPOCH = re.compile(r"-?\d{9,10}|\d{12,13}|\d{16}")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})|(\d{8})")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?", re.IGNORECASE)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def decimal_text(text: str, comma: bool | None = None) -> str | None:
    """A written amount as canonical decimal text; None where it is no number, or could be two.

    `comma` says whether the decimal mark is a comma. Unknown, it is inferred: of two marks the last is the decimal one, and a
    repeated one groups thousands. A lone comma before exactly three digits could be either and is refused (see `decimal_comma`).

    >>> decimal_text("$1,234.50"), decimal_text("1.234,50 €"), decimal_text("(12,5)"), decimal_text("-0.10"), decimal_text("0")
    ('1234.5', '1234.5', '-12.5', '-0.1', '0')
    >>> decimal_text("1,234"), decimal_text("1,234", comma=True), decimal_text("1,234", comma=False), decimal_text("n/a")
    (None, '1.234', '1234', None)
    """
    rest = text.strip().replace("\u2212", "-").replace("\u00a0", " ")
    negative = False
    if rest.startswith("(") and rest.endswith(")"):
        negative, rest = True, rest[1:-1].strip()
    # A sign may stand before or after the currency's, or at the end: -€5, € -5, 5-.
    for _ in range(2):
        if rest[:1] in ("-", "+"):
            negative, rest = negative ^ (rest[0] == "-"), rest[1:].strip()
        rest = _MONEY_WORD.sub("", rest, count=1).strip()
    if rest.endswith("-"):
        negative, rest = not negative, rest[:-1].strip()
    rest = _SPACES.sub("", rest)
    marks = _marked(rest, comma)
    if marks is None or not _PLAIN.fullmatch(marks):
        return None
    try:
        value = Decimal(marks)
    except InvalidOperation:
        return None
    return plain(-value if negative else value)


def _marked(rest: str, comma: bool | None) -> str | None:
    """The number with a point as its only mark."""
    commas, points = rest.count(","), rest.count(".")
    if comma is None:
        if commas and points:
            comma = rest.rfind(",") > rest.rfind(".")
        elif commas == 1:
            if re.fullmatch(r"[1-9]\d{0,2},\d{3}", rest):
                return None
            comma = True
        else:
            comma = points > 1
    decimal_mark, group = (",", ".") if comma else (".", ",")
    if rest.count(decimal_mark) > 1:
        return None
    whole, mark, fraction = rest.partition(decimal_mark)
    if group in fraction:
        return None
    if group in whole and not re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{2,3}})*{re.escape(group)}\d{{3}}", whole):
        return None
    return whole.replace(group, "") + ("." + fraction if mark else "")


def decimal_comma(texts: Iterable[str]) -> bool | None:
    """Whether a column's numbers have a decimal comma, from those that leave no doubt; None where none does or they disagree.

    >>> decimal_comma(["1,234", "29,00", "7"]), decimal_comma(["1,234", "29.00"]), decimal_comma(["1,234", "7"])
    (True, False, None)
    """
    said: set[bool] = set()
    for text in texts:
        commas, points = text.count(","), text.count(".")
        if commas and points:
            said.add(text.rfind(",") > text.rfind("."))
        elif commas > 1 or points > 1:
            said.add(points > 1)
        elif (commas or points) and not re.search(r"(?<!\d)[1-9]\d{0,2}[,.]\d{3}(?!\d)", text):
            said.add(bool(commas))
    return said.pop() if len(said) == 1 else None


def plain(value: Decimal) -> str:
    """Canonical decimal text: no exponent, no trailing zeros, no minus zero.

    >>> plain(Decimal("1E+3")), plain(Decimal("29.00")), plain(Decimal("-0.0"))
    ('1000', '29', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _moment(text: str, zone: tzinfo | None) -> datetime | None:
    """The instant written; without a zone (naive) where neither the text nor `zone` names one."""
    text = text.strip()
    try:
        if match := _DATE.fullmatch(text):
            day = date.fromisoformat(match[0])
            return datetime(day.year, day.month, day.day, tzinfo=zone)
        if _EPOCH.fullmatch(text):
            # Powers of ten tell seconds from milli- and microseconds for every day from 1973 to 2286.
            unit = 10 ** max(0, (len(text.lstrip("-")) - 10 + 2) // 3 * 3)
            return _ZERO + timedelta(microseconds=int(text) * 1_000_000 // unit)
        if match := _TIME.fullmatch(text):
            day_text, hour, minute, second, fraction, offset = match.groups()
            day = date.fromisoformat(day_text)
            made = datetime(
                day.year, day.month, day.day, int(hour), int(minute), int(second or 0), int((fraction or "0")[:6].ljust(6, "0")), tzinfo=zone
            )
            if offset:
                if offset[0] in "+-":
                    digits = offset[1:].replace(":", "").ljust(4, "0")
                    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
                    made = made.replace(tzinfo=UTC) - (ahead if offset[0] == "+" else -ahead)
                else:
                    made = made.replace(tzinfo=UTC)
            return made
    except (ValueError, OverflowError):
        return None
    return None


def iso_instant(text: str, zone: tzinfo | None = None) -> str | None:
    """A date or time as an ISO instant in UTC; None where it is neither. Epoch seconds, milli- and microseconds are read too.

    A time without an offset is of `zone`; without one it stays bare, which the contract reads in the company's zone.

    >>> iso_instant("1743415200000"), iso_instant("1743415200"), iso_instant("2025-03-31T12:00:00+02:00")
    ('2025-03-31T10:00:00Z', '2025-03-31T10:00:00Z', '2025-03-31T10:00:00Z')
    >>> iso_instant("2025-03-31 10:00"), iso_instant("2025-03-31 10:00", UTC), iso_instant("31/03/2025")
    ('2025-03-31T10:00:00', '2025-03-31T10:00:00Z', None)
    """
    made = _moment(text, zone)
    if made is None:
        return None
    if made.tzinfo is None:
        return made.isoformat()
    return made.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def day_of(text: str, zone: tzinfo | None = None) -> str | None:
    """The day of a date or time, ISO. What names its own offset (or an epoch) falls on the day it has in `zone` (UTC without one).

    >>> from zoneinfo import ZoneInfo
    >>> day_of("2025-03-31T23:30:00Z", ZoneInfo("Europe/Rome")), day_of("2025-03-31 23:30", ZoneInfo("Europe/Rome")), day_of("20250331")
    ('2025-04-01', '2025-03-31', '2025-03-31')
    """
    made = _moment(text, None)
    if made is None:
        return None
    return (made if made.tzinfo is None else made.astimezone(zone or UTC)).date().isoformat()


def major_units(minor: int | str | Decimal, currency: str) -> str:
    """Minor units (cents) as major units, by the currency's number of decimals.

    >>> major_units(2900, "eur"), major_units("1250.5", "usd"), major_units(5000, "JPY"), major_units(1234, "KWD")
    ('29', '12.505', '5000', '1.234')
    """
    return plain(Decimal(minor).scaleb(-EXPONENTS.get(currency.strip().upper(), 2)))
