"""Confusion matrices: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, register
from harness.analysis.rows import Rows, TrainedRow
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.plots import new_figure
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 50  # of a whole matrix
WORST_CLASSES = 20  # of a matrix where there are more: those that are confused most often
APART = 3  # cells between two matrices
ACROSS = 4  # matrices side by side
TICKS = 20  # along a matrix, at most: there is no room for more


@register("confusions")
class Confusions(Analysis):
    """Confusion matrices: which classes are taken for which."""

    position = 40

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each task on which anything is confused."""
        for task, confusions in rows.by_task(counts_of).items():
            if any(_wrong(counts) for counts in confusions.values()):
                yield FigureSpec("confusions", (task,), partial(_draw, task, confusions))


def counts_of(row: TrainedRow) -> np.ndarray | None:
    """The confusion matrix (true class, predicted class) over all seeds; None where no predictions are recorded.

    Raises:
        ValueError: the predictions are of more classes than a task may have.
    """
    from harness.data.check import MOST_CLASSES as MOST

    known = [both for model in row.models if (both := model.predictions()) is not None]
    if not known:
        return None
    classes = 1 + max(int(max(predicted.max(), true.max())) for predicted, true in known)
    if classes > MOST:
        raise ValueError(f"there are answers of {classes:,} classes")
    counts = np.zeros((classes, classes), dtype=int)
    for predicted, true in known:
        np.add.at(counts, (true, predicted), 1)
    return counts


def _draw(task: str, confusions: dict[str, np.ndarray], name: str) -> CaptionedFigure:
    commonest = [f"{title} takes {_commonest(counts)}" for title, counts in confusions.items() if _wrong(counts)]
    classes = most_confused(list(confusions.values()))
    some = "" if classes is None else f"; of all classes the {len(classes)} that are confused most often"
    return CaptionedFigure(
        name,
        f"Confusions, {task}",
        f"Which classes are taken for which, in percent of the true class, over all seeds; on the grey diagonal "
        f"is what is right{some}.",
        f"Most often, {'; '.join(commonest)}.",
        confusion_figure(confusions, classes),
    )


def most_confused(matrices: list[np.ndarray]) -> list[int] | None:
    """The classes that a figure has room for, in their order; None if it has room for all."""
    most = max(map(len, matrices))
    if most <= MOST_CLASSES:
        return None
    wrong = np.zeros(most)
    for counts in matrices:
        off = counts - np.diag(np.diag(counts))
        wrong[: len(counts)] += off.sum(axis=0) + off.sum(axis=1)
    worst = np.argsort(-wrong, kind="stable")[:WORST_CLASSES]
    return sorted(worst[wrong[worst] > 0].tolist())


def _wrong(counts: np.ndarray) -> int:
    return int(counts.sum() - np.trace(counts))


def _commonest(counts: np.ndarray) -> str:
    off = counts - np.diag(np.diag(counts))
    truth, prediction = np.unravel_index(off.argmax(), off.shape)
    return f"{truth} for {prediction} ({off.max()} of {counts[truth].sum()})"


def confusion_figure(confusions: Mapping[str, np.ndarray], some: Sequence[int] | None = None) -> Figure:
    """Draw a matrix for each row: the percentage of each true class that was taken for each other class.

    Arguments:
        some: the classes that are drawn; all if None.
    """
    shares = {title: _some(_wrong_shares(counts), some) for title, counts in confusions.items()}
    classes = max(map(len, shares.values()))
    step, across = classes + APART, min(ACROSS, len(shares))
    down = -(-len(shares) // across)
    whole = np.full((down * step - APART, across * step - APART), np.nan)
    figure = new_figure(max(WIDTH * across / ACROSS, 3.4), 0.6 + 1.75 * down)
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
    """Write the classes below and on the left of a grid of matrices, as many as there is room for."""
    places = range(0, len(classes), -(-len(classes) // TICKS))
    numbers = [str(classes[place]) for place in places]
    turn = 90 if max(classes) > 99 else 0
    at = [n * step + place for n in range(across) for place in places]
    axes.set_xticks(at, numbers * across, fontsize=5, rotation=turn)
    axes.set_yticks([n * step + place for n in range(down) for place in places], numbers * down, fontsize=5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")


def _some(matrix: np.ndarray, some: Sequence[int] | None) -> np.ndarray:
    """The rows and columns of some classes, NaN for a class that the matrix does not have."""
    if some is None:
        return matrix
    wide = np.full((max(len(matrix), *some) + 1,) * 2, np.nan)
    wide[: len(matrix), : len(matrix)] = matrix
    return wide[np.ix_(some, some)]


def _wrong_shares(counts: np.ndarray) -> np.ndarray:
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, np.nan)
    return share
