"""MLflow's server behind the gate, in a process that ends with its parent.

python -m harness.serving.server TRACKING_URI SOCKET PORT PARENT
"""

from __future__ import annotations

import socket
import sys

import uvicorn

from harness.process import die_with
from harness.record.tracking_uri import be_quiet
from harness.serving.gate import Gate

STOP_TIMEOUT = 2  # seconds that running requests have left when the server stops


def serve(tracking_uri: str, listener: socket.socket, port: int) -> None:
    """Serve the requests of a listening socket until a signal ends the process."""
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(tracking_uri, tracking_uri, None)
    # lifespan="off" skips the application's startup, which would look for leftover containers.
    config = uvicorn.Config(
        Gate(app, port), lifespan="off", log_level="error", proxy_headers=False, timeout_graceful_shutdown=STOP_TIMEOUT
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    die_with(int(sys.argv[4]))
    be_quiet()
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
