"""Where trials run, and what is rejected there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine import workplace
from harness.engine.workplace import ThisProcess
from harness.errors import UserError
from harness.plan.trial import TimingTrial, TrainingTrial
from harness.suite.resources import Resources
from harness.worker.context import WorkerContext
from harness.worker.forkserver import TrialError


def test_one_process_trains_and_times_with_the_threads_that_the_suite_names(
    training_trial: Callable[..., TrainingTrial], timing_trial: Callable[..., TimingTrial]
) -> None:
    place = ThisProcess(Resources(threads=3))
    assert place.cluster.threads(training_trial()) == 3
    assert place.cluster.threads(timing_trial()) == 1  # of its protocol
    assert place.slots == 1


def test_one_process_rejects_a_gpu_and_more_threads_than_it_may_use(
    training_trial: Callable[..., TrainingTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplace, "usable_cpus", lambda: 2)
    trial = training_trial()
    ThisProcess(Resources(threads=2, memory_gb=4096)).cluster.check([trial], "suite.yaml")  # memory is not reserved
    with pytest.raises(UserError, match=r"^suite\.yaml: '.*' asks for 3 threads, but the largest node has 2"):
        ThisProcess(Resources(threads=3)).cluster.check([trial], "suite.yaml")
    with pytest.raises(UserError, match=r"resources\.device is 'gpu', but no node has a GPU"):
        ThisProcess(Resources(device="gpu")).cluster.check([trial], "suite.yaml")


def test_costs_of_one_process_name_what_breaks(training_trial: Callable[..., TrainingTrial], tmp_path: Path) -> None:

    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1)
    trial = training_trial(fails=True)
    [cost] = ThisProcess(Resources()).costs([trial], lambda _: context, lambda _: None)
    assert isinstance(cost, TrialError)
    assert cost.cause == "ValueError: told to fail [here]"
