"""Run trials one after the other in this process, for debugging."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from harness.engine.events import Event, Failed, Finished, Progressed, failure
from harness.plan.budget import Cost
from harness.plan.trial import Progress, Trial
from harness.worker.context import Context
from harness.worker.execute import estimate, execute, watch
from harness.worker.forkserver import Broken, Work
from harness.worker.timing.bracket import bracketed


def estimate_here(trial: Trial, context: Context) -> Cost | Broken:
    """What a training trial costs, in this process."""
    try:
        return estimate(trial, context, lambda _: None)
    except Exception as error:
        return Broken.of(error)


class Stopped(BaseException):
    """The running trial was cancelled. No variant's own `except Exception` catches it."""


class SerialExecutor:
    """An executor without processes: a breakpoint in a variant works."""

    def __init__(self, context_of: Callable[[Trial], Context], tell: Callable[[Event], None]) -> None:
        self._context_of, self._tell = context_of, tell
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
        """Take a waiting trial back; one that runs stops where it next says how far it is, a timed one not at all."""
        if trial in self._waiting:
            self._waiting.remove(trial)
        else:
            self._stopped.add(trial.key)

    def wait(self) -> list[Event]:
        """Run the next trial; its progress is told while it runs."""
        trial = self._waiting.popleft()

        def report(progress: Progress) -> None:
            self._tell(Progressed(trial, progress))
            if trial.key in self._stopped:
                raise Stopped

        def do(work: Work) -> Any:
            return (watch if work == "watch" else execute)(trial, self._context_of(trial), report)

        self._stopped.discard(trial.key)
        try:
            outcome = bracketed(trial, do)
            return [failure(trial, outcome) if isinstance(outcome, Broken) else Finished(trial, outcome)]
        except Stopped:
            return [Failed(trial, "it was stopped", traceback.format_exc(), is_lost=True)]
        except Exception as error:
            return [failure(trial, Broken.of(error))]
