"""Comparisons for claims on test errors."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.comparison import Comparison, Finding
from harness.report.judging.evidence import Evidence
from harness.report.render.cells import signed
from harness.report.tables.pairs import METHODS
from harness.report.tables.rows import ErrorRow
from harness.statistics.estimate import FEWEST, Estimate
from harness.statistics.several import p_text
from harness.suite.claims import ErrorValue, LowerError, LowerMeanError, LowestError, PublishedValues, RowSelector


def lower(claim: LowerError, evidence: Evidence) -> list[Comparison]:
    """Compare each row with each other one."""
    ours, theirs = (evidence.errors_of(side, claim.task) for side in (claim.of, claim.than))
    return _each_with_each(ours, theirs, claim.by, evidence)


def lowest(claim: LowestError, evidence: Evidence) -> list[Comparison]:
    """Compare the row with each of the others."""
    ours = evidence.errors_of(claim.of, claim.task)
    return _each_with_each(ours, _others(ours, claim.among, claim.task, evidence), 0.0, evidence)


def lower_mean(claim: LowerMeanError, evidence: Evidence) -> list[Comparison]:
    """Compare the mean of some rows with that of others: one comparison."""
    ours, theirs = _sides(claim, evidence)
    if not ours or not theirs:
        return []
    estimate = evidence.contrast(ours, theirs)
    names = f"{_mean(ours)} less {_mean(theirs)}"
    if estimate is None:
        return [Comparison(f"{names} is not measured on the same images, with two seeds of a row of each side")]
    return [
        Comparison(
            lambda level: _difference(names, estimate, claim.by, level),
            _lower(estimate, claim.by),
            [*ours, *theirs],
            METHODS,
            error_difference=estimate.value,
        )
    ]


def each_row(claim: LowerMeanError, evidence: Evidence) -> list[Comparison]:
    """Compare each row with each other one, which a claim on means may ask for once the means differ."""
    ours, theirs = _sides(claim, evidence)
    return _each_with_each(ours, theirs, claim.by, evidence)


def value(claim: ErrorValue, evidence: Evidence) -> list[Comparison]:
    """Compare each row's error with two bounds, between which it lies or not."""
    return [_value(claim, row, evidence) for row in evidence.errors_of(claim.of, claim.task)]


def values_of(claim: PublishedValues, evidence: Evidence) -> list[ErrorValue]:
    """The claims for which one on all published errors stands: one for each row that has one on one of the tasks."""
    return [
        ErrorValue(
            kind="error_value",
            sentence=f"{row.title} on {row.task}: {row.published:g}%",
            where=claim.where,
            family=claim.family,
            of=RowSelector(variant=row.variant, config=row.config),
            task=row.task,
            percent=row.published,
            within=claim.within[row.task],
        )
        for row in evidence.errors
        if row.published is not None and row.task in claim.within
    ]


def _sides(claim: LowerMeanError, evidence: Evidence) -> tuple[list[ErrorRow], list[ErrorRow]]:
    ours = evidence.errors_of(claim.of, claim.task)
    return ours, _others(ours, claim.than, claim.task, evidence)


def _others(ours: Sequence[ErrorRow], selector: RowSelector, task: str, evidence: Evidence) -> list[ErrorRow]:
    return [row for row in evidence.errors_of(selector, task) if row not in ours]


def _each_with_each(
    ours: Sequence[ErrorRow], theirs: Sequence[ErrorRow], by: float, evidence: Evidence
) -> list[Comparison]:
    return [_pair(row, other, by, evidence) for row in ours for other in theirs if row is not other]


def _pair(row: ErrorRow, other: ErrorRow, by: float, evidence: Evidence) -> Comparison:
    pair = evidence.pair(row, other)
    if pair is None:
        return Comparison(f"{row.title} or {other.title} is not measured, or on other images")
    names, estimate = f"{row.title} less {other.title}", pair.estimate
    if pair.is_of_methods:
        return Comparison(
            lambda level: _difference(names, estimate, by, level),
            _lower(estimate, by),
            [row, other],
            pair.test,
            error_difference=estimate.value,
        )
    text = "these two models: {}, {}, which says nothing of models of other seeds"
    return Comparison(
        lambda level: text.format(_difference(names, estimate, by, level), p_text(pair.p)),
        Finding(estimate.value < -by, None),
        test=pair.test,
    )


def _lower(estimate: Estimate, by: float) -> Finding:
    return Finding(estimate.value < -by, estimate.p(-by))


def _mean(rows: Sequence[ErrorRow]) -> str:
    names = ", ".join(row.title for row in rows)
    return names if len(rows) == 1 else f"the mean of {len(rows)} rows ({names})"


def _difference(names: str, estimate: Estimate, by: float, level: float) -> str:
    low, high = estimate.interval(level)
    text = f"{names} {signed(estimate.value, 2)} points ({signed(low, 2)} to {signed(high, 2)})"
    claimed = f", claimed at least {by:g} lower" if by else ""
    return f"{text}{claimed}, could show {estimate.detectable(level):.2f}"


def _value(claim: ErrorValue, row: ErrorRow, evidence: Evidence) -> Comparison:
    claimed = f"claimed {claim.percent:g} ± {claim.within:g}"
    estimate = evidence.over_seeds(row)
    if row.measured is None:
        return Comparison(f"{row.title} is not measured")
    if estimate is None or row.n < FEWEST:
        text = f"{row.title} {row.measured:.2f}%, {claimed}, by fewer than {FEWEST} seeds"
        return Comparison(text, Finding(abs(row.measured - claim.percent) <= claim.within, None))

    def text_at(level: float) -> str:
        low, high = estimate.interval(2 * level)
        return f"{row.title} {estimate.value:.2f}% ({low:.2f} to {high:.2f} over seeds), {claimed}"

    finding = _within(estimate, claim.percent - claim.within, claim.percent + claim.within)
    return Comparison(text_at, finding, [row], "two one-sided t tests")


def _within(estimate: Estimate, low: float, high: float) -> Finding:
    """Test that the value is inside by two one-sided tests, and that it is outside by the nearer bound."""
    is_inside = low <= estimate.value <= high
    if not estimate.has_spread:
        return Finding(is_inside, None)
    nearer = low if estimate.value < low else high
    return Finding(is_inside, estimate.p_within(low, high) if is_inside else estimate.p(nearer))
