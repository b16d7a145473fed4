"""One driver at a time for an experiment, wherever drivers run."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import psutil
import pytest

from harness.errors import UserError
from harness.plan import Plan
from harness.record import lease
from harness.record.lease import TAG, Holder
from harness.record.store import Record

OpenRecord = Callable[..., Record]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    monkeypatch.setattr(lease, "BEAT", 0.1)


def note(record: Record, **changes: Any) -> None:
    """Leave another driver's note."""
    me = psutil.Process()
    holder = Holder("other", platform.node(), me.pid, me.create_time(), time.time())
    record.client.set_experiment_tag(record.experiment, TAG, json.dumps(asdict(holder) | changes))


def test_it_is_kept_fresh_and_given_back(open_record: OpenRecord) -> None:
    record = open_record()

    def beat() -> float:
        return json.loads(record.client.get_experiment(record.experiment).tags[TAG])["beat"]

    with record.held():
        first = beat()
        time.sleep(0.5)
        assert beat() > first
        record.check()
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


@pytest.mark.parametrize(
    "changes",
    [
        {"process": 2**22 + 1},  # no such process here
        {"started": 1.0},  # its number belongs to another process by now
        {"host": "elsewhere", "beat": time.time() - 200},
        {"unknown": 1},  # a note that nobody can read
    ],
)
def test_a_dead_drivers_note_counts_as_nothing(open_record: OpenRecord, changes: dict[str, Any]) -> None:
    record = open_record()
    note(record, **changes)
    with record.held():
        pass


def test_a_living_driver_elsewhere_is_not_disturbed(open_record: OpenRecord) -> None:
    record = open_record()
    note(record, host="elsewhere", beat=time.time() - 60)
    with pytest.raises(UserError, match="on elsewhere, last heard of 60 s ago"), record.held():
        pass


def test_one_that_was_taken_over_writes_no_more(open_record: OpenRecord, plan: Plan) -> None:
    record = open_record()
    with record.held():
        invocation = record.begin_invocation(plan, [], "the command")
        note(record)
        time.sleep(0.5)
        with pytest.raises(UserError, match="another driver has taken over the suite 'tiny'"):
            record.begin(plan.trials[0], plan, invocation)
    assert json.loads(record.client.get_experiment(record.experiment).tags[TAG])["token"] == "other"
