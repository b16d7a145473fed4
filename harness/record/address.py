"""Where the record is kept: a SQLite file under results/ by default, or any MLflow tracking server."""

from __future__ import annotations

import http.client
import os
import urllib.request
from pathlib import Path

from harness.errors import UserError

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
PATIENCE = 5  # seconds that a server may take to answer


def be_quiet() -> None:
    """Set MLflow's environment before it is imported: no telemetry, no background jobs."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def default_address(results: Path) -> str:
    """The address of the record under a results folder."""
    return f"sqlite:///{results.resolve() / 'mlflow.db'}"


def check_address(address: str) -> None:
    """Find out at once whether the record can be reached.

    Raises:
        UserError: no server answers there, or the address is of no known kind.
    """
    if address.startswith("sqlite:///"):
        return
    if not address.startswith(("http://", "https://")):
        raise UserError(
            f"--tracking-uri {address}: not an address of a record; write http://HOST:PORT or sqlite:///FILE."
        )
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=PATIENCE):
            return
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"--tracking-uri {address}: no MLflow server answers there ({reason}); start it, or leave the option "
            f"out to record under results/."
        ) from None


def make_folder(folder: Path) -> None:
    """Make a folder that can be written to.

    Raises:
        UserError: it can't.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; name another folder.") from None


def artifact_folder(address: str, results: Path) -> str | None:
    """Where the artifacts of a local record go; a server decides for itself."""
    if not address.startswith("sqlite:///"):
        return None
    return (results.resolve() / "artifacts").as_uri()
