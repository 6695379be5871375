"""A change of a formula shared out over its inputs: what each contributes, averaged over every order in which they could have changed."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction

from fari.engine.answer import Number

QUANTUM = -16
"""Parts have at least so many decimals, and as many as the change has."""
_WIDE = Context(prec=120)
_TINY = Fraction(1, 10**8)

Worth = Callable[[Mapping[str, Number]], Number | None]
"""A formula as a function of its inputs by name; None where it is undefined."""


def difference(after: Number, before: Number) -> Decimal:
    """After − before without a digit lost."""
    return _WIDE.subtract(Decimal(after), Decimal(before))


def shapley(worth: Worth, before: Mapping[str, Number], after: Mapping[str, Number], ends: tuple[Number, Number]) -> dict[str, Fraction] | None:
    """What each input contributes to ends[1] − ends[0], the values of the formula before and after; the parts add up to that exactly.

    An input's part is the mean of what it adds when it changes, over all orders in which the inputs can change one after the other (Shapley
    1953). Orders that pass through values at which the formula is undefined are left out; None where no order is left.

    >>> parts = shapley(lambda v: v["spend"] / v["customers"], {"spend": Decimal(300), "customers": Decimal(3)},
    ...     {"spend": Decimal(600), "customers": Decimal(4)}, (Decimal(100), Decimal(150)))
    >>> {name: str(part) for name, part in parts.items()}
    {'spend': '175/2', 'customers': '-75/2'}
    """
    names = [name for name in before if before[name] != after[name]]
    full = (1 << len(names)) - 1
    values: list[Fraction | None] = []
    for coalition in range(full + 1):
        if coalition in (0, full):
            values.append(Fraction(ends[1] if coalition else ends[0]) if full else Fraction(ends[0]))
            continue
        between = worth({**before, **{name: after[name] for place, name in enumerate(names) if coalition >> place & 1}})
        values.append(None if between is None else Fraction(between))
    parts = dict.fromkeys(before, Fraction(0))
    if not full:
        return parts
    there, onward = _orders(values, full), _orders(values, full, back=True)
    if not there[full]:
        return None
    for coalition, value in enumerate(values):
        for place, name in enumerate(names):
            joined = coalition | 1 << place
            other = values[joined]
            if joined != coalition and value is not None and other is not None:
                parts[name] += Fraction(there[coalition] * onward[joined], there[full]) * (other - value)
    return parts


def _orders(values: Sequence[Fraction | None], full: int, back: bool = False) -> list[int]:
    """How many orders lead to each coalition (`back`: from it to all inputs) through defined values only."""
    ways = [0] * (full + 1)
    for at in range(full + 1):
        coalition = full - at if back else at
        if values[coalition] is None:
            continue
        steps = [coalition ^ 1 << place for place in range(full.bit_length()) if bool(coalition >> place & 1) != back]
        ways[coalition] = sum(ways[step] for step in steps) if at else 1
    return ways


def slope(worth: Worth, name: str, before: Mapping[str, Number], after: Mapping[str, Number], part: Fraction) -> Fraction:
    """What a unit of an input is worth in its part: part / change; of an input that did not change, the formula's slope, mean of before and after.

    Its segments may have moved against each other though it did not change itself: this is what their changes are multiplied by.

    >>> was = {"spend": Decimal(300), "customers": Decimal(3)}
    >>> round(float(slope(lambda v: v["spend"] / v["customers"], "spend", was, was, Fraction(0))), 6)
    0.333333
    """
    change = Fraction(after[name]) - Fraction(before[name])
    if change:
        return part / change
    found = []
    for at in (before, after):
        here = worth(at)
        step = _TINY * max(abs(Fraction(at[name])), Fraction(1))
        for way in (step, -step):
            moved = worth({**at, name: Decimal(at[name]) + Decimal(way.numerator) / Decimal(way.denominator)})
            if here is not None and moved is not None:
                found.append((Fraction(moved) - Fraction(here)) / way)
    return sum(found, Fraction(0)) / len(found) if found else Fraction(0)


def rounded(total: Decimal, parts: Sequence[Fraction]) -> list[Decimal]:
    """Parts as decimals that add up to the total to its last digit: each is rounded, and the largest takes what is left over.

    >>> [str(part) for part in rounded(Decimal("1.00"), [Fraction(1, 3), Fraction(2, 3)])]
    ['0.3333333333333333', '0.6666666666666667']
    """
    exponent = total.as_tuple().exponent
    assert isinstance(exponent, int)
    digit = Decimal(1).scaleb(min(exponent, QUANTUM))
    found = [_WIDE.quantize(_WIDE.divide(Decimal(part.numerator), Decimal(part.denominator)), digit) for part in parts]
    if found:
        largest = max(range(len(found)), key=lambda place: abs(found[place]))
        found[largest] = difference(total, added(found[:largest] + found[largest + 1 :]))
    return found


def added(parts: Sequence[Decimal]) -> Decimal:
    """Decimals added without a digit lost."""
    total = Decimal(0)
    for part in parts:
        total = _WIDE.add(total, part)
    return total
