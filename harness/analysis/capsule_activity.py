"""How active primary capsules are, and how strongly they are coupled: Figures 1 and 4 of the ladder paper.

These show averages over "5444 samples of digit 0": the zeros among the training images after the first 5,000, which are
left for validation. An average is that of a capsule over the images; capsules are put in order afterwards. (The
averages of the most active capsule of each image, of the second one and so on would fall at K by construction.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import Analysis, Sketch, Trained, register
from harness.analysis.rows import Arrays, Rows, TrainedRow
from harness.data.dataset import Examples
from harness.report.figures.drawing import BLUE, RED, Drawing
from harness.report.figures.plots import LINE, STYLES, WIDE, legend, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

SHOWN_CLASS = 0
VALIDATION = 5_000  # training images
COUPLED, ACTIVE = 100, 300  # most active capsules that Figures 1 and 4 show
IMAGES = f"the images of digit {SHOWN_CLASS} among the training images after the first {VALIDATION:,}"


@register("capsule_activity")
class CapsuleActivity(Analysis):
    """Mean activities of the primary capsules on one class, and their mean couplings to it."""

    place = 60

    def measure(self, trained: Trained) -> dict[str, np.ndarray]:
        """`activities` of all primary capsules, in falling order, and their `couplings`: (capsule,) float32 each.

        A variant takes part by giving `primary_lengths` (batch, capsule) among its details and, where it has them,
        `couplings` (batch, class, capsule).
        """
        sums: dict[str, Tensor] = {}
        images = 0
        for batch, output in trained.outputs(shown_images(trained.train)):
            details = output.details or {}
            if "primary_lengths" not in details:
                break
            _add(sums, "activities", details["primary_lengths"])
            if "couplings" in details:
                _add(sums, "couplings", details["couplings"][:, SHOWN_CLASS])
            images += len(batch)
        if not sums:
            return {}
        order = sums["activities"].argsort(descending=True)
        return {name: (total[order] / images).float().cpu().numpy() for name, total in sums.items()}

    def figures(self, rows: Rows) -> Iterator[Sketch]:
        """Figure 1 for each row that has couplings, Figure 4 for all others."""
        found = {title: each for of_task in rows.by_task(_models_of).values() for title, each in of_task.items()}
        coupled = {title: models for title, models in found.items() if all("couplings" in each for each in models)}
        for title, models in coupled.items():
            yield Sketch("couplings", (title,), partial(_draw_couplings, title, models[0]))
        ladders = {title: models for title, models in found.items() if title not in coupled}
        if ladders:
            yield Sketch("activities", (), partial(_draw_activities, ladders))


def shown_images(train: Examples) -> Examples:
    """The training images that the averages are taken over."""
    chosen = np.flatnonzero(train.labels[VALIDATION:] == SHOWN_CLASS) + VALIDATION
    return Examples(train.images[chosen], train.labels[chosen])


def _add(sums: dict[str, Tensor], name: str, values: Tensor) -> None:
    total = values.double().sum(dim=0)
    sums[name] = sums[name] + total if name in sums else total


def _models_of(row: TrainedRow) -> list[Arrays] | None:
    """The arrays of those seeds' models that have any."""
    return [arrays for model in row.models if (arrays := model.arrays())] or None


def _draw_couplings(title: str, model: Arrays, name: str) -> Drawing:
    activities, shown = model["activities"][:COUPLED], model["couplings"][:COUPLED]
    return Drawing(
        name,
        f"Activity and coupling, {title}",
        f"Figure 1 of the paper: the {COUPLED} most active primary capsules over {IMAGES}, their mean length and their "
        f"mean coupling to the capsule of that digit.",
        f"Lengths from {activities[0]:.2f} to {activities[-1]:.2f}, couplings from {shown[0]:.3f} to {shown[-1]:.3f}.",
        couplings_figure(activities, shown),
    )


def _draw_activities(ladders: dict[str, list[Arrays]], name: str) -> Drawing:
    shown = {title: [each["activities"][:ACTIVE] for each in models] for title, models in ladders.items()}
    ends = "; ".join(f"{title} {lists[0][0]:.2f} to {lists[0][-1]:.2f}" for title, lists in shown.items())
    return Drawing(
        name,
        "Activity of the primary capsules",
        f"Figure 4 of the paper: mean activities of the {ACTIVE} most active primary capsules over {IMAGES}; the mean "
        f"of each capsule, put in order afterwards.",
        f"Activities from the most active capsule to the last one shown: {ends}.",
        activities_figure(shown),
    )


def couplings_figure(activities: Sequence[float] | np.ndarray, couplings: Sequence[float] | np.ndarray) -> Figure:
    """Lengths on the left axis, couplings on the right one, over the rank of the capsule."""
    figure = new_figure(*WIDE)
    left = figure.subplots()
    rank = np.arange(1, len(activities) + 1)
    left.plot(rank, activities, color=BLUE, label="mean length of u_i")
    left.set(xlabel="primary capsule, most active first", ylabel="mean length of u_i")
    right = left.twinx()
    right.plot(rank, couplings, color=RED, linestyle="--", label="mean coupling c_ij")
    right.set_ylabel("mean coupling c_ij")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def activities_figure(activities: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Mean over seeds of each row's activities over the rank of the capsule."""
    figure = new_figure(WIDE[0], max(WIDE[1], LINE * len(activities)))
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(activities.items()):
        shortest = min(map(len, seeds))
        values = np.mean([seed[:shortest] for seed in seeds], axis=0)
        axes.plot(np.arange(1, shortest + 1), values, STYLES[number % len(STYLES)], label=title)
    axes.set(xlabel="primary capsule, most active first", ylabel="mean activity", ylim=(0, 1))
    legend(figure, axes, len(activities))
    return figure
