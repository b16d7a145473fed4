"""What a fixed model, timed beside every row, takes away of the machine's ups and downs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Slope:
    """How the logarithm of a row's time follows that of the fixed model's, and what using it takes away.

    value: from 0, which uses nothing of it, to 1, which divides by the fixed model's time.
    lowers: the share of the variance that it takes away, 0..1.
    """

    value: float = 0.0
    lowers: float = 0.0


def slope_of(groups: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Slope:
    """The slope within groups of logarithms, of times and of the fixed model's times, one group for each row.

    It is the least squares slope of all groups together, no less than 0 and no more than 1: what is noise in the
    fixed model's times makes it smaller. Where it does not lower the variance, it is 0.
    """
    kept = [(np.asarray(times), np.asarray(fixed)) for times, fixed in groups if len(times) > 1]
    degrees = sum(len(times) - 1 for times, _ in kept)
    if degrees < 2:
        return Slope()
    times = np.concatenate([each - each.mean() for each, _ in kept])
    fixed = np.concatenate([each - each.mean() for _, each in kept])
    if not (fixed @ fixed > 0 and times @ times > 0):
        return Slope()
    value = float(np.clip((fixed @ times) / (fixed @ fixed), 0, 1))
    left = times - value * fixed
    lowers = 1 - (left @ left / (degrees - 1)) / (times @ times / degrees)
    return Slope(value, float(lowers)) if value > 0 and lowers > 0 else Slope()
