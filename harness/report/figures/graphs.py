"""What the figures of a report are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Curve = list[tuple[float, float]]  # epoch and value
ByRow = dict[str, dict[str, T]]  # by task, then by the title of a row


@dataclass(frozen=True)
class Mistakes:
    """Images of a test that a model got wrong, the first ones."""

    images: np.ndarray  # (images, height, width) uint8
    truths: np.ndarray  # (images,) classes
    predictions: np.ndarray
    wrong: int  # of all that were tested
    tested: int


@dataclass(frozen=True)
class Moved:
    """An image decoded with single dimensions of its digit capsule moved."""

    images: np.ndarray  # (pose, offset, height, width) uint8
    label: int


@dataclass(frozen=True)
class Kept:
    """Where pruning keeps primary capsules."""

    counts: np.ndarray  # (class, rows, columns): the mean number over a class's images
    centres: np.ndarray  # (rows,): the pixel that a position's field of view is centred on
    mean_images: np.ndarray  # (class, height, width) uint8


@dataclass(frozen=True)
class Graphs:
    """The data of all figures.

    curves: errors in training, percent over epochs, one curve for each seed.
    samples: seconds of single iterations, one list for each process, by the title of a row.
    activities: mean activities of primary capsules, the most active first; one list for each seed; by title.
    couplings: their mean couplings to the shown class; likewise.
    costs: task, title, seconds per training iteration and test error in percent.
    confusions: (true class, predicted class) counts of the task's first test, over all seeds.
    mistakes, reconstructions, moved, kept: of the first seed's model; `reconstructions` are images (class, height,
    width) uint8, above what the model makes of them: (2, class, height, width).
    left_out: what could not be made of what is recorded, and why.
    """

    curves: ByRow[list[Curve]] = field(default_factory=dict)
    samples: dict[str, list[list[float]]] = field(default_factory=dict)
    activities: dict[str, list[list[float]]] = field(default_factory=dict)
    couplings: dict[str, list[list[float]]] = field(default_factory=dict)
    costs: list[tuple[str, str, float, float]] = field(default_factory=list)
    confusions: ByRow[np.ndarray] = field(default_factory=dict)
    mistakes: ByRow[Mistakes] = field(default_factory=dict)
    reconstructions: ByRow[np.ndarray] = field(default_factory=dict)
    moved: ByRow[Moved] = field(default_factory=dict)
    kept: ByRow[Kept] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
