"""The loop that runs trials to completion: submits them, notifies listeners, retries lost ones, enforces deadlines."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from harness.engine.events import Event, Executor, Failed, Finished, Progressed
from harness.engine.listener import Listener
from harness.errors import Rejected, UserError, cause_of
from harness.plan.trial import Trial
from harness.text import duration
from harness.worker.result import Progress, Result

BACKOFF_SECONDS = 2.0  # before the second attempt; doubled for each further one
MAX_BACKOFF_SECONDS = 60.0
SILENCE_SECONDS = 600.0  # without a report before a line is printed


@dataclass
class _SilenceTimer:
    """A time without a report. It is long after `SILENCE_SECONDS`, then after twice as many, and so on."""

    since: float
    threshold: float = SILENCE_SECONDS

    def is_long(self, now: float) -> bool:
        """Return whether the next threshold has been passed since the last call."""
        if now - self.since <= self.threshold:
            return False
        self.threshold *= 2
        return True


@dataclass
class _Attempts:
    """The attempts of a trial; the last one is waiting or running."""

    trial: Trial
    submitted: int = 0
    since_advance: int = 0  # attempts since one last resumed from a later checkpoint than the one before it
    started: float | None = None  # when the current one sent its first report
    resumed_from: int = 0  # iteration of its checkpoint
    iteration: int = 0  # of its last report
    lost_at: int = 0  # last reported iteration of the attempt before, if that was lost
    is_late: bool = False
    rejected: str = ""  # why a listener has rejected an event of the trial, which is then cancelled
    details: str = ""  # the traceback of that rejection
    is_cancelled: bool = False
    silence: _SilenceTimer = field(default_factory=lambda: _SilenceTimer(0.0))  # since its last report, once started


@dataclass
class Driver:
    """Runs trials to completion: submits them, notifies listeners, retries lost ones, enforces the deadline.

    Arguments:
        listeners: called in their order; what one of them raises fails the trial, or ends the run, as `Listener` says,
            and those after it miss the event.
        say: prints a line.
        attempts: how many attempts in a row a trial gets without resuming from a later checkpoint.
        deadline: seconds that an attempt may run, or None.
    """

    listeners: Sequence[Listener]
    say: Callable[[str], None]
    attempts: int = 3
    deadline: float | None = None
    failed: list[Trial] = field(default_factory=list)
    _attempts: dict[str, _Attempts] = field(default_factory=dict)
    _again: list[tuple[float, Trial]] = field(default_factory=list)  # lost trials, and when to submit them
    _executor: Executor | None = None
    _idle: _SilenceTimer = field(default_factory=lambda: _SilenceTimer(0.0))  # since a trial was running

    def run(self, trials: Sequence[Trial], executor: Executor) -> None:
        """Run trials until all have finished or failed; a failed one stops no other.

        Raises:
            UserError: no trial can continue, because a disk is full or the record can't be written.
        """
        waiting = deque(trials)
        self._executor, self._idle = executor, _SilenceTimer(time.monotonic())
        try:
            while waiting or executor.running or self._again:
                now = time.monotonic()
                due = [trial for when, trial in self._again if when <= now]
                self._again = [(when, trial) for when, trial in self._again if when > now]
                waiting.extendleft(due)
                while waiting and (chosen := executor.choose(waiting)) is not None:
                    waiting.remove(chosen)
                    self._submit(chosen, executor)
                if executor.running:
                    self._idle = _SilenceTimer(now)
                    executor.wait(self.handle)
                else:
                    time.sleep(0.1)
                self._look_at_clock(len(waiting))
        except BaseException:
            self._stop()
            raise

    def _submit(self, trial: Trial, executor: Executor) -> None:
        attempts = self._of(trial)
        attempts.submitted += 1
        attempts.since_advance += 1
        executor.submit(trial, attempts.submitted)

    def _of(self, trial: Trial) -> _Attempts:
        return self._attempts.setdefault(trial.key, _Attempts(trial))

    def handle(self, event: Event) -> None:
        """Notify listeners of an event of a trial, and finish, retry or fail the trial."""
        attempts = self._of(event.trial)
        now = time.monotonic()
        attempts.silence = _SilenceTimer(now)
        if attempts.started is None:
            attempts.started = now
            self._tell(attempts, lambda each: each.started(event.trial))
        if isinstance(event, Progressed):
            self._watch(attempts, event.progress)
            self._tell(attempts, lambda each: each.progressed(event.trial, event.progress))
            self._stop_late(now)  # here as well: a serial executor returns from `wait` only when the trial has ended
        elif isinstance(event, Finished):
            self._finish(attempts, event.result)
        elif event.is_disk_full:
            raise UserError(
                f"a disk is full ({event.trial.name}: {event.cause}); free some space and give the same command "
                f"again: it resumes where it stopped."
            )
        else:
            self._handle_failure(attempts, event)

    def _tell(self, attempts: _Attempts, event: Callable[[Listener], str | None]) -> str:
        """Notify all listeners; an exception of one of them rejects this trial.

        Returns:
            Their answers, joined.

        Raises:
            UserError: of a listener: it concerns all trials, as a full disk does.
        """
        answers = [self._tell_one(attempts, listener, event) for listener in self.listeners]
        return "; ".join(filter(None, answers))

    def _tell_one(self, attempts: _Attempts, listener: Listener, event: Callable[[Listener], str | None]) -> str:
        """Notify one listener, unless one before it has rejected the trial."""
        if attempts.rejected:
            return ""
        try:
            return event(listener) or ""
        except Rejected as error:
            attempts.rejected, attempts.details = str(error), traceback.format_exc()
        except UserError:
            raise
        except Exception as error:
            attempts.rejected, attempts.details = f"it can't be recorded: {cause_of(error)}", traceback.format_exc()
        return ""

    def _finish(self, attempts: _Attempts, result: Result) -> None:
        trial = attempts.trial
        self._attempts.pop(trial.key)
        lacking = self._tell(attempts, lambda each: each.finished(trial, result))
        if attempts.rejected:
            self._fail(attempts, attempts.rejected, attempts.details)
        elif lacking:
            self.failed.append(trial)
            self.say(f"failed    {trial.name}: {lacking}; its numbers are recorded")

    def _fail(self, attempts: _Attempts, cause: str, details: str) -> None:
        trial = attempts.trial
        self._attempts.pop(trial.key, None)
        self.failed.append(trial)
        for listener in self.listeners:
            attempts.rejected = ""  # a listener that rejected the result may accept the failure
            self._tell_one(attempts, listener, lambda each: each.failed(trial, cause, details))

    def _watch(self, attempts: _Attempts, progress: Progress) -> None:
        """Detect whether an attempt has resumed from a checkpoint or started over."""
        if not progress.iterations:
            return
        if progress.begun_at > attempts.resumed_from:
            attempts.since_advance = 1
        if attempts.lost_at and not progress.begun_at:
            self.say(
                f"starts over {attempts.trial.name}: it was lost at iteration {attempts.lost_at}, and where it runs "
                f"now there is no checkpoint of it"
            )
        attempts.resumed_from, attempts.iteration, attempts.lost_at = progress.begun_at, progress.iteration, 0

    def _handle_failure(self, attempts: _Attempts, event: Failed) -> None:
        trial, cause = event.trial, event.cause
        if attempts.rejected:
            self._fail(attempts, attempts.rejected, attempts.details)
        elif attempts.is_late:
            self._fail(attempts, f"it took longer than the deadline of {self.deadline:g} s", event.details)
        elif event.is_lost and attempts.since_advance < self.attempts:
            self._tell(attempts, lambda each: each.lost(trial, cause, attempts.submitted))
            if attempts.rejected:
                self._fail(attempts, attempts.rejected, attempts.details)
                return
            attempts.started, attempts.lost_at = None, attempts.iteration
            pause = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempts.since_advance - 1))
            self._again.append((time.monotonic() + pause, trial))
        else:
            self._fail(attempts, cause, event.details)

    def _look_at_clock(self, waiting: int) -> None:
        now = time.monotonic()
        self._stop_late(now)
        self._report_silence(waiting, now)

    def _stop_late(self, now: float) -> None:
        """Cancel the trials that are past the deadline, and those that a listener has rejected."""
        for each in self._attempts.values():
            age = now - each.started if each.started is not None else 0.0
            each.is_late = each.is_late or (self.deadline is not None and age > self.deadline)
            if (each.is_late or each.rejected) and not each.is_cancelled and self._executor is not None:
                each.is_cancelled = True
                self._executor.cancel(each.trial)

    def _report_silence(self, waiting: int, now: float) -> None:
        """Print which trials have not reported for long, and whether no node takes any; less and less often."""
        for each in self._attempts.values():
            if each.started is not None and each.silence.is_long(now):
                hint = "" if self.deadline else "; `deadline:` in the suite would stop it"
                self.say(f"silent    {each.trial.name}: no report for {duration(now - each.silence.since)}{hint}")
        if waiting and self._idle.is_long(now):
            self.say(f"waiting   {waiting} trials: no node could take one for {duration(now - self._idle.since)}")

    def _stop(self) -> None:
        """Notify listeners of the trials that were running; the next run corrects what they fail to write."""
        for each in self._attempts.values():
            if each.started is not None:
                for listener in self.listeners:
                    with suppress(Exception):
                        listener.stopped(each.trial)
