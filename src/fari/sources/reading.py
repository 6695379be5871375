"""What one file brings: its rows to the staging, its objects to the evidence, and an account of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from fari.ledger.acts import Covers as Ranges
from fari.ledger.acts import Report
from fari.ledger.objects import Evidence
from fari.ledger.problems import Problem
from fari.ledger.staging import Checked, Staged, Staging
from fari.sources.file import File
from fari.sources.record import Chunk, Covers, Item, Kept, Record, Relation, Skipped, Stated


class Reading:
    """One file being read: what it brings goes to the staging, what it says to its report."""

    def __init__(self, number: int, report: Report, staging: Staging, evidence: Evidence, at: int) -> None:
        self.number = number
        self.report = report
        self.staging = staging
        self.evidence = evidence
        self.at = at
        """When what it says was so, in seconds since 1970."""
        self.covers: Ranges = {}
        self._stated: list[Stated] = []
        self._refused: set[str] = set()
        """Lines of the file that gave no row."""
        self._lines: set[int | str] = set()
        self._chunked = 0

    def take(self, items: Iterable[Item | Relation], file: File | None = None) -> None:
        """Take in all items, and what is wrong with the file itself."""
        for item in items:
            self._take(item)
        # A file is looked at several times: what is wrong with it is told once for each line.
        told = {str(problem.line) for problem in self.report.problems}
        for problem in {str(p.line): p for p in (file.damage if file else ()) if str(p.line) not in told}.values():
            self._take(problem)
        self.report.read = self._chunked + len(self._lines)
        if file and not self.report.read and not self.report.skipped:
            self._problem(Problem("", "has no rows", mend="export it again if there should be some", refused=False))

    def derived(self, item: Item) -> str | None:
        """Take in what was worked out from objects, of this file and others; the id of the subscription where it is a row of one."""
        if isinstance(item, Record):
            self.staging.add_row(self.number, item.table, item.line, item.values, f"{item.file or self.report.file}:{item.line}")
            return item.values.get("subscription_id")
        if isinstance(item, Problem | Skipped):
            self._take(item)
        return None

    def _take(self, item: Item | Relation) -> None:
        if isinstance(item, Record):
            self._lines.add(item.line)
            self.staging.add_row(self.number, item.table, item.line, item.values)
        elif isinstance(item, Kept):
            self._lines.add(item.line)
            self.evidence.add(self.number, self.report.source, self.report.format, item, self.report.file, self.at)
        elif isinstance(item, Chunk):
            self._chunked += len(item.lines)
            self.staging.add_columns(self.number, item.table, item.lines, item.columns)
        elif isinstance(item, Relation):
            self._chunked += self.staging.add_relation(self.number, item.table, item.query, item.columns)
        elif isinstance(item, Problem):
            self._problem(item)
            if item.refused and item.file in ("", self.report.file):
                self._lines.add(item.line)
        elif isinstance(item, Stated):
            self._stated.append(item)
        elif isinstance(item, Covers):
            self.covers[self.number, item.table] = (item.since, item.until)
        else:
            self.report.skipped[item.why] = self.report.skipped.get(item.why, 0) + 1

    def finish(self, checked: Mapping[str, Checked]) -> list[Staged]:
        """Say what became of the file's rows: those refused, and the control totals."""
        staged = [one for found in checked.values() for one in found.staged if one.file_no == self.number]
        for found in checked.values():
            self.report.problems += [problem for number, problem in found.problems if number == self.number]
            self._refused |= {line for number, line in found.refused if number == self.number}
        self.report.rejected = len(self._refused)
        self._total(staged)
        return staged

    def _problem(self, problem: Problem) -> None:
        self.report.problems.append(problem if problem.file else replace(problem, file=self.report.file))
        if problem.refused and problem.file in ("", self.report.file):
            self._refused.add(str(problem.line))

    def _total(self, staged: Sequence[Staged]) -> None:
        """Control totals: what the file sums to is what was kept plus what was refused; and what the file itself states."""
        totals = self.report.totals
        for one in staged:
            for amount, by_currency in one.sums.items():
                for currency, sums in by_currency.items():
                    totals[f"{one.table}.{amount} {currency}".strip()] = {k: v or Decimal(0) for k, v in sums.items()}
        for claim in self._stated:
            column = f"{claim.table}.{claim.column}"
            total = sum((sums["file"] for name, sums in totals.items() if name.split(" ")[0] == column), start=0 * claim.value)
            totals[f"{column} stated by the file"] = {"stated": claim.value, "file": total}
            if total != claim.value:
                what = f"states a total of {claim.value} but its rows sum to {total}"
                self._problem(Problem(0, what, claim.column, mend="export it again, whole", refused=False))
