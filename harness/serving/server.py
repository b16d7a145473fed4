"""MLflow's server behind the gate, in one process that dies with the one that started it.

python -m harness.serving.server RECORD SOCKET PORT PARENT
"""

from __future__ import annotations

import socket
import sys

import uvicorn

from harness.process import die_with
from harness.record.tracking_uri import be_quiet
from harness.serving.gate import Gate

ENDING = 2  # seconds that requests may still take when the server is told to end


def serve(tracking_uri: str, listener: socket.socket, port: int) -> None:
    """Answer what comes in by a socket that listens, until told to end."""
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(tracking_uri, tracking_uri, None)
    # Without the application's start, which looks for containers that it might have left, and without its access log.
    config = uvicorn.Config(
        Gate(app, port), lifespan="off", log_level="error", proxy_headers=False, timeout_graceful_shutdown=ENDING
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    die_with(int(sys.argv[4]))
    be_quiet()
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
