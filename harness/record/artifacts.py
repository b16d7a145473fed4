"""The files of a run: what is too large or too fine for a metric."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import mlflow
import numpy as np
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.trial import Result


def save_result(result: Result, folder: Path) -> None:
    """Write the curve, the raw samples and the predictions into a folder."""
    if result.history:
        curve = [dataclasses.asdict(point) for point in result.history]
        (folder / "curve.json").write_text(json.dumps(curve, indent=1))
    if result.samples:
        (folder / "samples_seconds.json").write_text(json.dumps(result.samples, indent=1))
    if result.predictions:
        names = {name.replace("/", "-"): values for name, values in result.predictions.items()}
        np.savez_compressed(folder / "predictions.npz", **names)  # type: ignore[arg-type]


def local_artifact(client: MlflowClient, run: Run, address: str, name: str) -> str:
    """The text of a run's artifact, also when a local store was moved as a whole.

    Raises:
        UserError: it is not there.
    """
    if address.startswith("sqlite:///"):
        store = Path(address.removeprefix("sqlite:///")).parent
        moved = store / "artifacts" / run.info.run_id / "artifacts" / name
        if moved.is_file():
            return moved.read_text(encoding="utf-8")
    try:
        path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name, tracking_uri=address)
        return Path(path).read_text(encoding="utf-8")
    except (MlflowException, OSError) as error:
        raise UserError(f"the record has lost {name} of run {run.info.run_id}; run the suite again.") from error
