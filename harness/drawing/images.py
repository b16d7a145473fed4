"""What figures of images share: a mosaic, with labels at its sides. Nothing here needs matplotlib at import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from harness.drawing.plots import new_figure
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 2  # pixels between two images
WHITE = 0  # as ink on paper: 0 is white, 255 is black
LABELS, BAR, EDGE, TOP = 1.4, 0.65, 0.08, 0.25  # inches beside images: names, a colour bar, nothing, ticks
LETTERS = 22  # of a line of a name
ACROSS_CLASSES = 20  # images of classes beside each other


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


def first_classes(classes: Iterable[int]) -> str:
    """What a caption says where a figure has no room for so many classes."""
    return f"; the first {ACROSS_CLASSES} classes" if max(classes) > ACROSS_CLASSES else ""


def canvas(image: np.ndarray, *, width: float = WIDTH, bar: bool = False) -> tuple[Figure, Axes]:
    """A figure of one image, as high as it must be, without ticks; its lines get labels on the left.

    Arguments:
        width: inches of the figure.
        bar: leave room for a colour bar on the right.
    """
    drawn = width - LABELS - (BAR if bar else EDGE)
    high = drawn * image.shape[0] / image.shape[1]
    height = high + EDGE + TOP
    figure = new_figure(width, height, layout=None)
    axes = figure.add_axes((LABELS / width, EDGE / height, drawn / width, high / height))
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize="x-small")
    return figure, axes


def label(axes: Axes, middle: float, text: str) -> None:
    """What the line of images around a height is, on its left."""
    axes.annotate(
        "\n".join(fill(line, LETTERS) for line in text.split("\n")),
        (0, middle),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize="x-small",
        annotation_clip=False,
    )
