"""Uncertainty of what was measured."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit  # scipy.stats takes a second to import

LEVEL = 0.95
FEWEST_BLOCKS = 3  # of an interval: the spread of two is hardly known
NO_SPREAD = 1e-12  # relative: what rounding leaves of a spread of zero


@dataclass(frozen=True)
class Estimate:
    """A mean with its uncertainty. `over` says what was repeated; the interval holds 95%."""

    mean: float
    standard_error: float | None
    low: float | None
    high: float | None
    n: int
    over: str
    freedom: float | None = None  # of Student's t, where it is not n − 1


def error_over_seeds(errors_percent: list[float], images: int) -> Estimate:
    """Mean test error in percent, from one trial per seed.

    With one seed the uncertainty is that of the test images alone (Wilson's interval); with several it is that
    of the seeds (Student's t), and the interval is no narrower than if the standard error were that of the images: a
    few seeds may agree by chance.
    """
    n, mean = len(errors_percent), float(np.mean(errors_percent))
    if n == 1:
        low, high = wilson(round(mean / 100 * images), images)
        return Estimate(mean, error_of_images(mean, images), 100 * low, 100 * high, 1, "test images")
    found = _student(errors_percent, "seeds")
    assert found.standard_error is not None
    half = student((1 + LEVEL) / 2, n) * max(found.standard_error, error_of_images(mean, images))
    return dataclasses.replace(found, low=max(0.0, mean - half), high=min(100.0, mean + half))


def error_of_images(percent: float, images: int) -> float:
    """The standard error of an error, both in percent, that so many test images leave of one model."""
    return 100 * math.sqrt(percent / 100 * (1 - percent / 100) / images)


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


def ratio_over_blocks(values: list[float], base: list[float]) -> Estimate | None:
    """Geometric mean of value / base over blocks, with the interval of Student's t on the logarithms.

    Arguments:
        values, base: one measurement per block, in the same order of blocks.

    Returns:
        no interval where there are fewer than `FEWEST_BLOCKS`; None where a measurement is not above zero.
    """
    if not values or not all(0 < value < math.inf for value in (*values, *base)):
        return None
    logs = np.log(np.asarray(values) / np.asarray(base))
    n, mean = len(logs), float(np.exp(logs.mean()))
    if n < FEWEST_BLOCKS:
        return Estimate(mean, None, None, None, n, "blocks")
    error = float(np.std(logs, ddof=1)) / math.sqrt(n)
    half = student((1 + LEVEL) / 2, n) * error
    return Estimate(mean, mean * error, mean * math.exp(-half), mean * math.exp(half), n, "blocks")


def p_of_nearest(value: float, error: float, freedom: float, bounds: Iterable[float]) -> float | None:
    """The two-sided p-value (Student's t) of that a quantity is equal to the nearest of some bounds.

    Returns:
        None where the standard error is zero, so that nothing is known of the spread.
    """
    distance = min(abs(value - bound) for bound in bounds)
    if not error > NO_SPREAD * max(1.0, abs(value)):
        return None
    return float(2 * stdtr(freedom, -distance / error))


def p_of_ratio(ratio: Estimate, bounds: Iterable[float]) -> float | None:
    """The same of a ratio, whose logarithm Student's t is about; None also where the ratio has no interval."""
    if ratio.standard_error is None:
        return None
    freedom = ratio.n - 1 if ratio.freedom is None else ratio.freedom
    logs = (math.log(bound) for bound in bounds)
    return p_of_nearest(math.log(ratio.mean), ratio.standard_error / ratio.mean, freedom, logs)
