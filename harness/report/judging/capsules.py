"""Claims on what capsules do in trained models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.report.judging.part import Evidence, Finding, Part, missing
from harness.report.judging.rows import errors_of, freed
from harness.report.rows import ErrorRow
from harness.report.separation import coupling_correlation, separation
from harness.report.statistics.estimate import FEWEST, LEVEL, mean_of
from harness.report.statistics.exact import rank_test, smallest_of_ranks
from harness.suite.claims import ClearerSeparation, CouplingFollowsActivity


def clearer(claim: ClearerSeparation, evidence: Evidence) -> list[Part]:
    """Each row's models with each other row's."""
    ours = errors_of(evidence.errors, claim.of, claim.task)
    theirs = errors_of(evidence.errors, claim.than, claim.task)
    return [_clearer(claim, row, other, evidence) for row in ours for other in theirs if row is not other]


def coupled(claim: CouplingFollowsActivity, evidence: Evidence) -> list[Part]:
    """Each row's models."""
    return [_coupled(claim, row, evidence) for row in errors_of(evidence.errors, claim.of, claim.task)]


def _clearer(claim: ClearerSeparation, row: ErrorRow, other: ErrorRow, evidence: Evidence) -> Part:
    ours, theirs = (
        [separation(each["activities"]) for each in evidence.arrays(one, "capsule_activity") if "activities" in each]
        for one in (row, other)
    )
    if not ours or not theirs:
        return missing(f"the activities of {row.title} or {other.title} are not known")
    text = f"{row.title} {_span(ours)}, {other.title} {_span(theirs)} of 1"
    if not np.isfinite([*ours, *theirs]).all():
        return missing(f"{text}, which is undefined")
    is_higher = np.greater.outer(ours, theirs).mean() > np.less.outer(ours, theirs).mean()
    test = f"exact rank test of {len(ours)} and {len(theirs)} seeds"
    if smallest_of_ranks(len(ours), len(theirs)) >= LEVEL:
        return Part(
            lambda _: text, Finding(bool(is_higher), None), f"{test}, which are too few for it to show anything"
        )
    part = Part(lambda _: text, Finding(bool(is_higher), rank_test(ours, theirs)), test)
    return freed(claim, part, [row, other])


def _span(values: Sequence[float]) -> str:
    return f"{values[0]:.3f}" if len(values) == 1 else f"{min(values):.3f} to {max(values):.3f}"


def _coupled(claim: CouplingFollowsActivity, row: ErrorRow, evidence: Evidence) -> Part:
    known = [each for each in evidence.arrays(row, "capsule_activity") if "couplings" in each]
    if not known:
        return missing(f"the couplings of {row.title} are not known")
    correlations = [coupling_correlation(each["activities"], each["couplings"]) for each in known]
    if not np.isfinite(correlations).all():
        return missing(f"{row.title}: the rank correlation is undefined, because couplings or activities are constant")
    capsules = len(known[0]["activities"])
    text = f"{row.title}: rank correlation {_span(correlations)} over {capsules:,} capsules"
    part = Part(lambda _: text, Finding(float(np.mean(correlations)) > 0, _p_of(correlations)), _test(len(known)))
    return freed(claim, part, [row])


def _p_of(correlations: Sequence[float]) -> float | None:
    """Of Fisher's transforms over seeds, each of which is one value: the capsules of a model are not independent."""
    if len(correlations) < FEWEST:
        return None
    found = mean_of(np.arctanh(np.clip(correlations, -1 + 1e-12, 1 - 1e-12)).tolist())
    return found.p() if found.has_spread else None


def _test(seeds: int) -> str:
    if seeds < FEWEST:
        return f"{seeds} seed{'s' if seeds > 1 else ''}, and {FEWEST} are the fewest that can show it"
    return f"Student's t of Fisher's z over {seeds} seeds"
