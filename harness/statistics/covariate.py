"""Analysis of covariance: how far a fixed model, timed beside every row, explains the rows' times."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.estimate import NO_SPREAD

FEWEST_DEGREES = 10  # of freedom; a slope of fewer would fit the noise of the few ratios that it is then used for


@dataclass(frozen=True)
class Slope:
    """The slope of the logarithm of a row's time over that of the fixed model's time beside it.

    value: from 0, with which the fixed model's time is not used, to 1, with which the row's time is divided by it.
    lowers: the share of the variance that the adjustment removes, 0..1.
    """

    value: float = 0.0
    lowers: float = 0.0


def slope_of(
    times: Sequence[float], fixed: Sequence[float], rows: Sequence[Hashable], blocks: Sequence[Hashable]
) -> Slope:
    """The slope of logarithms of times over those of the fixed model's times beside them, within rows and blocks.

    Ratios of two rows are taken within a block, so whatever all times of a block have in common cancels in them. It
    must cancel here too: a fixed model could follow the blocks, and still make the ratios worse. The slope is the
    least squares slope, clipped to 0..1; noise in the fixed model's times makes it smaller. It is 0 if it does not
    lower the variance, or if there are fewer than `FEWEST_DEGREES` degrees of freedom.

    Arguments:
        times, fixed: logarithms of the times of rows, and of the fixed model beside each of them.
        rows, blocks: the row that each time is of, and the block that it was measured in.
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
    """Indicator variables: a column of 0 and 1 for each distinct name, (names, distinct names)."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.eye(len(places))[[places[name] for name in names]]
