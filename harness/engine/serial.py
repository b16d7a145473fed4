"""Run trials one after the other in this process, for debugging."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from harness.budget import Cost
from harness.engine.events import Event, Finished, Progressed, failure
from harness.running.context import Context
from harness.running.execute import estimate, execute
from harness.running.template import Broken
from harness.trial import Progress, Trial


def estimate_here(trial: Trial, context: Context) -> Cost | Broken:
    """What a training trial costs, in this process."""
    try:
        return estimate(trial, context, lambda _: None)
    except Exception as error:
        return Broken.of(error)


class SerialExecutor:
    """An executor without processes: a breakpoint in a variant works."""

    def __init__(self, context_of: Callable[[Trial], Context], tell: Callable[[Event], None]) -> None:
        self._context_of, self._tell = context_of, tell
        self._waiting: deque[Trial] = deque()

    @property
    def running(self) -> int:
        """See `Executor.running`."""
        return len(self._waiting)

    def submit(self, trial: Trial, attempt: int) -> None:
        """See `Executor.submit`."""
        self._waiting.append(trial)

    def cancel(self, trial: Trial) -> None:
        """Take a waiting trial back; one that runs can't be stopped in its own process."""
        if trial in self._waiting:
            self._waiting.remove(trial)

    def wait(self) -> list[Event]:
        """Run the next trial; its progress is told while it runs."""
        trial = self._waiting.popleft()

        def report(progress: Progress) -> None:
            self._tell(Progressed(trial, progress))

        try:
            return [Finished(trial, execute(trial, self._context_of(trial), report))]
        except Exception as error:
            return [failure(trial, Broken.of(error))]
