"""Two rows of the table of errors compared: is one method better, or one of two models?

From two seeds a side on, the answer is about methods: other seeds and other images would agree with it, as often as
the level says. One seed of a side tells nothing of its other seeds, so that two models are compared on these images,
and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.analysis.rows import Predicted
from harness.statistics.crossed import contrast, difference
from harness.statistics.estimate import LEVEL, Estimate
from harness.statistics.exact import difference_of_models, mcnemar

PairFinding = Literal["better", "worse", "no difference shown"]
METHODS, MODELS = "t test over seeds and images", "McNemar's exact test of two models"


@dataclass(frozen=True)
class Pair:
    """The error of one row minus that of another.

    estimate: the difference, percentage points.
    p: two-sided, of no difference.
    seeds: of both sides, as far as they count.
    """

    estimate: Estimate
    p: float
    seeds: tuple[int, int]

    @property
    def is_of_methods(self) -> bool:
        """Whether it compares two methods, so that it holds for other seeds; else it compares two models."""
        return min(self.seeds) > 1

    @property
    def test(self) -> str:
        """The name of the test."""
        return METHODS if self.is_of_methods else MODELS

    def against(self, points: float) -> float:
        """Return the two-sided p-value of a difference of so many points."""
        return self.p if points == 0 else self.estimate.p(points)

    def finding(self, level: float = LEVEL) -> PairFinding:
        """Return whether the first row is better or worse than the second, at a level."""
        if self.p >= level:
            return "no difference shown"
        return "better" if self.estimate.value < 0 else "worse"


@dataclass(frozen=True)
class Mistakes:
    """The wrong predictions of a row's models on one test.

    true: the classes of the images, which tell whether two rows were tested on the same ones, (images,).
    wrong: by seed, (images,) bool each.
    """

    true: np.ndarray
    wrong: Mapping[int, np.ndarray]

    @property
    def table(self) -> np.ndarray:
        """The mistakes of all models, (seeds, images)."""
        return np.stack(list(self.wrong.values()))


def mistakes_of(predictions: Mapping[int, Predicted]) -> Mistakes | None:
    """A row's mistakes, by the seed of the model; None without predictions, or if not all are for the same test."""
    trues = [true for _, true in predictions.values()]
    if not trues or not len(trues[0]) or not all(np.array_equal(true, trues[0]) for true in trues):
        return None
    return Mistakes(trues[0], {seed: predicted != true for seed, (predicted, true) in predictions.items()})


def have_same_images(rows: Sequence[Mistakes]) -> bool:
    """Whether rows were tested on the same images, judged by the sequence of their true classes."""
    return all(np.array_equal(row.true, rows[0].true) for row in rows)


def pair_of(row: Mistakes, other: Mistakes) -> Pair | None:
    """Compare two rows; None if they were tested on different images."""
    if not have_same_images([row, other]):
        return None
    estimate = difference(row.table, other.table)
    if estimate is not None:
        return Pair(estimate, estimate.p(), (len(row.wrong), len(other.wrong)))
    shared = [seed for seed in row.wrong if seed in other.wrong]
    ours, theirs = (each.wrong[shared[0]] if shared else next(iter(each.wrong.values())) for each in (row, other))
    return Pair(difference_of_models(ours, theirs), mcnemar(ours, theirs), (1, 1))


def contrast_of(rows: Sequence[Mistakes], others: Sequence[Mistakes]) -> Estimate | None:
    """Compare the mean error of rows with that of others, in points; None with too few seeds, or if images differ."""
    if not have_same_images([*rows, *others]):
        return None
    return contrast([row.table for row in rows], [other.table for other in others])
