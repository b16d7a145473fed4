"""Recorded trials without a record: made of the results that a worker would have sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from harness.record.recorded import RecordedTiming, RecordedTraining, RecordedTrial, Status
from harness.worker.numbers import TrainingNumbers
from harness.worker.result import Result

Trials = Mapping[str, RecordedTrial]


@dataclass(frozen=True, kw_only=True)
class TrainedModel(RecordedTraining):
    """A training whose files are in memory."""

    result: Result = field(repr=False)

    @property
    def predictions(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """As they are read from a file."""
        return {test: (predicted, self.result.labels[test]) for test, predicted in self.result.predictions.items()}

    @property
    def curve(self) -> list[tuple[float, float]]:
        """As it is read from a file."""
        return [(point.epoch, point.error_percent) for point in self.result.history]

    def arrays(self, analysis: str) -> dict[str, np.ndarray]:
        """As they are read from a file."""
        return self.result.arrays.get(analysis, {})


@dataclass(frozen=True, kw_only=True)
class Timed(RecordedTiming):
    """A timing whose files are in memory."""

    result: Result = field(repr=False)

    @property
    def samples(self) -> list[float]:
        """As they are read from a file."""
        return self.result.samples.get("iteration", [])


def recorded(key: str, result: Result, status: Status = "done", cause: str = "") -> RecordedTrial:
    """A trial as it is recorded with a result."""
    known: dict[str, Any] = {"key": key, "status": status, "cause": cause, "result": result}
    known |= {"numbers": result.numbers, "machine": result.machine}
    return TrainedModel(**known) if isinstance(result.numbers, TrainingNumbers) else Timed(**known)


def by_key(trials: Iterable[RecordedTrial]) -> dict[str, RecordedTrial]:
    """As `RunReader.trials` gives them."""
    return {trial.key: trial for trial in trials}


def without_files(trials: Trials) -> dict[str, RecordedTrial]:
    """The trials with their numbers alone."""
    kinds = {TrainedModel: RecordedTraining, Timed: RecordedTiming}
    return by_key(
        kind(**{each.name: getattr(trial, each.name) for each in fields(kind)})
        for trial in trials.values()
        for kind in [kinds[type(trial)]]
    )


def with_numbers(trial: RecordedTrial, **numbers: Any) -> RecordedTrial:
    """A trial with other numbers."""
    return replace(trial, numbers=replace(trial.numbers, **numbers))  # type: ignore[attr-defined,call-arg]


def on_machine(trial: RecordedTrial, **facts: str) -> RecordedTrial:
    """A trial of another machine."""
    return replace(trial, machine={**trial.machine, **facts})
