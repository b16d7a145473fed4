"""Figures, each a function from data to a matplotlib figure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from harness.report.graphs import Curve, Graphs

WIDE, SQUARE = (7.2, 3.4), (5.2, 3.6)  # inches
STYLES = ("-", "--", ":", "-.")  # besides colour, for those who see none
COUPLED = 100  # capsules of the ladder paper's Figure 1
IMAGES = "the images of digit 0 among the training images after the first 5,000"


@dataclass(frozen=True)
class Drawing:
    """A figure with what is said of it."""

    name: str
    title: str
    caption: str
    text: str  # what it shows, for those who can't see it
    figure: Figure

    def svg(self) -> str:
        """As an element that can stand in a page."""
        drawn = io.StringIO()
        self.figure.savefig(drawn, format="svg", metadata={"Date": None}, transparent=True)
        text = drawn.getvalue()
        return text[text.index("<svg") :]


def draw_all(graphs: Graphs) -> list[Drawing]:
    """Every figure that there are data for."""
    parts = (_couplings(graphs), _activities(graphs), _curves(graphs), _costs(graphs), _samples(graphs))
    return [drawing for part in parts for drawing in part]


def _couplings(graphs: Graphs) -> Iterator[Drawing]:
    for title, couplings in graphs.couplings.items():
        activities, shown = graphs.activities[title][0][:COUPLED], couplings[0][:COUPLED]
        yield Drawing(
            f"couplings-{title}",
            f"Activity and coupling, {title}",
            f"Figure 1 of the paper: the 100 most active primary capsules over {IMAGES}, their mean length and their "
            f"mean coupling to the capsule of that digit.",
            f"Lengths from {activities[0]:.2f} to {activities[-1]:.2f}, couplings from {shown[0]:.3f} to "
            f"{shown[-1]:.3f}.",
            couplings_figure(activities, shown),
        )


def _activities(graphs: Graphs) -> Iterator[Drawing]:
    ladders = {title: lists for title, lists in graphs.activities.items() if title not in graphs.couplings}
    if ladders:
        ends = "; ".join(f"{title} {lists[0][0]:.2f} to {lists[0][-1]:.2f}" for title, lists in ladders.items())
        yield Drawing(
            "activities",
            "Activity of the primary capsules",
            f"Figure 4 of the paper: mean activities of the 300 most active primary capsules over {IMAGES}.",
            f"Activities from the most active capsule to the last one shown: {ends}.",
            activities_figure(ladders),
        )


def _curves(graphs: Graphs) -> Iterator[Drawing]:
    for task, curves in graphs.curves.items():
        last = "; ".join(f"{title} {np.mean([c[-1][1] for c in seeds]):.1f}%" for title, seeds in curves.items())
        yield Drawing(
            f"curves-{task}",
            f"Error in training, {task}",
            "Wrong answers on the training batches since the point before, in percent; a band is the range over seeds.",
            f"Errors at the end: {last}.",
            curves_figure(curves),
        )


def _costs(graphs: Graphs) -> Iterator[Drawing]:
    if graphs.costs:
        told = [f"{title} on {task} {error:.1f}% at {1000 * s:.0f} ms" for task, title, s, error in graphs.costs]
        yield Drawing(
            "costs",
            "Error against time",
            "Test error of each row and the median time of its training iteration: down and to the left is better.",
            "; ".join(told) + ".",
            costs_figure(graphs.costs),
        )


def _samples(graphs: Graphs) -> Iterator[Drawing]:
    if graphs.samples:
        medians = {title: float(np.median(np.concatenate(lists))) for title, lists in graphs.samples.items()}
        yield Drawing(
            "samples",
            "Single iterations",
            "Every timed iteration; each column of dots is one process, the bar its median.",
            f"Medians: {'; '.join(f'{title} {1000 * median:.0f} ms' for title, median in medians.items())}.",
            samples_figure(graphs.samples),
        )


def couplings_figure(activities: Sequence[float], couplings: Sequence[float]) -> Figure:
    """Lengths on the left axis, couplings on the right one, over the rank of the capsule."""
    figure = Figure(figsize=WIDE, layout="constrained")
    left = figure.subplots()
    rank = np.arange(1, len(activities) + 1)
    left.plot(rank, activities, color="#1f5fa8", label="mean length of u_i")
    left.set(xlabel="primary capsule, most active first", ylabel="mean length of u_i")
    right = left.twinx()
    right.plot(rank, couplings, color="#b3401f", linestyle="--", label="mean coupling c_ij")
    right.set_ylabel("mean coupling c_ij")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def activities_figure(activities: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Mean over seeds of each row's activities over the rank of the capsule."""
    figure = Figure(figsize=WIDE, layout="constrained")
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(activities.items()):
        shortest = min(map(len, seeds))
        values = np.mean([seed[:shortest] for seed in seeds], axis=0)
        axes.plot(np.arange(1, shortest + 1), values, STYLES[number % len(STYLES)], label=title)
    axes.set(xlabel="primary capsule, most active first", ylabel="mean activity", ylim=(0, 1))
    axes.legend(frameon=False, fontsize="small")
    return figure


def curves_figure(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """Mean over seeds of each row's curve, with a band from the lowest to the highest seed."""
    figure = Figure(figsize=WIDE, layout="constrained")
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(curves.items()):
        shortest = min(map(len, seeds))
        epochs = [epoch for epoch, _ in seeds[0][:shortest]]
        values = np.array([[value for _, value in seed[:shortest]] for seed in seeds])
        [line] = axes.plot(epochs, values.mean(axis=0), STYLES[number % len(STYLES)], label=title)
        if len(seeds) > 1:
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2)
    axes.set(xlabel="epoch", ylabel="error in training, %", ylim=(0, None))
    axes.legend(frameon=False, fontsize="small", ncols=2)
    return figure


def costs_figure(costs: Sequence[tuple[str, str, float, float]]) -> Figure:
    """One panel for each task: test error over seconds per iteration, every point with its name."""
    tasks = list(dict.fromkeys(task for task, *_ in costs))
    figure = Figure(figsize=(max(SQUARE[0], 4.2 * len(tasks)), SQUARE[1]), layout="constrained")
    for axes, task in zip(np.atleast_1d(figure.subplots(1, len(tasks))), tasks, strict=True):
        for _, title, seconds, error in (point for point in costs if point[0] == task):
            axes.plot(seconds, error, "o", color="#1f5fa8")
            axes.annotate(title, (seconds, error), xytext=(4, 3), textcoords="offset points", fontsize="x-small")
        axes.set(title=task, xlabel="seconds per iteration", ylabel="test error, %", xscale="log")
        axes.margins(x=0.35)
    return figure


def samples_figure(samples: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Dots for iterations, a column for each process, rows of Table 3 side by side."""
    figure = Figure(figsize=(WIDE[0], WIDE[1] + 0.6), layout="constrained")
    axes = figure.subplots()
    places = []
    for number, lists in enumerate(samples.values()):
        columns = number + np.linspace(-0.3, 0.3, len(lists)) if len(lists) > 1 else np.array([float(number)])
        places.append(number)
        for column, seconds in zip(columns, lists, strict=True):
            axes.plot(np.full(len(seconds), column), seconds, ".", color="#1f5fa8", markersize=2, alpha=0.6)
            axes.plot([column - 0.05, column + 0.05], [np.median(seconds)] * 2, color="#b3401f")
    axes.set_xticks(places, list(samples), rotation=30, ha="right", fontsize="x-small")
    axes.set(ylabel="seconds per iteration", yscale="log")
    return figure
