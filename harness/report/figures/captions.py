"""Every figure of a report with its caption and what it shows in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from harness.report.figures.drawing import Drawing
from harness.report.figures.graphs import Curve, Graphs, Kept, Mistakes, Moved
from harness.report.figures.images import (
    ACROSS_CLASSES,
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
Sketch = tuple[str, Callable[[str], Drawing]]  # a figure's name, and what draws it under that name
MOST_CLASSES, WORST_CLASSES = 50, 20  # of a matrix: of more than the first, the second that are confused most often


def _couplings(graphs: Graphs) -> Iterator[Sketch]:
    for title in graphs.couplings:
        yield f"couplings-{title}", partial(_coupling, graphs, title)


def _coupling(graphs: Graphs, title: str, name: str) -> Drawing:
    activities, shown = graphs.activities[title][0][:COUPLED], graphs.couplings[title][0][:COUPLED]
    return Drawing(
        name,
        f"Activity and coupling, {title}",
        f"Figure 1 of the paper: the 100 most active primary capsules over {IMAGES}, their mean length and their "
        f"mean coupling to the capsule of that digit.",
        f"Lengths from {activities[0]:.2f} to {activities[-1]:.2f}, couplings from {shown[0]:.3f} to {shown[-1]:.3f}.",
        couplings_figure(activities, shown),
    )


def _activities(graphs: Graphs) -> Iterator[Sketch]:
    ladders = {title: lists for title, lists in graphs.activities.items() if title not in graphs.couplings}
    if ladders:
        yield "activities", partial(_activity, ladders)


def _activity(ladders: dict[str, list[list[float]]], name: str) -> Drawing:
    ends = "; ".join(f"{title} {lists[0][0]:.2f} to {lists[0][-1]:.2f}" for title, lists in ladders.items())
    return Drawing(
        name,
        "Activity of the primary capsules",
        f"Figure 4 of the paper: mean activities of the 300 most active primary capsules over {IMAGES}; the mean "
        f"of each capsule, put in order afterwards.",
        f"Activities from the most active capsule to the last one shown: {ends}.",
        activities_figure(ladders),
    )


def _curves(graphs: Graphs) -> Iterator[Sketch]:
    for task, curves in graphs.curves.items():
        yield f"curves-{task}", partial(_curve, task, curves)


def _curve(task: str, curves: dict[str, list[Curve]], name: str) -> Drawing:
    last = "; ".join(f"{title} {np.mean([c[-1][1] for c in seeds]):.1f}%" for title, seeds in curves.items())
    return Drawing(
        name,
        f"Error in training, {task}",
        "Wrong answers on the training batches since the point before, in percent; a band is the range over seeds.",
        f"Errors at the end: {last}.",
        curves_figure(curves),
    )


def _costs(graphs: Graphs) -> Iterator[Sketch]:
    if graphs.costs:
        yield "costs", partial(_cost, graphs.costs)


def _cost(costs: list[tuple[str, str, float, float]], name: str) -> Drawing:
    told = [f"{title} on {task} {error:.1f}% at {1000 * s:.0f} ms" for task, title, s, error in costs]
    return Drawing(
        name,
        "Error against time",
        "Test error of each row and the median time of its training iteration: down and to the left is better.",
        "; ".join(told) + ".",
        costs_figure(costs),
    )


def _samples(graphs: Graphs) -> Iterator[Sketch]:
    if graphs.samples:
        yield "samples", partial(_sample, graphs.samples)


def _sample(samples: dict[str, list[list[float]]], name: str) -> Drawing:
    medians = {title: float(np.median(np.concatenate(lists))) for title, lists in samples.items()}
    return Drawing(
        name,
        "Single iterations",
        "Every timed iteration; each column of dots is one process, the bar its median.",
        f"Medians: {'; '.join(f'{title} {1000 * median:.0f} ms' for title, median in medians.items())}.",
        samples_figure(samples),
    )


def _confusions(graphs: Graphs) -> Iterator[Sketch]:
    for task, confusions in graphs.confusions.items():
        if any(_wrong(counts) for counts in confusions.values()):
            yield f"confusions-{task}", partial(_confusion, task, confusions)


def _confusion(task: str, confusions: dict[str, np.ndarray], name: str) -> Drawing:
    told = [f"{title} takes {_commonest(counts)}" for title, counts in confusions.items() if _wrong(counts)]
    classes = most_confused(list(confusions.values()))
    some = "" if classes is None else f"; of all classes the {len(classes)} that are confused most often"
    return Drawing(
        name,
        f"Confusions, {task}",
        f"Which classes are taken for which, in percent of the true class, over all seeds; on the grey diagonal "
        f"is what is right{some}.",
        f"Most often, {'; '.join(told)}.",
        confusion_figure(confusions, classes),
    )


def most_confused(matrices: list[np.ndarray]) -> list[int] | None:
    """The classes that are worth a place in a figure, in their order; None where there is room for all."""
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


def _mistakes(graphs: Graphs) -> Iterator[Sketch]:
    for task, mistakes in graphs.mistakes.items():
        if any(len(each.images) for each in mistakes.values()):
            yield f"mistakes-{task}", partial(_mistake, task, mistakes)


def _mistake(task: str, mistakes: dict[str, Mistakes], name: str) -> Drawing:
    told = [f"{title} {each.wrong} of {each.tested}" for title, each in mistakes.items()]
    return Drawing(
        name,
        f"Wrong answers, {task}",
        "The first test images that each row gets wrong (first seed), with true class → predicted class; on "
        "the left, how many of all that were tested.",
        f"Wrong images: {'; '.join(told)}.",
        mistakes_figure(mistakes),
    )


def _reconstructions(graphs: Graphs) -> Iterator[Sketch]:
    for task, reconstructions in graphs.reconstructions.items():
        yield f"reconstructions-{task}", partial(_reconstruction, task, reconstructions)


def _reconstruction(task: str, reconstructions: dict[str, np.ndarray], name: str) -> Drawing:
    off = {title: np.abs(np.diff(each.astype(float), axis=0)).mean() for title, each in reconstructions.items()}
    told = [f"{title} {error:.0f} of 255" for title, error in off.items()]
    return Drawing(
        name,
        f"Reconstructions, {task}",
        f"The first test image of each class, and what the decoder makes of the predicted class's capsule (first "
        f"seed{_first_classes(reconstructions.values(), 1)}).",
        f"Mean difference of a pixel: {'; '.join(told)}.",
        reconstructions_figure(reconstructions),
    )


def _first_classes(arrays: Iterable[np.ndarray], axis: int) -> str:
    """What is said where a figure has no room for all classes."""
    return f"; the first {ACROSS_CLASSES} classes" if any(a.shape[axis] > ACROSS_CLASSES for a in arrays) else ""


def _moved(graphs: Graphs) -> Iterator[Sketch]:
    for task, rows in graphs.moved.items():
        for title, moved in rows.items():
            yield f"moved-{task}-{title}", partial(_move, task, title, moved)


def _move(task: str, title: str, moved: Moved, name: str) -> Drawing:
    spread = moved.images.astype(float).std(axis=1).mean(axis=(1, 2))
    return Drawing(
        name,
        f"One dimension moved, {title}, {task}",
        f"A {moved.label} decoded while one dimension of its digit capsule is moved by {OFFSETS[0]} to "
        f"{OFFSETS[1]} in steps of 0.05, as in Figure 4 of Sabour, Frosst, Hinton 2017 (first seed).",
        f"Dimension {int(spread.argmax()) + 1} changes the image most, dimension {int(spread.argmin()) + 1} least.",
        moved_figure(moved),
    )


def _kept(graphs: Graphs) -> Iterator[Sketch]:
    for task, kept in graphs.kept.items():
        yield f"kept-{task}", partial(_keep, task, kept)


def _keep(task: str, kept: dict[str, Kept], name: str) -> Drawing:
    told = [f"{title} {_share_inside(each):.0%}" for title, each in kept.items()]
    return Drawing(
        name,
        f"What pruning keeps, {task}",
        f"The code vector as a map: the mean number of primary capsules that pruning keeps at each position, over "
        f"the mean image of each class (first seed, up to 500 test images"
        f"{_first_classes([each.mean_images for each in kept.values()], 0)}).",
        f"Share of the kept capsules that lie where the mean image has ink: {'; '.join(told)}.",
        kept_figure(kept),
    )


def _share_inside(kept: Kept) -> float:
    """The share of kept capsules whose position shows at least a quarter of the ink of the darkest pixel."""
    places = np.rint(kept.centres).astype(int)
    ink = kept.mean_images[:, places[:, None], places[None, :]]
    inside = ink >= 0.25 * kept.mean_images.max(axis=(1, 2), keepdims=True)
    return float(kept.counts[inside].sum() / max(kept.counts.sum(), 1e-12))


SKETCHES = (
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
