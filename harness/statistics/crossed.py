"""Test errors of methods, from models of several seeds on the same images: seeds and images are crossed factors.

Whether a model errs on an image depends on the model, on the image, and on both together. A row's error would be
different with other seeds and with other images, and the estimates here allow for both: the variances between seeds and
between images are separated as in an analysis of variance with two random factors and one observation a cell (Searle,
Casella and McCulloch, Variance Components, 1992, chapter 4), and added with Satterthwaite's degrees of freedom. The
images' component is a difference of mean squares, and all of these enter the degrees of freedom: if it counted as one
mean square, it would seem too certain where it is small, and the smallest p-values would be too small.
Seeds are not paired: what two rows share is their images. All arrays are (seeds, images), bool or 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.statistics.estimate import Estimate, satterthwaite

PERCENT = 100.0


@dataclass(frozen=True)
class MeanSquares:
    """The mean squares of seeds, images and the rest, of an analysis of variance of one row."""

    seeds: float
    images: float
    rest: float


def mean_squares(wrong: np.ndarray) -> MeanSquares:
    """The mean squares of two or more models on two or more images."""
    values = wrong.astype(np.float64)
    seeds, images = values.shape
    by_seed, by_image, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = ((values - by_seed[:, None] - by_image + mean) ** 2).sum() / ((seeds - 1) * (images - 1))
    return MeanSquares(images * float(by_seed.var(ddof=1)), seeds * float(by_image.var(ddof=1)), float(rest))


@dataclass(frozen=True)
class _Group:
    """The mean error of a number of rows, all on one side of a difference.

    by_image: the mean error on each image, (images,).
    between: the part of the mean's variance that comes from the seeds; one variance is assumed for all the rows.
    freedom: its degrees of freedom.
    rest: the part that comes from chance on single images, for which models that err on different images are enough.
    """

    rows: int
    by_image: np.ndarray
    between: float
    freedom: int
    rest: float


def mean_error(wrong: np.ndarray) -> Estimate | None:
    """The error of a row, in percent; None if there is one seed only, which has no spread.

    The degrees of freedom are those of its seeds: a few seeds may agree by chance, and the images' part, with its many
    degrees of freedom, would then decide alone.
    """
    found = contrast([wrong], [])
    return None if found is None else replace(found, freedom=len(wrong) - 1)


def difference(wrong: np.ndarray, other: np.ndarray) -> Estimate | None:
    """The error of a row less that of another one, in percentage points; None if one of them has one seed only."""
    return contrast([wrong], [other])


def contrast(rows: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> Estimate | None:
    """The mean error of some rows less that of others, in percentage points.

    One variance between seeds is assumed for the rows of a side, and another one for those of the other side. A row of
    one seed counts for the mean; its variance is that of the other rows of its side.

    Returns:
        None if no row of a side has two seeds, or there is one image only.
    """
    groups = [(sign, _group(side)) for sign, side in ((1, rows), (-1, others)) if side]
    if any(group is None for _, group in groups):
        return None
    known = [(sign, group) for sign, group in groups if group is not None]
    by_image = sum(sign * group.by_image for sign, group in known)
    assert isinstance(by_image, np.ndarray)
    images, sides = len(by_image), [group for _, group in known]
    # at least as much as if one image had spoken for each side: models that agree on all images may differ on others
    least = 2 / images**2
    spread, rest = max(least, by_image.var(ddof=1) / images), sum(side.rest for side in sides)
    of_images = max(least, spread - rest)
    # seeds that agree by chance have a small variance, which must not be taken at face value in the degrees of freedom
    between = [max(side.between, side.rest) for side in sides]
    freedom = satterthwaite(
        [sum(between), spread, *(side.rest for side in sides)],
        [_of_seeds(between, sides), images - 1, *(side.freedom * (images - 1) for side in sides)],
        sum(between) + of_images,
    )
    error = math.sqrt(sum(side.between for side in sides) + of_images)
    return Estimate(PERCENT * float(by_image.mean()), PERCENT * error, freedom)


def _of_seeds(between: Sequence[float], sides: Sequence[_Group]) -> float:
    """The degrees of freedom of the seeds' part: Satterthwaite's, which for two rows are those of Welch's test.

    For means of several rows they are at most what they would be if both sides had as few seeds as the side with fewer.
    Otherwise a few seeds that agree by chance would leave the decision to the many seeds of the other side.
    """
    freedoms = [side.freedom for side in sides]
    found = satterthwaite(between, freedoms)
    return found if all(side.rows == 1 for side in sides) else min(found, len(sides) * min(freedoms))


def over_seeds(wrong: np.ndarray) -> Estimate | None:
    """The error of a row on these very images, in percent, with the uncertainty that comes from its seeds.

    Seeds may agree by chance more closely than models that err on different images would. The standard error is at
    least the one that chance on single images leaves.

    Returns:
        None if there is one seed only, or one image.
    """
    group = _group([wrong])
    if group is None:
        return None
    error = math.sqrt(max(group.between, group.rest))
    return Estimate(PERCENT * float(group.by_image.mean()), PERCENT * error, group.freedom)


def _group(rows: Sequence[np.ndarray]) -> _Group | None:
    freedom, images = sum(len(row) - 1 for row in rows), rows[0].shape[1]
    if freedom < 1 or images < 2:
        return None
    squares = [(mean_squares(row), len(row) - 1) for row in rows if len(row) > 1]
    seeds = sum(degrees * each.seeds for each, degrees in squares) / freedom
    rest = sum(degrees * each.rest for each, degrees in squares) / freedom
    share = sum(1 / len(row) for row in rows) / len(rows) ** 2 / images  # of one model's variance on one image
    by_image = np.mean([row.mean(axis=0, dtype=np.float64) for row in rows], axis=0)
    return _Group(len(rows), by_image, share * seeds, freedom, share * rest)
