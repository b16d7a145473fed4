"""One driver at a time for an experiment, wherever drivers run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from harness.boot import machine, started
from harness.errors import UserError
from harness.plan.plan import Plan
from harness.record import lease
from harness.record.lease import TAG, Holder
from harness.record.writer import RunWriter

OpenRecord = Callable[..., RunWriter]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {
        "SETTLE_SECONDS": 0.01,
        "BEAT_SECONDS": 0.1,
        "POLL_SECONDS": 0.02,
        "STALE_SECONDS": 0.4,
    }.items():
        monkeypatch.setattr(lease, name, seconds)


def note(record: RunWriter, **changes: Any) -> None:
    """Leave another driver's note."""
    me = os.getpid()
    holder = Holder("other", platform.node(), machine(), me, started(me), beat=7)
    record.client.set_experiment_tag(record.experiment, TAG, json.dumps(asdict(holder) | changes))


def kept(record: RunWriter) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.client.get_experiment(record.experiment).tags[TAG])
    return found


def test_it_is_kept_fresh_and_given_back(open_record: OpenRecord) -> None:
    record = open_record()
    with record.held():
        first = kept(record)["beat"]
        time.sleep(0.5)
        assert kept(record)["beat"] > first
        record.ensure_lease()
    assert TAG not in record.client.get_experiment(record.experiment).tags


def test_a_second_driver_is_refused_in_one_sentence(open_record: OpenRecord) -> None:
    first, second = open_record(), open_record()
    with first.held():
        with pytest.raises(UserError) as caught, second.held():
            pass
        assert f"is being run into this record by process {os.getpid()} on {platform.node()}" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    with second.held():
        pass


@pytest.mark.parametrize("changes", [{"process": 2**22 + 1}, {"started": 1}])
def test_a_dead_driver_of_this_machine_counts_as_nothing_at_once(
    open_record: OpenRecord, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """There is no such process, or its number belongs to another one by now."""
    monkeypatch.setattr(lease, "STALE_SECONDS", 1000.0)
    record = open_record()
    note(record, **changes)
    with record.held():
        assert kept(record)["token"] != "other"


@pytest.mark.parametrize("changes", [{"machine": "another boot"}, {"machine": None}, {"process": "x", "machine": 1}])
def test_a_silent_driver_elsewhere_is_watched_and_then_taken_over(
    open_record: OpenRecord, changes: dict[str, Any]
) -> None:
    record = open_record()
    said: list[str] = []
    record.notify = said.append
    note(record, **changes)
    began = time.monotonic()
    with record.held():
        assert time.monotonic() - began > 0.4
    assert "it is taken over if that gives no sign of life" in said[0]


def test_who_is_interrupted_while_it_watches_leaves_the_note_as_it_is(
    open_record: OpenRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the waiting; one that comes right after its own note was left takes that back."""
    monkeypatch.setattr(lease, "STALE_SECONDS", 1000.0)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    record = open_record()
    note(record, machine="another boot")
    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt), record.held():
        pass
    assert kept(record)["token"] == "other"
    record.client.delete_experiment_tag(record.experiment, TAG)
    with pytest.raises(KeyboardInterrupt), record.held():
        pass
    assert TAG not in record.client.get_experiment(record.experiment).tags


def test_a_note_that_nobody_can_read_is_watched_likewise(open_record: OpenRecord) -> None:
    record = open_record()
    record.client.set_experiment_tag(record.experiment, TAG, "certainly no note")
    with record.held():
        assert kept(record)["token"]


def test_a_living_driver_elsewhere_is_not_disturbed(open_record: OpenRecord) -> None:
    """The same host name and a process number that is not there: in another container, say."""
    record = open_record()
    beat = iter(range(1000))
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(0.1):
            note(record, machine="another boot", process=2**22 + 1, beat=next(beat))

    note(record, machine="another boot", process=2**22 + 1)
    other = threading.Thread(target=live)
    other.start()
    try:
        with pytest.raises(UserError, match=f"by process {2**22 + 1} on {platform.node()}"), record.held():
            pass
        assert kept(record)["token"] == "other"
    finally:
        ended.set()
        other.join()


def test_no_clock_is_asked_for_the_time_of_day(open_record: OpenRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A living driver stays alive and a dead one dead when clocks are set."""
    first, second = open_record(), open_record()
    with first.held():
        monkeypatch.setattr(time, "time", lambda: 1e9)
        with pytest.raises(UserError, match="is being run"), second.held():
            pass
        first.ensure_lease()


def test_one_that_was_taken_over_writes_no_more(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    with record.held():
        record.begin_invocation(plan, [], "the command")
        note(record)
        time.sleep(0.5)
        with pytest.raises(UserError, match="another driver has taken over the suite 'tiny'"):
            record.begin(plan.trials[0])
    assert kept(record)["token"] == "other"


def test_one_that_wakes_up_too_late_looks_before_it_writes(
    open_record: OpenRecord, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 1000.0)  # as if it had slept since
    record = open_record()
    with record.held():
        record.begin_invocation(plan, [], "the command")
        note(record)
        time.sleep(0.5)
        with pytest.raises(UserError, match="another driver has taken over the suite 'tiny'"):
            record.begin(plan.trials[0])


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = started(child.pid)
    assert began is not None
    assert started(child.pid) == began
    child.kill()
    child.wait()
    assert started(child.pid) is None
    assert machine() == machine()
