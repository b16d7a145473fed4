"""What the harness itself costs: the time in which no trial was running."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.elapsed import since_start
from harness.engine.listener import Listener
from harness.plan.trial import Trial
from harness.worker.result import Result, Timestamps


class Stopwatch(Listener):
    """Notes when trials began and ended, since this process began."""

    def __init__(self) -> None:
        self.noted: list[Timestamps] = []

    def finished(self, trial: Trial, result: Result) -> str:
        """See `Listener.finished`."""
        if result.timestamps is not None:
            self.noted.append(result.timestamps.ending(since_start()))
        return ""


def overhead(timestamps: Sequence[Timestamps]) -> dict[str, float]:
    """Seconds and shares by name; empty if no trial was run.

    startup_seconds, first_step_seconds: from the command to the first trial's begin and to its first step's end.
    setup_seconds: the median from a trial's begin to the end of its first step.
    between_seconds: after the first trial's begin, the time in which no trial was running; fresh processes start in it.
    share: that, relative to the time in which one was.

    Arguments:
        timestamps: since the command was given.
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
