"""Two numbers for what Figures 1 and 4 of the ladder paper show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

MIDDLING = (0.2, 0.8)  # of the way from the inactive capsules' activity to the active ones'


def separation(activities: Sequence[float] | np.ndarray) -> float:
    """How clearly active and inactive capsules are set apart: the share that is not in between, 0..1.

    A capsule is in between if its activity lies from 0.2 to 0.8 of the way from the median of the inactive half of
    the range of activities to the median of the active half. So it is 1 where there are two levels only, 0.7 where
    activities are spread evenly, 0 where all are the same. A share of all capsules, it does not depend on how many
    of them are active.
    """
    values = np.asarray(activities, dtype=np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    middle = (values.min() + values.max()) / 2
    low, high = (float(np.median(half)) for half in (values[values <= middle], values[values > middle]))
    way = (values - low) / (high - low)
    return float(1 - ((way > MIDDLING[0]) & (way < MIDDLING[1])).mean())


def coupling_correlation(activities: Sequence[float] | np.ndarray, couplings: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation over all capsules; NaN where activities or couplings are all the same.

    No p-value belongs to it: capsules of one model are neighbours of each other, and not independent.
    """
    first, second = (pd.Series(values).rank() for values in (activities, couplings))
    return float(first.corr(second)) if len(first) > 1 and first.nunique() > 1 and second.nunique() > 1 else np.nan
