"""Test error: the share of a test set's images that a model gets wrong."""

from __future__ import annotations

import numpy as np
import torch

from harness.data import Examples
from harness.data.batches import EVALUATION_BATCH, evaluation_batches
from harness.data.labels import label_dtype
from harness.suite.protocol import Precision
from harness.worker.checks import check_output
from harness.worker.precision import forward_in
from variants.contract import Variant


@torch.inference_mode()
def predict(model: Variant, examples: Examples, device: torch.device, precision: Precision = "float32") -> np.ndarray:
    """Return the predicted class of every image, (images,) in the dtype of the labels (`label_dtype`).

    Raises:
        UserError: the output violates `variants.contract`.
    """
    model.eval()
    with forward_in(precision, device):
        batches = evaluation_batches(examples, EVALUATION_BATCH, device)
        found = [check_output(model, model(images), images).predictions() for images, _ in batches]
    model.train()
    return torch.cat(found).cpu().numpy().astype(label_dtype(model.config.classes))


def error_percent(predictions: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of wrong predictions, percent."""
    return float(100 * np.mean(predictions != labels))
