"""Several findings at once: what each of them must pass, so that chance seldom gives any."""

from __future__ import annotations

from collections.abc import Sequence

from harness.statistics.estimate import LEVEL

SMALLEST = 0.0001  # p-value that is written as a number


def holm(ps: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm 1979).

    Raises:
        ValueError: one is not a number between 0 and 1; what is undefined must not be among them.
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
    """The level that each of several p-values has to pass (Holm 1979).

    They are passed one after the other, the smallest first, at `level` over the number of those that are left, and
    after the first that fails the others fail at its level. So an interval at this level leaves out what was tested
    exactly if the corrected p-value is below `level`.
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
    return f"p = {p:.2g}" if p >= SMALLEST else f"p < {SMALLEST}"
