"""Two numbers for what Figures 1 and 4 of the ladder paper show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtr  # scipy.stats takes a second to import

COUPLED = 100  # most active capsules, as in Figure 1


def separation(activities: Sequence[float]) -> float:
    """How clearly active and inactive capsules are set apart, 0..1.

    It is the share of the variance of the activities that lies between two groups, for the division that makes it
    largest (Otsu 1979): 1 where there are two levels only, about 0.75 where activities are spread evenly.
    """
    values = np.sort(np.asarray(activities, dtype=np.float64))
    total = values.var()
    if total == 0:
        return 0.0
    n = np.arange(1, len(values))
    below = np.cumsum(values)[:-1] / n
    above = (values.sum() - np.cumsum(values)[:-1]) / (len(values) - n)
    share = n / len(values)
    return float((share * (1 - share) * (above - below) ** 2).max() / total)


def coupling_correlation(activities: Sequence[float], couplings: Sequence[float]) -> tuple[float, float]:
    """Spearman's rank correlation over the most active capsules, and its two-sided p-value.

    Arguments:
        activities, couplings: of each capsule, the most active first.
    """
    first, second = (pd.Series(values[:COUPLED]).rank() for values in (activities, couplings))
    correlation, freedom = float(first.corr(second)), len(first) - 2
    with np.errstate(divide="ignore"):
        t = correlation * np.sqrt(np.float64(freedom) / ((1 + correlation) * (1 - correlation)))
    return correlation, float(2 * stdtr(freedom, -abs(t)))
