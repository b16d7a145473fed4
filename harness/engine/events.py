"""What an executor tells the driver of the trials it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.plan.trial import Trial
from harness.worker.forkserver import TrialError
from harness.worker.result import Progress, Result


@dataclass(frozen=True)
class Progressed:
    """A trial has started or come further."""

    trial: Trial
    progress: Progress


@dataclass(frozen=True)
class Finished:
    """A trial has a result."""

    trial: Trial
    result: Result


@dataclass(frozen=True)
class Failed:
    """A trial has ended without a result."""

    trial: Trial
    cause: str  # one line
    details: str  # the whole story, a traceback where there is one
    is_lost: bool  # whether its worker or node went away or had no memory left, so that another try makes sense
    is_disk_full: bool = False  # so that no trial can go on


def failure(trial: Trial, broken: TrialError) -> Failed:
    """Convert an exception in a trial's work to a `Failed` event."""
    return Failed(
        trial,
        broken.cause,
        broken.details,
        is_lost=broken.kind in ("memory", "superseded"),
        is_disk_full=broken.kind == "disk",
    )


Event = Progressed | Finished | Failed


class Executor(Protocol):
    """Runs trials somewhere and says what becomes of them."""

    def choose(self, waiting: Sequence[Trial]) -> Trial | None:
        """Which of the waiting trials is to be submitted now; None while there is no room for any."""

    def submit(self, trial: Trial, attempt: int) -> None:
        """Take a trial; it starts when there is room for it."""

    def wait(self, tell: Callable[[Event], None]) -> None:
        """Tell what happens; returns after a second at most when nothing does (a serial one after a trial)."""

    def cancel(self, trial: Trial) -> None:
        """Stop a trial by force."""

    @property
    def running(self) -> int:
        """Number of submitted trials that have not ended."""
