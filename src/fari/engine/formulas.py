"""Formulas worked out from numbers: the ones that were measured, or any others (what if, the parts of a change)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow

from fari.engine.answer import Number
from fari.metrics.kinds import METRICS, Formula, Undefined, ruled
from fari.rules import Rules


def worked_out(formula: Formula, values: Sequence[Number]) -> tuple[Number | None, tuple[str, ...]]:
    """(value, notes) of a formula from its inputs' values, in their order; None and the reason where it has none.

    >>> import fari.metrics
    >>> worked_out(METRICS["cac"], (Decimal(5124), Decimal(10)))
    (Decimal('512.4'), ())
    >>> worked_out(METRICS["cac"], (Decimal(5124), Decimal(0)))
    (None, ('new_customers is 0 in this period',))
    """
    try:
        return formula.function(*values), formula.notes
    except Undefined as why:
        return None, (str(why),)
    except (DivisionByZero, InvalidOperation, ZeroDivisionError, Overflow):
        zero = [i for i, v in zip(formula.inputs, values, strict=True) if v == 0]
        why_not = f"{zero[-1]} is 0" if len(zero) == 1 else f"{' and '.join(zero)} are 0" if zero else "cannot be computed"
        return None, (f"{why_not} in this period",)


def recomputed(name: str, known: Mapping[str, Number | None], rules: Rules | None = None) -> tuple[Number | None, tuple[str, ...]]:
    """(value, notes) of a metric from known values by name: of `months`, `gross_margin`, and of whatever it is to rest on.

    A name that is known is taken as it is, be it a formula (so that `customer_churn_rate` can be set); any other formula is worked out
    from its inputs in turn. `total_x` is a value of its own. What is neither known nor a formula is None.

    >>> import fari.metrics
    >>> recomputed("arr", {"mrr": Decimal(100)})
    (Decimal('1200'), ())
    """
    if name in known:
        value = known[name]
        return (None, (f"{name} is undefined",)) if value is None else (value, ())
    metric = METRICS.get(ruled(name, rules))
    if not isinstance(metric, Formula):
        return None, (f"{name} is undefined",)
    values: list[Number] = []
    notes: list[str] = []
    for each in metric.inputs:
        value, said = recomputed(each, known, rules)
        notes += said
        if value is None:
            return None, tuple(dict.fromkeys(notes))
        values.append(Decimal(value))
    value, said = worked_out(metric, values)
    return value, tuple(dict.fromkeys([*notes, *said]))
