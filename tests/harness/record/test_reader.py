"""What is read of a record: which run is the newest, whatever clocks say, and what is told of files that are bad."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.entities import Run

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.listing import list_invocations, suites
from harness.record.names import RUN_NUMBER
from harness.record.recorded import RecordedTiming, RecordedTraining
from harness.record.writer import RunWriter
from harness.report.build import read_tables
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Result

OpenRecord = Callable[..., RunWriter]
DAY = 86_400.0


def began(record: RunWriter, plan: Plan, **changes: object) -> str:
    """Run a suite that has nothing to do."""
    invocation = record.begin_invocation(plan.model_copy(update=changes), [], "the command")
    record.end_invocation(invocation, "FINISHED")
    return invocation


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock by so many seconds."""
    real = time.time

    def step(by: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + by)

    return step


def test_a_clock_that_is_set_back_changes_no_order(
    open_record: OpenRecord, plan: Plan, clock: Callable[[float], None]
) -> None:
    clock(DAY)
    first = began(open_record(), plan, fraction=0.5)
    clock(0.0)
    second = began(open_record(), plan, fraction=0.25)
    found = open_record()
    starts = [found.client.get_run(each).info.start_time for each in (first, second)]
    assert starts[0] > starts[1]
    assert found.latest_invocation(None) == second
    assert found.latest_invocation(None, back=1) == first
    assert [line["run_id"] for line in list_invocations(found.tracking_uri)] == [second, first]
    assert [each.report for each in suites(found.tracking_uri)] == [second]
    numbers = [found.client.get_run(each).data.tags[RUN_NUMBER] for each in (first, second)]
    assert int(numbers[0]) < int(numbers[1])


def test_runs_of_several_suites_are_ordered_by_the_clock_and_each_suites_by_number(
    open_record: OpenRecord, plan: Plan, clock: Callable[[float], None]
) -> None:
    begun = []
    for suite, days in [("tiny", 3), ("tiny", 1), ("other", 2), ("other", 4), ("tiny", 0)]:
        clock(days * DAY)
        begun.append(began(open_record(suite=suite), plan))
    one, two, three, four, five = begun
    listed = [line["run_id"] for line in list_invocations(open_record().tracking_uri)]
    assert listed == [four, five, two, one, three]


def test_records_without_numbers_are_ordered_by_time_and_come_before(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    old = [began(record, plan) for _ in range(3)]
    for place, run in enumerate(old):
        record.client.delete_tag(run, RUN_NUMBER)
        with sqlite3.connect(record.tracking_uri.path) as database:
            database.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (10**13 - place, run))
    newest = began(open_record(), plan)
    assert [open_record().latest_invocation(None, back) for back in range(4)] == [newest, *old]


def test_the_newest_run_of_a_trial_counts(
    open_record: OpenRecord, plan: Plan, trial: Trial, clock: Callable[[float], None]
) -> None:
    record = open_record()
    for days, error in ((2, 50.0), (1, 25.0)):
        clock(days * DAY)
        record.begin_invocation(plan, [], "the command")
        record.begin(trial)
        record.finish(trial, Result(TrainingNumbers({"tiny-digits": Score(error, 45)})))
        record.client.set_tag(record.trials()[trial.key].run_id, "harness.key", "aside" if days == 2 else trial.key)
    for run in record.client.search_runs([record.experiment], "tags.`harness.key` = 'aside'"):
        record.client.set_tag(run.info.run_id, "harness.key", trial.key)
    assert record.trials()[trial.key].numbers.tests["tiny-digits"].error_percent == 25.0


def test_a_report_can_be_of_one_invocation(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    first = began(record, plan, fraction=0.5)
    began(record, plan, fraction=0.25)
    record.client.set_tag(first, "harness.profile", "none")
    assert read_tables(record, None, first).fraction == 0.5
    assert read_tables(record, None).fraction == 0.25


def test_no_profile_means_no_profile(open_record: OpenRecord, plan: Plan, trial: Trial) -> None:
    record = open_record()
    without = began(record, plan)
    record.keep_overhead(without, {"share": 0.25})
    laptop = began(record, plan, profile="laptop")
    assert record.latest_invocation(None) == without
    assert record.latest_invocation("laptop") == laptop
    assert (record.invocation(without).overhead, record.invocation(laptop).overhead) == ({"share": 0.25}, {})
    record.begin(trial)
    assert [(each.key, each.profile) for each in record.trials().values()] == [(trial.key, "laptop")]


def test_what_was_never_run_is_told_with_what_was(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    began(record, plan, profile="laptop")
    with pytest.raises(UserError, match=r"suite 'tiny' without a profile \(recorded profiles: laptop\); run"):
        record.latest_invocation(None)
    with pytest.raises(UserError, match=r"1 run is recorded, so ~1 is none; allowed: up to ~0"):
        record.latest_invocation("laptop", back=1)


CURVE = (Point(2, 0.5, 1.0, curve_metrics(0.5, 40.0, {})),)


@pytest.fixture
def finished(open_record: OpenRecord, plan: Plan, trial: Trial) -> RunWriter:
    """A record with a trial that has every kind of file; what it says is kept in `said`."""
    record: RunWriter = open_record()
    record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    some = {"tiny-digits": np.array([1, 2, 3], np.uint8)}
    numbers = TrainingNumbers({"tiny-digits": Score(12.5, 45)})
    record.finish(trial, Result(numbers, CURVE, {"iteration": [0.1]}, some, some, {"mine": some}))
    return record


READERS: dict[str, Callable[[RecordedTraining], object]] = {
    "curve.json": lambda trial: trial.curve,
    "predictions.npz": lambda trial: trial.predictions,
    "analyses/mine.npz": lambda trial: trial.arrays("mine"),
}
BAD = (b"", b"\xff\xfe", b"[" * 9999, b"[1, {}]", b'{"a": [null]}', b"7", b'"x"')  # contents of a file


def found(record: RunWriter, trial: Trial) -> RecordedTraining:
    """The trial as it is recorded now."""
    recorded = record.trials()[trial.key]
    assert isinstance(recorded, RecordedTraining)
    return recorded


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_told_and_left_out(finished: RunWriter, trial: Trial, results: Path, name: str) -> None:
    said: list[str] = []
    finished.notify = said.append
    assert READERS[name](found(finished, trial))
    assert said == []
    [path] = results.glob(f"artifacts/*/artifacts/{name}")
    for content in BAD:
        path.write_bytes(content)
        assert not READERS[name](found(finished, trial))
        assert f"{name} of tiny h=6 · tiny-digits · seed 0" in said[-1]
        assert "damaged and left out" in said[-1]


def test_damaged_samples_are_told_and_left_out(open_record: OpenRecord, plan: Plan, results: Path) -> None:
    record, said, trial = open_record(), [], plan.timing[0]
    record.notify = said.append
    record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    record.finish(trial, Result(TimingNumbers(median_seconds=0.1), samples={"iteration": [0.1, 0.2]}))
    recorded = record.trials()[trial.key]
    assert isinstance(recorded, RecordedTiming)
    assert recorded.samples == [0.1, 0.2]
    [path] = results.glob("artifacts/*/artifacts/samples_seconds.json")
    for content in BAD:
        path.write_bytes(content)
        assert replace(recorded).samples == []
        assert "damaged and left out" in said[-1]


def test_files_are_read_when_they_are_asked_for_and_once(
    finished: RunWriter, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    artifact = finished.artifact

    def counted(run: Run, name: str) -> Path:
        asked.append(name)
        return artifact(run, name)

    monkeypatch.setattr(finished, "artifact", counted)
    recorded = found(finished, trial)
    assert asked == []
    assert recorded.predictions["tiny-digits"][0].tolist() == [1, 2, 3]
    assert recorded.predictions is recorded.predictions
    assert recorded.curve == recorded.curve == [(0.5, 40.0)]
    assert asked == ["predictions.npz", "curve.json"]


def test_arrays_of_an_analysis_are_those_that_it_has_measured(finished: RunWriter, trial: Trial) -> None:
    assert found(finished, trial).arrays("mine")["tiny-digits"].tolist() == [1, 2, 3]
    assert found(finished, trial).arrays("other") == {}


def test_arrays_of_earlier_versions_are_read(finished: RunWriter, trial: Trial, results: Path) -> None:
    """They lie in two files: the activities, and the pictures of all other analyses."""
    [folder] = results.glob("artifacts/*/artifacts/analyses")
    shutil.rmtree(folder)
    (folder.parent / "activity.json").write_text('{"activities": [0.9, 0.5]}')
    np.savez(folder.parent / "pictures.npz", mistakes=np.zeros((1, 2, 2)), kept=np.ones(3))
    assert found(finished, trial).arrays("capsule_activity")["activities"].tolist() == [0.9, 0.5]
    assert found(finished, trial).arrays("mistakes").keys() == {"mistakes", "kept"}
    assert found(finished, trial).arrays("pruning_map")["kept"].tolist() == [1, 1, 1]
    assert found(finished, trial).arrays("mine") == {}


def test_predictions_that_are_no_classes_are_left_out(finished: RunWriter, trial: Trial, results: Path) -> None:
    [path] = results.glob("artifacts/*/artifacts/predictions.npz")
    for answers, labels in [([1.5], [1]), ([1, 2], [1]), ([[1]], [[1]])]:
        np.savez(path, **{"t": np.array(answers), "t|labels": np.array(labels)})
        assert found(finished, trial).predictions == {}


def test_a_text_that_is_too_long_is_not_read(
    finished: RunWriter, trial: Trial, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.record.artifacts.MAX_TEXT_BYTES", 2**20)
    [path] = results.glob("artifacts/*/artifacts/curve.json")
    path.write_text(json.dumps([0] * 2**20))
    assert found(finished, trial).curve == []
