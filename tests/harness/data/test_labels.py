"""Classes that no byte holds, from the model to the record and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import variants
from harness.data import DATASETS, Dataset, Examples, TaskData, idx
from harness.data.labels import label_dtype
from harness.plan.make import make_plan
from harness.record.artifacts import PREDICTIONS, read_predictions, save_result
from harness.registry import Registry
from harness.suite.load import load_suite
from harness.worker.context import WorkerContext
from harness.worker.numbers import TrainingNumbers
from harness.worker.train.training import train_trial
from variants import VARIANTS
from variants.contract import Config, Output, Variant

CLASSES = 300
SUITE = """
name: many
protocols: {short: {batch_size: 100, epochs: 1, learning_rate: 0.001}}
errors: {tasks: [many], seeds: [0], test_images: 500, rows: [{variant: oracle, protocol: short}]}
"""


def shown(labels: np.ndarray) -> Examples:
    """Images that show their label in two pixels."""
    images = np.zeros((len(labels), 2, 2), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = labels % 256, labels // 256
    return Examples(images, labels)


class Many(Dataset):
    """300 classes in one test sorted by class."""

    name, image_size, classes, train_size = "many", 2, CLASSES, 600

    def digest(self, folder: Path) -> str:
        return "many-1"

    def test_names(self, folder: Path) -> list[str]:
        return ["file"]

    def fetch(self, folder: Path, progress: object) -> None:
        pass

    def load(self, folder: Path) -> TaskData:
        return TaskData(shown(np.arange(600) % CLASSES), {"file": shown(np.repeat(np.arange(CLASSES), 2))})


class Oracle(Variant):
    """Reads the label off the image."""

    Config = Config

    def __init__(self, config: variants.Config) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        pixels = (images * 255).round().long()
        found = pixels[:, 0, 0, 0] + 256 * pixels[:, 0, 0, 1]
        return Output(F.one_hot(found, CLASSES) * (1 + self.scale.abs()))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(output.activities, labels)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    added: tuple[tuple[Registry[Any], str, type], ...] = ((DATASETS, "many", Many), (VARIANTS, "oracle", Oracle))
    for registry, name, cls in added:
        registry.names()  # all are found before, so that none is lost with the copy
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
        registry.register(name)(cls)


@pytest.mark.usefixtures("registered")
def test_a_perfect_model_of_300_classes_has_no_error(write: Callable[..., Path], tmp_path: Path) -> None:
    [trial] = make_plan(load_suite(write(SUITE)), tmp_path).training
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1)
    result = train_trial(trial, context, lambda progress: None)
    assert isinstance(result.numbers, TrainingNumbers)
    assert result.numbers.tests["file"].error_percent == 0
    assert result.numbers.tests["file"].images == 500
    save_result(result, tmp_path)
    predicted, true = read_predictions(tmp_path / PREDICTIONS)["file"]
    assert predicted.tolist() == true.tolist() == sorted(true.tolist())
    assert set(true.tolist()) == set(range(CLASSES))  # each at least once, as 500 images are asked for
    assert predicted.dtype == true.dtype == np.uint16


@pytest.mark.parametrize(("classes", "kind"), [(2, "uint8"), (256, "uint8"), (257, "uint16"), (1000, "uint16")])
def test_classes_are_bytes_while_they_fit(classes: int, kind: str) -> None:
    assert label_dtype(classes) == kind
    assert np.arange(classes).astype(label_dtype(classes))[-1] == classes - 1


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32])
def test_files_of_labels_hold_them(kind: type) -> None:
    labels: np.ndarray = np.arange(250 if kind is np.uint8 else 1000).astype(kind)
    found = idx.parse(idx.dump(labels), where="labels", dimensions=1)
    assert found.dtype == kind
    assert np.array_equal(found, labels)
