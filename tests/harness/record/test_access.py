"""A store is made once, and what is read of it is waited for."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record import retry
from harness.record.access import open_store
from harness.record.listing import suite_of
from harness.record.retry import Rejected
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.record.writer import RunWriter
from harness.report.build import read_tables
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result

OpenRecord = Callable[..., RunWriter]
AWAY = MlflowException("API request to http://h/api failed with exception HTTPConnectionPool")
BUSY = MlflowException("API request to endpoint /api failed with error code 503 != 200. Response body: ''")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 0.001)


def begin(folder: str, suite: str, barrier: Any, ended: Any) -> None:
    barrier.wait(60)
    tracking_uri = default_tracking_uri(Path(folder))
    record = RunWriter(tracking_uri, suite, artifact_folder(tracking_uri, Path(folder)))
    with record.held():
        ended.put((suite, record.experiment))


def test_two_suites_that_start_at_once_into_a_new_record_both_run(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    barrier, ended = fork.Barrier(2), fork.Queue()
    drivers = [fork.Process(target=begin, args=(str(tmp_path), name, barrier, ended)) for name in ("one", "other")]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(120)
    assert [driver.exitcode for driver in drivers] == [0, 0]
    experiments = {experiment.name for experiment in open_store(default_tracking_uri(tmp_path)).search_experiments()}
    assert experiments >= {"one", "other"}


def test_a_store_whose_making_was_stopped_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking_uri = default_tracking_uri(tmp_path / "50% ?")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("harness.record.access.os.replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            open_store(tracking_uri, makes=True)
    assert not tracking_uri.exists()
    [left] = tracking_uri.path.parent.glob("*.new")
    left.rename(left.with_name(".mlflow.db.999999999.new"))  # of a process that is not there any more
    store = open_store(tracking_uri, makes=True)
    store.create_experiment("mine")
    assert {path.name for path in tracking_uri.path.parent.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}
    assert open_store(tracking_uri).get_experiment_by_name("mine") is not None


def falter(record: RunWriter, monkeypatch: pytest.MonkeyPatch, name: str, errors: list[Exception]) -> None:
    """Let a request fail a few times."""
    request = getattr(record.client, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if errors:
            raise errors.pop()
        return request(*args, **kwargs)

    monkeypatch.setattr(record.client, name, call)


def test_reads_wait_for_a_server_that_is_away(
    open_record: OpenRecord, plan: Plan, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record()
    invocation = record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    record.finish(trial, Result(TrainingNumbers({"tiny-digits": Score(12.5, 45)})))
    record.keep_fraction(None, 60.0, 0.5)
    said: list[str] = []
    record.notify = said.append
    for name, read in {
        "search_runs": lambda: record.statuses([trial.key]) == {trial.key: "done"},
        "get_experiment": lambda: record.fraction(None, 60.0) == 0.5,
        "get_run": lambda: record.invocation(invocation).plan.suite == "tiny",
        "get_metric_history": lambda: (
            record.last_step(record.trials()[trial.key].run_id, "test/tiny-digits/images") == 24
        ),
    }.items():
        with monkeypatch.context() as patched:
            falter(record, patched, name, [AWAY, BUSY])
            assert read(), name
    assert len(said) == 8  # away and back again, of each
    falter(record, monkeypatch, "get_run", [AWAY] * 3)
    falter(record, monkeypatch, "search_runs", [BUSY] * 3)
    assert read_tables(record, None).errors[0].measured == 12.5


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["create_run", "log_artifact", "log_text", "set_terminated", "search_runs"])
def test_an_invocation_is_begun_once_whatever_answer_is_lost(
    open_record: OpenRecord, plan: Plan, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    record = open_record()
    dead = record.begin_invocation(plan, [], "the command")
    errors, request = [AWAY, AWAY], getattr(record.client, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if errors and not after:
            raise errors.pop()
        answer = request(*args, **kwargs)
        if errors:
            raise errors.pop()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(record.client, name, call)
        begun = record.begin_invocation(plan, [], "the command", "name: tiny")
    found = record.runs([record.experiment], "")
    assert [run.info.run_id for run in found] == [begun, dead]
    assert [run.info.status for run in found] == ["RUNNING", "KILLED"]
    assert {each.path for each in record.client.list_artifacts(begun)} == {"plan.json", "published.json", "suite.yaml"}
    assert record.latest_invocation(None) == begun


def test_that_a_server_is_away_is_told_once_however_deep_it_is_met(
    open_record: OpenRecord, plan: Plan, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record()
    record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    said: list[str] = []
    record.notify = said.append
    falter(record, monkeypatch, "log_batch", [AWAY])
    history = record.client.get_metric_history
    reads: list[Exception | None] = [
        None,
        BUSY,
        BUSY,
        None,
    ]  # away in the second try as well, when it reads

    def read(*args: Any) -> Any:
        error = reads.pop()
        if error is not None:
            raise error
        return history(*args)

    monkeypatch.setattr(record.client, "get_metric_history", read)
    record.finish(trial, Result(TrainingNumbers({"tiny-digits": Score(12.5, 45)})))
    assert reads == []
    assert [line.partition(";")[0].split()[-1] for line in said] == ["answer", "again"]


def test_an_id_that_is_not_there_is_no_outage(open_record: OpenRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    record = open_record()
    assert suite_of(record.tracking_uri, "0" * 32) is None
    assert record.run("0" * 32) is None
    falter(record, monkeypatch, "get_run", [MlflowException("something else")])
    with pytest.raises(Rejected, match="something else"):
        record.run("0" * 32)


def test_what_a_read_only_database_says_is_a_sentence(
    open_record: OpenRecord, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another user's is."""
    record = open_record()
    monkeypatch.setattr(retry, "MAX_OUTAGE_SECONDS", 0.0)
    falter(
        record,
        monkeypatch,
        "create_run",
        [MlflowException("(x.OperationalError) attempt to write a readonly database")],
    )
    with pytest.raises(UserError, match=r"mlflow.db may not be written by you; ask its owner") as caught:
        record.begin_invocation(plan, [], "the command")
    assert len(str(caught.value).splitlines()) == 1
    falter(record, monkeypatch, "create_run", [PermissionError(13, "Permission denied", "/r/artifacts")])
    with pytest.raises(UserError, match=r"/r/artifacts may not be written by you"):
        record.begin_invocation(plan, [], "the command")
