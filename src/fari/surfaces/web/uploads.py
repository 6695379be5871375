"""Files on their way from a page into the ledger: kept aside in the project, looked at, and imported when somebody says so."""

import re
import shutil
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock
from typing import IO

from filelock import FileLock, Timeout
from starlette.types import Message, Receive

from fari.company import Company
from fari.errors import FariError, UsageError
from fari.ledger.acts import Report
from fari.ledger.store import Ledger
from fari.sources.importing import columns
from fari.surfaces.importing import Wanted, take_in

MOST_BYTES = 200 * 2**20
"""So large may one upload be, all its files together."""
MOST_FILES = 50
INFLATED = 5
"""So many times that may packed files hold once they are unpacked."""
MOST_ROWS = 20_000_000
"""So many rows may a Parquet file have: a few bytes can hold any number of equal ones."""
KEPT = 8
"""So many uploads are kept; the oldest goes when another comes."""
_PIECE = 2**20
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069<>:"|?*]')


class TooLarge(UsageError):  # noqa: N818 - it is what the sender is told
    """What cannot be taken in for its size."""

    status = 413


@dataclass(frozen=True)
class Upload:
    """Files that somebody has sent, with what importing them would do, or did."""

    token: str
    folder: Path
    wanted: Wanted
    sent_as: tuple[str, ...]
    """What the files were called where they came from."""
    reports: tuple[Report, ...] = ()
    columns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By file its columns, and what each is read as."""
    done: bool = False

    @property
    def import_id(self) -> str | None:
        """The import it became; None before, and where there was nothing new in it."""
        return next((report.import_id for report in self.reports if report.import_id), None)


class Uploads:
    """The uploads of one running server. Their files are in a folder that is removed with it, and by the next one if it was killed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.most = MOST_BYTES
        self._known: OrderedDict[str, Upload] = OrderedDict()
        self._turn = Lock()
        """One file at a time is looked at or imported."""
        self._home: Path | None = None
        self._lock: FileLock | None = None
        self._sweep()

    def begin(self) -> tuple[str, Path]:
        """A new upload's name and its own empty folder."""
        with self._turn:
            if self._home is None:
                self._home = self.root / token_urlsafe(12)
                self._home.mkdir(parents=True, mode=0o700)
                self._lock = FileLock(self._home / ".lock", thread_local=False)
                self._lock.acquire()
            token = token_urlsafe(18)
            folder = self._home / token
            folder.mkdir(mode=0o700)
            return token, folder

    def get(self, token: str) -> Upload:
        """An upload by its name; UsageError where there is none any more."""
        try:
            return self._known[token]
        except KeyError:
            raise UsageError("these files are not here any more; drop them on the page Data again") from None

    def preview(self, ledger: Ledger, upload: Upload) -> Upload:
        """What importing would do: a dry run of the very same code."""
        for path in upload.wanted.files:
            fits(path, self.most)
        return self._run(ledger, replace(upload, wanted=replace(upload.wanted, dry_run=True)))

    def do(self, ledger: Ledger, upload: Upload) -> Upload:
        """Import the files, once; they are removed. One that was refused stays out, as on the command line."""
        return self._run(ledger, replace(upload, wanted=replace(upload.wanted, dry_run=False)))

    def _run(self, ledger: Ledger, upload: Upload) -> Upload:
        with self._turn:
            known = self._known.get(upload.token)
            if known is not None and known.done:
                return known
            wanted = upload.wanted
            reports = tuple(take_in(ledger, wanted.files, wanted, None, None, lambda _: None))
            read_as = upload.columns
            if wanted.dry_run:
                read_as = {path.name: list(_columns(path, ledger.company, wanted.as_)) for path in wanted.files}
            made = replace(upload, reports=reports, columns=read_as, done=not wanted.dry_run)
            self._known[upload.token] = made
            self._known.move_to_end(upload.token)
            if made.done:
                shutil.rmtree(made.folder, ignore_errors=True)
            while len(self._known) > KEPT:
                shutil.rmtree(self._known.popitem(last=False)[1].folder, ignore_errors=True)
        return made

    def drop(self, folder: Path) -> None:
        """Forget an upload and remove its files."""
        with self._turn:
            self._known.pop(folder.name, None)
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all files that were sent."""
        with self._turn:
            if self._home is not None and self._lock is not None:
                self._lock.release()
                shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
            self._known.clear()

    def _sweep(self) -> None:
        """Remove what servers that were killed have left: nobody holds their lock."""
        for home in self.root.iterdir() if self.root.is_dir() else ():
            lock = FileLock(home / ".lock")
            try:
                lock.acquire(timeout=0)
            except (Timeout, OSError):
                continue
            lock.release()
            shutil.rmtree(home, ignore_errors=True)


def _columns(path: Path, company: Company, as_: str | None) -> Iterator[tuple[str, str]]:
    try:
        yield from columns(path, company, as_)
    except Exception:
        # What is wrong with the file its report says.
        return


def safe_name(sent: str, taken: Sequence[str]) -> str:
    r"""A file's own name without folders or what a name must not have, other than those taken.

    >>> safe_name("../../etc/passwd", []), safe_name("C:\\Users\\Ann\\spend.csv", ["spend.csv"]), safe_name("..", []), safe_name(".env\x00", [])
    ('passwd', 'spend-2.csv', 'file', 'env')
    """
    own = _UNFIT.sub("", re.split(r"[/\\]", sent)[-1]).strip().lstrip(".")
    stem, dot, end = own.partition(".")
    stem = stem.encode()[:120].decode(errors="ignore").strip() or ("file" if not own else "")
    end = end.encode()[-40:].decode(errors="ignore") if len(end.encode()) > 40 else end
    name = own = f"{stem}{dot}{end}" or "file"
    number = 1
    known = {one.lower() for one in taken}
    while name.lower() in known:
        number += 1
        name = f"{stem}-{number}{dot}{end}"
    return name


def fits(path: Path, most: int) -> None:
    """Refuse what is small on the way and vast once it is unpacked: TooLarge. What is damaged is left to the import, which says so."""
    limit = most * INFLATED
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        _fits_gzip(path, most, limit)
    elif head == b"PK\x03\x04":
        _fits_zip(path, limit)
    elif head == b"PAR1":
        _fits_parquet(path, limit)


def _fits_gzip(path: Path, most: int, limit: int) -> None:
    size = line = 0
    first = b""
    for piece in _inflated(path.open("rb"), 31):
        first = first or piece[:4]
        if first.startswith((b"PK\x03\x04", b"PAR1", b"\x1f\x8b")):
            raise TooLarge(f"{path.name} packs a file that is packed itself; unpack it once")
        size += len(piece)
        end = piece.rfind(b"\n")
        line = line + len(piece) if end < 0 else len(piece) - end
        # A line, and a list of objects, are held in memory whole.
        if size > limit or line > most or (first.startswith(b"[") and size > most):
            raise TooLarge(f"{path.name} {_unpacks(limit)}")


def _unpacks(limit: int) -> str:
    return f"is more than {limit // 2**20:,} MB once unpacked, more than a page takes in; import it with `fari import`, or in parts"


def _fits_zip(path: Path, limit: int) -> None:
    size = 0
    try:
        with zipfile.ZipFile(path) as book:
            entries = book.infolist()
        for one in entries:
            if one.compress_type == zipfile.ZIP_STORED:
                size += one.compress_size
            elif one.compress_type == zipfile.ZIP_DEFLATED:
                with path.open("rb") as file:
                    file.seek(one.header_offset + 26)
                    names = file.read(4)
                    file.seek(int.from_bytes(names[:2], "little") + int.from_bytes(names[2:], "little"), 1)
                    # What an entry says of its own size is not believed.
                    for piece in _inflated(file, -15, one.compress_size):
                        size += len(piece)
                        if size > limit:
                            break
            if size > limit:
                raise TooLarge(f"{path.name} {_unpacks(limit)}")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return


def _fits_parquet(path: Path, limit: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        try:
            told = "SELECT (SELECT sum(num_rows) FROM parquet_file_metadata($1)), (SELECT sum(total_uncompressed_size) FROM parquet_metadata($1))"
            rows, size = connection.execute(told, [str(path)]).fetchall()[0]
        except duckdb.Error:
            return
    if (size or 0) > limit:
        raise TooLarge(f"{path.name} {_unpacks(limit)}")
    if (rows or 0) > MOST_ROWS:
        raise TooLarge(f"{path.name} has {rows:,} rows, more than a page takes in; import it with `fari import`, or in parts")


def _inflated(file: IO[bytes], bits: int, left: int | None = None) -> Iterator[bytes]:
    """What a stream unpacks to, piece by piece, never more than a piece in memory; as far as it is whole."""
    with file:
        unpack = zlib.decompressobj(bits)
        while packed := file.read(_PIECE if left is None else min(_PIECE, left)):
            left = None if left is None else left - len(packed)
            while packed:
                try:
                    piece = unpack.decompress(packed, _PIECE)
                except zlib.error:
                    return
                if piece:
                    yield piece
                packed = unpack.unconsumed_tail
                if unpack.eof:
                    packed = unpack.unused_data.lstrip(b"\0")
                    unpack = zlib.decompressobj(bits)
                    if bits < 0:
                        return


def counted(receive: Receive, most: int) -> Receive:
    """The same body; TooLarge as soon as it is longer than that."""
    size = 0

    async def next_part() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise too_large(most)
        return message

    return next_part


def too_large(most: int) -> FariError:
    """What is said of an upload beyond the limit."""
    return TooLarge(f"that is more than {most // 2**20:,} MB, the most a page takes in at once; send fewer files, or use `fari import`")
