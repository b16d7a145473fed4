"""Record the events of the driver."""

from __future__ import annotations

from harness.engine.listener import Listener
from harness.plan.trial import Trial
from harness.record.writer import RunWriter
from harness.worker.result import Progress, Result


class Recorder(Listener):
    """A listener that writes every event to the record."""

    def __init__(self, record: RunWriter) -> None:
        self._record = record

    def started(self, trial: Trial) -> None:
        """See `Listener.started`."""
        self._record.begin(trial)

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """See `Listener.progressed`."""
        self._record.log(trial, progress.history)

    def finished(self, trial: Trial, result: Result) -> str:
        """See `Listener.finished`."""
        return self._record.finish(trial, result)

    def lost(self, trial: Trial, cause: str, attempt: int) -> None:
        """See `Listener.lost`."""
        self._record.interrupt(trial)

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        """See `Listener.failed`."""
        self._record.fail(trial, cause, details)

    def stopped(self, trial: Trial) -> None:
        """See `Listener.stopped`."""
        self._record.stop(trial)
