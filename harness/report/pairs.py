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
from scipy.special import ndtr  # scipy.stats takes a second to import

from harness.report.statistics import student

LEVEL = 0.05  # of significance
ENOUGH_SEEDS = 6  # 2/2⁶ = 0.03
POWER = 0.8
ROUNDING = 1e-9  # relative: sums that differ by less are the same
SMALLEST = 0.0001  # p-value that is told as a number
NORMAL = 1.959964  # what 95% of a normal distribution lie within
MOST_FLIPPED = 16  # seeds whose signs are all tried; of more, so many patterns at random

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
    by_seed: tuple[float, ...] = ()  # the difference of each seed

    @property
    def is_of_methods(self) -> bool:
        """Whether the test is over seeds, so that its answer holds for other seeds; else it is about these models."""
        return self.seeds >= ENOUGH_SEEDS

    def against(self, value: float) -> float:
        """The two-sided p-value of that the difference is so many points, and not none."""
        if value == 0:
            return self.p
        if self.is_of_methods:
            return sign_flip(np.asarray(self.by_seed) - value)
        error = (self.high - self.low) / (2 * NORMAL)
        return float(2 * ndtr(-abs(self.difference - value) / error))

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
        exact = "exact permutation" if seeds <= MOST_FLIPPED else "permutation at random"
        p, method = sign_flip(by_seed), f"{exact} over {seeds} seeds"
    else:
        error = 100 * _standard_error(by_image, seeds)
        reach, power = NORMAL, 0.841621
        p = sign_flip_of_integers(by_image)
        many = f"the images of {seeds} seeds" if seeds > 1 else "the images of 1 seed (McNemar)"
        method = f"exact test over {many}"
    return Pair(
        difference,
        difference - reach * error,
        difference + reach * error,
        p,
        seeds,
        method,
        (reach + power) * error,
        tuple(by_seed.tolist()),
    )


def _standard_error(by_image: np.ndarray, seeds: int) -> float:
    """Of the mean difference, from the images; an answer is added each way (Bonett and Price 2012), so it is not 0."""
    values = np.append(by_image, [1, -1]) / seeds
    return float(values.std(ddof=1)) / math.sqrt(len(values))


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
    """The same for a few real numbers, all sign patterns being tried, or many at random."""
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    n = len(sizes)
    if n <= MOST_FLIPPED:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.random.Generator(np.random.PCG64(0)).choice([-1, 1], (2**MOST_FLIPPED, n))
        signs[0] = np.sign(differences)  # the pattern that was seen counts as one of them
    least = abs(float(np.sum(differences))) - ROUNDING * float(sizes.sum())
    return float((np.abs(signs @ sizes) >= least).mean())


def rank_test(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Two-sided p-value of that two groups do not differ: Wilcoxon's rank sum, exact, with ties, by counting.

    Of n and m numbers that do not overlap it is 2/C(n+m, n).
    """
    n, total = len(ours), len(ours) + len(theirs)
    values = np.asarray([*ours, *theirs], dtype=np.float64)
    below, equal = (values[:, None] > values).sum(axis=1), (values[:, None] == values).sum(axis=1)
    doubled = 2 * below + equal + 1  # twice the mean rank of those that are equal
    counts = np.zeros((n + 1, int(doubled.sum()) + 1))  # of the groups of so many, by the sum of their ranks
    counts[0, 0] = 1
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    middle = n * (total + 1)  # twice the sum to be expected
    away = np.abs(np.arange(counts.shape[1]) - middle)
    return float(counts[n, away >= abs(int(doubled[:n].sum()) - middle)].sum() / counts[n].sum())


def holm(ps: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm 1979).

    Raises:
        ValueError: one is not a number between 0 and 1; what is undefined must not be among them.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"p-values must lie between 0 and 1: {list(ps)}")
    adjusted = [0.0] * len(ps)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def told(p: float) -> str:
    """A p-value in words."""
    return f"p = {p:.2g}" if p >= SMALLEST else f"p < {SMALLEST}"
