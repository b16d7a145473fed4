"""Run trials one after the other in this process, for debugging."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from harness.engine.events import Event, Failed, Finished, Progressed, failure
from harness.plan.budget import Cost
from harness.plan.trial import TrainingTrial, Trial
from harness.worker.context import WorkerContext
from harness.worker.execute import estimate_cost, execute_trial, run_sentinel
from harness.worker.forkserver import Job, TrialError
from harness.worker.result import Progress
from harness.worker.timing.with_sentinel import run_with_sentinel


def estimate_here(trial: TrainingTrial, context: WorkerContext) -> Cost | TrialError:
    """Measure the cost of a training trial in this process."""
    try:
        return estimate_cost(trial, context, lambda _: None)
    except Exception as error:
        return TrialError.from_exception(error)


class Stopped(BaseException):
    """The running trial was cancelled; a BaseException, so that no `except Exception` of a variant catches it."""


class _DriverError(BaseException):
    """Wraps an exception of the driver, so that it ends the run instead of failing the trial that reported."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class SerialExecutor:
    """Runs trials one after the other in this process, so that breakpoints in a variant work."""

    def __init__(self, context_of: Callable[[Trial], WorkerContext]) -> None:
        self._context_of = context_of
        self._waiting: deque[Trial] = deque()
        self._stopped: set[str] = set()  # keys of running trials that were cancelled

    @property
    def running(self) -> int:
        """See `Executor.running`."""
        return len(self._waiting)

    def choose(self, waiting: Sequence[Trial]) -> Trial | None:
        """See `Executor.choose`."""
        return waiting[0]

    def submit(self, trial: Trial, attempt: int) -> None:
        """See `Executor.submit`."""
        self._waiting.append(trial)

    def cancel(self, trial: Trial) -> None:
        """Remove a waiting trial; a running training stops at its next report, a running timing not at all."""
        if trial in self._waiting:
            self._waiting.remove(trial)
        else:
            self._stopped.add(trial.key)

    def wait(self, tell: Callable[[Event], None]) -> None:
        """Run the next trial, passing its progress to `tell` meanwhile."""
        trial = self._waiting.popleft()

        def report(progress: Progress) -> None:
            try:
                tell(Progressed(trial, progress))
            except Exception as error:
                raise _DriverError(error) from error
            if trial.key in self._stopped:
                raise Stopped

        def do(job: Job) -> Any:
            context = self._context_of(trial)
            if job == "run_sentinel" and trial.kind == "timing":
                return run_sentinel(trial, context, report)
            return execute_trial(trial, context, report)

        self._stopped.discard(trial.key)
        try:
            outcome = run_with_sentinel(trial, do)
            event: Event = failure(trial, outcome) if isinstance(outcome, TrialError) else Finished(trial, outcome)
        except _DriverError as error:
            raise error.error from None
        except Stopped:
            event = Failed(trial, "it was stopped", traceback.format_exc(), is_lost=True)
        except Exception as error:
            event = failure(trial, TrialError.from_exception(error))
        tell(event)
