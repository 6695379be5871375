"""CSV as vendors write it."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path


def write_rows(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *,
    above: Sequence[str] = (), below: Iterable[Sequence[object]] = (), delimiter: str = ",", encoding: str = "utf-8",
) -> bool:  # fmt: skip
    """Write the table, with a preamble above its header and totals below; whether it had rows: a table without is not written."""
    rows = list(rows)
    if rows:
        text = StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerows([line] if line else [] for line in above)
        writer.writerows([header, *rows, *below])
        path.write_text(text.getvalue(), encoding=encoding)
    return bool(rows)
