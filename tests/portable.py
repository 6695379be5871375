"""The portable subset: what an expression may hold so that every engine computes the same from it. See docs/house.md."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
from ibis.expr.operations.json import JSONGetItem, ToJSONArray, ToJSONMap, UnwrapJSONBoolean, UnwrapJSONFloat64, UnwrapJSONInt64, UnwrapJSONString

JSON = (JSONGetItem, ToJSONArray, ToJSONMap, UnwrapJSONBoolean, UnwrapJSONFloat64, UnwrapJSONInt64, UnwrapJSONString)
ORDERED = (ops.First, ops.Last, ops.NthValue, ops.Arbitrary, ops.ArgMax, ops.ArgMin, ops.ArrayCollect, ops.GroupConcat)
ADDRESSES = (
    *(ops.ExtractProtocol, ops.ExtractAuthority, ops.ExtractUserInfo, ops.ExtractHost, ops.ExtractFile, ops.ExtractPath, ops.ExtractQuery),
    ops.ExtractFragment,
)
REGEX = (ops.RegexSearch, ops.RegexExtract, ops.RegexReplace, ops.RegexSplit)
ESTIMATES = (ops.Quantile, ops.MultiQuantile, ops.ApproxQuantile, ops.ApproxMultiQuantile, ops.Median, ops.ApproxMedian, ops.ApproxCountDistinct)
WRITTEN = (ops.Strftime, ops.StringToTimestamp, ops.StringToDate)


def refusals(expression: Any) -> list[str]:
    """What of an expression is not portable, and why; nothing where all of it is."""
    relation = expression.op()
    said = dict.fromkeys(why for node in relation.find(ops.Node) for why in _why(node))
    exact = {whole.arg for whole in relation.find(ops.Round) if whole.dtype.is_integer()}
    for division in relation.find((ops.Divide, ops.FloorDivide)):
        if division not in exact or not (division.left.dtype.is_integer() and division.right.dtype.is_integer()):
            said["a division: it becomes a DOUBLE; only (a - a % b) / b of whole numbers, rounded to a whole number, is exact everywhere"] = None
    for name, value in relation.values.items():
        if value.dtype.is_floating():
            said[f"the output {name} is a DOUBLE"] = None
        if not value.dtype.is_int64() and any(_uncast_sums(value)):
            said[f"the output {name} is a sum that is not cast back: its type differs from engine to engine"] = None
    return list(said)


def _why(node: Any) -> Iterator[str]:
    if isinstance(node, ops.Value) and node.dtype.is_timestamp() and node.dtype.timezone is not None:
        yield "an instant with a zone: the zone is dropped in silence; take the day number that is stored beside every instant"
    if (
        isinstance(node, ops.Date | ops.Time | ops.TimestampTruncate | ops.TimestampBucket | ops.ExtractTemporalField)
        and node.arg.dtype.is_timestamp()
    ):
        yield "a date of an instant: it would be a day in UTC; take the day number that is stored beside every instant"
    if isinstance(node, ops.Cast):
        yield from _why_cast(node.arg.dtype, node.to, node.arg)
    if isinstance(node, ORDERED):
        yield f"{type(node).__name__}: order and IGNORE NULLS are lost; take row_number() and a filter, or min and max"
    if isinstance(node, JSON) or (isinstance(node, ops.Value) and node.dtype.is_json()):
        yield "JSON: it is flattened at import"
    if isinstance(node, ops.JoinLink) and node.how == "asof":
        yield "asof_join: join half-open stretches"
    if isinstance(node, ADDRESSES):
        yield "a function of an address: addresses are taken apart at import"
    if isinstance(node, REGEX):
        yield "a regular expression: engines read them differently; judge distinct values in a mark"
    if isinstance(node, ESTIMATES):
        yield f"{type(node).__name__}: estimated, or interpolated by rules of its own, on each engine"
    if isinstance(node, WRITTEN):
        yield f"{type(node).__name__}: formats are the engine's own; dates are read at import"
    if isinstance(node, ops.TimestampDelta) and node.part.value not in ("second", "minute", "hour"):
        yield "a difference of instants in less than seconds, or in days and more: some engines lack the former, and count the latter differently"
    if isinstance(node, ops.Sign):
        yield "sign(): it is a DOUBLE on Spark, and Ibis leaves out the cast back; write ifelse(-1, 1)"
    if isinstance(node, ops.Multiply) and node.dtype.is_decimal() and any(_is_zero(side) for side in (node.left, node.right)):
        yield "a decimal times 0: Sail folds it to a 0 of another type and fails; write the 0"
    if isinstance(node, ops.Literal) and isinstance(node.value, Decimal) and "E" in str(node.value):
        yield f"the decimal {node.value} is written with an exponent: not every engine reads it"


def _why_cast(given: dt.DataType, wanted: dt.DataType, value: Any) -> Iterator[str]:
    if given.is_timestamp() and wanted.is_date():
        yield "a date of an instant: it would be a day in UTC; take the day number that is stored beside every instant"
    if given.is_boolean() and wanted.is_decimal():
        yield "a boolean cast to a decimal: not every engine can; write ifelse(1, 0)"
    if given.is_string() and (wanted.is_temporal() or wanted.is_numeric()):
        yield "a text cast to a number or date: what cannot be read is an error here and a null there; texts are read at import"
    if given.is_numeric() and not given.is_integer() and wanted.is_integer() and not _whole(value):
        yield "a cast to a whole number: one engine rounds and another cuts off; round() first"
    if wanted.is_floating():
        yield "a cast to DOUBLE: money and rates are decimals"


def _whole(value: Any) -> bool:
    """Whether a decimal is whole anyway: rounded, or an amount in millionths."""
    if isinstance(value, ops.Round | ops.Floor | ops.Ceil):
        return True
    return isinstance(value, ops.Multiply) and any(isinstance(side, ops.Literal) and side.value == 1_000_000 for side in (value.left, value.right))


def _is_zero(value: Any) -> bool:
    return isinstance(value, ops.Literal) and value.value is not None and value.value == 0


def _uncast_sums(value: Any) -> Iterator[Any]:
    """Sums that reach the value without a cast on the way (in the relation that makes them or in one that hands them on)."""
    if isinstance(value, ops.Cast):
        return
    if isinstance(value, ops.Sum | ops.Mean):
        yield value
    elif isinstance(value, ops.Field):
        source = value.rel.values.get(value.name) if value.rel.values else None
        if source is not None:
            yield from _uncast_sums(source)
    else:
        for below in value.__children__:
            if isinstance(below, ops.Value):
                yield from _uncast_sums(below)
