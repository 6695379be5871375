"""A Problem: bad data as a value, so that one bad row never stops an import."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row: where it stands, the value, why it is refused and the way out."""

    line: int | str
    what: str
    """What is wrong, in a few words: `amount is not a number`."""
    column: str = ""
    value: str = ""
    mend: str = ""
    """How to mend it: `write 1234.56`."""
    file: str = ""
    table: str = ""
    refused: bool = True
    """Whether the row was left out; False for a warning about a row that was kept."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file else f"line {self.line}"
        value = f": {self.value[:60]!r}" if self.value else ""
        mend = f" ({self.mend})" if self.mend else ""
        return f"{where} {self.what}{value}{mend}"
