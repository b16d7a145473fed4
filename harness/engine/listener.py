"""What the driver tells of trials while they run."""

from __future__ import annotations

from harness.plan.trial import Trial
from harness.worker.result import Progress, Result


class Listener:
    """Told what happens to trials. Every method does nothing unless it is overridden.

    What a method raises is the trial's failure; a `UserError` other than `Rejected` ends the run.
    """

    def started(self, trial: Trial) -> None:
        """An attempt has begun."""

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """An attempt has come further."""

    def finished(self, trial: Trial, result: Result) -> str:
        """A trial has a result.

        Returns:
            Why something of the result could not be kept; empty if all was.
        """
        return ""

    def lost(self, trial: Trial, cause: str, attempt: int) -> None:
        """An attempt was lost, and another one follows."""

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        """A trial has failed for good: the cause in one line, and the whole story."""

    def stopped(self, trial: Trial) -> None:
        """The run ends while a trial is running."""
