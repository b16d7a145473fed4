"""All figures of a report, in their order, with their captions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.report.figures.drawing import Drawing, style
from harness.report.figures.graphs import Graphs, Kept
from harness.report.figures.images import (
    OFFSETS,
    confusion_figure,
    kept_figure,
    mistakes_figure,
    moved_figure,
    reconstructions_figure,
)
from harness.report.figures.plots import (
    activities_figure,
    costs_figure,
    couplings_figure,
    curves_figure,
    samples_figure,
)

COUPLED = 100  # capsules of the ladder paper's Figure 1
IMAGES = "the images of digit 0 among the training images after the first 5,000"


def draw_all(graphs: Graphs) -> list[Drawing]:
    """Every figure that there are data for."""
    parts = (
        _curves,
        _costs,
        _samples,
        _confusions,
        _mistakes,
        _couplings,
        _activities,
        _kept,
        _reconstructions,
        _moved,
    )
    with style():
        return [drawing for part in parts for drawing in part(graphs)]


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
            f"Figure 4 of the paper: mean activities of the 300 most active primary capsules over {IMAGES}; the mean "
            f"of each capsule, put in order afterwards.",
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


def _confusions(graphs: Graphs) -> Iterator[Drawing]:
    for task, confusions in graphs.confusions.items():
        if any(_wrong(counts) for counts in confusions.values()):
            told = [f"{title} takes {_commonest(counts)}" for title, counts in confusions.items() if _wrong(counts)]
            yield Drawing(
                f"confusions-{task}",
                f"Confusions, {task}",
                "Which classes are taken for which, in percent of the true class, over all seeds; on the grey diagonal "
                "is what is right.",
                f"Most often, {'; '.join(told)}.",
                confusion_figure(confusions),
            )


def _wrong(counts: np.ndarray) -> int:
    return int(counts.sum() - np.trace(counts))


def _commonest(counts: np.ndarray) -> str:
    off = counts - np.diag(np.diag(counts))
    truth, prediction = np.unravel_index(off.argmax(), off.shape)
    return f"{truth} for {prediction} ({off.max()} of {counts[truth].sum()})"


def _mistakes(graphs: Graphs) -> Iterator[Drawing]:
    for task, mistakes in graphs.mistakes.items():
        told = [f"{title} {each.wrong} of {each.tested}" for title, each in mistakes.items()]
        if any(len(each.images) for each in mistakes.values()):
            yield Drawing(
                f"mistakes-{task}",
                f"Wrong answers, {task}",
                "The first test images that each row gets wrong (first seed), with true class → predicted class; on "
                "the left, how many of all that were tested.",
                f"Wrong images: {'; '.join(told)}.",
                mistakes_figure(mistakes),
            )


def _reconstructions(graphs: Graphs) -> Iterator[Drawing]:
    for task, reconstructions in graphs.reconstructions.items():
        off = {title: np.abs(np.diff(each.astype(float), axis=0)).mean() for title, each in reconstructions.items()}
        told = [f"{title} {error:.0f} of 255" for title, error in off.items()]
        yield Drawing(
            f"reconstructions-{task}",
            f"Reconstructions, {task}",
            "The first test image of each class, and what the decoder makes of the predicted class's capsule (first "
            "seed).",
            f"Mean difference of a pixel: {'; '.join(told)}.",
            reconstructions_figure(reconstructions),
        )


def _moved(graphs: Graphs) -> Iterator[Drawing]:
    for task, rows in graphs.moved.items():
        for title, moved in rows.items():
            spread = moved.images.astype(float).std(axis=1).mean(axis=(1, 2))
            yield Drawing(
                f"moved-{task}-{title}",
                f"One dimension moved, {title}, {task}",
                f"A {moved.label} decoded while one dimension of its digit capsule is moved by {OFFSETS[0]} to "
                f"{OFFSETS[1]} in steps of 0.05, as in Figure 4 of Sabour, Frosst, Hinton 2017 (first seed).",
                f"Dimension {int(spread.argmax()) + 1} changes the image most, dimension {int(spread.argmin()) + 1} "
                f"least.",
                moved_figure(moved),
            )


def _kept(graphs: Graphs) -> Iterator[Drawing]:
    for task, kept in graphs.kept.items():
        told = [f"{title} {_share_inside(each):.0%}" for title, each in kept.items()]
        yield Drawing(
            f"kept-{task}",
            f"What pruning keeps, {task}",
            "The code vector as a map: the mean number of primary capsules that pruning keeps at each position, over "
            "the mean image of each class (first seed, up to 500 test images).",
            f"Share of the kept capsules that lie where the mean image has ink: {'; '.join(told)}.",
            kept_figure(kept),
        )


def _share_inside(kept: Kept) -> float:
    """The share of kept capsules whose position shows at least a quarter of the ink of the darkest pixel."""
    places = np.rint(kept.centres).astype(int)
    ink = kept.mean_images[:, places[:, None], places[None, :]]
    inside = ink >= 0.25 * kept.mean_images.max(axis=(1, 2), keepdims=True)
    return float(kept.counts[inside].sum() / kept.counts.sum())
