"""Parts that figures of images share: a mosaic and its labels. Importing this module does not import matplotlib."""

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
WHITE = 0  # 0 is white and 255 black, as ink on paper
LABELS, BAR, EDGE, TOP = 1.4, 0.65, 0.08, 0.25  # inches for labels on the left, a colour bar, an edge, ticks on top
LETTERS = 22  # of a line of a label
ACROSS_CLASSES = 20  # classes side by side, at most


def mosaic(images: Sequence[Sequence[np.ndarray]], below: int = 0) -> np.ndarray:
    """Put rows of images of one size together as one image, with white between them and after shorter rows.

    Arguments:
        images: (height, width) uint8 each.
        below: pixels left white under each row.
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
    """The part of a caption that says that a figure has the first classes only; empty where it has all."""
    return f"; the first {ACROSS_CLASSES} classes" if max(classes) > ACROSS_CLASSES else ""


def canvas(image: np.ndarray, *, width: float = WIDTH, bar: bool = False) -> tuple[Figure, Axes]:
    """A figure sized to one image, without ticks, and with room for labels on the left.

    Arguments:
        width: of the figure, in inches.
        bar: whether to leave room for a colour bar on the right.
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
    """Write the label of a line of images on its left; `middle` is the vertical middle of the line, in pixels."""
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
