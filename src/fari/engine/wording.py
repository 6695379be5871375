"""A metric in words: its definition without examples, and its formula as a line of arithmetic read from its own code."""

import ast
import inspect
import re
import textwrap
from functools import cache

from fari.metrics import METRICS
from fari.metrics.kinds import Formula, Spread

_WHEN = {
    "during": "dated in the period",
    "within": "lying in the period",
    "opening": "in force on the day before the period",
    "closing": "in force on the period's last day",
    "period": "of the period",
}
_ROWS = {
    "levels": "account levels",
    "account_periods": "accounts that were customers at the start",
    "deal_rows": "deals",
    "lifetimes": "accounts that became customers",
    "search_rows": "monthly searches",
    "signup_periods": "users signed up",
    "stage_entries": "stages entered",
    "visit_days": "visits by day",
    "visitor_periods": "visitors",
}
"""What the rows of a fact are, where its name does not say."""
_SIGNS: dict[type[ast.AST], str] = {ast.Eq: "is", ast.NotEq: "is not", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def definition(name: str) -> str:
    """What a metric's docstring says of it, without its examples.

    >>> definition("cac").splitlines()[0]
    'Customer acquisition cost, fully loaded and blended: acquisition_spend / new_customers.'
    """
    return METRICS[name].doc.partition(">>>")[0].strip()


@cache
def formula(name: str) -> str:
    """How a metric is computed, as arithmetic.

    >>> formula("cac"), formula("arr")
    ('acquisition_spend / new_customers', '12 × mrr')
    >>> formula("new_customers")
    'number of account levels dated in the period where movement is new'
    >>> formula("mrr")
    "sum of mrr over account levels in force on the period's last day"
    """
    metric = METRICS[name]
    if isinstance(metric, Spread):
        return f"{metric.own} of the segment + {metric.own} of no segment × its share of {metric.over}"
    if isinstance(metric, Formula):
        return _arithmetic(ast.unparse(_returned(metric.function)))
    value, condition = _contribution(_returned(metric.contribution))
    rows = f"{_ROWS.get(metric.fact, metric.fact)} {_WHEN[metric.when]}{f' where {condition}' if condition else ''}"
    return f"number of {rows}" if value in ("1", "one") else f"sum of {value} over {rows}"


def _returned(function: object) -> ast.expr:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    last = [node for node in ast.walk(tree) if isinstance(node, ast.Return)][-1]
    assert last.value is not None
    return last.value


def _arithmetic(code: str) -> str:
    spelled = re.sub(r"\b_(\w)", r"\1", code).replace("**", "^").replace("*", "×").replace(" - ", " − ")
    return re.sub(r"Decimal\('?([\d.]+)'?\)", r"\1", spelled)


def _contribution(node: ast.expr) -> tuple[str, str]:
    """(what a row adds, which rows do; "" where all)."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ifelse":
        condition, (yes, no) = _condition(node.func.value), node.args
        if _nothing(no):
            return _arithmetic(_words(yes)), condition
        return _arithmetic(f"{_words(yes)} if {condition} else {_words(no)}"), ""
    # A constant is written column × 0 + constant, so that it is an expression of the row.
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _nothing(node.left):
        return _words(node.right), ""
    return _arithmetic(_words(node)), ""


def _nothing(node: ast.expr) -> bool:
    times_zero = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and ast.unparse(node.right) == "0"
    return times_zero or ast.unparse(node) == "0"


def _condition(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        return f"{_condition(node.left)} and {_condition(node.right)}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SIGNS:
        value = node.comparators[0]
        right = str(value.value) if isinstance(value, ast.Constant) else _words(value)
        return f"{_words(node.left)} {_SIGNS[type(node.ops[0])]} {right}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isin":
        return f"{_words(node.func.value)} is one of {_words(node.args[0]).lower()}"
    return _words(node)


def _words(node: ast.expr) -> str:
    return re.sub(r"\brow\.", "", ast.unparse(node))
