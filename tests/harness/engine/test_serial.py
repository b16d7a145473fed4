"""Trials one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine.events import Event, Failed, Finished, Progressed
from harness.engine.serial import SerialExecutor
from harness.errors import UserError, cause_of
from harness.plan.trial import TimingTrial, TrainingTrial, Trial
from harness.worker.context import WorkerContext
from tests.harness.engine.heard import heard


@pytest.fixture
def executor(tmp_path: Path) -> SerialExecutor:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1)
    return SerialExecutor(lambda trial: context)


def ends(executor: SerialExecutor) -> list[Event]:
    """How the next trial ended."""
    return [event for event in heard(executor) if not isinstance(event, Progressed)]


def test_trials_run_in_their_order(executor: SerialExecutor, trials: Callable[..., list[Trial]]) -> None:
    wanted = trials()
    for trial in wanted:
        executor.submit(trial, 1)
    assert executor.running == len(wanted)
    told: list[Event] = []
    while executor.running:
        executor.wait(told.append)
        assert isinstance(told[-1], Finished)
    assert [event.trial.key for event in told if isinstance(event, Finished)] == [trial.key for trial in wanted]
    progressed = [event.progress.iteration for event in told if isinstance(event, Progressed)]
    assert max(progressed) == 24


def test_a_timed_trial_is_between_two_runs_of_the_sentinel(
    executor: SerialExecutor, timing_trial: Callable[..., TimingTrial]
) -> None:
    executor.submit(timing_trial(("sentinel: 0", "sentinel: 2")), 1)
    [event] = ends(executor)
    assert isinstance(event, Finished)
    for when in ("before", "after"):
        assert len(event.result.samples[f"sentinel_{when}"]) == 2
        assert getattr(event.result.numbers, f"sentinel_{when}_seconds") > 0


def test_an_error_is_told_in_one_line_and_in_full(
    executor: SerialExecutor, training_trial: Callable[..., TrainingTrial]
) -> None:
    executor.submit(training_trial(fails=True), 1)
    [event] = ends(executor)
    assert isinstance(event, Failed)
    assert event.cause == "ValueError: told to fail [here]"
    assert not event.is_lost
    assert "Traceback" in event.details
    assert "tiny.py" in event.details
    assert executor.running == 0


def test_a_waiting_trial_can_be_taken_back(executor: SerialExecutor, trials: Callable[..., list[Trial]]) -> None:
    first, second, *_ = trials()
    executor.submit(first, 1)
    executor.submit(second, 1)
    executor.cancel(first)
    executor.cancel(first)
    assert executor.running == 1
    [event] = ends(executor)
    assert event.trial.key == second.key


def test_a_running_trial_stops_where_it_next_says_how_far_it_is(
    executor: SerialExecutor, training_trial: Callable[..., TrainingTrial]
) -> None:
    trial = training_trial()
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if isinstance(event, Progressed) and event.progress.iteration == 12:
            executor.cancel(trial)

    executor.submit(trial, 1)
    executor.wait(tell)
    *_, last, end = told
    assert isinstance(end, Failed)
    assert end.is_lost
    assert isinstance(last, Progressed)
    assert last.progress.iteration == 12
    executor.submit(trial, 2)
    executor.wait(tell)
    assert isinstance(told[-1], Failed)  # as it is cancelled again


def test_an_interrupt_is_no_failure_of_the_trial(
    executor: SerialExecutor, training_trial: Callable[..., TrainingTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.engine.serial.execute_trial", stopped)
    executor.submit(training_trial(), 1)
    with pytest.raises(KeyboardInterrupt):
        heard(executor)


def test_causes_are_one_line() -> None:
    assert cause_of(RuntimeError("first\n  second\n")) == "RuntimeError: first second"
    assert cause_of(KeyError("k")) == "KeyError: 'k'"


@pytest.mark.parametrize("when", [Progressed, Finished])
def test_what_the_driver_raises_is_no_failure_of_the_trial(
    executor: SerialExecutor, training_trial: Callable[..., TrainingTrial], when: type[Event]
) -> None:
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if isinstance(event, when):
            raise UserError("the tracking server is away")

    executor.submit(training_trial(), 1)
    with pytest.raises(UserError, match="the tracking server is away"):
        executor.wait(tell)
    assert isinstance(told[-1], when)  # nothing is told after it
