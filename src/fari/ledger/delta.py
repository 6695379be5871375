"""One Delta Lake table in a folder: which files it has now, rows added in one commit, small files joined, rows rewritten."""

import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

MANY_FILES = 64
"""From more files than this on they are joined (four times as many where a table is kept by month)."""
SMALL = 16 * 2**20
"""Files larger than this on average are left as they are."""
KEPT_HOURS = 24
"""How long files stay after a newer version has replaced them: whoever is reading them goes on."""
ROWS_TOGETHER = 131_072
"""Rows in a group of a data file: groups are what engines read in parallel, and delta-rs makes groups of a million."""

_SETTINGS = {
    # Statistics stand in the log in plain text: without these columns no e-mail address does, and the log stays small.
    "delta.dataSkippingStatsColumns": "import_id",
}


class _File(NamedTuple):
    """A data file, its month where the table is kept by month, and the import that all its rows are of; None where there may be several."""

    path: str
    month: int | None
    whose: str | None


def _listed(folder: Path, actions: Any) -> list[_File]:
    """The files of a table's log, whose paths are percent-encoded."""

    def column(name: str) -> list[Any]:
        return list(actions[name].to_pylist()) if name in actions.schema.names else [None] * len(actions["path"])

    rows = zip(column("path"), column("partition.month"), column("min.import_id"), column("max.import_id"), strict=True)
    return [
        _File(str(folder / unquote(str(path))), None if month is None else int(month), least if least == most else None)
        for path, month, least, most in rows
    ]


def _written() -> Any:
    """How data files are written. Compression is named because properties without it mean none."""
    from deltalake import WriterProperties

    return WriterProperties(max_row_group_size=ROWS_TOGETHER, compression="SNAPPY")


class Delta:
    """A Delta table, kept open: what others have committed since is read on when it is next asked for.

    Opening one takes as long as a commit; 24 imports of ten tables are thereby twice as fast.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._opened: Any = None
        self._identity: tuple[int, int] | None = None
        self._listed: tuple[int, list[_File]] | None = None
        """At which version which files there were."""
        self._changed = 0
        """When the log's folder had last changed when it was last read on."""
        self._held = 0
        """How many files it had when last looked at, and has got since from here."""

    def _table(self) -> Any:
        """The table as it stands now, or None while there is none."""
        first = self.path / "_delta_log" / f"{0:020d}.json"
        try:
            stat = first.stat()
        except FileNotFoundError:
            if not (self.path / "_delta_log").is_dir() or not any((self.path / "_delta_log").glob("*.json")):
                self._opened = None
                return None
            identity = (0, 0)
        else:
            identity = (stat.st_ino, stat.st_mtime_ns)
        changed = first.parent.stat().st_mtime_ns
        if self._opened is not None and identity == self._identity:
            # Two commits may fall into one tick of the file system's clock.
            if changed != self._changed or (first.parent / f"{self._opened.version() + 1:020d}.json").exists():
                self._opened.update_incremental()
                self._changed = changed
            return self._opened
        from deltalake import DeltaTable

        # The folder may have been removed and made again: then it is another table, whatever its version.
        self._opened, self._identity, self._changed = DeltaTable(str(self.path)), identity, changed
        self._listed = None
        return self._opened

    @property
    def version(self) -> int | None:
        """The number of the last commit; None where there is no table."""
        with self._turn:
            table = self._table()
            return None if table is None else int(table.version())

    def files(self, months: Collection[int] | None = None) -> list[str]:
        """The data files (of those months, where the table is kept by month)."""
        return sorted(file.path for file in self._files(months))

    def files_of(self, imports: Collection[str], months: Collection[int] | None = None) -> tuple[list[str], bool]:
        """The data files that may hold rows of these imports, and whether it is certain that they hold no others."""
        held = [file for file in self._files(months) if file.whose is None or file.whose in imports]
        return sorted(file.path for file in held), all(file.whose is not None for file in held)

    def _files(self, months: Collection[int] | None) -> list[_File]:
        with self._turn:
            table = self._table()
            if table is None:
                return []
            if self._listed is None or self._listed[0] != table.version():
                self._listed = table.version(), _listed(self.path, table.get_add_actions(flatten=True))
            files = self._listed[1]
        self._held = len(files)
        return files if months is None else [file for file in files if file.month is None or file.month in months]

    def append(self, rows: Any, columns: Sequence[str], partition_by: Sequence[str] = ()) -> None:
        """Add rows (anything with the Arrow stream interface, in these columns) in one commit."""
        from deltalake import write_deltalake

        self._held += 1
        with self._turn:
            table = self._table()
            if table is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_deltalake(
                    str(self.path),
                    rows,
                    mode="append",
                    partition_by=list(partition_by) or None,
                    configuration=_SETTINGS,
                    writer_properties=_written(),
                )
            elif {field.name for field in table.schema().fields} >= set(columns):
                write_deltalake(table, rows, mode="append", writer_properties=_written())
            else:
                write_deltalake(table, rows, mode="append", schema_mode="merge", writer_properties=_written())
            self._changed = (self.path / "_delta_log").stat().st_mtime_ns

    def compact(self) -> bool:
        """Join small files where many have piled up. True when it did."""
        if self._held <= MANY_FILES:
            return False
        files = self.files()
        if len(files) <= MANY_FILES or sum(Path(file).stat().st_size for file in files) > SMALL * len(files):
            return False
        with self._turn:
            table = self._table()
            if table.metadata().partition_columns and len(files) <= 4 * MANY_FILES:
                return False
            table.optimize.compact(writer_properties=_written())
            table.vacuum(retention_hours=KEPT_HOURS, enforce_retention_duration=False, dry_run=False)
        return True

    def rewrite(self, where: str, values: Mapping[str, str]) -> int:
        """Give columns other values (SQL) in the rows that meet a condition, in files that replace the old ones; how many rows."""
        with self._turn:
            table = self._table()
            if table is None:
                return 0
            present = {field.name for field in table.schema().fields}
            found = table.update(predicate=where, updates={name: value for name, value in values.items() if name in present})
            return int(found["num_updated_rows"])

    def forget(self) -> None:
        """Remove every file that is not of the last version, at once: what was erased is then nowhere."""
        with self._turn:
            table = self._table()
            if table is not None:
                table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
