"""A results folder that was moved or copied is gone on with where it is now."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.writer import RunWriter
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result

OpenRecord = Callable[..., RunWriter]


def result(value: float) -> Result:
    return Result(TrainingNumbers({"tiny-digits": Score(value, 45)}), samples={"iteration": [value]})


def run(record: RunWriter, plan: Plan, *trials: Trial) -> str:
    """What one command does: the trials, and a report of one file."""
    invocation = record.begin_invocation(plan, [], "the command")
    for trial in trials:
        record.begin(trial)
        record.finish(trial, result(float(trial.repeat)))
    return invocation


def files(record: RunWriter, run: str) -> list[str]:
    return [each.path for each in record.client.list_artifacts(run)]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def samples(record: RunWriter, trial: Trial) -> list[float]:
    """What a trial's file of samples holds."""
    found: dict[str, list[float]] = json.loads(record.trials()[trial.key].artifact("samples_seconds.json").read_text())
    return found["iteration"]


@pytest.mark.parametrize("name", ["elsewhere", "else where/100% ü#?"])
def test_a_moved_record_is_gone_on_with(
    open_record: OpenRecord, plan: Plan, results: Path, tmp_path: Path, name: str
) -> None:
    first, second, third = plan.trials[:3]
    old = open_record()
    before = run(old, plan, first)
    old.begin(third)  # and is interrupted before it has any file
    moved = tmp_path / name
    moved.parent.mkdir(exist_ok=True)
    shutil.move(results, moved)
    record = open_record(moved)
    after = run(record, plan, second, third)
    assert not results.exists()  # nothing went to the old place
    ids = {key: each.run_id for key, each in record.trials().items()}
    for trial in (first, second, third):
        assert (moved / "artifacts" / ids[trial.key] / "artifacts" / "samples_seconds.json").is_file()
        assert files(record, ids[trial.key]) == ["samples_seconds.json"]  # as MLflow's pages find them
        assert samples(record, trial) == [float(trial.repeat)]
    assert "plan.json" in files(record, before)
    assert "plan.json" in files(record, after)


def test_a_copied_record_leaves_the_other_alone(
    open_record: OpenRecord, plan: Plan, results: Path, tmp_path: Path
) -> None:
    first, second = plan.trials[:2]
    run(open_record(), plan, first)
    copied = tmp_path / "copied"
    shutil.copytree(results, copied)
    before = contents(results)
    record = open_record(copied)
    run(record, plan, second)
    assert contents(results) == before
    for trial in (first, second):
        path = record.client.get_run(record.trials()[trial.key].run_id).info.artifact_uri
        assert path is not None
        assert path.startswith((copied / "artifacts").as_uri())


def test_a_record_with_another_folder_of_results_keeps_what_it_has(
    open_record: OpenRecord, plan: Plan, results: Path, tmp_path: Path
) -> None:
    """One database, and the artifacts of each run where that was told to put them."""
    first, second = plan.trials[:2]
    one = open_record()
    run(one, plan, first)
    other = RunWriter(one.tracking_uri, "tiny", (tmp_path / "b" / "artifacts").as_uri())
    run(other, plan, second)
    for trial, folder in ((first, results), (second, tmp_path / "b")):
        run_id = other.trials()[trial.key].run_id
        assert (folder / "artifacts" / run_id / "artifacts" / "samples_seconds.json").is_file()
        assert files(other, run_id) == ["samples_seconds.json"]
        assert samples(other, trial) == [float(trial.repeat)]
