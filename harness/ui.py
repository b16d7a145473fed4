"""MLflow's user interface on a record, on this machine only."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import webbrowser
from contextlib import suppress

from rich.console import Console

from harness.errors import UserError
from harness.record.history import experiments

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds until the server must answer
# Without this view MLflow opens an experiment on an empty page for traces.
VIEW = "runs?workflowType=machine_learning&compareRunsMode=CHART"


def serve(address: str, port: int, open_browser: bool, console: Console) -> None:
    """Serve until interrupted.

    Raises:
        UserError: the port is taken, or the server does not start.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(f"--port {port}: {error.strerror}; name another port.") from None
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", address]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(server, port)
        addresses = [f"http://{HOST}:{port}/#/experiments/{number}/{VIEW}" for number in experiments(address)]
        for found in addresses or [f"http://{HOST}:{port}"]:
            console.print(found, highlight=False, soft_wrap=True)
        if open_browser and addresses:
            webbrowser.open(addresses[0])
        console.print("Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            server.wait()
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise UserError(f"MLflow's server did not start on port {port}; try 'python -m mlflow server' to see why.")
