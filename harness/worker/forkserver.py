"""A fork server: runs each trial in a fresh process, which starts in milliseconds.

A trial must not inherit another trial's state, and a new interpreter that imports torch takes seconds to start. The
fork server has imported what trials need, runs none itself, and forks once for each call. It is killed when its parent
ends, and the forked process when the fork server ends. multiprocessing's fork server can't be used: it imports
`__main__` again in each child, which is Ray's worker program.

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
from harness.worker.result import AttemptSuperseded, Progress

Job = Literal["execute_trial", "estimate_cost", "run_sentinel"]  # names of functions of harness.worker.execute
PRELOADED_MODULES = (
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
    """An exception that was raised in a trial's process."""

    cause: str  # one line
    details: str  # the traceback
    kind: Kind = "error"  # memory, disk: there was not enough; superseded: another attempt has taken over the trial

    @classmethod
    def from_exception(cls, error: BaseException) -> TrialError:
        """Build from the exception being handled."""
        return cls(cause_of(error), traceback.format_exc(), _kind_of(error))


def _kind_of(error: BaseException) -> Kind:
    if is_disk_full(error):
        return "disk"
    if isinstance(error, AttemptSuperseded):
        return "superseded"
    return "memory" if _is_out_of_memory(error) else "error"


def _is_out_of_memory(error: BaseException) -> bool:
    # torch has a class of its own for a GPU's memory, and none for the processor's
    is_torchs = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or is_torchs


class WorkerDied(Exception):
    """A trial's process, or the fork server, has ended without a result."""


@dataclass(frozen=True)
class _Call:
    job: Job
    trial: Trial
    context: WorkerContext
    environment: dict[str, str]


@dataclass(frozen=True)
class _Ended:
    code: int  # exit code; negative for a signal, as in subprocess


class ForkServer:
    """Runs each call in a freshly forked process, one at a time; the fork server starts on first use."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Connection | None = None

    def start(self) -> None:
        """Start the fork server unless it is running; it imports in the background."""
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

    def run(self, job: Job, trial: Trial, context: WorkerContext, report: Report) -> Any:
        """Call a function of `harness.worker.execute` in a fresh process with the current environment.

        Returns:
            What the function returns; `TrialError` if it raises.

        Raises:
            WorkerDied: the process was killed, or has exited without a result.
        """
        self.start()
        assert self._channel is not None
        outcome = None
        try:
            self._channel.send(_Call(job, trial, context, dict(os.environ)))
            while not isinstance(said := self._channel.recv(), _Ended):
                if isinstance(said, Progress):
                    report(said)
                else:
                    outcome = said
        except (EOFError, OSError):
            self.stop()
            raise WorkerDied("its worker was killed") from None
        if outcome is None:
            raise WorkerDied(_exit_description(said.code))
        return outcome

    def stop(self) -> None:
        """Kill the fork server and the process that it has forked."""
        if self._process is not None and self._channel is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
            self._process = self._channel = None


def _exit_description(code: int) -> str:
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process has left with exit code {code}"


def serve(channel: Connection) -> None:
    """Fork a process for each call received and send its exit code, until the channel is closed."""
    for module in PRELOADED_MODULES:
        importlib.import_module(module)
    engine_digest()  # cached: that of the files that were imported just now
    gc.collect()
    gc.freeze()  # else the collector would write to shared pages, which copies them
    server = os.getpid()
    while True:
        try:
            call = channel.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            die_with(server)
            _work(call, channel)
        _, status = os.waitpid(child, 0)
        channel.send(_Ended(os.waitstatus_to_exitcode(status)))


def _work(call: _Call, channel: Connection) -> None:
    """Do a call in the forked process and exit."""
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

    jobs: dict[Job, Callable[..., object]]
    jobs = {
        "execute_trial": execute.execute_trial,
        "estimate_cost": execute.estimate_cost,
        "run_sentinel": execute.run_sentinel,
    }
    try:
        return jobs[call.job](call.trial, call.context, report)
    except BaseException as error:
        return TrialError.from_exception(error)


if __name__ == "__main__":
    # classes of __main__ would not unpickle as those of this module
    from harness.worker import forkserver

    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all processes of a terminal; this one ends with its parent
    die_with(int(sys.argv[2]))
    forkserver.serve(Connection(int(sys.argv[1])))
