"""Large text files cut into numbered lines by the engine, which is many times as fast as Python and counts lines the same way."""

import codecs
import zlib
from typing import Any

from fari.ledger.sql import literal
from fari.sources.file import File

LARGE = 2**20
"""Files of fewer bytes are read sooner than the engine has begun."""
LONGEST = 2**24
"""Bytes of the longest line."""


def cut(file: File, connection: Any, *, quoted: bool = True) -> bool:
    """The file as the table `lines` (line, text), lines numbered from 1 and blank ones left out; False where that is better done by Python.

    So it is where the file is small, is not UTF-8 with a line feed after each line, or is packed and cut off; and where it has quotes, if
    not `quoted`.
    """
    unfit = (b"\r", b"\x01") if quoted else (b"\r", b"\x01", b"\0", b'"')
    if file.path.stat().st_size < LARGE or file.encoding != "utf-8-sig" or not _is_plain(file, unfit):
        return False
    # A character that the file does not hold stands for the delimiter there is none of; blank lines are rows too, so that lines keep
    # their numbers. Left to itself, each buffer would be 16 times as large as the longest line may be.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM (SELECT CAST(row_number() OVER () AS VARCHAR) AS line, text FROM "
        f"read_csv({literal(str(file.path))}, columns = {{'text': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false, "
        f"auto_detect = false, new_line = '\\n', compression = '{'gzip' if file.packed else 'none'}', max_line_size = {LONGEST}, "
        f"buffer_size = {LONGEST}, null_padding = false, strict_mode = false)) WHERE text <> ''"
    )
    return True


def _is_plain(file: File, unfit: tuple[bytes, ...]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open() as raw:
            while piece := raw.read(2**20):
                if any(mark in piece for mark in unfit):
                    return False
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, EOFError, OSError, zlib.error):
        return False
    return True
