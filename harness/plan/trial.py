"""A trial, the unit of work, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from harness.suite.protocol import Precision, Protocol, Settings, TimingProtocol

SENTINEL = "sentinel"  # no variant may be called so: in older records it is a fixed model, timed as a row −1


def row_title(variant: str, label: str) -> str:
    """What a row is called, everywhere: its variant and what sets its configuration apart."""
    return f"{variant} {label}".strip()


class TrainingWork(Settings):
    """What a training trial does: so many of its protocol's iterations."""

    protocol: Protocol
    full_iterations: int  # of the whole protocol
    iterations: int | None  # that are run; None until a budget has been calibrated
    train_images: int
    test_images: int | None  # of each test set; None: all
    precision: Precision = "float32"

    @property
    def fraction(self) -> float | None:
        """The share of the protocol that is run, 0..1."""
        return None if self.iterations is None else self.iterations / self.full_iterations


class TimingWork(Settings):
    """What a timing trial does, in one fresh process."""

    protocol: TimingProtocol
    learning_rate: float
    precision: Precision = "float32"


class Trial(Settings):
    """Variant × configuration × task × seed. For timing, the seed is the round."""

    key: str
    kind: Literal["training", "timing"]
    row: int  # of its table
    variant: str
    label: str
    config: dict[str, Any]
    task: str
    seed: int
    source: str = ""  # digest of the variant's source
    data: str = ""  # digest of the task's data
    data_source: str = ""  # digest of the source of a task's dataset; "" for those that come with the harness
    tests: tuple[str, ...] = ()  # the names of the task's tests, for training; a table of errors quotes the first
    remarks: tuple[str, ...] = ()  # what such a table has to say of that test
    training: TrainingWork | None = None
    timing: TimingWork | None = None

    @property
    def title(self) -> str:
        """The variant and what sets its configuration apart."""
        return row_title(self.variant, self.label)

    @property
    def name(self) -> str:
        """What a person reads in a list of runs."""
        if self.kind == "timing":
            return f"{self.title} · timing · round {self.seed + 1}"
        return f"{self.title} · {self.task} · seed {self.seed}"


@dataclass(frozen=True)
class Point:
    """A point of a training curve."""

    iteration: int
    epoch: float  # of the training images
    seconds: float  # of training so far
    metrics: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """What a running trial says of itself. It always carries the whole history, so none can be lost."""

    iteration: int
    iterations: int
    history: tuple[Point, ...] = ()
    stage: str = "training"
    begun_at: int = 0  # iteration of the checkpoint that this attempt goes on from


@dataclass(frozen=True)
class Moments:
    """When a trial began, ended its first step, and ended: seconds of any clock that nobody sets."""

    began: float
    first_step: float
    ended: float

    def ending(self, when: float) -> Moments:
        """The same by another clock, at which the trial ends at a given time."""
        by = when - self.ended
        return Moments(self.began + by, self.first_step + by, when)


@dataclass(frozen=True)
class Result:
    """What a finished trial leaves: summaries, curve, raw samples, predictions, and where it ran."""

    metrics: dict[str, float]
    history: tuple[Point, ...] = ()
    samples: dict[str, list[float]] = field(default_factory=dict)  # seconds
    predictions: dict[str, np.ndarray] = field(default_factory=dict)  # by test: classes (images,), unsigned
    labels: dict[str, np.ndarray] = field(default_factory=dict)  # likewise: the true classes
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # what each analysis has measured, by name
    machine: dict[str, str] = field(default_factory=dict)
    weights: str = ""  # SHA-256 of the trained parameters and buffers
    model: bytes = b""  # the parameters and buffers as `torch.save` writes them, where they are to be kept
    moments: Moments | None = None


class Diverged(Exception):
    """The loss became infinite or not a number."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)  # the arguments alone, as pickling makes the exception anew from them
        self.iteration = iteration

    def __str__(self) -> str:
        return f"the loss is not finite from iteration {self.iteration} on"


class Superseded(Exception):
    """A later attempt, or another process, has taken over the trial."""
