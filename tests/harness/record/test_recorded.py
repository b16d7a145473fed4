"""A recorded trial: its files are read when they are asked for, and what is damaged of them is told and left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run

from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.recorded import RecordedTiming, RecordedTraining
from harness.record.writer import RunWriter
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Result
from tests.harness.record.recorded_training import recorded_training

OpenRecord = Callable[..., RunWriter]
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
    return recorded_training(record, trial.key)


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
    record, trial = open_record(), plan.timing[0]
    said: list[str] = []
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
        named: dict[str, Any] = {"t": np.array(answers), "t|labels": np.array(labels)}
        np.savez(path, **named)
        assert found(finished, trial).predictions == {}


def test_a_text_that_is_too_long_is_not_read(
    finished: RunWriter, trial: Trial, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.record.artifacts.MAX_TEXT_BYTES", 2**20)
    [path] = results.glob("artifacts/*/artifacts/curve.json")
    path.write_text(json.dumps([0] * 2**20))
    assert found(finished, trial).curve == []
