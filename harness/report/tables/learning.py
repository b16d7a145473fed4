"""Whether a model has learned: whether it is better than the best constant prediction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from harness.analysis.rows import Predicted
from harness.statistics.estimate import LEVEL
from harness.statistics.exact import wilson


@dataclass(frozen=True)
class Learning:
    """How many of a row's models have not learned, and the error of the best constant prediction, percent."""

    models: int
    unlearned: int
    chance: float


def constant_error(true: np.ndarray) -> float:
    """Return the error of always predicting the commonest class, percent."""
    return 100 * (1 - float(np.bincount(true.astype(np.int64)).max()) / len(true))


def has_learned(predicted: np.ndarray, true: np.ndarray) -> bool:
    """Whether the interval of a model's error lies below the error of the best constant prediction."""
    _, high = wilson(float((predicted != true).mean()), len(true), LEVEL)
    return 100 * high < constant_error(true)


def learning_of(predictions: Collection[Predicted]) -> Learning | None:
    """How many of a row's models have learned, by their predictions for one test; None without predictions."""
    known = [each for each in predictions if len(each[1])]
    if not known:
        return None
    unlearned = sum(not has_learned(predicted, true) for predicted, true in known)
    return Learning(len(known), unlearned, constant_error(known[0][1]))
