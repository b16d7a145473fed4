"""What the record holds of trained rows: what their models answered to the images of a test, their curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np

from harness.plan.plan import Plan
from harness.plan.trial import TimingTrial, TrainingTrial
from harness.report.tables.learning import Answers
from harness.report.tables.pairs import Mistakes, Pair, contrast_of, mistakes_of, pair_of
from harness.report.tables.rows import TableRow
from harness.statistics.crossed import over_seeds
from harness.statistics.estimate import Estimate

T = TypeVar("T")
LAST = 0.1  # share of a training at the end of which its curve should be flat


def tests_of(trial: TrainingTrial, recorded: Iterable[str]) -> list[str]:
    """The names of a trial's tests. Whatever tells of "the" test of a task tells of the first.

    Arguments:
        recorded: the tests that the record knows of, for trials of an older record, which do not name theirs: there
            the test that the task is named after is the first.
    """
    return list(trial.tests) or sorted(recorded, key=lambda name: (not name.startswith(trial.task), len(name), name))


class Files(Protocol):
    """What trials have left besides their metrics."""

    def answers(self, key: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See `harness.record.reader.History.answers`."""

    def arrays(self, key: str, analysis: str) -> dict[str, np.ndarray]:
        """See `harness.record.reader.History.arrays`."""

    def curve(self, key: str) -> list[tuple[float, float]]:
        """See `harness.record.reader.History.curve`."""

    def samples(self, key: str) -> list[float]:
        """See `harness.record.reader.History.samples`."""


@dataclass(frozen=True)
class Measured:
    """The trials of a plan that are done, by the rows of its tables.

    done: the keys of all trials that are done.
    """

    plan: Plan
    files: Files
    done: frozenset[str]

    def mistakes(self, title: str, task: str) -> Mistakes | None:
        """What a row's models have got wrong on the task's first test; None where that is not known."""
        return mistakes_of(self.answers(title, task))

    def pair(self, row: TableRow, other: TableRow) -> Pair | None:
        """Two rows on the first test of a task; None if one is not measured, or on other images."""
        found = self._mistakes([row, other])
        return pair_of(*found) if found is not None and row.task == other.task else None

    def contrast(self, rows: Sequence[TableRow], others: Sequence[TableRow]) -> Estimate | None:
        """The mean error of rows less that of others, in points; None if one is not measured, or on other images."""
        found = self._mistakes([*rows, *others])
        return contrast_of(found[: len(rows)], found[len(rows) :]) if found is not None else None

    def over_seeds(self, row: TableRow) -> Estimate | None:
        """A row's error on these very images, percent; None if it has not two seeds."""
        found = self.mistakes(row.title, row.task)
        return over_seeds(found.table) if found is not None else None

    def _mistakes(self, rows: Sequence[TableRow]) -> list[Mistakes] | None:
        found = [self.mistakes(row.title, row.task) for row in rows]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else None

    def falling(self, title: str, task: str) -> float | None:
        """By how many points a row's curves fell in the last tenth of training, their mean; None without curves."""
        curves = [_cached(self.files.curve, trial.key) for trial in self.trained(title, task)]
        fell = [falling(curve) for curve in curves if len(curve) > 1]
        return float(np.mean(fell)) if fell else None

    def answers(self, title: str, task: str) -> dict[int, Answers]:
        """Predicted and true classes of the task's first test, by the seed of the model."""
        found = {}
        for trial in self.trained(title, task):
            answers = _cached(self.files.answers, trial.key)
            first = next(iter(tests_of(trial, answers)), "")
            if first in answers:
                found[trial.seed] = answers[first]
        return found

    def trained(self, title: str, task: str) -> list[TrainingTrial]:
        """The trials of a row of the table of errors that are done."""
        return [t for t in self.plan.training if (t.title, t.task) == (title, task) and t.key in self.done]

    def timed(self, title: str, task: str) -> list[TimingTrial]:
        """The trials of a row of the table of times that are done."""
        return [t for t in self.plan.timing if (t.title, t.task) == (title, task) and t.key in self.done]


def falling(curve: Sequence[tuple[float, float]]) -> float:
    """By how many points a curve of epochs and errors fell in its last tenth, or since its last point but one."""
    epochs, errors = np.asarray(curve, dtype=np.float64).T
    before = min(epochs[-1] * (1 - LAST), epochs[-2])
    return float(np.interp(before, epochs, errors) - errors[-1])


@lru_cache(maxsize=512)
def _cached(read: Callable[[str], T], key: str) -> T:
    return read(key)
