"""What the record holds of pairs of rows: their models' mistakes image by image, their times block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np

from harness.plan import Plan
from harness.report.pairs import Pair, compare
from harness.report.rows import TableRow
from harness.report.statistics import Estimate, ratio_over_blocks
from harness.trial import Trial

T = TypeVar("T")


class Files(Protocol):
    """What trials have left besides their metrics."""

    def answers(self, key: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See `harness.record.history.History.answers`."""

    def pictures(self, key: str) -> dict[str, np.ndarray]:
        """See `harness.record.history.History.pictures`."""

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
        return {seed: predicted != true for seed, (predicted, true) in self.answers(title, task).items()}

    def answers(self, title: str, task: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Predicted and true classes of the task's first test, by the seed of the model."""
        found = {}
        for trial in self.trials("training", title, task):
            answers = _cached(self.files.answers, trial.key)
            if answers:
                found[trial.seed] = next(iter(answers.values()))
        return found

    def pictures(self, title: str, task: str) -> dict[str, np.ndarray]:
        """The pictures of the first seed's model; empty if that is not done."""
        trials = self.trials("training", title, task)
        return self.files.pictures(trials[0].key) if trials else {}

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
def _cached(read: Callable[[str], T], key: str) -> T:
    return read(key)
