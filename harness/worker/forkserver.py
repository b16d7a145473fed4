"""Fresh processes in milliseconds: a template that has imported what trials need is forked for each of them.

A trial must not meet what another has left in its process, and an interpreter with torch takes seconds to start.
The template runs no trial itself. It dies with the process that asked for it, and the trial's process with the
template, however any of them ends.

python -m harness.worker.forkserver CHANNEL PARENT
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from harness.errors import cause_of, is_disk_full
from harness.plan.trial import Trial
from harness.plugins.source import engine_digest
from harness.process import die_with
from harness.worker.context import Report, WorkerContext
from harness.worker.result import Progress, Superseded

Work = Literal["execute", "estimate", "watch"]  # functions of harness.worker.execute
NEEDED = (
    "torch",
    "harness.data",
    "harness.worker.train.calibration",
    "harness.worker.timing.sentinel",
    "harness.worker.timing.timing",
    "harness.worker.train.training",
)


Kind = Literal["error", "memory", "disk", "superseded"]


@dataclass(frozen=True)
class TrialError:
    """Work that has raised an exception."""

    cause: str  # one line
    details: str  # the traceback
    kind: Kind = "error"  # memory, disk: there was not enough of it; superseded: somebody else does it

    @classmethod
    def of(cls, error: BaseException) -> TrialError:
        """What is told of an exception that is being handled."""
        return cls(cause_of(error), traceback.format_exc(), _kind_of(error))


def _kind_of(error: BaseException) -> Kind:
    if is_disk_full(error):
        return "disk"
    if isinstance(error, Superseded):
        return "superseded"
    return "memory" if _is_out_of_memory(error) else "error"


def _is_out_of_memory(error: BaseException) -> bool:
    # torch has a class of its own for a GPU's memory, and none for the processor's
    is_torchs = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or is_torchs


class WorkerDied(Exception):
    """The process that did the work has ended without a word."""


@dataclass(frozen=True)
class _Call:
    work: Work
    trial: Trial
    context: WorkerContext
    environment: dict[str, str]


@dataclass(frozen=True)
class _Ended:
    code: int  # as of subprocess: negative for a signal


class ForkServer:
    """Does work in processes of their own, one at a time. The template starts when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Connection | None = None

    def start(self) -> None:
        """Start the template, unless it is there; it gets ready while the caller goes on."""
        if self._process is not None and self._process.poll() is None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: the working directory may be that of another checkout, whose code is not this process's
            command = [sys.executable, "-P", "-m", "harness.worker.forkserver"]
            command += [str(theirs.fileno()), str(os.getpid())]
            path = os.pathsep.join(filter(None, sys.path))
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": path}
            )
        self._channel = Connection(ours.detach())

    def run(self, work: Work, trial: Trial, context: WorkerContext, report: Report) -> Any:
        """Do work in a fresh process with this process's environment.

        Returns:
            What the work returns, or `TrialError`.

        Raises:
            Lost: the process was killed, or has left without a result.
        """
        self.start()
        assert self._channel is not None
        outcome = None
        try:
            self._channel.send(_Call(work, trial, context, dict(os.environ)))
            while not isinstance(said := self._channel.recv(), _Ended):
                if isinstance(said, Progress):
                    report(said)
                else:
                    outcome = said
        except (EOFError, OSError):
            self.stop()
            raise WorkerDied("its worker was killed") from None
        if outcome is None:
            raise WorkerDied(_told(said.code))
        return outcome

    def stop(self) -> None:
        """End the template and what it is doing."""
        if self._process is not None and self._channel is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
            self._process = self._channel = None


def _told(code: int) -> str:
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process has left with exit code {code}"


def serve(channel: Connection) -> None:
    """Fork a process for each call, and say how it has ended, until nobody calls any more."""
    for module in NEEDED:
        importlib.import_module(module)
    engine_digest()  # of the files that were imported just now
    gc.collect()
    gc.freeze()  # what is shared is not touched by the collector, and so not copied
    template = os.getpid()
    while True:
        try:
            call = channel.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            die_with(template)
            _work(call, channel)
        _, status = os.waitpid(child, 0)
        channel.send(_Ended(os.waitstatus_to_exitcode(status)))


def _work(call: _Call, channel: Connection) -> None:
    """In the forked process, which does not return from here."""
    os.environ.clear()
    os.environ.update(call.environment)
    code = 1
    try:
        channel.send(_outcome(call, channel.send))
        sys.stdout.flush()
        sys.stderr.flush()
        code = 0
    finally:
        os._exit(code)


def _outcome(call: _Call, report: Report) -> object:
    from harness.worker import execute

    works: dict[Work, Callable[..., object]]
    works = {"execute": execute.execute, "estimate": execute.estimate, "watch": execute.watch}
    try:
        return works[call.work](call.trial, call.context, report)
    except BaseException as error:
        return TrialError.of(error)


if __name__ == "__main__":
    # under the name by which the other side sends its messages
    from harness.worker import forkserver as template

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; this one dies with its parent
    die_with(int(sys.argv[2]))
    template.serve(Connection(int(sys.argv[1])))
