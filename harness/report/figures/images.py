"""Figures of images, each a function from data to a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures.drawing import WIDTH
from harness.report.figures.graphs import Kept, Mistakes, Moved

GAP = 2  # pixels between two images
WHITE = 0  # as ink on paper: 0 is white, 255 is black
LABELS = 1.35  # inches on the left of images
ACROSS = 4  # confusion matrices beside each other
OFFSETS = (-0.25, 0.25)  # of the moved dimension, first and last


def mosaic(images: Sequence[Sequence[np.ndarray]], below: int = 0) -> np.ndarray:
    """Rows of images of one size as one image, white between them and where a row is shorter.

    Arguments:
        images: (height, width) uint8 each.
        below: pixels that stay free under each row.
    """
    height, width = images[0][0].shape
    step, across = height + below + GAP, max(map(len, images))
    whole = np.full((len(images) * step - GAP, across * (width + GAP) - GAP), WHITE, np.uint8)
    for row, line in enumerate(images):
        for column, image in enumerate(line):
            top, left = row * step, column * (width + GAP)
            whole[top : top + height, left : left + width] = image
    return whole


def confusion_figure(confusions: Mapping[str, np.ndarray]) -> Figure:
    """A matrix for each row: of each true class, the percentage that was taken for each other class."""
    across = min(ACROSS, len(confusions))
    down = -(-len(confusions) // across)
    figure = Figure(figsize=(max(WIDTH * across / ACROSS, 3.4), 0.55 + 1.75 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    shares = {title: _wrong_shares(counts) for title, counts in confusions.items()}
    largest = max(float(np.nanmax(share)) for share in shares.values()) or 1.0
    for axes, (title, share) in zip(grid.flat, shares.items(), strict=False):
        drawn = axes.imshow(share, cmap="magma_r", vmin=0, vmax=largest)
        axes.set_facecolor("#d8d8d8")  # the diagonal: what is right
        axes.set_title(title, fontsize="x-small")
        axes.set_xticks(range(len(share)), range(len(share)), fontsize=6)
        axes.set_yticks(range(len(share)), range(len(share)), fontsize=6)
    for axes in grid.flat[len(shares) :]:
        axes.set_axis_off()
    figure.supxlabel("predicted class", fontsize="small")
    figure.supylabel("true class", fontsize="small")
    figure.colorbar(drawn, ax=grid, label="% of the true class", shrink=0.8)
    return figure


def _wrong_shares(counts: np.ndarray) -> np.ndarray:
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, np.nan)
    return share


def mistakes_figure(mistakes: Mapping[str, Mistakes]) -> Figure:
    """A line of images for each row, with "true→predicted" under each."""
    lines = {title: each for title, each in mistakes.items() if len(each.images)}
    size = next(iter(lines.values())).images.shape[1]
    below = size // 3  # for the classes
    step = size + below + GAP
    figure, axes = _canvas(mosaic([list(each.images) for each in lines.values()], below))
    for row, (title, each) in enumerate(lines.items()):
        _label(axes, row * step + size / 2, f"{title}\n{each.wrong:,} of {each.tested:,}")
        for column, (truth, prediction) in enumerate(zip(each.truths, each.predictions, strict=True)):
            place = column * (size + GAP) + size / 2, row * step + size + below / 2
            axes.text(*place, f"{truth}→{prediction}", ha="center", va="center", fontsize=6)
    return figure


def reconstructions_figure(reconstructions: Mapping[str, np.ndarray]) -> Figure:
    """The images, and under them what each row's decoder makes of them."""
    first = next(iter(reconstructions.values()))
    lines = [list(first[0]), *(list(each[1]) for each in reconstructions.values())]
    figure, axes = _canvas(mosaic(lines))
    for row, title in enumerate(["image", *reconstructions]):
        _label(axes, row * (first.shape[2] + GAP) + first.shape[2] / 2, title)
    return figure


def moved_figure(moved: Moved) -> Figure:
    """A line for each dimension of the digit capsule, moved from left to right."""
    pose, offsets, size, _ = moved.images.shape
    figure, axes = _canvas(mosaic([list(line) for line in moved.images]), width=4.6)
    step = size + GAP
    for row in range(pose):
        _label(axes, row * step + size / 2, f"dimension {row + 1}")
    places = [size / 2, (offsets // 2) * step + size / 2, (offsets - 1) * step + size / 2]
    axes.set_xticks(places, [f"{OFFSETS[0]:+.2f}".replace("-", "−"), "0", f"{OFFSETS[1]:+.2f}"])
    axes.xaxis.tick_top()
    return figure


def kept_figure(kept: Mapping[str, Kept]) -> Figure:
    """For each row and class, the mean image and over it how many capsules pruning keeps around each place."""
    first = next(iter(kept.values()))
    classes, size, _ = first.mean_images.shape
    figure, axes = _canvas(mosaic([list(each.mean_images) for each in kept.values()]), extra=0.55)
    largest = max(float(each.counts.max()) for each in kept.values())
    step = size + GAP
    for row, (title, each) in enumerate(kept.items()):
        _label(axes, row * step + size / 2, title)
        half = (each.centres[1] - each.centres[0]) / 2 if len(each.centres) > 1 else 0.5
        low, high = each.centres[0] - half, each.centres[-1] + half
        for column in range(classes):
            left, top = column * step, row * step
            drawn = axes.imshow(
                each.counts[column],
                cmap="magma",
                vmin=0,
                vmax=largest,
                alpha=0.65,
                extent=(left + low, left + high, top + high, top + low),
                interpolation="none",
            )
    axes.set(xlim=(-0.5, classes * step - GAP - 0.5), ylim=(len(kept) * step - GAP - 0.5, -0.5))
    figure.colorbar(drawn, ax=axes, label="kept", shrink=0.9, pad=0.01)
    return figure


def _canvas(image: np.ndarray, *, width: float = WIDTH, extra: float = 0.0) -> tuple[Figure, Axes]:
    """A figure of one image, as high as it must be, without ticks; its lines get labels on the left.

    Arguments:
        width: inches of the figure.
        extra: inches of the width that something else takes.
    """
    height = (width - LABELS - extra) * image.shape[0] / image.shape[1]
    figure = Figure(figsize=(width, height + 0.3), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize="x-small")
    return figure, axes


def _label(axes: Axes, middle: float, text: str) -> None:
    """What the line of images around a height is, on its left."""
    axes.annotate(
        text,
        (0, middle),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize="x-small",
        annotation_clip=False,
    )
