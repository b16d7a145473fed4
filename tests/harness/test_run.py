"""Runs of a tiny suite in one process: what is done is kept, what is missing is done, what fails stops nothing."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from harness.data import DATASETS, Examples, TaskData
from harness.plan.make import make_plan
from harness.plan.order import in_mirrored_rounds
from harness.run import _cost_key
from harness.suite.load import load_suite
from harness.suite.options import Options
from harness.worker import execute

Cli = Callable[..., Any]
TRAINED = "rows: [{variant: tiny, protocol: short}]"


@pytest.fixture
def suite(tiny_suite: Path) -> Path:
    """The tiny suite with one round of timing: three trials, one of them trained."""
    edit(tiny_suite, "rounds: 2", "rounds: 1")
    edit(tiny_suite, "rows: [{variant: tiny}]", "rows: [{variant: tiny}, {variant: tiny, config: {hidden: 8}}]")
    return tiny_suite


@pytest.fixture
def run(cli: Cli, suite: Path, tiny: Path, results: Path, tmp_path: Path) -> Cli:
    """`run` of the suite in this process."""
    where = ["--results", results, "--data-dir", tmp_path / "data", "--plugin", tiny]
    return lambda *more: cli("run", suite, "--serial", *where, *more)


@pytest.fixture
def plan(cli: Cli, suite: Path, tiny: Path, results: Path) -> Callable[..., list[dict[str, Any]]]:
    """The trials as `plan --json` lists them."""

    def listed(*more: object) -> list[dict[str, Any]]:
        said = cli("plan", suite, "--json", "--results", results, "--plugin", tiny, *more)
        assert said.code == 0, said.err
        trials: list[dict[str, Any]] = json.loads(said.out)["trials"]
        return trials

    return listed


def statuses(trials: list[dict[str, Any]]) -> list[str]:
    return sorted(trial["status"] for trial in trials)


def edit(suite: Path, old: str, new: str) -> None:
    text = suite.read_text()
    assert old in text
    suite.write_text(text.replace(old, new))


def two_rows(suite: Path, first: str, second: str) -> None:
    """Train two configurations of the tiny variant."""
    rows = [f"{{variant: tiny, config: {config}, protocol: short}}" for config in (first, second)]
    edit(suite, TRAINED, f"rows: [{', '.join(rows)}]")


def test_a_run_does_all_writes_its_report_and_leaves_no_checkpoint(run: Cli, plan: Cli, results: Path) -> None:
    assert statuses(plan()) == ["new"] * 3
    said = run()
    assert said.code == 0, said.err
    assert statuses(plan()) == ["done"] * 3
    assert "tiny: 3 trials: 3 new" in said.err
    assert "Test error, percent" in said.out
    assert "Seconds per training iteration" in said.out
    assert {path.name for path in (results / "reports" / "tiny").iterdir()} == {
        "figures",
        "report.html",
        "report.md",
        "tables.tex",
        "tables.csv",
        "tables.json",
    }
    assert not list((results / "checkpoints").glob("*/*/*.pt"))


def test_the_same_command_again_runs_nothing(run: Cli, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    before = (results / "reports" / "tiny" / "tables.json").read_bytes()

    def forbidden(*_: object) -> None:
        raise AssertionError("a trial was run again")

    monkeypatch.setattr("harness.engine.serial.execute_trial", forbidden)
    said = run()
    assert said.code == 0, said.err
    assert "tiny: 3 trials: 3 done" in said.err
    assert (results / "reports" / "tiny" / "tables.json").read_bytes() == before


def test_a_row_that_is_added_is_all_that_runs(run: Cli, plan: Cli, suite: Path) -> None:
    run()
    keys = {trial["key"] for trial in plan()}
    two_rows(suite, "{hidden: 3}", "{}")
    assert statuses(plan()) == ["done"] * 3 + ["new"]
    said = run()
    assert "tiny: 4 trials: 3 done, 1 new" in said.err
    assert "tiny h=3" in said.out
    assert "tiny h=6" in said.out
    assert keys < {trial["key"] for trial in plan()}


def test_a_trial_that_fails_stops_no_other_and_is_tried_by_the_next_run(run: Cli, plan: Cli, suite: Path) -> None:
    two_rows(suite, "{poison: 5}", "{hidden: 3}")
    said = run()
    assert said.code == 1
    assert "failed: Diverged: the loss is not finite from iteration 5 on" in said.err
    assert statuses(plan()) == ["done"] * 3 + ["failed"]
    assert "failed" in said.out
    again = run()
    assert again.code == 1
    assert "4 trials: 3 done, 1 failed" in again.err


def test_a_variant_that_cannot_be_built_fails_alone(run: Cli, suite: Path) -> None:
    two_rows(suite, "{fails: true}", "{hidden: 3}")
    said = run()
    assert said.code == 1
    assert "ValueError: told to fail [here]" in said.err
    assert "% wrong on tiny-digits" in said.err


def test_ctrl_c_leaves_a_run_that_goes_on(run: Cli, plan: Cli, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = execute.execute_trial

    def stopped(trial: Any, context: Any, report: Any) -> Any:
        def stopping(progress: Any) -> None:
            report(progress)
            if progress.iteration == 14:
                raise KeyboardInterrupt

        return train(trial, context, stopping)

    with monkeypatch.context() as patch:
        patch.setattr("harness.engine.serial.execute_trial", stopped)
        said = run()
    assert said.code == 130
    last = said.err.splitlines()[-1]
    assert last.startswith("interrupted; ")
    assert f"python -m harness run {results.parent / 'suite.yaml'} --serial --results {results}" in last
    assert statuses(plan()) == ["done", "done", "interrupted"]
    resumed = run()
    assert resumed.code == 0
    assert "tiny: 3 trials: 2 done, 1 interrupted" in resumed.err
    [trial] = [trial for trial in plan() if trial["kind"] == "training"]
    curve = next(path for path in results.glob("artifacts/*/artifacts/curve.json"))
    iterations = [point["iteration"] for point in json.loads(curve.read_text())]
    assert iterations == list(range(2, 25, 2))
    assert trial["status"] == "done"


@pytest.mark.slow
def test_timing_goes_in_an_order_drawn_by_the_invocation_and_keeps_to_it_in_what_is_missing(
    run: Cli, cli: Cli, suite: Path, results: Path, tmp_path: Path
) -> None:
    edit(suite, "rounds: 1", "rounds: 2")
    rows = ", ".join(f"{{variant: tiny, config: {{hidden: {hidden}}}}}" for hidden in (1, 2, 3, 4))
    edit(suite, "rows: [{variant: tiny}, {variant: tiny, config: {hidden: 8}}]", f"rows: [{rows}]")
    trials = [t for t in make_plan(load_suite(suite), tmp_path / "data").trials if t.kind == "timing"]
    done = {trial.name for trial in trials if trial.config["hidden"] == 2 and trial.repeat == 0}
    assert run("--only", "tiny h=2 · timing · round 1").code == 0
    said = run("--only", "*timing*")
    assert said.code == 0, said.err
    ran = re.findall(r"^\[\d+/7\] (.*?):", said.err, re.MULTILINE)
    listed = json.loads(cli("list", "runs", "--results", results, "--json").out)
    invocation = max(listed, key=lambda each: each["started"])["run_id"]
    drawn = [trial.name for trial in in_mirrored_rounds(trials, Random(invocation))]
    assert ran == [name for name in drawn if name not in done]


def test_only_what_is_named_runs(run: Cli, plan: Cli) -> None:
    said = run("--only", "*seed 0")
    assert said.code == 0
    assert statuses(plan()) == ["done", "new", "new"]
    assert "tiny: 1 trials: 1 new" in said.err


def test_a_budget_gives_every_trial_the_same_share_and_is_kept(run: Cli, plan: Cli, suite: Path, results: Path) -> None:
    edit(suite, "epochs: 4", "epochs: 4000")
    two_rows(suite, "{hidden: 3}", "{}")
    # The start of this process counts, and it started with the tests: so the budget is given from there.
    elapsed = time.time() - psutil.Process().create_time()
    budget = f"{int(elapsed) + 60}s"
    said = run("--budget", budget, "--only", "*timing*")
    assert said.code == 0, said.err
    shares = re.findall(r"left for training: ([\d.]+)% of each protocol", said.err)
    assert len(shares) == 1, said.err
    training = [trial for trial in plan("--budget", budget) if trial["kind"] == "training"]
    assert len({trial["iterations"] for trial in training}) == 1
    [iterations] = {trial["iterations"] for trial in training}
    assert 20 <= iterations <= 24_000
    assert float(shares[0]) == pytest.approx(100 * iterations / 24_000, abs=0.01)
    again = run("--budget", budget, "--only", "*timing*")
    assert "calibrating" not in again.err  # the same budget has the same share
    assert f'budget_seconds": {float(budget[:-1])}' in (results / "reports" / "tiny" / "tables.json").read_text()


def test_a_fraction_is_run_seed_by_seed_without_a_calibration(run: Cli, plan: Cli, suite: Path, results: Path) -> None:
    rows = ["config: {hidden: 3}, seeds: [4, 1]", "seeds: {tiny-digits: [2, 0, 1]}"]
    listed = ", ".join(f"{{variant: tiny, {row}, protocol: short}}" for row in rows)
    edit(suite, TRAINED, f"rows: [{listed}]")
    said = run("--fraction", "0.5", "--only", "*seed*")
    assert said.code == 0, said.err
    assert "calibrat" not in said.err
    done = re.findall(r"\] tiny h=(\d) · tiny-digits · seed (\d):", said.err)
    assert done == [("3", "4"), ("6", "2"), ("3", "1"), ("6", "0"), ("6", "1")]
    assert {t["iterations"] for t in plan("--fraction", "0.5") if t["kind"] == "training"} == {12}  # of 24
    assert "50.000% of each training protocol" in (results / "reports" / "tiny" / "report.md").read_text()


def test_too_small_a_budget_is_refused_in_one_line(run: Cli) -> None:
    said = run("--budget", "5s")
    assert said.code == 2
    last = said.err.splitlines()[-1]
    assert "raise --budget" in last
    assert "Traceback" not in said.err


def test_a_profile_has_a_report_and_trials_of_its_own(run: Cli, suite: Path, results: Path) -> None:
    edit(suite, ", {variant: tiny, config: {hidden: 8}}", "")
    suite.write_text(suite.read_text() + "profiles: {small: {config: {hidden: 2}}}\n")
    assert run("--profile", "small", "--only", "*seed*").code == 0
    assert "tiny h=2" in (results / "reports" / "tiny@small" / "report.md").read_text()
    assert not (results / "reports" / "tiny").exists()


def test_the_report_is_the_same_from_a_copy_of_the_store(
    run: Cli, cli: Cli, suite: Path, tiny: Path, results: Path, tmp_path: Path
) -> None:
    run()
    formats = ("md", "tex", "csv", "json")
    here = [cli("report", suite, "--results", results, "--format", kind).out for kind in formats]
    names = ("report.md", "tables.tex", "tables.csv", "tables.json")
    assert here == [(results / "reports" / "tiny" / name).read_text() for name in names]
    shutil.move(results, tmp_path / "copy")
    there = [cli("report", suite, "--results", tmp_path / "copy", "--format", kind).out for kind in formats]
    assert there == here
    written = cli("report", suite, "--results", tmp_path / "copy")
    assert written.code == 0
    assert "Test error, percent" in written.out


def test_nothing_is_written_when_the_plan_is_shown(cli: Cli, suite: Path, tiny: Path, tmp_path: Path) -> None:
    said = cli("plan", suite, "--plugin", tiny, "--results", tmp_path / "none", "--data-dir", tmp_path / "no data")
    assert said.code == 0
    assert "tiny h=6 · tiny-digits · seed 0" in said.out
    assert "3 new" in said.out
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "no data").exists()


def test_two_rows_of_one_label_both_stand_in_the_table(run: Cli, suite: Path) -> None:
    two_rows(suite, "{pause: 0.001}", "{}")
    said = run("--only", "*seed*")
    assert "tiny h=6, pause=0.001" in said.out
    assert "tiny h=6, pause=0.0 " in said.out


def test_without_space_for_the_checkpoints_nothing_begins(
    run: Cli, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> Any:
        return shutil._ntuple_diskusage(10**9, 10**9, 0)

    monkeypatch.setattr(shutil, "disk_usage", full)
    said = run()
    assert "has 0.0 GiB free" in said.sentence
    assert "--results" in said.sentence


def test_checkpoints_lie_under_the_results(tmp_path: Path) -> None:
    options = Options(results=tmp_path / "r", data=tmp_path, tracking_uri="")
    assert options.checkpoints == tmp_path / "r" / "checkpoints"
    assert options.checkpoints_of("paper") == tmp_path / "r" / "checkpoints" / "paper"
    assert options.algorithms == tmp_path / "r" / "algorithms"


def test_plan_says_what_has_changed(run: Cli, cli: Cli, plan: Cli, suite: Path, tiny: Path, results: Path) -> None:
    run()
    edit(suite, "epochs: 4", "epochs: 2")
    listed = {trial["kind"]: trial for trial in plan() if trial["variant"] == "tiny"}
    assert (listed["training"]["status"], listed["timing"]["status"]) == ("new", "done")
    assert listed["training"]["changed"] == "protocol.epochs 4.0 → 2.0, iterations 24 → 12"
    said = cli("plan", suite, "--results", results, "--plugin", tiny)
    assert "new, for this has changed: protocol.epochs 4.0 → 2.0, iterations 24 → 12: tiny h=6" in said.out
    assert "1 recorded ones are not in this plan" in said.out


CLAIM = """
claims:
  - kind: time_ratio
    sentence: it takes no time
    of: {variant: tiny, config: {hidden: 8}}
    to: {variant: tiny, config: {hidden: 6}}
    at_most: 0.001
"""


@pytest.mark.slow
def test_a_contradicted_claim_fails_where_that_is_asked_for(run: Cli, suite: Path, results: Path) -> None:
    edit(suite, "rounds: 1", "rounds: 4")
    suite.write_text(suite.read_text() + CLAIM)
    said = run()
    assert said.code == 0
    assert "claims (0 reproduced, 1 contradicted, 0 undecided)" in said.out
    said = run("--strict")
    assert said.code == 1
    assert "contradicted: it takes no time" in said.err
    [verdict] = json.loads((results / "reports" / "tiny" / "tables.json").read_text())["claims"]
    assert verdict["word"] == "contradicted"
    with sqlite3.connect(results / "mlflow.db") as store:
        [tag] = store.execute("select distinct value from tags where key = 'claim.01'").fetchall()
        counts = dict(store.execute("select key, value from latest_metrics where key like 'claims/%'").fetchall())
    assert tag == ("contradicted: it takes no time",)
    assert counts == {"claims/contradicted": 1, "claims/reproduced": 0, "claims/undecided": 0}


@pytest.mark.parametrize("first", ["fetch", "load"])
def test_data_that_are_wrong_stop_a_run_before_anything_is_trained(
    run: Cli, results: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    dataset = DATASETS.get("tiny-digits")
    data = dataset().load(Path())
    wrong = Examples(data.train.images.astype(float), data.train.labels)

    def fail(*_: object) -> TaskData:
        if first == "fetch":
            raise OSError(111, "Connection refused")
        return TaskData(wrong, data.tests)

    monkeypatch.setattr(dataset, first, fail)
    sentence = run().err.splitlines()[-1]
    assert "'tiny-digits'" in sentence
    assert ("Connection refused" if first == "fetch" else "float64") in sentence
    with sqlite3.connect(results / "mlflow.db") as store:
        assert store.execute("select count(*) from runs").fetchone() == (0,)


def test_a_test_may_have_the_name_of_anything(run: Cli, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["file", "a-b/c. d"]
    dataset = DATASETS.get("tiny-digits")
    data = dataset().load(Path())
    monkeypatch.setattr(dataset, "test_names", lambda self, folder: names)
    tests = dict(zip(names, data.tests.values(), strict=True))
    monkeypatch.setattr(dataset, "load", lambda self, folder: TaskData(data.train, tests))
    said = run("--only", "tiny*seed*")
    assert said.code == 0, said.err
    assert "failed" not in said.out


def test_only_what_may_run_is_checked(run: Cli, suite: Path) -> None:
    """Timing with more threads than there are processors does not matter where nothing is timed."""
    edit(suite, "threads: 1", "threads: 1024")
    assert "asks for 1024 threads" in run().sentence
    said = run("--only", "*seed*")
    assert said.code == 0, said.err


def test_rows_with_other_batches_are_calibrated_on_their_own(tiny: Path, suite: Path, tmp_path: Path) -> None:
    edit(suite, "protocols:\n", "protocols:\n  wide: {batch_size: 60, epochs: 4, learning_rate: 0.01}\n")
    rows = "{variant: tiny, protocol: short}, {variant: tiny, protocol: wide}"
    edit(suite, TRAINED, f"seeds: [0, 1]\n  rows: [{rows}]")
    edit(suite, "  seeds: [0]\n", "")
    costs = [_cost_key(trial) for trial in make_plan(load_suite(suite), tmp_path).training]
    assert len(costs) == 4
    assert len(set(costs)) == 2


@pytest.mark.parametrize("left_out", ["errors", "times"])
def test_a_suite_may_have_one_table_alone(run: Cli, plan: Cli, suite: Path, left_out: str) -> None:
    text = suite.read_text()
    before, times = text.split("times:\n")
    head, errors = before.split("errors:\n")
    suite.write_text(f"{head}errors:\n{errors}" if left_out == "times" else f"{head}times:\n{times}")
    said = run("--budget", "1h", "--only", "*")
    assert said.code == 0, said.err
    assert set(statuses(plan("--budget", "1h"))) == {"done"}
