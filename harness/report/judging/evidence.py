"""What claims are judged by: the rows of the tables, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.rows import RowsOf
from harness.report.tables.pairs import Pair
from harness.report.tables.rows import ErrorRow, TableRow, TimeRow
from harness.report.tables.timed import Rated
from harness.statistics.estimate import Estimate
from harness.suite.claims import RowSelector


@dataclass(frozen=True)
class Evidence:
    """What claims are judged by. A comparison is None while one of its rows is not measured.

    errors, times: the rows of both tables.
    pair: compares the errors of two rows.
    contrast: the mean error of some rows less that of others, in percentage points.
    over_seeds: a row's error on the test's very images, in percent, with the spread of its seeds.
    ratio: the time of a row over that of another one, block by block.
    rows_of: the rows for an analysis, given its name.
    """

    errors: Sequence[ErrorRow]
    times: Sequence[TimeRow]
    pair: Callable[[TableRow, TableRow], Pair | None]
    contrast: Callable[[Sequence[TableRow], Sequence[TableRow]], Estimate | None]
    over_seeds: Callable[[TableRow], Estimate | None]
    ratio: Callable[[TableRow, TableRow], Rated | None]
    rows_of: RowsOf

    def errors_of(self, selector: RowSelector, task: str) -> list[ErrorRow]:
        """The rows of the table of errors on a task that a claim names."""
        return [row for row in self.errors if row.task == task and selector.selects(row.variant, row.config)]

    def times_of(self, selector: RowSelector) -> list[TimeRow]:
        """The rows of the table of times that a claim names."""
        return [row for row in self.times if selector.selects(row.variant, row.config)]
