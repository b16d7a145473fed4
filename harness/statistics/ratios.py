"""Ratios of times: Student's t on logarithms, which makes a ratio and its inverse the same finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.estimate import FEWEST, LEVEL, Estimate, mean_of


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios over rounds.

    log: the estimate of its logarithm; None where fewer than `FEWEST` rounds tell too little of the spread.
    """

    value: float
    rounds: int
    log: Estimate | None

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Both ends of the interval that leaves out the truth with a probability of `level`; None without a spread."""
        if self.log is None:
            return None
        low, high = self.log.interval(level)
        return math.exp(low), math.exp(high)

    def p(self, truth: float) -> float | None:
        """The two-sided p-value of a ratio; None without an interval."""
        return self.log.p(math.log(truth)) if self.log is not None else None


def ratio_of(logs: Sequence[float]) -> Ratio | None:
    """The geometric mean of what has these logarithms, one for each round; None if there is none or one is infinite."""
    if not len(logs) or not np.isfinite(logs).all():
        return None
    return Ratio(math.exp(float(np.mean(logs))), len(logs), mean_of(logs) if len(logs) >= FEWEST else None)
