"""A timed trial between two runs of the sentinel, which tell how fast the machine was just before and just after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from harness.plan.trial import Trial
from harness.worker.forkserver import TrialError, Work
from harness.worker.numbers import TimingNumbers
from harness.worker.result import Result, SentinelRun, Timestamps

WORKS: tuple[Work, ...] = ("watch", "execute", "watch")


def bracketed(trial: Trial, do: Callable[[Work], Any]) -> Result | TrialError:
    """A trial's result; that of a timed one with the sentinel's times and from its first begin to its last end.

    Arguments:
        do: does a part of the trial, in a process of its own where that can be; gives what it returns, or `TrialError`.
    """
    if trial.kind == "training" or not trial.work.protocol.sentinel:
        outcome: Result | TrialError = do("execute")
        return outcome
    parts = []
    for work in WORKS:
        part = do(work)
        if isinstance(part, TrialError):
            return part
        parts.append(part)
    return _joined(*parts)


def _joined(before: SentinelRun, result: Result, after: SentinelRun) -> Result:
    assert isinstance(result.numbers, TimingNumbers)
    assert result.timestamps is not None
    return replace(
        result,
        numbers=replace(
            result.numbers,
            sentinel_before_seconds=median(before.seconds),
            sentinel_after_seconds=median(after.seconds),
        ),
        samples=result.samples | {"sentinel_before": before.seconds, "sentinel_after": after.seconds},
        timestamps=Timestamps(before.began, result.timestamps.first_step, after.ended),
    )
