"""The first test images that a model misclassifies: nobody has selected them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, TrainedModel, register
from harness.analysis.rows import Rows, TrainedRow
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.images import GAP, canvas, label, mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST_IMAGES = 12  # of the misclassified ones


@dataclass(frozen=True)
class Mistakes:
    """The first images of a test that a model has misclassified."""

    images: np.ndarray  # (images, height, width) uint8
    truths: np.ndarray  # (images,) classes
    predictions: np.ndarray
    wrong: int  # of all that were tested
    tested: int


@register("mistakes")
class WrongImages(Analysis):
    """The first test images that a model misclassifies."""

    position = 50

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """`mistakes`: the images (images, height, width) uint8; `mistakes_at`: their indices in the test (images,)."""
        wrong = np.flatnonzero(trained.predictions != trained.test.labels)[:FIRST_IMAGES]
        return {"mistakes": trained.test.images[wrong], "mistakes_at": wrong}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each task on which anything is wrong."""
        for task, mistakes in rows.by_task(mistakes_of).items():
            if any(len(each.images) for each in mistakes.values()):
                yield FigureSpec("mistakes", (task,), partial(_draw, task, mistakes))


def mistakes_of(row: TrainedRow) -> Mistakes | None:
    """The mistakes of the first seed's model; None where they are not recorded."""
    if not row.models:
        return None
    arrays, predictions = row.models[0].arrays(), row.models[0].predictions()
    if "mistakes" not in arrays or predictions is None:
        return None
    predicted, true = predictions
    at = arrays["mistakes_at"]
    return Mistakes(arrays["mistakes"], true[at], predicted[at], int((predicted != true).sum()), len(true))


def _draw(task: str, mistakes: dict[str, Mistakes], name: str) -> CaptionedFigure:
    counts = [f"{title} {each.wrong} of {each.tested}" for title, each in mistakes.items()]
    return CaptionedFigure(
        name,
        f"Wrong answers, {task}",
        "The first test images that each row gets wrong (first seed), with true class → predicted class; on "
        "the left, how many of all that were tested.",
        f"Wrong images: {'; '.join(counts)}.",
        mistakes_figure(mistakes),
    )


def mistakes_figure(mistakes: Mapping[str, Mistakes]) -> Figure:
    """Draw a line of images for each row, with "true→predicted" below each image."""
    lines = {title: each for title, each in mistakes.items() if len(each.images)}
    size = next(iter(lines.values())).images.shape[1]
    below = size // 3  # for the classes
    step = size + below + GAP
    figure, axes = canvas(mosaic([list(each.images) for each in lines.values()], below))
    for row, (title, each) in enumerate(lines.items()):
        label(axes, row * step + size / 2, f"{title}\n{each.wrong:,} of {each.tested:,}")
        for column, (truth, prediction) in enumerate(zip(each.truths, each.predictions, strict=True)):
            place = column * (size + GAP) + size / 2, row * step + size + below / 2
            axes.text(*place, f"{truth}→{prediction}", ha="center", va="center", fontsize=6)
    return figure
