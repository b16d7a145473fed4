"""A trained model as an MLflow pyfunc: written beside its trial's results, loaded back by the id of the run."""

from __future__ import annotations

import inspect
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from harness.errors import UserError
from harness.record.access import open_store
from harness.record.artifacts import local_artifact
from harness.trial import Trial
from variants import VARIANTS

FOLDER = "model"  # among a run's artifacts
CODE = Path(__file__).with_name("trained.py")
PACKAGES = ("torch", "numpy", "pydantic", "mlflow")


def save_model(trial: Trial, weights: bytes, folder: Path) -> None:
    """Write a trial's model as an MLflow model, with signature, input example and, of a plugin, its code.

    Arguments:
        weights: parameters and buffers as `torch.save` writes them.
        folder: does not exist yet.
    """
    size = trial.config["image_size"]
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, size, size))]),
        outputs=Schema([TensorSpec(np.dtype(np.int64), (-1,))]),
    )
    with tempfile.TemporaryDirectory() as aside, _quiet():
        parts = {"weights.pt": weights, "trial.json": trial.model_dump_json(indent=1).encode()}
        plugin = _plugin(trial.variant)
        if plugin is not None:
            parts["plugin.py"] = plugin.read_bytes()
        for name, content in parts.items():
            (Path(aside) / name).write_bytes(content)
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(CODE),
            artifacts={Path(name).stem: str(Path(aside) / name) for name in parts},
            signature=signature,
            input_example=np.zeros((1, size, size), np.uint8),
            pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
            metadata={"variant": trial.variant, "title": trial.title, "task": trial.task, "key": trial.key},
        )


def load(run: str, tracking_uri: str) -> Any:
    """A trial's trained model, as an `mlflow.pyfunc.PyFuncModel`.

    Arguments:
        run: the id of the trial's run.

    Raises:
        UserError: there is no such run, or its model was not kept.
    """
    client = open_store(tracking_uri)
    try:
        found = client.get_run(run)
    except MlflowException as error:
        raise UserError(f"there is no run {run} in {tracking_uri}; `python -m harness ui` shows their ids.") from error
    try:
        return mlflow.pyfunc.load_model(str(local_artifact(client, found, tracking_uri, FOLDER)))
    except UserError:
        raise UserError(
            f"run {run} ({found.info.run_name}) has no model: those of the suite's first seed are kept, and of all "
            f"seeds with 'keep_models: all' in the suite."
        ) from None


def _plugin(variant: str) -> Path | None:
    """The file of a variant that was loaded as a plugin."""
    module = VARIANTS.get(variant).__module__
    return Path(inspect.getfile(sys.modules[module])) if module.startswith("harness_plugin_") else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without MLflow's advice on types and environments, which is for those who write models by hand."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
