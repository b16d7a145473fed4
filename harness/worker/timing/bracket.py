"""A timed trial between two runs of the sentinel, which tell how fast the machine was just before and just after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from harness.plan.trial import Moments, Result, Trial
from harness.worker.forkserver import Broken, Work

WORKS: tuple[Work, ...] = ("watch", "execute", "watch")


@dataclass(frozen=True)
class SentinelRun:
    """A run of the sentinel: when it began and ended, as of `Moments`, and seconds of its timed iterations."""

    began: float
    ended: float
    seconds: list[float]


def bracketed(trial: Trial, do: Callable[[Work], Any]) -> Result | Broken:
    """A trial's result; that of a timed one with the sentinel's times and from its first begin to its last end.

    Arguments:
        do: does a part of the trial, in a process of its own where that can be; gives what it returns, or `Broken`.
    """
    if trial.timing is None or not trial.timing.protocol.sentinel:
        outcome: Result | Broken = do("execute")
        return outcome
    parts = []
    for work in WORKS:
        part = do(work)
        if isinstance(part, Broken):
            return part
        parts.append(part)
    return _joined(*parts)


def _joined(before: SentinelRun, result: Result, after: SentinelRun) -> Result:
    assert result.moments is not None
    runs = {"before": before, "after": after}
    return replace(
        result,
        metrics=result.metrics | {f"sentinel/{when}_seconds": median(run.seconds) for when, run in runs.items()},
        samples=result.samples | {f"sentinel_{when}": run.seconds for when, run in runs.items()},
        moments=Moments(before.began, result.moments.first_step, after.ended),
    )
