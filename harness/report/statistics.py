"""Uncertainty of what was measured."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit  # scipy.stats takes a second to import

LEVEL = 0.95
MOST_EXACT = 6  # blocks up to which every resample is enumerated


@dataclass(frozen=True)
class Estimate:
    """A mean with its uncertainty. `over` says what was repeated; the interval holds 95%."""

    mean: float
    standard_error: float | None
    low: float | None
    high: float | None
    n: int
    over: str


def error_over_seeds(errors_percent: list[float], images: int) -> Estimate:
    """Mean test error in percent, from one trial per seed.

    With one seed the uncertainty is that of the test images alone (Wilson's interval); with several it is that
    of the seeds (Student's t).
    """
    n, mean = len(errors_percent), float(np.mean(errors_percent))
    if n == 1:
        share = mean / 100
        error = 100 * math.sqrt(share * (1 - share) / images)
        low, high = wilson(round(share * images), images)
        return Estimate(mean, error, 100 * low, 100 * high, 1, "test images")
    return _student(errors_percent, "seeds")


def mean_over_processes(values: list[float]) -> Estimate:
    """Mean of one value per process."""
    if len(values) == 1:
        return Estimate(values[0], None, None, None, 1, "processes")
    return _student(values, "processes")


def wilson(count: int, total: int) -> tuple[float, float]:
    """The interval for a share of which `count` in `total` were seen (Wilson 1927, equation 2)."""
    z, share = float(ndtri((1 + LEVEL) / 2)), count / total
    middle = share + z**2 / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    whole = 1 + z**2 / total
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def student(share: float, n: int) -> float:
    """What Student's t of n values stays below with a probability of `share`."""
    return float(stdtrit(n - 1, share))


def _student(values: list[float], over: str) -> Estimate:
    n, mean = len(values), float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    half = student((1 + LEVEL) / 2, n) * error
    return Estimate(mean, error, mean - half, mean + half, n, over)


def ratio_over_blocks(values: list[float], base: list[float]) -> Estimate:
    """Geometric mean of value / base over blocks, with a bootstrap interval over the blocks.

    With few blocks a plain percentile interval is too narrow; this one is widened to what Student's t asks for
    (expanded percentile interval, Hesterberg 2015, section 4.2).

    Arguments:
        values, base: one measurement per block, in the same order of blocks.
    """
    logs = np.log(np.asarray(values) / np.asarray(base))
    n, mean = len(logs), float(np.exp(logs.mean()))
    if n == 1:
        return Estimate(mean, None, None, None, 1, "blocks")
    if n <= MOST_EXACT:
        chosen = np.array(list(itertools.product(range(n), repeat=n)))
    else:
        chosen = np.random.Generator(np.random.PCG64(0)).integers(n, size=(10_000, n))
    tail = 100 * _tail(n)
    low, high = np.percentile(logs[chosen].mean(axis=1), [tail, 100 - tail])
    error = mean * float(np.std(logs, ddof=1)) / math.sqrt(n)
    return Estimate(mean, error, float(np.exp(low)), float(np.exp(high)), n, "blocks")


def _tail(n: int) -> float:
    """The share of resamples on each side that an expanded percentile interval leaves out."""
    return float(ndtr(-math.sqrt(n / (n - 1)) * student((1 + LEVEL) / 2, n)))
