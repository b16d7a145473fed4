"""The loop that sees trials through, with an executor that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from harness.engine import driver
from harness.engine.display import Display
from harness.engine.driver import Driver
from harness.engine.events import Event, Failed, Finished, Progressed
from harness.errors import UserError
from harness.plan.trial import Moments, Point, Progress, Result, Trial
from harness.record.patience import Rejected

RESULT = Result({"test/t/error_percent": 1.0})
LOST = "lost"
ERROR = "error"
DONE = "done"
HANG = "hang"


@dataclass
class Record:
    """Notes what it is told."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def log(self, trial: Trial, history: tuple[Point, ...]) -> None:
        self.calls.append((f"log {len(history)}", trial.key))

    def finish(self, trial: Trial, result: Result) -> str:
        self.calls.append(("finish", trial.key))
        return ""

    def fail(self, trial: Trial, cause: str, details: str) -> None:
        self.calls.append((f"fail {cause}", trial.key))

    def interrupt(self, trial: Trial) -> None:
        self.calls.append(("interrupt", trial.key))

    def stop(self, trial: Trial) -> None:
        self.calls.append(("stop", trial.key))


@dataclass
class Script:
    """An executor: the outcomes of each trial's attempts, by key."""

    outcomes: dict[str, list[str]]
    submitted: list[tuple[str, int]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    most: int = 0
    at_once: int | None = None
    _running: list[tuple[Trial, str]] = field(default_factory=list)

    @property
    def running(self) -> int:
        return len(self._running)

    def choose(self, waiting: Sequence[Trial]) -> Trial | None:
        return waiting[0] if self.at_once is None or self.running < self.at_once else None

    def submit(self, trial: Trial, attempt: int) -> None:
        self.submitted.append((trial.key, attempt))
        self._running.append((trial, self.outcomes[trial.key].pop(0)))
        self.most = max(self.most, self.running)

    def cancel(self, trial: Trial) -> None:
        self.cancelled.append(trial.key)
        self._running = [(t, LOST if t.key == trial.key else o) for t, o in self._running]

    def wait(self) -> list[Event]:
        """Every trial reports; the first one that does not hang ends."""
        events: list[Event] = [Progressed(trial, Progress(1, 9)) for trial, _ in self._running]
        for place, (trial, outcome) in enumerate(self._running):
            if outcome == HANG:
                continue
            del self._running[place]
            if outcome == "interrupt":
                raise KeyboardInterrupt
            if outcome == DONE:
                return [*events, Finished(trial, RESULT)]
            return [*events, Failed(trial, "its worker died", "story", is_lost=outcome == LOST)]
        return events


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "BACKOFF", 0.0)


@pytest.fixture
def three(training_trial: Callable[..., Trial]) -> list[Trial]:
    return [training_trial().model_copy(update={"key": key}) for key in "abc"]


@dataclass
class Setting:
    """A driver with what it talks to."""

    record: Record
    driver: Driver
    begun: list[str]
    ended: list[str]


@pytest.fixture
def setting() -> Callable[..., Setting]:
    def make(**options: Any) -> Setting:
        record, begun, ended = Record(), [], []
        display = Display(Console(quiet=True), 3)
        made = Driver(
            record,  # type: ignore[arg-type]
            display,
            lambda trial: begun.append(trial.key),
            lambda trial: ended.append(trial.key),
            **options,
        )
        return Setting(record, made, begun, ended)

    return make


def told(setting: Setting, key: str) -> list[str]:
    return [what for what, whose in setting.record.calls if whose == key and not what.startswith("log")]


def test_all_are_done(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(), Script({key: [DONE] for key in "abc"})
    made.driver.run(three, script)
    assert script.submitted == [("a", 1), ("b", 1), ("c", 1)]
    assert made.begun == made.ended == ["a", "b", "c"]
    assert made.driver.failed == []
    assert [call for call in made.record.calls if call[0] == "finish"] == [("finish", key) for key in "abc"]


def test_no_trials(setting: Callable[..., Setting]) -> None:
    setting().driver.run([], Script({}))


def test_a_lost_one_is_tried_again_and_goes_on_in_its_run(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(attempts=3), Script({"a": [LOST, LOST, DONE], "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert [attempt for key, attempt in script.submitted if key == "a"] == [1, 2, 3]
    assert told(made, "a") == ["interrupt", "interrupt", "finish"]
    assert made.begun.count("a") == 3
    assert made.ended.count("a") == 1
    assert made.driver.failed == []


def test_it_is_not_tried_for_ever(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(attempts=2), Script({"a": [LOST] * 5, "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert [key for key, _ in script.submitted].count("a") == 2
    assert told(made, "a") == ["interrupt", "fail its worker died"]
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_an_error_of_the_users_code_is_not_tried_again(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(attempts=3), Script({"a": [DONE], "b": [ERROR, DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert told(made, "b") == ["fail its worker died"]
    assert told(made, "a") == told(made, "c") == ["finish"]  # the others are not stopped by it
    assert [trial.key for trial in made.driver.failed] == ["b"]
    assert made.ended == ["a", "c"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only sleeping moves; pauses are as they are."""
    time = [0.0]
    monkeypatch.setattr(driver, "BACKOFF", 2.0)
    monkeypatch.setattr(driver.time, "monotonic", lambda: time[0])
    monkeypatch.setattr(driver.time, "sleep", lambda seconds: time.__setitem__(0, time[0] + seconds))
    return time


def test_the_pause_before_another_attempt_doubles(
    setting: Callable[..., Setting], three: list[Trial], now: list[float]
) -> None:
    starts = []

    class Watched(Script):
        def submit(self, trial: Trial, attempt: int) -> None:
            starts.append(now[0])
            super().submit(trial, attempt)

    setting(attempts=4).driver.run(three[:1], Watched({"a": [LOST, LOST, LOST, DONE]}))
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses == pytest.approx([2, 4, 8], abs=0.2)


def test_the_pause_has_a_limit(setting: Callable[..., Setting], three: list[Trial], now: list[float]) -> None:
    setting(attempts=9).driver.run(three[:1], Script({"a": [LOST] * 8 + [DONE]}))
    assert now[0] == pytest.approx(2 + 4 + 8 + 16 + 32 + 60 * 3, abs=2)


def test_attempts_that_come_further_are_not_counted(setting: Callable[..., Setting], three: list[Trial]) -> None:
    class Slow(Script):
        """Each attempt begins further on than the one before it, until the fifth; then they stay where they are."""

        def wait(self) -> list[Event]:
            _, attempt = self.submitted[-1]
            begun_at = 10 * min(attempt - 1, 4)
            word = Progress(begun_at + 5, 99, begun_at=begun_at)
            return [Progressed(self._running[0][0], word), *super().wait()[1:]]

    made, script = setting(attempts=3), Slow({"a": [LOST] * 20})
    made.driver.run(three[:1], script)
    assert [attempt for _, attempt in script.submitted] == [1, 2, 3, 4, 5, 6, 7]  # the fifth and two more from there
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_starting_over_is_told(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Display, "say", lambda _, text: said.append(text))
    made = setting()
    for event in (
        Progressed(three[0], Progress(50, 99)),
        Failed(three[0], "its node died", "", is_lost=True),
        Progressed(three[0], Progress(0, 0, stage="starting")),
        Progressed(three[0], Progress(3, 99)),
        Progressed(three[0], Progress(7, 99)),
    ):
        made.driver.handle(event)
    [line] = [line for line in said if line.startswith("starts over")]
    assert "it was lost at iteration 50" in line


def test_a_full_disk_stops_all_in_one_sentence(setting: Callable[..., Setting], three: list[Trial]) -> None:
    class Full(Script):
        def wait(self) -> list[Event]:
            events = super().wait()
            if isinstance(events[-1], Failed):
                events[-1] = replace(events[-1], is_disk_full=True)
            return events

    made, script = setting(), Full({"a": [DONE], "b": [ERROR], "c": [HANG]})
    with pytest.raises(UserError, match=r"a disk is full .* give the same command again"):
        made.driver.run(three, script)
    assert told(made, "a") == ["finish"]
    assert told(made, "b") == told(made, "c") == ["stop"]  # both go on in the next run


def test_no_more_at_once_than_asked_for(setting: Callable[..., Setting], three: list[Trial]) -> None:
    for at_once in (1, 2):
        script = Script({"a": [LOST, DONE], "b": [DONE], "c": [DONE]}, at_once=at_once)
        setting().driver.run(three, script)
        assert script.most == at_once


def test_a_deadline_stops_one_trial_and_is_its_cause(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 3))
    monkeypatch.setattr(driver.time, "monotonic", lambda: next(now))
    made, script = setting(deadline=60.0, attempts=3), Script({"a": [HANG], "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert script.cancelled == ["a"]
    assert told(made, "a") == ["fail it took longer than the deadline of 60 s"]
    assert [key for key, _ in script.submitted].count("a") == 1  # late is no reason for another attempt
    assert told(made, "b") == told(made, "c") == ["finish"]


def test_the_deadline_counts_from_the_start_not_from_the_submission(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(driver.time, "monotonic", lambda: now[0])

    class Queue(Script):
        """Says nothing of any trial but the first until that has ended, 50 s after it began."""

        def wait(self) -> list[Event]:
            now[0] += 25
            trial, _ = self._running[0]
            if now[0] % 50:
                return [Progressed(trial, Progress(1, 9))]
            self._running.pop(0)
            return [Finished(trial, RESULT)]

    made, script = setting(deadline=60.0), Queue({key: [DONE] for key in "abc"})
    made.driver.run(three, script)
    assert script.cancelled == []
    assert made.ended == ["a", "b", "c"]


def test_a_trial_that_says_nothing_is_told_less_and_less_often(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, said = [0.0], []
    monkeypatch.setattr(driver.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Display, "say", lambda _, text: said.append((now[0], text)))

    class Silent(Script):
        """The first says a word at the beginning and none for 100 minutes; the second waits its turn."""

        def wait(self) -> list[Event]:
            now[0] += 60
            if now[0] == 60:
                return [Progressed(self._running[0][0], Progress(1, 9))]
            if now[0] > 6000:
                return [Finished(trial, RESULT) for trial, _ in [self._running.pop() for _ in range(self.running)]]
            return []

    made = setting()
    made.driver.run(three[:2], Silent({"a": [HANG], "b": [HANG]}))
    lines = [(when, text) for when, text in said if "no word" in text]
    assert [when for when, _ in lines] == [60 + 660, 60 + 1260, 60 + 2460, 60 + 4860]
    assert lines[0][1] == f"silent    {three[0].name}: no word for 11m 00s; `deadline:` in the suite would stop it"


def test_trials_that_no_node_takes_are_told(
    setting: Callable[..., Setting], three: list[Trial], now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Display, "say", lambda _, text: said.append(text))

    class Late(Script):
        """Nothing can run for 15 minutes."""

        def choose(self, waiting: Sequence[Trial]) -> Trial | None:
            return waiting[0] if now[0] > 900 else None

    setting().driver.run(three, Late({key: [DONE] for key in "abc"}))
    assert [line for line in said if "no node" in line] == ["waiting   3 trials: no node could take one for 10m 00s"]


def test_a_deadline_is_looked_at_while_an_executor_is_busy(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(driver.time, "monotonic", lambda: now[0])

    class Busy(Script):
        """Runs a trial to its end before it returns, as one does that has no processes."""

        def wait(self) -> list[Event]:
            trial, _ = self._running[0]
            while not self.cancelled:
                now[0] += 25
                made.driver.handle(Progressed(trial, Progress(1, 9)))
            self._running.clear()
            return [Failed(trial, "it was stopped", "", is_lost=True)]

    made, script = setting(deadline=60.0), Busy({"a": [HANG]})
    made.driver.run(three[:1], script)
    assert now[0] == 100
    assert told(made, "a") == ["fail it took longer than the deadline of 60 s"]


def test_an_interrupt_leaves_what_had_begun_as_interrupted(setting: Callable[..., Setting], three: list[Trial]) -> None:
    class Stopped(Script):
        def wait(self) -> list[Event]:
            events = super().wait()
            return [event for event in events if event.trial.key != "c"]  # c waits in the queue

    made, script = setting(), Stopped({"a": [DONE], "b": ["interrupt"], "c": [HANG]})
    with pytest.raises(KeyboardInterrupt):
        made.driver.run(three, script)
    assert told(made, "a") == ["finish"]
    assert told(made, "b") == ["stop"]
    assert told(made, "c") == []


def test_an_interrupt_while_a_result_is_written_does_not_lose_it(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C right after a run was closed must not open it again."""
    made = setting()

    def finish(trial: Trial, result: Result) -> None:
        made.record.calls.append(("finish", trial.key))
        raise KeyboardInterrupt

    monkeypatch.setattr(made.record, "finish", finish)
    with pytest.raises(KeyboardInterrupt):
        made.driver.run(three[:1], Script({"a": [DONE]}))
    assert told(made, "a") == ["finish"]


def test_history_is_passed_on_to_the_record(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made = setting()
    history = (Point(1, 0.5, 1.0, {"train/loss": 1.0}), Point(2, 1.0, 2.0, {"train/loss": 0.5}))
    shown = tuple(Point(p.iteration, p.epoch, p.seconds, p.metrics | {"train/error_percent": 3.0}) for p in history)
    made.driver.handle(Progressed(three[0], Progress(2, 9, shown)))
    assert made.record.calls == [("log 2", "a")]
    assert made.begun == ["a"]


@pytest.mark.parametrize("where", ["log", "finish"])
def test_what_the_record_rejects_of_a_trial_is_that_trials_failure(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    made = setting()
    write = getattr(made.record, where)

    def picky(trial: Trial, what: Any) -> None:
        if trial.key == "a":
            raise Rejected("the record says no: 413 too large")
        write(trial, what)

    monkeypatch.setattr(made.record, where, picky)
    script = Script({"a": [HANG] if where == "log" else [DONE], "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert told(made, "a") == ["fail the record says no: 413 too large"]
    assert script.cancelled == (["a"] if where == "log" else [])
    assert made.ended == ["b", "c"]
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_a_trial_whose_run_the_record_does_not_open_fails_with_the_cause(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()

    def begin(trial: Trial) -> None:
        if trial.key == "b":
            raise ValueError("no such run")

    monkeypatch.setattr(made.driver, "begin", begin)
    made.driver.run(three, Script({"a": [DONE], "b": [HANG], "c": [DONE]}))
    assert told(made, "b") == ["fail it can't be recorded: ValueError: no such run"]
    assert made.ended == ["a", "c"]


def test_a_trial_whose_files_are_not_kept_has_failed_and_is_over(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()
    monkeypatch.setattr(made.record, "finish", lambda *_: "its model could not be kept: 413")
    made.driver.run(three[:1], Script({"a": [DONE]}))
    assert (told(made, "a"), made.ended) == ([], ["a"])  # its numbers are there, so it is not run again
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_what_concerns_all_trials_ends_the_run(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()

    def full(*_: object) -> None:
        raise UserError("there is no space left")

    monkeypatch.setattr(made.record, "finish", full)
    with pytest.raises(UserError, match="no space left"):
        made.driver.run(three, Script({key: [DONE] for key in "abc"}))


def test_the_moments_of_trials_are_told_by_the_drivers_clock(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()
    monkeypatch.setattr(driver, "since_start", lambda: 100.0)
    for trial, began in zip(three, (-1e6, 0.0, 1e9), strict=True):
        made.driver.handle(Finished(trial, replace(RESULT, moments=Moments(began, began + 1, began + 5))))
    assert made.driver.moments == [Moments(95.0, 96.0, 100.0)] * 3
