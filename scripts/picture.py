#!/usr/bin/env python3
r"""Draw the README's picture from the answers of a project, read as JSON from standard input.

scripts/demo fari-demo --no-serve
.venv/bin/fari -C fari-demo metrics visitors mqls sqls lead_conversion_rate customer_churn_rate mrr cac clv \
    --from 2026-05 --to 2026-10 --format json | .venv/bin/python scripts/picture.py >docs/picture.svg
"""

import json
import sys
from datetime import date
from html import escape
from typing import Any

LABELS = {
    "visitors": "Visitors",
    "mqls": "MQL",
    "sqls": "SQL",
    "lead_conversion_rate": "Lead conversion",
    "customer_churn_rate": "Customer churn",
    "mrr": "MRR",
    "cac": "CAC",
    "clv": "CLV",
}
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
WIDTH, LEFT, FIRST, STEP, SPARK, ROW = 880, 36, 232, 88, 112, 30
PAPER, LINE, INK, QUIET, AMBER = "#1c1a17", "#38342e", "#f3efe7", "#a39b8d", "#f5a623"

Answer = dict[str, Any]


def shown(answer: Answer) -> str:
    """A value as people read it."""
    value = answer["value"]
    if value is None:
        return "–"
    if answer["unit"] == "money":
        return f"{SIGNS.get(answer['currency'], answer['currency'] + ' ')}{value:,.0f}"
    return f"{value:.1%}" if 0 < value < 1 else f"{value:,.0f}"


def text(x: float, y: float, words: str, fill: str = INK, *, anchor: str = "start", weight: int = 400) -> str:
    """One line of text."""
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def sparkline(values: list[float], x: float, y: float) -> str:
    """A line from the first value to the last, which has a dot. `y` is the baseline of the row's text."""
    low, high = min(values), max(values)
    span = (high - low) or 1
    points = [(x + n * SPARK / (len(values) - 1), y - (value - low) / span * 14) for n, value in enumerate(values)]
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    dot = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.6" fill="{AMBER}"/>'
    return f'<polyline points="{line}" fill="none" stroke="{AMBER}" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>{dot}'


def picture(answers: list[Answer]) -> str:
    """The drawing: a terminal with one row per metric and one column per month, and the last CAC taken apart."""
    months = sorted({answer["from"] for answer in answers})[-6:]
    names = [name for name in LABELS if any(answer["metric"] == name for answer in answers)]
    by_key = {(answer["metric"], answer["from"]): answer for answer in answers}
    body = [text(LEFT, 72, "$ ", AMBER) + text(LEFT + 18, 72, "scripts/demo")]
    y = 112.0
    for n, month in enumerate(months):
        head = f"{date.fromisoformat(month):{'%b' if n else '%b %Y'}}"
        body.append(text(FIRST + n * STEP, y, head, QUIET, anchor="end"))
    y += 12
    for name in names:
        body.append(f'<path d="M{LEFT} {y:g}H{WIDTH - LEFT}" stroke="{LINE}"/>')
        body.append(text(LEFT, y + 20, LABELS[name]))
        row = [by_key[name, month] for month in months]
        for n, answer in enumerate(row):
            last = n == len(row) - 1
            body.append(text(FIRST + n * STEP, y + 20, shown(answer), INK if last else QUIET, anchor="end", weight=600 if last else 400))
        values = [float(answer["value"]) for answer in row if answer["value"] is not None]
        if len(values) > 1:
            body.append(sparkline(values, FIRST + (len(row) - 1) * STEP + 28, y + 20))
        y += ROW
    body.append(f'<path d="M{LEFT} {y:g}H{WIDTH - LEFT}" stroke="{LINE}"/>')
    cac = by_key.get(("cac", months[-1]))
    if cac and cac["value"] is not None:
        y += 36
        body.append(text(LEFT, y, "$ ", AMBER) + text(LEFT + 18, y, f"fari explain cac {months[-1][:7]}"))
        spend, won = cac["parts"]["acquisition_spend"], cac["parts"]["new_customers"]
        sign = SIGNS.get(cac["currency"], "")
        y += 26
        body.append(text(LEFT, y, f"acquisition_spend / new_customers = {sign}{spend:,.2f} / {won:,.0f} = {sign}{cac['value']:,.2f}", QUIET))
    height = y + 34
    size = f'width="{WIDTH}" height="{height:g}"'
    lights = "".join(f'<circle cx="{x}" cy="24" r="5.5" fill="{LINE}"/>' for x in (28, 48, 68))
    said = "; ".join(f"{LABELS[name]} {shown(by_key[name, months[-1]])}" for name in names)
    drawn = "\n".join(body)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="t d">
<title id="t">Fari in a terminal: the funnel of a made-up company, month by month</title>
<desc id="d">{date.fromisoformat(months[-1]):%B %Y}: {escape(said)}.</desc>
<rect {size} rx="10" fill="{PAPER}"/>
{lights}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">
{drawn}
</g>
</svg>
"""


if __name__ == "__main__":
    sys.stdout.write(picture(json.load(sys.stdin)))
