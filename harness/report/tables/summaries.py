"""What a row of a table tells of its number: the mean, its standard error and a 95% interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.tables.pairs import Mistakes
from harness.statistics.crossed import mean_error
from harness.statistics.estimate import FEWEST, LEVEL, Estimate, mean_of
from harness.statistics.exact import wilson


@dataclass(frozen=True)
class Summary:
    """A mean with its uncertainty. `over` says what was repeated; the interval holds 95%."""

    mean: float
    standard_error: float | None
    low: float | None
    high: float | None
    n: int
    over: str


def error_of(mistakes: Mistakes) -> Summary:
    """The test error of a row, percent.

    From two seeds on it is uncertain by seeds and by images; of one seed the images alone are known. It is at least
    as uncertain as one model's error on so many images (Wilson's interval), since few seeds may agree by chance.
    """
    wrong = mistakes.table
    seeds, images = wrong.shape
    return _no_narrower(mean_error(wrong), 100 * float(wrong.mean()), seeds, images, "seeds and images")


def error_of_numbers(percents: Sequence[float], images: int) -> Summary:
    """The test error of a row without predictions, percent: uncertain by seeds alone."""
    estimate = mean_of(percents) if len(percents) > 1 else None
    return _no_narrower(estimate, float(np.mean(percents)), len(percents), images, "seeds")


def _no_narrower(estimate: Estimate | None, percent: float, seeds: int, images: int, over: str) -> Summary:
    low, high = (100 * end for end in wilson(percent / 100, images, LEVEL))
    error = 100 * math.sqrt(percent / 100 * (1 - percent / 100) / images)
    if estimate is None:
        return Summary(percent, error, low, high, seeds, "test images")
    ends = estimate.interval()
    low, high = max(0.0, min(low, ends[0])), min(100.0, max(high, ends[1]))
    return Summary(percent, max(error, estimate.error), low, high, seeds, over)


def mean_over_processes(values: Sequence[float]) -> Summary:
    """The mean of one value per process; of fewer than `FEWEST` there is no interval."""
    mean, n = float(np.mean(values)), len(values)
    if n == 1:
        return Summary(mean, None, None, None, 1, "processes")
    estimate = mean_of(values)
    low, high = estimate.interval() if n >= FEWEST else (None, None)
    return Summary(mean, estimate.error, low, high, n, "processes")
