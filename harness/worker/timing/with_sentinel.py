"""Run a timing trial between two runs of the sentinel, which show the machine's speed just before and just after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from harness.plan.trial import Trial
from harness.worker.forkserver import Job, TrialError
from harness.worker.numbers import TimingNumbers
from harness.worker.result import Result, SentinelRun, Timestamps

JOBS: tuple[Job, ...] = ("run_sentinel", "execute_trial", "run_sentinel")


def run_with_sentinel(trial: Trial, do: Callable[[Job], Any]) -> Result | TrialError:
    """Run a trial, and the sentinel before and after it if it is a timing trial whose protocol has a sentinel.

    Arguments:
        do: calls a function of `harness.worker.execute`, in a fresh process if possible; returns its result or
            `TrialError`.

    Returns:
        The trial's result, with the sentinel's times added and timestamps that include its runs; or the first
        `TrialError`.
    """
    if trial.kind == "training" or not trial.work.protocol.sentinel:
        outcome: Result | TrialError = do("execute_trial")
        return outcome
    parts = []
    for job in JOBS:
        part = do(job)
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
