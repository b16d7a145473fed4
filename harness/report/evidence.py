"""What the record holds of pairs of rows: their models' mistakes image by image, their times block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np

from harness.plan import Plan
from harness.report.learning import Answers
from harness.report.pairs import Pair, compare
from harness.report.rows import TableRow
from harness.report.statistics import Estimate, ratio_over_blocks
from harness.trial import Trial

T = TypeVar("T")


def tests_of(trial: Trial, recorded: Iterable[str]) -> list[str]:
    """The names of a trial's tests. Whatever tells of "the" test of a task tells of the first.

    Arguments:
        recorded: the tests that the record knows of, for trials of an older record, which do not name theirs: there
            the test that the task is named after is the first.
    """
    return list(trial.tests) or sorted(recorded, key=lambda name: (not name.startswith(trial.task), len(name), name))


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
    nodes: the machine that such a trial was timed on, by its key.
    done: the keys of all trials that are done.
    """

    plan: Plan
    files: Files
    seconds: dict[str, float]
    done: frozenset[str]
    nodes: dict[str, str] = field(default_factory=dict)

    def pair(self, row: TableRow, other: TableRow) -> Pair | None:
        """Two rows of Table 2 on the first test of a task, over the seeds that both have; None if there are none."""
        if row.task != other.task:
            return None
        return pair_of(self.answers(row.title, row.task), self.answers(other.title, other.task))

    def ratio(self, row: TableRow, other: TableRow) -> Estimate | None:
        """The time of a row of Table 3 over another's, block by block; None if they share no block on one machine."""
        ours, theirs = self.times(row.title, row.task), self.times(other.title, other.task)
        blocks = sorted(ours.keys() & theirs.keys())
        return ratio_over_blocks([ours[b] for b in blocks], [theirs[b] for b in blocks]) if blocks else None

    def activity(self, row: TableRow) -> list[dict[str, list[float]]]:
        """The activities of a row's models, one for each seed that is done."""
        found = [self.files.activity(trial.key) for trial in self.trials("training", row.title, row.task)]
        return [each for each in found if each]

    def answers(self, title: str, task: str) -> dict[int, Answers]:
        """Predicted and true classes of the task's first test, by the seed of the model."""
        found = {}
        for trial in self.trials("training", title, task):
            answers = _cached(self.files.answers, trial.key)
            first = next(iter(tests_of(trial, answers)), "")
            if first in answers:
                found[trial.seed] = answers[first]
        return found

    def pictures(self, title: str, task: str) -> dict[str, np.ndarray]:
        """The pictures of the first seed's model; empty if that is not done."""
        trials = self.trials("training", title, task)
        return self.files.pictures(trials[0].key) if trials else {}

    def times(self, title: str, task: str) -> dict[tuple[int, str], float]:
        """The median time of an iteration in each block, seconds, by block and machine.

        A block that has lost its machine goes on on another, whose times can't be compared with the first one's.
        """
        trials = self.trials("timing", title, task)
        return {(trial.seed, self.nodes.get(trial.key, "")): self.seconds[trial.key] for trial in trials}

    def trials(self, kind: str, title: str, task: str) -> list[Trial]:
        """The trials of a row that are done."""
        return [
            trial
            for trial in self.plan.trials
            if (trial.kind, trial.title, trial.task) == (kind, title, task) and trial.key in self.done
        ]


def pair_of(ours: dict[int, Answers], theirs: dict[int, Answers]) -> Pair | None:
    """Two rows' answers by seed compared over the seeds that both have; None if there are none, or other images.

    Images whose true classes are the same one after the other are taken for the same images.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    trues = [each[seed][1] for each in (ours, theirs) for seed in seeds]
    if not seeds or not all(np.array_equal(true, trues[0]) for true in trues):
        return None
    wrong, other = ([each[seed][0] != each[seed][1] for seed in seeds] for each in (ours, theirs))
    return compare(wrong, other)


@lru_cache(maxsize=512)
def _cached(read: Callable[[str], T], key: str) -> T:
    return read(key)
