"""The times of single iterations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, register
from harness.analysis.rows import Rows, TimedRow
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.plots import COLUMN, WIDE, new_figure, plain_logarithm
from harness.drawing.style import BLUE, RED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@register("samples")
class Samples(Analysis):
    """The times of single iterations."""

    position = 30

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield one for all timed rows."""
        samples = rows.of_timed(_samples_of)
        if samples:
            yield FigureSpec("samples", (), partial(_draw, samples))


def _samples_of(row: TimedRow) -> list[list[float]] | None:
    return [seconds for seconds in row.samples() if seconds] or None


def _draw(samples: dict[str, list[list[float]]], name: str) -> CaptionedFigure:
    medians = {title: float(np.median(np.concatenate(lists))) for title, lists in samples.items()}
    return CaptionedFigure(
        name,
        "Single iterations",
        "Every timed iteration; each column of dots is one process, the bar its median.",
        f"Medians: {'; '.join(f'{title} {1000 * median:.0f} ms' for title, median in medians.items())}.",
        samples_figure(samples),
    )


def samples_figure(samples: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Plot a dot for each iteration, a column for each process, the rows side by side."""
    figure = new_figure(max(WIDE[0], COLUMN * len(samples)), WIDE[1] + 0.6)
    axes = figure.subplots()
    places = []
    for number, lists in enumerate(samples.values()):
        columns = number + np.linspace(-0.3, 0.3, len(lists)) if len(lists) > 1 else np.array([float(number)])
        places.append(number)
        for column, seconds in zip(columns, lists, strict=True):
            milliseconds = 1000 * np.asarray(seconds)
            place = np.full(len(seconds), column)
            axes.plot(place, milliseconds, ".", color=BLUE, markersize=2, alpha=0.6, rasterized=True)
            axes.plot([column - 0.05, column + 0.05], [np.median(milliseconds)] * 2, color=RED)
    axes.set_xticks(places, list(samples), rotation=30, ha="right", fontsize="x-small")
    axes.set(ylabel="milliseconds per iteration", yscale="log")
    axes.grid(axis="y", alpha=0.3)
    plain_logarithm(axes.yaxis)
    return figure
