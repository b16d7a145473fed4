"""`harness clean`: what nobody needs goes, and nothing else."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import clean as cleaning
from harness.engine import sessions
from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.record.writer import RunWriter
from harness.suite.load import load_suite
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result

Cli = Callable[..., Any]
DONE = Result(TrainingNumbers({"tiny-digits": Score(12.5, 45)}), weights="ab")


@pytest.fixture(autouse=True)
def no_sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only place for Ray's sessions, so that those of this machine are left alone."""
    place = tmp_path / "places"
    place.mkdir()
    monkeypatch.setattr(sessions, "_places", lambda: [place])
    return place


@pytest.fixture
def record(results: Path, tiny_suite: Path) -> RunWriter:
    """The record of the suite `tiny`."""
    tracking_uri = default_tracking_uri(results)
    return RunWriter(tracking_uri, "tiny", artifact_folder(tracking_uri, results))


@pytest.fixture
def plan(tiny_suite: Path, tmp_path: Path) -> Plan:
    """The plan of the tiny suite."""
    return make_plan(load_suite(tiny_suite), tmp_path)


def invoke(record: RunWriter, plan: Plan, results: Path) -> str:
    """An invocation that has left a report."""
    invocation = record.begin_invocation(plan, [], "the command")
    report = results / "reports" / "tiny" / "report.md"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("a report")
    record.end_invocation(invocation, "FINISHED", [report])
    return invocation


def begin(record: RunWriter, trial: Trial, plan: Plan, invocation: str, results: Path) -> tuple[Path, Path]:
    """A trial that has begun: the folders of its checkpoints and of its artifacts, with a model among them."""
    record.begin(trial)
    checkpoints = results / "checkpoints" / "tiny" / trial.key
    checkpoints.mkdir(parents=True)
    for name in ("owner", "0000000006.pt", "0000000006.json"):
        (checkpoints / name).write_text("x" * 1000)
    files = results / "artifacts" / record.trials()[trial.key].run_id / "artifacts"
    (files / "model").mkdir(parents=True)
    (files / "model" / "MLmodel").write_text("x" * 5000)
    (files / "curve.json").write_text("[]")
    return checkpoints, files


def contents(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.name.startswith(("mlflow.db", ".mlflow.db"))}


def test_what_is_planned_no_more_goes(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    kept, gone = (trial for trial in (plan.trials[-1], plan.trials[-1].model_copy(update={"key": "0" * 16})))
    before = plan.model_copy(update={"trials": [kept, gone]})
    first = invoke(record, before, results)
    kept_checkpoints, kept_files = begin(record, kept, before, first, results)
    gone_checkpoints, gone_files = begin(record, gone, before, first, results)
    second = invoke(record, before.model_copy(update={"trials": [kept]}), results)
    strangers = [
        results / "checkpoints" / "tiny" / "mine",
        results / "checkpoints" / "tiny" / ("1" * 16),  # with a file that is no checkpoint's
        results / "artifacts" / "notes",
        results / "artifacts" / ("a" * 32),  # likewise
        results / "figures",
    ]
    for path in strangers:
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    all_ = contents(results)

    told = cli("clean", "--dry-run", "--results", results)
    assert contents(results) == all_
    said = cli("clean", "--results", results)
    assert (said.code, said.err) == (0, "")
    assert said.out.replace("removed", "to be removed") == told.out
    lines = said.out.splitlines()
    reports = [results / "artifacts" / run / "artifacts" / "report" for run in (first, second)]
    removed = {gone_checkpoints, reports[0], gone_files / "model"}
    assert {line.split("  ")[-2] for line in lines[:-1]} == {str(path) for path in removed}
    assert lines[-1].split() == ["0.0", "MiB", "in", "all,", "removed"]
    assert [path.exists() for path in (gone_checkpoints, gone_files / "model", reports[0])] == [False] * 3
    assert all(
        path.exists() for path in (kept_checkpoints, kept_files / "model", gone_files / "curve.json", reports[1])
    )
    assert all((path / "mine.txt").read_text() == "mine" for path in strangers)
    assert cli("clean", "--results", results).out == "nothing to remove\n"


def test_checkpoints_of_trials_that_have_ended_go(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    trials = [plan.trials[-1].model_copy(update={"key": str(n) * 16}) for n in range(3)]
    before = plan.model_copy(update={"trials": trials})
    invocation = invoke(record, before, results)
    folders = [begin(record, trial, before, invocation, results)[0] for trial in trials]
    record.finish(trials[0], DONE)
    record.fail(trials[1], "a cause", "the details")
    record.interrupt(trials[2])
    assert cli("clean", "tiny", "--results", results).code == 0
    assert [path.exists() for path in folders] == [False, False, True]


def test_each_profile_keeps_what_it_needs(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    trials = [plan.trials[-1].model_copy(update={"key": str(n) * 16}) for n in range(2)]
    for trial, profile in zip(trials, (None, "laptop"), strict=True):
        one = plan.model_copy(update={"trials": [trial], "profile": profile})
        begin(record, trial, one, invoke(record, one, results), results)
    assert cli("clean", "--results", results).out == "nothing to remove\n"


def test_files_of_deleted_and_unknown_runs_go(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    trial = plan.trials[-1]
    _, files = begin(record, trial, plan, invoke(record, plan, results), results)
    unknown = results / "artifacts" / ("b" * 32)
    (unknown / "artifacts").mkdir(parents=True)
    shutil.rmtree(results / "checkpoints")
    record.client.delete_run(record.trials()[trial.key].run_id)
    assert "files of a run that was deleted" in cli("clean", "tiny", "--results", results).out
    assert not files.parent.exists()
    assert unknown.exists()  # it may be another suite's
    other = results / "other.db"
    other.touch()
    assert cli("clean", "--results", results).out == "nothing to remove\n"  # or another record's
    other.unlink()
    assert "does not know" in cli("clean", "--results", results).out
    assert not unknown.exists()


def test_what_another_record_needs_stays(
    cli: Cli, record: RunWriter, plan: Plan, results: Path, empty_store: Path, tmp_path: Path
) -> None:
    trial = plan.trials[-1]
    checkpoints, _ = begin(record, trial, plan, invoke(record, plan, results), results)
    shutil.copy(empty_store, tmp_path / "other.db")
    tracking_uri = f"sqlite:///{tmp_path / 'other.db'}"
    other = RunWriter(tracking_uri, "tiny", artifact_folder(tracking_uri, tmp_path / "elsewhere"))
    invoke(other, plan.model_copy(update={"trials": []}), results)
    said = cli("clean", "--results", results, "--tracking-uri", tracking_uri)
    assert (said.out, checkpoints.exists()) == ("nothing to remove\n", True)


def test_a_running_driver_is_left_alone(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    checkpoints = results / "checkpoints" / "tiny" / ("0" * 16)
    checkpoints.mkdir(parents=True)
    invoke(record, plan, results)
    with (results / ".tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for option in ([], ["--dry-run"]):
            assert "the suite 'tiny' is being run into" in cli("clean", *option, "--results", results).sentence
    with record.held():
        assert "the suite 'tiny' is being run into this record" in cli("clean", "--results", results).sentence
    assert checkpoints.exists()
    assert cli("clean", "--results", results).code == 0
    assert not checkpoints.exists()


def test_a_plan_that_cannot_be_read_keeps_everything(cli: Cli, record: RunWriter, plan: Plan, results: Path) -> None:
    begin(record, plan.trials[-1], plan, invocation := invoke(record, plan, results), results)
    (results / "artifacts" / invocation / "artifacts" / "plan.json").write_text("{}")
    before = contents(results)
    assert cli("clean", "--results", results).sentence.startswith(
        "nothing is removed, as what 'tiny' needs is not known"
    )
    assert contents(results) - {results / ".tiny.lock"} == before


def test_mistakes(cli: Cli, record: RunWriter, plan: Plan, results: Path, tmp_path: Path, tiny_suite: Path) -> None:
    invoke(record, plan, results)
    assert cli("clean", "tny", "--results", results).sentence == (
        "nothing is recorded of the suite 'tny'; recorded: tiny."
    )
    assert "there is no record at" in cli("clean", "--results", tmp_path / "nothing").sentence
    assert not (tmp_path / "nothing").exists()
    assert cli("clean", tiny_suite, "--results", results).out == "nothing to remove\n"


def test_sessions_of_dead_runs_go(cli: Cli, results: Path, no_sessions: Path) -> None:
    dead, living = no_sessions / f"{sessions.PREFIX}dead", no_sessions / f"{sessions.PREFIX}living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / sessions.OWNER_FILE).touch()
    with (living / sessions.OWNER_FILE).open() as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        assert "session of Ray" in cli("clean", "--results", results).out
    assert (dead.exists(), living.exists()) == (False, True)


def test_what_cannot_be_removed_is_told(
    cli: Cli, results: Path, no_sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = no_sessions / f"{sessions.PREFIX}dead"
    dead.mkdir()
    (dead / sessions.OWNER_FILE).touch()

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cleaning.shutil, "rmtree", refused)
    said = cli("clean", "--results", results)
    assert (said.code, said.err) == (1, f"{dead} can't be removed (Permission denied)\n")
