"""A timed trial between two runs of the sentinel: what is run, where, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.plan.trial import Trial
from harness.worker.forkserver import Job, TrialError
from harness.worker.numbers import TimingNumbers
from harness.worker.result import Result, SentinelRun, Timestamps
from harness.worker.timing.with_sentinel import run_with_sentinel

MakeTrial = Callable[..., Trial]
WATCHED = ("sentinel: 0", "sentinel: 1")


class Parts:
    """Does the parts of a trial by giving what it was told, and remembers them."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.done: list[Job] = []

    def __call__(self, work: Job) -> Any:
        self.done.append(work)
        return self.outcomes[len(self.done) - 1]


BEFORE, AFTER = SentinelRun(10.0, 11.0, [0.3, 0.1, 0.2, 0.5]), SentinelRun(15.0, 16.0, [0.4, 0.9, 0.6])
ROW = Result(TimingNumbers(median_seconds=1.0), samples={"iteration": [2.0]}, timestamps=Timestamps(12.0, 13.0, 14.0))


def test_the_sentinel_runs_before_and_after_and_its_time_is_the_trials(timing_trial: MakeTrial) -> None:
    parts = Parts(BEFORE, ROW, AFTER)
    result = run_with_sentinel(timing_trial(WATCHED), parts)
    assert parts.done == ["run_sentinel", "execute_trial", "run_sentinel"]
    assert isinstance(result, Result)
    assert result.numbers == TimingNumbers(median_seconds=1.0, sentinel_before_seconds=0.25, sentinel_after_seconds=0.6)
    assert result.samples == {
        "iteration": [2.0],
        "sentinel_before": [0.3, 0.1, 0.2, 0.5],
        "sentinel_after": [0.4, 0.9, 0.6],
    }
    assert result.timestamps == Timestamps(10.0, 13.0, 16.0)


def test_training_has_none_and_neither_has_a_timing_that_wants_none(
    timing_trial: MakeTrial, training_trial: MakeTrial
) -> None:
    for trial in (timing_trial(), training_trial(WATCHED)):
        parts = Parts(ROW)
        assert run_with_sentinel(trial, parts) is ROW
        assert parts.done == ["execute_trial"]


@pytest.mark.parametrize("place", range(3))
def test_what_breaks_is_told_and_ends_it(timing_trial: MakeTrial, place: int) -> None:
    broken = TrialError("why", "all of it")
    outcomes: list[Any] = [BEFORE, ROW, AFTER]
    outcomes[place] = broken
    parts = Parts(*outcomes)
    assert run_with_sentinel(timing_trial(WATCHED), parts) is broken
    assert len(parts.done) == place + 1
