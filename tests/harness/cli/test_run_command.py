"""`harness run`: every mistake is one line on standard error and exit code 2, with nothing written."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.engine.cluster import Node

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def refused(cli: Cli, suite: Path, tmp_path: Path) -> Callable[..., str]:
    """The line with which `run` refuses a suite, after a change of it; nothing is left on the disk."""

    def run(change: tuple[str, str] | None = None, *more: object) -> str:
        if change is not None:
            text = suite.read_text()
            assert change[0] in text
            suite.write_text(text.replace(*change, 1))
        before = sorted(tmp_path.rglob("*"))
        said = cli("run", suite, "--results", tmp_path / "results", "--data-dir", tmp_path / "data", *more)
        assert sorted(tmp_path.rglob("*")) == before
        sentence: str = said.sentence
        return sentence

    return run


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("variant: capsnet", "variant: capsnett"), ["unknown variant 'capsnett'", "did you mean 'capsnet'?"]),
        (("tasks: [mnist]", "tasks: [mnits]"), ["unknown dataset 'mnits'", "did you mean 'mnist'?"]),
        (("seeds:", "seed:"), ["unknown key 'errors.seed'", "did you mean 'seeds'?"]),
        (("epochs: 1", "epochs: -1"), ["'protocols.short.epochs' is -1", "> 0 and ≤ 10000"]),
        (("routing_iterations: 3", "routing_iterations: 0"), ["errors.rows.0", "routing_iterations", "is 0", "1"]),
        (("routing_iterations: 3", "routing_iteration: 3"), ["errors.rows.0", "did you mean 'routing_iterations'?"]),
        (("protocol: short}", "protocol: shrot}"), ["errors.rows.0.protocol", "did you mean 'short'?"]),
        (("train_images: 1000", "train_images: 10"), ["batch_size", "is 20", "10 training images"]),
        (("seeds: [0]", "seeds: [0"), [", line "]),
        (("seeds: [0]", "seeds: &a [0]\n  more: *a"), [", line 8: aliases are not allowed"]),
        (("name: good", "name: ../good"), ["'../good' is not a name"]),
        (("name: good", "name: good\nplugins: [gone.py]"), ["there is no plugin file", "gone.py"]),
        (("name: good", "name: good\npublished: [gone.yaml]"), ["cannot read", "gone.yaml"]),
    ],
)
def test_mistakes_in_a_suite(refused: Cli, suite: Path, change: tuple[str, str], parts: list[str]) -> None:
    line = refused(change)
    for part in [str(suite.parent), *parts]:
        assert part in line


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--budget", "soon"], ["--budget: 'soon' is not a duration"]),
        (["--budget", "-5m"], ["--budget", "-5m"]),
        (["--budget"], ["--budget"]),
        (["--fraction", "0"], ["--fraction is 0.0; allowed: above 0, up to 1."]),
        (["--fraction", "-0.1"], ["--fraction is -0.1"]),
        (["--fraction", "some"], ["--fraction", "valid number"]),
        (["--fraction", "0.1", "--budget", "5m"], ["--budget and --fraction exclude one another"]),
        (["--profile", "labtop"], ["unknown profile 'labtop'", "did you mean 'laptop'?"]),
        (["--only", "*resnet*"], ["--only *resnet*: no trial has such a name", "capsnet"]),
        (["--plugin", "/nowhere/mine.py"], ["there is no plugin file /nowhere/mine.py"]),
        (["--tracking-uri", "nonsense"], ["--tracking-uri nonsense", "http://HOST:PORT"]),
        (["--nope"], ["--nope"]),
        (["--serial=maybe"], ["--serial"]),
        (["another.yaml"], ["another.yaml"]),
    ],
)
def test_mistakes_in_the_options(refused: Cli, options: list[str], parts: list[str]) -> None:
    line = refused(None, *options)
    for part in parts:
        assert part in line


def test_a_tracking_server_that_is_not_there(refused: Cli) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = refused(None, "--tracking-uri", f"http://127.0.0.1:{port}")
    assert f"--tracking-uri http://127.0.0.1:{port}: no MLflow server answers there" in line


def test_a_folder_that_cannot_be_written(cli: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("keep me")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        line = cli("run", suite, "--results", folder).sentence
        assert f"cannot write to {folder}" in line
    line = cli("run", suite, "--serial", "--results", tmp_path / "r", "--data-dir", tmp_path / "file").sentence
    assert f"{tmp_path}/file" in line
    assert (tmp_path / "file").read_text() == "keep me"
    assert not (tmp_path / "r" / "mlflow.db").exists()


def test_no_space_for_the_checkpoints(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100 * 2**20))
    line = cli("run", suite, "--results", tmp_path / "results").sentence
    assert f"{tmp_path}/results has 0.1 GiB free" in line
    # 8.2 million parameters of 4 bytes with two moments of Adam: 94 MiB a checkpoint, of which some are kept
    assert "may take 0.4 GiB" in line
    assert not (tmp_path / "results" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("name: good", "name: good\nresources: {device: gpu}"), ["resources.device is 'gpu'", "no node has a GPU"]),
        (("name: good", "name: good\nresources: {threads: 9}"), ["asks for 9 threads", "largest node has 2"]),
        (("threads: 1", "threads: 64"), ["asks for 64 threads", "largest node has 2"]),
        (("name: good", "name: good\nresources: {memory_gb: 999}"), ["resources.memory_gb is 999", "offers 8.0"]),
    ],
)
def test_what_the_machine_does_not_have(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], parts: list[str]
) -> None:
    @contextmanager
    def small(*_: object) -> Iterator[list[Node]]:
        yield [Node(cpus=2, gpus=0, share=1, memory=8 * 2**30)]

    monkeypatch.setattr("harness.engine.workplace.connected", small)
    suite.write_text(suite.read_text().replace(*change, 1))
    line = cli("run", suite, "--results", tmp_path / "results").sentence
    for part in [str(suite), *parts]:
        assert part in line
    assert not (tmp_path / "results" / "mlflow.db").exists()


def test_a_suite_that_is_being_run(cli: Cli, suite: Path, tmp_path: Path) -> None:
    from harness.record.lock import only_driver

    results = tmp_path / "results"
    results.mkdir()
    with only_driver(results, "good"):
        line = cli("run", suite, "--results", results).sentence
    assert f"the suite 'good' is being run into {results} by process {os.getpid()}" in line


@pytest.mark.slow
def test_a_gpu_that_this_machine_does_not_have(suite: Path, tmp_path: Path) -> None:
    """As a process of its own, with Ray, whose own words must not stand beside the sentence."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    suite.write_text(suite.read_text().replace("name: good", "name: good\nresources: {device: gpu}"))
    command = [sys.executable, "-m", "harness", "run", str(suite), "--results", str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "resources.device is 'gpu', but no node has a GPU" in line
    assert not (tmp_path / "results" / "mlflow.db").exists()
