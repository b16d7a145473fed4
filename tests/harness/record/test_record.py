"""The record in a real MLflow store: one run a trial, whatever happens to it, and nothing logged twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.invocation import Invocation
from harness.record.listing import Browsable, list_invocations, suites
from harness.record.parameters import parameters
from harness.record.recorded import RecordedTiming
from harness.record.writer import RunWriter
from harness.suite.published import Published
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers
from harness.worker.result import Point, Result
from tests.harness.record.recorded_training import recorded_training

OpenRecord = Callable[..., RunWriter]
DIGITS = np.array([1, 0, 3], np.uint8)


def history(upto: int, start: int = 2) -> tuple[Point, ...]:
    """A curve with a point every 2 iterations."""
    return tuple(
        Point(n, n / 6, float(n), {"train/loss": 1 / n, "train/error_percent": 50.0 / n})
        for n in range(start, upto + 1, 2)
    )


def result(points: tuple[Point, ...] = ()) -> Result:
    return Result(
        numbers=TrainingNumbers({"tiny-digits": Score(12.5, 45)}),
        history=points,
        samples={"iteration": [0.1, 0.2]},
        predictions={"tiny-digits": DIGITS},
        machine={"cpu": "abacus", "torch": "2"},
    )


class Session:
    """What one process does to the record."""

    def __init__(self, record: RunWriter, plan: Plan, data: Path) -> None:
        self.record, self.plan, self.data = record, plan, data
        self.invocation = record.begin_invocation(plan, [{"source": "a paper"}], "the command")

    def begin(self, trial: Trial) -> None:
        self.record.begin(trial)


@pytest.fixture
def session(open_record: OpenRecord, plan: Plan, tmp_path: Path) -> Callable[[], Session]:
    return lambda: Session(open_record(), plan, tmp_path)


def status(record: RunWriter, trial: Trial) -> str:
    return record.statuses([trial.key])[trial.key]


def newest(record: RunWriter, profile: str | None) -> Invocation:
    return record.invocation(record.latest_invocation(profile))


def steps(record: RunWriter, trial: Trial, metric: str = "train/loss") -> list[int]:
    return sorted(m.step for m in record.client.get_metric_history(record.trials()[trial.key].run_id, metric))


def test_a_trial_that_was_never_seen_is_new(open_record: OpenRecord, trial: Trial) -> None:
    record = open_record()
    assert record.statuses([trial.key, "other"]) == {trial.key: "new", "other": "new"}
    assert record.client.get_experiment_by_name("tiny") is None  # looking leaves nothing


def test_a_trial_from_its_start_to_its_end(session: Callable[[], Session], trial: Trial) -> None:
    now = session()
    now.begin(trial)
    assert status(now.record, trial) == "interrupted"  # it runs; were it found so, its driver would be dead
    now.record.log(trial, history(4))
    now.record.log(trial, history(4))
    now.record.log(trial, history(8))
    now.record.finish(trial, result(history(12)))
    assert status(now.record, trial) == "done"
    assert steps(now.record, trial) == [2, 4, 6, 8, 10, 12]
    assert steps(now.record, trial, "train/error_percent") == steps(now.record, trial)
    assert steps(now.record, trial, "time/epochs") == steps(now.record, trial)
    assert steps(now.record, trial, "test/tiny-digits/error_percent") == [24]
    run = now.record.client.get_run(now.record.trials()[trial.key].run_id)
    assert run.info.run_name == "tiny h=6 · tiny-digits · seed 0"
    assert run.data.tags["harness.kind"] == "trial"
    assert run.data.tags["harness.invocation"] == now.invocation
    assert run.data.tags["machine.cpu"] == "abacus"
    assert run.data.params["config.hidden"] == "6"
    assert run.data.params["protocol.schedule.factor"] == "0.5"
    [given] = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("tiny-digits", "tiny-digits-1")


def test_its_files_hold_the_curve_the_samples_and_the_predictions(
    session: Callable[[], Session], trial: Trial, results: Path
) -> None:
    now = session()
    now.begin(trial)
    now.record.finish(trial, result(history(6)))
    folder = next(results.glob(f"artifacts/{now.record.trials()[trial.key].run_id}/artifacts"))
    curve = json.loads((folder / "curve.json").read_text())
    assert [point["iteration"] for point in curve] == [2, 4, 6]
    assert curve[0]["metrics"]["train/loss"] == 0.5
    assert json.loads((folder / "samples_seconds.json").read_text()) == {"iteration": [0.1, 0.2]}
    with np.load(folder / "predictions.npz", allow_pickle=False) as stored:
        assert stored["tiny-digits"].tolist() == [1, 0, 3]


def test_an_interrupted_trial_goes_on_in_its_run_without_a_step_twice(
    session: Callable[[], Session], trial: Trial
) -> None:
    first = session()
    first.begin(trial)
    first.record.log(trial, history(8))
    first.record.interrupt(trial)
    assert status(first.record, trial) == "interrupted"
    run = first.record.trials()[trial.key].run_id
    second = session()  # its checkpoint was older: some points come again
    second.begin(trial)
    second.record.log(trial, history(6))
    second.record.log(trial, history(10))
    second.record.finish(trial, result(history(12)))
    assert [each.run_id for each in second.record.trials().values()] == [run]
    assert steps(second.record, trial) == [2, 4, 6, 8, 10, 12]
    found = second.record.client.get_run(run)
    assert found.info.status == "FINISHED"
    assert found.data.tags["harness.invocation"] == second.invocation


def test_a_trial_lost_within_a_session_goes_on_likewise(session: Callable[[], Session], trial: Trial) -> None:
    now = session()
    now.begin(trial)
    now.record.log(trial, history(6))
    now.record.interrupt(trial)
    now.begin(trial)
    now.record.log(trial, history(8))
    assert steps(now.record, trial) == [2, 4, 6, 8]


def test_what_a_dead_driver_left_running_is_interrupted(session: Callable[[], Session], trial: Trial) -> None:
    dead = session()
    dead.begin(trial)
    alive = session()
    assert status(alive.record, trial) == "interrupted"
    client = alive.record.client
    assert client.get_run(dead.invocation).info.status == "KILLED"
    assert client.get_run(alive.record.trials()[trial.key].run_id).info.status == "KILLED"
    assert client.get_run(alive.invocation).info.status == "RUNNING"


def test_a_failed_trial_keeps_its_cause_until_it_is_done(session: Callable[[], Session], trial: Trial) -> None:
    now = session()
    now.begin(trial)
    now.record.fail(trial, "ValueError: no", "Traceback\n  ValueError: no")
    assert status(now.record, trial) == "failed"
    assert now.record.trials()[trial.key].cause == "ValueError: no"
    run = now.record.trials()[trial.key].run_id
    path = now.record.client.download_artifacts(run, "error.txt")
    assert Path(path).read_text() == "Traceback\n  ValueError: no"
    now.begin(trial)
    now.record.finish(trial, result(history(4)))
    assert status(now.record, trial) == "done"
    assert [each.run_id for each in now.record.trials().values()] == [run]


def test_interrupting_what_has_no_run_is_nothing(session: Callable[[], Session], trial: Trial) -> None:
    now = session()
    now.record.interrupt(trial)
    assert status(now.record, trial) == "new"


def test_many_points_at_once(session: Callable[[], Session], trial: Trial) -> None:
    """MLflow takes 1,000 metrics at a time."""
    now = session()
    now.begin(trial)
    now.record.log(trial, history(1400))
    assert steps(now.record, trial) == list(range(2, 1401, 2))


def test_timing_trials_are_of_their_own_kind(session: Callable[[], Session], plan: Plan) -> None:
    now = session()
    timing = [trial for trial in plan.trials if trial.kind == "timing"]
    for trial in timing:
        now.begin(trial)
        now.record.finish(trial, Result(TimingNumbers(median_seconds=0.5), samples={"iteration": [0.5]}))
    assert set(now.record.statuses(t.key for t in plan.trials).values()) == {"done", "new"}
    run = now.record.client.get_run(now.record.trials()[timing[0].key].run_id)
    assert run.data.tags["harness.kind"] == "timing"
    assert run.data.params["round"] == str(timing[0].round)
    recorded = now.record.trials().values()
    numbers = {each.numbers for each in recorded if isinstance(each, RecordedTiming)}
    assert len(recorded) == len(timing)
    assert numbers == {TimingNumbers(median_seconds=0.5)}


def test_recorded_trials_are_as_they_were_written(session: Callable[[], Session], plan: Plan, trial: Trial) -> None:
    now = session()
    other = next(t for t in plan.trials if t.key != trial.key)
    assert now.record.trials() == {}
    now.begin(trial)
    now.record.finish(trial, result())
    now.begin(other)
    recorded = now.record.trials()
    assert list(recorded) == [other.key, trial.key]  # the newest first
    found = recorded_training(now.record, trial.key)
    assert found.numbers == result().numbers
    assert found.machine == {"cpu": "abacus", "torch": "2"}
    assert (found.status, found.cause, found.profile, found.name) == ("done", "", None, trial.name)
    assert found.parameters == parameters(trial)
    assert (recorded[other.key].status, recorded[other.key].machine) == ("interrupted", {})


def test_the_fraction_of_a_budget_is_kept(open_record: OpenRecord) -> None:
    record = open_record()
    assert record.fraction("laptop", 1200.0) is None
    record.keep_fraction("laptop", 1200.0, 0.1234567890123456)
    again = open_record()
    assert again.fraction("laptop", 1200.0) == 0.1234567890123456
    assert again.fraction("laptop", 600.0) is None
    assert again.fraction(None, 1200.0) is None
    assert again.fraction("laptop", None) is None


def test_the_newest_plan_of_a_profile(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    for profile in (None, "laptop", None):
        record.begin_invocation(plan.model_copy(update={"profile": profile}), [{"source": str(profile)}], "command")
    last = plan.model_copy(update={"profile": "laptop", "fraction": 0.25})
    invocation = record.begin_invocation(last, [], "command")
    record.keep_plan(invocation, last.model_copy(update={"fraction": 0.5}))
    found = newest(open_record(), "laptop")
    assert (found.plan.profile, found.plan.fraction, found.published) == ("laptop", 0.5, [])
    assert found.plan.trials == plan.trials
    assert newest(open_record(), None).published == [Published(source="None")]  # the newest without a profile
    for profile in ("desktop", "none of them"):
        with pytest.raises(UserError, match=f"nothing is recorded of the suite 'tiny' with the profile '{profile}'"):
            record.latest_invocation(profile)


def test_a_suite_that_was_never_run(open_record: OpenRecord) -> None:
    with pytest.raises(UserError, match="nothing is recorded of the suite 'other'; run"):
        open_record(suite="other").latest_invocation(None)


def test_a_store_that_was_moved_is_still_read(
    session: Callable[[], Session], open_record: OpenRecord, trial: Trial, results: Path, tmp_path: Path
) -> None:
    now = session()
    now.begin(trial)
    now.record.finish(trial, result())
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(results, elsewhere)
    shutil.rmtree(results)
    moved = open_record(elsewhere)
    assert newest(moved, None).published == [Published(source="a paper")]
    assert moved.statuses([trial.key]) == {trial.key: "done"}
    assert recorded_training(moved, trial.key).numbers == result().numbers


def test_lost_files_are_told_in_one_line(session: Callable[[], Session], results: Path) -> None:
    now = session()
    shutil.rmtree(results / "artifacts")
    with pytest.raises(UserError, match=f"lost plan.json of run {now.invocation}; run the suite again"):
        newest(now.record, None)


def test_an_invocation_ends_with_its_report(session: Callable[[], Session], tmp_path: Path) -> None:
    now = session()
    report = tmp_path / "report"
    (report / "figures").mkdir(parents=True)
    files = [report / "report.html", report / "report.md", report / "figures" / "costs.png"]
    for path in (*files, report / "notes of mine.txt"):
        path.write_text("# Tables\n" + "x" * 9000)
    now.record.end_invocation(now.invocation, "FINISHED", files)
    run = now.record.client.get_run(now.invocation)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.note.content"].startswith("# Tables\n")
    kept = [file.path for file in now.record.client.list_artifacts(now.invocation, "report")]
    assert kept == ["report/figures", "report/report.html", "report/report.md"]
    [figure] = now.record.client.list_artifacts(now.invocation, "report/figures")
    assert figure.path == "report/figures/costs.png"
    [line] = list_invocations(now.record.tracking_uri)
    assert (line["name"], line["profile"], line["status"]) == ("tiny", "none", "finished")
    assert suites(now.record.tracking_uri) == [Browsable("tiny", now.record.experiment, now.invocation)]


def test_a_report_of_what_was_reported_before_is_not_kept_again(
    session: Callable[[], Session], trial: Trial, tmp_path: Path, results: Path
) -> None:
    def reported(begins: bool = False, **plan: Any) -> bool:
        """Whether an invocation keeps its report; the newest one is shown in any case."""
        now = session()
        if plan:
            now = Session(now.record, now.plan.model_copy(update=plan), tmp_path)
        if begins:
            now.begin(trial)
            now.record.fail(trial, "a cause", "the details")
        path = tmp_path / "report.md"
        path.write_text("# Tables")
        now.record.end_invocation(now.invocation, "FINISHED", [path])
        kept = bool(now.record.client.list_artifacts(now.invocation, "report"))
        [shown] = suites(now.record.tracking_uri)
        assert now.record.client.list_artifacts(shown.report, "report")
        assert kept == (shown.report == now.invocation)
        return kept

    assert reported(begins=True)
    assert not reported()
    assert not reported()
    assert reported(begins=True)  # it ends as it did before, in another try
    assert not reported()
    assert reported(precision="bfloat16")
    assert not reported(precision="bfloat16")
    assert reported(profile="laptop")  # which has none yet
    assert reported()
    shutil.rmtree(results / "artifacts" / suites(session().record.tracking_uri)[0].report / "artifacts" / "report")
    assert reported()


def test_suites_do_not_mix(session: Callable[[], Session], open_record: OpenRecord, trial: Trial) -> None:
    now = session()
    now.begin(trial)
    now.record.finish(trial, result())
    assert open_record(suite="other").statuses([trial.key]) == {trial.key: "new"}


def test_a_deleted_experiment_is_named(session: Callable[[], Session], open_record: OpenRecord) -> None:
    now = session()
    now.record.client.delete_experiment(now.record.experiment)
    with pytest.raises(UserError, match="experiment 'tiny' was deleted in MLflow"):
        open_record()


def test_a_file_that_is_no_store(results: Path, open_record: OpenRecord) -> None:
    (results / "mlflow.db").write_text("certainly not a database, and long enough to be looked at")
    with pytest.raises(UserError, match="cannot open the record sqlite:///") as caught:
        open_record()
    assert len(str(caught.value).splitlines()) == 1


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot open the record sqlite:///") as caught:
        RunWriter(f"sqlite:///{tmp_path}/file/mlflow.db", "tiny")
    assert len(str(caught.value).splitlines()) == 1


def test_parameters_are_flat_and_tell_all(plan: Plan, trial: Trial) -> None:
    flat = parameters(trial)
    assert flat["variant"] == "tiny"
    assert flat["config.hidden"] == "6"
    assert flat["protocol.batch_size"] == "20"
    assert flat["protocol.schedule.every"] == "6"
    assert (flat["iterations"], flat["fraction"], flat["train_images"], flat["test_images"]) == (
        "24",
        "1.0",
        "120",
        "all",
    )
    timing = parameters(next(t for t in plan.trials if t.kind == "timing"))
    assert timing["timing.batch_size"] == "20"
    assert "seed" not in timing
