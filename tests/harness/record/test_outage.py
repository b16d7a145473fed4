"""A record whose server goes away, whose disk is full, or whose database another process holds."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record import retry
from harness.record.retry import is_away
from harness.record.writer import RunWriter
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Point, Result
from tests.harness.mlflow_server import Server

CURVE = tuple(Point(n, n / 6, float(n), {"train/loss": 1 / n, "train/error_percent": 50.0}) for n in (2, 4, 6))
RESULT = Result(TrainingNumbers({"tiny-digits": Score(12.5, 45)}), CURVE, samples={"iteration": [0.1]}, weights="ab")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 0.2)


@pytest.fixture
def server(results: Path) -> Iterator[Server]:
    made = Server(results)
    made.start()
    yield made
    made.stop()


@pytest.mark.slow
def test_while_the_server_is_away_writes_wait_and_nothing_is_lost_or_doubled(
    server: Server, plan: Plan, trial: Trial
) -> None:
    said: list[str] = []
    record = RunWriter(server.address, "tiny", notify=said.append)
    record.begin_invocation(plan, [], "the command")
    writes: list[Callable[[], object]] = [
        lambda: record.begin(trial),
        lambda: record.log(trial, CURVE[:2]),
        lambda: record.finish(trial, RESULT),
    ]
    for write in writes:
        server.stop()
        back = threading.Timer(1.0, server.start)
        back.start()
        write()
        back.join()
    silence = f"the record {server.address} does not answer; trials go on, and their results wait"
    assert said == [silence, "the record answers again"] * len(writes)
    [recorded] = record.trials().values()
    assert recorded.key == trial.key
    run = recorded.run_id
    history = record.client.get_metric_history(run, "train/loss")
    assert [(metric.step, metric.value) for metric in history] == [(2, 1 / 2), (4, 1 / 4), (6, 1 / 6)]
    assert [m.step for m in record.client.get_metric_history(run, "test/tiny-digits/error_percent")] == [24]
    assert record.statuses([trial.key]) == {trial.key: "done"}


def flaky(method: Callable[..., Any], failures: list[Exception], *, after: bool) -> Callable[..., Any]:
    """A method that fails a few times: after it has done its work, as when only the answer is lost, or before."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if failures and not after:
            raise failures.pop()
        result = method(*args, **kwargs)
        if failures:
            raise failures.pop()
        return result

    return call


AWAY = MlflowException("API request to http://h/api failed with exception HTTPConnectionPool")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["create_run", "log_batch", "log_inputs", "set_terminated", "log_artifacts"])
def test_a_request_whose_answer_is_lost_counts_once(
    open_record: Callable[..., RunWriter],
    plan: Plan,
    trial: Trial,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    after: bool,
) -> None:
    record = open_record()
    record.begin_invocation(plan, [], "the command")
    for write in (
        lambda: record.begin(trial),
        lambda: record.log(trial, CURVE[:2]),
        lambda: record.finish(trial, RESULT),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(record.client, name, flaky(getattr(record.client, name), [AWAY, AWAY], after=after))
            write()
    runs = record.client.search_runs([record.experiment], f"tags.`harness.key` = '{trial.key}'")
    assert [run.info.status for run in runs] == ["FINISHED"]
    history = record.client.get_metric_history(runs[0].info.run_id, "train/loss")
    assert [metric.step for metric in history] == [2, 4, 6]
    summary = record.client.get_metric_history(runs[0].info.run_id, "test/tiny-digits/error_percent")
    assert [metric.step for metric in summary] == [24]
    assert len(runs[0].inputs.dataset_inputs) == 1


def test_patience_has_an_end(
    open_record: Callable[..., RunWriter], plan: Plan, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record()
    monkeypatch.setattr(retry, "MAX_OUTAGE_SECONDS", 0.5)
    monkeypatch.setattr(record.client, "create_run", flaky(lambda *_, **__: None, [AWAY] * 1000, after=False))
    with pytest.raises(UserError, match=r"has not answered for .* give the same command again"):
        record.begin(trial)


def test_a_full_disk_is_told_in_one_sentence(
    open_record: Callable[..., RunWriter], plan: Plan, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record()
    full = MlflowException("(sqlite3.OperationalError) database or disk is full")
    monkeypatch.setattr(record.client, "create_run", flaky(lambda *_, **__: None, [full], after=False))
    with pytest.raises(UserError, match=r"no space left for the record .* give the same command again"):
        record.begin(trial)


@pytest.mark.parametrize("name", ["log_artifact", "log_text", "search_runs", "log_artifacts"])
def test_a_full_disk_is_told_wherever_it_is_met(
    open_record: Callable[..., RunWriter],
    plan: Plan,
    trial: Trial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    record = open_record()
    (tmp_path / "report.md").write_text("# Tables")
    record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(record.client, name, flaky(lambda *_, **__: None, [full] * 9, after=False))

    def command() -> None:
        record.finish(trial, RESULT)
        invocation = record.begin_invocation(plan, [], "the command", "name: tiny")
        record.end_invocation(invocation, "FINISHED", [tmp_path / "report.md"])

    with pytest.raises(UserError, match=r"no space left for the record .* give the same command again"):
        command()


def test_a_locked_database_is_waited_for(open_record: Callable[..., RunWriter], results: Path) -> None:
    record = open_record()
    _ = record.experiment
    with sqlite3.connect(results / "mlflow.db", isolation_level=None, check_same_thread=False) as other:
        other.execute("begin exclusive")
        threading.Timer(1.0, lambda: other.execute("rollback")).start()
        record.keep_fraction("laptop", 60.0, 0.5)
    assert record.fraction("laptop", 60.0) == 0.5


def answered(status: int) -> requests.HTTPError:
    """As uploads of files tell of a server's answer."""
    answer = requests.Response()
    answer.status_code = status
    return requests.HTTPError(f"{status} for url: http://h/a", response=answer)


DOWNLOADS = "The following failures occurred while downloading one or more artifacts from a:\n##### File x #####\n{}"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AWAY, True),
        (MlflowException("API request to http://h/api failed with timeout exception x."), True),
        (MlflowException("API request to endpoint /api failed with error code 503 != 200. Response body: ''"), True),
        (MlflowException("API request to endpoint /api failed with error code 403 != 200. Response body: ''"), False),
        (RestException({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "m"}), True),
        (RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "API request to"}), False),
        (MlflowException("(sqlite3.OperationalError) database is locked"), True),
        (ConnectionResetError(), True),
        (MlflowException("no such run"), False),
        (answered(503), True),
        (answered(500), True),
        (answered(408), True),
        (answered(429), True),
        (answered(413), False),
        (answered(401), False),
        (requests.ConnectionError("refused"), True),
        (requests.Timeout("too long"), True),
        (TimeoutError(), True),
        (RestException({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "m"}), True),
        (RestException({"error_code": "INTERNAL_ERROR", "message": "m"}), True),
        (RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "database is locked"}), False),
        (MlflowException(DOWNLOADS.format("502 Server Error: Bad Gateway for url: http://h/a")), True),
        (MlflowException(DOWNLOADS.format("404 Client Error: Not Found for url: http://h/a")), False),
        (MlflowException(DOWNLOADS.format("API request to http://h/a failed with exception x")), True),
        (MlflowException(DOWNLOADS.format("[Errno 2] No such file or directory: 'a'")), False),
        (ValueError("database"), False),
    ],
)
def test_what_is_worth_waiting_for(error: Exception, expected: bool) -> None:
    assert is_away(error) is expected
