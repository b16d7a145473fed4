"""What the record holds of pairs of rows: their models' mistakes image by image, their times block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from harness.plan import Plan
from harness.report.graphs import Curve, Graphs
from harness.report.pairs import Pair, compare
from harness.report.rows import ErrorRow, TableRow, TimeRow
from harness.report.statistics import Estimate, ratio_over_blocks
from harness.trial import Trial


class Files(Protocol):
    """What trials have left besides their metrics."""

    def wrong(self, key: str) -> dict[str, np.ndarray]:
        """See `harness.record.history.History.wrong`."""

    def activity(self, key: str) -> dict[str, list[float]]:
        """See `harness.record.history.History.activity`."""

    def curve(self, key: str) -> list[tuple[float, float]]:
        """See `harness.record.history.History.curve`."""

    def samples(self, key: str) -> list[float]:
        """See `harness.record.history.History.samples`."""


@dataclass(frozen=True)
class Measured:
    """The trials of a plan that are done, by the rows of its tables.

    seconds: the median time of an iteration by the key of a timing trial that is done.
    done: the keys of all trials that are done.
    """

    plan: Plan
    files: Files
    seconds: dict[str, float]
    done: frozenset[str]

    def pair(self, row: TableRow, other: TableRow) -> Pair | None:
        """Two rows of Table 2 on the first test of a task, over the seeds that both have; None if there are none."""
        if row.task != other.task:
            return None
        return pair_of(self.mistakes(row.title, row.task), self.mistakes(other.title, other.task))

    def ratio(self, row: TableRow, other: TableRow) -> Estimate | None:
        """The time of a row of Table 3 over another's, block by block; None if they share no block."""
        ours, theirs = self.times(row.title, row.task), self.times(other.title, other.task)
        blocks = sorted(ours.keys() & theirs.keys())
        return ratio_over_blocks([ours[b] for b in blocks], [theirs[b] for b in blocks]) if blocks else None

    def activity(self, row: TableRow) -> list[dict[str, list[float]]]:
        """The activities of a row's models, one for each seed that is done."""
        found = [self.files.activity(trial.key) for trial in self.trials("training", row.title, row.task)]
        return [each for each in found if each]

    def mistakes(self, title: str, task: str) -> dict[int, np.ndarray]:
        """Whether the model of each seed got each image of the task's first test wrong, (images,) bool by seed."""
        found = {}
        for trial in self.trials("training", title, task):
            wrong = _cached(self.files.wrong, trial.key)
            if wrong:
                found[trial.seed] = next(iter(wrong.values()))
        return found

    def times(self, title: str, task: str) -> dict[int, float]:
        """The median time of an iteration in each block, seconds."""
        return {trial.seed: self.seconds[trial.key] for trial in self.trials("timing", title, task)}

    def trials(self, kind: str, title: str, task: str) -> list[Trial]:
        """The trials of a row that are done."""
        return [
            trial
            for trial in self.plan.trials
            if (trial.kind, trial.title, trial.task) == (kind, title, task) and trial.key in self.done
        ]


def pair_of(ours: dict[int, np.ndarray], theirs: dict[int, np.ndarray]) -> Pair | None:
    """Two models' mistakes by seed compared over the seeds that both have, if they were tested on the same images."""
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds or any(ours[seed].shape != theirs[seed].shape for seed in seeds):
        return None
    return compare([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds])


@lru_cache(maxsize=512)
def _cached(read: Callable[[str], dict[str, np.ndarray]], key: str) -> dict[str, np.ndarray]:
    return read(key)


def graphs_of(table2: Sequence[ErrorRow], table3: Sequence[TimeRow], measured: Measured) -> Graphs:
    """The data of all figures, from what is recorded."""
    curves: dict[str, dict[str, list[Curve]]] = {}
    activities, couplings = {}, {}
    for row in table2:
        trials = measured.trials("training", row.title, row.task)
        found = [curve for trial in trials if (curve := measured.files.curve(trial.key))]
        if found:
            curves.setdefault(row.task, {})[row.title] = found
        shown = measured.activity(row)
        if shown:
            activities[row.title] = [each["activities"] for each in shown]
        if shown and all("couplings" in each for each in shown):
            couplings[row.title] = [each["couplings"] for each in shown]
    samples = {}
    for timed in table3:
        lists = [measured.files.samples(trial.key) for trial in measured.trials("timing", timed.title, timed.task)]
        if any(lists):
            samples[timed.title] = [each for each in lists if each]
    seconds = {row.title: row.median for row in table3 if row.median is not None}
    costs = [
        (row.task, row.title, seconds[row.title], row.measured)
        for row in table2
        if row.measured is not None and row.title in seconds
    ]
    return Graphs(curves, samples, activities, couplings, costs)
