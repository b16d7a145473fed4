"""The loop that runs trials to completion: submits them, tells listeners, retries lost ones, stops late ones."""

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

BACKOFF = 2.0  # seconds before the second attempt; doubled for each further one
LONGEST_BACKOFF = 60.0
SILENCE = 600.0  # seconds


@dataclass
class _Silence:
    """A time without a word; it is long after SILENCE seconds, then after twice as many, and so on."""

    since: float
    patience: float = SILENCE

    def is_long(self, now: float) -> bool:
        """Whether it has become so since this was asked last."""
        if now - self.since <= self.patience:
            return False
        self.patience *= 2
        return True


@dataclass
class _Attempts:
    """The attempts at a trial, of which the last one is waiting or running."""

    trial: Trial
    submitted: int = 0
    since_advance: int = 0  # attempts since one resumed from further on than the one before it
    started: float | None = None  # when the current one was first heard of
    resumed_from: int = 0  # iteration of its checkpoint
    iteration: int = 0  # that it last reported
    lost_at: int = 0  # iteration at which the one before was lost
    is_late: bool = False
    rejected: str = ""  # why a listener takes nothing more of the trial, so that it need not run on
    details: str = ""  # the traceback of that
    is_cancelled: bool = False
    silence: _Silence = field(default_factory=lambda: _Silence(0.0))  # since its last report, once started


@dataclass
class Driver:
    """Runs trials to completion: submits them, tells listeners, retries lost ones, enforces the deadline.

    Arguments:
        listeners: are told in their order; if one raises, the trial fails, and those after it are not told.
        say: prints a line of its own.
        attempts: how often a trial that is lost is tried without coming any further in between.
        deadline: seconds that an attempt may take, or None.
    """

    listeners: Sequence[Listener]
    say: Callable[[str], None]
    attempts: int = 3
    deadline: float | None = None
    failed: list[Trial] = field(default_factory=list)
    _attempts: dict[str, _Attempts] = field(default_factory=dict)
    _again: list[tuple[float, Trial]] = field(default_factory=list)  # lost trials, and when to submit them
    _executor: Executor | None = None
    _idle: _Silence = field(default_factory=lambda: _Silence(0.0))  # since a trial was running

    def run(self, trials: Sequence[Trial], executor: Executor) -> None:
        """Run trials to their ends. One that fails stops none of the others.

        Raises:
            UserError: a disk is full, so that none can go on.
        """
        waiting = deque(trials)
        self._executor, self._idle = executor, _Silence(time.monotonic())
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
                    self._idle = _Silence(now)
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
        """Tell listeners what has happened to a trial, and decide what follows."""
        attempts = self._of(event.trial)
        now = time.monotonic()
        attempts.silence = _Silence(now)
        if attempts.started is None:
            attempts.started = now
            self._tell(attempts, lambda each: each.started(event.trial))
        if isinstance(event, Progressed):
            self._watch(attempts, event.progress)
            self._tell(attempts, lambda each: each.progressed(event.trial, event.progress))
            self._stop_late(now)  # here as well, since an executor in this process returns at a trial's end alone
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
        """Tell all listeners; what one of them raises is this trial's failure and no other's.

        Returns:
            What they answer.

        Raises:
            UserError: what concerns all trials, such as a full disk.
        """
        answers = [self._tell_one(attempts, listener, event) for listener in self.listeners]
        return "; ".join(filter(None, answers))

    def _tell_one(self, attempts: _Attempts, listener: Listener, event: Callable[[Listener], str | None]) -> str:
        """Likewise tell one of them, unless one before it has rejected the trial."""
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
            attempts.rejected = ""  # that the trial has failed may well be taken
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
            pause = min(LONGEST_BACKOFF, BACKOFF * 2 ** (attempts.since_advance - 1))
            self._again.append((time.monotonic() + pause, trial))
        else:
            self._fail(attempts, cause, event.details)

    def _look_at_clock(self, waiting: int) -> None:
        now = time.monotonic()
        self._stop_late(now)
        self._report_silence(waiting, now)

    def _stop_late(self, now: float) -> None:
        """Stop the trials that are past the deadline, and those that a listener has rejected."""
        for each in self._attempts.values():
            age = now - each.started if each.started is not None else 0.0
            each.is_late = each.is_late or (self.deadline is not None and age > self.deadline)
            if (each.is_late or each.rejected) and not each.is_cancelled and self._executor is not None:
                each.is_cancelled = True
                self._executor.cancel(each.trial)

    def _report_silence(self, waiting: int, now: float) -> None:
        """Name the trials that have not reported for long, and say that nothing can run, less and less often."""
        for each in self._attempts.values():
            if each.started is not None and each.silence.is_long(now):
                hint = "" if self.deadline else "; `deadline:` in the suite would stop it"
                self.say(f"silent    {each.trial.name}: no word for {duration(now - each.silence.since)}{hint}")
        if waiting and self._idle.is_long(now):
            self.say(f"waiting   {waiting} trials: no node could take one for {duration(now - self._idle.since)}")

    def _stop(self) -> None:
        """Tell listeners what was running; what they can't write then, the next run mends."""
        for each in self._attempts.values():
            if each.started is not None:
                for listener in self.listeners:
                    with suppress(Exception):
                        listener.stopped(each.trial)
