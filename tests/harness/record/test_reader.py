"""What is read of a record: which run is the newest, whatever clocks say, and what an invocation was."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import pytest

from harness.errors import UserError
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.provenance import code_version
from harness.record.listing import list_invocations, suites
from harness.record.names import RUN_NUMBER
from harness.record.writer import RunWriter
from harness.report.build import read_tables
from harness.suite.published import Published
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result
from tests.harness.record.recorded_training import recorded_training

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
    assert recorded_training(record, trial.key).numbers.tests["tiny-digits"].error_percent == 25.0


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


def test_an_invocation_is_read_as_it_was_recorded(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    published = [Published(source="a paper").model_dump(mode="json")]
    run_id = record.begin_invocation(plan, published, "run http://user:secret@host", "name: tiny  # whole\n")
    found = open_record().invocation(run_id)
    assert (found.run_id, found.plan, found.published) == (run_id, plan, [Published(source="a paper")])
    assert (found.command, found.suite_file, found.overhead) == ("run http://***@host", "name: tiny  # whole\n", {})
    assert found.code == code_version()
    without = open_record().invocation(record.begin_invocation(plan, [], "the command"))
    assert (without.published, without.suite_file) == ([], "")
    with pytest.raises(UserError, match=f"there is no run {'0' * 32} in sqlite:///"):
        record.invocation("0" * 32)


@pytest.mark.parametrize("text", ["no JSON", "7", '["a paper"]', '[{"errors": 1}]'])
def test_published_numbers_that_cannot_be_read_are_a_sentence(open_record: OpenRecord, plan: Plan, text: str) -> None:
    record = open_record()
    invocation = record.begin_invocation(plan, [], "the command")
    record.client.log_text(invocation, text, "published.json")
    with pytest.raises(UserError, match=r"published.json .*can't be read") as caught:
        record.invocation(invocation)
    assert len(str(caught.value).splitlines()) == 1
