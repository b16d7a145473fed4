"""Test error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import variants
from harness.data import DATASETS
from harness.worker.train import evaluation
from harness.worker.train.evaluation import error_percent, predict


def test_error_is_the_share_of_wrong_ones() -> None:
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 7], np.uint8)
    assert error_percent(labels, labels) == 0
    assert error_percent(np.array([0, 1, 2, 3, 4, 5, 7, 6], np.uint8), labels) == 25
    assert error_percent(9 - labels, labels) == 100


@pytest.mark.usefixtures("tiny")
def test_predictions_are_those_of_the_evaluated_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 10)  # so that the last batch is a smaller one
    examples = DATASETS.get("tiny-digits")().load(tmp_path).tests["noisy"]
    torch.manual_seed(0)
    model = variants.build("tiny", image_size=12, classes=4)
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    flat = examples.images.reshape(45, -1).astype(np.float64) / 255
    values = np.maximum(flat @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
    scores = values @ weights["classes.weight"].T + weights["classes.bias"]  # without dropout
    found = predict(model, examples, torch.device("cpu"))
    assert found.dtype == np.uint8
    assert found.tolist() == scores.argmax(1).tolist()
    assert model.training  # as it was
