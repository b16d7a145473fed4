"""One driver at a time for a suite's experiment, wherever drivers run: a note in the experiment that keeps changing.

The lock of `harness.record.lock` keeps out a second driver on the same results folder at once. This one also sees
drivers on other machines that write to the same MLflow server. Whether a driver on this machine lives is known from its
process; of any other, from whether its note changes while one watches.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from mlflow.tracking import MlflowClient

from harness.boot import machine, started
from harness.errors import UserError

TAG = "harness.driver"
BEAT = 5.0  # seconds between two signs of life
STALE = 60.0  # seconds without one after which a driver counts as dead
SETTLE = 0.5  # seconds after which the last of several that came at once has it
GLANCE = 1.0  # seconds between two looks at another driver's note


@dataclass(frozen=True)
class Holder:
    """The driver that has the lease."""

    token: str
    host: str  # for people
    machine: str | None
    process: int
    started: int | None
    beat: int = 0  # counts its signs of life

    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine."""
        return self.machine is not None and self.machine == machine()

    def is_alive(self) -> bool:
        """Whether it is at work, if it is here."""
        return self.started is not None and started(self.process) == self.started


class Lease:
    """The right to write to an experiment.

    Arguments:
        tell: is told of what is waited for.
    """

    def __init__(self, client: MlflowClient, experiment: str, suite: str, tell: Callable[[str], None]) -> None:
        self._client, self._experiment, self._suite, self._tell = client, experiment, suite, tell
        here = machine()
        self._me = Holder(secrets.token_hex(8), platform.node(), here, os.getpid(), started(os.getpid()))
        self._is_lost = False
        self._written = _now()
        self._writing = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def acquire(self) -> None:
        """Take the lease, if need be after having watched whether the driver that has it lives.

        Raises:
            UserError: it does.
        """
        self._wait_until_free()
        self._write()
        time.sleep(SETTLE)
        self._wait_until_free()
        self._thread.start()

    def release(self) -> None:
        """Let another driver have it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(Exception):  # it goes stale all the same
            if not self._is_anothers(self._read()):
                self._client.delete_experiment_tag(self._experiment, TAG)

    def is_lost(self) -> bool:
        """Whether another driver has taken it; looked up at once if this one was silent for long enough."""
        if not self._is_lost and _now() - self._written > STALE:
            with contextlib.suppress(Exception):  # a server that is away is waited for elsewhere
                self._beat()
        return self._is_lost

    def _wait_until_free(self) -> None:
        text = self._read()
        if not self._is_anothers(text):
            return
        holder = _holder(text)
        if holder is not None and holder.is_here():
            if holder.is_alive():
                self._refuse(holder)
            return
        who = f"process {holder.process} on {holder.host}" if holder is not None else "another driver"
        self._tell(
            f"the suite '{self._suite}' was being run into this record by {who}; it is taken over if that gives no "
            f"sign of life for {STALE:.0f} s"
        )
        until = time.monotonic() + STALE
        while time.monotonic() < until:
            time.sleep(GLANCE)
            now = self._read()
            if not self._is_anothers(now):
                return
            if now != text:
                self._refuse(_holder(now))

    def _refuse(self, holder: Holder | None) -> None:
        who = f"process {holder.process} on {holder.host}" if holder is not None else "another driver"
        raise UserError(
            f"the suite '{self._suite}' is being run into this record by {who}; wait for it or stop it (a dead one is "
            f"forgotten after {STALE:.0f} s)."
        )

    def _is_anothers(self, text: str) -> bool:
        holder = _holder(text)
        return bool(text) and (holder is None or holder.token != self._me.token)

    def _read(self) -> str:
        return str(self._client.get_experiment(self._experiment).tags.get(TAG, ""))

    def _write(self) -> None:
        self._me = replace(self._me, beat=self._me.beat + 1)
        self._client.set_experiment_tag(self._experiment, TAG, json.dumps(asdict(self._me)))
        self._written = _now()

    def _beat(self) -> None:
        with self._writing:
            text = self._read()
            if self._is_anothers(text):
                self._is_lost = True
            else:
                self._write()

    def _keep(self) -> None:
        while not self._stopped.wait(BEAT) and not self._is_lost:
            with contextlib.suppress(Exception):  # a server that is away is waited for elsewhere
                self._beat()


def _holder(text: str) -> Holder | None:
    """The driver that a note tells of; None if it can't be read."""
    try:
        told = json.loads(text)
        return Holder(**{name: told[name] for name in Holder.__dataclass_fields__})
    except (TypeError, ValueError, LookupError):
        return None


def _now() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
