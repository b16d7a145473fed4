"""Two rows of Table 2 compared image by image and seed by seed: is one better, or is no difference shown?

The same test images and the same seeds make pairs. With few seeds a test over seeds can show nothing (with n of them
its p-value is never below 2/2ⁿ), so the images are what is tested, and the answer holds for the models that were
trained; with six seeds or more the seeds are tested, and the answer holds for the methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.report.statistics import student

LEVEL = 0.05  # of significance
ENOUGH_SEEDS = 6  # 2/2⁶ = 0.03
POWER = 0.8
SMALLEST = 0.0001  # p-value that is told as a number

Finding = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class Pair:
    """One row's error less another's, in percentage points, with a 95% interval."""

    difference: float
    low: float
    high: float
    p: float  # two-sided, of no difference
    seeds: int
    method: str
    detectable: float  # the difference that would have been shown four times in five

    def finding(self, p: float | None = None) -> Finding:
        """What the first row is, compared with the second; `p` replaces the pair's own when several are tested."""
        if (self.p if p is None else p) >= LEVEL:
            return "no difference shown"
        return "better" if self.difference < 0 else "worse"


def compare(wrong: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> Pair:
    """Compare two rows.

    Arguments:
        wrong, other: for each seed, whether each test image was classified wrongly, (images,) bool; the same seeds
            and images in the same order.
    """
    ours, theirs = (np.stack([np.asarray(each, dtype=np.int64) for each in rows]) for rows in (wrong, other))
    seeds = len(ours)
    by_image = (ours - theirs).sum(axis=0)
    by_seed = 100 * (ours - theirs).mean(axis=1)
    difference = float(by_seed.mean())
    if seeds >= ENOUGH_SEEDS:
        error = float(by_seed.std(ddof=1)) / math.sqrt(seeds)
        reach = student(1 - LEVEL / 2, seeds)
        power = student(POWER, seeds)
        p, method = sign_flip(by_seed), f"exact permutation over {seeds} seeds"
    else:
        error = 100 * _standard_error(by_image, seeds)
        reach, power = 1.959964, 0.841621  # of the normal distribution
        p = sign_flip_of_integers(by_image)
        many = f"the images of {seeds} seeds" if seeds > 1 else "the images of 1 seed (McNemar)"
        method = f"exact test over {many}"
    return Pair(
        difference, difference - reach * error, difference + reach * error, p, seeds, method, (reach + power) * error
    )


def _standard_error(by_image: np.ndarray, seeds: int) -> float:
    """Of the mean difference, from the images; half a pair is added each way (Agresti and Min 2005)."""
    values = np.append(by_image / seeds, [1, -1]) if seeds == 1 else by_image / seeds
    images = len(values)
    return float(values.std(ddof=1)) / math.sqrt(images) if values.any() else 1 / images


def sign_flip_of_integers(differences: np.ndarray) -> float:
    """Two-sided p-value of Σ d when each d could as well have had the other sign; exact, by convolution.

    For differences of −1, 0 and 1 it is McNemar's exact test.
    """
    sizes = np.abs(differences[differences != 0]).astype(np.int64)
    if not len(sizes):
        return 1.0
    distribution = np.ones(1)  # of the sum, from −total to total
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = _binomial(int(count))
        distribution = np.convolve(distribution, part)
    total, sums = int(sizes.sum()), abs(int(differences.sum()))
    values = np.abs(np.arange(-total, total + 1))
    return float(min(1.0, distribution[values >= sums].sum()))


def _binomial(count: int) -> np.ndarray:
    """Probabilities of 0..count heads."""
    heads = np.arange(count + 1)
    logs = math.lgamma(count + 1) - np.array([math.lgamma(h + 1) + math.lgamma(count - h + 1) for h in heads])
    return np.asarray(np.exp(logs - count * math.log(2)))


def sign_flip(differences: np.ndarray) -> float:
    """The same for a few real numbers, all sign patterns being tried."""
    from scipy import stats

    if not np.any(differences):
        return 1.0
    result = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=2**16, rng=np.random.default_rng(0)
    )
    return float(result.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm 1979)."""
    adjusted = [0.0] * len(ps)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def told(p: float) -> str:
    """A p-value in words."""
    return f"p = {p:.2g}" if p >= SMALLEST else f"p < {SMALLEST}"
