"""Verdicts on a suite's claims: reproduced, contradicted or undecided, each with its evidence.

A verdict is about what was run. What sets that apart from what the paper ran (a fraction of the protocol, another
width, rebuilt data) stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.claims import (
    Claim,
    ClearerSeparation,
    CouplingFollowsActivity,
    ErrorValue,
    LowerError,
    LowestError,
    Rows,
    TimeRatio,
)
from harness.matching import has_settings
from harness.report.pairs import LEVEL, Pair, holm, told
from harness.report.rows import UNPUBLISHED, TableRow, Verdict, Word
from harness.report.separation import coupling_correlation, separation
from harness.report.statistics import Estimate


@dataclass(frozen=True)
class Evidence:
    """Where a judgement takes its facts from.

    errors, times: the rows of Tables 2 and 3.
    pair: two rows of Table 2 image by image; None while one of them is missing.
    ratio: the time of a row of Table 3 over that of another one, block by block; likewise.
    activity: mean activities and couplings of a row's models, one for each seed.
    """

    errors: Sequence[TableRow]
    times: Sequence[TableRow]
    pair: Callable[[TableRow, TableRow], Pair | None]
    ratio: Callable[[TableRow, TableRow], Estimate | None]
    activity: Callable[[TableRow], list[dict[str, list[float]]]]


@dataclass(frozen=True)
class _Part:
    """One comparison that a claim rests on; `p` is None where its word is settled by an interval."""

    text: str
    holds: bool | None  # as it was measured; None while something is missing
    p: float | None = None
    is_settled: bool = False
    method: str = ""


def judge(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """The verdicts, with p-values corrected for all tests that the claims need (Holm)."""
    judged = [(claim, *_parts(claim, evidence)) for claim in claims]
    ps = [part.p for _, parts, _ in judged for part in parts if part.p is not None]
    corrected = iter(holm(ps))
    verdicts = []
    for claim, parts, rows in judged:
        words, texts = [], []
        for part in parts:
            p = None if part.p is None else next(corrected)
            words.append(_word(part, p))
            texts.append(part.text if p is None else f"{part.text}, {told(p)}")
        texts += dict.fromkeys(part.method for part in parts if part.method)
        verdicts.append(Verdict(claim.sentence, claim.where, _joined(words), "; ".join(texts), _scope(rows)))
    return verdicts


def _word(part: _Part, p: float | None) -> Word:
    is_shown = part.is_settled if p is None else p < LEVEL
    if part.holds is None or not is_shown:
        return "undecided"
    return "reproduced" if part.holds else "contradicted"


def _joined(words: list[Word]) -> Word:
    """All parts must hold; one that is contradicted is enough against a claim."""
    if "contradicted" in words:
        return "contradicted"
    return "reproduced" if words and set(words) == {"reproduced"} else "undecided"


def _scope(rows: list[TableRow]) -> str:
    return "; ".join(dict.fromkeys(reason for row in rows for reason in _reasons(row)))


def _reasons(row: TableRow) -> list[str]:
    return [reason for reason in row.reason.split("; ") if reason and reason != UNPUBLISHED]


def _parts(claim: Claim, evidence: Evidence) -> tuple[list[_Part], list[TableRow]]:
    """The comparisons of a claim, and the rows that it is about."""
    if isinstance(claim, LowerError):
        ours, theirs = (_find(evidence.errors, rows, claim.task) for rows in (claim.of, claim.than))
        return _lower(ours, theirs, evidence), ours + theirs
    if isinstance(claim, LowestError):
        best = _find(evidence.errors, claim.of, claim.task)
        others = [row for row in _find(evidence.errors, claim.among, claim.task) if row not in best]
        return _lower(best, others, evidence), best + others
    if isinstance(claim, ErrorValue):
        rows = _find(evidence.errors, claim.of, claim.task)
        return [_value(row, claim) for row in rows] or [_NOTHING], rows
    if isinstance(claim, TimeRatio):
        ours, theirs = (_find(evidence.times, rows, None) for rows in (claim.of, claim.to))
        parts = [_ratio(row, other, claim, evidence) for row in ours for other in theirs]
        return parts or [_NOTHING], ours + theirs
    if isinstance(claim, ClearerSeparation):
        ours, theirs = (_find(evidence.errors, rows, claim.task) for rows in (claim.of, claim.than))
        parts = [_separation(row, other, evidence) for row in ours for other in theirs]
        return parts or [_NOTHING], ours + theirs
    assert isinstance(claim, CouplingFollowsActivity)
    rows = _find(evidence.errors, claim.of, claim.task)
    return [_coupling(row, evidence) for row in rows] or [_NOTHING], rows


_NOTHING = _Part("the suite has no such rows", None)


def _find(rows: Sequence[TableRow], wanted: Rows, task: str | None) -> list[TableRow]:
    return [
        row
        for row in rows
        if row.variant == wanted.variant
        and has_settings(row.config, wanted.config)
        and (task is None or row.task == task)
    ]


def _lower(ours: list[TableRow], theirs: list[TableRow], evidence: Evidence) -> list[_Part]:
    parts = []
    for row in ours:
        for other in theirs:
            pair = evidence.pair(row, other)
            if pair is None:
                parts.append(_Part(f"{row.title} or {other.title} is not measured", None))
                continue
            text = (
                f"{row.title} less {other.title} {_signed(pair.difference)} points "
                f"({_signed(pair.low)} to {_signed(pair.high)})"
            )
            parts.append(_Part(text, pair.difference < 0, pair.p, method=pair.method))
    return parts or [_NOTHING]


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _value(row: TableRow, claim: ErrorValue) -> _Part:
    if row.measured is None or row.low is None or row.high is None:
        return _Part(f"{row.title} is not measured", None)
    low, high = claim.percent - claim.within, claim.percent + claim.within
    text = f"{row.title} {row.measured:.2f}% ({row.low:.2f} to {row.high:.2f})"
    text += f", claimed {claim.percent:g} ± {claim.within:g}"
    if _reasons(row):  # a value is that of a whole protocol; an order or a ratio may show in a part of it
        return _Part(f"{text}, which a run unlike the paper's can't decide", None)
    is_inside, is_outside = low <= row.low and row.high <= high, row.high < low or row.low > high
    return _Part(text, is_inside, is_settled=is_inside or is_outside)


def _ratio(row: TableRow, other: TableRow, claim: TimeRatio, evidence: Evidence) -> _Part:
    ratio = evidence.ratio(row, other)
    if ratio is None or ratio.low is None or ratio.high is None:
        return _Part(f"{row.title} or {other.title} is not timed in two rounds", None)
    text = f"{row.title} takes {ratio.mean:.2f} times as long as {other.title} ({ratio.low:.2f} to {ratio.high:.2f})"
    if claim.at_most is not None:
        is_inside, is_outside = ratio.high <= claim.at_most, ratio.low > claim.at_most
        text += f", claimed at most {claim.at_most:g}"
    else:
        assert claim.at_least is not None
        is_inside, is_outside = ratio.low >= claim.at_least, ratio.high < claim.at_least
        text += f", claimed at least {claim.at_least:g}"
    return _Part(text, is_inside, is_settled=is_inside or is_outside)


def _separation(row: TableRow, other: TableRow, evidence: Evidence) -> _Part:
    ours, theirs = (
        [separation(each["activities"]) for each in evidence.activity(one) if "activities" in each]
        for one in (row, other)
    )
    if not ours or not theirs:
        return _Part(f"the activities of {row.title} or {other.title} are not known", None)
    text = f"{row.title} {_span(ours)}, {other.title} {_span(theirs)} of 1"
    is_clearer, is_less = min(ours) > max(theirs), max(ours) < min(theirs)
    return _Part(text, is_clearer, is_settled=is_clearer or is_less)


def _span(values: list[float]) -> str:
    return f"{values[0]:.3f}" if len(values) == 1 else f"{min(values):.3f} to {max(values):.3f}"


def _coupling(row: TableRow, evidence: Evidence) -> _Part:
    found = [
        coupling_correlation(each["activities"], each["couplings"])
        for each in evidence.activity(row)
        if "couplings" in each
    ]
    if not found:
        return _Part(f"the couplings of {row.title} are not known", None)
    correlations = [correlation for correlation, _ in found]
    text = f"{row.title}: rank correlation {_span(correlations)} over the 100 most active capsules"
    return _Part(text, min(correlations) > 0, p=max(p for _, p in found))
