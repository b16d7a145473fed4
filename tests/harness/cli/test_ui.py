"""`harness ui`: what it serves to whom, what is left of it, and where it leads for a record on a server."""

from __future__ import annotations

import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.errors import UserError
from harness.process import die_with
from harness.record.loading import load
from harness.record.reader import RunReader
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.record.writer import RunWriter

Cli = Callable[..., Any]
PATIENCE = 60.0  # seconds


class Shown:
    """`harness ui` in a process of its own."""

    def __init__(self, results: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "harness", "ui", "--no-open", "--port", str(self.port)]
        command += ["--results", str(results)]
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
            preexec_fn=partial(die_with, os.getpid()),
        )
        assert self.process.stderr is not None
        self.lines: list[str] = []
        for line in self.process.stderr:
            if line.startswith("Ctrl-C"):
                break
            self.lines.append(line.strip())
        self.servers = psutil.Process(self.process.pid).children(recursive=True)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """The status and the text that a request gets."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        text = body if isinstance(body, bytes | None) else json.dumps(body)
        asked.request(method, path, text, {"Content-Type": "application/json", **headers})
        answer = asked.getresponse()
        return answer.status, answer.read()

    def end(self, how: signal.Signals) -> None:
        """End the command, and wait for what it has started."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        gone, alive = psutil.wait_procs(self.servers, timeout=PATIENCE)
        assert not alive
        assert len(gone) >= 1


@pytest.fixture
def run(results: Path) -> str:
    """The id of a run of an invocation in the results, with an artifact."""
    address = default_tracking_uri(results)
    record = RunWriter(address, "shown", artifact_folder(address, results))
    run = record.client.create_run(record.experiment, tags={"harness.kind": "suite"}).info.run_id
    record.client.log_text(run, "what was recorded", "report/report.html")
    record.client.set_terminated(run)
    return str(run)


@pytest.fixture
def show(results: Path, tmp_path: Path) -> Iterator[Callable[[], Shown]]:
    """Start `harness ui`; its temporary folder is empty at the end."""
    folder, started = tmp_path / "temporary", []
    folder.mkdir()

    def start() -> Shown:
        started.append(Shown(results, folder))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_record_is_read_and_nothing_is_written(show: Callable[[], Shown], run: str, results: Path) -> None:
    shown = show()
    assert [line.partition(":")[0] for line in shown.lines] == ["shown, curves", "shown, times", "shown, report"]
    api, experiment = "/ajax-api/2.0/mlflow", shown.lines[0].partition("experiments/")[2].partition("/")[0]

    status, found = shown.ask("POST", f"{api}/runs/search", {"experiment_ids": [experiment]})
    assert (status, [each["info"]["run_id"] for each in json.loads(found)["runs"]]) == (200, [run])
    status, found = shown.ask("GET", f"{api}/artifacts/list?run_id={run}&path=report")
    assert (status, [each["path"] for each in json.loads(found)["files"]]) == (200, ["report/report.html"])
    assert shown.ask("GET", f"/get-artifact?run_uuid={run}&path=report/report.html") == (200, b"what was recorded")
    assert shown.ask("GET", "/")[0] == 200
    query = {"query": "query q($run: MlflowGetRunInput!) {mlflowGetRun(input: $run) {run {info {runUuid}}}}"}
    status, found = shown.ask("POST", "/graphql", query | {"variables": {"run": {"runId": run}}})
    assert (status, run in found.decode()) == (200, True)

    elsewhere = results.parent / "elsewhere"
    location = {"name": "mine", "artifact_location": elsewhere.as_uri()}
    assert shown.ask("POST", f"{api}/upload-artifact?run_uuid={run}&path=report/report.html", b"x")[0] == 403
    assert shown.ask("POST", "/api/2.0/mlflow/experiments/create", location)[0] == 403
    assert shown.ask("POST", f"{api}/runs/delete", {"run_id": run})[0] == 403
    assert shown.ask("GET", "/", Host=f"10.evil.example:{shown.port}")[0] == 403
    assert shown.ask("GET", f"{api}/experiments/search", Origin="http://evil.example")[0] == 403
    assert shown.ask("GET", f"/get-artifact?run_uuid={run}&path=report/report.html") == (200, b"what was recorded")
    assert not elsewhere.exists()
    shown.end(signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_server_first(
    cli: Callable[..., Any], results: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    ended: list[int] = []

    class Process:
        def wait(self) -> None:
            os.kill(os.getpid(), how)
            time.sleep(PATIENCE)

    @contextmanager
    def served(address: str, port: int) -> Iterator[Process]:
        try:
            yield Process()
        finally:
            ended.append(port)

    monkeypatch.setattr("harness.cli.ui._served", served)
    said = cli("ui", "--no-open", "--port", 5001, "--results", results)
    assert (said.code, said.err.splitlines()[-1], ended) == (0, "Ctrl-C ends it", [5001])


def test_a_port_that_is_taken(cli: Callable[..., Any], results: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = cli("ui", "--no-open", "--port", port, "--results", results)
    assert said.sentence == f"--port {port}: Address already in use; name another port."


@pytest.fixture
def started_elsewhere(results: Path) -> Iterator[tuple[str, subprocess.Popen[str], psutil.Process]]:
    """The address of a server that a thread of another process has started, that process, and the server's."""
    script = (
        "import pathlib, sys, threading, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from tests.harness.mlflow_server import Server\n"
        f"server = Server(pathlib.Path({str(results)!r}))\n"
        "started = threading.Thread(target=server.start)\n"
        "started.start()\n"
        "started.join()\n"
        "print(server.address, server.process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    tests = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert tests.stdout is not None
    address, process = tests.stdout.readline().split()
    yield address, tests, psutil.Process(int(process))
    tests.kill()
    tests.wait()


@pytest.mark.slow
def test_the_pages_of_a_server_are_its_own(
    cli: Callable[..., Any],
    run: str,
    started_elsewhere: tuple[str, subprocess.Popen[str], psutil.Process],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the server of a test run that is killed ends with it."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    address, tests, server = started_elsewhere
    said = cli("ui", "--tracking-uri", f"{address}/", "--results", tmp_path / "nothing")
    assert said.code == 0
    addresses = [line.partition(": ")[2] for line in said.err.splitlines()]
    assert len(addresses) == 3
    assert all(each.startswith(f"{address}/#/experiments/") for each in addresses)
    assert opened == addresses[:1]

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    record = RunReader(address, "shown")
    found = record.client.get_run(run)
    assert record.artifact(found, "report/report.html").read_text() == "what was recorded"
    with pytest.raises(UserError):
        record.artifact(found, "plan.json")
    del record
    with pytest.raises(UserError, match="has no model"):
        load(run, address)
    gc.collect()
    assert list(temporary.iterdir()) == []  # what was read from a server goes with its reader

    assert server.is_running()
    tests.kill()
    assert psutil.wait_procs([server], timeout=PATIENCE)[1] == []


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["ui", "--port", "-3"], ["--port is -3; allowed: 1 to 65535"]),
        (["ui", "--port", "70000"], ["--port is 70000; allowed: 1 to 65535"]),
        (["ui", "--port", "many"], ["--port"]),
    ],
)
def test_mistakes_in_the_port(cli: Cli, arguments: list[str], parts: list[str]) -> None:
    line = cli(*arguments).sentence
    for part in parts:
        assert part in line
