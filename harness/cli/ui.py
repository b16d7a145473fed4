"""`harness ui`: browse a record in MLflow's pages, served from here for a file, else by the record's own server."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from harness.cli.console import make_console
from harness.cli.inputs import existing_record
from harness.cli.options import RESULTS, Results, TrackingUri, within
from harness.errors import UserError
from harness.record.pages import HOST, PORT, charts_page, run_page, served

if TYPE_CHECKING:
    from harness.record.listing import Browsable

START_TIMEOUT = 60.0  # seconds until the server must answer
STOP_TIMEOUT = 5.0  # seconds that it may take to end
KINDS = {"curves": "trial", "times": "timing"}  # of runs, by what their charts show


def ui(
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    port: Annotated[int, typer.Option(help="Of 127.0.0.1, 1 to 65535.", callback=within(1, 65_535))] = PORT,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the address.")] = True,
) -> None:
    """Browse the record in MLflow, on 127.0.0.1 only."""
    tracking_uri = existing_record(tracking_uri, results)
    browse(tracking_uri, port, open_browser, make_console(stderr=True))


def browse(tracking_uri: str, port: int, open_browser: bool, console: Console) -> None:
    """Print the addresses of a record's pages, and serve them until stopped if it is a file.

    Raises:
        UserError: the port is taken, or the server does not start.
    """
    if tracking_uri.startswith("http"):
        _show(tracking_uri, tracking_uri.rstrip("/"), open_browser, console)
        return
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _stop)
    with suppress(KeyboardInterrupt), _served(tracking_uri, port) as server:
        _show(tracking_uri, served(port), open_browser, console)
        console.print("Ctrl-C ends it")
        server.wait()
        raise UserError("MLflow's server has ended; start it again.")


def links(suite: Browsable, host: str) -> list[tuple[str, str]]:
    """Return titles and addresses of the pages of a suite: the charts of its trials, and its newest report."""
    from harness.record.names import KIND

    found = [
        (f"{suite.name}, {what}", charts_page(host, suite.experiment, f"tags.`{KIND}` = '{kind}'"))
        for what, kind in KINDS.items()
    ]
    if suite.report:
        page = run_page(host, suite.experiment, suite.report, "report/report.html")
        found.append((f"{suite.name}, report", page))
    return found


def _show(tracking_uri: str, host: str, open_browser: bool, console: Console) -> None:
    from harness.record.listing import suites

    found = [link for suite in suites(tracking_uri) for link in links(suite, host)]
    for name, link in found or [("MLflow", host)]:
        console.print(f"{name}: {link}", highlight=False, markup=False, soft_wrap=True)
    if open_browser and found:
        webbrowser.open(found[0][1])


def _listener(port: int) -> socket.socket:
    """Open a socket that listens on the port, so that nobody else can take it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UserError(f"--port {port}: {error.strerror}; name another port.") from None
    return listener


@contextmanager
def _served(tracking_uri: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve MLflow's pages in a process that ends with this one, whatever ends it."""
    with _listener(port) as listener, tempfile.TemporaryFile() as told:
        number = listener.fileno()
        command = [sys.executable, "-P", "-m", "harness.serving.server"]
        command += [tracking_uri, str(number), str(port), str(os.getpid())]
        server = subprocess.Popen(
            command,
            pass_fds=[number],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,  # Ctrl-C in the terminal is for this process, which then ends the server
        )
        try:
            listener.close()
            _wait_for(server, port, told)
            yield server
        finally:
            _end(server)


def _wait_for(server: subprocess.Popen[bytes], port: int, told: IO[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end and server.poll() is None:
        asked = http.client.HTTPConnection(HOST, port, timeout=end - time.monotonic())
        try:
            asked.request("GET", "/health")
            if asked.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            asked.close()
    told.seek(0)
    last = told.read().decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    raise UserError(f"MLflow's server did not start on port {port} ({last[0]}).")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt
