"""What keeps a row from deciding a claim, and what else sets it apart from what a paper ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from harness.analysis.comparison import Comparison, Finding
from harness.report.tables.rows import UNPUBLISHED, ErrorRow, TableRow
from harness.suite.claims import BaseClaim, ErrorValue, TimeRatio

LEAST_FRACTION = 0.1  # of a protocol: before that, rows may still be in another order than at the end


def limited(claim: BaseClaim, comparison: Comparison, errors: Sequence[ErrorRow]) -> Comparison:
    """The comparison without its p-value, and with the reasons, where one of its rows can't decide the claim.

    A claim on times is never limited: a time is one of an implementation, whatever was or was not learned with it.

    Arguments:
        errors: the rows of the table of errors.

    Raises:
        ValueError: the comparison names a row that this table does not have.
    """
    if comparison.finding is None or isinstance(claim, TimeRatio):
        return comparison
    rows = _rows_of(comparison, errors)
    reasons = [reason for row in rows for reason in _reasons(claim, row)]
    if comparison.error_difference is not None:
        least = abs(comparison.error_difference) / 2
        reasons += [_unsettled(row) for row in rows if row.falling is not None and row.falling > least]
    if not reasons:
        return comparison
    text = ", ".join(dict.fromkeys(reasons))
    return dataclasses.replace(
        comparison,
        text=lambda level: f"{comparison.text_at(level)}, and decides nothing: {text}",
        finding=Finding(comparison.finding.holds, None),
    )


def _rows_of(comparison: Comparison, errors: Sequence[ErrorRow]) -> list[ErrorRow]:
    known = {(row.title, row.task): row for row in errors}
    for row in comparison.rows:
        if (row.title, row.task) not in known:
            raise ValueError(f"a comparison names the row '{row.title}' on '{row.task}', which is not in the report")
    return [known[row.title, row.task] for row in comparison.rows]


def _reasons(claim: BaseClaim, row: ErrorRow) -> Iterable[str]:
    """Why a row can't decide a claim about trained models, whatever was measured of it."""
    if row.unlearned:
        yield f"{row.title} has not learned"
    if row.unlike:
        yield f"{row.title} is not what was published: {row.unlike}"
    if isinstance(claim, ErrorValue) and set(row.reasons) - {UNPUBLISHED}:
        yield f"{row.title} was not run as in the paper"
    elif row.fraction is not None and row.fraction < LEAST_FRACTION:
        yield (
            f"{row.title} was trained for {row.fraction:.2%} of its protocol, and {LEAST_FRACTION:.0%} are the least"
        )


def _unsettled(row: ErrorRow) -> str:
    return (
        f"in the last tenth of training the error of {row.title} in training still fell by {row.falling:.2f} points, "
        f"more than half of the difference"
    )


def scope(claim: BaseClaim, rows: Sequence[TableRow]) -> str:
    """What sets a claim's rows apart from what the paper ran; it is printed beside the verdict."""
    caveats = [caveat for row in rows for caveat in row.caveats if caveat != UNPUBLISHED]
    if isinstance(claim, TimeRatio):
        caveats.append("times are those of these implementations on this machine")
    return "; ".join(dict.fromkeys(caveats))
