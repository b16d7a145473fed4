"""Faults that stop a run: it says so in one sentence, and the same command goes on as if nothing had happened."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "harness" / "tiny.py"
SUITE = """
name: full
protocols: {short: {batch_size: 20, epochs: 4, learning_rate: 0.01}}
resources: {memory_gb: 0.1}
errors:
  tasks: [tiny-digits]
  seeds: [0, 1, 2]
  rows: [{variant: tiny, config: {pause: 0.15}, protocol: short}]
"""
pytestmark = pytest.mark.faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def command(tmp_path: Path, results: Path) -> list[str]:
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE)
    where = ["--results", str(results), "--data-dir", str(tmp_path / "data"), "--plugin", str(TINY)]
    return [sys.executable, "-m", "harness", "run", str(suite), *where]


def fill(folder: Path) -> None:
    """Take all the space that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def weights(results: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(f"file:{results}/mlflow.db?mode=ro", uri=True) as store:
        return store.execute(
            "select r.name, r.status, t.value from runs r join tags t on t.run_uuid = r.run_uuid "
            "where t.key = 'harness.weights_sha256' order by r.name"
        ).fetchall()


def stopped(tmp_path: Path, results: Path, fault: Callable[[int], None]) -> str:
    """What a run says that a fault stops when its first trial has started; its last line tells to go on."""
    with subprocess.Popen(
        command(tmp_path, results), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            if line.startswith("started") and "started" not in told:
                fault(process.pid)
            told += line
        code = process.wait(60)
    assert code == 2, told
    assert "Traceback" not in told
    last = told.splitlines()[-1]
    assert "where it stopped" in last
    return last


def finish(tmp_path: Path, results: Path) -> list[tuple[str, str, str]]:
    """The command again, to its end; what it comes to."""
    done = subprocess.run(
        command(tmp_path, results), capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return weights(results)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """What a run comes to that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    found = finish(folder, folder / "results")
    assert len(found) == 3
    return found


def test_a_full_disk(small_disk: Path, tmp_path: Path, undisturbed: list[tuple[str, str, str]]) -> None:
    results = small_disk / "results"
    last = stopped(tmp_path, results, lambda _: fill(small_disk))
    assert "a disk is full" in last or "there is no space left for the record" in last
    (small_disk / "ballast").unlink()
    assert finish(tmp_path, results) == undisturbed


def test_the_death_of_rays_own_process(tmp_path: Path, undisturbed: list[tuple[str, str, str]]) -> None:
    def kill(driver: int) -> None:
        [raylet] = [each for each in psutil.Process(driver).children(recursive=True) if each.name() == "raylet"]
        raylet.kill()

    assert "Ray's raylet on this machine has died" in stopped(tmp_path, tmp_path / "results", kill)
    assert finish(tmp_path, tmp_path / "results") == undisturbed
