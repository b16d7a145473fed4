"""An estimate: a number with its standard error, which Student's t makes an interval and p-values of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit  # scipy.stats takes a second to import

LEVEL = 0.05  # of significance; intervals hold 1 − LEVEL
POWER = 0.8
FEWEST = 3  # values of a spread that is worth an interval
NO_SPREAD = 1e-12  # relative: what rounding leaves of a spread of zero


@dataclass(frozen=True)
class Estimate:
    """A number, its standard error, and the degrees of freedom of that; infinitely many make t normal."""

    value: float
    error: float
    freedom: float

    @property
    def has_spread(self) -> bool:
        """Whether anything is known of the spread: of values that are all the same nothing is."""
        return self.error > NO_SPREAD * max(1.0, abs(self.value))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Both ends of the interval that leaves out the truth with a probability of `level`."""
        half = quantile(1 - level / 2, self.freedom) * self.error
        return self.value - half, self.value + half

    def p(self, truth: float = 0.0) -> float:
        """The two-sided p-value of a truth; 1 where nothing is known of the spread."""
        return min(1.0, 2 * min(self.p_above(truth), self.p_below(truth)))

    def p_above(self, bound: float) -> float:
        """The p-value of that the truth is at most `bound`, against that it lies above it."""
        return float(stdtr(self.freedom, (bound - self.value) / self.error)) if self.has_spread else 1.0

    def p_below(self, bound: float) -> float:
        """The p-value of that the truth is at least `bound`, against that it lies below it."""
        return float(stdtr(self.freedom, (self.value - bound) / self.error)) if self.has_spread else 1.0

    def p_within(self, low: float, high: float) -> float:
        """The p-value of that the truth lies outside two bounds, against that it lies between (two one-sided tests)."""
        return max(self.p_above(low), self.p_below(high))

    def detectable(self, level: float = LEVEL) -> float:
        """The difference from a truth that a two-sided test at `level` would show with a probability of `POWER`."""
        if math.isinf(self.freedom):
            return (quantile(1 - level / 2, math.inf) + quantile(POWER, math.inf)) * self.error
        return float(nctdtrinc(self.freedom, 1 - POWER, quantile(1 - level / 2, self.freedom))) * self.error


def quantile(share: float, freedom: float) -> float:
    """What Student's t stays below with a probability of `share`."""
    return float(stdtrit(freedom, share))


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of two or more independent values."""
    return Estimate(float(np.mean(values)), math.sqrt(np.var(values, ddof=1) / len(values)), len(values) - 1)


def difference_of_means(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """The mean of independent values less that of others, two or more each, by Welch's test."""
    return combined([(1.0, mean_of(values)), (-1.0, mean_of(others))])


def combined(terms: Sequence[tuple[float, Estimate]]) -> Estimate:
    """A sum of independent estimates, each times a factor, with the degrees of freedom of Satterthwaite (1946)."""
    value = sum(factor * each.value for factor, each in terms)
    variances = [(factor * each.error) ** 2 for factor, each in terms]
    return Estimate(value, math.sqrt(sum(variances)), satterthwaite(variances, [each.freedom for _, each in terms]))


def satterthwaite(variances: Sequence[float], freedoms: Sequence[float], total: float | None = None) -> float:
    """The degrees of freedom of a sum of independent variances (Satterthwaite 1946).

    Arguments:
        total: instead of the sum, where some of them are taken away.
    """
    parts = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return (sum(variances) if total is None else total) ** 2 / parts if parts > 0 else math.inf
