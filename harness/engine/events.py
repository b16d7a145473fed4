"""Events of running trials, and the interface of executors, which send them to the driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.plan.trial import Trial
from harness.worker.forkserver import TrialError
from harness.worker.result import Progress, Result


@dataclass(frozen=True)
class Progressed:
    """A trial has started or made progress."""

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
    details: str  # the traceback, if there is one
    is_lost: bool  # whether its worker died or ran out of memory, so that it is retried
    is_disk_full: bool = False  # which ends the run


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
    """Runs trials, and reports their events."""

    def choose(self, waiting: Sequence[Trial]) -> Trial | None:
        """Return the waiting trial to submit next; None while none can be scheduled."""

    def submit(self, trial: Trial, attempt: int) -> None:
        """Submit a trial; it starts when its resources are free."""

    def wait(self, tell: Callable[[Event], None]) -> None:
        """Pass events to `tell`; returns after a few seconds at most, a serial executor after a trial."""

    def cancel(self, trial: Trial) -> None:
        """Cancel a trial by force."""

    @property
    def running(self) -> int:
        """Number of submitted trials that have not ended."""
