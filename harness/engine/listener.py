"""Listeners: callbacks of the driver for the events of trials."""

from __future__ import annotations

from harness.plan.trial import Trial
from harness.worker.result import Progress, Result


class Listener:
    """Base class of listeners; a method that is not overridden does nothing.

    If a method raises, the trial fails; a `UserError` other than `Rejected` ends the run.
    """

    def started(self, trial: Trial) -> None:
        """An attempt has started."""

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """An attempt has made progress."""

    def finished(self, trial: Trial, result: Result) -> str:
        """A trial has a result.

        Returns:
            Which part of the result could not be stored, and why; empty if all was.
        """
        return ""

    def lost(self, trial: Trial, cause: str, attempt: int) -> None:
        """The worker of an attempt died; the trial will be retried."""

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        """A trial has failed for good, with the cause in one line and the traceback."""

    def stopped(self, trial: Trial) -> None:
        """The run is stopped while a trial is running."""
