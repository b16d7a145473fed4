"""The data of all figures, from what is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from harness.data.check import MOST_CLASSES
from harness.errors import UserError, cause_of
from harness.report.evidence import Measured
from harness.report.figures.graphs import ByRow, Curve, Graphs, Kept, Mistakes, Moved
from harness.report.rows import ErrorRow, TimeRow

SHOWN = 300  # most active capsules, as in the ladder paper's Figure 4


def graphs_of(table2: Sequence[ErrorRow], table3: Sequence[TimeRow], measured: Measured) -> Graphs:
    """The data of all figures, from what is recorded."""
    graphs = Graphs()
    with _attempt(graphs, "samples and costs"):
        graphs.samples.update(_samples(table3, measured))
        graphs.costs.extend(_costs(table2, table3))
    for row in table2:
        _add_row(graphs, row, measured)
    return graphs


def _add_row(graphs: Graphs, row: ErrorRow, measured: Measured) -> None:
    with _attempt(graphs, f"curves of {row.title} on {row.task}"):
        _add_curves(graphs.curves, row, measured)
    with _attempt(graphs, f"activities of {row.title} on {row.task}"):
        _add_activities(graphs, row, measured)
    with _attempt(graphs, f"answers and pictures of {row.title} on {row.task}"):
        pictures = measured.pictures(row.title, row.task)
        _add_answers(graphs, row, measured.answers(row.title, row.task), pictures)
        _add_pictures(graphs, row, pictures)


@contextmanager
def _attempt(graphs: Graphs, what: str) -> Iterator[None]:
    """Around what reads files that may have come from anywhere; what is lost is told by an error of its own."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever a file of another shape leads to: no figure is worth a report
        graphs.left_out.append(f"{what}: {cause_of(error)}")


def _samples(table3: Sequence[TimeRow], measured: Measured) -> dict[str, list[list[float]]]:
    samples = {}
    for row in table3:
        lists = [measured.files.samples(trial.key) for trial in measured.trials("timing", row.title, row.task)]
        if any(lists):
            samples[row.title] = [each for each in lists if each]
    return samples


def _costs(table2: Sequence[ErrorRow], table3: Sequence[TimeRow]) -> list[tuple[str, str, float, float]]:
    return [
        (row.task, row.title, timed.median, row.measured)
        for row in table2
        for timed in table3
        if (row.variant, row.config) == (timed.variant, timed.config)  # their labels may differ
        if row.measured is not None and timed.median is not None
    ]


def _add_curves(curves: ByRow[list[Curve]], row: ErrorRow, measured: Measured) -> None:
    trials = measured.trials("training", row.title, row.task)
    found = [curve for trial in trials if (curve := measured.files.curve(trial.key))]
    if found:
        curves.setdefault(row.task, {})[row.title] = found


def _add_activities(graphs: Graphs, row: ErrorRow, measured: Measured) -> None:
    shown = measured.activity(row)
    if shown:
        graphs.activities[row.title] = [each["activities"][:SHOWN] for each in shown]
    if shown and all("couplings" in each for each in shown):
        graphs.couplings[row.title] = [each["couplings"][:SHOWN] for each in shown]


def _add_answers(
    graphs: Graphs,
    row: ErrorRow,
    answers: dict[int, tuple[np.ndarray, np.ndarray]],
    pictures: dict[str, np.ndarray],
) -> None:
    if not answers:
        return
    classes = 1 + max(int(max(predicted.max(), true.max())) for predicted, true in answers.values())
    if classes > MOST_CLASSES:
        raise ValueError(f"there are answers of {classes:,} classes")
    counts = np.zeros((classes, classes), dtype=int)
    for predicted, true in answers.values():
        np.add.at(counts, (true, predicted), 1)
    graphs.confusions.setdefault(row.task, {})[row.title] = counts
    if "mistakes" in pictures:
        predicted, true = next(iter(answers.values()))
        at = pictures["mistakes_at"]
        graphs.mistakes.setdefault(row.task, {})[row.title] = Mistakes(
            pictures["mistakes"], true[at], predicted[at], int((predicted != true).sum()), len(true)
        )


def _add_pictures(graphs: Graphs, row: ErrorRow, pictures: dict[str, np.ndarray]) -> None:
    if "reconstructed" in pictures:
        pair = np.stack([pictures["shown"], pictures["reconstructed"]])
        graphs.reconstructions.setdefault(row.task, {})[row.title] = pair
    if "moved" in pictures:
        moved = Moved(pictures["moved"], int(pictures["moved_class"]))
        graphs.moved.setdefault(row.task, {})[row.title] = moved
    if "kept" in pictures:
        kept = Kept(pictures["kept"], pictures["centres"], pictures["mean_images"])
        graphs.kept.setdefault(row.task, {})[row.title] = kept
