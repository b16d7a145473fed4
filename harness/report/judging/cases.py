"""The comparisons that each claim rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.claims import JudgedKind, judged_kinds, read_recorded
from harness.analysis.comparison import Comparison, Finding
from harness.errors import cause_of
from harness.plugins.foreign_code import stdout_to_stderr
from harness.report.judging.errors import lower, lower_mean, lowest, value, values_of
from harness.report.judging.evidence import Evidence
from harness.report.judging.limits import limited, scope
from harness.report.judging.times import ratio
from harness.report.tables.rows import TableRow
from harness.statistics.estimate import LEVEL
from harness.suite.claims import (
    BaseClaim,
    Claim,
    ErrorValue,
    LowerError,
    LowerMeanError,
    LowestError,
    ModelClaim,
    OtherClaim,
    PublishedValues,
    TimeRatio,
)

JUDGES: dict[type, Callable[[Any, Evidence], list[Comparison]]] = {
    LowerError: lower,
    LowerMeanError: lower_mean,
    LowestError: lowest,
    ErrorValue: value,
    TimeRatio: ratio,
}


@dataclass(frozen=True)
class Case:
    """A claim and the comparisons that it rests on.

    scope: what sets its rows apart from what the paper ran.
    """

    claim: BaseClaim
    comparisons: Sequence[Comparison]
    scope: str = ""

    @property
    def finding(self) -> Finding | None:
        """The finding of all comparisons together."""
        return combined([comparison.finding for comparison in self.comparisons])


def cases_of(claim: Claim, evidence: Evidence) -> list[Case]:
    """The cases of a claim: one, or one for each row with a published value."""
    single: Sequence[Claim] = [claim]
    if isinstance(claim, PublishedValues):
        single = values_of(claim, evidence) or [claim]
    return [_case(each, evidence) for each in single]


def _case(claim: Claim, evidence: Evidence) -> Case:
    if isinstance(claim, OtherClaim):
        return _case_of_analysis(claim, evidence)
    if isinstance(claim, PublishedValues):
        return Case(claim, [Comparison("no row of these tasks has a published value")])
    comparisons = limited_all(claim, JUDGES[type(claim)](claim, evidence), evidence)
    return Case(claim, comparisons, scope(claim, rows_of_claim(claim, evidence)))


def _case_of_analysis(claim: OtherClaim, evidence: Evidence) -> Case:
    """A claim that an analysis judges; undecided if the analysis is not loaded, or fails."""
    kind = judged_kinds().get(claim.kind)
    if kind is None:
        reason = f"the analysis that judges '{claim.kind}' is not loaded here; name its file with --plugin"
        return Case(claim, [Comparison(reason)])
    try:
        return _judged_by(kind, claim, evidence)
    except (Exception, SystemExit) as error:  # an analysis may be the user's own, and costs no other verdict
        return Case(claim, [Comparison(f"it can't be judged: {cause_of(error)}")])


def _judged_by(kind: JudgedKind, claim: OtherClaim, evidence: Evidence) -> Case:
    read = read_recorded(claim, kind)
    with stdout_to_stderr():
        comparisons = kind.judge(read, evidence.rows_of(kind.analysis))
        comparisons = limited_all(read, comparisons, evidence)
        for comparison in comparisons:
            comparison.text_at(LEVEL)  # what fails in the analysis must fail here, where it costs no other verdict
    return Case(claim, comparisons, scope(read, rows_of_claim(read, evidence)))


def limited_all(claim: BaseClaim, comparisons: Sequence[Comparison], evidence: Evidence) -> list[Comparison]:
    """The comparisons of a claim; see `limited`."""
    return [limited(claim, comparison, evidence.errors) for comparison in comparisons]


def combined(findings: Sequence[Finding | None]) -> Finding | None:
    """The finding of several comparisons, all of which must hold; None if they decide nothing.

    The claim is confirmed at the largest p-value, since every comparison must be shown. One comparison is enough to
    contradict it: at the smallest p-value, times the number of comparisons.
    """
    known = [(each.holds, each.p) for each in findings if each is not None and each.p is not None]
    against = [p for holds, p in known if not holds]
    if against:
        return Finding(False, min(1.0, len(known) * min(against)))
    return Finding(True, max(p for _, p in known)) if known and len(known) == len(findings) else None


def rows_of_claim(claim: BaseClaim, evidence: Evidence) -> list[TableRow]:
    """The rows that a claim is about."""
    if isinstance(claim, TimeRatio):
        return [row for selector in claim.selectors for row in evidence.times_of(selector)]
    assert isinstance(claim, LowerError | LowerMeanError | LowestError | ErrorValue | ModelClaim)
    return [row for selector in claim.selectors for row in evidence.errors_of(selector, claim.task)]
