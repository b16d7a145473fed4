"""Write a trained model as an MLflow pyfunc, beside its trial's results."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from harness.plan.trial import Trial
from harness.record.plugin import save_plugin
from variants import VARIANTS

FOLDER = "model"  # among a run's artifacts
WEIGHTS, TRIAL = "weights.pt", "trial.json"  # among the model's own
CODE = Path(__file__).with_name("pyfunc.py")
PACKAGES = ("torch", "numpy", "pydantic", "mlflow")


def save_model(trial: Trial, weights: bytes, folder: Path) -> None:
    """Write a trial's model as an MLflow model with signature, input example and, if its variant is a plugin, its code.

    Arguments:
        weights: parameters and buffers as `torch.save` writes them.
        folder: is created; it must not exist.
    """
    size = trial.config["image_size"]
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, size, size))]),
        outputs=Schema([TensorSpec(np.dtype(np.int64), (-1,))]),
    )
    with tempfile.TemporaryDirectory() as aside, _quiet():
        (Path(aside) / WEIGHTS).write_bytes(weights)
        (Path(aside) / TRIAL).write_text(trial.model_dump_json(indent=1), encoding="utf-8")
        parts = {"weights": Path(aside) / WEIGHTS, "trial": Path(aside) / TRIAL}
        plugin = save_plugin(VARIANTS.sources(trial.variant), Path(aside))
        if plugin is not None:
            parts["plugin"] = plugin
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(CODE),
            artifacts={name: str(path) for name, path in parts.items()},
            signature=signature,
            input_example=np.zeros((1, size, size), np.uint8),
            pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
            metadata={"variant": trial.variant, "title": trial.title, "task": trial.task, "key": trial.key},
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress MLflow's hints about types and environments, which are for models that are written by hand."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
