"""Corrections of p-values for multiple comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from harness.statistics.estimate import LEVEL

SMALLEST = 0.0001  # p-value that is written as a number


def holm(ps: Sequence[float]) -> list[float]:
    """p-values corrected for multiple comparisons by Holm's method (1979), which SciPy does not have.

    Raises:
        ValueError: one is not a number between 0 and 1; NaN is not.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"p-values must lie between 0 and 1: {list(ps)}")
    adjusted = [0.0] * len(ps)
    largest = 0.0
    for rank, index in enumerate(_ascending(ps)):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def levels(ps: Sequence[float], level: float = LEVEL) -> list[float]:
    """The level below which each of several p-values is significant, by Holm's method (1979).

    The p-values are tested in ascending order, each at `level` divided by the number of those not yet significant;
    after the first that is not, all others are tested at its level. So a confidence interval at this level excludes
    the tested value exactly if the corrected p-value is below `level`.
    """
    found = [0.0] * len(ps)
    passed = 0
    for index in _ascending(ps):
        found[index] = level / (len(ps) - passed)
        passed += ps[index] < found[index]
    return found


def _ascending(ps: Sequence[float]) -> list[int]:
    return sorted(range(len(ps)), key=lambda index: ps[index])


def p_text(p: float) -> str:
    """A p-value as text: "p = 0.012", or "p < 0.0001"."""
    return f"p = {p_number(p)}" if p >= SMALLEST else f"p {p_number(p)}"


def p_number(p: float) -> str:
    """A p-value as a number: "0.012", or "< 0.0001"."""
    return f"{p:.2g}" if p >= SMALLEST else f"< {SMALLEST}"
