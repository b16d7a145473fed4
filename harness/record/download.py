"""Find the artifacts of a run on this machine, or download them."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.record.retry import is_away
from harness.record.tracking_uri import TrackingUri


def local_artifact(client: MlflowClient, run: Run, tracking_uri: str, name: str, into: Path | None = None) -> Path:
    """Return the local path of a run's artifact, a file or a folder, even if a local store was moved as a whole.

    Arguments:
        into: the folder for downloads; if None, a temporary folder that is never removed.

    Raises:
        UserError: the artifact is not there.
    """
    uri = TrackingUri(tracking_uri)
    if uri.is_local:
        moved = uri.path.parent / "artifacts" / run.info.run_id / "artifacts" / name
        if moved.exists():
            return moved
    try:
        target = None
        if into is not None:
            into.mkdir(exist_ok=True)
            target = str(into)
        return Path(
            mlflow.artifacts.download_artifacts(
                run_id=run.info.run_id, artifact_path=name, tracking_uri=tracking_uri, dst_path=target
            )
        )
    except (MlflowException, OSError) as error:
        if is_away(error):
            raise
        raise UserError(f"the record has lost {name} of run {run.info.run_id}; run the suite again.") from error
