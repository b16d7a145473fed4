"""The smoke suite as a user runs it: real digits, through Ray and MLflow, stopped by Ctrl-C, finished, run again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.list import list_runs
from harness.preview import preview
from harness.record.tracking_uri import default_tracking_uri
from harness.suite.load import load_suite
from harness.suite.options import Options

ROOT = Path(__file__).parents[1]
SMOKE = "suites/smoke.yaml"
TRAINED = ["cnn", "capsnet r=3", "lcapsnet K=50 15×15"]
TIMED = ["capsnet r=3", "lcapsnet K=50 15×15"]
pytestmark = pytest.mark.slow


def harness(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """`python -m harness …` in a process of its own."""
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400, cwd=ROOT, **more)


@dataclass(frozen=True)
class Run:
    """The results folder of a run, what the run said, and its exit code."""

    results: Path
    out: str
    err: str
    code: int


def recorded(results: Path) -> list[tuple[str, str]]:
    """Name and status of every run that MLflow has, read past MLflow."""
    with sqlite3.connect(f"file:{results}/mlflow.db?mode=ro", uri=True) as store:
        return sorted(store.execute("select name, status from runs").fetchall())


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Run:
    """The suite, stopped as by Ctrl-C in a terminal when its first trial has ended."""
    results = tmp_path_factory.mktemp("end-to-end") / "results"
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", SMOKE, "--results", str(results), "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("[1/5]"):
            os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
            break
    out, rest = process.communicate(timeout=120)
    return Run(results, out, told + rest, process.returncode)


@pytest.fixture(scope="session")
def finished(stopped: Run, data_dir: Path) -> Run:
    """The same command again, to its end."""
    assert stopped.code == 130, stopped.err
    done = harness("run", SMOKE, "--results", stopped.results, "--data-dir", data_dir)
    return Run(stopped.results, done.stdout, done.stderr, done.returncode)


@pytest.fixture(scope="session")
def rows(finished: Run) -> Callable[[str], list[dict[str, Any]]]:
    """The rows of a table as `report --format json` gives them."""
    said = harness("report", SMOKE, "--results", finished.results, "--format", "json")
    assert said.returncode == 0, said.stderr
    assert said.stdout == (finished.results / "reports" / "smoke" / "tables.json").read_text(encoding="utf-8")
    document = json.loads(said.stdout)
    return lambda table: document[table]


def test_ctrl_c_leaves_a_run_that_goes_on(stopped: Run) -> None:
    assert stopped.code == 130, stopped.err
    assert "Traceback" not in stopped.err
    assert "smoke: 5 trials: 5 new" in stopped.err
    last = stopped.err.splitlines()[-1]
    assert last.startswith("interrupted; ")
    assert f"python -m harness run {SMOKE} --results {stopped.results}" in last
    assert "Test error, percent" not in stopped.out


def test_it_ends_well_and_shows_both_tables(stopped: Run, finished: Run) -> None:
    assert finished.code == 0, finished.err
    assert re.search(r"^smoke: 5 trials: 1 done, (1 interrupted, 3|4) new$", finished.err, re.MULTILINE), finished.err
    for number in range(1, 5):
        assert f"[{number}/4] " in finished.err
    [first] = re.findall(r"^\[1/5\] (.*?):", stopped.err, re.MULTILINE)
    assert first not in finished.err  # what was done is not done again
    assert "Test error, percent" in finished.out
    assert "Seconds per training iteration" in finished.out
    for text in (finished.out, finished.err):
        assert "\x1b" not in text  # neither is a terminal
        assert "Traceback" not in text


def test_table_2_holds_every_kind_of_variant(finished: Run, rows: Callable[[str], list[dict[str, Any]]]) -> None:
    table = rows("errors")
    assert [row["title"] for row in table] == TRAINED
    for row in table:
        assert (row["task"], row["status"], row["n"], row["images"]) == ("mnist", "done", 1, 500)
        assert 0 < row["measured"] < 85  # percent; chance is 90
        assert 0 < row["standard_error"] < 3
        assert row["low"] < row["measured"] < row["high"]
        assert row["comparable"] is False
        assert "500 of 10,000 test images" in row["reason"]
        assert "1,200 of 60,000 training images" in row["reason"]
    assert [row["published"] for row in table] == [0.39, 0.25, 0.69]


def test_table_3_holds_times(finished: Run, rows: Callable[[str], list[dict[str, Any]]]) -> None:
    table = rows("times")
    assert [row["title"] for row in table] == TIMED
    for row in table:
        assert (row["status"], row["n"], row["unit"], row["batch_size"]) == ("done", 1, "seconds", 20)
        assert 0 < row["measured"] < 30
        assert 0 < row["median"] < 30
        assert row["with_data"] > 0
        assert row["parameters"] > 10**6
        assert row["comparable"] is False
    assert table[0]["ratio"] == pytest.approx(1)


def test_the_same_bytes_come_from_a_copied_store(finished: Run, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(finished.results, copied)
    shutil.rmtree(copied / "reports" / "smoke")
    hidden = finished.results.with_name("hidden")
    finished.results.rename(hidden)  # so that nothing of the first place can be read
    try:
        said = harness("report", SMOKE, "--results", copied)
    finally:
        hidden.rename(finished.results)
    assert said.returncode == 0, said.stderr
    for name in ("report.md", "tables.tex", "tables.csv", "tables.json"):
        assert (copied / "reports" / "smoke" / name).read_bytes() == (
            finished.results / "reports" / "smoke" / name
        ).read_bytes()


def test_a_second_time_nothing_is_run_twice(finished: Run, data_dir: Path) -> None:
    before, tables = recorded(finished.results), (finished.results / "reports" / "smoke" / "tables.json").read_bytes()
    again = harness("run", SMOKE, "--results", finished.results, "--data-dir", data_dir)
    assert again.returncode == 0, again.stderr
    assert "smoke: 5 trials: 5 done" in again.stderr
    assert "started" not in again.stderr
    after = recorded(finished.results)
    assert after == sorted([*before, ("suite smoke", "FINISHED")])  # the invocation, and no trial
    assert (finished.results / "reports" / "smoke" / "tables.json").read_bytes() == tables


def test_the_plan_knows_what_is_done(finished: Run, data_dir: Path) -> None:
    options = Options(finished.results, data_dir, tracking_uri=default_tracking_uri(finished.results))
    shown = preview(load_suite(ROOT / SMOKE), options)
    assert [trial["status"] for trial in shown["trials"]] == ["done"] * 5
    assert len({trial["key"] for trial in shown["trials"]}) == 5


def test_runs_are_flat_and_named_for_a_browser(finished: Run) -> None:
    with sqlite3.connect(f"file:{finished.results}/mlflow.db?mode=ro", uri=True) as store:
        names = {name for (name,) in store.execute("select name from runs where status = 'FINISHED'")}
        nested = store.execute("select count(*) from tags where key = 'mlflow.parentRunId'").fetchone()[0]
        given = store.execute("select distinct name, digest from datasets").fetchall()
    assert names == {
        "cnn · mnist · seed 0",
        "capsnet r=3 · mnist · seed 0",
        "lcapsnet K=50 15×15 · mnist · seed 0",
        "capsnet r=3 · timing · round 1",
        "lcapsnet K=50 15×15 · timing · round 1",
        "suite smoke",
    }
    assert nested == 0
    assert [name for name, _ in given] == ["mnist"]


def test_files_of_the_record(finished: Run) -> None:
    artifacts = finished.results / "artifacts"
    assert len(list(artifacts.glob("*/artifacts/predictions.npz"))) == 3
    assert len(list(artifacts.glob("*/artifacts/curve.json"))) == 3
    samples = [json.loads(path.read_text()) for path in artifacts.glob("*/artifacts/samples_seconds.json")]
    assert len(samples) == 2
    assert all(len(each[f"sentinel_{when}"]) == 3 for each in samples for when in ("before", "after"))
    assert list(artifacts.glob("*/artifacts/report/report.md"))
    assert not list((finished.results / "checkpoints").glob("*/*/*.pt"))  # none is needed any more


def test_list_shows_the_run(finished: Run) -> None:
    runs = list_runs(default_tracking_uri(finished.results))
    assert {run["name"] for run in runs} == {"smoke"}
    assert {run["status"] for run in runs} == {"finished", "killed"}
