"""The files of a run: what is too large or too fine for a metric."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.trial import Result

PREDICTIONS, ACTIVITY = "predictions.npz", "activity.json"
PICTURES = "pictures.npz"
CURVE_FILE, SAMPLES = "curve.json", "samples_seconds.json"
LABELS = "|labels"  # what is added to a test's name


def save_result(result: Result, folder: Path) -> None:
    """Write what a result holds besides numbers into a folder, all but its model.

    That is the curve, the raw samples, the predictions beside the true classes, the activities and the pictures.
    """
    if result.history:
        curve = [dataclasses.asdict(point) for point in result.history]
        (folder / CURVE_FILE).write_text(json.dumps(curve, indent=1))
    if result.samples:
        (folder / SAMPLES).write_text(json.dumps(result.samples, indent=1))
    if result.predictions:
        arrays = dict(result.predictions)
        arrays |= {name + LABELS: labels for name, labels in result.labels.items()}
        _save_arrays(folder / PREDICTIONS, arrays)
    if result.pictures:
        _save_arrays(folder / PICTURES, result.pictures)
    if result.activity:
        (folder / ACTIVITY).write_text(json.dumps(result.activity))


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file. NumPy's function for it takes a test of the name `file` for an argument of its own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_answers(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Predicted and true classes by test, (images,) each in a dtype that holds them, from a file of predictions."""
    with np.load(path, allow_pickle=False) as file:
        tests = [name for name in file.files if name + LABELS in file.files]
        return {name: (file[name], file[name + LABELS]) for name in tests}


def read_pictures(path: Path) -> dict[str, np.ndarray]:
    """The pictures of a model (`harness.running.pictures`)."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def local_artifact(client: MlflowClient, run: Run, address: str, name: str) -> Path:
    """The file or folder of a run's artifact, also when a local store was moved as a whole.

    Raises:
        UserError: it is not there.
    """
    if address.startswith("sqlite:///"):
        store = Path(address.removeprefix("sqlite:///")).parent
        moved = store / "artifacts" / run.info.run_id / "artifacts" / name
        if moved.exists():
            return moved
    try:
        path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name, tracking_uri=address)
        return Path(path)
    except (MlflowException, OSError) as error:
        raise UserError(f"the record has lost {name} of run {run.info.run_id}; run the suite again.") from error
