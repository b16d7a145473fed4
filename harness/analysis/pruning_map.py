"""Where pruning keeps primary capsules: the code vector as a map over the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, TrainedModel, register
from harness.analysis.rows import Rows, TrainedRow
from harness.data.subset import subset
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.images import ACROSS_CLASSES, GAP, canvas, first_classes, label, mosaic
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = 500  # of the test, at most
INK = 0.25  # of the darkest pixel: a pixel with more has ink
PARTS = 2  # of a pixel along each axis: the border between two positions may go through its middle


@dataclass(frozen=True)
class PruningMaps:
    """Where pruning keeps primary capsules, a map for each class."""

    counts: np.ndarray  # (class, rows, columns): the mean number over a class's images
    centres: np.ndarray  # (rows,): the pixel that a position's field of view is centred on
    mean_images: np.ndarray  # (class, height, width) uint8


@register("pruning_map")
class PruningMap(Analysis):
    """The mean number of primary capsules that pruning keeps at each position, for each class."""

    position = 70

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """`kept`: the mean number of capsules that pruning keeps at each position, (class, rows, columns); `centres`:
        of the positions, in pixels, (rows,); `mean_images`: of each class, (class, height, width) uint8.

        Measures variants whose output has `kept` (batch, rows, columns) and `centres` among its details.
        """
        kept, images, labels = [], [], []
        centres = np.zeros(0)
        for batch, output in trained.outputs(subset(trained.test, IMAGES)):
            details = output.details or {}
            if "kept" not in details:
                return {}
            kept.append(details["kept"].cpu().numpy())
            centres = details["centres"].cpu().numpy()
            images.append(batch.images)
            labels.append(batch.labels)
        if not kept:
            return {}
        true = np.concatenate(labels)
        means = _by_class(np.concatenate(images), true).astype(np.uint8)
        return {"kept": _by_class(np.concatenate(kept), true), "centres": centres, "mean_images": means}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each task."""
        for task, maps in rows.by_task(_maps_of).items():
            yield FigureSpec("kept", (task,), partial(_draw, task, maps))


def _by_class(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of each class, (class, ...)."""
    return np.stack([values[labels == label].mean(axis=0) for label in np.unique(labels)])


def _maps_of(row: TrainedRow) -> PruningMaps | None:
    """Those of the first seed's model."""
    arrays = row.first()
    return PruningMaps(arrays["kept"], arrays["centres"], arrays["mean_images"]) if "kept" in arrays else None


def _draw(task: str, maps: dict[str, PruningMaps], name: str) -> CaptionedFigure:
    shares = [f"{title} {share_inside(each):.0%}" for title, each in maps.items()]
    return CaptionedFigure(
        name,
        f"What pruning keeps, {task}",
        f"The code vector as a map: the mean number of primary capsules that pruning keeps at each position, over "
        f"the mean image of each class (first seed, up to {IMAGES} test images"
        f"{first_classes([len(each.mean_images) for each in maps.values()])}).",
        f"Share of the kept capsules that lie where the mean image has ink: {'; '.join(shares)}.",
        maps_figure(maps),
    )


def share_inside(maps: PruningMaps) -> float:
    """The share of the kept capsules whose centre lies on a pixel with ink in the mean image of the class."""
    places = np.rint(maps.centres).astype(int)
    ink = maps.mean_images[:, places[:, None], places[None, :]]
    inside = ink >= INK * maps.mean_images.max(axis=(1, 2), keepdims=True)
    return float(maps.counts[inside].sum() / max(maps.counts.sum(), 1e-12))


def maps_figure(maps: Mapping[str, PruningMaps]) -> Figure:
    """Draw the mean image of each class for each row and, over it, how many capsules pruning keeps at each position."""
    first = next(iter(maps.values()))
    classes, size = min(len(first.mean_images), ACROSS_CLASSES), first.mean_images.shape[1]
    step = size + GAP
    figure, axes = canvas(mosaic([list(each.mean_images[:classes]) for each in maps.values()]), bar=True)
    overlay = np.full((PARTS * (len(maps) * step - GAP), PARTS * (classes * step - GAP)), np.nan)
    for row, (title, each) in enumerate(maps.items()):
        label(axes, row * step + size / 2, title)
        for column in range(classes):
            _lay_over(overlay, each.counts[column], each.centres, row * step, column * step)
    drawn = axes.imshow(
        overlay,
        cmap="magma",
        vmin=0,
        vmax=max(float(each.counts.max()) for each in maps.values()),
        alpha=0.65,
        extent=(-0.5, overlay.shape[1] / PARTS - 0.5, overlay.shape[0] / PARTS - 0.5, -0.5),
        interpolation="none",
    )
    place = axes.get_position()
    bar = figure.add_axes((place.x1 + 0.1 / WIDTH, place.y0, 0.12 / WIDTH, place.height))
    figure.colorbar(drawn, cax=bar, label="kept")
    bar.tick_params(labelsize="x-small")
    return figure


def _lay_over(overlay: np.ndarray, counts: np.ndarray, centres: np.ndarray, top: int, left: int) -> None:
    """Write each position's count over the pixels that are nearer to its centre than to another one."""
    apart = centres[1] - centres[0] if len(centres) > 1 else 1
    width = round(PARTS * apart)
    start = round(PARTS * (centres[0] - apart / 2 + 0.5))  # pixel 0 reaches from -0.5 to 0.5
    fine = counts.repeat(width, axis=0).repeat(width, axis=1)
    rows, columns = PARTS * top + start, PARTS * left + start
    overlay[rows : rows + len(fine), columns : columns + len(fine)] = fine
