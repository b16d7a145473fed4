"""What a fixed model, timed beside every row, takes away of the machine's ups and downs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.estimate import NO_SPREAD

FEWEST_DEGREES = 10  # of freedom; a slope of fewer would fit the noise of the few ratios that it is then used for


@dataclass(frozen=True)
class Slope:
    """How the logarithm of a row's time follows that of the fixed model's, and what using it takes away.

    value: from 0, which uses nothing of it, to 1, which divides by the fixed model's time.
    lowers: the share of the variance that it takes away, 0..1.
    """

    value: float = 0.0
    lowers: float = 0.0


def slope_of(
    times: Sequence[float], fixed: Sequence[float], rows: Sequence[Hashable], blocks: Sequence[Hashable]
) -> Slope:
    """The slope of logarithms of times over those of the fixed model's times beside them, within rows and blocks.

    A ratio of two rows is taken within a block, so that what all times of a block have in common is no part of it: by
    that alone a fixed model that makes ratios worse could seem to follow the rows. The slope is the least squares one,
    no less than 0 and no more than 1: what is noise in the fixed model's times makes it smaller. Where it does not
    lower the variance, or of fewer than `FEWEST_DEGREES` degrees of freedom, it is 0.

    Arguments:
        rows, blocks: of each time, what it is of and what it was measured in.
    """
    if not times:
        return Slope()
    levels = np.concatenate([_indicators(rows), _indicators(blocks)], axis=1)
    both = np.stack([times, fixed], axis=1)
    found, _, rank, _ = np.linalg.lstsq(levels, both, rcond=None)
    ours, theirs = (both - levels @ found).T
    degrees = len(times) - int(rank)
    if degrees < FEWEST_DEGREES or min(np.ptp(ours), np.ptp(theirs)) <= NO_SPREAD * max(1.0, np.abs(both).max()):
        return Slope()
    value = float(np.clip((theirs @ ours) / (theirs @ theirs), 0, 1))
    left = ours - value * theirs
    lowers = 1 - (left @ left / (degrees - 1)) / (ours @ ours / degrees)
    return Slope(value, float(lowers)) if value > 0 and lowers > 0 else Slope()


def _indicators(names: Sequence[Hashable]) -> np.ndarray:
    """Which of the different names each one is, (names, different names) of 0 and 1."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.eye(len(places))[[places[name] for name in names]]
