"""Answers for programs: JSON as the contract has it, CSV and Parquet with one row per answer."""

import csv
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from fari.engine.answer import Answer, Number
from fari.surfaces.format import exact

_PARQUET = {
    "from": "DATE",
    "until": "DATE",
    "complete": "BOOLEAN",
    "compared_from": "DATE",
    "compared_until": "DATE",
    **dict.fromkeys(("value", "low", "high", "compared_value", "change", "change_rate"), "DECIMAL(38,18)"),
}
_AGAINST = ("compared_from", "compared_until", "compared_value", "change", "change_rate")
_SECOND = "_2"
"""What the columns of a second comparison end on."""
"""Column types other than text. Eighteen decimals hold all of money and of rates that is not noise of the division."""


def as_json(answers: Sequence[Answer], compared: bool = False) -> str:
    """An array of objects, a line each; numbers with all their digits."""
    return listed([_object(answer, compared) for answer in answers])


def listed(rows: Sequence[Mapping[str, Any]]) -> str:
    """An array of objects, a line each."""
    lines = ",\n ".join(map(dumps, rows))
    return f"[{lines}]\n"


def plain(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Answers as the contract's objects, to be written into a larger one."""
    return [_object(answer, False) for answer in answers]


def objects(answers: Sequence[Answer], compared: bool = False) -> list[dict[str, Any]]:
    """Answers as `as_json` writes them, to be written into a larger object."""
    return [_object(answer, compared) for answer in answers]


def rows(answers: Sequence[Answer], by: Sequence[str] = (), compared: bool = False) -> list[dict[str, Any]]:
    """Answers as rows of the columns of `as_csv`."""
    judged = _judged(answers)
    names = columns(by, compared, judged, _two(answers))
    return [dict(zip(names, _row(answer, by, compared, judged), strict=True)) for answer in answers]


def rows_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(list(rows[0]) if rows else [])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def rows_xlsx(rows: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Rows of the same columns as an Excel workbook: numbers are numbers (fifteen digits, as Excel has them), texts are no formulas."""
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    ) as book:
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31] or "Fari")
        bold = book.add_format({"bold": True})
        for column, name in enumerate(rows[0] if rows else []):
            sheet.write_string(0, column, str(name), bold)
        for line, row in enumerate(rows, 1):
            for column, value in enumerate(row.values()):
                _excel(sheet, line, column, value)
        sheet.freeze_panes(1, 0)
        sheet.autofit()
    return file.getvalue()


def _excel(sheet: Any, line: int, column: int, value: Any) -> None:
    if value is None:
        sheet.write_blank(line, column, None)
    elif isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, Decimal | int | float):
        sheet.write_number(line, column, float(value))
    elif isinstance(value, date):
        sheet.write_datetime(line, column, value)
    else:
        sheet.write_string(line, column, str(value)[:32_767])


def dumps(value: Any, indent: int | None = None) -> str:
    """Any value as JSON: Decimals are numbers with all their digits and no exponent, dates are ISO."""
    import simplejson

    return str(simplejson.dumps(_plain(value), ensure_ascii=False, indent=indent))


def as_csv(answers: Sequence[Answer], by: Sequence[str] = (), compared: bool = False) -> str:
    """One row per answer, a column per dimension split by; parts and notes as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(by, compared, _judged(answers), _two(answers)))
    writer.writerows([_cell(value) for value in row.values()] for row in rows(answers, by, compared))
    return text.getvalue()


def as_parquet(answers: Sequence[Answer], by: Sequence[str] = (), compared: bool = False) -> bytes:
    """The rows of `as_csv` as a Parquet file, typed."""
    import duckdb

    judged = _judged(answers)
    names = columns(by, compared, judged, _two(answers))
    typed = ", ".join(f'"{name}" {_PARQUET.get(name.removesuffix(_SECOND), "VARCHAR")}' for name in names)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"CREATE TABLE answers ({typed})")
        for answer in answers:
            # As text, so that DuckDB reads the decimals exactly.
            row = [None if value is None else _cell(value) for value in _row(answer, by, compared, judged)]
            connection.execute(f"INSERT INTO answers VALUES ({', '.join('?' * len(row))})", row)
        path = Path(folder) / "answers.parquet"
        connection.table("answers").write_parquet(str(path))
        return path.read_bytes()


def columns(by: Sequence[str], compared: bool, judged: bool = False, two: bool = False) -> list[str]:
    """Column names of CSV and Parquet."""
    against = [*(_AGAINST if compared else ()), *(["verdict"] if judged else ())]
    against += [f"{name}{_SECOND}" for name in against] if two else []
    return [
        "metric",
        "from",
        "until",
        "grain",
        *dimensions(by).values(),
        "value",
        "unit",
        "currency",
        "parts",
        "low",
        "high",
        "complete",
        "notes",
        *against,
    ]


def _judged(answers: Sequence[Answer]) -> bool:
    return any(answer.verdict for answer in answers)


def _two(answers: Sequence[Answer]) -> bool:
    return any(answer.also for answer in answers)


def dimensions(by: Sequence[str]) -> dict[str, str]:
    """The columns of dimensions; `currency` is kept apart from the answer's own."""
    return {name: f"by_{name}" if name == "currency" else name for name in by}


def _row(answer: Answer, by: Sequence[str], compared: bool, judged: bool) -> list[Any]:
    period = answer.period
    parts = "; ".join(f"{name}={'' if value is None else exact(value)}" for name, value in answer.parts.items())
    row: list[Any] = [answer.metric, period.since, period.until, period.grain, *(answer.segment[name] for name in by), answer.value]
    row += [answer.unit, answer.currency, parts, answer.low, answer.high, answer.complete, "; ".join(answer.notes)]
    for one in (answer, *answer.also):
        if compared:
            other = one.compared_with
            row += [other and other.since, other and other.until, one.compared and one.compared.value, one.change, one.change_rate]
        row += [one.verdict] if judged else []
    return row


def _object(answer: Answer, compared: bool) -> dict[str, Any]:
    written: dict[str, Any] = {
        "metric": answer.metric,
        "from": answer.period.since,
        "until": answer.period.until,
        "grain": answer.period.grain,
        "segment": answer.segment,
        "value": answer.value,
        "unit": answer.unit,
        "currency": answer.currency,
        "parts": answer.parts,
        "low": answer.low,
        "high": answer.high,
        "complete": answer.complete,
        "notes": answer.notes,
    }
    if compared:
        written |= _against(answer)
        if answer.also:
            written["also"] = [_against(one) for one in answer.also]
    return written


def _against(answer: Answer) -> dict[str, Any]:
    other = answer.compared_with
    value: Number | None = answer.compared.value if answer.compared else None
    found: dict[str, Any] = {
        "compared": {"value": value, "from": other.since if other else None, "until": other.until if other else None},
        "change": answer.change,
        "change_rate": answer.change_rate,
    }
    return found | ({"verdict": answer.verdict} if answer.verdict else {})


def _plain(value: Any) -> Any:
    """A value in JSON's own types; Decimals as their digits, since JSON's writers fall back on exponents."""
    import simplejson

    if isinstance(value, Decimal):
        return simplejson.RawJSON(exact(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | str) else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return exact(value) if isinstance(value, Decimal | int) else "" if value is None else str(value)
