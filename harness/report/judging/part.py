"""One comparison that a claim rests on, and where its facts come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.tables.pairs import Pair
from harness.report.tables.rows import ErrorRow, TableRow, TimeRow
from harness.report.tables.timed import Rated
from harness.statistics.estimate import Estimate


@dataclass(frozen=True)
class Evidence:
    """Where a judgement takes its facts from; each is None while one of the rows is not measured.

    errors, times: the rows of both tables.
    pair: two rows of the table of errors.
    contrast: the mean error of some rows less that of others, points.
    over_seeds: a row's error on the test's very images, percent.
    ratio: the time of a row of the table of times over that of another one, block by block.
    arrays: what an analysis, given by its name, has measured of a row's models, for each seed that has something.
    """

    errors: Sequence[ErrorRow]
    times: Sequence[TimeRow]
    pair: Callable[[TableRow, TableRow], Pair | None]
    contrast: Callable[[Sequence[TableRow], Sequence[TableRow]], Estimate | None]
    over_seeds: Callable[[TableRow], Estimate | None]
    ratio: Callable[[TableRow, TableRow], Rated | None]
    arrays: Callable[[TableRow, str], list[dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Finding:
    """Which way something points, and the p-value of that; None where it can decide nothing."""

    holds: bool
    p: float | None


@dataclass(frozen=True)
class Part:
    """One comparison that a claim rests on.

    tell: what was measured, with an interval that leaves out the truth with a given probability.
    found: None while something is missing.
    test: what the p-value is of.
    flags: why some of its rounds are to be taken with care; empty where none is.
    unflagged: what it finds without them; None where too few are left.
    """

    tell: Callable[[float], str]
    found: Finding | None = None
    test: str = ""
    flags: str = ""
    unflagged: Finding | None = None


def missing(text: str) -> Part:
    """A comparison that could not be made, with the reason."""
    return Part(lambda _: text)


def together(findings: Sequence[Finding | None]) -> Finding | None:
    """Whether comparisons speak for a claim by which all must hold; None where they can't tell.

    For it the largest p-value counts, since each of them must be shown. One is enough against it: the smallest
    counts, times the number of comparisons.
    """
    known = [(each.holds, each.p) for each in findings if each is not None and each.p is not None]
    against = [p for holds, p in known if not holds]
    if against:
        return Finding(False, min(1.0, len(known) * min(against)))
    return Finding(True, max(p for _, p in known)) if known and len(known) == len(findings) else None
