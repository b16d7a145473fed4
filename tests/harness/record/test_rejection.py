"""A store that says no: the numbers are kept wherever it takes them, and the cause is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from mlflow.exceptions import MlflowException

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record import writer as store
from harness.record.retry import Rejected
from harness.record.writer import RunWriter
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result
from tests.harness.record.recorded_training import recorded_training

OpenRecord = Callable[..., RunWriter]
NUMBERS = TrainingNumbers({"tiny-digits": Score(12.5, 45)})


def http_error(status: int) -> requests.HTTPError:
    answer = requests.Response()
    answer.status_code = status
    return requests.HTTPError(f"{status} Client Error: Request Entity Too Large for url: http://h/a", response=answer)


@pytest.fixture
def record(open_record: OpenRecord, plan: Plan, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> RunWriter:
    """A record with a trial that has begun; a model is a small file."""

    def save_model(trial: Trial, model: bytes, folder: Path) -> None:
        folder.mkdir()
        (folder / "weights.pt").write_bytes(model)

    monkeypatch.setattr(store, "save_model", save_model)
    made: RunWriter = open_record()
    made.begin_invocation(plan, [], "the command")
    made.begin(trial)
    return made


def refuse(record: RunWriter, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Let a server take no such file."""
    upload, single = record.client.log_artifacts, record.client.log_artifact

    def log_artifacts(run: str, folder: str, *more: Any) -> None:
        if (Path(folder) / what).exists():
            raise http_error(413)
        upload(run, folder, *more)

    def log_artifact(run: str, path: str, *more: Any) -> None:
        if Path(path).name == what:
            raise http_error(413)
        single(run, path, *more)

    monkeypatch.setattr(record.client, "log_artifacts", log_artifacts)
    monkeypatch.setattr(record.client, "log_artifact", log_artifact)


def test_a_model_that_is_too_large_costs_neither_numbers_nor_files(
    record: RunWriter, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(record, monkeypatch, "model")
    told = record.finish(trial, Result(NUMBERS, samples={"iteration": [0.5]}, model=b"x" * 100))
    assert "its model could not be kept" in told
    assert "413" in told
    found = recorded_training(record, trial.key)
    assert (found.status, found.numbers) == ("done", NUMBERS)
    assert "413" in found.cause
    assert json.loads(found.artifact("samples_seconds.json").read_text()) == {"iteration": [0.5]}


def test_files_that_are_rejected_cost_no_numbers_and_no_model(
    record: RunWriter, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(record, monkeypatch, "samples_seconds.json")
    told = record.finish(trial, Result(NUMBERS, samples={"iteration": [0.5]}, model=b"weights"))
    assert told.startswith("its files could not be kept")
    assert record.statuses([trial.key]) == {trial.key: "done"}
    run = record.trials()[trial.key].run_id
    assert [each.path for each in record.client.list_artifacts(run)] == ["model"]


def test_numbers_come_before_the_model(record: RunWriter, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "save_model", killed)
    with pytest.raises(KeyboardInterrupt):
        record.finish(trial, Result(NUMBERS, model=b"weights"))
    assert record.trials()[trial.key].status == "done"


@pytest.mark.parametrize("name", ["odd (sigma=2%)", "'", "a" * 300])
def test_a_name_that_no_metric_can_have(record: RunWriter, trial: Trial, name: str) -> None:
    with pytest.raises(Rejected) as caught:
        record.finish(trial, Result(TrainingNumbers({name: Score(12.5, 45)})))
    assert len(str(caught.value).splitlines()) == 1
    record.fail(trial, str(caught.value), "the story")
    assert record.statuses([trial.key]) == {trial.key: "failed"}


def test_a_trial_without_a_run_can_fail(record: RunWriter, trial: Trial) -> None:
    record.fail(trial.model_copy(update={"key": "other"}), "it was never begun", "the story")
    assert record.statuses(["other"]) == {"other": "new"}


def test_a_report_that_is_rejected_still_closes_the_invocation(
    record: RunWriter, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    record.notify = said.append
    invocation = record.begin_invocation(plan, [], "the command")
    (tmp_path / "report.md").write_text("# Tables")
    refuse(record, monkeypatch, "report.md")
    record.end_invocation(invocation, "FINISHED", [tmp_path / "report.md"])
    assert record.client.get_run(invocation).info.status == "FINISHED"
    [line] = said
    assert "the report could not be kept" in line
    assert str(tmp_path) in line


def test_a_user_who_may_not_write_is_told_in_a_sentence(
    open_record: OpenRecord, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record()

    def forbidden(*_: object, **__: object) -> None:
        raise MlflowException("API request to endpoint /api failed with error code 403 != 200. Response body: 'no'")

    monkeypatch.setattr(record.client, "create_run", forbidden)
    with pytest.raises(UserError, match=r"says no: .*403") as caught:
        record.begin_invocation(plan, [], "the command")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["file", "a/b", "odd (noise=20%)", "|labels", "", "../x", "arr_0", "self"])
def test_any_name_of_a_test_can_be_kept_in_a_file(record: RunWriter, trial: Trial, name: str) -> None:
    """Names that NumPy or a zip file takes for something of its own."""
    classes = np.array([3, 1, 2], np.uint8)
    record.finish(trial, Result(NUMBERS, predictions={name: classes}, labels={name: classes[::-1]}))
    predictions = recorded_training(record, trial.key).predictions
    assert list(predictions) == [name]
    assert predictions[name][0].tolist() == [3, 1, 2]
    assert predictions[name][1].tolist() == [2, 1, 3]
