"""Errors in training, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, register
from harness.analysis.rows import Curve, Rows, TrainedRow
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.plots import LINE, STYLES, WIDE, legend, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@register("curves")
class Curves(Analysis):
    """Errors in training, epoch by epoch."""

    position = 10

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for each task."""
        for task, curves in rows.by_task(_curves_of).items():
            yield FigureSpec("curves", (task,), partial(_draw, task, curves))


def _curves_of(row: TrainedRow) -> list[Curve] | None:
    return [curve for model in row.models if (curve := model.curve())] or None


def _draw(task: str, curves: dict[str, list[Curve]], name: str) -> CaptionedFigure:
    last = "; ".join(f"{title} {np.mean([c[-1][1] for c in seeds]):.1f}%" for title, seeds in curves.items())
    return CaptionedFigure(
        name,
        f"Error in training, {task}",
        "Wrong answers on the training batches since the point before, in percent; a band is the range over seeds.",
        f"Errors at the end: {last}.",
        curves_figure(curves),
    )


def curves_figure(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """Plot the mean of each row's curves over its seeds, with a band from the lowest to the highest."""
    figure = new_figure(WIDE[0], max(WIDE[1], LINE * len(curves)))
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(curves.items()):
        shortest = min(map(len, seeds))
        epochs = [epoch for epoch, _ in seeds[0][:shortest]]
        values = np.array([[value for _, value in seed[:shortest]] for seed in seeds])
        [line] = axes.plot(epochs, values.mean(axis=0), STYLES[number % len(STYLES)], label=title)
        if len(seeds) > 1:
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2)
    axes.set(xlabel="epoch", ylabel="error in training, %", ylim=(0, None))
    legend(figure, axes, len(curves), columns=2)
    return figure
