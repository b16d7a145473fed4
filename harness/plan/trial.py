"""A trial: the unit of work."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from harness.suite.protocol import Precision, Protocol, Settings, TimingProtocol

SENTINEL = "sentinel"  # no variant may be called so: in older records it is a fixed model, timed as a row −1


def row_title(variant: str, label: str) -> str:
    """Return the title of a row: its variant and what sets its configuration apart."""
    return f"{variant} {label}".strip()


class TrainingWork(Settings):
    """The work of a training trial: a number of iterations of its protocol."""

    protocol: Protocol
    full_iterations: int  # of the whole protocol
    iterations: int | None  # to run; None until a budget has been calibrated
    train_images: int
    test_images: int | None  # of each test set; None: all
    precision: Precision = "float32"

    @property
    def fraction(self) -> float | None:
        """The share of the protocol that is run, 0..1."""
        return None if self.iterations is None else self.iterations / self.full_iterations


class TimingWork(Settings):
    """The work of a timing trial, in one fresh process."""

    protocol: TimingProtocol
    learning_rate: float
    precision: Precision = "float32"


class BaseTrial(Settings):
    """Variant × configuration × task, once."""

    key: str
    row: int  # of its table
    variant: str
    label: str
    config: dict[str, Any]
    task: str
    source: str = ""  # digest of the variant's source
    data: str = ""  # digest of the task's data
    data_source: str = ""  # digest of the source of a task's dataset; "" for those that come with the harness

    @property
    def title(self) -> str:
        """The variant and what sets its configuration apart."""
        return row_title(self.variant, self.label)

    @property
    def model(self) -> str:
        """The variant and all settings, as a text that is equal for equal models."""
        return f"{self.variant} {sorted(self.config.items())}"


class TrainingTrial(BaseTrial):
    """A row of the table of errors, trained and tested once with a seed."""

    kind: Literal["training"] = "training"
    seed: int
    tests: tuple[str, ...] = ()  # the names of the task's tests; a table of errors quotes the first
    remarks: tuple[str, ...] = ()  # notes on that test for the table
    work: TrainingWork

    @property
    def repeat(self) -> int:
        """Its number among those of its row: the seed."""
        return self.seed

    @property
    def name(self) -> str:
        """The name of the trial's run in MLflow."""
        return f"{self.title} · {self.task} · seed {self.seed}"


class TimingTrial(BaseTrial):
    """A row of the table of times, timed once, in a round with all other rows."""

    kind: Literal["timing"] = "timing"
    round: int
    work: TimingWork

    @property
    def repeat(self) -> int:
        """Its number among those of its row: the round."""
        return self.round

    @property
    def name(self) -> str:
        """The name of the trial's run in MLflow."""
        return f"{self.title} · timing · round {self.round + 1}"


Trial = Annotated[TrainingTrial | TimingTrial, Field(discriminator="kind")]
