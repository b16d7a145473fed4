"""The loop that sees trials through: starts them, records them, tries lost ones again, stops late ones."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from harness.elapsed import since_start
from harness.engine.display import Display, clock
from harness.engine.events import Event, Executor, Failed, Finished, Progressed
from harness.errors import UserError, cause_of
from harness.plan.trial import Moments, Progress, Result, Trial
from harness.record.patience import Rejected
from harness.record.store import Record

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
class _Case:
    """A trial that is being seen through."""

    trial: Trial
    attempt: int = 0  # how often it was submitted
    tries: int = 0  # since an attempt has begun further on than the one before it
    started: float | None = None  # when the attempt was first heard of
    begun_at: int = 0  # iteration at which an attempt has begun
    reached: int = 0  # iteration that was last heard of
    lost_at: int = 0  # the same of the attempt before
    is_late: bool = False
    rejected: str = ""  # why the record takes nothing more of it, so that it need not go on
    details: str = ""  # the whole story of that
    is_cancelled: bool = False
    silence: _Silence = field(default_factory=lambda: _Silence(0.0))  # since there was word of it, once started


@dataclass
class Driver:
    """Sees trials through, one wave after the other.

    Arguments:
        begin: opens the record of a trial that starts.
        end: is told of a trial whose result is recorded.
        attempts: how often a trial that is lost is tried without coming any further in between.
        deadline: seconds that an attempt may take, or None.
    """

    record: Record
    display: Display
    begin: Callable[[Trial], None]
    end: Callable[[Trial], None]
    attempts: int = 3
    deadline: float | None = None
    failed: list[Trial] = field(default_factory=list)
    moments: list[Moments] = field(default_factory=list)  # of the trials that are done, since this process began
    _cases: dict[str, _Case] = field(default_factory=dict)
    _again: list[tuple[float, Trial]] = field(default_factory=list)
    _executor: Executor | None = None
    _idle: _Silence = field(default_factory=lambda: _Silence(0.0))  # since a trial was running

    def run(self, trials: list[Trial], executor: Executor) -> None:
        """Run trials to their ends. One that fails stops none of the others.

        Raises:
            UserError: a disk is full, so that none can go on.
        """
        waiting = deque(trials)
        self._executor, self._idle = executor, _Silence(time.monotonic())
        self.display.begin_wave(len(trials))
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
                    for event in executor.wait():
                        self.handle(event)
                else:
                    time.sleep(0.1)
                self._look_at_clock(len(waiting))
        except BaseException:
            self._stop()
            raise

    def _submit(self, trial: Trial, executor: Executor) -> None:
        case = self._case(trial)
        case.attempt += 1
        case.tries += 1
        executor.submit(trial, case.attempt)

    def _case(self, trial: Trial) -> _Case:
        return self._cases.setdefault(trial.key, _Case(trial))

    def handle(self, event: Event) -> None:
        """Record and show what has happened to a trial."""
        case = self._case(event.trial)
        now = time.monotonic()
        case.silence = _Silence(now)
        if case.started is None:
            case.started = now
            self._write(case, lambda: self.begin(event.trial))
        if isinstance(event, Progressed):
            history = event.progress.history
            self._write(case, lambda: self.record.log(event.trial, history))
            self._watch(case, event.progress)
            self.display.progressed(event.trial, event.progress)
            self._stop_late(now)  # here as well, since an executor in this process returns at a trial's end alone
        elif isinstance(event, Finished):
            self._finish(case, event.result)
        elif event.is_disk_full:
            raise UserError(
                f"a disk is full ({event.trial.name}: {event.cause}); free some space and give the same command "
                f"again: it goes on where it stopped."
            )
        else:
            self._handle_failure(case, event)

    def _write(self, case: _Case, write: Callable[[], object]) -> None:
        """Write something of a trial to the record; what that rejects is this trial's failure and no other's.

        Raises:
            UserError: what concerns all trials, such as a full disk.
        """
        if case.rejected:
            return
        try:
            write()
        except Rejected as error:
            case.rejected, case.details = str(error), traceback.format_exc()
        except UserError:
            raise
        except Exception as error:
            case.rejected, case.details = f"it can't be recorded: {cause_of(error)}", traceback.format_exc()

    def _finish(self, case: _Case, result: Result) -> None:
        trial, lacking = case.trial, []
        self._cases.pop(trial.key)
        ended = since_start()
        self._write(case, lambda: lacking.append(self.record.finish(trial, result)))
        if case.rejected:
            self._fail(case, case.rejected, case.details)
            return
        if result.moments is not None:
            self.moments.append(result.moments.ending(ended))
        self.end(trial)
        self.display.finished(trial, result)
        if lacking[0]:
            self.failed.append(trial)
            self.display.say(f"failed    {trial.name}: {lacking[0]}; its numbers are recorded")

    def _fail(self, case: _Case, cause: str, details: str) -> None:
        self._cases.pop(case.trial.key, None)
        case.rejected = ""  # that it has failed may well be taken
        self._write(case, lambda: self.record.fail(case.trial, cause, details))
        self.failed.append(case.trial)
        self.display.failed(case.trial, cause)

    def _watch(self, case: _Case, progress: Progress) -> None:
        """See where an attempt begins: further on than the one before it, or over again."""
        if not progress.iterations:
            return
        if progress.begun_at > case.begun_at:
            case.tries = 1
        if case.lost_at and not progress.begun_at:
            self.display.say(
                f"starts over {case.trial.name}: it was lost at iteration {case.lost_at}, and where it runs now there "
                f"is no checkpoint of it"
            )
        case.begun_at, case.reached, case.lost_at = progress.begun_at, progress.iteration, 0

    def _handle_failure(self, case: _Case, event: Failed) -> None:
        trial, cause = event.trial, event.cause
        if case.rejected:
            self._fail(case, case.rejected, case.details)
            return
        if case.is_late:
            cause = f"it took longer than the deadline of {self.deadline:g} s"
        elif event.is_lost and case.tries < self.attempts:
            self._write(case, lambda: self.record.interrupt(trial))
            case.started, case.lost_at = None, case.reached
            pause = min(LONGEST_BACKOFF, BACKOFF * 2 ** (case.tries - 1))
            self._again.append((time.monotonic() + pause, trial))
            self.display.lost(trial, cause, case.attempt)
            return
        self._fail(case, cause, event.details)

    def _look_at_clock(self, waiting: int) -> None:
        now = time.monotonic()
        self._stop_late(now)
        self._tell_silent(waiting, now)

    def _stop_late(self, now: float) -> None:
        """Stop the trials that are past the deadline, and those that the record has rejected."""
        for case in self._cases.values():
            age = now - case.started if case.started is not None else 0.0
            case.is_late = case.is_late or (self.deadline is not None and age > self.deadline)
            if (case.is_late or case.rejected) and not case.is_cancelled and self._executor is not None:
                case.is_cancelled = True
                self._executor.cancel(case.trial)

    def _tell_silent(self, waiting: int, now: float) -> None:
        """Say which trials nothing was heard of for long, and that nothing can run, less and less often."""
        for case in self._cases.values():
            if case.started is not None and case.silence.is_long(now):
                hint = "" if self.deadline else "; `deadline:` in the suite would stop it"
                self.display.say(f"silent    {case.trial.name}: no word for {clock(now - case.silence.since)}{hint}")
        if waiting and self._idle.is_long(now):
            self.display.say(f"waiting   {waiting} trials: no node could take one for {clock(now - self._idle.since)}")

    def _stop(self) -> None:
        """Close the runs of what was running; where the record can't be written, the next run does it."""
        for case in self._cases.values():
            if case.started is not None:
                with suppress(Exception):
                    self.record.stop(case.trial)
