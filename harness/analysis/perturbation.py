"""Dimension perturbations: an image decoded with one dimension of its digit capsule changed.

Sabour, Frosst, Hinton 2017, section 5.1 and Figure 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, TrainedModel, register
from harness.analysis.reconstructions import as_images
from harness.analysis.rows import Rows, TrainedRow
from harness.data.dataset import Examples
from harness.data.subset import first_of_each_class
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.images import GAP, canvas, label, mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from variants.contract import Output

PERTURBED_CLASS = 5  # or the last one, where there are fewer
FARTHEST, STEP = 0.25, 0.05
OFFSETS = np.linspace(-FARTHEST, FARTHEST, round(2 * FARTHEST / STEP) + 1).round(2)


@dataclass(frozen=True)
class Perturbations:
    """Decoded images: one for each dimension of the digit capsule of `label` and each offset in `OFFSETS`."""

    images: np.ndarray  # (pose, offset, height, width) uint8
    label: int


@register("perturbation")
class Perturbation(Analysis):
    """An image decoded with one dimension of its digit capsule changed."""

    position = 90

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """`moved`: the decoded images of one class (pose, offset, height, width) uint8; `moved_class`: that class.

        Measures variants with a decoder whose output has `digits` (batch, class, pose) among its details.
        """
        first = first_of_each_class(trained.test)
        at = int(np.searchsorted(first.labels, min(PERTURBED_CLASS, first.labels[-1])))
        example = Examples(first.images[at : at + 1], first.labels[at : at + 1])
        for _, output in trained.outputs(example):
            return _perturbed(trained, output, int(example.labels[0]))
        return {}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each row on each task."""
        for task, found in rows.by_task(_perturbations_of).items():
            for title, perturbations in found.items():
                yield FigureSpec("moved", (task, title), partial(_draw, task, title, perturbations))


def _perturbed(trained: TrainedModel, output: Output, label: int) -> dict[str, np.ndarray]:
    digits = (output.details or {}).get("digits")
    if digits is None or output.reconstruction is None:
        return {}
    pose, size = digits.shape[2], trained.test.images.shape[1]
    perturbed = digits[0].repeat(pose, len(OFFSETS), 1, 1)  # (pose, offset, class, pose)
    for dimension in range(pose):
        perturbed[dimension, :, label, dimension] += digits.new_tensor(OFFSETS)
    every = perturbed.flatten(0, 1)
    decoded = trained.model.decode(every, every.new_full((len(every),), label).long())
    if decoded is None:
        return {}
    images = as_images(decoded, size)
    return {"moved": images.reshape(pose, len(OFFSETS), size, size), "moved_class": np.asarray(label)}


def _perturbations_of(row: TrainedRow) -> Perturbations | None:
    """Those of the first seed's model."""
    arrays = row.first()
    return Perturbations(arrays["moved"], int(arrays["moved_class"])) if "moved" in arrays else None


def _draw(task: str, title: str, perturbations: Perturbations, name: str) -> CaptionedFigure:
    spread = perturbations.images.astype(float).std(axis=1).mean(axis=(1, 2))
    return CaptionedFigure(
        name,
        f"One dimension moved, {title}, {task}",
        f"A {perturbations.label} decoded while one dimension of its digit capsule is moved by {OFFSETS[0]} to "
        f"{OFFSETS[-1]} in steps of {STEP}, as in Figure 4 of Sabour, Frosst, Hinton 2017 (first seed).",
        f"Dimension {int(spread.argmax()) + 1} changes the image most, dimension {int(spread.argmin()) + 1} least.",
        perturbations_figure(perturbations),
    )


def perturbations_figure(perturbations: Perturbations) -> Figure:
    """Draw a line of images for each dimension of the digit capsule, the offset growing from left to right."""
    pose, offsets, size, _ = perturbations.images.shape
    figure, axes = canvas(mosaic([list(line) for line in perturbations.images]), width=4.6)
    step = size + GAP
    for row in range(pose):
        label(axes, row * step + size / 2, f"dimension {row + 1}")
    places = [size / 2, (offsets // 2) * step + size / 2, (offsets - 1) * step + size / 2]
    axes.set_xticks(places, [f"{OFFSETS[0]:+.2f}".replace("-", "−"), "0", f"{OFFSETS[-1]:+.2f}"])
    axes.xaxis.tick_top()
    return figure
