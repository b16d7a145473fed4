"""What trials cost, measured on ones whose cost is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.plan.trial import TrainingTrial
from harness.worker.context import WorkerContext
from harness.worker.train.calibration import Cost, calibrate


def test_cost_of_a_trial() -> None:
    cost = Cost(setup=5, iteration=0.5, evaluation=3)
    assert cost.of(100) == 5 + 50 + 3
    assert cost.of(100, evaluations=4) == 5 + 50 + 12


def test_an_iteration_of_known_length(training_trial: Callable[..., TrainingTrial], tmp_path: Path) -> None:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1)
    cost = calibrate(training_trial(pause=0.1), context)
    assert 0.1 <= cost.iteration < 0.4  # less than the four that are measured take together
    assert 0 < cost.evaluation < 5
    assert 0 < cost.setup < 30
    assert not context.checkpoints.exists()  # nothing is left of it


def test_iterations_need_not_be_known_yet(training_trial: Callable[..., TrainingTrial], tmp_path: Path) -> None:
    trial = training_trial()
    open_ = trial.work.model_copy(update={"iterations": None})
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1)
    assert calibrate(trial.model_copy(update={"work": open_}), context).iteration > 0
