"""Figures of images, each a function from data to a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures.drawing import WIDTH
from harness.report.figures.graphs import Kept, Mistakes, Moved

GAP = 2  # pixels between two images
WHITE = 0  # as ink on paper: 0 is white, 255 is black
LABELS, BAR, EDGE, TOP = 1.4, 0.65, 0.08, 0.25  # inches beside images: names, a colour bar, nothing, ticks
LETTERS = 22  # of a line of a name
FINE = 2  # parts of a pixel: the border between two positions may go through its middle
APART = 3  # cells between two confusion matrices
ACROSS = 4  # confusion matrices beside each other
ACROSS_CLASSES = 20  # images of classes beside each other
NUMBERS = 20  # of classes along a matrix: there is no room for more
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


def confusion_figure(confusions: Mapping[str, np.ndarray], some: Sequence[int] | None = None) -> Figure:
    """A matrix for each row: of each true class, the percentage that was taken for each other class.

    Arguments:
        some: the classes that are shown, if not all.
    """
    shares = {title: _some(_wrong_shares(counts), some) for title, counts in confusions.items()}
    classes = max(map(len, shares.values()))
    step, across = classes + APART, min(ACROSS, len(shares))
    down = -(-len(shares) // across)
    whole = np.full((down * step - APART, across * step - APART), np.nan)
    figure = Figure(figsize=(max(WIDTH * across / ACROSS, 3.4), 0.6 + 1.75 * down), layout="constrained")
    axes = figure.subplots()
    for number, (title, share) in enumerate(shares.items()):
        top, left = (number // across) * step, (number % across) * step
        whole[top : top + len(share), left : left + len(share)] = share
        diagonal = np.where(np.eye(len(share)), 1.0, np.nan)
        edges = (left - 0.5, left + len(share) - 0.5, top + len(share) - 0.5, top - 0.5)
        axes.imshow(diagonal, cmap="Greys", vmin=0, vmax=6, extent=edges, interpolation="none", zorder=2)
        axes.text(left + (len(share) - 1) / 2, top - 0.8, title, ha="center", va="bottom", fontsize="x-small")
    drawn = axes.imshow(whole, cmap="magma_r", vmin=0, vmax=float(np.nanmax(whole)) or 1.0, interpolation="none")
    axes.set(xlim=(-0.5, across * step - APART - 0.5), ylim=(down * step - APART - 0.5, -0.5 - APART))
    _number_classes(axes, list(range(classes)) if some is None else some, step, across, down)
    figure.colorbar(drawn, ax=axes, label="% of the true class", shrink=0.8, pad=0.01)
    return figure


def _number_classes(axes: Axes, classes: Sequence[int], step: int, across: int, down: int) -> None:
    """The classes below and on the left of a grid of matrices, as far as there is room."""
    places = range(0, len(classes), -(-len(classes) // NUMBERS))
    numbers = [str(classes[place]) for place in places]
    turn = 90 if max(classes) > 99 else 0
    at = [n * step + place for n in range(across) for place in places]
    axes.set_xticks(at, numbers * across, fontsize=5, rotation=turn)
    axes.set_yticks([n * step + place for n in range(down) for place in places], numbers * down, fontsize=5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")


def _some(matrix: np.ndarray, some: Sequence[int] | None) -> np.ndarray:
    """The rows and columns of some classes; a row that was never tested on one has nothing there."""
    if some is None:
        return matrix
    wide = np.full((max(len(matrix), *some) + 1,) * 2, np.nan)
    wide[: len(matrix), : len(matrix)] = matrix
    return wide[np.ix_(some, some)]


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
    lines = [list(each[:ACROSS_CLASSES]) for each in (first[0], *(each[1] for each in reconstructions.values()))]
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
    classes, size = min(len(first.mean_images), ACROSS_CLASSES), first.mean_images.shape[1]
    step = size + GAP
    figure, axes = _canvas(mosaic([list(each.mean_images[:classes]) for each in kept.values()]), bar=True)
    overlay = np.full((FINE * (len(kept) * step - GAP), FINE * (classes * step - GAP)), np.nan)
    for row, (title, each) in enumerate(kept.items()):
        _label(axes, row * step + size / 2, title)
        for column in range(classes):
            _lay_over(overlay, each.counts[column], each.centres, row * step, column * step)
    drawn = axes.imshow(
        overlay,
        cmap="magma",
        vmin=0,
        vmax=max(float(each.counts.max()) for each in kept.values()),
        alpha=0.65,
        extent=(-0.5, overlay.shape[1] / FINE - 0.5, overlay.shape[0] / FINE - 0.5, -0.5),
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
    width = round(FINE * apart)
    start = round(FINE * (centres[0] - apart / 2 + 0.5))  # pixel 0 reaches from -0.5 to 0.5
    fine = counts.repeat(width, axis=0).repeat(width, axis=1)
    rows, columns = FINE * top + start, FINE * left + start
    overlay[rows : rows + len(fine), columns : columns + len(fine)] = fine


def _canvas(image: np.ndarray, *, width: float = WIDTH, bar: bool = False) -> tuple[Figure, Axes]:
    """A figure of one image, as high as it must be, without ticks; its lines get labels on the left.

    Arguments:
        width: inches of the figure.
        bar: leave room for a colour bar on the right.
    """
    drawn = width - LABELS - (BAR if bar else EDGE)
    high = drawn * image.shape[0] / image.shape[1]
    height = high + EDGE + TOP
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((LABELS / width, EDGE / height, drawn / width, high / height))
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize="x-small")
    return figure, axes


def _label(axes: Axes, middle: float, text: str) -> None:
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
