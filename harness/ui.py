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
from harness.record.history import KIND, Browsable, suites
from harness.record.pages import HOST, charts_page, run_page, served

PATIENCE = 60.0  # seconds until the server must answer
KINDS = {"curves": "trial", "times": "timing"}  # of runs, by what their charts show


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
        found = [link for suite in suites(address) for link in links(suite, served(port))]
        for name, link in found or [("MLflow", served(port))]:
            console.print(f"{name}: {link}", highlight=False, soft_wrap=True)
        if open_browser and found:
            webbrowser.open(found[0][1])
        console.print("Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            server.wait()
    finally:
        server.terminate()
        server.wait(10)


def links(suite: Browsable, host: str) -> list[tuple[str, str]]:
    """What of a suite is to be seen where: the charts of its trials at once, and its newest report."""
    found = [
        (f"{suite.name}, {what}", charts_page(host, suite.experiment, f"tags.`{KIND}` = '{kind}'"))
        for what, kind in KINDS.items()
    ]
    if suite.report:
        page = run_page(host, suite.experiment, suite.report, "report/report.html")
        found.append((f"{suite.name}, report", page))
    return found


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise UserError(f"MLflow's server did not start on port {port}; try 'python -m mlflow server' to see why.")
