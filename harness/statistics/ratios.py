"""Ratios of times, by Student's t on their logarithms: a ratio and its inverse have the same p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.estimate import FEWEST, LEVEL, Estimate, mean_of


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios over rounds.

    log: the estimate of its logarithm; None with fewer than `FEWEST` rounds.
    """

    value: float
    rounds: int
    log: Estimate | None

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """The ends of the confidence interval whose coverage is 1 − `level`; None with fewer than `FEWEST` rounds."""
        if self.log is None:
            return None
        low, high = self.log.interval(level)
        return math.exp(low), math.exp(high)

    def p(self, truth: float) -> float | None:
        """The two-sided p-value of the hypothesis that the ratio is `truth`; None with fewer than `FEWEST` rounds."""
        return self.log.p(math.log(truth)) if self.log is not None else None


def ratio_of(logs: Sequence[float]) -> Ratio | None:
    """The geometric mean of ratios, given by the logarithm of each; None if there is none or one is infinite."""
    if not len(logs) or not np.isfinite(logs).all():
        return None
    return Ratio(math.exp(float(np.mean(logs))), len(logs), mean_of(logs) if len(logs) >= FEWEST else None)
