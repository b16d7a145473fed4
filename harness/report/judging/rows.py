"""The rows that a claim names, and what keeps them from deciding it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from harness.report.judging.part import Finding, Part
from harness.report.tables.rows import UNPUBLISHED, ErrorRow, TableRow, TimeRow
from harness.suite.claims import BaseClaim, ErrorValue, RowSelector, TimeRatio

LEAST = 0.1  # share of a protocol; of less, orders may be those of the beginnings


def errors_of(rows: Sequence[ErrorRow], wanted: RowSelector, task: str) -> list[ErrorRow]:
    """The rows of the table of errors that a claim names."""
    return [row for row in rows if row.task == task and wanted.selects(row.variant, row.config)]


def times_of(rows: Sequence[TimeRow], wanted: RowSelector) -> list[TimeRow]:
    """The rows of the table of times that a claim names."""
    return [row for row in rows if wanted.selects(row.variant, row.config)]


def caveats_of(row: TableRow) -> list[str]:
    """What is to be told of a row beside a verdict."""
    return [caveat for caveat in row.caveats if caveat != UNPUBLISHED]


def freed(claim: BaseClaim, part: Part, rows: Iterable[TableRow], difference: float | None = None) -> Part:
    """A comparison that decides nothing where one of its rows can't.

    Arguments:
        difference: of errors, points; while a curve falls by more than half of it, it is not settled.
    """
    rows = list(rows)
    found = [hindrance for row in rows for hindrance in _hindrances(claim, row)]
    if difference is not None:
        found += [_unsettled(row) for row in rows if isinstance(row, ErrorRow) and _is_unsettled(row, difference)]
    if not found or part.found is None:
        return part
    told = ", ".join(dict.fromkeys(found))
    return dataclasses.replace(
        part,
        tell=lambda level: f"{part.tell(level)}, and decides nothing: {told}",
        found=Finding(part.found.holds, None),
    )


def _hindrances(claim: BaseClaim, row: TableRow) -> Iterable[str]:
    """Why a row can decide nothing about a claim, whatever was measured of it.

    A time is one of an implementation, whatever was or was not learned with it. All else is about trained models.
    """
    if isinstance(claim, TimeRatio):
        return
    if isinstance(row, ErrorRow) and row.unlearned:
        yield f"{row.title} has not learned"
    if row.unlike:
        yield f"{row.title} is not what was published: {row.unlike}"
    if isinstance(claim, ErrorValue) and set(row.reasons) - {UNPUBLISHED}:
        yield f"{row.title} was not run as in the paper"
    elif isinstance(row, ErrorRow) and row.fraction is not None and row.fraction < LEAST:
        yield f"{row.title} was trained for {row.fraction:.2%} of its protocol, and {LEAST:.0%} are the least"


def _is_unsettled(row: ErrorRow, difference: float) -> bool:
    return row.falling is not None and row.falling > abs(difference) / 2


def _unsettled(row: ErrorRow) -> str:
    return (
        f"in the last tenth of training the error of {row.title} in training still fell by {row.falling:.2f} points, "
        f"more than half of the difference"
    )
