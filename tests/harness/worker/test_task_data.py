"""The data of a trial on a machine that may not have them, or has others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data import DATASETS, Examples, TaskData
from harness.errors import UserError
from harness.plan.trial import TrainingTrial
from harness.worker.context import WorkerContext
from harness.worker.task_data import task_data


@pytest.fixture
def context(tmp_path: Path) -> WorkerContext:
    return WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1)


def test_a_node_without_the_data_fetches_them(
    training_trial: Callable[..., TrainingTrial], context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = DATASETS.get("tiny-digits")
    fetched: list[Path] = []
    load = dataset.load

    def needs_fetching(self: object, folder: Path) -> TaskData:
        if not fetched:
            raise UserError("a file is missing")
        return load(self, folder)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset, "load", needs_fetching)
    monkeypatch.setattr(dataset, "fetch", lambda self, folder, progress: fetched.append(folder))
    assert len(task_data(training_trial(), context).train) == 120
    assert fetched == [context.data]


def test_other_names_of_tests_than_planned_are_refused(
    training_trial: Callable[..., TrainingTrial], context: WorkerContext
) -> None:
    trial = training_trial().model_copy(update={"tests": ("noisy", "tiny-digits")})
    with pytest.raises(UserError, match="are tiny-digits, noisy, and the trial was planned with noisy, tiny-digits"):
        task_data(trial, context)
    task_data(trial.model_copy(update={"tests": ()}), context)  # of a record that doesn't name them


def test_data_that_are_not_what_they_have_to_be_are_refused(
    training_trial: Callable[..., TrainingTrial], context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, load = training_trial(), DATASETS.get("tiny-digits").load

    def in_colour(self: object, folder: Path) -> TaskData:
        data = load(self, folder)  # type: ignore[arg-type]
        train = Examples(np.repeat(data.train.images[..., None], 3, axis=3), data.train.labels)
        return TaskData(train, data.tests)

    monkeypatch.setattr(DATASETS.get("tiny-digits"), "load", in_colour)
    with pytest.raises(UserError, match=r"shape \(120, 12, 12, 3\): only grey images"):
        task_data(trial, context)


def test_other_data_than_planned_are_refused(
    training_trial: Callable[..., TrainingTrial], context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = training_trial()
    monkeypatch.setattr(DATASETS.get("tiny-digits"), "digest", lambda self, folder: "tiny-digits-2")
    with pytest.raises(UserError, match="are tiny-digits-2, and the trial was planned with tiny-digits-1"):
        task_data(trial, context)
