"""The overhead of the harness: the time in which no trial is running."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.elapsed import since_start
from harness.engine.listener import Listener
from harness.plan.trial import Trial
from harness.worker.result import Result, Timestamps


class Stopwatch(Listener):
    """Collects the timestamps of trials, in seconds since this process started."""

    def __init__(self) -> None:
        self.timestamps: list[Timestamps] = []

    def finished(self, trial: Trial, result: Result) -> str:
        """See `Listener.finished`."""
        if result.timestamps is not None:
            self.timestamps.append(result.timestamps.ending(since_start()))
        return ""


def overhead(timestamps: Sequence[Timestamps]) -> dict[str, float]:
    """Return the overhead by name; empty if no trial was run.

    startup_seconds, first_step_seconds: from the command to the start of the first trial, and to the end of its first
        step.
    setup_seconds: the median time from the start of a trial to the end of its first step.
    between_seconds: the time after the start of the first trial in which no trial was running.
    share: between_seconds over the time in which a trial was running.

    Arguments:
        timestamps: in seconds since the command was started.
    """
    if not timestamps:
        return {}
    ordered = sorted(timestamps, key=lambda each: each.began)
    busy, until = 0.0, ordered[0].began
    for each in ordered:
        busy += max(0.0, each.ended - max(until, each.began))
        until = max(until, each.ended)
    between = until - ordered[0].began - busy
    return {
        "startup_seconds": ordered[0].began,
        "first_step_seconds": min(each.first_step for each in timestamps),
        "setup_seconds": median(each.first_step - each.began for each in timestamps),
        "between_seconds": between,
        "share": between / busy if busy else 0.0,
    }
