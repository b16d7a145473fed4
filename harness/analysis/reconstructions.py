"""Reconstructions: the first test image of each class, and what a model's decoder makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, TrainedModel, register
from harness.analysis.rows import Rows, TrainedRow
from harness.data.subset import first_of_each_class
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.images import ACROSS_CLASSES, GAP, canvas, first_classes, label, mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor


@register("reconstructions")
class Reconstructions(Analysis):
    """The first test image of each class beside its reconstruction."""

    position = 80

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """`shown` and `reconstructed`: the images and their reconstructions, (class, height, width) uint8.

        Measures variants with a decoder.
        """
        originals, reconstructions = [], []
        for batch, output in trained.outputs(first_of_each_class(trained.test)):
            if output.reconstruction is None:
                return {}
            originals.append(batch.images)
            reconstructions.append(as_images(output.reconstruction, batch.images.shape[1]))
        if not originals:
            return {}
        return {"shown": np.concatenate(originals), "reconstructed": np.concatenate(reconstructions)}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each task."""
        for task, reconstructions in rows.by_task(_pair_of).items():
            yield FigureSpec("reconstructions", (task,), partial(_draw, task, reconstructions))


def as_images(pixels: Tensor, size: int) -> np.ndarray:
    """Decoded pixels in 0..1, (images, height · width), as images (images, height, width) uint8."""
    return np.asarray((pixels.reshape(-1, size, size) * 255).round().byte().cpu().numpy())


def _pair_of(row: TrainedRow) -> np.ndarray | None:
    """The images and their reconstructions by the first seed's model, (2, class, height, width)."""
    arrays = row.first()
    return np.stack([arrays["shown"], arrays["reconstructed"]]) if "reconstructed" in arrays else None


def _draw(task: str, reconstructions: dict[str, np.ndarray], name: str) -> CaptionedFigure:
    errors = {title: np.abs(np.diff(each.astype(float), axis=0)).mean() for title, each in reconstructions.items()}
    words = [f"{title} {error:.0f} of 255" for title, error in errors.items()]
    return CaptionedFigure(
        name,
        f"Reconstructions, {task}",
        f"The first test image of each class, and what the decoder makes of the predicted class's capsule (first "
        f"seed{first_classes([len(each[1]) for each in reconstructions.values()])}).",
        f"Mean difference of a pixel: {'; '.join(words)}.",
        reconstructions_figure(reconstructions),
    )


def reconstructions_figure(reconstructions: Mapping[str, np.ndarray]) -> Figure:
    """Draw the images, and a line of reconstructions for each row below them."""
    first = next(iter(reconstructions.values()))
    lines = [list(each[:ACROSS_CLASSES]) for each in (first[0], *(each[1] for each in reconstructions.values()))]
    figure, axes = canvas(mosaic(lines))
    for row, title in enumerate(["image", *reconstructions]):
        label(axes, row * (first.shape[2] + GAP) + first.shape[2] / 2, title)
    return figure
