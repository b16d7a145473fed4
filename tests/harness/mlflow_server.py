"""An MLflow server for the tests, which ends with the test run, however that ends.

python mlflow_server.py DATABASE ARTIFACTS PORT PARENT
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0  # seconds until it must answer
LOOK = 0.2  # seconds between two looks at whether the test run is still there


class Server:
    """A server on a folder's database that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What a record is named by that it serves."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, __file__, f"sqlite:///{self.folder / 'mlflow.db'}", str(self.folder / "served")]
        command += [str(self.port), str(os.getpid())]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=1):
                return
            time.sleep(0.2)
        raise AssertionError("the server does not start")

    def stop(self) -> None:
        """End it; it can be started again."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:  # the kernel's own way looks at the thread that started it, which may be a timer
        time.sleep(LOOK)
    os._exit(1)


def _serve(database: str, artifacts: str, port: int) -> None:
    """What `mlflow server` does, without the processes that it starts for it."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    os.environ |= {"_MLFLOW_SERVER_SERVE_ARTIFACTS": "true", "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts}
    import uvicorn
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(database, database, "mlflow-artifacts:/")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=[int(sys.argv[4])], daemon=True).start()
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
