"""The loop that sees trials through: starts them, records them, tries lost ones again, stops late ones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.engine.display import Display
from harness.engine.events import Event, Executor, Failed, Finished, Progressed
from harness.record.store import Record
from harness.trial import Moments, Trial

BACKOFF = 2.0  # seconds before the second attempt; doubled for each further one


@dataclass
class Driver:
    """Sees trials through, one wave after the other.

    Arguments:
        begin: opens the record of a trial that starts.
        end: is told of a trial whose result is recorded.
        attempts: how often a trial is tried when its worker is lost.
        deadline: seconds that a trial may take, or None.
    """

    record: Record
    display: Display
    begin: Callable[[Trial], None]
    end: Callable[[Trial], None]
    attempts: int = 3
    deadline: float | None = None
    failed: list[Trial] = field(default_factory=list)
    moments: list[Moments] = field(default_factory=list)
    _trials: dict[str, Trial] = field(default_factory=dict)
    _attempt: dict[str, int] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _late: set[str] = field(default_factory=set)
    _again: list[tuple[float, Trial]] = field(default_factory=list)

    def run(self, trials: list[Trial], executor: Executor, at_once: int | None = None) -> None:
        """Run trials to their ends. One that fails stops none of the others.

        Arguments:
            at_once: how many may be with the executor at a time; all of them if None.
        """
        waiting = deque(trials)
        self.display.begin_wave(len(trials))
        try:
            while waiting or executor.running or self._again:
                now = time.monotonic()
                due = [trial for when, trial in self._again if when <= now]
                self._again = [(when, trial) for when, trial in self._again if when > now]
                waiting.extendleft(due)
                while waiting and (at_once is None or executor.running < at_once):
                    self._submit(waiting.popleft(), executor)
                if executor.running:
                    for event in executor.wait():
                        self.handle(event)
                    self._stop_late(executor)
                else:
                    time.sleep(0.1)
        except BaseException:
            self._interrupt()
            raise

    def _submit(self, trial: Trial, executor: Executor) -> None:
        self._trials[trial.key] = trial
        self._attempt[trial.key] = self._attempt.get(trial.key, 0) + 1
        executor.submit(trial, self._attempt[trial.key])

    def handle(self, event: Event) -> None:
        """Record and show what has happened to a trial."""
        if isinstance(event, Progressed):
            self._begin_once(event.trial)
            self.record.log(event.trial, event.progress.history)
            self.display.progressed(event.trial, event.progress)
        elif isinstance(event, Finished):
            self._begin_once(event.trial)
            self._started.pop(event.trial.key, None)
            self.record.finish(event.trial, event.result)
            if event.result.moments is not None:
                self.moments.append(event.result.moments)
            self.end(event.trial)
            self.display.finished(event.trial, event.result)
        else:
            self._handle_failure(event)

    def _begin_once(self, trial: Trial) -> None:
        if trial.key not in self._started:
            self._started[trial.key] = time.monotonic()
            self.begin(trial)

    def _handle_failure(self, event: Failed) -> None:
        trial, cause = event.trial, event.cause
        self._begin_once(trial)
        is_late = trial.key in self._late
        if is_late:
            cause = f"it took longer than the deadline of {self.deadline:g} s"
        attempt = self._attempt.get(trial.key, 1)
        if event.is_lost and not is_late and attempt < self.attempts:
            self.record.interrupt(trial)
            self._started.pop(trial.key, None)
            self._again.append((time.monotonic() + BACKOFF * 2 ** (attempt - 1), trial))
            self.display.lost(trial, cause, attempt)
            return
        self.record.fail(trial, cause, event.details)
        self._started.pop(trial.key, None)
        self.failed.append(trial)
        self.display.failed(trial, cause)

    def _stop_late(self, executor: Executor) -> None:
        if self.deadline is None:
            return
        for key, started in self._started.items():
            if time.monotonic() - started > self.deadline and key not in self._late:
                self._late.add(key)
                executor.cancel(self._trials[key])

    def _interrupt(self) -> None:
        for key in list(self._started):
            self.record.interrupt(self._trials[key])
