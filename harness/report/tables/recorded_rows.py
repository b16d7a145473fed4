"""The rows of a plan with their recorded trials: which are done, and what their models have predicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.analysis.rows import Predicted
from harness.plan.plan import Plan
from harness.plan.trial import TimingTrial, TrainingTrial, Trial
from harness.record.recorded import RecordedTiming, RecordedTraining, RecordedTrial
from harness.report.tables.pairs import Mistakes, Pair, contrast_of, mistakes_of, pair_of
from harness.report.tables.rows import TableRow
from harness.statistics.crossed import over_seeds
from harness.statistics.estimate import Estimate
from harness.worker.numbers import Score

LAST = 0.1  # share of a training at the end of which its curve should be flat


def tests_of(trial: TrainingTrial, recorded: Iterable[str]) -> list[str]:
    """Return the names of a trial's tests. Tables that speak of "the" test of a task mean the first.

    Arguments:
        recorded: the tests in the record, for trials of an early version, whose plan does not name them: there the test
            that the task is named after is the first.
    """
    return list(trial.tests) or sorted(recorded, key=lambda name: (not name.startswith(trial.task), len(name), name))


def first_score(trial: TrainingTrial, recorded: RecordedTraining) -> Score | None:
    """Return the score on a task's first test; None if it was not measured."""
    scores = recorded.numbers.tests
    return scores.get(next(iter(tests_of(trial, scores)), ""))


@dataclass(frozen=True)
class RecordedRows:
    """The rows of a plan with their recorded trials.

    trials: by key; those of other plans do not matter.
    """

    plan: Plan
    trials: Mapping[str, RecordedTrial]

    @cached_property
    def training(self) -> dict[str, RecordedTraining]:
        """The training trials of the plan that are done, by key."""
        found = {trial.key: self.trials.get(trial.key) for trial in self.plan.training}
        return {key: each for key, each in found.items() if isinstance(each, RecordedTraining) and each.is_done}

    @cached_property
    def timing(self) -> dict[str, RecordedTiming]:
        """The timing trials of the plan that are done, by key."""
        found = {trial.key: self.trials.get(trial.key) for trial in self.plan.timing}
        return {key: each for key, each in found.items() if isinstance(each, RecordedTiming) and each.is_done}

    @cached_property
    def done(self) -> list[RecordedTrial]:
        """All trials of the plan that are done, in the order of the record."""
        keys = self.training.keys() | self.timing.keys()
        return [trial for key, trial in self.trials.items() if key in keys]

    def status(self, trial: Trial) -> str:
        """Return the status of a planned trial; "missing" if it is not recorded."""
        found = self.trials.get(trial.key)
        return found.status if found is not None else "missing"

    def mistakes(self, title: str, task: str) -> Mistakes | None:
        """Return a row's wrong predictions on the task's first test; None if there are no predictions."""
        return mistakes_of(self.predictions(title, task))

    def pair(self, row: TableRow, other: TableRow) -> Pair | None:
        """Compare two rows on the first test of a task; None if one is not measured, or on other images."""
        found = self._mistakes([row, other])
        return pair_of(*found) if found is not None and row.task == other.task else None

    def contrast(self, rows: Sequence[TableRow], others: Sequence[TableRow]) -> Estimate | None:
        """Compare the mean error of rows with that of others, in points; None as for `pair`."""
        found = self._mistakes([*rows, *others])
        return contrast_of(found[: len(rows)], found[len(rows) :]) if found is not None else None

    def over_seeds(self, row: TableRow) -> Estimate | None:
        """Estimate a row's error on these very images, percent; None if it has fewer than two seeds."""
        found = self.mistakes(row.title, row.task)
        return over_seeds(found.table) if found is not None else None

    def _mistakes(self, rows: Sequence[TableRow]) -> list[Mistakes] | None:
        found = [self.mistakes(row.title, row.task) for row in rows]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else None

    def falling(self, title: str, task: str) -> float | None:
        """Return the mean of `falling` over a row's curves; None if it has none."""
        fell = [falling(each.curve) for _, each in self.trained(title, task) if len(each.curve) > 1]
        return float(np.mean(fell)) if fell else None

    def predictions(self, title: str, task: str) -> dict[int, Predicted]:
        """Return predicted and true classes of the task's first test, by the seed of the model."""
        found = {}
        for trial, recorded in self.trained(title, task):
            first = next(iter(tests_of(trial, recorded.predictions)), "")
            if first in recorded.predictions:
                found[trial.seed] = recorded.predictions[first]
        return found

    def trained(self, title: str, task: str) -> list[tuple[TrainingTrial, RecordedTraining]]:
        """Return the trials of a row of the table of errors that are done, as planned and as recorded."""
        planned = [trial for trial in self.plan.training if (trial.title, trial.task) == (title, task)]
        return [(trial, self.training[trial.key]) for trial in planned if trial.key in self.training]

    def timed(self, title: str, task: str) -> list[tuple[TimingTrial, RecordedTiming]]:
        """Return the trials of a row of the table of times that are done, as planned and as recorded."""
        planned = [trial for trial in self.plan.timing if (trial.title, trial.task) == (title, task)]
        return [(trial, self.timing[trial.key]) for trial in planned if trial.key in self.timing]


def falling(curve: Sequence[tuple[float, float]]) -> float:
    """Return how many points a curve of epochs and errors fell in its last tenth, or since its last point but one."""
    epochs, errors = np.asarray(curve, dtype=np.float64).T
    before = min(epochs[-1] * (1 - LAST), epochs[-2])
    return float(np.interp(before, epochs, errors) - errors[-1])
