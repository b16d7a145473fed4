"""Progress on the terminal: a live table, or plain lines if the output is not a terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.engine.listener import Listener
from harness.plan.trial import Trial
from harness.text import duration, plain
from harness.worker.numbers import TrainingNumbers
from harness.worker.result import Progress, Result

HEARTBEAT_SECONDS = 30.0  # between two plain lines about the same trial


@dataclass
class _Line:
    trial: Trial
    started: float
    progress: Progress
    told: float = 0.0

    @property
    def share(self) -> float:
        return self.progress.iteration / self.progress.iterations if self.progress.iterations else 0.0


@dataclass
class Display(Listener):
    """Shows the progress of a suite.

    Arguments:
        total: the number of trials to run.
    """

    console: Console
    total: int
    ended: int = 0
    _lines: dict[str, _Line] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)
    _phase: int | None = None
    _ended_before: int = 0
    _live: Live | None = None

    def __enter__(self) -> Display:
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._live = Live(console=self.console, refresh_per_second=2, get_renderable=self._table)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def begin_phase(self, count: int, *, is_last: bool = False) -> None:
        """Begin a phase of `count` trials of one kind; the time left is estimated for this phase alone.

        Arguments:
            is_last: no phase follows, so the total is corrected: a calibrated budget may find trials done already.
        """
        if is_last:
            self.total = self.ended + count
        self._phase, self._ended_before, self._started = count, self.ended, time.monotonic()

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, markup=False, emoji=False)

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """See `Listener.progressed`."""
        now = time.monotonic()
        if trial.key not in self._lines:
            self._lines[trial.key] = _Line(trial, now, progress, told=now)
            if self._live is None:
                self.say(f"started   {trial.name}")
        line = self._lines[trial.key]
        line.progress = progress
        if self._live is None and now - line.told > HEARTBEAT_SECONDS:
            line.told = now
            self.say(f"running   {trial.name}: {_state(line)} · {self._time_left()}")

    def finished(self, trial: Trial, result: Result) -> str:
        """See `Listener.finished`."""
        self._end(trial)
        self.say(f"{self._count()} {trial.name}: {summary(result)}")
        return ""

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        """See `Listener.failed`."""
        self._end(trial)
        self.say(f"{self._count()} {trial.name}: failed: {cause}")

    def lost(self, trial: Trial, cause: str, attempt: int) -> None:
        """See `Listener.lost`."""
        self._lines.pop(trial.key, None)
        self.say(f"lost      {trial.name}: {cause}; it resumes in attempt {attempt + 1}")

    def _end(self, trial: Trial) -> None:
        self._lines.pop(trial.key, None)
        self.ended += 1

    def _count(self) -> str:
        return f"[{self.ended:>{len(str(self.total))}}/{self.total}]"

    def _time_left(self) -> str:
        total = self.total if self._phase is None else self._phase
        done = self.ended - self._ended_before + sum(line.share for line in self._lines.values())
        if done < 0.5:
            return "time left unknown yet"
        elapsed = time.monotonic() - self._started
        return f"about {duration(elapsed * (total - done) / done)} left"

    def _table(self) -> Group:
        title = Text(f"{self.ended} of {self.total} trials ended · {self._time_left()}", style="italic")
        table = Table(box=None)
        table.add_column("running", no_wrap=True, overflow="ellipsis")
        states = [_state(line) for line in self._lines.values()]
        table.add_column("state", no_wrap=True, min_width=max(map(len, states), default=0))
        for line, state in zip(self._lines.values(), states, strict=True):
            table.add_row(Text(plain(line.trial.name)), state)
        return Group(title, table)


def _state(line: _Line) -> str:
    said = line.progress
    if not said.iterations:
        return f"{said.stage} {duration(time.monotonic() - line.started)}"
    text = f"{said.stage} {line.share:4.0%}"
    if said.history:
        last = said.history[-1]
        text += f" · epoch {last.epoch:.2f} · train error {last.error_percent:.1f}%"
    return text


def summary(result: Result) -> str:
    """Return a result in one line: the test errors, or the time per iteration."""
    numbers = result.numbers
    if isinstance(numbers, TrainingNumbers):
        return ", ".join(f"{score.error_percent:.2f}% wrong on {name}" for name, score in numbers.tests.items())
    steady = "" if numbers.is_steady else " (not steady)"
    return f"{numbers.median_seconds:.4f} s per iteration{steady}"
