"""However a run ends, what it has started ends with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.engine import sessions

ROOT = Path(__file__).parents[3]
TINY = Path(__file__).parents[1] / "tiny.py"
SUITE = """
name: endless
protocols: {short: {batch_size: 20, epochs: 4, learning_rate: 0.01}}
resources: {memory_gb: 0.1, device: cpu}
errors:
  tasks: [tiny-digits]
  seeds: [0]
  rows: [{variant: tiny, config: {pause: 5}, protocol: short}]
"""
pytestmark = pytest.mark.slow


def started(process: subprocess.Popen[str]) -> tuple[str, list[psutil.Process]]:
    """What a run has said, and all its processes, as soon as one of a trial is among them."""
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("started"):
            break
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        children = psutil.Process(process.pid).children(recursive=True)
        if sum("harness.worker.forkserver" in " ".join(each.cmdline()) for each in children) > 1:
            return told, children
        time.sleep(0.1)
    raise AssertionError(f"no trial was started: {told}")


def folder_of(processes: list[psutil.Process]) -> Path:
    """The folder that a run's Ray keeps its sockets in."""
    [raylet] = [process for process in processes if process.name() == "raylet"]
    found = re.search(rf"(/[^ =]*/{sessions.PREFIX}[^/]*)/", " ".join(raylet.cmdline()))
    assert found is not None
    return Path(found[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_stopped_leaves_nothing(
    number: signal.Signals, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a temporary folder that is too long for Ray's sockets, as batch systems make them."""
    results, temporary = tmp_path / "results", tmp_path / ("long" * 15)
    for folder in (results, temporary):
        folder.mkdir()
    shutil.copy(empty_store, results / "mlflow.db")
    (tmp_path / "suite.yaml").write_text(SUITE)
    command = [sys.executable, "-m", "harness", "run", str(tmp_path / "suite.yaml"), "--plugin", str(TINY)]
    command += ["--results", str(results), "--data-dir", str(tmp_path / "data")]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        told, children = started(process)
        folder = folder_of(children)
        assert folder.is_dir()
        assert not folder.is_relative_to(temporary)
        process.send_signal(number)
        assert process.stderr is not None
        told += process.stderr.read()
        code = process.wait(120)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    assert not folder.exists()
    if number == signal.SIGTERM:
        assert code == 130, told
        assert told.splitlines()[-1].startswith("interrupted; what is done is kept, and this resumes it: ")
        assert "Traceback" not in told
    else:
        assert code == -signal.SIGKILL
