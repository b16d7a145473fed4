"""The loop that sees trials through, with an executor that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from harness.engine import driver
from harness.engine.driver import Driver
from harness.engine.events import Event, Failed, Finished, Progressed
from harness.engine.listener import Listener
from harness.errors import Rejected, UserError
from harness.plan.trial import TrainingTrial, Trial
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Progress, Result

RESULT = Result(TrainingNumbers({"t": Score(1.0, 100)}))
LOST = "lost"
ERROR = "error"
DONE = "done"
HANG = "hang"


@dataclass
class Notes(Listener):
    """Notes what it is told."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def started(self, trial: Trial) -> None:
        self.calls.append(("start", trial.key))

    def progressed(self, trial: Trial, progress: Progress) -> None:
        self.calls.append((f"progress {progress.iteration}", trial.key))

    def finished(self, trial: Trial, result: Result) -> str:
        self.calls.append(("finish", trial.key))
        return ""

    def lost(self, trial: Trial, cause: str, attempt: int) -> None:
        self.calls.append((f"lost {cause} {attempt}", trial.key))

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        self.calls.append((f"fail {cause}", trial.key))

    def stopped(self, trial: Trial) -> None:
        self.calls.append(("stop", trial.key))

    def of(self, what: str) -> list[str]:
        """The keys of the trials that something was told of."""
        return [key for each, key in self.calls if each == what]


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

    def wait(self, tell: Callable[[Event], None]) -> None:
        for event in self.happened():
            tell(event)

    def happened(self) -> list[Event]:
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
    monkeypatch.setattr(driver, "BACKOFF_SECONDS", 0.0)


@pytest.fixture
def three(training_trial: Callable[..., TrainingTrial]) -> list[Trial]:
    return [training_trial().model_copy(update={"key": key}) for key in "abc"]


@dataclass
class Setting:
    """A driver with two listeners, of which the first may reject what it is told."""

    first: Notes
    second: Notes
    driver: Driver
    said: list[str]

    @property
    def ended(self) -> list[str]:
        """The keys of the trials whose results both have taken."""
        return self.second.of("finish")


@pytest.fixture
def setting() -> Callable[..., Setting]:
    def make(**options: Any) -> Setting:
        first, second = Notes(), Notes()
        said: list[str] = []
        return Setting(first, second, Driver([first, second], said.append, **options), said)

    return make


def told(setting: Setting, key: str) -> list[str]:
    """What the first listener was told of the end of a trial's attempts."""
    return [what for what, whose in setting.first.calls if whose == key and not what.startswith(("start", "progress"))]


def test_all_are_done(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(), Script({key: [DONE] for key in "abc"})
    made.driver.run(three, script)
    assert script.submitted == [("a", 1), ("b", 1), ("c", 1)]
    assert made.first.of("start") == made.ended == ["a", "b", "c"]
    assert made.driver.failed == []
    assert made.first.of("finish") == ["a", "b", "c"]


def test_no_trials(setting: Callable[..., Setting]) -> None:
    setting().driver.run([], Script({}))


def test_a_lost_one_is_tried_again_and_goes_on_in_its_run(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(attempts=3), Script({"a": [LOST, LOST, DONE], "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert [attempt for key, attempt in script.submitted if key == "a"] == [1, 2, 3]
    assert told(made, "a") == ["lost its worker died 1", "lost its worker died 2", "finish"]
    assert made.first.of("start").count("a") == 3
    assert made.ended.count("a") == 1
    assert made.driver.failed == []


def test_it_is_not_tried_for_ever(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made, script = setting(attempts=2), Script({"a": [LOST] * 5, "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert [key for key, _ in script.submitted].count("a") == 2
    assert told(made, "a") == ["lost its worker died 1", "fail its worker died"]
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
    monkeypatch.setattr(driver, "BACKOFF_SECONDS", 2.0)
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

        def happened(self) -> list[Event]:
            _, attempt = self.submitted[-1]
            begun_at = 10 * min(attempt - 1, 4)
            word = Progress(begun_at + 5, 99, begun_at=begun_at)
            return [Progressed(self._running[0][0], word), *super().happened()[1:]]

    made, script = setting(attempts=3), Slow({"a": [LOST] * 20})
    made.driver.run(three[:1], script)
    assert [attempt for _, attempt in script.submitted] == [1, 2, 3, 4, 5, 6, 7]  # the fifth and two more from there
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_starting_over_is_told(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made = setting()
    for event in (
        Progressed(three[0], Progress(50, 99)),
        Failed(three[0], "its node died", "", is_lost=True),
        Progressed(three[0], Progress(0, 0, stage="starting")),
        Progressed(three[0], Progress(3, 99)),
        Progressed(three[0], Progress(7, 99)),
    ):
        made.driver.handle(event)
    [line] = [line for line in made.said if line.startswith("starts over")]
    assert "it was lost at iteration 50" in line


def test_a_full_disk_stops_all_in_one_sentence(setting: Callable[..., Setting], three: list[Trial]) -> None:
    class Full(Script):
        def happened(self) -> list[Event]:
            events = super().happened()
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

        def happened(self) -> list[Event]:
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

    class Silent(Script):
        """The first says a word at the beginning and none for 100 minutes; the second waits its turn."""

        def happened(self) -> list[Event]:
            now[0] += 60
            if now[0] == 60:
                return [Progressed(self._running[0][0], Progress(1, 9))]
            if now[0] > 6000:
                return [Finished(trial, RESULT) for trial, _ in [self._running.pop() for _ in range(self.running)]]
            return []

    made = setting()
    made.driver.say = lambda text: said.append((now[0], text))
    made.driver.run(three[:2], Silent({"a": [HANG], "b": [HANG]}))
    lines = [(when, text) for when, text in said if "no report" in text]
    assert [when for when, _ in lines] == [60 + 660, 60 + 1260, 60 + 2460, 60 + 4860]
    assert lines[0][1] == f"silent    {three[0].name}: no report for 11m 00s; `deadline:` in the suite would stop it"


def test_trials_that_no_node_takes_are_told(
    setting: Callable[..., Setting], three: list[Trial], now: list[float]
) -> None:

    class Late(Script):
        """Nothing can run for 15 minutes."""

        def choose(self, waiting: Sequence[Trial]) -> Trial | None:
            return waiting[0] if now[0] > 900 else None

    made = setting()
    made.driver.run(three, Late({key: [DONE] for key in "abc"}))
    assert [line for line in made.said if "no node" in line] == [
        "waiting   3 trials: no node could take one for 10m 00s"
    ]


def test_a_deadline_is_looked_at_while_an_executor_is_busy(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(driver.time, "monotonic", lambda: now[0])

    class Busy(Script):
        """Runs a trial to its end before it returns, as one does that has no processes."""

        def wait(self, tell: Callable[[Event], None]) -> None:
            trial, _ = self._running[0]
            while not self.cancelled:
                now[0] += 25
                tell(Progressed(trial, Progress(1, 9)))
            self._running.clear()
            tell(Failed(trial, "it was stopped", "", is_lost=True))

    made, script = setting(deadline=60.0), Busy({"a": [HANG]})
    made.driver.run(three[:1], script)
    assert now[0] == 100
    assert told(made, "a") == ["fail it took longer than the deadline of 60 s"]


def test_an_interrupt_leaves_what_had_begun_as_interrupted(setting: Callable[..., Setting], three: list[Trial]) -> None:
    class Stopped(Script):
        def happened(self) -> list[Event]:
            events = super().happened()
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
        made.first.calls.append(("finish", trial.key))
        raise KeyboardInterrupt

    monkeypatch.setattr(made.first, "finished", finish)
    with pytest.raises(KeyboardInterrupt):
        made.driver.run(three[:1], Script({"a": [DONE]}))
    assert told(made, "a") == ["finish"]


def test_progress_is_told_to_all_listeners(setting: Callable[..., Setting], three: list[Trial]) -> None:
    made = setting()
    made.driver.handle(Progressed(three[0], Progress(2, 9)))
    assert made.first.calls == made.second.calls == [("start", "a"), ("progress 2", "a")]


@pytest.mark.parametrize("where", ["progressed", "finished"])
def test_what_a_listener_rejects_of_a_trial_is_that_trials_failure(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    made = setting()
    write = getattr(made.first, where)

    def picky(trial: Trial, what: Any) -> str | None:
        if trial.key == "a":
            raise Rejected("the record says no: 413 too large")
        return write(trial, what)

    monkeypatch.setattr(made.first, where, picky)
    script = Script({"a": [HANG] if where == "progressed" else [DONE], "b": [DONE], "c": [DONE]})
    made.driver.run(three, script)
    assert told(made, "a") == ["fail the record says no: 413 too large"]
    assert script.cancelled == (["a"] if where == "progressed" else [])
    assert made.ended == ["b", "c"]
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_a_trial_whose_start_a_listener_can_not_take_fails_with_the_cause(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()

    def begin(trial: Trial) -> None:
        if trial.key == "b":
            raise ValueError("no such run")

    monkeypatch.setattr(made.first, "started", begin)
    made.driver.run(three, Script({"a": [DONE], "b": [HANG], "c": [DONE]}))
    assert told(made, "b") == ["fail it can't be recorded: ValueError: no such run"]
    assert made.second.of("fail it can't be recorded: ValueError: no such run") == ["b"]
    assert made.ended == ["a", "c"]


def test_a_trial_whose_files_are_not_kept_has_failed_and_is_over(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()
    monkeypatch.setattr(made.first, "finished", lambda *_: "its model could not be kept: 413")
    made.driver.run(three[:1], Script({"a": [DONE]}))
    assert (told(made, "a"), made.ended) == ([], ["a"])  # its numbers are there, so it is not run again
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_what_concerns_all_trials_ends_the_run(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()

    def full(*_: object) -> None:
        raise UserError("there is no space left")

    monkeypatch.setattr(made.first, "finished", full)
    with pytest.raises(UserError, match="no space left"):
        made.driver.run(three, Script({key: [DONE] for key in "abc"}))


@pytest.mark.parametrize("error", [Rejected("the record says no"), ValueError("no such run")])
def test_a_lost_trial_whose_loss_a_listener_rejects_is_not_tried_again(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    made = setting()

    def lost(*_: object) -> None:
        raise error

    monkeypatch.setattr(made.first, "lost", lost)
    script = Script({"a": [LOST, DONE]})
    made.driver.run(three[:1], script)
    assert script.submitted == [("a", 1)]
    [failure] = told(made, "a")
    assert failure.startswith("fail ")
    assert str(error) in failure
    assert [trial.key for trial in made.driver.failed] == ["a"]


def test_a_listener_that_raises_when_the_run_stops_keeps_no_other_from_being_told(
    setting: Callable[..., Setting], three: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setting()

    def stopped(*_: object) -> None:
        raise UserError("the tracking server is away")

    monkeypatch.setattr(made.first, "stopped", stopped)
    with pytest.raises(KeyboardInterrupt):
        made.driver.run(three, Script({"a": ["interrupt"], "b": [HANG], "c": [HANG]}))
    assert made.second.of("stop") == []  # nothing had reported yet
    for trial in three:
        made.driver.handle(Progressed(trial, Progress(1, 9)))
    made.driver._stop()
    assert made.second.of("stop") == ["a", "b", "c"]
