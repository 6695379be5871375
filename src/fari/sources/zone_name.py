"""Times with the name of a zone behind them (2010-03-24 17:18:46 PDT), turned into times with an offset."""

import re
from datetime import datetime, tzinfo

_NAMED = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2}(?::\d{2})?)\s+([A-Z]{2,5})")
_HOURS = {
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2, "JST": 9, "KST": 9, "AWST": 8, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13, "HST": -10, "AKST": -9, "AKDT": -8, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CDT": -5, "EST": -5, "EDT": -4,
}  # fmt: skip
"""Hours ahead of UTC of the names that mean one zone. CST (Chicago, Havana, Shanghai), IST, BST and their like mean several and are not here."""


def with_offset(text: str, zone: tzinfo) -> str | None:
    """The time with an offset instead of its zone's name; as it is where it has no name, None where the name could mean several zones.

    A name that the company's own zone goes by at that time means that one.

    >>> from zoneinfo import ZoneInfo
    >>> with_offset("2010-03-24 17:18:46 PDT", ZoneInfo("UTC")), with_offset("2025-01-09 10:00 CST", ZoneInfo("America/Chicago"))
    ('2010-03-24 17:18:46-07:00', '2025-01-09 10:00-06:00')
    >>> with_offset("2025-01-09 10:00 UTC", ZoneInfo("UTC")), with_offset("2025-01-09 10:00 CST", ZoneInfo("UTC"))
    ('2025-01-09 10:00 UTC', None)
    """
    match = _NAMED.fullmatch(text.strip())
    if match is None or match[3] in ("UTC", "GMT", "Z"):
        return text
    day, clock, name = match.groups()
    for fold in (0, 1):
        try:
            local = datetime.fromisoformat(f"{day} {'0' if clock[1] == ':' else ''}{clock}").replace(tzinfo=zone, fold=fold)
        except ValueError:
            return text
        if local.tzname() == name:
            ahead = f"{local:%z}"
            return f"{day} {clock}{ahead[:3]}:{ahead[3:5]}"
    return f"{day} {clock}{_HOURS[name]:+03d}:00" if name in _HOURS else None
