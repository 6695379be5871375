"""Charts: Vega-Lite specifications, and their drawing as SVG (for pages and print) or PNG (for mail) without a browser.

A specification holds its own data and Fari's colours by name; a page puts its theme's colours in their place.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

Spec = dict[str, Any]

PAPER = {
    "--ink": "#1c1a17",
    "--soft": "#6d675e",
    "--line": "#e7e3da",
    "--card": "#ffffff",
    "--amber": "#b07a00",
    "--glow": "#f3dfa8",
    "--good": "#157f5b",
    "--bad": "#b3432b",
}
"""Colours of paper, by their names in the style sheet. The dark theme has its own."""
CHANNELS = {
    "Organic Search": "#3d66d6",
    "Paid Search": "#c58700",
    "Email": "#0fa08a",
    "Referral": "#4f8f2f",
    "Direct": "#858a94",
    "Paid Social": "#e8552b",
    "Organic Social": "#e0569f",
    "Display": "#8d4fd0",
    "Affiliates": "#9a5c32",
    "AI Assistants": "#0d9ccb",
}
"""A colour per channel, the same on every page, three to one against both themes' paper; what is not here is grey. Lines have shapes too,
since ten hues cannot all be told apart by everyone."""
GREY = "#8f8b80"
FONT = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_MARKS = re.compile("|".join(re.escape(colour) for colour in PAPER.values()))
_NAMES = {colour: name for name, colour in PAPER.items()}


def colour_of(dimension: str, value: str, rank: int = 0) -> str:
    """A segment's colour: of a channel always the same one, else by its rank among those shown.

    >>> colour_of("channel", "Email"), colour_of("channel", "(unallocated)"), colour_of("plan", "Pro", 1)
    ('#0fa08a', '#8f8b80', '#c58700')
    """
    if dimension == "channel":
        return CHANNELS.get(value, GREY)
    return list(CHANNELS.values())[rank] if rank < 7 and not value.startswith("(") else GREY


def number(value: Any) -> float | None:
    """A value as charts take it."""
    return None if value is None else float(value)


def config() -> Spec:
    """What all charts look like."""
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": PAPER["--soft"], "titleColor": PAPER["--soft"], "gridColor": PAPER["--line"], "domainColor": PAPER["--line"],
            "tickColor": PAPER["--line"], "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "domain": False, "ticks": False,
            "labelPadding": 6,
        },
        "legend": {"labelColor": PAPER["--soft"], "titleColor": PAPER["--soft"], "labelFontSize": 11, "orient": "top", "title": None},
        "text": {"color": PAPER["--ink"], "fontSize": 11},
        "rule": {"color": PAPER["--soft"]},
        "line": {"color": PAPER["--amber"], "strokeWidth": 2},
        "area": {"color": PAPER["--glow"]},
        "bar": {"color": PAPER["--amber"]},
        "point": {"color": PAPER["--amber"]},
    }  # fmt: skip


def spec(title: str, width: int, height: int, rows: Sequence[Mapping[str, Any]], **body: Any) -> Spec:
    """A specification with its data in it. `title` is what a screen reader says of it."""
    values = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values},
        "config": config(),
        **body,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def axis(unit: str, currency: str | None = None, *, hide: bool = False, locale: str = "en") -> Spec:
    """An axis of values: money with its sign, rates in percent."""
    if hide:
        return {"labels": False, "title": None, "tickCount": 5}
    told = {"rate": ".0%", "money": "~s", "count": "~s", "months": "~s", "days": "~s", "ratio": "~s"}.get(unit, "~s")
    expression = f"format(datum.value, {json.dumps(told)})"
    if locale == "it":
        expression = f"replace({expression}, '.', ',')"
    if unit == "money" and currency:
        expression = f"{json.dumps(_sign(currency))} + {expression}"
    return {"title": None, "tickCount": 5, "labelExpr": expression}


@cache
def _sign(currency: str) -> str:
    from babel.numbers import get_currency_symbol

    return str(get_currency_symbol(currency, locale="en"))


@lru_cache(maxsize=500)
def _svg(text: str) -> str:
    import vl_convert

    drawn = str(vl_convert.vegalite_to_svg(json.loads(text), vl_version="6.4", allowed_base_urls=[]))
    return drawn[drawn.index("<svg") :]


def svg(one: Spec) -> str:
    """The chart as SVG on paper."""
    return _svg(json.dumps(one, sort_keys=True))


def themed(one: Spec) -> str:
    """The chart as SVG for a page: colours are the theme's, the width follows the page's."""
    return _described(_MARKS.sub(lambda found: f"var({_NAMES[found[0]]})", svg(one)), one)


def _described(svg: str, one: Spec) -> str:
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{_attribute(str(one["description"]))}">{rest}'


def drawn(one: Spec) -> str:
    """The chart as SVG for a file of its own, which has no style sheet of Fari's to take colours from."""
    return _described(svg(one), one)


def spark_drawn(values: Sequence[float | None], mood: str = "soft") -> str:
    """The line of `spark` with its colours in it, for files.

    >>> spark_drawn([1, 2], "good")[:29]
    '<svg class="spark" viewBox="0'
    """
    colour = PAPER.get(f"--{mood}", PAPER["--soft"])
    line = spark(values).replace("<polyline ", f'<polyline fill="none" stroke="{colour}" stroke-width="1.4" ')
    return line.replace("<circle ", f'<circle fill="{colour}" ')


def png(one: Spec, scale: float = 2) -> bytes:
    """The chart as PNG, for mail."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps({**one, "background": "#ffffff"}), vl_version="6.4", scale=scale, allowed_base_urls=[]))


def _attribute(text: str) -> str:
    from html import escape

    return escape(text, quote=True)


def spark(values: Sequence[float | None], width: int = 84, height: int = 26) -> str:
    """A line of a few values without axes, the last one marked; what is unknown is a gap.

    >>> spark([1, 2, 3])[:40]
    '<svg class="spark" viewBox="0 0 84 26" a'
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (width - 6) / (len(values) - 1)
    lines: list[list[str]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{2 + n * step:.1f},{height - 4 - (value - low) / span * (height - 8):.1f}")
    drawn = "".join(f'<polyline points="{" ".join(line)}"/>' for line in lines if line)
    x, y = next(line[-1] for line in reversed(lines) if line).split(",")
    return f'<svg class="spark" viewBox="0 0 {width} {height}" aria-hidden="true">{drawn}<circle cx="{x}" cy="{y}" r="2.4"/></svg>'
