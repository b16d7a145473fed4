"""How active primary capsules are, and how strongly they are coupled: Figures 1 and 4 of the ladder paper.

These show averages over "5444 samples of digit 0": the zeros among the training images after the first 5,000, which are
set aside for validation. An average is that of one capsule over the images, and the capsules are sorted by it
afterwards. (Averages of the most active capsule of each image, of the second one and so on would fall at K by
construction.) What needs SciPy is imported in the functions that use it: a trial's process must not load it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from harness.analysis.base import Analysis, FigureSpec, TrainedModel, register
from harness.analysis.comparison import Comparison, Finding
from harness.analysis.rows import Arrays, Rows, TrainedRow
from harness.data.dataset import Examples
from harness.drawing.captioned_figure import CaptionedFigure
from harness.drawing.plots import LINE, STYLES, WIDE, legend, new_figure
from harness.drawing.style import BLUE, RED
from harness.suite.claims import ModelClaim, RowSelector

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

NAME = "capsule_activity"
AVERAGED_CLASS = 0
VALIDATION = 5_000  # training images
COUPLED, ACTIVE = 100, 300  # how many of the most active capsules Figures 1 and 4 have
BETWEEN = (0.2, 0.8)  # of the way from the inactive capsules' activity to that of the active ones
IMAGES = f"the images of digit {AVERAGED_CLASS} among the training images after the first {VALIDATION:,}"


class ClearerSeparation(ModelClaim):
    """Active and inactive capsules are separated more clearly in the models of some rows than in those of others."""

    kind: Literal["clearer_separation"]
    than: RowSelector


class CouplingFollowsActivity(ModelClaim):
    """In the models of some rows, more active capsules are coupled more strongly to the capsule of their class."""

    kind: Literal["coupling_follows_activity"]


def clearer(claim: ClearerSeparation, rows: Rows) -> list[Comparison]:
    """Compare each row's models with each other row's."""
    ours, theirs = (rows.select(side, claim.task) for side in (claim.of, claim.than))
    return [_clearer(row, other) for row in ours for other in theirs if row is not other]


def coupled(claim: CouplingFollowsActivity, rows: Rows) -> list[Comparison]:
    """Test each row's models."""
    return [_coupled(row) for row in rows.select(claim.of, claim.task)]


@register(NAME)
class CapsuleActivity(Analysis):
    """Mean activities of the primary capsules on one class, and their mean couplings to it."""

    position = 60
    claims: ClassVar = {ClearerSeparation: clearer, CouplingFollowsActivity: coupled}

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """`activities` of all primary capsules, in descending order, and their `couplings`: (capsule,) float32 each.

        Measures variants whose output has `primary_lengths` (batch, capsule) among its details, and their `couplings`
        (batch, class, capsule) where it has these.
        """
        sums: dict[str, Tensor] = {}
        images = 0
        for batch, output in trained.outputs(averaged_images(trained.train)):
            details = output.details or {}
            if "primary_lengths" not in details:
                break
            _add(sums, "activities", details["primary_lengths"])
            if "couplings" in details:
                _add(sums, "couplings", details["couplings"][:, AVERAGED_CLASS])
            images += len(batch)
        if not sums:
            return {}
        order = sums["activities"].argsort(descending=True)
        return {name: (total[order] / images).float().cpu().numpy() for name, total in sums.items()}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield, on each task, Figure 1 of each row that has couplings, and Figure 4 of all others."""
        by_task = rows.by_task(_models_of)
        for task, found in by_task.items():
            of = (task,) if len(by_task) > 1 else ()  # most often only one task's training images fit the models
            coupling = {title: models for title, models in found.items() if all("couplings" in m for m in models)}
            for title, models in coupling.items():
                draw = partial(_draw_couplings, ", ".join((title, *of)), models[0])
                yield FigureSpec("couplings", (*of, title), draw)
            others = {title: models for title, models in found.items() if title not in coupling}
            if others:
                yield FigureSpec("activities", of, partial(_draw_activities, of, others))


def averaged_images(train: Examples) -> Examples:
    """The training images over which the averages are taken."""
    chosen = np.flatnonzero(train.labels[VALIDATION:] == AVERAGED_CLASS) + VALIDATION
    return Examples(train.images[chosen], train.labels[chosen])


def _add(sums: dict[str, Tensor], name: str, values: Tensor) -> None:
    total = values.double().sum(dim=0)
    sums[name] = sums[name] + total if name in sums else total


def _models_of(row: TrainedRow) -> list[Arrays] | None:
    return row.arrays() or None


def _draw_couplings(title: str, model: Arrays, name: str) -> CaptionedFigure:
    activities, couplings = model["activities"][:COUPLED], model["couplings"][:COUPLED]
    return CaptionedFigure(
        name,
        f"Activity and coupling, {title}",
        f"Figure 1 of the paper: the {COUPLED} most active primary capsules over {IMAGES}, their mean length and their "
        f"mean coupling to the capsule of that digit.",
        f"Lengths from {activities[0]:.2f} to {activities[-1]:.2f}, "
        f"couplings from {couplings[0]:.3f} to {couplings[-1]:.3f}.",
        couplings_figure(activities, couplings),
    )


def _draw_activities(of: tuple[str, ...], ladders: dict[str, list[Arrays]], name: str) -> CaptionedFigure:
    highest = {title: [each["activities"][:ACTIVE] for each in models] for title, models in ladders.items()}
    ends = "; ".join(f"{title} {lists[0][0]:.2f} to {lists[0][-1]:.2f}" for title, lists in highest.items())
    return CaptionedFigure(
        name,
        ", ".join(("Activity of the primary capsules", *of)),
        f"Figure 4 of the paper: mean activities of the {ACTIVE} most active primary capsules over {IMAGES}; the mean "
        f"of each capsule, put in order afterwards.",
        f"Activities from the most active capsule to the last one shown: {ends}.",
        activities_figure(highest),
    )


def couplings_figure(activities: Sequence[float] | np.ndarray, couplings: Sequence[float] | np.ndarray) -> Figure:
    """Plot lengths on the left axis and couplings on the right one over the rank of the capsule."""
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
    """Plot the mean of each row's activities over its seeds, over the rank of the capsule."""
    figure = new_figure(WIDE[0], max(WIDE[1], LINE * len(activities)))
    axes = figure.subplots()
    for number, (title, seeds) in enumerate(activities.items()):
        shortest = min(map(len, seeds))
        values = np.mean([seed[:shortest] for seed in seeds], axis=0)
        axes.plot(np.arange(1, shortest + 1), values, STYLES[number % len(STYLES)], label=title)
    axes.set(xlabel="primary capsule, most active first", ylabel="mean activity", ylim=(0, 1))
    legend(figure, axes, len(activities))
    return figure


def separation(activities: Sequence[float] | np.ndarray) -> float:
    """How clearly active and inactive capsules are separated: the share of capsules that are not in between, 0..1.

    A capsule is in between if its activity lies from 0.2 to 0.8 of the way from the median of the inactive half of
    the range of activities to the median of the active half. The share is 1 where there are two levels only, 0.7 where
    activities are spread evenly, and 0 where all are the same. As a share of all capsules it does not depend on how
    many of them are active.
    """
    values = np.asarray(activities, dtype=np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    middle = (values.min() + values.max()) / 2
    low, high = (float(np.median(half)) for half in (values[values <= middle], values[values > middle]))
    way = (values - low) / (high - low)
    return float(1 - ((way > BETWEEN[0]) & (way < BETWEEN[1])).mean())


def coupling_correlation(activities: Sequence[float] | np.ndarray, couplings: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation over all capsules; NaN if all activities or all couplings are the same.

    It has no p-value here: capsules of one model are neighbours of each other, and not independent.
    """
    if len(activities) < 2 or np.ptp(activities) == 0 or np.ptp(couplings) == 0:
        return np.nan
    from scipy.stats import spearmanr

    return float(spearmanr(activities, couplings).statistic)


def _clearer(row: TrainedRow, other: TrainedRow) -> Comparison:
    from harness.statistics.estimate import LEVEL
    from harness.statistics.exact import rank_test, smallest_of_ranks

    ours, theirs = (
        [separation(each["activities"]) for each in side.arrays() if "activities" in each] for side in (row, other)
    )
    if not ours or not theirs:
        return Comparison(f"the activities of {row.title} or {other.title} are not known")
    text = f"{row.title} {_span(ours)}, {other.title} {_span(theirs)} of 1"
    if not np.isfinite([*ours, *theirs]).all():
        return Comparison(f"{text}, which is undefined")
    is_higher = bool(np.greater.outer(ours, theirs).mean() > np.less.outer(ours, theirs).mean())
    test = f"exact rank test of {len(ours)} and {len(theirs)} seeds"
    if smallest_of_ranks(len(ours), len(theirs)) >= LEVEL:
        return Comparison(text, Finding(is_higher, None), test=f"{test}, which are too few for it to show anything")
    return Comparison(text, Finding(is_higher, rank_test(ours, theirs)), [row, other], test)


def _span(values: Sequence[float]) -> str:
    return f"{values[0]:.3f}" if len(values) == 1 else f"{min(values):.3f} to {max(values):.3f}"


def _coupled(row: TrainedRow) -> Comparison:
    known = [each for each in row.arrays() if "couplings" in each]
    if not known:
        return Comparison(f"the couplings of {row.title} are not known")
    correlations = [coupling_correlation(each["activities"], each["couplings"]) for each in known]
    if not np.isfinite(correlations).all():
        return Comparison(
            f"{row.title}: the rank correlation is undefined, because couplings or activities are constant"
        )
    capsules = len(known[0]["activities"])
    text = f"{row.title}: rank correlation {_span(correlations)} over {capsules:,} capsules"
    finding = Finding(float(np.mean(correlations)) > 0, _p_of(correlations))
    return Comparison(text, finding, [row], _test(len(known)))


def _p_of(correlations: Sequence[float]) -> float | None:
    """The p-value of the mean of Fisher's z over seeds; None with fewer than `FEWEST` seeds or no spread."""
    from harness.statistics.estimate import FEWEST, mean_of

    if len(correlations) < FEWEST:
        return None
    found = mean_of(np.arctanh(np.clip(correlations, -1 + 1e-12, 1 - 1e-12)).tolist())
    return found.p() if found.has_spread else None


def _test(seeds: int) -> str:
    from harness.statistics.estimate import FEWEST

    if seeds < FEWEST:
        return f"{seeds} seed{'s' if seeds > 1 else ''}, and {FEWEST} are the fewest that can show it"
    return f"Student's t of Fisher's z over {seeds} seeds"
