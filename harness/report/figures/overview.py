"""The first figure of a report: the error of every row with its interval, and the published error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.labels import labels
from harness.drawing.plots import new_figure
from harness.drawing.style import BLUE, RED, WIDTH
from harness.report.tables.rows import ErrorRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_HEIGHT, LEAST_HEIGHT = 0.26, 1.6  # inches: of a row, and of the figure
MARGIN = 0.12  # inches: text is wider in a PNG than matplotlib's layout assumes
GREY = "0.6"  # of rows that have not learned


def overview(name: str, rows: Sequence[ErrorRow]) -> CaptionedFigure | None:
    """Draw the test errors of all rows, a panel for each task; None if nothing is measured."""
    if all(row.measured is None for row in rows):
        return None
    errors = [f"{row.title} {row.measured:.2f}% on {row.test}" for row in rows if row.measured is not None]
    return CaptionedFigure(
        name,
        "Test error of every row",
        "Dots: measured, with 95% intervals over seeds and images (of one seed, over images alone); grey where a row "
        "has not learned. Diamonds: published.",
        f"{'; '.join(errors)}.",
        _figure(rows),
    )


def _figure(rows: Sequence[ErrorRow]) -> Figure:
    names, tasks = labels(row.title for row in rows), list(dict.fromkeys(row.task for row in rows))
    titles = list(names)
    tests = labels(_test(rows, task) for task in tasks)
    figure = new_figure(WIDTH, max(LEAST_HEIGHT, ROW_HEIGHT * len(titles) + 0.9))
    figure.set_layout_engine("constrained", w_pad=MARGIN)
    panels = np.atleast_1d(figure.subplots(1, len(tasks), sharey=True))
    for axes, task in zip(panels, tasks, strict=True):
        _panel(axes, [row for row in rows if row.task == task], titles)
        axes.set_title(tests[_test(rows, task)])
    panels[0].set_yticks(range(len(titles)), [names[title] for title in titles])
    signs = {str(line.get_label()): line for axes in panels for line in axes.lines if line.get_label()[:1] != "_"}
    figure.legend(list(signs.values()), list(signs), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _panel(axes: Axes, rows: Sequence[ErrorRow], titles: Sequence[str]) -> None:
    for row in rows:
        place = titles.index(row.title)
        if row.measured is not None:
            colour = GREY if row.unlearned else BLUE
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.5, label="_interval")
            axes.plot([row.measured], [place], "o", color=colour, markersize=5, label="measured")
        if row.published is not None:
            axes.plot([row.published], [place], "D", mfc="none", mec=RED, markersize=5, label="published")
    axes.set_xlabel("test error, %")
    axes.set_xlim(left=0)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)


def _test(rows: Sequence[ErrorRow], task: str) -> str:
    """The name of the test set, or of the task if the test is not known."""
    return next((row.test for row in rows if row.task == task and row.images), task)
