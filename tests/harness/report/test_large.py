"""The report of a suite of a hundred trials, from SQLite, with all figures: how long it takes, and how much memory.

`make large` runs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.suite.load import load_suite
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Result

pytestmark = pytest.mark.large
ROOT = Path(__file__).parents[3]
SECONDS, MIB = 10.0, 1024
MAX_CONTENTION = 2.5  # how much longer it may take where other tests run too


def trained(trial: Trial, random: np.random.Generator) -> Result:
    """A result of the size that a real trial leaves."""
    true = np.arange(10_000, dtype=np.uint8) % 10
    predicted = np.where(random.random(10_000) < 0.05, (true + 3) % 10, true).astype(np.uint8)
    test = "mnist" if trial.task == "mnist" else "affnist-rebuilt"
    size = trial.config["image_size"]
    images = random.integers(0, 256, (12, size, size)).astype(np.uint8)
    arrays: dict[str, dict[str, np.ndarray]] = {
        "mistakes": {"mistakes": images, "mistakes_at": np.flatnonzero(predicted != true)[:12]}
    }
    activity: dict[str, np.ndarray] = {"activities": np.sort(random.random(300))[::-1]}
    if trial.variant == "capsnet":
        moved = random.integers(0, 256, (16, 11, size, size)).astype(np.uint8)
        arrays["reconstructions"] = {"shown": images[:10], "reconstructed": images[:10]}
        arrays["perturbation"] = {"moved": moved, "moved_class": np.array(5)}
        activity["couplings"] = random.random(300)
    if trial.variant == "lcapsnet":
        centres = np.arange(8.0, 20, 2)
        arrays["pruning_map"] = {"kept": random.random((10, 6, 6)), "centres": centres, "mean_images": images[:10]}
    return Result(
        numbers=TrainingNumbers(
            {test: Score(float(100 * np.mean(predicted != true)), 10_000)}, parameters=8_000_000, training_seconds=100.0
        ),
        history=tuple(Point(100 * n, n / 10, 1.0 * n, curve_metrics(1 / n, 50 / n, {})) for n in range(1, 31)),
        predictions={test: predicted},
        labels={test: true},
        arrays=arrays if trial.variant == "cnn" else arrays | {"capsule_activity": activity},
        machine={"cpu": "one", "device": "cpu"},
    )


def timed(random: np.random.Generator) -> Result:
    samples = (0.3 + 0.02 * random.random(50)).tolist()
    seconds = samples[0]
    numbers = TimingNumbers(
        mean_seconds=seconds,
        median_seconds=seconds,
        q25_seconds=seconds,
        q75_seconds=seconds,
        with_data_seconds=seconds,
        first_seconds=seconds,
        is_steady=True,
        peak_memory_mib=900.0,
        memory_before_mib=300.0,
        parameters=8_000_000,
    )
    return Result(numbers=numbers, samples={"iteration": samples}, machine={"cpu": "one", "device": "cpu"})


@pytest.fixture
def recorded(tmp_path: Path, results: Path) -> tuple[Path, Plan]:
    """A suite of the paper's rows with more seeds and rounds, and its record."""
    from harness.record.writer import RunWriter

    document = yaml.safe_load((ROOT / "suites" / "paper.yaml").read_text(encoding="utf-8"))
    document |= {"published": [str(ROOT / "results" / "published" / "ladder-capsule-network.yaml")], "profiles": {}}
    document["errors"]["seeds"], document["times"]["rounds"] = [0, 1, 2], 8
    suite = tmp_path / "suite.yaml"
    suite.write_text(yaml.safe_dump(document), encoding="utf-8")
    plan = make_plan(load_suite(suite), tmp_path)
    tracking_uri = default_tracking_uri(results)
    record = RunWriter(tracking_uri, "paper", artifact_folder(tracking_uri, results))
    invocation = record.begin_invocation(plan, [], "a command", suite.read_text())
    random = np.random.default_rng(0)
    for trial in plan.trials:
        record.begin(trial)
        record.finish(trial, trained(trial, random) if trial.kind == "training" else timed(random))
    record.end_invocation(invocation, "FINISHED")
    return suite, plan


def test_a_hundred_trials(recorded: tuple[Path, Plan], results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite, plan = recorded
    assert len(plan.trials) > 100
    command = [sys.executable, "-m", "harness", "report", str(suite), "--results", str(results)]
    began, most = time.monotonic(), 0.0
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ)
    while process.poll() is None:
        most = max(most, _memory(process.pid))
        time.sleep(0.05)
    took = time.monotonic() - began
    assert process.returncode == 0, process.stderr.read() if process.stderr else ""
    figures = list((results / "reports" / "paper" / "figures").glob("*.pdf"))
    with capsys.disabled():
        print(f"\nreport of {len(plan.trials)} trials with {len(figures)} figures: {took:.1f} s, {most:.0f} MiB")
    assert len(figures) >= 14
    assert (results / "reports" / "paper" / "report.html").stat().st_size < 5_000_000
    assert most < MIB
    assert took < MAX_CONTENTION * SECONDS


def _memory(process: int) -> float:
    """MiB of a process and all that it has started."""
    try:
        whole = psutil.Process(process)
        return sum(each.memory_info().rss for each in [whole, *whole.children(recursive=True)]) / 2**20
    except psutil.NoSuchProcess:
        return 0.0
