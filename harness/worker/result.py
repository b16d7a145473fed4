"""What a worker sends back: the progress of a trial, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.worker.numbers import TRAIN_ERROR, Numbers


@dataclass(frozen=True)
class Point:
    """A point of a training curve."""

    iteration: int
    epoch: float  # of the training images
    seconds: float  # of training so far
    metrics: dict[str, float]

    @property
    def error_percent(self) -> float:
        """Return the error on the training batches since the previous point, percent."""
        return self.metrics[TRAIN_ERROR]


@dataclass(frozen=True)
class Progress:
    """The progress of a running trial. It holds the whole history, so that a lost message loses nothing."""

    iteration: int
    iterations: int
    history: tuple[Point, ...] = ()
    stage: str = "training"
    begun_at: int = 0  # iteration of the checkpoint that this attempt resumes


@dataclass(frozen=True)
class Timestamps:
    """When a trial began, ended its first step, and ended: seconds of a monotonic clock."""

    began: float
    first_step: float
    ended: float

    def ending(self, when: float) -> Timestamps:
        """Convert to another clock, by which the trial ends at a given time."""
        by = when - self.ended
        return Timestamps(self.began + by, self.first_step + by, when)


@dataclass(frozen=True)
class SentinelRun:
    """A run of the sentinel: when it began and ended, as in `Timestamps`, and the seconds of its timed iterations."""

    began: float
    ended: float
    seconds: list[float]


@dataclass(frozen=True)
class Result:
    """The result of a finished trial: numbers, curve, raw samples, predictions, and facts about the machine."""

    numbers: Numbers
    history: tuple[Point, ...] = ()
    samples: dict[str, list[float]] = field(default_factory=dict)  # seconds
    predictions: dict[str, np.ndarray] = field(default_factory=dict)  # by test: classes (images,), unsigned
    labels: dict[str, np.ndarray] = field(default_factory=dict)  # likewise: the true classes
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # of each analysis, by its name
    machine: dict[str, str] = field(default_factory=dict)
    weights: str = ""  # SHA-256 of the trained parameters and buffers
    model: bytes = b""  # the parameters and buffers as `torch.save` writes them, where they are to be kept
    timestamps: Timestamps | None = None


class Diverged(Exception):
    """The loss became infinite or not a number."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)  # not the message: pickle calls the class with these arguments
        self.iteration = iteration

    def __str__(self) -> str:
        return f"the loss is not finite from iteration {self.iteration} on"


class AttemptSuperseded(Exception):
    """A later attempt, or another process, has taken ownership of the trial's checkpoints."""
