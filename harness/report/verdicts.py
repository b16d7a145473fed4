"""Verdicts on a suite's claims: reproduced, contradicted or undecided, each with its evidence.

A claim is about methods, and about all rows that it names: it is reproduced if each of its comparisons shows it, and
contradicted if one shows the opposite. What nothing can be shown by (one model of a method, a model that has not
learned, another network than the published one) leaves it undecided. What else sets a row apart from what the paper
ran (a fraction of the protocol, another width, rebuilt data) stands beside the verdict.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.claims import (
    Claim,
    ClearerSeparation,
    CouplingFollowsActivity,
    ErrorValue,
    LowerError,
    LowerMeanError,
    LowestError,
    Rows,
    TimeRatio,
)
from harness.matching import has_settings
from harness.report.pairs import ENOUGH_SEEDS, LEVEL, Pair, holm, rank_test, sign_flip, told
from harness.report.rows import UNPUBLISHED, ErrorRow, TableRow, TimeRow, Verdict, Word
from harness.report.separation import coupling_correlation, separation
from harness.report.statistics import Estimate, error_of_images, p_of_nearest, p_of_ratio

FEWEST_SEEDS = 3  # for the value of an error: of fewer the spread is hardly known


@dataclass(frozen=True)
class Evidence:
    """Where a judgement takes its facts from.

    errors, times: the rows of Tables 2 and 3.
    pair: two rows of Table 2 image by image; None while one of them is missing.
    ratio: the time of a row of Table 3 over that of another one, block by block; likewise.
    activity: mean activities and couplings of a row's models, one for each seed.
    """

    errors: Sequence[ErrorRow]
    times: Sequence[TimeRow]
    pair: Callable[[TableRow, TableRow], Pair | None]
    ratio: Callable[[TableRow, TableRow], Estimate | None]
    activity: Callable[[TableRow], list[dict[str, list[float]]]]


@dataclass(frozen=True)
class _Part:
    """One comparison that a claim rests on."""

    text: str
    holds: bool | None = None  # as it was measured; None while something is missing
    p: float | None = None  # of that chance alone would show as much; None where it can decide nothing, as `text` says
    method: str = ""


def judge(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """The verdicts, with one p-value for each claim, corrected for the number of claims (Holm)."""
    judged = [(claim, *_parts(claim, evidence)) for claim in claims]
    shown = [_shown(parts) for _, parts, _ in judged]
    corrected = iter(holm([p for _, p in filter(None, shown)]))
    verdicts = []
    for (claim, parts, rows), found in zip(judged, shown, strict=True):
        texts = [part.text if part.p is None else f"{part.text}, {told(part.p)}" for part in parts]
        texts += dict.fromkeys(part.method for part in parts if part.method)
        p = next(corrected) if found is not None else 1.0
        if found is not None and (len(parts), len(judged)) != (1, 1):
            texts.append(f"all in all {told(p)}, corrected for the claims of this report")
        word = _word(holds=found is not None and found[0], is_shown=p < LEVEL)
        verdicts.append(Verdict(claim.sentence, claim.where, word, "; ".join(texts), _scope(claim, rows)))
    return verdicts


def _word(*, holds: bool, is_shown: bool) -> Word:
    if not is_shown:
        return "undecided"
    return "reproduced" if holds else "contradicted"


def _shown(parts: Sequence[_Part]) -> tuple[bool, float] | None:
    """Whether the comparisons speak for a claim, and the p-value of that; None where they can't tell.

    All must hold, so that for a claim the largest p-value counts. One is enough against it: the smallest counts, times
    the number of comparisons.
    """
    known = [part.p for part in parts if part.p is not None]
    against = [part.p for part in parts if part.p is not None and not part.holds]
    if against:
        return False, min(1.0, len(known) * min(against))
    return (True, max(known)) if known and len(known) == len(parts) else None


def _scope(claim: Claim, rows: list[TableRow]) -> str:
    reasons = [reason for row in rows for reason in _reasons(row)]
    if isinstance(claim, TimeRatio):
        reasons.append("times are those of these implementations on this machine")
    return "; ".join(dict.fromkeys(reasons))


def _reasons(row: TableRow) -> list[str]:
    return [reason for reason in row.reasons if reason != UNPUBLISHED]


def _hindrance(claim: Claim, row: TableRow) -> str | None:
    """Why a row can decide nothing about a claim, whatever was measured of it; None if it can.

    A time is one of an implementation, whatever was or was not learned with it. All else is about trained models.
    """
    if isinstance(claim, TimeRatio):
        return None
    if isinstance(row, ErrorRow) and row.unlearned:
        return f"{row.title} has not learned"
    if row.unlike:
        return f"{row.title} is not what was published: {row.unlike}"
    if isinstance(claim, ErrorValue) and _reasons(row):  # an order may show in a part of a protocol, a value can't
        return f"{row.title} was not run as in the paper"
    return None


def _parts(claim: Claim, evidence: Evidence) -> tuple[list[_Part], list[TableRow]]:
    """The comparisons of a claim, and the rows that it is about."""
    groups = _groups(claim, evidence)
    parts = [_freed(claim, group, _part(claim, group, evidence)) for group in groups]
    return parts or [_Part("the suite has no such rows")], [row for group in zip(*groups, strict=True) for row in group]


def _groups(claim: Claim, evidence: Evidence) -> list[tuple[TableRow, ...]]:
    """The rows that are compared with each other, or looked at alone."""
    if isinstance(claim, TimeRatio):
        return _each_with_each(_find(evidence.times, claim.of, None), _find(evidence.times, claim.to, None))
    ours = _find(evidence.errors, claim.of, claim.task)
    if isinstance(claim, LowestError):
        others = [row for row in _find(evidence.errors, claim.among, claim.task) if row not in ours]
        return _each_with_each(ours, others)
    if isinstance(claim, LowerError | ClearerSeparation):
        return _each_with_each(ours, _find(evidence.errors, claim.than, claim.task))
    return [(row,) for row in ours]


def _each_with_each(ours: Sequence[TableRow], theirs: Sequence[TableRow]) -> list[tuple[TableRow, ...]]:
    return [(row, other) for row in ours for other in theirs if row is not other]


def _find(rows: Sequence[TableRow], wanted: Rows, task: str | None) -> list[TableRow]:
    return [
        row
        for row in rows
        if row.variant == wanted.variant
        and has_settings(row.config, wanted.config)
        and (task is None or row.task == task)
    ]


def _part(claim: Claim, group: tuple[TableRow, ...], evidence: Evidence) -> _Part:
    row, other = group[0], group[-1]
    if isinstance(claim, LowerError | LowestError):
        return _lower(row, other, claim.by if isinstance(claim, LowerError) else 0.0, evidence)
    if isinstance(claim, LowerMeanError):
        return _Part("not judged yet")
    if isinstance(claim, TimeRatio):
        return _ratio(row, other, claim, evidence)
    if isinstance(claim, ClearerSeparation):
        return _separation(row, other, evidence)
    if isinstance(claim, CouplingFollowsActivity):
        return _coupling(row, evidence)
    assert isinstance(row, ErrorRow)
    return _value(row, claim)


def _freed(claim: Claim, group: tuple[TableRow, ...], part: _Part) -> _Part:
    """A comparison that decides nothing where one of its rows can't."""
    hindrances = dict.fromkeys(filter(None, (_hindrance(claim, row) for row in group)))
    if not hindrances:
        return part
    return dataclasses.replace(part, text=f"{part.text}, and decides nothing: {', '.join(hindrances)}", p=None)


def _lower(row: TableRow, other: TableRow, by: float, evidence: Evidence) -> _Part:
    pair = evidence.pair(row, other)
    if pair is None:
        return _Part(f"{row.title} or {other.title} is not measured")
    text = (
        f"{row.title} less {other.title} {_signed(pair.difference)} points "
        f"({_signed(pair.low)} to {_signed(pair.high)})"
    )
    if by:
        text += f", claimed at least {by:g} lower"
    if not pair.is_of_methods:
        which = "these two models" if pair.seeds == 1 else f"these models of {pair.seeds} seeds"
        text = f"{which}: {text}, {told(pair.p)}, which says nothing of models of other seeds"
        return _Part(text, pair.difference < -by, method=pair.method)
    return _Part(text, pair.difference < -by, pair.against(-by), pair.method)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _value(row: ErrorRow, claim: ErrorValue) -> _Part:
    if row.measured is None or row.low is None or row.high is None or row.standard_error is None:
        return _Part(f"{row.title} is not measured")
    text = f"{row.title} {row.measured:.2f}% ({row.low:.2f} to {row.high:.2f})"
    text += f", claimed {claim.percent:g} ± {claim.within:g}"
    holds = abs(row.measured - claim.percent) <= claim.within
    if row.n < FEWEST_SEEDS:
        return _Part(f"{text}, by fewer than {FEWEST_SEEDS} seeds", holds)
    bounds = (claim.percent - claim.within, claim.percent + claim.within)
    error = max(row.standard_error, error_of_images(row.measured, row.images))
    p = p_of_nearest(row.measured, error, row.n - 1, bounds)
    return _Part(text, holds, p) if p is not None else _Part(f"{text}, of an unknown spread", holds)


def _ratio(row: TableRow, other: TableRow, claim: TimeRatio, evidence: Evidence) -> _Part:
    ratio = evidence.ratio(row, other)
    if ratio is None or ratio.low is None or ratio.high is None:
        return _Part(f"{row.title} and {other.title} are not timed in three rounds")
    text = f"{row.title} takes {ratio.mean:.2f} times as long as {other.title} ({ratio.low:.2f} to {ratio.high:.2f})"
    told_bounds = [("least", claim.at_least), ("most", claim.at_most)]
    text += f", claimed {' and '.join(f'at {word} {bound:g}' for word, bound in told_bounds if bound is not None)}"
    holds = (claim.at_least or 0) <= ratio.mean <= (claim.at_most or math.inf)
    p = p_of_ratio(ratio, claim.bounds)
    return _Part(text, holds, p) if p is not None else _Part(f"{text}, of rounds that do not differ at all", holds)


def _separation(row: TableRow, other: TableRow, evidence: Evidence) -> _Part:
    ours, theirs = (
        [separation(each["activities"]) for each in evidence.activity(one) if "activities" in each]
        for one in (row, other)
    )
    if not ours or not theirs:
        return _Part(f"the activities of {row.title} or {other.title} are not known")
    text = f"{row.title} {_span(ours)}, {other.title} {_span(theirs)} of 1"
    if not np.isfinite([*ours, *theirs]).all():
        return _Part(f"{text}, which is undefined")
    is_higher = np.greater.outer(ours, theirs).mean() > np.less.outer(ours, theirs).mean()
    method = f"exact rank test of {len(ours)} and {len(theirs)} seeds"
    return _Part(text, bool(is_higher), rank_test(ours, theirs), method)


def _span(values: list[float]) -> str:
    return f"{values[0]:.3f}" if len(values) == 1 else f"{min(values):.3f} to {max(values):.3f}"


def _coupling(row: TableRow, evidence: Evidence) -> _Part:
    known = [each for each in evidence.activity(row) if "couplings" in each]
    if not known:
        return _Part(f"the couplings of {row.title} are not known")
    correlations = [coupling_correlation(each["activities"], each["couplings"]) for each in known]
    capsules = len(known[0]["activities"])
    text = f"{row.title}: rank correlation {_span(correlations)} over {capsules:,} capsules"
    if not np.isfinite(correlations).all():
        return _Part(f"{row.title}: the rank correlation is undefined, because couplings or activities are constant")
    seeds = len(correlations)
    method = f"exact permutation over {seeds} seeds" if seeds > 1 else "exact permutation over 1 seed"
    if seeds < ENOUGH_SEEDS:
        method += f", which can show nothing with fewer than {ENOUGH_SEEDS}"
    return _Part(text, float(np.mean(correlations)) > 0, sign_flip(np.asarray(correlations)), method)
