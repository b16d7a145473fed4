"""Test error against the time of a training iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, register
from harness.analysis.rows import Rows
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.plots import LINE, MARKERS, new_figure, plain_logarithm
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cost = tuple[str, str, float, float]  # task, title, seconds, percent


@register("costs")
class Costs(Analysis):
    """Test error against the time of a training iteration."""

    position = 20

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for all tasks, of the rows that are both trained and timed."""
        costs = [
            (row.short_task, row.short_title, row.seconds, row.error)
            for row in rows.trained
            if row.seconds is not None and row.error is not None
        ]
        if costs:
            yield FigureSpec("costs", (), partial(_draw, costs))


def _draw(costs: Sequence[Cost], name: str) -> CaptionedFigure:
    points = [f"{title} on {task} {error:.1f}% at {1000 * s:.0f} ms" for task, title, s, error in costs]
    return CaptionedFigure(
        name,
        "Error against time",
        "Test error of each row and the median time of its training iteration: down and to the left is better.",
        "; ".join(points) + ".",
        costs_figure(costs),
    )


def costs_figure(costs: Sequence[Cost]) -> Figure:
    """Draw a panel for each task: test error over time per iteration, a marker for each row."""
    tasks = list(dict.fromkeys(task for task, *_ in costs))
    titles = list(dict.fromkeys(title for _, title, *_ in costs))
    figure = new_figure(WIDTH, max(3.2, LINE * len(titles)))
    for axes, task in zip(np.atleast_1d(figure.subplots(1, len(tasks))), tasks, strict=True):
        for _, title, seconds, error in (point for point in costs if point[0] == task):
            number = titles.index(title)
            axes.plot(1000 * seconds, error, MARKERS[number % len(MARKERS)], color=f"C{number % 10}", label=title)
        axes.set(title=task, xlabel="milliseconds per iteration", ylabel="test error, %", xscale="log")
        axes.margins(x=0.15)
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])  # room for a whole sign at the top
        axes.grid(alpha=0.3)
        plain_logarithm(axes.xaxis)
    signs = {str(line.get_label()): line for axes in figure.axes for line in axes.lines}
    figure.legend(list(signs.values()), list(signs), loc="outside right upper", fontsize="x-small", frameon=False)
    return figure
