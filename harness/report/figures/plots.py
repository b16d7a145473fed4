"""Figures of lines and points, each a function from data to a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from harness.report.figures.drawing import BLUE, RED, WIDTH
from harness.report.figures.graphs import Curve

WIDE = (WIDTH, 3.4)  # inches
STYLES = ("-", "--", ":", "-.")  # besides colour, for those who see none
MARKERS = "osD^v<>PX*"
INSIDE = 12  # rows of a legend that has room in the axes; a longer one stands on the right
LINE, COLUMN = 0.16, 0.28  # inches of a row in a legend, and of a name on an axis


def couplings_figure(activities: Sequence[float], couplings: Sequence[float]) -> Figure:
    """Lengths on the left axis, couplings on the right one, over the rank of the capsule."""
    figure = Figure(figsize=WIDE, layout="constrained")
    left = figure.subplots()
    rank = np.arange(1, len(activities) + 1)
    left.plot(rank, activities, color=BLUE, label="mean length of u_i")
    left.set(xlabel="primary capsule, most active first", ylabel="mean length of u_i")
    right = left.twinx()
    right.plot(rank, couplings, color=RED, linestyle="--", label="mean coupling c_ij")
    right.set_ylabel("mean coupling c_ij")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def activities_figure(activities: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Mean over seeds of each row's activities over the rank of the capsule."""
    figure = Figure(figsize=(WIDE[0], max(WIDE[1], LINE * len(activities))), layout="constrained")
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(activities.items()):
        shortest = min(map(len, seeds))
        values = np.mean([seed[:shortest] for seed in seeds], axis=0)
        axes.plot(np.arange(1, shortest + 1), values, STYLES[number % len(STYLES)], label=title)
    axes.set(xlabel="primary capsule, most active first", ylabel="mean activity", ylim=(0, 1))
    _legend(figure, axes, len(activities))
    return figure


def curves_figure(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """Mean over seeds of each row's curve, with a band from the lowest to the highest seed."""
    figure = Figure(figsize=(WIDE[0], max(WIDE[1], LINE * len(curves))), layout="constrained")
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(curves.items()):
        shortest = min(map(len, seeds))
        epochs = [epoch for epoch, _ in seeds[0][:shortest]]
        values = np.array([[value for _, value in seed[:shortest]] for seed in seeds])
        [line] = axes.plot(epochs, values.mean(axis=0), STYLES[number % len(STYLES)], label=title)
        if len(seeds) > 1:
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2)
    axes.set(xlabel="epoch", ylabel="error in training, %", ylim=(0, None))
    _legend(figure, axes, len(curves), columns=2)
    return figure


def _legend(figure: Figure, axes: Axes, rows: int, columns: int = 1) -> None:
    if rows <= INSIDE:
        axes.legend(frameon=False, fontsize="small", ncols=columns)
    else:
        figure.legend(loc="outside right upper", fontsize="x-small", frameon=False)


def costs_figure(costs: Sequence[tuple[str, str, float, float]]) -> Figure:
    """One panel for each task: test error over seconds per iteration, a sign for each row."""
    tasks = list(dict.fromkeys(task for task, *_ in costs))
    titles = list(dict.fromkeys(title for _, title, *_ in costs))
    figure = Figure(figsize=(WIDTH, max(3.2, LINE * len(titles))), layout="constrained")
    for axes, task in zip(np.atleast_1d(figure.subplots(1, len(tasks))), tasks, strict=True):
        for _, title, seconds, error in (point for point in costs if point[0] == task):
            number = titles.index(title)
            axes.plot(1000 * seconds, error, MARKERS[number % len(MARKERS)], color=f"C{number % 10}", label=title)
        axes.set(title=task, xlabel="milliseconds per iteration", ylabel="test error, %", xscale="log")
        axes.margins(x=0.15)
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])  # room for a whole sign at the top
        axes.grid(alpha=0.3)
        _plain_logarithm(axes.xaxis)
    signs = {str(line.get_label()): line for axes in figure.axes for line in axes.lines}
    figure.legend(list(signs.values()), list(signs), loc="outside right upper", fontsize="x-small", frameon=False)
    return figure


def _plain_logarithm(axis: Axis) -> None:
    """The ticks of a logarithmic axis as plain numbers."""
    least, most = axis.get_view_interval()
    is_short = most < 5 * least
    axis.set_major_locator(MaxNLocator(6) if is_short else LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())


def samples_figure(samples: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Dots for iterations, a column for each process, rows of Table 3 side by side."""
    figure = Figure(figsize=(max(WIDE[0], COLUMN * len(samples)), WIDE[1] + 0.6), layout="constrained")
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
    _plain_logarithm(axes.yaxis)
    return figure
