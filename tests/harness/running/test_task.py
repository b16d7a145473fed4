"""The data of a trial on a machine that may not have them, or has others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data import DATASETS, TaskData
from harness.errors import UserError
from harness.running.context import Context
from harness.running.task import task_data
from harness.trial import Trial


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(data=tmp_path, checkpoints=tmp_path, threads=1)


def test_a_node_without_the_data_fetches_them(
    training_trial: Callable[..., Trial], context: Context, monkeypatch: pytest.MonkeyPatch
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


def test_other_data_than_planned_are_refused(
    training_trial: Callable[..., Trial], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = training_trial()
    monkeypatch.setattr(DATASETS.get("tiny-digits"), "digest", lambda self, folder: "tiny-digits-2")
    with pytest.raises(UserError, match="are tiny-digits-2, and the trial was planned with tiny-digits-1"):
        task_data(trial, context)
