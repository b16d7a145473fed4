"""Comparisons for claims on times."""

from __future__ import annotations

import math

from harness.analysis.comparison import Comparison, Finding
from harness.report.judging.evidence import Evidence
from harness.report.tables.rows import TimeRow
from harness.statistics.ratios import Ratio
from harness.suite.claims import TimeRatio


def ratio(claim: TimeRatio, evidence: Evidence) -> list[Comparison]:
    """Compare each row with each other one."""
    ours, theirs = evidence.times_of(claim.of), evidence.times_of(claim.to)
    return [_ratio(claim, row, other, evidence) for row in ours for other in theirs if row is not other]


def _ratio(claim: TimeRatio, row: TimeRow, other: TimeRow, evidence: Evidence) -> Comparison:
    rated = evidence.ratio(row, other)
    if rated is None or rated.ratio.interval() is None:
        return Comparison(f"{row.title} and {other.title} are not timed in three rounds")
    found, bounds = rated.ratio, [("least", claim.at_least), ("most", claim.at_most)]
    claimed = " and ".join(f"at {word} {bound:g}" for word, bound in bounds if bound is not None)
    return Comparison(
        lambda level: (
            f"{row.title} takes {found.value:.2f} times as long as {other.title}{_span(found, level)}, "
            f"claimed {claimed}"
        ),
        _between(claim, found),
        [row, other],
        "Student's t of the rounds' logarithms",
        flags=f"{rated.flagged} of {found.rounds} rounds: {', '.join(rated.flags)}" if rated.flagged else "",
        unflagged=_between(claim, rated.unflagged) if rated.unflagged is not None else None,
    )


def _span(found: Ratio, level: float) -> str:
    ends = found.interval(level)
    return "" if ends is None else f" ({ends[0]:.2f} to {ends[1]:.2f})"


def _between(claim: TimeRatio, found: Ratio) -> Finding:
    """Test a ratio between the bounds against each of them, and one outside against the nearer one."""
    low, high = claim.at_least or 0.0, claim.at_most or math.inf
    holds = low <= found.value <= high
    if found.log is None or not found.log.has_spread:
        return Finding(holds, None)
    bounds = [math.log(bound) for bound in claim.bounds if holds or bound == (low if found.value < low else high)]
    return Finding(holds, max(found.log.p(bound) for bound in bounds))
