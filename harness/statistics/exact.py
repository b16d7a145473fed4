"""Exact tests: of two models on the same images, and of two groups of numbers; and intervals of shares."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.statistics.estimate import Estimate, quantile


def mcnemar(wrong: np.ndarray, other: np.ndarray) -> float:
    """The two-sided p-value of the hypothesis that two models err equally often, by McNemar's exact test (1947).

    Arguments:
        wrong, other: whether each image was classified wrongly, (images,) bool.
    """
    from scipy.stats import binomtest  # takes a second to import

    worse, better = int((wrong & ~other).sum()), int((other & ~wrong).sum())
    return float(binomtest(worse, worse + better).pvalue) if worse + better else 1.0


def difference_of_models(wrong: np.ndarray, other: np.ndarray) -> Estimate:
    """The error of a model less that of another one on images of this kind, in percentage points.

    One image is added on which only the first errs, and one on which only the second does (Bonett and Price 2012), so
    that the spread is never zero.
    """
    values = np.append(wrong.astype(np.float64) - other.astype(np.float64), [1.0, -1.0])
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(100 * float(values[:-2].mean()), 100 * error, math.inf)


def wilson(share: float, total: int, level: float) -> tuple[float, float]:
    """The confidence interval of a share of `total` (Wilson 1927, equation 2).

    SciPy's `binomtest` takes whole counts alone, and the mean error of several seeds is no whole count of images.
    """
    z = quantile(1 - level / 2, math.inf)
    middle = share + z**2 / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    whole = 1 + z**2 / total
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def rank_test(values: Sequence[float], others: Sequence[float]) -> float:
    """The two-sided p-value of Wilcoxon's rank-sum test, exact also with ties, for which SciPy has no exact one."""
    n, total = len(values), len(values) + len(others)
    together = np.asarray([*values, *others], dtype=np.float64)
    below, equal = (together[:, None] > together).sum(axis=1), (together[:, None] == together).sum(axis=1)
    doubled = 2 * below + equal + 1  # twice the ranks, which are whole numbers also where ties share a mean rank
    counts = np.zeros((n + 1, int(doubled.sum()) + 1))  # of groups, by their size and twice the sum of their ranks
    counts[0, 0] = 1
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    middle = n * (total + 1)  # twice the expected sum of ranks
    away = np.abs(np.arange(counts.shape[1]) - middle)
    return float(counts[n, away >= abs(int(doubled[:n].sum()) - middle)].sum() / counts[n].sum())


def smallest_of_ranks(n: int, m: int) -> float:
    """The smallest p-value that `rank_test` can have for groups of n and m numbers without ties."""
    return 2 / math.comb(n + m, n)
