"""The harness's own time, from moments made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engine import overhead as timing
from harness.engine.overhead import Stopwatch, overhead
from harness.plan.trial import TrainingTrial
from harness.worker.numbers import TrainingNumbers
from harness.worker.result import Result, Timestamps


def test_one_after_the_other() -> None:
    found = overhead([Timestamps(10, 12, 30), Timestamps(35, 36, 75)])
    assert found["startup_seconds"] == 10
    assert found["first_step_seconds"] == 12
    assert found["setup_seconds"] == 1.5
    assert found["between_seconds"] == 5
    assert found["share"] == pytest.approx(5 / 60)


def test_side_by_side_and_in_any_order() -> None:
    """Two at a time, one inside the other; the gap is where none is running."""
    timestamps = [Timestamps(41, 42, 51), Timestamps(1, 6, 21), Timestamps(3, 4, 11), Timestamps(16, 17, 31)]
    found = overhead(timestamps)
    assert (found["startup_seconds"], found["first_step_seconds"]) == (1, 4)
    assert found["between_seconds"] == 10
    assert found["share"] == pytest.approx(10 / 40)


def test_nothing_was_run() -> None:
    assert overhead([]) == {}


def test_moments_of_a_workers_clock_by_that_of_the_driver() -> None:
    """Of the worker's clock differences alone mean anything."""
    assert Timestamps(1e6, 1e6 + 2, 1e6 + 20).ending(30.0) == Timestamps(10, 12, 30)


def test_trials_are_noted_by_the_clock_of_this_process(
    training_trial: Callable[..., TrainingTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "since_start", lambda: 100.0)
    stopwatch = Stopwatch()
    for began in (-1e6, 0.0, 1e9):
        stopwatch.finished(
            training_trial(), Result(TrainingNumbers(), timestamps=Timestamps(began, began + 1, began + 5))
        )
    assert stopwatch.timestamps == [Timestamps(95.0, 96.0, 100.0)] * 3
