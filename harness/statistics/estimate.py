"""An estimate: a number with its standard error, from which Student's t gives an interval and p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit  # of t: noncentrality, distribution, quantile; quicker than stats

LEVEL = 0.05  # of significance; the coverage of intervals is 1 − LEVEL
POWER = 0.8
FEWEST = 3  # values whose spread is worth an interval
NO_SPREAD = 1e-12  # relative to the value: rounding makes this of a spread of zero


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and the degrees of freedom of that, infinite for a normal distribution."""

    value: float
    error: float
    freedom: float

    @property
    def has_spread(self) -> bool:
        """Whether the standard error is more than rounding, as it is not where all values are the same."""
        return self.error > NO_SPREAD * max(1.0, abs(self.value))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The ends of the confidence interval whose coverage is 1 − `level`."""
        half = quantile(1 - level / 2, self.freedom) * self.error
        return self.value - half, self.value + half

    def p(self, truth: float = 0.0) -> float:
        """The two-sided p-value of the hypothesis that the true value is `truth`; 1 without a spread."""
        return min(1.0, 2 * min(self.p_above(truth), self.p_below(truth)))

    def p_above(self, bound: float) -> float:
        """The one-sided p-value of the hypothesis that the true value is at most `bound`; 1 without a spread."""
        return float(stdtr(self.freedom, (bound - self.value) / self.error)) if self.has_spread else 1.0

    def p_below(self, bound: float) -> float:
        """The one-sided p-value of the hypothesis that the true value is at least `bound`; 1 without a spread."""
        return float(stdtr(self.freedom, (self.value - bound) / self.error)) if self.has_spread else 1.0

    def p_within(self, low: float, high: float) -> float:
        """The p-value of the hypothesis that the true value lies outside two bounds, by two one-sided tests (TOST)."""
        return max(self.p_above(low), self.p_below(high))

    def detectable(self, level: float = LEVEL) -> float:
        """The true difference that a two-sided test at `level` would detect with a probability of `POWER`."""
        if math.isinf(self.freedom):
            return (quantile(1 - level / 2, math.inf) + quantile(POWER, math.inf)) * self.error
        return float(nctdtrinc(self.freedom, 1 - POWER, quantile(1 - level / 2, self.freedom))) * self.error


def quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t: t is below it with a probability of `share`."""
    return float(stdtrit(freedom, share))


def mean_of(values: Sequence[float]) -> Estimate:
    """Estimate the mean of two or more independent values."""
    return Estimate(float(np.mean(values)), math.sqrt(np.var(values, ddof=1) / len(values)), len(values) - 1)


def difference_of_means(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """Estimate the mean of values less that of others, two or more each and all independent, as Welch's test does."""
    return combined([(1.0, mean_of(values)), (-1.0, mean_of(others))])


def combined(terms: Sequence[tuple[float, Estimate]]) -> Estimate:
    """A linear combination of independent estimates, given with their factors (Satterthwaite 1946)."""
    value = sum(factor * each.value for factor, each in terms)
    variances = [(factor * each.error) ** 2 for factor, each in terms]
    return Estimate(value, math.sqrt(sum(variances)), satterthwaite(variances, [each.freedom for _, each in terms]))


def satterthwaite(variances: Sequence[float], freedoms: Sequence[float], total: float | None = None) -> float:
    """The degrees of freedom of a sum of independent variances (Satterthwaite 1946).

    Arguments:
        total: the combined variance, where it is not the sum of all.
    """
    parts = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return (sum(variances) if total is None else total) ** 2 / parts if parts > 0 else math.inf
