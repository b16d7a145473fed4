"""A trial as it is recorded: its numbers are there at once, its files are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from harness.errors import UserError
from harness.record.arrays import Damaged, read_arrays
from harness.record.artifacts import (
    ANALYSES,
    CURVE_FILE,
    PREDICTIONS,
    SAMPLES,
    Predictions,
    read_curve,
    read_numbers,
    read_predictions,
)
from harness.record.older import FILES, read_older
from harness.worker.numbers import TimingNumbers, TrainingNumbers

Status = Literal["done", "failed", "interrupted", "new"]

T = TypeVar("T")


def _no_artifact(name: str) -> Path:
    raise UserError(f"there is no {name}.")


@dataclass(frozen=True, kw_only=True)
class RecordedTrial:
    """A trial's newest run.

    name, run_id: of the run.
    cause: why it failed, or what of a result could not be kept; empty otherwise.
    profile: of the invocation that started it; empty if an early version did not keep it.
    parameters: as `harness.record.parameters` flattens them.
    machine: facts about the machine and the process, by name; empty until the trial is done.
    artifact: gives the local path of one of the run's artifacts; raises UserError if it was not kept.
    notify: called with a line for each file that is damaged.
    """

    key: str
    status: Status
    cause: str = ""
    name: str = ""
    run_id: str = ""
    profile: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    artifact: Callable[[str], Path] = field(default=_no_artifact, repr=False, compare=False)
    notify: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)

    @property
    def is_done(self) -> bool:
        """Whether it has ended with a result."""
        return self.status == "done"

    def _content(self, name: str, read: Callable[[Path], T], path: Path | None = None) -> T | None:
        """Read an artifact; None if it was not kept, or is damaged, which is notified.

        Arguments:
            path: where it is on this machine, if that is known.
        """
        try:
            return read(path or self.artifact(name))
        except UserError:
            return None
        except Damaged as error:
            self.notify(f"{name} of {self.name} (run {self.run_id}) is damaged and left out: {error}")
            return None


@dataclass(frozen=True, kw_only=True)
class RecordedTraining(RecordedTrial):
    """A training trial as it is recorded."""

    numbers: TrainingNumbers = field(default_factory=TrainingNumbers)

    @cached_property
    def predictions(self) -> Predictions:
        """Predicted and true classes by test, integers (images,) each; empty if they were not kept."""
        return self._content(PREDICTIONS, read_predictions) or {}

    @cached_property
    def curve(self) -> list[tuple[float, float]]:
        """Epoch and error in training, percent, of each point of the curve; empty if it was not kept."""
        return self._content(CURVE_FILE, read_curve) or []

    def arrays(self, analysis: str) -> dict[str, np.ndarray]:
        """Read what an analysis has measured of the model; empty if that was nothing, or was not kept."""
        if self._analyses is None:
            return self._content(FILES[analysis], read_older) or {} if analysis in FILES else {}
        name = f"{analysis}.npz"
        path = self._analyses.get(name)
        return self._content(f"{ANALYSES}/{name}", read_arrays, path) or {} if path is not None else {}

    @cached_property
    def _analyses(self) -> dict[str, Path] | None:
        """The files of the analyses by name; None if there is no folder of them, as before analyses had one."""
        return self._content(ANALYSES, lambda folder: {path.name: path for path in folder.iterdir()})


@dataclass(frozen=True, kw_only=True)
class RecordedTiming(RecordedTrial):
    """A timing trial as it is recorded."""

    numbers: TimingNumbers = field(default_factory=TimingNumbers)

    @cached_property
    def samples(self) -> list[float]:
        """Seconds of each timed iteration; empty if they were not kept."""
        return (self._content(SAMPLES, read_numbers) or {}).get("iteration", [])
